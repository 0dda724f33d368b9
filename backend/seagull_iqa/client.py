"""Ask a server, on this machine or another, about the regions of an image."""

from __future__ import annotations

import itertools
import time
import uuid
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

from seagull_iqa import wire
from seagull_iqa.asking import in_chunks, question_about
from seagull_iqa.domain.precision import Precision
from seagull_iqa.domain.progress import Progress, ProgressCallback, ignore_progress
from seagull_iqa.domain.region import Region
from seagull_iqa.domain.report import ALL_ASPECTS, Aspect, MapsCallback, QualityReport, ScoreMap, ignore_maps
from seagull_iqa.errors import (
    BackendUnreachableError,
    ModelError,
    ProtocolError,
    RegionError,
    SeagullError,
)
from seagull_iqa.following import begun, fetched_maps, followed, forget
from seagull_iqa.imaging.prepared import PreparedImage
from seagull_iqa.pointing import Segmenting
from seagull_iqa.sending import ImageSender, image_path
from seagull_iqa.transport import Door, parsed
from seagull_iqa.tuning_client import Tuning

if TYPE_CHECKING:
    import httpx2

_PATIENCE_S = 600.0
_PAUSE_S = 0.1

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

    Attributes
    ----------
    tuning : Tuning
        The verbs of fine-tuning.
    segmenting : Segmenting
        The verbs that find regions.

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
        self._images = ImageSender(self._door)
        self.segmenting = Segmenting(self._door, self._images, self._session)
        self.tuning = Tuning(self._door)

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
            Called with each answer's reports as they come, none of them where the server is still at work; what it
            raises ends the asking, and the server drops what nobody waits for.

        Raises
        ------
        RegionError
            Two regions share one id. (What is wrong with one region stands in the reply instead.)
        """
        if len({region.id for region in regions}) < len(regions):
            raise RegionError("Two regions share one id.", "Give each region an id of its own.")
        reply, ticket = AssessReply(), next(self._tickets)
        for chunk in in_chunks(regions, reply.errors):
            request = wire.ReportRequest(
                regions=chunk, aspects=frozenset(aspects), priority=priority, session=self._session, ticket=ticket
            )
            for answer in self._answers(image, request):
                reports = [message.report(image.pixels) for message in answer.reports]
                reply.reports.extend(reports)
                reply.errors.update({region: said.exception() for region, said in answer.errors.items()})
                if on_reports is not None:
                    on_reports(reports)
        place = {region.id: index for index, region in enumerate(regions)}
        reply.reports.sort(key=lambda report: place.get(report.region, len(place)))
        return reply

    def maps(
        self, image: PreparedImage, *, progress: ProgressCallback = ignore_progress, partial: MapsCallback = ignore_maps
    ) -> dict[str, ScoreMap]:
        """The maps that the model makes, over the whole image, by name.

        `progress` is called as the work goes on; it cancels the work, on the server too, by raising
        `JobCancelledError`. `partial` is called with coarser maps where the model makes such first.
        """
        job = self._images.with_image(image, lambda: self._door.message(wire.Job, "POST", f"{image_path(image)}/maps"))
        edition = 0

        def on_news(news: wire.Job) -> None:
            nonlocal edition
            progress(_progress(news))
            if news.edition > edition and not news.state.ended and partial is not ignore_maps:
                edition = news.edition
                self._hand_on(news, partial)

        try:
            return fetched_maps(self._door, followed(self._door, job, on_news))
        finally:
            forget(self._door, job)

    def answer(
        self, image: PreparedImage, region: Region, question: str, *, max_tokens: int = 256
    ) -> Generator[str, None, None]:
        """Ask about a region in words; the answer in pieces as they are made, joined they are the whole.

        An empty piece comes twice a second while nothing else does, so that the caller may stop: to close the
        generator ends the work on the server too.

        Parameters
        ----------
        image : PreparedImage
        region : Region
        question : str
            1 to 2,000 letters.
        max_tokens : int, 1..1024
            Longest answer.

        Raises
        ------
        ModelError
            The model answers no questions.
        JobCancelledError
            Another model was chosen meanwhile.
        LimitError
            The question is empty or too long.
        """
        path, sent = f"{image_path(image)}/answers", question_about(region, question, max_tokens)
        with closing(self._images.with_image(image, lambda: begun(self._door.events(path, sent)))) as events:
            for data in events:
                piece = parsed(wire.AnswerPiece, data)
                if piece.error is not None:
                    raise piece.error.exception()
                if piece.done:
                    return
                yield piece.text
        raise BackendUnreachableError("The answer broke off.", "Ask again, or start the server anew.")

    def models(self) -> wire.ModelList:
        """The models that can be had on the server, the one in use, and the room there is."""
        return self._door.message(wire.ModelList, "GET", "/v1/models")

    def use_model(
        self, name: str, *, device: str = "auto", precision: str = "auto", even_if_worse: bool = False
    ) -> wire.Health:
        """Have another model answer from now on; comes back at once, `health` says how far it is.

        A fine-tuned model that is worse than its base on held-out labels is refused without `even_if_worse`.

        Raises
        ------
        UnknownModelError, ModelError
            It cannot work, as far as can be known; the old one goes on.
        """
        try:
            wanted = Precision(precision)
            choice = wire.ModelChoice(name=name, device=device, precision=wanted, even_if_worse=even_if_worse)
        except ValueError as error:
            raise ModelError(f"{name!r} in {precision!r} is no model.", "Choose one that the server lists.") from error
        return self._door.message(wire.Health, "PUT", "/v1/model", choice)

    def download(self, name: str, *, progress: ProgressCallback = ignore_progress) -> None:
        """Have the server fetch a model; taken up where an earlier download ended.

        `progress` is called in bytes; it cancels the download by raising `JobCancelledError`.
        """
        job = self._door.message(wire.Job, "POST", f"{_model_path(name)}/download")
        try:
            followed(self._door, job, lambda news: progress(_progress(news)))
        except BaseException:
            forget(self._door, job)
            raise

    def remove_model(self, name: str) -> int:
        """Free the server's disk of a model that is not in use; gives the number of bytes freed."""
        return self._door.message(wire.Removal, "DELETE", _model_path(name)).freed_bytes

    def _answers(self, image: PreparedImage, request: wire.ReportRequest) -> Iterator[wire.ReportReply]:
        """Ask until nothing is pending; gives up where nothing moves for long."""
        path, heard = f"{image_path(image)}/reports", time.monotonic()
        while True:
            now = request
            reply = self._images.with_image(image, lambda: self._door.message(wire.ReportReply, "POST", path, now))  # noqa: B023
            yield reply
            left = [region for region in request.regions if region.id in set(reply.pending)]
            if not left:
                return
            if len(left) < len(request.regions) or self.health().state is wire.State.LOADING:
                heard = time.monotonic()
            elif time.monotonic() - heard > _PATIENCE_S:
                raise BackendUnreachableError("The server answers, but scores nothing.", "Start it anew.")
            else:
                time.sleep(_PAUSE_S)
            request = request.model_copy(update={"regions": left})

    def _hand_on(self, job: wire.Job, partial: MapsCallback) -> None:
        try:
            maps = fetched_maps(self._door, job)
        except ProtocolError:
            # A finer edition with other rows and columns has taken its place meanwhile; it is announced next.
            return
        partial(maps)


def _model_path(name: str) -> str:
    return f"/v1/models/{quote(name, safe='')}"


def _progress(job: wire.Job) -> Progress:
    return Progress(job.done, job.total, job.message)
