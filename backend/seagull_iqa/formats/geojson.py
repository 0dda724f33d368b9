"""GeoJSON as QuPath reads it: polygons along the edges of pixels, with holes, x before y, corners at whole numbers."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seagull_iqa.domain.region import RegionMask
from seagull_iqa.errors import EmptyRegionError, RegionError
from seagull_iqa.formats.export import Contents, Export
from seagull_iqa.formats.reading import Budget, FormatError, list_under, read_json
from seagull_iqa.formats.session_document import SessionRegion
from seagull_iqa.formats.values import NUMBERS, Collected, Row, row_of
from seagull_iqa.imaging.palette import quality_rgb
from seagull_iqa.imaging.pixel_polygons import PixelPolygon, filled, pixel_polygons
from seagull_iqa.imaging.saving import save_text


def write_geojson(path: Path, export: Export) -> list[Path]:
    """A feature collection, one feature a line."""
    features = [
        json.dumps(_feature(one, row_of(export.document, one)), ensure_ascii=False, allow_nan=False)
        for one in export.document.regions
    ]
    save_text(path, '{"type": "FeatureCollection", "features": [\n' + ",\n".join(features) + "\n]}\n")
    return [path]


def _feature(one: SessionRegion, row: Row) -> dict[str, Any]:
    numbers = {name: row[name] for name in NUMBERS if row[name] is not None}
    quality = row["quality"]
    properties = {
        "objectType": "annotation",
        "color": list(quality_rgb(quality if isinstance(quality, float) else None)),
        # QuPath shows these in its tables.
        "measurements": numbers,
        **row,
    }
    feature = {"type": "Feature", "geometry": _geometry(one.region.mask), "properties": properties}
    # QuPath takes nothing but a uuid for an id.
    return {**feature, "id": one.id} if _is_uuid(one.id) else feature


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def _geometry(mask: RegionMask) -> dict[str, Any]:
    polygons = [_rings(polygon) for polygon in pixel_polygons(mask)]
    if len(polygons) == 1:
        return {"type": "Polygon", "coordinates": polygons[0]}
    return {"type": "MultiPolygon", "coordinates": polygons}


def _rings(polygon: PixelPolygon) -> list[list[list[int]]]:
    return [np.vstack([ring, ring[:1]])[:, ::-1].tolist() for ring in (polygon.shell, *polygon.holes)]


def read_geojson(path: Path, shape: tuple[int, int]) -> Contents:
    """Polygons of a feature collection, a list of features or a single one; other geometries are left out and told."""
    document = read_json(path)
    if isinstance(document, list):
        document = {"features": document}
    if isinstance(document, dict) and document.get("type") == "Feature":
        document = {"features": [document]}
    found, budget = Collected(path.name), Budget(path.name)
    left_out = 0
    for number, feature in enumerate(list_under(document, "features", path.name), 1):
        place = f"{path.name}, feature {number}"
        if not isinstance(feature, dict) or not isinstance(feature.get("geometry"), dict):
            raise FormatError(f"{place} has no geometry.", "Give a GeoJSON file of polygons.")
        polygons = _polygons(feature["geometry"], place)
        if polygons is None:
            left_out += 1
            continue
        try:
            mask = budget.take(filled(shape, polygons))
        except EmptyRegionError:
            left_out += 1
            continue
        except RegionError as error:
            raise type(error)(f"{place}: {error.message}", error.hint) from error
        found.add(mask, _row(feature), f"region {number}")
    if left_out:
        found.notes.append(f"{left_out} shapes of {path.name} hold no pixel of the image and were left out.")
    return found.contents()


def _row(feature: Mapping[str, Any]) -> Mapping[str, object]:
    properties = feature.get("properties")
    row = dict(properties) if isinstance(properties, dict) else {}
    kind = row.get("classification")
    if row.get("name") is None and isinstance(kind, dict) and isinstance(kind.get("name"), str):
        row["name"] = kind["name"]
    return {"id": feature.get("id"), **row}


def _polygons(geometry: Mapping[str, Any], place: str) -> list[list[NDArray[np.float64]]] | None:
    """The rings of each polygon as (row, column) of corners of pixels; None for points and lines."""
    kind, coordinates = geometry.get("type"), geometry.get("coordinates")
    if kind not in ("Polygon", "MultiPolygon"):
        return None
    try:
        polygons: list[Any] = [coordinates] if kind == "Polygon" else list(coordinates or ())
        found = [[_ring(ring) for ring in polygon] for polygon in polygons]
    except (TypeError, ValueError, OverflowError):
        found = []
    if not found or not all(found):
        raise FormatError(f"{place}: its coordinates are no rings of [x, y].", "Give polygons of three or more points.")
    return found


def _ring(ring: object) -> NDArray[np.float64]:
    points = np.asarray(ring, dtype=np.float64)
    if points.ndim != 2 or points.shape[0] < 3 or points.shape[1] not in (2, 3) or not np.isfinite(points).all():
        raise ValueError("no ring")
    return points[:, 1::-1]
