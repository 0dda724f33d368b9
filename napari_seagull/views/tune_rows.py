"""What the panel "Fine-tune" lists: where labels come from, what contradicts, what to label next, tuned models."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SourceRow:
    """Where labels come from.

    Attributes
    ----------
    key : str
        Its identity: the path of a session file, "" for this window.
    name : str
        Of the image.
    words : str
        How many labels it gives, or one sentence where it cannot be read.
    readable : bool
    """

    key: str
    name: str
    words: str
    readable: bool = True


@dataclass(frozen=True)
class ConflictRow:
    """Labels that cannot both be right: the regions (one, or two), their names, and a sentence."""

    regions: tuple[str, ...]
    names: tuple[str, ...]
    sentence: str


@dataclass(frozen=True)
class NextRow:
    """A region that is worth a label.

    Attributes
    ----------
    image, region : str
    name, image_name : str
        What people call them.
    gain : float
        0..1
    why : str
        One sentence.
    """

    image: str
    region: str
    name: str
    image_name: str
    gain: float
    why: str


@dataclass(frozen=True)
class TunedRow:
    """A model that can answer.

    Attributes
    ----------
    id : str
        Of the model in the registry; the name of a model that came with the package.
    name : str
        What a person calls it.
    base : str
        What it began from; "" for a model that nobody here has tuned.
    created : str
        Day, as "2026-11-26".
    labels : str
        What it learned from, in words.
    figures : str
        What is known of it, in words.
    active : bool
        It answers at present.
    better : bool or None
        Whether held-out labels say that it is better than its base.
    """

    id: str
    name: str
    base: str = ""
    created: str = ""
    labels: str = ""
    figures: str = ""
    active: bool = False
    better: bool | None = None

    @property
    def is_tuned(self) -> bool:
        """It was made here, or by somebody else in the same way, and may be deleted."""
        return bool(self.base)
