"""Which session files a person learns from, kept between two windows: one small JSON file among the settings."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from napari_seagull.controller.rating_store import settings_file
from seagull_iqa.errors import SeagullError
from seagull_iqa.imaging.saving import save_text

FILE_NAME = "fine-tuning.json"
MOST_FILES = 5_000


@dataclass(frozen=True)
class TuningFiles:
    """Session files that are learned from, and those that a person has left out, by their paths."""

    chosen: tuple[str, ...] = ()
    left_out: frozenset[str] = field(default_factory=frozenset)

    def with_files(self, paths: Iterable[Path], *, asked: bool) -> TuningFiles:
        """These too; without being `asked` for, not those that were left out."""
        named = [str(path) for path in paths]
        wanted = [path for path in named if asked or path not in self.left_out]
        left_out = self.left_out - frozenset(named) if asked else self.left_out
        return TuningFiles(tuple(dict.fromkeys([*self.chosen, *wanted]))[-MOST_FILES:], left_out)

    def without(self, paths: Iterable[str]) -> TuningFiles:
        """Not these any more."""
        gone = frozenset(paths)
        return TuningFiles(tuple(path for path in self.chosen if path not in gone), self.left_out | gone)


class TuningStore:
    """Reads and writes them; a file that cannot be read counts as none."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._path = settings_file(environ).with_name(FILE_NAME)

    def read(self) -> TuningFiles:
        """What is kept."""
        try:
            stored = json.loads(self._path.read_text(encoding="utf-8"))
            chosen, left_out = stored["sessions"], stored["left_out"]
        except (OSError, ValueError, TypeError, KeyError):
            return TuningFiles()
        if not all(isinstance(found, list) for found in (chosen, left_out)):
            return TuningFiles()
        kept = tuple(path for path in chosen if isinstance(path, str))
        return TuningFiles(kept[-MOST_FILES:], frozenset(path for path in left_out if isinstance(path, str)))

    def write(self, files: TuningFiles) -> str:
        """Keep these; "" or, where that is not possible, one sentence that says so."""
        try:
            told = {"sessions": list(files.chosen), "left_out": sorted(files.left_out)}
            save_text(self._path, json.dumps(told, ensure_ascii=False, indent=1) + "\n")
        except SeagullError as error:
            return f"The list of sessions could not be kept for the next time: {error}"
        return ""
