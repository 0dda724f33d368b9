"""Fine-tuning as the server offers it: sets of labels, runs in processes of their own, and the registry of models.

A run is a folder, and whoever learns in it a child process that outlives neither its work nor a wish to stop, but does
outlive the server: a server that is killed finds it again, done or interrupted, by its folder.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock, Semaphore

from filelock import FileLock, Timeout
from pydantic import TypeAdapter, ValidationError

from seagull_iqa.domain.fine_tuning import Estimate, FineTuneSpec, Suggestion, TuneRun, TuneState, adapter_steps
from seagull_iqa.errors import LimitError, ModelError, SeagullError, UnknownJobError
from seagull_iqa.formats.label_set import LabelSet, read_label_set, unpacked
from seagull_iqa.formats.tuning_run import CANCEL, PAUSE, RunFolder, run_folders
from seagull_iqa.hub import tuned
from seagull_iqa.hub.planning import plan_training, training_needs, training_seconds
from seagull_iqa.registry import DEFAULT, choose_device, full_base
from seagull_iqa.wire_tuning import MOST_NAME, SUGGEST_S

MOST_SETS, MOST_RUNS = 16, 50
SUGGESTING = 2
"""Processes that look for suggestions at a time; whoever comes later waits."""

LEFT_S = 3600.0
"""What came only in part, or was half deleted, is left over by a server that was killed when it is as old as this."""

LEAVES_S = 20.0
HEARD_S = 60.0
"""By then whoever follows a run has heard that it was cancelled."""

_SUGGESTIONS: TypeAdapter[list[Suggestion]] = TypeAdapter(list[Suggestion])

START_S, LOOK_S, LABEL_S = 6.0, 0.35, 0.12
"""What a start, a million pixels and a label take, in s; a quiet core of 2020 is twice as fast."""

TRAININGS = 4
"""Of adapters: three folds, and all labels."""

BASE_BYTES, PIXEL_BYTES = 700_000_000, 60


class TuningDesk:
    """The server's verbs of fine-tuning; safe between threads, none of them in the event loop.

    Parameters
    ----------
    home : Path
        Where label sets and runs lie.
    command : sequence of str
        Starts a process that learns; given `--run FOLDER`, or `--suggest FOLDER --base NAME --count N`.
    """

    def __init__(self, home: Path, command: Sequence[str] = (sys.executable, "-m", "seagull_iqa", "finetune")) -> None:
        self._home, self._command = home, tuple(command)
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._lock, self._taking, self._suggesting = Lock(), Lock(), Semaphore(SUGGESTING)
        for folder in (home / "incoming", home / "label-sets", tuned.tuned_home()):
            _tidy(folder)

    @property
    def incoming(self) -> Path:
        """A folder for what is on its way here."""
        folder = self._home / "incoming"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def has_labels(self, sha256: str) -> bool:
        """Whether that set of labels is here."""
        return (self._sets / sha256).is_dir()

    def take_labels(self, archive: Path, sha256: str) -> None:
        """Take a set of labels in; it is read once, so that what is wrong with it is said at once."""
        folder = self._sets / sha256
        self._sets.mkdir(parents=True, exist_ok=True)
        with self._taking:
            if not folder.is_dir():  # else somebody else has sent it meanwhile, and it may be in use
                unpacked(archive, folder)
                try:
                    read_label_set(folder)
                except SeagullError:
                    shutil.rmtree(folder, ignore_errors=True)
                    raise
            known = sorted(self._sets.glob("[0-9a-f]*"), key=lambda path: path.stat().st_mtime)
            for old in known[:-MOST_SETS]:
                shutil.rmtree(old, ignore_errors=True)

    def estimate(self, sha256: str, base: str = DEFAULT) -> Estimate:
        """What a run on that set takes, at most by a factor of two wrong on a laptop.

        Raises
        ------
        CheckpointError
            The base is not here.
        OutOfMemoryError
            It is too large to learn here.
        """
        labels = read_label_set(self._labels(sha256))
        full = full_base(base)
        if full is not None:
            return _estimate_of_full(full, labels)
        pixels = [one.document.image.shape for one in labels.images if one.document.image is not None]
        areas = [height * width for height, width in pixels]
        said = sum(len(one.document.annotations) + len(one.document.preferences) for one in labels.images)
        seconds = START_S + LOOK_S * sum(areas) / 1e6 + LABEL_S * said
        return Estimate(seconds, BASE_BYTES + PIXEL_BYTES * max(areas, default=0))

    def suggest(self, sha256: str, base: str, count: int) -> list[Suggestion]:
        """Ask a process of its own which regions would teach most."""
        words = ["--suggest", str(self._labels(sha256)), "--base", base, "--count", str(count)]
        try:
            with self._suggesting:
                done = subprocess.run(
                    [*self._command, *words], capture_output=True, timeout=SUGGEST_S, env=_environment(), check=False
                )
        except subprocess.TimeoutExpired as error:
            raise SeagullError("The suggestions took too long.", "Try again with fewer images.") from error
        if done.returncode:
            raise SeagullError(_last_words(done.stderr), "Label whichever regions you like.")
        try:
            return _SUGGESTIONS.validate_json(done.stdout)
        except ValidationError as error:
            raise SeagullError("The suggestions cannot be read.", "Label whichever regions you like.") from error

    def start(self, sha256: str, spec: FineTuneSpec) -> TuneRun:
        """Begin a run; refused where one is under way, here or in another server on the same folder.

        Raises
        ------
        ModelError
            Another run is under way.
        LimitError
            The name is too long, or too many runs wait to be decided on.
        """
        if not spec.name.strip() or len(spec.name) > MOST_NAME:
            raise LimitError(f"A model's name has 1 to {MOST_NAME} letters.", "Give another name.")
        labels = self._labels(sha256)
        with self._lock:
            known = run_folders(self._runs)
            self._refuse_beside(known)
            known = [folder for folder in known if not self._is_forgotten(folder)]
            if len(known) >= MOST_RUNS:
                raise LimitError(f"{len(known)} runs wait to be decided on.", "Keep or discard some of them.")
            folder = RunFolder.new(self._runs, spec)
            shutil.copytree(labels, folder.labels, copy_function=_linked)
            self._spawn(folder)
        return self.run(folder.id)

    def run(self, run: str) -> TuneRun:
        """How far a run is; one whose process is gone says so."""
        folder = self._folder(run)
        known = folder.read()
        if known.state in (TuneState.QUEUED, TuneState.RUNNING) and not self._is_alive(folder):
            with self._lock:  # it may have ended between the two looks, or be about to begin
                known = folder.read()
                if known.state in (TuneState.QUEUED, TuneState.RUNNING) and not self._is_alive(folder):
                    known = folder.change(TuneState.INTERRUPTED)
        return known

    def folder(self, run: str) -> RunFolder:
        """Where a run lies."""
        return self._folder(run)

    def runs(self) -> list[TuneRun]:
        """Runs that nobody has decided on, the newest first."""
        known = [self.run(folder.id) for folder in run_folders(self._runs)]
        return [run for run in known if run.state is not TuneState.CANCELLED]

    def pause(self, run: str) -> TuneRun:
        """Let it rest at the next step."""
        return self._ask(run, PAUSE, TuneState.PAUSED)

    def cancel(self, run: str) -> TuneRun:
        """End it at the next step, and forget it."""
        return self._ask(run, CANCEL, TuneState.CANCELLED)

    def resume(self, run: str) -> TuneRun:
        """Let it go on; what it has looked at already is not looked at again."""
        folder = self._folder(run)
        with self._lock:
            self._refuse_beside([one for one in run_folders(self._runs) if one.id != run])
            if not self._is_at_work(folder) and not folder.read().state.ended:
                folder.heed()
                folder.change(TuneState.QUEUED)
                self._spawn(folder)
        return self.run(run)

    def decide(self, run: str, *, keep: bool) -> str:
        """Put what came of a run into the registry, or forget it; the id of the model, "" for none."""
        folder = self._folder(run)
        if self._is_at_work(folder):
            raise ModelError("The run is still under way.", "Wait for it, or cancel it.")
        model = ""
        if keep:
            if folder.read().state is not TuneState.DONE:
                raise ModelError("The run has made no model.", "Let it go on, or discard it.")
            model = tuned.adopt_model(folder.model).id
        shutil.rmtree(folder.path, ignore_errors=True)
        self._children.pop(run, None)
        return model

    @property
    def _sets(self) -> Path:
        return self._home / "label-sets"

    @property
    def _runs(self) -> Path:
        return self._home / "runs"

    def _labels(self, sha256: str) -> Path:
        folder = self._sets / sha256
        if not folder.is_dir():
            raise UnknownJobError("The server has no such labels (any more).", "Send them again.")
        os.utime(folder)
        return folder

    def _folder(self, run: str) -> RunFolder:
        path = self._runs / run
        if not run.isalnum() or not path.is_dir():
            raise UnknownJobError(f"There is no run {run[:40]!r}.", "It was decided on, or never begun.")
        return RunFolder(path)

    def _ask(self, run: str, wish: str, state: TuneState) -> TuneRun:
        folder = self._folder(run)
        if self._is_alive(folder):
            folder.ask(wish)
            return folder.read()
        known = folder.read()
        return known if known.state.ended else folder.change(state)

    def _spawn(self, folder: RunFolder) -> None:
        try:
            with (folder.path / "log.txt").open("ab") as log:
                self._children[folder.id] = subprocess.Popen(
                    [*self._command, "--run", str(folder.path)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                    stderr=log, env=_environment(), start_new_session=True,
                )  # fmt: skip
        except OSError as error:
            folder.change(TuneState.FAILED, f"The training could not be started ({error}).")

    def _is_forgotten(self, folder: RunFolder) -> bool:
        """Whether a run was cancelled; nobody lists it any more, so it is cleared away."""
        if folder.read().state is not TuneState.CANCELLED:
            return False
        if time.time() - folder.path.stat().st_mtime > HEARD_S:
            shutil.rmtree(folder.path, ignore_errors=True)
            self._children.pop(folder.id, None)
        return True

    def _refuse_beside(self, others: Sequence[RunFolder]) -> None:
        busy = next((folder for folder in others if self._is_at_work(folder)), None)
        if busy is not None:
            raise ModelError(f"“{busy.spec().name}” is being trained.", "Wait for it, or cancel it.")

    def _is_at_work(self, folder: RunFolder) -> bool:
        """Whether somebody learns there; a process that has said its last word is waited for."""
        state, end = folder.read().state, time.monotonic() + LEAVES_S
        while self._is_alive(folder):
            if not (state.ended or state.goes_on) or time.monotonic() > end:
                return True
            time.sleep(0.05)
            state = folder.read().state
        return False

    def _is_alive(self, folder: RunFolder) -> bool:
        """Whether a process learns there, ours or another server's."""
        child = self._children.get(folder.id)
        if child is not None and child.poll() is None:
            return True
        if not folder.lock.exists():
            return False
        lock = FileLock(folder.lock)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return True
        lock.release()
        return False


