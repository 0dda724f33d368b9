"""Files of other programs become regions, and hostile ones get one sentence and leave no memory or disk behind."""

from __future__ import annotations

import base64
import io
import json
import math
import random
import struct
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import roifile
import tifffile
import zarr
from PIL import Image

from seagull_iqa.cli.app import run
from seagull_iqa.errors import SeagullError
from seagull_iqa.formats import label_tiff, pages, reading
from seagull_iqa.formats.catalogue import FORMATS, export_to, import_from
from seagull_iqa.formats.export import Export
from seagull_iqa.formats.session_document import SessionImage
from seagull_iqa.formats.session_file import read_session, write_session
from seagull_iqa.imaging import pixel_polygons
from tests.backend.formats_session import DOCUMENT, SHAPE, same_regions

IMAGE = SessionImage(SHAPE, "photo.png")


def _box(r0: int, c0: int, r1: int, c1: int) -> np.ndarray:
    pixels = np.zeros(SHAPE, bool)
    pixels[r0:r1, c0:c1] = True
    return pixels


def _masks(path: Path) -> list[np.ndarray]:
    return [one.region.mask.pixels for one in import_from(path, IMAGE)[0].regions]


def _names(path: Path) -> list[str]:
    return [one.region.name for one in import_from(path, IMAGE)[0].regions]


def test_labelme(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.fromarray(np.array([[0, 255], [255, 255]], np.uint8)).save(buffer, "PNG")
    shapes = [
        {"label": "face", "shape_type": "polygon", "points": [[4, 2], [10, 2], [10, 6], [4, 6]]},
        {"label": "sky", "shape_type": "rectangle", "points": [[20, 9], [12, 3]]},
        {"label": "dot", "shape_type": "circle", "points": [[30.5, 20.5], [33.5, 20.5]]},
        {"label": "spot", "shape_type": "mask", "points": [[5, 30], [6, 31]],
         "mask": base64.b64encode(buffer.getvalue()).decode()},
        {"label": "hair", "shape_type": "linestrip", "points": [[0, 0], [5, 5]]},
        {"label": "far", "shape_type": "polygon", "points": [[400, 2], [410, 2], [410, 6]]},
    ]  # fmt: skip
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"shapes": shapes, "imagePath": "../../etc/passwd", "imageHeight": 40,
                                "imageWidth": 60}), encoding="utf-8")  # fmt: skip
    document, notes = import_from(path, IMAGE)
    assert [one.region.name for one in document.regions] == ["face", "sky", "dot", "spot"]
    masks = [one.region.mask.pixels for one in document.regions]
    assert np.array_equal(masks[0], _box(2, 4, 6, 10)) and np.array_equal(masks[1], _box(3, 12, 9, 20))
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    assert np.array_equal(masks[2], (rows - 20) ** 2 + (columns - 30) ** 2 < 9)
    assert np.argwhere(masks[3]).tolist() == [[30, 6], [31, 5], [31, 6]]
    assert notes == ("2 shapes of a.json hold no pixel of the image and were left out.",)


def test_yolo(tmp_path: Path) -> None:
    path = tmp_path / "photo.txt"
    path.write_text("1 0.1 0.1 0.5 0.1 0.5 0.5 0.1 0.5\n\n0 0.5 0.5 0.2 0.1\n7 0 0 1 0 1 1\n", encoding="utf-8")
    (tmp_path / "classes.txt").write_text("Hund\nKätzchen\n", encoding="utf-8")
    assert _names(path) == ["Kätzchen", "Hund", "class 7"]
    assert np.array_equal(_masks(path)[0], _box(4, 6, 20, 30))
    assert np.array_equal(_masks(path)[1], _box(18, 24, 22, 36))


