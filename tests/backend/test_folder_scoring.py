"""A folder scored into one table: every image once, whatever happens on the way."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from seagull_iqa.cli.app import run
from seagull_iqa.domain.annotation import Annotation
from seagull_iqa.domain.distortion import Distortion, Finding, Severity
from seagull_iqa.domain.region import Region, RegionMask
from seagull_iqa.domain.report import QualityReport
from seagull_iqa.errors import BackendUnreachableError, ImageError, JobCancelledError, SeagullError
from seagull_iqa.folder import scoring
from seagull_iqa.folder.listing import images_in, side_car_of
from seagull_iqa.folder.progress_file import progress_path
from seagull_iqa.folder.scoring import score_folder
from seagull_iqa.formats.catalogue import import_from
from seagull_iqa.formats.reading import FormatError
from seagull_iqa.formats.session_document import SessionDocument, SessionImage, SessionRegion
from seagull_iqa.formats.session_file import write_session
from seagull_iqa.imaging.files import read_image
from seagull_iqa.imaging.normalise import prepare

SETTINGS = {"model": "toy"}


def brightness(image, regions):
    """Quality is brightness in percent; dark ones are under-exposed."""
    made = []
    for region in regions:
        quality = float(image.rgb[region.mask.pixels].mean() / 2.55)
        found = (Finding(Distortion.EXPOSURE, Severity.SEVERE),) if quality < 30 else ()
        made.append(QualityReport(region.id, quality, None, 50.0, None, found, "", "toy", image.pixels))
    return made


@pytest.fixture
def folder(tmp_path):
    """Eight images, each brighter than the last."""
    made = tmp_path / "photos"
    made.mkdir()
    for number in range(8):
        pixels = np.full((20, 30, 3), 10 + 30 * number, dtype=np.uint8)
        pixels[0] = 0
        Image.fromarray(pixels).save(made / f"{number}.png")
    return made


def rows(table: Path) -> list[dict[str, str]]:
    with table.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_image_has_a_row_with_the_columns_of_all_our_tables(folder, tmp_path):
    table = tmp_path / "table.csv"
    summary = score_folder(images_in(folder), table, brightness, settings=SETTINGS)
    found = rows(table)
    assert [Path(row["image"]).name for row in found] == [f"{n}.png" for n in range(8)]
    assert [row["name"] for row in found] == ["whole image"] * 8
    assert found[0]["findings"] == "severe exposure" and found[-1]["findings"] == "clean"
    assert float(found[3]["quality"]) == pytest.approx(100 / 2.55 * 0.95)
    assert summary.images == summary.regions == 8 and summary.failed == 0
    assert summary.worst[0].image == str(folder / "0.png")
    assert dict(summary.findings) == {"exposure": 3, "clean": 5}
    assert summary.median == pytest.approx((100 + 130) / 2 / 2.55 * 0.95)
    assert not progress_path(table).exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photos", "table.csv"]


def test_parquet_holds_the_same(folder, tmp_path):
    pandas = pytest.importorskip("pandas")
    score_folder(images_in(folder), tmp_path / "a.csv", brightness, settings=SETTINGS)
    score_folder(images_in(folder), tmp_path / "a.parquet", brightness, settings=SETTINGS)
    table = pandas.read_parquet(tmp_path / "a.parquet")
    assert table["quality"].tolist() == [float(row["quality"]) for row in rows(tmp_path / "a.csv")]


def test_regions_of_the_session_beside_an_image_are_scored_with_the_labels_of_people(folder, tmp_path):
    path = folder / "3.png"
    image = read_image(path)
    half = Region(RegionMask.from_box(image.shape, (5, 0, 20, 15)), "left")
    facts = SessionImage(image.shape, "3.png", str(path), "3.png", image.sha256, image.pixels)
    said = Annotation(half.id, "Ann", 75.0)
    write_session(side_car_of(path), SessionDocument(facts, (SessionRegion(half),), annotations=(said,)))
    table = tmp_path / "table.csv"
    score_folder(images_in(folder), table, brightness, settings=SETTINGS)
    (row,) = [row for row in rows(table) if row["image"] == str(path)]
    assert row["name"] == "left" and row["id"] == half.id and row["label_quality"] == "75.0"
    assert float(row["quality"]) == pytest.approx(100 / 2.55)
    document, _notes = import_from(table, SessionImage(image.shape), "csv")
    assert half.mask.pixels.tobytes() in [one.region.mask.pixels.tobytes() for one in document.regions]


def test_regions_of_a_stack_are_scored_each_on_its_plane_through_the_limits_of_the_session(tmp_path):
    values = np.stack([np.full((20, 30), 1000 * (k + 1), dtype=np.uint16) for k in range(3)])
    values[:, 0] = 0
    path = tmp_path / "photos" / "stack.tif"
    path.parent.mkdir()
    tifffile.imwrite(path, values, photometric="minisblack")
    shown = prepare(values, rgb=False, plane=(1,), contrast_limits=(0.0, 4000.0))
    low = [Region(RegionMask.from_box((20, 30), (5, 0, 20, 15)), f"plane {k}") for k in (1, 2)]
    facts = SessionImage((20, 30), "stack.tif", str(path), "", shown.sha256, shown.pixels)
    regions = tuple(SessionRegion(one, (k,)) for k, one in enumerate(low, 1))
    write_session(side_car_of(path), SessionDocument(facts, regions))
    table = tmp_path / "table.csv"
    score_folder(images_in(path.parent), table, brightness, settings=SETTINGS)
    found = {row["name"]: row for row in rows(table)}
    assert {name: round(float(row["quality"])) for name, row in found.items()} == {"plane 1": 50, "plane 2": 75}
    assert [json.loads(found[f"plane {k}"]["plane"]) for k in (1, 2)] == [[1], [2]]
    score_folder(images_in(path.parent), tmp_path / "whole.csv", brightness, settings=SETTINGS, choose=lambda _image: [
        Region(RegionMask.whole((20, 30)), "mine")
    ])  # fmt: skip
    assert [row["name"] for row in rows(tmp_path / "whole.csv")] == ["mine"]


def test_an_image_that_cannot_be_read_is_a_row_that_says_why_and_the_others_go_on(folder, tmp_path):
    (folder / "2.png").write_bytes(b"no picture")
    table = tmp_path / "table.csv"
    summary = score_folder(images_in(folder), table, brightness, settings=SETTINGS)
    assert summary.images == 7 and summary.failed == 1
    (row,) = [row for row in rows(table) if row["error"]]
    assert Path(row["image"]).name == "2.png" and row["quality"] == ""


def test_who_stops_has_a_table_of_what_was_scored_and_goes_on_without_scoring_twice(folder, tmp_path):
    table, asked = tmp_path / "table.csv", []

    def score(image, regions):
        asked.append(image.rgb[5, 5, 0])
        return brightness(image, regions)

    def stop_at_third(step):
        if step.done == 3:
            raise JobCancelledError("You cancelled it.")

    with pytest.raises(JobCancelledError):
        score_folder(images_in(folder), table, score, settings=SETTINGS, progress=stop_at_third)
    assert len(rows(table)) == len(asked) == 3
    score_folder(images_in(folder), table, score, settings=SETTINGS)
    assert asked == [10 + 30 * number for number in range(8)]
    assert len(rows(table)) == 8


@pytest.mark.parametrize("error", [BackendUnreachableError("The server went away."), JobCancelledError("You did.")])
def test_a_server_that_goes_away_is_no_fault_of_the_image_it_was_asked_about(error, folder, tmp_path):
    table, asked = tmp_path / "table.csv", []

    def score(image, regions):
        asked.append(image.name)
        if len(asked) == 4:
            raise error
        return brightness(image, regions)

    with pytest.raises(type(error)):
        score_folder(images_in(folder), table, score, settings=SETTINGS)
    summary = score_folder(images_in(folder), table, score, settings=SETTINGS)
    assert summary.failed == 0 and summary.images == 8
    assert asked == ["0.png", "1.png", "2.png", "3.png", *(f"{n}.png" for n in range(3, 8))]


def test_an_image_that_was_changed_meanwhile_is_scored_again(folder, tmp_path):
    table = tmp_path / "table.csv"

    def stop(step):
        if step.done == 4:
            raise JobCancelledError("You cancelled it.")

    with pytest.raises(JobCancelledError):
        score_folder(images_in(folder), table, brightness, settings=SETTINGS, progress=stop)
    pixels = np.full((22, 30, 3), 250, dtype=np.uint8)
    pixels[0] = 0
    Image.fromarray(pixels).save(folder / "0.png")
    score_folder(images_in(folder), table, brightness, settings=SETTINGS)
    found = {Path(row["image"]).name: float(row["quality"]) for row in rows(table)}
    assert len(found) == 8 and found["0.png"] > 90


def test_what_was_begun_with_another_model_is_not_mixed_in(folder, tmp_path):
    table = tmp_path / "table.csv"

    def stop(step):
        if step.done == 2:
            raise JobCancelledError("You cancelled it.")

    with pytest.raises(JobCancelledError):
        score_folder(images_in(folder), table, brightness, settings=SETTINGS, progress=stop)
    with pytest.raises(FormatError, match="another model"):
        score_folder(images_in(folder), table, brightness, settings={"model": "other"})


def test_who_was_refused_for_other_settings_may_try_again_at_once(folder, tmp_path):
    table = tmp_path / "table.csv"
    progress_path(table).write_text("something else\n", encoding="utf-8")
    with pytest.raises(FormatError, match="other regions") as refused:
        score_folder(images_in(folder), table, brightness, settings=SETTINGS)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photos", "table.csv.progress"]
    progress_path(table).unlink()
    assert score_folder(images_in(folder), table, brightness, settings=SETTINGS).images == 8
    assert refused.value  # is still held, as a window does that shows it


def test_a_reader_that_dies_ends_the_work_and_leaves_it_to_be_gone_on_with(folder, tmp_path, monkeypatch):
    def dying(path):
        if path.name == "5.png":
            raise RecursionError
        return read_image(path)

    table = tmp_path / "table.csv"
    monkeypatch.setattr(scoring, "read_image", dying)
    with pytest.raises(RecursionError):
        score_folder(images_in(folder), table, brightness, settings=SETTINGS)
    assert len(rows(table)) == 5 and progress_path(table).exists()


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are text there")
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_an_image_whose_name_is_no_text_has_its_row_as_well(ending, folder, tmp_path):
    (folder / "7.png").rename(folder / os.fsdecode(b"caf\xe9.png"))
    table = tmp_path / f"table.{ending}"
    summary = score_folder(images_in(folder), table, brightness, settings=SETTINGS)
    assert summary.images == 8 and summary.failed == 0
    json.dumps(summary.to_dict(), ensure_ascii=False).encode()
    if ending == "csv":
        assert Path(rows(table)[-1]["image"]).name == "caf\\udce9.png"


def test_a_folder_without_images_and_a_table_of_no_kind_are_refused_in_a_sentence(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ImageError, match="holds no image"):
        images_in(tmp_path / "empty")
    with pytest.raises(SeagullError, match="no name of a table"):
        score_folder([tmp_path / "x.png"], tmp_path / "table.xlsx", brightness, settings=SETTINGS)


CHILD = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from test_folder_scoring import SETTINGS, brightness
from seagull_iqa.folder.listing import images_in
from seagull_iqa.folder.scoring import score_folder
log = open(sys.argv[2] + ".log", "a")
def score(image, regions):
    made = brightness(image, regions)
    time.sleep(0.02)
    print(int(image.rgb[5, 5, 0]), file=log, flush=True)
    return made
score_folder(images_in(Path(sys.argv[1])), Path(sys.argv[2]), score, settings=SETTINGS)
"""


