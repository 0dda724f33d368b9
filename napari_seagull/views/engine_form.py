"""Which engine finds regions, what it lacks, and the looks that are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QStandardItemModel
from qtpy.QtWidgets import QComboBox, QGridLayout, QLabel, QPushButton, QSizePolicy, QWidget

from napari_seagull.views.sizes import size_words
from seagull_iqa.domain.prompts import EngineState


@dataclass(frozen=True)
class EngineFacts:
    """The engines as the form shows them.

    Attributes
    ----------
    engines : sequence of EngineState
        Empty while no backend is ready.
    in_use : str
        Name of the one that answers.
    loading : bool
        Another one is on its way.
    kept_bytes : int
        Of the looks that are kept, in memory and on disk.
    kept_looks : int
    """

    engines: Sequence[EngineState] = ()
    in_use: str = ""
    loading: bool = False
    kept_bytes: int = 0
    kept_looks: int = 0


class EngineForm(QWidget):
    """A list of engines; those that lack something are gray, and say what. A button frees what is kept."""

    engine_wished = Signal(str)
    clear_wished = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.list = QComboBox(self)
        self.list.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.list.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.list.setMinimumContentsLength(12)
        self.list.setToolTip("What turns clicks into masks")
        self.lack = QLabel(self)
        self.lack.setWordWrap(True)
        self.clear = QPushButton(self)
        self.clear.setToolTip("What is kept of images that were looked at, in memory and on disk, for quick clicks")
        grid = QGridLayout(self)
        grid.setContentsMargins(12, 0, 0, 0)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(1, 1)
        grid.addWidget(QLabel("Engine", self), 0, 0)
        grid.addWidget(self.list, 0, 1)
        grid.addWidget(self.lack, 1, 0, 1, 2)
        grid.addWidget(self.clear, 2, 0, 1, 2)
        self.list.activated.connect(lambda line: self.engine_wished.emit(str(self.list.itemData(line))))
        self.list.currentIndexChanged.connect(self._show_lack)
        self.clear.clicked.connect(lambda: self.clear_wished.emit())
        self._engines: dict[str, EngineState] = {}
        self.show_facts(EngineFacts())

    def show_facts(self, facts: EngineFacts) -> None:
        """Show the engines, the one in use chosen."""
        self._engines = {engine.name: engine for engine in facts.engines}
        blocked = self.list.blockSignals(True)
        self.list.clear()
        for engine in facts.engines:
            self.list.addItem(engine.name, engine.name)
            tip = f"{engine.title}. {engine.why_not}".strip()
            self.list.setItemData(self.list.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self._gray_out([line for line, engine in enumerate(facts.engines) if not engine.ready])
        self.list.setCurrentIndex(self.list.findData(facts.in_use))
        self.list.setEnabled(bool(facts.engines) and not facts.loading)
        self.list.blockSignals(blocked)
        words = f"Clear kept embeddings ({size_words(facts.kept_bytes)})"
        self.clear.setText(words)
        self.clear.setEnabled(facts.kept_looks > 0)
        self._show_lack()

    def _gray_out(self, lines: Sequence[int]) -> None:
        model = self.list.model()
        if isinstance(model, QStandardItemModel):
            for line in lines:
                if (item := model.item(line)) is not None:
                    item.setForeground(self.palette().placeholderText())

    def _show_lack(self, *_line: object) -> None:
        missing = [engine for engine in self._engines.values() if not engine.ready]
        chosen = self._engines.get(str(self.list.currentData()))
        if not self._engines:
            words = "The engines are listed when the backend is ready."
        elif chosen is not None and not chosen.ready:
            words = chosen.why_not
        elif missing:
            rest = f"{len(missing)} more need their weights: choose one to see what is missing."
            words = f"{_told(chosen)} {rest}".strip()
        else:
            words = _told(chosen)
        self.lack.setText(words)
        self.lack.setVisible(bool(words))


def _told(engine: EngineState | None) -> str:
    return "" if engine is None else f"{engine.title.rstrip('.')}."
