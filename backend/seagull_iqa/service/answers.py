"""An answer in words on its way: made in the model's thread, read by the event loop, stopped when nobody reads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import numpy as np
from numpy.typing import NDArray

from seagull_iqa import wire
from seagull_iqa.errors import JobCancelledError, LimitError, SeagullError
from seagull_iqa.messages import ErrorMessage

MAX_LETTERS = 2**16
"""Of one answer."""

BEAT_S = 0.5


class AnswerStream:
    """Made and read in the event loop; spoken to from the model's thread.

    Attributes
    ----------
    sha256 : str
        Of the image.
    rgb : uint8, shape (H, W, 3)
        The image; held, so that a full cache cannot take it away meanwhile.
    question : wire.Question
        What was asked.
    closed : bool
        True where nobody reads any longer.
    """

    def __init__(self, sha256: str, rgb: NDArray[np.uint8], question: wire.Question) -> None:
        self.sha256 = sha256
        self.rgb = rgb
        self.question = question
        self.closed = False
        self._letters = 0
        self._loop = asyncio.get_running_loop()
        # At most `MAX_LETTERS` pieces ever come, so it needs no bound of its own.
        self._pieces: asyncio.Queue[wire.AnswerPiece] = asyncio.Queue()

    def say(self, text: str) -> None:
        """Hand on a piece, from the model's thread; raises where nobody reads, or the answer has become too long."""
        if self.closed:
            raise JobCancelledError("Nobody reads the answer any more.", "Ask again.")
        self._letters += len(text)
        if self._letters > MAX_LETTERS:
            raise LimitError(f"The answer is longer than {MAX_LETTERS} letters.", "Ask for fewer tokens.")
        if text:
            # A model may break a letter in two; what is no letter cannot be sent.
            self._put(wire.AnswerPiece(text=text.encode("utf-8", "replace").decode()))

    def end(self, error: SeagullError | None = None) -> None:
        """Nothing more comes, from the model's thread or the loop's."""
        self._put(wire.AnswerPiece(done=True, error=None if error is None else ErrorMessage.of(error)))

    def close(self) -> None:
        """Nobody reads any longer: the model stops at its next piece."""
        self.closed = True

    async def pieces(self) -> AsyncIterator[wire.AnswerPiece]:
        """What comes, and an empty piece now and then where nothing does; ends with the one that is `done`."""
        done = False
        while not done:
            try:
                piece = await asyncio.wait_for(self._pieces.get(), BEAT_S)
            except TimeoutError:
                piece = wire.AnswerPiece()
            done = piece.done
            yield piece

    def _put(self, piece: wire.AnswerPiece) -> None:
        try:
            self._loop.call_soon_threadsafe(self._pieces.put_nowait, piece)
        except RuntimeError:
            # The loop is closed: the server has ended.
            self.closed = True
