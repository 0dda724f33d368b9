"""Scores: every region that has none, or an outdated one, is asked for; what comes too late is dropped."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from qtpy.QtCore import QObject

from napari_seagull.controller.backend_desk import BackendDesk
from napari_seagull.controller.desk import Desk, debounce
from napari_seagull.controller.native_scoring import assess
from napari_seagull.session.commands import AcceptReports, QueueRegions, Rejection, RejectRegions
from napari_seagull.session.records import RegionRecord, RegionState, Ticket
from napari_seagull.tasks import Task
from seagull_iqa import wire
from seagull_iqa.client import AssessReply, Client
from seagull_iqa.domain.region import Region
from seagull_iqa.domain.report import QualityReport
from seagull_iqa.errors import (
    BackendError,
    JobCancelledError,
    ModelError,
    ProtocolError,
    SeagullError,
    SupersededError,
)
from seagull_iqa.imaging.prepared import PreparedImage

FEW = 4
"""So many regions are what a hand has just drawn: they go first."""

MOST_REQUESTS = 2
"""One long request, and one that overtakes it."""

GATHER_MS = 20


class Scorer(QObject):
    """Asks the backend for every region of the present image that waits for a score."""

    def __init__(self, desk: Desk, backend: BackendDesk, parent: QObject) -> None:
        super().__init__(parent)
        self.enabled = True
        self.order: Callable[[Sequence[Region]], list[Region]] = list
        self._desk, self._backend = desk, backend
        self._asked: dict[Task, dict[str, Ticket]] = {}
        self._unanswered: set[str] = set()
        self._gather = debounce(GATHER_MS, self._ask, self)
        desk.session.regions_changed.connect(self.wake)
        desk.session.image_changed.connect(self.wake)
        backend.ready.connect(self._on_ready)

    @property
    def is_idle(self) -> bool:
        """True when no answer is awaited."""
        return not self._asked and not self._gather.isActive()

    def close(self) -> None:
        """Listen no more."""
        self._gather.stop()
        self._desk.session.regions_changed.disconnect(self.wake)
        self._desk.session.image_changed.disconnect(self.wake)
        self._backend.ready.disconnect(self._on_ready)

    def score_all(self) -> int:
        """Ask for every region of this plane that has no score that counts, also while scoring is off; how many."""
        image = self._desk.session.image
        if image is None:
            return 0
        asked = self._queue(image)
        self.wake()
        return asked

    def wake(self, *_change: object) -> None:
        """Look, in a moment, whether there is something to ask."""
        if not self._gather.isActive():
            self._gather.start()

    def _on_ready(self) -> None:
        """A backend has come (back): what the last one did not answer, and what another model said, is asked again."""
        regions = self._desk.session.regions
        again = tuple(region for region in self._unanswered if region in regions)
        self._unanswered.clear()
        if again:
            self._desk.session.do(QueueRegions(again))
        self.wake()

    def _ask(self) -> None:
        image, client = self._desk.session.image, self._backend.client
        if image is None:
            return
        if self.enabled:
            self._queue(image)
        self._give_up_what_is_outdated()
        if client is None or len(self._asked) >= MOST_REQUESTS:
            return
        waiting = self._desk.session.queued()
        tickets = self._desk.session.tickets(region.id for region in waiting)
        under_way = {ticket for asked in self._asked.values() for ticket in asked.values()}
        regions = [region for region in waiting if tickets[region.id] not in under_way]
        if regions:
            self._send(client, image, self.order(regions), {region.id: tickets[region.id] for region in regions})

    def _give_up_what_is_outdated(self) -> None:
        """End requests of which nothing is wanted any more: an edit or another image must not wait behind them."""
        regions = self._desk.session.regions
        for task, tickets in list(self._asked.items()):
            if not any(key in regions and regions[key].asked == ticket for key, ticket in tickets.items()):
                task.drop()
                del self._asked[task]

    def _queue(self, image: PreparedImage) -> int:
        records = self._desk.session.regions.values()
        wanting = tuple(record.id for record in records if _wants_score(record, image))
        if wanting:
            self._desk.session.do(QueueRegions(wanting))
        return len(wanting)

    def _send(self, client: Client, image: PreparedImage, regions: list[Region], tickets: dict[str, Ticket]) -> None:
        priority = wire.LIVE_PRIORITY if len(regions) <= FEW else wire.MANY_PRIORITY
        request = Request(self, client, image, regions, tickets, priority)
        task = self._desk.tasks.start(
            "scores",
            request.run,
            done=request.on_done,
            failed=request.on_failed,
            progressed=request.on_reports,
        )
        request.task = task
        self._asked[task] = tickets

    def accept(self, answers: Sequence[tuple[Ticket, QualityReport]]) -> None:
        """Take reports over."""
        if answers:
            self._desk.session.do(AcceptReports(tuple(answers)))

    def reject(self, errors: dict[Ticket, SeagullError]) -> None:
        """Let regions say why they have no score; what the model is to blame for is asked again of another one."""
        self._unanswered |= {ticket.region for ticket, error in errors.items() if isinstance(error, ModelError)}
        said = tuple(Rejection(t.region, error.message, error.hint, t) for t, error in errors.items())
        if said:
            self._desk.session.do(RejectRegions(said))

    def lose(self, tickets: dict[str, Ticket], error: SeagullError) -> None:
        """The whole request failed."""
        if isinstance(error, BackendError):
            self._unanswered |= set(tickets)
            self._backend.look_again()
        if not isinstance(error, JobCancelledError):
            self._desk.tell(str(error))
        self.reject(dict.fromkeys(tickets.values(), error))

    def finish(self, task: Task | None) -> None:
        """A request has ended, well or not."""
        if task is not None:
            self._asked.pop(task, None)
        self.wake()


class Request:
    """One request for some regions: runs on a thread, hears of its reports on the GUI thread."""

    def __init__(
        self,
        scorer: Scorer,
        client: Client,
        image: PreparedImage,
        regions: list[Region],
        tickets: dict[str, Ticket],
        priority: int,
    ) -> None:
        self._scorer, self._client, self._image = scorer, client, image
        self._regions, self._tickets, self._priority = regions, tickets, priority
        self._left = dict(tickets)
        self.task: Task | None = None

    def run(self, task: Task) -> AssessReply:
        """Ask; on a worker thread."""
        return assess(self._client, self._image, self._regions, priority=self._priority, on_reports=task.report)

    def on_reports(self, reports: list[QualityReport]) -> None:
        """Some of the reports are there."""
        known = [report for report in reports if report.region in self._left]
        self._scorer.accept([(self._left.pop(report.region), report) for report in known])

    def on_done(self, reply: AssessReply) -> None:
        """All is answered; a region about which nothing was said would wait for ever, so it says so."""
        self.on_reports(reply.reports)
        silent = ProtocolError("The backend said nothing of this region.", "Move it a little to ask again.")
        errors = {ticket: reply.errors.get(region, silent) for region, ticket in self._left.items()}
        self._scorer.reject({t: error for t, error in errors.items() if not isinstance(error, SupersededError)})
        self._scorer.finish(self.task)

    def on_failed(self, error: SeagullError) -> None:
        """Nothing more will come."""
        self._scorer.lose(self._left, error)
        self._scorer.finish(self.task)


def _wants_score(record: RegionRecord, image: PreparedImage) -> bool:
    open_state = record.state in (RegionState.UNSCORED, RegionState.STALE)
    return open_state and record.plane == image.pixels.plane and record.region.mask.shape == image.shape
