"""A folder written whole or not at all: beside its place first, then in it."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

from seagull_iqa.errors import SeagullError
from seagull_iqa.formats.reading import FormatError
from seagull_iqa.formats.session_file import app_name

MARK = "seagull-export.json"
"""Says that we wrote a folder, so that we may replace it."""


def write_folder(path: Path, fill: Callable[[Path], None]) -> list[Path]:
    """Have a folder filled, then put it in its place; one that we exported before is replaced.

    Raises
    ------
    FormatError
        A folder or file is there that we did not write.
    SeagullError
        It cannot be written.
    """
    if path.exists() and not (path / MARK).is_file() and not (path.is_dir() and not any(path.iterdir())):
        raise FormatError(f"{path} is there already and was not exported by this program.", "Choose another name.")
    key = uuid.uuid4().hex
    fresh, old = path.parent / f".{key}.part", path.parent / f".{key}.old"
    try:
        fresh.mkdir(parents=True)
        fill(fresh)
        (fresh / MARK).write_text(json.dumps({"app": app_name()}), encoding="utf-8")
        if path.exists():
            path.rename(old)
        fresh.rename(path)
    except OSError as error:
        if old.exists() and not path.exists():
            old.rename(path)
        raise SeagullError(
            f"{path} cannot be written ({error.strerror or error}).", "Choose a folder that you may write to."
        ) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)
    return [path]
