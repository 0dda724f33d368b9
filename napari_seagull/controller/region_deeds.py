"""What a person does to many regions at once in the panel "Regions"."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

from qtpy.QtCore import QObject
from qtpy.QtWidgets import QFileDialog

from napari_seagull.controller.desk import Desk
from napari_seagull.controller.verdicts import Verdicts
from napari_seagull.controller.zooming import Zoom
from napari_seagull.session.commands import RemoveAnnotation, RenameRegion, SelectRegions
from napari_seagull.views.region_export import as_csv
from napari_seagull.views.regions_box import RegionsBox


class RegionDeeds(QObject):
    """Hands the wishes of one such panel on, each as one step that undo takes back."""

    def __init__(self, desk: Desk, box: RegionsBox, verdicts: Verdicts, zoom: Zoom, parent: QObject) -> None:
        super().__init__(parent)
        self._desk, self._box, self._verdicts = desk, box, verdicts
        table, deeds = box.table, box.deeds
        table.selection_wished.connect(self.select)
        table.rename_wished.connect(lambda region, name: self.rename({region: name}))
        table.zoom_wished.connect(lambda region: zoom.to([region]))
        box.names_wished.connect(self.rename)
        deeds.rating_wished.connect(self._on_rating_wished)
        deeds.clean_wished.connect(self._on_clean_wished)
        deeds.unrate_wished.connect(self._on_unrate_wished)
        deeds.file_wished.connect(self._on_file_wished)

    def select(self, ids: list[str] | tuple[str, ...]) -> None:
        """Select these regions everywhere."""
        self._desk.session.do(SelectRegions(tuple(key for key in ids if key in self._desk.session.regions)))

    def rename(self, names: dict[str, str]) -> None:
        """Give each of these regions its new name."""
        regions = self._desk.session.regions
        self._desk.session.do_all([RenameRegion(key, name) for key, name in names.items() if key in regions and name])

    def _on_rating_wished(self, quality: float) -> None:
        self._verdicts.say_of_all(self._box.table.selected_ids(), lambda draft: replace(draft, quality=quality))

    def _on_clean_wished(self) -> None:
        chosen = self._box.table.selected_ids()
        self._verdicts.say_of_all(chosen, lambda draft: draft if draft.clean else draft.toggled_clean())

    def _on_unrate_wished(self) -> None:
        records = [self._desk.session.regions.get(key) for key in self._box.table.selected_ids()]
        said = [self._verdicts.own(record) for record in records if record is not None]
        self._desk.session.do_all([RemoveAnnotation(one.region, one.id) for one in said if one is not None])

    def _on_file_wished(self) -> None:
        start = f"seagull-regions-{date.today().isoformat()}.csv"
        name, _kind = QFileDialog.getSaveFileName(self._box, "Write these regions", start, "CSV (*.csv)")
        if name:
            self.write(Path(name))

    def write(self, path: Path) -> None:
        """Write the selected regions, or all that are shown, into a CSV file."""
        path = path if path.suffix else path.with_suffix(".csv")
        try:
            # The mark at the beginning tells spreadsheets that the letters are UTF-8.
            path.write_text(as_csv(self._box.table.rows_to_export()), encoding="utf-8-sig", newline="")
        except OSError as error:
            self._desk.tell(f"The file could not be written ({error.strerror or error}). Choose another place.")
        else:
            self._desk.note(f"Written: {path}.")
