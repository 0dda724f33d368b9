"""Addresses of what finds regions: engines, looks, what is pointed at, everything, the next plane."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import Depends, FastAPI, Request

from seagull_iqa import wire
from seagull_iqa.prompt_messages import (
    CandidateList,
    CarriedReply,
    CarryRequest,
    Cleared,
    EverythingRequest,
    Preparation,
    ProposalReply,
    ProposalRequest,
    SegmenterChoice,
    SegmenterList,
)
from seagull_iqa.service.image_routes import Sha256
from seagull_iqa.service.job_routes import FoundJob
from seagull_iqa.service.segment_desk import SegmentDesk
from seagull_iqa.service.waiting import awaited
from seagull_iqa.service.workbench import Workbench


async def _desk(request: Request) -> SegmentDesk:
    bench: Workbench = request.app.state.bench
    return bench.segmenting


Desk = Annotated[SegmentDesk, Depends(_desk)]


def add_segment_routes(app: FastAPI, bench: Workbench, hold_s: float) -> None:
    """Add what can be asked about regions that are not known yet."""

    # Off the loop, since these read the disk, and some import torch.

    @app.get("/v1/segmenters", summary="The engines that find regions, the one in use, the looks that are kept")
    async def segmenters(desk: Desk) -> SegmenterList:
        return await asyncio.to_thread(desk.listed)

    @app.put("/v1/segmenter", summary="Choose the engine that finds regions from now on", status_code=202)
    async def segmenter_chosen(choice: SegmenterChoice, desk: Desk, request: Request) -> SegmenterList:
        settled = await asyncio.to_thread(desk.choose, choice)
        await awaited(bench, settled, request, hold_s)
        return await asyncio.to_thread(desk.listed)

    @app.delete("/v1/looks", summary="Free the looks that are kept, in memory and on disk")
    async def looks_cleared(desk: Desk) -> Cleared:
        return await asyncio.to_thread(desk.clear)

    @app.post("/v1/images/{sha256}/looks", summary="Look at an image before it is pointed at", status_code=202)
    async def looked(sha256: Sha256, asked: Preparation, desk: Desk) -> wire.Job:
        return desk.prepare(sha256, asked)

    @app.post("/v1/images/{sha256}/proposals", summary="Propose the masks that prompts mean")
    async def proposals(sha256: Sha256, asked: ProposalRequest, desk: Desk, request: Request) -> ProposalReply:
        ask = desk.propose(sha256, asked)
        try:
            await awaited(bench, ask.finished, request, hold_s)
        finally:
            reply = desk.proposal(ask)
        return reply

    @app.post("/v1/images/{sha256}/carried", summary="Find a region of the plane before again")
    async def carried(sha256: Sha256, asked: CarryRequest, desk: Desk, request: Request) -> CarriedReply:
        ask = desk.carry(sha256, asked)
        try:
            await awaited(bench, ask.finished, request, hold_s)
        finally:
            reply = desk.carried(ask)
        return reply

    @app.post("/v1/images/{sha256}/everything", summary="Start to find all regions of an image", status_code=202)
    async def everything(sha256: Sha256, asked: EverythingRequest, desk: Desk) -> wire.Job:
        return desk.everything(sha256, asked)

    @app.get("/v1/jobs/{job_id}/candidates", summary="The regions that a finished job has found")
    async def candidates(job: FoundJob, desk: Desk) -> CandidateList:
        return desk.candidates(job)
