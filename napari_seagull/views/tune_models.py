"""Step 5 of the panel "Fine-tune": the models that can answer, and the way back."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_seagull.views.flow_layout import FlowLayout
from napari_seagull.views.tune_rows import TunedRow
from napari_seagull.views.tune_stock import words

HEADS = ("", "Model", "Begins from", "Made", "Labels")
MOST_LINES = 7
WORSE = "“{0}” was further from its labels than {1} when it was made. Use it all the same?"
DELETE = "Delete “{0}” from this computer? Labels and scores stay; only an exported file brings it back."
IN_USE = "It answers at present; roll back first"


class ModelsView(QWidget):
    """A table, what is known of the chosen model, and buttons; asks before it deletes or takes a worse one."""

    use_wished = Signal(str)
    back_wished = Signal()
    delete_wished = Signal(str)
    export_wished = Signal(str)
    import_wished = Signal()
    rescore_wished = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[TunedRow, ...] = ()
        self._back, self._asking, self._busy = "", "", False
        self.short = QLabel(parent)
        self.table = QTableWidget(0, len(HEADS), self)
        self.figures, self.question, self.stale = words(self), words(self), words(self)
        self.use_button = QPushButton("Use", self)
        self.back_button = QPushButton("Roll back", self)
        self.delete_button = QPushButton("Delete", self)
        self.export_button = QPushButton("Export …", self)
        self.export_button.setToolTip("One file that another computer can import")
        self.import_button = QPushButton("Import …", self)
        self.import_button.setToolTip("A file that was exported; it is checked, and nothing in it is run")
        self.yes_button, self.no_button = QPushButton(self), QPushButton("No", self)
        self.rescore_button = QPushButton("Score all", self)
        self.rescore_button.setToolTip("Score every region of this plane with the model that answers now")
        self._adorn()
        self._lay_out()
        self._connect()
        self.show_rows((), "")
        self.show_stale("")

    def _adorn(self) -> None:
        table = self.table
        table.setHorizontalHeaderLabels(HEADS)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setTabKeyNavigation(False)  # Tab leads on; arrows go through the rows
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        table.setWordWrap(False)
        if (side := table.verticalHeader()) is not None:
            side.hide()
        if (head := table.horizontalHeader()) is not None:
            for column in range(len(HEADS)):
                head.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
            head.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
            head.setHighlightSections(False)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 4)
        column.setSpacing(5)
        for part in (self.table, self.figures, self.question):
            column.addWidget(part)
        self.deeds, self.answers, self.again = QWidget(self), QWidget(self), QWidget(self)
        deeds = (self.use_button, self.back_button, self.export_button, self.delete_button, self.import_button)
        lines = (
            (self.deeds, deeds),
            (self.answers, (self.yes_button, self.no_button)),
            (self.again, (self.rescore_button,)),
        )
        for widget, buttons in lines:
            flow = FlowLayout(widget, gap=4)
            for button in buttons:
                flow.addWidget(button)
        column.addWidget(self.deeds)
        column.addWidget(self.answers)
        column.addWidget(self.stale)
        column.addWidget(self.again)

    def _connect(self) -> None:
        self.table.itemSelectionChanged.connect(self._on_chosen)
        self.use_button.clicked.connect(self._on_use)
        self.back_button.clicked.connect(self.back_wished)
        self.delete_button.clicked.connect(lambda: self._ask("delete"))
        self.export_button.clicked.connect(lambda: self.export_wished.emit(self._chosen_id()))
        self.import_button.clicked.connect(self.import_wished)
        self.yes_button.clicked.connect(self._on_yes)
        self.no_button.clicked.connect(lambda: self._ask(""))
        self.rescore_button.clicked.connect(self.rescore_wished)

    @property
    def chosen(self) -> TunedRow | None:
        """The model that is selected."""
        line = self.table.currentRow()
        return self._rows[line] if self.table.selectedItems() and 0 <= line < len(self._rows) else None

    def select(self, model: str) -> None:
        """Select a model by its id."""
        line = next((line for line, row in enumerate(self._rows) if row.id == model), -1)
        self.table.selectRow(line) if line >= 0 else self.table.clearSelection()

    def show_rows(self, rows: Sequence[TunedRow], back: str, *, busy: bool = False) -> None:
        """Show these; `back` is the name of the model that a roll back leads to, "" where there is none."""
        self._back, self._busy = back, busy
        if tuple(rows) != self._rows:
            kept = self._chosen_id()
            self._rows = tuple(rows)
            self._fill()
            self.select(kept or next((row.id for row in rows if row.active), ""))
        active = next((row.name for row in rows if row.active), "")
        tuned = sum(row.is_tuned for row in rows)
        self.short.setText(f"{active} answers; {tuned} of your own" if active else "")
        self._show()

    def show_stale(self, sentence: str) -> None:
        """Say that scores are of other models; "" where none are."""
        self.stale.setText(sentence)
        self.stale.setVisible(bool(sentence))
        self.again.setVisible(bool(sentence))

    def _fill(self) -> None:
        blocked = self.table.blockSignals(True)
        self.table.setRowCount(len(self._rows))
        for line, row in enumerate(self._rows):
            cells = ("●" if row.active else "", row.name, row.base, row.created, row.labels)
            for column, text in enumerate(cells):
                item = QTableWidgetItem(text)
                item.setToolTip("Answers at present" if column == 0 and row.active else text)
                self.table.setItem(line, column, item)
        self.table.blockSignals(blocked)
        line_height = self.table.sizeHintForRow(0) if self._rows else self.fontMetrics().height() + 6
        head = self.table.horizontalHeader()
        self.table.setFixedHeight(
            max(1, min(len(self._rows), MOST_LINES)) * max(line_height, self.table.rowHeight(0))
            + (head.sizeHint().height() if head is not None else 0) + 4
        )

    def _chosen_id(self) -> str:
        return "" if self.chosen is None else self.chosen.id

    def _on_chosen(self) -> None:
        self._asking = ""
        self._show()

    def _ask(self, what: str) -> None:
        self._asking = what
        self._show()

    def _on_use(self) -> None:
        row = self.chosen
        if row is not None and row.better is False:
            self._ask("use")
        elif row is not None:
            self.use_wished.emit(row.id)

    def _on_yes(self) -> None:
        wished, model = (self.use_wished if self._asking == "use" else self.delete_wished), self._chosen_id()
        self._ask("")
        wished.emit(model)

    def _show(self) -> None:
        row, free = self.chosen, not self._busy
        self.table.setVisible(bool(self._rows))
        self.figures.setText("" if row is None else row.figures)
        self.figures.setVisible(bool(self.figures.text()))
        asking = bool(self._asking) and row is not None
        if asking and row is not None:
            self.question.setText((WORSE if self._asking == "use" else DELETE).format(row.name, row.base))
            self.yes_button.setText("Use it" if self._asking == "use" else "Delete")
        self.question.setVisible(asking)
        self.answers.setVisible(asking)
        self.deeds.setVisible(not asking)
        self.use_button.setEnabled(free and row is not None and not row.active)
        self.back_button.setEnabled(free and bool(self._back))
        self.back_button.setToolTip(
            f"Let “{self._back}” answer again" if self._back else "No other model has answered before this one"
        )
        mine = row is not None and row.is_tuned
        self.export_button.setEnabled(free and mine)
        self.delete_button.setEnabled(free and mine and row is not None and not row.active)
        in_use = row is not None and row.active
        self.delete_button.setToolTip(IN_USE if in_use else "Free the disk; asks once more")
        self.import_button.setEnabled(free)
