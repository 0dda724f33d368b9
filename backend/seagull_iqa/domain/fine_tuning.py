"""What fine-tuning on a person's own labels is asked, what it finds in them, and what comes of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum


class Method(StrEnum):
    """How much of a model learns; from little to much."""

    AUTO = "auto"
    """The one that cross-validation on the labels finds best; the simpler where none is clearly better."""
    SCALE = "scale"
    """Offset and slope of the scores."""
    HEADS = "heads"
    """A correction on top of what the model sees of a region."""
    ADAPTERS = "adapters"
    """Small layers in between; LoRA for the full model."""
    ALL = "all"


class TuneState(StrEnum):
    """Where a run stands."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    INTERRUPTED = "interrupted"
    """Its process ended before it did; it can go on from its checkpoint."""
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """True where nothing more will come."""
        return self in (TuneState.DONE, TuneState.FAILED, TuneState.CANCELLED)

    @property
    def goes_on(self) -> bool:
        """True where it can be taken up again."""
        return self in (TuneState.PAUSED, TuneState.INTERRUPTED)


@dataclass(frozen=True)
class FineTuneSpec:
    """What is asked of a run; nothing needs filling in but a name.

    Attributes
    ----------
    name : str
        Of the model that comes of it; a person chose it.
    base : str
        Name or path of the model that it begins from; never written to.
    method : Method
    seed : int
    device : str
        "auto", or a torch device.
    """

    name: str
    base: str = "seagull-mini"
    method: Method = Method.AUTO
    seed: int = 0
    device: str = "auto"


@dataclass(frozen=True)
class LabelStock:
    """What there is to learn from, and what is missing.

    Attributes
    ----------
    regions, images, pairs : int
        Labelled regions, images they lie in, and preferences between two regions.
    annotators : tuple of (name, number of labelled regions)
    quality : tuple of int
        Labels of quality by tenths of the scale: 0-10, 10-20, ... 90-100.
    types : dict of str to int
        How many labels name each distortion; "clean" too.
    duplicates : int
        Regions that repeat another of the same image (IoU above 0.9).
    contradictions : tuple of (region id, region id or "", sentence)
        Labels that cannot both be right: duplicates or annotators more than 40 points apart, pairs against scores.
    agreement : float or None
        Spearman correlation between annotators on the regions that two of them labelled; None below three of those.
    missing : tuple of str
        One sentence for each thing that would help, most helpful first; () where nothing is missing.
    can_show_improvement : bool
        False with a single image or too few labels to hold some out.
    """

    regions: int
    images: int
    pairs: int = 0
    annotators: tuple[tuple[str, int], ...] = ()
    quality: tuple[int, ...] = (0,) * 10
    types: dict[str, int] = field(default_factory=dict)
    duplicates: int = 0
    contradictions: tuple[tuple[str, str, str], ...] = ()
    agreement: float | None = None
    missing: tuple[str, ...] = ()
    can_show_improvement: bool = False


@dataclass(frozen=True)
class Suggestion:
    """A region that is worth a label.

    Attributes
    ----------
    image : str
        SHA-256 of the image.
    region : str
    gain : float
        0..1, larger is better: how uncertain it is and how unlike what is labelled.
    why : str
        One sentence.
    """

    image: str
    region: str
    gain: float
    why: str


@dataclass(frozen=True)
class Estimate:
    """What a run will take: seconds and bytes of memory, both at most by a factor of two wrong."""

    seconds: float
    nbytes: int


@dataclass(frozen=True)
class CurvePoint:
    """One look at a run.

    Attributes
    ----------
    phase : str
        In words: "Trying the score's scale (fold 2 of 5)".
    step, steps : int
        Of the whole run.
    loss : float or None
        Of what is learned from.
    held_out : float or None
        Mean absolute error in points on what is held out.
    """

    phase: str
    step: int
    steps: int
    loss: float | None = None
    held_out: float | None = None


@dataclass(frozen=True)
class BeforeAfter:
    """One figure of the base and of the new model on the same held-out labels, with 95 % intervals over images.

    Attributes
    ----------
    name : str
        "SROCC", "PLCC", "mean absolute error", "type F1".
    before, after : float or None
        None where the labels do not tell.
    before_interval, after_interval : tuple of two float, or None
    larger_is_better : bool
    """

    name: str
    before: float | None
    after: float | None
    before_interval: tuple[float, float] | None = None
    after_interval: tuple[float, float] | None = None
    larger_is_better: bool = True


@dataclass(frozen=True)
class ChangedRegion:
    """A held-out region whose score changed: person's label, the base's score and the new one, all 0..100."""

    image: str
    region: str
    label: float
    before: float
    after: float


@dataclass(frozen=True)
class FineTuneResult:
    """What came of a run.

    Attributes
    ----------
    model : str
        Id of the new model in the registry; "" where none was made.
    method : Method
        Which was taken.
    tried : dict of str to float
        Cross-validated mean absolute error of each method that was tried, "base" among them.
    figures : tuple of BeforeAfter
    changed : tuple of ChangedRegion
        Those that changed most, at most 12.
    better : bool or None
        Whether the held-out labels say that it is better; None where they cannot.
    verdict : str
        One or two sentences for the person who decides.
    seconds : float
    """

    model: str
    method: Method
    tried: dict[str, float] = field(default_factory=dict)
    figures: tuple[BeforeAfter, ...] = ()
    changed: tuple[ChangedRegion, ...] = ()
    better: bool | None = None
    verdict: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class TuneRun:
    """A run as it stands.

    Attributes
    ----------
    id : str
        Its identity; names its folder.
    spec : FineTuneSpec
    state : TuneState
    progress : CurvePoint
        The newest look.
    seconds_left : float or None
    result : FineTuneResult or None
        Once it is done.
    error : str
        One sentence, where it failed.
    """

    id: str
    spec: FineTuneSpec
    state: TuneState
    progress: CurvePoint
    seconds_left: float | None = None
    result: FineTuneResult | None = None
    error: str = ""


def adapter_steps(labels: int) -> int:
    """Steps of each training of adapters, by the number of labels and comparisons."""
    return min(400, max(40, round(10 * math.sqrt(labels))))
