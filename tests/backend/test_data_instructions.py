from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest

from seagull_iqa.data.instructions import bin_word, instructions, records
from seagull_iqa.data.labelled import BoxPlace, CocoPlace, LabelledImage, LabelledRegion, WholePlace
from seagull_iqa.domain.distortion import Distortion, Finding, Severity
from seagull_iqa.domain.report import Aspect
from seagull_iqa.imaging import coco

SEVERE_BLUR = Finding(Distortion.BLUR, Severity.SEVERE)
MINOR_NOISE = Finding(Distortion.NOISE, Severity.MINOR)


def pixels() -> np.ndarray:
    return np.zeros((20, 30, 3), np.uint8)


def region(name: str = "r0", **known) -> LabelledRegion:
    findings = known.get("findings")
    if findings is not None:
        known["types"] = frozenset(one.distortion for one in findings)
    return LabelledRegion(name, known.pop("place", WholePlace()), **known)


def image(*regions: LabelledRegion) -> LabelledImage:
    return LabelledImage("gull", pixels, regions)


def answers(one: LabelledRegion) -> dict[Aspect, str]:
    return {talk.aspect: talk.answer for talk in instructions(image(one), judgments=False)}


def test_the_three_questions_are_answered_in_the_papers_form():
    known = region(quality=35.0, importance=99.0, findings=(SEVERE_BLUR, MINOR_NOISE))
    assert answers(known) == {
        Aspect.QUALITY: "The quality is poor.",
        Aspect.IMPORTANCE: "This region is essential to the overall quality.",
        Aspect.DISTORTION: "With severe blur and minor noise distortions.",
    }


def test_the_words_are_five_equal_fifths_of_the_scale():
    values = [0, 19.99, 20, 39.99, 40, 60, 79.99, 80, 100]
    words = ["bad", "bad", "poor", "poor", "fair", "good", "good", "excellent", "excellent"]
    assert [bin_word(Aspect.QUALITY, value) for value in values] == words


def test_clean_and_types_without_severities_have_sentences_of_their_own():
    assert answers(region(findings=())) == {Aspect.DISTORTION: "This region is clean."}
    assert answers(region(types=frozenset({Distortion.NOISE, Distortion.BLUR}))) == {
        Aspect.DISTORTION: "blur and noise."
    }


def test_what_is_not_known_is_not_asked():
    assert list(instructions(image(region()))) == []
    assert {talk.aspect for talk in instructions(image(region(quality=0.0)))} == {Aspect.QUALITY}


def test_a_region_that_distortions_only_graze_is_not_asked_for_types():
    def asked(touched: float) -> bool:
        return Aspect.DISTORTION in answers(region(findings=(SEVERE_BLUR,), more={"touched": touched}))

    assert asked(0.5) and not asked(0.1)
    assert Aspect.DISTORTION in answers(region(findings=(), more={"touched": 0.0}))


@pytest.mark.parametrize("findings", [(), (SEVERE_BLUR,), (SEVERE_BLUR, MINOR_NOISE)])
def test_judgments_are_true_as_often_as_false_and_never_lie(findings):
    many = [region(f"r{i}", quality=i * 2.0, importance=100 - i * 2.0, findings=findings) for i in range(50)]
    right = {one.name: answers(one) for one in many}
    talks = [talk for talk in instructions(image(*many)) if talk.judgment]
    assert Counter((talk.aspect, talk.answer == "Yes.") for talk in talks) == {
        (aspect, true): 50 for aspect in Aspect for true in (True, False)
    }
    for talk in talks:
        truth = set(right[talk.region][talk.aspect].rstrip(".").split())
        said = set(talk.question.rstrip("?").split()) & (ALL_WORDS if talk.aspect is not Aspect.DISTORTION else TYPES)
        said -= {"clean"} if talk.aspect is not Aspect.DISTORTION else set()
        assert said <= truth if talk.answer == "Yes." else not said & truth, (talk, truth)
        if talk.answer != "Yes.":
            told = set(talk.answer.rstrip(".").split()) & (ALL_WORDS | TYPES)
            assert told == truth & (ALL_WORDS | TYPES), (talk, truth)


# "minor" is a level and a severity
ALL_WORDS = {"bad", "poor", "fair", "good", "excellent", "unimportant", "normal", "important", "essential"}
TYPES = {*map(str, Distortion), "clean"}


def test_wrong_words_are_drawn_from_all_the_others_by_the_seed_alone():
    many = [region(f"r{i}", quality=50.0) for i in range(200)]
    wrong = [talk.question for talk in instructions(image(*many), seed=1) if talk.answer.startswith("No")]
    assert len(set(wrong)) == 4
    assert min(Counter(wrong).values()) > 25
    again = [talk.question for talk in instructions(image(*many[::-1]), seed=1) if talk.answer.startswith("No")]
    other = [talk.question for talk in instructions(image(*many), seed=2) if talk.answer.startswith("No")]
    assert wrong == again[::-1] and wrong != other


def test_a_line_holds_image_region_and_a_conversation_that_a_trainer_can_read():
    box = region("box", place=BoxPlace((2, 3, 12, 13)), quality=90.0)
    runs = region("runs", place=CocoPlace({"size": [20, 30], "counts": "42102"}), findings=(SEVERE_BLUR,))
    lines = [json.loads(line) for line in records([image(box, runs)])]
    assert [line["id"] for line in lines] == [f"gull/{i}" for i in range(6)]
    first = lines[0]
    expected = np.zeros((20, 30), bool)
    expected[2:12, 3:13] = True
    assert np.array_equal(coco.decode(first["region"]["size"], first["region"]["counts"]), expected)
    assert (first["image"], first["task"], first["kind"]) == ("gull", "quality", "question")
    human, model = first["conversations"]
    assert human["from"] == "human" and human["value"].startswith("<image>\nThis provides an overview of the image.")
    assert human["value"].endswith("Here is the region <global><local>. Analyze the quality of this region.")
    assert human["value"].count("<global><local>") == 1
    assert model == {"from": "gpt", "value": "The quality is excellent."}
    assert lines[3]["region"] == {"name": "runs", "size": [20, 30], "counts": "42102"}


def test_what_the_full_model_reads_from_our_sentences_is_what_we_put_in():
    from seagull_iqa.models.full.answers import findings_in

    assert findings_in(answers(region(findings=(SEVERE_BLUR, MINOR_NOISE)))[Aspect.DISTORTION]) == (
        SEVERE_BLUR, MINOR_NOISE,
    )  # fmt: skip
    assert findings_in(answers(region(findings=()))[Aspect.DISTORTION]) == ()
