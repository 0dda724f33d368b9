"""What is said to the language model around image and question."""

from __future__ import annotations

SYSTEM_HUMAN = (
    "A chat between a curious human and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the human's questions."
)
"""The demo's."""

SYSTEM_USER = SYSTEM_HUMAN.replace("human", "user")
"""Of a training script in the same family; which of the two SEAGULL was trained with is not known."""

def before_image(system: str) -> str:
    """What stands before the image."""
    return f"{system} USER: "


def after_region(question: str, answer: str = "") -> str:
    """What stands after the region's two tokens: the question, and the beginning of the answer."""
    text = f". {question} ASSISTANT:"
    return f"{text} {answer}" if answer else text
