"""Two images of one size, before and after an edit: the same regions scored on both, and the difference as a map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QObject

from napari_seagull.controller.backend_desk import NOT_READY, BackendDesk
from napari_seagull.controller.desk import ROLE_KEY, Desk, role_of
from napari_seagull.controller.images import ImageWatch
from napari_seagull.controller.mapping import OPACITY, OURS, layer_colormap
from napari_seagull.controller.native_scoring import assess
from napari_seagull.layers.images import PixelRequest, displayed_plane, map_layer, plane_shape
from napari_seagull.layers.large import whole, widened
from napari_seagull.session.commands import SelectRegions
from napari_seagull.tasks import Task
from napari_seagull.views.compare_panel import LIMIT, ComparedRow, ComparePanel
from napari_seagull.views.map_colors import DIFFERENCE_RAMP
from seagull_iqa.client import AssessReply, Client
from seagull_iqa.domain.progress import Progress
from seagull_iqa.domain.region import Region
from seagull_iqa.domain.report import QUALITY_MAP, QualityReport, ScoreMap
from seagull_iqa.errors import BackendError, JobCancelledError, SeagullError
from seagull_iqa.imaging.prepared import PreparedImage

if TYPE_CHECKING:
    from napari.layers import Image

DIFFERENCE = "difference"


@dataclass(frozen=True, eq=False)
class Comparison:
    """What came of a comparison.

    Attributes
    ----------
    before, after : PreparedImage
    rows : list of ComparedRow
    difference : ScoreMap or None
        Quality after minus before, in points, -100..100.
    """

    before: PreparedImage
    after: PreparedImage
    rows: list[ComparedRow]
    difference: ScoreMap | None


class Comparer(QObject):
    """Serves one panel as long as it is open."""

    def __init__(self, desk: Desk, images: ImageWatch, backend: BackendDesk, panel: ComparePanel) -> None:
        super().__init__(panel)
        self._desk, self._images, self._backend, self._panel = desk, images, backend, panel
        self._other: Image | None = None
        self._task: Task | None = None
        self._closed = False
        panel.other_wished.connect(self._on_other_wished)
        panel.compare_wished.connect(self.compare)
        panel.stop_wished.connect(self._on_stop_wished)
        panel.region_wished.connect(self._on_region_wished)
        panel.closed.connect(self.close)
        panel.destroyed.connect(self.close)
        events = desk.viewer.layers.events
        for emitter in (events.inserted, events.removed, events.reordered):
            emitter.connect(self._show_images)
        images.moved.connect(self._show_images)
        self._show_images()
        panel.show_rows([], "")

    def close(self) -> None:
        """Listen no more; harmless twice."""
        if self._closed:
            return
        self._closed = True
        if self._task is not None:
            self._task.drop()
            self._task = None
        events = self._desk.viewer.layers.events
        for emitter in (events.inserted, events.removed, events.reordered):
            emitter.disconnect(self._show_images)
        self._images.moved.disconnect(self._show_images)

    @property
    def is_idle(self) -> bool:
        """True when nothing is compared."""
        return self._task is None

    def _others(self) -> list[Image]:
        return [layer for layer in self._images.candidates if layer is not self._images.layer]

    def _show_images(self, _event: object = None) -> None:
        others, before = self._others(), self._images.layer
        if self._other not in others:
            fitting = [one for one in others if before is not None and plane_shape(one) == plane_shape(before)]
            self._other = next(iter(fitting or others), None)
        chosen = others.index(self._other) if self._other in others else None
        name = "" if before is None else str(before.name)
        self._panel.show_images(name, [str(one.name) for one in others], chosen)

    def _on_other_wished(self, index: int) -> None:
        others = self._others()
        if 0 <= index < len(others):
            self._other = others[index]

    def _on_region_wished(self, region: str) -> None:
        if region in self._desk.session.regions:
            self._desk.session.do(SelectRegions((region,)))

    def _on_stop_wished(self) -> None:
        if self._task is not None:
            self._task.stop()

    def compare(self, with_map: bool) -> None:
        """Score the regions of this plane on both images, and map the difference."""
        before, client = self._desk.session.image, self._backend.client
        layer, other = self._images.layer, self._other
        problem = self._problem(before, layer, other)
        if problem or before is None or other is None:
            self._panel.status.show_problem(problem)
            return
        if client is None:
            self._panel.status.show_problem(NOT_READY)
            return
        records = self._desk.session.regions.values()
        here = [record.region for record in records if record.plane == before.pixels.plane]
        fitting = [region for region in here if region.mask.shape == before.shape]
        try:
            request = self._images.request(other, displayed_plane(other, self._desk.viewer.dims))
        except SeagullError as error:
            self._panel.status.show_problem(str(error))
            return
        self._panel.status.clear()
        self._panel.show_progress(Progress(0, 0, "Reading the second image"))
        kept = dict(self._desk.session.maps) if with_map else {}
        asked = Asked(before, request, fitting, with_map, kept.get(QUALITY_MAP))
        self._task = self._desk.tasks.start(
            "compare",
            lambda task: asked.answered(client, task),
            done=self._on_done,
            failed=self._on_failed,
            progressed=self._panel.show_progress,
        )

    def _problem(self, before: PreparedImage | None, layer: Image | None, other: Image | None) -> str:
        if before is None or layer is None or not self._images.is_current:
            return "There is no image to compare. Open one, or wait a moment until it is read."
        if other is None:
            return "There is no second image. Open the edited one as a layer, too."
        (height, width), (rows, columns) = plane_shape(layer), plane_shape(other)
        if (height, width) != (rows, columns):
            return (
                f"“{layer.name}” has {height} x {width} px and “{other.name}” {rows} x {columns}; regions are compared "
                "only on images of one size."
            )
        return ""

    def _on_done(self, made: Comparison) -> None:
        self._task = None
        self._panel.show_progress(None)
        self._panel.show_rows(made.rows, summary_of(made.rows))
        if made.before.pixels != made.after.pixels:
            note = f"Before: {made.before.pixels}; after: {made.after.pixels}."
            self._panel.status.show_note(f"{note} Part of the difference may come from that.")
        present = self._desk.session.image
        if made.difference is not None and present is not None and present.sha256 == made.before.sha256:
            self._lay(made.difference, made.before.pixels.plane)

    def _on_failed(self, error: SeagullError) -> None:
        self._task = None
        self._panel.show_progress(None)
        if not isinstance(error, JobCancelledError):
            self._panel.status.show_problem(str(error))
        if isinstance(error, BackendError):
            self._backend.look_again()

    def _lay(self, difference: ScoreMap, plane: tuple[int, ...]) -> None:
        """The difference over the image; an older one goes."""
        from napari.layers import Image

        image, layers = self._images.layer, self._desk.viewer.layers
        if image is None:
            return
        data, keywords, _kind = map_layer(difference, image, plane=plane)
        other = "" if self._other is None else self._other.name
        keywords |= {
            "name": f"Difference: {other} \N{MINUS SIGN} {image.name}",
            "contrast_limits": (-LIMIT, LIMIT),
            "metadata": {ROLE_KEY: {"role": DIFFERENCE, "model": difference.model}},
        }
        for old in [layer for layer in layers if role_of(layer) == DIFFERENCE]:
            layers.remove(old)
        colors = layer_colormap(DIFFERENCE_RAMP, "SEAGULL difference")
        how = {"opacity": OPACITY, "blending": "translucent_no_depth", "interpolation2d": "linear"}
        made = Image(data, colormap=colors, **how, **keywords)
        made.colorbar.visible = True
        for shown in layers:
            if role_of(shown) == "map":
                shown.visible = False  # two maps over each other have no colours that mean anything
        active = layers.selection.active
        place = max(layers.index(one) for one in (image, self._other) if one in layers)
        layers.insert(place + 1, made)
        for ours in [layer for layer in layers if role_of(layer) in OURS]:
            layers.move(layers.index(ours), len(layers))  # the edited image came over them, and would hide them
        layers.selection.active = active if active in layers else made


@dataclass(frozen=True, eq=False)
class Asked:
    """One comparison, ready to be made on a worker thread."""

    before: PreparedImage
    request: PixelRequest
    regions: Sequence[Region]
    with_map: bool
    known: ScoreMap | None

    def answered(self, client: Client, task: Task) -> Comparison:
        """Read the second image, score on both, map both."""
        after = self.request.prepare()
        task.report(Progress(0, 0, "Scoring the regions"))
        said = [assess(client, image, self.regions) if self.regions else None for image in (self.before, after)]
        rows = [_row(region, said[0], said[1]) for region in self.regions]
        difference = self._difference(client, after, task) if self.with_map else None
        return Comparison(self.before, after, rows, difference)

    def _difference(self, client: Client, after: PreparedImage, task: Task) -> ScoreMap:
        first = self.known or _quality(client, self.before, task, "first")
        second = _quality(client, after, task, "second")
        return replace(second, name=QUALITY_MAP, values=(second.values - first.values).astype(np.float32))


def _quality(client: Client, image: PreparedImage, task: Task, which: str) -> ScoreMap:
    def on_news(news: Progress) -> None:
        task.report(replace(news, message=f"Mapping the {which} image"))

    on_news(Progress(0, 0, ""))
    maps = client.maps(whole(image), progress=on_news, partial=lambda _coarse: None)
    return widened(maps, image)[QUALITY_MAP]


def _row(region: Region, before: AssessReply | None, after: AssessReply | None) -> ComparedRow:
    reports: list[QualityReport | None] = []
    problem = ""
    for reply in (before, after):
        found = [report for report in (reply.reports if reply else []) if report.region == region.id]
        reports.append(found[0] if found else None)
        if reply is not None and region.id in reply.errors:
            problem = str(reply.errors[region.id])
    first, second = reports
    return ComparedRow(
        region.id,
        region.name,
        None if first is None else first.quality,
        None if second is None else second.quality,
        None if first is None else first.quality_interval,
        None if second is None else second.quality_interval,
        problem,
    )


def summary_of(rows: Sequence[ComparedRow]) -> str:
    """All rows in one line: "3 regions: 1 better, 2 without a clear change"."""
    if not rows:
        return "No region lies on this plane; draw some to compare them. The map shows the whole image."
    words = [(sum(row.verdict == verdict for row in rows), verdict) for verdict in ("better", "worse")]
    unclear = sum(row.verdict == "no clear change" for row in rows)
    words += [(unclear, "without a clear change"), (sum(row.difference is None for row in rows), "without a score")]
    said = ", ".join(f"{count} {word}" for count, word in words if count)
    return f"{len(rows)} {'region' if len(rows) == 1 else 'regions'}: {said}."
