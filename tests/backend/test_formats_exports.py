"""Export then import gives the same regions to the pixel and the same scores to the last digit; others read it too."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import geojson
import numpy as np
import ome_zarr.io
import ome_zarr.reader
import pandas
import pytest
import roifile
import shapely
import tifffile
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from seagull_iqa.data.readers import read_dataset
from seagull_iqa.domain.region import Region, RegionMask
from seagull_iqa.domain.report import ScoreMap
from seagull_iqa.errors import SeagullError
from seagull_iqa.formats.catalogue import FORMATS, export_to, format_of, import_from
from seagull_iqa.formats.export import Export
from seagull_iqa.formats.map_tiff import read_map_tiff
from seagull_iqa.formats.ome_zarr import read_maps
from seagull_iqa.formats.session_document import SessionDocument, SessionRegion
from seagull_iqa.formats.spreadsheet import armed, defused
from seagull_iqa.imaging.prepared import PreparedImage
from seagull_iqa.imaging.score_maps import at_image_size
from tests.backend.formats_session import DOCUMENT, REGIONS, SHAPE, same_regions, same_sayings

RGB = np.random.default_rng(0).integers(0, 256, (*SHAPE, 3), np.uint8)
IMAGE = PreparedImage(RGB, name="foto ä.tif")
MAPS = {
    name: ScoreMap(name, np.random.default_rng(1).random((5, 8), np.float32) * 5, SHAPE, 8.0, 16.0, "mini")
    for name in ("quality", "weight", "blur")
}
EXPORT = Export(DOCUMENT, IMAGE, MAPS)
EXACT = [one.name for one in FORMATS.values() if one.writer and one.reader and one.name != "regions"]


def _exported(tmp_path: Path, name: str) -> Path:
    folder = tmp_path / "schöne exporte"
    path = folder / f"foto ä{FORMATS[name].suffix}"
    made = export_to(path, EXPORT, name)
    assert all(one.exists() for one in made)
    return path


@pytest.mark.parametrize("name", EXACT)
def test_an_export_comes_back_to_the_pixel_and_to_the_last_digit(tmp_path: Path, name: str) -> None:
    path = _exported(tmp_path, name)
    assert format_of(path).name == name
    read, notes = import_from(path, DOCUMENT.image)
    assert not notes
    same_regions(read, DOCUMENT, sources=name == "session")
    same_sayings(read, DOCUMENT)


@pytest.mark.parametrize("name", EXACT)
def test_regions_alone_come_back_too(tmp_path: Path, name: str) -> None:
    bare = SessionDocument(DOCUMENT.image, DOCUMENT.regions)
    path = tmp_path / f"a{FORMATS[name].suffix}"
    export_to(path, Export(bare), name)
    read, _notes = import_from(path, DOCUMENT.image)
    same_regions(read, bare, sources=name == "session")
    assert not read.reports and not read.annotations


def test_every_exact_format_was_tried() -> None:
    assert len(EXACT) == 8


def test_our_file_of_regions_is_read_by_score(tmp_path: Path) -> None:
    read, _notes = import_from(_exported(tmp_path, "regions"), DOCUMENT.image)
    assert [one.id for one in read.regions] == [one.id for one in DOCUMENT.regions]
    assert all(np.array_equal(a.region.mask.pixels, b.region.mask.pixels)
               for a, b in zip(read.regions, DOCUMENT.regions, strict=True))  # fmt: skip


def test_tifffile_and_pandas_read_the_labels_and_their_table(tmp_path: Path) -> None:
    path = _exported(tmp_path, "labels")
    pages, table = tifffile.imread(path), pandas.read_csv(path.with_suffix(".csv"))
    assert pages.ndim == 3 and pages.dtype == np.uint16, "the regions overlap"
    for row, one in zip(table.itertuples(), DOCUMENT.regions, strict=True):
        assert np.array_equal(pages[row.page] == row.label, one.region.mask.pixels)
    assert table.quality[0] == 100 / 3 and np.isnan(table.quality[2]) and table.findings[1] == "clean"
    assert table.quality_low[0] == 20.1 and table.label_quality[0] == (1 / 7 + 30.0) / 2


def test_regions_without_overlap_lie_on_one_plain_page(tmp_path: Path) -> None:
    alone = replace(DOCUMENT, regions=REGIONS[2:])
    export_to(tmp_path / "a.tif", Export(alone), "labels")
    assert tifffile.imread(tmp_path / "a.tif").shape == SHAPE


def test_ome_zarr_reads_image_labels_and_properties(tmp_path: Path) -> None:
    path = _exported(tmp_path, "ome-zarr")
    nodes = list(ome_zarr.reader.Reader(ome_zarr.io.parse_url(path))())
    assert np.array_equal(np.moveaxis(np.asarray(nodes[0].data[0]), 0, 2), RGB)
    seen = {}
    for node in nodes[2:]:
        labels = np.asarray(node.data[0])
        for value, said in node.metadata["properties"].items():
            seen[said["id"]] = (labels == value, said.get("quality"))
    for one in DOCUMENT.regions:
        report = DOCUMENT.report_of.get(one.id)
        assert np.array_equal(seen[one.id][0], one.region.mask.pixels)
        assert seen[one.id][1] == (None if report is None else report.report.quality)


def test_shapely_and_geojson_read_valid_polygons_of_the_same_area(tmp_path: Path) -> None:
    collection = geojson.loads(_exported(tmp_path, "geojson").read_text(encoding="utf-8"))
    assert collection.is_valid and isinstance(collection, geojson.FeatureCollection)
    for feature, one in zip(collection.features, DOCUMENT.regions, strict=True):
        shape = shapely.from_geojson(json.dumps(feature["geometry"]))
        assert shape.is_valid and shape.area == one.region.mask.area
        rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]] + 0.5
        assert np.array_equal(shapely.contains_xy(shape, columns, rows), one.region.mask.pixels)
        assert feature["properties"]["objectType"] == "annotation"
    assert collection.features[0]["properties"]["measurements"]["quality"] == 100 / 3
    assert "id" in collection.features[0] and "id" not in collection.features[2], "QuPath takes uuids only"


def test_pycocotools_reads_the_masks(tmp_path: Path) -> None:
    coco = COCO(str(_exported(tmp_path, "coco")))
    for note, one in zip(coco.loadAnns(coco.getAnnIds(imgIds=[1])), DOCUMENT.regions, strict=True):
        assert np.array_equal(coco.annToMask(note).astype(bool), one.region.mask.pixels)
        assert coco_mask.area(coco.annToRLE(note)) == note["area"] == one.region.mask.area
        assert coco_mask.toBbox(coco.annToRLE(note)).tolist() == note["bbox"]
    assert coco.loadAnns([1])[0]["quality"] == 100 / 3


def test_roifile_reads_the_outlines_and_the_properties(tmp_path: Path) -> None:
    rois = roifile.roiread(_exported(tmp_path, "imagej"))
    assert isinstance(rois, list) and len(rois) == len(DOCUMENT.regions)
    box = next(roi for roi in rois if roi.props.startswith("seagull_id: box\n"))
    assert sorted(map(tuple, box.coordinates().tolist())) == [(0, 0), (0, 40), (12, 0), (12, 40)]
    ring = rois[0]
    area = sum(abs(shapely.Polygon(part).area) * (1 if n == 0 else -1)
               for n, part in enumerate(sorted(ring.coordinates(multi=True), key=len, reverse=True)))  # fmt: skip
    assert area == REGIONS[0].region.mask.area
    assert f"seagull_quality: {100 / 3!r}\n" in ring.props
    assert rois[1].name == "Vögel, 鳥 und ?"


def test_pandas_reads_both_tables(tmp_path: Path) -> None:
    table = pandas.read_csv(_exported(tmp_path, "csv"))
    columns = pandas.read_parquet(_exported(tmp_path, "parquet"))
    assert list(columns.columns) == list(table.columns)
    assert columns.quality[0] == table.quality[0] == 100 / 3 and columns.area.dtype == np.int64
    mask = coco_mask.decode({"size": [columns.height[1], columns.width[1]], "counts": columns["mask"][1].encode()})
    assert np.array_equal(mask.astype(bool), REGIONS[1].region.mask.pixels)


def test_cells_that_a_spreadsheet_would_run_are_defused(tmp_path: Path) -> None:
    for name in ("csv", "labels"):
        path = _exported(tmp_path, name)
        table = pandas.read_csv(path if name == "csv" else path.with_suffix(".csv"), dtype=str, keep_default_na=False)
        cells = [cell for column in table for cell in table[column]]
        assert not [cell for cell in cells if (cell[:1] in "=+@\t\r\n" and cell) or cell.startswith("-")]
        assert table.name[0] == "'=HYPERLINK(\"http://x\")" and table.name[2] == "''-a box"


@pytest.mark.parametrize("text", ["=1", "'=1", "''+x", "\uff1d1", "plain", "'quoted'", "", "\t=1", "-", "@SUM"])
def test_a_defused_cell_is_harmless_and_comes_back(text: str) -> None:
    cell = str(defused(text))
    assert armed(cell) == text and cell[:1] not in ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d")
    assert defused(-1.5) == -1.5


def test_maps_come_back_exactly_with_unit_and_limits(tmp_path: Path) -> None:
    folder = _exported(tmp_path, "maps-tiff")
    for name, one in MAPS.items():
        assert np.array_equal(tifffile.imread(folder / f"{name}.tif", key=0), at_image_size(one))
        read = read_map_tiff(folder / f"{name}.tif")
        assert np.array_equal(read.values, one.values) and read.values.dtype == np.float32
        assert (read.name, read.shape, read.stride, read.window, read.model) == (name, SHAPE, 8.0, 16.0, "mini")
    with tifffile.TiffFile(folder / "quality.tif") as tiff:
        about = json.loads(tiff.pages.first.description)
    assert about["unit"].startswith("quality, 0") and (about["lowest"], about["highest"]) == (0.0, 100.0)


def test_ome_zarr_reads_the_maps_as_channels(tmp_path: Path) -> None:
    path = _exported(tmp_path, "maps-ome-zarr")
    (node,) = ome_zarr.reader.Reader(ome_zarr.io.parse_url(path))()
    assert np.array_equal(np.asarray(node.data[0]), np.stack([at_image_size(one) for one in MAPS.values()]))
    assert node.metadata["channel_names"] == list(MAPS)
    assert node.metadata["contrast_limits"] == [[0.0, 100.0], [0.0, 4.0], [0.0, 5.0]]
    read = read_maps(path, SHAPE)
    assert all(np.array_equal(read[name].values, one.values) for name, one in MAPS.items())


def test_the_training_set_is_read_by_our_readers(tmp_path: Path) -> None:
    folder = _exported(tmp_path, "training")
    (image,) = read_dataset(folder / "labels.json")
    assert np.array_equal(image.rgb(), RGB)
    first, last = image.regions
    assert np.array_equal(first.place.mask(SHAPE).pixels, REGIONS[0].region.mask.pixels)
    assert first.quality == pytest.approx((1 / 7 + 30.0) / 2, abs=1e-12) and first.importance == 80.0
    assert first.findings == () and last.findings is None and last.importance == 5.5
    assert len(json.loads((folder / "preferences.jsonl").read_text(encoding="utf-8").splitlines()[0])) > 3
    with pytest.raises(SeagullError, match="label of a person"):
        export_to(tmp_path / "none", Export(replace(DOCUMENT, annotations=()), IMAGE), "training")


def test_a_folder_of_somebody_else_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work", encoding="utf-8")
    for name in ("ome-zarr", "training", "maps-tiff"):
        with pytest.raises(SeagullError, match="was not exported by this program"):
            export_to(tmp_path / "mine", EXPORT, name)
    assert (tmp_path / "mine" / "thesis.txt").read_text(encoding="utf-8") == "years of work"
    export_to(tmp_path / "a.zarr", EXPORT, "ome-zarr")
    export_to(tmp_path / "a.zarr", Export(replace(DOCUMENT, regions=REGIONS[2:3])), "ome-zarr")
    assert len(import_from(tmp_path / "a.zarr", DOCUMENT.image)[0].regions) == 1
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.zarr", "mine"]


def test_far_corners_and_many_parts_survive_imagej(tmp_path: Path) -> None:
    shape = (20, 70_000)
    pixels = np.zeros(shape, bool)
    pixels[3:9, 65_000:69_990:7] = True
    image = replace(DOCUMENT.image, shape=shape)
    region = SessionRegion(Region(RegionMask.from_pixels(pixels), "far"))
    box = SessionRegion(Region(RegionMask.from_box(shape, (2, 40_001, 5, 69_999)), "box"))
    document = SessionDocument(image, (region, box))
    export_to(tmp_path / "a.zip", Export(document), "imagej")
    same_regions(import_from(tmp_path / "a.zip", image)[0], document)


def test_the_html_report_holds_its_pictures_and_runs_nothing(tmp_path: Path) -> None:
    text = _exported(tmp_path, "html").read_text(encoding="utf-8")
    assert text.count("data:image/jpeg;base64,") == 3
    assert "<script" not in text and "http://x" in text and "&quot;http://x&quot;" in text
    assert "seagull-mini-1.0" in text and "stretched from 0.1 to 4095.7" in text and "Vögel, 鳥 und 🐦" in text


def test_the_pdf_report_has_pages_with_its_words(tmp_path: Path) -> None:
    import pypdfium2

    pdf = pypdfium2.PdfDocument(_exported(tmp_path, "pdf"))
    text = "\n".join(page.get_textpage().get_text_range() for page in pdf)
    assert len(pdf) >= 1 and "Region quality of foto ä.tif" in text
    assert "seagull-mini-1.0" in text and "The worst regions" in text and "Vögel" in text


def test_what_a_format_wants_and_does_not_get_is_said(tmp_path: Path) -> None:
    bare = Export(DOCUMENT)
    for name in ("html", "pdf", "training"):
        with pytest.raises(SeagullError, match="wants the image"):
            export_to(tmp_path / name, bare, name)
    with pytest.raises(SeagullError, match="no maps"):
        export_to(tmp_path / "m", bare, "maps-tiff")
    with pytest.raises(SeagullError, match="only read"):
        export_to(tmp_path / "y", bare, "yolo")
    with pytest.raises(SeagullError, match="40 x 60"):
        export_to(tmp_path / "h", Export(DOCUMENT, PreparedImage(RGB[:30])), "html")
    assert not list(tmp_path.iterdir())


def test_a_missing_package_is_named_with_what_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "roifile", None)
    with pytest.raises(SeagullError) as caught:
        export_to(tmp_path / "a.zip", EXPORT, "imagej")
    assert "roifile" in caught.value.message and "napari-seagull[formats]" in caught.value.hint


def test_the_same_session_gives_the_same_files(tmp_path: Path) -> None:
    for name in ("labels", "geojson", "coco", "imagej", "csv"):
        export_to(tmp_path / f"a{name}", EXPORT, name)
        export_to(tmp_path / f"b{name}", EXPORT, name)
        assert (tmp_path / f"a{name}").read_bytes() == (tmp_path / f"b{name}").read_bytes()
    assert zipfile.ZipFile(tmp_path / "aimagej").testzip() is None
