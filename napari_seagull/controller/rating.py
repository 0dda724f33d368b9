"""The rating mode: a key says something of a region, which is kept, and the next one is in the middle of the canvas."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from qtpy.QtCore import QObject

from napari_seagull.controller.desk import Desk
from napari_seagull.controller.key_gate import KeyGate
from napari_seagull.controller.pictures import Pictures
from napari_seagull.controller.rating_stage import PlainSwitch, RatingStage
from napari_seagull.controller.rating_walk import RatingWalk
from napari_seagull.controller.region_rows import rows_of
from napari_seagull.controller.verdicts import Verdicts
from napari_seagull.controller.zooming import Zoom
from napari_seagull.session.commands import Change, SelectRegions
from napari_seagull.session.records import RegionRecord
from napari_seagull.views.rate_message import rating_message
from napari_seagull.views.rate_panel import RatePanel, RateState
from napari_seagull.views.rate_settings import RateSettings
from napari_seagull.views.rating_keys import Act, Deed
from napari_seagull.views.verdict_draft import NUDGE, VerdictDraft
from seagull_iqa.domain.distortion import Distortion
from seagull_iqa.domain.levels import level_value


@dataclass(frozen=True)
class RatingParts:
    """What the rating mode works with, beside the desk.

    Attributes
    ----------
    verdicts : Verdicts
        Keeps what is said, and how the person rates.
    zoom : Zoom
        Brings a region to the middle.
    pictures : Pictures
        Shows a region small.
    show_plain : callable
        Leaves the scores off the canvas, or brings them back.
    undo, redo : callable
        Take the last step of the session back, or again; False where there is none.
    """

    verdicts: Verdicts
    zoom: Zoom
    pictures: Pictures
    show_plain: PlainSwitch
    undo: Callable[[], bool]
    redo: Callable[[], bool]


class Rater(QObject):
    """Goes from region to region, or from pair to pair, as the person's keys say."""

    def __init__(self, desk: Desk, panel: RatePanel, parts: RatingParts, parent: QObject) -> None:
        super().__init__(parent)
        self._desk, self._panel, self._parts = desk, panel, parts
        self.gate = KeyGate(self._on_key, self)
        self._on = self._pairs = self._model_shown = self._moving = False
        self._current: tuple[str, ...] = ()
        self._draft = VerdictDraft()
        self._closed = False
        self._alive = True
        self._walk = RatingWalk(desk.session, parts.verdicts)
        self._stage = RatingStage(desk, parts.show_plain)
        self._connect()
        panel.show_settings(parts.verdicts.settings)
        self._show()

    def _connect(self) -> None:
        panel, session = self._panel, self._desk.session
        panel.start_wished.connect(self.start)
        panel.stop_wished.connect(self.stop)
        panel.closed.connect(self.close)
        panel.destroyed.connect(self._on_panel_destroyed)
        panel.deed_wished.connect(self.do)
        panel.draft_wished.connect(self._on_draft_wished)
        panel.pairs_wished.connect(self._on_pairs_wished)
        panel.settings_wished.connect(self._on_settings_wished)
        self._parts.verdicts.settings_changed.connect(self._on_settings_changed)
        session.regions_changed.connect(self._on_regions_changed)
        session.selection_changed.connect(self._on_selection_changed)
        session.preferences_changed.connect(self._show)
        session.image_changed.connect(self._show)
        session.restored.connect(self._on_restored)

    def close(self) -> None:
        """Keep what was said, give the keys back, and listen no more; harmless twice."""
        if self._closed:
            return
        self._closed = True
        self.stop()
        session = self._desk.session
        session.regions_changed.disconnect(self._on_regions_changed)
        session.selection_changed.disconnect(self._on_selection_changed)
        session.preferences_changed.disconnect(self._show)
        session.image_changed.disconnect(self._show)
        session.restored.disconnect(self._on_restored)
        self._parts.verdicts.settings_changed.disconnect(self._on_settings_changed)
        if self._alive:
            for view in self._views():
                self._parts.pictures.forget(view)
            self._panel.show_state(RateState())

    @property
    def is_on(self) -> bool:
        """The keys rate."""
        return self._on

    @property
    def current(self) -> tuple[str, ...]:
        """The region, or the two, that it is about."""
        return self._current

    def start(self) -> None:
        """From now on the keys rate."""
        window = self._panel.window()
        if self._on or self._closed or window is None or not self._desk.session.regions:
            return
        self._on = True
        self._walk.begin()
        self._stage.set_up()
        self.gate.open(window)
        chosen = [key for key in self._desk.session.selection if self._walk.awaits(key)]
        self._begin(chosen[0] if len(chosen) == 1 else "")

    def stop(self) -> None:
        """Keep what was said, and give the keys back."""
        if not self._on:
            return
        self.keep()
        self._on = False
        self.gate.close()
        self._stage.strike()
        self._current = ()
        self._show()

    def _begin(self, region: str = "") -> None:
        if self._pairs:
            self._go_to_pair()
        else:
            self._go_to(region or self._walk.following(""))

    def _on_key(self, name: str) -> bool:
        if name in ("Ctrl+Z", "Ctrl+Shift+Z", "Ctrl+Y"):
            self._undo() if name == "Ctrl+Z" else self._parts.redo()
            return True
        deed = self._parts.verdicts.settings.keys.deed(name, pairs=self._pairs)
        if deed is not None:
            self.do(deed)
            if isinstance(deed, tuple) and deed[0] == "quality" and self._parts.verdicts.settings.quick:
                self.do(Act.NEXT)
        return deed is not None

    def do(self, deed: Deed) -> None:
        """Do what a key or a button means."""
        if not self._on:
            return
        if isinstance(deed, Act):
            self._act(deed)
        elif self._current and not self._pairs:
            self._say(deed)

    def _say(self, deed: Distortion | tuple[str, int]) -> None:
        draft = self._draft
        if isinstance(deed, Distortion):
            self._draft = draft.cycled(deed)
        elif deed[0] == "quality":
            self._draft = replace(draft, quality=level_value(deed[1]))
        else:
            self._draft = replace(draft, importance=level_value(deed[1]))
        self._show()

    def _act(self, act: Act) -> None:
        deeds: dict[Act, Callable[[], None]] = {
            Act.STOP: self.stop,
            Act.UNDO: self._undo,
            Act.NEXT: self._next,
            Act.SKIP: self._skip,
            Act.BACK: self._back,
            Act.MODEL: self._toggle_model,
            Act.HIGHER: lambda: self._on_draft_wished(self._draft.nudged(NUDGE)),
            Act.LOWER: lambda: self._on_draft_wished(self._draft.nudged(-NUDGE)),
            Act.CLEAN: lambda: self._on_draft_wished(self._draft.toggled_clean()),
            Act.LEFT: lambda: self._prefer(better=0),
            Act.RIGHT: lambda: self._prefer(better=1),
            Act.EQUAL: lambda: self._prefer(better=0, equal=True),
        }
        deeds[act]()

    def _next(self) -> None:
        if self._current and not self._pairs:
            self._moving = True  # what changes is shown once, with the next region
            self.keep()
            self._moving = False
            self._pass_on()

    def _skip(self) -> None:
        """Say nothing of what is shown, and go on."""
        if self._pairs:
            self._walk.skip_pair(self._current)
            self._go_to_pair()
        elif self._current:
            self._pass_on()

    def _pass_on(self) -> None:
        self._go_to(self._walk.passing(self._current[0]))

    def _back(self) -> None:
        self.keep()
        if not self._pairs and (region := self._walk.returning()):
            self._go_to(region)

    def _undo(self) -> None:
        """Take back what was not kept yet; where there is nothing, the last step."""
        if self._is_dirty():
            self._take_up(self._current[0])
            self._show()
        else:
            self._parts.undo()

    def _toggle_model(self) -> None:
        self._model_shown = not self._model_shown
        self._show()

    def _prefer(self, *, better: int, equal: bool = False) -> None:
        if self._pairs and len(self._current) == 2:
            self._parts.verdicts.prefer(self._current[better], self._current[1 - better], equal=equal)
            self._go_to_pair()

    def _go_to(self, region: str) -> None:
        self._current = (region,) if region else ()
        self._take_up(region)
        self._look_at(self._current)

    def _go_to_pair(self) -> None:
        self._current = self._walk.pair()
        self._look_at(self._current)

    def _look_at(self, ids: tuple[str, ...]) -> None:
        if ids:
            self._moving = True
            self._desk.session.do(SelectRegions(ids))
            self._moving = False
            self._parts.zoom.to(ids)
        self._show()

    def _take_up(self, region: str) -> None:
        record = self._desk.session.regions.get(region)
        self._draft = VerdictDraft() if record is None else VerdictDraft.of(self._parts.verdicts.own(record))

    def _is_dirty(self) -> bool:
        """Something was said of the region that is not kept yet."""
        record = self._desk.session.regions.get(self._current[0]) if self._current and not self._pairs else None
        return record is not None and not self._draft.says_the_same(self._parts.verdicts.own(record))

    def keep(self) -> None:
        """Keep what was said of the region that is shown."""
        if self._is_dirty():
            self._parts.verdicts.say(self._current[0], self._draft)

    def _on_panel_destroyed(self) -> None:
        self._alive = False
        self.close()

    def _on_draft_wished(self, draft: VerdictDraft) -> None:
        if self._on and self._current and not self._pairs:
            self._draft = draft
            self._show()

    def _on_pairs_wished(self, pairs: bool) -> None:
        self.keep()
        self._pairs = pairs
        if self._on:
            self._begin()
        self._show()

    def _on_settings_wished(self, settings: RateSettings) -> None:
        before = self._parts.verdicts.settings
        if settings.author != before.author:
            self.keep()
        self._parts.verdicts.change(settings)

    def _on_settings_changed(self) -> None:
        self._panel.show_settings(self._parts.verdicts.settings)
        if self._on and not self._pairs and not self._current:
            self._walk.begin()
            self._begin()
        self._show()

    def _on_regions_changed(self, _ids: tuple[str, ...]) -> None:
        if self._moving:
            return
        if self._on and any(key not in self._desk.session.regions for key in self._current):
            self._current = ()
            self._begin()
        self._show()

    def _on_selection_changed(self, ids: tuple[str, ...]) -> None:
        """Whoever clicks on another region wants to rate that one."""
        if self._on and not self._moving and not self._pairs and len(ids) == 1 and ids != self._current:
            self.keep()
            self._current = ids
            self._take_up(ids[0])
            self._show()

    def _on_restored(self, changes: tuple[Change, ...]) -> None:
        """Show what an undo has brought back."""
        back = [change.id for change in changes if change.id in self._desk.session.regions]
        if self._on and not self._pairs and back:
            self._walk.taken_up(back[0])
            self._go_to(back[0])

    def _views(self) -> tuple[Any, Any, Any]:
        return self._panel.single.picture, self._panel.pair.left, self._panel.pair.right

    def _records(self) -> list[RegionRecord]:
        return [self._desk.session.regions[key] for key in self._current if key in self._desk.session.regions]

    def _show(self) -> None:
        if not self._alive:
            return
        records, candidates = self._records(), self._walk.candidates()
        settings = self._parts.verdicts.settings
        message = rating_message(settings.keys, len(candidates), on=self._on, pairs=self._pairs)
        author = settings.author
        self._panel.show_state(
            RateState(
                on=self._on,
                pairs=self._pairs,
                rows=rows_of(records),
                draft=self._draft,
                done=sum(one.rated for one in candidates),
                total=len(candidates),
                compared=sum(one.author == author for one in self._desk.session.preferences),
                undo="what was not kept yet" if self._is_dirty() else self._desk.session.undo_text,
                message=message,
                model_shown=self._model_shown,
            )
        )
        single, left, right = self._views()
        for record, view in zip(records, (left, right) if self._pairs else (single,), strict=False):
            self._parts.pictures.show(record, view)
