"""Fine-tuning of a few lines: labels are counted, a run takes ten steps, and the model that comes of it is brighter."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from seagull_iqa.domain.fine_tuning import (
    BeforeAfter,
    ChangedRegion,
    CurvePoint,
    Estimate,
    FineTuneResult,
    FineTuneSpec,
    LabelStock,
    Method,
    Suggestion,
    TuneRun,
    TuneState,
)
from seagull_iqa.domain.tuned_model import TunedModel
from seagull_iqa.errors import SeagullError
from seagull_iqa.formats.export import Export

STEPS = 10


class ToyTuning:
    """Runs that go on while `go` is set; what comes of them is as good as `better` says."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.go.set()
        self.fails: SeagullError | None = None
        self.better: bool | None = True
        self.known: dict[str, TuneRun] = {}
        self.labels: list[Export] = []
        self.kept: dict[str, TunedModel] = {}
        self._numbers = itertools.count(1)

    def stock(self, labels: Sequence[Export]) -> LabelStock:
        quality, types = [0] * 10, dict[str, int]()
        said = list(self._said(labels))
        for _export, _region, value in said:
            quality[min(9, int(value // 10))] += 1
        pairs = sum(len(one.document.preferences) for one in labels)
        ids = [region.id for _export, region, _value in said]
        clash = ((ids[0], ids[1], "These two cannot both be right."),) if len(ids) > 1 else ()
        images = len({export.pixels.sha256 for export, _region, _value in said})
        return LabelStock(len(said), images, pairs, (("Ann", len(said)),), tuple(quality), types, 0, clash)

    def suggest(self, labels: Sequence[Export], *, base: str, count: int) -> list[Suggestion]:
        rated = {region.id for _export, region, _value in self._said(labels)}
        return [
            Suggestion(export.pixels.sha256, one.id, 0.5, "Nothing like it is labelled.")
            for export in labels for one in export.document.regions if one.id not in rated
        ][:count]  # fmt: skip

    def estimate(self, labels: Sequence[Export], spec: FineTuneSpec) -> Estimate:
        return Estimate(130.0, 900_000_000)

    def start(self, labels: Sequence[Export], spec: FineTuneSpec) -> TuneRun:
        if self.fails is not None:
            raise self.fails
        self.labels = list(labels)
        run = TuneRun(f"run-{next(self._numbers)}", spec, TuneState.QUEUED, CurvePoint("Waiting", 0, STEPS))
        self.known[run.id] = run
        return run

    def follow(self, run: str, heard: Callable[[TuneRun], None]) -> TuneRun:
        while not self.known[run].state.ended and not self.known[run].state.goes_on:
            heard(self.known[run])
            self.go.wait(0.02)
            if self.go.is_set():
                self._step(run)
        return self.known[run]

    def pause(self, run: str) -> TuneRun:
        return self._put(run, TuneState.PAUSED)

    def resume(self, run: str) -> TuneRun:
        return self._put(run, TuneState.RUNNING)

    def cancel(self, run: str) -> TuneRun:
        return self._put(run, TuneState.CANCELLED)

    def runs(self) -> list[TuneRun]:
        return list(reversed(self.known.values()))

    def keep(self, run: str, *, keep: bool) -> str:
        ended = self.known.pop(run)
        if keep:
            name, made = ended.spec.name, ended.result.model
            self.kept[made] = TunedModel(made, name, "toy-small", "2026-11-26", 10, 1, better=self.better)
            return made
        return ""

    def models(self) -> list[TunedModel]:
        return list(self.kept.values())

    def remove(self, model: str) -> None:
        del self.kept[model]

    def export(self, model: str, path: Path) -> None:
        path.write_text(model)

    def take_in(self, path: Path) -> str:
        made = path.read_text()
        self.kept[made] = TunedModel(made, made, "toy-small")
        return made

    def _put(self, run: str, state: TuneState) -> TuneRun:
        self.known[run] = replace(self.known[run], state=state)
        return self.known[run]

    def _step(self, run: str) -> None:
        now = self.known[run]
        step = now.progress.step + 1
        point = CurvePoint("Learning", step, STEPS, 1.0 / step, 20.0 - step)
        self.known[run] = replace(now, state=TuneState.RUNNING, progress=point, seconds_left=1.0)
        if step == STEPS:
            self.known[run] = replace(self.known[run], state=TuneState.DONE, result=self._result(now))

    def _result(self, run: TuneRun) -> FineTuneResult:
        changed = [
            ChangedRegion(export.pixels.sha256, region.id, value, 70.0, value)
            for export, region, value in self._said(self.labels)
        ]
        error = BeforeAfter("mean absolute error", 20.0, 10.0 if self.better else 30.0, larger_is_better=False)
        return FineTuneResult(
            f"{run.spec.name}-1", Method.SCALE, {}, (error,), tuple(changed), self.better, "As it is.", 3.0
        )

    @staticmethod
    def _said(labels: Sequence[Export]):
        for export in labels:
            for region in export.regions_here():
                values = [one.quality for one in export.document.counting(region.id) if one.quality is not None]
                if values:
                    yield export, region, sum(values) / len(values)
