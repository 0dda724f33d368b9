"""Addresses of long work: follow it, fetch its maps, end it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from seagull_iqa import wire
from seagull_iqa.service.jobs import LongJob
from seagull_iqa.service.waiting import watched
from seagull_iqa.service.workbench import Workbench

_RAW_REPLY: dict[int | str, dict[str, Any]] = {200: {"content": {"application/octet-stream": {}}}}


async def _found(job_id: str, request: Request) -> LongJob:
    bench: Workbench = request.app.state.bench
    return bench.job(job_id)


FoundJob = Annotated[LongJob, Depends(_found)]


def add_job_routes(app: FastAPI, bench: Workbench, hold_s: float) -> None:
    """Add what can be asked about jobs."""

    @app.get("/v1/jobs/{job_id}", summary="How far a job has come")
    async def job_info(job: FoundJob) -> wire.Job:
        return job.info()

    @app.delete("/v1/jobs/{job_id}", summary="Cancel a job, or forget one that is over")
    async def job_ended(job_id: str) -> wire.Job:
        return bench.end_job(job_id)

    @app.get("/v1/jobs/{job_id}/events", summary="A job's progress as it goes", response_class=EventSourceResponse)
    async def job_events(job: FoundJob) -> AsyncIterator[ServerSentEvent]:
        async for info in watched(bench, job, hold_s):
            yield ServerSentEvent(data=info, event="end" if info.state.ended else "progress")

    @app.get("/v1/jobs/{job_id}/maps/{name}", summary="Values of one map, its newest edition", responses=_RAW_REPLY)
    async def job_map(job: FoundJob, name: str) -> Response:
        return Response(job.values(name), media_type="application/octet-stream")
