"""A backend of a few lines, a controller on a viewer without a window, and the check that no widget is left behind."""

from __future__ import annotations

import gc
import importlib.util
import sys
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
import pytest
from psygnal import Signal

from napari_seagull.connection.backend import ConnectionState, Status
from napari_seagull.connection.process import LocalServer
from seagull_iqa import wire
from seagull_iqa.client import AssessReply
from seagull_iqa.domain.distortion import Distortion, Finding, Severity
from seagull_iqa.domain.model_offer import MemoryNeed, ModelOffer, OfferState
from seagull_iqa.domain.precision import Precision
from seagull_iqa.domain.progress import Progress
from seagull_iqa.domain.region import Region
from seagull_iqa.domain.report import MAP_NAMES, QualityReport, ScoreMap
from seagull_iqa.errors import BackendUnreachableError, SeagullError
from seagull_iqa.imaging.prepared import PreparedImage
from seagull_iqa.messages import ModelCardMessage, ModelOfferMessage

GB = 10**9
SMALL = ModelOffer(
    "toy-small", "A small toy", "Free.", OfferState.SHIPPED, needs=(MemoryNeed(Precision.FP32, 50_000_000),)
)
LARGE = ModelOffer(
    "toy-large",
    "A large toy that answers",
    "The card says MIT.",
    OfferState.ABSENT,
    source="hub.example/toys/large",
    revision="3705ca7f00",
    path="/home/ann/models of today/toy-large",
    download_bytes=14 * GB,
    needs=(
        MemoryNeed(Precision.BF16, 16 * GB),
        MemoryNeed(Precision.INT8, 9 * GB),
        MemoryNeed(Precision.INT4, 6 * GB),
    ),
)
CARDS = {"toy-small": "toy-1", "toy-large": "toy-large-1"}


def _module_beside(name: str) -> ModuleType:
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
        assert spec is not None and spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


