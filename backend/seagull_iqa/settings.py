"""What the environment says to the server: read once, at the start, and handed on as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

TOKEN_VARIABLE = "SEAGULL_TOKEN"


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
