"""The panel of regions: what is shown and in which order, what is done to many at once, and what leaves it as text."""

from __future__ import annotations

import csv
import io

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QPushButton, QStyleOptionViewItem, QVBoxLayout, QWidget

from napari_seagull.views.name_pattern import names_of
from napari_seagull.views.region_cells import Column
from napari_seagull.views.region_delegates import _number_width
from napari_seagull.views.region_export import as_csv, as_tsv
from napari_seagull.views.region_filter import RowFilter
from napari_seagull.views.region_table import SPARED, RegionTable
from napari_seagull.views.regions_box import RegionsBox
from napari_seagull.views.rows import RegionRow, RowState
from seagull_iqa.domain.annotation import Annotation
from seagull_iqa.domain.distortion import Distortion, Finding, Severity
from seagull_iqa.domain.report import QualityReport

BLUR = (Finding(Distortion.BLUR, Severity.SEVERE),)


def row(key: str, quality: float | None = None, findings=(), state=RowState.SCORED, human=None) -> RegionRow:
    report = None
    if quality is not None:
        ends = (max(0.0, quality - 5), min(100.0, quality + 5))
        report = QualityReport(key, quality, ends, 30.0, (20.0, 40.0), findings, "A sentence.", "toy-1")
    return RegionRow(key, key, state, report, "", human)


ROWS = [
    row("face", 20.0, BLUR),
    row("sky", 80.0, (), human=Annotation("sky", "Ann", 75.0)),
    row("tree", 55.0, (), RowState.STALE, Annotation("tree", "Bo", 25.0, None, BLUR, "soft leaves")),
    row("wall", state=RowState.UNSCORED),
]


@pytest.fixture
def box(qtbot):
    made = RegionsBox()
    qtbot.addWidget(made)
    made.resize(480, 400)
    made.show_rows(ROWS)
    made.show()
    return made


def shown(box) -> list[str]:
    return [each.id for each in box.table.regions.rows()]


@pytest.mark.parametrize(
    ("wanted", "left"),
    [
        (RowFilter(), ["face", "sky", "tree", "wall"]),
        (RowFilter("LEAVES soft"), ["tree"]),
        (RowFilter("ann"), ["sky"]),
        (RowFilter(low=50.0), ["sky", "tree"]),
        (RowFilter(high=30.0), ["face"]),
        (RowFilter(distortion="blur"), ["face", "tree"]),
        (RowFilter(distortion="clean"), ["sky", "tree"]),
        (RowFilter(state=RowState.UNSCORED), ["wall"]),
        (RowFilter(unrated=True), ["face", "wall"]),
        (RowFilter("e", low=50.0, unrated=False, distortion="blur"), ["tree"]),
    ],
)
def test_a_filter_lets_pass_what_it_says(wanted, left):
    assert [each.id for each in ROWS if wanted.passes(each)] == left


def test_the_fields_of_the_filter_choose_what_is_shown(qtbot, box):
    qtbot.keyClicks(box.filter.text, "sky")
    assert shown(box) == ["sky"]
    assert box.deeds.count.text() == "1 of 4 regions shown"
    box.filter.text.clear()
    box.filter.range.setValue((50, 100))
    assert shown(box) == ["sky", "tree"]
    qtbot.mouseClick(box.filter.reset_button, Qt.MouseButton.LeftButton)
    assert len(shown(box)) == 4
    assert box.filter.range.value() == (0, 100)
    box.filter.unrated.click()
    assert shown(box) == ["face", "wall"]


def test_a_region_that_the_filter_hides_is_selected_again_when_it_comes_back(box):
    box.select(["face", "sky"])
    box.filter.text.setText("face")
    assert box.table.selected_ids() == ["face"]
    box.filter.reset()
    assert box.table.selected_ids() == ["face", "sky"]


def test_a_row_that_changes_under_a_filter_goes_or_comes(box):
    box.filter.unrated.click()
    box.show_rows([row("face", 20.0, BLUR, human=Annotation("face", "Ann", 0.0)), *ROWS[1:]])
    assert shown(box) == ["wall"]


def test_regions_are_sorted_by_what_people_say_and_the_unrated_stand_last(box):
    box.table.sortByColumn(Column.HUMAN, Qt.SortOrder.DescendingOrder)
    assert shown(box) == ["sky", "tree", "face", "wall"]
    box.table.sortByColumn(Column.HUMAN, Qt.SortOrder.AscendingOrder)
    assert shown(box) == ["tree", "sky", "face", "wall"]


