"""One run of fine-tuning, from the labels on the disk to a model on the disk; may be killed at any moment."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock, Timeout

from seagull_iqa.domain.fine_tuning import (
    FineTuneResult,
    FineTuneSpec,
    Method,
    Suggestion,
    TuneRun,
    TuneState,
)
from seagull_iqa.errors import ModelError, SeagullError
from seagull_iqa.formats.label_set import LabelSet, read_label_set
from seagull_iqa.formats.label_stock import LEAST
from seagull_iqa.formats.tuning_run import PAUSE, RunFolder
from seagull_iqa.imaging.files import read_image
from seagull_iqa.models.mini.checkpoint import MOST_CORRECTIONS, load_corrections, load_weights, save_weights
from seagull_iqa.models.mini.correction import Correction
from seagull_iqa.models.mini.features import RegionFeatures
from seagull_iqa.models.mini.fuse import fused
from seagull_iqa.models.mini.model import SeagullMini
from seagull_iqa.models.mini.network import TYPES, MiniNetwork
from seagull_iqa.registry import DEFAULT, choose_device, full_base, read_card, resolve
from seagull_iqa.training.tuning.cards import card_of_tuned, images_learned, write_card
from seagull_iqa.training.tuning.choosing import Bases, Choice, chosen
from seagull_iqa.training.tuning.evidence import Evidence, gathered
from seagull_iqa.training.tuning.findings import found_by, found_held_out
from seagull_iqa.training.tuning.fitting import fitted
from seagull_iqa.training.tuning.showing import changed_most, figures_of, shifts_that_help, type_figure, verdict
from seagull_iqa.training.tuning.suggesting import suggested
from seagull_iqa.training.tuning.telling import RestedError, Teller, Told
from seagull_iqa.training.tuning.together import helps

STEPS_AFTER = 20
"""Steps that are counted for what comes after the looks at the images."""

LEAST_IMPORTANCE = 8


@dataclass(frozen=True, eq=False)
class Base:
    """The model that a run begins from, with what earlier labels have taught it."""

    model: SeagullMini
    network: MiniNetwork
    path: Path
    inputs: int
    seen: frozenset[str] = frozenset()


def load_base(name: str, device: str) -> Base:
    """Load seagull-mini, or one of its kind, to learn from.

    Raises
    ------
    ModelError
        A model of another kind.
    """
    path = resolve(name)
    network, calibration = load_weights(path)
    corrections = load_corrections(path)
    if len(corrections) >= MOST_CORRECTIONS:
        raise ModelError(
            f"{name} has been fine-tuned {len(corrections)} times, one on the other.",
            "Begin from seagull-mini, with all labels.",
        )
    model = SeagullMini(fused(network).to(choose_device(device).name), calibration, read_card(path), corrections)
    return Base(model, network, path, 2 * network.config.token_width + TYPES + 2, images_learned(path))


class Learner:
    """Does a run, saying how far it is; what it has looked at is kept."""

    def __init__(self, folder: RunFolder, told: Told) -> None:
        self._folder = folder
        self._teller = Teller(folder, told)

    def work(self) -> FineTuneResult:
        """From labels to a model."""
        spec, labels = self._folder.spec(), read_label_set(self._folder.labels)
        if spec.method in (Method.ADAPTERS, Method.ALL):
            raise ModelError(
                "seagull-mini learns a few labels by its scale or a correction of its heads.",
                "Choose “auto”; with thousands of labels use `seagull train --human`.",
            )
        self._teller.steps = len(labels.images) + STEPS_AFTER
        base = load_base(spec.base, spec.device)
        features = self._features(base, labels)
        made = gathered(labels, features)
        if len(made.score) + len(made.better) < LEAST:
            raise SeagullError(
                f"There are {len(made.score)} labels and {len(made.better)} comparisons.",
                f"Label at least {LEAST} regions.",
            )
        choice = chosen(made, base.inputs, wanted=spec.method, seed=spec.seed, step=self._tried)
        self._teller.note("Fitting to all labels")
        correction = self._correction(made, base, choice)
        result = self._result(made, labels, base, choice, correction)
        self._teller.note("Writing the model")
        return replace(result, model=self._write(spec, labels, base, correction, result))

    def _tried(self, phase: str, held_out: float | None) -> None:
        self._teller.note(phase, held_out=held_out)

    def _features(self, base: Base, labels: LabelSet) -> RegionFeatures:
        """What the base sees of every region; looks that were taken before are read from the checkpoint."""
        if not labels.regions:
            raise SeagullError("There is no labelled region.", f"Label at least {LEAST} regions.")
        parts = []
        self._folder.checkpoint.mkdir(exist_ok=True)
        by_image: list[list[Any]] = [[] for _image in labels.images]
        for at, region in labels.regions.values():
            by_image[at].append(region.region)
        for number, one in enumerate(labels.images):
            self._teller.note(f"Looking at image {number + 1} of {len(labels.images)}")
            if not by_image[number]:
                continue
            key = f"{number:04d}-{one.sha256[:16]}-{base.model.card.sha256[:16]}.npz"
            kept = self._folder.checkpoint / key
            made = _kept(kept)
            if made is None:
                made = base.model.features(base.model.look(read_image(one.pixels).rgb), by_image[number])
                part = kept.with_suffix(".part.npz")
                np.savez(part, **made.__dict__)
                part.replace(kept)
            parts.append(made)
        order = sorted(labels.regions, key=lambda region: labels.regions[region][0])  # as the parts lie; stable
        joined = RegionFeatures.joined(parts)
        place = {key: line for line, key in enumerate(order)}
        lines = np.array([place[key] for key in labels.regions], dtype=np.intp)
        return RegionFeatures(**{name: value[lines] for name, value in joined.__dict__.items()})

    def _correction(self, made: Evidence, base: Base, choice: Choice) -> Correction:
        if choice.method is None:
            size = 2
            return Correction(np.zeros(size), np.zeros((size, size)), 0.0)
        basis = Bases(made, base.inputs).of(choice.settings)
        correction = fitted(made, choice.settings, basis)
        new = choice.held_out[choice.method]
        noise = float(np.sqrt(np.mean((new[made.region] - made.score) ** 2))) if len(made.score) else correction.noise
        shifts = shifts_that_help(made, base.model.calibration.thresholds)
        return replace(correction, noise=noise, importance=_importance(made), shifts=shifts)

    def _result(
        self, made: Evidence, labels: LabelSet, base: Base, choice: Choice, correction: Correction
    ) -> FineTuneResult:
        before = made.features.quality
        after = before if choice.method is None else choice.held_out[choice.method]
        better, words = verdict(made, choice, before, after)
        known = sum(one.sha256 in base.seen for one in labels.images)
        if known:
            words += f" The old model has learned from {known} of these images: there it looks better than it is."
        thresholds = base.model.calibration.thresholds
        found = found_by(made, thresholds, None)
        types = type_figure(made, found, found if correction.shifts is None else found_held_out(made, thresholds))
        figures = figures_of(made, before, after)
        return FineTuneResult(
            "", choice.method or Method.SCALE, choice.errors, (*figures, *([types] if types else [])),
            changed_most(made, labels, before, after), better, words, self._teller.seconds,
        )  # fmt: skip

    def _write(
        self, spec: FineTuneSpec, labels: LabelSet, base: Base, correction: Correction, result: FineTuneResult
    ) -> str:
        """The weights with their correction, and the card; the base's file is only read."""
        folder = self._folder.model
        folder.mkdir(exist_ok=True)
        weights = folder / "weights.safetensors"
        corrections = (*base.model.corrections, correction)
        save_weights(base.network, weights, calibration=base.model.calibration, corrections=corrections)
        values = card_of_tuned(spec, self._folder.id, labels, base.model.card, result, base.seen)
        write_card(folder, values)
        return str(values["id"])


