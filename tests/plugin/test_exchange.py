"""Out of the panel into every format, and back onto the table, exactly; what cannot be read changes nothing."""

from __future__ import annotations

import json

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_seagull.controller.regions_layer import ids_of
from napari_seagull.session.commands import Annotate, Prefer, SelectRegions
from napari_seagull.session.records import RegionState, SegmentSource
from napari_seagull.views.draw_bar import Tool
from seagull_iqa.domain.annotation import Annotation, Preference
from seagull_iqa.domain.distortion import Distortion, Finding, Severity
from seagull_iqa.formats.catalogue import FORMATS

LEFT, RIGHT = [[10, 10], [10, 40], [40, 40], [40, 10]], [[10, 60], [12, 90], [40, 95], [44, 58]]
THERE_AND_BACK = [one.name for one in FORMATS.values() if one.writer and one.reader]
EXACT = [name for name in THERE_AND_BACK if name != "regions"]


@pytest.fixture
def worked(controller, shapes, settle):
    """Two shapes and a painted label, scored; two of them labelled and compared."""
    shapes.add_rectangles([LEFT])
    shapes.add_polygons([RIGHT])
    settle()
    controller.panel.draw_bar.tool_wished.emit(Tool.PAINT)
    controller.labels.layer.brush_size = 7
    controller.labels.layer.paint((52, 20), controller.labels.layer.selected_label)
    settle()
    first, second, _third = controller.session.regions
    found = (Finding(Distortion.BLUR, Severity.SEVERE),)
    controller.session.do_all(
        [Annotate(Annotation(first, "Ann", 30.5, 60.0, found)), Prefer(Preference(second, first, author="Ann"))]
    )
    settle()
    return controller.exchange


def known(controller, *, scores: bool = True) -> dict:
    return {
        key: (r.region.name, r.plane, r.region.mask.box, r.region.mask.inside.tobytes(),
              (r.report, r.annotations) if scores else None)
        for key, r in controller.session.regions.items()
    }  # fmt: skip


@pytest.fixture
def exported(worked, tmp_path, settle):
    def export(name: str, ids=None):
        path = tmp_path / f"halves{FORMATS[name].suffix}"
        worked.exporter.export(name, path, ids)
        settle()
        assert path.exists()
        return path

    return export


@pytest.mark.parametrize("name", THERE_AND_BACK)
def test_what_is_exported_comes_back_to_the_pixel_and_to_the_last_digit(name, controller, worked, exported, settle):
    before = known(controller, scores=name in EXACT)
    path = exported(name)
    controller.panel.table.delete_wished.emit(list(controller.session.regions))
    settle()
    assert not controller.session.regions
    controller.scorer.enabled = False
    worked.importer.take_in(path)
    settle()
    back = known(controller, scores=name in EXACT)
    if name == "regions":  # has masks and names, and no identity
        assert sorted(map(str, back.values())) == sorted(map(str, before.values()))
    else:
        assert back == before
        assert {r.state for r in controller.session.regions.values()} == {RegionState.SCORED}
    assert "3 regions taken in" in controller.panel.status.text()


def test_taking_in_is_one_step_that_undo_takes_back(controller, worked, exported, settle):
    path = exported("geojson")
    controller.panel.table.delete_wished.emit(list(controller.session.regions))
    settle()
    worked.importer.take_in(path)
    settle()
    assert len(controller.session.regions) == 3
    controller.keeper.undo()
    settle()
    assert not controller.session.regions


def test_regions_that_are_here_already_are_not_taken_in_twice(controller, worked, exported, settle):
    path = exported("coco")
    before = known(controller)
    worked.importer.take_in(path)
    settle()
    assert known(controller) == before
    assert "3 regions of it were here already" in controller.panel.status.text()


