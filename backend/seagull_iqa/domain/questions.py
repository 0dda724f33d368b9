"""What is asked about a region in words, and how the answers begin: the texts of the public demo."""

from __future__ import annotations

from dataclasses import dataclass

from seagull_iqa.domain.levels import IMPORTANCE_WORDS, QUALITY_WORDS
from seagull_iqa.domain.report import Aspect

# Odd blanks and the missing comma are the original's; the model has learned them.
OVERVIEW = (
    "\nThis provides an overview of the image.\n Please answer the following questions about the provided region. "
    "Note: Distortions include: blur, colorfulness, compression, contrast exposure and noise.\n Here is the region "
)

QUESTIONS = {
    Aspect.QUALITY: "Analyze the quality of this region.",
    Aspect.IMPORTANCE: (
        "Consider the impact of this region on the overall image quality. "
        "Analyze its importance to the overall image quality."
    ),
    Aspect.DISTORTION: "Provide the distortion type of this region.",
}

GLOBAL_TOKEN, LOCAL_TOKEN = "<global>", "<local>"


@dataclass(frozen=True)
class Scale:
    """How a score is read: the beginning of the answer, the five words that may follow, and what follows them."""

    stem: str
    words: tuple[str, ...]
    rest: str


SCALES = {
    Aspect.QUALITY: Scale("The quality is", QUALITY_WORDS, "."),
    Aspect.IMPORTANCE: Scale("This region is", IMPORTANCE_WORDS, " to the overall quality."),
}


@dataclass(frozen=True)
class Judgment:
    """A question that is answered by yes or no: its text with {level} or {type}, and what a no goes on to say."""

    question: str
    correction: str


YES = "Yes."
CLEAN_SENTENCE = "This region is clean."
CLEAN_QUESTION = "Is this region clean?"

# In the paper's words, as they are.
JUDGMENTS = {
    Aspect.QUALITY: Judgment("Is the quality of this region be {level}?", "No. The quality is {level}."),
    Aspect.IMPORTANCE: Judgment(
        "Consider the impact of this region on the overall image quality. "
        "Is this region {level} to the overall image quality?",
        "No. This region is {level} to the image quality.",
    ),
    Aspect.DISTORTION: Judgment("Is this region in {type}?", "No. The region is in {type}."),
}
