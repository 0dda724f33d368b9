"""Where a person's way of rating is kept between two windows: one small JSON file among the settings of this system."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from platformdirs import user_config_path

from napari_seagull.views.rate_settings import RateSettings

CONFIG_VARIABLE = "SEAGULL_CONFIG"


def settings_file(environ: Mapping[str, str]) -> Path:
    """The file: in the folder that the environment's SEAGULL_CONFIG names, else where programs keep their settings."""
    named = environ.get(CONFIG_VARIABLE)
    folder = Path(named).expanduser() if named else user_config_path("napari-seagull", appauthor=False)
    return folder / "rating.json"


class RatingStore:
    """Reads and writes one person's settings; a file that cannot be read counts as none."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> RateSettings:
        """What is kept; what the plugin came with where there is nothing, or nothing that can be read."""
        try:
            stored = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return RateSettings()
        return RateSettings.read(stored) if isinstance(stored, dict) else RateSettings()

    def write(self, settings: RateSettings) -> str:
        """Keep these; "" or, where that is not possible, one sentence that says so."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self._path.parent, suffix=".part")
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(settings.to_json(), file, ensure_ascii=False, indent=1)
            Path(name).replace(self._path)
        except OSError as error:
            return f"Name and keys could not be kept for the next time ({error.strerror or error}: {self._path})."
        return ""