def test_coco_of_others_with_labels(tmp_path: Path) -> None:
    document = {
        "images": [{"id": "x", "file_name": "other.png"}, {"id": 3, "file_name": "sub/photo.png"}],
        "categories": [{"id": 8, "name": "dog"}],
        "annotations": [
            {"id": 1, "image_id": "x", "segmentation": [[0, 0, 1, 0, 1, 1]]},
            {"id": 2, "image_id": 3, "category_id": 8, "segmentation": [[4, 2, 10, 2, 10, 6, 4, 6]], "quality": 31.5},
            {"id": 3, "image_id": 3, "category_id": 9, "bbox": [1, 2, 3, 4]},
            {"id": 4, "image_id": 3, "category_id": 8, "segmentation": {"size": [40, 60], "counts": [0, 2400]}},
        ],
    }
    path = tmp_path / "a.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    read, _notes = import_from(path, IMAGE)
    assert [one.region.name for one in read.regions] == ["dog", "region 3", "dog"]
    assert np.array_equal(read.regions[0].region.mask.pixels, _box(2, 4, 6, 10))
    assert [note.quality for note in read.annotations] == [31.5] and not read.reports
    with pytest.raises(SeagullError, match="2 images"):
        import_from(path, replace(IMAGE, name="third.png"))


def test_geojson_of_qupath(tmp_path: Path) -> None:
    hole = [[[0, 0], [10, 0], [10, 10], [0, 10], [0, 0]], [[2, 3], [5, 3], [5, 6], [2, 6], [2, 3]]]
    feature = {
        "type": "Feature", "id": "f28d2a5c-4ffa-4d7a-9bdd-1d9b6b7f2c11", "geometry":
        {"type": "Polygon", "coordinates": hole, "plane": {"c": -1, "z": 0, "t": 0}},
        "properties": {"objectType": "annotation", "classification": {"name": "Tumor", "color": [200, 0, 0]}},
    }  # fmt: skip
    point = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [1, 1]}, "properties": None}
    (tmp_path / "a.json").write_text(json.dumps([feature, point]), encoding="utf-8")
    document, notes = import_from(tmp_path / "a.json", IMAGE)
    assert document.regions[0].region.name == "Tumor" and document.regions[0].id == feature["id"]
    assert np.array_equal(document.regions[0].region.mask.pixels, _box(0, 0, 10, 10) & ~_box(3, 2, 6, 5))
    assert "1 shapes" in notes[0]


def test_imagej_of_others(tmp_path: Path) -> None:
    polygon = roifile.ImagejRoi.frompoints(np.array([[4, 2], [10, 2], [10, 6], [4, 6]]), name="poly")
    oval = roifile.ImagejRoi(roitype=roifile.ROI_TYPE.OVAL, top=10, left=20, bottom=20, right=30, name="oval")
    box = roifile.ImagejRoi(roitype=roifile.ROI_TYPE.RECT, top=1, left=2, bottom=3, right=8, name="rect")
    point = roifile.ImagejRoi.frompoints(np.array([[5, 5]]), name="point")
    point.roitype = roifile.ROI_TYPE.POINT
    roifile.roiwrite(tmp_path / "a.zip", [polygon, oval, box, point])
    document, notes = import_from(tmp_path / "a.zip", IMAGE)
    masks = {one.region.name: one.region.mask.pixels for one in document.regions}
    assert np.array_equal(masks["poly"], _box(2, 4, 6, 10)) and np.array_equal(masks["rect"], _box(1, 2, 3, 8))
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    assert np.array_equal(masks["oval"], (rows - 14.5) ** 2 + (columns - 24.5) ** 2 < 25)
    assert len(notes) == 1
    polygon.tofile(tmp_path / "b.roi")
    assert _names(tmp_path / "b.roi") == ["poly"]


