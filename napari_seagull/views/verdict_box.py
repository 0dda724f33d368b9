"""The person's verdict on the report card: beside the model's, and a short form to give or correct it."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from napari_seagull.views.agreement import agreement
from napari_seagull.views.fold import Fold
from napari_seagull.views.region_cells import human_tip
from napari_seagull.views.rows import RegionRow
from napari_seagull.views.verdict_draft import VerdictDraft
from napari_seagull.views.verdict_fields import VerdictFields
from seagull_iqa.domain.annotation import MAX_AUTHOR, Annotation

TITLE, GIVE = "Correct", "Your verdict"


class VerdictBox(QWidget):
    """One sentence on how the two verdicts go together; the form unfolds below it."""

    verdict_wished = Signal(str, object)  # id of the region, VerdictDraft
    author_wished = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._region, self._own = "", None  # type: str, Annotation | None
        self.words = QLabel(self)
        self.words.setWordWrap(True)
        self.words.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        form = QWidget(self)
        self.fields = VerdictFields(form)
        self.author = QLineEdit(form)
        self.author.setPlaceholderText("Your name")
        self.author.setMaxLength(MAX_AUTHOR)
        self.author.setToolTip("Stands beside every label of yours; may be empty")
        self.save_button = QPushButton("Keep", form)
        self.save_button.setToolTip("Keep this verdict beside the model's; undo takes it back")
        self.discard_button = QPushButton("Discard", form)
        self.discard_button.setToolTip("Forget what is not kept yet")
        line = QHBoxLayout()
        line.setSpacing(4)
        line.addWidget(self.author, 1)
        line.addWidget(self.discard_button)
        line.addWidget(self.save_button)
        inner = QVBoxLayout(form)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(6)
        inner.addWidget(self.fields)
        inner.addLayout(line)
        self.fold = Fold(GIVE, form, self)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(3)
        column.addWidget(self.words)
        column.addWidget(self.fold)
        self._connect()

    def _connect(self) -> None:
        self.fields.changed.connect(self._show_buttons)
        self.save_button.clicked.connect(lambda: self.verdict_wished.emit(self._region, self.fields.draft))
        self.discard_button.clicked.connect(self._discard)
        self.author.textEdited.connect(lambda words: self.author_wished.emit(words.strip()))

    def show_author(self, author: str) -> None:
        """Show who sits here."""
        if self.author.text().strip() != author:
            self.author.setText(author)

    def show_row(self, row: RegionRow, own: Annotation | None) -> None:
        """Show what was said of a region; what is being filled in about the same one stays."""
        human = row.human
        self.words.setText("" if human is None else agreement(row.report, human))
        self.words.setToolTip(human_tip(row))
        self.words.setVisible(human is not None)
        self.fold.rename(GIVE if own is None else TITLE)
        if row.id != self._region or own != self._own:
            self._region, self._own = row.id, own
            self._discard()

    def _discard(self) -> None:
        self.fields.show_draft(VerdictDraft.of(self._own))
        self._show_buttons()

    def _show_buttons(self, *_draft: object) -> None:
        dirty = not self.fields.draft.says_the_same(self._own)
        self.save_button.setEnabled(dirty)
        self.discard_button.setEnabled(dirty)
