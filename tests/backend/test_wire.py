"""Messages survive the journey, exactly; what is not one is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from pydantic import ValidationError

from seagull_iqa import errors, messages, wire
from seagull_iqa.domain.distortion import Distortion, Finding, Severity
from seagull_iqa.domain.model_card import ModelCard
from seagull_iqa.domain.model_offer import MemoryNeed, ModelOffer, OfferState
from seagull_iqa.domain.precision import Precision
from seagull_iqa.domain.region import Region, RegionMask
from seagull_iqa.domain.report import PixelSource, QualityReport

masks = arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=40)).filter(lambda mask: mask.any())
numbers = st.floats(0, 100)


def _message(**changes: object) -> dict[str, object]:
    return {"id": "a", "shape": [4, 5], "box": [1, 1, 3, 4], "runs": [0, 6], **changes}


@given(masks)
def test_any_mask_comes_back_exactly_as_it_went(pixels: np.ndarray) -> None:
    region = Region(RegionMask.from_pixels(pixels), name="ein Gesicht: 顔")
    sent = messages.RegionMessage.of(region).model_dump_json()
    back = messages.RegionMessage.model_validate_json(sent).region(region.mask.shape)
    assert (back.id, back.name, back.mask.box) == (region.id, region.name, region.mask.box)
    assert np.array_equal(back.mask.pixels, pixels)


@given(
    numbers,
    st.one_of(st.none(), numbers),
    st.lists(st.builds(Finding, st.sampled_from(Distortion), st.sampled_from(Severity))),
    st.text(),
    st.one_of(st.none(), st.tuples(st.floats(-1e30, 1e30), st.floats(-1e30, 1e30))),
)
def test_any_report_comes_back_as_it_went(
    quality: float, importance: float | None, findings: list[Finding], text: str, limits: tuple[float, float] | None
) -> None:
    text = text.encode("utf-8", "replace").decode()
    pixels = PixelSource("stretched", 1, (3, 4), limits, 0.5)
    report = QualityReport("r", quality, (0, quality), importance, None, tuple(findings), text, "m", pixels)
    back = messages.ReportMessage.model_validate_json(messages.ReportMessage.of(report).model_dump_json()).report()
    assert back == report


def test_no_findings_and_not_asked_stay_apart() -> None:
    clean = QualityReport("r", 1.0, (0.0, 2.0), None, None, (), "", "m")
    unasked = QualityReport("r", 1.0, (0.0, 2.0), None, None, None, "", "m")
    assert messages.ReportMessage.of(clean).report().findings == ()
    assert messages.ReportMessage.of(unasked).report().findings is None


def test_a_finding_is_said_as_word_and_level() -> None:
    said = messages.FindingMessage.of(Finding(Distortion.BLUR, Severity.SEVERE)).model_dump(mode="json")
    assert said == {"distortion": "blur", "severity": "severe", "level": 4}


def test_a_report_that_is_not_a_number_is_refused() -> None:
    with pytest.raises(ValidationError):
        messages.ReportMessage.of(QualityReport("r", float("nan"), None, None, None, None, "", "m"))


@pytest.mark.parametrize("name", sorted(errors.error_classes()))
def test_every_error_comes_back_as_its_class(name: str) -> None:
    error = errors.error_classes()[name]("What.", "Do.")
    back = messages.ErrorMessage.model_validate_json(messages.ErrorMessage.of(error).model_dump_json()).exception()
    assert type(back) is type(error)
    assert (back.message, back.hint) == ("What.", "Do.")


def test_an_error_of_the_server_alone_is_said_under_the_class_both_know() -> None:
    class Local(errors.LimitError):
        pass

    assert messages.ErrorMessage.of(Local("no")).error == "LimitError"


def test_an_unknown_error_name_is_still_an_error_one_can_read() -> None:
    assert type(messages.ErrorMessage(error="FutureError", message="Hm.").exception()) is errors.SeagullError


@pytest.mark.parametrize(
    "changes",
    [
        {"runs": [-1, 7]},
        {"runs": []},
        {"runs": [1.5, 4.5]},
        {"runs": [True, 5]},
        {"runs": ["6"]},
        {"runs": [2**40]},
        {"runs": [10**400]},
        {"runs": [0] * (messages.MAX_RUNS + 1)},
        {"box": [0, 0, 1]},
        {"box": [0, 0, 2**70, 1]},
        {"shape": [0, 5]},
        {"shape": [4, 5, 3]},
        {"id": ""},
        {"id": "x" * 101},
        {"name": "x" * 201},
        {"id": None},
    ],
)
def test_a_region_that_is_none_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        messages.RegionMessage.model_validate(_message(**changes))


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"runs": [0, 5]}, errors.RegionError),
        ({"runs": [6]}, errors.EmptyRegionError),
        ({"box": [3, 1, 1, 4]}, errors.RegionError),
        ({"box": [1, 1, 9, 4]}, errors.RegionError),
        ({"box": [-1, 1, 1, 4]}, errors.RegionError),
        ({"shape": [5, 4]}, errors.ShapeMismatchError),
    ],
)
def test_a_region_that_does_not_fit_the_image_says_so(changes: dict[str, object], error: type[Exception]) -> None:
    message = messages.RegionMessage.model_validate(_message(**changes))
    with pytest.raises(error):
        message.region((4, 5))


def test_a_huge_mask_is_refused_before_it_is_made() -> None:
    message = messages.RegionMessage.model_validate(
        _message(shape=[2**31, 2**31], box=[0, 0, 2**31, 2**31], runs=[2**31, 2**31])
    )
    with pytest.raises(errors.ShapeMismatchError):
        message.region((4, 5))


def test_a_long_name_is_cut_and_a_ragged_mask_is_refused_before_sending() -> None:
    region = Region(RegionMask.whole((2, 2)), name="n" * 1000)
    assert len(messages.RegionMessage.of(region).name) == messages.MAX_NAME
    with pytest.raises(errors.LimitError):
        messages.RegionMessage.of(Region(RegionMask.from_pixels(_checkerboard())))


def _checkerboard() -> np.ndarray:
    return np.indices((1001, 1001)).sum(axis=0) % 2 == 0


def test_two_regions_of_one_id_are_refused() -> None:
    with pytest.raises(ValidationError, match="share one id"):
        wire.ReportRequest.model_validate({"regions": [_message(), _message()]})


def test_unknown_keys_of_a_newer_end_are_ignored() -> None:
    assert messages.RegionMessage.model_validate(_message(colour="red")).id == "a"


def test_a_model_card_comes_back_as_it_went() -> None:
    card = ModelCard("m-1", parameters=7, metrics={"srocc": 0.5})
    assert (
        messages.ModelCardMessage.model_validate(json.loads(messages.ModelCardMessage.of(card).model_dump_json())).card()
        == card
    )


def test_an_offer_comes_back_as_it_went() -> None:
    needs = (MemoryNeed(Precision.BF16, 14 * 10**9), MemoryNeed(Precision.INT4, 5 * 10**9))
    offer = ModelOffer(
        "m", "A model", "Free.", OfferState.PARTIAL, "https://x.example", "abc", "/models/m ü", 10**10, 5, needs
    )
    said = messages.ModelOfferMessage.of(offer, "job-1").model_dump_json()
    back = messages.ModelOfferMessage.model_validate_json(said)
    assert (back.offer(), back.job) == (offer, "job-1")


def test_the_notes_of_a_report_are_few_and_short() -> None:
    report = QualityReport("r", 1.0, None, None, None, None, "", "m", notes=("n" * 1000,) * 20)
    said = messages.ReportMessage.of(report)
    assert [len(note) for note in said.notes] == [messages.MAX_NOTE] * messages.MAX_NOTES
    short = QualityReport("r", 1.0, None, None, None, None, "", "m", notes=("The region is one pixel wide.",))
    assert messages.ReportMessage.of(short).report() == short


def test_an_older_server_says_nothing_of_precision_and_answers() -> None:
    old = {"protocol": 1, "version": "0.1", "model": None, "device": "", "device_reason": "", "limits": {}}
    can = wire.Capabilities.model_validate({**old, "distortions": [], "severities": [], "aspects": [], "maps": []})
    assert (can.precision, can.answers, can.warmth) == ("", False, wire.Warmth())
    assert wire.Job(id="j", state=wire.JobState.DONE).edition == 0
