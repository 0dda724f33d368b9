"""A card that follows the selection: the region's report and picture, the person's verdict, questions about it."""

from __future__ import annotations

from qtpy.QtCore import QObject

from napari_seagull.controller.asking import Asker
from napari_seagull.controller.desk import Desk
from napari_seagull.controller.pictures import Pictures
from napari_seagull.controller.region_rows import row_of
from napari_seagull.controller.verdicts import Verdicts
from napari_seagull.session.records import RegionRecord
from napari_seagull.views.report_card import ReportCard


class CardDesk(QObject):
    """Fills a card and takes what is said on it; several may be open at once."""

    def __init__(self, desk: Desk, card: ReportCard, verdicts: Verdicts, pictures: Pictures, asker: Asker) -> None:
        super().__init__(verdicts.parent())
        self._desk, self._card, self._closed = desk, card, False
        self._verdicts, self._pictures, self._asker = verdicts, pictures, asker
        card.verdict.verdict_wished.connect(verdicts.say)
        card.verdict.author_wished.connect(verdicts.change_author)
        verdicts.settings_changed.connect(self.show)
        desk.session.image_changed.connect(self._show_picture)
        asker.serve(card.ask)

    def close(self) -> None:
        """Follow no more; harmless twice."""
        if self._closed:
            return
        self._closed = True
        self._verdicts.settings_changed.disconnect(self.show)
        self._desk.session.image_changed.disconnect(self._show_picture)
        self._pictures.forget(self._card.picture)
        self._asker.leave(self._card.ask)

    def show(self) -> None:
        """Show the first of the selected regions as it stands now."""
        record, card = self._chosen(), self._card
        card.verdict.show_author(self._verdicts.author)
        if record is None:
            card.show_row(None)
        else:
            card.show_row(row_of(record), self._verdicts.own(record))
        self._show_picture()

    def _chosen(self) -> RegionRecord | None:
        session = self._desk.session
        return next((session.regions[key] for key in session.selection if key in session.regions), None)

    def _show_picture(self) -> None:
        self._pictures.show(self._chosen(), self._card.picture)
