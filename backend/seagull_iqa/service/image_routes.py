"""Addresses of images: send one, score its regions, start its maps, ask about a region in words."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, FastAPI, Path, Query, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from seagull_iqa import wire
from seagull_iqa.errors import BackendUnreachableError
from seagull_iqa.messages import ErrorMessage
from seagull_iqa.service.answers import AnswerStream
from seagull_iqa.service.uploads import check_declared, received
from seagull_iqa.service.waiting import awaited
from seagull_iqa.service.workbench import Workbench

Sha256 = Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="Hash of height, width and RGB bytes, in hex.")]
Side = Annotated[int, Query(ge=1, le=2**31, description="In px.")]
_RGB_BODY = {"requestBody": {"content": {"application/octet-stream": {"schema": {"type": "string"}}}, "required": True}}


async def _asked(sha256: Sha256, question: wire.Question, request: Request) -> AsyncIterator[AnswerStream]:
    # Left when the reply is over, and also when its reader has gone away.
    bench: Workbench = request.app.state.bench
    with bench.answering(sha256, question) as stream:
        yield stream


Asked = Annotated[AnswerStream, Depends(_asked)]


def add_image_routes(app: FastAPI, bench: Workbench, hold_s: float) -> None:
    """Add what can be asked about images."""

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
            await awaited(bench, ask.finished, request, hold_s)
        finally:
            reply = bench.answer(ask)
        return reply

    @app.post("/v1/images/{sha256}/maps", summary="Start the maps of an image", status_code=202)
    async def maps(sha256: Sha256) -> wire.Job:
        return bench.start_maps(sha256)

    @app.post(
        "/v1/images/{sha256}/answers",
        summary="Ask about a region in words; the answer comes piece by piece",
        response_class=EventSourceResponse,
    )
    async def answers(stream: Asked) -> AsyncIterator[ServerSentEvent]:
        async for piece in stream.pieces():
            said = _ended() if bench.closing and not piece.done else piece
            yield _event(said)
            if said.done:
                return


def _event(piece: wire.AnswerPiece) -> ServerSentEvent:
    kind = "error" if piece.error else "end" if piece.done else "text"
    said = piece.model_dump(mode="json", exclude_defaults=True) or {"text": ""}
    # In ASCII: some readers of event streams take a line separator within the text for the end of a line.
    return ServerSentEvent(raw_data=json.dumps(said, ensure_ascii=True), event=kind)


def _ended() -> wire.AnswerPiece:
    error = BackendUnreachableError("The server ends, so the answer breaks off.", "Start it again.")
    return wire.AnswerPiece(done=True, error=ErrorMessage.of(error))
