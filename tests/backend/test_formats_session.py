"""The side-car: what was written comes back exactly, stays small and readable, and a hostile file changes nothing."""

from __future__ import annotations

import json
import math
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seagull_iqa.domain.region import Region, RegionMask
from seagull_iqa.errors import SeagullError
from seagull_iqa.formats import reading
from seagull_iqa.formats.session_document import SessionDocument, SessionImage, SessionRegion
from seagull_iqa.formats.session_file import (
    MIGRATIONS,
    VERSION,
    SessionFile,
    document_of,
    find_image,
    read_session,
    write_session,
)
from tests.backend.formats_session import DOCUMENT, SHAPE, same_document


def test_everything_comes_back_exactly(tmp_path: Path) -> None:
    written = write_session(tmp_path / "bild ä.seagull.json", DOCUMENT)
    read = read_session(tmp_path / "bild ä.seagull.json")
    same_document(read, written)
    assert read.app.startswith("napari-seagull") and read.saved.endswith("Z")
    assert read.reports[0].report.quality == 100 / 3 and read.session == DOCUMENT.session


def test_the_file_is_readable_json_with_a_line_for_each_noun(tmp_path: Path) -> None:
    path = tmp_path / "a.seagull.json"
    write_session(path, DOCUMENT)
    text = path.read_text(encoding="utf-8")
    values = json.loads(text)
    assert values["format"] == "seagull-session" and values["version"] == VERSION
    assert "Vögel" in text
    assert sum(line.startswith('  {"id"') for line in text.splitlines()) == len(DOCUMENT.regions) + len(
        DOCUMENT.annotations
    ) + len(DOCUMENT.preferences)


def test_hundreds_of_regions_take_kilobytes(tmp_path: Path) -> None:
    rows, columns = np.mgrid[:1000, :1000]
    masks = [
        RegionMask.from_pixels((rows - 60 - 4 * n) ** 2 + (columns - 100 - 3 * n) ** 2 < (30 + n % 20) ** 2)
        for n in range(200)
    ]
    regions = tuple(SessionRegion(Region(mask, f"Region {n}")) for n, mask in enumerate(masks))
    write_session(tmp_path / "a.seagull.json", SessionDocument(SessionImage((1000, 1000)), regions))
    assert (tmp_path / "a.seagull.json").stat().st_size < 80_000


def test_only_what_changed_is_put_in_words_again_and_the_file_is_the_same(tmp_path: Path) -> None:
    file = SessionFile(tmp_path / "a.seagull.json")
    file.write(DOCUMENT)
    one = DOCUMENT.regions[0]
    changed = replace(DOCUMENT, regions=(replace(one, region=replace(one.region, name="other")), *DOCUMENT.regions[1:]))
    written = file.write(changed)
    same_document(read_session(file.path), written)
    assert len(file._lines) == sum(
        len(part) for part in (changed.regions, changed.reports, changed.annotations, changed.preferences)
    )


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.seagull.json"
    write_session(path, DOCUMENT)
    before = path.read_bytes()

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(SeagullError, match="No space left"):
        write_session(path, replace(DOCUMENT, annotator="somebody"))
    assert path.read_bytes() == before and [one.name for one in tmp_path.iterdir()] == [path.name]


def test_half_a_surrogate_and_numbers_that_are_none_do_not_stop_saving(tmp_path: Path) -> None:
    one, report = DOCUMENT.regions[0], DOCUMENT.reports[0]
    odd = replace(
        DOCUMENT,
        regions=(replace(one, region=replace(one.region, name="bad \ud800 name")),),
        reports=(replace(report, report=replace(report.report, quality=math.nan, quality_interval=(0, math.inf))),),
    )
    write_session(tmp_path / "a.seagull.json", odd)
    read = read_session(tmp_path / "a.seagull.json")
    assert read.regions[0].region.name == "bad ? name"
    assert read.reports[0].report.quality is None and read.reports[0].report.quality_interval is None


def test_an_older_version_is_migrated_and_a_newer_one_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_session(tmp_path / "a.seagull.json", DOCUMENT)
    values = json.loads((tmp_path / "a.seagull.json").read_text(encoding="utf-8"))
    with pytest.raises(SeagullError, match="version 2"):
        document_of({**values, "version": 2}, "a")
    monkeypatch.setattr("seagull_iqa.formats.session_file.VERSION", 2)
    step = {1: lambda old: {**old, "version": 2, "annotator": old["annotator"] + " migrated"}}
    assert document_of(values, "a", step).annotator == "Zoë migrated"
    assert not MIGRATIONS


def test_the_image_is_found_beside_the_file_when_both_were_moved(tmp_path: Path) -> None:
    old = tmp_path / "alt ö"
    old.mkdir()
    (old / "photo.png").write_bytes(b"x")
    image = replace(DOCUMENT.image, path=str(old / "photo.png"))
    written = write_session(old / "photo.seagull.json", replace(DOCUMENT, image=image))
    assert written.image is not None and written.image.relative == "photo.png"
    new = old.rename(tmp_path / "neu")
    assert find_image(read_session(new / "photo.seagull.json"), new / "photo.seagull.json") == new / "photo.png"
    (new / "photo.png").unlink()
    assert find_image(written, new / "photo.seagull.json") is None
    remote = replace(written, image=replace(image, path="\\\\server\\share\\photo.png", relative=""))
    assert find_image(remote, new / "photo.seagull.json") is None


