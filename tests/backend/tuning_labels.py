"""Labels of a person whose scale is another than the model's, on the samples; for the tests of fine-tuning."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from seagull_iqa.domain.annotation import Annotation, Preference
from seagull_iqa.domain.region import Region, RegionMask
from seagull_iqa.formats.export import Export
from seagull_iqa.formats.session_document import SessionDocument, SessionImage, SessionRegion
from seagull_iqa.imaging.prepared import PreparedImage
from seagull_iqa.registry import load_model
from seagull_iqa.samples import samples


def cut(sample, side: int = 192) -> PreparedImage:
    """The middle of a sample, small enough to be quick."""
    from seagull_iqa.imaging.normalise import prepare

    rgb = sample.read().rgb
    row, column = (max(0, (length - side) // 2) for length in rgb.shape[:2])
    return prepare(rgb[row : row + side, column : column + side], rgb=True, name=sample.name)


def labelled(images: int = 4, regions: int = 6, unlabelled: int = 1, say=lambda quality, _k: 40 + 0.5 * quality):
    """Exports of that many samples; of each all regions but the last few have a label that `say` makes of the score."""
    model, random, made = load_model(), np.random.default_rng(0), []
    for sample in samples()[:images]:
        image = cut(sample)
        boxes = [random.integers(0, 96, 2) for _ in range(regions)]
        found = [
            Region(RegionMask.from_box(image.shape, (int(r), int(c), int(r) + 90, int(c) + 90)), f"{sample.name} {k}")
            for k, (r, c) in enumerate(boxes)
        ]
        scores = [one.quality for one in model.assess(model.look(image.rgb), found)]
        said = tuple(
            Annotation(one.id, "Ann", float(np.clip(say(score, k), 0, 100)))
            for k, (one, score) in enumerate(zip(found, scores, strict=True)) if k < regions - unlabelled
        )  # fmt: skip
        facts = SessionImage(image.shape, sample.name, "", "", image.sha256, image.pixels, (((), image.sha256),))
        document = SessionDocument(facts, tuple(SessionRegion(one) for one in found), annotations=said)
        made.append(Export(document, image))
    return made


def pairs_of(exports) -> tuple[Preference, ...]:
    """Comparisons of neighbours by their labels."""
    said = sorted((one.quality, one.region) for export in exports for one in export.document.annotations)
    return tuple(Preference(better, worse) for (_a, worse), (_b, better) in pairwise(said))
