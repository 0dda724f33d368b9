"""A fine-tuning run on the disk is read back whole, also after a crash."""

from __future__ import annotations

from dataclasses import replace

import pytest

from seagull_iqa.domain.fine_tuning import (
    BeforeAfter,
    ChangedRegion,
    CurvePoint,
    FineTuneResult,
    FineTuneSpec,
    Method,
    TuneState,
)
from seagull_iqa.formats.reading import FormatError
from seagull_iqa.formats.tuning_run import CANCEL, RunFolder, run_folders

SPEC = FineTuneSpec("mine", method=Method.HEADS, seed=3)


def test_a_run_is_read_as_it_was_written(tmp_path):
    folder = RunFolder.new(tmp_path, SPEC)
    figures = (BeforeAfter("SROCC", 0.5, None, (0.4, 0.6)),)
    result = FineTuneResult("mine", Method.HEADS, {"base": 10.0}, figures, (ChangedRegion("a", "b", 1, 2, 3),), True)
    run = replace(folder.read(), state=TuneState.DONE, progress=CurvePoint("Done", 9, 9, 0.5, 12.0), result=result)
    folder.write(run)
    again = RunFolder(folder.path)
    assert again.read() == run
    assert again.spec() == SPEC


def test_a_new_run_waits_and_has_no_wish(tmp_path):
    folder = RunFolder.new(tmp_path, SPEC)
    assert folder.read().state is TuneState.QUEUED
    assert folder.wish() == ""
    folder.ask(CANCEL)
    assert folder.wish() == CANCEL
    folder.heed()
    assert folder.wish() == ""


def test_a_line_of_the_curve_that_was_torn_off_is_left_out(tmp_path):
    folder = RunFolder.new(tmp_path, SPEC)
    points = [CurvePoint("Learning", k, 3, 1.0 / (k + 1)) for k in range(3)]
    for point in points:
        folder.add_point(point)
    with (folder.path / "curve.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"phase": "Lear')
    assert list(folder.curve()) == points


def test_the_newest_run_comes_first_and_what_is_no_run_is_left_out(tmp_path):
    made = {RunFolder.new(tmp_path, SPEC).id for _ in range(3)}
    (tmp_path / "something").mkdir()
    assert {folder.id for folder in run_folders(tmp_path)} == made
    assert run_folders(tmp_path / "nowhere") == []


def test_a_state_that_is_none_is_refused_in_one_sentence(tmp_path):
    folder = RunFolder.new(tmp_path, SPEC)
    (folder.path / "state.json").write_text('{"id": 3}', encoding="utf-8")
    with pytest.raises(FormatError, match="is not understood"):
        folder.read()


def test_a_run_whose_making_was_cut_short_is_no_run(tmp_path, monkeypatch):
    def killed(_folder, _run):
        raise KeyboardInterrupt

    monkeypatch.setattr(RunFolder, "write", killed)
    with pytest.raises(KeyboardInterrupt):
        RunFolder.new(tmp_path, SPEC)
    assert run_folders(tmp_path) == []
