"""Lessons as tensors: each picture is read once, and behind it stand the texts about its regions, none seeing another.

What inference does in two passes, `LanguageEngine.prefix` and the texts behind it, is one pass here, so that a step
learns from many answers for the price of one picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import accumulate

import numpy as np
import torch
from torch import Tensor

from seagull_iqa.errors import CheckpointError
from seagull_iqa.models.full.preprocess import crop_of, shortest_edge, square_mask, squared
from seagull_iqa.models.full.prompts import after_region
from seagull_iqa.models.full.slots import NOBODY, SHARED
from seagull_iqa.models.full.tokens import Tokenizer
from seagull_iqa.training.seagull_source import Lesson
from seagull_iqa.training.seagull_words import Asked

IMAGE, REGION = -1, -2
"""Stand in `Packed.ids` where no word stands: the picture's tokens, and a region's two."""

UNLABELLED = -100


@dataclass
class Packed:
    """B pictures, R regions in all, L tokens a picture at most."""

    pictures: Tensor
    """float32 (B, 3, S, S), normalised."""
    crops: Tensor
    """float32 (R, 3, S, S), normalised; the regions stand picture by picture."""
    squares: Tensor
    """bool (R, S, S)."""
    of: Tensor
    """int64 (R,): the picture of each region."""
    about: Tensor
    """int64 (T,): the region of each text; the texts stand picture by picture."""
    ids: Tensor
    """int64 (B, L)."""
    labels: Tensor
    """int64 (B, L): the token to be told *after* each place, or `UNLABELLED`."""
    owners: Tensor
    """int64 (B, L): the text of each place, `SHARED` for the picture's part, `NOBODY` behind the last text."""
    positions: Tensor
    """int64 (B, L)."""

    def to(self, device: str) -> Packed:
        """On another device."""
        return Packed(*(getattr(self, field.name).to(device) for field in fields(self)))

    def visible(self) -> Tensor:
        """Bool (B, 1, L, L): of the picture's part and of its own text a place sees what is not later."""
        theirs, own = self.owners[:, None, :], self.owners[:, :, None]
        earlier = self.positions[:, None, :] <= self.positions[:, :, None]
        return (((theirs == own) | (theirs == SHARED)) & earlier)[:, None]


@dataclass(frozen=True)
class Packer:
    """Makes tensors of lessons, as the model reads pictures, regions and words.

    Attributes
    ----------
    tokenizer : Tokenizer
    system : str
        The system text before every prompt.
    size : int
        Side in px of the square that the model sees.
    image_tokens : int
    """

    tokenizer: Tokenizer
    system: str
    size: int
    image_tokens: int

    def packed(self, lessons: Sequence[Lesson]) -> Packed:
        """Of one batch."""
        cpu, kind = torch.device("cpu"), torch.float32
        pictures = [squared(shortest_edge(one.rgb, self.size), self.size, cpu, kind) for one in lessons]
        regions = [(number, one, mask) for number, one in enumerate(lessons) for mask in one.masks]
        crops = [
            squared(shortest_edge(crop_of(one.rgb, mask), self.size), self.size, cpu, kind) for _, one, mask in regions
        ]
        squares = np.stack([square_mask(mask, self.size)[0] for _, _, mask in regions])
        firsts = accumulate((len(one.masks) for one in lessons), initial=0)
        about = [first + k for first, one in zip(firsts, lessons, strict=False) for k in one.about]
        words = [self._words(one) for one in lessons]
        longest = max(len(row[0]) for row in words)
        filled = (0, UNLABELLED, NOBODY, 0)
        columns = [
            torch.tensor([row[k] + [filled[k]] * (longest - len(row[k])) for row in words]) for k in range(len(filled))
        ]
        of = torch.tensor([number for number, _, _ in regions])
        return Packed(
            torch.cat(pictures), torch.cat(crops), torch.from_numpy(squares), of, torch.tensor(about), *columns
        )

    def _words(self, lesson: Lesson) -> tuple[list[int], list[int], list[int], list[int]]:
        """Ids, labels, owners and positions of one picture."""
        prompt = self.tokenizer.prompt(self.system)
        ids = [*prompt.before_image, *[IMAGE] * self.image_tokens, *prompt.after_image]
        length = len(ids)
        labels, owners, positions = [UNLABELLED] * length, [SHARED] * length, list(range(length))
        for text, asked in enumerate(lesson.texts):
            question, answer = self._text(asked)
            own = [REGION, REGION, *question, *answer]
            silent = 2 + len(question) - 1  # the last word of the question tells the first of the answer
            ids += own[:-1]
            labels += [*[UNLABELLED] * silent, *answer]
            owners += [text] * (len(own) - 1)
            positions += range(length, length + len(own) - 1)
        return ids, labels, owners, positions

    def _text(self, asked: Asked) -> tuple[list[int], list[int]]:
        """The ids of the question up to where the answer begins, and those of the answer with its end."""
        question = self.tokenizer.ids(after_region(asked.question))
        whole = self.tokenizer.ids(after_region(asked.question, asked.answer))
        if whole[: len(question)] != question:
            raise CheckpointError("The tokenizer joins an answer to its question.", "Fetch the model again.")
        return list(question), [*whole[len(question) :], self.tokenizer.end]
