"""The views: what they show, and what they say the user wishes."""

from __future__ import annotations

import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QWidget

from napari_seagull.views.backend_bar import BackendBar, BackendFacts, BackendState
from napari_seagull.views.bars import ScoreBar
from napari_seagull.views.draw_bar import DrawBar, Tool
from napari_seagull.views.finding_chips import FindingChips
from napari_seagull.views.image_bar import NO_IMAGE, ImageBar
from napari_seagull.views.map_bar import MapBar
from napari_seagull.views.palette import NOT_SCORED, QUALITY_STOPS, SEVERITY_COLORS, ink_on, quality_rgb
from napari_seagull.views.panel import MINIMUM_WIDTH, Panel
from napari_seagull.views.region_cells import Column
from napari_seagull.views.region_table import RegionTable
from napari_seagull.views.report_card import NOTHING_SELECTED, ReportCard
from napari_seagull.views.rows import RegionRow, RowState
from napari_seagull.views.server_form import ServerAddress, ServerForm
from napari_seagull.views.status_strip import StatusStrip
from seagull_iqa.domain.distortion import Distortion, Finding, Severity
from seagull_iqa.domain.progress import Progress
from seagull_iqa.domain.report import PixelSource, QualityReport


def report(quality: float | None = 62.0, **other) -> QualityReport:
    given = {
        "region": "a",
        "quality": quality,
        "quality_interval": None if quality is None else (quality - 8, quality + 8),
        "importance": 40.0,
        "importance_interval": (30.0, 55.0),
        "findings": (Finding(Distortion.BLUR, Severity.SEVERE), Finding(Distortion.NOISE, Severity.MINOR)),
        "text": "Severe blur.",
        "model": "seagull-mini-0.1",
        "pixels": PixelSource(),
    }
    return QualityReport(**{**given, **other})


def row(name: str, quality: float | None = None, state: RowState = RowState.SCORED, **other) -> RegionRow:
    return RegionRow(name, name, state, None if quality is None else report(quality), **other)


def luminance(color: tuple[int, int, int]) -> float:
    linear = [c / 255 / 12.92 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in color]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_colours_of_quality_never_move():
    assert quality_rgb(0.0) == QUALITY_STOPS[0][1]
    assert quality_rgb(100.0) == QUALITY_STOPS[-1][1]
    assert quality_rgb(-5.0) == quality_rgb(0.0)
    assert quality_rgb(140.0) == quality_rgb(100.0)
    assert quality_rgb(None) == quality_rgb(float("nan")) == NOT_SCORED


def test_bad_and_excellent_differ_for_the_colour_blind():
    bad, excellent = quality_rgb(0.0), quality_rgb(100.0)
    # Blue alone tells them apart, which neither of the common colour blindnesses takes away.
    assert excellent[2] - bad[2] > 100


@pytest.mark.parametrize("color", [*SEVERITY_COLORS.values(), *(color for _value, color in QUALITY_STOPS)])
def test_ink_is_readable_on_every_colour(color):
    bright, dark = sorted([luminance(color), luminance(ink_on(color))], reverse=True)
    assert (bright + 0.05) / (dark + 0.05) >= 4.0


def test_a_bar_is_as_long_as_its_score(qtbot):
    bar = ScoreBar()
    qtbot.addWidget(bar)
    bar.resize(200, 14)
    bar.show_score(50.0, None, (255, 0, 0))
    image = bar.grab().toImage()
    assert QColor(image.pixel(60, 7)).red() > 200 > 100 > QColor(image.pixel(60, 7)).green()
    past_it = QColor(image.pixel(150, 7))
    assert abs(past_it.red() - past_it.green()) < 30


def test_the_table_tells_what_the_user_selects(qtbot):
    table = RegionTable()
    qtbot.addWidget(table)
    table.show_rows([row("a", 10.0), row("b", 90.0)])
    with qtbot.waitSignal(table.selection_wished) as told:
        table.selectRow(1)
    assert told.args == [["b"]]


def test_selecting_from_outside_is_not_told_back(qtbot):
    table = RegionTable()
    qtbot.addWidget(table)
    table.show_rows([row("a", 10.0), row("b", 90.0)])
    with qtbot.assertNotEmitted(table.selection_wished):
        table.select(["b", "unknown"])
    assert table.selected_ids() == ["b"]


def test_the_table_sorts_by_score_and_keeps_the_selection(qtbot):
    table = RegionTable()
    qtbot.addWidget(table)
    table.show_rows([row("a", 50.0), row("b"), row("c", 10.0), row("d", 90.0)])
    table.select(["c"])
    table.sortByColumn(Column.QUALITY, Qt.SortOrder.DescendingOrder)
    assert [table.regions.row_at(line).id for line in range(4)] == ["d", "a", "c", "b"]
    assert table.selected_ids() == ["c"]
    table.show_rows([row("a", 50.0), row("b", 99.0), row("c", 95.0), row("d", 90.0)])
    assert [table.regions.row_at(line).id for line in range(4)] == ["b", "c", "d", "a"]
    assert table.selected_ids() == ["c"]


