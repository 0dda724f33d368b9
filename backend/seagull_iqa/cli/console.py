"""What the command line shows: results on the standard output, progress and errors beside them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.text import Text

from seagull_iqa.domain.progress import Progress as Step
from seagull_iqa.domain.progress import ProgressCallback

_FILE_WIDTH = 120


def output() -> Console:
    """The standard output; wide enough for a table where it goes into a file."""
    console = Console()
    return console if console.is_terminal or "COLUMNS" in os.environ else Console(width=_FILE_WIDTH)


def errors() -> Console:
    """The standard error."""
    return Console(stderr=True)


def say_error(message: str, hint: str = "") -> None:
    """One line: what is wrong, and what to do next."""
    line = " ".join(f"error: {message} {hint}".split())
    errors().print(Text(line, style="red"), soft_wrap=True)


def remark(text: str) -> None:
    """Something to know, beside the results."""
    errors().print(Text(printable(text), style="dim"), soft_wrap=True)


def printable(text: str) -> str:
    """A model's words without the letters that steer a terminal; line ends stay."""
    return "".join(letter if letter.isprintable() or letter == "\n" else " " for letter in text)


@contextmanager
def progress_bar(title: str) -> Iterator[ProgressCallback]:
    """A bar on the standard error that follows a `ProgressCallback`; nothing where nobody looks at it."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    console = errors()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        task: TaskID = bars.add_task(title, total=None)

        def follow(step: Step) -> None:
            bars.update(task, completed=step.done, total=step.total or None, description=step.message or title)

        yield follow


@contextmanager
def byte_bar(title: str) -> Iterator[ProgressCallback]:
    """As `progress_bar`, for bytes, with speed and the time that is left."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    console = errors()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task(title, total=None)

        def follow(step: Step) -> None:
            bars.update(task, completed=step.done, total=step.total or None, description=step.message or title)

        yield follow
