"""What a person is about to say of a region: a value that grows key by key, and becomes an annotation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from seagull_iqa.domain.annotation import Annotation
from seagull_iqa.domain.distortion import Distortion, Finding, Severity, worst_first

SEVERITY_STEPS: tuple[Severity | None, ...] = (
    None,
    Severity.MODERATE,
    Severity.SEVERE,
    Severity.EXTREME,
    Severity.TRIVIAL,
    Severity.MINOR,
)
"""The same key again and again: moderate first, which is right most often, then worse, then slight, then none."""

NUDGE = 5.0
"""So much a fine step changes a score."""


@dataclass(frozen=True)
class VerdictDraft:
    """What has been said so far.

    Attributes
    ----------
    quality, importance : float or None
        0..100; None where nothing was said.
    severities : mapping of Distortion to Severity
        What was found.
    clean : bool
        It was said that nothing spoils the region; with no severities and not clean, nothing was said of distortions.
    comment : str
    """

    quality: float | None = None
    importance: float | None = None
    severities: Mapping[Distortion, Severity] = field(default_factory=lambda: MappingProxyType({}))
    clean: bool = False
    comment: str = ""

    @classmethod
    def of(cls, said: Annotation | None) -> VerdictDraft:
        """What was said before, to go on from."""
        if said is None:
            return cls()
        severities = {finding.distortion: finding.severity for finding in said.findings or ()}
        return cls(said.quality, said.importance, MappingProxyType(severities), said.findings == (), said.comment)

    @property
    def findings(self) -> tuple[Finding, ...] | None:
        """Worst first; () for clean, None where nothing was said."""
        found = worst_first([Finding(distortion, severity) for distortion, severity in self.severities.items()])
        return found if found or self.clean else None

    def with_severity(self, distortion: Distortion, severity: Severity | None) -> VerdictDraft:
        """With that distortion as bad as that, or without it."""
        kept = {key: value for key, value in self.severities.items() if key is not distortion}
        if severity is not None:
            kept[distortion] = severity
        return replace(self, severities=MappingProxyType(kept), clean=False)

    def cycled(self, distortion: Distortion) -> VerdictDraft:
        """With the next severity of that distortion."""
        place = SEVERITY_STEPS.index(self.severities.get(distortion)) + 1
        return self.with_severity(distortion, SEVERITY_STEPS[place % len(SEVERITY_STEPS)])

    def toggled_clean(self) -> VerdictDraft:
        """Nothing spoils the region; said twice, it is not said."""
        return replace(self, severities=MappingProxyType({}), clean=not self.clean)

    def nudged(self, step: float) -> VerdictDraft:
        """With a quality that is a little higher or lower; from the middle where there is none."""
        start = 50.0 if self.quality is None else self.quality
        return replace(self, quality=min(max(start + step, 0.0), 100.0))

    def annotation(self, region: str, author: str, instead: Annotation | None = None) -> Annotation:
        """As an annotation of a region, said now, in the place of another one."""
        said = Annotation(region, author, self.quality, self.importance, self.findings, self.comment.strip())
        return said if instead is None else replace(said, id=instead.id)

    def says_the_same(self, said: Annotation | None) -> bool:
        """Whether keeping it would change nothing."""
        mine = (self.quality, self.importance, self.findings, self.comment.strip())
        if said is None:
            return mine == (None, None, None, "")
        theirs = None if said.findings is None else worst_first(list(said.findings))
        return mine == (said.quality, said.importance, theirs, said.comment.strip())
