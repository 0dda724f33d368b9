"""The steps that can be taken back: what people made, told apart from what the model said, with words for a menu."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from napari_seagull.session.commands import (
    AddRegion,
    Annotate,
    Change,
    Command,
    DeleteRegion,
    EditRegion,
    Prefer,
    Recall,
    RemoveAnnotation,
    RenameRegion,
    Restore,
)
from napari_seagull.session.records import RegionRecord, Table
from seagull_iqa.domain.annotation import Preference

MOST_STEPS = 1000
"""So many steps can be taken back."""

VERBS: dict[type, str] = {
    AddRegion: "Add",
    EditRegion: "Edit",
    RenameRegion: "Rename",
    DeleteRegion: "Delete",
    Annotate: "Label",
    RemoveAnnotation: "Take back the label of",
    Recall: "Bring in",
    Prefer: "Compare",
}
"""Commands that are steps of their own, and what a person calls them; all others belong to the model or the eye."""


def touched_ids(command: Command) -> tuple[str, ...]:
    """The regions a command of `VERBS` is about, and no others change by it; none for other commands."""
    match command:
        case AddRegion(region=region):
            return (region.id,)
        case EditRegion() | RenameRegion() | DeleteRegion() | RemoveAnnotation():
            return (command.region_id,)
        case Annotate(annotation=annotation):
            return (annotation.region,)
        case Recall(records=records):
            return tuple(record.id for record in records)
        case Prefer(preference=preference):
            return (preference.better, preference.worse)
        case _:
            return ()


@dataclass(frozen=True, eq=False)
class Step:
    """What one gesture made of the table; `text` is what a person reads behind "Undo"."""

    text: str
    changes: tuple[Change, ...]
    withdrawn: tuple[Preference, ...]
    given: tuple[Preference, ...]

    @property
    def forth(self) -> Restore:
        """The command that takes the step again."""
        return Restore(self.changes, self.withdrawn, self.given)

    @property
    def back(self) -> Restore:
        """The command that takes it back."""
        return Restore(tuple(change.reversed() for change in self.changes), self.given, self.withdrawn)


@dataclass(frozen=True, eq=False)
class Gesture:
    """Commands that belong together: where they began, and what they were."""

    key: Hashable
    before: Table
    commands: tuple[Command, ...]
    text: str = ""

    def step(self, after: Table) -> Step | None:
        """The step they make; None where people's part of the table is as it was."""
        ids = dict.fromkeys(key for command in self.commands for key in touched_ids(command))
        before = self.before
        changed = [key for key in ids if _differ(before.regions.get(key), after.regions.get(key))]
        places = _places(before, after, changed)
        changes = tuple(Change(before.regions.get(k), after.regions.get(k), places.get(k, 0)) for k in changed)
        old, new = before.preferences, after.preferences
        if old == new:
            withdrawn: tuple[Preference, ...] = ()
            given: tuple[Preference, ...] = ()
        else:
            withdrawn = tuple(one for one in old if one not in new)
            given = tuple(one for one in new if one not in old)
        if not changes and not withdrawn and not given:
            return None
        return Step(self.text or _text(self.commands, before, after), changes, withdrawn, given)


class History:
    """Steps that were taken, and steps that were taken back and can be taken again."""

    def __init__(self) -> None:
        self._done: list[Step] = []
        self._undone: list[Step] = []
        self._open: Gesture | None = None

    @property
    def last(self) -> Step | None:
        """The step that undo would take back."""
        return self._done[-1] if self._done else None

    @property
    def next(self) -> Step | None:
        """The step that redo would take again."""
        return self._undone[-1] if self._undone else None

    def note(self, gesture: Gesture, after: Table) -> bool:
        """Remember what was done; with what was done before in the same gesture it is one step. False for nothing."""
        steps = tuple(command for command in gesture.commands if type(command) in VERBS)
        if not steps:
            return False
        last, goes_on = self._open, gesture.key is not None
        continued = last is not None and goes_on and last.key == gesture.key
        if last is not None and continued:
            whole = Gesture(last.key, last.before, last.commands + steps, gesture.text or last.text)
        else:
            whole = Gesture(gesture.key, gesture.before, steps, gesture.text)
        step = whole.step(after)
        if step is None and not continued:
            return False
        if continued and self._done:
            self._done.pop()
        if step is not None:
            self._done = [*self._done[-MOST_STEPS + 1 :], step]
        self._undone.clear()
        self._open = whole if step is not None else None
        return True

    def go_back(self) -> Step | None:
        """The step to take back now; None where there is none."""
        self._open = None
        if not self._done:
            return None
        self._undone.append(self._done.pop())
        return self.next

    def go_forth(self) -> Step | None:
        """The step to take again now; None where there is none."""
        self._open = None
        if not self._undone:
            return None
        self._done.append(self._undone.pop())
        return self.last


def _differ(before: RegionRecord | None, after: RegionRecord | None) -> bool:
    """Whether people's part of a record has changed."""
    if before is None or after is None:
        return before is not after
    kept = ("source", "plane", "annotations", "geometry")
    return before.region.name != after.region.name or any(
        getattr(before, name) != getattr(after, name) for name in kept
    )


def _places(before: Table, after: Table, changed: Sequence[str]) -> dict[str, int]:
    """Where each region stood before it went, or stands since it came."""
    wanted = {key for key in changed if (key in before.regions) != (key in after.regions)}
    if not wanted:
        return {}
    stood = {key: place for place, key in enumerate(before.regions) if key in wanted}
    stands = {key: place for place, key in enumerate(after.regions) if key in wanted}
    return {**stood, **stands}


def _text(commands: Sequence[Command], before: Table, after: Table) -> str:
    """What a person calls it: "Delete 3 regions", "Rename “face”"."""
    verbs = dict.fromkeys(VERBS[type(command)] for command in commands)
    ids = list(dict.fromkeys(key for command in commands for key in touched_ids(command)))
    verb = next(iter(verbs)) if len(verbs) == 1 else next((v for v in ("Add", "Delete") if v in verbs), "Change")
    if len(verbs) > 1 and verb in ("Add", "Delete"):
        chosen = [command for command in commands if VERBS[type(command)] == verb]
        ids = list(dict.fromkeys(key for command in chosen for key in touched_ids(command)))
    if len(ids) != 1:
        return f"{verb} {len(ids)} regions"
    record = before.regions.get(ids[0]) or after.regions.get(ids[0])
    name = "" if record is None else record.region.name
    return f"{verb} “{name}”" if name else f"{verb} a region"
