"""Several processes that do one run: what `accelerate launch` starts on as many GPUs, or torchrun on processors."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from accelerate import PartialState


def helps() -> bool:
    """Whether this process was started beside others, and is not the first of them: it writes nothing."""
    return int(os.environ.get("RANK", "0")) > 0


class Together:
    """This process among those of a run; alone where nothing has launched it.

    Parameters
    ----------
    device : str
        What the run was asked to compute on: "auto" or a torch device.
    """

    def __init__(self, device: str) -> None:
        self._state: PartialState | None = None
        if int(os.environ.get("WORLD_SIZE", "1")) > 1:
            import torch
            from accelerate import PartialState

            self._state = PartialState(cpu=device == "cpu" or not torch.cuda.is_available())

    @property
    def is_alone(self) -> bool:
        """True for a single process."""
        return self._state is None

    @property
    def share(self) -> tuple[int, int]:
        """Which process of how many this is."""
        return (0, 1) if self._state is None else (self._state.process_index, self._state.num_processes)

    @property
    def device(self) -> str:
        """Where this process computes; "" where it may choose."""
        return "" if self._state is None else str(self._state.device)

    def agreed(self, word: str) -> str:
        """What the first process says; all others wait for it."""
        if self._state is None:
            return word
        from accelerate.utils import broadcast_object_list

        return str(broadcast_object_list([word])[0])

    def wait(self) -> None:
        """Until all have come so far."""
        if self._state is not None:
            self._state.wait_for_everyone()
