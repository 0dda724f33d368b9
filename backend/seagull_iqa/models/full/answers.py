"""From what the model writes to a clean text, and from that to findings: by words, never by whole sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from seagull_iqa.domain.distortion import Distortion, Finding, Severity, worst_first

_TYPES = {
    Distortion.BLUR: ("blur", "blurs", "blurry", "blurred", "blurring", "blurriness", "defocus"),
    Distortion.NOISE: ("noise", "noises", "noisy", "grain", "grainy", "graininess"),
    Distortion.COMPRESSION: ("compression", "compressed", "jpeg", "blockiness", "blocking"),
    Distortion.EXPOSURE: (
        "exposure", "exposed", "overexposure", "overexposed", "underexposure", "underexposed", "over-exposure",
        "over-exposed", "under-exposure", "under-exposed",
    ),
    Distortion.CONTRAST: ("contrast",),
    Distortion.COLORFULNESS: ("colorfulness", "colourfulness", "color", "colour", "saturation", "oversaturation"),
    Distortion.SHARPNESS: ("sharpness", "sharpening", "oversharpening", "over-sharpening", "oversharpened"),
}
"""The released vocabulary is not fully known; these are its types and what people write for them."""

_SEVERITIES = {
    Severity.TRIVIAL: ("trivial", "negligible"),
    Severity.MINOR: ("minor", "mild", "light", "slight", "slightly"),
    Severity.MODERATE: ("moderate", "moderately", "medium"),
    Severity.SEVERE: ("severe", "severely", "considerable", "serious", "heavy", "heavily", "strong"),
    Severity.EXTREME: ("extreme", "extremely"),
}
"""The released words, and those of an older bank of answers (mild, light, moderate, considerable, extreme)."""

_TYPE_OF = {word: one for one, words in _TYPES.items() for word in words}
_SEVERITY_OF = {word: one for one, words in _SEVERITIES.items() for word in words}
_CLEAN = frozenset({"clean", "pristine", "undistorted", "distortion-free", "none", "flawless"})
_NEGATIONS = frozenset({"no", "not", "without", "free", "never", "neither", "nor"})
_TURNS = frozenset({"but", "however", "although", "though", "with", "yet", "except", "besides", "apart", "aside"})
"""Words after which a negation holds no longer."""

_COPULAS = frozenset({"is", "are", "was", "were", "seems", "looks", "appears"})
"""Between a type and its severity, which then holds for what came before."""

_WORD = re.compile(r"[a-z]+(?:-[a-z]+)*|,")

UNSAID = Severity.MODERATE
"""The severity of a distortion that is named without one."""


def finished(text: str) -> str:
    """The answer as the original's demo shows it: end mark cut, repetitions stopped, what precedes a colon dropped."""
    text = text.strip().removesuffix("</s>").strip()
    if ":" in text:
        text = text.split(":")[1]
    sentences: list[str] = []
    for sentence in text.split("."):
        if sentence in sentences:
            break
        if sentence:
            sentences.append(sentence)
    return "".join(f"{sentence}." for sentence in sentences).strip()


def findings_in(text: str) -> tuple[Finding, ...] | None:
    """The distortions that a text names.

    Parameters
    ----------
    text : str
        "With minor colorfulness and trivial contrast distortions."

    Returns
    -------
    tuple of Finding, or None
        Worst first; () where it says that there is none; None where it says nothing of distortions. A severity holds
        for the types after it, or, right after a type or an "is", for those before it; a type without any counts as
        moderate.
    """
    worst: dict[Distortion, Severity] = {}
    heard = False
    plain = text.lower().replace("not only", "").replace("-free", " free").replace("n't ", " not ")
    for sentence in re.split(r"[.;!?\n]", plain):
        words = _WORD.findall(sentence)
        heard = heard or _clean(words) or _denies(words)
        for distortion, severity in _named(words):
            worst[distortion] = max(severity, worst.get(distortion, Severity.TRIVIAL))
    if not worst and not heard:
        return None
    return worst_first([Finding(distortion, severity) for distortion, severity in worst.items()])


def _clean(words: list[str]) -> bool:
    """True where it says so, and does not deny it."""
    return any(
        word in _CLEAN and not _NEGATIONS.intersection(words[max(0, index - 3) : index])
        for index, word in enumerate(words)
    )


def _denies(words: list[str]) -> bool:
    return any(word in _NEGATIONS for word in words) and any(
        word in _TYPE_OF or word.startswith("distort") for word in words
    )


def _named(words: list[str]) -> Iterator[tuple[Distortion, Severity]]:
    """The types of one sentence, those that are denied left out, each with its severity."""
    denied = False
    said: Severity | None = None
    waiting: list[Distortion] = []
    before = ""
    for word, following in pairwise([*words, ""]):
        if word in _NEGATIONS:
            # "Noise free" denies what is before it, all else what comes after.
            denied = not (word == "free" and before in _TYPE_OF)
            waiting = waiting if denied else []
        elif word in _TURNS:
            denied = False
        elif word in _SEVERITY_OF and not (word == "light" and following not in _TYPE_OF):
            denied = denied and before != ","
            said = None if denied else _SEVERITY_OF[word]
            if said is not None and waiting and (before in _COPULAS or before in _TYPE_OF):
                yield from ((one, said) for one in waiting)
                waiting, said = [], None
        elif word in _TYPE_OF and not denied:
            if said is None:
                waiting.append(_TYPE_OF[word])
            else:
                yield _TYPE_OF[word], said
        before = word
    yield from ((one, UNSAID) for one in waiting)
