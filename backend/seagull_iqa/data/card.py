"""What stands beside the shards: the table of all regions, the facts as JSON, and the data card for a person."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seagull_iqa.data import card_text
from seagull_iqa.data.references import read_about
from seagull_iqa.data.shards import PART, columns_of, digest, read_rows, shard_path, table_path
from seagull_iqa.data.spec import CARD_FILE, BuildSpec
from seagull_iqa.errors import SeagullError
from seagull_iqa.imaging.saving import save_text

TABLE_FILE = "regions.csv"


@dataclass
class Counts:
    """Of a whole set, taken from its tables."""

    images: int = 0
    regions: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    places: Counter[str] = field(default_factory=Counter)
    """Regions of images that are spoiled everywhere ("all") or in one region ("region")."""
    types: Counter[str] = field(default_factory=Counter)
    """"blur:3" and the like, and "clean"."""
    mixtures: Counter[int] = field(default_factory=Counter)
    """Number of types in a region."""
    values: dict[str, Counter[int]] = field(default_factory=dict)
    """Tenths of 0..100, by column."""

    def add(self, row: dict[str, str]) -> None:
        """One region."""
        self.regions += 1
        self.kinds[row["kind"]] += 1
        self.places["all" if row["where"] == "all" else "region"] += 1
        types = row["types"].split("+")
        self.types.update(types)
        self.mixtures[0 if types == ["clean"] else len(types)] += 1
        for column in ("quality", "importance", "importance_ref"):
            self.values.setdefault(column, Counter())[min(9, int(float(row[column]) // 10))] += 1

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "images": self.images, "regions": self.regions, "kinds": dict(sorted(self.kinds.items())),
            "places": dict(sorted(self.places.items())), "types": dict(sorted(self.types.items())),
            "mixtures": {str(key): value for key, value in sorted(self.mixtures.items())},
            "tenths": {key: [value[tenth] for tenth in range(10)] for key, value in sorted(self.values.items())},
        }  # fmt: skip


def finish(spec: BuildSpec, identity: dict[str, Any], shards: int) -> None:
    """Write regions.csv, seagull-data.json and README.md of a set whose shards are all there."""
    paths = [shard_path(spec.out, number) for number in range(shards)]
    counts = Counts()
    _write_table(spec.out, paths, topiq=spec.topiq)
    for path in paths:
        keys = set()
        for row in read_rows(path):
            counts.add(row)
            keys.add(row["key"])
        counts.images += len(keys)
    facts = {
        **identity,
        "counts": counts.to_json(),
        "photographs_used": _photographs(spec.out),
        "shards": [
            {"name": f"shards/{path.name}", "bytes": path.stat().st_size, "sha256": digest(path)} for path in paths
        ],
    }
    save_text(spec.out / CARD_FILE, json.dumps(facts, indent=1, ensure_ascii=False) + "\n")
    save_text(spec.out / "README.md", card_text.card(facts))


def _write_table(out: Path, shards: list[Path], *, topiq: bool) -> None:
    # Piece by piece: the table of a large set does not fit into memory.
    partial = out / f".{TABLE_FILE}{PART}"
    try:
        _join(partial, shards, topiq=topiq)
        partial.replace(out / TABLE_FILE)
    except OSError as error:
        raise SeagullError(
            f"{error.filename or partial} cannot be read or written ({error.strerror or error}).",
            "Make room; where the table of a shard is missing, delete that shard. Then give the same command again.",
        ) from error


def _join(target: Path, shards: list[Path], *, topiq: bool) -> None:
    with target.open("wb") as file:
        file.write(",".join(columns_of(topiq=topiq)).encode() + b"\n")
        for shard in shards:
            file.write(table_path(shard).read_bytes().partition(b"\n")[2])


def _photographs(out: Path) -> list[dict[str, Any]]:
    """Who they are, those that were skipped too."""
    return [
        {key: about[key] for key in ("photograph", "sha256", "licence", "skipped") if about.get(key)}
        for about in _abouts(out)
    ]


def _abouts(out: Path) -> Iterator[dict[str, Any]]:
    for path in sorted((out / "references").glob("*.json")):
        about = read_about(out, int(path.stem))
        if about is not None:
            yield about
