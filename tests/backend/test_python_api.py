"""The verbs for notebooks: what they take, what they give, and that the examples of the documentation run."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import seagull_iqa
from seagull_iqa.domain.region import Region, RegionMask
from seagull_iqa.errors import ImageError, ModelError, RegionError, ShapeMismatchError
from seagull_iqa.samples import samples

DOCUMENT = Path(__file__).parents[2] / "docs" / "python.md"


@pytest.fixture(scope="module")
def model():
    return seagull_iqa.load_model()


@pytest.fixture(scope="module")
def girl():
    return next(sample for sample in samples() if sample.name == "girl").read()


@pytest.fixture
def small(girl):
    return girl.rgb[100:228, 150:310]


def test_the_whole_image_is_scored_where_nothing_is_marked(model, small):
    (report,) = seagull_iqa.score(small, model=model)
    assert 0 <= report.quality <= 100
    assert report.quality_interval[0] <= report.quality <= report.quality_interval[1]
    assert report.pixels.source == "raw"


def test_masks_labels_and_regions_mean_the_same_pixels(model, small):
    mask = np.zeros(small.shape[:2], dtype=bool)
    mask[20:80, 30:100] = True
    region = Region(RegionMask.from_pixels(mask))
    labels = mask.astype(np.uint16) * 7
    ways = [mask, region, region.mask, labels, [mask], [region]]
    scores = [seagull_iqa.score(small, way, model=model)[0].quality for way in ways]
    assert scores == [scores[0]] * len(ways)


def test_every_label_is_a_region_in_the_order_of_the_values(model, small):
    labels = np.zeros(small.shape[:2], dtype=np.int32)
    labels[:60, :60], labels[70:, 80:] = 9, 2
    heard = []
    reports = seagull_iqa.score(small, labels, model=model, progress=heard.append)
    alone = [seagull_iqa.score(small, labels == value, model=model)[0].quality for value in (2, 9)]
    assert [report.quality for report in reports] == pytest.approx(alone, abs=1e-3)
    assert heard


def test_a_file_an_array_and_a_prepared_image_give_the_same(model, small, tmp_path):
    path = tmp_path / "ein Bild mit Umlaut ä.png"
    Image.fromarray(small).save(path)
    forms = [path, str(path), small, seagull_iqa.prepare(small)]
    scores = [seagull_iqa.score(form, model=model)[0].quality for form in forms]
    assert scores == [scores[0]] * 4


def test_a_map_has_its_name_and_an_unknown_one_says_which_there_are(model, small):
    blur = seagull_iqa.heatmap(small, name="blur", model=model)
    assert (blur.name, blur.shape) == ("blur", small.shape[:2])
    assert seagull_iqa.heatmap(small, model=model).name == "quality"
    with pytest.raises(ModelError, match="beauty"):
        seagull_iqa.heatmap(small, name="beauty", model=model)


def test_what_is_pointed_at_is_one_region_and_without_a_point_there_are_many(small, tmp_path, monkeypatch):
    monkeypatch.setenv("SEAGULL_CACHE", str(tmp_path))
    (region,) = seagull_iqa.segment(small, points=[(60, 80)])
    assert region.mask.pixels[60, 80]
    (framed,) = seagull_iqa.segment(small, box=(20, 20, 100, 120))
    r0, c0, r1, c1 = framed.mask.box
    assert r0 >= 20
    assert c0 >= 20
    assert r1 <= 100
    assert c1 <= 120
    assert len(seagull_iqa.segment(small)) > 1
    with pytest.raises(RegionError, match="outside"):
        seagull_iqa.segment(small, not_points=[(3, 3)])


def test_what_does_not_fit_says_so(model, small):
    with pytest.raises(ShapeMismatchError, match="5 x 5"):
        seagull_iqa.score(small, np.ones((5, 5), bool), model=model)
    with pytest.raises(ShapeMismatchError, match="9 x 9"):
        seagull_iqa.score(small, [RegionMask.whole((9, 9))], model=model)
    with pytest.raises(RegionError, match="float"):
        seagull_iqa.score(small, np.ones(small.shape[:2]), model=model)
    with pytest.raises(ImageError, match="no file"):
        seagull_iqa.score("nowhere.png", model=model)


def test_the_examples_of_the_documentation_run(girl, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEAGULL_CACHE", str(tmp_path / "cache"))
    (tmp_path / "photos").mkdir()
    for name, pixels in (("girl", girl.rgb), ("small", girl.rgb[100:196, 150:278])):
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{name}.png")
    blocks = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(blocks) == 2
    lines = [line for line in blocks[0].splitlines() if line.strip()]
    assert len(lines) <= 10
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, str(DOCUMENT), "exec"), names)
    rows = list(csv.reader((tmp_path / "scores.csv").open()))
    assert [row[0] for row in rows] == ["girl.png", "small.png"]
    assert all(0 <= float(row[1]) <= 100 for row in rows)


@pytest.mark.parametrize("box", [(1, 2, 3), (300, 300, 100, 100), (10, 10, 10, 40)])
def test_a_box_that_holds_nothing_is_refused_in_a_sentence(box):
    with pytest.raises(RegionError, match="is no box"):
        seagull_iqa.segment(np.zeros((64, 64, 3), np.uint8), box=box)
