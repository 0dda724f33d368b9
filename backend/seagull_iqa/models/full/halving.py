"""Too little memory: said in words, and met by halving what is done at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import torch

from seagull_iqa.errors import OutOfMemoryError

Item = TypeVar("Item")
Result = TypeVar("Result")


@contextmanager
def readable_memory_errors() -> Iterator[None]:
    """Turn what torch says of too little memory into our error.

    Raises
    ------
    OutOfMemoryError
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise OutOfMemoryError(
            "There is not enough memory for this.",
            "Close what else uses the device, or load the model with a smaller precision.",
        ) from error


def is_out_of_memory(error: BaseException) -> bool:
    """True for every way in which torch says so: CUDA has a class for it, the CPU's allocator a sentence."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)


def in_batches(items: Sequence[Item], together: int, run: Callable[[Sequence[Item]], Result]) -> list[Result]:
    """Run over the items, `together` at a time; a batch that does not fit into memory is halved, and so are the rest.

    Raises
    ------
    OutOfMemoryError
        Not even one item fits.
    """
    results: list[Result] = []
    start = 0
    while start < len(items):
        some = items[start : start + together]
        try:
            with readable_memory_errors():
                results.append(run(some))
        except OutOfMemoryError:
            if len(some) == 1:
                raise
            together = len(some) // 2
            continue
        start += len(some)
    return results
