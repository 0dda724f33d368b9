"""Ask a server, on this machine or another, about the regions of an image."""

from __future__ import annotations

import itertools
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field

import httpx2
import numpy as np

from seagull_iqa import wire
from seagull_iqa.domain.progress import Progress, ProgressCallback, ignore_progress
from seagull_iqa.domain.region import Region
from seagull_iqa.domain.report import ALL_ASPECTS, Aspect, QualityReport, ScoreMap
from seagull_iqa.errors import (
    BackendUnreachableError,
    JobCancelledError,
    LimitError,
    ProtocolError,
    RegionError,
    SeagullError,
    UnknownImageError,
)
from seagull_iqa.imaging.prepared import PreparedImage
from seagull_iqa.transport import Door, MessageType, parsed

REGIONS_PER_REQUEST = 64
"""So that every request stays short and newer work comes between."""

_PATIENCE_S = 600.0
_PAUSE_S = 0.1
_UPLOAD_CHUNK = 2**20

ReportsCallback = Callable[[list[QualityReport]], None]
"""Called with the reports of each request as it is answered."""


@dataclass(frozen=True)
class AssessReply:
    """What came of a request; every region asked stands in one of the two.

    Attributes
    ----------
    reports : list of QualityReport
        In the order asked; `pixels` filled in.
    errors : dict of str to SeagullError
        By region id; a region that was asked anew meanwhile has a `SupersededError`.
    """

    reports: list[QualityReport] = field(default_factory=list)
    errors: dict[str, SeagullError] = field(default_factory=dict)


@dataclass(frozen=True)
class ConnectionCheck:
    """What *Test connection* found: `ok`, and one sentence for a person."""

    ok: bool
    sentence: str

    def __str__(self) -> str:
        return self.sentence


