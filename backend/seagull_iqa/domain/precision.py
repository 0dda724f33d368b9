"""In what numbers a model's weights are kept."""

from __future__ import annotations

from enum import StrEnum


class Precision(StrEnum):
    """In what numbers a model's weights are kept; seagull-mini knows only fp32."""

    AUTO = "auto"
    FP32 = "fp32"
    BF16 = "bf16"
    FP16 = "fp16"
    INT8 = "int8"
    INT4 = "int4"
