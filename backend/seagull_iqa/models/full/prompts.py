"""What is said to the language model: the texts of the public demo, and the words that it answers with."""

from __future__ import annotations

from dataclasses import dataclass

from seagull_iqa.domain.levels import IMPORTANCE_WORDS, QUALITY_WORDS
from seagull_iqa.domain.report import Aspect

SYSTEM_HUMAN = (
    "A chat between a curious human and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the human's questions."
)
"""The demo's."""

SYSTEM_USER = SYSTEM_HUMAN.replace("human", "user")
"""Of a training script in the same family; which of the two SEAGULL was trained with is not known."""

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


def before_image(system: str) -> str:
    """What stands before the image."""
    return f"{system} USER: "


def after_region(question: str, answer: str = "") -> str:
    """What stands after the region's two tokens: the question, and the beginning of the answer."""
    text = f". {question} ASSISTANT:"
    return f"{text} {answer}" if answer else text