def _kept(path: Path) -> RegionFeatures | None:
    """What was seen before; None where nothing was kept, or a crash of the machine has left a file that is torn."""
    try:
        with np.load(path, allow_pickle=False) as found:
            return RegionFeatures(**{name: found[name] for name in found.files})
    except (OSError, EOFError, ValueError, TypeError, zipfile.BadZipFile):
        return None


def _importance(made: Evidence) -> tuple[float, float]:
    """Offset and slope of the importance by what people said of it, shrunk to no change."""
    said = ~np.isnan(made.importance)
    if said.sum() < LEAST_IMPORTANCE:
        return 0.0, 1.0
    base, label = made.features.importance[said], made.importance[said]
    basis = np.stack([np.ones_like(base), base - 50], 1)
    offset, slope = np.linalg.solve(basis.T @ basis + np.diag([1.0, 1000.0]), basis.T @ (label - base))
    slope = float(np.clip(1 + slope, 0.1, 3))
    return float(offset + 50 - 50 * slope), slope


def suggestions(labels: LabelSet, name: str, count: int, device: str = "auto") -> list[Suggestion]:
    """Regions of a set without a label that would teach that model most, best first.

    For the full model seagull-mini looks in its place: what differs from what is labelled differs for both.
    """
    if not labels.regions:
        return []
    base = load_base(DEFAULT if full_base(name) is not None else name, device)
    parts, order = [], []
    for number, one in enumerate(labels.images):
        here = [region.region for at, region in labels.regions.values() if at == number]
        if here:
            parts.append(base.model.features(base.model.look(read_image(one.pixels).rgb), here))
            order += [region.id for region in here]
    place = {key: line for line, key in enumerate(order)}
    lines = np.array([place[key] for key in labels.regions], dtype=np.intp)
    joined = RegionFeatures(**{key: value[lines] for key, value in RegionFeatures.joined(parts).__dict__.items()})
    return suggested(gathered(labels, joined), labels, base.inputs, count)


