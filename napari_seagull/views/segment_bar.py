"""Click, and the region is there: the tools that point, what is proposed, and what is to be done with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from qtpy.QtCore import QPointF, QRectF, QSize, Qt, Signal
from qtpy.QtGui import QKeySequence, QPainterPath, QResizeEvent
from qtpy.QtOpenGLWidgets import QOpenGLWidget
from qtpy.QtWidgets import (
    QApplication,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QShortcut,
    QSizePolicy,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_seagull.views.draw_bar import MINIMUM_WIDTH, WORD_MARGIN
from napari_seagull.views.icons import CHECKED, line_icon
from napari_seagull.views.palette import OUTSIDE

KEY_MARGIN = 18
"""Px around the words of a button that names its key."""


class PointTool(StrEnum):
    """How one points at a region; the word stands under the button."""

    CLICK = "Click"
    BOX = "Box"
    SCRIBBLE = "Scribble"


class Purpose(StrEnum):
    """What a mask that is kept is for."""

    NEW = "new"
    ADD = "add"
    TAKE = "take"


NOT_THIS_TIP = "Ctrl (or Alt, or the right button): not this."
TIPS = {
    PointTool.CLICK: f"Click inside a region. {NOT_THIS_TIP} A drag is a box.",
    PointTool.BOX: f"Drag a box round a region; then click to correct. {NOT_THIS_TIP}",
    PointTool.SCRIBBLE: f"Drag a line inside a region. {NOT_THIS_TIP}",
}
MINUS, EVERYTHING = "Not this", "Everything"
MINUS_TIP = "While pressed, clicks and strokes say what is not the region. The same: hold Ctrl."
EVERYTHING_TIP = "Cut the whole image into regions; which of them are kept is chosen afterwards"


@dataclass(frozen=True)
class SegmentFacts:
    """How far the region that is being pointed at is.

    Attributes
    ----------
    tool : PointTool or None
        Which tool the canvas has.
    sentence : str
        What to do now, or what is going on.
    candidate, candidates : int
        Which of how many masks is shown; 0 of 0 where none is.
    marks : bool
        Something was pointed at.
    can_undo : bool
        There is something to take back, of the prompts or of what was kept.
    planes : int
        So many planes come behind the one on screen; 0 for a plain image.
    """

    tool: PointTool | None = None
    sentence: str = ""
    candidate: int = 0
    candidates: int = 0
    marks: bool = False
    can_undo: bool = False
    planes: int = 0


class SegmentBar(QWidget):
    """The tools in a row; below them one sentence, and the buttons for what is proposed, each with its key."""

    tool_wished = Signal(object)  # PointTool, or None to stop pointing
    minus_wished = Signal(bool)
    everything_wished = Signal()
    keep_wished = Signal()
    next_wished = Signal()
    drop_wished = Signal()
    undo_wished = Signal()
    carry_wished = Signal(int)  # over so many planes

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setStyleSheet(CHECKED)
        self._facts = SegmentFacts()
        self._has_canvas = False
        self._full: dict[QPushButton, str] = {}
        self.buttons = {tool: self._tool_button(tool.value, TIPS[tool], _outline(tool.value)) for tool in PointTool}
        self.minus = self._tool_button(MINUS, MINUS_TIP, _outline(MINUS), color=OUTSIDE)
        self.everything = self._tool_button(EVERYTHING, EVERYTHING_TIP, _outline(EVERYTHING))
        self.everything.setCheckable(False)
        self.sentence = QLabel(self)
        self.sentence.setWordWrap(True)
        self.sentence.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        self.keep = self._button("Keep", "Enter", "Make this a region; it is scored at once")
        self.next = self._button("Next", "N", "Show the next of the masks that are proposed (also Tab)")
        self.drop = self._button("Drop", "Esc", "Forget these marks")
        self.undo = self._button("Undo", "Ctrl+Z", "Take back the last mark or what was kept last (Ctrl+Shift+Z: redo)")
        self.purpose = QComboBox(self)
        self.purpose.setToolTip("What becomes of the mask that you keep")
        self.purpose.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.purpose.setMinimumContentsLength(10)
        self.carry_planes = QSpinBox(self)
        self.carry_planes.setRange(1, 1)
        self.carry = self._button("Carry", "K", "Find the selected region again in the next planes, until it gets lost")
        # Qt gives Tab to the next widget before a canvas hears of it; a shortcut comes first.
        self.tab = QShortcut(QKeySequence(Qt.Key.Key_Tab), self)
        self.tab.setContext(Qt.ShortcutContext.ApplicationShortcut)
        self._lay_out()
        self._connect()
        self.offer_purposes("")
        self.show_facts(self._facts)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        tools = QHBoxLayout()
        tools.setSpacing(2)
        for button in self._tools():
            tools.addWidget(button)
        column.addLayout(tools)
        column.addWidget(self.sentence)
        self._answers = _row(self, (self.keep, self.next, self.drop, self.undo))
        column.addWidget(self._answers)
        column.addWidget(self.purpose)
        planes = QLabel("planes on", self)
        self._carrying = _row(self, (self.carry, self.carry_planes, planes))
        column.addWidget(self._carrying)

    def _connect(self) -> None:
        for tool, button in self.buttons.items():
            button.clicked.connect(lambda checked, tool=tool: self.tool_wished.emit(tool if checked else None))
        self.minus.toggled.connect(self.minus_wished)
        self.everything.clicked.connect(lambda: self.everything_wished.emit())
        self.keep.clicked.connect(lambda: self.keep_wished.emit())
        self.next.clicked.connect(lambda: self.next_wished.emit())
        self.tab.activated.connect(lambda: self.next_wished.emit())
        application = QApplication.instance()
        if isinstance(application, QApplication):
            application.focusChanged.connect(self._on_focus_changed)
        self.drop.clicked.connect(lambda: self.drop_wished.emit())
        self.undo.clicked.connect(lambda: self.undo_wished.emit())
        self.carry.clicked.connect(lambda: self.carry_wished.emit(self.carry_planes.value()))

    def _on_focus_changed(self, _old: QWidget | None, now: QWidget | None) -> None:
        self._has_canvas = isinstance(now, QOpenGLWidget)
        self._allow_tab()

    def _allow_tab(self) -> None:
        """Tab is ours only on a canvas, and while there is a next mask; else it goes from widget to widget."""
        self.tab.setEnabled(self._has_canvas and self._facts.candidates > 1)

    def _tools(self) -> Sequence[QToolButton]:
        return (*self.buttons.values(), self.minus, self.everything)

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802
        """Words under the drawings, and keys on the buttons, only where all of them fit; tooltips have them anyway."""
        super().resizeEvent(event)
        words = [self.fontMetrics().horizontalAdvance(button.text()) + WORD_MARGIN for button in self._tools()]
        both, alone = Qt.ToolButtonStyle.ToolButtonTextUnderIcon, Qt.ToolButtonStyle.ToolButtonIconOnly
        for button in self._tools():
            button.setToolButtonStyle(both if self.width() >= sum(words) else alone)
        deeds = (self.keep, self.next, self.drop, self.undo)
        widest = max(self.fontMetrics().horizontalAdvance(self._full[button]) for button in deeds)
        roomy = self.width() >= len(deeds) * (widest + KEY_MARGIN)
        for deed in deeds:
            deed.setText(self._full[deed] if roomy else self._full[deed].split(" (")[0])

    def show_facts(self, facts: SegmentFacts) -> None:
        """Show how far it is."""
        self._facts = facts
        for tool, button in self.buttons.items():
            button.setChecked(tool is facts.tool)
        self.minus.setEnabled(facts.tool is not None)
        if facts.tool is None:
            self.minus.setChecked(False)
        self.sentence.setText(facts.sentence)
        self._answers.setVisible(facts.marks or facts.can_undo)
        self.keep.setEnabled(facts.candidates > 0)
        self.next.setEnabled(facts.candidates > 1)
        self.drop.setEnabled(facts.marks)
        self.undo.setEnabled(facts.can_undo)
        self._show_purposes()
        self._allow_tab()
        self._carrying.setVisible(facts.tool is not None and facts.planes > 0)
        self.carry_planes.setMaximum(max(1, facts.planes))

    def offer_purposes(self, selected: str) -> None:
        """Offer to add to, or take from, the region of that name; only new regions where it is empty."""
        chosen = self.wanted_purpose() if selected else Purpose.NEW
        entries = [("Keep as a new region", Purpose.NEW)]
        if selected:
            entries += [(f"Add to “{selected}”", Purpose.ADD), (f"Take away from “{selected}”", Purpose.TAKE)]
        if entries != [(self.purpose.itemText(i), self.purpose.itemData(i)) for i in range(self.purpose.count())]:
            self.purpose.clear()
            for title, purpose in entries:
                self.purpose.addItem(title, purpose)
            self.purpose.setCurrentIndex([purpose for _title, purpose in entries].index(chosen))
        self._show_purposes()

    def wanted_purpose(self) -> Purpose:
        """What a mask that is kept is for."""
        return Purpose(self.purpose.currentData() or Purpose.NEW)

    def _show_purposes(self) -> None:
        self.purpose.setVisible(self._facts.tool is not None and self.purpose.count() > 1)

    def _tool_button(
        self, word: str, tip: str, path: QPainterPath, color: tuple[int, int, int] | None = None
    ) -> QToolButton:
        button = QToolButton(self)
        button.setText(word)
        button.setToolTip(tip)
        button.setCheckable(True)
        button.setMinimumWidth(MINIMUM_WIDTH)
        button.setIcon(line_icon(path) if color is None else line_icon(path, color))
        button.setIconSize(QSize(20, 20))
        button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        return button

    def _button(self, word: str, key: str, tip: str) -> QPushButton:
        button = QPushButton(f"{word} ({key})", self)
        self._full[button] = button.text()
        button.setToolTip(f"{tip}. On the canvas: {key}")
        button.setMinimumWidth(40)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return button


def _row(parent: QWidget, parts: Sequence[QWidget]) -> QWidget:
    row = QWidget(parent)
    line = QHBoxLayout(row)
    line.setContentsMargins(0, 0, 0, 0)
    line.setSpacing(4)
    for part in parts:
        line.addWidget(part)
    return row


def _outline(word: str) -> QPainterPath:
    path = QPainterPath()
    if word == PointTool.CLICK:
        path.addEllipse(QPointF(10, 10), 7.5, 7.5)
        path.moveTo(10, 6.5)
        path.lineTo(10, 13.5)
        path.moveTo(6.5, 10)
        path.lineTo(13.5, 10)
    elif word == PointTool.BOX:
        for row, column, down, right in ((4, 3, 1, 1), (4, 17, 1, -1), (16, 3, -1, 1), (16, 17, -1, -1)):
            path.moveTo(column, row + 4 * down)
            path.lineTo(column, row)
            path.lineTo(column + 4 * right, row)
    elif word == PointTool.SCRIBBLE:
        path.moveTo(3, 13)
        path.cubicTo(5, 2, 9, 3, 8, 10)
        path.cubicTo(7, 18, 13, 17, 13, 10)
        path.cubicTo(13, 5, 16, 5, 17, 8)
    elif word == MINUS:
        path.addEllipse(QPointF(10, 10), 7.5, 7.5)
        path.moveTo(6.5, 10)
        path.lineTo(13.5, 10)
    else:
        path.addRect(QRectF(2.5, 3.5, 15, 13))
        path.moveTo(8, 3.5)
        path.cubicTo(11, 7, 6, 11, 10, 16.5)
        path.moveTo(9, 9)
        path.cubicTo(12, 7, 14, 11, 17.5, 9)
    return path
