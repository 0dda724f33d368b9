"""The panel "Compare": the same regions on two images, before and after an edit, and what became of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qtpy.QtCore import QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QLinearGradient, QPainter, QPaintEvent
from qtpy.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_seagull.views.docked import DockedPanel
from napari_seagull.views.map_colors import DIFFERENCE_RAMP, difference_rgb
from napari_seagull.views.palette import hex_code, ink_on
from napari_seagull.views.status_strip import StatusStrip
from seagull_iqa.domain.progress import Progress
from seagull_iqa.domain.report import Interval

LIMIT = 50.0
"""Differences of more points than this have the colours at the ends of the scale."""

HEADS = ("Region", "Before", "After", "Difference")
NOTHING = "Choose the edited image and press “Compare”: every region of this plane is scored on both."
EN_DASH, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"


@dataclass(frozen=True)
class ComparedRow:
    """One region on both images; None where it has no score there."""

    id: str
    name: str
    before: float | None
    after: float | None
    before_interval: Interval | None = None
    after_interval: Interval | None = None
    problem: str = ""

    @property
    def difference(self) -> float | None:
        """Points of quality that it gained; negative where it lost."""
        return None if self.before is None or self.after is None else self.after - self.before

    @property
    def verdict(self) -> str:
        """In a word: whether each score lies outside of the other's interval."""
        if self.difference is None:
            return self.problem or "not scored"
        if _within(self.after, self.before_interval) or _within(self.before, self.after_interval):
            return "no clear change"
        return "better" if self.difference > 0 else "worse"


def _within(value: float | None, interval: Interval | None) -> bool:
    return value is not None and interval is not None and interval[0] <= value <= interval[1]


