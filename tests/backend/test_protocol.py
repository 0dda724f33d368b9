"""The frozen protocol is read, rendered and labelled to the letter."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from seagull_iqa.data.distort import Applied
from seagull_iqa.data.protocol import DIRECTIONS, CaseLabel, Protocol, decode_runs, to_rgb
from seagull_iqa.domain.distortion import CLEAN, Distortion
from seagull_iqa.errors import SeagullError


@pytest.fixture(scope="module")
def toy_protocol(toy_protocol_folder: Path) -> Protocol:
    return Protocol.load(toy_protocol_folder)


def test_runs_go_down_the_columns_and_start_with_zeros():
    mask = decode_runs([2, 3], [1, 2, 3])  # column 0: 0 1, column 1: 1 0, column 2: 0 0
    assert mask.tolist() == [[False, True, False], [True, False, False]]


def test_runs_of_another_size_are_refused():
    with pytest.raises(SeagullError, match="add up to 5"):
        decode_runs([2, 3], [1, 2, 2])


def test_a_folder_without_photographs_is_refused_with_a_hint(tmp_path):
    with pytest.raises(SeagullError, match="holds photos/ with --data"):
        Protocol.load(tmp_path)


def test_a_folder_of_photographs_alone_is_enough_for_the_frozen_protocol(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.webp").touch()
    (tmp_path / "photos" / "manifest.csv").write_text("file,split\na.webp,heldout", encoding="utf-8")
    for folder in (tmp_path, tmp_path / "photos"):
        protocol = Protocol.load(folder)
        assert protocol.is_frozen
        assert (len(protocol.regions), len(protocol.cases)) == (40, 2000)


def test_photographs_that_are_missing_and_half_a_protocol_are_said_before_the_work_begins(tmp_path):
    (tmp_path / "manifest.csv").write_text("file,split\na.webp,heldout\nb.webp,heldout", encoding="utf-8")
    (tmp_path / "b.webp").touch()
    with pytest.raises(SeagullError, match=r"1 of 2 .* a\.webp"):
        Protocol.load(tmp_path)
    (tmp_path / "a.webp").touch()
    (tmp_path / "protocol").mkdir()
    with pytest.raises(SeagullError, match=r"no cases\.jsonl"):
        Protocol.load(tmp_path)


def test_only_held_out_photographs_are_opened(toy_protocol):
    assert list(toy_protocol.photographs) == ["a.png", "b.png", "c.png"]
    assert not toy_protocol.is_frozen


def test_a_quick_look_is_spread_over_the_photographs_and_always_the_same(toy_protocol):
    chosen = toy_protocol.spread(4)
    assert sorted(map(len, chosen.values())) == [1, 1, 2]
    assert chosen == toy_protocol.spread(4)
    assert sum(map(len, toy_protocol.spread().values())) == len(toy_protocol.cases)


def test_a_region_that_is_not_touched_is_clean(toy_protocol):
    scene = toy_protocol.scene("a.png")
    case = next(c for c in toy_protocol.cases if c.photo == "a.png" and (c.where, c.ask) == ("r0", "r1"))
    spoiled = scene.render(case)
    label = scene.label(case, spoiled)
    assert (label.quality, label.importance_ref, label.types) == (100.0, 0.0, {CLEAN})
    assert (spoiled != scene.pixels).any()


def test_a_region_that_is_spoiled_has_its_types_with_the_nearest_severity(toy_protocol):
    scene = toy_protocol.scene("a.png")
    case = next(c for c in toy_protocol.cases if c.photo == "a.png" and (c.where, c.ask) == ("r0", "r0"))
    label = scene.label(case, scene.render(case))
    assert label.findings == {("noise", 4), ("blur", 1)}
    assert label.quality < 70
    assert label.importance_ref > 0


def test_a_region_keeps_its_importance_whatever_is_done_to_it(toy_protocol):
    scene = toy_protocol.scene("b.png")
    by_region: dict[str, set[float]] = {}
    for case in toy_protocol.cases:
        if case.photo == "b.png":
            by_region.setdefault(case.ask, set()).add(scene.label(case, scene.render(case)).importance)
    assert all(len(values) == 1 for values in by_region.values())
    assert by_region["r0"] != by_region["r1"]


def test_a_case_is_rendered_the_same_twice_and_only_where_it_says(toy_protocol):
    scene = toy_protocol.scene("a.png")
    case = next(c for c in toy_protocol.cases if c.photo == "a.png" and c.where == "r0")
    first, second = scene.render(case), scene.render(case)
    assert torch.equal(first, second)
    outside = ~torch.from_numpy(scene.masks["r0"])
    assert torch.equal(first[:, outside], scene.pixels[:, outside])


def test_what_is_rendered_is_what_an_8_bit_file_would_hold(toy_protocol):
    scene = toy_protocol.scene("a.png")
    spoiled = scene.render(toy_protocol.cases[0])
    assert torch.equal(torch.from_numpy(to_rgb(spoiled)).permute(2, 0, 1).float() / 255, spoiled)


def test_every_type_and_direction_has_a_ladder_that_gets_worse(toy_protocol):
    scene = toy_protocol.scene("a.png")
    assert len(DIRECTIONS) == 10
    for distortion, direction in DIRECTIONS:
        rungs = scene.ladder(distortion, direction)
        errors = [float((image - scene.pixels).abs().mean()) for _strength, image in rungs]
        assert len(errors) == 5
        assert errors == sorted(errors)
        assert errors[0] > 0


def test_labels_survive_a_file():
    label = CaseLabel(12.5, 30.0, 40.0, frozenset({("blur", 3), ("noise", 1)}))
    assert CaseLabel.from_json(json.loads(json.dumps(label.to_json()))) == label


@pytest.mark.data
def test_the_real_protocol_is_the_frozen_one(photographs):
    protocol = Protocol.load(photographs.parent)
    assert protocol.is_frozen
    assert (len(protocol.photographs), len(protocol.cases)) == (40, 2000)
    rows = {row["id"]: row["area"] for row in protocol.regions["cid22_106399.webp"]["regions"]}
    masks = protocol.scene("cid22_106399.webp").masks
    assert {name: int(mask.sum()) for name, mask in masks.items()} == rows


def test_the_toy_folder_has_the_shape_of_the_real_one(toy_protocol):
    case = toy_protocol.cases[0]
    assert isinstance(case.distortions[0], Applied)
    assert case.distortions[0].distortion in Distortion
    assert toy_protocol.scene("c.png").masks["r0"].dtype == np.bool_
