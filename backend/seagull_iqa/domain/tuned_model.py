"""A model that came of fine-tuning: what it began from, what it learned from, and what that was worth."""

from __future__ import annotations

from dataclasses import dataclass

from seagull_iqa.domain.fine_tuning import BeforeAfter


@dataclass(frozen=True)
class TunedModel:
    """One model of the registry.

    Attributes
    ----------
    id : str
        Its identity; stands in every report, and is chosen by it.
    name : str
        As a person called it.
    base : str
        Id of the model it began from.
    created : str
        ISO date.
    regions, images, pairs : int
        Labelled regions, images and comparisons it learned from.
    method : str
        What learned: "scale", "heads".
    figures : tuple of BeforeAfter
        On labels that were held out.
    better : bool or None
        Whether those say that it is better than its base; None where they cannot.
    verdict : str
        A sentence or two for a person.
    sha256 : str
        Of its weights.
    """

    id: str
    name: str
    base: str = ""
    created: str = ""
    regions: int = 0
    images: int = 0
    pairs: int = 0
    method: str = ""
    figures: tuple[BeforeAfter, ...] = ()
    better: bool | None = None
    verdict: str = ""
    sha256: str = ""
