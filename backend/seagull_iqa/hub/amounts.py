"""Bytes as a person reads them, and how many of them a folder holds."""

from __future__ import annotations

from pathlib import Path


def gigabytes(nbytes: int) -> str:
    """ "14.1 GB", "3.4 MB": decimal, as on the box of a disk."""
    if nbytes >= 10**9:
        return f"{nbytes / 10**9:.1f} GB"
    return f"{nbytes / 10**6:.1f} MB"


def folder_bytes(folder: Path) -> int:
    """Bytes of the files right in a folder; 0 where there is none."""
    if not folder.is_dir():
        return 0
    return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
