from __future__ import annotations

import io
import json
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seagull_iqa.data.json_files import entries
from seagull_iqa.data.readers import ReadSpec, read_dataset
from seagull_iqa.data.scores import DataFileError, Scale
from seagull_iqa.domain.distortion import Distortion, Finding, Severity
from seagull_iqa.errors import ImageError, RegionError
from seagull_iqa.imaging import coco

SHAPE = (24, 30)


def left_half() -> np.ndarray:
    pixels = np.zeros(SHAPE, bool)
    pixels[4:20, 2:12] = True
    return pixels


def rle() -> dict[str, object]:
    return {"size": list(SHAPE), "counts": coco.encode(left_half())}


def write_image(path: Path, seed: int = 0) -> np.ndarray:
    rgb = np.random.default_rng(seed).integers(0, 256, (*SHAPE, 3), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(rgb).save(path)
    return rgb


def write_csv(folder: Path, *lines: str) -> Path:
    path = folder / "scores.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


# --- lists -----------------------------------------------------------------------------------------------------------


def test_a_list_gives_whole_images_and_boxes_with_their_scores(tmp_path):
    rgb = write_image(tmp_path / "Möwe am Meer.png")
    path = write_csv(
        tmp_path, "file, r0, c0, r1, c1, mos", "Möwe am Meer.png, 4, 2, 20, 12, 71.5", "Möwe am Meer.png,,,,,40"
    )
    (image,) = read_dataset(path)
    assert np.array_equal(image.rgb(), rgb)
    assert [region.quality for region in image.regions] == [71.5, 40.0]
    box, whole = image.masks(SHAPE)
    assert np.array_equal(box.pixels, left_half())
    assert whole.area == 24 * 30
    assert image.regions[0].importance is None and image.regions[0].types is None


def test_scores_on_another_scale_are_rescaled_only_when_asked(tmp_path):
    path = write_csv(tmp_path, "file,mos", "a.png,4")
    (plain,) = read_dataset(path)
    (asked,) = read_dataset(path, ReadSpec(scale=Scale.from_text("1,5")))
    (bad_is_high,) = read_dataset(path, ReadSpec(scale=Scale(5, 1)))
    assert [one.regions[0].quality for one in (plain, asked, bad_is_high)] == [4.0, 75.0, 25.0]


def test_rows_of_a_list_can_be_chosen_by_a_column(tmp_path):
    path = write_csv(tmp_path, "file,mos,use", "a.png,40,fold0", "b.png,50,reserve", "c.png,60,fold1")
    chosen = read_dataset(path, ReadSpec(where={"use": {"fold0", "fold1"}}))
    assert [one.name for one in chosen] == ["a.png", "c.png"]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["name,mos", "a.png,3"], "scores.csv, line 1: there is no column 'file'"),
        (["file,mos", "a.png,3", "b.png,good"], "scores.csv, line 3: 'good' is no score"),
        (["file,mos", "a.png,nan"], "line 2: the score nan is outside"),
        (["file,mos", "a.png,350"], "line 2: the score 350 is outside 0 to 100. Say with --scale"),
        (["file,mos", ",35"], "line 2: there is no file name"),
        (["file,r0,mos", "a.png,1,35"], "line 1: there is no column 'c0'"),
        (["file,r0,c0,r1,c1,mos", "a.png,1,2,x,4,35"], "line 2: the box 1, 2, x, 4 is not four whole numbers"),
        (["file,r0,c0,r1,c1,mos", "a.png,5,2,5,4,35"], "line 2: the box 5, 2, 5, 4 is empty"),
        (["file,mos", "a.png"], "line 2: None is no score"),
    ],
)
def test_a_bad_row_gets_a_sentence_with_its_line(tmp_path, lines, said):
    with pytest.raises(DataFileError) as caught:
        list(read_dataset(write_csv(tmp_path, *lines)))
    assert said in str(caught.value)


@pytest.mark.parametrize("text", ["1", "1,x", "3,3", "0,inf", ""])
def test_a_scale_that_is_none_is_refused(text):
    with pytest.raises(Exception, match="scale"):
        Scale.from_text(text)