def test_after_a_kill_nothing_that_was_acknowledged_is_scored_twice_and_nothing_is_missing(folder, tmp_path):
    for number in range(8, 24):
        pixels = np.full((20, 30, 3), 2 + 10 * number, dtype=np.uint8)
        pixels[0] = 0
        Image.fromarray(pixels).save(folder / f"{number:02d}.png")
    table = tmp_path / "table.csv"
    command = [sys.executable, "-c", CHILD, str(folder), str(table), str(Path(__file__).parent)]
    progress, kills = progress_path(table), 0
    while not table.exists():
        child = subprocess.Popen(command)
        before = _lines(progress)
        end = time.monotonic() + 60
        while child.poll() is None and _lines(progress) < before + 6 and time.monotonic() < end:
            time.sleep(0.005)
        if child.poll() is None:
            os.kill(child.pid, signal.SIGKILL)
            kills += 1
        child.wait()
    log = (tmp_path / "table.csv.log").read_text().split()
    scored = len(log)
    assert kills >= 2
    assert len(rows(table)) == 24 and len({row["image"] for row in rows(table)}) == 24
    assert scored <= 24 + kills  # at most the one that was under way at each kill


def _lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def test_the_command_scores_a_folder_into_a_table_with_a_summary(folder, tmp_path, capsys):
    (folder / "2.png").write_bytes(b"no picture")
    table, summary = tmp_path / "table.csv", tmp_path / "summary.json"
    assert run(["score", str(folder), "--out", str(table), "--summary", str(summary)]) == 1
    said = capsys.readouterr()
    assert "7 images, 7 regions, 1 images failed" in said.out and "the worst" in said.out
    assert "2.png" in said.err and "Traceback" not in said.err
    values = json.loads(summary.read_text(encoding="utf-8"))
    assert values["format"] == "seagull-folder-summary" and values["images"] == 7
    assert len(rows(table)) == 8


def test_a_folder_without_a_table_is_wrong_use(folder, capsys):
    assert run(["score", str(folder)]) == 2
    assert "--out" in capsys.readouterr().err
