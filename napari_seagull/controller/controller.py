"""The one place where session, backend, layers and views meet: makes the parts, hands wishes on, ends them together."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeVar

from qtpy.QtCore import QObject

from napari_seagull.connection.backend import Backend
from napari_seagull.controller.asking import Asker
from napari_seagull.controller.backend_desk import BackendDesk
from napari_seagull.controller.canvas import Canvas
from napari_seagull.controller.card_desk import CardDesk
from napari_seagull.controller.comparing import Comparer
from napari_seagull.controller.desk import Desk
from napari_seagull.controller.display import Display
from napari_seagull.controller.exchange import Exchange
from napari_seagull.controller.folder_desk import FolderDesk
from napari_seagull.controller.images import ImageWatch
from napari_seagull.controller.keeping import Keeper
from napari_seagull.controller.labels_watch import LabelsWatch
from napari_seagull.controller.map_desk import MapDesk
from napari_seagull.controller.mapping import Mapper
from napari_seagull.controller.model_desk import ModelDesk
from napari_seagull.controller.our_layers import OurLayers
from napari_seagull.controller.pictures import Pictures
from napari_seagull.controller.pixel_desk import PixelDesk
from napari_seagull.controller.rating import Rater, RatingParts
from napari_seagull.controller.rating_store import RatingStore, settings_file
from napari_seagull.controller.region_deeds import RegionDeeds
from napari_seagull.controller.region_panels import RegionsDesk, ReportDesk
from napari_seagull.controller.safe import Safe
from napari_seagull.controller.scoring import Scorer
from napari_seagull.controller.segmenting import Segmenter
from napari_seagull.controller.segments_layer import SegmentsLayer
from napari_seagull.controller.series import Series
from napari_seagull.controller.shapes_watch import ShapesWatch
from napari_seagull.controller.tools import Tools
from napari_seagull.controller.tuning import Tuner, TuningParts
from napari_seagull.controller.tuning_watch import TuningWatch
from napari_seagull.controller.verdicts import Verdicts
from napari_seagull.controller.view_order import ViewOrder
from napari_seagull.controller.zooming import Zoom
from napari_seagull.safekeeping.places import Places
from napari_seagull.session.commands import ChangeModel, DeleteRegion
from napari_seagull.session.session import Session
from napari_seagull.tasks import Tasks
from napari_seagull.views.compare_panel import ComparePanel
from napari_seagull.views.folder_panel import FolderPanel
from napari_seagull.views.map_panel import MapPanel
from napari_seagull.views.model_facts import ModelFacts
from napari_seagull.views.panel import Panel
from napari_seagull.views.rate_panel import RatePanel
from napari_seagull.views.region_panels import RegionsPanel, ReportPanel
from napari_seagull.views.report_card import ReportCard
from napari_seagull.views.series_panel import SeriesPanel
from napari_seagull.views.tune_panel import TunePanel

if TYPE_CHECKING:
    from napari.components import ViewerModel


class Closing(Protocol):
    """A part that serves a panel of its own."""

    def close(self) -> None:
        """Listen no more; harmless twice."""


Part = TypeVar("Part", bound=Closing)


class Controller(QObject):
    """Joins one viewer, one panel, one session and one backend."""

    def __init__(
        self, viewer: ViewerModel, panel: Panel, session: Session | None = None, backend: Backend | None = None
    ) -> None:
        super().__init__()
        self.viewer, self.panel = viewer, panel
        self.session = session or Session()
        self.tasks = Tasks()
        self._closed = False
        desk = Desk(viewer, self.session, self.tasks, panel.status.show_problem, panel.status.show_note)
        self._desk = desk
        self.images = ImageWatch(desk, panel.image_bar, self)
        self._server = server = backend or Backend()
        self.backend = BackendDesk(desk, server, panel.backend_bar, panel.server_form, self)
        self.models = ModelDesk(desk, server, panel.model_form, self)
        self.shapes = ShapesWatch(desk, self.images, self)
        self.labels = LabelsWatch(desk, self.images, self)
        self.segments = SegmentsLayer(desk, self.images, self)
        layers = OurLayers(self.shapes, self.labels, self.segments)
        self.keeper = Keeper(desk, self.images, layers, self)
        canvas, places = Canvas(self.images, layers), Places.of_user(os.environ)
        self.safe = Safe(desk, self.images, canvas, panel, places)
        self.exchange = Exchange(desk, self.images, canvas, panel, lambda: self.verdicts.author)
        self.segmenter = Segmenter(desk, self.images, self.backend, self.keeper, panel.finding, self)
        self.scorer = Scorer(desk, self.backend, self)
        self.scorer.order = ViewOrder(desk, self.images).sorted
        self.pixels = PixelDesk(desk, self.images, self.scorer, panel.pixels, self)
        self.mapper = Mapper(desk, self.images, self.backend, panel.map_bar, self)
        self.asker = Asker(desk, self.backend, self)
        self.verdicts = Verdicts(desk, RatingStore(settings_file(os.environ)), self)
        self._name_annotator()
        self.verdicts.settings_changed.connect(self._name_annotator)
        self.pictures, self.zoom = Pictures(desk, self.images, self), Zoom(desk, self.images)
        self.display = Display(desk, panel, layers, self._card_desk(panel.card))
        self.deeds = RegionDeeds(desk, panel.regions, self.verdicts, self.zoom, self)
        self.display.may_show = self.safe.may_show
        self.tuning = TuningWatch(desk, server, self.backend, panel, self)
        self.raters: list[Rater] = []
        self.served: list[Closing] = []
        self.tools = Tools(desk, self.images, layers, panel.draw_bar, self)
        self.keeper.undoer.listen_in(panel)
        self._connect()

    def start(self) -> None:
        """Bring the backend up, without waiting for it."""
        self.backend.start()

    def close(self) -> None:
        """Let go of the viewer and end the backend; harmless twice."""
        if self._closed:
            return
        self._finish()
        self._closed = True
        for guest in (*self.raters, *self.served):
            guest.close()
        for part in (
            self.images,
            self.models,
            self.shapes,
            self.labels,
            self.scorer,
            self.pixels,
            self.mapper,
            self.asker,
            self.display,
            self.tools,
            self.tuning,
            self.exchange,
            self.segmenter,
            self.segments,
            self.keeper,
            self.safe,
        ):
            part.close()
        self.backend.close()
        self.tasks.close()

    def rate_in(self, panel: RatePanel) -> Rater:
        """Let people label regions in that panel."""
        undoer, show_plain = self.keeper.undoer, self.display.show_plain
        parts = RatingParts(self.verdicts, self.zoom, self.pictures, show_plain, undoer.undo, undoer.redo)
        rater = Rater(self._desk, panel, parts, self)
        self.raters.append(rater)
        return rater

    def regions_in(self, panel: RegionsPanel) -> RegionsDesk:
        """Serve a panel "Regions" as long as it is open."""
        self.keeper.undoer.listen_in(panel)
        made = RegionsDesk(self._desk, panel, self.display, self.verdicts, self.zoom, self._on_delete_wished)
        return self._served(made)

    def report_in(self, panel: ReportPanel) -> ReportDesk:
        """Serve a panel "Report" as long as it is open."""
        self.keeper.undoer.listen_in(panel)
        return self._served(ReportDesk(panel, self.display, self._card_desk(panel.card)))

    def _card_desk(self, card: ReportCard) -> CardDesk:
        return CardDesk(self._desk, card, self.verdicts, self.pictures, self.asker)

    def folder_in(self, panel: FolderPanel) -> FolderDesk:
        """Serve a panel "Images" as long as it is open."""
        return self._served(FolderDesk(self._desk, self.images, self.safe, self.backend, self.verdicts, panel))

    def map_in(self, panel: MapPanel) -> MapDesk:
        """Serve a panel "Quality map" as long as it is open."""
        return self._served(MapDesk(self._desk, self.images, self.mapper, self.keeper, panel))

    def compare_in(self, panel: ComparePanel) -> Comparer:
        """Serve a panel "Compare" as long as it is open."""
        return self._served(Comparer(self._desk, self.images, self.backend, panel))

    def series_in(self, panel: SeriesPanel) -> Series:
        """Serve a panel "Over time" as long as it is open."""
        return self._served(Series(self._desk, self.images, self.backend, panel))

    def tune_in(self, panel: TunePanel, open_rater: Callable[[], Rater]) -> Tuner:
        """Serve a panel "Fine-tune" as long as it is open; `open_rater` brings the rating mode up."""
        images, safe, scorer = self.images, self.safe, self.scorer
        parts = TuningParts(
            images, safe, self.tuning, self._server, self.backend, scorer, self.zoom, self.verdicts, open_rater
        )
        return self._served(Tuner(self._desk, parts, panel))

    def _served(self, part: Part) -> Part:
        self.served.append(part)
        return part

    @property
    def is_closed(self) -> bool:
        """The panel was closed; nothing is listened to any more."""
        return self._closed

    @property
    def is_idle(self) -> bool:
        """True when nothing is under way: all is scored, mapped and shown."""
        watches = (self.images, self.shapes, self.labels, self.segments)
        parts = (*watches, self.safe, self.segmenter, self.scorer, self.mapper, self.display)
        return all(part.is_idle for part in parts) and self.tasks.running == 0

    def _connect(self) -> None:
        self._connect_models()
        self.panel.table.delete_wished.connect(self._on_delete_wished)
        self.panel.restore_wished.connect(self.tools.restore)
        self.panel.closed.connect(self.close)
        self.panel.destroyed.connect(self.close)
        for layer in (self.shapes, self.labels, self.segments):
            layer.picked.connect(self.deeds.select)
        self.segments.gone.connect(self._on_layer_gone)
        self.shapes.gone.connect(self._on_layer_gone)
        self.labels.gone.connect(self._on_layer_gone)
        self.images.lost.connect(self._on_image_lost)
        self.safe.leaving.connect(self._finish)

    def _connect_models(self) -> None:
        self.backend.ready.connect(self.models.refresh)
        self.backend.model_changed.connect(self._on_model_changed)
        self.models.known.connect(self._on_models_known)

    def _name_annotator(self) -> None:
        self.safe.name_annotator(self.verdicts.author)

    def _on_models_known(self, facts: ModelFacts) -> None:
        if facts.model:
            self.mapper.offer(facts.maps)
            self.asker.allow(allowed=facts.answers)

    def _on_model_changed(self) -> None:
        self.session.do(ChangeModel())
        self.mapper.put_away()
        self.asker.stop_all()

    def _finish(self) -> None:
        """What was drawn, painted or said a moment ago is done now, on the image it is about."""
        self.shapes.flush()
        self.labels.flush()
        for rater in self.raters:
            rater.keep()

    def _on_delete_wished(self, ids: list[str]) -> None:
        doomed = [key for key in ids if key in self.session.regions]
        self.shapes.remove(doomed)
        self.labels.remove(doomed)
        self.session.do_all([DeleteRegion(key) for key in doomed])

    def _on_layer_gone(self) -> None:
        if any(layer.has_lost_regions() for layer in (self.shapes, self.labels, self.segments)):
            self.panel.status.show_note(
                "The layer was deleted; its regions and scores are kept. “Restore regions layer” brings them back."
            )

    def _on_image_lost(self, name: str) -> None:
        if self.session.regions:
            self.panel.status.show_note(
                f"The image “{name}” was closed; its regions are kept. Open it again or choose another."
            )

    def zoom_to(self, region: str) -> None:
        """Bring a region to the middle of the canvas, on its plane."""
        self.zoom.to([region])