# --- COCO ------------------------------------------------------------------------------------------------------------


def write_coco(folder: Path, *annotations: dict[str, object]) -> Path:
    (folder / "images").mkdir(exist_ok=True)
    path = folder / "instances.json"
    images = [{"id": 7, "file_name": "a.png"}, {"id": 8, "file_name": "nothing asked.png"}]
    path.write_text(json.dumps({"images": images, "annotations": list(annotations)}), encoding="utf-8")
    return path


def test_a_coco_file_gives_masks_scores_and_findings_in_each_of_their_forms(tmp_path):
    rgb = write_image(tmp_path / "images" / "a.png")
    polygon = [[2, 4, 12, 4, 12, 20, 2, 20]]
    runs = {"size": list(SHAPE), "counts": coco.column_runs(left_half())}
    path = write_coco(
        tmp_path,
        {"id": 1, "image_id": 7, "segmentation": rle(), "quality": 61, "importance": 20, "types": ["severe blur"]},
        {"id": 2, "image_id": 7, "segmentation": runs, "attributes": {"quality": 62, "distortions": {"noise": 2}}},
        {"id": 3, "image_id": 7, "segmentation": polygon, "score": 63, "types": ["blur", "noise"]},
        {"id": 4, "image_id": 7, "bbox": [2, 4, 10, 16], "types": "clean"},
    )
    (image,) = read_dataset(path)
    assert np.array_equal(image.rgb(), rgb)
    assert all(np.array_equal(mask.pixels, left_half()) for mask in image.masks(SHAPE))
    one, two, three, four = image.regions
    assert [region.quality for region in image.regions] == [61, 62, 63, None]
    assert (one.importance, two.importance) == (20, None)
    assert one.findings == (Finding(Distortion.BLUR, Severity.SEVERE),)
    assert two.findings == (Finding(Distortion.NOISE, Severity.MINOR),)
    assert (three.types, three.findings) == (frozenset({Distortion.BLUR, Distortion.NOISE}), None)
    assert (four.types, four.findings) == (frozenset(), ())


@pytest.mark.parametrize(
    ("annotation", "said"),
    [
        ({"image_id": 9, "bbox": [0, 0, 1, 1]}, "annotation 0: its image_id is of no image"),
        ({"image_id": [7], "bbox": [0, 0, 1, 1]}, "annotation 0: its image_id is of no image"),
        ({"image_id": 7}, "annotation 0: it has neither a segmentation nor a bbox"),
        ({"image_id": 7, "bbox": [0, 0, 1]}, "neither a segmentation nor a bbox"),
        ({"image_id": 7, "bbox": [0, 0, 5, 5], "quality": "fine"}, "'fine' is no score"),
        ({"image_id": 7, "bbox": [0, 0, 5, 5], "quality": 10**400}, "is no score"),
        ({"image_id": 7, "bbox": [0, 0, 5, 5], "types": {"blur": float("inf")}}, "inf is no severity"),
        ({"image_id": 7, "bbox": [0, 0, 5, 5], "types": ["haze"]}, "'haze' is no distortion"),
        ({"image_id": 7, "bbox": [0, 0, 5, 5], "types": {"blur": 9}}, "9 is no severity"),
        ({"image_id": 7, "bbox": [0, 0, 5, 5], "types": ["awful blur"]}, "'awful' is no severity"),
    ],
)
def test_an_annotation_that_is_not_understood_is_named(tmp_path, annotation, said):
    with pytest.raises(DataFileError) as caught:
        list(read_dataset(write_coco(tmp_path, annotation)))
    assert said in str(caught.value)


def test_a_mask_of_another_size_than_its_image_is_refused_when_it_is_asked_for(tmp_path):
    (image,) = read_dataset(write_coco(tmp_path, {"image_id": 7, "segmentation": rle(), "quality": 3}))
    with pytest.raises(RegionError, match="24 x 30"):
        image.masks((30, 24))


# --- our own ---------------------------------------------------------------------------------------------------------


