"""The two files of evaluation protocol 1, packed as .xz, so that the photographs are all that it wants."""

from __future__ import annotations

import lzma
from pathlib import Path

_FOLDER = Path(__file__).parent


def unpacked(name: str) -> bytes:
    """The bytes of "cases.jsonl" or "regions.json", as frozen."""
    return lzma.decompress((_FOLDER / f"{name}.xz").read_bytes())
