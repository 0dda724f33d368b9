"""The pixels that a session is about, read again as they were when they were judged: same channel, plane and limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from seagull_iqa.errors import ImageError
from seagull_iqa.formats.session_document import Plane, SessionDocument, SessionImage
from seagull_iqa.formats.session_file import SUFFIX, find_image
from seagull_iqa.imaging.files import read_plane
from seagull_iqa.imaging.prepared import PreparedImage
from seagull_iqa.samples import Sample, samples


def planes_of(document: SessionDocument) -> list[Plane]:
    """Planes with a region, those with labels first."""
    said = {one.plane: None for one in document.regions if document.counting(one.id)}
    return list({**said, **{one.plane: None for one in document.regions}})


def read_pixels(document: SessionDocument, path: Path, plane: Plane, *, file: Path | None = None) -> PreparedImage:
    """One plane of the image of a session, as it was shown when it was labelled.

    Parameters
    ----------
    document : SessionDocument
    path : Path
        Of the session file: the image is looked for beside it first.
    plane : tuple of int
    file : Path, optional
        The image, where it is not where the session says.

    Raises
    ------
    ImageError
        The image is nowhere, or cannot be read.
    """
    facts = document.image
    file = find_image(document, path) if file is None else file
    if file is None and facts is not None:
        sample = sample_of(facts)
        if sample is not None:
            made = sample.read()
            return replace(made, pixels=replace(made.pixels, plane=plane))
    if file is None or facts is None:
        name = path.name.removesuffix(SUFFIX) if facts is None else facts.name
        raise ImageError(f"The image {name} was not found.", "Put it beside its session file.")
    pixels = facts.pixels
    return read_plane(
        file, plane, channel=pixels.channel, contrast_limits=pixels.contrast_limits, name=facts.name
    )


def check_pixels(image: PreparedImage, document: SessionDocument, name: str) -> PreparedImage:
    """The same image, if it is what was labelled; `ImageError` where its pixels have changed."""
    facts = document.image
    known = {} if facts is None else {facts.pixels.plane: facts.sha256, **dict(facts.planes)}
    sha256 = known.get(image.pixels.plane, "")
    if sha256 and image.sha256 != sha256:
        raise ImageError(
            f"The pixels of {name} have changed since they were labelled.", "Open the image, and label it again."
        )
    return image


def sample_of(facts: SessionImage) -> Sample | None:
    """The sample of this package that an image is, by its content; samples have no path in a session."""
    hashes: Mapping[Plane, str] = dict(facts.planes)
    known = {facts.sha256, *hashes.values()}
    for sample in samples():
        if facts.name.startswith(sample.name) and sample.read().sha256 in known:
            return sample
    return None
