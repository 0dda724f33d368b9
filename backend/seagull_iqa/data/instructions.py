"""Put what is known of regions in words: questions with their answers, and judgments, as SEAGULL's paper asks them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from seagull_iqa.data.labelled import CocoPlace, LabelledImage, LabelledRegion, Shape
from seagull_iqa.data.readers_shards import ShardImage
from seagull_iqa.domain.distortion import CLEAN, Distortion
from seagull_iqa.domain.questions import (
    CLEAN_QUESTION,
    CLEAN_SENTENCE,
    GLOBAL_TOKEN,
    JUDGMENTS,
    LOCAL_TOKEN,
    OVERVIEW,
    QUESTIONS,
    SCALES,
    YES,
)
from seagull_iqa.domain.report import Aspect
from seagull_iqa.imaging.coco import encode

GRAZED = 0.2
"""A region of which distortions reach a smaller share is neither clean nor spoiled: it is not asked for types."""


@dataclass(frozen=True)
class Conversation:
    """One question about one region and its true answer.

    Attributes
    ----------
    image, region : str
        Names of the image and of the region.
    aspect : Aspect
    judgment : bool
        The answer is yes or no.
    question, answer : str
        Without what stands around them.
    """

    image: str
    region: str
    aspect: Aspect
    judgment: bool
    question: str
    answer: str

    @property
    def turns(self) -> list[dict[str, str]]:
        """The two turns in the style of LLaVA: image, overview, the region's two tokens, question; answer."""
        asked = f"<image>{OVERVIEW}{GLOBAL_TOKEN}{LOCAL_TOKEN}. {self.question}"
        return [{"from": "human", "value": asked}, {"from": "gpt", "value": self.answer}]


def bin_word(aspect: Aspect, value: float) -> str:
    """The word of the fifth of 0..100 that a score lies in: 0-20 is the first, 80-100 the last."""
    return SCALES[aspect].words[min(4, max(0, int(value // 20)))]


def distortion_sentence(region: LabelledRegion) -> str:
    """The answer to the question for distortions, worst first; the types alone where no severity is known."""
    if not region.types:
        return CLEAN_SENTENCE
    if region.findings is None:
        return f"{' and '.join(_type_names(region))}."
    return f"With {' and '.join(map(str, region.findings))} distortions."


def instructions(image: LabelledImage, *, seed: int = 0, judgments: bool = True) -> Iterator[Conversation]:
    """Everything that can be asked of an image: per region and aspect that is known, the question and two judgments.

    Of the two judgments one is true and one is not, so that they are balanced exactly.

    Parameters
    ----------
    image : LabelledImage
    seed : int
        Of the wrong words and types; the same seed gives the same text, whatever else is in the data set.
    judgments : bool
        Ask them too.
    """
    for region in image.regions:
        for aspect in Aspect:
            if not _is_known(region, aspect):
                continue
            yield Conversation(image.name, region.name, aspect, False, QUESTIONS[aspect], _answer(region, aspect))
            for true in (True, False) if judgments else ():
                draw = _Draw(f"{seed} {image.name} {region.name} {aspect} {true}")
                question, answer = _judged(region, aspect, draw, true=true)
                yield Conversation(image.name, region.name, aspect, True, question, answer)


def records(images: Iterable[LabelledImage], *, seed: int = 0, judgments: bool = True) -> Iterator[str]:
    """The lines of a JSONL file: id, image, region (COCO run lengths), task, kind and conversations.

    Raises
    ------
    SeagullError
        An image or its labels cannot be read.
    """
    for image in images:
        shapes: dict[str, Any] = {}
        for number, one in enumerate(instructions(image, seed=seed, judgments=judgments)):
            if one.region not in shapes:
                shapes[one.region] = _run_lengths(image, one.region)
            row = {
                "id": f"{image.name}/{number}",
                "image": _address(image),
                "region": {"name": one.region, **shapes[one.region]},
                "task": str(one.aspect),
                "kind": "judgment" if one.judgment else "question",
                "conversations": one.turns,
            }
            yield json.dumps(row, ensure_ascii=False)


class _Draw:
    """Picks that depend on nothing but a text."""

    def __init__(self, text: str) -> None:
        self._number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")

    def one_of(self, choices: list[str]) -> str:
        return choices[self._number % len(choices)]


def _value(region: LabelledRegion, aspect: Aspect) -> float | None:
    return region.quality if aspect is Aspect.QUALITY else region.importance


def _is_known(region: LabelledRegion, aspect: Aspect) -> bool:
    if aspect is not Aspect.DISTORTION:
        return _value(region, aspect) is not None
    grazed = bool(region.types) and region.more.get("touched", 1.0) < GRAZED
    return region.types is not None and not grazed


def _type_names(region: LabelledRegion) -> list[str]:
    if region.findings:
        return [str(finding.distortion) for finding in region.findings]
    return [str(one) for one in Distortion if one in (region.types or ())]


def _answer(region: LabelledRegion, aspect: Aspect) -> str:
    if aspect is Aspect.DISTORTION:
        return distortion_sentence(region)
    scale = SCALES[aspect]
    return f"{scale.stem} {bin_word(aspect, _value(region, aspect) or 0.0)}{scale.rest}"


def _judged(region: LabelledRegion, aspect: Aspect, draw: _Draw, *, true: bool) -> tuple[str, str]:
    if aspect is Aspect.DISTORTION:
        return _judged_types(region, draw, true=true)
    right = bin_word(aspect, _value(region, aspect) or 0.0)
    said = right if true else draw.one_of([word for word in SCALES[aspect].words if word != right])
    form = JUDGMENTS[aspect]
    return form.question.format(level=said), YES if true else form.correction.format(level=right)


def _judged_types(region: LabelledRegion, draw: _Draw, *, true: bool) -> tuple[str, str]:
    there = _type_names(region) or [CLEAN]
    said = draw.one_of(there if true else [name for name in (*map(str, Distortion), CLEAN) if name not in there])
    form = JUDGMENTS[Aspect.DISTORTION]
    question = CLEAN_QUESTION if said == CLEAN else form.question.format(type=said)
    denial = f"No. {CLEAN_SENTENCE}" if there == [CLEAN] else form.correction.format(type=" and ".join(there))
    return question, YES if true else denial


def _address(image: LabelledImage) -> str:
    """Where a trainer finds the pixels: "shards/00000.tar#KEY.webp", or the name of the file."""
    inside = image.rgb
    return f"shards/{inside.shard.name}#{image.name}.webp" if isinstance(inside, ShardImage) else image.name


def _run_lengths(image: LabelledImage, name: str) -> dict[str, object]:
    region = next(one for one in image.regions if one.name == name)
    known = region.place.segmentation if isinstance(region.place, CocoPlace) else None
    if isinstance(known, dict) and isinstance(known.get("counts"), str) and "size" in known:
        return {"size": list(known["size"]), "counts": known["counts"]}
    pixels = image.rgb()
    shape: Shape = (int(pixels.shape[0]), int(pixels.shape[1]))
    return {"size": list(shape), "counts": encode(region.place.mask(shape).pixels)}
