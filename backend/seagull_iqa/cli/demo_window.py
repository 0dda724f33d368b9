"""Open the demonstration in napari, where there is a screen, through whoever offers such a window.

The backend knows no napari: the plugin announces its function as an entry point, and this module calls it.
"""

from __future__ import annotations

import os
import sys
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import TYPE_CHECKING

from seagull_iqa.errors import SeagullError

if TYPE_CHECKING:
    from seagull_iqa.cli.report_files import Scored
    from seagull_iqa.domain.report import ScoreMap
    from seagull_iqa.imaging.prepared import PreparedImage
    from seagull_iqa.samples import Sample

GROUP = "seagull_iqa.windows"
"""Entry point group; its "demo" takes (sample, image, regions, reports, quality map) and returns when it is shut."""

_BINDINGS = ("PyQt6", "PySide6", "PyQt5", "PySide2")


def why_no_window() -> str:
    """Why no window can be opened here; empty where one can."""
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return "there is no screen here."
    if find_spec("napari") is None or not any(find_spec(name) for name in _BINDINGS):
        return 'napari is not installed; run `pip install "napari-seagull[napari]"`.'
    return "" if _window() else "the napari plugin is not installed."


def _window() -> EntryPoint | None:
    return next(iter(entry_points(group=GROUP, name="demo")), None)


def open_window(sample: Sample, image: PreparedImage, scored: Scored, quality: ScoreMap) -> None:
    """Show the sample, its scored regions and its map; returns when the person closes the window."""
    window = _window()
    if window is None:
        raise SeagullError("The napari plugin is not installed.", "Install napari-seagull again.")
    show = window.load()
    show(sample, image, [region for region, _ in scored], [report for _, report in scored], quality)
