"""What a person prefers, as napari keeps it for us: read once and whenever it changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from napari_seagull.connection.backend import RemoteServer
from napari_seagull.connection.process import LocalServer
from napari_seagull.layers.choice import Way

PLUGIN = "napari-seagull"
NO_MODEL = "as the server has it"


@dataclass(frozen=True)
class Preferences:
    """The page "SEAGULL region quality" of napari's Preferences.

    Attributes
    ----------
    url, token : str
        Of a server that somebody runs; an empty address means a process of our own. The token is no part of the
        representation, so that no log holds it.
    model : str
        Which model answers when the panel opens; "" leaves it to the server.
    live : bool
        Every edit is scored as soon as it has ended.
    way : Way
        What is scored when the panel opens.
    rest_ms : int
        After so long without a change an edit has ended.
    map_opacity : float
        0..1
    map_key : str
        Shows and hides the map; "" for none.
    tour : bool
        The tour is shown when the panel opens.
    """

    url: str = ""
    token: str = field(default="", repr=False)
    model: str = ""
    live: bool = True
    way: Way = Way.AUTOMATIC
    rest_ms: int = 250
    map_opacity: float = 0.6
    map_key: str = "H"
    tour: bool = True

    @property
    def server(self) -> LocalServer | RemoteServer:
        """Whom to talk to."""
        return RemoteServer(self.url, self.token) if self.url else LocalServer()


class PreferenceStore:
    """napari's settings of our plugin; where napari has none (an older one, a test), what the plugin comes with."""

    def __init__(self, settings: Any = None) -> None:  # noqa: ANN401
        self._settings = settings
        self._listeners: list[Callable[[], None]] = []
        if settings is not None:
            settings.events.changed.connect(self._on_changed)

    @classmethod
    def of_napari(cls) -> PreferenceStore:
        """The settings that napari keeps for us."""
        try:
            from napari.settings import get_plugin_settings

            return cls(get_plugin_settings(PLUGIN))
        except (ImportError, KeyError):
            return cls()

    def read(self) -> Preferences:
        """What is preferred now."""
        kept = self._settings
        if kept is None:
            return Preferences(tour=False)
        model = str(kept.server.model)
        return Preferences(
            url=str(kept.server.url).strip(),
            token=str(kept.server.token).strip(),
            model="" if model == NO_MODEL else model,
            live=bool(kept.scoring.live),
            way=Way(str(kept.scoring.pixels)),
            rest_ms=int(kept.scoring.rest_ms),
            map_opacity=float(kept.colors.map_opacity),
            map_key=str(kept.keys.toggle_map).strip(),
            tour=bool(kept.start.tour),
        )

    def end_tour(self) -> None:
        """Do not show the tour by itself again."""
        if self._settings is not None and self._settings.start.tour:
            self._settings.start.tour = False

    def listen(self, call: Callable[[], None]) -> None:
        """Call that whenever something is preferred otherwise."""
        self._listeners.append(call)

    def close(self) -> None:
        """Listen no more."""
        self._listeners.clear()
        if self._settings is not None:
            self._settings.events.changed.disconnect(self._on_changed)

    def _on_changed(self, _event: object = None) -> None:
        for call in self._listeners:
            call()
