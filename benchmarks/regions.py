"""What a further region and a further request cost, in the program and through the real server.

    python benchmarks/regions.py

Goals: a request for 32 regions of a new image costs at most 3x a request for one; a second request on a known image at
most a third of the first; looking at a 768 x 768 photograph and scoring a region takes under 250 ms on two quiet cores.
What a further region costs once the image is known is told beside them, without a bound. Times are the fastest of 25;
what is compared takes turns in one run.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from server import running_server
from timing import RUNS, Goal, machine, minima, photograph, regions

from seagull_iqa.client import AssessReply, Client
from seagull_iqa.domain.region import Region
from seagull_iqa.imaging.prepared import PreparedImage
from seagull_iqa.models.interface import QualityModel, RGBImage
from seagull_iqa.registry import load_model

SIDE = 768
MANY = 32

NEW_ONE, NEW_MANY = "new image, 1 region", f"new image, {MANY} regions"
KNOWN_ONE, KNOWN_MANY = "known image, 1 region", f"known image, {MANY} regions"


class FreshImages:
    """The photograph again and again, each time with one other pixel, so that no cache knows it."""

    def __init__(self, rgb: RGBImage) -> None:
        self._rgb, self._count = rgb, 0

    def __call__(self) -> PreparedImage:
        """The next one."""
        self._count += 1
        changed = self._rgb.copy()
        changed[0, 0] = (self._count % 256, self._count // 256 % 256, 7)
        return PreparedImage(changed)


def in_program(model: QualityModel, rgb: RGBImage, many: list[Region], runs: int) -> dict[str, float]:
    """Seconds of the four requests, on the model itself."""
    known = model.look(rgb)
    model.assess(known, many)
    return minima({
        NEW_ONE: lambda: model.assess(model.look(rgb), many[:1]),
        NEW_MANY: lambda: model.assess(model.look(rgb), many),
        KNOWN_ONE: lambda: model.assess(known, many[1:2]),
        KNOWN_MANY: lambda: model.assess(known, many),
    }, runs)  # fmt: skip


def through_server(client: Client, rgb: RGBImage, many: list[Region], runs: int) -> dict[str, float]:
    """Seconds of the four requests, from the client's call to its reports."""
    fresh = FreshImages(rgb)
    waiting = [fresh() for _ in range(2 * runs + 1)]  # made and hashed before the clock runs
    known = waiting.pop()
    _answered(client.assess(known, many))

    def ask(image: Callable[[], PreparedImage], some: list[Region]) -> Callable[[], object]:
        return lambda: _answered(client.assess(image(), some))

    return minima({
        NEW_ONE: ask(waiting.pop, many[:1]),
        NEW_MANY: ask(waiting.pop, many),
        KNOWN_ONE: ask(lambda: known, many[1:2]),
        KNOWN_MANY: ask(lambda: known, many),
    }, runs)  # fmt: skip


def _answered(reply: AssessReply) -> AssessReply:
    for error in reply.errors.values():
        raise error
    return reply


def goals(where: str, seconds: dict[str, float]) -> list[Goal]:
    """The ratios that both ways have in common."""
    further = seconds[KNOWN_MANY] - seconds[KNOWN_ONE]
    return [
        Goal(f"{where}: {MANY} regions over 1, new image", seconds[NEW_MANY] / seconds[NEW_ONE], 3.0),
        Goal(f"{where}: second request over first", seconds[KNOWN_ONE] / seconds[NEW_ONE], 1 / 3),
        Goal(f"{where}: {MANY} regions over 1, known image", seconds[KNOWN_MANY] / seconds[KNOWN_ONE]),
        Goal(f"{where}: a further region of a known image", 1000 * further / (MANY - 1), unit="ms"),
    ]


def main() -> None:
    """Measure, print, and write the goals where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="seagull-mini")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--no-server", action="store_true", help="only the model itself")
    parser.add_argument("--json", type=Path, help="write the goals into this file")
    given = parser.parse_args()
    rgb, many = photograph(SIDE, SIDE), regions(MANY, SIDE, SIDE)
    model = load_model(given.model, given.device)
    print(f"{model.card.id} on {model.device}, {SIDE} x {SIDE} px, fastest of {given.runs}; {machine()}")
    found = _report("model", in_program(model, rgb, many, given.runs))
    if not given.no_server:
        with running_server(given.model, given.device) as client:
            found += _report("server", through_server(client, np.ascontiguousarray(rgb), many, given.runs))
    if given.json:
        given.json.write_text(json.dumps([goal.to_json() for goal in found]), encoding="utf-8")


def _report(where: str, seconds: dict[str, float]) -> list[Goal]:
    for name, value in seconds.items():
        print(f"  {where}: {name}: {1000 * value:.1f} ms")
    found = goals(where, seconds)
    if where == "model":
        found.append(Goal(f"look at {SIDE} x {SIDE} px and score a region", 1000 * seconds[NEW_ONE], 250, "ms"))
    for goal in found:
        print(f"{goal}; {machine()}")
    return found


if __name__ == "__main__":
    main()
