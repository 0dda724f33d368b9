"""What the server has on the table: the model, the images it has seen, requests and jobs; its only mutable state."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial

import numpy as np
from numpy.typing import NDArray

from seagull_iqa import wire
from seagull_iqa.domain.distortion import Distortion, Severity
from seagull_iqa.domain.report import MAP_NAMES, Aspect
from seagull_iqa.errors import UnknownImageError
from seagull_iqa.hub.catalogue import model_home
from seagull_iqa.messages import ModelCardMessage
from seagull_iqa.models.interface import AnsweringModel
from seagull_iqa.service.answers import AnswerStream
from seagull_iqa.service.asks import Ask, AskBook
from seagull_iqa.service.cache import ByteCache
from seagull_iqa.service.failures import QueueFullError
from seagull_iqa.service.jobs import JobShelf, LongJob, MapJob
from seagull_iqa.service.model_desk import ModelDesk
from seagull_iqa.service.model_work import ModelWork
from seagull_iqa.service.resident import VERSION
from seagull_iqa.service.segment_desk import SegmentDesk
from seagull_iqa.service.segment_source import SegmentSource, machine_engines
from seagull_iqa.service.source import ModelSource
from seagull_iqa.service.tuning_desk import TuningDesk
from seagull_iqa.service.uploads import UploadBudget


class Workbench:
    """The server's state and verbs; safe between threads.

    Parameters
    ----------
    source : ModelSource
        Where models come from; its first one is loaded in the model's thread, after `start`.
    limits : wire.Limits
        The largest that is accepted.
    look_cache_bytes : int or None
        Most bytes of looks that are kept; None takes the model's own wish, or else that of the limits.
    engines : SegmentSource or None
        Where engines come from that find regions; None is this machine's, with nothing kept on disk.
    tuning : TuningDesk or None
        Where runs of fine-tuning lie; None is among the models of this machine.

    Attributes
    ----------
    models : ModelDesk
        The verbs about models.
    segmenting : SegmentDesk
        The verbs that find regions.
    tuning : TuningDesk
        The verbs of fine-tuning.
    """

    def __init__(
        self,
        source: ModelSource,
        limits: wire.Limits | None = None,
        *,
        look_cache_bytes: int | None = None,
        engines: SegmentSource | None = None,
        tuning: TuningDesk | None = None,
    ) -> None:
        self.limits = limits or wire.Limits()
        self.uploads = UploadBudget(self.limits)
        self.closing = False
        self._images: ByteCache[NDArray[np.uint8]] = ByteCache(self.limits.image_cache_bytes)
        self._asks = AskBook()
        self._jobs = JobShelf(self.limits)
        self._open_answers = 0
        look_bytes = self.limits.look_cache_bytes if look_cache_bytes is None else look_cache_bytes
        self._work = ModelWork(source, self._asks, look_bytes, fixed=look_cache_bytes is not None)
        self.segmenting = SegmentDesk(engines or machine_engines(keep=False), self.limits, self._jobs, self._image)
        self.tuning = tuning or TuningDesk(model_home())
        self.models = ModelDesk(source, self._work, self._jobs, lambda: self.segmenting.in_use)

    def start(self) -> None:
        """Begin to load the model, and to work."""
        self._work.worker.start()
        self.segmenting.start()

    def close(self) -> None:
        """Let nobody wait any longer; what is held is answered with what is there, downloads are cancelled."""
        self.closing = True
        self.models.close()

    def stop(self) -> None:
        """End after the piece of work at hand."""
        self.models.close()
        self._work.worker.stop()
        self.segmenting.stop()
        self.models.join()

    @property
    def settled(self) -> Future[None]:
        """Done when no model waits to be loaded any more."""
        return self._work.resident.settled

    def health(self) -> wire.Health:
        """Whether the model is ready, and if not, why."""
        return self._work.resident.health()

    def capabilities(self) -> wire.Capabilities:
        """What can be done, and with what; the load's error where the model cannot be loaded."""
        model = self._work.resident.model()
        return wire.Capabilities(
            protocol=wire.PROTOCOL,
            version=VERSION,
            model=None if model is None else ModelCardMessage.of(model.card),
            device="" if model is None else model.device,
            device_reason="the model is being loaded" if model is None else self._work.resident.reason,
            limits=self.limits,
            distortions=[distortion.value for distortion in Distortion],
            severities=[severity.word for severity in Severity],
            aspects=[aspect.value for aspect in Aspect],
            maps=list(MAP_NAMES if model is None else model.map_names),
            precision="" if model is None else model.precision,
            answers=isinstance(model, AnsweringModel),
            warmth=self._work.warmth(),
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
        self._work.resident.model()
        ask = Ask(request, sha256, self._image(sha256))
        if len(self._asks) >= self.limits.queued_requests:
            raise QueueFullError("requests")
        self._asks.add(ask)
        for regions in ask.batches():
            self._work.worker.submit(partial(self._work.assess, ask, regions), request.priority)
        return ask

    def answer(self, ask: Ask) -> wire.ReportReply:
        """Answer with what has come, drop what has not; the load's error where the model cannot be loaded."""
        reply = self._asks.close(ask)
        self._work.resident.model()
        return reply

    @contextmanager
    def answering(self, sha256: str, question: wire.Question) -> Iterator[AnswerStream]:
        """Queue a free question; in the event loop. The model stops at its next piece when the context is left."""
        self._work.resident.model()
        stream = AnswerStream(sha256, self._image(sha256), question)
        if self._open_answers >= self.limits.questions:
            raise QueueFullError("questions")
        self._open_answers += 1
        self._work.worker.submit(partial(self._work.answer, stream), question.priority)
        try:
            yield stream
        finally:
            stream.close()
            self._open_answers -= 1

    def start_maps(self, sha256: str) -> wire.Job:
        """Queue the maps of an image."""
        self._work.resident.model()
        job = MapJob(sha256, self._image(sha256))
        self._jobs.add(job)
        self._work.worker.submit(partial(self._map, job), wire.MAP_PRIORITY)
        return job.info()

    def job(self, job_id: str) -> LongJob:
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

    def _map(self, job: MapJob) -> None:
        self._work.make_map(job)
        self._jobs.tidy()
