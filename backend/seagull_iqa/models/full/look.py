"""What the full model keeps of an image: its pixels, its four levels, and the prompt's beginning already read."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from seagull_iqa.models.full.extractor import LevelKeys
from seagull_iqa.models.full.slots import Prefix
from seagull_iqa.models.interface import RGBImage


@dataclass(frozen=True, eq=False)
class FullLook:
    """An image as the full model has seen it.

    Attributes
    ----------
    rgb : uint8 (H, W, 3)
        For the crops.
    levels : tuple of (1, C, h, w)
        res2 to res5.
    keys : LevelKeys
        What the shared attention block needs of them.
    prefix : Prefix
        System text, image and overview, read by the language model.
    reader : str
        Which weights and which system text have looked.
    """

    rgb: RGBImage
    levels: tuple[Tensor, ...]
    keys: LevelKeys
    prefix: Prefix
    reader: str

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the image in px."""
        return (int(self.rgb.shape[0]), int(self.rgb.shape[1]))

    @property
    def nbytes(self) -> int:
        """Memory held, in bytes."""
        levels = sum(level.nbytes for level in self.levels)
        keys = sum(one.nbytes for pair in self.keys.pairs for one in pair)
        return int(self.rgb.nbytes) + levels + keys + self.prefix.nbytes