def test_a_region_that_was_changed_since_comes_beside_it_under_an_identity_of_its_own(
    controller, shapes, worked, exported, settle
):
    path = exported("session")
    shapes.data = [np.asarray(LEFT) + 5, *shapes.data[1:]]
    settle()
    worked.importer.take_in(path)
    settle()
    assert len(controller.session.regions) == 4
    old = list(controller.session.regions.values())[-1]
    assert old.region.mask.box == (10, 10, 41, 41) or old.region.mask.box == (10, 10, 40, 40)
    assert old.annotations[0].quality == 30.5 and old.annotations[0].region == old.id


def test_outlines_come_back_as_shapes_and_all_else_as_masks(controller, worked, exported, settle):
    path = exported("session")
    controller.panel.table.delete_wished.emit(list(controller.session.regions))
    settle()
    worked.importer.take_in(path)
    settle()
    assert controller.shapes.layer.nshapes == 2
    sources = [type(r.source) for r in controller.session.regions.values()]
    assert sources.count(SegmentSource) == 1
    assert controller.segments.layer is not None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{not json", "hostile.geojson"),
        (json.dumps({"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": {
            "type": "Polygon", "coordinates": [[[0, 0], [float("nan"), 0], [9, 9], [0, 0]]]}}]}), "NaN"),
        ("\udcff", "UTF-8"),
    ],
)  # fmt: skip
def test_a_hostile_file_gets_one_sentence_and_changes_nothing(text, said, controller, worked, tmp_path, settle):
    path = tmp_path / "hostile.geojson"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    before = known(controller)
    worked.importer.take_in(path)
    settle()
    assert known(controller) == before
    assert said in controller.panel.status.text()
    assert "Traceback" not in controller.panel.status.text()


def test_regions_of_an_image_of_another_size_are_refused(controller, worked, exported, settle):
    path = exported("session")
    controller.viewer.add_image(np.arange(30 * 40, dtype=np.uint8).reshape(30, 40), name="small")
    settle()
    controller.images.choose(controller.viewer.layers["small"])
    settle()
    before = list(controller.session.regions)
    worked.importer.take_in(path)
    settle()
    assert list(controller.session.regions) == before
    assert "64 x 100" in controller.panel.status.text()


def test_the_window_offers_formats_says_what_they_lack_and_writes_the_selected_regions(
    controller, worked, settle, tmp_path
):
    first, second, _third = controller.session.regions
    controller.session.do(SelectRegions((first, second)))
    worked.exporter.ask()
    dialog = worked.exporter.dialog
    assert dialog.every.text() == "All 3" and dialog.chosen.text() == "The 2 selected" and dialog.chosen.isChecked()
    names = [dialog.formats.item(line).text() for line in range(dialog.formats.count())]
    dialog.formats.setCurrentRow(next(line for line, name in enumerate(names) if name.startswith("maps as float32")))
    assert "Show map" in dialog.problem.text() and not dialog.export_button.isEnabled()
    dialog.formats.setCurrentRow(next(line for line, name in enumerate(names) if name.startswith("GeoJSON")))
    assert dialog.path.text().endswith("halves.geojson") and dialog.export_button.text() == "Export"
    path = tmp_path / "two.geojson"
    dialog.path.setText(str(path))
    QTest.mouseClick(dialog.export_button, Qt.MouseButton.LeftButton)
    settle()
    assert f"Written: {path}" in dialog.outcome.text()
    assert len(json.loads(path.read_text(encoding="utf-8"))["features"]) == 2
    assert dialog.export_button.text() == "Replace"
    dialog.path.setText(str(path / "x.geojson"))  # in a folder that is a file
    QTest.mouseClick(dialog.export_button, Qt.MouseButton.LeftButton)
    settle()
    assert "cannot be written" in dialog.outcome.text()
    dialog.close()


def test_without_regions_it_says_what_to_do(controller, shapes, settle):
    controller.exchange.exporter.ask()
    assert controller.exchange.exporter.dialog is None
    assert "Draw or find a region first" in controller.panel.status.text()
    assert ids_of(shapes) == []
