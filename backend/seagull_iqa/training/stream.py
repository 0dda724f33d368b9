"""Batches in an order that nothing but their number decides, made by other processes ahead of time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch.utils.data import DataLoader, Dataset

from seagull_iqa.training.task import Arrays, Source


class Numbered(Dataset[Arrays]):
    """A source as torch's data set: item n is batch n."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def __getitem__(self, index: int) -> Arrays:
        """Make it."""
        return self._source(index)


def _as_it_is(arrays: Arrays) -> Arrays:
    """Plain arrays: tensors would travel through shared memory and its limits."""
    return arrays


def _one_thread(_worker: int) -> None:
    torch.set_num_threads(1)


@dataclass(frozen=True)
class Order:
    """Which batch comes at which step.

    Attributes
    ----------
    visits : int
        How often each batch is learned from. Making one costs as much as a step, and a batch shows something new at
        every visit while the network is young; on two cores that is what keeps the learner busy.
    lag : int
        Batches between two visits.
    share, of : int
        This process takes every `of`-th batch, beginning with the `share`-th.
    """

    visits: int = 2
    lag: int = 60
    share: int = 0
    of: int = 1

    def at(self, step: int) -> tuple[int, bool]:
        """Number of the batch of a step among those of this process, and whether it was seen before."""
        newest, visit = divmod(step, self.visits)
        number = newest - visit * self.lag
        return number if number >= 0 else newest, visit > 0

    def first_needed(self, step: int) -> int:
        """Number of the oldest batch that this step or a later one still wants."""
        return max(0, step // self.visits - (self.visits - 1) * self.lag)


def batches(source: Source, order: Order, step: int, *, processes: int, until: int) -> Iterator[tuple[Arrays, bool]]:
    """From that step on: the batch of each step, and whether it was seen before.

    Starting anywhere gives what a run from the beginning would have come to: the batches of the last `lag` steps that
    come again are made again.
    """
    oldest = order.first_needed(step)
    last = (until - 1) // order.visits
    numbers = [order.share + order.of * n for n in range(oldest, last + 1)]
    loader = DataLoader(
        Numbered(source),
        batch_size=None,
        sampler=numbers,
        num_workers=processes,
        collate_fn=_as_it_is,
        worker_init_fn=_one_thread,
        prefetch_factor=4 if processes else None,
        multiprocessing_context="spawn" if processes else None,
    )
    made = iter(loader)
    kept: deque[Arrays] = deque(maxlen=(order.visits - 1) * order.lag + 1)
    newest = oldest - 1
    for at in range(step, until):
        number, again = order.at(at)
        while newest < at // order.visits:
            kept.append(next(made))
            newest += 1
        yield kept[number - newest - 1], again
