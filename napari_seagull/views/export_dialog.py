"""Asks in which format, which regions, and where to: a window beside the work, which goes on meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QPalette
from qtpy.QtWidgets import (
    QDialog,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QRadioButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)


@dataclass(frozen=True)
class FormatRow:
    """A format to choose.

    Attributes
    ----------
    name : str
        Its identity.
    title : str
        What it is, for people.
    suffix : str
        Put behind the name.
    carries, read_by : str
        What comes back from it, and programs that read it.
    problem : str
        One sentence where it cannot be written at present; "" where it can.
    """

    name: str
    title: str
    suffix: str
    carries: str
    read_by: str
    problem: str = ""


class ExportDialog(QDialog):
    """Tells what is wished, and shows what came of it."""

    export_wished = Signal(str, str, bool)  # format, path, the selected regions only

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Export regions")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._rows: dict[str, FormatRow] = {}
        self._base = Path()
        self.formats = QListWidget(self)
        self.formats.setAccessibleName("Format")
        self.carries, self.read_by, self.problem, self.outcome = (_wrapped(self) for _label in range(4))
        self.every, self.chosen = QRadioButton(self), QRadioButton(self)
        self.path = QLineEdit(self)
        self.path.setAccessibleName("File")
        self.browse_button = QPushButton("Choose …", self)
        self.there = _wrapped(self)
        self.export_button = QPushButton("Export", self)
        self.export_button.setDefault(True)
        self.close_button = QPushButton("Close", self)
        self._lay_out()
        self.formats.currentItemChanged.connect(self._on_format)
        self.path.textChanged.connect(self._show_there)
        self.browse_button.clicked.connect(self._on_browse)
        self.export_button.clicked.connect(self._on_export)
        self.close_button.clicked.connect(self.close)

    def _lay_out(self) -> None:
        facts = QFormLayout()
        facts.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        facts.setRowWrapPolicy(QFormLayout.RowWrapPolicy.DontWrapRows)
        facts.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        facts.addRow("Carries", self.carries)
        facts.addRow("Read by", self.read_by)
        facts.addRow("Regions", self.every)
        facts.addRow("", self.chosen)
        line = QHBoxLayout()
        line.addWidget(self.path, 1)
        line.addWidget(self.browse_button)
        facts.addRow("File", line)
        right = QVBoxLayout()
        right.addLayout(facts)
        for label in (self.there, self.problem, self.outcome):
            right.addWidget(label)
        right.addStretch(1)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.export_button)
        buttons.addWidget(self.close_button)
        right.addLayout(buttons)
        whole = QHBoxLayout(self)
        whole.setSpacing(12)
        whole.addWidget(self.formats, 4)
        whole.addLayout(right, 5)
        self.formats.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.formats.setSpacing(2)
        self.resize(840, 440)

    def offer(self, rows: Sequence[FormatRow], base: Path, *, regions: int, selected: int) -> None:
        """Offer these formats for so many regions.

        Parameters
        ----------
        rows : sequence of FormatRow
        base : Path
            Folder and name of what is written, without the format's suffix.
        regions, selected : int
            How many there are, and how many of them are selected.
        """
        self._rows, self._base = {row.name: row for row in rows}, base
        for row in rows:
            item = QListWidgetItem(row.title)
            item.setData(Qt.ItemDataRole.UserRole, row.name)
            if row.problem:
                item.setForeground(self.palette().color(QPalette.ColorGroup.Disabled, QPalette.ColorRole.Text))
            self.formats.addItem(item)
        self.every.setText(f"All {regions:,}" if regions != 1 else "The one there is")
        self.chosen.setText(f"The {selected:,} selected" if selected else "The selected ones")
        self.chosen.setEnabled(0 < selected < regions)
        (self.chosen if 1 < selected < regions else self.every).setChecked(True)
        self.formats.setCurrentRow(0)

    @property
    def format(self) -> FormatRow | None:
        """The format that is chosen."""
        item = self.formats.currentItem()
        return None if item is None else self._rows[str(item.data(Qt.ItemDataRole.UserRole))]

    def show_busy(self) -> None:
        """It is being written."""
        self.export_button.setEnabled(False)
        self.outcome.setText("Writing …")

    def show_result(self, words: str) -> None:
        """Say what came of it."""
        self.outcome.setText(words)
        self._show_there()

    def _on_format(self, _item: object = None) -> None:
        row = self.format
        if row is None:
            return
        self.carries.setText(row.carries)
        self.read_by.setText(row.read_by)
        self.problem.setText(row.problem)
        self.problem.setVisible(bool(row.problem))
        self.outcome.setText("")
        self.path.setText(f"{self._base}{row.suffix}")
        self._show_there()

    def _show_there(self) -> None:
        row, text = self.format, self.path.text().strip()
        there = bool(text) and Path(text).exists()
        self.there.setText("It is there already, and will be replaced." if there else "")
        self.there.setVisible(there)
        self.export_button.setText("Replace" if there else "Export")
        self.export_button.setEnabled(row is not None and not row.problem and bool(text))

    def _on_browse(self) -> None:
        row = self.format
        if row is not None:
            kinds = f"{row.title} (*{row.suffix})"
            asks = QFileDialog.Option.DontConfirmOverwrite  # the button says that it replaces
            name, _kind = QFileDialog.getSaveFileName(self, "Export to", self.path.text(), kinds, options=asks)
            if name:
                whole = name if name.endswith(row.suffix) else f"{name}{row.suffix}"
                self._base = Path(whole.removesuffix(row.suffix))
                self.path.setText(whole)

    def _on_export(self) -> None:
        row = self.format
        if row is not None:
            self.export_wished.emit(row.name, self.path.text().strip(), self.chosen.isChecked())


def _wrapped(parent: QWidget) -> QLabel:
    label = QLabel(parent)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
    return label
