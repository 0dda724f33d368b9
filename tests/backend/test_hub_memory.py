"""What a model takes and what is free decide how it is loaded, and a sentence says so before a tensor is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from seagull_iqa import registry
from seagull_iqa.domain.precision import Precision
from seagull_iqa.errors import BackendMissingError, CheckpointError, ModelError, OutOfMemoryError, UnknownModelError
from seagull_iqa.hub import memory, planning
from seagull_iqa.hub.memory import PUBLIC_CONFIG, choose_precision, free_bytes, needs, size_of
from seagull_iqa.models.full import checkpoint

GB = 10**9
PUBLIC = needs(size_of(PUBLIC_CONFIG))


@pytest.fixture(scope="module")
def folder(synthetic: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "toy größe"
    synthetic.write_checkpoint(path, synthetic.TOY)
    return path


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> None:
    """A CUDA card that knows bf16, and bitsandbytes."""
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: True)
    monkeypatch.setattr(memory, "quantising_is_there", lambda: True)


def test_the_sizes_of_the_public_model_are_those_of_its_description() -> None:
    size = size_of(PUBLIC_CONFIG)
    assert size.linears == 32 * (4 * 4096**2 + 3 * 4096 * 11008)
    unused = 18_094_080 + 3_072 + 3_540_480
    assert size.linears + size.others == 7_061_009_626 - unused
    assert 2 * size.cached == 512 * 1024


def test_fewer_bits_touch_the_linear_layers_only() -> None:
    size = size_of(PUBLIC_CONFIG)
    by = {one.precision: one.nbytes for one in PUBLIC}
    assert by[Precision.BF16] - by[Precision.INT8] == size.linears
    assert by[Precision.INT8] - by[Precision.INT4] == pytest.approx(size.linears * (8 - 4.5) / 8, abs=2)
    assert by[Precision.BF16] == by[Precision.FP16]
    assert 17 * GB < by[Precision.BF16] < 18 * GB


def test_a_small_folder_is_not_taken_for_a_large_one(folder: Path, synthetic: Any) -> None:
    stored = sum(torch.Size(shape).numel() for shape in synthetic.public_keys(synthetic.TOY).values())
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    size = size_of(config, stored)
    assert size.linears + size.others <= stored
    assert needs(size)[0].nbytes < GB


@pytest.mark.parametrize(
    ("free", "chosen"), [(24, "bf16"), (17.4, "int8"), (11.5, "int8"), (10.9, "int4"), (8.2, "int4")]
)
def test_a_card_gets_the_best_that_fits(card: None, free: float, chosen: str) -> None:
    assert choose_precision("cuda:0", PUBLIC, int(free * GB)) == chosen


def test_a_card_without_bf16_gets_fp16(card: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: including_emulation)
    assert choose_precision("cuda", PUBLIC, 24 * GB) is Precision.FP16


@pytest.mark.parametrize(("free", "chosen"), [(64, "fp32"), (33, "bf16"), (17, "int8"), (9, "int4")])
def test_a_processor_gets_fp32_where_that_fits(card: None, free: float, chosen: str) -> None:
    assert choose_precision("cpu", PUBLIC, int(free * GB)) == chosen


def test_where_the_free_memory_is_not_known_nothing_is_refused(card: None) -> None:
    assert choose_precision("mps", PUBLIC, 0) is Precision.BF16
    assert choose_precision("cpu", PUBLIC, 0, Precision.FP32) is Precision.FP32


def test_what_does_not_fit_is_refused_with_what_would(card: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        OutOfMemoryError, match=r"about 17\.5 GB in bf16 on cuda:0.*12\.0 GB are free.*--precision int8"
    ):
        choose_precision("cuda:0", PUBLIC, 12 * GB, Precision.BF16, name="seagull-7b")
    monkeypatch.setattr(memory, "free_bytes", lambda device: 64 * GB)
    with pytest.raises(OutOfMemoryError, match=r"about 8\.2 GB in int4.*fits: --device cpu, or seagull-mini"):
        choose_precision("cuda:0", PUBLIC, 4 * GB)
    monkeypatch.setattr(memory, "free_bytes", lambda device: 2 * GB)
    with pytest.raises(OutOfMemoryError, match=r"fits: seagull-mini; or close"):
        choose_precision("cuda:0", PUBLIC, 4 * GB)


def test_what_a_device_cannot_compute_is_refused(card: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelError, match=r"cannot be loaded in int8 on mps.*fp32, bf16, fp16"):
        choose_precision("mps", PUBLIC, 64 * GB, Precision.INT8)
    monkeypatch.setattr(memory, "quantising_is_there", lambda: False)
    with pytest.raises(ModelError, match="want bitsandbytes"):
        choose_precision("cuda", PUBLIC, 64 * GB, Precision.INT4)
    with pytest.raises(OutOfMemoryError):
        choose_precision("cuda", PUBLIC, 12 * GB)


@pytest.mark.parametrize(
    "config", [{}, {**PUBLIC_CONFIG, "hidden_size": "wide"}, {**PUBLIC_CONFIG, "vocab_size": None}]
)
def test_a_config_without_sizes_is_said(config: dict[str, Any]) -> None:
    with pytest.raises(CheckpointError, match="does not say the model's sizes"):
        size_of(config)


def test_the_limit_of_a_container_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"memory.max": "900000", "memory.current": "600000", "memory.stat": "anon 5\ninactive_file 100000\n"}
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="ascii")
    monkeypatch.setattr(memory, "_CGROUP", tmp_path)
    assert free_bytes("cpu") == 400_000
    (tmp_path / "memory.max").write_text("max\n", encoding="ascii")
    assert free_bytes("cpu") > GB // 10


def test_a_model_that_does_not_fit_is_refused_before_a_tensor_is_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "free_bytes", lambda device: 10**6)
    monkeypatch.setattr(checkpoint, "load_seagull", lambda *_given, **_more: pytest.fail("it was loaded"))
    with pytest.raises(OutOfMemoryError, match="toy größe needs about"):
        registry.load_model(str(folder), "cpu")


def test_a_folder_is_loaded_in_what_was_asked(folder: Path) -> None:
    plan = registry.plan_load(str(folder), "cpu", Precision.BF16)
    assert plan is not None
    assert (plan.name, plan.device, plan.precision) == ("toy größe", "cpu", Precision.BF16)
    assert "slow" in plan.remark
    assert "minutes" in plan.remark
    model = registry.load_model(str(folder), "cpu", Precision.BF16)
    assert model.precision is Precision.BF16
    assert model.card.base == "seagull"


def test_a_folder_that_is_not_whole_is_said(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes((folder / "config.json").read_bytes())
    with pytest.raises(CheckpointError, match=r"lacks pytorch_model\.bin\.index\.json"):
        registry.load_model(str(tmp_path), "cpu")


def test_the_public_model_must_be_downloaded_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEAGULL_MODELS", str(tmp_path))
    with pytest.raises(CheckpointError, match=r"is not on this machine.*seagull models download seagull-7b.*14\.1 GB"):
        registry.load_model("seagull-7b", "cpu")
    (tmp_path / "seagull-7b").mkdir()
    (tmp_path / "seagull-7b" / "config.json").write_bytes(b"{}")
    with pytest.raises(CheckpointError, match="only in part"):
        registry.load_model("seagull-7b", "cpu")


def test_without_its_packages_the_full_model_says_what_to_install_and_mini_goes_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = registry.importlib.util.find_spec
    monkeypatch.setattr(
        registry.importlib.util, "find_spec", lambda name, package=None: None if name == "sentencepiece" else find(name)
    )
    with pytest.raises(BackendMissingError, match=r'\(sentencepiece\).*pip install "napari-seagull\[full\]"'):
        registry.load_model(str(folder), "cpu")
    assert registry.load_model("seagull-mini", "cpu").precision is Precision.FP32


def test_mini_computes_in_fp32_only() -> None:
    assert registry.plan_load("seagull-mini", "cpu") is None
    with pytest.raises(ModelError, match="fp32 only, not in int4"):
        registry.load_model("seagull-mini", "cpu", Precision.INT4)
    with pytest.raises(UnknownModelError, match="is no full model"):
        registry.full_folder("seagull-mini")
