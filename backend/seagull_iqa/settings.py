"""What the environment says to the server: read once, at the start, and handed on as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

TOKEN_VARIABLE = "SEAGULL_TOKEN"
CACHE_VARIABLE = "SEAGULL_CACHE"


@dataclass(frozen=True)
class Settings:
    """What the environment says.

    Attributes
    ----------
    token : str or None
        The token that clients must show; None where the environment names none. Not part of the representation.
    """

    token: str | None = None

    def __repr__(self) -> str:
        return f"Settings(token={'***' if self.token else None})"


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Read the variables of this program; an empty one counts as absent."""
    return Settings(token=environ.get(TOKEN_VARIABLE) or None)


def looks_home(environ: Mapping[str, str]) -> Path:
    """Folder of the looks that are kept; it need not exist.

    In the environment's SEAGULL_CACHE, else in the place for a program's cache on this system: ~/.cache on Linux,
    ~/Library/Caches on macOS, %LOCALAPPDATA% on Windows, with napari-seagull in it.
    """
    named = environ.get(CACHE_VARIABLE)
    if named:
        return Path(named).expanduser() / "looks"
    from platformdirs import user_cache_path

    return user_cache_path("napari-seagull", appauthor=False) / "looks"
