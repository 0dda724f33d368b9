"""`evaluate` asks the right thing of the right image, and its table shows who knows and who guesses."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import numpy as np
import pytest
import torch
from scipy.ndimage import laplace

from seagull_iqa.data.protocol import CaseLabel, Protocol, to_rgb
from seagull_iqa.domain.distortion import CLEAN, Distortion, Finding, Severity
from seagull_iqa.domain.model_card import ModelCard
from seagull_iqa.domain.report import ALL_ASPECTS, QualityReport
from seagull_iqa.errors import JobCancelledError, SeagullError
from seagull_iqa.models.mini.checkpoint import save_weights
from seagull_iqa.models.mini.config import MiniConfig
from seagull_iqa.models.mini.network import MiniNetwork
from seagull_iqa.training.baselines import ALL_ROWS, AREA, CONSTANT, CROP, OURS, WHOLE
from seagull_iqa.training.evaluate import EvaluateSpec, evaluate
from seagull_iqa.training.outsiders import BRISQUE, NIQE


class Look:
    def __init__(self, rgb: np.ndarray) -> None:
        self.rgb, self.shape, self.nbytes = rgb, rgb.shape[:2], rgb.nbytes


class Model:
    """Answers from `judge(rgb, mask) -> (quality, importance, findings)`; remembers what it looked at."""

    card, device = ModelCard("judge-1"), "cpu"

    def __init__(self, judge) -> None:
        self.judge, self.shapes = judge, []

    def look(self, image):
        self.shapes.append(image.shape[:2])
        return Look(image)

    def assess(self, look, regions, aspects=ALL_ASPECTS):
        reports = []
        for region in regions:
            quality, importance, findings = self.judge(look.rgb, region.mask.pixels)
            wide = (max(0.0, quality - 5), min(100.0, quality + 5))
            reports.append(
                QualityReport(region.id, quality, wide, importance, (importance, importance), findings, "", "judge-1")
            )
        return reports

    def maps(self, look, *, progress=None, partial=None):
        raise AssertionError("evaluation asks for no map")


def noise_meter(rgb, mask):
    """Falls with fine grain, rises with blur, and calls noise what has grain."""
    grain = float(np.abs(laplace(rgb[..., 1].astype(float)))[mask].mean())
    findings = (Finding(Distortion.NOISE, Severity.SEVERE),) if grain > 20 else ()
    return 100 / (1 + grain / 20), 100 * float(mask.mean()), findings


def oracle(folder):
    """Knows every case by heart: (pixels, region) -> the label."""
    protocol, known = Protocol.load(folder), {}
    for case in protocol.cases:
        scene = protocol.scene(case.photo)
        spoiled = scene.render(case)
        known[to_rgb(spoiled).tobytes(), scene.masks[case.ask].tobytes()] = scene.label(case, spoiled)

    def judge(rgb, mask):
        label = known.get((rgb.tobytes(), mask.tobytes()), CaseLabel(50.0, 50.0, 0.0, frozenset({(CLEAN, 0)})))
        found = [Finding(Distortion(name), Severity(level)) for name, level in label.findings if name != CLEAN]
        return label.quality, label.importance, tuple(found)

    return judge


@pytest.fixture(scope="module")
def spec(toy_protocol_folder):
    return EvaluateSpec(toy_protocol_folder, draws=50)


@pytest.fixture(scope="module")
def measured(spec):
    model = Model(noise_meter)
    return evaluate(spec, model=model), model


def test_who_knows_every_label_gets_every_figure(toy_protocol_folder):
    quick = EvaluateSpec(toy_protocol_folder, ladders=False, draws=20)
    table = evaluate(quick, model=Model(oracle(toy_protocol_folder)))
    for name in ("quality.all.srocc", "quality.signal.plcc", "importance.srocc", "importance.within", "type.f1",
                 "severity.precision", "severity.recall", "class.noise.f1", "class.clean.f1", "quality.coverage"):
        assert table.figure(OURS, name) == pytest.approx(1.0), name
    assert [floor.met for floor in table.floors] == [True, True, True, None, None]
    assert table.figure(WHOLE, "quality.all.srocc") != pytest.approx(1.0)


def test_a_noise_meter_climbs_down_the_ladder_of_noise_and_up_that_of_blur(measured):
    table, _model = measured
    assert table.ladders["noise"].value == pytest.approx(-1.0)
    assert table.ladders["blur"].value > 0
    floors = {floor.name: floor.met for floor in table.floors}
    assert floors["median ladder of noise"] is True
    assert floors["median ladder of blur"] is False
    directed = [f"{name} {way}" for name in ("exposure", "contrast", "colorfulness") for way in ("up", "down")]
    assert set(table.ladders) == {"blur", "noise", "compression", "sharpness", *directed}


def test_one_look_a_case_one_a_crop_and_one_a_rung(measured, spec):
    _table, model = measured
    protocol = Protocol.load(spec.data)
    boxes = [shape for shape in model.shapes if shape != (96, 112)]
    assert len(boxes) == len(protocol.cases)
    assert boxes[0] == (50, 42)
    assert len(model.shapes) - len(boxes) == len(protocol.cases) + 3 * 51


def test_every_row_stands_in_the_table_and_what_was_not_run_says_why(measured):
    table, _model = measured
    assert tuple(row.name for row in table.rows) == ALL_ROWS
    for row in table.rows:
        assert bool(row.figures) != bool(row.missing)
    assert "not run" in next(row for row in table.rows if row.name == NIQE).missing  # boxes of 50 px, or no package
    for row in (CONSTANT, AREA, CROP, WHOLE, OURS):
        assert not math.isnan(table.figure(row, "type.f1" if row != AREA else "importance.srocc")), row


def test_naming_all_types_is_scored_by_hand(measured, spec):
    table, _model = measured
    true = [1, 1, 2, 0, 0, 1, 2, 1]  # types a toy case has; the untouched and the undistorted are clean
    by_hand = sum(2 * k / (7 + k) for k in true) / len(true)
    assert table.figure("all types", "type.f1") == pytest.approx(by_hand)
    assert table.figure(CONSTANT, "type.f1") == pytest.approx(2 / 8)


def test_the_text_names_protocol_label_model_rows_and_floors(measured):
    text = measured[0].to_text()
    for part in ("protocol 1", "analytic-1", "judge-1", "ALTERED", "whole image", "given area", "NOT met", "NIQE: not"):
        assert part in text, part


def test_the_file_is_plain_json_with_intervals(measured, tmp_path):
    measured[0].write(tmp_path / "out.json")
    found = json.loads((tmp_path / "out.json").read_text(), parse_constant=lambda name: pytest.fail(name))
    assert (found["protocol"], found["label"], found["model"], found["partial"]) == (1, "analytic-1", "judge-1", False)
    ours = next(row for row in found["rows"] if row["name"] == OURS)["figures"]["quality.all.srocc"]
    assert ours["low"] <= ours["value"] <= ours["high"]
    assert ours["cases"] == 24
    assert "sharpness" not in found["table_2"][OURS]
    assert {"blur", "clean", "average"} <= set(found["table_2"][OURS])


def test_a_quick_look_is_marked_as_one(toy_protocol_folder):
    seen = []
    quick = EvaluateSpec(toy_protocol_folder, cases=4, rows=(OURS,), draws=10)
    table = evaluate(quick, model=Model(noise_meter), progress=seen.append)
    assert table.about["partial"] is True
    assert "PARTIAL" in table.to_text()
    assert table.about["cases"] == 4
    assert seen[-1].fraction == 1.0
    assert [one.done for one in seen] == list(range(1, seen[-1].total + 1))


def test_labels_are_kept_between_runs(toy_protocol_folder, tmp_path):
    kept = EvaluateSpec(toy_protocol_folder, ladders=False, rows=(OURS,), labels=tmp_path / "labels.json", draws=5)
    first = evaluate(kept, model=Model(noise_meter)).to_json()
    text = kept.labels.read_text()
    assert len(json.loads(text)["cases"]) == 24
    assert evaluate(kept, model=Model(noise_meter)).to_json() == first
    assert kept.labels.read_text() == text


@pytest.mark.parametrize("text", ['{"label": "other", "cases": {}}', "not JSON"])
def test_labels_of_another_kind_are_refused(toy_protocol_folder, tmp_path, text):
    (tmp_path / "labels.json").write_text(text)
    with pytest.raises(SeagullError, match="new file name"):
        evaluate(EvaluateSpec(toy_protocol_folder, labels=tmp_path / "labels.json"), model=Model(noise_meter))


def test_a_place_that_cannot_be_written_shows_before_the_work(toy_protocol_folder, tmp_path):
    (tmp_path / "file").write_text("")
    model = Model(noise_meter)
    with pytest.raises(SeagullError, match="cannot be written"):
        evaluate(EvaluateSpec(toy_protocol_folder, labels=tmp_path / "file" / "labels.json"), model=model)
    assert model.shapes == []


def test_progress_can_stop_it(spec):
    def stop(_progress):
        raise JobCancelledError("stopped")

    with pytest.raises(JobCancelledError):
        evaluate(spec, model=Model(noise_meter), progress=stop)


def test_an_unknown_row_and_no_case_are_refused(tmp_path):
    with pytest.raises(SeagullError, match="The rows are: constant"):
        EvaluateSpec(tmp_path, rows=("ours", "theirs"))
    with pytest.raises(SeagullError, match="at least one"):
        EvaluateSpec(tmp_path, cases=0)


def test_brisque_downloads_nothing(measured):
    row = next(row for row in measured[0].rows if row.name == BRISQUE)
    assert row.missing.startswith("not run") or not math.isnan(measured[0].figure(BRISQUE, "quality.all.srocc"))


def test_two_processes_find_what_one_finds(toy_protocol_folder, tmp_path):
    torch.manual_seed(0)
    save_weights(MiniNetwork(MiniConfig()), tmp_path / "untrained.safetensors")
    several = {"data": toy_protocol_folder, "model": str(tmp_path / "untrained.safetensors"), "device": "cpu"}
    one, two = (
        evaluate(EvaluateSpec(**several, cases=3, rows=(OURS,), ladders=False, draws=5, workers=workers)).to_json()
        for workers in (1, 2)
    )
    assert one["rows"] == two["rows"]
    assert one["model"].startswith("untrained-")


@pytest.mark.timeout(120)
def test_workers_end_when_their_parent_is_killed(tmp_path):
    """A worker that outlives its parent would hold a model in memory for ever."""
    script = tmp_path / "parent.py"
    script.write_text(
        "import os, time\n"
        "from multiprocessing import get_context\n"
        "from concurrent.futures import ProcessPoolExecutor\n"
        "from seagull_iqa.training.workers import start_worker\n"
        "if __name__ == '__main__':\n"
        "    pool = ProcessPoolExecutor(1, mp_context=get_context('spawn'), initializer=start_worker)\n"
        "    print(pool.submit(os.getpid).result(), flush=True)\n"
        "    time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout.readline().strip().isdigit()
        parent.kill()
        # The worker has the same standard output: it ends for us only when both are gone.
        assert parent.stdout.read() == ""
