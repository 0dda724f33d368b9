"""Have the photographs that may be passed on in a folder of yours: from a mirror, or from their makers' own files."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from seagull_iqa.data.catalogue import Catalogue, CatalogueFile, CatalogueSet, read_catalogue
from seagull_iqa.data.mirror import FolderMirror, NotThereError, WebMirror, is_address, is_whole
from seagull_iqa.domain.progress import Progress, ProgressCallback, ignore_progress
from seagull_iqa.errors import SeagullError
from seagull_iqa.imaging.saving import save_text

MIRROR_VARIABLE = "SEAGULL_DATA_MIRROR"
"""Names the address or folder that files come from where none is given."""


@dataclass(frozen=True)
class FetchSpec:
    """What to fetch, from where and to where.

    Attributes
    ----------
    name : str
        A set of the catalogue.
    out : Path
        The data folder; photographs go into photos/ below it.
    origin : str or None
        An address below which our files lie under their paths, or a folder of this machine with them or with their
        makers' own images. None = only say what is here already.
    offline : bool
        Ask no address.
    """

    name: str
    out: Path
    origin: str | None = None
    offline: bool = False


@dataclass(frozen=True)
class Fetched:
    """How it ended.

    Attributes
    ----------
    here, fetched : int
        Files that are here now, and how many of them came by this call.
    missing : tuple of str
        Paths of the files that the place does not have.
    """

    here: int
    fetched: int
    missing: tuple[str, ...]


def fetch(
    spec: FetchSpec, *, catalogue: Catalogue | None = None, progress: ProgressCallback = ignore_progress
) -> Fetched:
    """Fetch a set; what is here and right is not fetched again, and a file is right before it gets its name.

    Parameters
    ----------
    spec : FetchSpec
    catalogue : Catalogue, optional
        By default the one in this package.
    progress : callable
        Counts bytes. Cancels by raising: what has come stays, and the next call goes on from there.

    Raises
    ------
    SeagullError
        No such set, no place to fetch from, offline mode, or a folder that cannot be written.
    BackendUnreachableError
        The address cannot be reached any more.
    """
    known = catalogue or read_catalogue()
    wanted = known.find(spec.name)
    lacking = [one for one in wanted.files if not is_whole(spec.out / one.path, one)]
    missing: list[str] = []
    try:
        if lacking:
            missing = _fetch_all(spec, known, wanted, lacking, progress)
    finally:
        # Whatever came is listed, also after a cancelled or broken run.
        _write_lists(wanted, known, spec.out)
    return Fetched(len(wanted.files) - len(missing), len(lacking) - len(missing), tuple(missing))


def _fetch_all(
    spec: FetchSpec, known: Catalogue, wanted: CatalogueSet, lacking: list[CatalogueFile], progress: ProgressCallback
) -> list[str]:
    mirror = _mirror(spec, known, wanted)
    total, missing = wanted.nbytes, list[str]()
    done = total - sum(one.nbytes for one in lacking)
    try:
        for one in lacking:
            target = spec.out / one.path
            _make(target.parent)

            def tick(here: int, before: int = done, name: str = target.name) -> None:
                progress(Progress(before + here, total, name))

            try:
                mirror.fetch(one, target, tick)
            except NotThereError:
                missing.append(one.path)
            except OSError as error:
                raise SeagullError(
                    f"{target} cannot be written ({error.strerror or error}).", "Choose a folder that you may write to."
                ) from error
            done += one.nbytes
    finally:
        mirror.close()
    return missing


def _mirror(spec: FetchSpec, known: Catalogue, wanted: CatalogueSet) -> FolderMirror | WebMirror:
    if spec.origin is None:
        first = next(iter(known.origins(wanted).values()))
        raise SeagullError(
            f"There is no public mirror of {spec.name} yet, so say where its files are with --from.",
            f"Most are of {first.title}, {first.address}. {first.how} `seagull data fetch list` names all sources.",
        )
    if not is_address(spec.origin):
        folder = Path(spec.origin)
        if not folder.is_dir():
            raise SeagullError(f"{spec.origin} is neither a folder nor an address.", "Give a folder or http(s)://...")
        return FolderMirror(folder)
    if spec.offline:
        raise SeagullError("Offline mode is on: nothing is downloaded.", "Give a folder with --from, or go online.")
    return WebMirror(spec.origin)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SeagullError(
            f"The folder {folder} cannot be made ({error.strerror}).", "Choose one that you may write to."
        ) from error


def _write_lists(wanted: CatalogueSet, known: Catalogue, out: Path) -> None:
    """The list beside the images, with a row for every file of the list that is here, and the notices."""
    siblings = [each for each in known.sets.values() if each.list_path == wanted.list_path]
    paths = {one.path: one.row for each in siblings for one in each.files}
    here = {row["file"]: row for path, row in paths.items() if (out / path).is_file()}
    target = out / wanted.list_path
    if here:
        before = _rows(target)
        rows = [*before, *(row for name, row in sorted(here.items()) if name not in {one["file"] for one in before})]
        if rows != before:
            save_text(target, _csv(rows))
        for path, text in wanted.notices.items():
            save_text(out / path, text)


def _rows(path: Path) -> list[Mapping[str, str]]:
    """What stands in a list already, which may be more than the catalogue knows: it is kept."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8-sig") as file:
        return [row for row in csv.DictReader(file) if row.get("file")]


def _csv(rows: Sequence[Mapping[str, str]]) -> str:
    buffer = io.StringIO()
    columns = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(buffer, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()
