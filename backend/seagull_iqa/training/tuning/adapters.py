"""A run that teaches the full model: adapters in its language model (LoRA, arXiv 2106.09685), measured by folds.

The base's weights are loaded once and never change. Every fold begins with adapters that change nothing, learns from
the labels of the other images, and answers about its own; then adapters learn from all labels, and are what is kept.
Under `accelerate launch` every process learns from batches of its own and answers about its share of the images.
"""

from __future__ import annotations

import contextlib
import math
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from seagull_iqa.domain.fine_tuning import FineTuneResult, FineTuneSpec, Method, adapter_steps
from seagull_iqa.domain.precision import Precision
from seagull_iqa.errors import JobError, SeagullError
from seagull_iqa.formats.label_set import LabelSet, read_label_set
from seagull_iqa.formats.label_stock import LEAST
from seagull_iqa.formats.tuning_run import RunFolder
from seagull_iqa.hub.planning import plan_training
from seagull_iqa.imaging.saving import save_text
from seagull_iqa.models.full.adapter import ADAPTER_WEIGHTS
from seagull_iqa.models.full.checkpoint import config_in
from seagull_iqa.models.full.identity import card_of
from seagull_iqa.models.full.layout import ADAPTER_CONFIG, Layout, read_layout
from seagull_iqa.models.full.network import SeagullNetwork
from seagull_iqa.registry import choose_device
from seagull_iqa.training.loop import LoopSpec, train
from seagull_iqa.training.seagull_files import ADAPTER
from seagull_iqa.training.seagull_learner import Learns, learner
from seagull_iqa.training.seagull_setup import DEEP, RATE
from seagull_iqa.training.stream import Order
from seagull_iqa.training.tuning.cards import card_of_tuned, write_card
from seagull_iqa.training.tuning.choosing import Choice, folds_of, loss
from seagull_iqa.training.tuning.evidence import Evidence, Values, Whole, gathered
from seagull_iqa.training.tuning.fitting import LINE
from seagull_iqa.training.tuning.lessons import EyeTask, Schoolbook, first_wrong, spec_of
from seagull_iqa.training.tuning.showing import changed_most, figures_of, type_figure, verdict
from seagull_iqa.training.tuning.taught import Picture, Said, features_of, found_in, read_said, replayed, taught
from seagull_iqa.training.tuning.telling import Teller, Told
from seagull_iqa.training.tuning.together import Together, helps

FOLDS, RANK = 3, 8
"""A training each, and one more on all labels."""

PUBLIC_HIDDEN = 4096
"""Width of the language model for which the rate is given; narrower ones want a higher one (arXiv 2203.03466)."""

SAVE_S = 60.0
DONE = "done"


@dataclass(frozen=True, eq=False)
class Pupil:
    """The base as it is held while adapters learn."""

    layout: Layout
    network: SeagullNetwork
    learns: Learns
    device: str
    precision: Precision
    rate: float
    checkpointing: bool