def test_plain_images_of_labels_and_foreign_ome_zarr(tmp_path: Path) -> None:
    labels = np.zeros(SHAPE, np.int32)
    labels[2:6, 4:10], labels[20:, 50:] = 7, 70_000
    tifffile.imwrite(tmp_path / "a.tif", labels)
    Image.fromarray((labels > 0).astype(np.uint8) * 255).save(tmp_path / "b.png")
    assert _names(tmp_path / "a.tif") == ["label 7", "label 70000"]
    assert np.array_equal(_masks(tmp_path / "b.png")[0], labels > 0)
    tifffile.imwrite(tmp_path / "c.tif", labels.astype(np.float32))
    assert _names(tmp_path / "c.tif") == ["label 7", "label 70000"]
    from ome_zarr.writer import write_image, write_labels

    root = zarr.open_group(tmp_path / "d.zarr", mode="w")
    write_image(np.zeros(SHAPE, np.uint8), root, axes="yx", scaler=None)
    write_labels(labels, root, name="cells", axes="yx", scaler=None)
    assert _names(tmp_path / "d.zarr") == ["label 7", "label 70000"]
    assert np.array_equal(_masks(tmp_path / "d.zarr")[0], labels == 7)


def _text(name: str, text: str | bytes) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return folder / name

    return write


def _json(name: str, value: object) -> Callable[[Path], Path]:
    return _text(name, json.dumps(value))


