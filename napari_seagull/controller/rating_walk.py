"""Where the rating mode has been, and where it goes: region after region, or pair after pair."""

from __future__ import annotations

from napari_seagull.controller.rating_order import Candidate, candidate_of, next_pair, next_region
from napari_seagull.controller.verdicts import Verdicts
from napari_seagull.session.records import RegionRecord
from napari_seagull.session.session import Session


class RatingWalk:
    """Remembers what was passed in this sitting, and finds what comes next."""

    def __init__(self, session: Session, verdicts: Verdicts) -> None:
        self._session, self._verdicts = session, verdicts
        self._visited: list[str] = []
        self._passed: set[str] = set()
        self._skipped: set[frozenset[str]] = set()
        self._author = verdicts.author
        self._known: dict[str, tuple[RegionRecord, Candidate]] = {}

    def begin(self) -> None:
        """A new sitting: what was skipped comes again."""
        self._passed.clear()
        self._skipped.clear()

    def candidates(self) -> list[Candidate]:
        """All regions, in the order in which they were made."""
        author = self._verdicts.author
        before = self._known if author == self._author else {}
        self._author, self._known = author, {}
        for key, record in self._session.regions.items():  # made once for what has not changed
            known = before.get(key)
            self._known[key] = known if known and known[0] is record else (record, candidate_of(record, author))
        return [candidate for _record, candidate in self._known.values()]

    def awaits(self, region: str) -> bool:
        """Whether a region still waits for this person."""
        record = self._session.regions.get(region)
        return record is not None and (self._verdicts.settings.again or self._verdicts.own(record) is None)

    def following(self, current: str) -> str:
        """The region that comes after the current one; "" for none."""
        settings, candidates = self._verdicts.settings, self.candidates()
        rated = set() if settings.again else {one.id for one in candidates if one.rated}
        return next_region(candidates, settings.order, current, self._passed | rated)

    def passing(self, region: str) -> str:
        """The region that comes when this one has been dealt with."""
        self._passed.add(region)
        self._visited.append(region)
        return self.following(region)

    def returning(self) -> str:
        """The region that was dealt with last; "" for none."""
        while self._visited:
            region = self._visited.pop()
            if region in self._session.regions:
                self._passed.discard(region)
                return region
        return ""

    def taken_up(self, region: str) -> None:
        """That region is looked at again."""
        self._passed.discard(region)

    def pair(self) -> tuple[str, ...]:
        """The two regions of this image, of any of its planes, that are compared next; () for none."""
        image, regions = self._session.image, self._session.regions
        axes = 0 if image is None else len(image.pixels.plane)
        here = [one for one in self.candidates() if len(regions[one.id].plane) == axes]
        own = [one for one in self._session.preferences if one.author == self._verdicts.author]
        return next_pair(here, self._verdicts.settings.order, own, self._skipped) or ()

    def skip_pair(self, ids: tuple[str, ...]) -> None:
        """These two are not compared in this sitting."""
        self._skipped.add(frozenset(ids))
