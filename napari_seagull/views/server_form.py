"""Where the backend runs: a process of this computer, or a server with an address and a token."""

from __future__ import annotations

from dataclasses import dataclass

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFormLayout, QHBoxLayout, QLabel, QLineEdit, QPushButton, QRadioButton, QSizePolicy, QWidget


@dataclass(frozen=True)
class ServerAddress:
    """A server that somebody runs; an empty `url` means a process of our own on this computer.

    Attributes
    ----------
    url : str
        "http://host:port".
    token : str
        The secret that its start printed.
    """

    url: str = ""
    token: str = ""

    @property
    def is_local(self) -> bool:
        """True for a process of our own."""
        return not self.url


class ServerForm(QWidget):
    """A choice between here and there; for there, an address, a token and a test."""

    test_wished = Signal(ServerAddress)
    use_wished = Signal(ServerAddress)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.here = QRadioButton("This computer", self)
        self.there = QRadioButton("A server", self)
        self.url = QLineEdit(self)
        self.url.setPlaceholderText("http://host:port")
        self.token = QLineEdit(self)
        self.token.setEchoMode(QLineEdit.EchoMode.Password)
        self.token.setPlaceholderText("printed by “seagull serve”")
        self.test_button = QPushButton("Test connection", self)
        self.use_button = QPushButton("Use", self)
        self.use_button.setToolTip("Score with this backend from now on")
        self.answer = QLabel(self)
        self.answer.setWordWrap(True)
        self.answer.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        self.answer.hide()
        self._lay_out()
        self._connect()
        self.here.setChecked(True)
        self._on_choice_changed()

    def _lay_out(self) -> None:
        choice = QHBoxLayout()
        choice.addWidget(self.here)
        choice.addWidget(self.there)
        choice.addStretch(1)
        buttons = QHBoxLayout()
        buttons.addWidget(self.test_button)
        buttons.addWidget(self.use_button)
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow("Backend", choice)
        form.addRow("Address", self.url)
        form.addRow("Token", self.token)
        form.addRow(buttons)
        form.addRow(self.answer)

    def _connect(self) -> None:
        self.here.toggled.connect(self._on_choice_changed)
        self.url.textChanged.connect(self._on_choice_changed)
        self.test_button.clicked.connect(lambda: self.test_wished.emit(self.address()))
        self.use_button.clicked.connect(lambda: self.use_wished.emit(self.address()))

    def address(self) -> ServerAddress:
        """What is filled in."""
        if self.here.isChecked():
            return ServerAddress()
        return ServerAddress(self.url.text().strip(), self.token.text().strip())

    def show_address(self, address: ServerAddress) -> None:
        """Fill in."""
        (self.here if address.is_local else self.there).setChecked(True)
        self.url.setText(address.url)
        self.token.setText(address.token)

    def show_answer(self, sentence: str) -> None:
        """Say what came of the test; "" takes it away."""
        self.answer.setText(sentence)
        self.answer.setVisible(bool(sentence))

    def _on_choice_changed(self) -> None:
        remote = self.there.isChecked()
        for part in (self.url, self.token):
            part.setEnabled(remote)
        named = bool(self.url.text().strip())
        self.test_button.setEnabled(remote and named)
        self.use_button.setEnabled(not remote or named)
        self.show_answer("")
