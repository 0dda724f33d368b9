"""Fine-tuning the full model: steps a second, memory, and how much of what the device could do; random weights.

    python benchmarks/finetune_full.py                                  # true size on a GPU, toy size elsewhere
    PYTHONPATH=backend python3 benchmarks/finetune_full.py --json OUT   # where torch, transformers and peft are

The step is that of `seagull finetune --base seagull-7b`: adapters (LoRA, rank 8), four pictures, up to eight regions
each, two texts about every region, layers computed twice instead of kept, weights in bf16 (float32 on a CPU). Beside it
stands the usual way, in the same run: every text with a prompt of its own, the picture read again for each, four in a
batch; what is compared are texts a second. The roofline is the least time of a step: two operations a weight and token,
for the way forward, forward again, and back to what came in, over the peak of a matrix product in the same run.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from full_model import device_peaks
from full_model_parts import TOY, CountedTokens, boxes, picture, random_model
from PIL import Image
from torch import Tensor, nn

from seagull_iqa.domain.precision import Precision
from seagull_iqa.models.full.config import LanguageConfig, SeagullConfig
from seagull_iqa.training.loop import LoopSpec, Run
from seagull_iqa.training.seagull_learner import Learns, SeagullLearner, add_adapters
from seagull_iqa.training.seagull_pack import UNLABELLED, Packed, Packer
from seagull_iqa.training.seagull_source import Lesson
from seagull_iqa.training.seagull_words import Known
from seagull_iqa.training.task import Measured
from seagull_iqa.training.tuning.lessons import Schoolbook
from seagull_iqa.training.tuning.taught import Picture

RANK, PICTURES = 8, 6
PASSES = 3
"""Through every weight that does not learn: forward, forward again, and back."""


class Words(CountedTokens):
    """Stands for the tokenizer: a token for every four letters of a word."""

    def ids(self, text: str) -> tuple[int, ...]:
        """As many as the true one, about; a text that goes on begins with the same."""
        return tuple(5 + (len(word) * 37 + k) % 1500 for word in text.split() for k in range(1 + len(word) // 5))


class Task:
    """What the training loop is told: a network with adapters, made once."""

    def __init__(self, network: nn.Module) -> None:
        self._network = network

    def model(self) -> nn.Module:
        """The learner."""
        return SeagullLearner(self._network)

    def loss(self, model: nn.Module, batch: Packed) -> Mapping[str, Tensor]:
        """Cross-entropy of the answers' tokens."""
        return model(batch)

    def measure(self, _model: nn.Module) -> Measured:
        """Nothing is held out."""
        return Measured(0.0, {})


def book(folder: Path) -> Schoolbook:
    """Pictures of 12 MP's shape at a quarter of its size, with regions and labels of any kind."""
    rng, made = np.random.default_rng(0), []
    for number in range(PICTURES):
        path = folder / f"{number}.png"
        Image.fromarray(picture(768, 1024)).save(path)
        regions = tuple(boxes(12, 768, 1024))
        known = tuple(
            Known(float(rng.uniform(0, 100)), float(rng.uniform(0, 100)), tuple(int(v) for v in rng.integers(0, 3, 7)))
            for _ in regions
        )
        made.append(Picture(path, regions, known))
    return Schoolbook(tuple(made), tuple(made), {}, 0)


def apart(lessons: list[Lesson]) -> list[Lesson]:
    """Each text a lesson of its own: the picture is read again for it."""
    return [
        Lesson(one.rgb, (one.masks[region],), (0,), (text,))
        for one in lessons for region, text in zip(one.about, one.texts, strict=True)
    ]  # fmt: skip


def operations(batch: Packed, sizes: LanguageConfig) -> float:
    """The least of a step, in the language model's layers and its head."""
    kv = sizes.key_value_heads * sizes.head_width
    matrices = 2 * sizes.hidden**2 + 2 * sizes.hidden * kv + 3 * sizes.hidden * sizes.intermediate
    tokens = float((batch.owners >= -1).sum())  # what stands behind the last text is no work that has to be done
    seen = float(batch.visible().sum())
    head = 2.0 * 2 * sizes.hidden * sizes.vocabulary * float((batch.labels != UNLABELLED).sum())
    return PASSES * sizes.layers * (2.0 * matrices * tokens + 4.0 * sizes.hidden * seen) + head


