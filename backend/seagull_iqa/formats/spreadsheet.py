"""Texts that a spreadsheet would run: made harmless by an apostrophe, and back."""

from __future__ import annotations

import re

_RUN = re.compile("'*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
"""What Excel and its kin take for a formula (CWE-1236), in the wide letters of East Asia too; and what we defused."""


def defused(value: object) -> object:
    """Text that would be run, or that looks as if we had defused it, with an apostrophe in front; all else as it is."""
    return f"'{value}" if isinstance(value, str) and _RUN.match(value) else value


def armed(text: str) -> str:
    """The inverse: without our apostrophe."""
    return text[1:] if text.startswith("'") and _RUN.match(text) else text
