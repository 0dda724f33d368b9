"""Producer processes and the pool of recent samples that the training loop draws from."""

from __future__ import annotations

import multiprocessing
import queue
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import numpy as np
import torch
from numpy.typing import NDArray

from seagull_iqa.errors import JobError
from seagull_iqa.training.samples import Chunk, produce


class Producers:
    """Processes that make samples, and a bounded pool of the newest, each of which may be drawn several times.

    Making a sample costs about as much as learning from it, and a crop shows something new at every pass while the
    network is young; on two cores the pool is what keeps the learner busy.
    """

    def __init__(self, paths: Sequence[Path], seed: int, processes: int = 1, capacity: int = 4000) -> None:
        context = multiprocessing.get_context("spawn")
        self._queue: multiprocessing.queues.Queue[list[NDArray[np.generic]]] = context.Queue(maxsize=8)
        self._processes = [
            context.Process(target=produce, args=(list(paths), seed + 1000 * i, self._queue), daemon=True)
            for i in range(processes)
        ]
        self._pools: dict[int, deque[Chunk]] = {}
        self._capacity = capacity
        self.made = 0
        """Samples made so far."""

    def __enter__(self) -> Producers:
        for process in self._processes:
            process.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.join(timeout=10)

    def _take(self, *, wait: bool) -> bool:
        try:
            values = self._queue.get(timeout=120) if wait else self._queue.get_nowait()
        except queue.Empty:
            if wait:
                raise JobError("No training sample was made for two minutes.", "Look for errors above.") from None
            return False
        samples = Chunk(*(torch.from_numpy(np.asarray(v)) for v in values)).split()
        size = samples[0].image.shape[-1]
        pool = self._pools.setdefault(size, deque(maxlen=max(64, int(self._capacity * (192 / size) ** 2))))
        pool.extend(samples)
        self.made += len(samples)
        return True

    def draw(self, pixels: int, rng: np.random.Generator, *, at_least: int = 256) -> Chunk:
        """A batch of about that many pixels, all crops of one size, after taking in what has been made meanwhile."""
        while self._take(wait=False):
            pass
        while self.made < at_least:
            self._take(wait=True)
        sizes = list(self._pools)
        amounts = np.array([len(self._pools[s]) * s * s for s in sizes], dtype=float)
        size = sizes[int(rng.choice(len(sizes), p=amounts / amounts.sum()))]
        pool = self._pools[size]
        count = min(len(pool), max(4, pixels // size**2))
        return Chunk.cat([pool[int(i)] for i in rng.choice(len(pool), size=count, replace=False)])
