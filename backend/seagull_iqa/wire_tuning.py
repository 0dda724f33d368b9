"""Fine-tuning on the wire: runs, suggestions, and the models that came of them; the nouns of the domain as they are."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from seagull_iqa.domain.fine_tuning import CurvePoint, Estimate, FineTuneSpec, Suggestion, TuneRun
from seagull_iqa.domain.tuned_model import TunedModel
from seagull_iqa.messages import Message

MOST_NAME = 80
MOST_SUGGESTIONS = 200
SUGGEST_S = 600.0
"""Longest that a server looks for suggestions, in s."""

Sha = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class LabelsKnown(Message):
    """A set of labels is here."""

    id: Sha


class RunWish(Message):
    """Begin a run on that set of labels."""

    labels: Sha
    spec: FineTuneSpec


class SuggestionWish(Message):
    """Which regions would teach that model most?"""

    base: str = Field(default="seagull-mini", max_length=100)
    count: int = Field(default=6, ge=1, le=MOST_SUGGESTIONS)


class Suggestions(Message):
    """Regions without a label, best first."""

    found: tuple[Suggestion, ...] = ()


class EstimateReply(Message):
    """What a run would take."""

    estimate: Estimate


class RunMessage(Message):
    """A run as it stands, with its curve."""

    run: TuneRun
    curve: tuple[CurvePoint, ...] = ()


class RunList(Message):
    """Runs that nobody has decided on, the newest first."""

    runs: tuple[TuneRun, ...] = ()


class Decision(Message):
    """Keep what a run has made, or forget it."""

    keep: bool


class Decided(Message):
    """Id of the model in the registry; "" where it was forgotten."""

    model: str = ""


class TunedList(Message):
    """The models of the registry, the newest first."""

    models: tuple[TunedModel, ...] = ()
