"""Amounts in the words of a person: "2 regions", "1.2 of 8 GB"."""

from __future__ import annotations

UNITS = ((10**9, "GB"), (10**6, "MB"), (10**3, "kB"))


def counted(many: int, what: str) -> str:
    """ "1 region", "2 regions"."""
    return f"{many:,} {what}{'' if many == 1 else 's'}"


def size_words(nbytes: int) -> str:
    """A number of bytes: "14.1 GB", "3 MB", "0 B"."""
    factor, unit = _unit_of(nbytes)
    return f"{_number(nbytes, factor)} {unit}"


def share_words(part: int, whole: int) -> str:
    """So many bytes of so many: "1.2 of 8 GB", "40 MB of 8 GB"."""
    return share_in_one_unit(part, whole) if _fits_unit(part, whole) else f"{size_words(part)} of {size_words(whole)}"


def share_in_one_unit(part: int, whole: int) -> str:
    """So many bytes of so many, always in the unit of the whole, so that a running number keeps its unit."""
    factor, unit = _unit_of(whole)
    return f"{_number(part, factor)} of {_number(whole, factor)} {unit}"


def _fits_unit(part: int, whole: int) -> bool:
    return not part or _unit_of(part) == _unit_of(whole) or part >= _unit_of(whole)[0] / 10


def _unit_of(nbytes: int) -> tuple[int, str]:
    return next(((factor, unit) for factor, unit in UNITS if nbytes >= factor), (1, "B"))


def _number(nbytes: int, factor: int) -> str:
    """One decimal of gigabytes, none of what is smaller."""
    digits = 1 if factor == UNITS[0][0] else 0
    return f"{nbytes / factor:.{digits}f}".removesuffix(".0")
