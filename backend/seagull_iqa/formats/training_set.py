"""What people said as a data set that `seagull train --human` and `seagull evaluate --data` read: COCO with images."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from seagull_iqa.domain.annotation import Annotation
from seagull_iqa.domain.distortion import Finding, worst_first
from seagull_iqa.formats.coco_file import annotation_of, coco_text, types
from seagull_iqa.formats.entries import preference_values
from seagull_iqa.formats.export import Export
from seagull_iqa.formats.folders import write_folder
from seagull_iqa.formats.reading import FormatError
from seagull_iqa.formats.values import mean_label
from seagull_iqa.imaging.saving import png_bytes, save_text

LABELS = "labels.json"
IMAGES = "images"


def write_training(path: Path, export: Export) -> list[Path]:
    """The data set of one session; see `write_training_sets`."""
    return write_training_sets(path, [export])


def write_training_sets(path: Path, exports: Sequence[Export]) -> list[Path]:
    """A folder with `labels.json` and `images/*.png`, the very pixels that were judged.

    A region's quality and importance are the means over its annotators, each of whom counts with the newest word;
    regions of which nobody said anything are left out, and so are images without any.

    Raises
    ------
    FormatError
        Nobody said anything of any region.
    """
    labelled = [(number, export) for number, export in enumerate(exports, 1) if any(_labelled(export))]
    if not labelled:
        raise FormatError("No region of this session has a label of a person.", "Annotate some regions first.")

    def fill(folder: Path) -> None:
        (folder / IMAGES).mkdir()
        images: list[dict[str, Any]] = []
        notes: list[dict[str, Any]] = []
        for number, export in labelled:
            name = f"{number:04d}-{_file_name(export.facts.name)}.png"
            (folder / IMAGES / name).write_bytes(png_bytes(export.pixels.rgb))
            images.append({"id": number, "file_name": name, "height": export.shape[0], "width": export.shape[1]})
            for note in _labelled(export):
                notes.append({**note, "id": len(notes) + 1, "image_id": number})
        save_text(folder / LABELS, coco_text(images, notes))
        compared = [preference_values(one) for _, export in labelled for one in export.document.preferences]
        if compared:
            _save_preferences(folder, compared)

    write_folder(path, fill)
    return [path / LABELS]


def _save_preferences(folder: Path, compared: Sequence[dict[str, Any]]) -> None:
    """A line each, beside the labels: regions are named as in `attributes`."""
    save_text(folder / "preferences.jsonl", "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in compared))


def _labelled(export: Export) -> Iterator[dict[str, Any]]:
    for one in export.regions_here():
        said = export.document.counting(one.id)
        quality, importance = mean_label(said, "quality"), mean_label(said, "importance")
        found = _findings(said)
        if quality is None and importance is None and found is None:
            continue
        yield {
            **annotation_of(0, 0, one.region.mask), "quality": quality, "importance": importance,
            "types": types(found), "attributes": {"region": one.id, "name": one.region.name, "people": len(said)},
        }  # fmt: skip


def _findings(said: Sequence[Annotation]) -> tuple[Finding, ...] | None:
    """Every distortion that at least half of those who named any saw, at the severity in their middle."""
    voices = [note.findings for note in said if note.findings is not None]
    if not voices:
        return None
    seen: dict[Any, list[Any]] = {}
    for findings in voices:
        for one in findings:
            seen.setdefault(one.distortion, []).append(one.severity)
    return worst_first([
        Finding(distortion, sorted(levels)[(len(levels) - 1) // 2])
        for distortion, levels in seen.items() if 2 * len(levels) >= len(voices)
    ])  # fmt: skip


def _file_name(name: str) -> str:
    """A name that every system can write."""
    stem = Path(name.replace("\\", "/")).stem
    return re.sub(r"[^\w .-]", "_", stem).strip(" .")[:80] or "image"