def _zip(entries: dict[str, bytes]) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        with zipfile.ZipFile(folder / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in entries.items():
                archive.writestr(name, data)
        return folder / "a.zip"

    return write


def _zarr(labels: object, dataset: str = "0", shape: tuple[int, ...] = SHAPE) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        root = zarr.open_group(folder / "a.zarr", mode="w", zarr_format=2)
        group = root.create_group("labels")
        group.attrs["labels"] = labels
        inner = group.create_group("x")
        inner.create_array("0", shape=shape, dtype=np.uint8, chunks=shape)
        inner.attrs["multiscales"] = [{"datasets": [{"path": dataset}]}]
        return folder / "a.zarr"

    return write


def _feature(*coordinates: object, kind: str = "Polygon") -> dict[str, object]:
    return {"type": "FeatureCollection", "features": [
        {"type": "Feature", "geometry": {"type": kind, "coordinates": one}, "properties": {}} for one in coordinates
    ]}  # fmt: skip


SQUARE = [[[0, 0], [9, 0], [9, 9], [0, 9], [0, 0]]]
COCO = {"images": [{"id": 1, "file_name": "photo.png"}]}
ROI = roifile.ImagejRoi.frompoints(np.array([[4, 2], [10, 2], [10, 6]])).tobytes()
NAN = np.array([[math.nan, 2.0], [10.0, 2.0], [10.0, 6.0]])


def _nan_roi() -> bytes:
    roi = roifile.ImagejRoi.frompoints(np.array([[4.0, 2.0], [10.0, 2.0], [10.0, 6.0]]))
    roi.subpixel_coordinates[0, 0] = math.nan
    return roi.tobytes()


HOSTILE: dict[str, Callable[[Path], Path]] = {
    "nothing there": lambda folder: folder / "none.json",
    "no known ending": _text("a.exe", b"MZ"),
    "an empty file": _text("a.json", b""),
    "JSON that is no format": _json("a.json", {"hello": "world"}),
    "JSON in UTF-16": _text("a.geojson", json.dumps(_feature(SQUARE)).encode("utf-16")),
    "JSON in Latin-1": _text("a.geojson", '{"type": "FeatureCollection", "name": "Gr\xfc\xdfe"}'.encode("latin-1")),
    "nested without end": _text("a.geojson", b'{"features":' + b"[" * 100_000),
    "a million polygons": _text("a.geojson", '{"type": "FeatureCollection", "features": [' + ",".join(
        ["{}"] * 1_000_000) + "]}"),
    "NaN for a coordinate": _text("a.geojson", json.dumps(_feature([[[0, 0], [math.nan, 0], [9, 9]]]))),
    "infinity in hiding": _text("a.geojson", json.dumps(_feature(SQUARE)).replace("[9, 0]", "[1e999, 0]")),
    "words for coordinates": _json("a.geojson", _feature([[["a", "b"], ["c", "d"], ["e", "f"]]])),
    "coordinates that are no list": _json("a.geojson", _feature(7)),
    "a ring of two points": _json("a.geojson", _feature([[[0, 0], [1, 1]]])),
    "a polygon far away": _json("a.geojson", _feature([[[1e6, 1e6], [2e6, 1e6], [2e6, 2e6]]])),
    "features that are no list": _json("a.geojson", {"type": "FeatureCollection", "features": {"a": 1}}),
    "a feature that is none": _json("a.geojson", {"type": "FeatureCollection", "features": [7]}),
    "COCO without images": _json("a.json", {"images": [], "annotations": [{"image_id": 1}]}),
    "COCO with huge runs": _json("a.json", {**COCO, "annotations": [{"image_id": 1, "segmentation": {
        "size": [40, 60], "counts": [2**62] * 4 + [2400]}}]}),
    "COCO of another size": _json("a.json", {**COCO, "annotations": [{"image_id": 1, "segmentation": {
        "size": [10**9, 10**9], "counts": "0"}}]}),
    "COCO with rubbish for letters": _json("a.json", {**COCO, "annotations": [{"image_id": 1, "segmentation": {
        "size": [40, 60], "counts": "\u20ac\x00"}}]}),
    "COCO with NaN in a box": _text("a.json", json.dumps({**COCO, "annotations": [
        {"image_id": 1, "bbox": [math.nan, 0, 1, 1]}]})),
    "a quality off the scale": _json("a.json", {**COCO, "annotations": [
        {"image_id": 1, "bbox": [0, 0, 5, 5], "quality": 1e9}]}),
    "LabelMe with a bomb for a mask": _json("a.json", {"shapes": [{"shape_type": "mask", "points": [[0, 0], [1, 1]],
        "mask": "AAAA"}]}),
    "LabelMe with NaN": _text("a.json", json.dumps({"shapes": [{"points": [[math.nan, 0], [1, 1], [2, 2]]}]})),
    "LabelMe of another image": _json("a.json", {"shapes": [{}], "imageHeight": 7, "imageWidth": 7}),
    "YOLO with words": _text("a.txt", "dog 0.1 0.1 0.2 0.2\n"),
    "YOLO with NaN": _text("a.txt", "0 nan 0.1 0.2 0.2\n"),
    "YOLO with infinity": _text("a.txt", "0 inf 0.1 0.2 0.2\n"),
    "YOLO with an odd number": _text("a.txt", "0 0.1 0.1 0.2 0.2 0.3\n"),
    "YOLO with a million lines": _text("a.txt", "0 0.5 0.5 0.1 0.1\n" * 1_000_000),
    "YOLO that is a picture": _text("a.txt", b"\x89PNG\r\n\x1a\n\xff\xfe"),
    "a zip that is none": _text("a.zip", b"PK\x03\x04" + b"\0" * 50),
    "a zip that points out of itself": _zip({"../../evil.roi": ROI}),
    "a zip with an absolute path": _zip({"/etc/evil.roi": ROI}),
    "a zip with a drive": _zip({"C:\\evil.roi": ROI}),
    "a zip bomb": _zip({"a.roi": b"\0" * (reading.MAX_BYTES + 1)}),
    "a zip of a million files": _zip({f"{n}.roi": b"" for n in range(reading.MAX_REGIONS + 1)}),
    "a zip without ROIs": _zip({"readme.md": b"hello"}),
    "a ROI that is none": _zip({"a.roi": b"Iout" + b"\xff" * 100}),
    "a ROI that is cut off": _zip({"a.roi": ROI[:70]}),
    "a ROI of NaN": _zip({"a.roi": _nan_roi()}),
    "a table without regions": _text("a.csv", "a,b\n1,2\n"),
    "a table with words for numbers": _text("a.csv", "row0,col0,row1,col1,quality,interval_level\n0,0,5,5,very,0.8\n"),
    "a table with NaN for a score": _text("a.csv", "row0,col0,row1,col1,quality,interval_level\n0,0,5,5,nan,0.8\n"),
    "a table with a box of NaN": _text("a.csv", "row0,col0,row1,col1\nnan,0,5,5\n"),
    "a table with two of one id": _text("a.csv", "id,row0,col0,row1,col1\na,0,0,5,5\na,0,0,5,5\n"),
    "a table with evil JSON": _text("a.csv", 'row0,col0,row1,col1,annotations\n0,0,5,5,"[{""id"": 7}]"\n'),
    "a table with nested JSON": _text("a.csv", "row0,col0,row1,col1,plane\n0,0,5,5," + "[" * 100_000 + "\n"),
    "a table in UTF-16": _text("a.csv", "row0,col0,row1,col1\n0,0,5,5\n".encode("utf-16")),
    "a table with NUL": _text("a.csv", b"row0,col0,row1,col1\n0,0,5,\x005\n"),
    "Parquet that is none": _text("a.parquet", b"PAR1" + b"\0" * 40 + b"PAR1"),
    "labels of another size": _text("a.png", b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13)),
    "a TIFF that is cut off": _text("a.tif", b"II*\0\x08\0\0\0"),
    "an OME-Zarr without labels": _zarr([]),
    "an OME-Zarr whose labels point out of it": _zarr(["../../../etc"]),
    "an OME-Zarr whose labels are numbers": _zarr([7]),
    "an OME-Zarr whose array points out of it": _zarr(["x"], "../../../../etc"),
    "an OME-Zarr without its array": _zarr(["x"], "7"),
    "an OME-Zarr of a huge array": _zarr(["x"], shape=(10**7, 10**7)),
    "an OME-Zarr of another size": _zarr(["x"], shape=(7, 7)),
    "an OME-Zarr without a label above zero": _zarr(["x"]),
    "a folder that is none": lambda folder: folder,
}  # fmt: skip


