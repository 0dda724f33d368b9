"""Learning from a teacher: its weights are read truly, what it sees is imitated, and none of it is shipped."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from transformers import MobileNetV2Config, MobileNetV2Model

from seagull_iqa.errors import CheckpointError
from seagull_iqa.models.mini.checkpoint import load_weights
from seagull_iqa.models.mini.network import MiniNetwork
from seagull_iqa.samples import samples
from seagull_iqa.training.loop import LoopSpec, Run
from seagull_iqa.training.mini_task import MiniSpec, MiniTask
from seagull_iqa.training.teacher import Teacher


@pytest.fixture(scope="module")
def whole():
    torch.manual_seed(0)
    model = MobileNetV2Model(MobileNetV2Config(tf_padding=True), add_pooling_layer=False).eval()
    for norm in model.modules():
        if isinstance(norm, nn.BatchNorm2d):
            nn.init.normal_(norm.running_mean, std=0.1)
            nn.init.uniform_(norm.running_var, 0.5, 1.5)
            nn.init.normal_(norm.bias, std=0.1)
    return model


@pytest.fixture(scope="module")
def weights(whole, tmp_path_factory):
    """Batch norm folded into the convolutions, as published."""
    path = tmp_path_factory.mktemp("teacher") / "folded.pt"
    state = {}
    convs = [m for m in whole.modules() if isinstance(m, nn.Conv2d)]
    norms = [m for m in whole.modules() if isinstance(m, nn.BatchNorm2d)]
    for n, (conv, norm) in enumerate(zip(convs, norms, strict=True)):
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        state[f"{n:02d}.weight"] = (conv.weight * scale[:, None, None, None]).detach()
        state[f"{n:02d}.bias"] = (norm.bias - norm.running_mean * scale).detach()
    torch.save(state, path)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("photographs")
    for sample in samples():
        Image.fromarray(sample.read().rgb).save(path / f"{sample.name}.png")
    return path


def test_folded_weights_see_what_the_unfolded_network_sees(whole, weights):
    images = torch.randint(0, 256, (2, 3, 64, 96), dtype=torch.uint8)
    with torch.no_grad():
        expected = whole(images.float() / 127.5 - 1).last_hidden_state
    found = Teacher(weights)(images)
    assert found.shape == (2, 1280, 2, 3)
    assert torch.allclose(found.float(), expected, atol=2e-3 * float(expected.abs().max()))


def test_what_is_no_teacher_is_said(tmp_path, weights):
    (tmp_path / "text.pt").write_text("hello")
    torch.save({"a.weight": torch.zeros(3), "a.bias": torch.zeros(3)}, tmp_path / "other.pt")
    for name in ("text.pt", "other.pt", "missing.pt"):
        with pytest.raises(CheckpointError, match=name):
            Teacher(tmp_path / name)


def test_a_teacher_that_is_none_is_said_before_anything_is_learned(folder):
    with pytest.raises(CheckpointError, match=r"nowhere\.pt holds no MobileNetV2"):
        MiniTask(MiniSpec(folder, teacher=Path("nowhere.pt"), dev_photos=2))


def test_without_a_teacher_no_process_loads_what_it_takes():
    code = "import sys, seagull_iqa.training.mini_task; sys.exit('transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_what_the_teacher_sees_is_imitated_and_only_the_network_is_written(folder, weights, tmp_path):
    spec = MiniSpec(folder, teacher=weights, pixels=4 * 192 * 192, dev_photos=2, measured=3, calibrated=4)
    task = MiniTask(spec)
    run = Run(task, LoopSpec(tmp_path, steps=400, rate=4e-3))
    run.step = 200
    arrays = task.source(0)
    batch = task.batch(arrays, "cpu", again=False)
    mirrored = task.batch(arrays, "cpu", again=True)
    assert torch.equal(mirrored.seen, batch.seen.flip(-1))
    assert len(batch.seen) == len(batch.chunk.image) // 2
    distances = [run.learn(batch)["teacher"] for _ in range(10)]
    assert distances[-1] < 0.9 * distances[0]
    assert np.isfinite(run.measure().score)
    network = load_weights(task.write(run.result.eval(), tmp_path, finished=False))[0]
    assert isinstance(network, MiniNetwork)
