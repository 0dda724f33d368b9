"""What each part of seagull-mini buys: small networks, each without one part, trained alike and measured alike.

    python benchmarks/ablations.py --data FOLDER --out DIR                  # every row, one seed
    python benchmarks/ablations.py --data FOLDER --out DIR --seeds 1,2,3    # three
    python benchmarks/ablations.py --data FOLDER --out DIR --table          # only print what is there
    python benchmarks/ablations.py --data FOLDER --out DIR --rows full,local --steps 40 --batches 20 --photos 6

Rows: `full`; without `local` token; without `global` token (its half of what the heads see is zero); without `native`
resolution (image and masks shrunk to half before the network, maps enlarged after it: a step costs a quarter); without
`dense` supervision (no loss on the maps themselves; their means in regions still learn); without the fixed
`frontend` (its statistics are zero, the raw channels stay); `data-25`, `data-50`: that share of the photographs, as
many batches. What human scores buy is a row of its own kind, measured on LIVE In the Wild by `seagull train` and
`seagull evaluate`; it is not made here.

All rows have the same steps, rate, weights to begin with and batches: these are made once (by far the slower half) and
kept in the folder, about 2 MB each, the shares of the data apart; when all were seen they come again mirrored. Measured
on crops of 320 px of held-out photographs, three each, freshly spoiled, ten regions a crop: SROCC of quality on `all`
regions, on those touched by `signal` types only and by `tone` types only, of `importance`, and that `given area`; below
it the row less the full one. Intervals are over photographs. A row that is there is not trained again; a row that was
killed goes on from its last checkpoint.

Cost on one free core, with the defaults: a step 0.3 s (native 0.16 s), a batch 0.4 s once, so six minutes a row after
nine for the batches of the full data, 25 % and 50 %: an hour for one seed, and 2.5 hours for three, which share the
batches. On a GPU (--device auto) making the batches is what remains. 2.5 GB of disk; what a row took is printed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
import torch.nn.functional as F
from ablation_parts import HeldOut, KeptBatches, Said, figure, table
from held_out import data_folder
from torch import Tensor, nn

from seagull_iqa.data.photographs import photographs
from seagull_iqa.models.mini import frontend
from seagull_iqa.models.mini.config import MiniConfig
from seagull_iqa.models.mini.network import MiniNetwork, RegionOutput
from seagull_iqa.training.loop import LoopSpec, train
from seagull_iqa.training.losses import total_loss
from seagull_iqa.training.samples import Chunk, SyntheticSource
from seagull_iqa.training.stream import Order
from seagull_iqa.training.task import Arrays, Measured, Source

FULL, LOCAL, GLOBAL, NATIVE, DENSE, FRONTEND = "full", "local", "global", "native", "dense", "frontend"
SHARES = {"data-25": 0.25, "data-50": 0.5}
ROWS = (FULL, LOCAL, GLOBAL, NATIVE, DENSE, FRONTEND, *SHARES)
MAP_LOSSES = ("weight_map", "quality_map", "severity_maps")


def no_statistics(image: Tensor) -> Tensor:
    """In place of the fixed front-end: (B, 3, H, W) -> zeros (B, 32, H/4, W/4)."""
    b, _, h, w = image.shape
    return image.new_zeros(b, frontend.CHANNELS, h // 4, w // 4)


def without_half(_module: nn.Module, _given: object, tokens: Tensor, *, local: bool) -> Tensor:
    """Global and local token stand side by side, (B, R, 2 D): one of them becomes zero."""
    kept, dropped = tokens.chunk(2, -1) if local else tokens.chunk(2, -1)[::-1]
    halves = (kept, torch.zeros_like(dropped))
    return torch.cat(halves if local else halves[::-1], -1)


class Ablated(nn.Module):
    """A network without one of its parts."""

    def __init__(self, network: MiniNetwork, row: str) -> None:
        super().__init__()
        self.network, self.row = network, row

    def forward(self, image: Tensor, masks: Tensor) -> tuple[Tensor, RegionOutput]:
        """As `MiniNetwork.forward`, whatever is missing."""
        if self.row == NATIVE:
            image, masks = F.avg_pool2d(image, 2), F.avg_pool2d(masks, 2)
        with contextlib.ExitStack() as stack:
            if self.row == FRONTEND:
                stack.enter_context(patch.object(frontend, "statistics", no_statistics))
            if self.row in {LOCAL, GLOBAL}:
                hook = _WITHOUT[self.row]
                stack.callback(self.network.tokens.register_forward_hook(hook).remove)
            dense, output = self.network(image, masks)
        if self.row == NATIVE:
            dense = F.interpolate(dense, scale_factor=2.0, mode="nearest")
        return dense, output


def _without_local(module: nn.Module, given: object, tokens: Tensor) -> Tensor:
    return without_half(module, given, tokens, local=True)


def _without_global(module: nn.Module, given: object, tokens: Tensor) -> Tensor:
    return without_half(module, given, tokens, local=False)


_WITHOUT = {LOCAL: _without_local, GLOBAL: _without_global}


def loss_of(row: str, dense: Tensor, output: RegionOutput, chunk: Chunk) -> dict[str, Tensor]:
    """The product's loss; without the maps' own terms where the row has no dense supervision."""
    terms = total_loss(dense, output, chunk)
    if row == DENSE:
        for name in MAP_LOSSES:
            del terms[name]
        terms["total"] = torch.stack([term for name, term in terms.items() if name != "total"]).sum()
    return terms


def answers(model: nn.Module, held_out: HeldOut) -> Said:
    """Of every held-out region."""
    device = next(model.parameters()).device
    rows = []
    with torch.no_grad():
        for crop in held_out.crops:
            _, out = model(crop.image.to(device).float() / 255, crop.unpacked_masks().to(device))
            rows.append(torch.stack([out.quality[0], out.importance[0]]).double().cpu().numpy())
    quality, importance = np.concatenate(rows, axis=1)
    return Said(quality, importance)


@dataclass(frozen=True)
class RowTask:
    """One row as a task of the training loop, see `training.task.Task`."""

    row: str
    config: MiniConfig
    source: Source
    held_out: HeldOut
    seed: int

    def model(self) -> Ablated:
        """As it begins; the same weights in every row."""
        torch.manual_seed(self.seed)
        return Ablated(MiniNetwork(self.config), self.row)

    def batch(self, arrays: Arrays, device: str, *, again: bool) -> Chunk:
        """On the device; the source mirrors."""
        return Chunk.from_arrays(arrays).to(device)

    def loss(self, model: nn.Module, batch: Chunk) -> Mapping[str, Tensor]:
        """Of the row."""
        return loss_of(self.row, *model(batch.image.float() / 255, batch.unpacked_masks()), batch)

    def measure(self, model: nn.Module) -> Measured:
        """SROCC on the held-out regions; what was said of them stays with the task's result."""
        said = answers(model.eval(), self.held_out)
        found = {"SROCC": figure("all", said, self.held_out, np.arange(said.quality.size))}
        return Measured(found["SROCC"], found)

    def write(self, model: nn.Module, folder: Path, *, finished: bool) -> Path:
        """What it says of every held-out region; nobody uses such weights."""
        path = folder / ("said.json" if finished else "said-so-far.json")
        said = answers(model.eval(), self.held_out)
        path.write_text(json.dumps({"quality": said.quality.tolist(), "importance": said.importance.tolist()}))
        return path


