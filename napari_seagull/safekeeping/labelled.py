"""What people have labelled, image by image: a session with the very pixels that were judged, or why they are gone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from napari_seagull.safekeeping.places import Place
from seagull_iqa.errors import SeagullError
from seagull_iqa.formats.journal import recover
from seagull_iqa.formats.session_document import Plane, SessionDocument
from seagull_iqa.formats.session_file import SUFFIX
from seagull_iqa.formats.session_pixels import check_pixels, planes_of, read_pixels
from seagull_iqa.imaging.prepared import PreparedImage

MOST_FILES = 2_000
"""Most session files that a folder gives."""

AtHand = Callable[[str, Plane], PreparedImage | None]
"""Given a content hash and a plane: these pixels, where the window has them."""


@dataclass(frozen=True, eq=False)
class Labelled:
    """One image with what people said of its regions.

    Attributes
    ----------
    key : str
        Path of the session file; "" for what lies on the table.
    name : str
        Of the image.
    document : SessionDocument or None
        All that is known of it; None where the file cannot be read.
    images : tuple of PreparedImage
        The planes whose pixels are there.
    problem : str
        One sentence where something cannot be used; "" where everything can.
    """

    key: str
    name: str
    document: SessionDocument | None = None
    images: tuple[PreparedImage, ...] = ()
    problem: str = ""

    @property
    def labels(self) -> int:
        """Regions that somebody has said something of, on planes whose pixels are there."""
        if self.document is None:
            return 0
        planes = {image.pixels.plane for image in self.images}
        return sum(
            1 for one in self.document.regions
            if one.plane in planes and any(not said.says_nothing for said in self.document.counting(one.id))
        )  # fmt: skip

    @property
    def words(self) -> str:
        """What it gives, in words."""
        if not self.labels and self.problem:
            return self.problem
        said = f"{self.labels} labelled region{'' if self.labels == 1 else 's'}"
        return f"{said}. {self.problem}" if self.problem else said


def session_files(paths: Iterable[Path]) -> list[Path]:
    """The session files among these files, and in these folders and below, each once."""
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            for number, one in enumerate(sorted(path.rglob(f"*{SUFFIX}"))):
                if number >= MOST_FILES:
                    break
                found[one.absolute()] = None
        else:
            found[path.absolute()] = None
    return list(found)


def read_labelled(path: Path, at_hand: AtHand) -> Labelled:
    """Read a session file, its journal and its image; whatever is wrong becomes a sentence."""
    place = Place(path)
    try:
        document = recover(place.side_car, place.journal).document
    except SeagullError as error:
        return Labelled(str(path), path.name, problem=str(error))
    if document is None or document.image is None:
        return Labelled(str(path), path.name, problem=f"{path.name} is not there any more. Leave it out.")
    return labelled(str(path), document, at_hand, lambda plane: read_pixels(document, path, plane))


def labelled(
    key: str,
    document: SessionDocument,
    at_hand: AtHand,
    read: Callable[[Plane], PreparedImage],
) -> Labelled:
    """What a session says, with the pixels of each plane that has labels."""
    facts = document.image
    if facts is None:
        return Labelled(key, "", document, problem="The session has no image.")
    name = facts.name or Path(key).name
    known = {facts.pixels.plane: facts.sha256, **dict(facts.planes)}
    images, problems = list[PreparedImage](), dict[str, None]()
    for plane in planes_of(document):
        sha256 = known.get(plane, "")
        image = at_hand(sha256, plane) if sha256 else None
        try:
            images.append(image if image is not None else check_pixels(read(plane), document, name))
        except SeagullError as error:
            problems[str(error)] = None
    return Labelled(key, name, document, tuple(images), " ".join(list(problems)[:1]))
