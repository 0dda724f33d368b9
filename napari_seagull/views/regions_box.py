"""The panel "Regions": what to show, the table, and what can be done with what is selected."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from napari_seagull.views.region_filter import FilterBar
from napari_seagull.views.region_table import RegionTable
from napari_seagull.views.rows import RegionRow
from napari_seagull.views.selection_bar import SelectionBar


class RegionsBox(QWidget):
    """Filter above, deeds below, the table between them; tells what the user wishes and changes nothing itself."""

    names_wished = Signal(dict)  # id -> new name

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("SEAGULL regions")
        self.filter = FilterBar(self)
        self.table = RegionTable(self)
        self.deeds = SelectionBar(self)
        self._ids: list[str] = []
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.filter)
        column.addWidget(self.table, 1)
        column.addWidget(self.deeds)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self._connect()

    def _connect(self) -> None:
        self.filter.changed.connect(self._on_filter_changed)
        self.table.selection_wished.connect(self._show_selection)
        self.table.regions.layoutChanged.connect(self._show_selection)  # names count in the order shown
        self.table.pattern_wished.connect(self.deeds.ask_names)
        self.deeds.copy_wished.connect(self.table.copy)
        self.deeds.delete_wished.connect(lambda: self.table.delete_wished.emit(self.table.selected_ids()))
        self.deeds.rename_wished.connect(self._on_rename_wished)

    def show_rows(self, rows: Sequence[RegionRow]) -> None:
        """Show these regions."""
        self.table.show_rows(rows)
        self._show_selection()

    def select(self, ids: Collection[str]) -> None:
        """Select these regions, without telling that the user wished it."""
        self.table.select(ids)
        self._show_selection()

    def _on_filter_changed(self, wanted: object) -> None:
        self.table.show_only(self.filter.wanted())
        self._show_selection()

    def _show_selection(self, *_ids: object) -> None:
        self._ids = self.table.selected_ids()
        chosen = set(self._ids)
        names = [row.name for row in self.table.regions.rows() if row.id in chosen] if chosen else []
        self.deeds.show_selection(names, *self.table.regions.counts)

    def _on_rename_wished(self, names: list[str]) -> None:
        self.names_wished.emit(dict(zip(self._ids, names, strict=True)))
