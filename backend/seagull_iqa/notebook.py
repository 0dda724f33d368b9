"""The verbs of the panel and the command line for a notebook or a script: score, heatmap, segment."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seagull_iqa.domain.progress import Progress, ProgressCallback, ignore_progress
from seagull_iqa.domain.prompts import EngineName, EverythingFilter, EverythingSpec, FloatBox, Point, Prompts
from seagull_iqa.domain.region import Region, RegionMask, RegionOrigin
from seagull_iqa.domain.report import MAP_NAMES, QUALITY_MAP, QualityReport, ScoreMap
from seagull_iqa.errors import ModelError, RegionError, ShapeMismatchError
from seagull_iqa.imaging.files import read_image
from seagull_iqa.imaging.normalise import prepare
from seagull_iqa.imaging.prepared import PreparedImage
from seagull_iqa.registry import DEFAULT, load_model

if TYPE_CHECKING:
    from seagull_iqa.models.interface import QualityModel
    from seagull_iqa.service.segment_looks import ImageViews

Picture = PreparedImage | NDArray[Any] | str | Path
"""An image in any form: prepared, an array (see `prepare`), or the path of a file."""

Where = Region | RegionMask | NDArray[Any]
"""One region; of an array every pixel that is not zero."""

AT_A_TIME = 64
"""Regions of one batch."""


def score(
    image: Picture,
    regions: Where | Sequence[Where] | None = None,
    *,
    model: QualityModel | str = DEFAULT,
    progress: ProgressCallback = ignore_progress,
) -> list[QualityReport]:
    """Score regions of an image, or all of it.

    Parameters
    ----------
    image : PreparedImage, array, or path
    regions : None, a Region, a mask, an array of labels, or a sequence of regions and masks
        None is the whole image. A bool array, shape (H, W), is one region; an integer one is as many as it has values
        above zero, in their order.
    model : QualityModel or str
        What `load_model` gave. A name is loaded anew with every call: in a loop, load once.
    progress : callable
        Told of every batch; cancels by raising.

    Returns
    -------
    list of QualityReport
        In the order of the regions; each says which pixels were scored.

    Raises
    ------
    ImageError
        The image cannot be scored.
    ShapeMismatchError
        A mask has another size than the image.
    """
    prepared = _prepared(image)
    asked = _regions(regions, prepared.shape)
    judge = _judge(model)
    look = judge.look(prepared.rgb)
    reports: list[QualityReport] = []
    for start in range(0, len(asked), AT_A_TIME):
        progress(Progress(start, len(asked), "scoring regions"))
        reports += judge.assess(look, asked[start : start + AT_A_TIME])
    return [replace(report, pixels=report.pixels or prepared.pixels) for report in reports]


def heatmap(
    image: Picture,
    *,
    name: str = QUALITY_MAP,
    model: QualityModel | str = DEFAULT,
    progress: ProgressCallback = ignore_progress,
) -> ScoreMap:
    """The map of that name over the whole image: "quality", "weight", or a distortion.

    Raises
    ------
    ModelError
        The model makes no such map.
    """
    judge, prepared = _judge(model), _prepared(image)
    if name not in judge.map_names:
        known = ", ".join(one for one in MAP_NAMES if one in judge.map_names)
        raise ModelError(f"{judge.card.id} makes no map {name!r}.", f"Ask for one of: {known}.")
    return judge.maps(judge.look(prepared.rgb), progress=progress)[name]


def segment(
    image: Picture,
    *,
    points: Sequence[Point] = (),
    not_points: Sequence[Point] = (),
    box: FloatBox | None = None,
    engine: str = EngineName.TREE,
    device: str = "auto",
) -> list[Region]:
    """Find the region that is pointed at, or, where nothing is, all regions of the image.

    Parameters
    ----------
    image : PreparedImage, array, or path
    points, not_points : sequences of (row, column)
        In px, whole numbers are centres of pixels: inside the region, and outside.
    box : (row0, col0, row1, col1) or None
        Half-open; the region lies inside.
    engine : str
        "region-tree", or one that `seagull models list` names.

    Returns
    -------
    list of Region
        The best mask alone where something was pointed at.

    Raises
    ------
    RegionError
        The box is none, or holds nothing; only `not_points` are given.
    """
    from seagull_iqa.imaging.proposals import Findings
    from seagull_iqa.segmenting import crops

    if box is not None and not (len(box) == 4 and box[0] < box[2] and box[1] < box[3]):
        raise RegionError(f"{tuple(box)} is no box.", "Give (row0, col0, row1, col1), rows and columns growing.")
    prompts = Prompts(tuple(points), tuple(not_points), box)
    if not_points and prompts.is_empty:
        raise RegionError("Points outside of a region alone mean no region.", "Give a point inside it, or a box.")
    views = _views(_prepared(image), engine, device)
    if not prompts.is_empty:
        found = crops.propose(views.engine, prompts, views)
        return [Region(found.candidates[found.best].mask, "mask 1", RegionOrigin.SEGMENTED)]
    everything = crops.everything(views.engine, EverythingSpec(), views)
    kept = Findings.of(everything, views.shape).kept(EverythingFilter())
    masks = [everything[index].mask for index in kept]
    return [Region(mask, f"region {number}", RegionOrigin.SEGMENTED) for number, mask in enumerate(masks, 1)]


def _judge(model: QualityModel | str) -> QualityModel:
    return load_model(model) if isinstance(model, str) else model


def _prepared(image: Picture) -> PreparedImage:
    if isinstance(image, PreparedImage):
        return image
    return read_image(Path(image)) if isinstance(image, str | Path) else prepare(image)


def _regions(regions: Where | Sequence[Where] | None, shape: tuple[int, int]) -> list[Region]:
    if regions is None:
        return [Region(RegionMask.whole(shape), "whole image", RegionOrigin.TILE)]
    if isinstance(regions, np.ndarray) and regions.ndim == 2:
        return _of_array(regions, shape)
    single = isinstance(regions, Region | RegionMask)
    listed: list[Any] = [regions] if single else list(regions)  # type: ignore[arg-type]
    made = [region for one in listed for region in _one(one, shape)]
    for region in made:
        if region.mask.shape != shape:
            raise _misfit(region.mask.shape, shape)
    return made


def _one(where: Where, shape: tuple[int, int]) -> list[Region]:
    if isinstance(where, Region):
        return [where]
    if isinstance(where, RegionMask):
        return [Region(where, "mask", RegionOrigin.FILE)]
    return _of_array(where, shape)


def _of_array(array: NDArray[Any], shape: tuple[int, int]) -> list[Region]:
    if array.shape != shape:
        raise _misfit(array.shape, shape)
    if array.dtype == np.bool_:
        return [Region(RegionMask.from_pixels(array), "mask", RegionOrigin.FILE)]
    if array.dtype.kind not in "ui":
        raise RegionError(f"Values of type {array.dtype} are neither a mask nor labels.", "Give bool or whole numbers.")
    values = np.unique(array[array > 0]).tolist()
    return [Region(RegionMask.from_pixels(array == value), f"label {value}", RegionOrigin.FILE) for value in values]


def _misfit(given: tuple[int, ...], shape: tuple[int, int]) -> ShapeMismatchError:
    return ShapeMismatchError(
        f"A mask of {' x '.join(map(str, given))} px does not belong to an image of {shape[0]} x {shape[1]}.",
        "Give masks of the height and width of the image.",
    )


def _views(prepared: PreparedImage, engine: str, device: str) -> ImageViews:
    from seagull_iqa.segmenting.look_store import LookStore
    from seagull_iqa.service.segment_looks import ImageViews, LookKeeper
    from seagull_iqa.service.segment_source import MEMORY_BYTES, Pick, machine_engine
    from seagull_iqa.settings import looks_home

    keeper = LookKeeper(MEMORY_BYTES, LookStore(looks_home(os.environ)), lambda: None)
    made = machine_engine(Pick(engine, device), paths=True)
    return ImageViews(made, keeper, prepared.sha256, prepared.rgb, ignore_progress)
