"""Point at things of an image and have a server propose the masks of regions."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import TypeVar

from seagull_iqa import wire
from seagull_iqa.domain.progress import Progress, ProgressCallback, ignore_progress
from seagull_iqa.domain.prompts import Candidate, Carried, EverythingSpec, Point, Prompts, Proposal
from seagull_iqa.domain.region import RegionMask
from seagull_iqa.errors import BackendUnreachableError, LimitError, ModelError, RegionError
from seagull_iqa.following import followed, forget
from seagull_iqa.imaging.prepared import PreparedImage
from seagull_iqa.prompt_messages import (
    CLICK_PRIORITY,
    MAX_CANDIDATES,
    CandidateList,
    CarriedReply,
    CarryRequest,
    Cleared,
    EverythingRequest,
    MaskMessage,
    Preparation,
    PromptsMessage,
    ProposalReply,
    ProposalRequest,
    SegmenterChoice,
    SegmenterList,
)
from seagull_iqa.sending import ImageSender, image_path
from seagull_iqa.transport import Door

_PATIENCE_S = 600.0
_PAUSE_S = 0.1

Candidates = list[Candidate]
"""Named here, since one of the verbs is called `list`."""

Answer = TypeVar("Answer", ProposalReply, CarriedReply)


class Segmenting:
    """The server's verbs that find regions, as `Client.segmenting`; may be used from several threads.

    Every verb raises what `Client` raises, and `UnknownJobError` or `JobCancelledError` where its job was ended by
    somebody else.
    """

    def __init__(self, door: Door, images: ImageSender, session: str) -> None:
        self._door = door
        self._images = images
        self._session = session
        self._tickets = itertools.count(1)

    def list(self) -> SegmenterList:
        """The engines that can be had on the server, the one in use, and the looks that are kept."""
        return self._door.message(SegmenterList, "GET", "/v1/segmenters")

    def choose(self, name: str, device: str = "auto") -> SegmenterList:
        """Have another engine find regions from now on; comes back when it is loaded.

        Raises
        ------
        UnknownModelError, ModelError
            It is not there or cannot be loaded; the old one goes on.
        """
        try:
            choice = SegmenterChoice(name=name, device=device)
        except ValueError as error:
            raise ModelError(f"{name!r} on {device!r} is no engine.", "Choose one that the server lists.") from error
        now, until = self._door.message(SegmenterList, "PUT", "/v1/segmenter", choice), time.monotonic() + _PATIENCE_S
        while now.loading:
            if time.monotonic() > until:
                raise BackendUnreachableError(f"{name} is still being loaded.", "Wait, or start the server anew.")
            time.sleep(_PAUSE_S)
            now = self.list()
        if now.trouble is not None:
            raise now.trouble.exception()
        if now.in_use != name:
            raise ModelError(f"{now.in_use} was chosen meanwhile.", f"Choose {name} again if you want it.")
        return now

    def prepare(
        self, image: PreparedImage, *, near: Point | None = None, progress: ProgressCallback = ignore_progress
    ) -> None:
        """Have the server look at an image, so that the first click is answered at once; comes back when it has.

        Parameters
        ----------
        image : PreparedImage
        near : (row, column) or None
            Of an image that is pointed at in parts (more than 1,500 px), the part that will be wanted; None is its
            centre.
        progress : callable
            Cancels by raising `JobCancelledError`.
        """
        wish = Preparation(near=near)
        self._job_done(image, "looks", wish, progress)

    def propose(
        self, image: PreparedImage, prompts: Prompts, *, priority: int = CLICK_PRIORITY, ticket: int = 0
    ) -> Proposal:
        """The masks that the prompts mean, exact; waits for a look that is still being taken.

        Parameters
        ----------
        image : PreparedImage
            Sent only where the server lacks it.
        prompts : Prompts
        priority : int, -100..100
            `HOVER_PRIORITY` for what lies under the pointer: a hover never takes the place of a click.
        ticket : int
            Of two requests of this client, the one with the larger is newer; 0 takes the next number, so that the
            later call is newer.

        Raises
        ------
        SupersededError
            A newer request of this client, at least as urgent, took its place while it waited.
        RegionError
            The prompts mean no region.
        LimitError
            They are too many.
        """
        if prompts.is_empty:
            raise RegionError("Nothing says where the region is.", "Click inside it, or draw a box or a stroke.")
        request = ProposalRequest(
            prompts=PromptsMessage.of(prompts),
            priority=priority,
            session=self._session,
            ticket=ticket or next(self._tickets),
        )
        path = f"{image_path(image)}/proposals"
        return self._answered(image, lambda: self._door.message(ProposalReply, "POST", path, request)).proposal()

    def everything(
        self, image: PreparedImage, spec: EverythingSpec | None = None, *, progress: ProgressCallback = ignore_progress
    ) -> Candidates:
        """All regions of the image, best first; they may overlap and contain each other.

        `progress` is called as the work goes on; it cancels the work, on the server too, by raising
        `JobCancelledError`. An image of more than 1,500 px is looked at in a smaller copy.
        """
        asked = spec or EverythingSpec()
        try:
            wish = EverythingRequest(most=asked.most, least_area=asked.least_area)
        except ValueError as error:
            raise LimitError(f"At most {MAX_CANDIDATES} regions of 1 px or more.", "Ask for fewer.") from error
        return self._job_done(image, "everything", wish, progress)

    def carry(self, image: PreparedImage, mask: RegionMask, *, before: PreparedImage | None = None) -> Carried:
        """Find a region of the plane before again in this one.

        Parameters
        ----------
        image : PreparedImage
            This plane.
        mask : RegionMask
            Of the plane before; both have the same size.
        before : PreparedImage or None
            That plane, so that the colours are compared as well.

        Raises
        ------
        ShapeMismatchError
            The planes differ in size.
        """
        sent = MaskMessage.of(mask)
        request = CarryRequest(
            mask=sent,
            before="" if before is None else before.sha256,
            session=self._session,
            ticket=next(self._tickets),
        )
        if before is not None:
            self._images.with_image(before, lambda: self._door.exists(image_path(before)))
        path = f"{image_path(image)}/carried"
        return self._answered(image, lambda: self._door.message(CarriedReply, "POST", path, request)).carried()

    def clear(self) -> int:
        """Free the looks that are kept, in memory and on the server's disk; the number of bytes freed."""
        return self._door.message(Cleared, "DELETE", "/v1/looks").freed_bytes

    def _answered(self, image: PreparedImage, ask: Callable[[], Answer]) -> Answer:
        """Ask until nothing is pending; gives up where that takes very long."""
        until = time.monotonic() + _PATIENCE_S
        while (reply := self._images.with_image(image, ask)).pending:
            if time.monotonic() > until:
                raise BackendUnreachableError("The server answers, but proposes nothing.", "Start it anew.")
            time.sleep(_PAUSE_S)
        return reply

    def _job_done(
        self, image: PreparedImage, verb: str, wish: Preparation | EverythingRequest, progress: ProgressCallback
    ) -> Candidates:
        """Start a job, follow it to its end, and give the candidates it has made, if it makes any."""
        path = f"{image_path(image)}/{verb}"
        job = self._images.with_image(image, lambda: self._door.message(wire.Job, "POST", path, wish))
        try:
            followed(self._door, job, lambda news: progress(Progress(news.done, news.total, news.message)))
            if isinstance(wish, Preparation):
                return []
            found = self._door.message(CandidateList, "GET", f"/v1/jobs/{job.id}/candidates")
            return [one.candidate() for one in found.candidates]
        finally:
            forget(self._door, job)