def test_names_sort_as_people_count(qtbot):
    table = RegionTable()
    qtbot.addWidget(table)
    table.show_rows([row("Region 10"), row("Region 2"), row("region 1")])
    table.sortByColumn(Column.NAME, Qt.SortOrder.AscendingOrder)
    assert [table.regions.row_at(line).name for line in range(3)] == ["region 1", "Region 2", "Region 10"]


def test_a_name_is_edited_in_its_cell(qtbot):
    table = RegionTable()
    qtbot.addWidget(table)
    table.show_rows([row("a", 10.0)])
    cell = table.regions.index(0, Column.NAME)
    with qtbot.waitSignal(table.rename_wished) as told:
        assert table.regions.setData(cell, "  sky ")
    assert told.args == ["a", "sky"]
    assert not table.regions.setData(cell, "   ")


def test_a_double_click_asks_to_zoom_and_delete_asks_to_delete(qtbot):
    table = RegionTable()
    qtbot.addWidget(table)
    table.show()
    table.show_rows([row("a", 10.0), row("b", 20.0)])
    place = table.visualRect(table.regions.index(1, Column.QUALITY)).center()
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    with qtbot.waitSignal(table.zoom_wished) as told:
        qtbot.mouseDClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert told.args == ["b"]
    table.setFocus()
    with qtbot.waitSignal(table.delete_wished) as told:
        qtbot.keyClick(table, Qt.Key.Key_Delete)
    assert told.args == [["b"]]


def test_every_cell_says_what_is_known(qtbot):
    table = RegionTable()
    qtbot.addWidget(table)
    table.show_rows([row("a", 62.0), row("b", state=RowState.FAILED, problem="Too small. Draw it larger.")])
    words = [table.regions.index(0, column).data() for column in Column]
    assert words == ["a", "62", "", "severe blur, minor noise", "scored", "40", "54 \N{EN DASH} 70"]
    assert table.regions.index(1, Column.STATE).data() == "failed"
    assert "Draw it larger" in table.regions.index(1, Column.STATE).data(Qt.ItemDataRole.ToolTipRole)


def test_the_card_shows_the_whole_report(qtbot):
    card = ReportCard()
    qtbot.addWidget(card)
    card.show_row(row("sky", 62.0))
    assert card.title.text() == "sky"
    assert card.quality.words.text() == "62  fair"
    assert "54" in card.quality.interval.text()
    assert "70" in card.quality.interval.text()
    assert card.importance.words.text().endswith("normal")
    assert card.chips.words() == ["severe blur", "minor noise"]
    assert card.sentence.text() == "Severe blur."
    assert "raw 8-bit" in card.source.text()
    assert "seagull-mini-0.1" in card.source.text()


@pytest.mark.parametrize("width", [*range(280, 620, 12), 900])
def test_no_word_of_the_card_is_cut_off_at_any_width(width, qtbot):
    panel = QWidget()  # a window of its own would not become narrower than its words
    qtbot.addWidget(panel)
    panel.setStyleSheet("QLabel { padding: 2px 5px; }")  # as napari's are
    card = ReportCard(panel)
    long = report(76.0, importance=1.0, importance_interval=(0.0, 100.0), quality_interval=(0.0, 100.0))
    card.show_row(RegionRow("a", "sky", RowState.SCORED, long))
    card.setGeometry(0, 0, width, 400)
    panel.resize(width, 400)
    panel.show()
    qtbot.waitExposed(panel)
    qtbot.wait(20)  # what was said anew is laid out
    for line in (card.quality, card.importance):
        for label in (line.name, line.words, line.interval):
            assert label.width() >= label.minimumSizeHint().width(), label.text()
    assert card.importance.words.text() == "1  unimportant"
    if width >= 900:
        assert card.quality.interval.text() == "80 %: 0 \N{EN DASH} 100"


def test_the_card_says_why_there_is_no_score(qtbot):
    card = ReportCard()
    qtbot.addWidget(card)
    card.show_row(row("sky", state=RowState.FAILED, problem="The region holds no pixel of the image."))
    assert "no pixel" in card.note.text()
    assert not card.quality.bar.isVisibleTo(card)
    card.show_row(None)
    assert card.note.text() == NOTHING_SELECTED


def test_the_card_keeps_an_old_report_while_a_new_one_is_made(qtbot):
    card = ReportCard()
    qtbot.addWidget(card)
    card.show_row(RegionRow("a", "sky", RowState.QUEUED, report(30.0)))
    assert "being scored" in card.note.text()
    assert card.quality.words.text().startswith("30")


