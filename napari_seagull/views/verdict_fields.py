"""The fields of a verdict: quality, importance, distortions and a comment; they show a draft and tell the next one."""

from __future__ import annotations

from dataclasses import replace

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from napari_seagull.views.distortion_row import DistortionRow
from napari_seagull.views.level_row import importance_row, quality_row
from napari_seagull.views.rating_keys import Act, RatingKeys
from napari_seagull.views.verdict_draft import VerdictDraft
from seagull_iqa.domain.annotation import MAX_COMMENT
from seagull_iqa.domain.distortion import Distortion


class VerdictFields(QWidget):
    """Shows what a person is about to say, and tells what it becomes."""

    changed = Signal(object)  # VerdictDraft

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._draft = VerdictDraft()
        self.quality, self.importance = quality_row(self), importance_row(self)
        self.distortions = DistortionRow(self)
        self.comment = QLineEdit(self)
        self.comment.setPlaceholderText("Comment …")
        self.comment.setMaxLength(MAX_COMMENT)
        self.comment.setToolTip("Enter leaves this field, so that the keys rate again")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        for part in (self.quality, self.importance, self.distortions, self.comment):
            column.addWidget(part)
        self._connect()
        self.show_draft(self._draft)

    def _connect(self) -> None:
        self.quality.wished.connect(lambda value: self._tell(replace(self._draft, quality=value)))
        self.importance.wished.connect(lambda value: self._tell(replace(self._draft, importance=value)))
        self.distortions.cycle_wished.connect(lambda each: self._tell(self._draft.cycled(each)))
        self.distortions.clear_wished.connect(lambda each: self._tell(self._draft.with_severity(each, None)))
        self.distortions.clean_wished.connect(lambda: self._tell(self._draft.toggled_clean()))
        self.comment.textEdited.connect(lambda words: self._tell(replace(self._draft, comment=words)))
        self.comment.returnPressed.connect(self.comment.clearFocus)

    @property
    def draft(self) -> VerdictDraft:
        """What is shown."""
        return self._draft

    def show_draft(self, draft: VerdictDraft) -> None:
        """Show that draft."""
        self._draft = draft
        self.quality.show_value(draft.quality)
        self.importance.show_value(draft.importance)
        self.distortions.show_severities(draft.severities, clean=draft.clean)
        if self.comment.text() != draft.comment:
            self.comment.setText(draft.comment)

    def show_hints(self, keys: RatingKeys) -> None:
        """Write the keys beside the words."""
        self.quality.show_hints([keys.hint(("quality", level)) for level in range(5)])
        self.importance.show_hints([keys.hint(("importance", level)) for level in range(5)])
        self.distortions.show_hints({each: keys.hint(each) for each in Distortion}, keys.hint(Act.CLEAN))

    def _tell(self, draft: VerdictDraft) -> None:
        self.show_draft(draft)
        self.changed.emit(draft)
