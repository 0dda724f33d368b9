"""Write several answers at once, one token of each a step; on CUDA the step is recorded once and then replayed."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from seagull_iqa.models.full.slots import NOBODY, Slots

_LOG = logging.getLogger(__name__)
_KEPT = 8
"""Recorded steps, each for its number of texts and of slots; a recording is some tens of MB."""

_ROOM = 512
"""Slots are rounded up to multiples of this, so that few recordings serve all; an idle slot is read, and no more."""

_WARM_UPS = 2
RunStep = Callable[["Step"], None]
"""Reads and writes one step's tensors; always the same work for the same numbers of texts and slots."""


class Step:
    """What one step reads and writes, at addresses that stay, for B texts in K slots.

    Attributes
    ----------
    tokens, positions, owners, written : int64 (B,)
        The newest token of each text, where in its text, which text, and into which slot it goes.
    slots : Slots
    """

    def __init__(self, texts: int, room: int, device: torch.device) -> None:
        self.tokens = torch.zeros(texts, dtype=torch.int64, device=device)
        self.positions = torch.zeros_like(self.tokens)
        self.owners = torch.full_like(self.tokens, NOBODY)
        self.written = torch.full_like(self.tokens, room - 1)
        self.slots = Slots(
            torch.full((room,), NOBODY, device=device), torch.zeros(room, dtype=torch.int64, device=device)
        )

    def begin(self, slots: Slots, tokens: Tensor, positions: Tensor, written: Tensor) -> None:
        """Take on texts that have been read; what is left of the B rows idles in the last slot, which nobody owns."""
        count, room = len(tokens), slots.owner.numel()
        self.slots.owner.fill_(NOBODY)[:room] = slots.owner
        self.slots.position.zero_()[:room] = slots.position
        self.owners.fill_(NOBODY)[:count] = torch.arange(count, device=tokens.device)
        self.tokens.zero_()[:count] = tokens
        self.positions.zero_()[:count] = positions
        self.written.fill_(self.slots.owner.numel() - 1)[:count] = written

    def advance(self, tokens: Tensor) -> None:
        """Go on to the next token of every text."""
        self.tokens.copy_(tokens)
        self.positions.add_(1)
        self.written.add_(1).clamp_(max=self.slots.owner.numel() - 1)


class Decoder:
    """Runs steps, as they are or recorded.

    Parameters
    ----------
    run : callable
        One step of the language model.
    device : torch.device
    recorded : bool
        Record and replay; only CUDA can.
    """

    def __init__(self, run: RunStep, device: torch.device, *, recorded: bool) -> None:
        self._run, self._device, self._recorded = run, device, recorded
        self._kept: OrderedDict[tuple[int, int], tuple[Step, torch.cuda.CUDAGraph]] = OrderedDict()

    @property
    def recorded(self) -> bool:
        """True while steps are recorded."""
        return self._recorded

    def forget(self) -> None:
        """Drop the recordings: the memory that they write to has moved."""
        self._kept.clear()

    def rounded(self, texts: int, room: int) -> tuple[int, int]:
        """Numbers of texts and slots that share a recording."""
        if not self._recorded:
            return texts, room
        return 1 << max(0, texts - 1).bit_length(), -(-room // _ROOM) * _ROOM

    def steps(self, slots: Slots, tokens: Tensor, positions: Tensor, written: Tensor) -> Iterator[Tensor]:
        """The tokens of the texts, int64 (n,), step after step without end; the first are the given ones."""
        size = self.rounded(len(tokens), slots.owner.numel())
        step, replay = self._prepared(size)
        step.begin(slots, tokens, positions, written)
        while True:
            yield step.tokens[: len(tokens)]
            replay()

    def _prepared(self, size: tuple[int, int]) -> tuple[Step, Callable[[], None]]:
        if self._recorded and size not in self._kept:
            self._record(size)
        if size in self._kept:
            self._kept.move_to_end(size)
            step, graph = self._kept[size]
            return step, graph.replay
        step = Step(*size, self._device)
        return step, lambda: self._run(step)

    def _record(self, size: tuple[int, int]) -> None:
        """Record a step of idle rows; where that cannot be done, steps are run as they are."""
        step = Step(*size, self._device)
        try:
            graph = recording(lambda: self._run(step), self._device)
        except torch.OutOfMemoryError:
            # A recording takes memory of its own; a step that is run as it is may do without.
            _LOG.warning("There is too little memory to record the steps, so this answer takes longer.")
            self.forget()
            return
        except RuntimeError as error:
            _LOG.warning("Steps cannot be recorded on this device, so answers take longer: %s", error)
            self._recorded = False
            self.forget()
            return
        self._kept[size] = (step, graph)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)


def recording(run: Callable[[], None], device: torch.device) -> torch.cuda.CUDAGraph:
    """What `run` does on a CUDA device, to be replayed; it is run a few times before.

    Raises
    ------
    RuntimeError
        It does something that cannot be recorded, or there is too little memory.
    """
    # The model may be on another device than the thread's; and a recording that fails must not leave its stream behind.
    with torch.cuda.device(device), torch.cuda.stream(torch.cuda.current_stream(device)):
        side = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(_WARM_UPS):
                run()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        # Other threads of the server may use the device meanwhile.
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            run()
    return graph
