"""The table and the card in panels of their own, beside those of the main panel and in step with them."""

from __future__ import annotations

from collections.abc import Callable

from napari_seagull.controller.card_desk import CardDesk
from napari_seagull.controller.desk import Desk
from napari_seagull.controller.display import Display
from napari_seagull.controller.region_deeds import RegionDeeds
from napari_seagull.controller.verdicts import Verdicts
from napari_seagull.controller.zooming import Zoom
from napari_seagull.views.region_panels import RegionsPanel, ReportPanel


class RegionsDesk:
    """Serves one panel "Regions" as long as it is open."""

    def __init__(
        self, desk: Desk, panel: RegionsPanel, display: Display, verdicts: Verdicts, zoom: Zoom,
        delete: Callable[[list[str]], None],
    ) -> None:  # fmt: skip
        self._display, self._box = display, panel.box
        self.deeds = RegionDeeds(desk, panel.box, verdicts, zoom, panel)
        panel.box.table.delete_wished.connect(delete)
        panel.closed.connect(self.close)
        display.tables.append(panel.box)
        display.refresh()

    def close(self) -> None:
        """Follow no more; harmless twice."""
        if self._box in self._display.tables:
            self._display.tables.remove(self._box)


class ReportDesk:
    """Serves one panel "Report" as long as it is open."""

    def __init__(self, panel: ReportPanel, display: Display, card: CardDesk) -> None:
        self._display, self._card = display, card
        panel.closed.connect(self.close)
        display.cards.append(card)
        card.show()

    def close(self) -> None:
        """Follow no more; harmless twice."""
        if self._card in self._display.cards:
            self._display.cards.remove(self._card)
        self._card.close()
