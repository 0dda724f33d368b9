"""Leaves that hold marks of both kinds are split: each pixel goes with the mark that is nearest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seagull_iqa.imaging.region_tree.leaves import Labels
from seagull_iqa.imaging.region_tree.marks import Marks

Mask = NDArray[np.bool_]
"""bool, shape (H, W), True inside."""


def split_leaves(full: Labels, mask: Mask, marks: Marks) -> None:
    """Change a mask in place where a mark contradicts it, inside that mark's leaf only."""
    every = np.concatenate([marks.inside, marks.outside])
    signs = np.arange(len(every)) < len(marks.inside)
    of = full[every[:, 0], every[:, 1]]
    wrong = mask[every[:, 0], every[:, 1]] != signs
    for leaf in np.unique(of[wrong]):
        mine = of == leaf
        at = np.argwhere(full == leaf)
        nearest = np.full(len(at), np.iinfo(np.int64).max)
        answer = mask[at[:, 0], at[:, 1]]
        for (row, column), sign in zip(every[mine].tolist(), signs[mine].tolist(), strict=True):
            away = (at[:, 0] - row) ** 2 + (at[:, 1] - column) ** 2
            answer = np.where(away < nearest, sign, answer)
            nearest = np.minimum(away, nearest)
        mask[at[:, 0], at[:, 1]] = answer