def learn(folder: RunFolder, told: Told = lambda _run: None) -> TuneRun:
    """Do a run, or go on with one that was paused or killed.

    Returns
    -------
    TuneRun
        Done, paused, cancelled or failed; the folder says the same.

    Raises
    ------
    ModelError
        Another process learns in that folder.
    """
    if helps():
        return _helped(folder, told)
    with _alone(folder):  # a wish may stand there already: it was made while this process started
        known = folder.read()
        if known.state.ended:  # by a process that was begun beside this one, whose server had been killed
            return known
        try:
            result = _learned(folder, told)
        except RestedError as error:
            folder.heed()
            return folder.change(TuneState.PAUSED if error.wish == PAUSE else TuneState.CANCELLED)
        except SeagullError as error:
            return folder.change(TuneState.FAILED, str(error))
        except (MemoryError, torch.cuda.OutOfMemoryError):
            return folder.change(TuneState.FAILED, "There is too little memory. Learn from fewer or smaller images.")
        except (FloatingPointError, np.linalg.LinAlgError) as error:
            return folder.change(TuneState.FAILED, f"The labels lead to no model ({error}). Leave the last ones out.")
        run = folder.read()
        done = TuneRun(run.id, run.spec, TuneState.DONE, replace(run.progress, phase="Done"), 0.0, result)
        folder.write(done)
        told(done)
        return done


def _learned(folder: RunFolder, told: Told) -> FineTuneResult:
    base = full_base(folder.spec().base)
    if base is None:
        return Learner(folder, told).work()
    from seagull_iqa.training.tuning.adapters import AdapterLearner  # accelerate takes seconds, which mini spares

    return AdapterLearner(folder, told).work(base)


def _helped(folder: RunFolder, told: Told) -> TuneRun:
    """Take part in what the first process does; only that one writes, so here nothing is said of how it ends."""
    if full_base(folder.spec().base) is not None:
        with suppress(RestedError):
            _learned(folder, told)
    return folder.read()


@contextmanager
def _alone(folder: RunFolder) -> Iterator[None]:
    lock = FileLock(folder.lock)
    try:
        lock.acquire(timeout=0.5)  # a server may look for a moment whether somebody is at work
    except Timeout:
        raise ModelError("This run is under way in another process.", "Wait for it.") from None
    try:
        yield
    finally:
        lock.release()


