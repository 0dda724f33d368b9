"""Many short texts behind one long beginning: where their keys and values lie, and which of them each token may see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from seagull_iqa.models.full.config import LanguageConfig

SHARED, NOBODY = -1, -2
ALIGNMENT = 64
"""Slots come in multiples of this: attention kernels want a mask whose rows are aligned."""


@dataclass(frozen=True)
class Prefix:
    """Keys and values of what stands before anything about a region: system text, image, overview.

    Attributes
    ----------
    layers : tuple of (keys, values)
        For each layer, both (1, heads, P, head width).
    """

    layers: tuple[tuple[Tensor, Tensor], ...]

    @property
    def length(self) -> int:
        """Tokens P."""
        return int(self.layers[0][0].shape[2])

    @property
    def nbytes(self) -> int:
        """Memory, in bytes."""
        return sum(one.nbytes for pair in self.layers for one in pair)


@dataclass(frozen=True)
class Slots:
    """Who owns each slot of keys and values, and at which position of its own text.

    Attributes
    ----------
    owner : int64 (K,)
        Index of the text; `SHARED` for the prefix, `NOBODY` for a slot that is not used.
    position : int64 (K,)
    first : tuple of int
        First slot of each text, and of what comes after the last of them.
    answers : tuple of int
        First slot of what is written after each text.
    """

    owner: Tensor
    position: Tensor
    first: tuple[int, ...] = ()
    answers: tuple[int, ...] = ()

    def until(self, end: int) -> Slots:
        """The slots before `end`, and as many more as alignment takes."""
        end = min(-(-end // ALIGNMENT) * ALIGNMENT, self.owner.numel())
        return Slots(self.owner[:end], self.position[:end], self.first, self.answers)

    def visible(self, owners: Tensor, positions: Tensor) -> Tensor:
        """Bool (1, 1, T, K): the prefix, and of their own text what is not later, for T tokens."""
        own = (self.owner == owners[:, None]) & (self.position <= positions[:, None])
        return (own | (self.owner == SHARED))[None, None]


def laid_out(prefix: int, lengths: Sequence[int], device: torch.device, *, longest: int = 0) -> Slots:
    """Slots for a prefix, the texts one after the other, and `longest` tokens written after each of them.

    What is written comes after all texts, so that a pass that reads does not have to look at it. The last slot is
    never owned by a text: rows without one idle there.
    """
    first = [prefix]
    for length in lengths:
        first.append(first[-1] + length)
    answers = [first[-1] + index * longest for index in range(len(lengths))]
    room = -(-(first[-1] + len(lengths) * longest + 1) // ALIGNMENT) * ALIGNMENT
    owner = torch.full((room,), NOBODY)
    position = torch.zeros(room, dtype=torch.int64)
    owner[:prefix] = SHARED
    position[:prefix] = torch.arange(prefix)
    for index, (length, start, answer) in enumerate(zip(lengths, first, answers, strict=False)):
        owner[start : start + length] = owner[answer : answer + longest] = index
        position[start : start + length] = prefix + torch.arange(length)
        position[answer : answer + longest] = prefix + length + torch.arange(longest)
    return Slots(owner.to(device), position.to(device), tuple(first), tuple(answers))


class Workspace:
    """Keys and values that a pass writes and reads; takes the place of transformers' own caches.

    The prefix is copied in once and stays while the same image is asked about.
    """

    def __init__(self, sizes: LanguageConfig, device: torch.device, dtype: torch.dtype) -> None:
        self._sizes, self._device, self._dtype = sizes, device, dtype
        self._layers: list[tuple[Tensor, Tensor]] = []
        self._room = 0
        self._prefix: Prefix | None = None
        self._written: Tensor | None = None
        self._length = 0

    @property
    def room(self) -> int:
        """Slots there are."""
        return self._room

    def prepare(self, prefix: Prefix, room: int) -> None:
        """Have at least `room` slots, the first of them filled with the prefix."""
        if room > self._room:
            self.release()
            shape = (1, self._sizes.key_value_heads, room, self._sizes.head_width)
            # Zeros, since what is hidden from a token is still multiplied, by nought: it must be finite.
            self._layers = [
                (
                    torch.zeros(shape, device=self._device, dtype=self._dtype),
                    torch.zeros(shape, device=self._device, dtype=self._dtype),
                )
                for _ in range(self._sizes.layers)
            ]
            self._room = room
        if self._prefix is not prefix:
            for (keys, values), (own_keys, own_values) in zip(self._layers, prefix.layers, strict=True):
                keys[:, :, : prefix.length] = own_keys
                values[:, :, : prefix.length] = own_values
            self._prefix = prefix

    def release(self) -> None:
        """Give the memory back."""
        self._layers, self._room, self._prefix, self._written = [], 0, None, None

    def write_at(self, slots: Tensor, length: int) -> None:
        """Where the tokens of the next pass go, int64 (T,), and how many slots it sees."""
        self._written, self._length = slots, length

    def update(self, keys: Tensor, values: Tensor, layer_idx: int, *_: object, **__: object) -> tuple[Tensor, Tensor]:
        """Take the keys and values of T tokens, (1, heads, T, width), and give those of all slots; for transformers."""
        if self._written is None:
            raise RuntimeError("write_at comes before a pass")
        own_keys, own_values = self._layers[layer_idx]
        own_keys.index_copy_(2, self._written, keys)
        own_values.index_copy_(2, self._written, values)
        return own_keys[:, :, : self._length], own_values[:, :, : self._length]
