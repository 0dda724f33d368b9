"""The session: what is on the table changes by commands only, and nothing the user made is lost."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from napari_seagull.session.commands import (
    AcceptMaps,
    AcceptReports,
    AddRegion,
    DeleteRegion,
    EditRegion,
    ImageOpened,
    MarkStale,
    OpenImage,
    QueueRegions,
    Rejection,
    RejectRegions,
    RenameRegion,
    SelectRegions,
)
from napari_seagull.session.records import LabelSource, RegionState, ShapeSource
from napari_seagull.session.session import Session
from seagull_iqa.domain.region import Region, RegionMask
from seagull_iqa.domain.report import PixelSource, QualityReport, ScoreMap
from seagull_iqa.errors import RegionError, ShapeMismatchError, UnknownRegionError
from seagull_iqa.imaging.prepared import PreparedImage

SHAPE = (20, 30)


def image_of(value: int, shape=SHAPE, **pixels) -> PreparedImage:
    return PreparedImage(np.full((*shape, 3), value, dtype=np.uint8), PixelSource(**pixels), name="sky")


def region_at(row: int, shape=SHAPE) -> Region:
    return Region(RegionMask.from_box(shape, (row, 2, row + 4, 9)), name=f"at {row}")


def report_of(region_id: str, quality: float = 40.0) -> QualityReport:
    return QualityReport(region_id, quality, (30.0, 50.0), 60.0, (50.0, 70.0), (), "Fine.", "tiny-1")


def score(session: Session, *ids: str, quality: float = 40.0) -> None:
    session.do(QueueRegions(ids))
    tickets = session.tickets(ids)
    session.do(AcceptReports(tuple((tickets[key], report_of(key, quality)) for key in ids)))


@pytest.fixture
def session() -> Session:
    session = Session()
    session.do(OpenImage(image_of(7), layer="photo"))
    return session


@pytest.fixture
def region(session: Session) -> Region:
    region = region_at(3)
    session.do(AddRegion(region, ShapeSource("Regions", "rectangle")))
    return region


def test_a_new_region_is_unscored_then_queued_then_scored(session, region):
    assert session.record(region.id).state is RegionState.UNSCORED
    session.do(QueueRegions((region.id,)))
    assert session.record(region.id).state is RegionState.QUEUED
    assert session.queued() == [region]
    ticket = session.tickets([region.id])[region.id]
    session.do(AcceptReports(((ticket, report_of(region.id, 81.0)),)))
    record = session.record(region.id)
    assert (record.state, record.report.quality) == (RegionState.SCORED, 81.0)
    assert session.queued() == []


def test_an_edited_region_keeps_its_old_report_and_becomes_stale(session, region):
    score(session, region.id, quality=12.0)
    session.do(EditRegion(region.id, RegionMask.from_box(SHAPE, (0, 0, 2, 2))))
    record = session.record(region.id)
    assert (record.state, record.report.quality) == (RegionState.STALE, 12.0)
    assert record.source == ShapeSource("Regions", "rectangle")


def test_an_edit_that_returns_to_the_scored_pixels_makes_the_report_count_again(session, region):
    score(session, region.id)
    session.do(EditRegion(region.id, RegionMask.from_box(SHAPE, (0, 0, 2, 2))))
    session.do(EditRegion(region.id, region.mask))
    assert session.record(region.id).state is RegionState.SCORED


def test_an_edit_without_other_pixels_leaves_an_open_request_open(session, region):
    session.do(QueueRegions((region.id,)))
    ticket = session.tickets([region.id])[region.id]
    session.do(EditRegion(region.id, region.mask, ShapeSource("Regions", "polygon")))
    assert session.tickets([region.id])[region.id] == ticket


def test_a_report_of_an_older_geometry_is_dropped(session, region):
    session.do(QueueRegions((region.id,)))
    late = session.tickets([region.id])[region.id]
    session.do(EditRegion(region.id, RegionMask.from_box(SHAPE, (0, 0, 2, 2))))
    session.do(QueueRegions((region.id,)))
    entry = session.do(AcceptReports(((late, report_of(region.id)),)))
    assert entry.changed == ()
    assert session.record(region.id).state is RegionState.QUEUED
    assert session.record(region.id).report is None


def test_only_the_newest_request_of_the_same_geometry_is_answered(session, region):
    session.do(QueueRegions((region.id,)))
    first = session.tickets([region.id])[region.id]
    session.do(QueueRegions((region.id,)))
    session.do(AcceptReports(((first, report_of(region.id)),)))
    assert session.record(region.id).state is RegionState.QUEUED


def test_a_report_of_another_image_is_dropped_and_the_region_may_be_asked_again(session, region):
    session.do(QueueRegions((region.id,)))
    late = session.tickets([region.id])[region.id]
    session.do(OpenImage(image_of(200), layer="photo"))
    session.do(AcceptReports(((late, report_of(region.id)),)))
    assert session.record(region.id).state is RegionState.UNSCORED


def test_a_report_of_a_deleted_region_is_dropped(session, region):
    session.do(QueueRegions((region.id,)))
    late = session.tickets([region.id])[region.id]
    session.do(DeleteRegion(region.id))
    assert session.do(AcceptReports(((late, report_of(region.id)),))).changed == ()
    assert not session.regions


def test_a_report_that_names_another_region_than_its_ticket_is_dropped(session, region):
    other = region_at(9)
    session.do(AddRegion(other))
    session.do(QueueRegions((region.id, other.id)))
    ticket = session.tickets([region.id])[region.id]
    assert session.do(AcceptReports(((ticket, report_of(other.id)),))).changed == ()


def test_an_error_keeps_the_region_and_its_old_report(session, region):
    score(session, region.id, quality=12.0)
    session.do(RejectRegions((Rejection(region.id, "The server went away.", "Start it again."),)))
    record = session.record(region.id)
    assert (record.state, record.error, record.hint) == (RegionState.ERROR, "The server went away.", "Start it again.")
    assert record.report.quality == 12.0
    score(session, region.id)
    assert (session.record(region.id).state, session.record(region.id).error) == (RegionState.SCORED, "")


def test_a_failure_of_an_older_request_does_not_disturb_the_newer(session, region):
    session.do(QueueRegions((region.id,)))
    old = session.tickets([region.id])[region.id]
    session.do(QueueRegions((region.id,)))
    session.do(RejectRegions((Rejection(region.id, "Superseded.", ticket=old),)))
    assert session.record(region.id).state is RegionState.QUEUED


def test_a_report_that_comes_after_an_error_of_the_region_is_dropped(session, region):
    session.do(QueueRegions((region.id,)))
    ticket = session.tickets([region.id])[region.id]
    session.do(RejectRegions((Rejection(region.id, "The shape lies outside the image."),)))
    session.do(AcceptReports(((ticket, report_of(region.id)),)))
    assert session.record(region.id).state is RegionState.ERROR


def test_another_image_makes_reports_stale_and_the_first_image_makes_them_count_again(session, region):
    score(session, region.id)
    session.do(OpenImage(image_of(200), layer="other"))
    assert session.record(region.id).state is RegionState.STALE
    session.do(OpenImage(image_of(7), layer="photo"))
    assert session.record(region.id).state is RegionState.SCORED


def test_putting_the_image_away_keeps_regions_and_reports(session, region):
    score(session, region.id)
    session.do(OpenImage(None))
    assert session.image is None
    assert (session.record(region.id).state, session.record(region.id).report.quality) == (RegionState.STALE, 40.0)


def test_an_image_of_another_size_says_so_at_each_region_and_the_old_image_mends_it(session, region):
    score(session, region.id)
    session.do(OpenImage(image_of(7, shape=(8, 8)), layer="small"))
    record = session.record(region.id)
    assert record.state is RegionState.ERROR
    assert "20 x 30" in record.error
    assert "8 x 8" in record.error
    session.do(QueueRegions((region.id,)))
    assert session.record(region.id).state is RegionState.ERROR
    session.do(OpenImage(image_of(7), layer="photo"))
    assert session.record(region.id).state is RegionState.SCORED


def test_scrolling_to_another_plane_leaves_the_scores_of_the_first_plane(session):
    session.do(OpenImage(image_of(1, plane=(0,)), layer="stack"))
    region = region_at(2)
    session.do(AddRegion(region, plane=(0,)))
    score(session, region.id)
    session.do(QueueRegions((region.id,)))
    ticket = session.tickets([region.id])[region.id]
    session.do(OpenImage(image_of(2, plane=(1,)), layer="stack"))
    assert session.queued() == []
    session.do(AcceptReports(((ticket, report_of(region.id, 55.0)),)))
    assert (session.record(region.id).state, session.record(region.id).report.quality) == (RegionState.SCORED, 55.0)


def test_a_region_on_a_plane_that_is_not_open_waits_until_it_is(session):
    session.do(OpenImage(image_of(1, plane=(0,)), layer="stack"))
    region = region_at(2)
    session.do(AddRegion(region, plane=(1,)))
    session.do(QueueRegions((region.id,)))
    assert (session.queued(), session.tickets([region.id])) == ([], {})
    session.do(OpenImage(image_of(2, plane=(1,)), layer="stack"))
    assert session.record(region.id).state is RegionState.UNSCORED
    score(session, region.id)
    assert session.record(region.id).state is RegionState.SCORED


def test_other_contrast_limits_make_the_reports_of_every_plane_stale(session):
    limits = (0.0, 100.0)
    session.do(OpenImage(image_of(1, plane=(0,), contrast_limits=limits), layer="stack"))
    region = region_at(2)
    session.do(AddRegion(region, plane=(0,)))
    score(session, region.id)
    session.do(OpenImage(image_of(2, plane=(1,), contrast_limits=(0.0, 50.0)), layer="stack"))
    assert session.record(region.id).state is RegionState.STALE


def test_marking_stale_drops_answers_on_their_way_and_does_not_come_undone(session, region):
    score(session, region.id)
    session.do(MarkStale())
    session.do(EditRegion(region.id, RegionMask.from_box(SHAPE, (0, 0, 2, 2))))
    session.do(EditRegion(region.id, region.mask))
    assert session.record(region.id).state is RegionState.STALE


def test_the_selection_holds_known_regions_only_and_forgets_deleted_ones(session, region):
    other = region_at(9)
    session.do(AddRegion(other))
    session.do(SelectRegions((other.id, region.id, other.id)))
    assert session.selection == (other.id, region.id)
    session.do(DeleteRegion(other.id))
    assert session.selection == (region.id,)
    with pytest.raises(UnknownRegionError, match="no region"):
        session.do(SelectRegions(("nobody",)))
    assert session.selection == (region.id,)


@pytest.mark.parametrize(
    "command",
    [
        EditRegion("nobody", RegionMask.whole(SHAPE)),
        RenameRegion("nobody", "x"),
        DeleteRegion("nobody"),
        QueueRegions(("nobody",)),
        RejectRegions((Rejection("nobody", "x"),)),
        MarkStale(("nobody",)),
    ],
    ids=lambda command: type(command).__name__,
)
def test_a_command_about_an_unknown_region_is_refused_and_not_logged(session, command):
    before, log = session.table, session.log
    with pytest.raises(UnknownRegionError):
        session.do(command)
    assert session.table is before
    assert session.log == log


def test_a_region_of_another_image_size_or_a_taken_id_is_refused(session, region):
    with pytest.raises(ShapeMismatchError, match="8 x 8"):
        session.do(AddRegion(region_at(0, shape=(8, 8))))
    with pytest.raises(RegionError, match="there already"):
        session.do(AddRegion(region))


def test_renaming_changes_the_name_and_not_the_score(session, region):
    score(session, region.id)
    session.do(RenameRegion(region.id, "the roof"))
    record = session.record(region.id)
    assert (record.region.name, record.state) == ("the roof", RegionState.SCORED)


def test_the_log_numbers_every_command_and_keeps_before_and_after(session, region):
    session.do(RenameRegion(region.id, "the roof"))
    session.do(DeleteRegion(region.id))
    assert [entry.number for entry in session.log] == [1, 2, 3, 4]
    opened, added, renamed, deleted = session.log
    assert isinstance(opened.command, ImageOpened)
    assert opened.command.facts.layer == "photo"
    assert added.before == {region.id: None}
    assert renamed.before[region.id].region.name == "at 3"
    assert renamed.after[region.id].region.name == "the roof"
    assert deleted.before[region.id] is renamed.after[region.id]
    assert deleted.after == {region.id: None}
    assert opened.time <= deleted.time


def test_the_regions_of_any_moment_can_be_rebuilt_from_the_log(session, region):
    score(session, region.id)
    session.do(EditRegion(region.id, RegionMask.from_box(SHAPE, (0, 0, 2, 2))))
    session.do(AddRegion(region_at(9), LabelSource("Labels", 4)))
    final = dict(session.regions)
    back = dict(session.regions)
    for entry in reversed(session.log):
        back.update(entry.before)
    assert all(record is None for record in back.values())
    for entry in session.log:
        back.update(entry.after)
    assert {key: record for key, record in back.items() if record is not None} == final


def test_signals_tell_once_of_what_changed_and_after_the_change(session):
    heard = []
    session.regions_changed.connect(lambda ids: heard.append((ids, len(session.regions))))
    session.selection_changed.connect(lambda ids: heard.append(ids))
    first, second = region_at(1), region_at(8)
    session.do_all([AddRegion(first), AddRegion(second), SelectRegions((second.id,))])
    assert heard == [((first.id, second.id), 2), (second.id,)]
    heard.clear()
    session.do(DeleteRegion(second.id))
    assert heard == [((second.id,), 1), ()]


def test_a_refused_command_among_several_leaves_those_before_it_and_tells_of_them(session):
    heard = []
    session.regions_changed.connect(heard.append)
    first = region_at(1)
    with pytest.raises(UnknownRegionError):
        session.do_all([AddRegion(first), DeleteRegion("nobody")])
    assert heard == [(first.id,)]


def test_maps_belong_to_one_image(session):
    maps = {"quality": ScoreMap("quality", np.zeros((2, 3), np.float32), SHAPE, 10.0, 20.0)}
    heard = []
    session.maps_changed.connect(lambda: heard.append(tuple(session.maps)))
    session.do(AcceptMaps("another image", maps))
    assert not session.maps
    session.do(AcceptMaps(session.image.sha256, maps))
    assert session.maps["quality"] is maps["quality"]
    session.do(OpenImage(image_of(7), layer="photo again"))
    assert session.maps
    session.do(OpenImage(image_of(9), layer="other"))
    assert not session.maps
    assert heard == [("quality",), ()]


def test_names_are_fresh(session, region):
    session.do(AddRegion(replace(region_at(9), name=session.next_name())))
    names = [record.region.name for record in session.regions.values()]
    assert session.next_name() not in names


def test_the_session_needs_neither_qt_nor_napari_nor_torch():
    script = "import sys, napari_seagull.session.session; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert "psygnal" in loaded
    assert not {"qtpy", "napari", "torch", "superqt", "fastapi"} & set(loaded)
