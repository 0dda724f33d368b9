"""The one place where the plugin remembers: the table, the commands that changed it, and who wants to know."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from psygnal import Signal

from napari_seagull.session.commands import Change, Command, ImageOpened, OpenImage, PutAway, Restore
from napari_seagull.session.history import VERBS, Gesture, History, touched_ids
from napari_seagull.session.records import ImageFacts, RegionRecord, Table, Ticket
from napari_seagull.session.rules import apply
from seagull_iqa.domain.annotation import Preference
from seagull_iqa.domain.region import Region
from seagull_iqa.domain.report import ScoreMap
from seagull_iqa.imaging.prepared import PreparedImage


@dataclass(frozen=True, eq=False)
class LogEntry:
    """One accepted command, and enough to take it back.

    Attributes
    ----------
    number : int
        1, 2, 3, ... in the order of acceptance.
    time : datetime
        When, in UTC.
    command : Command or ImageOpened
        What was done; of an image only its facts are kept.
    before, after : mapping of str to RegionRecord or None
        The regions that changed; None where there was, or is, none.
    selection_before, selection_after : tuple of str
        Ids.
    preferences_before, preferences_after : tuple of Preference or None
        All of them; None where the command changed none.
    """

    number: int
    time: datetime
    command: Command | ImageOpened
    before: Mapping[str, RegionRecord | None]
    after: Mapping[str, RegionRecord | None]
    selection_before: tuple[str, ...]
    selection_after: tuple[str, ...]
    preferences_before: tuple[Preference, ...] | None = None
    preferences_after: tuple[Preference, ...] | None = None

    @property
    def changed(self) -> tuple[str, ...]:
        """Ids of the regions that came, went or changed."""
        return tuple(self.after)


class Session:
    """What the user has on the table; changed only by commands, from one thread.

    Signals are emitted after the change: `accepted(entries)` first, so that they can be written down before anybody
    shows them; `image_changed()`, `regions_changed(ids)` (added, changed or deleted), `selection_changed(ids)`,
    `maps_changed()`, `preferences_changed()`; `restored(changes)` after a step was taken back or taken again;
    `history_changed()`.
    """

    accepted: ClassVar[Signal] = Signal(tuple)
    image_changed: ClassVar[Signal] = Signal()
    regions_changed: ClassVar[Signal] = Signal(tuple)
    selection_changed: ClassVar[Signal] = Signal(tuple)
    maps_changed: ClassVar[Signal] = Signal()
    preferences_changed: ClassVar[Signal] = Signal()
    restored: ClassVar[Signal] = Signal(tuple)
    history_changed: ClassVar[Signal] = Signal()

    def __init__(self) -> None:
        self._table = Table()
        self._log: list[LogEntry] = []
        self._history = History()

    @property
    def table(self) -> Table:
        """Everything at this moment; immutable."""
        return self._table

    @property
    def image(self) -> PreparedImage | None:
        """The plane on screen, ready to be scored."""
        return self._table.image

    @property
    def image_layer(self) -> str:
        """Name of the Image layer the image came from; "" where there is none."""
        return self._table.layer

    @property
    def regions(self) -> Mapping[str, RegionRecord]:
        """Every record by id, in the order the regions were added; immutable."""
        return self._table.regions

    @property
    def selection(self) -> tuple[str, ...]:
        """Ids of the selected regions."""
        return self._table.selection

    @property
    def maps(self) -> Mapping[str, ScoreMap]:
        """Maps of the present image by name; empty where none were made."""
        return self._table.maps

    @property
    def preferences(self) -> tuple[Preference, ...]:
        """Which of two regions people found better, oldest first."""
        return self._table.preferences

    @property
    def can_undo(self) -> bool:
        """There is a step to take back."""
        return self._history.last is not None

    @property
    def can_redo(self) -> bool:
        """There is a step that was taken back."""
        return self._history.next is not None

    @property
    def undo_text(self) -> str:
        """What the step is that undo takes back, "Delete 3 regions"; "" for none."""
        return "" if self._history.last is None else self._history.last.text

    @property
    def redo_text(self) -> str:
        """What the step is that redo takes again; "" for none."""
        return "" if self._history.next is None else self._history.next.text

    @property
    def log(self) -> Sequence[LogEntry]:
        """Every accepted command, oldest first."""
        return tuple(self._log)

    def record(self, region_id: str) -> RegionRecord:
        """The record of a region; `UnknownRegionError` if there is none."""
        return self._table.record(region_id)

    def tickets(self, region_ids: Iterable[str]) -> dict[str, Ticket]:
        """Id -> open request of each region that is queued and whose plane is open; give it back with the report."""
        asked = {region_id: self.record(region_id).asked for region_id in region_ids}
        return {region_id: ticket for region_id, ticket in asked.items() if ticket is not None and ticket.image}

    def queued(self) -> list[Region]:
        """The regions that wait for a score and lie on the plane of the present image, oldest first."""
        here = "" if self.image is None else self.image.sha256
        records = self._table.regions.values()
        return [r.region for r in records if r.asked is not None and r.asked.image == here and here]

    def next_name(self) -> str:
        """A name that no region has: "Region 1", "Region 2", ..."""
        taken = {record.region.name for record in self._table.regions.values()}
        number = len(taken) + 1
        while f"Region {number}" in taken:
            number += 1
        return f"Region {number}"

    def do(self, command: Command, *, gesture: Hashable = None) -> LogEntry:
        """Carry out a command, log it and tell of it; see `do_all` for `gesture`.

        Returns
        -------
        LogEntry
            `changed` names the regions it touched; a report that came too late touches none.

        Raises
        ------
        UnknownRegionError
            No such region; nothing is changed or logged.
        RegionError
            The region does not fit; nothing is changed or logged.
        """
        return self.do_all([command], gesture=gesture)[0]

    def do_all(
        self, commands: Iterable[Command], *, text: str = "", gesture: Hashable = None, step: bool = True
    ) -> list[LogEntry]:
        """Carry out several commands and tell of them once; where one is refused, those before it stand.

        Parameters
        ----------
        commands : iterable of Command
            What people did among them is taken back by one `undo`.
        text : str
            What that step is called; "" finds words itself.
        gesture : hashable or None
            What is done under one gesture without another step between is one step: a drag, say.
        step : bool
            False where the commands only follow from something that no undo takes back: the image was moved, say.
        """
        before, done = self._table, list[LogEntry]()
        carried: list[Command] = []
        try:
            for command in commands:
                done.append(self._accept(command))
                carried.append(command)
        finally:
            noted = step and self._history.note(Gesture(gesture, before, tuple(carried), text), self._table)
            self._tell(before, done, history=noted)
        return done

    def undo(self) -> LogEntry | None:
        """Take the last step back; None where there is none. What the model said meanwhile stays."""
        step = self._history.go_back()
        return None if step is None else self._restore(step.back)

    def redo(self) -> LogEntry | None:
        """Take the step again that was taken back last; None where there is none."""
        step = self._history.go_forth()
        return None if step is None else self._restore(step.forth)

    def _restore(self, command: Restore) -> LogEntry:
        before = self._table
        entry = self._accept(command)
        self._tell(before, [entry], history=True)
        changes = (Change(entry.before[key], entry.after[key]) for key in entry.changed)
        self.restored.emit(tuple(changes))
        return entry

    def _accept(self, command: Command) -> LogEntry:
        before, number = self._table, len(self._log) + 1
        after = apply(command, before, number)
        # In a long group of steps, to look at every region for each of them would take the square of their number.
        changed = _changed(before, after, touched_ids(command) if type(command) in VERBS else None)
        preferring = after.preferences != before.preferences
        entry = LogEntry(
            number=number,
            time=datetime.now(UTC),
            command=_as_logged(command),
            before={key: before.regions.get(key) for key in changed},
            after={key: after.regions.get(key) for key in changed},
            selection_before=before.selection,
            selection_after=after.selection,
            preferences_before=before.preferences if preferring else None,
            preferences_after=after.preferences if preferring else None,
        )
        self._table = after
        self._log.append(entry)
        if isinstance(command, PutAway):
            self._history = History()
        return entry

    def _tell(self, before: Table, entries: Sequence[LogEntry], *, history: bool = False) -> None:
        after = self._table
        changed = _changed(before, after)
        if entries:
            self.accepted.emit(tuple(entries))
        if after.image is not before.image or after.layer != before.layer:
            self.image_changed.emit()
        if changed:
            self.regions_changed.emit(changed)
        if after.selection != before.selection:
            self.selection_changed.emit(after.selection)
        if after.maps is not before.maps:
            self.maps_changed.emit()
        if after.preferences != before.preferences:
            self.preferences_changed.emit()
        if history:
            self.history_changed.emit()


def _changed(before: Table, after: Table, among: Sequence[str] | None = None) -> tuple[str, ...]:
    if before.regions is after.regions:
        return ()
    ids = dict.fromkeys([*before.regions, *after.regions] if among is None else among)
    return tuple(key for key in ids if before.regions.get(key) is not after.regions.get(key))


def _as_logged(command: Command) -> Command | ImageOpened:
    if not isinstance(command, OpenImage):
        return command
    image = command.image
    return ImageOpened(
        None if image is None else ImageFacts(image.sha256, image.shape, image.name, command.layer, image.pixels)
    )
