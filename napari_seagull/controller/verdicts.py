"""What people say of regions, under the name of who sits here, one step of undo each; and that person's settings."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from qtpy.QtCore import QObject, Signal

from napari_seagull.controller.desk import Desk
from napari_seagull.controller.rating_store import RatingStore
from napari_seagull.session.commands import Annotate, Command, Prefer, RemoveAnnotation
from napari_seagull.session.records import RegionRecord
from napari_seagull.views.rate_settings import RateSettings
from napari_seagull.views.verdict_draft import VerdictDraft
from seagull_iqa.domain.annotation import Annotation, Preference
from seagull_iqa.errors import SeagullError


class Verdicts(QObject):
    """The one who sits here, and what that person says."""

    settings_changed = Signal()

    def __init__(self, desk: Desk, store: RatingStore, parent: QObject) -> None:
        super().__init__(parent)
        self._desk, self._store = desk, store
        self._settings = store.read()

    @property
    def settings(self) -> RateSettings:
        """Name, order, habits and keys."""
        return self._settings

    @property
    def author(self) -> str:
        """The name of who sits here; may be empty."""
        return self._settings.author

    def change(self, settings: RateSettings) -> None:
        """Take these settings, and keep them for the next time."""
        if settings == self._settings:
            return
        self._settings = settings
        if problem := self._store.write(settings):
            self._desk.tell(problem)
        self.settings_changed.emit()

    def change_author(self, author: str) -> None:
        """Somebody else sits here."""
        self.change(replace(self._settings, author=author))

    def own(self, record: RegionRecord) -> Annotation | None:
        """What the one who sits here said last of a region."""
        return next((said for said in reversed(record.verdicts) if said.author == self.author), None)

    def say(self, region: str, draft: VerdictDraft) -> bool:
        """Keep what is said of a region; False where that changes nothing."""
        record = self._desk.session.regions.get(region)
        if record is None or draft.says_the_same(self.own(record)):
            return False
        return self._do([self._command(record, draft)])

    def say_of_all(self, regions: Iterable[str], change: Callable[[VerdictDraft], VerdictDraft]) -> None:
        """Change what is said of several regions, in one step."""
        commands = []
        for key in regions:
            record = self._desk.session.regions.get(key)
            said = None if record is None else self.own(record)
            draft = change(VerdictDraft.of(said))
            if record is not None and not draft.says_the_same(said):
                commands.append(self._command(record, draft))
        self._do(commands)

    def prefer(self, better: str, worse: str, *, equal: bool) -> bool:
        """Say which of two regions is better."""
        return self._do([Prefer(Preference(better, worse, equal, self.author))])

    def _command(self, record: RegionRecord, draft: VerdictDraft) -> Command:
        said = self.own(record)
        if said is not None and draft.says_the_same(None):
            return RemoveAnnotation(record.id, said.id)
        return Annotate(draft.annotation(record.id, self.author, said))

    def _do(self, commands: list[Command]) -> bool:
        try:
            self._desk.session.do_all(commands)
        except SeagullError as error:
            self._desk.tell(str(error))
            return False
        return bool(commands)
