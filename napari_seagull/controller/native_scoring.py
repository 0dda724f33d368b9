"""Scores of regions, of images that are sent whole and of images that are read in windows alike; for worker threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from napari_seagull.layers.large import LargeImage, by_window, in_window, marked
from seagull_iqa import wire
from seagull_iqa.client import AssessReply, Client
from seagull_iqa.domain.region import Region
from seagull_iqa.domain.report import QualityReport
from seagull_iqa.errors import ImageError, RegionError
from seagull_iqa.imaging.prepared import PreparedImage

OnReports = Callable[[list[QualityReport]], None]


def assess(
    client: Client,
    image: PreparedImage,
    regions: Sequence[Region],
    *,
    priority: int = wire.MANY_PRIORITY,
    on_reports: OnReports | None = None,
) -> AssessReply:
    """Score regions; what cannot be read of a large image is an error of the regions there, not of all.

    `on_reports` is called with none, too, while the server is at work: what it raises ends the asking.
    """
    if not isinstance(image, LargeImage):
        return client.assess(image, regions, priority=priority, on_reports=on_reports)
    reply, tell = AssessReply(), on_reports or _nobody
    for group in by_window(image, regions):
        tell([])
        _assess_window(client, image, group, priority, reply, lambda _reports: tell([]))
        known = {region.id for region in group}
        tell([report for report in reply.reports if report.region in known])
    return reply


def _nobody(_reports: list[QualityReport]) -> None:
    return


def _assess_window(
    client: Client, image: LargeImage, group: Sequence[Region], priority: int, reply: AssessReply, on_reports: OnReports
) -> None:
    try:
        window, placed = in_window(image, group)
    except (ImageError, RegionError) as error:
        reply.errors.update({region.id: error for region in group})
        return
    said = client.assess(window, placed, priority=priority, on_reports=on_reports)
    reply.reports.extend(marked(report, window) for report in said.reports)
    reply.errors.update(said.errors)
