"""Turn the public `.bin` shards into safetensors, which load faster and can hold nothing but numbers."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor

from seagull_iqa.domain.progress import Progress, ProgressCallback, ignore_progress
from seagull_iqa.errors import CheckpointError
from seagull_iqa.models.full.checkpoint import check_keys, stored_shapes, stored_tensors
from seagull_iqa.models.full.config import config_of
from seagull_iqa.models.full.identity import ORIGIN_FILE, SOURCE_FILE, card_of
from seagull_iqa.models.full.layout import CONFIG_FILE, CONVERTED_INDEX, Layout, read_layout
from seagull_iqa.models.full.network import empty_network, expected_shapes, is_unused

SHARD_BYTES = 4 * 2**30
"""Size at which a new file is begun."""

_KEPT_FILES = (
    CONFIG_FILE,
    "generation_config.json",
    "added_tokens.json",
    "special_tokens_map.json",
    "tokenizer.model",
    "tokenizer_config.json",
)


def convert(source: Path, target: Path, *, progress: ProgressCallback = ignore_progress) -> Path:
    """Write the checkpoint in `source` as sharded safetensors into the new folder `target`.

    Names and numbers stay as they are; tensors that no computation reads are left out. The folder appears when all of
    it is written.

    Raises
    ------
    CheckpointError
        The source is no such checkpoint, or the target is there already or cannot be written.
    """
    layout = read_layout(source)
    _check_target(target)
    shapes = stored_shapes(layout)
    network = empty_network(config_of(layout.config, shapes))
    check_keys(expected_shapes(network), shapes)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _check_room(layout, target.parent)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".seagull-") as begun:
            folder = Path(begun) / "model"
            folder.mkdir()
            _write(layout, folder, len(shapes), progress)
            folder.rename(target)
    except OSError as error:
        raise CheckpointError(f"{target} cannot be written: {error}.", "Choose another folder.") from error
    return target


def _check_target(target: Path) -> None:
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise CheckpointError(f"{target} is there already.", "Name a folder that is not there yet.")
    if target.is_dir():
        target.rmdir()


def _check_room(layout: Layout, parent: Path) -> None:
    needed = sum(path.stat().st_size for path in layout.weight_files)
    free = shutil.disk_usage(parent).free
    if free < needed:
        raise CheckpointError(
            f"The converted model takes up to {needed / 1e9:.1f} GB, and {parent} has {free / 1e9:.1f} GB free.",
            "Make room, or choose a folder on another disk.",
        )


@dataclass
class _Shards:
    """Tensors on their way into files of about equal size."""

    folder: Path
    waiting: dict[str, Tensor] = field(default_factory=dict)
    files: list[list[str]] = field(default_factory=list)
    total: int = 0

    def add(self, name: str, tensor: Tensor) -> None:
        if self.waiting and sum(one.nbytes for one in self.waiting.values()) + tensor.nbytes > SHARD_BYTES:
            self.flush()
        self.waiting[name] = tensor.contiguous()
        self.total += tensor.nbytes

    def flush(self) -> None:
        save_file(self.waiting, self.folder / f"{len(self.files)}.part", metadata={"format": "pt"})
        self.files.append(list(self.waiting))
        self.waiting = {}

    def finish(self) -> dict[str, str]:
        """Name the files after their number in all; name of tensor -> name of file."""
        self.flush()
        found: dict[str, str] = {}
        for index, names in enumerate(self.files):
            file = f"model-{index + 1:05d}-of-{len(self.files):05d}.safetensors"
            (self.folder / f"{index}.part").rename(self.folder / file)
            found.update(dict.fromkeys(names, file))
        return found


def _write(layout: Layout, folder: Path, count: int, progress: ProgressCallback) -> None:
    write_tensors(layout, stored_tensors(layout), folder, count, progress)
    if layout.adapter is None and (layout.folder / ORIGIN_FILE).is_file():
        shutil.copyfile(layout.folder / ORIGIN_FILE, folder / ORIGIN_FILE)
    card = card_of(layout, 0)
    source = {"id": card.id, "licence": card.licence, "trained_on": card.trained_on, "sha256": card.sha256}
    (folder / SOURCE_FILE).write_text(json.dumps(source, indent=2), encoding="utf-8")
    progress(Progress(count, count, "writing safetensors"))


def write_tensors(
    layout: Layout, tensors: Iterable[tuple[str, Tensor]], folder: Path, count: int, progress: ProgressCallback
) -> None:
    """Write tensors, by their public names, and the words and sizes of that layout, into a folder that is there."""
    shards = _Shards(folder)
    for index, (name, tensor) in enumerate(tensors):
        progress(Progress(index, count, "writing safetensors"))
        if not is_unused(name):
            shards.add(name, tensor)
    weight_map = shards.finish()
    index_text = json.dumps({"metadata": {"total_size": shards.total}, "weight_map": weight_map}, indent=2)
    (folder / CONVERTED_INDEX).write_text(index_text, encoding="utf-8")
    for name in _KEPT_FILES:
        if (layout.folder / name).is_file():
            shutil.copyfile(layout.folder / name, folder / name)
