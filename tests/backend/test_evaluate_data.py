"""`evaluate` on labelled images: lists, COCO files and built data sets, stopped runs, tables and pictures."""

from __future__ import annotations

import csv
import io
import json
import math
import tarfile
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from seagull_iqa.data.scores import DataFileError, Scale
from seagull_iqa.domain.distortion import Distortion, Finding, Severity
from seagull_iqa.domain.model_card import ModelCard
from seagull_iqa.domain.report import ALL_ASPECTS, QualityReport
from seagull_iqa.errors import JobCancelledError, SeagullError
from seagull_iqa.imaging.coco import encode
from seagull_iqa.training.baselines import ALL_ROWS, AREA, CONSTANT, CROP, OURS, WHOLE
from seagull_iqa.training.datasets import DataChoice, open_data_set
from seagull_iqa.training.evaluate import EvaluateSpec, Evaluation, evaluate, measure
from seagull_iqa.training.outsiders import PIQE, Outsider
from seagull_iqa.training.pictures import LEVELS, Measure, coverage, draw
from seagull_iqa.training.worst import worst_cases

OWN_ROWS = (CONSTANT, AREA, WHOLE, CROP, PIQE, OURS)


class Look:
    def __init__(self, rgb: np.ndarray) -> None:
        self.rgb, self.shape, self.nbytes = rgb, rgb.shape[:2], rgb.nbytes


