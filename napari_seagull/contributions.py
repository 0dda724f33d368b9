"""What the manifest names: the panel and the sample images; everything is imported when it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import napari.viewer

PLUGIN, PANEL = "napari-seagull", "SEAGULL region quality"

LayerData = tuple[Any, dict[str, Any], str]


def show_panel(viewer: napari.viewer.Viewer) -> None:
    """Open the panel, or bring it to the front."""
    viewer.window.add_plugin_dock_widget(PLUGIN, PANEL)


def show_rate(viewer: napari.viewer.Viewer) -> None:
    """Open the panel that labels regions by keys, or bring it to the front."""
    from napari_seagull.controller.dock import open_rate

    open_rate(viewer)


def show_images(viewer: napari.viewer.Viewer) -> None:
    """Open the list of images to work through, or bring it to the front."""
    _show(viewer, "SEAGULL images")


def show_regions(viewer: napari.viewer.Viewer) -> None:
    """Open the table of regions in a panel of its own, or bring it to the front."""
    _show(viewer, "SEAGULL regions")


def show_report(viewer: napari.viewer.Viewer) -> None:
    """Open the report of the selected region in a panel of its own, or bring it to the front."""
    _show(viewer, "SEAGULL report")


def show_map(viewer: napari.viewer.Viewer) -> None:
    """Open the panel with the map of the image, or bring it to the front."""
    _show(viewer, "SEAGULL quality map")


def show_compare(viewer: napari.viewer.Viewer) -> None:
    """Open the panel that compares two images, or bring it to the front."""
    _show(viewer, "SEAGULL compare")


def show_series(viewer: napari.viewer.Viewer) -> None:
    """Open the panel that plots a region over planes, or bring it to the front."""
    _show(viewer, "SEAGULL over time")


def show_tune(viewer: napari.viewer.Viewer) -> None:
    """Open the panel that learns from what was labelled, or bring it to the front."""
    _show(viewer, "SEAGULL fine-tune")


def _show(viewer: napari.viewer.Viewer, panel: str) -> None:
    from napari_seagull.controller.docks import open_panel

    open_panel(viewer, panel)


def _opened(name: str) -> list[LayerData]:
    from seagull_iqa.samples import samples

    sample = next(sample for sample in samples() if sample.name == name)
    return [(sample.read().rgb, {"name": sample.name, "rgb": True}, "image")]


def open_girl() -> list[LayerData]:
    """The sample "girl" as an image layer."""
    return _opened("girl")


def open_guitar() -> list[LayerData]:
    """The sample "guitar" as an image layer."""
    return _opened("guitar")


def open_night() -> list[LayerData]:
    """The sample "night" as an image layer."""
    return _opened("night")


def open_bulb() -> list[LayerData]:
    """The sample "bulb" as an image layer."""
    return _opened("bulb")


def open_baby() -> list[LayerData]:
    """The sample "baby" as an image layer."""
    return _opened("baby")


def open_sunset() -> list[LayerData]:
    """The sample "sunset" as an image layer."""
    return _opened("sunset")
