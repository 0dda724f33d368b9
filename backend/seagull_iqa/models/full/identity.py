"""Who a folder's weights are: their origin where a download or a conversion has written it down, else their mark."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from seagull_iqa.domain.model_card import ModelCard
from seagull_iqa.models.full.layout import CONFIG_FILE, Layout

ORIGIN_FILE = "seagull-download.json"
"""Written by a download: repository, full revision, the hash of every file."""

SOURCE_FILE = "seagull-source.json"
"""Written by a conversion: the card's id of what was converted."""

TUNED_CARD = "weights.json"
"""Written by fine-tuning beside adapters: what they are called, and what they learned from."""

_SAMPLE = 2**20
BASE = "seagull"


def card_of(layout: Layout, parameters: int) -> ModelCard:
    """The card of a folder: name and revision stand in its id."""
    origin, source = _read(layout.folder / ORIGIN_FILE), _read(layout.folder / SOURCE_FILE)
    mark = fingerprint(layout)
    if revision := origin.get("revision"):
        name = f"seagull-7b-{str(revision)[:7]}"
    else:
        name = str(source.get("id") or f"{layout.folder.name}-{mark[:8]}")
    if layout.adapter is not None:
        own = _read(layout.adapter / TUNED_CARD)
        name = str(own.get("id") or f"{name}+{layout.adapter.name}-{mark[:8]}")
    return ModelCard(
        id=name,
        base=BASE,
        trained_on=str(origin.get("repo") or source.get("trained_on") or ""),
        licence=str(origin.get("licence") or source.get("licence") or "MIT (model card); LLaMA 2 Community License"),
        sha256=mark,
        parameters=parameters,
    )


def fingerprint(layout: Layout) -> str:
    """SHA-256, in hex, over config, names, sizes, and the ends of every weights file: all of 14 GB takes a minute."""
    mark = hashlib.sha256((layout.folder / CONFIG_FILE).read_bytes())
    own = () if layout.adapter is None else tuple(sorted(layout.adapter.glob("*.safetensors")))
    for path in (*layout.weight_files, *own):
        size = path.stat().st_size
        mark.update(f"{path.name} {size}".encode())
        with path.open("rb") as file:
            mark.update(file.read(_SAMPLE))
            file.seek(max(0, size - _SAMPLE))
            mark.update(file.read(_SAMPLE))
    return mark.hexdigest()


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
