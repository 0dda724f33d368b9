"""The card that a run writes beside what it has made: base, labels, settings, figures, software."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import asdict, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from seagull_iqa.domain.fine_tuning import FineTuneResult, FineTuneSpec
from seagull_iqa.domain.model_card import ModelCard
from seagull_iqa.formats.label_set import LabelSet
from seagull_iqa.imaging.saving import save_text

CARD = "weights.json"


def card_of_tuned(
    spec: FineTuneSpec, run: str, labels: LabelSet, base: ModelCard, result: FineTuneResult
) -> dict[str, Any]:
    """What is known of a model that a run has made; "id" is its identity."""
    name = f"{_slug(spec.name)}-{run[:6]}"
    regions = sum(1 for key, (n, _r) in labels.regions.items() if labels.images[n].document.counting(key))
    return {
        **asdict(replace(base, id=name, sha256="", created=datetime.now(UTC).date().isoformat())),
        "trained_on": f"{base.trained_on} Then {regions} regions of {len(labels.images)} images, "
                      "labelled by whoever made it.",
        "metrics": {},
        "name": spec.name, "lineage": [base.id], "base_sha256": base.sha256,
        "labels": {"regions": regions, "images": len(labels.images), "pairs": len(labels.preferences)},
        "settings": {"method": str(result.method), "seed": spec.seed},
        "before_after": [asdict(one) for one in result.figures],
        "better": result.better, "verdict": result.verdict,
        "software": f"napari-seagull {version('napari-seagull')}",
    }  # fmt: skip


def write_card(folder: Path, values: dict[str, Any]) -> None:
    """Put it beside the weights."""
    save_text(folder / CARD, json.dumps(values, indent=1, ensure_ascii=False))


def _slug(name: str) -> str:
    """A name that every system takes as that of a folder."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9]+", "-", plain).strip("-")[:40] or "model"