class Study:
    """All rows and seeds, in one folder."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.given, self.out = given, Path(given.out)
        data = data_folder(given.data)
        folder = data if (data / "manifest.csv").is_file() else data / "photos"
        self.paths = [one.path for one in photographs(folder)][: given.photos]
        aside = [one.path for one in photographs(folder, "heldout")][: given.photos]
        self._same_as_before()
        self.held_out = HeldOut.of(aside, self.out / "held-out")
        sizes = tuple(int(one) for one in given.widths.split(","))
        self.config = replace(MiniConfig(), widths=sizes)

    def _same_as_before(self) -> None:
        """Rows of other steps or batches are not mixed."""
        same = {name: getattr(self.given, name) for name in ("steps", "batches", "photos", "widths", "pixels", "rate")}
        path = self.out / "settings.json"
        self.out.mkdir(parents=True, exist_ok=True)
        if path.is_file() and json.loads(path.read_text()) != same:
            raise SystemExit(f"{path} tells of other settings: give the same ones, or another --out.")
        path.write_text(json.dumps(same))

    def source(self, row: str) -> KeptBatches:
        """The batches of a row: of all photographs, or of every n-th."""
        every = round(1 / SHARES.get(row, 1.0))
        source = SyntheticSource(tuple(self.paths[::every]), 1, self.given.pixels)
        return KeptBatches(source, self.out / f"batches-{len(source.paths)}", self.given.batches)

    def folder(self, row: str, seed: int) -> Path:
        """Of one training run."""
        return self.out / f"{row}-{seed}"

    def run(self, row: str, seed: int) -> None:
        """Train one row, where it is not there yet."""
        given, folder = self.given, self.folder(row, seed)
        if (folder / "said.json").is_file():
            return
        task = RowTask(row, self.config, self.source(row), self.held_out, seed)
        spec = LoopSpec(
            folder, steps=given.steps, rate=given.rate, warmup=max(1, min(100, given.steps // 10)),
            average=given.average, order=Order(1, 0), processes=0, seed=seed, device=given.device,
        )  # fmt: skip
        began, used = time.monotonic(), time.process_time()
        for progress in train(task, spec, log_every=max(1, given.steps // 10), save_every_s=120.0):
            print(f"{row} {seed}: {progress.done}/{progress.total} {progress.message[:100]}", flush=True)
        minutes = (time.monotonic() - began) / 60, (time.process_time() - used) / 60
        print(f"{row} {seed}: {minutes[0]:.1f} minutes, {minutes[1]:.1f} of the processor's", flush=True)

    def said(self, row: str) -> list[Said]:
        """What the seeds of a row that are there say."""
        files = [self.folder(row, seed) / "said.json" for seed in self.given.seeds]
        found = [json.loads(file.read_text()) for file in files if file.is_file()]
        return [Said(np.array(one["quality"]), np.array(one["importance"])) for one in found]

    def table(self) -> str:
        """Of what is there."""
        rows = {row: said for row in ROWS if (said := self.said(row))}
        if not rows:
            return "Nothing was trained yet."
        names = {row: row if row == FULL or row in SHARES else f"without {row}" for row in rows}
        about = ", ".join(f"{name} {value}" for name, value in json.loads(
            (self.out / "settings.json").read_text()).items())  # fmt: skip
        regions = f"{self.held_out.photo.size:,} regions of {np.unique(self.held_out.photo).size} photographs"
        rows = {names[row]: said for row, said in rows.items()}
        return f"{about}; {regions}\n\n{table(rows, self.held_out, self.given.bootstrap)}"


def arguments(line: list[str] | None = None) -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with photos/; else what SEAGULL_DATA names")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rows", default=",".join(ROWS))
    parser.add_argument("--seeds", default="1", type=lambda text: [int(one) for one in text.split(",")])
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--batches", type=int, default=400)
    parser.add_argument("--photos", type=int, help="only the first so many, of training and of held out each")
    parser.add_argument("--pixels", type=int, default=12 * 192 * 192, help="of a batch")
    parser.add_argument("--widths", default="16,32,64,96", help="channels of the four levels")
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--average", type=float, default=0.99)
    parser.add_argument("--device", default="cpu", help="cpu, or auto for the fastest there is")
    parser.add_argument("--bootstrap", type=int, default=200)
    parser.add_argument("--table", action="store_true", help="train nothing, print what is there")
    given = parser.parse_args(line)
    given.rows = given.rows.split(",")
    unknown = [row for row in given.rows if row not in ROWS]
    if unknown:
        parser.error(f"there is no row {unknown[0]}; the rows are {', '.join(ROWS)}")
    return given


def main() -> None:
    """Train what is missing, and print the table."""
    given = arguments()
    study = Study(given)
    for seed in given.seeds:
        for row in [] if given.table else given.rows:
            study.run(row, seed)
    print(study.table())


if __name__ == "__main__":
    main()