def test_the_person_stands_beside_the_model_and_a_tip_says_who_it_was(box):
    cell = box.table.regions.index(2, Column.HUMAN)
    assert cell.data() == "25"
    tip = cell.data(Qt.ItemDataRole.ToolTipRole)
    assert "Bo says" in tip and "severe blur" in tip and "soft leaves" in tip


def test_an_empty_table_says_what_to_do_and_a_filter_that_hides_all_says_so(qtbot):
    box = RegionsBox()
    qtbot.addWidget(box)
    box.resize(480, 400)
    box.show()
    empty = box.table.viewport().grab().toImage()
    box.show_rows(ROWS)
    box.filter.text.setText("nothing has this name")
    hidden = box.table.viewport().grab().toImage()
    grounds = {empty.pixel(3, 3), hidden.pixel(3, 3)}
    for image in (empty, hidden):  # words are drawn in the middle
        lines = range(image.height() // 2, image.height(), 3)
        middle = [image.pixel(x, y) for x in range(image.width()) for y in lines]
        assert any(pixel not in grounds for pixel in middle)
    assert empty != hidden


def test_where_it_is_narrow_columns_that_can_be_spared_go_and_come_back(qtbot, box):
    box.resize(320, 400)
    qtbot.wait(10)
    assert all(box.table.isColumnHidden(column) for column in SPARED)
    box.resize(900, 400)
    qtbot.wait(10)
    assert not any(box.table.isColumnHidden(column) for column in Column)


def test_ctrl_c_puts_the_selected_regions_onto_the_clipboard_as_a_spreadsheet_pastes_them(qtbot, box):
    box.select(["sky"])
    qtbot.keyClick(box.table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    head, line = QApplication.clipboard().text().splitlines()
    pasted = dict(zip(head.split("\t"), line.split("\t"), strict=True))
    assert pasted["name"] == "sky"
    assert pasted["quality"] == "80"
    assert pasted["person"] == "Ann" and pasted["person_quality"] == "75"
    assert pasted["findings"] == "clean"


def test_no_spreadsheet_takes_a_name_or_a_comment_for_a_formula():
    evil = RegionRow("a", '=HYPERLINK("x")', human=Annotation("a", "+Ann", comment="@SUM(1)\n\t=2"))
    for text, delimiter in ((as_csv([evil]), ","), (as_tsv([evil]), "\t")):
        (told,) = csv.DictReader(io.StringIO(text), delimiter=delimiter)
        assert told["name"] == '\'=HYPERLINK("x")'
        assert told["person"] == "'+Ann"
        assert told["person_comment"] == "'@SUM(1) =2"


def test_a_csv_keeps_commas_quotes_and_umlauts():
    said = Annotation("a", "Ä, \"B\"", 12.5)
    (told,) = csv.DictReader(io.StringIO(as_csv([row("a", 33.333, BLUR, human=said)])))
    assert told["person"] == 'Ä, "B"'
    assert told["person_quality"] == "12.5"
    assert told["quality"] == "33.33"
    assert told["findings"] == "severe blur"


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("Cell {n}", ["Cell 1", "Cell 2", "Cell 3"]),
        ("{nnn}", ["001", "002", "003"]),
        ("{name} left", ["a left", "b left", "c left"]),
        ("Cell", ["Cell 1", "Cell 2", "Cell 3"]),
    ],
)
def test_a_pattern_names_many_regions_and_no_two_the_same(pattern, names):
    assert names_of(pattern, ["a", "b", "c"]) == names


def test_a_single_region_takes_the_very_name():
    assert names_of(" Cell ", ["a"]) == ["Cell"]


def test_the_pattern_renames_the_selected_regions_in_the_order_that_is_shown(qtbot, box):
    box.table.sortByColumn(Column.NAME, Qt.SortOrder.DescendingOrder)
    box.select(["sky", "wall"])
    qtbot.mouseClick(box.deeds.rename_button, Qt.MouseButton.LeftButton)
    qtbot.keyClicks(box.deeds.pattern, "Part {n}")
    assert box.deeds.preview.text() == "Part 1, Part 2"
    with qtbot.waitSignal(box.names_wished) as told:
        qtbot.keyClick(box.deeds.pattern, Qt.Key.Key_Return)
    assert told.args == [{"wall": "Part 1", "sky": "Part 2"}]
    assert box.deeds.line.isHidden()


def test_what_needs_a_selection_is_offered_with_one_only(box):
    box.select([])
    assert not box.deeds.label_button.isEnabled() and not box.deeds.delete_button.isEnabled()
    box.select(["sky"])
    assert box.deeds.label_button.isEnabled() and box.deeds.delete_button.isEnabled()