def timed(work: Callable[[int], object], count: int, on_gpu: bool) -> list[float]:
    """Seconds of each of so many steps, after two to warm up."""
    times = []
    for step in range(count + 2):
        if on_gpu:
            torch.cuda.synchronize()
        start = time.perf_counter()
        work(step)
        if on_gpu:
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return times[2:]


def measured(config: SeagullConfig, steps: int) -> dict[str, Any]:
    """All figures, by name."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    on_gpu = device.type == "cuda"
    network = random_model(config, device, Precision.BF16 if on_gpu else Precision.FP32).network
    add_adapters(network, Learns(rank=RANK))
    network.to(device)
    network.language.gradient_checkpointing_enable({"use_reentrant": False})
    packer = Packer(Words(end=2), "", config.image_size, config.image_tokens)
    task = Task(network)
    peaks = device_peaks(device)
    with tempfile.TemporaryDirectory() as place:
        lessons = book(Path(place))
        spec = LoopSpec(
            Path(place), steps=10_000, rate=1e-5, decay=0.0, average=0.0, processes=0,
            device="auto" if on_gpu else "cpu", precision="bf16" if on_gpu else "no",
        )  # fmt: skip
        run = Run(task, spec)
        made = [packer.packed(lessons.lessons(number)) for number in range(steps + 2)]
        waited = timed(lambda step: packer.packed(lessons.lessons(step)), 3, False)
        if on_gpu:
            torch.cuda.reset_peak_memory_stats()
        took = timed(lambda step: run.learn(made[step].to(str(device))), steps, on_gpu)
        peak = torch.cuda.max_memory_allocated() if on_gpu else None
        alone = apart(lessons.lessons(0))[: 4 * 5]
        single = [packer.packed(alone[k : k + 4]) for k in range(0, len(alone), 4)]
        usual = timed(lambda step: run.learn(single[step % len(single)].to(str(device))), 3, on_gpu)
    step = statistics.median(took)
    texts = statistics.mean(len(one.about) for one in made)
    work = statistics.mean(operations(one, config.language) for one in made[2:])
    return {
        "device": torch.cuda.get_device_name(0) if on_gpu else "CPU", "torch": torch.__version__,
        "parameters": sum(value.numel() for value in network.parameters()),
        "adapters": sum(value.numel() for value in network.parameters() if value.requires_grad),
        "step_s": step, "making_s": statistics.median(waited), "texts": texts,
        "tokens": statistics.mean(one.ids.numel() for one in made), "peak_bytes": peak,
        "roofline": work / peaks[0] / step, "peak_tflops": peaks[0] / 1e12,
        "texts_a_second": texts / step, "usual_texts_a_second": 4 / statistics.median(usual),
    }  # fmt: skip


def main() -> None:
    """Read the command line, measure, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=("auto", "toy", "true"), default="auto")
    parser.add_argument("--layers", type=int, help="of the language model, where another number than all is wanted")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    true = given.size == "true" or (given.size == "auto" and torch.cuda.is_available())
    config = SeagullConfig() if true else TOY
    if given.layers:
        config = replace(config, language=replace(config.language, layers=given.layers))
    found = measured(config, given.steps)
    memory = "-" if found["peak_bytes"] is None else f"{found['peak_bytes'] / 1e9:.1f} GB"
    learned, all_of_them = (found[key] / 1e6 for key in ("adapters", "parameters"))
    print(f"{'true' if true else 'toy'} size on {found['device']}, torch {found['torch']}; {all_of_them:.1f} M "
          f"weights, {learned:.2f} M of them in adapters\n")  # fmt: skip
    rows = [
        ("a step: four pictures", f"{found['step_s']:.3f} s, {found['texts']:.0f} texts, {found['tokens']:.0f} tokens"),
        ("steps a second", f"{1 / found['step_s']:.2f}"),
        ("making its batch, on the processor", f"{found['making_s']:.3f} s"),
        ("memory at most", memory),
        ("of the roofline", f"{found['roofline']:.0%} of {found['peak_tflops']:.1f} TFLOP/s"),
        ("texts a second, and with a prompt for each", f"{found['texts_a_second']:.1f}, "
         f"{found['usual_texts_a_second']:.1f} ({found['texts_a_second'] / found['usual_texts_a_second']:.1f}x)"),
    ]  # fmt: skip
    print("\n".join(["| fine-tuning the full model | |", "|---|---|"]))
    print("\n".join(f"| {name} | {value} |" for name, value in rows))
    if given.json:
        given.json.write_text(json.dumps(found, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