class ToyModels:
    """The models of a server: a small one that is there, and a large one that must be downloaded and answers."""

    def __init__(self) -> None:
        self.offers = {offer.name: offer for offer in (SMALL, LARGE)}
        self.large = LARGE.name
        self.in_use, self.precision = SMALL.name, "fp32"
        self.offline = False
        self.refuses: SeagullError | None = None
        self.load_go, self.download_go = threading.Event(), threading.Event()
        self.load_go.set()
        self.download_go.set()
        self.downloads: list[str] = []

    @property
    def card(self) -> str:
        return CARDS.get(self.in_use, self.in_use)

    def models(self) -> wire.ModelList:
        messages = [ModelOfferMessage.of(offer) for offer in self.offers.values()]
        return wire.ModelList(
            in_use=self.in_use, models=messages, device="cuda:0", free_bytes=12 * GB, offline=self.offline
        )

    def capabilities(self) -> wire.Capabilities:
        large = self.in_use == self.large
        return wire.Capabilities(
            protocol=wire.PROTOCOL,
            version="0",
            model=ModelCardMessage(id=self.card),
            device="cuda:0",
            device_reason="the toy box",
            limits=wire.Limits(),
            distortions=[],
            severities=[],
            aspects=[],
            maps=["quality", "weight"] if large else list(MAP_NAMES),
            precision=self.precision,
            answers=large,
            warmth=wire.Warmth(images=2, held_bytes=12 * GB // 10, limit_bytes=8 * GB) if large else wire.Warmth(),
        )

    def choose(self, name: str, precision: str) -> None:
        if self.refuses is not None:
            raise self.refuses
        self.in_use = name
        self.precision = "int8" if precision == "auto" and name == self.large else precision.replace("auto", "fp32")

    def download(self, name: str, *, progress: Callable[[Progress], None]) -> None:
        self.downloads.append(name)
        offer = self.offers[name]
        for step in range(offer.present_bytes // GB, 15):
            self.offers[name] = replace(offer, state=OfferState.PARTIAL, present_bytes=step * GB)
            progress(Progress(step * GB, offer.download_bytes, "Downloading"))
            while step == 5 and not self.download_go.wait(0.02):
                progress(Progress(step * GB, offer.download_bytes, "Downloading"))
        self.offers[name] = replace(offer, state=OfferState.READY, present_bytes=offer.download_bytes)

    def remove_model(self, name: str) -> int:
        freed = self.offers[name].present_bytes
        self.offers[name] = LARGE
        return freed


class BrightnessClient:
    """Quality is the mean brightness of a region, in percent; may be held, and made to fail."""

    def __init__(self) -> None:
        self.toys = ToyModels()
        self.segmenting = _module_beside("toy_segmenting").ToySegmenting()
        self.tuning = _module_beside("toy_tuning").ToyTuning()
        self.models, self.capabilities = self.toys.models, self.toys.capabilities
        self.download, self.remove_model = self.toys.download, self.toys.remove_model
        self.questions: list[str] = []
        self.answers_closed = 0
        self.answer_go = threading.Event()
        self.answer_go.set()
        self.map_go = threading.Event()
        self.map_go.set()
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

    def maps(
        self,
        image: PreparedImage,
        *,
        progress: Callable[[Progress], None],
        partial: Callable[[dict[str, ScoreMap]], None],
    ) -> dict[str, ScoreMap]:
        if self.toys.in_use == self.toys.large:
            partial(self._maps(image, 16))
            while not self.map_go.wait(0.02):
                progress(Progress(1, 4, "Mapping"))
        for step in range(5):
            progress(Progress(step, 5, "Mapping"))
            self.go.wait(0.5)
        return self._maps(image, 4)

    def _maps(self, image: PreparedImage, stride: int) -> dict[str, ScoreMap]:
        values = (image.rgb.mean(axis=2)[stride // 2 :: stride, stride // 2 :: stride] / 2.55).astype(np.float32)
        names = self.toys.capabilities().maps
        return {name: ScoreMap(name, values, image.shape, stride, stride, self.toys.card) for name in names}

    def answer(self, image: PreparedImage, region: Region, question: str) -> Generator[str, None, None]:
        self.questions.append(question)
        if self.fails is not None:
            raise self.fails
        try:
            yield "It is "
            while not self.answer_go.wait(0.02):
                yield ""
            yield "dark" if self._report(image, region).quality < 50 else "bright"
            yield "."
        finally:
            self.answers_closed += 1

    def close(self) -> None:
        """Nothing is open."""

    def _report(self, image: PreparedImage, region: Region) -> QualityReport:
        quality = float(image.rgb[region.mask.pixels].mean() / 2.55)
        if self.toys.in_use not in CARDS:  # a model that was fine-tuned
            quality = min(100.0, quality + 10.0)
        findings = (Finding(Distortion.EXPOSURE, Severity.SEVERE),) if quality < 30 else ()
        interval = (max(0.0, quality - 6), min(100.0, quality + 6))
        given = (region.id, quality, interval, 50.0, (40.0, 60.0), findings, "A sentence.", self.toys.card)
        notes = ("The region is small.",) if region.mask.area < 100 else ()
        return QualityReport(*given, image.pixels, notes=notes)


class ToyBackend:
    """What the controller sees of `connection.backend.Backend`, without a process."""

    state_changed: ClassVar[Signal] = Signal(Status)

    def __init__(self, toy: BrightnessClient) -> None:
        self.toy = toy
        self.status = Status(ConnectionState.STOPPED, "The server is not running.")
        self.server = LocalServer()  # never started
        self.stops = 0

    @property
    def client(self) -> Any:
        return self.toy if self.status.state is ConnectionState.READY else None

    @property
    def reached(self) -> Any:
        return self.toy

    def start(self) -> Any:
        self._tell_ready()
        return self.toy

    def use_model(self, name: str, *, precision: str = "auto") -> Any:
        self.toy.toys.choose(name, precision)
        self.tell(Status(ConnectionState.STARTING, f"Loading {name}.", switching=True))
        self.toy.toys.load_go.wait(30)
        self._tell_ready()
        return self.toy

    def inquire(self) -> Any:
        ready = self.status.state is ConnectionState.READY
        return self.toy.models(), self.toy.capabilities() if ready else None

    def _tell_ready(self) -> None:
        toys = self.toy.toys
        self.tell(Status(ConnectionState.READY, f"Ready: {toys.card} on cpu.", model=f"{toys.card} {toys.precision}"))

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


@pytest.fixture(autouse=True)
def settings_of_nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test reads or writes the settings of who runs it, nor that person's sessions."""
    monkeypatch.setenv("SEAGULL_CONFIG", str(tmp_path / "settings of nobody"))
    monkeypatch.setenv("SEAGULL_SESSIONS", str(tmp_path / "sessions of nobody"))


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
    for gate in (backend.toy.go, backend.toy.map_go, backend.toy.answer_go, backend.toy.tuning.go):
        gate.set()
    toy = backend.toy.segmenting
    for gate in (toy.look_go, toy.propose_go, toy.everything_go):
        gate.set()
    for gate in (backend.toy.toys.load_go, backend.toy.toys.download_go):
        gate.set()
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


@pytest.fixture
def shapes(controller: Any, settle: Callable[[], None]) -> Any:
    """Our regions layer over an image that is dark on the left and bright on the right."""
    from napari_seagull.views.draw_bar import Tool

    image = np.full((64, 100, 3), 51, dtype=np.uint8)
    image[:, 50:] = 204
    controller.viewer.add_image(image, name="halves")
    settle()
    controller.panel.draw_bar.tool_wished.emit(Tool.RECTANGLE)
    return controller.shapes.layer


@pytest.fixture
def have_large(toy: BrightnessClient, settle: Callable[[], None], controller: Any) -> None:
    """The large model has been downloaded."""
    toy.toys.download("toy-large", progress=lambda _progress: None)
    controller.models.refresh()
    settle()


@pytest.fixture
def use_large(controller: Any, have_large: None, settle: Callable[[], None]) -> None:
    """The large model answers."""
    controller.panel.model_form.use_wished.emit("toy-large", "auto")
    settle()


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
