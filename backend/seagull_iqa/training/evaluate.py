"""Put a model through the frozen protocol: every case, every ladder, and the baselines beside them.

A photograph is rendered and looked at once a case; all that is asked of it comes from that look.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context, parent_process
from pathlib import Path
from threading import Thread

import numpy as np
import torch
from torch import Tensor

from seagull_iqa.data import labels
from seagull_iqa.data.protocol import (
    DIRECTIONS,
    LADDER_STRENGTHS,
    NUMBER,
    Case,
    CaseLabel,
    Protocol,
    Scene,
    to_rgb,
)
from seagull_iqa.domain.progress import Progress, ProgressCallback, ignore_progress
from seagull_iqa.domain.region import Region, RegionMask
from seagull_iqa.errors import SeagullError
from seagull_iqa.imaging.saving import save_text
from seagull_iqa.models.interface import QualityModel, RGBImage
from seagull_iqa.registry import load_model
from seagull_iqa.training.answers import Answer, CaseResult, LadderResult
from seagull_iqa.training.baselines import ALL_ROWS, BRISQUE, CROP, WHOLE, brisque, why_no_brisque
from seagull_iqa.training.metrics import ladder
from seagull_iqa.training.tables import EvaluationTable, make_table


@dataclass(frozen=True)
class EvaluateSpec:
    """What to evaluate, and how thoroughly.

    Attributes
    ----------
    data : Path
        Folder with photos/ and protocol/.
    model, device : str
        As for `load_model`.
    cases : int or None
        A quick look at that many cases (spread over the photographs, always the same); None = all of them.
    rows : tuple of str
        Which rows of the protocol to print; `ALL_ROWS` by default.
    ladders : bool
        Whether to climb the ladders too.
    labels : Path or None
        A JSON file that keeps the labels between runs: read where it is there, else written.
    workers : int
        Processes; each loads the model.
    draws : int
        Bootstrap samples behind the intervals.
    """

    data: Path
    model: str = "seagull-mini"
    device: str = "auto"
    cases: int | None = None
    rows: tuple[str, ...] = ALL_ROWS
    ladders: bool = True
    labels: Path | None = None
    workers: int = 1
    draws: int = 1000

    def __post_init__(self) -> None:
        unknown = [row for row in self.rows if row not in ALL_ROWS]
        if unknown:
            raise SeagullError(f"There is no row {unknown[0]!r}.", f"The rows are: {', '.join(ALL_ROWS)}.")
        if self.cases is not None and self.cases < 1:
            raise SeagullError(f"{self.cases} cases cannot be evaluated.", "Ask for at least one, or leave it out.")


Measured = CaseResult | LadderResult | None
"""One look's worth of results; None for a rung that is not the last."""


@dataclass(frozen=True)
class _Work:
    """What one photograph is put through."""

    name: str
    cases: list[Case]
    climb: bool

    @property
    def looks(self) -> int:
        """How many renderings are looked at, counting a case once."""
        return len(self.cases) + self.climb * (1 + len(DIRECTIONS) * (len(LADDER_STRENGTHS) - 1))


def evaluate(
    spec: EvaluateSpec, *, model: QualityModel | None = None, progress: ProgressCallback = ignore_progress
) -> EvaluationTable:
    """Run the protocol.

    Parameters
    ----------
    spec : EvaluateSpec
    model : QualityModel, optional
        Already loaded; else `spec.model` is loaded.
    progress : callable
        Told after every rendering looked at.

    Raises
    ------
    SeagullError
        The protocol is not in the data folder, or there is no such model.
    """
    protocol = Protocol.load(spec.data)
    model = model or load_model(spec.model, spec.device)
    chosen = protocol.spread(spec.cases)
    climbing = _climbing(list(chosen), len(protocol.cases), spec)
    work = [_Work(name, cases, name in climbing) for name, cases in chosen.items()]
    known = _read_labels(spec.labels, protocol.digest)
    total = sum(one.looks for one in work)
    cases: list[CaseResult] = []
    ladders: list[LadderResult] = []
    for done, (name, measured) in enumerate(_measure_all(spec, protocol, model, work, known), 1):
        progress(Progress(done, total, name))
        if isinstance(measured, CaseResult):
            cases.append(measured)
        elif isinstance(measured, LadderResult):
            ladders.append(measured)
    found = {case.number: case.label for case in cases}
    if spec.labels and not found.keys() <= known.keys():
        _save_labels(spec.labels, protocol.digest, known | found)
    return make_table(cases, ladders, _about(spec, protocol, model, len(climbing)), spec.rows, spec.draws)


def _about(spec: EvaluateSpec, protocol: Protocol, model: QualityModel, climbed: int) -> dict[str, object]:
    """What stands over the table, and in the JSON."""
    chosen = protocol.spread(spec.cases)
    count = sum(map(len, chosen.values()))
    return {
        "protocol": NUMBER,
        "protocol_files_unchanged": protocol.is_frozen,
        "label": labels.NAME,
        "model": model.card.id,
        "weights_sha256": model.card.sha256,
        "device": model.device,
        "cases": count,
        "photographs": len(chosen),
        "ladder_photographs": climbed,
        "partial": count < len(protocol.cases) or not spec.ladders or set(spec.rows) < set(ALL_ROWS),
    }