@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_file_gets_one_sentence(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    path = make(folder)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(SeagullError) as caught:
        import_from(path, IMAGE)
    assert "\n" not in caught.value.message and caught.value.message.endswith(".")
    assert caught.value.hint and len(caught.value.message) < 400
    assert sorted(tmp_path.rglob("*")) == before


def test_small_files_that_want_all_memory_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    huge = SessionImage((4_000, 4_000), "photo.png")
    whole = [[[0, 0], [4_000, 0], [4_000, 4_000], [0, 4_000]]]
    (tmp_path / "a.geojson").write_text(json.dumps(_feature(*[whole] * 5)), encoding="utf-8")
    monkeypatch.setattr(reading, "MAX_BOX_PIXELS", 3 * 10**7)
    with pytest.raises(SeagullError, match="30,000,000 pixels"):
        import_from(tmp_path / "a.geojson", huge)
    monkeypatch.setattr(pixel_polygons, "MAX_CROSSINGS", 10**6)
    zigzag = [[[float(n), 0 if n % 2 else 4_000] for n in range(900)]]
    (tmp_path / "b.geojson").write_text(json.dumps(_feature(zigzag)), encoding="utf-8")
    with pytest.raises(SeagullError, match="too long"):
        import_from(tmp_path / "b.geojson", huge)
    tifffile.imwrite(tmp_path / "c.tif", np.ones((9, *SHAPE), np.uint8), photometric="minisblack")
    monkeypatch.setattr(label_tiff, "MAX_BYTES", 100)
    with pytest.raises(SeagullError, match="more pages"):
        import_from(tmp_path / "c.tif", IMAGE)
    monkeypatch.setattr(pages, "MAX_BYTES", 100)
    with pytest.raises(SeagullError, match="overlap too much"):
        export_to(tmp_path / "d.tif", Export(DOCUMENT), "labels")


@pytest.mark.parametrize("name", [one.name for one in FORMATS.values() if one.writer and one.reader])
def test_a_damaged_file_never_ends_in_a_traceback(tmp_path: Path, name: str) -> None:
    path = tmp_path / f"a{FORMATS[name].suffix}"
    export_to(path, Export(DOCUMENT), name)
    files = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
    chance = random.Random(name)
    for _ in range(15):
        file = chance.choice(files)
        whole = file.read_bytes()
        data = bytearray(whole)
        for _ in range(chance.randint(1, 6)):
            at = chance.randrange(len(data) + 1)
            data[at : at + chance.randint(0, 9)] = chance.choice((b"9" * 20, b"[", b"NaN", b"\0", b"", b"-1", b"\xff"))
        file.write_bytes(data)
        with suppress(SeagullError):
            import_from(path, IMAGE, name)
        file.write_bytes(whole)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    folder = tmp_path / "schöne bilder"
    folder.mkdir()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (*SHAPE, 3), np.uint8)).save(folder / "a photo.png")
    return folder / "a photo.png"


