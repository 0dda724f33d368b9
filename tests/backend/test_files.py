"""Image and region files: what reads, and what is refused in a sentence."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from seagull_iqa.domain.region import Region, RegionMask
from seagull_iqa.errors import (
    EmptyRegionError,
    ImageError,
    LimitError,
    RegionError,
    SeagullError,
    ShapeMismatchError,
)
from seagull_iqa.imaging import files, region_files
from seagull_iqa.imaging.files import read_image, read_plane
from seagull_iqa.imaging.normalise import prepare
from seagull_iqa.imaging.region_files import (
    read_labels,
    read_mask,
    read_regions,
    regions_document,
    regions_of,
)
from seagull_iqa.imaging.saving import save_text

RGB = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)


@pytest.mark.parametrize("name", ["a.png", "b.webp", "c.tif", "d.bmp", "übung mit leer.png"])
def test_a_lossless_file_comes_back_exactly(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    Image.fromarray(RGB).save(path, **({"lossless": True} if name.endswith("webp") else {}))
    image = read_image(path)
    assert (image.rgb == RGB).all()
    assert image.name == name


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_deflate", "packbits"])
def test_compressed_tiffs_read(tmp_path: Path, compression: str) -> None:
    Image.fromarray(RGB).save(tmp_path / "a.tif", compression=compression)
    assert (read_image(tmp_path / "a.tif").rgb == RGB).all()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_the_camera_orientation_is_applied(tmp_path: Path, orientation: int, name: str) -> None:
    upright = Image.fromarray(RGB)
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    stored = upright if orientation == 1 else upright.transpose(Image.Transpose(undo[orientation]))
    if name == "a.tif":
        tifffile.imwrite(tmp_path / name, np.asarray(stored), photometric="rgb", extratags=[(274, 3, 1, orientation)])
    else:
        exif = Image.Exif()
        exif[274] = orientation
        stored.save(tmp_path / name, exif=exif)
    assert (read_image(tmp_path / name).rgb == RGB).all()


def test_16_bit_files_are_stretched(tmp_path: Path) -> None:
    wide = np.random.default_rng(0).integers(300, 4000, (20, 30), dtype=np.uint16)
    Image.fromarray(wide).save(tmp_path / "a.png")
    tifffile.imwrite(tmp_path / "a.tif", wide)
    for name in ("a.png", "a.tif"):
        image = read_image(tmp_path / name)
        assert image.pixels.contrast_limits == (wide.min(), wide.max())
        assert (image.rgb[..., 1].argmax(), image.rgb.max()) == (wide.argmax(), 255)


def test_the_first_page_of_a_stack_is_read_and_named(tmp_path: Path) -> None:
    stack = np.random.default_rng(0).integers(0, 256, (4, 20, 30), dtype=np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", stack, photometric="minisblack")
    image = read_image(tmp_path / "a.tif")
    assert (image.rgb[..., 0] == stack[0]).all()
    assert image.pixels.plane == (0,)


def test_planar_and_palette_files_read(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.moveaxis(RGB, -1, 0), photometric="rgb", planarconfig="separate")
    assert (read_image(tmp_path / "a.tif").rgb == RGB).all()
    palette = Image.fromarray(RGB).quantize(16)
    palette.save(tmp_path / "a.png")
    assert (read_image(tmp_path / "a.png").rgb == np.asarray(palette.convert("RGB"))).all()


def test_a_file_that_is_missing_empty_or_no_image_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "text.png").write_text("hello", encoding="utf-8")
    for path, words in [
        (tmp_path / "nothing.png", "no file"),
        (tmp_path, "not a file"),
        (tmp_path / "empty.png", "empty file"),
        (tmp_path / "text.png", "not an image"),
    ]:
        with pytest.raises(ImageError) as caught:
            read_image(path)
        assert words in caught.value.message
        assert caught.value.hint


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.tif", "a.bmp"])
def test_a_file_cut_off_anywhere_is_refused_and_never_half_read(tmp_path: Path, name: str) -> None:
    Image.fromarray(RGB).save(tmp_path / "whole", format={"jpg": "JPEG", "tif": "TIFF"}.get(name[2:], name[2:].upper()))
    data = (tmp_path / "whole").read_bytes()
    path = tmp_path / name
    for part in (0.02, 0.1, 0.5, 0.8):
        path.write_bytes(data[: int(len(data) * part)])
        with pytest.raises(ImageError):
            read_image(path)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_damaged_file_never_ends_in_a_traceback(tmp_path: Path, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["png", "jpeg", "webp", "tiff", "bmp"]))
    path = tmp_path / f"damaged.{kind}"
    Image.fromarray(RGB).save(path, format=kind.upper())
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(content))
    try:
        read_image(path)
    except SeagullError as error:
        assert error.message


def test_limits_are_checked_before_anything_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    Image.new("1", (30, 20)).save(path)
    data = bytearray(path.read_bytes())
    data[16:24] = struct.pack(">II", 30_000, 20_000)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    path.write_bytes(bytes(data))
    monkeypatch.setattr(Image.Image, "load", lambda _: pytest.fail("it was decoded"))
    with pytest.raises(LimitError, match="200,000,000"):
        read_image(path)
    monkeypatch.setattr(files, "MAX_BYTES", 20)
    with pytest.raises(LimitError, match="bytes"):
        read_image(path)


def test_a_small_tiff_that_announces_a_huge_image_is_refused_at_once(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((8, 8), np.uint8), metadata=None)
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+b") as tiff:
        tiff.pages.first.tags["ImageWidth"].overwrite(12_000)
        tiff.pages.first.tags["ImageLength"].overwrite(12_000)
    with pytest.raises(ImageError, match="144,000,000"):
        read_image(tmp_path / "a.tif")


def test_a_mask_file_is_a_region_with_the_name_of_the_file(tmp_path: Path) -> None:
    inside = np.zeros((20, 30), np.uint8)
    inside[4:9, 5:11] = 255
    Image.fromarray(inside).save(tmp_path / "face.png")
    region = read_mask(tmp_path / "face.png", (20, 30))
    assert region.name == "face"
    assert region.mask.box == (4, 5, 9, 11)
    Image.fromarray(np.stack([inside, inside * 0, inside * 0], axis=2)).save(tmp_path / "colour.png")
    assert (read_mask(tmp_path / "colour.png", (20, 30)).mask.pixels == (inside > 0)).all()


def test_a_mask_of_another_shape_names_both_shapes(tmp_path: Path) -> None:
    Image.fromarray(np.ones((10, 30), np.uint8)).save(tmp_path / "m.png")
    with pytest.raises(ShapeMismatchError) as caught:
        read_mask(tmp_path / "m.png", (20, 30))
    assert "10 x 30" in caught.value.message
    assert "20 x 30" in caught.value.message


def test_an_empty_mask_file_is_refused(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((20, 30), np.uint8)).save(tmp_path / "m.png")
    with pytest.raises(EmptyRegionError):
        read_mask(tmp_path / "m.png", (20, 30))
    with pytest.raises(EmptyRegionError):
        read_labels(tmp_path / "m.png", (20, 30))


def test_every_label_is_a_region(tmp_path: Path) -> None:
    labels = np.zeros((20, 30), np.uint16)
    labels[:5], labels[5:9, 3:], labels[15:, :2] = 7, 300, 2
    tifffile.imwrite(tmp_path / "l.tif", labels)
    regions = read_labels(tmp_path / "l.tif", (20, 30))
    assert [region.name for region in regions] == ["label 2", "label 7", "label 300"]
    assert [region.mask.area for region in regions] == [(labels == value).sum() for value in (2, 7, 300)]
    tifffile.imwrite(tmp_path / "f.tif", labels.astype(np.float32) / 2)
    with pytest.raises(RegionError, match="whole numbers"):
        read_labels(tmp_path / "f.tif", (20, 30))


def _document(*entries: object, **changes: object) -> dict[str, object]:
    return {"format": "seagull-regions", "version": 1, "regions": list(entries), **changes}


def test_regions_come_back_from_their_json(tmp_path: Path) -> None:
    shape = (20, 30)
    blob = np.random.default_rng(0).random(shape) > 0.5
    written = [
        Region(RegionMask.from_box(shape, (1, 2, 5, 9)), "a box"),
        Region(RegionMask.from_pixels(blob), "a blob"),
    ]
    save_text(tmp_path / "r.json", json.dumps(regions_document(written, shape, image_name="x.png")))
    read = read_regions(tmp_path / "r.json", shape)
    assert read == written
    assert [region.name for region in read] == ["a box", "a blob"]
    assert all((a.mask.pixels == b.mask.pixels).all() for a, b in zip(read, written, strict=True))


def test_every_shape_of_the_format_reads() -> None:
    document = _document(
        {"name": "a", "box": [1, 2, 5, 9]},
        {"polygon": [[0, 0], [0, 9], [9, 9]]},
        {"ellipse": [2, 2, 8, 12]},
        {"runs": {"box": [0, 0, 2, 2], "lengths": [1, 3]}, "id": "mine"},
    )
    regions = regions_of(document, (20, 30))
    assert [region.name for region in regions] == ["a", "region 2", "region 3", "region 4"]
    assert regions[3].id == "mine"
    assert regions[3].mask.area == 3


WRONG = {
    "no object": [],
    "another format": {"format": "coco", "version": 1, "regions": [{"box": [0, 0, 1, 1]}]},
    "another version": _document({"box": [0, 0, 1, 1]}, version=2),
    "no regions": _document(),
    "regions that are no list": _document(regions={"box": [0, 0, 1, 1]}),
    "a region that is none": _document("box"),
    "two shapes in one": _document({"box": [0, 0, 1, 1], "polygon": [[0, 0], [0, 9], [9, 9]]}),
    "three numbers in a box": _document({"box": [0, 0, 1]}),
    "words in a box": _document({"box": ["a", 0, 1, 1]}),
    "null in a polygon": _document({"polygon": [[0, 0], [0, None], [9, 9]]}),
    "a ragged polygon": _document({"polygon": [[0, 0], [0], [9, 9]]}),
    "runs without a box": _document({"runs": {"lengths": [1, 3]}}),
    "runs that are a list": _document({"runs": [1, 3]}),
    "a box outside": _document({"box": [50, 50, 60, 60]}),
    "infinite": _document({"ellipse": [0, 0, float("inf"), 4]}),
    "a box of NaN": _document({"box": [0, 0, float("nan"), 4]}),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_document_that_is_wrong_is_refused_in_a_sentence(case: str) -> None:
    with pytest.raises(RegionError) as caught:
        regions_of(WRONG[case], (20, 30))
    assert caught.value.hint


def test_regions_of_another_image_are_refused() -> None:
    with pytest.raises(ShapeMismatchError, match="40 x 30"):
        regions_of(_document({"box": [0, 0, 1, 1]}, image={"height": 40, "width": 30}), (20, 30))


def test_a_region_file_that_cannot_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "r.json").write_text("{", encoding="utf-8")
    for path in (tmp_path / "r.json", tmp_path / "missing.json", tmp_path):
        with pytest.raises(RegionError):
            read_regions(path, (20, 30))
    monkeypatch.setattr(region_files, "MAX_REGIONS", 1)
    with pytest.raises(LimitError):
        regions_of(_document({"box": [0, 0, 1, 1]}, {"box": [0, 0, 1, 1]}), (20, 30))


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "ä.txt"
    save_text(path, "one")
    save_text(path, "two")
    assert path.read_text(encoding="utf-8") == "two"
    assert [p.name for p in path.parent.iterdir()] == ["ä.txt"]
    with pytest.raises(SeagullError, match="cannot be written"):
        save_text(path / "below a file.txt", "three")
    assert path.read_text(encoding="utf-8") == "two"


@pytest.mark.parametrize(
    ("shape", "axes", "plane", "channel"),
    [
        ((3, 40, 50), "ZYX", (2,), None), ((4, 3, 40, 50), "TZYX", (3, 1), None), ((3, 2, 40, 50), "ZCYX", (1,), 1),
        ((2, 40, 50), "CYX", (), 1), ((3, 40, 50, 3), "ZYXS", (2,), None), ((3, 40, 50, 3), "ZYXS", (2,), 0),
    ],
)  # fmt: skip
@pytest.mark.parametrize("ome", [False, True])
def test_one_plane_of_a_stack_is_read_as_napari_gives_its_axes(shape, axes, plane, channel, ome, tmp_path):
    values = np.random.default_rng(0).integers(0, 60000, shape).astype(np.uint16)
    path = tmp_path / ("stack.ome.tif" if ome else "stack.tif")
    colour = axes.endswith("S")
    tifffile.imwrite(path, values, metadata={"axes": axes}, photometric="rgb" if colour else "minisblack")
    read = read_plane(path, plane, channel=channel, contrast_limits=(100.0, 50000.0), name="s")
    asked = prepare(values, rgb=colour, plane=plane, channel=channel, contrast_limits=(100.0, 50000.0), name="s")
    assert read.sha256 == asked.sha256 and read.pixels == asked.pixels


def test_a_plane_that_is_not_there_is_named(tmp_path):
    path = tmp_path / "stack.tif"
    values = np.random.default_rng(0).integers(0, 255, (3, 40, 50)).astype(np.uint8)
    tifffile.imwrite(path, values, photometric="minisblack")
    with pytest.raises(ImageError, match=r"no plane \(3,\)"):
        read_plane(path, (3,))
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(ImageError):
        read_plane(path, (2,))
