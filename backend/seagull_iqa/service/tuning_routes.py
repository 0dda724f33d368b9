"""Addresses of fine-tuning: labels in, runs, suggestions, and the registry of the models that came of them."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

from fastapi import FastAPI, Query, Request, Response
from fastapi import Path as InPath
from fastapi.responses import FileResponse
from starlette.background import BackgroundTask

from seagull_iqa import wire_tuning as wire
from seagull_iqa.errors import LimitError, ProtocolError
from seagull_iqa.formats.label_set import MOST_BYTES
from seagull_iqa.hub import tuned
from seagull_iqa.registry import DEFAULT
from seagull_iqa.service.tuning_desk import TuningDesk
from seagull_iqa.service.workbench import Workbench

Sha256 = Annotated[str, InPath(pattern="^[0-9a-f]{64}$", description="SHA-256 of the zip file, in hex.")]
RunId = Annotated[str, InPath(pattern="^[0-9a-f]{12}$", description="As the list names it.")]
ModelId = Annotated[str, InPath(pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$", description="As the list names it.")]
Base = Annotated[str, Query(max_length=100, description="Name of the model that the run would begin from.")]
_FILE = {"requestBody": {"content": {"application/octet-stream": {"schema": {"type": "string"}}}, "required": True}}


def add_tuning_routes(app: FastAPI, bench: Workbench) -> None:
    """Add what can be asked about fine-tuning; all of it reads the disk, so none of it in the event loop."""
    _add_label_routes(app, bench.tuning)
    _add_run_routes(app, bench.tuning)
    _add_model_routes(app, bench)


def _add_label_routes(app: FastAPI, desk: TuningDesk) -> None:
    @app.head("/v1/label-sets/{sha256}", summary="Whether the server holds a set of labels")
    async def labels_known(sha256: Sha256) -> Response:
        return Response(status_code=200 if await asyncio.to_thread(desk.has_labels, sha256) else 404)

    @app.put("/v1/label-sets/{sha256}", summary="Send a set of labels: a zip of sessions", openapi_extra=_FILE)
    async def labels_sent(sha256: Sha256, request: Request) -> wire.LabelsKnown:
        archive = desk.incoming / f"{uuid.uuid4().hex}.zip"
        try:
            if await _received(request.stream(), archive, MOST_BYTES) != sha256:
                raise ProtocolError("The labels do not have the hash they were sent under.", "Send them again.")
            await asyncio.to_thread(desk.take_labels, archive, sha256)
        finally:
            archive.unlink(missing_ok=True)
        return wire.LabelsKnown(id=sha256)

    @app.post("/v1/label-sets/{sha256}/suggestions", summary="Which regions would teach most")
    async def suggestions(sha256: Sha256, wish: wire.SuggestionWish) -> wire.Suggestions:
        return wire.Suggestions(found=tuple(await asyncio.to_thread(desk.suggest, sha256, wish.base, wish.count)))

    @app.get("/v1/label-sets/{sha256}/estimate", summary="What a run on these labels would take")
    async def estimate(sha256: Sha256, base: Base = DEFAULT) -> wire.EstimateReply:
        return wire.EstimateReply(estimate=await asyncio.to_thread(desk.estimate, sha256, base))


def _add_run_routes(app: FastAPI, desk: TuningDesk) -> None:
    @app.get("/v1/fine-tunes", summary="Runs that nobody has decided on, the newest first")
    async def runs() -> wire.RunList:
        return wire.RunList(runs=tuple(await asyncio.to_thread(desk.runs)))

    @app.post("/v1/fine-tunes", summary="Begin a run", status_code=202)
    async def begun(wish: wire.RunWish) -> wire.RunMessage:
        return wire.RunMessage(run=await asyncio.to_thread(desk.start, wish.labels, wish.spec))

    @app.get("/v1/fine-tunes/{run}", summary="How far a run is, with its curve")
    async def run_known(run: RunId) -> wire.RunMessage:
        known = await asyncio.to_thread(desk.run, run)
        curve = await asyncio.to_thread(lambda: tuple(desk.folder(run).curve())[-500:])
        return wire.RunMessage(run=known, curve=curve)

    @app.post("/v1/fine-tunes/{run}/pause", summary="Let a run rest at its next step", status_code=202)
    async def paused(run: RunId) -> wire.RunMessage:
        return wire.RunMessage(run=await asyncio.to_thread(desk.pause, run))

    @app.post("/v1/fine-tunes/{run}/resume", summary="Let a run go on", status_code=202)
    async def resumed(run: RunId) -> wire.RunMessage:
        return wire.RunMessage(run=await asyncio.to_thread(desk.resume, run))

    @app.post("/v1/fine-tunes/{run}/cancel", summary="End a run at its next step", status_code=202)
    async def cancelled(run: RunId) -> wire.RunMessage:
        return wire.RunMessage(run=await asyncio.to_thread(desk.cancel, run))

    @app.post("/v1/fine-tunes/{run}/decision", summary="Keep the model of a run, or forget the run")
    async def decided(run: RunId, decision: wire.Decision) -> wire.Decided:
        return wire.Decided(model=await asyncio.to_thread(lambda: desk.decide(run, keep=decision.keep)))


def _add_model_routes(app: FastAPI, bench: Workbench) -> None:
    @app.get("/v1/tuned", summary="The fine-tuned models, the newest first")
    async def models() -> wire.TunedList:
        return wire.TunedList(models=tuple(await asyncio.to_thread(tuned.tuned_models)))

    @app.get("/v1/tuned/{model}/file", summary="A fine-tuned model as one file", response_class=FileResponse)
    async def exported(model: ModelId) -> FileResponse:
        path = Path(tempfile.mkdtemp()) / f"{model}{tuned.SUFFIX}"
        await asyncio.to_thread(tuned.export_model, model, path)

        def forget() -> None:
            path.unlink(missing_ok=True)
            path.parent.rmdir()

        return FileResponse(path, media_type="application/octet-stream", background=BackgroundTask(forget))

    @app.put("/v1/tuned/file", summary="Take in a fine-tuned model", openapi_extra=_FILE)
    async def taken_in(request: Request) -> wire.Decided:
        archive = bench.tuning.incoming / f"{uuid.uuid4().hex}{tuned.SUFFIX}"
        try:
            await _received(request.stream(), archive, tuned.MOST_BYTES)
            made = await asyncio.to_thread(tuned.import_model, archive)
        finally:
            archive.unlink(missing_ok=True)
        return wire.Decided(model=made.id)


async def _received(pieces: AsyncIterator[bytes], path: Path, most: int) -> str:
    """Write what comes to a file, never more than that many bytes; its SHA-256."""
    digest, length = hashlib.sha256(), 0
    with path.open("wb") as file:
        async for piece in pieces:
            length += len(piece)
            if length > most:
                raise LimitError(f"That is more than {most:,} bytes.", "Send less at a time.")
            digest.update(piece)
            await asyncio.to_thread(file.write, piece)
    return digest.hexdigest()