def test_the_command_line_goes_there_and_back(
    photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session = photo.with_name("a photo.seagull.json")
    write_session(session, replace(DOCUMENT, image=SessionImage(SHAPE, "a photo.png", str(photo))))
    for name in (one.name for one in FORMATS.values() if one.writer and not one.wants_maps):
        assert run(["export", str(session), "--to", name, "--out", str(tmp_path / f"x{FORMATS[name].suffix}")]) == 0
        assert str(tmp_path) in capsys.readouterr().out
    assert run(["export", str(session), "--to", "geojson"]) == 0
    made = photo.with_name("a photo.geojson")
    assert made.is_file()
    back = tmp_path / "back.seagull.json"
    assert run(["import", str(made), "--image", str(photo), "--out", str(back)]) == 0
    assert "4 regions, 3 scored, 4 labels" in capsys.readouterr().err
    read = read_session(back)
    same_regions(read, DOCUMENT, sources=False)
    assert read.image is not None and read.image.path == str(photo) and len(read.image.sha256) == 64


def test_several_sessions_make_one_training_set(photo: Path, tmp_path: Path) -> None:
    sessions = []
    for number in (1, 2):
        session = photo.with_name(f"{number}.seagull.json")
        write_session(session, replace(DOCUMENT, image=SessionImage(SHAPE, f"{number}/a.png", str(photo))))
        sessions.append(str(session))
    assert run(["export", *sessions, "--to", "training", "--out", str(tmp_path / "set")]) == 0
    assert len(list((tmp_path / "set" / "images").iterdir())) == 2
    assert run(["export", *sessions, "--to", "csv"]) == 2


def test_maps_are_made_where_a_format_wants_them(photo: Path, tmp_path: Path) -> None:
    session = photo.with_name("a.seagull.json")
    write_session(session, replace(DOCUMENT, image=SessionImage(SHAPE, "a photo.png", str(photo))))
    out = tmp_path / "maps"
    assert run(["export", str(session), "--to", "maps-tiff", "--out", str(out), "--device", "cpu"]) == 0
    quality = tifffile.imread(out / "quality.tif", key=0)
    assert quality.shape == SHAPE and quality.dtype == np.float32 and 0 <= quality.min() <= quality.max() <= 100


def test_the_formats_are_listed_and_wrong_use_is_told(
    tmp_path: Path, photo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["formats"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in FORMATS)
    write_session(tmp_path / "a.seagull.json", DOCUMENT)
    assert run(["export", str(tmp_path / "a.seagull.json"), "--to", "word"]) == 1
    assert "no format 'word'" in capsys.readouterr().err
    assert run(["export", str(tmp_path / "a.seagull.json"), "--to", "html"]) == 1
    assert "--image" in capsys.readouterr().err
    assert run(["import", str(photo), "--image", str(photo), "--out", str(tmp_path / "x.txt")]) == 2
    assert run(["import", "--image", str(photo)]) == 2 and "seagull import --help" in capsys.readouterr().err
