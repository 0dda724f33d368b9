"""Texts to token ids and back, by the checkpoint's sentencepiece model, piece by piece as in the original."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import sentencepiece

from seagull_iqa.domain.questions import GLOBAL_TOKEN, LOCAL_TOKEN, OVERVIEW, QUESTIONS, SCALES
from seagull_iqa.domain.report import Aspect
from seagull_iqa.errors import CheckpointError, LimitError
from seagull_iqa.models.full.layout import Layout
from seagull_iqa.models.full.prompts import after_region, before_image


@dataclass(frozen=True)
class PromptIds:
    """Token ids around the image and the region, which have no ids of their own.

    Attributes
    ----------
    before_image, after_image : tuple of int
        The same for every region of every image.
    """

    before_image: tuple[int, ...]
    after_image: tuple[int, ...]


class Tokenizer:
    """The checkpoint's sentencepiece model with the two added tokens.

    Raises
    ------
    CheckpointError
        The file is no sentencepiece model, or one of the two tokens is not there.
    """

    def __init__(self, layout: Layout) -> None:
        self._pieces = _processor(layout.tokenizer)
        missing = [token for token in (GLOBAL_TOKEN, LOCAL_TOKEN) if token not in layout.added_tokens]
        if missing:
            raise CheckpointError(
                f"added_tokens.json lacks {' and '.join(missing)}.", "Name a folder with the SEAGULL-7B checkpoint."
            )
        self.global_id, self.local_id = (layout.added_tokens[token] for token in (GLOBAL_TOKEN, LOCAL_TOKEN))
        if min(self._pieces.bos_id(), self._pieces.eos_id()) < 0:
            raise CheckpointError(
                f"{layout.tokenizer.name} has no mark for the end or the beginning of a text.", "Fetch the model again."
            )

    @property
    def end(self) -> int:
        """The token that ends an answer."""
        return int(self._pieces.eos_id())

    def ids(self, text: str) -> tuple[int, ...]:
        """The ids of a piece of text; like the original's tokenizer it begins every piece with a blank."""
        # Half of a surrogate pair, which JSON may hold, is no letter.
        return tuple(self._pieces.encode(text.encode("utf-8", "replace").decode("utf-8")))

    def text(self, ids: list[int]) -> str:
        """The text of ids; special tokens are left out."""
        known = self._pieces.get_piece_size()
        return str(self._pieces.decode([one for one in ids if one < known and not self._pieces.is_control(one)]))

    def prompt(self, system: str) -> PromptIds:
        """What stands before the region, in an image's prompt."""
        start = (int(self._pieces.bos_id()), *self.ids(before_image(system)))
        return PromptIds(start, self.ids(OVERVIEW))

    def question(self, text: str, longest: int) -> tuple[int, ...]:
        """The ids after the region for a free question; `LimitError` beyond `longest`."""
        found = self.ids(after_region(text))
        if len(found) > longest:
            raise LimitError(
                f"The question is {len(found)} tokens long; the model reads {max(0, longest)} at most beside the image "
                "and as long an answer.",
                "Ask shorter, or for a shorter answer.",
            )
        return found

    def asked(self, aspect: Aspect) -> tuple[int, ...]:
        """The ids after the region for one of the three questions, up to where the answer begins."""
        return self.ids(after_region(QUESTIONS[aspect]))

    def stem(self, aspect: Aspect) -> tuple[int, ...]:
        """`asked`, and the beginning of the answer up to where the level word would come."""
        return self.ids(after_region(QUESTIONS[aspect], SCALES[aspect].stem))

    def level_ids(self, aspect: Aspect) -> tuple[int, ...]:
        """The first id of each of the five level words after the stem.

        Raises
        ------
        CheckpointError
            Two of the words begin alike, so that one id does not tell them apart.
        """
        scale, stem = SCALES[aspect], self.stem(aspect)
        found = []
        for word in scale.words:
            whole = self.ids(after_region(QUESTIONS[aspect], f"{scale.stem} {word}"))
            if whole[: len(stem)] != stem:
                raise CheckpointError(f"The tokenizer joins '{word}' to the words before it.", "Fetch the model again.")
            found.append(whole[len(stem)])
        if len(set(found)) < len(found):
            raise CheckpointError(
                f"The tokenizer begins two of {', '.join(scale.words)} with one token.", "Fetch the model again."
            )
        return tuple(found)


def _processor(path: Path) -> sentencepiece.SentencePieceProcessor:
    odd = CheckpointError(f"{path.name} is not a sentencepiece model.", "Fetch the model again.")
    try:
        # By its bytes: the library opens no path with letters beyond the code page of a Windows machine.
        content = path.read_bytes()
        if not content:  # Which the library takes for "not given yet".
            raise odd
        return sentencepiece.SentencePieceProcessor(model_proto=content)
    except (OSError, RuntimeError) as error:
        raise odd from error
