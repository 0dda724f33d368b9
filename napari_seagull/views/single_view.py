"""One region to be rated: its picture, the fields of the verdict, and, when asked, what the model says."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget
from superqt import QElidingLabel

from napari_seagull.views.picture import PictureView
from napari_seagull.views.rating_keys import Act, RatingKeys
from napari_seagull.views.region_cells import findings_words
from napari_seagull.views.rows import RegionRow, RowState
from napari_seagull.views.verdict_draft import VerdictDraft
from napari_seagull.views.verdict_fields import VerdictFields
from seagull_iqa.domain.levels import importance_word, quality_word

PICTURE_HEIGHT = 90


class SingleView(QWidget):
    """Shows one region and the verdict that is being given."""

    model_wished = Signal()  # show or hide what the model says

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = QElidingLabel(self)
        font = self.title.font()
        font.setBold(True)
        self.title.setFont(font)
        self.model_button = QToolButton(self)
        self.model_button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.model_button.setToolTip("A label is worth more when it was given without having read this")
        self.picture = PictureView(PICTURE_HEIGHT, self)
        self.model = QLabel(self)
        self.model.setWordWrap(True)
        self.model.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        self.fields = VerdictFields(self)
        self._hint = ""
        head = QHBoxLayout()
        head.addWidget(self.title, 1)
        head.addWidget(self.model_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(5)
        column.addLayout(head)
        column.addWidget(self.picture, 1)
        column.addWidget(self.model)
        column.addWidget(self.fields)
        self.model_button.clicked.connect(self.model_wished)

    def show_row(self, row: RegionRow, draft: VerdictDraft, *, model_shown: bool) -> None:
        """Show that region, what is about to be said of it, and what the model says where it is wanted."""
        self.title.setText(row.name)
        self.fields.show_draft(draft)
        self.model_button.setText(f"{'Hide' if model_shown else 'Show'} the model's score {self._hint}")
        self.model.setVisible(model_shown)
        self.model.setText(model_words(row))

    def show_hints(self, keys: RatingKeys) -> None:
        """Write the keys beside the words."""
        self._hint = keys.hint(Act.MODEL)
        self.fields.show_hints(keys)


def model_words(row: RegionRow) -> str:
    """What the model says, in a line."""
    report = row.report
    if report is None:
        waiting = "The model is at it …" if row.state is RowState.QUEUED else "The model has no score yet."
        return row.problem or waiting
    said = []
    if report.quality is not None:
        said.append(f"quality {report.quality:.0f} {quality_word(report.quality)}")
    if report.importance is not None:
        said.append(f"importance {report.importance:.0f} {importance_word(report.importance)}")
    said.append(findings_words(report.findings))
    old = " (outdated)" if row.state is RowState.STALE else ""
    return f"Model{old}: " + ", ".join(part for part in said if part)
