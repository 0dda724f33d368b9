"""Make the engine of a name or of a path; what needs torch is imported only then."""

from __future__ import annotations

from pathlib import Path

from seagull_iqa.domain.prompts import EngineName
from seagull_iqa.errors import UnknownModelError
from seagull_iqa.segmenting.interface import SegmentEngine

_CONFIG = "config.json"


def make_engine(name: str, *, device: str = "cpu", folder: Path | None = None) -> SegmentEngine:
    """The engine of that name, ready to look.

    Parameters
    ----------
    name : str
        "region-tree", a name that `hub.segmenters` lists, or the path of a checkpoint `.pth` or of a folder with
        config.json and model.safetensors.
    device : str
        "cpu", "cuda", "cuda:1", "mps"; the region tree computes on the CPU wherever it is asked.
    folder : Path, optional
        Where the weights of that name lie; `hub.segmenters.engine_folder` knows.

    Raises
    ------
    UnknownModelError
        There are no weights at that place.
    CheckpointError
        They are not those of an engine.
    BackendMissingError
        A package is not installed.
    OutOfMemoryError
    """
    if name == EngineName.TREE:
        from seagull_iqa.segmenting.tree_engine import TreeEngine

        return TreeEngine()
    place = (folder or Path(name)).expanduser()
    called = name if folder else place.stem if place.is_file() else place.name
    if (place / _CONFIG).is_file():
        from seagull_iqa.segmenting.transformers_sam import load_transformers

        return load_transformers(place, name=called, device=device)
    checkpoint = place if place.is_file() else next(iter(sorted(place.glob("*.pth"))), None)
    if checkpoint is None:
        if folder is not None:
            raise UnknownModelError(f"The weights of {name} are not here.", f"Run `seagull models download {name}`.")
        raise UnknownModelError(
            f"There are no weights of an engine at {place}.", "`seagull models list` shows the engines by name."
        )
    from seagull_iqa.segmenting.original_sam import load_original

    return load_original(checkpoint, name=called, device=device)
