"""Follow what the server says as it goes: a job to its end, with what it has made, or an answer from its first word."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing

import numpy as np

from seagull_iqa import wire
from seagull_iqa.domain.report import ScoreMap
from seagull_iqa.errors import JobCancelledError, ProtocolError, SeagullError
from seagull_iqa.messages import MapMessage
from seagull_iqa.transport import Door, parsed


def followed(door: Door, job: wire.Job, on_news: Callable[[wire.Job], None]) -> wire.Job:
    """Wait for the end of a job.

    Parameters
    ----------
    door : Door
    job : wire.Job
        As the server gave it.
    on_news : callable
        Called with the job as it goes on, at least twice a second and at its end; what it raises ends the waiting.

    Raises
    ------
    JobCancelledError
        Somebody cancelled it.
    SeagullError
        It failed; as the server says it.
    """
    if job.state.ended:
        on_news(job)
    while not job.state.ended:
        # The server ends the stream now and then, so that no request is held for long.
        for data in door.events(_path(job) + "/events"):
            job = parsed(wire.Job, data)
            on_news(job)
            if job.state.ended:
                break
    if job.error is not None:
        raise job.error.exception()
    if job.state is wire.JobState.CANCELLED:
        raise JobCancelledError("It was cancelled.", "Start it again when you want it.")
    return job


def fetched_maps(door: Door, job: wire.Job) -> dict[str, ScoreMap]:
    """The maps that a job names, with their values; `ProtocolError` where one is not as it was announced."""
    return {found.name: _fetched_map(door, job, found) for found in job.maps}


def forget(door: Door, job: wire.Job) -> None:
    """Cancel a job that is not over, have the server forget one that is; never raises a `SeagullError`."""
    try:
        door.message(wire.Job, "DELETE", _path(job))
    except SeagullError:
        # The work is over or the server is gone; what matters has been said already.
        return


def begun(events: Generator[str, None, None]) -> Generator[str, None, None]:
    """The same stream, of which the first event has come, so that a refusal has been raised by now."""
    first = next(events, None)

    def all_of_them() -> Generator[str, None, None]:
        with closing(events):
            if first is not None:
                yield first
            yield from events

    return all_of_them()


def _path(job: wire.Job) -> str:
    return f"/v1/jobs/{job.id}"


def _fetched_map(door: Door, job: wire.Job, found: MapMessage) -> ScoreMap:
    body = door.bytes("GET", f"{_path(job)}/maps/{found.name}")
    if len(body) != 4 * found.rows * found.cols:
        raise ProtocolError(f"The map {found.name!r} came incomplete.", "Ask for it again.")
    values = np.frombuffer(body, dtype="<f4").astype(np.float32).reshape(found.rows, found.cols)
    return ScoreMap(found.name, values, found.shape, found.stride, found.window, found.model)
