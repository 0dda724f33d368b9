"""Ways an image is spoiled, how badly, and the two together as a finding."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

CLEAN = "clean"
"""The eighth class: no distortion touches the region."""


class Distortion(StrEnum):
    """A way an image is spoiled; "clean" is the absence of findings.

    The order is the canonical one of every array and tensor with a distortion axis.
    """

    BLUR = "blur"
    NOISE = "noise"
    COMPRESSION = "compression"
    EXPOSURE = "exposure"
    CONTRAST = "contrast"
    COLORFULNESS = "colorfulness"
    SHARPNESS = "sharpness"


SIGNAL_DISTORTIONS = (Distortion.BLUR, Distortion.NOISE, Distortion.COMPRESSION, Distortion.SHARPNESS)
"""What can be seen in the fine structure of the pixels, without knowing the scene."""

TONE_DISTORTIONS = (Distortion.EXPOSURE, Distortion.CONTRAST, Distortion.COLORFULNESS)
"""What can only be judged with an idea of how the scene should look."""


class Severity(IntEnum):
    """How badly, ordered: 1 trivial, 2 minor, 3 moderate, 4 severe, 5 extreme."""

    TRIVIAL = 1
    MINOR = 2
    MODERATE = 3
    SEVERE = 4
    EXTREME = 5

    @property
    def word(self) -> str:
        """The field's word for the level, in lower case."""
        return self.name.lower()

    @classmethod
    def from_word(cls, word: str) -> Severity:
        """The level of a word; `ValueError` if there is no such level."""
        try:
            return cls[word.strip().upper()]
        except KeyError:
            known = ", ".join(level.word for level in cls)
            raise ValueError(f"{word!r} is no severity; the levels are {known}.") from None


@dataclass(frozen=True, order=False)
class Finding:
    """One distortion at one severity."""

    distortion: Distortion
    severity: Severity

    def __str__(self) -> str:
        return f"{self.severity.word} {self.distortion.value}"


def worst_first(findings: list[Finding]) -> tuple[Finding, ...]:
    """Sort by severity, worst first; equal severities in the canonical order of types."""
    order = list(Distortion)
    return tuple(sorted(findings, key=lambda f: (-int(f.severity), order.index(f.distortion))))
