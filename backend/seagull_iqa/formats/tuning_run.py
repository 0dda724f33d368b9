"""A fine-tuning run on the disk: what was asked, the labels it learns from, how far it is, and what it has made.

A folder a run, so that the process that learns, the server and the command line speak through files alone, and any of
them may die at any moment: `run.json` and `labels/` are written before the run is begun and never changed; `state.json`
is replaced whole; `curve.jsonl` only grows; `wish` is how a running process is asked to rest or to end.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from seagull_iqa.domain.annotation import now_utc
from seagull_iqa.domain.fine_tuning import CurvePoint, FineTuneSpec, TuneRun, TuneState
from seagull_iqa.errors import SeagullError
from seagull_iqa.formats.reading import FormatError, read_json
from seagull_iqa.imaging.saving import save_text

FORMAT = "seagull-finetune"
VERSION = 1
PAUSE, CANCEL = "pause", "cancel"
"""What a running process may be asked for."""

_SPEC: TypeAdapter[FineTuneSpec] = TypeAdapter(FineTuneSpec)
_RUN: TypeAdapter[TuneRun] = TypeAdapter(TuneRun)
_POINT: TypeAdapter[CurvePoint] = TypeAdapter(CurvePoint)


@dataclass(frozen=True)
class RunFolder:
    """The folder of one run.

    Attributes
    ----------
    path : Path
        Its name is the id of the run.
    """

    path: Path

    @classmethod
    def new(cls, runs: Path, spec: FineTuneSpec) -> RunFolder:
        """Begin one in the folder of all runs, queued; `labels` is to be filled before it is begun."""
        folder = cls(runs / uuid.uuid4().hex[:12])
        folder.path.mkdir(parents=True)
        values = {"format": FORMAT, "version": VERSION, "created": now_utc(), "spec": asdict(spec)}
        folder.write(TuneRun(folder.id, spec, TuneState.QUEUED, CurvePoint("Waiting", 0, 0)))
        # Last, since a folder is a run by this file: nobody finds one without a state.
        save_text(folder.path / "run.json", json.dumps(values, indent=1, ensure_ascii=False))
        return folder

    @property
    def id(self) -> str:
        """The identity of the run."""
        return self.path.name

    @property
    def labels(self) -> Path:
        """The label set it learns from: `formats.label_set`."""
        return self.path / "labels"

    @property
    def checkpoint(self) -> Path:
        """What the learning process keeps to go on from; nobody else reads it."""
        return self.path / "checkpoint"

    @property
    def model(self) -> Path:
        """Where the model is put once it is made: `weights.safetensors` and `weights.json`, its card."""
        return self.path / "model"

    @property
    def lock(self) -> Path:
        """Locked by the operating system as long as a process learns in this folder."""
        return self.path / "lock"

    @property
    def created(self) -> str:
        """When it was begun, ISO 8601, UTC."""
        return str(self._asked().get("created", ""))

    def spec(self) -> FineTuneSpec:
        """What was asked; `FormatError` where the file is none of ours."""
        try:
            return _SPEC.validate_python(self._asked().get("spec"))
        except ValidationError as error:
            raise FormatError(f"{self.path / 'run.json'} is not understood.", "Start the run anew.") from error

    def read(self) -> TuneRun:
        """How far it is; `FormatError` where the folder holds no run."""
        try:
            return _RUN.validate_python(read_json(self.path / "state.json"))
        except ValidationError as error:
            raise FormatError(f"{self.path / 'state.json'} is not understood.", "Start the run anew.") from error

    def write(self, run: TuneRun) -> None:
        """Say how far it is: the file is replaced whole, and on the disk when this returns."""
        save_text(self.path / "state.json", json.dumps(_RUN.dump_python(run, mode="json"), ensure_ascii=False))

    def change(self, state: TuneState, error: str = "") -> TuneRun:
        """Set the state alone."""
        run = replace(self.read(), state=state, error=error)
        self.write(run)
        return run

    def add_point(self, point: CurvePoint) -> None:
        """Put a look into the curve; a line that a crash tears off is left out when it is read."""
        with (self.path / "curve.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(_POINT.dump_python(point, mode="json")) + "\n")

    def curve(self) -> Iterator[CurvePoint]:
        """All looks, oldest first; what cannot be read is left out."""
        path = self.path / "curve.jsonl"
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
        for line in lines:
            with suppress(ValueError):
                yield _POINT.validate_json(line)

    def ask(self, wish: str) -> None:
        """Ask the process that learns to rest (`PAUSE`) or to end (`CANCEL`)."""
        save_text(self.path / "wish", wish)

    def wish(self) -> str:
        """What was asked for since `heed`; "" where nothing was."""
        try:
            return (self.path / "wish").read_text(encoding="utf-8").strip()
        except OSError:
            return ""

    def heed(self) -> None:
        """Forget the wish: it was followed, or the run goes on."""
        (self.path / "wish").unlink(missing_ok=True)

    def _asked(self) -> dict[str, Any]:
        values = read_json(self.path / "run.json")
        if not isinstance(values, dict) or values.get("format") != FORMAT:
            raise FormatError(f"{self.path} is not the folder of a run.", "Name a folder that `seagull finetune` made.")
        if values.get("version") != VERSION:
            raise FormatError(f"{self.path} was made by a newer version.", "Update napari-seagull.")
        return values


def run_folders(runs: Path) -> list[RunFolder]:
    """Every run in the folder of all runs, the newest first; what is no run is left out."""
    found = []
    for path in runs.iterdir() if runs.is_dir() else ():
        folder = RunFolder(path)
        with suppress(SeagullError):
            found.append((folder.created, folder.id, folder))
    return [folder for _created, _id, folder in sorted(found, key=lambda one: one[:2], reverse=True)]
