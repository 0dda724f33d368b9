"""Every format by its name: what it carries, what it wants, who reads it, and how a file is told to be one."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from seagull_iqa.domain.region import Region
from seagull_iqa.formats import (
    coco_file,
    geojson,
    imagej,
    label_tiff,
    labelme,
    map_tiff,
    ome_zarr,
    report_html,
    report_pdf,
    tables,
    training_set,
    yolo,
)
from seagull_iqa.formats.export import Contents, Export
from seagull_iqa.formats.reading import FormatError, read_json
from seagull_iqa.formats.session_document import SessionDocument, SessionImage, SessionRegion
from seagull_iqa.formats.session_file import FORMAT, document_of, write_session
from seagull_iqa.imaging import region_files
from seagull_iqa.imaging.saving import save_text

Writer = Callable[[Path, Export], list[Path]]
"""Writes to the path and says which files it made."""

Reader = Callable[[Path, SessionImage], Contents]
"""Reads the regions of a file for an image."""


@dataclass(frozen=True)
class Format:
    """A format.

    Attributes
    ----------
    name : str
        As the command line takes it.
    title : str
        What it is, for people.
    suffix : str
        Put behind the name of the session; a folder's has none of its own.
    carries : str
        What comes back from it.
    read_by : str
        Programs of others that read it.
    writer : Writer or None
    reader : Reader or None
    wants_image, wants_maps : bool
        It cannot be written without them.
    """

    name: str
    title: str
    suffix: str
    carries: str
    read_by: str
    writer: Writer | None = None
    reader: Reader | None = None
    wants_image: bool = False
    wants_maps: bool = False


def _plain(read: Callable[[Path, tuple[int, int]], Contents]) -> Reader:
    return lambda path, image: read(path, image.shape)


def _write_session(path: Path, export: Export) -> list[Path]:
    write_session(path, export.document)
    return [path]


def _read_session(path: Path, image: SessionImage) -> Contents:
    document = document_of(read_json(path), path.name)
    if document.image is not None and document.image.shape != image.shape:
        height, width = document.image.shape
        raise FormatError(
            f"{path.name} is about an image of {height} x {width} pixels, this one is "
            f"{image.shape[0]} x {image.shape[1]}.",
            "Give the image of this session.",
        )
    return Contents(document.regions, document.reports, document.annotations)


def _write_regions(path: Path, export: Export) -> list[Path]:
    regions = [one.region for one in export.document.regions]
    values = region_files.regions_document(regions, export.shape, image_name=export.facts.name)
    save_text(path, json.dumps(values) + "\n")
    return [path]


def _read_regions(path: Path, image: SessionImage) -> Contents:
    regions: list[Region] = region_files.regions_of(read_json(path), image.shape, name=path.name)
    return Contents(tuple(SessionRegion(region) for region in regions))


_ALL = "masks exact; scores, intervals, findings and labels to the last digit"

FORMATS: Mapping[str, Format] = {one.name: one for one in (
    Format("session", "our session file", ".seagull.json", f"everything: {_ALL}", "any reader of JSON",
           _write_session, _read_session),
    Format("labels", "image of labels (TIFF) and table (CSV)", ".labels.tif", f"{_ALL}; overlaps on further pages",
           "tifffile, pandas, Fiji", label_tiff.write_labels, _plain(label_tiff.read_labels)),
    Format("ome-zarr", "OME-Zarr 0.4, image with labels", ".ome.zarr", f"{_ALL}; overlaps as further labels",
           "ome-zarr, napari-ome-zarr", ome_zarr.write_ome_zarr, _plain(ome_zarr.read_ome_zarr)),
    Format("geojson", "GeoJSON, polygons along pixel edges with holes", ".geojson", _ALL, "QuPath, shapely, geojson",
           geojson.write_geojson, _plain(geojson.read_geojson)),
    Format("coco", "COCO instances with run lengths", ".coco.json", _ALL, "pycocotools, FiftyOne, CVAT",
           coco_file.write_coco, lambda path, image: coco_file.read_coco(path, image.shape, image.name)),
    Format("imagej", "ImageJ ROIs (zip)", ".rois.zip", _ALL, "ImageJ, Fiji, roifile",
           imagej.write_rois, _plain(imagej.read_rois)),
    Format("maps-tiff", "maps as float32 TIFF, a folder", ".maps", "maps exact, with unit and limits",
           "tifffile, Fiji", map_tiff.write_map_tiffs, wants_maps=True),
    Format("maps-ome-zarr", "maps as OME-Zarr 0.4, a channel each", ".maps.ome.zarr",
           "maps exact, with unit and limits", "ome-zarr, napari-ome-zarr", ome_zarr.write_maps, wants_maps=True),
    Format("csv", "table (CSV)", ".csv", _ALL, "pandas, R, spreadsheets", tables.write_csv, _plain(tables.read_csv)),
    Format("parquet", "table (Parquet)", ".parquet", _ALL, "pandas, pyarrow, DuckDB",
           tables.write_parquet, _plain(tables.read_parquet)),
    Format("training", "training set, a folder", ".training", "images, masks exact, labels of people",
           "seagull train, seagull evaluate, pycocotools", training_set.write_training, wants_image=True),
    Format("html", "report, one HTML file", ".html", "pictures and figures for a reader", "browsers",
           report_html.write_html, wants_image=True),
    Format("pdf", "report, PDF", ".pdf", "pictures and figures for a reader", "PDF readers",
           report_pdf.write_pdf, wants_image=True),
    Format("regions", "our file of regions", ".regions.json", "masks exact, names", "seagull score --regions",
           _write_regions, _read_regions),
    Format("labelme", "LabelMe", ".json", "polygons, rectangles, circles, masks", "LabelMe",
           reader=_plain(labelme.read_labelme)),
    Format("yolo", "YOLO polygons and boxes", ".txt", "polygons and boxes", "Ultralytics",
           reader=_plain(yolo.read_yolo)),
)}  # fmt: skip
"""By name, in the order in which they are listed."""

_BY_SUFFIX = {
    ".geojson": "geojson", ".zip": "imagej", ".roi": "imagej", ".csv": "csv", ".parquet": "parquet", ".txt": "yolo",
    **dict.fromkeys((".tif", ".tiff", ".png", ".bmp", ".webp", ".jpg", ".jpeg"), "labels"),
}  # fmt: skip


def format_named(name: str) -> Format:
    """The format of that name; `FormatError` that lists all where there is none."""
    found = FORMATS.get(name)
    if found is None:
        raise FormatError(f"There is no format {name!r:.40}.", f"The formats are {', '.join(FORMATS)}.")
    return found


def format_of(path: Path) -> Format:
    """Which format a file or folder is in, by its name and what stands in it; `FormatError` where it is none."""
    if path.is_dir():
        return FORMATS["ome-zarr"]
    name = _BY_SUFFIX.get(path.suffix.lower())
    if name is None and path.suffix.lower() == ".json":
        name = _kind_of_json(read_json(path))
    if name is None:
        raise FormatError(f"{path.name} is in no format that is known.", "`seagull formats` lists them.")
    return FORMATS[name]


def _kind_of_json(document: object) -> str | None:
    if isinstance(document, list):
        return "geojson"
    if not isinstance(document, dict):
        return None
    if document.get("type") in ("FeatureCollection", "Feature"):
        return "geojson"
    marks = {FORMAT: "session", region_files.FORMAT: "regions"}
    said = document.get("format")
    if isinstance(said, str) and said in marks:
        return marks[said]
    if "annotations" in document and "images" in document:
        return "coco"
    return "labelme" if "shapes" in document else None


def export_to(path: Path, export: Export, name: str) -> list[Path]:
    """Write a session in a format; the files that were made.

    Raises
    ------
    SeagullError
        No such format, it cannot be written, or the image or maps that it wants are missing.
    """
    chosen = format_named(name)
    if chosen.writer is None:
        raise FormatError(f"{chosen.title} is a format that is only read.", "`seagull formats` says which are written.")
    return chosen.writer(path, export)


def import_from(path: Path, image: SessionImage, name: str | None = None) -> tuple[SessionDocument, tuple[str, ...]]:
    """The session that a file of regions makes of an image, and what was left out, one sentence each.

    Parameters
    ----------
    path : Path
    image : SessionImage
        The regions must fit its height and width.
    name : str, optional
        Of the format; by default it is found out.

    Raises
    ------
    SeagullError
        The file is not what it should be; the message is one sentence.
    """
    if not path.exists():
        raise FormatError(f"There is no {path}.", "Check the path.")
    chosen = format_of(path) if name is None else format_named(name)
    if chosen.reader is None:
        raise FormatError(f"{chosen.title} is a format that is only written.", "`seagull formats` says which are read.")
    found = chosen.reader(path, image)
    document = SessionDocument(image, found.regions, found.reports, found.annotations)
    return document, found.notes
