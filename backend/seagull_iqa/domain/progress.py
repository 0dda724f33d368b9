"""How far long work has come, and the way it says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """How far long work has come.

    Attributes
    ----------
    done, total : int
        Steps done, and steps in all (0 = not known yet).
    message : str
        What is being done, for a person.
    """

    done: int
    total: int
    message: str = ""

    @property
    def fraction(self) -> float:
        """0..1; 0 where the total is not known."""
        return min(1.0, self.done / self.total) if self.total else 0.0


ProgressCallback = Callable[[Progress], None]
"""Called between steps on the worker; it cancels the work by raising `JobCancelledError`."""


def ignore_progress(_progress: Progress) -> None:
    """The callback of who does not care."""
