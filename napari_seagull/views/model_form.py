"""The models of the server: which one answers, what another one would cost, and the buttons that change that."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import (
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)
from superqt import QElidingLabel

from napari_seagull.views.model_facts import (
    HERE,
    ModelFacts,
    download_question,
    fits,
    memory_words,
    now_words,
    removal_question,
    short_words,
    state_words,
    whereabouts,
)
from napari_seagull.views.sizes import share_in_one_unit, size_words
from seagull_iqa.domain.model_offer import ModelOffer, OfferState
from seagull_iqa.domain.precision import Precision
from seagull_iqa.domain.progress import Progress

BAR_STEPS = 1000
"""A progress bar counts in 32 bits, and a download has more bytes than that."""

ELIDING_MARGIN = 10
"""Px of a line that napari's style keeps free, unknown to who shortens it."""

NOBODY = "The backend has not said yet which models there are."


class ModelForm(QWidget):
    """A list of models, what is to be known of the chosen one, and buttons: use, download, cancel, remove."""

    opened = Signal()
    use_wished = Signal(str, str)  # name, precision
    download_wished = Signal(str)
    remove_wished = Signal(str)
    stop_wished = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._facts = ModelFacts()
        self._asking = ""  # "download" or "remove" while a question stands
        self._loading = False
        self.now = QElidingLabel(parent)
        self.list, self.precision = _combo(self, 14), _combo(self, 4)
        self.answering, self.question = _words(self), _words(self)
        self.about, self.weights, self.licence, self.memory = (_words(self) for _each in range(4))
        self.folder = QElidingLabel(self)
        self.use_button = QPushButton("Use", self)
        self.download_button = QPushButton("Download", self)
        self.remove_button = QPushButton("Remove", self)
        self.yes_button = QPushButton("Yes", self)
        self.no_button = QPushButton("Not now", self)
        self.bar = QProgressBar(self)
        self.stop_button = QPushButton("Cancel", self)
        self._adorn()
        self._lay_out()
        self._connect()
        self.show_progress(None)
        self._refresh()

    def _adorn(self) -> None:
        self.now.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.list.setToolTip("The models that the backend can answer with")
        self.precision.setToolTip("In what numbers the weights are kept: fewer bits, less memory, slightly less exact")
        self.folder.setElideMode(Qt.TextElideMode.ElideMiddle)
        for part in (self.now, self.folder):
            part.setEllipsesWidth(ELIDING_MARGIN)
        self.use_button.setToolTip("Let this model answer from now on; every region is scored anew")
        self.download_button.setToolTip("Asks once more before anything is fetched; can be cancelled and resumed")
        self.remove_button.setToolTip("Free the disk; asks once more")
        self.stop_button.setToolTip("What has come stays, and the next download goes on from there")
        self.bar.setMaximumHeight(20)
        self.bar.setRange(0, BAR_STEPS)
        self.bar.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 4)
        column.setSpacing(5)
        self.form = QFormLayout()
        self.form.setContentsMargins(0, 0, 0, 0)
        self.form.setVerticalSpacing(3)
        self.form.setHorizontalSpacing(8)
        self.form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        for title, part in (
            ("Now", self.answering),
            ("Model", self.list),
            ("About", self.about),
            ("Weights", self.weights),
            ("Folder", self.folder),
            ("Licence", self.licence),
            ("Memory", self.memory),
            ("Precision", self.precision),
        ):
            label = QLabel(title, self)
            if isinstance(part, QLabel):
                label.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
            self.form.addRow(label, part)
        column.addLayout(self.form)
        column.addWidget(self.question)
        lines = (
            (self.use_button, self.download_button, self.remove_button),
            (self.yes_button, self.no_button),
            (self.bar, self.stop_button),
        )
        for buttons in lines:
            line = QHBoxLayout()
            for button in buttons:
                line.addWidget(button)
            column.addLayout(line)

    def _connect(self) -> None:
        self.list.activated.connect(self._on_chosen)
        self.precision.activated.connect(self._refresh)
        self.use_button.clicked.connect(lambda: self.use_wished.emit(self.chosen(), self.chosen_precision()))
        self.download_button.clicked.connect(lambda: self._ask("download"))
        self.remove_button.clicked.connect(lambda: self._ask("remove"))
        self.yes_button.clicked.connect(self._on_yes)
        self.no_button.clicked.connect(lambda: self._ask(""))
        self.stop_button.clicked.connect(self.stop_wished)

    def chosen(self) -> str:
        """Name of the model that is chosen in the list."""
        return str(self.list.currentData() or "")

    def chosen_precision(self) -> str:
        """The precision that is chosen."""
        return str(self.precision.currentData() or Precision.AUTO)

    def show_facts(self, facts: ModelFacts) -> None:
        """Show what the server says; what is chosen stays chosen."""
        if facts != self._facts:
            chosen = self.chosen() or facts.in_use
            self._facts = facts
            _fill(self.list, [(f"{o.name}: {state_words(o, facts)}", o.name) for o in facts.offers], chosen)
            self._refresh()

    def show_loading(self, *, loading: bool) -> None:
        """While a model is being loaded, no other one can be asked for."""
        self._loading = loading
        self._refresh()

    def show_progress(self, progress: Progress | None) -> None:
        """Show how far a download is, in bytes; None when none is under way."""
        busy = progress is not None
        self.bar.setVisible(busy)
        self.stop_button.setVisible(busy)
        if progress is not None:
            self.bar.setValue(round(BAR_STEPS * progress.fraction))
            known = share_in_one_unit(progress.done, progress.total) if progress.total else ""
            self.bar.setFormat(known or progress.message or "Asking …")
        self._refresh()

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802
        """Tell that somebody looks."""
        super().showEvent(event)
        self.opened.emit()

    def _on_chosen(self) -> None:
        self._asking = ""
        self._refresh()

    def _ask(self, what: str) -> None:
        self._asking = what
        self._refresh()

    def _on_yes(self) -> None:
        wished = self.download_wished if self._asking == "download" else self.remove_wished
        self._ask("")
        wished.emit(self.chosen())

    def _refresh(self) -> None:
        facts = self._facts
        self.now.setText(short_words(facts))
        self.now.setToolTip(now_words(facts))
        self.answering.setText(now_words(facts) if facts.offers else NOBODY)
        offer = facts.offer(self.chosen())
        if offer is None:
            self._asking = ""
        else:
            self._show_precisions(offer)
            self._show_words(offer)
        self._show_rows(offer)
        self._show_buttons(offer)

    def _show_words(self, offer: ModelOffer) -> None:
        questions = {"download": download_question, "remove": removal_question}
        ask = questions.get(self._asking)
        self.question.setText(ask(offer) if ask else "")
        self.yes_button.setText("Download" if self._asking == "download" else "Remove")
        self.about.setText(offer.title)
        self.weights.setText(whereabouts(offer, self._facts))
        self.licence.setText(offer.licence)
        self.memory.setText(memory_words(offer, self._facts))
        self.folder.setText(offer.path)
        self.folder.setToolTip(offer.path)

    def _show_rows(self, offer: ModelOffer | None) -> None:
        """Only the rows that say something; while a question stands, it says what is needed."""
        calm = offer is not None and not self._asking
        self.form.setRowVisible(self.list, offer is not None)
        for part in (self.about, self.weights, self.licence, self.memory):
            self.form.setRowVisible(part, calm and bool(part.text()))
        shipped = offer is None or offer.state is OfferState.SHIPPED or not offer.path
        self.form.setRowVisible(self.folder, not shipped)
        choice = offer is not None and offer.state in HERE and len(offer.needs) > 1
        self.form.setRowVisible(self.precision, calm and choice)
        self.question.setVisible(bool(self._asking))

    def _show_precisions(self, offer: ModelOffer) -> None:
        entries = [("auto", str(Precision.AUTO))]
        for need in offer.needs:
            note = "" if fits(need, self._facts) else ", too much"
            entries.append((f"{need.precision}: {size_words(need.nbytes)}{note}", str(need.precision)))
        _fill(self.precision, entries, self.chosen_precision())

    def _show_buttons(self, offer: ModelOffer | None) -> None:
        free, busy = not self._asking and offer is not None, self.stop_button.isVisibleTo(self)
        here = offer is not None and offer.state in HERE
        shipped = offer is not None and offer.state is OfferState.SHIPPED
        used = offer is not None and offer.name == self._facts.in_use
        same = self._facts.is_used(self.chosen(), self.chosen_precision())
        self.use_button.setVisible(free and here)
        self.use_button.setEnabled(not same and not self._loading)
        self.use_button.setText("In use" if same else "Use")
        self.download_button.setVisible(free and not here and not busy)
        self.download_button.setEnabled(not self._facts.offline)
        self.download_button.setText(_download_title(offer))
        partial = offer is not None and offer.state is OfferState.PARTIAL
        self.remove_button.setVisible(free and not used and not shipped and (here or partial) and not busy)
        self.yes_button.setVisible(bool(self._asking))
        self.no_button.setVisible(bool(self._asking))


def _download_title(offer: ModelOffer | None) -> str:
    if offer is None:
        return "Download"
    return "Resume download" if offer.state is OfferState.PARTIAL else f"Download {size_words(offer.download_bytes)}"


def _words(parent: QWidget) -> QLabel:
    made = QLabel(parent)
    made.setWordWrap(True)
    made.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
    made.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    made.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
    return made


def _combo(parent: QWidget, letters: int) -> QComboBox:
    made = QComboBox(parent)
    made.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    made.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    made.setMinimumContentsLength(letters)
    return made


def _fill(box: QComboBox, entries: list[tuple[str, str]], chosen: str) -> None:
    """Offer these (title, key), with that key chosen; nothing is told, and an open list is left alone if it fits."""
    if entries != [(box.itemText(line), box.itemData(line)) for line in range(box.count())]:
        blocked = box.blockSignals(True)
        box.clear()
        for title, key in entries:
            box.addItem(title, key)
        box.blockSignals(blocked)
    box.setCurrentIndex(max(0, box.findData(chosen)))