def write_shards(folder: Path, **more: object) -> np.ndarray:
    rgb = np.random.default_rng(5).integers(0, 256, (*SHAPE, 3), dtype=np.uint8)
    pixels = io.BytesIO()
    Image.fromarray(rgb).save(pixels, "WEBP", lossless=True)
    facts = {
        "photograph": "gull.webp", "size": list(SHAPE), **more,
        "regions": [
            {
                "id": "r0", "kind": "object", "area": 160, "counts": rle()["counts"],
                "labels": {
                    "analytic-1": {"quality": 41.5, "importance": 30.0, "importance_ref": 12.0},
                    "topiq_fr": {"quality": 0.61},
                },
                "types": [{"type": "blur", "severity": "moderate", "level": 3}],
            },
            {
                "id": "r1", "kind": "box", "counts": rle()["counts"],
                "labels": {"analytic-1": {"quality": 100.0, "importance": 9.0}}, "types": [],
            },
        ],
    }  # fmt: skip
    (folder / "shards").mkdir(parents=True)
    with tarfile.open(folder / "shards" / "00000.tar", "w") as tar:
        for name, content in (("000.json", json.dumps(facts).encode()), ("000.webp", pixels.getvalue())):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    (folder / "seagull-data.json").write_text('{"format": "seagull-data", "version": 1}', encoding="utf-8")
    return rgb


def test_a_shard_gives_its_images_even_in_another_process(tmp_path):
    rgb = write_shards(tmp_path / "set")
    found = read_dataset(tmp_path / "set")
    assert found.label == "analytic-1"
    (image,) = pickle.loads(pickle.dumps(list(found)))  # noqa: S301 - our own bytes, as a spawned process gets them
    assert np.array_equal(image.rgb(), rgb)
    assert np.array_equal(image.masks(SHAPE)[0].pixels, left_half())
    first, second = image.regions
    assert (first.quality, first.importance, first.kind, image.group) == (41.5, 30.0, "object", "gull.webp")
    assert dict(first.more) == {"importance_ref": 12.0, "topiq_fr quality": 0.61}
    assert first.findings == (Finding(Distortion.BLUR, Severity.MODERATE),)
    assert (second.types, second.findings) == (frozenset(), ())


@pytest.mark.parametrize(("named", "found"), [("inside.png", True), ("../outside.png", False)])
def test_the_reference_of_a_shard_lies_in_its_own_folder(tmp_path, named, found):
    write_shards(tmp_path / "set", reference=named)
    write_image(tmp_path / "set" / named)
    (image,) = read_dataset(tmp_path / "set")
    assert (image.reference is not None) == found


def test_an_image_of_a_shard_that_would_fill_the_memory_is_refused(tmp_path, monkeypatch):
    write_shards(tmp_path / "set")
    (image,) = read_dataset(tmp_path / "set")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(ImageError, match="exceeds limit"):
        image.rgb()


def test_a_shard_that_is_cut_off_is_named(tmp_path):
    write_shards(tmp_path / "set")
    shard = tmp_path / "set" / "shards" / "00000.tar"
    shard.write_bytes(shard.read_bytes()[:900])
    with pytest.raises(DataFileError, match=r"00000\.tar"):
        list(read_dataset(tmp_path / "set"))


def test_a_newer_version_of_our_format_is_refused(tmp_path):
    write_shards(tmp_path / "set")
    (tmp_path / "set" / "seagull-data.json").write_text('{"format": "seagull-data", "version": 2}', encoding="utf-8")
    with pytest.raises(DataFileError, match="version 2"):
        read_dataset(tmp_path / "set")


# --- SEAGULL-100w ----------------------------------------------------------------------------------------------------

TWO = [0.4, 0.9]
SCORES = {
    "nested, columns": {"Blur": {"Blur_3": {"r01": {"quality": TWO, "importance": [0.1, 0.2]}}}},
    "by path, a dict a region": {
        "Blur/Blur_3/r01.png": {
            "0": {"quality_score": 0.4, "importance_score": 0.1}, "1": {"quality_score": 0.9, "importance_score": 0.2}
        }
    },
    "by image, then by setting": {"r01.png": {"Blur_3": [{"quality": 0.4, "importance": 0.1},
                                                         {"quality": 0.9, "importance": 0.2}]}},
    "records": [{"id": "Dist.Images/Blur/Blur_3/r01.png",
                 "scores": {"quality": TWO, "importance": {"a": 0.1, "b": 0.2}}}],
}  # fmt: skip


