"""Fine-tuning in a real napari with the real server: rate by keys, train, use, see the scores change, and go back."""

from __future__ import annotations

import os
import sys

import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_seagull.connection.backend import Backend, Patience
from napari_seagull.connection.process import LocalServer
from napari_seagull.controller.controller import Controller
from napari_seagull.views.panel import Panel
from napari_seagull.views.rate_panel import RatePanel
from napari_seagull.views.tune_panel import TunePanel
from seagull_iqa.domain.fine_tuning import TuneState
from seagull_iqa.samples import samples

pytestmark = pytest.mark.skipif(
    sys.platform.startswith("linux") and not os.environ.get("DISPLAY"), reason="wants a screen (xvfb-run)"
)

LEFT = Qt.MouseButton.LeftButton
DIGITS = (Qt.Key.Key_1, Qt.Key.Key_2, Qt.Key.Key_3, Qt.Key.Key_4, Qt.Key.Key_5)
BOXES = [[[r, c], [r, c + 60], [r + 60, c + 60], [r + 60, c]] for r in (10, 90) for c in (10, 90)]
STEP = 3
"""Every third pixel of the samples is enough here."""


@pytest.fixture
def models(tmp_path, monkeypatch):
    for name in ("MODELS", "CACHE"):
        monkeypatch.setenv(f"SEAGULL_{name}", str(tmp_path / name))


def test_a_dozen_regions_rated_by_keys_make_a_model_that_scores_otherwise_and_can_be_rolled_back(
    qtbot, make_napari_viewer_proxy, models
):
    viewer = make_napari_viewer_proxy(show=True).__wrapped__
    backend = Backend(LocalServer(), patience=Patience(leave_s=3.0))
    panel, rate, tune = Panel(), RatePanel(), TunePanel()
    viewer.window.add_dock_widget(panel, name="SEAGULL region quality")
    controller = Controller(viewer, panel, backend=backend)
    controller.start()
    rater = controller.rate_in(rate)
    docks = [viewer.window.add_dock_widget(part, name=part.objectName()) for part in (rate, tune)]
    tuner = controller.tune_in(tune, lambda: rater)
    qtbot.waitUntil(lambda: controller.backend.client is not None, timeout=150_000)

    def settle():
        for _again in range(3):
            qtbot.wait(50)
            qtbot.waitUntil(lambda: controller.is_idle and tuner.is_idle, timeout=150_000)

    def scores():
        records = controller.session.regions.values()
        return {one.id: (one.report.model, one.report.quality) for one in records if one.report}

    for sample in samples()[:3]:
        layer = viewer.add_image(sample.read().rgb[::STEP, ::STEP], name=sample.name)
        controller.safe.turn_to(layer)
        settle()
        controller.shapes.ensure(layer).add_rectangles(BOXES)
        settle()
        QTest.mouseClick(rate.banner.start_button, LEFT)
        while rater.current:
            quality = controller.session.record(rater.current[0]).report.quality
            QTest.keyClick(viewer.window._qt_window, DIGITS[max(0, round(quality / 25.0) - 1)])
            QTest.keyClick(viewer.window._qt_window, Qt.Key.Key_Return)
        QTest.keyClick(viewer.window._qt_window, Qt.Key.Key_Escape)
        settle()
    qtbot.waitUntil(lambda: tune.stock.short.text() == "12 regions on 3 images", timeout=30_000)
    settle()
    before = scores()
    QTest.mouseClick(tune.train.train_button, LEFT)
    qtbot.waitUntil(lambda: tuner.run.run is not None and tuner.run.run.state.ended, timeout=300_000)
    assert tuner.run.run.state is TuneState.DONE, tuner.run.run.error
    assert tune.result.table.words()
    qtbot.waitUntil(lambda: tune.result.use_button.isVisible())
    tune.result.use_wished.emit()
    qtbot.waitUntil(lambda: not {model for model, _q in scores().values()} & {model for model, _q in before.values()},
                    timeout=150_000)  # fmt: skip
    settle()
    assert any(abs(scores()[key][1] - before[key][1]) > 0.5 for key in before)
    qtbot.waitUntil(lambda: tune.models.back_button.isEnabled(), timeout=150_000)
    tune.models.back_wished.emit()
    qtbot.waitUntil(lambda: {model for model, _q in scores().values()} == {model for model, _q in before.values()},
                    timeout=150_000)  # fmt: skip
    settle()
    assert all(scores()[key][1] == pytest.approx(before[key][1], abs=0.01) for key in before)
    for dock in docks:
        viewer.window.remove_dock_widget(dock)
    controller.close()
    qtbot.waitUntil(lambda: controller.tasks.running == 0, timeout=30_000)
    viewer.window.remove_dock_widget(panel.parent())
