"""Write the catalogue of `seagull data fetch` from the development data: `make_data_catalogue.py DATA_FOLDER`."""

from __future__ import annotations

import csv
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from seagull_iqa.imaging.files import read_image

OUT = Path(__file__).parent.parent / "backend" / "seagull_iqa" / "data" / "catalogue.json"

SETS = {
    "photos": {
        "title": "222 near-pristine photographs, lossless WebP: 182 to train on, 40 held out for protocol 1",
        "licence": "per file, see photos/manifest.csv",
        "list": "photos/manifest.csv",
    },
    "live-itw": {
        "title": "389 photographs of LIVE In the Wild with authentic distortions and human scores (folds 0 to 4)",
        "licence": "free use with the notice of the University of Texas at Austin, which comes with the files",
        "list": "live-itw/mos.csv",
    },
}

# Which collections the photographs are from, and where their makers offer them.
COLLECTIONS = {
    "cid22": {
        "title": "Cloudinary Image Dataset '22, reference images",
        "address": "https://cloudinary.com/labs/cid22",
        "how": "Fetch the reference images and give their folder: the pixels are the same.",
    },
    "gb82": {
        "title": "gb82 image set",
        "address": "https://github.com/gianni-rosato/gb82-image-set",
        "how": "Fetch it, turn its .jxl files into PNG (djxl does it) and give their folder: the pixels are the same.",
    },
    "clic25": {
        "title": "CLIC 2025, Unsplash photographs",
        "address": "https://clic2025.compression.cc",
        "how": "Ours are half their size; only a mirror of our files has them.",
    },
    "wallpapers": {
        "title": "Wallpapers of elementary OS and Budgie",
        "address": "https://github.com/elementary/wallpapers and https://github.com/BuddiesOfBudgie/budgie-backgrounds",
        "how": "Ours are 1024 px wide; only a mirror of our files has them.",
    },
    "live-itw": {
        "title": "LIVE In the Wild Image Quality Challenge database (Ghadiyaram and Bovik, IEEE TIP 2016)",
        "address": "http://live.ece.utexas.edu/research/ChallengeDB/index.html",
        "how": "Fetch the database and give its folder: the image files are the same.",
    },
}


def entry(data: Path, path: Path, collection: str) -> dict[str, object]:
    """What is known of any file."""
    content = path.read_bytes()
    return {
        "file": path.relative_to(data).as_posix(),
        "collection": collection,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def photographs(data: Path) -> list[dict[str, object]]:
    """The rows of photos/manifest.csv with size and hashes; `pixels` is the hash of the decoded image."""
    with (data / "photos" / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    found = []
    for row in rows:
        path = data / "photos" / row["file"]
        source = row["source"] if row["source"] in COLLECTIONS else "wallpapers"
        found.append({**entry(data, path, source), "pixels": read_image(path).sha256, "row": row})
    return found


def human_scored(data: Path) -> list[dict[str, object]]:
    """LIVE In the Wild without the reserve, whose people are kept for simulating users."""
    folder = data / "live-itw"
    with (folder / "mos.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["use"] != "reserve"]
    return [{**entry(data, folder / "images" / row["file"], "live-itw"), "row": row} for row in rows]


def main() -> None:
    """Write the catalogue."""
    data = Path(sys.argv[1])
    files = {"photos": photographs(data), "live-itw": human_scored(data)}
    document: dict[str, Any] = {
        "format": "seagull-catalogue",
        "version": 1,
        "collections": COLLECTIONS,
        "sets": {name: {**about, "files": files[name]} for name, about in SETS.items()},
    }
    # The scores of LIVE In the Wild may be passed on with this notice, and only so.
    notice = data / "live-itw" / "README_LIVE_COPYRIGHT.txt"
    document["sets"]["live-itw"]["notices"] = {"live-itw/README_LIVE_COPYRIGHT.txt": notice.read_text(encoding="utf-8")}
    OUT.write_text(json.dumps(document, separators=(",", ":"), ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{OUT.name}: {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