def _values(**changes: Any) -> dict[str, Any]:
    region = {"id": "a", "box": [0, 0, 4, 5], "runs": ""}
    report = {
        "region": "a", "quality": 1.0, "quality_interval": [0.0, 2.0], "importance": None,
        "importance_interval": None, "findings": [], "text": "", "model": "m",
    }  # fmt: skip
    note = {"id": "n", "region": "a", "quality": 5.0}
    image = {"height": SHAPE[0], "width": SHAPE[1]}
    whole = {
        "format": "seagull-session", "version": 1, "image": image, "regions": [region], "reports": [report],
        "annotations": [note],
    }  # fmt: skip
    return {**whole, **changes}


def _region(**changes: Any) -> dict[str, Any]:
    return _values(regions=[{**_values()["regions"][0], **changes}])


def _report(**changes: Any) -> dict[str, Any]:
    return _values(reports=[{**_values()["reports"][0], **changes}])


HOSTILE = {
    "no object": [],
    "another format": _values(format="coco"),
    "version zero": _values(version=0),
    "a version in words": _values(version="one"),
    "a bool for a version": _values(version=None),
    "no image": _values(image=None),
    "an image without pixels": _values(image={"height": 0, "width": 5}),
    "an image of a huge size": _values(image={"height": 10**30, "width": 5}),
    "a path out of the folder": _values(image={"height": 40, "width": 60, "relative": "../../secret.png"}),
    "an absolute relative path": _values(image={"height": 40, "width": 60, "relative": "/etc/passwd"}),
    "a drive for a path": _values(image={"height": 40, "width": 60, "relative": "C:\\secret.png"}),
    "regions that are no list": _values(regions={"a": 1}),
    "a region that is none": _values(regions=["a"]),
    "two regions of one id": _values(regions=[*_values()["regions"], *_values()["regions"]]),
    "a box outside": _region(box=[0, 0, 41, 5]),
    "a negative box": _region(box=[-1, 0, 4, 5]),
    "an empty box": _region(box=[4, 0, 4, 5]),
    "a box of floats": _region(box=[0.5, 0, 4, 5]),
    "runs that do not add up": _region(runs="42"),
    "runs of no letters": _region(runs="\x00é"),
    "runs that are cut off": _region(runs="o"),
    "a number without end": _region(runs="o" * 40 + "0"),
    "huge runs": _region(runs="PPPPPPPPPPo0"),
    "a mask without pixels": _region(runs="d0"),
    "an id without end": _region(id="a" * 5000),
    "another origin": _region(origin="moon"),
    "a source that is none": _region(source={"kind": "cube"}),
    "a quality off the scale": _report(quality=1e9),
    "a quality in words": _report(quality="very"),
    "another distortion": _report(findings=[{"distortion": "evil", "severity": "minor", "level": 2}]),
    "a level off the scale": _report(findings=[{"distortion": "blur", "severity": "minor", "level": 9}]),
    "two reports on one region": _values(reports=_values()["reports"] * 2),
    "an annotation off the scale": _values(annotations=[{"id": "n", "region": "a", "quality": 500}]),
    "a distortion twice": _values(annotations=[{"id": "n", "region": "a", "findings": [
        {"distortion": "blur", "severity": "minor", "level": 2}] * 2}]),
    "a preference for itself": _values(preferences=[{"id": "p", "better": "a", "worse": "a"}]),
    "an annotator who is a list": _values(annotator=["x"]),
    "a negative journal": _values(journal=-1),
}  # fmt: skip


@pytest.mark.parametrize("values", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_document_gets_one_sentence(tmp_path: Path, values: object) -> None:
    path = tmp_path / "a.seagull.json"
    path.write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(SeagullError) as caught:
        read_session(path)
    assert "\n" not in caught.value.message and caught.value.message.endswith(".") and caught.value.hint


def test_the_plain_document_of_these_tests_is_fine(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(_values()), encoding="utf-8")
    assert read_session(tmp_path / "a.json").regions[0].region.mask.area == 20


BYTES = {
    "NaN": json.dumps(_report(quality=math.nan)).encode(),
    "Infinity in hiding": json.dumps(_report(quality=7)).replace('"quality": 7', '"quality": 1e999').encode(),
    "a whole number without end": b'{"format": ' + b"9" * 10_000 + b"}",
    "nested without end": b"[" * 200_000,
    "UTF-16": json.dumps(_values()).encode("utf-16"),
    "Latin-1": json.dumps(_values(annotator="Zoë"), ensure_ascii=False).encode("latin-1"),
    "nothing": b"",
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
    "cut off": json.dumps(_values()).encode()[:-20],
}


@pytest.mark.parametrize("data", BYTES.values(), ids=BYTES.keys())
def test_bytes_that_are_no_session_get_one_sentence(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.seagull.json"
    path.write_bytes(data)
    with pytest.raises(SeagullError) as caught:
        read_session(path)
    assert "\n" not in caught.value.message


def test_files_and_masks_that_would_fill_the_memory_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.seagull.json"
    big = {"height": 100_000, "width": 100_000}
    regions = [{"id": str(uuid.uuid4()), "box": [0, 0, 60_000, 60_000]}]
    path.write_text(json.dumps(_values(image=big, regions=regions)), encoding="utf-8")
    with pytest.raises(SeagullError, match="2,000,000,000 pixels"):
        read_session(path)
    monkeypatch.setattr(reading, "MAX_BYTES", 10)
    with pytest.raises(SeagullError, match="bytes"):
        reading.read_bytes(path, reading.MAX_BYTES)

