"""Region-level image quality: the model, the server, the client and the command line behind napari-seagull.

The names below are fetched when they are first used; everything else is imported from the file that defines it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seagull_iqa.client import Client
    from seagull_iqa.domain.distortion import Distortion, Finding, Severity
    from seagull_iqa.domain.model_card import ModelCard
    from seagull_iqa.domain.progress import Progress
    from seagull_iqa.domain.region import Region, RegionMask
    from seagull_iqa.domain.report import Aspect, QualityReport, ScoreMap
    from seagull_iqa.errors import SeagullError
    from seagull_iqa.imaging.files import read_image
    from seagull_iqa.imaging.normalise import prepare
    from seagull_iqa.imaging.prepared import PreparedImage
    from seagull_iqa.notebook import heatmap, score, segment
    from seagull_iqa.registry import load_model

__all__ = [
    "Aspect",
    "Client",
    "Distortion",
    "Finding",
    "ModelCard",
    "PreparedImage",
    "Progress",
    "QualityReport",
    "Region",
    "RegionMask",
    "ScoreMap",
    "SeagullError",
    "Severity",
    "heatmap",
    "load_model",
    "prepare",
    "read_image",
    "score",
    "segment",
]

_HOMES = {
    "Aspect": "domain.report",
    "Client": "client",
    "Distortion": "domain.distortion",
    "Finding": "domain.distortion",
    "ModelCard": "domain.model_card",
    "PreparedImage": "imaging.prepared",
    "Progress": "domain.progress",
    "QualityReport": "domain.report",
    "Region": "domain.region",
    "RegionMask": "domain.region",
    "ScoreMap": "domain.report",
    "SeagullError": "errors",
    "Severity": "domain.distortion",
    "heatmap": "notebook",
    "load_model": "registry",
    "prepare": "imaging.normalise",
    "read_image": "imaging.files",
    "score": "notebook",
    "segment": "notebook",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'seagull_iqa' has no attribute {name!r}")
    return getattr(import_module(f"seagull_iqa.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
