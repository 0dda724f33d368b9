"""The language model over many regions: the image's part is read once, each question is a short text behind it."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

import torch
from torch import Tensor
from transformers import DynamicCache, LlamaForCausalLM, LlamaModel

from seagull_iqa.errors import ModelError, OutOfMemoryError
from seagull_iqa.models.full.config import LanguageConfig
from seagull_iqa.models.full.decoding import Decoder, Step
from seagull_iqa.models.full.halving import readable_memory_errors
from seagull_iqa.models.full.slots import Prefix, Slots, Workspace, laid_out

PACK = 3072
"""Tokens, read or still to be written, whose answers are written side by side behind one image."""

READ = 1024
"""Tokens that share a pass that reads: enough to keep a GPU busy, and a pass looks from each of them at all of them."""

CACHE = "cache" if "cache" in inspect.signature(LlamaModel.forward).parameters else "past_key_values"
"""What this transformers calls the keys and values of what was read; the name changed within version 5."""

Result = TypeVar("Result")


@dataclass(frozen=True)
class Text:
    """A region and a question: what stands behind the prefix.

    Attributes
    ----------
    region : (2, hidden)
        The region's global and local token.
    ids : tuple of int
        What follows them.
    """

    region: Tensor
    ids: tuple[int, ...]

    @property
    def length(self) -> int:
        """In tokens."""
        return len(self.region) + len(self.ids)


class LanguageEngine:
    """Reads and writes texts behind a prefix, many at a time; no text sees another.

    Parameters
    ----------
    language : LlamaForCausalLM
    sizes : LanguageConfig
    end : int
        The token that ends an answer.
    recorded : bool
        Record the decoding step (CUDA only, unquantised weights).
    pack : int
        Tokens that share a pass at most.
    """

    def __init__(
        self, language: LlamaForCausalLM, sizes: LanguageConfig, end: int, *, recorded: bool, pack: int = PACK
    ) -> None:
        self._language, self._sizes, self._end, self._pack = language, sizes, end, pack
        weight = language.model.embed_tokens.weight
        self._device = weight.device
        self._alone = threading.RLock()  # The workspace is one, and whoever writes into it is alone with it.
        self._workspace = Workspace(sizes, weight.device, weight.dtype)
        self._decoder = Decoder(self._step, weight.device, recorded=recorded)

    def embedded(self, ids: Sequence[int]) -> Tensor:
        """Ids -> (n, hidden)."""
        result: Tensor = self._language.model.embed_tokens(torch.tensor(ids, dtype=torch.int64, device=self._device))
        return result

    def prefix(self, before: Sequence[int], image: Tensor, after: Sequence[int]) -> Prefix:
        """Read what stands before anything about a region; `image` is (image tokens, hidden)."""
        embedded = torch.cat([self.embedded(before), image.to(self._workspace_dtype), self.embedded(after)])
        cache = DynamicCache()
        with readable_memory_errors():
            self._language.model(inputs_embeds=embedded[None], use_cache=True, **{CACHE: cache})
        return Prefix(tuple((keys, values) for keys, values, *_ in cache))

    def last_logits(self, prefix: Prefix, texts: Sequence[Text]) -> Tensor:
        """What the model expects after each text: float32 (n, vocabulary)."""
        packs = self._in_packs(texts, 0, lambda some: [self._logits_after(prefix, some)])
        return torch.cat(packs)

    def written(self, prefix: Prefix, texts: Sequence[Text], longest: int) -> list[list[int]]:
        """The most likely tokens after each text, up to its end or `longest` of them; the end mark is left out."""
        return self._in_packs(texts, longest, lambda some: self._written(prefix, some, longest))

    def streamed(self, prefix: Prefix, text: Text, longest: int) -> Iterator[int]:
        """The same for one text, token by token."""
        # In room of its own: others may be asked between two tokens, and would write over it.
        aside = LanguageEngine(
            self._language, self._sizes, self._end, recorded=False, pack=text.length + longest + 1
        )
        with readable_memory_errors():
            for tokens in islice(aside._steps(prefix, [text], longest), longest):
                token = int(tokens[0])
                if token == self._end:
                    return
                yield token

    def release(self) -> None:
        """Give back the memory that is only held to be reused."""
        with self._alone:
            self._decoder.forget()
            self._workspace.release()

    @property
    def _workspace_dtype(self) -> torch.dtype:
        kind: torch.dtype = self._language.model.embed_tokens.weight.dtype
        return kind

    def _in_packs(
        self, texts: Sequence[Text], longest: int, run: Callable[[Sequence[Text]], list[Result]]
    ) -> list[Result]:
        """Run pack after pack; a pack that does not fit into memory is halved, and so are those after it."""
        with self._alone:
            return self._packs(texts, longest, run)

    def _packs(
        self, texts: Sequence[Text], longest: int, run: Callable[[Sequence[Text]], list[Result]]
    ) -> list[Result]:
        results: list[Result] = []
        left = list(texts)
        while left:
            some = left[: _fitting(left, longest, self._pack if longest else min(self._pack, READ))]
            try:
                with readable_memory_errors():
                    results += run(some)
            except OutOfMemoryError:
                self.release()
                needed = sum(text.length + longest for text in some)
                if len(some) == 1 and self._pack <= needed:
                    raise
                # One text alone is tried once more, without the room that is held for others.
                self._pack = needed // 2 if len(some) > 1 else needed
                continue
            left = left[len(some) :]
        return results

    def _logits_after(self, prefix: Prefix, texts: Sequence[Text]) -> Tensor:
        hidden, _, _ = self._read(prefix, texts, 0)
        logits: Tensor = self._language.lm_head(hidden)
        return logits.float()

    def _written(self, prefix: Prefix, texts: Sequence[Text], longest: int) -> list[list[int]]:
        found: list[list[int]] = [[] for _ in texts]
        ended = [False] * len(texts)
        for tokens in islice(self._steps(prefix, texts, longest), longest):
            for index, token in enumerate(tokens.tolist()):
                ended[index] = ended[index] or token == self._end
                if not ended[index]:
                    found[index].append(token)
            if all(ended):
                break
        return found

    def _steps(self, prefix: Prefix, texts: Sequence[Text], longest: int) -> Iterator[Tensor]:
        hidden, slots, lengths = self._read(prefix, texts, longest)
        tokens = self._language.lm_head(hidden).argmax(-1)
        written = torch.tensor(slots.answers, device=self._device)
        return self._decoder.steps(slots, tokens, prefix.length + lengths, written)

    def _read(self, prefix: Prefix, texts: Sequence[Text], longest: int) -> tuple[Tensor, Slots, Tensor]:
        """Read texts side by side: the hidden state (n, hidden) after each, their slots, and their lengths (n,)."""
        lengths = torch.tensor([text.length for text in texts], device=self._device)
        slots = laid_out(prefix.length, [text.length for text in texts], self._device, longest=longest)
        self._prepare(prefix, len(texts), slots.owner.numel())
        hidden, start = [], 0
        while start < len(texts):
            stop = start + _fitting(texts[start:], 0, READ)
            hidden.append(self._read_some(texts, start, stop, slots))
            start = stop
        after = torch.cat(hidden)
        self._check_numbers(after)
        return after, slots, lengths

    def _check_numbers(self, hidden: Tensor) -> None:
        if not bool(hidden.isfinite().all()):
            # What is hidden from a token is multiplied by nought, which leaves it what it is: so none of it may stay.
            self.release()
            raise ModelError(
                "The model has computed something that is no number.",
                "Load it with another precision, bf16 or fp32; or run: seagull models verify seagull-7b",
            )

    def _read_some(self, texts: Sequence[Text], start: int, stop: int, slots: Slots) -> Tensor:
        """Read the texts from `start` to `stop` in one pass: (stop - start, hidden)."""
        begin, end = slots.first[start], slots.first[stop]
        embedded = torch.cat([part for text in texts[start:stop] for part in (text.region, self.embedded(text.ids))])
        written = torch.arange(begin, end, device=self._device)
        owners, positions = slots.owner[begin:end], slots.position[begin:end]
        hidden = self._pass(embedded, owners, positions, written, slots.until(end))
        return hidden[torch.tensor(slots.first[start + 1 : stop + 1], device=self._device) - 1 - begin]

    def _prepare(self, prefix: Prefix, texts: int, room: int) -> None:
        _, room = self._decoder.rounded(texts, room)
        if room > self._workspace.room:
            if self._decoder.recorded:  # Recordings are lost when the room moves, so take enough of it at once.
                room = max(room, self._decoder.rounded(texts, prefix.length + self._pack)[1])
            self._decoder.forget()
        self._workspace.prepare(prefix, room)

    def _pass(self, embedded: Tensor, owners: Tensor, positions: Tensor, written: Tensor, slots: Slots) -> Tensor:
        """(T, hidden) -> (T, hidden)."""
        self._workspace.write_at(written, slots.owner.numel())
        out = self._language.model(
            inputs_embeds=embedded[None],
            attention_mask=slots.visible(owners, positions),
            position_ids=positions[None],
            use_cache=True,
            **{CACHE: self._workspace},
        )
        hidden: Tensor = out.last_hidden_state[0]
        return hidden

    def _step(self, step: Step) -> None:
        embedded = self._language.model.embed_tokens(step.tokens)
        hidden = self._pass(embedded, step.owners, step.positions, step.written, step.slots)
        step.advance(self._language.lm_head(hidden).argmax(-1))


def _fitting(texts: Sequence[Text], longest: int, pack: int) -> int:
    """How many of the first texts fit into a pack; at least one."""
    total = 0
    for count, text in enumerate(texts):
        total += text.length + longest
        if total > pack and count:
            return count
    return len(texts)
