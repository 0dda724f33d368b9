"""What fine-tuning on few labels is worth: simulated users, held-out figures before and after, over many draws.

    python benchmarks/finetune.py --data FOLDER --work features.npz            # 20 draws; the features are kept
    python benchmarks/finetune.py --data FOLDER --work features.npz --draws 3  # a quick look

Users on the photographs of live-itw that are kept for this alone (`use` = reserve; whole photographs): one who agrees
with the model but on another scale (0.6 times its score, plus 35), one who says what people said on average, on that
scale, and one of another taste, who says what people said but forgives darkness. One of another domain: crops of
fluorescence micrographs with known defocus (a Gaussian blur of 0.3 to 6 px, sharp is 100, linear in the logarithm of
the width), held out by field: these labels are synthetic. All labels have noise of 5 points.
Held-out figures are of images none of whose labels was learned from; intervals are of 95 % over draws. Then: what the
protocol says of the base before and after (250 of its cases), how many labels suggestions save against chance, and how
long 100 labels take. Prints Markdown.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from held_out import data_folder, followed
from scipy.ndimage import gaussian_filter
from timing import machine

from seagull_iqa.data.protocol import Protocol, to_rgb
from seagull_iqa.domain.fine_tuning import Method
from seagull_iqa.domain.region import Region, RegionMask
from seagull_iqa.imaging.files import read_array, read_image
from seagull_iqa.imaging.normalise import prepare
from seagull_iqa.models.mini.correction import Correction
from seagull_iqa.models.mini.features import RegionFeatures
from seagull_iqa.training.metrics import srocc
from seagull_iqa.training.tuning.choosing import Bases, chosen
from seagull_iqa.training.tuning.evidence import Evidence, Values, Whole
from seagull_iqa.training.tuning.fitting import fitted, predicted
from seagull_iqa.training.tuning.run import Base, load_base
from seagull_iqa.training.tuning.suggesting import order_of

NOISE, CROP, CROPS, DEEPEST = 5.0, 192, 80, 6.0
FIELDS_HELD_OUT = 2


@dataclass(frozen=True, eq=False)
class World:
    """Regions with what is true of them: features, number of the image, and the label without noise."""

    features: RegionFeatures
    image: Whole
    truth: Values

    def labelled(self, lines: Whole, labels: Values) -> Evidence:
        """Labels of some of them."""
        none, count = np.zeros(0, dtype=np.intp), len(self.image)
        return Evidence(
            tuple(map(str, range(count))), self.image, self.features, lines, np.zeros(len(lines), dtype=np.intp),
            labels, none, none, np.zeros(0, dtype=bool), np.full(count, np.nan), np.full((count, 7), np.nan),
        )  # fmt: skip


def reserve(base: Base, data: Path) -> tuple[RegionFeatures, Values, Values]:
    """Whole photographs of the reserve: features, people's mean scores, and mean lightness 0..1."""
    with (data / "live-itw" / "mos.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["use"] == "reserve"]
    parts, dark = [], []
    for row in followed(rows, "photographs"):
        rgb = read_image(data / "live-itw" / "images" / row["file"]).rgb
        whole = Region(RegionMask.whole(rgb.shape[:2]))
        parts.append(base.model.features(base.model.look(rgb), [whole]))
        dark.append(float(rgb.mean() / 255))
    return RegionFeatures.joined(parts), np.array([float(row["mos"]) for row in rows]), np.array(dark)


def microscopy(base: Base, data: Path) -> tuple[RegionFeatures, Whole, Values]:
    """Crops with known defocus: features, number of the field, and the label."""
    random, parts, field, truth = np.random.default_rng(0), [], list[int](), list[float]()
    paths = sorted((data / "microscopy").glob("BBBC006*.png"))
    for number, path in enumerate(followed(paths, "fields")):
        sharp = read_array(path)[0].astype(np.float64).squeeze()
        black, white = (float(np.quantile(sharp, share)) for share in (0.01, 0.999))
        while field.count(number) < CROPS:
            width = float(np.exp(random.uniform(np.log(0.3), np.log(DEEPEST))))
            row, column = (int(random.integers(0, length - CROP + 1)) for length in sharp.shape)
            spoiled = gaussian_filter(sharp, width)[row : row + CROP, column : column + CROP]
            if np.quantile(spoiled, 0.95) < black + 0.1 * (white - black):
                continue  # hardly a cell in it
            image = prepare(spoiled, contrast_limits=(black, white))
            whole = Region(RegionMask.whole(image.shape))
            parts.append(base.model.features(base.model.look(image.rgb), [whole]))
            field.append(number)
            truth.append(100 * (np.log(DEEPEST) - np.log(width)) / (np.log(DEEPEST) - np.log(0.3)))
    return RegionFeatures.joined(parts), np.array(field, dtype=np.intp), np.array(truth)


def protocol_cases(base: Base, data: Path, cases: int) -> tuple[RegionFeatures, Values]:
    """Cases of the protocol: features, and the label of quality."""
    protocol, parts, truth = Protocol.load(data), [], list[float]()
    spread = protocol.spread(cases)
    for name in followed(list(spread), "photographs of the protocol"):
        scene = protocol.scene(name)
        for case in spread[name]:
            spoiled = scene.render(case)
            region = Region(RegionMask.from_pixels(scene.masks[case.ask]))
            parts.append(base.model.features(base.model.look(to_rgb(spoiled)), [region]))
            truth.append(scene.label(case, spoiled).quality)
    return RegionFeatures.joined(parts), np.array(truth)


def kept(work: Path | None, base: Base, data: Path, cases: int) -> dict[str, np.ndarray]:
    """All features, from the file where they were measured before."""
    if work is not None and work.is_file():
        with np.load(work, allow_pickle=False) as found:
            return {name: found[name] for name in found.files}
    everything: dict[str, np.ndarray] = {}
    made = (reserve(base, data), microscopy(base, data), protocol_cases(base, data, cases))
    for name, (features, *rest) in zip(("reserve", "micro", "protocol"), made, strict=True):
        everything.update({f"{name}_{key}": value for key, value in features.__dict__.items()})
        everything.update({f"{name}_{number}": value for number, value in enumerate(rest)})
    if work is not None:
        np.savez_compressed(work, **everything)
    return everything


def features_of(everything: dict[str, np.ndarray], name: str) -> RegionFeatures:
    """Those of one part."""
    names = ("features", "quality", "width", "importance", "severity")
    return RegionFeatures(*(everything[f"{name}_{key}"] for key in names))


def tuned(world: World, lines: Whole, seed: int, inputs: int) -> tuple[Values, Correction | None, Method | None]:
    """What the chosen method predicts of every region, learned from these with noise; None where the base stays."""
    noise = np.random.default_rng(1000 + seed).normal(0, NOISE, len(lines))
    made = world.labelled(lines, np.clip(world.truth[lines] + noise, 0, 100))
    choice = chosen(made, inputs, wanted=Method.AUTO, seed=seed, step=lambda _words, _error: None)
    if choice.method is None:
        return world.features.quality, None, None
    basis = Bases(made, inputs).of(choice.settings)
    correction = fitted(made, choice.settings, basis)
    return predicted(made, correction, basis), correction, choice.method


def interval(values: Sequence[float]) -> str:
    """Mean, and the 95 % interval of the mean over draws."""
    found = np.array(values)
    half = 1.96 * found.std(ddof=1) / np.sqrt(len(found)) if len(found) > 1 else 0.0
    return f"{found.mean():.3f} ± {half:.3f}"


@dataclass(frozen=True, eq=False)
class Bench:
    """What every row has in common: draws, inputs of the heads, and the protocol's cases with their labels."""

    draws: int
    inputs: int
    cases: RegionFeatures
    truth: Values


def row(what: str, world: World, labels: int, held: Callable[[np.random.Generator], Whole], bench: Bench) -> str:
    """One user with so many labels: held-out SROCC and absolute error before and after, and what the base lost."""
    order, error, lost, methods = ([], []), ([], []), list[float](), list[str]()
    for seed in range(bench.draws):
        random = np.random.default_rng(seed)
        out = held(random)
        free = np.setdiff1d(np.arange(len(world.image)), np.flatnonzero(np.isin(world.image, world.image[out])))
        lines = random.permutation(free)[:labels]
        values, correction, method = tuned(world, lines, seed, bench.inputs)
        methods.append(str(method or "base"))
        for place, found in enumerate((world.features.quality, values)):
            order[place].append(srocc(found[out], world.truth[out]))
            error[place].append(float(np.abs(found[out] - world.truth[out]).mean()))
        cases = bench.cases
        after = cases.quality
        if correction is not None:
            after = correction.corrected(cases.features, cases.quality, cases.width)[0]
        lost.append(srocc(after, bench.truth) - srocc(cases.quality, bench.truth))
    most = max(set(methods), key=methods.count)
    cells = (interval(order[0]), interval(order[1]), interval(error[0]), interval(error[1]), interval(lost))
    return f"| {what} | {labels} | {' | '.join(cells)} | {most} ({methods.count(most)} of {bench.draws}) |"


def labels_for(world: World, inputs: int, seed: int, held: Whole, *, suggested: bool) -> list[tuple[int, float]]:
    """(labels, held-out SROCC) as labels come in tens, by suggestion or by chance."""
    random = np.random.default_rng(seed)
    free = np.setdiff1d(np.arange(len(world.image)), np.flatnonzero(np.isin(world.image, world.image[held])))
    lines, found = random.permutation(free)[:10], []
    while True:
        values, _correction, _method = tuned(world, lines, seed, inputs)
        found.append((len(lines), srocc(values[held], world.truth[held])))
        if len(lines) >= 100:
            return found
        left = np.setdiff1d(free, lines)
        if suggested:
            made = world.labelled(lines, world.truth[lines])
            more = np.array([line for line, _gain in order_of(made, inputs, left.tolist(), 10)])
        else:
            more = random.permutation(left)[:10]
        lines = np.concatenate([lines, more])


def saved(world: World, inputs: int, draws: int, held: Callable[[np.random.Generator], Whole]) -> str:
    """How many labels suggestions take for what chance reaches with 60."""
    curves: dict[bool, list[Values]] = {True: [], False: []}
    for seed in range(draws):
        out = held(np.random.default_rng(seed))
        for suggested in (True, False):
            curve = labels_for(world, inputs, seed, out, suggested=suggested)
            curves[suggested].append(np.array([value for _count, value in curve]))
    means = {key: np.mean(value, axis=0) for key, value in curves.items()}
    counts = np.arange(10, 101, 10)
    goal = float(np.interp(60, counts, means[False]))
    reached = np.flatnonzero(means[True] >= goal)
    needs = f"{counts[reached[0]]}" if len(reached) else "more than 100"
    return f"chance reaches {goal:.3f} with 60 labels, suggestions with {needs}"


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--cases", type=int, default=250)
    given = parser.parse_args()
    torch.set_num_threads(1)
    base = load_base("seagull-mini", "cpu")
    everything = kept(given.work, base, data_folder(given.data), given.cases)
    people = features_of(everything, "reserve")
    mos, light = everything["reserve_0"], everything["reserve_1"]
    each = np.arange(len(mos), dtype=np.intp)
    stretched, shifted = (World(people, each, 35 + 0.6 * score) for score in (people.quality, mos))
    taste = World(people, each, np.clip(mos + 60 * np.clip(0.45 - light, 0, 1), 0, 100))
    micro = World(features_of(everything, "micro"), everything["micro_0"], everything["micro_1"])
    bench = Bench(given.draws, base.inputs, features_of(everything, "protocol"), everything["protocol_0"])

    def a_third(random: np.random.Generator) -> Whole:
        return random.permutation(len(mos))[: len(mos) // 3]

    def fields(random: np.random.Generator) -> Whole:
        out = random.permutation(np.unique(micro.image))[:FIELDS_HELD_OUT]
        return np.flatnonzero(np.isin(micro.image, out))

    print(f"{given.draws} draws; {machine()}\n")
    print("| user | labels | SROCC before | after | error before | after | protocol SROCC | method |")
    print("|---|---|---|---|---|---|---|---|")
    rows = [("the model's score on another scale", stretched, n, a_third) for n in (30, 60)]
    rows += [("people's score on another scale", shifted, n, a_third) for n in (30, 60)]
    rows += [("another taste", taste, n, a_third) for n in (30, 60)]
    rows += [("microscopy, defocus", micro, n, fields) for n in (30, 100, 300)]
    for what, world, labels, held in rows:
        print(row(what, world, labels, held, bench), flush=True)
    print(f"\nSuggestions, microscopy: {saved(micro, base.inputs, max(3, given.draws // 2), fields)}.")
    begun = time.perf_counter()
    tuned(micro, np.random.default_rng(0).permutation(len(micro.image))[:100], 0, base.inputs)
    print(f"100 labels: {time.perf_counter() - begun:.1f} s without the looks at their images.")


if __name__ == "__main__":
    main()
