"""Many names at once, by a pattern such as "Cell {nn}"."""

from __future__ import annotations

import re
from collections.abc import Sequence

NUMBER = re.compile(r"\{(n+)\}")
OLD_NAME = "{name}"


def names_of(pattern: str, old: Sequence[str]) -> list[str]:
    """A new name for each old one.

    Parameters
    ----------
    pattern : str
        "{n}" is 1, 2, 3, ..., "{nn}" 01, 02, 03, ..., "{name}" the old name. Where none of them stands in it and there
        are several names, a number follows, so that no two are the same.
    old : sequence of str
        In the order in which they are counted.
    """
    pattern = pattern.strip()
    if len(old) > 1 and not NUMBER.search(pattern) and OLD_NAME not in pattern:
        pattern = f"{pattern} {{n}}"

    def made(number: int, name: str) -> str:
        counted = NUMBER.sub(lambda found: str(number).zfill(len(found[1])), pattern)
        return counted.replace(OLD_NAME, name).strip()

    return [made(number, name) for number, name in enumerate(old, 1)]
