"""Put regions and questions into messages that a server accepts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from seagull_iqa import wire
from seagull_iqa.domain.region import Region
from seagull_iqa.errors import LimitError, SeagullError
from seagull_iqa.messages import MAX_RUNS, RegionMessage

REGIONS_PER_REQUEST = 64
"""So that every request stays short and newer work comes between."""


def question_about(region: Region, text: str, max_tokens: int) -> wire.Question:
    """The message of a question; `LimitError` where it is empty or too long."""
    message = RegionMessage.of(region)
    try:
        return wire.Question(region=message, text=text, max_tokens=max_tokens)
    except ValueError as error:
        raise LimitError(
            f"A question has 1 to {wire.MAX_QUESTION} letters, its answer 1 to {wire.MAX_TOKENS} tokens.",
            "Ask a shorter one.",
        ) from error


def in_chunks(regions: Sequence[Region], errors: dict[str, SeagullError]) -> Iterator[list[RegionMessage]]:
    """Messages in short requests: few regions, few runs; what cannot be sent goes into `errors`."""
    chunk: list[RegionMessage] = []
    runs = 0
    for region in regions:
        try:
            message = RegionMessage.of(region)
        except LimitError as error:
            errors[region.id] = error
            continue
        if chunk and (len(chunk) == REGIONS_PER_REQUEST or runs + len(message.runs) > MAX_RUNS):
            yield chunk
            chunk, runs = [], 0
        chunk.append(message)
        runs += len(message.runs)
    if chunk:
        yield chunk
