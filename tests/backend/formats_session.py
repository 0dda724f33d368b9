"""A session with one of everything, and what it takes for two to be the same."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from seagull_iqa.domain.annotation import Annotation, Preference
from seagull_iqa.domain.distortion import Distortion, Finding, Severity
from seagull_iqa.domain.region import Region, RegionMask, RegionOrigin
from seagull_iqa.domain.report import PixelSource, QualityReport
from seagull_iqa.formats.session_document import (
    RegionSource,
    SessionDocument,
    SessionImage,
    SessionRegion,
    SessionReport,
    SourceKind,
)

SHAPE = (40, 60)

BLUR = (Finding(Distortion.BLUR, Severity.SEVERE), Finding(Distortion.NOISE, Severity.MINOR))


def _ring() -> RegionMask:
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    away = (rows - 20) ** 2 + (columns - 30) ** 2
    return RegionMask.from_pixels((away < 200) & (away > 60))


def _blobs() -> RegionMask:
    return RegionMask.from_pixels(gaussian_filter(np.random.default_rng(3).normal(size=SHAPE), 2) > 0.05)


def _report(region: str, **said: object) -> QualityReport:
    facts = {
        "quality": 100 / 3, "quality_interval": (20.1, 41.7), "importance": 61.99999999999999,
        "importance_interval": (48.5, 75.2), "findings": BLUR, "text": 'It is "blurred",\nsaid ä model.',
        "model": "seagull-mini-1.0", "pixels": PixelSource("stretched", 1, (2, 0), (0.1, 4095.7), 0.5),
        "interval_level": 0.8, "notes": ("The region is small.", "=1+1"), **said,
    }  # fmt: skip
    return QualityReport(region, **facts)  # type: ignore[arg-type]


REGIONS = (
    SessionRegion(
        Region(_ring(), "=HYPERLINK(\"http://x\")", RegionOrigin.DRAWN, "5f1c7d6e-7a55-4d0c-8f8e-1f6bb3f3a001"),
        (2, 0), "2026-11-26T06:30:00Z", RegionSource(SourceKind.ELLIPSE, "Shapes", ((0.1, 1 / 3), (2.0, 5.5))),
    ),
    SessionRegion(
        Region(_blobs(), "Vögel, 鳥 und 🐦", RegionOrigin.SEGMENTED, "5f1c7d6e-7a55-4d0c-8f8e-1f6bb3f3a002"),
        (2, 0), "2026-11-26T06:31:00Z", RegionSource(SourceKind.SEGMENT, "found"),
    ),
    SessionRegion(
        Region(RegionMask.from_box(SHAPE, (0, 0, 40, 12)), "'-a box", RegionOrigin.TILE, "box"),
        (2, 0), "", RegionSource(SourceKind.LABEL, "Labels", (), 7),
    ),
    SessionRegion(
        Region(RegionMask.from_box(SHAPE, (39, 59, 40, 60)), "", RegionOrigin.FILE, "one pixel"), (2, 0),
    ),
)  # fmt: skip

DOCUMENT = SessionDocument(
    image=SessionImage(
        SHAPE, "foto ä.tif", "", "", "ab" * 32, PixelSource("stretched", 1, (2, 0), (0.1, 4095.7), 0.5),
        (((2, 0), "ab" * 32), ((3, 0), "cd" * 32)),
    ),
    regions=REGIONS,
    reports=(
        SessionReport(_report(REGIONS[0].id), "ab" * 32),
        SessionReport(_report(REGIONS[1].id, findings=(), quality=7e-17, notes=()), "", True),
        SessionReport(_report(REGIONS[2].id, quality=None, quality_interval=None, importance=None,
                              importance_interval=None, findings=None, text="", pixels=None)),
    ),
    annotations=(
        Annotation(REGIONS[0].id, "Zoë", 12.3, None, BLUR, "=cmd|' /C calc'!A0", "2026-11-26T07:00:00Z", "n1"),
        Annotation(REGIONS[0].id, "Zoë", 1 / 7, 80.0, (), "better so", "2026-11-26T07:01:00Z", "n2"),
        Annotation(REGIONS[0].id, "", 30.0, None, None, "", "2026-11-26T07:02:00Z", "n3"),
        Annotation(REGIONS[3].id, "Zoë", None, 5.5, None, "only\r\nwords", "2026-11-26T07:03:00Z", "n4"),
    ),
    preferences=(Preference(REGIONS[0].id, REGIONS[1].id, False, "Zoë", "2026-11-26T07:04:00Z", "p1"),),
    annotator="Zoë",
    session="5e551011-0000-4000-8000-000000000001",
    journal=17,
)  # fmt: skip


def same_regions(one: SessionDocument, other: SessionDocument, *, sources: bool = True) -> None:
    """The same regions in the same order, to the pixel."""
    assert [region.id for region in one.regions] == [region.id for region in other.regions]
    for a, b in zip(one.regions, other.regions, strict=True):
        assert a.region.mask.box == b.region.mask.box
        assert np.array_equal(a.region.mask.inside, b.region.mask.inside)
        assert (a.region.name, a.region.origin, a.plane, a.created) == (
            b.region.name, b.region.origin, b.plane, b.created)  # fmt: skip
        assert not sources or a.source == b.source


def same_sayings(one: SessionDocument, other: SessionDocument) -> None:
    """The same reports and annotations, to the last digit."""
    assert one.reports == other.reports
    assert sorted(one.annotations, key=lambda note: note.id) == sorted(other.annotations, key=lambda note: note.id)


def same_document(one: SessionDocument, other: SessionDocument) -> None:
    """The same in everything."""
    same_regions(one, other)
    same_sayings(one, other)
    assert one.annotations == other.annotations and one.preferences == other.preferences
    assert (one.image, one.annotator, one.app, one.session, one.journal, one.saved) == (
        other.image, other.annotator, other.app, other.session, other.journal, other.saved)  # fmt: skip