def _estimate_of_full(base: Path, labels: LabelSet) -> Estimate:
    """Adapters of the full model: a training for each fold, and one on everything."""
    said = sum(len(one.document.annotations) + len(one.document.preferences) for one in labels.images)
    device = choose_device().name
    precision = plan_training(base.name, base, device)
    seconds = training_seconds(base, device, (TRAININGS if len(labels.images) > 1 else 1) * adapter_steps(said))
    return Estimate(START_S + seconds, training_needs(base)[precision])


def _tidy(folder: Path) -> None:
    """Remove what a server that was killed has left over: uploads, and folders that were not whole yet."""
    before = time.time() - LEFT_S
    for path in folder.iterdir() if folder.is_dir() else ():
        if folder.name != "incoming" and not (path.name.startswith(".") and path.suffix in {".part", ".gone"}):
            continue
        with suppress(OSError):  # somebody else clears up, too
            if path.stat().st_mtime > before:
                continue
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _linked(source: str, target: str) -> None:
    """The same file under two names where that can be, else a copy."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _environment() -> dict[str, str]:
    """One thread, so that scoring has the other processor."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "SEAGULL_COURTEOUS": "1"}


def _last_words(stderr: bytes) -> str:
    lines = [line.strip() for line in stderr.decode("utf-8", "replace").splitlines() if line.strip()]
    said = lines[-1].removeprefix("error: ") if lines else "it gave no reason."
    return f"No suggestions: {said[:300]}"
