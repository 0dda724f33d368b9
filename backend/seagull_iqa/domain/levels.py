"""The paper's level words for quality and importance, and the numbers they stand for."""

from __future__ import annotations

QUALITY_WORDS = ("bad", "poor", "fair", "good", "excellent")
"""Quality 0, 25, 50, 75, 100 (SEAGULL, arXiv 2411.10161)."""

IMPORTANCE_WORDS = ("unimportant", "minor", "normal", "important", "essential")
"""Importance 0, 25, 50, 75, 100."""


def level_value(index: int) -> float:
    """The number, 0..100, of the level with that index 0..4."""
    return 25.0 * index


def _nearest(words: tuple[str, ...], value: float) -> str:
    return words[int(min(max(value, 0.0), 100.0) / 25.0 + 0.5)]


def quality_word(value: float) -> str:
    """The level word nearest to a quality of 0..100 (half-way goes up)."""
    return _nearest(QUALITY_WORDS, value)


def importance_word(value: float) -> str:
    """The level word nearest to an importance of 0..100 (half-way goes up)."""
    return _nearest(IMPORTANCE_WORDS, value)
