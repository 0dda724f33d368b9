"""The sizes of a seagull-mini, checked at birth and stored beside the weights."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from seagull_iqa.errors import CheckpointError

STRIDES = (4, 8, 16, 32)
"""Px of the image per cell of each level."""

DENSE_STRIDE = 8
"""Px of the image per cell of the maps."""

MOST = 4096
"""Of any size: what a file says that is larger was never trained."""

BINS = 21
"""A score 0..100 is a distribution over 0, 5, ... 100."""


@dataclass(frozen=True)
class MiniConfig:
    """The sizes of a seagull-mini."""

    widths: tuple[int, int, int, int] = (24, 48, 96, 128)
    """Channels of the four levels."""
    blocks: tuple[int, int, int, int] = (1, 2, 2, 2)
    """Residual blocks of the four levels."""
    dense_width: int = 64
    """Channels of the map head."""
    token_width: int = 128
    """Length of a region's tokens."""
    heads: int = 4
    """Attention heads; divides `token_width`."""
    window: int = 96
    """Side in px of the native-resolution windows behind the local token; a multiple of 32."""

    def __post_init__(self) -> None:
        sizes = (*self.widths, *self.blocks, self.dense_width, self.token_width, self.heads, self.window)
        fits = len(self.widths) == len(self.blocks) == len(STRIDES) and min(sizes) >= 1 and max(sizes) <= MOST
        if not fits or self.token_width % self.heads or self.window % 32:
            raise CheckpointError(
                "The sizes of this seagull-mini do not go together.", "Use an unedited weights file."
            )

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> MiniConfig:
        """The inverse of `to_dict`; `CheckpointError` for what is not a config."""
        try:
            sizes: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}
            return cls(**sizes)
        except TypeError as error:
            raise CheckpointError(f"Not the sizes of a seagull-mini: {error}.", "Use another weights file.") from error


WIDE = MiniConfig(widths=(32, 64, 128, 256), blocks=(1, 2, 3, 2))
"""What a GPU has the time to teach: 2.5 times the weights of the default, half as slow again on a CPU."""
