"""What the model's thread does for a request: look, judge regions, make maps, answer; whatever fails is said."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from seagull_iqa import wire
from seagull_iqa.domain.progress import ProgressCallback
from seagull_iqa.domain.region import Region
from seagull_iqa.domain.report import Aspect, MapsCallback, QualityReport, ScoreMap
from seagull_iqa.errors import JobCancelledError, ModelError, OutOfMemoryError, SeagullError
from seagull_iqa.messages import RegionMessage, ReportMessage
from seagull_iqa.models.interface import AnsweringModel, Look
from seagull_iqa.service.answers import AnswerStream
from seagull_iqa.service.asks import Ask, AskBook
from seagull_iqa.service.cache import ByteCache
from seagull_iqa.service.failures import attempted
from seagull_iqa.service.jobs import MapJob
from seagull_iqa.service.resident import Resident
from seagull_iqa.service.source import ModelSource
from seagull_iqa.service.worker import ALONE, Worker


class ModelWork:
    """The model, its looks, and the thread that uses them.

    Parameters
    ----------
    source : ModelSource
        Where models come from.
    asks : AskBook
        Takes what is found of regions.
    look_bytes : int
        Most bytes of looks that are kept, where the model has no wish of its own.
    fixed : bool
        The bound holds whatever the model wishes.
    """

    def __init__(self, source: ModelSource, asks: AskBook, look_bytes: int, *, fixed: bool = False) -> None:
        self.looks: ByteCache[Look] = ByteCache(look_bytes)
        self.resident = Resident(source, self.looks.clear)
        self.worker = Worker(self.change)
        self._asks = asks
        self._look_bytes = look_bytes
        self._fixed = fixed
        self._generation = 0
        self._release = source.release

    def warmth(self) -> wire.Warmth:
        """How much of what the model has seen is kept."""
        return wire.Warmth(images=len(self.looks), held_bytes=self.looks.nbytes, limit_bytes=self.looks.capacity)

    def queue_change(self) -> None:
        """Exchange the model as soon as the work at hand has ended; what waits is done by the new one."""
        self.worker.submit(self.change, ALONE)

    # What follows runs in the model's thread.

    def change(self) -> None:
        """Exchange the model for the one that was wished; nothing where that has been done."""
        if not self.resident.leaving:
            return
        self._generation += 1
        self.resident.change()
        model = attempted(self.resident.ready)
        wish = self._look_bytes if self._fixed else getattr(model, "look_cache_bytes", self._look_bytes)
        self.looks.clear(int(wish))

    def look(self, sha256: str, rgb: NDArray[np.uint8]) -> Look:
        """What the model keeps of an image; taken anew where it is not there."""
        key = f"{sha256}@{self._generation}"
        look = self.looks.get(key)
        if look is None:
            look = self._new_look(rgb)
        # Also where it was there: a look at a large image grows with what is asked of it.
        self.looks.put(key, look, look.nbytes)
        return look

    def assess(self, ask: Ask, ids: list[str]) -> None:
        """Report on those regions of a request that still wait."""
        messages = self._asks.take(ask, ids)
        if not messages:
            return
        look = attempted(lambda: self.look(ask.sha256, ask.rgb))
        if isinstance(look, SeagullError):
            self._asks.fail(ask, ids, look)
            return
        self._judge(ask, look, self._regions(ask, messages))

    def make_map(self, job: MapJob) -> None:
        """Make the maps of an image, step by step."""

        def work(progress: ProgressCallback, partial: MapsCallback) -> dict[str, ScoreMap]:
            look = self.look(job.sha256, job.rgb)
            return self.resident.ready().maps(look, progress=progress, partial=partial)

        job.run(work, lambda: self._between(wire.MAP_PRIORITY))

    def answer(self, stream: AnswerStream) -> None:
        """Answer a question piece by piece."""
        if not stream.closed:
            result = attempted(lambda: self._answered(stream))
            stream.end(result if isinstance(result, SeagullError) else None)

    def _answered(self, stream: AnswerStream) -> None:
        model, question = self.resident.ready(), stream.question
        if not isinstance(model, AnsweringModel):
            raise ModelError(f"{model.card.id} answers no questions.", "Choose a model that does: seagull-7b.")
        look = self.look(stream.sha256, stream.rgb)
        region = question.region.region(_shape(stream.rgb))
        pieces = model.answer(look, region, question.text, max_tokens=question.max_tokens)
        try:
            self._hand_on(pieces, stream)
        finally:
            if isinstance(pieces, Generator):
                pieces.close()

    def _hand_on(self, pieces: Iterator[str], stream: AnswerStream) -> None:
        for piece in pieces:
            stream.say(piece)
            self._between(stream.question.priority)

    def _between(self, priority: int) -> None:
        """Between the steps of long work: end it where the model is to go, and do first what is more urgent."""
        if self.resident.leaving:
            raise JobCancelledError("Another model was chosen, so this work has ended.", "Ask the new model.")
        self.worker.run_above(priority)

    def _new_look(self, rgb: NDArray[np.uint8]) -> Look:
        model = self.resident.ready()
        look = attempted(lambda: model.look(rgb))
        if isinstance(look, OutOfMemoryError) and len(self.looks):
            # What is kept of other images can be made again.
            self.looks.clear()
            self._release()
            look = attempted(lambda: model.look(rgb))
        if isinstance(look, SeagullError):
            raise look
        return look

    def _regions(self, ask: Ask, messages: list[RegionMessage]) -> list[Region]:
        regions = []
        for message in messages:
            region = attempted(partial(message.region, _shape(ask.rgb)))
            if isinstance(region, SeagullError):
                self._asks.fail(ask, [message.id], region)
            else:
                regions.append(region)
        return regions

    def _judge(self, ask: Ask, look: Look, regions: list[Region]) -> None:
        """Report on the regions together; where that fails, one by one, so that one does not spoil the rest."""
        if not regions:
            return
        result = attempted(lambda: self._judged(look, regions, ask.request.aspects))
        if not isinstance(result, SeagullError):
            for report in result:
                self._asks.report(ask, report)
        elif len(regions) == 1:
            self._asks.fail(ask, [regions[0].id], result)
        else:
            for region in regions:
                self._judge(ask, look, [region])

    def _judged(self, look: Look, regions: list[Region], aspects: frozenset[Aspect]) -> list[ReportMessage]:
        reports = self.resident.ready().assess(look, regions, aspects)
        return [_message(region, report) for region, report in zip(regions, reports, strict=True)]


def _shape(rgb: NDArray[np.uint8]) -> tuple[int, int]:
    return (int(rgb.shape[0]), int(rgb.shape[1]))


def _message(region: Region, report: QualityReport) -> ReportMessage:
    try:
        return ReportMessage.of(report).model_copy(update={"region": region.id})
    except ValidationError as error:
        raise ModelError("The model gave no number for this region.", "Report it, with the image.") from error
