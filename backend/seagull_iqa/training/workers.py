"""Spread work over processes that never outlive this one, and need not be waited for when it is stopped.

Light on purpose: a worker imports what its work needs, and no more.
"""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import active_children, get_context, parent_process
from threading import Thread
from typing import TypeVar

_AHEAD = 3
"""Tasks a worker that are handed out ahead of the one whose result is wanted."""

Task = TypeVar("Task")
Result = TypeVar("Result")


def spread(work: Callable[[Task], Result], tasks: Sequence[Task], workers: int) -> Iterator[Result]:
    """The results of `work` on every task, in their order.

    Parameters
    ----------
    work : callable
        Of a module, so that another process finds it.
    tasks : sequence
        Picklable.
    workers : int
        Processes.
    """
    before = set(active_children())
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=start_worker)
    waiting: deque[Future[Result]] = deque()
    try:
        for task in tasks:
            waiting.append(pool.submit(work, task))
            if len(waiting) > _AHEAD * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BaseException:
        # Nothing is lost with them, since only this process writes: who presses Ctrl+C need not wait for their tasks.
        for child in set(active_children()) - before:
            child.terminate()
        raise
    finally:
        # Nothing is cancelled: Python 3.11 trips over cancelled tasks of processes that are gone.
        pool.shutdown(wait=False)


def start_worker() -> None:
    """In a worker: Ctrl+C is the parent's matter, and who loses the parent ends, else it would wait for ever."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    Thread(target=watch, name="seagull-parent", daemon=True).start()
