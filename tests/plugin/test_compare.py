"""Two images, before and after an edit: the same regions on both, and the difference as numbers and as a map."""

from __future__ import annotations

import numpy as np
import pytest

from napari_seagull.controller.desk import role_of
from napari_seagull.views.compare_panel import ComparedRow, ComparePanel
from napari_seagull.views.draw_bar import Tool
from napari_seagull.views.map_colors import DIFFERENCE_RAMP, difference_rgb

LEFT, RIGHT = [[10, 10], [10, 40], [40, 40], [40, 10]], [[10, 60], [10, 90], [40, 90], [40, 60]]
MINUS = "\N{MINUS SIGN}"


@pytest.fixture
def before():
    made = np.full((64, 100, 3), 51, dtype=np.uint8)
    made[:, 50:] = 204
    return made


@pytest.fixture
def panel(qtbot, controller, before, settle):
    """Both halves are regions of the image "before"; "after" is brighter on the left and darker on the right."""
    controller.viewer.add_image(before, name="before")
    settle()
    controller.panel.draw_bar.tool_wished.emit(Tool.RECTANGLE)
    controller.shapes.layer.add_rectangles([LEFT, RIGHT])
    settle()
    after = before.copy()
    after[:, :50] = 153
    after[:, 50:] = 178
    controller.viewer.add_image(after, name="after")
    settle()
    made = ComparePanel()
    qtbot.addWidget(made)
    controller.compare_in(made)
    made.show()
    return made


def differences(controller):
    return [layer for layer in controller.viewer.layers if role_of(layer) == "difference"]


def test_regions_stay_on_the_first_image_and_the_second_is_offered(panel, controller):
    assert panel.before.text() == "before"
    assert [panel.after.itemText(line) for line in range(panel.after.count())] == ["after"]
    assert "Compare" in panel.summary.text()


def test_the_same_regions_are_scored_on_both_and_each_difference_has_its_colour(panel, controller, settle):
    panel.button.click()
    settle()
    assert panel.row_words() == [
        ["Region 2", "80", "70", f"{MINUS}10 \N{BLACK DOWN-POINTING TRIANGLE}"],
        ["Region 1", "20", "60", "+40 \N{BLACK UP-POINTING TRIANGLE}"],
    ]
    assert panel.summary.text() == "2 regions: 1 better, 1 worse."
    assert panel.color_of(0) != panel.color_of(1)
    assert [round(record.report.quality) for record in controller.session.regions.values()] == [20, 80]


def test_the_difference_is_a_layer_with_fixed_limits_on_both_sides_of_nothing(panel, controller, settle):
    panel.button.click()
    settle()
    (layer,) = differences(controller)
    assert tuple(layer.contrast_limits) == (-50, 50)
    assert layer.colorbar.visible
    assert layer.data[8, 4] == pytest.approx(40, abs=0.5)
    assert layer.data[8, 20] == pytest.approx(-10, abs=0.5)
    middle = layer.colormap.map(np.array([0.5]))[0][:3]
    assert np.allclose(middle * 255, DIFFERENCE_RAMP[2][1], atol=1)
    assert layer.name == f"Difference: after {MINUS} before"
    layers = controller.viewer.layers
    assert layers.index("after") < layers.index(layer) < layers.index(controller.shapes.layer)
    panel.button.click()
    settle()
    assert len(differences(controller)) == 1
    assert "after" in [panel.after.itemText(line) for line in range(panel.after.count())]


def test_without_the_map_only_the_table_is_made(panel, controller, settle):
    panel.with_map.setChecked(False)
    panel.button.click()
    settle()
    assert panel.table.rowCount() == 2
    assert not differences(controller)


def test_images_of_other_sizes_are_refused_in_one_sentence(panel, controller, settle, before):
    controller.viewer.layers.remove("after")
    controller.viewer.add_image(before[:32], name="cut")
    settle()
    panel.button.click()
    settle()
    said = panel.status.text()
    assert "“before” has 64 x 100 px and “cut” 32 x 100" in said
    assert said.count(".") == 1
    assert not panel.table.rowCount()


def test_pixels_that_were_made_ready_in_another_way_are_told(panel, controller, settle, before):
    controller.viewer.layers.remove("after")
    controller.viewer.add_image(before[..., 0].astype(np.uint16) * 10, name="after", contrast_limits=(0, 2550))
    settle()
    panel.button.click()
    settle()
    assert "Before: raw 8-bit values; after: stretched from 0 to 2550." in panel.status.text()


def test_a_chosen_line_selects_the_region_on_the_canvas(panel, controller, settle):
    panel.button.click()
    settle()
    panel.table.selectRow(0)
    assert controller.session.selection == (list(controller.session.regions)[1],)


def test_a_comparison_can_be_cancelled(panel, controller, settle, toy, qtbot):
    toy.go.clear()
    panel.button.click()
    qtbot.waitUntil(lambda: panel.stop_button.isVisible())
    panel.stop_button.click()
    toy.go.set()
    settle()
    assert panel.button.isVisible()
    assert not panel.table.rowCount()
    assert not differences(controller)


def test_a_second_image_that_is_closed_is_not_offered_any_more(panel, controller, settle):
    controller.viewer.layers.remove("after")
    settle()
    assert not panel.button.isEnabled()
    assert panel.after.itemText(0) == "Open a second image"


def test_a_difference_within_the_intervals_is_no_clear_change():
    def row(after, interval):
        return ComparedRow("a", "a", 50.0, after, (44.0, 56.0), interval)

    assert row(53.0, (47.0, 59.0)).verdict == "no clear change"
    assert row(80.0, (74.0, 86.0)).verdict == "better"
    assert row(20.0, (14.0, 26.0)).verdict == "worse"
    assert ComparedRow("a", "a", None, 3.0).verdict == "not scored"


def test_better_and_worse_are_told_apart_by_lightness_alike_and_by_hue_even_without_red_or_green():
    worse, better, none = difference_rgb(-50, 50), difference_rgb(50, 50), difference_rgb(0, 50)
    assert min(none) > 230
    # To those who see no red or no green, blue against yellow remains: what is brown has little blue, teal has much.
    assert better[2] - worse[2] > 80
