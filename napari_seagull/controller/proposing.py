"""What the engine is asked while one points: images are prepared, the newest wish is answered, and none is lost."""

from __future__ import annotations

from dataclasses import dataclass, field

from psygnal import Signal
from qtpy.QtCore import QObject

from napari_seagull.controller.backend_desk import BackendDesk
from napari_seagull.controller.desk import Desk
from napari_seagull.controller.grounds import Grounds
from napari_seagull.layers.windows import Ground
from napari_seagull.session.prompting import Shown
from napari_seagull.session.records import Plane
from napari_seagull.tasks import Task
from seagull_iqa.client import Client
from seagull_iqa.domain.progress import Progress
from seagull_iqa.domain.prompts import Point, Prompts, Proposal
from seagull_iqa.errors import BackendUnreachableError, JobError, SeagullError, SupersededError
from seagull_iqa.prompt_messages import CLICK_PRIORITY, HOVER_PRIORITY

MOST_TRIES = 3
"""So often is a click asked again, where the backend went away meanwhile, before it is given up."""


@dataclass(frozen=True, eq=False)
class Wish:
    """One question to the engine: what do these prompts, on this plane, mean?"""

    prompts: Prompts
    plane: Plane
    hover: bool = False


@dataclass(eq=False)
class Course:
    """What is wished, and how far it is."""

    wish: Wish | None = None
    warm: Wish | None = None
    asked: Task | None = None
    preparing: Task | None = None
    progress: Progress | None = None
    client: Client | None = None
    prepared: set[str] = field(default_factory=set)
    tries: int = 0
    revived: bool = False