class BrightnessMeter:
    """Quality is the mean brightness in percent; finds "exposure" below 40."""

    device = "cpu"

    def __init__(self, name: str = "meter-1") -> None:
        self.card, self.looks = ModelCard(name), 0

    def look(self, image):
        self.looks += 1
        return Look(image)

    def assess(self, look, regions, aspects=ALL_ASPECTS):
        reports = []
        for region in regions:
            quality = float(look.rgb[region.mask.pixels].mean()) / 2.55
            wide = (max(0.0, quality - 10), min(100.0, quality + 10))
            share = 100 * float(region.mask.pixels.mean())
            found = (Finding(Distortion.EXPOSURE, Severity.SEVERE),) if quality < 40 else ()
            reports.append(QualityReport(region.id, quality, wide, share, (share, share), found, "", self.card.id))
        return reports


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Twelve pictures of 48 x 64 px in "live räume": the left half 8 k, the right half 12 k bright, with texture."""
    data = tmp_path_factory.mktemp("data") / "live räume"
    (data / "images").mkdir(parents=True)
    for k in range(12):
        rgb = np.full((48, 64, 3), 8 * k, np.float64)
        rgb[:, 32:] = 12 * k
        rgb += np.random.default_rng(k).normal(0, 3, rgb.shape)
        Image.fromarray(np.clip(rgb, 0, 255).astype(np.uint8)).save(data / "images" / f"{k}.png")
    rows = [f"{k}.png,{5 + 3.9 * k:.2f},fold{k % 2},x" for k in range(10)]
    (data / "mos.csv").write_text("file,mos,use,more\n" + "\n".join([*rows, "10.png,1,reserve,", "11.png,2,reserve,"]))
    return data


def quick(data, **more):
    return EvaluateSpec(data, **{"rows": OWN_ROWS, "draws": 40, **more})


def test_whole_images_with_scores_are_measured_and_the_reserve_is_left_alone(folder):
    model = BrightnessMeter()
    table = evaluate(quick(folder), model=model)
    assert (table.about["cases"], model.looks) == (10, 10)  # a whole image is not asked about three times
    for row in (OURS, WHOLE, CROP):
        assert table.figure(row, "quality.all.srocc") == pytest.approx(1.0)
    assert table.figure(OURS, "quality.all.plcc") > 0.99
    assert math.isnan(table.figure(CONSTANT, "quality.all.srocc"))


def test_what_is_not_labelled_is_empty_and_never_zero(folder):
    table = evaluate(quick(folder), model=BrightnessMeter())
    plain = table.to_json()
    assert plain["table_1"][OURS]["quality.all.srocc"] == pytest.approx(1.0)
    assert {name for name, value in plain["table_1"][OURS].items() if value is None} >= {
        "importance.srocc", "severity.f1", "type.precision", "type.f1",
    }  # fmt: skip
    assert plain["table_2"] == {}
    assert plain["floors"] == []
    text = table.to_text()
    assert "Table 1: live räume, label mos" in text
    assert "Table 2" not in text
    assert all(row in text for row in OWN_ROWS)


def test_rows_of_a_list_are_chosen_by_their_use(folder, tmp_path):
    choice = DataChoice(folder, use=("reserve", "fold1"))
    assert {image.name for image in open_data_set(choice).images} == {f"{k}.png" for k in (1, 3, 5, 7, 9, 10, 11)}
    with pytest.raises(SeagullError, match="no labelled region"):
        open_data_set(DataChoice(folder, use=("fold9",)))
    (tmp_path / "regions.json").write_text("{}")
    with pytest.raises(SeagullError, match="Leave --use out"):
        open_data_set(DataChoice(tmp_path / "regions.json", use=("fold1",)))


def test_boxes_with_scores_on_another_scale(folder, tmp_path):
    rows = [f"{k}.png,0,{c},48,{c + 32},{1 + 4 * (12 if c else 8) * k / 255:.4f}" for k in range(10) for c in (0, 32)]
    (tmp_path / "boxes.csv").write_text("file, r0, c0, r1, c1, mos\n" + "\n".join(rows))
    choice = DataChoice(images=folder / "images", scores=tmp_path / "boxes.csv", scale=Scale(1, 5))
    found = measure(quick(None, choice=choice, rows=(WHOLE, OURS)), model=BrightnessMeter())
    assert [len({case.photo for case in found.cases}), len(found.cases)] == [10, 20]
    assert found.table.figure(OURS, "quality.all.plcc") > found.table.figure(WHOLE, "quality.all.plcc")
    # Clipping at black lifts the darkest pictures a little.
    assert max(abs(case.ours.quality - case.label.quality) for case in found.cases if case.number > 1) < 1
    with pytest.raises(DataFileError, match="outside"):
        open_data_set(DataChoice(images=folder / "images", scores=tmp_path / "boxes.csv", scale=Scale(1, 2)))


def test_the_bootstrap_draws_photographs_and_not_regions(folder, tmp_path):
    """Two regions of a photograph are not two witnesses: listing every region thrice narrows nothing."""
    rows = [f"{k}.png,0,0,48,64,{7 * (k * 5 % 10)}" for k in range(10)]
    widths = []
    for times in (1, 3):
        (tmp_path / "rows.csv").write_text("file,r0,c0,r1,c1,mos\n" + "\n".join(rows * times))
        choice = DataChoice(images=folder / "images", scores=tmp_path / "rows.csv")
        table = evaluate(quick(None, choice=choice, rows=(OURS,), draws=300), model=BrightnessMeter())
        found = next(row for row in table.rows if row.name == OURS).figures["quality.all.plcc"]
        widths.append(found.high - found.low)
    assert widths[1] == pytest.approx(widths[0], rel=1e-6)


def built(folder, photographs):
    """A folder as `seagull data build` makes it: two regions an image, two images a photograph."""
    (folder / "shards").mkdir(parents=True)
    left, right = np.zeros((2, 48, 64), bool)
    left[:, :32], right[:, 32:] = True, True
    with tarfile.open(folder / "shards" / "00000.tar", "w") as tar:
        for at, path in enumerate(photographs):
            rgb = np.asarray(Image.open(path))
            regions = [
                {"id": name, "kind": "object", "area": int(mask.sum()), "counts": encode(mask),
                 "labels": {"analytic-1": {"quality": float(rgb[mask].mean()) / 2.55, "importance": 30.0 + at,
                                           "importance_ref": float(at)}},
                 "types": [{"type": "exposure", "severity": "severe", "level": 4}] if at < 6 else []}
                for name, mask in (("r00", left), ("r01", right))
            ]  # fmt: skip
            about = {"photograph": f"photo{at // 2}.webp", "size": [48, 64], "regions": regions}
            picture = io.BytesIO()
            Image.fromarray(rgb).save(picture, "WEBP", lossless=True)
            for suffix, data in (("json", json.dumps(about).encode()), ("webp", picture.getvalue())):
                entry = tarfile.TarInfo(f"{at:08d}.{suffix}")
                entry.size = len(data)
                tar.addfile(entry, io.BytesIO(data))
    index = {"format": "seagull-data", "version": 1, "shards": [{"name": "00000.tar"}]}
    (folder / "seagull-data.json").write_text(json.dumps(index))
    return folder


def test_a_built_data_set_fills_both_tables(folder, tmp_path):
    data = built(tmp_path / "set", sorted((folder / "images").glob("*.png"), key=lambda path: int(path.stem)))
    table = evaluate(quick(data), model=BrightnessMeter())
    assert (table.about["cases"], table.about["photographs"], table.about["label"]) == (24, 6, "analytic-1")
    assert table.figure(OURS, "quality.all.srocc") == pytest.approx(1.0)
    # Exposure is said of the 12 left halves and of 9 right ones, and true of 12; clean is said of 3 and true of 12.
    assert table.figure(OURS, "type.f1") == pytest.approx(15 / 24)
    assert table.figure(OURS, "importance.coverage") == 0.0
    second = table.to_json()["table_2"][OURS]
    assert list(second) == ["blur", "colorfulness", "noise", "compression", "contrast", "exposure", "clean", "average"]
    assert (second["exposure"], second["clean"]) == pytest.approx((100 * 24 / 33, 100 * 6 / 15))
    assert second["blur"] is None
    assert second["average"] == pytest.approx((second["exposure"] + second["clean"]) / 2)
    assert "Table 2: set, label analytic-1" in table.to_text()


def test_a_coco_file_with_types_but_no_severities(folder, tmp_path):
    document = {
        "images": [{"id": k, "file_name": f"{k}.png"} for k in range(10)],
        "annotations": [
            {"id": k, "image_id": k, "bbox": [0, 0, 64, 48], "quality": 7 * k,
             "types": ["exposure"] if k < 8 else []} for k in range(10)
        ],
    }  # fmt: skip
    (tmp_path / "regions.json").write_text(json.dumps(document))
    choice = DataChoice(tmp_path / "regions.json", images=folder / "images")
    table = evaluate(quick(None, choice=choice), model=BrightnessMeter())
    assert table.figure(OURS, "type.f1") > 0.7
    assert math.isnan(table.figure(OURS, "severity.f1"))


def test_a_stopped_run_goes_on_where_it_was(folder, tmp_path):
    work = tmp_path / "so far.jsonl"
    whole = evaluate(quick(folder), model=BrightnessMeter()).to_json()

    def stop(progress):
        if progress.done == 5:
            raise JobCancelledError("stopped")

    with pytest.raises(JobCancelledError):
        evaluate(quick(folder, work=work), model=BrightnessMeter(), progress=stop)
    text = work.read_text()
    work.write_text(text[:-20])  # as a kill leaves it: half a line
    model = BrightnessMeter()
    assert evaluate(quick(folder, work=work), model=model).to_json() == whole
    assert 0 < model.looks < 10
    again = BrightnessMeter()
    assert evaluate(quick(folder, work=work), model=again).to_json() == whole
    assert again.looks == 0


def test_results_of_another_model_or_other_rows_are_not_mixed(folder, tmp_path):
    work = tmp_path / "work.jsonl"
    evaluate(quick(folder, work=work), model=BrightnessMeter())
    for spec, model in (
        (quick(folder, work=work), BrightnessMeter("meter-2")),
        (quick(folder, work=work, rows=(OURS,)), BrightnessMeter()),
        (quick(folder, work=work, cases=4), BrightnessMeter()),
    ):
        with pytest.raises(SeagullError, match="new file name"):
            evaluate(spec, model=model)


def test_results_of_other_boxes_are_not_mixed(folder, tmp_path):
    def spec(row):
        (tmp_path / "boxes.csv").write_text(f"file,r0,c0,r1,c1,mos\n{row}\n")
        choice = DataChoice(images=folder / "images", scores=tmp_path / "boxes.csv")
        return quick(None, choice=choice, rows=(OURS,), work=tmp_path / "work.jsonl")

    evaluate(spec("5.png,0,0,48,32,10"), model=BrightnessMeter())
    with pytest.raises(SeagullError, match="new file name"):
        evaluate(spec("5.png,0,32,48,64,10"), model=BrightnessMeter())


def test_results_of_other_pictures_of_the_same_name_are_not_mixed(folder, tmp_path):
    (tmp_path / "list.csv").write_text("file,mos\n1.png,5\n")
    for name, value in (("before", 50), ("after", 200)):
        (tmp_path / name).mkdir()
        picture = Image.new("RGB", (64, 48), (value, value, value))
        picture.putpixel((0, 0), (0, 0, 0))
        picture.save(tmp_path / name / "1.png")

    def spec(images):
        choice = DataChoice(images=tmp_path / images, scores=tmp_path / "list.csv")
        return quick(None, choice=choice, rows=(OURS,), work=tmp_path / "work.jsonl")

    evaluate(spec("before"), model=BrightnessMeter())
    with pytest.raises(SeagullError, match="new file name"):
        evaluate(spec("after"), model=BrightnessMeter())


def test_an_image_that_cannot_be_judged_is_named(folder, tmp_path):
    Image.new("RGB", (64, 48), "gray").save(tmp_path / "flat.png")
    (tmp_path / "list.csv").write_text("file,mos\nflat.png,5\n")
    with pytest.raises(SeagullError, match=r"flat\.png: Every pixel"):
        evaluate(quick(None, choice=DataChoice(scores=tmp_path / "list.csv"), rows=(OURS,)), model=BrightnessMeter())


def test_a_method_installed_since_is_not_taken_for_one_that_was_silent(folder, tmp_path, monkeypatch):
    spec = quick(folder, work=tmp_path / "work.jsonl", rows=(PIQE, OURS))
    absent = Outsider(PIQE, "", lambda _rgb: math.nan, "not run: not installed")
    with monkeypatch.context() as without:
        without.setattr("seagull_iqa.training.outsiders._piqe", lambda: absent)
        assert "not installed" in evaluate(spec, model=BrightnessMeter()).summary()
    with pytest.raises(SeagullError, match="new file name"):
        evaluate(spec, model=BrightnessMeter())


def test_a_file_that_is_missing_is_named_before_the_work(folder, tmp_path):
    (tmp_path / "list.csv").write_text("file,mos\n1.png,5\nnone a.png,6\nnone b.png,6\n")
    model = BrightnessMeter()
    with pytest.raises(SeagullError, match=r"none a\.png \(2 of 3"):
        evaluate(quick(None, choice=DataChoice(images=folder / "images", scores=tmp_path / "list.csv")), model=model)
    assert model.looks == 0


def test_a_box_beside_its_image_names_the_image(folder, tmp_path):
    (tmp_path / "list.csv").write_text("file,r0,c0,r1,c1,mos\n3.png,500,500,600,600,5\n")
    choice = DataChoice(images=folder / "images", scores=tmp_path / "list.csv")
    with pytest.raises(DataFileError, match=r"3\.png: The box .* holds no pixel"):
        evaluate(quick(None, choice=choice, rows=(OURS,)), model=BrightnessMeter())


def test_the_protocols_run_can_be_stopped_too(toy_protocol_folder, tmp_path):
    spec = EvaluateSpec(toy_protocol_folder, rows=(OURS,), draws=5, work=tmp_path / "work.jsonl")
    first, model = evaluate(spec, model=BrightnessMeter()).to_json(), BrightnessMeter()
    assert evaluate(spec, model=model).to_json() == first
    assert model.looks == 0


def test_a_table_without_all_rows_is_partial_whatever_pyiqa_adds(folder):
    spec = quick(folder, rows=(*ALL_ROWS[1:], "pyiqa:x"))
    about = {"cases": 1, "partial": False}
    bench = SimpleNamespace(about=about, asker=SimpleNamespace(model=BrightnessMeter()))
    assert Evaluation(spec, bench).about["partial"]
    assert not Evaluation(replace(spec, rows=(*ALL_ROWS, "pyiqa:x")), bench).about["partial"]


def test_published_figures_stand_apart_and_name_their_data(folder):
    table = evaluate(quick(folder), model=BrightnessMeter())
    assert "SEAGULL-3k" not in table.to_text()
    text = table.to_text(published=True)
    assert text.count("SEAGULL-3k (test)") == 2
    assert text.index("live räume") < text.index("SEAGULL-3k")
    assert ".7452" in text


def test_pictures_are_drawn_of_what_is_labelled(folder, tmp_path):
    found = measure(quick(folder), model=BrightnessMeter())
    paths = draw(found, tmp_path)
    assert [path.name for path in paths] == ["scatter.png", "residuals.png", "reliability.png", "worst.png"]
    for path in paths:
        with Image.open(path) as picture:
            assert np.asarray(picture.convert("L")).std() > 5, path.name
    worst = worst_cases(found, 3)
    errors = sorted((abs(case.ours.quality - case.label.quality) for case in found.cases), reverse=True)
    assert [abs(case.ours.quality - case.label.quality) for case in worst] == errors[:3]
    assert np.array_equal(found.picture(found.cases[4]), np.asarray(Image.open(folder / "images" / "4.png")))


def test_reliability_of_a_normal_error_is_what_is_claimed():
    generator = np.random.default_rng(3)
    middle = generator.uniform(30, 70, 4000)
    half = 6 * 1.2815515655446004
    measured = Measure(
        "quality", middle, middle + generator.normal(0, 6, 4000), np.stack([middle - half, middle + half], axis=1),
        np.full(4000, "blur"),
    )  # fmt: skip
    assert coverage(measured) == pytest.approx(LEVELS, abs=0.03)


def test_a_name_stands_for_a_folder_in_the_data_folder(folder, monkeypatch):
    monkeypatch.setenv("SEAGULL_DATA", str(folder.parent))
    from pathlib import Path

    assert open_data_set(DataChoice(Path("live räume"))).name == "live räume"
    with pytest.raises(SeagullError, match="no data set nowhere"):
        open_data_set(DataChoice(Path("nowhere")))


@pytest.mark.data
def test_human_scores_of_the_data_folder_open_without_the_reserve(request):
    import os
    from pathlib import Path

    home = Path(os.environ["SEAGULL_DATA"])
    with (home / "live-itw" / "mos.csv").open(newline="") as file:
        kept = [row["file"] for row in csv.DictReader(file) if row["use"] != "reserve"]
    assert [image.name for image in open_data_set(DataChoice(home / "live-itw")).images] == kept
    assert set(OWN_ROWS) <= set(ALL_ROWS)


def test_the_command_prints_writes_and_draws(folder, tmp_path, capsys):
    from seagull_iqa.cli.app import run

    given = ["evaluate", "--data", str(folder), "--rows", "ours,PIQE", "--cases", "4", "--bootstrap", "20"]
    files = ["--out", str(tmp_path / "t.json"), "--pictures", str(tmp_path / "bilder"), "--work", str(tmp_path / "w")]
    assert run([*given, *files]) == 0
    assert "PARTIAL" in capsys.readouterr().out
    assert json.loads((tmp_path / "t.json").read_text())["data"] == "live räume"
    assert len(list((tmp_path / "bilder").glob("*.png"))) == 4
    assert run(["evaluate", "--images", str(folder)]) == 1
    assert "--scores FILE.csv" in capsys.readouterr().err


def test_pictures_without_matplotlib_are_refused_before_the_work(folder, tmp_path, capsys, monkeypatch):
    from seagull_iqa.cli import evaluating

    monkeypatch.setattr(evaluating, "find_spec", lambda _name: None)
    from seagull_iqa.cli.app import run

    assert run(["evaluate", "--data", str(folder), "--pictures", str(tmp_path / "p")]) == 1
    assert "napari-seagull[data]" in capsys.readouterr().err
