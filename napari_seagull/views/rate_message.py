"""What the panel "Rate" says where no region is shown: how it works, or what there is to do."""

from __future__ import annotations

from napari_seagull.views.rating_keys import Act, RatingKeys

BEGIN = """“Start rating” shows one region after the other.

{quality}: how good it is.
{importance}: how much it matters.
Letters: what spoils it; the same letter again for another severity.
{next} keeps that and goes on.

What the model says is hidden meanwhile, so that it leads nobody."""

BEGIN_PAIRS = """“Start rating” shows two regions at a time.

{left} or {right}: that one is better. {equal}: no difference.
People tell more surely which of two is better than how good one is."""

ALL_RATED = """All {total} regions are rated.

Tick “Rated ones again” to go through them once more,
or choose “In pairs” to compare them."""

NO_PAIR = "There is no pair left to compare.\nIt takes two regions of this image that were not compared yet."


def rating_message(keys: RatingKeys, total: int, *, on: bool, pairs: bool) -> str:
    """The words, for so many regions; "" where there is none, which the banner says."""
    if not total:
        return ""
    if on:
        return NO_PAIR if pairs else ALL_RATED.format(total=total)
    if pairs:
        return BEGIN_PAIRS.format(left=keys.hint(Act.LEFT), right=keys.hint(Act.RIGHT), equal=keys.hint(Act.EQUAL))
    quality, importance = (f"{keys.hint((kind, 0))} to {keys.hint((kind, 4))}" for kind in ("quality", "importance"))
    return BEGIN.format(quality=quality, importance=importance, next=keys.hint(Act.NEXT))
