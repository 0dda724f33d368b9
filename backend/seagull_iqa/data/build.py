"""Build a data set from a folder of photographs: by a plan, in parallel, and on from wherever it stopped."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from seagull_iqa.data.card import finish
from seagull_iqa.data.crew import Crew
from seagull_iqa.data.disk import check_room
from seagull_iqa.data.making import make, recipe_of
from seagull_iqa.data.pristine import Source, find_sources
from seagull_iqa.data.references import Reference, make_reference, read_about
from seagull_iqa.data.segments import Segmenter, superpixel_proposals
from seagull_iqa.data.shards import ShardWriter, columns_of, remove_partial, shard_path
from seagull_iqa.data.spec import SPEC_FILE, BuildSpec, check_wishes, claim_folder
from seagull_iqa.data.topiq import Topiq
from seagull_iqa.domain.progress import Progress
from seagull_iqa.errors import ImageError, SeagullError

VIEWS = 4
"""Images made in a row from one photograph, which is prepared once for them."""


@dataclass(frozen=True)
class PhotographTask:
    """Prepare one photograph."""

    number: int
    source: Source


@dataclass(frozen=True)
class ShardTask:
    """Make one shard: index and photograph of each image."""

    number: int
    images: tuple[tuple[int, int], ...]


Task = PhotographTask | ShardTask


@dataclass
class Engine:
    """What every process does: it travels to it with the spec, and remembers the photograph it was at."""

    spec: BuildSpec
    _reference: Reference | None = field(default=None, init=False)
    _second: Topiq | None = field(default=None, init=False)

    def do(self, task: Task) -> Iterator[int]:
        """Do one task; 1 for a photograph, the number of its regions for an image."""
        if isinstance(task, PhotographTask):
            make_reference(
                self.spec.out, task.number, self.spec.photos, task.source, self.spec.size, self._segmenter()
            )
            yield 1
            return
        try:
            yield from self._shard(task)
        except OSError as error:
            raise _not_written(shard_path(self.spec.out, task.number), error) from error

    def _shard(self, task: ShardTask) -> Iterator[int]:
        columns = columns_of(topiq=self.spec.topiq)
        with ShardWriter(shard_path(self.spec.out, task.number), columns) as shard:
            for index, photograph in task.images:
                reference = self._at(photograph)
                recipe = recipe_of(reference, self.spec.seed, index, self.spec.known_codecs)
                made = make(reference, recipe, f"{index:08d}", self._topiq())
                shard.add(made.key, made.packed, made.about, made.rows)
                yield len(made.rows)

    def _at(self, photograph: int) -> Reference:
        if self._reference is None or self._reference.number != photograph:
            self._reference = Reference.load(self.spec.out, photograph, self.spec.device)
        return self._reference

    def _topiq(self) -> Topiq | None:
        if self.spec.topiq and self._second is None:
            self._second = Topiq.load(self.spec.device)
        return self._second

    def _segmenter(self) -> Segmenter:
        if self.spec.sam_weights is None:
            return superpixel_proposals
        from seagull_iqa.data.sam import sam_proposals

        return sam_proposals(self.spec.sam_weights, self.spec.device)


@dataclass(frozen=True)
class Plan:
    """Which image is made from which photograph, and how many regions each photograph has."""

    photographs: tuple[int, ...]
    """By index of the image."""
    regions: dict[int, int]
    """By photograph."""

    @property
    def total(self) -> int:
        """Regions in all."""
        return sum(self.regions[one] for one in self.photographs)

    def shards(self, images: int) -> list[ShardTask]:
        """Tasks of so many images each."""
        pairs = list(enumerate(self.photographs))
        return [
            ShardTask(number, tuple(pairs[start : start + images]))
            for number, start in enumerate(range(0, len(pairs), images))
        ]


def chosen(spec: BuildSpec, count: int) -> list[int]:
    """The photographs of a set, in a random order: all of them, or fewer where the set is small."""
    order: list[int] = np.random.default_rng([spec.seed, 0]).permutation(count).tolist()
    return order[: spec.images_expected]


def plan(spec: BuildSpec, regions: dict[int, int]) -> Plan:
    """Go round the photographs, each round in another order, until there are enough regions or images."""
    views = min(VIEWS, max(1, round(spec.images_expected / len(regions))))
    found: list[int] = []
    total, round_number = 0, 0
    while True:
        order = np.random.default_rng([spec.seed, 1, round_number]).permutation(sorted(regions)).tolist()
        for photograph in order:
            for _ in range(views):
                found.append(photograph)
                total += regions[photograph]
                if len(found) >= spec.images if spec.images else total >= spec.regions:
                    return Plan(tuple(found), regions)
        round_number += 1


def build(spec: BuildSpec) -> Iterator[Progress]:
    """Build a data set, or go on with it; yields how far photographs, and then regions, have come.

    Raises
    ------
    SeagullError
        No photographs, another set in the folder, another build at work in it, or too little room on the disk.
    """
    check_wishes(spec)
    sources = find_sources(spec.photos, spec.out)
    identity = spec.identity(sources)
    lock = FileLock(spec.out / ".lock")
    try:
        spec.out.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except OSError as error:
        if not isinstance(error, Timeout):
            raise _not_written(spec.out, error) from error
        raise SeagullError(f"Another build is at work in {spec.out}.", "Wait for it, or take another folder.") from None
    try:
        if not (spec.out / SPEC_FILE).is_file():  # so that smaller wishes may follow in the same folder
            _check_room(spec, sources)
        claim_folder(spec.out, identity)
        yield from _build(spec, sources, identity)
    finally:
        lock.release()


def _build(spec: BuildSpec, sources: Sequence[Source], identity: dict[str, Any]) -> Iterator[Progress]:
    remove_partial(spec.out)
    _check_room(spec, sources)
    try:
        with Crew[Task](Engine(spec), spec.processes) as crew:
            yield from _prepare(spec, sources, crew)
            planned = plan(spec, _regions(spec, chosen(spec, len(sources))))
            yield from _make(spec, planned, crew)
        finish(spec, identity, len(planned.shards(spec.shard_images)))
    finally:
        remove_partial(spec.out)


def _check_room(spec: BuildSpec, sources: Sequence[Source]) -> None:
    check_room(spec, [sources[one] for one in chosen(spec, len(sources))])


def _prepare(spec: BuildSpec, sources: Sequence[Source], crew: Crew[Task]) -> Iterator[Progress]:
    numbers = chosen(spec, len(sources))
    todo: list[Task] = [PhotographTask(one, sources[one]) for one in numbers if read_about(spec.out, one) is None]
    done = len(numbers) - len(todo)
    clock = Clock(done, len(numbers))
    for count in crew.run(todo):
        done += count
        yield Progress(done, len(numbers), f"photographs, {clock.left(done)}")


def _known(spec: BuildSpec, numbers: Sequence[int]) -> dict[int, dict[str, Any]]:
    found = {one: read_about(spec.out, one) for one in numbers}
    return {one: about for one, about in found.items() if about is not None and "skipped" not in about}


def _regions(spec: BuildSpec, numbers: Sequence[int]) -> dict[int, int]:
    known = _known(spec, numbers)
    if not known:
        first = read_about(spec.out, numbers[0]) or {}
        raise ImageError(f"None of the {len(numbers)} photographs can be used.", str(first.get("skipped", "")))
    return {one: len(about["regions"]) for one, about in known.items()}


def _make(spec: BuildSpec, planned: Plan, crew: Crew[Task]) -> Iterator[Progress]:
    tasks = planned.shards(spec.shard_images)
    todo = [task for task in tasks if not shard_path(spec.out, task.number).is_file()]
    left = sum(planned.regions[photograph] for task in todo for _index, photograph in task.images)
    done, total = planned.total - left, planned.total
    clock = Clock(done, total)
    for count in crew.run(todo):
        done += count
        yield Progress(done, total, f"regions, {clock.left(done)}")


def _not_written(path: Path, error: OSError) -> SeagullError:
    return SeagullError(
        f"{path} cannot be written ({error.strerror or error}).",
        "Make room, or choose a folder that you may write to; the same command goes on from there.",
    )


class Clock:
    """How long the rest will take, judged by what was done since it was started."""

    def __init__(self, done: int, total: int) -> None:
        self._start, self._began, self._total = done, time.monotonic(), total

    def left(self, done: int) -> str:
        """In words."""
        fresh = done - self._start
        if fresh <= 0:
            return "time left not known yet"
        seconds = (time.monotonic() - self._began) / fresh * (self._total - done)
        return f"{seconds:.0f} s left" if seconds < 90 else f"{seconds / 60:.0f} min left"
