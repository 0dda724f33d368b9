"""A folder laid out as SEAGULL-7B is, at toy size, chosen in a real napari and run by the real server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from qtpy.QtCore import Qt

from napari_seagull.controller.desk import role_of
from napari_seagull.views.draw_bar import Tool

pytestmark = pytest.mark.skipif(
    sys.platform.startswith("linux") and not os.environ.get("DISPLAY"), reason="wants a screen (xvfb-run)"
)

WRITER = Path(__file__).parents[1] / "backend" / "synthetic_checkpoint.py"
WRITE = "import pathlib, sys, synthetic_checkpoint as s; s.write_checkpoint(pathlib.Path(sys.argv[1]), s.TOY)"
WAIT_MS = 240_000
"""The server gives way to everything else on the machine."""


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A folder of models in which seagull-7b lies; written by a process of its own, since no torch is wanted here."""
    made = tmp_path / "Möwen zu Hause"
    beside = {**os.environ, "PYTHONPATH": str(WRITER.parent)}
    subprocess.run([sys.executable, "-c", WRITE, str(made / "seagull-7b")], check=True, env=beside, timeout=120)
    for name, value in (("SEAGULL_MODELS", str(made)), ("SEAGULL_OFFLINE", "1")):
        monkeypatch.setenv(name, value)
    return made


@pytest.mark.timeout(900)
def test_the_full_model_is_used_asked_and_mapped_in_napari(home, qtbot, make_napari_viewer_proxy):
    viewer = make_napari_viewer_proxy(show=True).__wrapped__
    viewer.open_sample("napari-seagull", "girl")
    _dock, panel = viewer.window.add_plugin_dock_widget("napari-seagull", "SEAGULL region quality")
    controller, form, ask = panel.controller, panel.model_form, panel.card.ask

    def until(holds) -> None:
        qtbot.waitUntil(holds, timeout=WAIT_MS)

    until(lambda: controller.backend.client is not None)
    panel.draw_bar.tool_wished.emit(Tool.RECTANGLE)
    controller.shapes.layer.add_rectangles([[80, 340], [300, 480]])
    panel.models.open()
    until(lambda: form.list.findData("seagull-7b") >= 0)
    form.list.setCurrentIndex(form.list.findData("seagull-7b"))
    form.list.activated.emit(form.list.currentIndex())
    qtbot.mouseClick(form.use_button, Qt.MouseButton.LeftButton)
    until(lambda: controller.is_idle and any(_is_full(record) for record in controller.session.regions.values()))
    (record,) = controller.session.regions.values()
    assert record.report.notes
    panel.table.selectRow(0)
    assert panel.card.remarks.text()
    until(ask.isVisible)
    ask.line.setText("What is wrong here?")
    qtbot.keyClick(ask.line, Qt.Key.Key_Return)
    until(lambda: "Answered by seagull-7b" in ask.note.text())
    assert ask.answer.toPlainText()
    assert [panel.map_bar.list.itemData(line) for line in range(panel.map_bar.list.count())] == ["quality", "weight"]
    qtbot.mouseClick(panel.map_bar.make_button, Qt.MouseButton.LeftButton)
    until(lambda: controller.mapper.is_idle and bool(controller.session.maps))
    assert [layer.name for layer in viewer.layers if role_of(layer) == "map"] == ["Quality map: girl"]


def _is_full(record) -> bool:
    return record.report is not None and record.report.model.startswith("seagull-7b")
