"""napari's Preferences of our plugin: read at the start, followed while they are edited, never told to a log."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from npe2 import PluginManifest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_seagull.connection.backend import RemoteServer
from napari_seagull.connection.process import LocalServer
from napari_seagull.controller.preference_desk import PreferenceDesk
from napari_seagull.controller.preferences import Preferences, PreferenceStore
from napari_seagull.layers.choice import Way

SECRET = "s3cret-of-ann"


@pytest.fixture
def kept(plugin_settings, npe2pm):
    """napari's settings of our plugin, in a folder of this test."""
    from napari.settings import get_plugin_settings

    npe2pm.register(PluginManifest.from_distribution("napari-seagull"))
    return get_plugin_settings("napari-seagull")


@pytest.fixture
def desk(kept, controller):
    made = PreferenceDesk(controller, controller.viewer, PreferenceStore(kept))
    yield made
    made.close()


def test_what_the_plugin_comes_with_stands_in_the_manifest_as_in_the_code(kept):
    assert PreferenceStore(kept).read() == Preferences()


def test_without_napari_s_settings_the_plugin_goes_on_and_shows_no_tour():
    assert PreferenceStore().read() == Preferences(tour=False)


def test_an_address_means_a_server_elsewhere_and_none_a_process_of_our_own(kept):
    assert isinstance(PreferenceStore(kept).read().server, LocalServer)
    kept.server.url, kept.server.token = " http://box:8765 ", SECRET
    assert PreferenceStore(kept).read().server == RemoteServer("http://box:8765", SECRET)


def test_the_token_is_neither_shown_nor_logged(kept, desk, caplog, controller, settle):
    caplog.set_level(logging.DEBUG)
    kept.server.url, kept.server.token = "http://127.0.0.1:9", SECRET
    preferences = PreferenceStore(kept).read()
    assert SECRET not in repr(preferences) + str(preferences) + repr(preferences.server)
    settle()
    assert SECRET not in caplog.text
    assert SECRET not in controller.panel.status.text()


def test_values_that_make_no_sense_are_refused_by_napari(kept):
    with pytest.raises(ValueError, match="less than or equal"):
        kept.colors.map_opacity = 7
    with pytest.raises(ValueError, match="allowed enum"):
        kept.scoring.pixels = "as dreamt"


def test_what_is_preferred_holds_from_the_start(kept, controller):
    kept.scoring.live, kept.scoring.pixels, kept.scoring.rest_ms = False, "as shown", 70
    kept.colors.map_opacity = 0.3
    made = PreferenceDesk(controller, controller.viewer, PreferenceStore(kept))
    assert not controller.scorer.enabled
    assert not controller.panel.pixels.live.isChecked()
    assert controller.images.choice.way is Way.SHOWN
    assert controller.panel.pixels.way.currentText() == "As shown"
    assert controller.mapper.opacity == 0.3
    made.close()


def test_a_page_that_is_edited_is_followed_at_once(kept, desk, controller, settle):
    image = np.full((64, 100, 3), 51, dtype=np.uint8)
    image[:, 50:] = 204
    controller.viewer.add_image(image)
    settle()
    controller.panel.map_bar.make_button.click()
    settle()
    (layer,) = controller.mapper.layers
    assert layer.opacity == 0.6
    kept.colors.map_opacity = 0.9
    assert layer.opacity == 0.9
    kept.scoring.live = False
    assert not controller.panel.pixels.live.isChecked()


def test_the_key_shows_and_hides_the_map_and_another_key_takes_its_place(kept, desk, controller, settle):
    image = np.full((64, 100, 3), 51, dtype=np.uint8)
    image[:, 50:] = 204
    controller.viewer.add_image(image)
    settle()

    def press(key):
        keymap = {str(binding): call for binding, call in controller.viewer.keymap.items()}
        return keymap.get(key)

    press("H")(controller.viewer)
    settle()
    (layer,) = controller.mapper.layers
    assert layer.visible
    press("H")(controller.viewer)
    assert not layer.visible
    press("H")(controller.viewer)
    settle()
    assert layer.visible
    kept.keys.toggle_map = "Alt-M"
    assert press("Alt+M") or press("Alt-M")
    assert press("H") is None
    kept.keys.toggle_map = "no such key"
    assert "no key that napari knows" in controller.panel.status.text()


def test_the_model_that_is_preferred_takes_over_once_if_it_is_there(kept, controller, settle, toy, have_large):
    wished = []
    controller.panel.model_form.use_wished.connect(lambda name, _precision: wished.append(name))
    store = PreferenceStore(kept)
    preferred = Preferences(model="toy-large", tour=False)
    store.read = lambda: preferred
    made = PreferenceDesk(controller, controller.viewer, store)
    controller.models.refresh()
    settle()
    controller.models.refresh()
    settle()
    assert wished == ["toy-large"]
    assert toy.toys.in_use == "toy-large"
    made.close()


def test_the_tour_is_shown_until_it_was_ended_once_and_the_menu_brings_it_back(kept, controller):
    controller.panel.show()
    tour = controller.panel.tour
    made = PreferenceDesk(controller, controller.viewer, PreferenceStore(kept))
    assert tour.isVisible()
    titles = [tour.title.text()]
    for _step in range(4):
        QTest.mouseClick(tour.next, Qt.MouseButton.LeftButton)
        titles.append(tour.title.text())
    assert len(set(titles)) == 5
    assert tour.next.text() == "Done"
    QTest.mouseClick(tour.next, Qt.MouseButton.LeftButton)
    assert not tour.isVisible()
    assert kept.start.tour is False
    made.close()
    again = PreferenceDesk(controller, controller.viewer, PreferenceStore(kept))
    assert not tour.isVisible()
    tour.start()
    assert tour.index == 0
    QTest.keyClick(tour, Qt.Key.Key_Escape)
    assert not tour.isVisible()
    again.close()


def test_the_tour_does_what_it_speaks_of(kept, desk, controller, settle, qtbot):
    image = np.full((64, 100, 3), 51, dtype=np.uint8)
    image[:, 50:] = 204
    with qtbot.waitSignal(controller.panel.sample_wished):
        controller.panel.tour.deed.click()
    controller.viewer.add_image(image)
    settle()
    controller.panel.tour.show_step(1)
    controller.panel.tour.deed.click()
    assert controller.shapes.layer.mode == "add_rectangle"
    controller.panel.tour.show_step(3)
    controller.panel.tour.deed.click()
    settle()
    assert controller.mapper.layers
