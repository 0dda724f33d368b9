"""Look over the files of a full model: their origin, whether they are the published ones, and what they hold."""

from __future__ import annotations

from seagull_iqa.domain.progress import Progress, ProgressCallback
from seagull_iqa.hub.checks import Check, Outcome
from seagull_iqa.hub.manifest import MANIFEST, read_manifest, sha256_of
from seagull_iqa.hub.memory import PUBLIC_CONFIG
from seagull_iqa.hub.sources import SOURCES
from seagull_iqa.models.full.layout import Layout

PUBLIC_KEYS = 742
_FULL = "seagull-7b"


def look_over(layout: Layout, progress: ProgressCallback) -> list[Check]:
    """Origin, hashes and keys of a folder; reads every byte of it.

    Raises
    ------
    CheckpointError
        The manifest cannot be read.
    """
    return [_origin(layout), _hashes(layout, progress), _keys(layout)]


def _origin(layout: Layout) -> Check:
    manifest, pinned = read_manifest(layout.folder), SOURCES[_FULL]
    if manifest is None:
        return Check("origin", Outcome.NOT_APPLICABLE, f"unknown origin: the folder holds no {MANIFEST}")
    right = manifest.repo == pinned.repo and manifest.revision.startswith(pinned.revision)
    said = f"{manifest.repo} at {manifest.revision}, {manifest.date}"
    return Check("origin", Outcome.OK if right else Outcome.FAILED, said if right else f"{said}; not what is pinned")


def _hashes(layout: Layout, progress: ProgressCallback) -> Check:
    promised = _promised(layout)
    if not promised:
        return Check("hashes", Outcome.NOT_APPLICABLE, "nothing is known that they could be compared with")
    wrong = [name for name, sha in promised.items() if _sha256(layout, name, progress) != sha]
    if wrong:
        return Check("hashes", Outcome.FAILED, f"SHA-256 differs: {', '.join(wrong)}")
    pinned = ", one of them as pinned in this program" if SOURCES[_FULL].pinned.keys() & promised.keys() else ""
    return Check("hashes", Outcome.OK, f"SHA-256 of {len(promised)} files as the hub gave it{pinned}")


def _promised(layout: Layout) -> dict[str, str]:
    """File name -> SHA-256 that it should have."""
    manifest = read_manifest(layout.folder)
    if manifest is None:
        return {}
    promised = {name: entry.sha256 for name, entry in manifest.files.items()}
    if layout.converted:
        # Of what it was made of only the small files are still there.
        return {name: sha for name, sha in promised.items() if (layout.folder / name).is_file()}
    return promised | dict(SOURCES[_FULL].pinned if manifest.repo == SOURCES[_FULL].repo else {})


def _sha256(layout: Layout, name: str, progress: ProgressCallback) -> str:
    path = layout.folder / name
    if not path.is_file():
        return ""
    total, read = path.stat().st_size, 0

    def tick(count: int) -> None:
        nonlocal read
        read += count
        progress(Progress(read // 2**20, total // 2**20, f"hashing {name}, MiB"))

    return sha256_of(path, tick)


def is_public_shape(layout: Layout) -> bool:
    """True where config.json says the sizes of the public model."""
    return all(layout.config.get(key) == value for key, value in PUBLIC_CONFIG.items())


def _keys(layout: Layout) -> Check:
    count = len(layout.weight_map)
    if layout.converted or not is_public_shape(layout):
        why = "converted, unused ones left out" if layout.converted else "not of the public model's size"
        return Check("keys", Outcome.NOT_APPLICABLE, f"{count} tensors; {why}")
    outcome = Outcome.OK if count == PUBLIC_KEYS else Outcome.FAILED
    return Check("keys", outcome, f"{count} tensors of {PUBLIC_KEYS}")
