"""The figures that the paper on SEAGULL prints, on its own data: for orientation, never beside ours in one table.

Chen and others, SEAGULL (arXiv 2411.10161), tables 1 and 2: its test set of SEAGULL-3k, regions scored by people.
"""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.table import Table

DATA = "SEAGULL-3k (test), people's scores, as published in arXiv 2411.10161"

_TABLE_1: tuple[tuple[str, str, str], ...] = (
    ("crop", "HyperIQA", ".7120 .7162 .6645 .6636"),
    ("crop", "DBCNN", ".6836 .6721 .3832 .3551"),
    ("crop", "QualiCLIP", ".6166 .6090 .4902 .4915"),
    ("crop", "PromptIQA", ".7377 .7112 .6028 .5991"),
    ("box", "Yi-VL-6B", ".5315 .5427 .6697 .6926 21.07 21.07 21.07 23.44 23.44 23.44"),
    ("box", "mPLUG-Owl2-7B", ".6281 .6321 .7176 .7173 28.35 27.00 26.69 57.52 56.37 53.86"),
    ("box", "Qwen2-VL-7B", ".6539 .6533 .7153 .7161 27.41 24.50 25.02 51.15 45.03 45.83"),
    ("box", "LLaVA-1.5-7B", ".5693 .5774 .7338 .7377 25.10 25.19 24.14 59.33 57.55 54.95"),
    ("box", "mPLUG-Owl2 (Q-Align)", ".6562 .6622 .5339 .5127 15.60 12.20 13.02 52.44 39.77 42.19"),
    ("box", "mPLUG-Owl2 (Q-Instruct)", ".6644 .6559 .5172 .5037 16.96 25.25 19.00 40.80 64.04 46.75"),
    ("box", "LLaVA-1.5 (Q-Instruct)", ".6606 .6623 .7667 .7605 27.69 26.52 26.02 57.87 56.77 53.96"),
    ("mask", "Osprey-7B (on 100w)", ".7176 .7173 .8811 .8756 27.17 29.55 26.72 58.17 62.52 56.25"),
    ("mask", "SEAGULL-7B", ".7452 .7465 .8603 .8468 29.50 32.51 29.03 59.90 66.87 59.08"),
)

_TABLE_2: tuple[tuple[str, str], ...] = (
    ("Qwen2-VL", "67.14 14.93 37.30 0.00 17.24 38.16 53.33 32.58"),
    ("LLaVA-1.5", "79.09 33.63 39.59 23.53 23.91 51.34 49.56 42.95"),
    ("mPLUG-Owl2", "79.41 22.70 42.38 9.52 20.93 47.88 44.71 38.22"),
    ("mPLUG-Owl2 (Q-Align)", "69.38 15.69 24.03 0.00 18.39 30.00 37.78 27.89"),
    ("mPLUG-Owl2 (Q-Instruct)", "78.70 33.02 38.58 5.26 10.81 47.45 1.58 30.77"),
    ("Osprey (on 100w)", "81.05 38.91 46.43 20.83 28.57 50.10 45.83 44.53"),
    ("SEAGULL", "83.33 39.48 52.20 25.00 24.00 51.94 52.58 46.93"),
)


def published_tables() -> list[Table]:
    """The paper's two tables, each titled with the data they are of."""
    first = Table(title=f"The paper's Table 1: {DATA}", title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    heads = ("quality\nSROCC", "\nPLCC", "importance\nSROCC", "\nPLCC", "severity\nP", "\nR", "\nF1", "type\nP", "\nR",
             "\nF1")  # fmt: skip
    for heading in ("input", "model", *heads):
        first.add_column(heading, justify="left" if heading in ("input", "model") else "right")
    for given, model, figures in _TABLE_1:
        values = figures.split()
        first.add_row(given, model, *values, *("-" for _ in range(len(heads) - len(values))))
    second = Table(title=f"The paper's Table 2, F1 by type: {DATA}", title_justify="left", box=SIMPLE_HEAD)
    second.add_column("model")
    for heading in ("blur", "colorfulness", "noise", "compression", "contrast", "exposure", "clean", "average"):
        second.add_column(heading, justify="right")
    for model, figures in _TABLE_2:
        second.add_row(model, *figures.split())
    return [first, second]
