"""The application: its description, its routes, and how it says what went wrong."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from seagull_iqa.errors import LimitError, ProtocolError, SeagullError
from seagull_iqa.messages import ErrorMessage
from seagull_iqa.service.image_routes import add_image_routes
from seagull_iqa.service.job_routes import add_job_routes
from seagull_iqa.service.model_routes import add_model_routes
from seagull_iqa.service.resident import VERSION
from seagull_iqa.service.security import Gate, error_response
from seagull_iqa.service.segment_routes import add_segment_routes
from seagull_iqa.service.tuning_routes import add_tuning_routes
from seagull_iqa.service.waiting import HOLD_S
from seagull_iqa.service.workbench import Workbench

_ERRORS: dict[int | str, dict[str, Any]] = {"default": {"model": ErrorMessage, "description": "What went wrong."}}


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
    add_model_routes(app, bench, hold_s)
    add_image_routes(app, bench, hold_s)
    add_job_routes(app, bench, hold_s)
    add_segment_routes(app, bench, hold_s)
    add_tuning_routes(app, bench)
    return Gate(app, token, names, bench.limits.json_bytes)


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
    what = first["msg"].removeprefix("Value error, ").rstrip(".")
    return ProtocolError(f"Not understood at {where or 'body'}: {what}.", "See docs/protocol.md.")
