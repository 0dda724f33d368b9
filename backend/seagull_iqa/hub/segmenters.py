"""The engines that find regions, as things stand on this machine: present or not, ready or why not, and their cost."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from seagull_iqa.domain.model_offer import ModelOffer, OfferState
from seagull_iqa.domain.prompts import EngineName, EngineState
from seagull_iqa.errors import CheckpointError, UnknownModelError
from seagull_iqa.hub.amounts import folder_bytes, gigabytes
from seagull_iqa.hub.catalogue import model_home, offers, state_of
from seagull_iqa.hub.manifest import read_manifest, sizes_match
from seagull_iqa.hub.segmenter_sources import SEGMENTERS, Segmenter

TREE = EngineName.TREE.value
_TREE_TITLE = "Regions by colour, texture and edges, without weights; on any processor"
_OLDEST = {"transformers": 5}
"""Major versions from which on all of these networks are known."""


def segmenter_offers() -> list[ModelOffer]:
    """Every engine by name: where its weights are or would be, and what a download costs."""
    tree = ModelOffer(TREE, _TREE_TITLE, "Apache-2.0, like this program.", OfferState.SHIPPED)
    return [tree, *(_offer(name, one) for name, one in SEGMENTERS.items())]


def _offer(name: str, one: Segmenter) -> ModelOffer:
    folder = engine_folder(name)
    return ModelOffer(
        name=name,
        title=one.title,
        licence=one.licence,
        state=state_at(name, folder),
        source=one.source.page,
        revision=_revision(folder),
        path=str(folder),
        download_bytes=one.source.nbytes,
        present_bytes=folder_bytes(folder),
    )


def _revision(folder: Path) -> str:
    try:
        manifest = read_manifest(folder)
    except CheckpointError:
        return ""
    return "" if manifest is None else manifest.revision


def any_offer(name: str) -> ModelOffer:
    """The model or the engine of that name.

    Raises
    ------
    UnknownModelError
        There is none; lists those there are.
    """
    found = {one.name: one for one in (*offers(), *segmenter_offers())}
    if name not in found:
        raise UnknownModelError(f"There is no model '{name}'.", f"Use one of {', '.join(found)}.")
    return found[name]


def engine_folder(name: str) -> Path:
    """Folder of an engine's weights, whether they are there or not: what `make_engine` wants."""
    return model_home() / name


def state_at(name: str, folder: Path) -> OfferState:
    """Whether a folder holds all of a model or an engine, a part of it, or nothing; by names and sizes.

    Files that a person put there without a manifest count.
    """
    if name not in SEGMENTERS:
        return state_of(folder)
    if not folder_bytes(folder):
        return OfferState.ABSENT
    try:
        manifest = read_manifest(folder)
    except CheckpointError:
        return OfferState.PARTIAL
    if manifest is not None:
        whole = sizes_match(folder, manifest)
    else:
        whole = all((folder / file).is_file() for file in SEGMENTERS[name].source.needed)
    return OfferState.READY if whole else OfferState.PARTIAL


def checksum(name: str) -> str:
    """SHA-256 of an engine's weights in hex: as they came, else as they are pinned; "" where only the hub knows it."""
    one = SEGMENTERS.get(name)
    if one is None:
        return ""
    try:
        manifest = read_manifest(engine_folder(name))
    except CheckpointError:
        manifest = None
    if manifest is not None and one.weights in manifest.files:
        return manifest.files[one.weights].sha256
    return one.source.pinned.get(one.weights, "")


def engine_states(*, quick: bool = False) -> list[EngineState]:
    """Every engine by name, the region tree first.

    Parameters
    ----------
    quick : bool
        A GPU computes, so that a SAM answers while the pointer moves; on a CPU a click takes it a third of a second.
    """
    why_not = missing(("skimage",), "backend")
    tree = EngineState(TREE, _TREE_TITLE, ready=not why_not, why_not=why_not, hover=True)
    return [tree, *(_state(name, one, quick=quick) for name, one in SEGMENTERS.items())]


def _state(name: str, one: Segmenter, *, quick: bool) -> EngineState:
    why_not = missing(one.packages, "sam")
    if state_at(name, engine_folder(name)) is not OfferState.READY:
        size = gigabytes(one.source.nbytes)
        why_not = f"Its weights are not here ({size}): run `seagull models download {name}`. {why_not}".strip()
    return EngineState(name, one.title, ready=not why_not, why_not=why_not, hover=quick)


def missing(packages: tuple[str, ...], extra: str) -> str:
    """What to install for want of a package, or of a version of it; "" where all are there."""
    for package in packages:
        if find_spec(package) is None:
            return f'The package {package} is missing: run `pip install "napari-seagull[{extra}]"`.'
        if package in _OLDEST and _major(package) < _OLDEST[package]:
            return f"The package {package} is too old: run `pip install --upgrade {package}`."
    return ""


def _major(package: str) -> int:
    try:
        major = version(package).partition(".")[0]
    except PackageNotFoundError:
        return 0
    return int(major) if major.isdigit() else 0
