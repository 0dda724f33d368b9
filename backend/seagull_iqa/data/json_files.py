"""JSON files of labels: read whole, or an entry at a time where they are larger than the memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import TextIOBase
from json import JSONDecodeError
from pathlib import Path

from seagull_iqa.data.scores import DataFileError

_CHUNK = 2**20
_BLANK = " \t\r\n"


def read_json(path: Path) -> object:
    """A whole file; `DataFileError` where it is not there or no JSON."""
    try:
        found: object = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataFileError(f"{path} cannot be read as JSON ({error}).", "Check the path and the file.") from error
    return found


def entries(path: Path) -> Iterator[tuple[str, object]]:
    """The entries of a file that is one object or one list, one at a time: (key or running number, value).

    Only one entry is in memory, so that files of many gigabytes can be read.

    Raises
    ------
    DataFileError
        Not there, no JSON, or neither an object nor a list.
    """
    try:
        with path.open(encoding="utf-8-sig") as file:
            yield from _Entries(file).read()
    except (OSError, ValueError, RecursionError) as error:
        raise DataFileError(f"{path} cannot be read as JSON ({error}).", "Fetch the file again.") from error


class _Entries:
    def __init__(self, file: TextIOBase) -> None:
        self._file = file
        self._text = ""
        self._decoder = json.JSONDecoder()

    def read(self) -> Iterator[tuple[str, object]]:
        opening = self._next()
        closing = {"{": "}", "[": "]"}.get(opening)
        if closing is None:
            raise JSONDecodeError("neither an object nor a list", opening, 0)
        self._skip(opening)
        count = 0
        while self._next() != closing:
            if count:
                self._skip(",")
            key: object = count
            if closing == "}":
                key = self._value()
                self._skip(":")
            yield str(key), self._value()
            count += 1

    def _more(self) -> bool:
        chunk = self._file.read(max(_CHUNK, len(self._text)))  # grows, so that one long entry is not read again often
        self._text += chunk
        return bool(chunk)

    def _next(self) -> str:
        """The next letter that is no blank; it stays."""
        while True:
            self._text = self._text.lstrip(_BLANK)
            if self._text:
                return self._text[0]
            if not self._more():
                raise JSONDecodeError("the file is cut off", "", 0)

    def _skip(self, letter: str) -> None:
        if self._next() != letter:
            raise JSONDecodeError(f"expected {letter}", self._text[:20], 0)
        self._text = self._text[1:]

    def _value(self) -> object:
        self._next()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text)
            except JSONDecodeError:
                if not self._more():
                    raise
                continue
            if end == len(self._text) and self._more():
                continue  # a number may go on in the next chunk
            self._text = self._text[end:]
            found: object = value
            return found
