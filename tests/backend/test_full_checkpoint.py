"""A folder in the public layout is loaded, converted and named; what does not fit is listed, never guessed."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

from seagull_iqa.domain.precision import Precision
from seagull_iqa.domain.region import Region, RegionMask
from seagull_iqa.errors import CheckpointError, JobCancelledError
from seagull_iqa.models.full import convert as conversion
from seagull_iqa.models.full.checkpoint import load_seagull, stored_shapes
from seagull_iqa.models.full.config import SeagullConfig, config_of
from seagull_iqa.models.full.convert import convert
from seagull_iqa.models.full.layout import is_seagull_folder, read_layout
from seagull_iqa.models.full.network import empty_network, expected_shapes, is_unused

INDEX = "pytorch_model.bin.index.json"
SECOND = "pytorch_model-00002-of-00002.bin"


def load(folder: Path, precision: Precision = Precision.FP32):
    return load_seagull(folder, device="cpu", precision=precision)


@pytest.fixture
def folder(toy_checkpoint, tmp_path) -> Path:
    """A copy to spoil."""
    copy = tmp_path / "seagull"
    shutil.copytree(toy_checkpoint, copy)
    return copy


def change(folder: Path, **tensors: torch.Tensor | None) -> None:
    """Add, replace or (None) remove tensors of the second shard, file and index; `__` stands for a dot."""
    state = torch.load(folder / SECOND, weights_only=True)
    index = json.loads((folder / INDEX).read_text())
    for name, tensor in tensors.items():
        key = name.replace("__", ".")
        if tensor is None:
            del state[key], index["weight_map"][key]
        else:
            state[key] = tensor
            index["weight_map"][key] = SECOND
    torch.save(state, folder / SECOND)
    (folder / INDEX).write_text(json.dumps(index))


def assessed(model):
    image = np.random.default_rng(1).integers(0, 256, (140, 100, 3), dtype=np.uint8)
    boxes = [(9, 9, 70, 60), (80, 20, 139, 90)]
    regions = [Region(RegionMask.from_box((140, 100), box), id=str(k)) for k, box in enumerate(boxes)]
    return model.assess(model.look(image), regions)


def test_the_network_uses_every_public_tensor_but_those_known_as_unused(synthetic):
    """At the true size: 742 tensors are published, and every one of them is either used or known not to be."""
    published = synthetic.public_keys(synthetic.PUBLIC)
    network = empty_network(SeagullConfig())
    used = expected_shapes(network)
    assert len(published) == 742
    assert {key: tuple(shape) for key, shape in published.items() if not is_unused(key)} == dict(used)


def test_sizes_are_read_off_the_checkpoint(synthetic, toy_checkpoint):
    values = json.loads((toy_checkpoint / "config.json").read_text())
    found = config_of(values, stored_shapes(read_layout(toy_checkpoint)))
    assert (found.image_size, found.depths, found.widths, found.embed) == (128, (1, 1, 2, 1), (16, 24, 32, 48), 64)
    assert config_of(
        {**values, "hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32, "num_attention_heads": 32,
         "num_key_value_heads": 32, "vocab_size": 32002, "max_position_embeddings": 4096},
        synthetic.public_keys(synthetic.PUBLIC),
    ) == SeagullConfig()  # fmt: skip


def test_a_folder_is_known_by_its_config(toy_checkpoint, tmp_path):
    assert is_seagull_folder(toy_checkpoint)
    assert not is_seagull_folder(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    assert not is_seagull_folder(tmp_path)
    with pytest.raises(CheckpointError, match="'llama'"):
        read_layout(tmp_path)


def test_a_missing_tensor_is_named(folder):
    change(folder, mask_extractor__final_mlp__bias=None)
    with pytest.raises(CheckpointError, match=r"1 missing: mask_extractor\.final_mlp\.bias"):
        load(folder)


def test_an_unexpected_tensor_is_named(folder):
    change(folder, mask_extractor__surprise__weight=torch.zeros(2))
    with pytest.raises(CheckpointError, match=r"1 unexpected: mask_extractor\.surprise\.weight"):
        load(folder)


def test_a_tensor_of_another_shape_is_named(folder):
    change(folder, mask_extractor__final_mlp__bias=torch.zeros(3))
    with pytest.raises(CheckpointError, match=r"of another shape: mask_extractor\.final_mlp\.bias \(3,\) instead of"):
        load(folder)


def test_tensors_that_nothing_reads_may_be_missing_and_change_nothing(folder):
    before = assessed(load(folder))
    change(folder, mask_extractor__mask_linear__layers__0__weight=None)
    after = assessed(load(folder))
    assert [(a.quality, a.text) for a in before] == [(b.quality, b.text) for b in after]


def test_a_file_that_the_index_does_not_describe_is_refused(folder):
    index = json.loads((folder / INDEX).read_text())
    del index["weight_map"]["mask_extractor.final_mlp.bias"]
    (folder / INDEX).write_text(json.dumps(index))
    with pytest.raises(CheckpointError, match=r"index differ in mask_extractor\.final_mlp\.bias"):
        load(folder)


@pytest.mark.parametrize("name", ["../elsewhere.bin", "/etc/passwd", "..", "", 7])
def test_an_index_that_points_out_of_its_folder_is_refused(folder, name):
    index = json.loads((folder / INDEX).read_text())
    index["weight_map"]["lm_head.weight"] = name
    (folder / INDEX).write_text(json.dumps(index))
    with pytest.raises(CheckpointError, match="names the file"):
        read_layout(folder)


@pytest.mark.parametrize("lost", [SECOND, "tokenizer.model", "config.json", "added_tokens.json", INDEX])
def test_a_lost_file_is_named(folder, lost):
    (folder / lost).unlink()
    with pytest.raises(CheckpointError, match=lost.replace(".", r"\.")):
        load(folder)


def test_a_truncated_file_is_refused_in_words(folder):
    content = (folder / SECOND).read_bytes()
    (folder / SECOND).write_bytes(content[: len(content) // 2])
    with pytest.raises(CheckpointError, match="is not a whole file of weights"):
        load(folder)


class _Bomb:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return (Path.touch, (self.mark,))


@pytest.mark.parametrize("modern", [True, False])
def test_a_pickle_that_would_run_something_is_refused_unrun(folder, tmp_path, modern):
    mark = tmp_path / "it ran"
    if modern:
        torch.save({"x": _Bomb(mark)}, folder / SECOND)
    else:
        (folder / SECOND).write_bytes(pickle.dumps({"x": _Bomb(mark)}))
    with pytest.raises(CheckpointError, match="is not a whole file of weights"):
        load(folder)
    assert not mark.exists()


def test_a_tokenizer_without_the_two_tokens_is_refused(folder):
    (folder / "added_tokens.json").write_text('{"<global>": 600}')
    with pytest.raises(CheckpointError, match="lacks <local>"):
        load(folder)


def test_a_tokenizer_that_is_none_is_refused(folder):
    (folder / "tokenizer.model").write_bytes(b"nonsense")
    with pytest.raises(CheckpointError, match="not a sentencepiece model"):
        load(folder)


def test_tokens_beyond_the_models_vocabulary_are_refused(folder):
    (folder / "added_tokens.json").write_text('{"<global>": 40000, "<local>": 40001}')
    with pytest.raises(CheckpointError, match="beyond the 602 tokens"):
        load(folder)


def test_a_converted_model_says_the_same_in_fewer_tensors(toy_checkpoint, tmp_path):
    target = convert(toy_checkpoint, tmp_path / "neu" / "converted")
    layout = read_layout(target)
    assert layout.converted and not any(is_unused(key) for key in layout.weight_map)
    assert not list(target.glob("*.bin"))
    before, after = load(toy_checkpoint), load(target)
    assert assessed(before) == assessed(after)  # the card's id included
    assert after.card.id == before.card.id


def test_a_converted_model_has_as_many_files_as_its_size_wants(toy_checkpoint, tmp_path, monkeypatch):
    monkeypatch.setattr(conversion, "SHARD_BYTES", 300_000)
    target = convert(toy_checkpoint, tmp_path / "many")
    files = sorted(path.name for path in target.glob("*.safetensors"))
    assert len(files) > 2 and files[-1] == f"model-{len(files):05d}-of-{len(files):05d}.safetensors"
    index = json.loads((target / "model.safetensors.index.json").read_text())
    total = 0
    for file in files:
        with safe_open(target / file, framework="pt") as stored:
            total += sum(stored.get_tensor(key).nbytes for key in stored.keys())  # noqa: SIM118
    assert index["metadata"]["total_size"] == total
    assert assessed(load(target)) == assessed(load(toy_checkpoint))


def test_a_conversion_that_is_cancelled_leaves_nothing(toy_checkpoint, tmp_path):
    def stop(progress):
        if progress.done > 5:
            raise JobCancelledError("Enough.")

    with pytest.raises(JobCancelledError):
        convert(toy_checkpoint, tmp_path / "half", progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_a_conversion_overwrites_nothing(toy_checkpoint, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(CheckpointError, match="is there already"):
        convert(toy_checkpoint, tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"


def test_a_download_gives_the_card_its_revision_and_a_conversion_keeps_it(folder, tmp_path):
    assert load(folder).card.id.startswith("seagull-")
    manifest = {"repo": "Zevin2023/SEAGULL-7B", "revision": "3705ca7" + "0" * 33}
    (folder / "seagull-download.json").write_text(json.dumps(manifest))
    assert load(folder).card.id == "seagull-7b-3705ca7"
    assert load(convert(folder, tmp_path / "c")).card.id == "seagull-7b-3705ca7"
    assert assessed(load(folder))[0].model == "seagull-7b-3705ca7"


def test_two_folders_with_other_weights_have_other_names(folder, toy_checkpoint, synthetic, tmp_path):
    synthetic.write_checkpoint(tmp_path / "o" / "seagull", synthetic.TOY, seed=1)
    assert load(folder).card.id != load(tmp_path / "o" / "seagull").card.id
    assert load(folder).card.sha256 == load(folder).card.sha256


@pytest.mark.parametrize(
    ("precision", "near"), [(Precision.BF16, 2.0), (Precision.FP16, 1.0), (Precision.INT8, 3.0), (Precision.INT4, 12.0)]
)
def test_fewer_bits_give_nearly_the_same_scores(toy_checkpoint, precision, near):
    exact, coarse = assessed(load(toy_checkpoint)), assessed(load(toy_checkpoint, precision))
    differences = [abs(a.quality - b.quality) for a, b in zip(exact, coarse, strict=True)]
    assert 0 < max(differences) < near


@pytest.mark.parametrize("precision", [Precision.INT8, Precision.INT4])
def test_fewer_bits_take_less_memory_in_the_language_model_only(toy_checkpoint, precision):
    def held(model) -> int:
        return sum(one.nbytes for one in model.network.language.model.layers.parameters())

    full, small = load(toy_checkpoint, Precision.BF16), load(toy_checkpoint, precision)
    assert held(small) < 0.6 * held(full)
    assert small.network.extractor.final_mlp.weight.dtype == torch.bfloat16
    assert small.network.language.lm_head.weight.dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("num_attention_heads", 0), ("num_attention_heads", 3), ("num_attention_heads", -4), ("hidden_size", 0),
        ("hidden_size", 10**12), ("hidden_size", float("inf")), ("vocab_size", -1), ("num_hidden_layers", 10**9),
        ("num_hidden_layers", 0), ("rms_norm_eps", "nan"), ("rms_norm_eps", float("inf")), ("rope_theta", -1),
        ("intermediate_size", 10**15), ("num_key_value_heads", -2), ("max_position_embeddings", 10),
    ],
)  # fmt: skip
def test_absurd_sizes_are_refused_before_anything_is_built(folder, name, value):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {name: value}))
    with pytest.raises(CheckpointError):
        load(folder)


@pytest.mark.parametrize("value", ["x", None, -5, 1.5])
def test_added_tokens_without_numbers_are_refused(folder, value):
    (folder / "added_tokens.json").write_text(json.dumps({"<global>": value, "<local>": 601}))
    with pytest.raises(CheckpointError, match="added_tokens"):
        load(folder)


@pytest.mark.parametrize("content", [b"", b"hello", b"\0" * 1000])
def test_something_else_under_the_tokenizers_name_is_refused(folder, content):
    (folder / "tokenizer.model").write_bytes(content)
    with pytest.raises(CheckpointError, match="sentencepiece"):
        load(folder)


@pytest.mark.parametrize("kind", [torch.int8, torch.bool, torch.complex64])
def test_weights_of_another_kind_of_number_are_refused(folder, kind):
    change(folder, lm_head__weight=torch.ones(602, 64).to(kind))
    with pytest.raises(CheckpointError, match="lm_head"):
        load(folder)
