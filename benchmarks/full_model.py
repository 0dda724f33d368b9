"""The full model's speed: the original's way of asking against ours, in one run, with random weights of the true shape.

    python benchmarks/full_model.py                                  # true size on a GPU, toy size elsewhere
    PYTHONPATH=backend python3 benchmarks/full_model.py --json OUT   # where only torch and transformers are installed

Three ways of asking quality, importance and distortions of N regions of one new image:

(a)  the original's: for every question the image is encoded and the whole prompt filled in again; the answer is
     written word by word (7, 12 and 20 tokens) with a key/value cache of its own;
(a') the same, but the encoded image is reused;
(b)  ours: the image is encoded and the beginning of the prompt is read once, the two scores of all regions are read
     off in one pass, the answers about distortions (20 tokens) are written side by side;
(b') ours, but all three answers are written, with the lengths of (a), so that no way writes less than another.

Random weights in bf16 (float32 on a CPU), the image encoder in fp16 on a GPU; attention is SDPA everywhere. A time is
the median of `--runs` runs after one to warm up; (a) and (a') run once: their questions are many. The roofline
is the least time of (b): operations over the peak of a matrix product measured in the same run, plus bytes over the
measured bandwidth (counted in `full_model_parts.least_work`).

Goals at true size: (b) answers at 32 regions at least 60 times as fast as (a); the two scores of one region of a known
image come within 60 ms; the first score of a new image within 200 ms.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from full_model_parts import ANSWERS, TOY, OriginalWay, boxes, least_work, picture, random_model

from seagull_iqa.domain.precision import Precision
from seagull_iqa.domain.questions import SCALES
from seagull_iqa.domain.region import Region
from seagull_iqa.domain.report import Aspect
from seagull_iqa.models.full.config import SeagullConfig
from seagull_iqa.models.full.engine import Text
from seagull_iqa.models.full.model import Seagull
from seagull_iqa.models.full.regions import region_tokens
from seagull_iqa.models.interface import RGBImage

COUNTS = (1, 8, 32, 128)
SCORES = frozenset(SCALES)


@dataclass(frozen=True)
class Row:
    """One number of regions; times in s, memory in bytes above the weights (None on a CPU)."""

    regions: int
    original: float
    reused: float
    ours: float
    ours_all_written: float
    least: float
    original_memory: int | None
    ours_memory: int | None

    @property
    def speedup(self) -> float:
        """(a) over (b)."""
        return self.original / self.ours


class Bench:
    """One model, one image, and a clock that waits for the device."""

    def __init__(self, model: Seagull, image: RGBImage, runs: int) -> None:
        self.model, self.image, self.runs = model, image, runs
        self.device = torch.device(model.device)
        self.original = OriginalWay(model)

    def seconds(self, work: Callable[[], object], runs: int) -> float:
        """Median time of some runs."""
        times = []
        for _ in range(runs):
            self._wait()
            start = time.perf_counter()
            work()
            self._wait()
            times.append(time.perf_counter() - start)
        return statistics.median(times)

    def peak(self, work: Callable[[], object]) -> int | None:
        """Most memory above what is held before, in bytes; not known on a CPU."""
        if self.device.type != "cuda":
            work()
            return None
        self.model.engine.release()
        torch.cuda.empty_cache()
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        work()
        return torch.cuda.max_memory_allocated() - before

    def ask_originally(self, regions: list[Region], *, reuse: bool) -> None:
        """Every question of every region, one by one."""
        with torch.inference_mode():
            known = self.original.encoded(self.image) if reuse else None
            for region in regions:
                for aspect in ANSWERS:
                    self.original.answer(self.image, region, aspect, known)

    def ask_ours(self, regions: list[Region]) -> None:
        """A new image, all regions, all aspects."""
        self.model.assess(self.model.look(self.image), regions)

    def write_all(self, regions: list[Region]) -> None:
        """A new image; all three answers are written."""
        with torch.inference_mode():
            look = self.model.look(self.image)
            found = region_tokens(self.model.network, look, [region.mask for region in regions])
            for aspect, longest in ANSWERS.items():
                ids = self.model.tokenizer.asked(aspect)
                self.model.engine.written(look.prefix, [Text(tokens, ids) for tokens in found.tokens], longest)

    def row(self, count: int, peaks: tuple[float, float]) -> Row:
        """All ways with that many regions."""
        regions = boxes(count, *self.image.shape[:2])
        ours_memory = self.peak(lambda: self.ask_ours(regions))
        original_memory = self.peak(lambda: self.ask_originally(regions[:1], reuse=False))
        self.ask_ours(regions)
        self.write_all(regions)
        return Row(
            count,
            self.seconds(lambda: self.ask_originally(regions, reuse=False), 1),
            self.seconds(lambda: self.ask_originally(regions, reuse=True), 1),
            self.seconds(lambda: self.ask_ours(regions), self.runs),
            self.seconds(lambda: self.write_all(regions), self.runs),
            least_work(self.model, count).seconds(*peaks),
            original_memory,
            ours_memory,
        )

    def latencies(self) -> dict[str, float]:
        """Seconds until a person sees the first answer after a click."""
        region = boxes(1, *self.image.shape[:2])
        look = self.model.look(self.image)
        quality = frozenset({Aspect.QUALITY})
        steps: dict[str, Callable[[], object]] = {
            "two scores of a region, known image": lambda: self.model.assess(look, region, SCORES),
            "scores and findings of a region, known image": lambda: self.model.assess(look, region),
            "first score, new image": lambda: self.model.assess(self.model.look(self.image), region, quality),
            "first score, the original's way": lambda: self._first_originally(region[0]),
        }
        for step in steps.values():
            step()
        return {name: self.seconds(step, max(5, self.runs)) for name, step in steps.items()}

    def _first_originally(self, region: Region) -> None:
        with torch.inference_mode():
            self.original.answer(self.image, region, Aspect.QUALITY)

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize()


def device_peaks(device: torch.device) -> tuple[float, float]:
    """Operations a second of a large matrix product, and bytes a second of a copy (read and written), measured here."""
    on_gpu = device.type == "cuda"
    side, kind = (8192, torch.bfloat16) if on_gpu else (1024, torch.float32)
    matrix = torch.randn(side, side, device=device, dtype=kind)
    source = torch.empty(2**30 if on_gpu else 2**26, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)

    def fastest(work: Callable[[], object]) -> float:
        times = []
        for _ in range(8):
            start = time.perf_counter()
            work()
            if on_gpu:
                torch.cuda.synchronize()
            times.append(time.perf_counter() - start)
        return min(times)

    return 2 * side**3 / fastest(lambda: matrix @ matrix), 2 * source.nbytes / fastest(lambda: target.copy_(source))


def table(rows: list[Row], latencies: dict[str, float]) -> str:
    """In Markdown."""
    lines = [
        "| regions | (a) original | (a') image reused | (b) ours | (a) / (b) | (b') all written | (a) / (b') | "
        "of the roofline | memory (a) | memory (b) |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.regions} | {row.original:.2f} s | {row.reused:.2f} s | {row.ours:.3f} s | **{row.speedup:.1f}x** | "
        f"{row.ours_all_written:.3f} s | {row.original / row.ours_all_written:.1f}x | {row.least / row.ours:.0%} | "
        f"{_gigabytes(row.original_memory)} | {_gigabytes(row.ours_memory)} |"
        for row in rows
    ]
    lines += ["", "| from a click to the answer | time |", "|---|---|"]
    lines += [f"| {name} | {1000 * seconds:.0f} ms |" for name, seconds in latencies.items()]
    return "\n".join(lines)


def _gigabytes(count: int | None) -> str:
    return "-" if count is None else f"{count / 1e9:.2f} GB"


def main() -> None:
    """Read the command line, measure, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=("auto", "toy", "true"), default="auto")
    parser.add_argument("--layers", type=int, help="of the language model, where another number than all is wanted")
    parser.add_argument("--regions", type=int, nargs="*", default=COUNTS)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    true = given.size == "true" or (given.size == "auto" and device.type == "cuda")
    config = SeagullConfig() if true else TOY
    if given.layers:
        config = replace(config, language=replace(config.language, layers=given.layers))
    model = random_model(config, device, Precision.BF16 if device.type == "cuda" else Precision.FP32)
    bench = Bench(model, picture(768, 1024), given.runs)
    peaks = device_peaks(device)
    name = torch.cuda.get_device_name(0) if device.type == "cuda" else "CPU"
    size = "true" if true else "toy"
    print(f"{size} size on {name}; torch {torch.__version__}; {torch.get_num_threads()} threads; "
          f"{peaks[0] / 1e12:.2f} TFLOP/s, {peaks[1] / 1e9:.0f} GB/s measured\n", flush=True)
    rows = [bench.row(count, peaks) for count in given.regions]
    latencies = bench.latencies()
    print(table(rows, latencies))
    if given.json:
        found = {"device": name, "size": size, "rows": [asdict(row) for row in rows], "latencies": latencies}
        given.json.write_text(json.dumps(found, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
