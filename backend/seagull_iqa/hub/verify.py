"""Look a full model over on the machine that has it: its files, its prompts, and what it says of the samples.

The published weights have never been run by this project's developers: this is the first contact, on a user's machine.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import TYPE_CHECKING

from seagull_iqa.domain.progress import Progress, ProgressCallback, ignore_progress
from seagull_iqa.domain.report import Aspect
from seagull_iqa.errors import CheckpointError
from seagull_iqa.hub.amounts import gigabytes
from seagull_iqa.hub.checks import Check, Outcome, Verification
from seagull_iqa.hub.file_checks import is_public_shape, look_over
from seagull_iqa.models.full.layout import Layout, read_layout

if TYPE_CHECKING:
    from seagull_iqa.hub.planning import LoadPlan
    from seagull_iqa.models.full.model import Seagull
    from seagull_iqa.samples import Sample

PROMPT_TOKENS = {Aspect.QUALITY: 1126, Aspect.DISTORTION: 1128, Aspect.IMPORTANCE: 1140}
"""Of the public model, by the description it is built from."""
LEAST_MASS = 0.9
"""Share of the expectation that the five words of a scale should have together, on average over the regions."""
LEAST_PARSED = 0.9
"""Share of the answers about distortions that should be understood."""
_SLIGHT = 0.02
_SCORED = (Aspect.QUALITY, Aspect.IMPORTANCE)


@dataclass(frozen=True)
class Spoken:
    """What a model said on the samples under one system text.

    Attributes
    ----------
    title : str
        Of the system text.
    mass : dict of Aspect to list of float
        A region's share of the whole expectation that lies on the five words.
    answers : list of (str, str)
        Region, and what was written of its distortions.
    parsed : int
        How many of these name a distortion, or say that there is none.
    """

    title: str
    mass: dict[Aspect, list[float]]
    answers: list[tuple[str, str]]
    parsed: int

    @property
    def mean_mass(self) -> float:
        """Over all regions and both scales."""
        shares = [share for of_aspect in self.mass.values() for share in of_aspect]
        return sum(shares) / max(1, len(shares))


def verify(plan: LoadPlan, samples: Sequence[Sample], progress: ProgressCallback = ignore_progress) -> Verification:
    """Look over the model that a plan would load, and load it.

    Parameters
    ----------
    plan : LoadPlan
    samples : sequence of Sample
        Photographs to ask about, every region of each, under both system texts.
    progress : callable
        May cancel by raising.

    Raises
    ------
    CheckpointError
        The folder is not whole, or the manifest cannot be read; whatever else is wrong is a check that failed.
    OutOfMemoryError
    """
    layout = read_layout(plan.folder)
    checks = look_over(layout, progress)
    machine = _machine(plan)
    try:
        model = _load(plan, progress)
    except CheckpointError as error:
        checks.append(Check("loading", Outcome.FAILED, str(error)))
        return Verification(plan.name, checks, [], machine)
    found = f"{model.card.parameters:,} parameters in {plan.precision} on {plan.device}"
    checks += [Check("loading", Outcome.OK, found), _prompts(model, layout)]
    spoken = [
        speak(replace(model, system=text), title, samples, progress) for title, text in _system_texts(model).items()
    ]
    checks += judged(spoken)
    answers = [(one.title, region, answer) for one in spoken for region, answer in one.answers]
    return Verification(model.card.id, checks, answers, machine)


def _system_texts(model: Seagull) -> dict[str, str]:
    """The one in use first."""
    from seagull_iqa.models.full.prompts import SYSTEM_HUMAN, SYSTEM_USER

    known = {'"curious human"': SYSTEM_HUMAN, '"curious user"': SYSTEM_USER}
    return dict(sorted(known.items(), key=lambda item: item[1] != model.system))


def _load(plan: LoadPlan, progress: ProgressCallback) -> Seagull:
    from seagull_iqa.models.full.checkpoint import load_seagull

    return load_seagull(plan.folder, device=plan.device, precision=plan.precision, progress=progress)


def _prompts(model: Seagull, layout: Layout) -> Check:
    counts = {aspect: model.prompt_length(aspect) for aspect in PROMPT_TOKENS}
    found = ", ".join(f"{aspect} {count}" for aspect, count in counts.items())
    if not is_public_shape(layout):
        return Check("tokens of the prompts", Outcome.NOT_APPLICABLE, f"{found}; not of the public model's size")
    outcome = Outcome.OK if counts == PROMPT_TOKENS else Outcome.FAILED
    expected = ", ".join(str(count) for count in PROMPT_TOKENS.values())
    return Check("tokens of the prompts", outcome, f"{found}; expected {expected}")


def speak(
    model: Seagull, title: str, samples: Sequence[Sample], progress: ProgressCallback = ignore_progress
) -> Spoken:
    """Ask about every region of the samples."""
    from seagull_iqa.models.full.answers import findings_in

    mass: dict[Aspect, list[float]] = {aspect: [] for aspect in _SCORED}
    answers: list[tuple[str, str]] = []
    for index, sample in enumerate(samples):
        progress(Progress(index, len(samples), f"asking as a {title}: {sample.name}"))
        look, regions = model.look(sample.read().rgb), sample.regions()
        for aspect in _SCORED:
            mass[aspect] += model.level_probabilities(look, regions, aspect).sum(axis=1).tolist()
        written = model.sentences(look, regions, Aspect.DISTORTION)
        answers += zip([f"{sample.name}, {region.name}" for region in regions], written, strict=True)
    parsed = sum(findings_in(answer) is not None for _, answer in answers)
    return Spoken(title, mass, answers, parsed)


def judged(spoken: Sequence[Spoken]) -> Iterator[Check]:
    """The checks of what was said; the first system text is the one in use, the others are only compared with it."""
    for index, one in enumerate(spoken):
        yield from _judged_one(one, in_use=index == 0)
    best = max(spoken, key=lambda one: one.mean_mass)
    found = ", ".join(f"{one.title} {one.mean_mass:.3f}" for one in spoken)
    # A lead of less than two hundredths is no reason to change anything.
    fine = best.mean_mass - spoken[0].mean_mass < _SLIGHT
    yield Check("system text in use is the better one", Outcome.OK if fine else Outcome.FAILED, found)


def _judged_one(one: Spoken, *, in_use: bool) -> Iterator[Check]:
    for aspect, shares in one.mass.items():
        mean, least = sum(shares) / max(1, len(shares)), min(shares, default=0.0)
        found = f"mean {mean:.3f} (least {least:.3f}) over {len(shares)} regions, wanted {LEAST_MASS}"
        yield _graded(
            f"{aspect}: level words' probability, {one.title}", found, right=mean >= LEAST_MASS, in_use=in_use
        )
    count = len(one.answers)
    right = one.parsed >= LEAST_PARSED * count > 0
    found = f"{one.parsed} of {count} understood"
    yield _graded(f"distortion: answers, {one.title}", found, right=right, in_use=in_use)


def _graded(what: str, found: str, *, right: bool, in_use: bool) -> Check:
    if not in_use:
        return Check(what, Outcome.NOT_APPLICABLE, f"{found}; this text is not in use")
    return Check(what, Outcome.OK if right else Outcome.FAILED, found)


def _machine(plan: LoadPlan) -> dict[str, str]:
    import torch

    device = torch.cuda.get_device_name(plan.device) if plan.device.startswith("cuda") else platform.processor()
    return {
        "napari-seagull": version("napari-seagull"),
        "python, torch, transformers": ", ".join(
            (platform.python_version(), torch.__version__, version("transformers"))
        ),
        "system": platform.platform(),
        "device": f"{plan.device} {device}".strip(),
        "memory": f"{gigabytes(plan.needed)} estimated, {gigabytes(plan.free)} free before loading",
    }
