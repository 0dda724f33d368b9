"""A heading that folds away what stands below it, for what few people need."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QToolButton, QVBoxLayout, QWidget


class Fold(QWidget):
    """A heading with an arrow; a click shows or hides the content. `aside` stands beside the heading and stays."""

    def __init__(
        self, title: str, content: QWidget, parent: QWidget | None = None, *, aside: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.content = content
        self.heading = QToolButton(self)
        self.heading.setText(title)
        self.heading.setCheckable(True)
        self.heading.setAutoRaise(True)
        self.heading.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        self.heading.toggled.connect(self._on_toggled)
        self._title = title
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        line = QHBoxLayout()
        line.setSpacing(6)
        line.addWidget(self.heading, 0, Qt.AlignmentFlag.AlignLeft)
        if aside is not None:
            line.addWidget(aside, 1)
        column.addLayout(line)
        column.addWidget(content)
        self._on_toggled(opened=False)

    def rename(self, title: str) -> None:
        """Call the content something else."""
        self._title = title
        self.heading.setText(("▾  " if self.heading.isChecked() else "▸  ") + title)

    def open(self) -> None:
        """Show the content."""
        self.heading.setChecked(True)

    def _on_toggled(self, opened: bool) -> None:
        self.heading.setText(("▾  " if opened else "▸  ") + self._title)
        self.content.setVisible(opened)
