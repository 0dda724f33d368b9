"""The full model's benchmark compares ways of doing the same, and counts the least work right."""

from __future__ import annotations

import importlib
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from seagull_iqa.domain.precision import Precision
from seagull_iqa.models.full.engine import Text
from seagull_iqa.models.full.regions import region_tokens

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def parts(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module("full_model_parts")


@pytest.fixture
def model(parts):
    language = replace(parts.TOY.language, layers=2, hidden=64, intermediate=96, heads=4, key_value_heads=4)
    config = replace(parts.TOY, image_size=64, embed=16, cross_hidden=32, language=language)
    made = parts.random_model(config, torch.device("cpu"), Precision.FP32)
    for part in (made.network.extractor, made.network.language.model.layers):
        for parameter in part.parameters():
            if parameter.ndim > 1:
                parameter.mul_(8)  # so that regions matter in so narrow a network
    return made


def test_the_originals_way_and_ours_write_the_same_words(parts, model):
    image, regions = parts.picture(96, 128), parts.boxes(3, 96, 128)
    original = parts.OriginalWay(model)
    with torch.inference_mode():
        look = model.look(image)
        found = region_tokens(model.network, look, [region.mask for region in regions])
        for aspect, count in parts.ANSWERS.items():
            ids = model.tokenizer.asked(aspect)
            ours = model.engine.written(look.prefix, [Text(tokens, ids) for tokens in found.tokens], count)
            theirs = [original.answer(image, region, aspect) for region in regions]
            assert [list(words) for words in ours] == theirs
            assert [len(words) for words in theirs] == [count] * 3
    assert len(set(theirs[0])) > 10


def test_the_least_work_of_reading_is_little_less_than_what_is_computed(parts, model):
    once = replace(model, longest_sentence=1)
    regions = parts.boxes(8, 96, 128)
    # A fused attention kernel is not counted on every machine; the plain one is.
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        once.assess(once.look(parts.picture(96, 128)), regions)
    share = parts.least_work(once, 8).operations / counter.get_total_flops()
    assert 0.4 < share <= 1  # the regions' own tokens are much of so small a network and not counted


def test_every_step_of_writing_moves_the_weights_at_least(parts, model):
    steps = [parts.least_work(replace(model, longest_sentence=count), 1).bytes_moved for count in (1, 2, 3)]
    weights = sum(p.numel() for p in model.network.language.model.layers.parameters())
    head = model.network.language.lm_head.weight.numel()
    assert steps[0] == 0
    assert 4 * (weights + head) * 0.99 < steps[1] < 4 * (weights + head) * 1.5
    assert steps[2] > 2 * steps[1]


def test_the_script_prints_its_table_and_writes_what_it_measured(parts, monkeypatch, tmp_path, capsys):
    script, out = importlib.import_module("full_model"), tmp_path / "found.json"
    given = ["full_model.py", "--size", "toy", "--layers", "1", "--regions", "1", "--runs", "1", "--json", str(out)]
    monkeypatch.setattr(sys, "argv", given)
    script.main()
    (row,) = json.loads(out.read_text(encoding="utf-8"))["rows"]
    said = capsys.readouterr().out
    assert f"**{row['original'] / row['ours']:.1f}x**" in said
    assert "of the roofline" in said
    assert 0 < row["least"] < row["ours"]


def test_a_step_of_fine_tuning_is_measured_against_the_usual_way(parts):
    bench = importlib.import_module("finetune_full")
    found = bench.measured(replace(bench.TOY, language=replace(bench.TOY.language, layers=1)), 1)
    assert found["adapters"] > 0 and found["texts"] == 64
    assert 0 < found["roofline"] < 1
    assert found["usual_texts_a_second"] > 0
