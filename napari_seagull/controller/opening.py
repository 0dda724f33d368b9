"""Files of images read as napari itself reads them, on any thread, with a mark of where they came from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari_seagull.controller.desk import ROLE_KEY
from seagull_iqa.errors import ImageError

LayerData = tuple[Any, dict[str, Any], str]


def read_layers(path: Path) -> list[LayerData]:
    """The layers of a file.

    Raises
    ------
    ImageError
        No reader that is installed knows it, or it is damaged.
    """
    from npe2 import read

    try:
        found = read([str(path)], stack=False)
    except (OSError, ValueError, LookupError, TypeError, RuntimeError, SyntaxError, AttributeError) as error:
        raise ImageError(f"{path.name} cannot be opened ({error}).", "Check the file.") from error
    made: list[LayerData] = []
    for layer in found:
        data, keywords, kind = (*layer, {}, "image")[:3] if len(layer) < 3 else layer
        known = dict(keywords or {})
        known["metadata"] = {**known.get("metadata", {}), ROLE_KEY: {"file": str(path)}}
        known.setdefault("name", path.stem)
        made.append((data, known, kind))
    return made
