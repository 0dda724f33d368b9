"""A backend of a few lines, a controller on a viewer without a window, and the check that no widget is left behind."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar

import numpy as np
import pytest
from psygnal import Signal

from napari_seagull.connection.backend import ConnectionState, Status
from seagull_iqa.client import AssessReply
from seagull_iqa.domain.distortion import Distortion, Finding, Severity
from seagull_iqa.domain.progress import Progress
from seagull_iqa.domain.region import Region
from seagull_iqa.domain.report import MAP_NAMES, QualityReport, ScoreMap
from seagull_iqa.errors import BackendUnreachableError, SeagullError
from seagull_iqa.imaging.prepared import PreparedImage


class BrightnessClient:
    """Quality is the mean brightness of a region, in percent; may be held, and made to fail."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.images: list[PreparedImage] = []
        self.go = threading.Event()
        self.go.set()
        self.fails: SeagullError | None = None

    def assess(self, image: PreparedImage, regions: Sequence[Region], *, priority=0, on_reports=None) -> AssessReply:
        self.asked.append([region.id for region in regions])
        self.images.append(image)
        self.go.wait(30)
        if self.fails is not None:
            raise self.fails
        reports = [self._report(image, region) for region in regions]
        if on_reports is not None:
            on_reports(reports)
        return AssessReply(reports, {})

    def maps(self, image: PreparedImage, *, progress: Callable[[Progress], None]) -> dict[str, ScoreMap]:
        for step in range(5):
            progress(Progress(step, 5, "Mapping"))
            self.go.wait(0.5)
        values = (image.rgb.mean(axis=2)[2::4, 2::4] / 2.55).astype(np.float32)
        return {name: ScoreMap(name, values, image.shape, 4.0, 8.0, "toy-1") for name in MAP_NAMES}

    def close(self) -> None:
        """Nothing is open."""

    @staticmethod
    def _report(image: PreparedImage, region: Region) -> QualityReport:
        quality = float(image.rgb[region.mask.pixels].mean() / 2.55)
        findings = (Finding(Distortion.EXPOSURE, Severity.SEVERE),) if quality < 30 else ()
        interval = (max(0.0, quality - 6), min(100.0, quality + 6))
        return QualityReport(
            region.id, quality, interval, 50.0, (40.0, 60.0), findings, "A sentence.", "toy-1", image.pixels
        )


class ToyBackend:
    """What the controller sees of `connection.backend.Backend`, without a process."""

    state_changed: ClassVar[Signal] = Signal(Status)

    def __init__(self, toy: BrightnessClient) -> None:
        self.toy = toy
        self.status = Status(ConnectionState.STOPPED, "The server is not running.")
        self.stops = 0

    @property
    def client(self) -> Any:
        return self.toy if self.status.state is ConnectionState.READY else None

    def start(self) -> Any:
        self.tell(Status(ConnectionState.READY, "Ready: toy-1 on cpu."))
        return self.toy

    restart = start

    def check(self) -> Status:
        if isinstance(self.toy.fails, BackendUnreachableError):
            self.tell(Status(ConnectionState.FAILED, self.toy.fails.message, self.toy.fails.hint))
        return self.status

    def stop(self) -> None:
        self.stops += 1

    def tell(self, status: Status) -> None:
        self.status = status
        self.state_changed.emit(status)


@pytest.fixture
def toy() -> BrightnessClient:
    return BrightnessClient()


@pytest.fixture
def backend(toy: BrightnessClient) -> ToyBackend:
    return ToyBackend(toy)


@pytest.fixture
def controller(qtbot, backend: ToyBackend) -> Iterator[Any]:
    """A controller on a viewer without a window, its backend ready."""
    from napari.components import ViewerModel

    from napari_seagull.controller.controller import Controller
    from napari_seagull.views.panel import Panel

    panel = Panel()
    qtbot.addWidget(panel)
    made = Controller(ViewerModel(), panel, backend=backend)
    made.start()
    qtbot.waitUntil(lambda: made.backend.client is not None)
    yield made
    backend.toy.go.set()
    made.close()
    qtbot.waitUntil(lambda: backend.stops == 1)


@pytest.fixture
def settle(qtbot, controller) -> Callable[[], None]:
    """Let the window live until nothing is under way."""

    def until_idle() -> None:
        for _again in range(2):  # what has just ended may have set something going
            qtbot.wait(30)
            qtbot.waitUntil(lambda: controller.is_idle, timeout=30_000)

    return until_idle


@pytest.fixture(autouse=True)
def no_widget_is_left_behind(request) -> Iterator[None]:
    """Fail a test of widgets that leaves a window open."""
    if not {"qtbot", "make_napari_viewer_proxy"} & set(request.fixturenames):
        yield
        return
    from qtpy.QtWidgets import QApplication

    application = QApplication.instance()
    before = set() if application is None else {id(widget) for widget in QApplication.topLevelWidgets()}
    yield
    QApplication.processEvents()
    gc.collect()
    left = [w for w in QApplication.topLevelWidgets() if w.isVisible() and id(w) not in before]
    assert not left, f"widgets left behind: {left}"