def write_100w(folder: Path, scores: object) -> None:
    write_image(folder / "Dist.Images" / "Blur" / "Blur_3" / "r01.png", 1)
    write_image(folder / "Ref.Images" / "r01.png", 2)
    rois = [{"id": "r01", "annotation": [{"segmentation": rle(), "bbox": [2, 4, 10, 16]}, {"bbox": [2, 4, 10, 16]}]}]
    (folder / "Labels").mkdir()
    for name, document in (("mask-based-rois", rois), ("scores", scores)):
        (folder / "Labels" / f"SEAGULL-100w_{name}.json").write_text(json.dumps(document), encoding="utf-8")


@pytest.mark.parametrize("scores", SCORES.values(), ids=SCORES)
def test_seagull_100w_is_read_however_its_scores_are_keyed(tmp_path, scores):
    write_100w(tmp_path, scores)
    (image,) = read_dataset(tmp_path, ReadSpec(scale=Scale(0, 1)))
    assert image.name == "Blur_3/r01" and image.group == "r01"
    assert [(round(r.quality), round(r.importance)) for r in image.regions] == [(40, 10), (90, 20)]
    assert all(np.array_equal(mask.pixels, left_half()) for mask in image.masks(SHAPE))
    assert all(region.types == {Distortion.BLUR} and region.findings is None for region in image.regions)
    assert not np.array_equal(image.rgb(), image.reference())


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        ({"Blur": {"Blur_3": {"r01": {"a": {"niceness": 1}, "b": {"niceness": 2}}}}}, "'niceness'"),
        ({"Blur": {"Blur_3": {"r01": [0.5]}}}, "1 scores for 2 regions"),
        ({"somewhere": {"else": 3}}, "'somewhere/else'"),
    ],
)
def test_a_key_of_seagull_100w_that_is_not_understood_is_named(tmp_path, scores, said):
    write_100w(tmp_path, scores)
    with pytest.raises(DataFileError) as caught:
        list(read_dataset(tmp_path))
    assert said in str(caught.value)


def test_images_of_seagull_100w_that_were_not_fetched_are_left_out(tmp_path):
    write_100w(tmp_path, {"Blur": {"Blur_3": {"r01": TWO}, "Blur_4": {"r01": TWO}}})
    assert [one.name for one in read_dataset(tmp_path)] == ["Blur_3/r01"]


# --- all of them -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("document", [{"a": [1, 2.5], "b": {"c": "d, e"}, "ü": 1234567}, ["x", {"y": []}, 12], {}, []])
@pytest.mark.parametrize("chunk", [1, 7, 10_000])
def test_large_json_is_read_an_entry_at_a_time_and_nothing_is_lost(tmp_path, monkeypatch, document, chunk):
    monkeypatch.setattr("seagull_iqa.data.json_files._CHUNK", chunk)
    path = tmp_path / "large.json"
    path.write_text(json.dumps(document, indent=2), encoding="utf-8")
    found = list(entries(path))
    pairs = document.items() if isinstance(document, dict) else ((str(i), v) for i, v in enumerate(document))
    assert found == list(pairs)


@pytest.mark.parametrize("text", ["", "3", '{"a": 1', '{"a" 1}', "[1 2]", '{"a": 1,', "[1, tru]", f"[{'9' * 5000}]"])
def test_json_that_is_cut_off_is_named(tmp_path, text):
    path = tmp_path / "cut.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataFileError, match=r"cut\.json"):
        list(entries(path))


@pytest.mark.parametrize("name", ["nothing.csv", "notes.txt", "folder"])
def test_what_is_no_data_set_is_refused_in_a_sentence(tmp_path, name):
    (tmp_path / "folder").mkdir()
    (tmp_path / "notes.txt").write_text("", encoding="utf-8")
    with pytest.raises(DataFileError) as caught:
        list(read_dataset(tmp_path / name))
    assert caught.value.hint
