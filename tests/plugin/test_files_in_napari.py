"""Files of regions that a real napari opens and saves, with our panel and without."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from napari_seagull.connection.backend import Backend
from napari_seagull.connection.process import LocalServer
from napari_seagull.controller import dock as docks
from napari_seagull.controller.desk import file_of
from napari_seagull.files import format_by, get_reader
from seagull_iqa.domain.annotation import Annotation
from seagull_iqa.domain.region import Region, RegionMask
from seagull_iqa.domain.report import QualityReport
from seagull_iqa.formats.catalogue import FORMATS, export_to, import_from
from seagull_iqa.formats.export import Export
from seagull_iqa.formats.session_document import SessionDocument, SessionImage, SessionRegion, SessionReport
from seagull_iqa.formats.session_file import read_session
from seagull_iqa.imaging.files import read_image

pytestmark = pytest.mark.skipif(
    sys.platform.startswith("linux") and not os.environ.get("DISPLAY"), reason="wants a screen (xvfb-run)"
)

TOY = Path(__file__).parents[1] / "backend" / "toy_server.py"
PLUGIN = "napari-seagull"


@pytest.fixture
def file(tmp_path):
    """An image, dark on the left and bright on the right."""
    pixels = np.full((64, 100, 3), 51, dtype=np.uint8)
    pixels[:, 50:] = 204
    path = tmp_path / "halves.png"
    Picture.fromarray(pixels).save(path)
    return path


@pytest.fixture
def document(file):
    """Two regions that overlap, one scored, one labelled."""
    image = read_image(file)
    inside = np.zeros((64, 100), dtype=bool)
    inside[5:30, 5:40] = True
    masks = {"wide": inside, "narrow": inside & (np.arange(100) < 20)}
    first, second = (Region(RegionMask.from_pixels(mask), name) for name, mask in masks.items())
    planes = (((), image.sha256),)
    facts = SessionImage((64, 100), "halves", str(file), "halves.png", image.sha256, image.pixels, planes)
    report = QualityReport(first.id, 20.25, (10.0, 30.5), 50.0, (40.0, 60.0), (), "Dark.", "toy", image.pixels)
    return SessionDocument(
        facts, (SessionRegion(first), SessionRegion(second)), (SessionReport(report, image.sha256),),
        (Annotation(second.id, "Ann", 75.0),),
    )  # fmt: skip


@pytest.fixture
def viewer(make_napari_viewer_proxy):
    return make_napari_viewer_proxy(show=False).__wrapped__


@pytest.fixture
def panel(viewer, qtbot, monkeypatch):
    """Our panel in that window, its server a toy."""
    command = (sys.executable, str(TOY), "0", json.dumps({"exit_with_stdin": True}))
    monkeypatch.setattr(docks, "Backend", lambda _server: Backend(LocalServer(command=command)))
    made = docks.SeagullDock(viewer)
    dock = viewer.window.add_dock_widget(made, name=docks.PANEL)
    yield made
    made.controller.close()
    qtbot.waitUntil(lambda: made.controller.tasks.running == 0, timeout=30_000)
    viewer.window.remove_dock_widget(dock)


def written(document, folder: Path, name: str) -> Path:
    path = folder / f"halves{FORMATS[name].suffix}"
    export_to(path, Export(document), name)
    return path


@pytest.mark.parametrize("name", ["a.seagull.json", "A.GeoJSON", "b.coco.json", "c.rois.zip", "d.regions.json"])
def test_what_is_ours_to_read_is_told_by_its_name(name):
    assert get_reader(name) is not None


@pytest.mark.parametrize("name", ["a.json", "b.tif", "c.png", "d.zip", "e.csv"])
def test_other_files_are_left_to_others(name):
    assert get_reader(name) is None
    assert get_reader([name]) is None


def test_a_session_opens_its_image_with_its_regions_where_our_panel_is_closed(viewer, document, tmp_path):
    path = written(document, tmp_path, "session")
    viewer.open(str(path), plugin=PLUGIN)
    image, *labels = viewer.layers
    assert image.name == "halves" and image.data.shape == (64, 100, 3)
    assert file_of(image) == str(tmp_path / "halves.png")
    assert len(labels) == 2  # they overlap
    for layer, one in zip(labels, document.regions, strict=True):
        assert np.array_equal(np.asarray(layer.data) > 0, one.region.mask.pixels)
    assert labels[0].features["name"].tolist() == ["wide"]
    assert labels[0].features["quality"].tolist() == [20.25]
    assert labels[1].features["label_quality"].tolist() == [75.0]
    color = labels[0].colormap.color_dict[1]
    assert color[0] > color[2]  # red: its quality is poor


def test_a_session_whose_image_is_gone_is_one_sentence(viewer, document, tmp_path, file):
    path = written(document, tmp_path, "session")
    file.unlink()
    with pytest.raises(Exception, match="was not found"):
        viewer.open(str(path), plugin=PLUGIN)
    assert len(viewer.layers) == 0


@pytest.mark.parametrize("name", ["geojson", "coco", "imagej", "regions", "labels"])
def test_regions_of_other_programs_open_over_the_image_that_is_there(name, viewer, document, tmp_path, file):
    path = written(document, tmp_path, name)
    with pytest.raises(Exception, match="Open their image first"):
        viewer.open(str(path), plugin=PLUGIN)
    viewer.open(str(file))
    viewer.layers[0].scale, viewer.layers[0].translate = (2.0, 2.0), (5.0, 7.0)
    viewer.open(str(path), plugin=PLUGIN)
    _image, *labels = viewer.layers
    masks = [np.asarray(layer.data) > 0 for layer in labels]
    assert all(any(np.array_equal(mask, one.region.mask.pixels) for mask in masks) for one in document.regions)
    assert all(tuple(layer.scale) == (2.0, 2.0) and tuple(layer.translate) == (5.0, 7.0) for layer in labels)


def test_with_our_panel_open_regions_come_onto_the_table_with_scores_and_labels(
    viewer, panel, document, tmp_path, file, qtbot
):
    viewer.open(str(file))
    controller = panel.controller
    qtbot.waitUntil(lambda: controller.session.image is not None and controller.is_idle, timeout=60_000)
    layers = len(viewer.layers)
    path = written(document, tmp_path / "elsewhere", "session")
    viewer.open(str(path), plugin=PLUGIN)
    qtbot.waitUntil(lambda: len(controller.session.regions) == 2, timeout=30_000)
    first, second = controller.session.regions.values()
    assert first.report.quality == 20.25
    assert second.annotations[0].quality == 75.0
    assert [layer.name for layer in viewer.layers][:layers] == ["halves"]
    assert controller.session.can_undo
    qtbot.waitUntil(lambda: controller.is_idle, timeout=60_000)


@pytest.mark.parametrize("name", ["session", "geojson", "coco", "imagej"])
def test_any_shapes_layer_over_an_image_is_saved_as_its_regions(name, viewer, tmp_path, file):
    viewer.open(str(file))
    shapes = viewer.add_shapes([[[10, 10], [10, 30], [20, 30], [20, 10]]], shape_type="rectangle", name="mine")
    path = tmp_path / f"mine{FORMATS[name].suffix}"
    assert shapes.save(str(path), plugin=PLUGIN) == [str(path)]
    document, _notes = import_from(path, SessionImage((64, 100)), format_by(str(path)))
    (one,) = document.regions
    assert one.region.name == "Shape 1"
    assert one.region.mask.area in (11 * 21, 10 * 20)


def test_a_labels_layer_is_saved_as_labels_with_a_table(viewer, tmp_path, file):
    viewer.open(str(file))
    grid = np.zeros((64, 100), dtype=np.uint8)
    grid[3:9, 4:20], grid[30:40, 50:60] = 3, 7
    labels = viewer.add_labels(grid, name="cells")
    made = labels.save(str(tmp_path / "cells.labels.tif"), plugin=PLUGIN)
    assert [Path(one).name for one in made] == ["cells.labels.tif", "cells.labels.csv"]
    document, _notes = import_from(tmp_path / "cells.labels.tif", SessionImage((64, 100)), "labels")
    assert sorted(one.region.mask.area for one in document.regions) == [96, 100]


def test_a_layer_without_an_image_is_not_saved_and_says_why(viewer, tmp_path):
    shapes = viewer.add_shapes([[[10, 10], [10, 30], [20, 30], [20, 10]]], shape_type="rectangle")
    with pytest.raises(Exception, match="Open their image first"):
        shapes.save(str(tmp_path / "x.geojson"), plugin=PLUGIN)
    assert not (tmp_path / "x.geojson").exists()


def test_labels_of_a_stack_are_written_plane_by_plane_and_flat_shapes_on_the_plane_that_is_shown(viewer, tmp_path):
    viewer.add_image(np.random.default_rng(0).integers(0, 255, (5, 40, 50), dtype=np.uint8), name="stack")
    values = np.zeros((5, 40, 50), np.uint8)
    values[3, 5:20, 5:20], values[1, 5:20, 5:20] = 1, 2
    labels = viewer.add_labels(values, name="s")
    shapes = viewer.add_shapes([np.array([[5, 5], [5, 20], [20, 20], [20, 5]])], name="t")
    viewer.dims.set_current_step(0, 3)
    (first,) = labels.save(str(tmp_path / "a.seagull.json"), plugin="napari-seagull")
    (second,) = shapes.save(str(tmp_path / "b.seagull.json"), plugin="napari-seagull")
    assert {one.plane for one in read_session(Path(first)).regions} == {(1,), (3,)}
    assert [one.plane for one in read_session(Path(second)).regions] == [(3,)]


@pytest.mark.parametrize(
    "how", [{"rotate": 30}, {"affine": [[1, 0.3, 5], [0, 1, 7], [0, 0, 1]]}, {"shear": [0.4]}, {"scale": (2, 3)}]
)
def test_regions_open_exactly_over_an_image_that_is_rotated_or_sheared(how, viewer, tmp_path):
    image = viewer.add_image(np.random.default_rng(0).integers(0, 255, (40, 50), dtype=np.uint8), name="im", **how)
    layer = viewer.add_labels(np.pad(np.ones((10, 10), np.uint8), ((5, 25), (5, 35))), name="s", **how)
    layer.save(str(tmp_path / "a.geojson"), plugin="napari-seagull")
    viewer.layers.remove(layer)
    (new,) = viewer.open(str(tmp_path / "a.geojson"), plugin="napari-seagull")
    assert np.allclose(new.data_to_world((5, 5)), image.data_to_world((5, 5)))


def test_regions_of_a_scaled_stack_open_on_their_plane(viewer, tmp_path):
    where = {"scale": (2, 0.5, 0.5), "translate": (0, 10, 10)}
    image = viewer.add_image(np.random.default_rng(0).integers(0, 255, (5, 40, 50), dtype=np.uint8), name="st", **where)
    corners = np.array([[3, 5, 5], [3, 5, 20], [3, 20, 20], [3, 20, 5]])
    shapes = viewer.add_shapes([corners], name="s", **where)
    shapes.save(str(tmp_path / "a.geojson"), plugin="napari-seagull")
    viewer.layers.remove(shapes)
    (new,) = viewer.open(str(tmp_path / "a.geojson"), plugin="napari-seagull")
    assert np.allclose(new.data_to_world(np.argwhere(new.data > 0)[0]), image.data_to_world((3, 5, 5)))


def test_labels_that_have_fewer_planes_than_the_stack_are_written_on_theirs(viewer, tmp_path):
    viewer.add_image(np.random.default_rng(0).integers(0, 255, (5, 40, 50), dtype=np.uint8), name="stack")
    values = np.zeros((1, 40, 50), np.uint8)
    values[0, 5:20, 5:20] = 1
    labels = viewer.add_labels(values, name="s", translate=(3, 0, 0))
    (made,) = labels.save(str(tmp_path / "a.seagull.json"), plugin="napari-seagull")
    assert [one.plane for one in read_session(Path(made)).regions] == [(3,)]
