"""Whatever is done to the session in whatever order, some things always hold."""

from __future__ import annotations

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from napari_seagull.session.commands import (
    AcceptReports,
    AddRegion,
    DeleteRegion,
    EditRegion,
    MarkStale,
    OpenImage,
    QueueRegions,
    Rejection,
    RejectRegions,
    RenameRegion,
    SelectRegions,
)
from napari_seagull.session.records import RegionState
from napari_seagull.session.session import Session
from seagull_iqa.domain.region import Region, RegionMask
from seagull_iqa.domain.report import PixelSource, QualityReport
from seagull_iqa.errors import RegionError
from seagull_iqa.imaging.prepared import PreparedImage

SHAPE = (6, 8)
IMAGES = [
    PreparedImage(np.full((*shape, 3), value, dtype=np.uint8), PixelSource(plane=(plane,)))
    for value, plane, shape in [(1, 0, SHAPE), (2, 0, SHAPE), (3, 1, SHAPE), (4, 0, (5, 5))]
]
masks = st.builds(
    lambda row, column: RegionMask.from_box(SHAPE, (row, column, row + 2, column + 2)), *[st.integers(0, 3)] * 2
)
planes = st.sampled_from([(0,), (1,)])


class AnyOrder(RuleBasedStateMachine):
    """A person, a model and a network that do as they please."""

    regions = Bundle("regions")
    tickets = Bundle("tickets")

    def __init__(self) -> None:
        super().__init__()
        self.session = Session()
        self.alive: set[str] = set()
        self.told: set[str] = set()
        self.seen = dict(self.session.regions)
        self.session.regions_changed.connect(self.told.update)

    def attempt(self, command) -> None:
        before = self.session.table
        try:
            self.session.do(command)
        except RegionError:
            assert self.session.table is before

    @rule(image=st.sampled_from([None, *IMAGES]), layer=st.sampled_from(["a", "b"]))
    def open_image(self, image, layer):
        self.session.do(OpenImage(image, layer))

    @rule(target=regions, mask=masks, plane=planes)
    def add(self, mask, plane):
        region = Region(mask)
        self.attempt(AddRegion(region, plane=plane))
        self.alive |= {region.id} & set(self.session.regions)
        return region.id

    @rule(region=regions, mask=masks)
    def edit(self, region, mask):
        self.attempt(EditRegion(region, mask))

    @rule(region=regions)
    def rename(self, region):
        self.attempt(RenameRegion(region, "x"))

    @rule(region=consumes(regions))
    def delete(self, region):
        self.attempt(DeleteRegion(region))
        self.alive.discard(region)

    @rule(target=tickets, region=regions)
    def queue(self, region):
        self.attempt(QueueRegions((region,)))
        return self.session.regions[region].asked if region in self.session.regions else None

    @rule(ticket=tickets)
    def answer(self, ticket):
        if ticket is not None:
            report = QualityReport(ticket.region, 5.0, None, None, None, (), "", f"{ticket.request}")
            self.session.do(AcceptReports(((ticket, report),)))

    @rule(ticket=tickets)
    def fail(self, ticket):
        if ticket is not None:
            self.attempt(RejectRegions((Rejection(ticket.region, "It failed.", ticket=ticket),)))

    @rule(region=regions)
    def spoil(self, region):
        self.attempt(RejectRegions((Rejection(region, "It lies outside."),)))

    @rule()
    def outdate(self):
        self.session.do(MarkStale())

    @rule(region=regions)
    def select(self, region):
        self.attempt(SelectRegions((region,)))

    @rule(forth=st.booleans())
    def take_back(self, forth):
        entry = self.session.redo() if forth else self.session.undo()
        for region, record in () if entry is None else entry.after.items():
            (self.alive.discard if record is None else self.alive.add)(region)

    @invariant()
    def only_deleting_and_undoing_lose_a_region(self):
        assert set(self.session.regions) == self.alive

    @invariant()
    def the_state_says_what_the_record_holds(self):
        for record in self.session.regions.values():
            assert (record.state is RegionState.QUEUED) == (record.asked is not None)
            assert (record.state is RegionState.ERROR) == bool(record.error)
            assert record.report is not None or record.state not in (RegionState.SCORED, RegionState.STALE)

    @invariant()
    def a_score_that_counts_is_of_these_very_pixels(self):
        for record in self.session.regions.values():
            if record.state is RegionState.SCORED:
                assert record.answered.geometry == record.geometry
                assert record.answered.image == self.session.table.sha256_of(record.plane) != ""
                assert record.report.model == f"{record.answered.request}"

    @invariant()
    def the_selection_is_on_the_table(self):
        assert set(self.session.selection) <= set(self.session.regions)

    @invariant()
    def whoever_listens_hears_of_every_change(self):
        now = dict(self.session.regions)
        changed = {key for key in {*now, *self.seen} if now.get(key) is not self.seen.get(key)}
        assert self.told == changed
        self.told.clear()
        self.seen = now

    def teardown(self):
        back = dict(self.session.regions)
        for entry in reversed(self.session.log):
            for key, record in entry.after.items():
                assert back.get(key) is record
            back.update(entry.before)
        assert not any(back.values())


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
