"""Make the shipped samples from the development photographs: `SEAGULL_DATA=... python scripts/make_samples.py`.

The regions below were drawn by hand on a view of 1092 x 1092; `SCALE` brings them to the 576 x 576 photographs.
Row before column everywhere.
"""

from __future__ import annotations

import json
import os
import sys
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

import seagull_iqa.samples
from seagull_iqa.data.distort import Applied, distort
from seagull_iqa.domain.distortion import Distortion
from seagull_iqa.imaging.region_files import FORMAT, VERSION, regions_of

SCALE = 576 / 1092
SOURCE = "gb82 image set (CC0)"
MOST_BYTES = 300_000

# name -> title, what is applied (with the region it is confined to, or None), regions
SAMPLES: dict[str, tuple[str, tuple[Applied, str | None] | None, dict[str, dict[str, Any]]]] = {
    "girl": (
        "Girl with a phone: the face is blurred",
        (Applied(Distortion.BLUR, 4), "face"),
        {
            "face": {
                "polygon": [
                    (190, 622), (130, 650), (100, 700), (95, 790), (110, 870), (160, 915), (230, 938), (310, 946),
                    (420, 945), (500, 925), (560, 885), (595, 820), (590, 755), (550, 695), (480, 655), (400, 640),
                    (290, 632),
                ]
            },
            "hair on the left": {
                "polygon": [
                    (255, 575), (335, 618), (420, 632), (500, 650), (580, 720), (640, 745), (740, 750), (830, 715),
                    (880, 630), (850, 560), (760, 520), (650, 510), (520, 490), (450, 515), (340, 562),
                ]
            },
            "headband": {
                "polygon": [
                    (325, 622), (250, 597), (150, 625), (95, 690), (65, 740), (70, 830), (95, 885), (140, 925),
                    (210, 955), (190, 930), (140, 900), (105, 850), (92, 770), (105, 700), (150, 650), (230, 622),
                ]
            },
            "phone": {
                "polygon": [
                    (420, 208), (432, 290), (460, 368), (500, 366), (735, 302), (748, 260), (735, 180), (700, 135),
                ]
            },
            "striped shirt": {
                "polygon": [
                    (870, 530), (885, 640), (835, 722), (880, 745), (905, 790), (915, 900), (975, 1010), (930, 1090),
                    (1090, 1090), (1090, 530),
                ]
            },
        },
    ),
    "guitar": (
        "Guitar: the whole photograph is JPEG-compressed",
        (Applied(Distortion.COMPRESSION, 4), None),
        {
            "body": {
                "polygon": [
                    (248, 490), (246, 430), (262, 385), (300, 355), (350, 352), (410, 375), (470, 408), (520, 408),
                    (560, 380), (640, 342), (740, 318), (850, 322), (940, 360), (1010, 420), (1055, 490), (1075, 570),
                    (1050, 650), (990, 710), (900, 760), (800, 785), (700, 780), (620, 745), (520, 715), (420, 690),
                    (360, 600), (390, 530), (320, 515),
                ]
            },
            "neck": {"polygon": [(0, 460), (0, 512), (180, 557), (390, 598), (390, 530), (260, 503)]},
            "tailpiece": {
                "polygon": [(755, 675), (755, 695), (920, 688), (1050, 680), (1090, 612), (870, 585), (860, 605)]
            },
            "sound hole": {
                "polygon": [
                    (540, 460), (540, 482), (565, 490), (600, 467), (690, 465), (780, 430), (855, 405), (850, 382),
                    (815, 380), (800, 415), (680, 418), (600, 442),
                ]
            },
            "bass drum": {
                "polygon": [
                    (275, 800), (300, 850), (370, 888), (470, 898), (570, 880), (640, 840), (660, 805), (610, 750),
                    (560, 735), (470, 708), (370, 715), (310, 750),
                ]
            },
        },
    ),
    "night": (
        "Street at night: the sky is noisy",
        (Applied(Distortion.NOISE, 3), "night sky"),
        {
            "night sky": {"box": (0, 0, 420, 465)},
            "shop window": {"box": (648, 645, 1000, 1010)},
            "one-way sign": {"polygon": [(548, 425), (540, 543), (580, 544), (588, 427)]},
            "street name": {"polygon": [(478, 498), (465, 617), (493, 616), (505, 500)]},
            "brick front": {
                "polygon": [(120, 588), (120, 805), (380, 822), (515, 830), (528, 1088), (645, 1088), (645, 588)]
            },
        },
    ),
    "bulb": (
        "Light bulb: the whole photograph is under-exposed",
        (Applied(Distortion.EXPOSURE, 4, -1), None),
        {
            "glass": {
                "polygon": [
                    (488, 495), (560, 462), (630, 440), (690, 434), (730, 468), (755, 518), (762, 545), (750, 595),
                    (715, 630), (660, 643), (600, 641), (530, 637), (485, 600),
                ]
            },
            "filament": {"polygon": [(530, 532), (530, 560), (690, 552), (692, 512), (640, 525)]},
            "socket": {
                "polygon": [
                    (308, 575), (320, 630), (360, 660), (455, 656), (520, 636), (475, 590), (470, 540), (502, 490),
                    (430, 487), (345, 525),
                ]
            },
            "cable": {
                "polygon": [
                    (42, 640), (42, 700), (85, 730), (200, 860), (330, 990), (418, 1091), (475, 1091), (380, 1005),
                    (250, 860), (130, 730), (98, 660),
                ]
            },
            "leaves behind": {"box": (800, 0, 1092, 500)},
        },
    ),
    "baby": (
        "Grandfather and baby: as it was found",
        None,
        {
            "baby's head": {
                "polygon": [
                    (660, 168), (600, 210), (550, 262), (515, 330), (503, 400), (510, 470), (545, 545), (600, 592),
                    (665, 615), (760, 632), (830, 655), (900, 645), (960, 625), (1010, 600), (1028, 540), (1060, 460),
                    (1072, 400), (1050, 350), (1000, 305), (950, 262), (870, 205), (790, 172), (720, 163),
                ]
            },
            "baby's eyes": {"polygon": [(845, 300), (745, 430), (755, 510), (815, 505), (910, 365), (915, 300)]},
            "glasses": {"box": (105, 225, 245, 770)},
            "grandfather's smile": {"ellipse": (318, 345, 410, 595)},
            "white background": {
                "polygon": [
                    (0, 800), (0, 1091), (690, 1091), (620, 1000), (560, 890), (530, 800), (450, 712), (350, 722),
                    (220, 760),
                ]
            },
        },
    ),
    "sunset": (
        "Sunset over a town: as it was found",
        None,
        {
            "clouds": {"box": (0, 0, 340, 1092)},
            "glow": {"ellipse": (440, 290, 605, 850)},
            "flagpole": {"box": (406, 686, 612, 708)},
            "lit windows": {"box": (770, 272, 865, 636)},
            "dark roofs": {"box": (880, 650, 1092, 1092)},
        },
    ),
}  # fmt: skip


