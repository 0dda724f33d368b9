"""What people said of regions, gathered for fine-tuning: for each image a session file, and the very pixels beside it.

`0001.seagull.json` with `0001.png`, `0002...`: readable, versioned and bounded as session files are. Every region comes
along, labelled or not, since those without a label may be suggested; every annotator's word is kept by itself.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from seagull_iqa.domain.annotation import Preference
from seagull_iqa.errors import LimitError
from seagull_iqa.formats.export import Export
from seagull_iqa.formats.reading import FormatError
from seagull_iqa.formats.session_document import SessionDocument, SessionRegion
from seagull_iqa.formats.session_file import SUFFIX, read_session, write_session
from seagull_iqa.imaging.prepared import PreparedImage
from seagull_iqa.imaging.saving import png_bytes, save_bytes

MOST_IMAGES = 2_000
MOST_BYTES = 2 * 1024**3
"""Of a label set, unpacked."""


@dataclass(frozen=True, eq=False)
class LabelledImage:
    """One image of the set: what is said of it, and the file with its pixels."""

    document: SessionDocument
    pixels: Path

    @property
    def sha256(self) -> str:
        """Content hash of the pixels that were judged."""
        return "" if self.document.image is None else self.document.image.sha256


@dataclass(frozen=True, eq=False)
class LabelSet:
    """What there is to learn from.

    Attributes
    ----------
    images : tuple of LabelledImage
    """

    images: tuple[LabelledImage, ...]

    @cached_property
    def regions(self) -> Mapping[str, tuple[int, SessionRegion]]:
        """Id of a region -> number of its image, and the region; each id once."""
        found: dict[str, tuple[int, SessionRegion]] = {}
        for number, one in enumerate(self.images):
            for region in one.document.regions:
                found.setdefault(region.id, (number, region))
        return found

    @cached_property
    def preferences(self) -> tuple[Preference, ...]:
        """Comparisons of regions that are both here, each once."""
        known = {one.id: one for image in self.images for one in image.document.preferences}
        return tuple(one for one in known.values() if one.better in self.regions and one.worse in self.regions)


def write_label_set(folder: Path, exports: Sequence[Export], known: Path | None = None) -> None:
    """Write sessions with their images; one that is given without pixels is left out, and so are other planes of it.

    Parameters
    ----------
    folder : Path
    exports : sequence of Export
    known : Path, optional
        A folder on the same disk in which images are kept from one set to the next, so that each is packed once.

    Raises
    ------
    FormatError
        No image is left.
    SeagullError
        It cannot be written.
    """
    number = 0
    for number, (document, image) in enumerate(_documents(exports), 1):
        _put_pixels(folder / f"{number:04d}.png", image, known)
        write_session(folder / f"{number:04d}{SUFFIX}", document)
    if not number:
        raise FormatError("There is no labelled image to learn from.", "Label some regions first.")


def label_set_of(exports: Sequence[Export]) -> LabelSet:
    """As a set that was written would be read, without its pixels: for counting what is said."""
    return LabelSet(tuple(LabelledImage(document, Path()) for document, _image in _documents(exports)))


def _documents(exports: Sequence[Export]) -> Iterator[tuple[SessionDocument, PreparedImage]]:
    """What is written of each; the first takes all comparisons along, since they lie between images too."""
    preferences = tuple({one.id: one for export in exports for one in export.document.preferences}.values())
    for export in exports:
        image = export.image
        if image is None or export.document.image is None:
            continue
        here = tuple(one for one in export.document.regions if one.plane == image.pixels.plane)
        ids = {one.id for one in here}
        document = replace(
            export.document,
            image=replace(export.document.image, shape=image.shape, sha256=image.sha256, path="", relative=""),
            regions=here,
            reports=tuple(one for one in export.document.reports if one.report.region in ids),
            annotations=tuple(one for one in export.document.annotations if one.region in ids),
            preferences=preferences,
        )
        preferences = ()
        yield document, image


def _put_pixels(path: Path, image: PreparedImage, known: Path | None) -> None:
    kept = None if known is None else known / f"{image.sha256}.png"
    if kept is None or not image.sha256:
        save_bytes(path, png_bytes(image.rgb))
        return
    if not kept.is_file():
        save_bytes(kept, png_bytes(image.rgb))
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(kept, path)
    except OSError:
        shutil.copyfile(kept, path)


def read_label_set(folder: Path) -> LabelSet:
    """Read a set; nothing of it is trusted.

    Raises
    ------
    FormatError
        A file is missing, or is not what it should be.
    LimitError
        There are too many.
    """
    files = sorted(folder.glob(f"*{SUFFIX}"))
    if not files:
        raise FormatError(f"{folder.name} holds no labels.", "Gather them again.")
    if len(files) > MOST_IMAGES:
        raise LimitError(f"There are labels of more than {MOST_IMAGES:,} images.", "Learn from fewer at a time.")
    images = []
    for file in files:
        pixels = file.with_name(file.name.removesuffix(SUFFIX) + ".png")
        if not pixels.is_file():
            raise FormatError(f"The image of {file.name} is missing.", "Gather the labels again.")
        images.append(LabelledImage(read_session(file), pixels))
    return LabelSet(tuple(images))


def packed(folder: Path, archive: Path) -> str:
    """Put a set into one zip file; its SHA-256."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as made:
        for path in sorted(folder.iterdir()):
            # A fixed time: the same labels give the same file, which a server knows again.
            entry = zipfile.ZipInfo(path.name, (1980, 1, 1, 0, 0, 0))
            made.writestr(entry, path.read_bytes())
    return hashlib.sha256(archive.read_bytes()).hexdigest()


def unpacked(archive: Path, folder: Path) -> None:
    """Take a set out of a zip file, whole or not at all; only names of our own kind leave it.

    Raises
    ------
    FormatError
        It is no zip file, or holds something else.
    LimitError
        It would unpack to too much.
    """
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        with zipfile.ZipFile(archive) as found:
            entries = found.infolist()
            if len(entries) > 2 * MOST_IMAGES or sum(one.file_size for one in entries) > MOST_BYTES:
                raise LimitError("The labels take too much room.", "Learn from fewer images at a time.")
            for one in entries:
                stem = one.filename.removesuffix(SUFFIX).removesuffix(".png")
                if not (stem.isascii() and stem.isdigit() and len(stem) == 4) or one.filename == stem:
                    raise FormatError("The file is no set of labels.", "Gather the labels again.")
                with found.open(one) as source, (part / one.filename).open("wb") as target:
                    left = one.file_size
                    while left > 0 and (block := source.read(min(left, 1 << 20))):
                        target.write(block)
                        left -= len(block)
        shutil.rmtree(folder, ignore_errors=True)
        part.rename(folder)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, UnicodeError, OSError) as error:
        raise FormatError("The set of labels came damaged.", "Send it again.") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
