"""Models are found by name or path, and what is wrong with one is said in a sentence."""

from __future__ import annotations

import json
import shutil

import pytest

from seagull_iqa.errors import CheckpointError, ModelError, UnknownModelError
from seagull_iqa.models.mini.checkpoint import load_weights
from seagull_iqa.registry import SHIPPED, choose_device, load_model, models, read_card, resolve

WEIGHTS = SHIPPED / "seagull-mini.safetensors"


def test_the_shipped_model_is_small_enough_to_ship():
    assert WEIGHTS.stat().st_size <= 16 * 2**20
    network, _ = load_weights(WEIGHTS)
    count = sum(p.numel() for p in network.parameters())
    assert count <= 8_000_000
    assert load_model("seagull-mini", "cpu").card.parameters == count


def test_the_card_beside_the_weights_describes_these_very_weights():
    values = json.loads(WEIGHTS.with_suffix(".json").read_text(encoding="utf-8"))
    assert values["sha256"] == read_card(WEIGHTS).sha256
    assert values["metrics"]["quality_srocc_signal"] >= 0.45


def test_a_card_of_other_weights_is_refused(tmp_path):
    shutil.copy(WEIGHTS, tmp_path / "mine.safetensors")
    (tmp_path / "mine.json").write_text(json.dumps({"id": "mine", "sha256": "0" * 64}), encoding="utf-8")
    with pytest.raises(CheckpointError, match="SHA-256 differs"):
        read_card(tmp_path / "mine.safetensors")


@pytest.mark.parametrize("text", ["{", "[]", '{"name": 1}', '"id"'])
def test_a_card_that_cannot_be_read_is_said_in_a_sentence(tmp_path, text):
    shutil.copy(WEIGHTS, tmp_path / "mine.safetensors")
    (tmp_path / "mine.json").write_text(text, encoding="utf-8")
    with pytest.raises(CheckpointError, match="cannot be read"):
        read_card(tmp_path / "mine.safetensors")


def test_weights_without_a_card_are_named_by_their_file_and_hash(tmp_path):
    shutil.copy(WEIGHTS, tmp_path / "tuned.safetensors")
    card = read_card(tmp_path / "tuned.safetensors")
    assert card.id == f"tuned-{card.sha256[:8]}"


def test_a_folder_with_one_weights_file_is_a_model(tmp_path):
    shutil.copy(WEIGHTS, tmp_path / "a.safetensors")
    assert resolve(str(tmp_path)) == tmp_path / "a.safetensors"
    shutil.copy(WEIGHTS, tmp_path / "b.safetensors")
    with pytest.raises(UnknownModelError, match="2 safetensors files"):
        resolve(str(tmp_path))


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(UnknownModelError, match=r"no model 'seagul'.*seagull-mini"):
        resolve("seagul")


def test_the_known_models_say_whether_they_are_there():
    assert [(m.name, m.present) for m in models()] == [("seagull-mini", True)]


def test_the_device_is_chosen_with_a_reason():
    device = choose_device("auto")
    assert device.name in {"cpu", "cuda", "mps"}
    assert device.why


@pytest.mark.parametrize("wanted", ["cuda:99", "banana"])
def test_a_device_that_is_not_there_is_said_in_a_sentence(wanted):
    with pytest.raises(ModelError, match=rf"The device '{wanted}' cannot be used"):
        choose_device(wanted)
