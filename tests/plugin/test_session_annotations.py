"""What people say of regions stands beside what the model says, and neither touches the other."""

from __future__ import annotations

import numpy as np
import pytest

from napari_seagull.session.commands import (
    AcceptReports,
    AddRegion,
    Annotate,
    ChangeModel,
    EditRegion,
    OpenImage,
    Prefer,
    QueueRegions,
    RemoveAnnotation,
)
from napari_seagull.session.records import RegionState
from napari_seagull.session.session import Session
from seagull_iqa.domain.annotation import Annotation, Preference
from seagull_iqa.domain.distortion import Distortion, Finding, Severity
from seagull_iqa.domain.region import Region, RegionMask
from seagull_iqa.domain.report import QualityReport
from seagull_iqa.errors import RegionError, UnknownRegionError
from seagull_iqa.imaging.prepared import PreparedImage

SHAPE = (6, 8)


@pytest.fixture
def session() -> Session:
    made = Session()
    made.do(OpenImage(PreparedImage(np.zeros((*SHAPE, 3), dtype=np.uint8)), "image"))
    return made


@pytest.fixture
def region(session) -> str:
    made = Region(RegionMask.from_box(SHAPE, (0, 0, 2, 2)), "face")
    session.do(AddRegion(made))
    return made.id


def test_an_annotation_stands_beside_the_report_and_changes_no_state(session, region):
    session.do(QueueRegions((region,)))
    said = Annotation(region, "ann", 40.0, findings=(Finding(Distortion.BLUR, Severity.SEVERE),))
    session.do(Annotate(said))
    assert session.record(region).state is RegionState.QUEUED
    report = QualityReport(region, 5.0, None, None, None, (), "", "toy")
    session.do(AcceptReports(((session.tickets([region])[region], report),)))
    record = session.record(region)
    assert (record.state, record.report, record.annotations) == (RegionState.SCORED, report, (said,))


def test_new_pixels_and_another_model_leave_what_people_said(session, region):
    said = Annotation(region, "ann", 40.0)
    session.do(Annotate(said))
    session.do(EditRegion(region, RegionMask.from_box(SHAPE, (2, 2, 4, 4))))
    session.do(ChangeModel())
    assert session.record(region).annotations == (said,)


def test_the_newest_of_each_author_counts_and_all_are_kept(session, region):
    first = Annotation(region, "ann", 40.0, time="2026-11-26T06:30:00Z")
    other = Annotation(region, "bob", 50.0, time="2026-11-26T06:31:00Z")
    late = Annotation(region, "ann", 45.0, time="2026-11-26T06:32:00Z")
    for said in (late, first, other):  # an import may bring them in any order
        session.do(Annotate(said))
    record = session.record(region)
    assert record.annotations == (late, first, other)
    assert record.verdicts == (late, other)


def test_of_two_annotations_in_the_same_second_the_later_one_counts(session, region):
    first, second = (Annotation(region, "ann", q, time="2026-11-26T06:30:00Z") for q in (40.0, 41.0))
    session.do(Annotate(first))
    session.do(Annotate(second))
    assert session.record(region).verdicts == (second,)


def test_the_same_annotation_again_takes_its_own_place(session, region):
    said = Annotation(region, "ann", 40.0, id="one")
    session.do(Annotate(said))
    again = Annotation(region, "ann", 60.0, id="one")
    session.do(Annotate(again))
    assert session.record(region).annotations == (again,)


def test_an_annotation_is_removed_and_the_one_before_counts_again(session, region):
    first, second = (Annotation(region, "ann", q, id=f"{q}") for q in (40.0, 41.0))
    session.do_all([Annotate(first), Annotate(second)])
    session.do(RemoveAnnotation(region, "41.0"))
    assert session.record(region).verdicts == (first,)
    with pytest.raises(RegionError):
        session.do(RemoveAnnotation(region, "41.0"))


def test_nobody_annotates_what_is_not_there_or_says_nothing(session, region):
    with pytest.raises(UnknownRegionError):
        session.do(Annotate(Annotation("nobody", "ann", 40.0)))
    with pytest.raises(RegionError):
        session.do(Annotate(Annotation(region, "ann")))
    assert not session.record(region).annotations


def test_preferences_are_kept_in_order_each_once(session, region):
    one, two = Preference(region, "other", id="1"), Preference("other", region, id="2")
    again = Preference(region, "other", equal=True, id="1")
    for said in (one, two, again):
        session.do(Prefer(said))
    assert session.preferences == (again, two)
    assert session.log[-1].preferences_after == (again, two)
    assert session.log[-1].preferences_before == (one, two)
    assert session.log[-1].changed == ()
