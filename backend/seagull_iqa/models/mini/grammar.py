"""The sentence of seagull-mini: composed by a fixed grammar from its own numbers, which it never contradicts."""

from __future__ import annotations

from collections.abc import Sequence

from seagull_iqa.domain.distortion import Distortion, Finding
from seagull_iqa.domain.levels import importance_word, quality_word

_MATTERS = {
    "unimportant": "hardly matters to the whole image",
    "minor": "matters little to the whole image",
    "normal": "matters to the whole image",
    "important": "matters much to the whole image",
    "essential": "is essential to the whole image",
}

_NOUNS = {Distortion.SHARPNESS: "over-sharpening", Distortion.COLORFULNESS: "color distortion"}


def _listed(parts: Sequence[str]) -> str:
    if len(parts) < 2:
        return "".join(parts)
    return ", ".join(parts[:-1]) + " and " + parts[-1]


def _named(finding: Finding) -> str:
    return f"{finding.severity.word} {_NOUNS.get(finding.distortion, finding.distortion.value)}"


def sentence(
    quality: float | None, importance: float | None, findings: Sequence[Finding] | None
) -> str:
    """Say the numbers in words.

    Parameters
    ----------
    quality, importance : float or None
        0..100; None = not asked.
    findings : sequence of Finding or None
        Worst first; empty = clean.

    Returns
    -------
    str
        "The quality of this region is poor, with severe blur and minor noise; it matters much to the whole image."
    """
    faults = None if findings is None else _listed([_named(f) for f in findings]) or "no visible distortion"
    if quality is not None:
        start = f"The quality of this region is {quality_word(quality)}"
        start += f", with {faults}" if faults else ""
    elif faults:
        start = f"This region has {faults}"
    else:
        start = ""
    if importance is None:
        return f"{start}." if start else ""
    matters = _MATTERS[importance_word(importance)]
    return f"{start}; it {matters}." if start else f"This region {matters}."