def test_two_thousand_regions_are_replaced_without_a_reset_of_the_table(qtbot):
    table = RegionTable()
    qtbot.addWidget(table)
    many = [row(f"Region {number}", float(number % 101)) for number in range(2000)]
    table.show_rows(many)
    table.select(["Region 7"])
    resets = []
    table.regions.modelReset.connect(lambda: resets.append(1))
    table.show_rows([*many[:500], row("Region 500", 1.0), *many[501:]])
    assert not resets
    assert table.regions.index(500, Column.QUALITY).data() == "1"
    assert table.selected_ids() == ["Region 7"]


# With the session ------------------------------------------------------------------------------------------------

LEFT, RIGHT = [[10, 10], [10, 40], [40, 40], [40, 10]], [[10, 60], [10, 90], [40, 90], [40, 60]]


@pytest.fixture
def listed(controller, shapes, settle):
    """Two scored regions in the table."""
    shapes.add_rectangles([LEFT, RIGHT])
    settle()
    return controller.panel.regions


def names(controller) -> list[str]:
    return [record.region.name for record in controller.session.regions.values()]


def test_renaming_many_is_one_step_that_undo_takes_back(controller, listed, settle):
    listed.table.selectAll()
    listed.deeds.rename_wished.emit(["Ä 1", "Ä 2"])
    assert names(controller) == ["Ä 1", "Ä 2"]
    controller.session.undo()
    assert names(controller) == ["Region 1", "Region 2"]


def test_a_label_set_for_many_stands_beside_the_models_and_is_one_step(controller, listed, settle):
    listed.table.selectAll()
    listed.deeds.rating_wished.emit(75.0)
    listed.deeds.clean_wished.emit()
    settle()
    said = [record.verdicts[-1] for record in controller.session.regions.values()]
    assert [(one.quality, one.findings) for one in said] == [(75.0, ()), (75.0, ())]
    assert listed.table.regions.index(0, Column.HUMAN).data() == "75"
    controller.session.undo()
    assert [r.verdicts[-1].findings for r in controller.session.regions.values()] == [None, None]
    listed.deeds.unrate_wished.emit()
    assert not any(record.annotations for record in controller.session.regions.values())


def read(path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.with_suffix(".csv").read_text(encoding="utf-8-sig"))))


def test_the_table_is_written_into_a_file_that_a_spreadsheet_reads(controller, listed, tmp_path):
    path = tmp_path / "Grüße an Ann"
    controller.deeds.write(path)
    assert [line["name"] for line in read(path)] == ["Region 2"]  # the one drawn last is selected
    listed.select([])
    controller.deeds.write(path)
    assert [line["name"] for line in read(path)] == ["Region 1", "Region 2"]
    assert "Written" in controller.panel.status.text()
    controller.deeds.write(tmp_path / "no such folder" / "a.csv")
    assert "could not be written" in controller.panel.status.text()


def test_names_count_in_the_order_that_is_shown_also_after_sorting(box, qtbot):
    box.show_rows(ROWS[:3])
    box.table.selectAll()
    box.table.sortByColumn(Column.QUALITY, Qt.SortOrder.DescendingOrder)
    with qtbot.waitSignal(box.names_wished) as wished:
        box.deeds.pattern.setText("Cell {n}")
        box.deeds._on_give()
    assert wished.args == [{"sky": "Cell 1", "tree": "Cell 2", "face": "Cell 3"}]


def test_tab_leads_out_of_the_table(qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    table, after = RegionTable(), QPushButton("after")
    table.show_rows(ROWS)
    column = QVBoxLayout(window)
    column.addWidget(table)
    column.addWidget(after)
    window.show()
    qtbot.waitExposed(window)
    window.activateWindow()
    table.select(["face"])
    table.setFocus()
    qtbot.waitUntil(table.hasFocus)
    qtbot.keyClick(table, Qt.Key.Key_Tab)
    assert after.hasFocus()


@pytest.mark.parametrize("points", [9, 14, 24])
def test_a_score_has_room_in_every_font(points, qtbot):
    table = RegionTable()
    qtbot.addWidget(table)
    table.setStyleSheet(f"* {{ font-size: {points}pt }}")
    table.show_rows([row("face", 100.0)])
    table.show()
    qtbot.waitExposed(table)
    option = QStyleOptionViewItem()
    option.fontMetrics = table.fontMetrics()
    assert _number_width(option) >= table.fontMetrics().horizontalAdvance("100")
