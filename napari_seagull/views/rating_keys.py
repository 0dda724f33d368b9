"""Which key does what while one rates: names of keys, the keys of every action, and how two of them clash."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from qtpy.QtCore import Qt
from qtpy.QtGui import QKeyEvent, QKeySequence

from seagull_iqa.domain.distortion import Distortion
from seagull_iqa.domain.levels import IMPORTANCE_WORDS, QUALITY_WORDS


class Act(StrEnum):
    """What a key can do; the value is how it is written into a file."""

    NEXT = "next"
    SKIP = "skip"
    BACK = "back"
    UNDO = "undo"
    HIGHER = "higher"
    LOWER = "lower"
    CLEAN = "clean"
    MODEL = "model"
    STOP = "stop"
    LEFT = "left"
    RIGHT = "right"
    EQUAL = "equal"


Deed = Act | Distortion | tuple[str, int]
"""An act, a distortion (its next severity), or ("quality" | "importance", index of the level 0..4)."""

WORDS: dict[Act, str] = {
    Act.NEXT: "Keep and go on",
    Act.SKIP: "Skip",
    Act.BACK: "Back to the last one",
    Act.UNDO: "Undo",
    Act.HIGHER: "Quality a little higher",
    Act.LOWER: "Quality a little lower",
    Act.CLEAN: "Nothing spoils it",
    Act.MODEL: "Show what the model says",
    Act.STOP: "End rating",
    Act.LEFT: "The left one is better",
    Act.RIGHT: "The right one is better",
    Act.EQUAL: "Both are equal",
}
PAIR_ACTS = frozenset({Act.LEFT, Act.RIGHT, Act.EQUAL})
SHARED_ACTS = frozenset({Act.SKIP, Act.UNDO, Act.STOP})
"""These work in both modes; the other ones while one region is rated."""

DEFAULT_KEYS: dict[str, str] = {
    **{f"quality {number}": str(number) for number in range(1, 6)},
    **{f"importance {number}": f"Shift+{number}" for number in range(1, 6)},
    **dict(zip((distortion.value for distortion in Distortion), "BNCETOS", strict=True)),
    Act.CLEAN: "0",
    Act.NEXT: "Return",
    Act.SKIP: "Space",
    Act.BACK: "Backspace",
    Act.UNDO: "U",
    Act.HIGHER: "Up",
    Act.LOWER: "Down",
    Act.MODEL: "M",
    Act.STOP: "Esc",
    Act.LEFT: "Left",
    Act.RIGHT: "Right",
    Act.EQUAL: "Down",
}
RESERVED = frozenset({"", "Tab", "Shift+Tab", "Shift+Backtab", "Backtab", "Ctrl+Z"})
"""Tab goes to the next field, and Ctrl+Z undoes everywhere."""


def deed_of(name: str) -> Deed:
    """What an entry of the map means; `ValueError` for none."""
    words = name.split()
    if len(words) == 2 and words[0] in ("quality", "importance") and words[1] in "12345":
        return words[0], int(words[1]) - 1
    return Distortion(name) if name in set(Distortion) else Act(name)


def words_of(name: str) -> str:
    """What a person reads beside the key."""
    deed = deed_of(name)
    if isinstance(deed, tuple):
        kind, level = deed
        return f"{kind.capitalize()}: {(QUALITY_WORDS if kind == 'quality' else IMPORTANCE_WORDS)[level]}"
    return f"{deed.value.capitalize()}, again for another severity" if isinstance(deed, Distortion) else WORDS[deed]


def works_in(name: str, *, pairs: bool) -> bool:
    """Whether that entry means anything while two regions are compared, or while one is rated."""
    deed = deed_of(name)
    shared = isinstance(deed, Act) and deed in SHARED_ACTS
    return shared or (isinstance(deed, Act) and deed in PAIR_ACTS) == pairs


@dataclass(frozen=True)
class RatingKeys:
    """The key of every deed.

    Attributes
    ----------
    keys : mapping of str to str
        Name of the deed (see `DEFAULT_KEYS`) -> name of its key, as Qt writes it: "B", "Shift+1", "Return".
    """

    keys: Mapping[str, str] = field(default_factory=lambda: MappingProxyType(dict(DEFAULT_KEYS)))

    @classmethod
    def read(cls, stored: Mapping[str, object]) -> RatingKeys:
        """The keys of a file; where they cannot be used, or clash, those that the plugin came with."""
        known = {name: str(key) for name, key in stored.items() if name in DEFAULT_KEYS and isinstance(key, str)}
        read = cls(MappingProxyType({**DEFAULT_KEYS, **known}))
        return cls() if read.clashes() else read

    def with_key(self, name: str, key: str) -> RatingKeys:
        """With another key for one deed; see `clashes`."""
        others = {other: own for other, own in self.keys.items() if other != name}
        return RatingKeys(MappingProxyType({**others, name: key}))  # last, so that a clash names what was there before

    def clashes(self) -> list[str]:
        """What is wrong with them, one sentence each; none where they can be used."""
        found = []
        for pairs in (False, True):
            taken: dict[str, str] = {}
            for name, key in self.keys.items():
                if not works_in(name, pairs=pairs):
                    continue
                if key in RESERVED:
                    found.append(f"“{key or 'No key'}” cannot be used for “{words_of(name)}”.")
                elif key in taken:
                    found.append(f"“{key}” is taken by “{words_of(taken[key])}”.")
                taken.setdefault(key, name)
        return list(dict.fromkeys(found))

    def deed(self, key: str, *, pairs: bool) -> Deed | None:
        """What a key does; None for nothing."""
        named = (name for name, own in self.keys.items() if own == key and works_in(name, pairs=pairs))
        return next((deed_of(name) for name in named), None)

    def hint(self, deed: Deed) -> str:
        """The key of a deed, short: "⇧1", "↵"."""
        name = f"{deed[0]} {deed[1] + 1}" if isinstance(deed, tuple) else deed.value
        return short(self.keys[name])

    def changed(self) -> dict[str, str]:
        """Those that differ from what the plugin came with: what is written into a file."""
        return {name: key for name, key in self.keys.items() if key != DEFAULT_KEYS[name]}


SIGNS = {
    "Shift+": "\N{UPWARDS WHITE ARROW}",
    "Return": "\N{DOWNWARDS ARROW WITH CORNER LEFTWARDS}",
    "Backspace": "\N{ERASE TO THE LEFT}",
    "Space": "\N{OPEN BOX}",
    "Left": "\N{LEFTWARDS ARROW}",
    "Right": "\N{RIGHTWARDS ARROW}",
    "Up": "\N{UPWARDS ARROW}",
    "Down": "\N{DOWNWARDS ARROW}",
}


def short(key: str) -> str:
    """A key in as few letters as can be."""
    for word, sign in SIGNS.items():
        key = key.replace(word, sign)
    return key


MODIFIERS = (
    (Qt.KeyboardModifier.ControlModifier, "Ctrl"),
    (Qt.KeyboardModifier.AltModifier, "Alt"),
    (Qt.KeyboardModifier.MetaModifier, "Meta"),
    (Qt.KeyboardModifier.ShiftModifier, "Shift"),
)
ALONE = {Qt.Key.Key_Shift, Qt.Key.Key_Control, Qt.Key.Key_Alt, Qt.Key.Key_Meta, Qt.Key.Key_AltGr, Qt.Key.Key_CapsLock}
X11_ROW = {10 + place: digit for place, digit in enumerate("1234567890")}
WINDOWS_ROW = {2 + place: digit for place, digit in enumerate("1234567890")}
MAC_ROW = dict(zip((18, 19, 20, 21, 23, 22, 26, 28, 25, 29), "1234567890", strict=True))


def key_name(event: QKeyEvent) -> str:
    """The name of the key that was pressed, with what was held: "B", "Shift+1"; "" for a modifier alone.

    The row of digits goes by where a key lies, since what Shift makes of it differs from keyboard to keyboard, and some
    have the digits on Shift.
    """
    if event.key() in ALONE:
        return ""
    held = [word for modifier, word in MODIFIERS if event.modifiers() & modifier]
    key = Qt.Key.Key_Return if event.key() == Qt.Key.Key_Enter else Qt.Key(event.key())
    return "+".join([*held, _digit(event) or QKeySequence(key).toString(QKeySequence.SequenceFormat.PortableText)])


def _digit(event: QKeyEvent) -> str:
    if sys.platform == "darwin":
        return MAC_ROW.get(event.nativeVirtualKey(), "") if event.nativeVirtualKey() else ""
    row = WINDOWS_ROW if sys.platform == "win32" else X11_ROW
    return row.get(event.nativeScanCode(), "")
