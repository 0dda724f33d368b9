"""The quality of one region over all planes of a stack or time series, plane by plane, with a way to stop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qtpy.QtCore import QObject

from napari_seagull.controller.backend_desk import NOT_READY, BackendDesk
from napari_seagull.controller.desk import Desk
from napari_seagull.controller.images import ImageWatch
from napari_seagull.controller.native_scoring import assess
from napari_seagull.layers.images import PixelRequest, data_shape
from napari_seagull.session.records import Plane, RegionRecord
from napari_seagull.tasks import Task
from napari_seagull.views.line_plot import PlotPoint
from napari_seagull.views.series_panel import SeriesPanel
from seagull_iqa.client import Client
from seagull_iqa.domain.progress import Progress
from seagull_iqa.domain.region import Region
from seagull_iqa.errors import BackendError, ImageError, JobCancelledError, SeagullError

NO_REGION = "Select a region to see its quality over the planes."
NO_STACK = "This image has one plane. Open a stack or a time series to see a region over it."


@dataclass(frozen=True, eq=False)
class SeriesRun:
    """One region over one axis.

    Attributes
    ----------
    region : Region
    geometry : str
        Its pixels, so that a change is noticed.
    request : PixelRequest
        Of the present plane.
    axis : int
        Of the image, among the leading ones.
    length : int
        Planes along it.
    """

    region: Region
    geometry: str
    request: PixelRequest
    axis: int
    length: int

    def plane(self, index: int) -> Plane:
        """The present plane, elsewhere along the axis."""
        present = self.request.plane
        return (*present[: self.axis], index, *present[self.axis + 1 :])

    def work(self, client: Client, task: Task) -> int:
        """Read and score plane by plane, the news as they come; how many could not be scored. On a worker thread."""
        missed = 0
        for index in range(self.length):
            task.report(Progress(index, self.length, "Plane"))
            try:
                image = self.request.elsewhere(self.plane(index)).prepare()
            except ImageError:
                missed += 1  # an empty plane, say: a gap in the line
                continue
            reports = assess(client, image, [self.region]).reports
            if reports and reports[0].quality is not None:
                task.report(PlotPoint(index, reports[0].quality, reports[0].quality_interval))
            else:
                missed += 1
        return missed


class Series(QObject):
    """Serves one panel as long as it is open."""

    def __init__(self, desk: Desk, images: ImageWatch, backend: BackendDesk, panel: SeriesPanel) -> None:
        super().__init__(panel)
        self._desk, self._images, self._backend, self._panel = desk, images, backend, panel
        self._task: Task | None = None
        self._run: SeriesRun | None = None
        self._points: dict[int, PlotPoint] = {}
        self._closed = False
        panel.start_wished.connect(self.start)
        panel.stop_wished.connect(self._on_stop_wished)
        panel.index_wished.connect(self._on_index_wished)
        panel.closed.connect(self.close)
        panel.destroyed.connect(self.close)
        self._signals = (
            desk.session.selection_changed, desk.session.regions_changed, desk.session.image_changed, images.moved,
        )  # fmt: skip
        for signal in self._signals:
            signal.connect(self._show)
        desk.viewer.dims.events.point.connect(self._show_present)
        self._show()

    def close(self) -> None:
        """Listen no more; harmless twice."""
        if self._closed:
            return
        self._closed = True
        if self._task is not None:
            self._task.drop()
            self._task = None
        for signal in self._signals:
            signal.disconnect(self._show)
        self._desk.viewer.dims.events.point.disconnect(self._show_present)

    @property
    def points(self) -> Sequence[PlotPoint]:
        """What is known so far, by index."""
        return [self._points[index] for index in sorted(self._points)]

    def start(self, axis: int) -> None:
        """Score the selected region on every plane along that axis of the image."""
        record, layer, client = self._chosen(), self._images.layer, self._backend.client
        if self._task is not None or record is None or layer is None:
            return
        if client is None:
            self._panel.status.show_problem(NOT_READY)
            return
        shape = data_shape(layer)
        try:
            request = self._images.request(layer, record.plane)
        except SeagullError as error:
            self._panel.status.show_problem(str(error))
            return
        self._run = run = SeriesRun(record.region, record.geometry, request, axis, shape[axis])
        self._points = {}
        self._panel.status.clear()
        self._show()
        self._panel.show_progress(Progress(0, run.length, "Plane"))
        self._task = self._desk.tasks.start(
            "series",
            lambda task: run.work(client, task),
            done=self._on_done,
            failed=self._on_failed,
            progressed=self._on_news,
        )

    def _chosen(self) -> RegionRecord | None:
        session = self._desk.session
        return next((session.regions[key] for key in session.selection if key in session.regions), None)

    def _on_stop_wished(self) -> None:
        if self._task is not None:
            self._task.stop()

    def _on_news(self, news: Progress | PlotPoint) -> None:
        if isinstance(news, Progress):
            self._panel.show_progress(news)
        else:
            self._points[news.index] = news
            self._show_plot()

    def _on_done(self, missed: int) -> None:
        self._task = None
        self._panel.show_progress(None)
        if missed:
            words = "1 plane has" if missed == 1 else f"{missed} planes have"
            self._panel.status.show_note(f"{words} no score: nothing but one value, or a value that is not finite.")

    def _on_failed(self, error: SeagullError) -> None:
        self._task = None
        self._panel.show_progress(None)
        if isinstance(error, JobCancelledError):
            self._panel.status.show_note("Stopped; the planes that were scored stay.")
        else:
            self._panel.status.show_problem(str(error))
        if isinstance(error, BackendError):
            self._backend.look_again()

    def _on_index_wished(self, index: int) -> None:
        """Put the slider there."""
        run, layer, viewer = self._run, self._images.layer, self._desk.viewer
        if run is not None and layer is not None:
            position = [*run.plane(index), 0.0, 0.0]
            world = layer.data_to_world(position)
            viewer.dims.set_point(viewer.dims.ndim - layer.ndim + run.axis, float(world[run.axis]))

    def _show(self, _change: object = None) -> None:
        layer, record = self._images.layer, self._chosen()
        lead = () if layer is None else data_shape(layer)[:-2]
        names = [] if layer is None else [str(label) for label in layer.axis_labels[: len(lead)]]
        axes = [(index, f"{name} ({length})") for index, (name, length) in enumerate(zip(names, lead, strict=True))]
        self._panel.show_axes([entry for entry in axes if lead[entry[0]] > 1])
        if not any(length > 1 for length in lead):
            self._panel.show_subject(NO_STACK, ready=False)
        elif record is None:
            self._panel.show_subject(NO_REGION, ready=False)
        else:
            self._panel.show_subject(self._words(record), ready=True)
        self._show_plot()

    def _words(self, record: RegionRecord) -> str:
        run = self._run
        if run is None or not self._points:
            return f"{record.region.name}: press “Score all planes” to see its quality over them."
        if run.region.id != record.id:
            return f"{record.region.name} is selected; the line is that of {run.region.name}."
        changed = run.geometry != record.geometry
        if changed:
            return f"{record.region.name} has changed since: score all planes again."
        return f"{record.region.name}: quality, with its 80 % interval"

    def _show_plot(self) -> None:
        run, layer = self._run, self._images.layer
        name = "" if run is None or layer is None else str(layer.axis_labels[min(run.axis, layer.ndim - 1)])
        self._panel.show_points(self.points, 1 if run is None else run.length, name)
        self._show_present()

    def _show_present(self, _event: object = None) -> None:
        plane, run = self._images.on_screen, self._run
        self._panel.plot.show_present(plane[run.axis] if run is not None and plane and run.axis < len(plane) else None)
