"""The panel "Images": a folder to work through, image after image, and scores of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qtpy.QtCore import QSize, Signal
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)
from superqt import QElidingLabel

from napari_seagull.views.docked import DockedPanel
from napari_seagull.views.folder_rows import ImageRow, Review, summary_words
from napari_seagull.views.folder_table import FolderTable
from napari_seagull.views.status_strip import StatusStrip
from seagull_iqa.domain.progress import Progress


class FolderPanel(DockedPanel):
    """Tells what is wished and shows what it is given."""

    folder_wished = Signal(object, bool)  # Path, with the folders in it
    score_wished = Signal()
    stop_wished = Signal()
    step_wished = Signal(int)  # 1 for the next image, -1 for the one before
    review_wished = Signal(object)  # Path

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("SEAGULL images")
        self.setAcceptDrops(True)
        self._folder: Path | None = None
        self.where = QElidingLabel("No folder yet", self)
        self.where.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.choose_button = QPushButton("Choose …", self)
        self.choose_button.setToolTip("A folder with images; drop one here, too")
        self.deeper = QCheckBox("with its folders", self)
        self.search = QLineEdit(self)
        self.search.setPlaceholderText("Search images …")
        self.search.setClearButtonEnabled(True)
        self.table = FolderTable(self)
        self.summary = QLabel(self)
        self.summary.setWordWrap(True)
        self.back_button, self.next_button = QPushButton("Previous", self), QPushButton("Next", self)
        self.back_button.setToolTip("The image before, with its regions (Alt+Left)")
        self.next_button.setToolTip("The next image, with its regions (Alt+Right); this one is kept as it is")
        self.reviewed = QCheckBox("Reviewed", self)
        self.reviewed.setToolTip("This image is done (Alt+R, or the space bar in the table)")
        self.score_button = QPushButton("Score all", self)
        self.score_button.setToolTip("Score every image, or its regions, into one table in the folder; can be stopped")
        self.bar = QProgressBar(self)
        self.bar.setMaximumHeight(20)
        self.stop_button = QPushButton("Cancel", self)
        self.status = StatusStrip(self)
        self._lay_out()
        self._connect()
        self.show_progress(None)
        self.show_rows([])

    def _lay_out(self) -> None:
        head, foot, work = QHBoxLayout(), QHBoxLayout(), QHBoxLayout()
        head.addWidget(self.where, 1)
        head.addWidget(self.choose_button)
        work.addWidget(self.search, 1)
        work.addWidget(self.deeper)
        foot.addWidget(self.back_button)
        foot.addWidget(self.next_button)
        foot.addWidget(self.reviewed)
        foot.addStretch(1)
        for one in (self.score_button, self.bar, self.stop_button):
            foot.addWidget(one)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(6)
        column.addLayout(head)
        column.addLayout(work)
        column.addWidget(self.table, 1)
        column.addWidget(self.summary)
        column.addLayout(foot)
        column.addWidget(self.status)
        self.setMinimumWidth(320)

    def _connect(self) -> None:
        self.choose_button.clicked.connect(self._on_choose)
        self.deeper.clicked.connect(self._wish_folder)
        self.search.textChanged.connect(self.table.search)
        self.back_button.clicked.connect(lambda: self.step_wished.emit(-1))
        self.next_button.clicked.connect(lambda: self.step_wished.emit(1))
        self.reviewed.clicked.connect(self._on_reviewed)
        self.table.review_wished.connect(self.review_wished)
        self.score_button.clicked.connect(self.score_wished)
        self.stop_button.clicked.connect(self.stop_wished)
        selection = self.table.selectionModel()
        if selection is not None:
            selection.currentChanged.connect(self._show_present)

    def sizeHint(self) -> QSize:  # noqa: N802
        """A column beside the image."""
        return QSize(480, 560)

    def show_folder(self, folder: Path) -> None:
        """Name the folder."""
        self._folder = folder
        self.where.setText(str(folder))
        self.where.setToolTip(str(folder))

    def show_rows(self, rows: Sequence[ImageRow]) -> None:
        """Show these images."""
        self.table.images.show_rows(rows)
        self._show_summary()

    def show_row(self, row: ImageRow) -> None:
        """Show what has become of one image."""
        self.table.images.show_row(row)
        self._show_summary()

    def show_progress(self, progress: Progress | None) -> None:
        """Show how far the scoring is; None when none is under way."""
        self.score_button.setVisible(progress is None)
        for part in (self.bar, self.stop_button):
            part.setVisible(progress is not None)
        if progress is not None:
            self.bar.setRange(0, progress.total)
            self.bar.setValue(progress.done)
            self.bar.setFormat("%v of %m")

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:  # noqa: N802
        """A folder may be dropped."""
        if event is not None and _folder_in(event) is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:  # noqa: N802
        """Take the folder."""
        folder = None if event is None else _folder_in(event)
        if folder is not None and event is not None:
            event.acceptProposedAction()
            self.folder_wished.emit(folder, self.deeper.isChecked())

    def _show_summary(self) -> None:
        rows = self.table.images.rows
        self.summary.setText(summary_words(rows))
        self.summary.setVisible(bool(rows))
        for part in (self.back_button, self.next_button, self.score_button):
            part.setEnabled(bool(rows))
        self._show_present()

    def _show_present(self, *_change: object) -> None:
        chosen = self.table.chosen
        row = next((one for one in self.table.images.rows if one.path == chosen), None)
        self.reviewed.setEnabled(row is not None)
        self.reviewed.setChecked(row is not None and row.review is Review.DONE)

    def _on_choose(self) -> None:
        start = "" if self._folder is None else str(self._folder)
        name = QFileDialog.getExistingDirectory(self, "A folder with images", start)
        if name:
            self.folder_wished.emit(Path(name), self.deeper.isChecked())

    def _wish_folder(self) -> None:
        if self._folder is not None:
            self.folder_wished.emit(self._folder, self.deeper.isChecked())

    def _on_reviewed(self) -> None:
        chosen = self.table.chosen
        if chosen is not None:
            self.review_wished.emit(chosen)


def _folder_in(event: QDropEvent) -> Path | None:
    data = event.mimeData()
    for url in () if data is None else data.urls():
        path = Path(url.toLocalFile())
        if path.is_dir():
            return path
    return None
