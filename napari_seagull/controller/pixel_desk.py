"""What is scored, and when: chosen once, shown, and a mixture within the table warned about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from qtpy.QtCore import QObject

from napari_seagull.controller.desk import Desk, debounce
from napari_seagull.controller.images import ImageWatch
from napari_seagull.controller.scoring import Scorer
from napari_seagull.layers.choice import PixelChoice, Way, words_of
from napari_seagull.layers.large import LargeImage
from napari_seagull.session.records import RegionRecord
from napari_seagull.views.pixel_form import PixelForm

GATHER_MS = 150
CHANNELS = ("red", "green", "blue")


class PixelDesk(QObject):
    """Serves the form "What is scored"."""

    def __init__(self, desk: Desk, images: ImageWatch, scorer: Scorer, form: PixelForm, parent: QObject) -> None:
        super().__init__(parent)
        self._desk, self._images, self._scorer, self._form = desk, images, scorer, form
        self._gather = debounce(GATHER_MS, self._show_mixture, self)
        form.choice_wished.connect(self._on_choice_wished)
        form.live_wished.connect(self.score_live)
        form.score_wished.connect(self._on_score_wished)
        desk.session.image_changed.connect(self._show)
        desk.session.regions_changed.connect(self._on_regions_changed)
        images.moved.connect(self._show)
        self._show()

    def close(self) -> None:
        """Listen no more."""
        self._gather.stop()
        self._desk.session.image_changed.disconnect(self._show)
        self._desk.session.regions_changed.disconnect(self._on_regions_changed)
        self._images.moved.disconnect(self._show)

    def score_live(self, live: bool) -> None:
        """Score every edit as soon as it has ended, or only when asked."""
        self._scorer.enabled = live
        self._form.show_live(live=live)
        if live:
            self._scorer.wake()

    def choose(self, way: Way, channel: int | None = None) -> None:
        """Score those pixels from now on."""
        self._images.choose_pixels(PixelChoice(way, channel))
        self._form.show_choice(way.value, channel)

    def _on_choice_wished(self, way: str, channel: int | None) -> None:
        self.choose(Way(way), None if Way(way) is Way.COMPOSITE else channel)

    def _on_score_wished(self) -> None:
        if self._desk.session.image is None:
            self._desk.tell("There is no image to score. Open one, or a sample under File > Open Sample.")
        elif not self._desk.session.regions:
            self._desk.tell("There is no region to score. Draw one first.")
        elif not self._scorer.score_all():
            self._desk.note("Every region of this plane has a score that counts.")

    def _show(self) -> None:
        layer, image = self._images.layer, self._desk.session.image
        rgb = layer is not None and bool(layer.rgb)
        self._form.show_channels(CHANNELS if rgb and self._images.choice.way is not Way.COMPOSITE else ())
        self._form.show_choice(self._images.choice.way.value, self._images.choice.channel)
        if image is None:
            self._form.show_now("")
            return
        words = words_of(image.pixels, rgb=rgb)
        large = isinstance(image, LargeImage)
        self._form.show_now(f"{words}{'; regions at native size, the map by its overview' if large else ''}")

    def _on_regions_changed(self, _ids: object) -> None:
        if not self._gather.isActive():
            self._gather.start()

    def _show_mixture(self) -> None:
        self._form.show_mixture(mixture(self._desk.session.regions.values()))


def mixture(records: Iterable[RegionRecord]) -> str:
    """One sentence where scores rest on different pixels or models, and so cannot be compared; "" where they can.

    Planes and sizes may differ: a stack is scored plane by plane, and a large region on a coarser level.
    """
    reports = [record.report for record in records if record.report is not None]
    kinds = Counter(replace(r.pixels, plane=(), scale=1.0) for r in reports if r.pixels is not None)
    models = Counter(report.model for report in reports)
    for counted, what in ((kinds, "pixels"), (models, "models")):
        if len(counted) > 1:
            parts = ", ".join(f"{count} by {kind}" for kind, count in counted.most_common(3))
            more = " and others" if len(counted) > 3 else ""
            words = parts if what == "models" else parts.replace(" by ", " as ")
            return f"These scores do not compare: {words}{more}. “Score all” makes them alike."
    return ""
