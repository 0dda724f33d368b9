"""The registry of fine-tuned models: a folder each, with safetensors and a card; listed, exported, taken in, deleted.

A model of mini's kind has weights of its own. One of the full model has adapters, in peft's layout, which name the
folder of their base. A model leaves as one file, a zip with what lies in its folder; what is taken in is checked before
anything of it is kept: names, sizes, the header of the weights, that they are the ones the card speaks of, and that the
base of adapters is here. Nothing of it is ever run.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import struct
import uuid
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from seagull_iqa.domain.fine_tuning import BeforeAfter
from seagull_iqa.domain.model_offer import MemoryNeed, ModelOffer, OfferState
from seagull_iqa.domain.precision import Precision
from seagull_iqa.domain.tuned_model import TunedModel
from seagull_iqa.errors import CheckpointError, LimitError, ModelError, SeagullError, UnknownModelError
from seagull_iqa.hub.catalogue import FULL, model_home, offer, offers
from seagull_iqa.imaging.saving import save_text
from seagull_iqa.models.full.identity import card_of
from seagull_iqa.models.full.layout import ADAPTER_CONFIG, read_layout

WEIGHTS, CARD = "weights.safetensors", "weights.json"
ADAPTER = "adapter_model.safetensors"
KINDS = (frozenset({WEIGHTS, CARD}), frozenset({ADAPTER, ADAPTER_CONFIG, CARD}))
"""What the folder of a model holds, and its file."""

SUFFIX = ".seagull-model"
MOST_BYTES, MOST_CARD, MOST_HEADER = 256 * 1024**2, 1024**2, 4 * 1024**2
_BYTES = 600 * 10**6
"""Memory that one takes with an image looked at, as seagull-mini does."""

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_NO_ZIP = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, UnicodeError)
"""What files raise that are damaged, encrypted, or packed by other means."""

_FIGURES: TypeAdapter[tuple[BeforeAfter, ...]] = TypeAdapter(tuple[BeforeAfter, ...])


def tuned_home() -> Path:
    """Where they lie; it need not exist."""
    return model_home() / "tuned"


def tuned_models() -> list[TunedModel]:
    """All of them, the newest first; a folder that cannot be read is left out."""
    found = []
    for folder in tuned_home().iterdir() if tuned_home().is_dir() else ():
        with suppress(SeagullError, OSError):
            if not folder.name.startswith("."):
                found.append((folder.stat().st_mtime, _model(folder)))
    return [model for _time, model in sorted(found, key=lambda one: -one[0])]


def tuned_model(model: str) -> TunedModel:
    """The model of that id.

    Raises
    ------
    UnknownModelError
        There is none.
    """
    return _model(_folder(model))


def tuned_offers() -> list[ModelOffer]:
    """The models of the registry as what can be chosen by name."""
    made = []
    for one in tuned_models():
        path = _weights(tuned_home() / one.id)
        title = f"{one.name}: fine-tuned from {one.base} on {one.regions} regions of {one.images} images"
        full = path.name == ADAPTER
        with suppress(OSError):  # somebody may delete it meanwhile
            made.append(
                ModelOffer(
                    one.id, title, "As whoever made it says.", OfferState.READY,
                    path=str(path.parent if full else path), present_bytes=path.stat().st_size,
                    needs=offer(FULL).needs if full else (MemoryNeed(Precision.FP32, _BYTES),),
                )
            )  # fmt: skip
    return made


def tuned_weights(model: str) -> Path | None:
    """The weights of a model of the registry; None where there is none of that id."""
    if not _ID.fullmatch(model):
        return None
    path = tuned_home() / model / WEIGHTS
    return path if path.is_file() else None


def tuned_adapter(model: str) -> Path | None:
    """The folder of adapters to a full model; None where the registry has none of that id."""
    if not _ID.fullmatch(model):
        return None
    folder = tuned_home() / model
    return folder if (folder / ADAPTER_CONFIG).is_file() and (folder / ADAPTER).is_file() else None


def is_tuned(model: str) -> bool:
    """Whether the registry has a model of that id."""
    return tuned_weights(model) is not None or tuned_adapter(model) is not None


def adopt_model(made: Path) -> TunedModel:
    """Put a model that a run has made into the registry, whole or not at all.

    Raises
    ------
    ModelError
        The folder holds no model, or one of its name is there.
    """
    return _put(made)


def remove_model(model: str) -> int:
    """Delete a model; bytes freed."""
    folder = _folder(model)
    freed = sum(path.stat().st_size for path in folder.iterdir())
    doomed = folder.with_name(f".{uuid.uuid4().hex}.gone")
    try:
        folder.rename(doomed)  # gone for everybody at once, whatever becomes of its files
    except OSError as error:
        raise ModelError(f"{model} cannot be removed ({error.strerror or error}).", "Close what uses it.") from error
    shutil.rmtree(doomed, ignore_errors=True)
    return freed


def export_model(model: str, path: Path) -> None:
    """Write a model to one file, whole or not at all."""
    folder = _folder(model)
    part = path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as file:
            for name in sorted(_names(folder)):
                file.write(folder / name, name)
        part.replace(path)
    except OSError as error:
        raise SeagullError(
            f"{path} cannot be written ({error.strerror or error}).", "Choose a folder that you may write to."
        ) from error
    finally:
        part.unlink(missing_ok=True)


def import_model(path: Path) -> TunedModel:
    """Take in a file that `export_model` wrote, here or on another machine.

    Raises
    ------
    CheckpointError
        It is none, or its weights are not those that its card speaks of.
    LimitError
        It would unpack to too much.
    ModelError
        A model of that id is here already.
    """
    part = tuned_home() / f".{uuid.uuid4().hex}.part"
    try:
        part.mkdir(parents=True)
        with zipfile.ZipFile(path) as file:
            entries = {one.filename: one for one in file.infolist()}
            if set(entries) not in KINDS:
                raise CheckpointError(f"{path.name} is no model that was exported here.", f"Give a file *{SUFFIX}.")
            most = {WEIGHTS: MOST_BYTES, ADAPTER: MOST_BYTES}
            if any(one.file_size > most.get(name, MOST_CARD) for name, one in entries.items()):
                raise LimitError(f"{path.name} would take too much room.", "Give a model of this program.")
            for name, one in entries.items():
                with file.open(one) as source, (part / name).open("wb") as target:
                    shutil.copyfileobj(_Bounded(source, one.file_size), target, 1 << 20)
        _check_header(_weights(part))
        said = _card(part, path.name)
        if said.get("sha256") != hashlib.sha256(_weights(part).read_bytes()).hexdigest():
            raise CheckpointError(f"The weights in {path.name} are not those of its card.", "Export it again.")
        if (part / ADAPTER_CONFIG).is_file():
            _find_base(part, said)
        return _put(part, path.name)
    except _NO_ZIP as error:
        raise CheckpointError(f"{path.name} is no model that was exported here.", f"Give a file *{SUFFIX}.") from error
    except OSError as error:
        raise ModelError(f"{path.name} cannot be read ({error.strerror or error}).", "Check the file.") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _find_base(folder: Path, card: dict[str, Any]) -> None:
    """Name the base of adapters as it lies on this machine.

    Raises
    ------
    CheckpointError
        The description of the adapters cannot be read.
    ModelError
        Their base is not here.
    """
    path = folder / ADAPTER_CONFIG
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        named = str(config["base_model_name_or_path"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CheckpointError("The adapters do not say what they belong to.", "Export the model again.") from error
    base = str((card.get("lineage") or [""])[-1])
    for place in (model_home() / FULL, Path(named)):
        with suppress(SeagullError, OSError, ValueError):
            if card_of(read_layout(place), 0).id == base:
                config["base_model_name_or_path"] = str(place.resolve())
                save_text(path, json.dumps(config, indent=2))
                return
    raise ModelError(
        f"It was fine-tuned from {base[:100] or 'a model without a name'}, which is not on this machine.",
        f"Run `seagull models download {FULL}`, then take it in again.",
    )


class _Bounded:
    """A stream that ends where it was announced to end, whatever it holds."""

    def __init__(self, source: Any, left: int) -> None:  # noqa: ANN401
        self._source, self._left = source, left

    def read(self, size: int = -1) -> bytes:
        """Up to so many bytes, never beyond the end."""
        block: bytes = self._source.read(min(size, self._left) if size >= 0 else self._left)
        self._left -= len(block)
        return block


def _put(made: Path, name: str = "The model") -> TunedModel:
    """Move a folder into its place; its card gets the hash of the weights; `name` is what a sentence calls it."""
    card = _card(made, name)
    model = str(card.get("id", ""))
    if not _ID.fullmatch(model):
        raise ModelError("The model has no name that can be kept.", "Give it a name of letters and digits.")
    if model in {one.name for one in offers()}:
        raise ModelError(f"{model} is the name of a model that is not fine-tuned.", "Give it another name.")
    _model(made, name)  # says what is wrong with the card, before anything is kept
    folder = tuned_home() / model
    if folder.exists():
        raise ModelError(f"{model} is here already.", "Delete it first.")
    card["sha256"] = hashlib.sha256(_weights(made).read_bytes()).hexdigest()
    save_text(made / CARD, json.dumps(card, indent=1, ensure_ascii=False))
    tuned_home().mkdir(parents=True, exist_ok=True)
    made.rename(folder)
    return _model(folder)


def _weights(folder: Path) -> Path:
    """The file with the numbers."""
    adapter = folder / ADAPTER
    return adapter if adapter.is_file() else folder / WEIGHTS


def _names(folder: Path) -> frozenset[str]:
    return KINDS[1] if (folder / ADAPTER).is_file() else KINDS[0]


def _folder(model: str) -> Path:
    folder = tuned_home() / model
    if not _ID.fullmatch(model) or not folder.is_dir():
        raise UnknownModelError(f"There is no fine-tuned model '{model[:100]}'.", "`seagull models list` names them.")
    return folder


def _card(folder: Path, name: str = "") -> dict[str, Any]:
    path, name = folder / CARD, name or folder.name
    try:
        values = json.loads(path.read_text(encoding="utf-8")) if path.stat().st_size <= MOST_CARD else None
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{name} has no card that can be read.", "Fine-tune again.") from error
    if not isinstance(values, dict) or not all((folder / file).is_file() for file in _names(folder)):
        raise CheckpointError(f"{name} holds no model.", "Fine-tune again.")
    return values


def _model(folder: Path, name: str = "") -> TunedModel:
    values = _card(folder, name)
    labels, settings = values.get("labels"), values.get("settings")
    counts = labels if isinstance(labels, dict) else {}
    try:
        figures = _FIGURES.validate_python(values.get("before_after", ()))
        better = values.get("better")
        return TunedModel(
            str(values["id"]), str(values.get("name") or values["id"]), str((values.get("lineage") or [""])[-1]),
            str(values.get("created", "")), int(counts.get("regions", 0)), int(counts.get("images", 0)),
            int(counts.get("pairs", 0)), str(settings.get("method", "")) if isinstance(settings, dict) else "",
            figures, better if isinstance(better, bool) else None, str(values.get("verdict", "")),
            str(values.get("sha256", "")),
        )  # fmt: skip
    except (KeyError, ArithmeticError, ValueError, TypeError, AttributeError, ValidationError) as error:
        raise CheckpointError(f"The card of {name or folder.name} is not understood.", "Fine-tune again.") from error


def _check_header(path: Path) -> None:
    """The beginning of a safetensors file: a length, and JSON of that length."""
    with path.open("rb") as file:
        start = file.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
        header = file.read(length) if 2 <= length <= MOST_HEADER else b""
    try:
        known = json.loads(header)
    except (ValueError, RecursionError):
        known = None
    if not isinstance(known, dict):
        raise CheckpointError("The weights are no safetensors file.", f"Give a file *{SUFFIX} that was exported here.")
