"""What a run says while it works, and how it heeds what is asked of it."""

from __future__ import annotations

import time
from collections.abc import Callable

from seagull_iqa.domain.fine_tuning import CurvePoint, TuneRun, TuneState
from seagull_iqa.errors import SeagullError
from seagull_iqa.formats.tuning_run import CANCEL, PAUSE, RunFolder

Told = Callable[[TuneRun], None]
SAID_S = 0.5


class RestedError(SeagullError):
    """Somebody asked the run to rest, or to end."""

    def __init__(self, wish: str) -> None:
        super().__init__("The run was asked to stop.")
        self.wish = wish


class Teller:
    """Counts the steps of a run into its folder.

    Parameters
    ----------
    folder : RunFolder
    told : callable
        Told how far the run is, twice a second at most.
    writes : bool
        False in processes that only help: they write nothing.
    agreed : callable
        Given the wish that this process has read, gives the one that all processes follow.
    """

    def __init__(
        self, folder: RunFolder, told: Told, *, writes: bool = True, agreed: Callable[[str], str] = str
    ) -> None:
        self._folder, self._told, self._writes, self._agreed = folder, told, writes, agreed
        self._begun, self._said = time.monotonic(), 0.0
        self._step, self._skipped = 0, 0
        self.steps = 1

    @property
    def seconds(self) -> float:
        """Since the work began, or went on."""
        return time.monotonic() - self._begun

    def skip(self, steps: int) -> None:
        """So many were done before the run was stopped."""
        self._step += steps
        self._skipped += steps

    def note(self, phase: str, *, loss: float | None = None, held_out: float | None = None) -> None:
        """One step: say it, and heed what was asked for.

        Raises
        ------
        RestedError
            The run shall rest, or end.
        """
        self._step += 1
        wish = self._agreed(self._folder.wish() if self._writes else "")
        if wish in (PAUSE, CANCEL):
            raise RestedError(wish)
        if not self._writes:
            return
        point = CurvePoint(phase, min(self._step, self.steps), self.steps, loss, held_out)
        self._folder.add_point(point)
        if time.monotonic() - self._said > SAID_S or self._step == 1:
            self._said = time.monotonic()
            left = self.seconds / (self._step - self._skipped) * max(0, self.steps - self._step)
            run = TuneRun(self._folder.id, self._folder.spec(), TuneState.RUNNING, point, left)
            self._folder.write(run)
            self._told(run)
