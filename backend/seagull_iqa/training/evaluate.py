"""Measure a model on the frozen protocol or on any labelled images, with everybody else's rows beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from seagull_iqa.data.protocol import CaseLabel, Protocol
from seagull_iqa.domain.progress import Progress, ProgressCallback, ignore_progress
from seagull_iqa.errors import SeagullError
from seagull_iqa.models.interface import QualityModel, RGBImage
from seagull_iqa.registry import load_model
from seagull_iqa.training.answers import CaseResult, LadderResult
from seagull_iqa.training.asking import Asker
from seagull_iqa.training.baselines import ALL_ROWS
from seagull_iqa.training.datasets import DataChoice, found_path, is_protocol, open_data_set
from seagull_iqa.training.image_bench import ImageBench
from seagull_iqa.training.measuring import WorkFile, measure_all
from seagull_iqa.training.outsiders import PYIQA
from seagull_iqa.training.protocol_bench import ProtocolBench, read_labels, save_labels
from seagull_iqa.training.tables import EvaluationTable, make_table


@dataclass(frozen=True)
class EvaluateSpec:
    """What to evaluate, and how thoroughly.

    Attributes
    ----------
    data : Path or None
        A folder with photos/ and protocol/, a data set, a name, or nothing, see `DataChoice`.
    model, device : str
        As for `load_model`.
    cases : int or None
        A quick look at that many cases (spread over the photographs, always the same); None = all of them.
    rows : tuple of str
        Which rows to print; `ALL_ROWS` by default; "pyiqa:NAME" for a metric of an installed pyiqa.
    ladders : bool
        Whether to climb the protocol's ladders too.
    labels : Path or None
        A JSON file that keeps the protocol's labels between runs: read where it is there, else written.
    work : Path or None
        A file that keeps the results so far, so that a run that was stopped goes on.
    workers : int
        Processes; each loads the model.
    draws : int
        Bootstrap samples behind the intervals.
    choice : DataChoice or None
        What `data` is short for.
    """

    data: Path | None = None
    model: str = "seagull-mini"
    device: str = "auto"
    cases: int | None = None
    rows: tuple[str, ...] = ALL_ROWS
    ladders: bool = True
    labels: Path | None = None
    work: Path | None = None
    workers: int = 1
    draws: int = 1000
    choice: DataChoice | None = None

    def __post_init__(self) -> None:
        unknown = [row for row in self.rows if row not in ALL_ROWS and not row.startswith(PYIQA)]
        if unknown:
            raise SeagullError(f"There is no row {unknown[0]!r}.", f"The rows are: {', '.join(ALL_ROWS)}.")
        if self.cases is not None and self.cases < 1:
            raise SeagullError(f"{self.cases} cases cannot be evaluated.", "Ask for at least one, or leave it out.")

    @property
    def what(self) -> DataChoice:
        """Which data."""
        return self.choice or DataChoice(self.data)

    def bench(self, model: QualityModel | None = None) -> ProtocolBench | ImageBench:
        """Open the data and, where none is given, load the model."""
        if not is_protocol(self.what):
            data = open_data_set(self.what)
            return ImageBench(data, Asker(model or load_model(self.model, self.device), self.rows), self.cases)
        protocol = Protocol.load(found_path(self.what))
        known = read_labels(self.labels, protocol.digest)
        asker = Asker(model or load_model(self.model, self.device), self.rows)
        return ProtocolBench(protocol, asker, self.cases, self.ladders, known)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What was measured, case by case.

    Attributes
    ----------
    spec : EvaluateSpec
    bench : ProtocolBench or ImageBench
    cases, ladders : list
        In the order of the data.
    """

    spec: EvaluateSpec
    bench: ProtocolBench | ImageBench
    cases: list[CaseResult] = field(default_factory=list)
    ladders: list[LadderResult] = field(default_factory=list)

    @cached_property
    def about(self) -> Mapping[str, object]:
        """What stands over the table, and in the JSON."""
        model, about = self.bench.asker.model, self.bench.about
        fewer = not set(ALL_ROWS) <= set(self.spec.rows)
        return {
            **about,
            "model": model.card.id,
            "weights_sha256": model.card.sha256,
            "device": model.device,
            "partial": bool(about["partial"] or fewer),
        }

    @cached_property
    def table(self) -> EvaluationTable:
        """Every figure of every row."""
        return make_table(self.cases, self.ladders, self.about, self.spec.rows, self.spec.draws)

    def picture(self, case: CaseResult) -> RGBImage:
        """The box of a case as the model saw it: uint8 (h, w, 3)."""
        return self.bench.picture(case)


def measure(
    spec: EvaluateSpec, *, model: QualityModel | None = None, progress: ProgressCallback = ignore_progress
) -> Evaluation:
    """Ask the model about everything.

    Parameters
    ----------
    spec : EvaluateSpec
    model : QualityModel, optional
        Already loaded; else `spec.model` is loaded.
    progress : callable
        Told after every rendering or region looked at.

    Raises
    ------
    SeagullError
        There is no such data or model, or one of its files cannot be understood.
    """
    bench = spec.bench(model)
    work = WorkFile(spec.work, bench.key)
    found = Evaluation(spec, bench)
    for done, one in enumerate(measure_all(spec, bench, spec.workers, work), 1):
        progress(Progress(done, bench.looks, one.unit))
        if isinstance(one.result, CaseResult):
            found.cases.append(one.result)
        elif isinstance(one.result, LadderResult):
            found.ladders.append(one.result)
    if spec.labels and isinstance(bench, ProtocolBench):
        _keep_labels(spec.labels, bench, {case.number: case.label for case in found.cases})
    return found


def evaluate(
    spec: EvaluateSpec, *, model: QualityModel | None = None, progress: ProgressCallback = ignore_progress
) -> EvaluationTable:
    """The table alone; see `measure`."""
    return measure(spec, model=model, progress=progress).table


def _keep_labels(path: Path, bench: ProtocolBench, found: Mapping[int, CaseLabel]) -> None:
    if not found.keys() <= bench.known.keys():
        save_labels(path, bench.protocol.digest, {**bench.known, **found})
