"""The demonstration's window, on a viewer without one: what was found is shown as if it had been asked for here."""

from __future__ import annotations

import numpy as np
import pytest

from napari_seagull.demo import Found, lay_out, when_read
from napari_seagull.session.records import RegionState
from seagull_iqa.domain.report import QualityReport, ScoreMap
from seagull_iqa.samples import samples


def found_in(sample) -> Found:
    image, regions = sample.read(), sample.regions()
    reports = [
        QualityReport(region.id, 20.0 * number, None, None, None, (), "Said.", "toy-1", image.pixels)
        for number, region in enumerate(regions, 1)
    ]
    values = np.linspace(0, 100, 72 * 72, dtype=np.float32).reshape(72, 72)
    return Found(sample, image, regions, reports, ScoreMap("quality", values, image.shape, 8.0, 16.0, "toy-1"))


@pytest.mark.parametrize("sample", samples(), ids=[sample.name for sample in samples()])
def test_scores_shapes_and_map_of_a_sample_are_shown(controller, settle, sample, toy):
    found = found_in(sample)
    controller.scorer.enabled = False
    controller.viewer.add_image(found.image.rgb, name=sample.name, rgb=True)
    when_read(controller, found.image, lambda: lay_out(controller, found))
    settle()
    assert controller.viewer.layers[0].name == sample.name
    assert any("map" in layer.name.lower() for layer in controller.viewer.layers)
    records = list(controller.session.regions.values())
    assert [record.region.name for record in records] == [region.name for region in found.regions]
    assert [record.report.quality for record in records] == [20.0, 40.0, 60.0, 80.0, 100.0]
    assert {record.state for record in records} == {RegionState.SCORED}
    assert controller.shapes.layer.nshapes == 5
    assert toy.asked == []


def test_the_window_waits_until_the_image_is_read(controller, settle):
    found = found_in(samples()[0])
    done: list[bool] = []
    when_read(controller, found.image, lambda: done.append(True))
    assert done == []
    controller.viewer.add_image(found.image.rgb, name="x", rgb=True)
    settle()
    assert done == [True]
    controller.viewer.layers.clear()
    settle()
    assert done == [True]
