"""Processes that work through a list of tasks; they end with the one that started them, however that ends."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Any, Generic, Protocol, TypeVar

import torch

from seagull_iqa.errors import JobError, SeagullError

Task = TypeVar("Task")
Given = TypeVar("Given", contravariant=True)


class Work(Protocol[Given]):
    """What a process does; it travels to it by pickle."""

    def do(self, task: Given) -> Iterator[int]:
        """Do one task; yields after each bit of work how much it was."""
        ...


class Crew(Generic[Task]):
    """Some processes, spawned, that each do one task at a time; with one process the work is done in this one."""

    def __init__(self, work: Work[Task], processes: int) -> None:
        self._work, self._count = work, processes
        self._members: list[tuple[multiprocessing.process.BaseProcess, Connection]] = []
        self._stack = ExitStack()

    def __enter__(self) -> Crew[Task]:
        if self._count < 2:
            threads = torch.get_num_threads()
            torch.set_num_threads(1)  # another number may sum in another order
            self._stack.callback(torch.set_num_threads, threads)
            return self
        context = multiprocessing.get_context("spawn")
        for _ in range(self._count):
            ours, theirs = context.Pipe()
            process = context.Process(target=_life, args=(theirs, self._work), daemon=True)
            process.start()
            theirs.close()
            self._members.append((process, ours))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process, _pipe in self._members:
            process.terminate()
        for process, pipe in self._members:
            process.join(timeout=10)
            pipe.close()
        self._stack.close()

    def run(self, tasks: Sequence[Task]) -> Iterator[int]:
        """Do all tasks, in whatever order; yields what is reported.

        Raises
        ------
        SeagullError
            What a task raised.
        JobError
            A process came to an end.
        """
        if not self._members:
            for task in tasks:
                yield from self._work.do(task)
            return
        waiting = list(reversed(tasks))
        busy = [pipe for _process, pipe in self._members if _hand_out(pipe, waiting)]
        while busy:
            ready = wait(busy)
            for pipe in [one for one in busy if one in ready]:
                answer = _received(pipe)
                if isinstance(answer, SeagullError):
                    raise answer
                if answer is None and not _hand_out(pipe, waiting):
                    busy.remove(pipe)
                elif isinstance(answer, int):
                    yield answer


def _hand_out(pipe: Connection, waiting: list[Task]) -> bool:
    if waiting:
        pipe.send(waiting.pop())
        return True
    return False


def _received(pipe: Connection) -> object:
    try:
        return pipe.recv()
    except (EOFError, OSError) as error:
        raise JobError(
            "A process of the engine came to an end.",
            "Its words stand above, if it had any; otherwise memory may have run out: take fewer processes. "
            "The same command goes on from there.",
        ) from error


def _life(pipe: Connection, work: Work[Any]) -> None:
    """A process's whole life. One thread, so as not to fight."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C reaches the whole group; who started us ends us
    torch.set_num_threads(1)
    try:
        while True:
            task = pipe.recv()
            try:
                for done in work.do(task):
                    pipe.send(done)
            except SeagullError as error:
                pipe.send(error)
            else:
                pipe.send(None)
    except (EOFError, BrokenPipeError, ConnectionError):
        return  # who started us is gone