def test_no_finding_is_said_to_be_clean(qtbot):
    chips = FindingChips()
    qtbot.addWidget(chips)
    chips.show_findings(())
    assert chips.words() == ["clean"]
    chips.show_findings(None)
    assert chips.words() == []


def test_chips_go_to_the_next_line_where_there_is_no_room(qtbot):
    chips = FindingChips()
    qtbot.addWidget(chips)
    chips.show_findings(tuple(Finding(distortion, Severity.MODERATE) for distortion in Distortion))
    wide, narrow = chips.layout().heightForWidth(2000), chips.layout().heightForWidth(200)
    assert narrow >= 3 * wide


def test_the_image_list_tells_which_one_is_wished(qtbot):
    bar = ImageBar()
    qtbot.addWidget(bar)
    assert bar.list.currentText() == NO_IMAGE
    assert not bar.list.isEnabled()
    with qtbot.assertNotEmitted(bar.image_wished):
        bar.show_images(["b", "a"], 1)
    assert bar.list.currentText() == "a"
    bar.show_images(["b", "a"], None)
    assert bar.list.currentText() == ""


def test_a_failed_backend_says_why_and_can_be_restarted(qtbot):
    bar = BackendBar()
    qtbot.addWidget(bar)
    bar.show_facts(BackendFacts(BackendState.READY, "Ready: mini on cpu"))
    assert not bar.restart_button.isVisibleTo(bar)
    bar.show_facts(BackendFacts(BackendState.FAILED, "Not available", "torch is missing. Install it."))
    assert "torch is missing" in bar.reason.text()
    with qtbot.waitSignal(bar.restart_wished):
        qtbot.mouseClick(bar.restart_button, Qt.MouseButton.LeftButton)


def test_a_server_is_tested_with_what_is_filled_in(qtbot):
    form = ServerForm()
    qtbot.addWidget(form)
    assert form.address() == ServerAddress()
    assert not form.test_button.isEnabled()
    form.there.setChecked(True)
    form.url.setText(" http://gpu:8000 ")
    form.token.setText("secret")
    with qtbot.waitSignal(form.test_wished) as told:
        qtbot.mouseClick(form.test_button, Qt.MouseButton.LeftButton)
    assert told.args == [ServerAddress("http://gpu:8000", "secret")]
    assert "secret" not in form.token.displayText()


@pytest.mark.parametrize("tool", list(Tool))
def test_each_button_wishes_its_tool(qtbot, tool):
    bar = DrawBar()
    qtbot.addWidget(bar)
    with qtbot.waitSignal(bar.tool_wished) as told:
        qtbot.mouseClick(bar.buttons[tool], Qt.MouseButton.LeftButton)
    assert told.args == [tool]
    bar.show_tool(None)
    assert not any(button.isChecked() for button in bar.buttons.values())


def test_a_map_in_the_making_can_be_stopped(qtbot):
    bar = MapBar()
    qtbot.addWidget(bar)
    with qtbot.waitSignal(bar.map_wished) as told:
        qtbot.mouseClick(bar.make_button, Qt.MouseButton.LeftButton)
    assert told.args == ["quality"]
    bar.show_progress(Progress(3, 10, "Mapping"))
    assert bar.bar.value() == 3
    assert not bar.make_button.isVisibleTo(bar)
    with qtbot.waitSignal(bar.stop_wished):
        qtbot.mouseClick(bar.stop_button, Qt.MouseButton.LeftButton)
    bar.show_progress(None)
    assert bar.make_button.isVisibleTo(bar)


def test_a_problem_stays_until_it_is_dismissed(qtbot):
    strip = StatusStrip()
    qtbot.addWidget(strip)
    assert not strip.isVisibleTo(strip.parentWidget())
    strip.show_problem("Something is wrong. Do this.")
    assert strip.text() == "Something is wrong. Do this."
    qtbot.mouseClick(strip.close_button, Qt.MouseButton.LeftButton)
    assert strip.text() == ""


def test_the_panel_fits_a_small_screen(qtbot):
    panel = Panel()
    qtbot.addWidget(panel)
    assert panel.minimumSizeHint().width() <= MINIMUM_WIDTH + 120
    panel.resize(MINIMUM_WIDTH, 500)
    panel.show()
    panel.table.show_rows([row("a", 50.0)])
    panel.card.show_row(row("a", 50.0))
    qtbot.waitExposed(panel)
    assert panel.width() == MINIMUM_WIDTH
    assert panel.height() == 500
    foot = panel.status.parentWidget()
    assert foot.rect().contains(QPoint(0, foot.height() - 1))
    panel.close()
