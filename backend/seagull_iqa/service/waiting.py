"""Hold a request until something is done, but never for long, and never for somebody who has left."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import Future
from time import monotonic

from fastapi import Request

from seagull_iqa import wire
from seagull_iqa.service.jobs import LongJob
from seagull_iqa.service.workbench import Workbench

HOLD_S = 20.0
"""Longest a request is held; what is not there by then is asked for again."""

_GLANCE_S = 0.1
_BEAT_S = 0.5


async def awaited(bench: Workbench, finished: Future[None], request: Request, hold_s: float) -> None:
    """Wait until it is done, the time is up, the server ends, or nobody listens any more."""
    waiting = asyncio.wrap_future(finished)
    until = monotonic() + hold_s
    while not waiting.done() and not bench.closing and monotonic() < until:
        await asyncio.wait({waiting}, timeout=min(_BEAT_S, max(0.0, until - monotonic())))
        if not waiting.done() and await request.is_disconnected():
            return


async def watched(bench: Workbench, job: LongJob, hold_s: float) -> AsyncIterator[wire.Job]:
    """What is new of a job, and a beat where nothing is, so that the client may cancel; ends before long."""
    said, said_at, until = None, 0.0, monotonic() + hold_s
    while monotonic() < until and not bench.closing:
        info = job.info()
        if info != said or monotonic() - said_at > _BEAT_S:
            said, said_at = info, monotonic()
            yield info
        if info.state.ended:
            return
        await asyncio.sleep(_GLANCE_S)
