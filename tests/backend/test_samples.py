"""The shipped photographs: small, free, with regions that fit and a file that says what was done to them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seagull_iqa.domain.distortion import Distortion, Severity
from seagull_iqa.samples import samples

NAMES = [sample.name for sample in samples()]


def test_there_are_six_in_the_public_domain_and_two_at_least_are_pristine() -> None:
    assert len(samples()) == 6
    assert {sample.licence for sample in samples()} == {"CC0-1.0"}
    assert all("gb82" in sample.source for sample in samples())
    assert sum(not sample.spoiled for sample in samples()) >= 2
    assert len({sample.spoiled["distortion"] for sample in samples() if sample.spoiled}) >= 4


@pytest.mark.parametrize("sample", samples(), ids=NAMES)
def test_a_sample_is_small_and_read_exactly(sample) -> None:
    assert sample.path.stat().st_size <= 300_000
    image = sample.read()
    assert image.pixels.source == "raw"
    with Image.open(sample.path) as opened:
        assert (np.asarray(opened) == image.rgb).all()


@pytest.mark.parametrize("sample", samples(), ids=NAMES)
def test_a_sample_has_five_named_regions_that_fit_and_stay_the_same(sample) -> None:
    regions = sample.regions()
    shape = sample.read().shape
    assert len({region.name for region in regions}) == 5
    assert len({region.id for region in regions}) == 5
    assert [region.id for region in sample.regions()] == [region.id for region in regions]
    for region in regions:
        assert region.mask.shape == shape
        assert 200 <= region.mask.area <= 0.6 * shape[0] * shape[1]


@pytest.mark.parametrize("sample", [s for s in samples() if s.spoiled], ids=[s.name for s in samples() if s.spoiled])
def test_what_was_done_to_a_sample_is_said_in_the_words_of_the_project(sample) -> None:
    spoiled = sample.spoiled
    assert spoiled["distortion"] in list(Distortion)
    assert Severity.from_word(spoiled["severity"]) == Severity(int(spoiled["strength"]))
    assert spoiled["where"] in {"whole image", *(region.name for region in sample.regions())}


@pytest.mark.data
@pytest.mark.parametrize("sample", samples(), ids=NAMES)
def test_a_sample_differs_from_its_original_only_where_it_says_so(sample, photographs: Path) -> None:
    with Image.open(photographs / f"gb82_{sample.name}-lossless.webp") as opened:
        original = np.asarray(opened.convert("RGB"))
    changed = (original != sample.read().rgb).any(axis=2)
    where = sample.spoiled.get("where")
    if where is None:
        assert not changed.any()
        return
    inside = np.ones(changed.shape, bool)
    if where != "whole image":
        inside = next(region for region in sample.regions() if region.name == where).mask.pixels
    assert not (changed & ~inside).any()
    assert changed[inside].mean() > 0.5


def test_no_two_samples_are_one_photograph() -> None:
    assert len({hashlib.sha256(sample.path.read_bytes()).hexdigest() for sample in samples()}) == 6