class Proposer(QObject):
    """Answers the newest wish: reads the pixels, has them looked at, asks; a wish waits for all of this."""

    proposed = Signal(object, object)  # the Wish, and a Shown with masks of the whole plane
    refused = Signal(object, object)  # the Wish, and the SeagullError that says why
    changed = Signal()  # how far the preparation is
    prepared = Signal()  # an image has been looked at

    def __init__(self, desk: Desk, grounds: Grounds, backend: BackendDesk, parent: QObject) -> None:
        super().__init__(parent)
        self._desk, self._grounds, self._backend = desk, grounds, backend
        self._course = Course()
        backend.ready.connect(self._advance)
        backend.failed.connect(self._advance)
        grounds.arrived.connect(self._advance)
        grounds.failed.connect(self._on_no_ground)

    @property
    def is_idle(self) -> bool:
        """True when no call is under way."""
        return self._course.asked is None and self._course.preparing is None and self._grounds.is_idle

    @property
    def is_waiting(self) -> bool:
        """True while a click has no answer yet."""
        return self._course.wish is not None and not self._course.wish.hover

    @property
    def preparing(self) -> Progress | None:
        """How far the engine has looked at the image; None while it does not."""
        return self._course.progress if self._course.preparing is not None else None

    def close(self) -> None:
        """Listen no more."""
        self._course.wish = self._course.warm = None
        self._backend.ready.disconnect(self._advance)
        self._backend.failed.disconnect(self._advance)

    def warm(self, plane: Plane, near: Point) -> None:
        """Have the image looked at before anybody clicks; on a large plane its part near that point."""
        self._course.warm = Wish(Prompts((near,)), plane)
        self._advance()

    def want(self, wish: Wish) -> None:
        """Answer this and forget what was wished before; a hover never takes the place of a click."""
        if wish.hover and (self.is_waiting or self._course.preparing is not None or self._course.asked is not None):
            return
        self._course.wish, self._course.tries, self._course.revived = wish, 0, False
        self._advance()

    def forget(self) -> None:
        """Nothing is wished any more; what is answered to it is dropped."""
        self._course.wish = self._course.warm = None

    def forget_looks(self) -> None:
        """Another engine answers, or what was kept is gone: images are looked at anew."""
        course = self._course
        course.prepared.clear()
        if course.preparing is not None:
            course.preparing.drop()
            course.preparing = None
        self._advance()

    def _advance(self) -> None:
        """Do the next thing that the newest wish needs, if it can be done now."""
        course = self._course
        wish = course.wish or course.warm
        client = self._client()
        if wish is None or client is None or course.preparing is not None:
            return
        try:
            ground = self._grounds.at(wish.plane, wish.prompts)
        except SeagullError as error:
            self._refuse(error)
            return
        if ground is None:
            return
        course.warm = None
        if ground.image.sha256 not in course.prepared:
            self._prepare(client, ground, wish)
        elif course.wish is not None and course.asked is None:
            self._ask(client, ground, course.wish)

    def _client(self) -> Client | None:
        """Whom to ask. A backend that has gone is brought up again, once for each click."""
        course, client = self._course, self._backend.client
        if client is None and self.is_waiting and not course.revived:
            course.revived = self._backend.revive()
        if client is not None and client is not course.client:
            course.client = client
            course.prepared.clear()
        return client

    def _prepare(self, client: Client, ground: Ground, wish: Wish) -> None:
        course, image = self._course, ground.image
        inner = ground.inwards(wish.prompts)
        near = next(iter((*inner.positive, *(point for stroke in inner.strokes for point in stroke))), None)
        course.progress = Progress(0, 0, "Preparing the image")
        course.preparing = self._desk.tasks.start(
            "look",
            lambda task: client.segmenting.prepare(image, near=near, progress=task.report),
            done=lambda _nothing: self._on_prepared(image.sha256),
            failed=self._on_unprepared,
            progressed=self._on_progress,
        )
        self.changed.emit()

    def _on_progress(self, progress: Progress) -> None:
        self._course.progress = progress
        self.changed.emit()

    def _on_prepared(self, sha256: str) -> None:
        self._course.preparing = None
        self._course.prepared.add(sha256)
        self.changed.emit()
        self.prepared.emit()
        self._advance()

    def _on_unprepared(self, error: SeagullError) -> None:
        self._course.preparing = None
        self.changed.emit()
        self._on_failed(error)

    def _ask(self, client: Client, ground: Ground, wish: Wish) -> None:
        prompts = ground.inwards(wish.prompts)
        priority = HOVER_PRIORITY if wish.hover else CLICK_PRIORITY
        self._course.asked = self._desk.tasks.start(
            "proposal",
            lambda _task: client.segmenting.propose(ground.image, prompts, priority=priority),
            done=lambda proposal: self._on_proposed(wish, ground, proposal),
            failed=lambda error: self._on_unasked(wish, error),
        )
        self.changed.emit()

    def _on_proposed(self, wish: Wish, ground: Ground, proposal: Proposal) -> None:
        course = self._course
        course.asked = None
        if course.wish is wish:
            course.wish = None
            masks = tuple(ground.outwards(one.mask) for one in proposal.candidates)
            self.proposed.emit(wish, Shown.of(proposal, masks))
        self._advance()

    def _on_unasked(self, wish: Wish, error: SeagullError) -> None:
        self._course.asked = None
        if self._course.wish is not wish or isinstance(error, SupersededError):
            self._advance()
        else:
            self._on_failed(error)

    def _on_failed(self, error: SeagullError) -> None:
        """A click outlives a backend that went away, or a job that somebody ended; everything else is told."""
        course = self._course
        course.tries += 1
        again = isinstance(error, BackendUnreachableError | JobError) and course.tries < MOST_TRIES
        if again and course.wish is not None:
            self._backend.look_again(lambda _status: self._advance())
        else:
            self._refuse(error)

    def _on_no_ground(self, error: SeagullError) -> None:
        self._refuse(error)

    def _refuse(self, error: SeagullError) -> None:
        wish, self._course.wish, self._course.warm = self._course.wish, None, None
        self.refused.emit(wish, error)