class AdapterLearner:
    """Does a run from a full model; see `run.Learner`."""

    def __init__(self, folder: RunFolder, told: Told) -> None:
        self._folder = folder
        self._all = Together(folder.spec().device)
        self._teller = Teller(folder, told, writes=not helps(), agreed=self._all.agreed)

    def work(self, base: Path) -> FineTuneResult:
        """From labels to adapters.

        Parameters
        ----------
        base : Path
            Folder of the full model; only read.
        """
        spec, labels = self._folder.spec(), read_label_set(self._folder.labels)
        if spec.method not in (Method.AUTO, Method.ADAPTERS):
            raise SeagullError("The full model learns by adapters alone.", "Choose “auto”.")
        if not labels.regions:
            raise SeagullError("There is no labelled region.", f"Label at least {LEAST} regions.")
        asked, replay = _asked_of(labels), replayed()
        steps = adapter_steps(sum(len(one.document.annotations) for one in labels.images) + len(labels.preferences))
        self._teller.steps = len(asked) + len(replay) + (FOLDS + 1) * steps + 2 * len(asked)
        self._teller.note("Loading the model")
        pupil = self._loaded(base, spec)
        said = self._base_answers(pupil, asked, replay)
        made = gathered(labels, features_of(labels, said))
        if len(made.score) + len(made.better) < LEAST:
            raise SeagullError(
                f"There are {len(made.score)} labels and {len(made.better)} comparisons.",
                f"Label at least {LEAST} regions.",
            )
        kept = tuple(replace(one, known=tuple(said[region.id].known for region in one.regions)) for one in replay)
        book = Schoolbook((), kept, {}, spec.seed)
        folds = folds_of(made, FOLDS, spec.seed)
        self._teller.steps = len(asked) + len(replay) + (len(folds) * (len(folds) > 1) + 1) * steps + len(asked) + 3
        new = self._held_out(pupil, labels, (made, said), book, folds, steps)
        everything = np.concatenate(folds)
        final = self._folder.checkpoint / "all"
        own = taught(labels, made, said, everything)
        self._trained(pupil, final, replace_own(book, own, {}), steps, "Learning from all labels")
        result = self._result(made, labels, said, new)
        return replace(result, model=self._write(spec, labels, pupil, final / ADAPTER, result))

    def _loaded(self, base: Path, spec: FineTuneSpec) -> Pupil:
        layout = read_layout(base)
        wanted = self._all.device or choose_device(spec.device).name
        device = wanted if wanted.startswith("cuda") else "cpu"
        precision = plan_training(base.name, base, device)
        sizes = config_in(layout)
        learns, deep = Learns(rank=RANK), sizes.language.layers > DEEP
        network = learner(
            layout, learns, precision, checkpointing=deep, seed=spec.seed, device=device
        ).network.to(device)  # fmt: skip
        rate = RATE * PUBLIC_HIDDEN / sizes.language.hidden
        return Pupil(layout, network, learns, device, precision, rate, deep)

    def _base_answers(
        self, pupil: Pupil, asked: Mapping[str, Picture], replay: tuple[Picture, ...]
    ) -> dict[str, Said]:
        """What the base says of every region, labelled or not, and of the samples; kept picture by picture."""
        everything = {**asked, **{f"sample-{k}": one for k, one in enumerate(replay)}}
        task = self._task(pupil, Schoolbook((), (), everything, 0))
        done = iter(range(1, len(everything) + 1))
        self._ask(task, self._folder.checkpoint / "base", lambda: f"Asking about image {next(done)}")
        return _all_said(self._folder.checkpoint / "base", everything)

    def _held_out(
        self, pupil: Pupil, labels: LabelSet, known: tuple[Evidence, Mapping[str, Said]], book: Schoolbook,
        folds: list[Whole], steps: int,
    ) -> dict[str, Said]:  # fmt: skip
        """What adapters say of each region whose image they have not learned from; the base's where none can."""
        made, said = known
        new = dict(said)
        if len(folds) < 2:
            return new
        everything, asked = np.concatenate(folds), _asked_of(labels)
        for number, fold in enumerate(folds, 1):
            rest = np.setdiff1d(everything, fold)
            own = taught(labels, made, said, rest)
            mine = {f"{image:04d}": asked[f"{image:04d}"] for image in fold.tolist()}
            where = self._folder.checkpoint / f"fold-{number}"
            self._trained(
                pupil, where, replace_own(book, own, mine), steps, f"Trying adapters (fold {number} of {len(folds)})"
            )
            new |= _all_said(where / "said", mine)
        return new

    def _task(self, pupil: Pupil, book: Schoolbook) -> EyeTask:
        spec = spec_of(pupil.layout, pupil.learns, checkpointing=pupil.checkpointing, seed=book.seed)
        return EyeTask(replace(spec, kept=pupil.precision), pupil.network, book, self._all.share)

    def _trained(self, pupil: Pupil, where: Path, book: Schoolbook, steps: int, phase: str) -> None:
        """Learn, and answer about what the book asks; goes on where it was stopped, and does nothing twice."""
        if (where / DONE).is_file():
            self._teller.skip(steps + len(book.asked))
            return
        task = self._task(pupil, book)
        cuda = pupil.device.startswith("cuda")
        spec = LoopSpec(
            out=where, steps=steps, rate=pupil.rate, decay=0.0, warmup=max(2, steps // 10), average=0.0,
            order=Order(visits=1, lag=0), processes=0, threads=torch.get_num_threads(), seed=book.seed,
            device="auto" if cuda else "cpu", precision="no" if pupil.precision is Precision.FP32 else "bf16",
        )  # fmt: skip
        with contextlib.closing(train(task, spec, log_every=1, save_every_s=SAVE_S)) as learning:
            begun = -1
            for progress in learning:
                if begun < 0:
                    self._teller.skip(progress.done)
                elif progress.done > begun:
                    value = task.loss_now if math.isfinite(task.loss_now) else None
                    self._teller.note(phase, loss=value)
                begun = progress.done
        if book.asked:
            self._ask(task, where / "said", lambda: f"{phase}: asking", learned=True)
        self._all.wait()
        if not helps():
            save_text(where / DONE, "")
            (where / "checkpoint.pt").unlink(missing_ok=True)
        self._all.wait()

    def _ask(self, task: EyeTask, folder: Path, words: Callable[[], str], *, learned: bool = False) -> None:
        model = task.as_it_is() if learned else task.model()
        task.answer(model, folder, lambda: self._say(words))
        self._all.wait()

    def _say(self, words: Callable[[], str]) -> None:
        """A step of this process alone: with several of them nobody is asked to agree."""
        if self._all.is_alone:
            self._teller.note(words())

    def _result(
        self, made: Evidence, labels: LabelSet, said: Mapping[str, Said], new: Mapping[str, Said]
    ) -> FineTuneResult:
        before, after = made.features.quality, _qualities(made, new)
        everything = (np.ones(len(made.score), dtype=bool), np.ones(len(made.better), dtype=bool))
        errors = {"base": loss(made, before, *everything), str(Method.ADAPTERS): loss(made, after, *everything)}
        choice = Choice(Method.ADAPTERS, LINE, {Method.ADAPTERS: after}, errors)
        better, words = verdict(made, choice, before, after)
        types = type_figure(made, *(found_in([one[key] for key in made.ids]) for one in (said, new)))
        shown = len(np.unique(made.image[made.region])) > 1
        figures = (*figures_of(made, before, after), *([types] if types else [])) if shown else ()
        changed = changed_most(made, labels, before, after) if shown else ()
        return FineTuneResult("", Method.ADAPTERS, errors, figures, changed, better, words, self._teller.seconds)

    def _write(
        self, spec: FineTuneSpec, labels: LabelSet, pupil: Pupil, adapter: Path, result: FineTuneResult
    ) -> str:
        """The adapters and their card; of several processes one does."""
        card = card_of(pupil.layout, 0)
        values = card_of_tuned(spec, self._folder.id, labels, card, result)
        if not helps():
            self._folder.model.mkdir(exist_ok=True)
            for name in (ADAPTER_CONFIG, ADAPTER_WEIGHTS):
                shutil.copy2(adapter / name, self._folder.model / name)
            values["settings"] = {**values["settings"], "rank": RANK, "kept": str(pupil.precision)}
            write_card(self._folder.model, values)
        self._all.wait()
        return str(values["id"])


def replace_own(book: Schoolbook, own: tuple[Picture, ...], asked: Mapping[str, Picture]) -> Schoolbook:
    """The same replay and seed with other lessons."""
    return Schoolbook(own, book.replay, asked, book.seed)


def _asked_of(labels: LabelSet) -> dict[str, Picture]:
    """Every region of the set, by image: "0003" -> its picture; images without a region are left out."""
    found: dict[int, list[str]] = {}
    for key, (number, _region) in labels.regions.items():
        found.setdefault(number, []).append(key)
    return {
        f"{number:04d}": Picture(labels.images[number].pixels, tuple(labels.regions[key][1].region for key in keys))
        for number, keys in sorted(found.items())
    }


def _all_said(folder: Path, asked: Mapping[str, Picture]) -> dict[str, Said]:
    """The answers of all processes.

    Raises
    ------
    JobError
        A model says what is no number.
    """
    made: dict[str, Said] = {}
    for name in asked:
        found = read_said(folder / f"{name}.json")
        if found is None:
            raise JobError(f"The answers about image {name} cannot be read.", "Let the run go on.")
        made |= found
    if wrong := first_wrong(list(made.values())):
        raise JobError(wrong, "Leave the newest labels out, or take another base.")
    return made


def _qualities(made: Evidence, said: Mapping[str, Said]) -> Values:
    return np.array([said[key].quality for key in made.ids])

