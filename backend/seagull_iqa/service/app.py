"""The route table of the server: every address, what it takes and what it gives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from concurrent.futures import Future
from time import monotonic
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from seagull_iqa import wire
from seagull_iqa.errors import LimitError, ProtocolError, SeagullError
from seagull_iqa.service.jobs import MapJob
from seagull_iqa.service.security import Gate, error_response
from seagull_iqa.service.uploads import check_declared, received
from seagull_iqa.service.workbench import VERSION, Workbench

HOLD_S = 20.0
"""Longest a request is held; what is not there by then is asked for again."""

_GLANCE_S = 0.1
_BEAT_S = 0.5

Sha256 = Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="Hash of height, width and RGB bytes, in hex.")]
Side = Annotated[int, Query(ge=1, le=2**31, description="In px.")]
async def _found(job_id: str, request: Request) -> MapJob:
    bench: Workbench = request.app.state.bench
    return bench.job(job_id)


FoundJob = Annotated[MapJob, Depends(_found)]
_ERRORS: dict[int | str, dict[str, Any]] = {"default": {"model": wire.ErrorMessage, "description": "What went wrong."}}
_RGB_BODY = {"requestBody": {"content": {"application/octet-stream": {"schema": {"type": "string"}}}, "required": True}}
_RAW_REPLY: dict[int | str, dict[str, Any]] = {200: {"content": {"application/octet-stream": {}}}}


def build_app(bench: Workbench, token: str, names: Iterable[str] = (), hold_s: float = HOLD_S) -> Gate:
    """The whole application, gate included; `bench` is started by who serves it."""
    app = FastAPI(
        title="SEAGULL",
        version=VERSION,
        summary="How good is each region of an image, and what is wrong with it.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/v1/openapi.json",
        redirect_slashes=False,
        responses=_ERRORS,
    )
    app.state.bench = bench
    _add_error_handlers(app)
    _add_server_routes(app, bench, hold_s)
    _add_image_routes(app, bench, hold_s)
    _add_job_routes(app, bench, hold_s)
    return Gate(app, token, names, bench.limits.json_bytes)


def _add_server_routes(app: FastAPI, bench: Workbench, hold_s: float) -> None:
    @app.get("/v1/health", summary="Whether the server is there and its model ready; needs no token")
    async def health() -> wire.Health:
        return bench.health()

    @app.get("/v1/capabilities", summary="Model, device, limits and vocabulary")
    async def capabilities(request: Request) -> wire.Capabilities:
        await _awaited(bench, bench.settled, request, hold_s)
        return bench.capabilities()


def _add_image_routes(app: FastAPI, bench: Workbench, hold_s: float) -> None:
    @app.head("/v1/images/{sha256}", summary="Whether the server holds an image")
    async def image_known(sha256: Sha256) -> Response:
        bench.image_status(sha256)
        return Response()

    @app.put("/v1/images/{sha256}", summary="Send an image: raw RGB bytes, row-major", openapi_extra=_RGB_BODY)
    async def image_sent(sha256: Sha256, height: Side, width: Side, request: Request) -> wire.ImageStatus:
        shape = (height, width)
        with bench.uploads.promised(shape) as nbytes:
            check_declared(request.headers.get("content-length"), nbytes)
            return bench.keep_image(sha256, await received(request.stream(), sha256, shape, nbytes))

    @app.post("/v1/images/{sha256}/reports", summary="Score regions of an image")
    async def reports(sha256: Sha256, asked: wire.ReportRequest, request: Request) -> wire.ReportReply:
        ask = bench.ask(sha256, asked)
        try:
            await _awaited(bench, ask.finished, request, hold_s)
        finally:
            reply = bench.answer(ask)
        return reply

    @app.post("/v1/images/{sha256}/maps", summary="Start the maps of an image", status_code=202)
    async def maps(sha256: Sha256) -> wire.Job:
        return bench.start_maps(sha256)


def _add_job_routes(app: FastAPI, bench: Workbench, hold_s: float) -> None:
    @app.get("/v1/jobs/{job_id}", summary="How far a job has come")
    async def job_info(job: FoundJob) -> wire.Job:
        return job.info()

    @app.delete("/v1/jobs/{job_id}", summary="Cancel a job, or forget one that is over")
    async def job_ended(job_id: str) -> wire.Job:
        return bench.end_job(job_id)

    @app.get("/v1/jobs/{job_id}/events", summary="A job's progress as it goes", response_class=EventSourceResponse)
    async def job_events(job: FoundJob) -> AsyncIterator[ServerSentEvent]:
        async for info in _watched(bench, job, hold_s):
            yield ServerSentEvent(data=info, event="end" if info.state.ended else "progress")

    @app.get("/v1/jobs/{job_id}/maps/{name}", summary="Values of one map", responses=_RAW_REPLY)
    async def job_map(job: FoundJob, name: str) -> Response:
        return Response(job.values(name), media_type="application/octet-stream")


async def _awaited(bench: Workbench, finished: Future[None], request: Request, hold_s: float) -> None:
    """Wait until it is done, the time is up, the server ends, or nobody listens any more."""
    waiting = asyncio.wrap_future(finished)
    until = monotonic() + hold_s
    while not waiting.done() and not bench.closing and monotonic() < until:
        await asyncio.wait({waiting}, timeout=min(_BEAT_S, max(0.0, until - monotonic())))
        if not waiting.done() and await request.is_disconnected():
            return


async def _watched(bench: Workbench, job: MapJob, hold_s: float) -> AsyncIterator[wire.Job]:
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


def _add_error_handlers(app: FastAPI) -> None:
    @app.exception_handler(SeagullError)
    async def said(_request: Request, error: SeagullError) -> Response:
        return error_response(error)

    @app.exception_handler(RequestValidationError)
    async def misunderstood(_request: Request, error: RequestValidationError) -> Response:
        return error_response(_validation_error(error))

    @app.exception_handler(HTTPException)
    async def no_route(_request: Request, error: HTTPException) -> Response:
        reply = error_response(ProtocolError(f"{error.detail}.", "See docs/protocol.md for what can be asked."))
        reply.status_code = error.status_code
        return reply

    @app.exception_handler(ClientDisconnect)
    async def gone(_request: Request, _error: ClientDisconnect) -> Response:
        return Response(status_code=400)

    @app.exception_handler(Exception)
    async def stumbled(_request: Request, _error: Exception) -> Response:
        reply = error_response(SeagullError("The server stumbled over this request.", "Look at its terminal."))
        reply.status_code = 500
        return reply


def _validation_error(error: RequestValidationError) -> SeagullError:
    """The first thing that is wrong, without repeating what was sent."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"] if part != "body")
    if first["type"] in {"too_long", "string_too_long"}:
        return LimitError(f"Too much at {where or 'body'}: {first['msg']}.", "See the limits in the capabilities.")
    return ProtocolError(f"Not understood at {where or 'body'}: {first['msg']}.", "See docs/protocol.md.")