class DifferenceLegend(QWidget):
    """The fixed scale of the differences, with its three words."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip("Colours of the differences in the table and on the map; the same for every pair of images")

    def sizeHint(self) -> QSize:  # noqa: N802
        """A thin strip and a line of words."""
        return QSize(240, 10 + self.fontMetrics().height())

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Draw the strip and the words under it."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        gradient = QLinearGradient(0.0, 0.0, float(self.width()), 0.0)
        for share, color in DIFFERENCE_RAMP:
            gradient.setColorAt(share, QColor(*color))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(gradient)
        painter.drawRoundedRect(QRectF(0, 0, self.width(), 7), 3.0, 3.0)
        painter.setPen(self.palette().color(self.foregroundRole()))
        below = QRectF(0, 8, self.width(), self.height() - 8)
        ends = ((Qt.AlignmentFlag.AlignLeft, f"{MINUS}{LIMIT:.0f} worse"), (Qt.AlignmentFlag.AlignHCenter, "unchanged"),
                (Qt.AlignmentFlag.AlignRight, f"better +{LIMIT:.0f}"))  # fmt: skip
        for where, word in ends:
            painter.drawText(below, where | Qt.AlignmentFlag.AlignVCenter, word)
        painter.end()


class ComparePanel(DockedPanel):
    """Tells what is wished and shows what it is given."""

    other_wished = Signal(int)  # index in the list that was last shown
    compare_wished = Signal(bool)  # with a difference map
    stop_wished = Signal()
    region_wished = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("SEAGULL compare")
        self.before = QLabel(self)
        self.after = QComboBox(self)
        self.after.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.after.setMinimumContentsLength(12)
        self.after.setToolTip("The second image: of the same size, an edited copy say")
        self.with_map = QCheckBox("with a map of the differences", self)
        self.with_map.setChecked(True)
        self.button = QPushButton("Compare", self)
        self.bar = QProgressBar(self)
        self.bar.setMaximumHeight(20)
        self.stop_button = QPushButton("Cancel", self)
        self.summary = QLabel(NOTHING, self)
        self.summary.setWordWrap(True)
        self.table = QTableWidget(0, len(HEADS), self)
        self.legend = DifferenceLegend(self)
        self.status = StatusStrip(self)
        self._set_up_table()
        self._lay_out()
        self.after.activated.connect(self.other_wished)
        self.button.clicked.connect(lambda: self.compare_wished.emit(self.with_map.isChecked()))
        self.stop_button.clicked.connect(self.stop_wished)
        self.table.itemSelectionChanged.connect(self._on_selected)
        self.show_progress(None)

    def _set_up_table(self) -> None:
        self.table.setHorizontalHeaderLabels(list(HEADS))
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setTabKeyNavigation(False)  # Tab leads on; arrows go through the rows
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSortingEnabled(True)
        self.table.sortByColumn(3, Qt.SortOrder.AscendingOrder)  # what lost most comes first
        head, lines = self.table.horizontalHeader(), self.table.verticalHeader()
        if head is not None and lines is not None:
            head.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
            head.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
            lines.hide()
            lines.setDefaultSectionSize(24)

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.addRow("Before", self.before)
        form.addRow("After", self.after)
        deeds = QHBoxLayout()
        for wide in (self.with_map, self.bar):
            deeds.addWidget(wide, 1)
        for button in (self.button, self.stop_button):
            deeds.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(6)
        column.addLayout(form)
        column.addLayout(deeds)
        column.addWidget(self.summary)
        column.addWidget(self.table, 1)
        column.addWidget(self.legend)
        column.addWidget(self.status)
        self.setMinimumWidth(300)

    def show_images(self, before: str, others: Sequence[str], chosen: int | None) -> None:
        """Show which image the regions lie on, and which it can be compared with."""
        self.before.setText(before or "Open an image first")
        self.after.clear()
        self.after.addItems(list(others) or ["Open a second image"])
        self.after.setCurrentIndex(0 if chosen is None else chosen)
        self.after.setEnabled(bool(others))
        self.button.setEnabled(bool(others) and bool(before))

    def show_progress(self, progress: Progress | None) -> None:
        """Show how far a comparison is; None when none is under way."""
        busy = progress is not None
        for part in (self.with_map, self.button):
            part.setVisible(not busy)
        for shown in (self.bar, self.stop_button):
            shown.setVisible(busy)
        if progress is not None:
            self.bar.setRange(0, progress.total)
            self.bar.setValue(progress.done)
            self.bar.setFormat(progress.message)

    def show_rows(self, rows: Sequence[ComparedRow], summary: str) -> None:
        """Show these regions."""
        self.summary.setText(summary or NOTHING)
        blocked = self.table.blockSignals(True)
        self.table.clearSelection()  # lines move to other places
        self.table.setSortingEnabled(False)
        self.table.setRowCount(len(rows))
        for line, row in enumerate(rows):
            self._show_row(line, row)
        self.table.setSortingEnabled(True)
        self.table.blockSignals(blocked)
        self.legend.setVisible(bool(rows))

    def _show_row(self, line: int, row: ComparedRow) -> None:
        name = QTableWidgetItem(row.name)
        name.setData(Qt.ItemDataRole.UserRole, row.id)
        self.table.setItem(line, 0, name)
        for column, value in ((1, row.before), (2, row.after)):
            self.table.setItem(line, column, Number(value, EN_DASH if value is None else f"{value:.0f}"))
        points = row.difference
        sign = "" if points is None else ("+" if round(points) > 0 else MINUS if round(points) < 0 else "")
        mark = {"better": "\N{BLACK UP-POINTING TRIANGLE}", "worse": "\N{BLACK DOWN-POINTING TRIANGLE}"}
        words = EN_DASH if points is None else f"{sign}{abs(points):.0f} {mark.get(row.verdict, '≈')}"
        cell = Number(points, words)
        color = difference_rgb(points, LIMIT)
        cell.setBackground(QColor(*color))
        cell.setForeground(QColor(*ink_on(color)))
        self.table.setItem(line, 3, cell)
        for column in range(4):
            item = self.table.item(line, column)
            if item is not None:
                item.setToolTip(f"{row.name}: {row.verdict}")

    def row_words(self) -> list[list[str]]:
        """What stands in the table, line by line."""
        lines, columns = range(self.table.rowCount()), range(len(HEADS))
        items = [[self.table.item(line, column) for column in columns] for line in lines]
        return [["" if item is None else item.text() for item in line] for line in items]

    def color_of(self, line: int) -> str:
        """Colour of the difference in that line, "#rrggbb"."""
        item = self.table.item(line, 3)
        color = QColor() if item is None else item.background().color()
        return hex_code((color.red(), color.green(), color.blue()))

    def _on_selected(self) -> None:
        chosen = self.table.selectedItems()
        if chosen:
            item = self.table.item(chosen[0].row(), 0)
            if item is not None:
                self.region_wished.emit(str(item.data(Qt.ItemDataRole.UserRole)))


class Number(QTableWidgetItem):
    """A cell that sorts by its value; those without one come first."""

    def __init__(self, value: float | None, words: str) -> None:
        super().__init__(words)
        self._value = float("-inf") if value is None else value
        self.setTextAlignment(int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter))

    def __lt__(self, other: QTableWidgetItem) -> bool:
        return self._value < other._value if isinstance(other, Number) else super().__lt__(other)
