"""What lies in a model's folder: its description and which file holds which tensor; no tensor is read yet."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from seagull_iqa.errors import CheckpointError

MODEL_TYPE = "seagull"
PUBLIC_INDEX = "pytorch_model.bin.index.json"
CONVERTED_INDEX = "model.safetensors.index.json"
TOKENIZER_FILE = "tokenizer.model"
ADDED_TOKENS_FILE = "added_tokens.json"
CONFIG_FILE = "config.json"
ADAPTER_CONFIG = "adapter_config.json"
"""Of peft; a folder with it and without a config.json holds an adapter and names the folder of its base."""


@dataclass(frozen=True)
class Layout:
    """A folder with the full model.

    Attributes
    ----------
    folder : Path
    config : dict
        Its config.json.
    weight_map : dict of str to Path
        Tensor name -> file.
    added_tokens : dict of str to int
        Token -> id, of its added_tokens.json.
    converted : bool
        True where the weights are safetensors, False for the public `.bin` shards.
    adapter : Path or None
        Folder with an adapter that changes these weights as they are read.
    """

    folder: Path
    config: dict[str, Any]
    weight_map: dict[str, Path]
    added_tokens: dict[str, int]
    converted: bool
    adapter: Path | None = None

    @property
    def weight_files(self) -> tuple[Path, ...]:
        """The files of the weights, in the order of their names."""
        return tuple(sorted(set(self.weight_map.values())))

    @property
    def tokenizer(self) -> Path:
        """The sentencepiece model."""
        return self.folder / TOKENIZER_FILE


def is_seagull_folder(path: Path) -> bool:
    """True where `path` is a folder whose config.json says that it holds the full model, or an adapter to it."""
    if is_adapter(path):
        return True
    try:
        config = json.loads((path / CONFIG_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(config, dict) and config.get("model_type") == MODEL_TYPE


def read_layout(folder: Path) -> Layout:
    """Read what lies in the folder, in the public layout or as `seagull models convert` writes it.

    Of a folder with an adapter: what lies in its base's, and the adapter.

    Raises
    ------
    CheckpointError
        A file is missing or cannot be read; the message names it.
    """
    if is_adapter(folder):
        return replace(read_layout(_base_of(folder)), adapter=folder)
    config = _json(folder / CONFIG_FILE)
    if config.get("model_type") != MODEL_TYPE:
        raise CheckpointError(
            f"{folder.name} holds a model of type '{config.get('model_type')}', not '{MODEL_TYPE}'.",
            "Name a folder with the SEAGULL-7B checkpoint.",
        )
    converted = (folder / CONVERTED_INDEX).is_file()
    index = _json(folder / (CONVERTED_INDEX if converted else PUBLIC_INDEX))
    weight_map = {str(key): _inside(folder, name) for key, name in _mapping(index, folder).items()}
    _check_present(folder, [*sorted(set(weight_map.values())), folder / TOKENIZER_FILE])
    added = _json(folder / ADDED_TOKENS_FILE)
    if not all(isinstance(number, int) and number >= 0 for number in added.values()):
        raise CheckpointError(f"{ADDED_TOKENS_FILE} does not number its tokens.", "Fetch the model again.")
    return Layout(folder, config, weight_map, added, converted)


def is_adapter(folder: Path) -> bool:
    """True for a folder that changes the weights of another model."""
    return (folder / ADAPTER_CONFIG).is_file() and not (folder / CONFIG_FILE).is_file()


def _base_of(folder: Path) -> Path:
    """The base's folder, absolute or relative to the adapter's."""
    named = _json(folder / ADAPTER_CONFIG).get("base_model_name_or_path")
    base = folder / str(named or "")
    if not named or not (base / CONFIG_FILE).is_file():
        raise CheckpointError(
            f"The adapter in {folder} is for a model in {named}, which is not there.",
            f"Put the folder of its model into {ADAPTER_CONFIG} as base_model_name_or_path.",
        )
    return base.resolve()


def _mapping(index: dict[str, Any], folder: Path) -> dict[str, Any]:
    found = index.get("weight_map")
    if not isinstance(found, dict) or not found:
        raise CheckpointError(f"The index of the weights in {folder.name} names no tensor.", "Fetch the model again.")
    return found


def _inside(folder: Path, name: object) -> Path:
    """A file of that folder; an index that points elsewhere is refused."""
    if not isinstance(name, str) or Path(name).name != name or name in ("", ".."):
        raise CheckpointError(f"The index of the weights names the file {name!r}.", "Fetch the model again.")
    return folder / name


def _check_present(folder: Path, files: list[Path]) -> None:
    missing = [path.name for path in files if not path.is_file()]
    if missing:
        raise CheckpointError(
            f"The folder {folder} lacks {', '.join(missing)}.",
            "Fetch the model again; a download goes on where it was.",
        )


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CheckpointError(
            f"The folder {path.parent} lacks {path.name}.", "Name a folder with the SEAGULL-7B checkpoint."
        ) from error
    except ValueError as error:
        raise CheckpointError(f"{path.name} is not JSON: {error}.", "Fetch the model again.") from error
    if not isinstance(found, dict):
        raise CheckpointError(f"{path.name} is not a JSON object.", "Fetch the model again.")
    return found
