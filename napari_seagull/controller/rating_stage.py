"""The canvas while one rates: a drag moves the view, and nothing but outlines lies over the pixels that are judged."""

from __future__ import annotations

from typing import Any, Protocol

from napari_seagull.controller.desk import MAP, PAINTED, REGIONS, Desk, role_of

CONTOUR_PX = 2

WANTED: dict[str, dict[str, object]] = {
    REGIONS: {"mode": "pan_zoom"},
    PAINTED: {"mode": "pan_zoom", "contour": CONTOUR_PX},
    MAP: {"visible": False},
}
"""Role of a layer of ours -> what it is like meanwhile."""


class PlainSwitch(Protocol):
    """Leaves the scores off the canvas, or brings them back."""

    def __call__(self, *, plain: bool) -> None:
        """True leaves them off."""


class RatingStage:
    """Puts away what would lead or disturb, and brings it back as it was."""

    def __init__(self, desk: Desk, show_plain: PlainSwitch) -> None:
        self._desk, self._show_plain = desk, show_plain
        self._put_away: list[tuple[Any, str, object]] = []

    def set_up(self) -> None:
        """Put it away."""
        for layer in self._desk.viewer.layers:
            for name, value in WANTED.get(role_of(layer), {}).items():
                self._put_away.append((layer, name, getattr(layer, name)))
                setattr(layer, name, value)
        self._show_plain(plain=True)

    def strike(self) -> None:
        """Bring it back."""
        for layer, name, value in reversed(self._put_away):
            setattr(layer, name, value)
        self._put_away.clear()
        self._show_plain(plain=False)
