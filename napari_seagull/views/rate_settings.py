"""How one person rates: name, order, habits, and keys; what outlives the window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from napari_seagull.views.rating_keys import RatingKeys
from seagull_iqa.domain.annotation import MAX_AUTHOR


class Order(StrEnum):
    """Which region comes next."""

    UNCERTAIN = "Uncertain first"
    LISTED = "In order"


@dataclass(frozen=True)
class RateSettings:
    """How one person rates.

    Attributes
    ----------
    author : str
        The person's name; stands beside every label.
    order : Order
    again : bool
        Regions that this person has rated come again.
    quick : bool
        A quality given by key goes on to the next region at once.
    keys : RatingKeys
    """

    author: str = ""
    order: Order = Order.UNCERTAIN
    again: bool = False
    quick: bool = False
    keys: RatingKeys = field(default_factory=RatingKeys)

    @classmethod
    def read(cls, stored: Mapping[str, object]) -> RateSettings:
        """From plain JSON values; what cannot be used is as it would be without a file."""
        author, order, keys = stored.get("author"), stored.get("order"), stored.get("keys")
        return cls(
            author[:MAX_AUTHOR] if isinstance(author, str) else "",
            Order(str(order)) if order in set(Order) else Order.UNCERTAIN,
            stored.get("again") is True,
            stored.get("quick") is True,
            RatingKeys.read(keys) if isinstance(keys, dict) else RatingKeys(),
        )

    def to_json(self) -> dict[str, object]:
        """As plain JSON values."""
        return {
            "author": self.author,
            "order": self.order.value,
            "again": self.again,
            "quick": self.quick,
            "keys": self.keys.changed(),
        }
