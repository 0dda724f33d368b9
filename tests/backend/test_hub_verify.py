"""Looking a full model over: what is right passes, what is wrong fails, what cannot be told is said to be so."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import torch

from seagull_iqa import registry
from seagull_iqa.domain.report import Aspect
from seagull_iqa.hub.checks import Check, Outcome, Verification, markdown
from seagull_iqa.hub.file_checks import look_over
from seagull_iqa.hub.manifest import FileEntry, Manifest, sha256_of
from seagull_iqa.hub.memory import PUBLIC_CONFIG
from seagull_iqa.hub.sources import SHARD_1, SOURCES
from seagull_iqa.hub.verify import Spoken, judged, verify
from seagull_iqa.models.full.layout import Layout, read_layout
from seagull_iqa.samples import samples

REVISION = "3705ca7" + "0" * 33


@pytest.fixture(scope="module")
def written(synthetic: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "toy"
    synthetic.write_checkpoint(path, synthetic.TOY)
    return path


@pytest.fixture
def folder(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "toy | <b>"))


def outcomes(checks: list[Check]) -> dict[str, Outcome]:
    return {check.what: check.outcome for check in checks}


def sign(folder: Path, repo: str = SOURCES["seagull-7b"].repo, revision: str = REVISION) -> None:
    names = ("config.json", "tokenizer.model", SHARD_1)
    entries = {
        name: FileEntry((folder / name).stat().st_size, sha256_of(folder / name, lambda count: None)) for name in names
    }
    Manifest("seagull-7b", repo, revision, datetime.now(UTC).isoformat(), entries).write(folder)


def test_a_folder_of_unknown_origin_is_run_and_nothing_is_claimed(folder: Path) -> None:
    plan = registry.plan_load(str(folder), "cpu")
    assert plan is not None
    steps: list[Any] = []
    done = verify(plan, samples()[:1], steps.append)
    found = outcomes(done.checks)
    assert found["origin"] is found["hashes"] is found["keys"] is Outcome.NOT_APPLICABLE
    assert found["loading"] is Outcome.OK
    assert found["tokens of the prompts"] is Outcome.NOT_APPLICABLE
    # Random weights put no probability on five words of some six hundred.
    assert found['quality: level words\' probability, "curious human"'] is Outcome.FAILED
    assert not done.passed
    assert {system for system, _, _ in done.answers} == {'"curious human"', '"curious user"'}
    assert len(done.answers) == 10
    assert any("girl" in step.message for step in steps)
    text = markdown(done)
    assert str(folder.parent) not in text
    assert "toy \\| &lt;b>" in text
    assert "| origin | not applicable | unknown origin" in text


def test_missing_keys_are_a_check_that_failed_and_lists_them(folder: Path) -> None:
    shard = folder / SHARD_1
    state = torch.load(shard, weights_only=True)
    gone = next(iter(state))
    del state[gone]
    torch.save(state, shard)
    plan = registry.plan_load(str(folder), "cpu")
    assert plan is not None
    done = verify(plan, [])
    assert outcomes(done.checks)["loading"] is Outcome.FAILED
    assert gone in done.checks[-1].found
    assert not done.passed


def test_origin_and_hashes_follow_the_manifest(folder: Path) -> None:
    sign(folder, repo="Somebody/else")
    found = outcomes(look_over(read_layout(folder), lambda step: None))
    assert (found["origin"], found["hashes"]) == (Outcome.FAILED, Outcome.OK)
    sign(folder, revision="a" * 40)
    assert outcomes(look_over(read_layout(folder), lambda step: None))["origin"] is Outcome.FAILED
    sign(folder)
    checks = look_over(read_layout(folder), lambda step: None)
    assert outcomes(checks)["origin"] is Outcome.OK
    # The manifest agrees with the toy's first shard, the hash that is pinned in the program does not.
    assert outcomes(checks)["hashes"] is Outcome.FAILED
    assert SHARD_1 in checks[1].found


def test_a_byte_that_changed_on_the_disk_is_found(folder: Path) -> None:
    sign(folder, repo="Somebody/else")
    path = folder / "tokenizer.model"
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)
    checks = look_over(read_layout(folder), lambda step: None)
    assert outcomes(checks)["hashes"] is Outcome.FAILED
    assert "tokenizer.model" in checks[1].found


def test_the_public_model_has_742_keys(synthetic: Any, tmp_path: Path) -> None:
    keys = dict.fromkeys(synthetic.public_keys(synthetic.PUBLIC), tmp_path / SHARD_1)
    layout = Layout(tmp_path, dict(PUBLIC_CONFIG), keys, {}, converted=False)
    assert outcomes(look_over(layout, lambda step: None))["keys"] is Outcome.OK
    keys.popitem()
    check = look_over(replace(layout, weight_map=keys), lambda step: None)[2]
    assert (check.outcome, check.found) == (Outcome.FAILED, "741 tensors of 742")


def spoken(title: str, mass: float, parsed: int = 10) -> Spoken:
    shares = {Aspect.QUALITY: [mass - 0.05, mass + 0.05], Aspect.IMPORTANCE: [mass, mass]}
    return Spoken(title, shares, [("a", "With minor blur distortions.")] * 10, parsed)


def test_what_the_text_in_use_says_decides_and_the_other_is_compared() -> None:
    fine = list(judged([spoken("one", 0.93), spoken("two", 0.5, parsed=0)]))
    assert Verification("m", fine).passed
    assert [check.outcome for check in fine[3:6]] == [Outcome.NOT_APPLICABLE] * 3
    assert "0.500" in fine[3].found


@pytest.mark.parametrize(
    ("mine", "other", "failed"),
    [
        (
            (0.85, 10),
            (0.85, 10),
            {"quality: level words' probability, one", "importance: level words' probability, one"},
        ),
        ((0.93, 8), (0.93, 10), {"distortion: answers, one"}),
        ((0.91, 10), (0.94, 10), {"system text in use is the better one"}),
        ((0.91, 10), (0.92, 10), set()),
    ],
)
def test_what_is_short_of_the_mark_fails(mine: tuple[float, int], other: tuple[float, int], failed: set[str]) -> None:
    checks = judged([spoken("one", *mine), spoken("two", *other)])
    assert {check.what for check in checks if check.outcome is Outcome.FAILED} == failed
