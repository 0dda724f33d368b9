"""Addresses of the server itself and its models: is it there, what can it do, which model shall answer."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import FastAPI, Path, Request

from seagull_iqa import wire
from seagull_iqa.service.waiting import awaited
from seagull_iqa.service.workbench import Workbench

ModelName = Annotated[str, Path(pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$", description="As the list names it.")]


def add_model_routes(app: FastAPI, bench: Workbench, hold_s: float) -> None:
    """Add what can be asked about server and models."""

    @app.get("/v1/health", summary="Whether the server is there and its model ready; needs no token")
    async def health() -> wire.Health:
        return bench.health()

    @app.get("/v1/capabilities", summary="Model, device, limits and vocabulary")
    async def capabilities(request: Request) -> wire.Capabilities:
        await awaited(bench, bench.settled, request, hold_s)
        return bench.capabilities()

    # Off the loop, since all of these read the disk, and some import torch.

    @app.get("/v1/models", summary="The models that can be had here, and the one in use")
    async def models() -> wire.ModelList:
        return await asyncio.to_thread(bench.models.listed)

    @app.put("/v1/model", summary="Choose the model that answers from now on", status_code=202)
    async def model_chosen(choice: wire.ModelChoice) -> wire.Health:
        return await asyncio.to_thread(bench.models.use, choice)

    @app.post("/v1/models/{name}/download", summary="Begin to fetch a model, or find its download", status_code=202)
    async def model_download(name: ModelName) -> wire.Job:
        return await asyncio.to_thread(bench.models.download, name)

    @app.delete("/v1/models/{name}", summary="Free the disk of a model that is not in use")
    async def model_removed(name: ModelName) -> wire.Removal:
        return await asyncio.to_thread(bench.models.remove, name)
