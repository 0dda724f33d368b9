"""`seagull train` and `seagull evaluate`: make weights from photographs, and measure them on the frozen protocol."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from seagull_iqa.cli import console
from seagull_iqa.cli.models import DEFAULT_MODEL, DeviceOption, ModelOption, backend_missing
from seagull_iqa.errors import SeagullError

DATA_VARIABLE = "SEAGULL_DATA"

DataOption = Annotated[
    Path | None, typer.Option(help=f"Folder with photos/ and protocol/; without it, what {DATA_VARIABLE} names.")
]


def data_folder(given: Path | None) -> Path:
    """The folder that was given, or the one that the environment names.

    Raises
    ------
    SeagullError
        Neither, or no such folder.
    """
    named = os.environ.get(DATA_VARIABLE)
    folder = given or (Path(named) if named else None)
    if folder is None:
        raise SeagullError("No data folder is given.", f"Name it with an option, or set {DATA_VARIABLE}.")
    return _existing(folder)


def _existing(folder: Path) -> Path:
    if not folder.is_dir():
        raise SeagullError(f"There is no folder {folder}.", "Check the path.")
    return folder


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SeagullError(
            f"The folder {folder} cannot be made ({error.strerror}).", "Choose one that you may write to."
        ) from error


def train(  # noqa: PLR0913 - one parameter an option, as typer wants it
    *,
    out: Annotated[Path, typer.Option(help="Folder for checkpoint and weights; an unfinished run there goes on.")],
    photos: Annotated[
        Path | None, typer.Option(help=f"Folder with photographs; without it, photos/ in what {DATA_VARIABLE} names.")
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Optimizer steps.")] = 20_000,
    minutes: Annotated[float, typer.Option(min=0, help="Stop after that many minutes of training; 0 = by steps.")] = 0,
    rate: Annotated[float, typer.Option(min=0, help="Peak learning rate.")] = 2e-3,
    processes: Annotated[int, typer.Option(min=1, help="Processes that make samples.")] = 1,
    threads: Annotated[int, typer.Option(min=1, help="Threads of the learner.")] = 1,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 1,
    device: DeviceOption = "cpu",
) -> None:
    """Train seagull-mini on photographs that are spoiled on the fly; Ctrl+C leaves a checkpoint to go on from."""
    folder = _existing(photos) if photos else _existing(data_folder(None) / "photos")
    _make(out)
    try:
        from seagull_iqa.training.loop import TrainSpec
        from seagull_iqa.training.loop import train as steps_of
    except ModuleNotFoundError as error:
        raise backend_missing(error) from error
    spec = TrainSpec(
        photos=folder, out=out, steps=steps, minutes=minutes, rate=rate,
        processes=processes, threads=threads, seed=seed, device=device,
    )  # fmt: skip
    terminal = console.errors().is_terminal
    with console.progress_bar("training") as follow:
        for step in steps_of(spec):
            follow(step)
            if not terminal:
                typer.echo(f"{step.done}/{step.total} {step.message}", err=True)
    typer.echo(str(out / "weights.safetensors"))


def evaluate(  # noqa: PLR0913 - one parameter an option, as typer wants it
    *,
    data: DataOption = None,
    model: ModelOption = DEFAULT_MODEL,
    device: DeviceOption = "auto",
    cases: Annotated[int | None, typer.Option(min=1, help="A quick look at that many cases; not the protocol.")] = None,
    ladders: Annotated[bool, typer.Option(help="Climb the ladders of strength too.")] = True,
    labels: Annotated[Path | None, typer.Option(metavar="FILE", help="Keeps the labels between runs (JSON).")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes; each loads the model.")] = 1,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write everything into it (JSON).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the table as JSON.")] = False,
) -> None:
    """Put a model through evaluation protocol 1 and print its rows."""
    folder = data_folder(data)
    try:
        from seagull_iqa.training.evaluate import EvaluateSpec
        from seagull_iqa.training.evaluate import evaluate as measure
    except ModuleNotFoundError as error:
        raise backend_missing(error) from error
    spec = EvaluateSpec(
        data=folder, model=model, device=device,
        cases=cases, ladders=ladders, labels=labels, workers=workers,
    )  # fmt: skip
    with console.progress_bar("evaluating") as follow:
        table = measure(spec, progress=follow)
    typer.echo(json.dumps(table.to_json(), indent=2) if as_json else table.to_text())
    if out is not None:  # after the table is on the screen: a full disk must not cost it
        table.write(out)
