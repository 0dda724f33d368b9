"""Kill the server, the process that learns, or both, at random moments of a training; nothing must be lost.

    python scripts/kill_finetune.py [--kills 50]

Each time a server of its own is started, a run is begun on labels of the sample images, and the kill (SIGKILL) comes 0
to 4 s later. The next server must know the run, done or able to go on; it is resumed, must end with a model, which is
put into the registry; every model there must load, and none may be there twice. Ends with 1 where anything was lost.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil

from napari_seagull.connection.backend import Backend
from napari_seagull.connection.process import LocalServer
from seagull_iqa.client import Client
from seagull_iqa.domain.annotation import Annotation
from seagull_iqa.domain.fine_tuning import FineTuneSpec, TuneState
from seagull_iqa.domain.region import Region, RegionMask
from seagull_iqa.errors import SeagullError
from seagull_iqa.formats.export import Export
from seagull_iqa.formats.session_document import SessionDocument, SessionImage, SessionRegion
from seagull_iqa.hub import tuned
from seagull_iqa.models.mini.checkpoint import load_correction
from seagull_iqa.samples import samples

MOST_S, LATEST_S = 300.0, 4.0
WHAT = ("the server", "the process that learns", "both")


def labels() -> list[Export]:
    """Five labelled regions on each sample."""
    chance, made = np.random.default_rng(0), []
    for sample in samples():
        image = sample.read()
        regions = []
        for number in range(5):
            row, column = (int(chance.integers(0, length - 160)) for length in image.shape)
            box = (row, column, row + 150, column + 150)
            regions.append(Region(RegionMask.from_box(image.shape, box), f"{sample.name} {number}"))
        said = tuple(Annotation(one.id, "Ann", float(chance.uniform(10, 90))) for one in regions)
        facts = SessionImage(image.shape, sample.name, "", "", image.sha256, image.pixels)
        document = SessionDocument(facts, tuple(SessionRegion(one) for one in regions), annotations=said)
        made.append(Export(document, image))
    return made


def served() -> tuple[Backend, Client, int]:
    """A new server, its client, and its process."""
    before = set(psutil.Process().children())
    backend = Backend(LocalServer())
    client = backend.start()
    (process,) = set(psutil.Process().children()) - before
    return backend, client, process.pid


def learner(run: str) -> list[int]:
    """The processes that learn in the folder of that run."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if "finetune" in words and any(word.endswith(run) for word in words):
            found.append(process.pid)
    return found


def kill(pids: list[int]) -> None:
    """SIGKILL, where they still are."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def once(exports: list[Export], chance: random.Random, number: int) -> str:
    """One run, one kill, and what became of it; `SystemExit` where something is lost."""
    backend, client, server = served()
    spec = FineTuneSpec(f"eye {number}", seed=number)
    run = client.tuning.start(exports, spec)
    what = chance.choice(WHAT)
    time.sleep(chance.uniform(0, LATEST_S))
    if what != WHAT[1]:
        kill([server])
    if what != WHAT[0]:
        kill(learner(run.id))
    with suppress(SeagullError):
        backend.stop()
    backend, client, _server = served()
    try:
        (known,) = [one for one in client.tuning.runs() if one.id == run.id] or [None]
        if known is None:
            sys.exit(f"Lost: kill {number} of {what}: the run is not known any more.")
        found = known.state
        end = time.monotonic() + MOST_S
        while True:
            ended = client.tuning.follow(run.id, lambda _run: None)
            if ended.state is TuneState.DONE:
                break
            if ended.state.ended or time.monotonic() > end:
                sys.exit(f"Lost: kill {number} of {what}: the run ended {ended.state}: {ended.error}")
            client.tuning.resume(run.id)
        model = client.tuning.keep(run.id, keep=True)
        if [one.id for one in client.tuning.models()].count(model) != 1:
            sys.exit(f"Lost: kill {number} of {what}: {model} is not in the registry once.")
        load_correction(Path(tuned.tuned_home() / model / tuned.WEIGHTS))
    finally:
        backend.stop()
    return f"killed {what}; found {found}, went on to {ended.state}"


def main() -> None:
    """Kill so often, and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    chance, exports = random.Random(given.seed), labels()
    with tempfile.TemporaryDirectory() as place:
        for name in ("MODELS", "CACHE"):
            os.environ[f"SEAGULL_{name}"] = str(Path(place) / name)
        for number in range(1, given.kills + 1):
            print(f"{number}: {once(exports, chance, number)}", flush=True)
        models = tuned.tuned_models()
        if len(models) != given.kills:
            sys.exit(f"Lost: {given.kills} runs made {len(models)} models.")
    print(f"{given.kills} kills, 0 lost")


if __name__ == "__main__":
    main()
