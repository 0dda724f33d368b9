"""The card that a run writes beside what it has made: base, labels, settings, figures, software."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Collection
from dataclasses import asdict, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from seagull_iqa.domain.fine_tuning import FineTuneResult, FineTuneSpec
from seagull_iqa.domain.model_card import ModelCard
from seagull_iqa.formats.label_set import LabelSet
from seagull_iqa.formats.session_file import SUFFIX
from seagull_iqa.imaging.saving import save_text

CARD = "weights.json"


def card_of_tuned(
    spec: FineTuneSpec, run: str, labels: LabelSet, base: ModelCard, result: FineTuneResult,
    seen: Collection[str] = (),
) -> dict[str, Any]:
    """What is known of a model that a run has made; "id" is its identity.

    Parameters
    ----------
    spec, run, labels, base, result
        Of the run; the labels as they lie on the disk.
    seen : collection of str
        Content hashes of the images that the base has learned from labels of.
    """
    name = f"{_slug(spec.name)}-{run[:6]}"
    regions = sum(1 for key, (n, _r) in labels.regions.items() if labels.images[n].document.counting(key))
    return {
        **asdict(replace(base, id=name, sha256="", created=datetime.now(UTC).date().isoformat())),
        "trained_on": f"{base.trained_on} Then {regions} regions of {len(labels.images)} images, "
                      "labelled by whoever made it.",
        "metrics": {},
        "name": spec.name, "lineage": [base.id], "base_sha256": base.sha256,
        "labels": {
            "regions": regions, "images": len(labels.images), "pairs": len(labels.preferences),
            "sha256": _hash_of(labels), "seen": sorted({*seen, *(one.sha256 for one in labels.images)} - {""}),
        },
        "settings": {"method": str(result.method), "seed": spec.seed},
        "before_after": [asdict(one) for one in result.figures],
        "better": result.better, "verdict": result.verdict,
        "software": f"napari-seagull {version('napari-seagull')}",
    }  # fmt: skip


def images_learned(weights: Path) -> frozenset[str]:
    """Content hashes of the images that a model has learned people's labels of, by its card."""
    try:
        said = json.loads((weights.parent / CARD).read_text(encoding="utf-8"))["labels"]["seen"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return frozenset()
    return frozenset(one for one in said if isinstance(one, str)) if isinstance(said, list) else frozenset()


def _hash_of(labels: LabelSet) -> str:
    """SHA-256 over the set's session files: which data the model is of."""
    digest = hashlib.sha256()
    for one in labels.images:
        session = one.pixels.with_name(one.pixels.name.removesuffix(".png") + SUFFIX)
        digest.update(hashlib.sha256(session.read_bytes()).digest())
    return digest.hexdigest()


def write_card(folder: Path, values: dict[str, Any]) -> None:
    """Put it beside the weights."""
    save_text(folder / CARD, json.dumps(values, indent=1, ensure_ascii=False))


def _slug(name: str) -> str:
    """A name that every system takes as that of a folder."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9]+", "-", plain).strip("-")[:40] or "model"
