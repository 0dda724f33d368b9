"""The frozen protocol, made ready for a model: every case rendered and asked about, every ladder climbed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

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
from seagull_iqa.domain.region import RegionMask
from seagull_iqa.errors import SeagullError
from seagull_iqa.imaging.saving import save_text
from seagull_iqa.models.interface import RGBImage
from seagull_iqa.training.answers import CaseResult, LadderResult, Measured
from seagull_iqa.training.asking import Asker, Question, crop
from seagull_iqa.training.metrics import ladder


@dataclass(frozen=True)
class ProtocolBench:
    """The protocol's photographs, each with its cases and perhaps its ladders.

    Attributes
    ----------
    protocol : Protocol
    asker : Asker
    cases : int or None
        How many cases, spread over the photographs; None for all.
    ladders : bool
        Whether the ladders are climbed: all, or as large a share of them as of the cases, two at least.
    known : mapping of int to CaseLabel
        Labels that need not be computed again.
    """

    protocol: Protocol
    asker: Asker
    cases: int | None
    ladders: bool
    known: Mapping[int, CaseLabel]

    @cached_property
    def chosen(self) -> dict[str, list[Case]]:
        """The cases by photograph."""
        return self.protocol.spread(self.cases)

    @cached_property
    def units(self) -> Sequence[str]:
        """The photographs."""
        return list(self.chosen)

    @cached_property
    def climbing(self) -> frozenset[str]:
        """The photographs whose ladders are climbed."""
        if not self.ladders:
            return frozenset()
        every = len(self.protocol.cases)
        share = min(1.0, (self.cases or every) / every)
        return frozenset(self.units[: max(2, round(share * len(self.units)))])

    @property
    def looks(self) -> int:
        """Renderings looked at, a case counted once."""
        rungs = 1 + len(DIRECTIONS) * (len(LADDER_STRENGTHS) - 1)
        return sum(map(len, self.chosen.values())) + rungs * len(self.climbing)

    @property
    def key(self) -> Mapping[str, object]:
        """Protocol, label, model, rows, how much of it."""
        card = self.asker.model.card
        return {
            "data": self.protocol.digest, "label": labels.NAME, "model": card.id, "weights": card.sha256,
            "rows": self.asker.can_run, "cases": self.cases, "ladders": self.ladders,
        }  # fmt: skip

    @property
    def about(self) -> dict[str, object]:
        """What stands over the table."""
        count = sum(map(len, self.chosen.values()))
        return {
            "protocol": NUMBER,
            "protocol_files_unchanged": self.protocol.is_frozen,
            "label": labels.NAME,
            "cases": count,
            "photographs": len(self.chosen),
            "ladder_photographs": len(self.climbing),
            "partial": count < len(self.protocol.cases) or not self.ladders,
        }

    def measure(self, unit: int) -> Iterator[Measured]:
        """Every case of one photograph, then its ladders."""
        name = self.units[unit]
        scene = self.protocol.scene(name)
        for case in self.chosen[name]:
            yield self._measure_case(scene, case)
        if name in self.climbing:
            yield from self._climb(scene)

    def _measure_case(self, scene: Scene, case: Case) -> CaseResult:
        spoiled = scene.render(case)
        label = self.known.get(case.number) or scene.label(case, spoiled)
        question = Question(case.number, scene.name, RegionMask.from_pixels(scene.masks[case.ask]), label)
        return self.asker.ask(to_rgb(spoiled), [question])[0]

    def _climb(self, scene: Scene) -> Iterator[Measured]:
        clean = self.asker.whole(to_rgb(scene.pixels)).quality
        yield None
        for distortion, direction in DIRECTIONS:
            predicted = [clean]
            for strength, spoiled in scene.ladder(distortion, direction):
                predicted.append(self.asker.whole(to_rgb(spoiled)).quality)
                if strength != LADDER_STRENGTHS[-1]:
                    yield None
            yield LadderResult(scene.name, str(distortion), direction, ladder(LADDER_STRENGTHS, predicted))

    def picture(self, result: CaseResult) -> RGBImage:
        """The box of a case as it was shown: uint8 (h, w, 3)."""
        case = next(one for one in self.protocol.cases if one.number == result.number)
        scene = self.protocol.scene(case.photo)
        return crop(to_rgb(scene.render(case)), RegionMask.from_pixels(scene.masks[case.ask]))


def read_labels(path: Path | None, digest: str) -> dict[int, CaseLabel]:
    """The labels of a file that `save_labels` wrote; an empty file is written where none is.

    Raises
    ------
    SeagullError
        It is of another kind of label or another protocol, or cannot be written.
    """
    if path is None:
        return {}
    if not path.is_file():
        save_labels(path, digest, {})  # a place that cannot be written shows now, not after the work
        return {}
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        kept = {}
    if (kept.get("label"), kept.get("protocol_sha256")) != (labels.NAME, digest):
        raise SeagullError(f"{path} holds no labels of this kind and protocol.", "Give a new file name.")
    return {int(number): CaseLabel.from_json(row) for number, row in kept["cases"].items()}


def save_labels(path: Path, digest: str, known: Mapping[int, CaseLabel]) -> None:
    """Keep labels between runs."""
    rows = {str(number): label.to_json() for number, label in sorted(known.items())}
    save_text(path, json.dumps({"label": labels.NAME, "protocol_sha256": digest, "cases": rows}))