def _climbing(names: list[str], cases: int, spec: EvaluateSpec) -> set[str]:
    """The photographs whose ladders are climbed: all, or as large a share of them as of the cases, two at least."""
    if not spec.ladders:
        return set()
    share = min(1.0, (spec.cases or cases) / cases)
    return set(names[: max(2, round(share * len(names)))])


def _measure_all(
    spec: EvaluateSpec, protocol: Protocol, model: QualityModel, work: Sequence[_Work], known: dict[int, CaseLabel]
) -> Iterator[tuple[str, Measured]]:
    if spec.workers <= 1:
        for one in work:
            for measured in _measure(spec, protocol.scene(one.name), model, one, known):
                yield one.name, measured
        return
    with ProcessPoolExecutor(
        spec.workers, mp_context=get_context("spawn"), initializer=_end_with_parent
    ) as pool:
        for one, results in zip(work, pool.map(_measure_elsewhere, [(spec, one, known) for one in work]), strict=True):
            for measured in results:
                yield one.name, measured


def _end_with_parent() -> None:
    """In a worker: end when the process that started it is gone, killed ones included; else it would wait forever."""
    parent = parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    Thread(target=watch, name="seagull-parent", daemon=True).start()


@lru_cache(maxsize=1)
def _worker(model: str, device: str, data: Path) -> tuple[QualityModel, Protocol]:
    torch.set_num_threads(1)
    return load_model(model, device), Protocol.load(data)


def _measure_elsewhere(task: tuple[EvaluateSpec, _Work, dict[int, CaseLabel]]) -> list[Measured]:
    spec, work, known = task
    model, protocol = _worker(spec.model, spec.device, spec.data)
    return list(_measure(spec, protocol.scene(work.name), model, work, known))


def _measure(
    spec: EvaluateSpec, scene: Scene, model: QualityModel, work: _Work, known: dict[int, CaseLabel]
) -> Iterator[Measured]:
    for case in work.cases:
        spoiled = scene.render(case)
        label = known.get(case.number) or scene.label(case, spoiled)
        yield _ask(spec, scene, model, case, (spoiled, label))
    if work.climb:
        yield from _climb(scene, model)


def _ask(
    spec: EvaluateSpec, scene: Scene, model: QualityModel, case: Case, truth: tuple[Tensor, CaseLabel]
) -> CaseResult:
    spoiled, label = truth
    rgb, mask = to_rgb(spoiled), RegionMask.from_pixels(scene.masks[case.ask])
    regions = [Region(mask), *([Region(RegionMask.whole(mask.shape))] if WHOLE in spec.rows else [])]
    reports = model.assess(model.look(rgb), regions)
    row0, col0, row1, col1 = mask.box
    box = np.ascontiguousarray(rgb[row0:row1, col0:col1])
    return CaseResult(
        case.number, scene.name, scene.share(case.ask), label, Answer.of(reports[0]),
        Answer.of(reports[1]) if WHOLE in spec.rows else None,
        _ask_whole(model, box) if CROP in spec.rows else None,
        brisque(box) if BRISQUE in spec.rows and not why_no_brisque() else None,
    )


def _ask_whole(model: QualityModel, rgb: RGBImage) -> Answer:
    shape = (int(rgb.shape[0]), int(rgb.shape[1]))
    return Answer.of(model.assess(model.look(rgb), [Region(RegionMask.whole(shape))])[0])


def _climb(scene: Scene, model: QualityModel) -> Iterator[Measured]:
    clean = _ask_whole(model, to_rgb(scene.pixels)).quality
    yield None
    for distortion, direction in DIRECTIONS:
        predicted = [clean]
        for strength, spoiled in scene.ladder(distortion, direction):
            predicted.append(_ask_whole(model, to_rgb(spoiled)).quality)
            if strength != LADDER_STRENGTHS[-1]:
                yield None
        yield LadderResult(scene.name, str(distortion), direction, ladder(LADDER_STRENGTHS, predicted))


def _read_labels(path: Path | None, digest: str) -> dict[int, CaseLabel]:
    if path is None:
        return {}
    if not path.is_file():
        _save_labels(path, digest, {})  # a place that cannot be written shows now, not after the work
        return {}
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        kept = {}
    if (kept.get("label"), kept.get("protocol_sha256")) != (labels.NAME, digest):
        raise SeagullError(f"{path} holds no labels of this kind and protocol.", "Give a new file name.")
    return {int(number): CaseLabel.from_json(row) for number, row in kept["cases"].items()}


def _save_labels(path: Path, digest: str, known: dict[int, CaseLabel]) -> None:
    rows = {str(number): label.to_json() for number, label in sorted(known.items())}
    save_text(path, json.dumps({"label": labels.NAME, "protocol_sha256": digest, "cases": rows}))
