"""`seagull data`: make labelled data from photographs, and read and fetch what others made."""

from __future__ import annotations

import typer

_HELP = "Make labelled data from photographs; look at it, fetch it, put it in words."

data_app = typer.Typer(no_args_is_help=True, help=_HELP)


@data_app.callback()
def _data() -> None:
    """Make labelled data from photographs; look at it, fetch it, put it in words."""
