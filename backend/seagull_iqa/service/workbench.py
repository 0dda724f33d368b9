"""What the server has on the table: the model, the images it has seen, requests and jobs; its only mutable state."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from seagull_iqa import wire
from seagull_iqa.domain.distortion import Distortion, Severity
from seagull_iqa.domain.progress import ProgressCallback
from seagull_iqa.domain.region import Region
from seagull_iqa.domain.report import MAP_NAMES, Aspect, QualityReport, ScoreMap
from seagull_iqa.errors import ModelError, SeagullError, UnknownImageError
from seagull_iqa.models.interface import Look, QualityModel
from seagull_iqa.service.asks import Ask, AskBook
from seagull_iqa.service.cache import ByteCache
from seagull_iqa.service.failures import QueueFullError, attempted
from seagull_iqa.service.jobs import JobShelf, MapJob
from seagull_iqa.service.uploads import UploadBudget
from seagull_iqa.service.worker import Worker

LoadModel = Callable[[], QualityModel]
VERSION = version("napari-seagull")


@dataclass(frozen=True)
class _Failed:
    error: SeagullError


class Workbench:
    """The server's state and verbs; safe between threads.

    Parameters
    ----------
    load : callable
        Gives the model; called once, in the model's thread, after `start`.
    limits : wire.Limits
        The largest that is accepted.
    why : callable
        Says why the model computes where it does; called once, after `load`.
    """

    def __init__(
        self, load: LoadModel, limits: wire.Limits | None = None, why: Callable[[], str] = lambda: "as asked"
    ) -> None:
        self.limits = limits or wire.Limits()
        self.uploads = UploadBudget(self.limits)
        self.settled: Future[None] = Future()
        self.closing = False
        self._load = load
        self._why = why
        self._reason = ""
        self._model: QualityModel | _Failed | None = None
        self._images: ByteCache[NDArray[np.uint8]] = ByteCache(self.limits.image_cache_bytes)
        self._looks: ByteCache[Look] = ByteCache(self.limits.look_cache_bytes)
        self._asks = AskBook()
        self._jobs = JobShelf(self.limits)
        self._worker = Worker(self._load_model)

    def start(self) -> None:
        """Begin to load the model, and to work."""
        self._worker.start()

    def close(self) -> None:
        """Let nobody wait any longer; what is held is answered with what is there."""
        self.closing = True

    def stop(self) -> None:
        """End after the piece of work at hand."""
        self._worker.stop()

    def health(self) -> wire.Health:
        """Whether the model is ready, and if not, why."""
        state, message = wire.State.READY, ""
        if self._model is None:
            state, message = wire.State.LOADING, "The model is being loaded."
        elif isinstance(self._model, _Failed):
            state, message = wire.State.FAILED, str(self._model.error)
        return wire.Health(
            protocol=wire.PROTOCOL, version=VERSION, ready=state is wire.State.READY, state=state, message=message
        )

    def capabilities(self) -> wire.Capabilities:
        """What can be done, and with what; the load's error where the model cannot be loaded."""
        model = self._model_or_none()
        return wire.Capabilities(
            protocol=wire.PROTOCOL,
            version=VERSION,
            model=None if model is None else wire.ModelCardMessage.of(model.card),
            device="" if model is None else model.device,
            device_reason="the model is being loaded" if model is None else self._reason,
            limits=self.limits,
            distortions=[distortion.value for distortion in Distortion],
            severities=[severity.word for severity in Severity],
            aspects=[aspect.value for aspect in Aspect],
            maps=list(MAP_NAMES),
        )

    def keep_image(self, sha256: str, rgb: NDArray[np.uint8]) -> wire.ImageStatus:
        """Keep an image, uint8 of shape (H, W, 3), under its hash."""
        self._images.put(sha256, rgb, rgb.nbytes)
        return self.image_status(sha256)

    def image_status(self, sha256: str) -> wire.ImageStatus:
        """What is held under that hash; `UnknownImageError` where nothing is."""
        rgb = self._image(sha256)
        return wire.ImageStatus(sha256=sha256, height=rgb.shape[0], width=rgb.shape[1])

    def ask(self, sha256: str, request: wire.ReportRequest) -> Ask:
        """Queue regions of an image for the model, in batches."""
        self._model_or_none()
        ask = Ask(request, sha256, self._image(sha256))
        if len(self._asks) >= self.limits.queued_requests:
            raise QueueFullError("requests")
        self._asks.add(ask)
        for regions in ask.batches():
            self._worker.submit(partial(self._assess, ask, regions), request.priority)
        return ask

    def answer(self, ask: Ask) -> wire.ReportReply:
        """Answer with what has come, drop what has not; the load's error where the model cannot be loaded."""
        reply = self._asks.close(ask)
        self._model_or_none()
        return reply

    def start_maps(self, sha256: str) -> wire.Job:
        """Queue the maps of an image."""
        self._model_or_none()
        job = MapJob(sha256, self._image(sha256))
        self._jobs.add(job)
        self._worker.submit(partial(self._map, job), wire.MAP_PRIORITY)
        return job.info()

    def job(self, job_id: str) -> MapJob:
        """The job of that id; `UnknownJobError` where there is none."""
        return self._jobs.get(job_id)

    def end_job(self, job_id: str) -> wire.Job:
        """Cancel a job that is not over, forget one that is."""
        job = self._jobs.get(job_id)
        job.cancel()
        if job.ended:
            self._jobs.remove(job_id)
        return job.info()

    def _image(self, sha256: str) -> NDArray[np.uint8]:
        rgb = self._images.get(sha256)
        if rgb is None:
            raise UnknownImageError("The server does not have this image (any more).", "Send it again.")
        return rgb

    def _model_or_none(self) -> QualityModel | None:
        if isinstance(self._model, _Failed):
            raise self._model.error
        return self._model

    # What follows runs in the model's thread.

    def _load_model(self) -> None:
        loaded = attempted(self._load)
        reason = loaded if isinstance(loaded, SeagullError) else attempted(self._why)
        self._reason = str(reason)
        self._model = _Failed(loaded) if isinstance(loaded, SeagullError) else loaded
        self.settled.set_result(None)

    def _ready_model(self) -> QualityModel:
        model = self._model_or_none()
        if model is None:
            raise ModelError("The model is not loaded yet.", "Try again in a moment.")
        return model

    def _look(self, sha256: str, rgb: NDArray[np.uint8]) -> Look:
        look = self._looks.get(sha256)
        if look is None:
            look = self._ready_model().look(rgb)
        # Also where it was there: a look at a large image grows with what is asked of it.
        self._looks.put(sha256, look, look.nbytes)
        return look

    def _assess(self, ask: Ask, ids: list[str]) -> None:
        messages = self._asks.take(ask, ids)
        if not messages:
            return
        look = attempted(lambda: self._look(ask.sha256, ask.rgb))
        if isinstance(look, SeagullError):
            self._asks.fail(ask, ids, look)
            return
        self._judge(ask, look, self._regions(ask, messages))

    def _regions(self, ask: Ask, messages: list[wire.RegionMessage]) -> list[Region]:
        shape = (int(ask.rgb.shape[0]), int(ask.rgb.shape[1]))
        regions = []
        for message in messages:
            region = attempted(partial(message.region, shape))
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

    def _judged(self, look: Look, regions: list[Region], aspects: frozenset[Aspect]) -> list[wire.ReportMessage]:
        reports = self._ready_model().assess(look, regions, aspects)
        return [_message(region, report) for region, report in zip(regions, reports, strict=True)]

    def _map(self, job: MapJob) -> None:
        def work(progress: ProgressCallback) -> dict[str, ScoreMap]:
            return self._ready_model().maps(self._look(job.sha256, job.rgb), progress=progress)

        job.run(work, lambda: self._worker.run_above(wire.MAP_PRIORITY))
        self._jobs.tidy()


def _message(region: Region, report: QualityReport) -> wire.ReportMessage:
    try:
        return wire.ReportMessage.of(report).model_copy(update={"region": region.id})
    except ValidationError as error:
        raise ModelError("The model gave no number for this region.", "Report it, with the image.") from error