def _scaled(shape: dict[str, Any]) -> dict[str, Any]:
    (kind, values), = shape.items()
    if kind == "box":
        return {kind: [round(value * SCALE) for value in values]}
    rounded = (np.asarray(values, dtype=float) * SCALE).round(1)
    return {kind: rounded.tolist()}


def _document(name: str, regions: dict[str, dict[str, Any]], shape: tuple[int, int]) -> dict[str, Any]:
    entries = [
        {"id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"napari-seagull/samples/{name}/{title}")), "name": title}
        | _scaled(drawn)
        for title, drawn in regions.items()
    ]
    image = {"name": f"{name}.webp", "height": shape[0], "width": shape[1]}
    return {"format": FORMAT, "version": VERSION, "image": image, "regions": entries}


def _spoil(pixels: np.ndarray, applied: Applied, mask: np.ndarray | None) -> np.ndarray:
    image = torch.from_numpy(pixels.astype(np.float32) / 255).permute(2, 0, 1)
    where = None if mask is None else torch.from_numpy(mask)
    spoiled = distort(image, [applied], seed=0, where=where)
    return (spoiled * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()


def make(name: str, photographs: Path, folder: Path) -> dict[str, Any]:
    """Write one sample and its regions; its entry of the manifest."""
    title, spoiling, drawn = SAMPLES[name]
    with Image.open(photographs / f"gb82_{name}-lossless.webp") as opened:
        pixels = np.asarray(opened.convert("RGB"))
    document = _document(name, drawn, pixels.shape[:2])
    spoiled: dict[str, Any] = {}
    if spoiling is not None:
        applied, where = spoiling
        regions = {region.name: region for region in regions_of(document, pixels.shape[:2])}
        pixels = _spoil(pixels, applied, None if where is None else regions[where].mask.pixels)
        spoiled = {
            "distortion": applied.distortion.value,
            "severity": applied.severity.word,
            "strength": applied.strength,
            "direction": applied.direction,
            "where": where or "whole image",
        }
    file = folder / f"{name}.webp"
    Image.fromarray(pixels).save(file, lossless=True, quality=100, method=6, exact=True)
    (folder / f"{name}.json").write_text(json.dumps(document) + "\n", encoding="utf-8")
    size = file.stat().st_size
    print(f"{name}: {size:,} bytes, {title}")
    if size > MOST_BYTES:
        sys.exit(f"{file} is larger than {MOST_BYTES:,} bytes.")
    return {
        "name": name, "title": title, "file": file.name, "source": SOURCE, "licence": "CC0-1.0",
        "original": f"gb82_{name}", "spoiled": spoiled,
    }  # fmt: skip


def main() -> None:
    """Make them all."""
    photographs = Path(os.environ["SEAGULL_DATA"]) / "photos"
    folder = Path(seagull_iqa.samples.__file__).parent
    entries = [make(name, photographs, folder) for name in SAMPLES]
    text = json.dumps({"samples": entries}, indent=2)
    (folder / "samples.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
