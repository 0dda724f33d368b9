"""Steps are taken back and taken again: people's work to the letter, the model's words neither lost nor doubled."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_seagull.session.commands import (
    AcceptReports,
    AddRegion,
    Annotate,
    ChangeModel,
    DeleteRegion,
    EditRegion,
    OpenImage,
    Prefer,
    QueueRegions,
    Recall,
    Rejection,
    RejectRegions,
    RemoveAnnotation,
    RenameRegion,
    SelectRegions,
)
from napari_seagull.session.records import RegionRecord, RegionState, ShapeSource
from napari_seagull.session.session import Session
from seagull_iqa.domain.annotation import Annotation, Preference
from seagull_iqa.domain.region import Region, RegionMask
from seagull_iqa.domain.report import QualityReport
from seagull_iqa.errors import RegionError, UnknownRegionError
from seagull_iqa.imaging.prepared import PreparedImage

SHAPE = (6, 8)
IMAGE = PreparedImage(np.full((*SHAPE, 3), 7, dtype=np.uint8))


def mask_at(row: int, column: int = 0) -> RegionMask:
    return RegionMask.from_box(SHAPE, (row, column, row + 2, column + 2))


def report_of(region: str, quality: float = 5.0) -> QualityReport:
    return QualityReport(region, quality, None, None, None, (), "", "toy")


def score(session: Session, region: str, quality: float = 5.0) -> None:
    session.do(QueueRegions((region,)))
    session.do(AcceptReports(((session.tickets([region])[region], report_of(region, quality)),)))


def made_by_people(session: Session) -> tuple:
    """All that undo is about: regions in their order with name, pixels, source, plane, annotations; preferences."""
    regions = [
        (r.id, r.region.name, r.geometry, r.source, r.plane, r.annotations) for r in session.regions.values()
    ]
    return tuple(regions), session.preferences


@pytest.fixture
def session() -> Session:
    made = Session()
    made.do(OpenImage(IMAGE, "image"))
    return made


@pytest.fixture
def region(session) -> str:
    made = Region(mask_at(0), "face")
    session.do(AddRegion(made))
    return made.id


def test_nothing_can_be_undone_at_the_start(session):
    assert not session.can_undo and not session.can_redo
    assert session.undo() is None and session.redo() is None
    assert session.undo_text == ""


def test_each_kind_of_step_goes_back_and_forth_and_says_what_it_is(session, region):
    steps = [
        (EditRegion(region, mask_at(3)), "Edit “face”"),
        (RenameRegion(region, "nose"), "Rename “face”"),
        (Annotate(Annotation(region, "ann", quality=40.0)), "Label “nose”"),
        (DeleteRegion(region), "Delete “nose”"),
    ]
    states = [made_by_people(session)]
    for command, text in steps:
        session.do(command)
        assert session.undo_text == text
        states.append(made_by_people(session))
    for state, (_command, text) in zip(states[-2::-1], steps[::-1], strict=True):
        session.undo()
        assert session.redo_text == text
        assert made_by_people(session) == state
    for state in states[1:]:
        session.redo()
        assert made_by_people(session) == state
    assert not session.can_redo


def test_a_group_is_one_step_with_words_for_a_person(session):
    regions = [Region(mask_at(row), f"{row}") for row in range(4)]
    session.do_all([AddRegion(region) for region in regions])
    assert session.undo_text == "Add 4 regions"
    session.do_all([DeleteRegion(regions[index].id) for index in (3, 0, 2)])
    assert session.undo_text == "Delete 3 regions"
    session.undo()
    assert list(session.regions) == [region.id for region in regions]
    session.undo()
    assert not session.regions
    session.redo()
    session.redo()
    assert list(session.regions) == [regions[1].id]


def test_of_a_group_that_was_refused_half_way_what_stands_can_be_undone(session):
    fits, does_not = Region(mask_at(0)), Region(RegionMask.whole((2, 2)))
    with pytest.raises(RegionError):
        session.do_all([AddRegion(fits), AddRegion(does_not)])
    session.undo()
    assert not session.regions


def test_a_drag_is_one_step_however_often_it_tells(session, region):
    drag = object()
    for row in (1, 2, 3):
        session.do(EditRegion(region, mask_at(row)), gesture=drag)
    session.do(EditRegion(region, mask_at(4)), gesture=object())
    session.undo()
    assert session.record(region).geometry == RegionRecord(Region(mask_at(3))).geometry
    session.undo()
    assert session.record(region).region.mask.box == mask_at(0).box
    session.redo()
    assert session.record(region).region.mask.box == mask_at(3).box


def test_a_drag_that_ends_where_it_began_is_no_step(session, region):
    drag = object()
    session.do(EditRegion(region, mask_at(1)), gesture=drag)
    session.do(EditRegion(region, mask_at(0)), gesture=drag)
    assert session.undo_text == "Add “face”"


def test_what_only_follows_is_no_step_and_keeps_what_can_be_taken_again(session, region):
    session.do(RenameRegion(region, "nose"))
    session.undo()
    session.do_all([EditRegion(region, mask_at(2))], step=False)
    assert session.redo_text == "Rename “face”"
    session.redo()
    record = session.record(region)
    assert (record.region.name, record.region.mask.box) == ("nose", mask_at(2).box)


def test_a_new_step_forgets_those_that_were_taken_back(session, region):
    session.do(RenameRegion(region, "nose"))
    session.undo()
    session.do(RenameRegion(region, "ear"))
    assert not session.can_redo


def test_what_changes_nothing_is_no_step(session, region):
    source = ShapeSource("layer", "rectangle", ((0.0, 0.0), (2.0, 2.0)))
    session.do(EditRegion(region, mask_at(0), source))
    assert session.undo_text == "Edit “face”"
    session.do(EditRegion(region, mask_at(0), source))
    session.do(RenameRegion(region, "face"))
    session.undo()
    assert session.record(region).source is None


def test_the_models_words_are_no_steps_and_stay(session, region):
    score(session, region)
    session.do(SelectRegions((region,)))
    assert session.undo_text == "Add “face”"
    session.do(RenameRegion(region, "nose"))
    session.undo()
    record = session.record(region)
    assert record.state is RegionState.SCORED and record.report == report_of(region)


def test_a_region_that_is_brought_back_has_its_report_and_its_annotations(session, region):
    said = Annotation(region, "ann", quality=40.0)
    session.do(Annotate(said))
    score(session, region)
    session.do(DeleteRegion(region))
    session.undo()
    record = session.record(region)
    assert record.state is RegionState.SCORED
    assert record.report == report_of(region) and record.annotations == (said,)
    assert session.selection == (region,)


def test_a_region_that_was_added_scored_and_taken_back_comes_again_with_its_score(session, region):
    score(session, region, 61.0)
    session.undo()
    assert not session.regions
    session.redo()
    assert session.record(region).report.quality == 61.0
    assert session.record(region).state is RegionState.SCORED


def test_the_report_of_other_pixels_is_stale_after_undo_and_counts_again_after_redo(session, region):
    session.do(EditRegion(region, mask_at(3)))
    score(session, region)
    session.undo()
    assert session.record(region).state is RegionState.STALE
    assert session.record(region).report is not None
    session.redo()
    assert session.record(region).state is RegionState.SCORED


def test_an_answer_that_comes_while_a_region_is_away_is_not_lost(session, region):
    session.do(QueueRegions((region,)))
    ticket = session.tickets([region])[region]
    session.do(DeleteRegion(region))
    session.do(AcceptReports(((ticket, report_of(region)),)))
    assert region not in session.regions
    session.undo()
    assert session.record(region).state is RegionState.SCORED
    session.do(AcceptReports(((ticket, report_of(region, 99.0)),)))
    assert session.record(region).report.quality == 5.0


def test_an_answer_still_under_way_finds_the_region_that_came_back(session, region):
    session.do(QueueRegions((region,)))
    ticket = session.tickets([region])[region]
    session.do(DeleteRegion(region))
    session.undo()
    assert session.record(region).state is RegionState.QUEUED
    session.do(AcceptReports(((ticket, report_of(region)),)))
    assert session.record(region).state is RegionState.SCORED


def test_a_request_that_failed_while_the_region_was_away_is_made_anew(session, region):
    session.do(QueueRegions((region,)))
    ticket = session.tickets([region])[region]
    session.do(DeleteRegion(region))
    session.do(RejectRegions((Rejection(region, "It failed.", ticket=ticket),)))
    session.undo()
    assert session.record(region).state is RegionState.UNSCORED


def test_the_score_of_a_former_model_does_not_count_because_the_region_was_away(session, region):
    score(session, region)
    session.do(DeleteRegion(region))
    session.do(ChangeModel())
    session.undo()
    assert session.record(region).state is RegionState.STALE


def test_a_region_of_another_image_comes_back_and_says_so(session, region):
    session.do(DeleteRegion(region))
    session.do(OpenImage(PreparedImage(np.ones((3, 3, 3), dtype=np.uint8)), "other"))
    session.undo()
    assert session.record(region).state is RegionState.ERROR
    session.do(OpenImage(IMAGE, "image"))
    assert session.record(region).state is RegionState.UNSCORED


def test_preferences_are_taken_back_too(session, region):
    other = Region(mask_at(2))
    session.do(AddRegion(other))
    session.do(Prefer(Preference(region, other.id)))
    assert session.undo_text == "Compare 2 regions"
    told = []
    session.preferences_changed.connect(lambda: told.append(len(session.preferences)))
    session.undo()
    session.redo()
    assert told == [0, 1]


def test_whoever_draws_hears_what_was_restored(session, region):
    told = []
    session.restored.connect(told.append)
    session.do(DeleteRegion(region))
    session.undo()
    ((change,),) = told
    assert change.before is None and change.after is session.record(region)


def test_recalled_regions_are_one_step_and_their_reports_count_where_the_pixels_are_the_same(session, region):
    score(session, region)
    record = session.record(region)
    session.do(DeleteRegion(region))
    other = Session()
    other.do(OpenImage(PreparedImage(IMAGE.rgb + 1), "other"))
    for place, state in ((session, RegionState.SCORED), (other, RegionState.STALE)):
        place.do(Recall((record,)))
        assert place.record(region).state is state
        place.undo()
        assert region not in place.regions
    session.do(Recall((record,)))
    with pytest.raises(RegionError):
        session.do(Recall((record,)))


rows = st.integers(0, 3)
places = st.integers(0, 5)
texts = st.sampled_from(["a", "b", ""])
moves = st.one_of(
    st.tuples(st.just("add"), rows, texts),
    st.tuples(st.just("edit"), places, rows),
    st.tuples(st.just("rename"), places, texts),
    st.tuples(st.just("delete"), places, st.just(0)),
    st.tuples(st.just("label"), places, st.integers(0, 100)),
    st.tuples(st.just("unlabel"), places, st.just(0)),
    st.tuples(st.just("prefer"), places, places),
    st.tuples(st.just("score"), places, st.just(0)),
    st.tuples(st.just("open"), st.booleans(), st.just(0)),
)
groups = st.lists(st.tuples(st.sampled_from([None, "drag", "stroke"]), st.lists(moves, max_size=4)), max_size=12)


def commands_of(session: Session, group: list) -> list:
    """The group as commands on what is on the table now; those that make no sense are left for the rules to refuse."""
    ids = list(session.regions) or ["nobody"]
    made = []
    for kind, first, second in group:
        key = ids[first % len(ids)] if isinstance(first, int) else ""
        match kind:
            case "add":
                made.append(AddRegion(Region(mask_at(first), second)))
            case "edit":
                made.append(EditRegion(key, mask_at(second)))
            case "rename":
                made.append(RenameRegion(key, second))
            case "delete":
                made.append(DeleteRegion(key))
            case "label":
                made.append(Annotate(Annotation(key, "ann", quality=float(second), id=f"{second % 3}")))
            case "unlabel":
                made.append(RemoveAnnotation(key, "1"))
            case "prefer" if key != ids[second % len(ids)]:
                made.append(Prefer(Preference(key, ids[second % len(ids)], id=f"{first % 2}")))
            case "open":
                made.append(OpenImage(IMAGE if first else None, "image"))
    return made


@settings(max_examples=60, deadline=None)
@given(groups)
def test_undo_all_is_the_start_and_redo_all_is_the_end(script):
    session = Session()
    session.do(OpenImage(IMAGE, "image"))
    known = {made_by_people(session)}
    for gesture, group in script:
        with contextlib.suppress(RegionError, UnknownRegionError):
            session.do_all(commands_of(session, group), gesture=gesture)
        known.add(made_by_people(session))
        for kind, first, _second in group:
            ids = list(session.regions)
            if kind == "score" and ids and session.image is not None:
                score(session, ids[first % len(ids)])
    end, reports = made_by_people(session), {r.id: r.report for r in session.regions.values()}
    steps = 0
    while session.can_undo:
        session.undo()
        steps += 1
        assert made_by_people(session) in known
    assert made_by_people(session) == ((), ())
    for _step in range(steps):
        session.redo()
    assert not session.can_redo
    assert made_by_people(session) == end
    assert {r.id: r.report for r in session.regions.values()} == reports
