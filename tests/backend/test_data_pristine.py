"""Photographs as the engine takes them: from RAW files too, brought to size, with licences, and TOPIQ beside them."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from seagull_iqa.data.making import make
from seagull_iqa.data.pristine import find_sources, read_pristine
from seagull_iqa.data.recipes import Ingredient, Recipe
from seagull_iqa.data.references import Reference, make_reference
from seagull_iqa.data.topiq import Topiq, check_topiq
from seagull_iqa.domain.distortion import Distortion
from seagull_iqa.errors import BackendMissingError, ImageError


def write_dng(path: Path, mosaic: np.ndarray) -> None:
    """A camera's RAW file with the fewest tags that make one: RGGB, white balance and colours as they are."""
    one, none = (1, 1), (0, 1)
    tags = [
        (50706, "B", 4, (1, 4, 0, 0), True), (33421, "H", 2, (2, 2), True), (33422, "B", 4, (0, 1, 1, 2), True),
        (50708, "s", 0, "Toy", True), (271, "s", 0, "Toy", True), (272, "s", 0, "Toy", True),
        (50721, "2i", 9, (*one, *none, *none, *none, *one, *none, *none, *none, *one), True),
        (50728, "2I", 3, (1, 1, 1, 1, 1, 1), True), (50717, "I", 1, (65535,), True), (50714, "I", 1, (0,), True),
    ]  # fmt: skip
    tifffile.imwrite(path, mosaic, photometric=32803, extratags=tags, metadata=None)


def halves(dark: int, bright: int) -> np.ndarray:
    mosaic = np.full((200, 240), dark, np.uint16)
    mosaic[:, 120:] = bright
    return mosaic


def test_a_raw_file_is_developed_in_linear_light_and_shown_in_srgb(tmp_path):
    write_dng(tmp_path / "toy é.dng", halves(8000, 32000))
    found = read_pristine(tmp_path / "toy é.dng", 200)
    assert (found.rgb.shape, round(found.scale, 3)) == ((167, 200, 3), 0.833)
    assert found.linear is not None
    assert abs(int(found.linear[50, 20, 1]) - 8000) < 20
    assert found.rgb[50, 20].tolist() == [98, 98, 98]  # (1.055 (8000 / 65535)^(1 / 2.4) - 0.055) 255


def test_exposure_of_a_raw_file_starts_from_its_own_light(tmp_path):
    write_dng(tmp_path / "toy.dng", halves(400, 1600))
    source = find_sources(tmp_path)[0]
    make_reference(tmp_path / "set", 0, tmp_path, source, 1024, lambda _rgb: [])
    reference = Reference.load(tmp_path / "set", 0, "cpu")
    made = make(reference, Recipe((Ingredient(Distortion.EXPOSURE, "gain", 5.0, 1),), "all", 1), "one")
    gained = 1600 / 65535 * 2**3.1
    assert abs(int(made.rgb[100, 200, 1]) - (1.055 * gained ** (1 / 2.4) - 0.055) * 255) <= 1


def test_without_rawpy_a_raw_file_is_left_out_with_a_reason(tmp_path, monkeypatch):
    (tmp_path / "a.nef").write_bytes(b"II*\0")
    monkeypatch.setitem(__import__("sys").modules, "rawpy", None)
    with pytest.raises(BackendMissingError, match="rawpy is not installed"):
        read_pristine(tmp_path / "a.nef", 1024)


def test_photographs_are_scaled_down_never_up_and_small_ones_left_out(tmp_path):
    Image.linear_gradient("L").resize((640, 400)).convert("RGB").save(tmp_path / "large.png")
    Image.linear_gradient("L").resize((200, 100)).save(tmp_path / "small.png")
    found = read_pristine(tmp_path / "large.png", 320)
    assert (found.rgb.shape, found.scale) == ((200, 320, 3), 0.5)
    assert read_pristine(tmp_path / "large.png", 2000).scale == 1.0
    with pytest.raises(ImageError, match="at least 160"):
        read_pristine(tmp_path / "small.png", 1024)


def test_a_manifest_keeps_what_is_held_out_out_and_tells_licences(tmp_path):
    for name in ("a.png", "b.png", "c.png"):
        Image.new("RGB", (200, 200)).save(tmp_path / name)
    assert [one.name for one in find_sources(tmp_path)] == ["a.png", "b.png", "c.png"]
    (tmp_path / "manifest.csv").write_text("file,split,licence\na.png,heldout,CC0\nb.png,train,CC-BY-4.0\n")
    assert [(one.name, one.licence) for one in find_sources(tmp_path)] == [("b.png", "CC-BY-4.0")]


@pytest.mark.parametrize(
    "text", ["name\na.png\n", "file,split\n../a.png,train\n", "file,split\na.png\n", "file,split\n\xff"]
)
def test_a_manifest_of_something_else_is_refused_in_a_sentence(tmp_path, text):
    Image.new("RGB", (200, 200)).save(tmp_path / "a.png")
    (tmp_path / "manifest.csv").write_bytes(text.encode("latin-1"))
    with pytest.raises(ImageError, match=r"manifest\.csv"):
        find_sources(tmp_path)


def test_photographs_are_found_in_folders_of_folders(tmp_path):
    (tmp_path / "x").mkdir()
    Image.new("RGB", (200, 200)).save(tmp_path / "x" / "a.png")
    Image.new("RGB", (200, 200)).save(tmp_path / "x" / "._a.png")
    (tmp_path / "set").mkdir()
    Image.new("RGB", (200, 200)).save(tmp_path / "set" / "b.png")
    assert [one.name for one in find_sources(tmp_path, tmp_path / "set")] == ["x/a.png"]


def test_topiq_has_columns_of_its_own(tmp_path):
    Image.effect_noise((220, 200), 60).convert("RGB").save(tmp_path / "a.png")
    make_reference(tmp_path / "set", 0, tmp_path, find_sources(tmp_path)[0], 1024, lambda _rgb: [])
    reference = Reference.load(tmp_path / "set", 0, "cpu")
    stand_in = Topiq(lambda spoiled, pristine: 1 - (spoiled - pristine).abs().mean())
    recipe = Recipe((Ingredient(Distortion.EXPOSURE, "gain", 4.0, -1),), "all", 1)
    plain, both = make(reference, recipe, "one"), make(reference, recipe, "one", stand_in)
    region = both.about["regions"][0]
    assert region["labels"]["analytic-1"] == plain.about["regions"][0]["labels"]["analytic-1"]
    second = region["labels"]["topiq_fr"]
    # A quarter of the photograph is in the box: replaced alone it costs a quarter of the whole.
    assert second["importance_ref"] == pytest.approx((100 - second["quality"]) / 4, rel=0.1)
    assert both.rows[0] == [*plain.rows[0], second["quality"], second["importance_ref"]]


@pytest.mark.skipif(find_spec("pyiqa") is not None, reason="pyiqa is installed")
def test_without_pyiqa_topiq_is_refused_in_one_sentence():
    with pytest.raises(BackendMissingError, match="wants the package pyiqa"):
        check_topiq()
