"""napari's own doors: files of regions that are dropped on it or opened, and layers that File > Save writes.

Where our panel is open, its session gives and takes; else plain layers are made, and any Shapes or Labels layer over an
image can be written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from seagull_iqa.errors import ImageError, RegionError
from seagull_iqa.formats.reading import FormatError

if TYPE_CHECKING:
    import napari.viewer
    from napari.layers import Image
    from numpy.typing import NDArray

    from napari_seagull.controller.controller import Controller
    from napari_seagull.layers.shapes import DrawnRegion
    from seagull_iqa.formats.session_document import SessionDocument, SessionImage

LayerData = tuple[Any, dict[str, Any], str]
HANDLED: list[tuple[None]] = [(None,)]
"""What napari takes for "read, and no layer comes of it"."""

ENDINGS = {
    ".seagull.json": "session", ".regions.json": "regions", ".coco.json": "coco", ".rois.zip": "imagej",
    ".labels.tif": "labels", ".geojson": "geojson", ".roi": "imagej", ".ome.zarr": "ome-zarr",
}  # fmt: skip
"""How the name of a file ends -> its format."""


def get_reader(path: str | Sequence[str]) -> Callable[[str | Sequence[str]], list[Any]] | None:
    """The reader of a file of regions; None where the name says that it is none."""
    return read_regions if isinstance(path, str) and format_by(path) else None


def format_by(path: str) -> str:
    """The format that a name says; "" where it says none of ours."""
    name = path.rstrip("/").lower()
    return next((form for ending, form in ENDINGS.items() if name.endswith(ending)), "")


def read_regions(path: str | Sequence[str]) -> list[Any]:
    """Open a file of regions.

    Regions of the image on the table come onto the table, in one step that undo takes back. A session of another image
    opens that image; without our panel its regions come as Labels in the colours of their quality, with all values as
    features.

    Raises
    ------
    SeagullError
        It cannot be read, or its image is not there; one sentence.
    """
    file = Path(str(path))
    viewer = _viewer()
    controller = None if viewer is None else _controller(viewer)
    if format_by(str(path)) == "session":
        return _open_session(file, controller)
    if controller is not None and controller.session.image is not None:
        controller.exchange.importer.take_in(file)
        return HANDLED
    image = None if viewer is None else _image_of(viewer)
    if image is None:
        raise ImageError(f"{file.name} holds regions, and no image.", "Open their image first, then this file.")
    from napari_seagull.layers.images import plane_shape
    from seagull_iqa.formats.catalogue import import_from
    from seagull_iqa.formats.session_document import SessionImage

    document, _notes = import_from(file, SessionImage(plane_shape(image), str(image.name)), format_by(str(path)))
    return _labels_of(document, image)


def _open_session(file: Path, controller: Controller | None) -> list[Any]:
    from napari_seagull.controller.opening import read_layers
    from seagull_iqa.formats.session_file import find_image, read_session

    document = read_session(file)
    facts = document.image
    if facts is None:
        raise FormatError(f"{file.name} is about no image.", "Choose another session.")
    if controller is not None and _is_about(facts, controller):
        controller.exchange.importer.take_in(file)
        return HANDLED
    image = find_image(document, file)
    opened = _sample_of(facts) if image is None else read_layers(image)
    if not opened:
        raise ImageError(
            f"The image of {file.name} was not found.", f"Put {facts.name or 'it'} beside the file, or open it first."
        )
    # With our panel open the regions are offered in it, together with everything that it knows of them.
    return opened if controller is not None else [*opened, *_labels_of(document, None)]


def _is_about(facts: SessionImage, controller: Controller) -> bool:
    image = controller.session.image
    return image is not None and image.sha256 in {facts.sha256, *dict(facts.planes).values()}


def _sample_of(facts: SessionImage) -> list[LayerData]:
    from seagull_iqa.formats.session_pixels import sample_of

    sample = sample_of(facts)
    return [] if sample is None else [(sample.read().rgb, {"name": sample.name, "rgb": True}, "image")]


def _labels_of(document: SessionDocument, image: Image | None) -> list[LayerData]:
    """Labels layers, as many as overlaps want; each region in the colour of its quality, its values as features."""
    from napari.utils.colormaps import DirectLabelColormap

    from napari_seagull.layers.images import aligned
    from napari_seagull.views.palette import quality_rgb
    from seagull_iqa.formats.pages import label_pages
    from seagull_iqa.formats.values import rows_of

    regions, rows = document.regions, rows_of(document)
    if document.image is None or not regions:
        return []
    pages, homes = label_pages(regions, document.image.shape)
    made: list[LayerData] = []
    for page, labels in enumerate(pages):
        here = [number for number, home in enumerate(homes) if home == page]
        lead = regions[here[0]].plane
        colors: dict[int | None, Any] = {None: (0, 0, 0, 0), 0: (0, 0, 0, 0)}
        for number in here:
            quality = rows[number]["quality"]
            rgb = quality_rgb(quality if isinstance(quality, float) else None)
            colors[number + 1] = (*(channel / 255 for channel in rgb), 1.0)
        columns = ("name", "quality", "importance", "findings", "label_quality", "id")
        features = {column: [rows[number][column] for number in here] for column in columns}
        known: dict[str, Any] = {
            "name": f"{document.image.name or 'image'} regions" + (f" {page + 1}" if len(pages) > 1 else ""),
            "opacity": 0.5,
            "features": {"index": [number + 1 for number in here], **features},
            "colormap": DirectLabelColormap(color_dict=colors),
        }
        if lead:
            labels = labels.reshape((1,) * len(lead) + labels.shape)
        if image is not None and image.ndim == labels.ndim == 2:
            known |= aligned(image)
        elif image is not None and len(lead) in (0, image.ndim - 2):
            known |= {"affine": _placed(image, (*lead, 0, 0)), "units": image.units[-labels.ndim :]}
        elif lead:
            known["translate"] = (*lead, 0, 0)
        made.append((labels, known, "labels"))
    return made


def _placed(image: Image, origin: tuple[int, ...]) -> NDArray[np.float64]:
    """What lays a layer over an image, its first value on that one of the image: (N + 1, N + 1) for its last N axes."""
    axes = len(origin)
    first = np.array((*(0,) * (image.ndim - axes), *origin), dtype=float)
    made = np.eye(axes + 1)
    start = np.asarray(image.data_to_world(first))
    for axis in range(axes):
        step = first.copy()
        step[image.ndim - axes + axis] += 1
        made[:-1, axis] = (np.asarray(image.data_to_world(step)) - start)[-axes:]
    made[:-1, -1] = start[-axes:]
    return made


def write_regions(path: str, data: Any, meta: dict[str, Any], kind: str) -> list[str]:  # noqa: ANN401
    """Write the regions of a layer in the format that the name of the file says; the files that were made.

    A layer of ours gives what the session knows of its regions: names, scores, labels. Of any other layer its shapes,
    or labels, over the image are written.

    Raises
    ------
    FormatError
        There is no image, no region, or the file cannot be written; one sentence.
    """
    from seagull_iqa.formats.catalogue import export_to
    from seagull_iqa.formats.export import Export

    viewer = _viewer()
    try:
        document = None if viewer is None else _document_of_ours(viewer, meta)
        if document is None:
            document = _document_of_layer(viewer, data, meta, kind)
    except (ImageError, RegionError) as error:
        # napari takes a ValueError, which these are, for "no writer fits", and keeps its words to itself.
        raise FormatError(error.message, error.hint) from error
    if not document.regions:
        raise FormatError("The layer holds no region of the image.", "Draw or paint one first.")
    return [str(made) for made in export_to(Path(path), Export(document), format_by(path))]


def write_shapes(path: str, data: Any, meta: dict[str, Any]) -> list[str]:  # noqa: ANN401
    """`write_regions` of a Shapes layer."""
    return write_regions(path, data, meta, "shapes")


def write_labels(path: str, data: Any, meta: dict[str, Any]) -> list[str]:  # noqa: ANN401
    """`write_regions` of a Labels layer."""
    return write_regions(path, data, meta, "labels")


def _document_of_ours(viewer: napari.viewer.Viewer, meta: dict[str, Any]) -> SessionDocument | None:
    """What the session knows of the regions of a layer of ours; None for other layers, and without our panel."""
    from napari_seagull.controller.desk import PAINTED, REGIONS, ROLE_KEY, SEGMENTS
    from napari_seagull.controller.exporting import only
    from napari_seagull.session.records import LabelSource, SegmentSource, ShapeSource

    mark = (meta.get("metadata") or {}).get(ROLE_KEY)
    kinds = {REGIONS: ShapeSource, PAINTED: LabelSource, SEGMENTS: SegmentSource}
    wanted = kinds.get(mark.get("role", "")) if isinstance(mark, dict) else None
    controller = _controller(viewer)
    if wanted is None or controller is None:
        return None
    ids = {key for key, record in controller.session.regions.items() if isinstance(record.source, wanted)}
    return only(controller.exchange.exporter.document(), ids)


def _document_of_layer(
    viewer: napari.viewer.Viewer | None, data: Any, meta: dict[str, Any], kind: str  # noqa: ANN401
) -> SessionDocument:
    from napari.layers import Layer

    from napari_seagull.layers.images import plane_shape
    from seagull_iqa.domain.region import Region, RegionOrigin
    from seagull_iqa.formats.session_document import SessionDocument, SessionImage, SessionRegion

    image = None if viewer is None else _image_of(viewer)
    if image is None:
        raise ImageError("Regions are written as pixels of an image, and none is open.", "Open their image first.")
    layer: Any = Layer.create(data, meta, kind)
    word, origin = ("Shape", RegionOrigin.DRAWN) if kind == "shapes" else ("Label", RegionOrigin.PAINTED)
    regions = tuple(
        SessionRegion(Region(drawn.mask, f"{word} {number}", origin), drawn.plane)
        for number, drawn in _drawn(layer, image, kind, _plane_shown(viewer, image))
    )
    return SessionDocument(SessionImage(plane_shape(image), str(image.name)), regions)


def _plane_shown(viewer: napari.viewer.Viewer | None, image: Image) -> tuple[int, ...]:
    """The plane of that image at which the sliders are."""
    from napari_seagull.layers.images import data_shape

    lead = data_shape(image)[:-2]
    if viewer is None or not lead:
        return (0,) * len(lead)
    at = image.world_to_data(viewer.dims.point)[: len(lead)]
    return tuple(int(np.clip(round(float(one)), 0, length - 1)) for one, length in zip(at, lead, strict=True))


def _drawn(
    layer: Any, image: Image, kind: str, plane: tuple[int, ...]  # noqa: ANN401
) -> list[tuple[int, DrawnRegion]]:
    """What each shape or label of a layer means on the image; what has no plane of its own, on that one."""
    from napari_seagull.layers.images import data_shape
    from napari_seagull.layers.labels import label_regions
    from napari_seagull.layers.shapes import shape_region

    if kind == "labels":
        if not plane or layer.ndim != image.ndim:
            return list(label_regions(layer, image, plane=plane).items())
        each: list[tuple[int, DrawnRegion]] = []
        for at in np.ndindex(*data_shape(image)[:-2]):
            try:
                each += label_regions(layer, image, plane=at).items()
            except RegionError:
                continue  # the layer has nothing on that plane
        return each
    found = []
    for index in range(layer.nshapes):
        try:
            found.append((index + 1, shape_region(layer, index, image, plane=plane)))
        except RegionError:
            continue  # it holds no pixel of the image
    return found


def _viewer() -> napari.viewer.Viewer | None:
    from napari import current_viewer

    viewer = current_viewer()
    return getattr(viewer, "__wrapped__", viewer)


def _controller(viewer: napari.viewer.Viewer) -> Controller | None:
    from napari_seagull.controller.dock import open_controller

    return open_controller(viewer)


def _image_of(viewer: napari.viewer.Viewer) -> Image | None:
    """The image that a person means: the active one, else the topmost."""
    from napari.layers import Image

    from napari_seagull.controller.desk import role_of

    images = [layer for layer in viewer.layers if isinstance(layer, Image) and not role_of(layer)]
    active = viewer.layers.selection.active
    return active if active in images else (images[-1] if images else None)