class Client:
    """The server's verbs, from another process; may be used from several threads.

    Parameters
    ----------
    url : str
        Where the server is, "http://127.0.0.1:8765".
    token : str
        The token it was started with or has printed.
    transport : httpx2.BaseTransport or None
        In place of sockets; for tests.
    timeout_s : float
        Longest silence of the server, in s.

    Raises
    ------
    BackendUnreachableError, AccessError, ProtocolError
        From every verb: nobody answers, the token is refused, the two ends do not understand each other.
    """

    def __init__(
        self, url: str, token: str, *, transport: httpx2.BaseTransport | None = None, timeout_s: float = 30.0
    ) -> None:
        self._door = Door(url, token, transport=transport, timeout_s=timeout_s)
        self._session = str(uuid.uuid4())
        self._tickets = itertools.count()
        self._uploaded: set[str] = set()

    @property
    def url(self) -> str:
        """Where the server is."""
        return self._door.url

    def close(self) -> None:
        """Give the connections back; harmless twice."""
        self._door.close()

    def health(self) -> wire.Health:
        """Whether the server is there and its model ready; needs no token."""
        return self._door.message(wire.Health, "GET", "/v1/health")

    def capabilities(self) -> wire.Capabilities:
        """The server's model, device, limits and vocabulary; waits a while for a model that is being loaded."""
        return self._door.message(wire.Capabilities, "GET", "/v1/capabilities")

    def check(self) -> ConnectionCheck:
        """Say in one sentence whether this server can be used, or what to do; never raises a `SeagullError`."""
        try:
            health = self.health()
            if health.state is wire.State.FAILED:
                return ConnectionCheck(False, f"Reachable, but its model cannot be loaded: {health.message}")
            can = self.capabilities()
        except SeagullError as error:
            return ConnectionCheck(False, str(error))
        who = f"Connected to {self.url}, version {can.version}"
        if can.model is None:
            return ConnectionCheck(True, f"{who}; the model is still being loaded.")
        return ConnectionCheck(True, f"{who}: {can.model.id} on {can.device} ({can.device_reason}).")

    def assess(
        self,
        image: PreparedImage,
        regions: Sequence[Region],
        *,
        aspects: Collection[Aspect] = ALL_ASPECTS,
        priority: int = wire.MANY_PRIORITY,
        on_reports: ReportsCallback | None = None,
    ) -> AssessReply:
        """Score regions of an image; the image is sent only if the server lacks it.

        Parameters
        ----------
        image : PreparedImage
            What is scored.
        regions : sequence of Region
            Any number; they go out in requests of at most 64. Their ids differ.
        aspects : collection of Aspect
            What is asked.
        priority : int, -100..100
            Larger goes first; `wire.LIVE_PRIORITY` for the region under the hand.
        on_reports : callable or None
            Called with each request's reports as they come; what it raises ends the asking.

        Raises
        ------
        RegionError
            Two regions share one id. (What is wrong with one region stands in the reply instead.)
        """
        if len({region.id for region in regions}) < len(regions):
            raise RegionError("Two regions share one id.", "Give each region an id of its own.")
        reply, ticket = AssessReply(), next(self._tickets)
        for chunk in _chunks(regions, reply.errors):
            request = wire.ReportRequest(
                regions=chunk, aspects=frozenset(aspects), priority=priority, session=self._session, ticket=ticket
            )
            for answer in self._answers(image, request):
                reports = [message.report(image.pixels) for message in answer.reports]
                reply.reports.extend(reports)
                reply.errors.update({region: said.exception() for region, said in answer.errors.items()})
                if on_reports is not None and reports:
                    on_reports(reports)
        place = {region.id: index for index, region in enumerate(regions)}
        reply.reports.sort(key=lambda report: place.get(report.region, len(place)))
        return reply

    def maps(self, image: PreparedImage, *, progress: ProgressCallback = ignore_progress) -> dict[str, ScoreMap]:
        """Quality, weight and every distortion over the whole image, by name.

        `progress` is called as the work goes on; it cancels the work, on the server too, by raising
        `JobCancelledError`.
        """
        job = self._with_image(image, lambda: self._door.message(wire.Job, "POST", f"{_image_path(image)}/maps"))
        try:
            return self._fetched(self._followed(job, progress))
        finally:
            self._forget(job)

    def _answers(self, image: PreparedImage, request: wire.ReportRequest) -> Iterator[wire.ReportReply]:
        """Ask until nothing is pending; gives up where nothing moves for long."""
        path, heard = f"{_image_path(image)}/reports", time.monotonic()
        while True:
            now = request
            reply = self._with_image(image, lambda: self._door.message(wire.ReportReply, "POST", path, now))  # noqa: B023
            yield reply
            left = [region for region in request.regions if region.id in set(reply.pending)]
            if not left:
                return
            if len(left) < len(request.regions):
                heard = time.monotonic()
            elif time.monotonic() - heard > _PATIENCE_S:
                raise BackendUnreachableError("The server answers, but scores nothing.", "Start it anew.")
            else:
                time.sleep(_PAUSE_S)
            request = request.model_copy(update={"regions": left})

    def _with_image(self, image: PreparedImage, ask: Callable[[], MessageType]) -> MessageType:
        """Ask about an image the server holds; a server that has forgotten it gets it once more."""
        if image.sha256 not in self._uploaded and not self._door.exists(_image_path(image)):
            self._upload(image)
        self._uploaded.add(image.sha256)
        try:
            return ask()
        except UnknownImageError:
            self._upload(image)
            return ask()

    def _upload(self, image: PreparedImage) -> None:
        height, width = image.shape
        flat = image.rgb.data.cast("B")
        pieces = (bytes(flat[start : start + _UPLOAD_CHUNK]) for start in range(0, len(flat), _UPLOAD_CHUNK))
        self._door.bytes(
            "PUT",
            f"{_image_path(image)}?height={height}&width={width}",
            body=pieces,
            headers={"Content-Type": "application/octet-stream", "Content-Length": str(len(flat))},
        )

    def _followed(self, job: wire.Job, progress: ProgressCallback) -> wire.Job:
        while not job.state.ended:
            # The server ends the stream now and then, so that no request is held for long.
            for data in self._door.events(f"/v1/jobs/{job.id}/events"):
                job = parsed(wire.Job, data)
                progress(Progress(job.done, job.total, job.message))
                if job.state.ended:
                    break
        if job.state is wire.JobState.CANCELLED:
            raise JobCancelledError("The map was cancelled.", "Start it again when you want it.")
        if job.error is not None:
            raise job.error.exception()
        return job

    def _fetched(self, job: wire.Job) -> dict[str, ScoreMap]:
        return {found.name: self._fetched_map(job.id, found) for found in job.maps}

    def _fetched_map(self, job_id: str, found: wire.MapMessage) -> ScoreMap:
        body = self._door.bytes("GET", f"/v1/jobs/{job_id}/maps/{found.name}")
        if len(body) != 4 * found.rows * found.cols:
            raise ProtocolError(f"The map {found.name!r} came incomplete.", "Ask for it again.")
        values = np.frombuffer(body, dtype="<f4").astype(np.float32).reshape(found.rows, found.cols)
        return ScoreMap(found.name, values, found.shape, found.stride, found.window, found.model)

    def _forget(self, job: wire.Job) -> None:
        try:
            self._door.message(wire.Job, "DELETE", f"/v1/jobs/{job.id}")
        except SeagullError:
            # The work is over or the server is gone; what matters has been said already.
            return


def _image_path(image: PreparedImage) -> str:
    return f"/v1/images/{image.sha256}"


def _chunks(regions: Sequence[Region], errors: dict[str, SeagullError]) -> Iterator[list[wire.RegionMessage]]:
    """Messages in short requests: few regions, few runs; what cannot be sent goes into `errors`."""
    chunk: list[wire.RegionMessage] = []
    runs = 0
    for region in regions:
        try:
            message = wire.RegionMessage.of(region)
        except LimitError as error:
            errors[region.id] = error
            continue
        if chunk and (len(chunk) == REGIONS_PER_REQUEST or runs + len(message.runs) > wire.MAX_RUNS):
            yield chunk
            chunk, runs = [], 0
        chunk.append(message)
        runs += len(message.runs)
    if chunk:
        yield chunk
