"""`seagull train`: make weights from photographs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seagull_iqa.cli import console
from seagull_iqa.cli.models import backend_missing
from seagull_iqa.domain.progress import Progress
from seagull_iqa.errors import SeagullError

if TYPE_CHECKING:
    from seagull_iqa.data.labelled import LabelledImage
    from seagull_iqa.training.human import HumanScores
    from seagull_iqa.training.loop import LoopSpec
    from seagull_iqa.training.mini_task import MiniSpec

DATA_VARIABLE = "SEAGULL_DATA"
MINI_RATE = 2e-3
FULL_MARKS = 100.0

WANTS = {
    "--images": "--human", "--where": "--human", "--check": "--human", "--best": "--human",
    "--lora": "--full", "--parts": "--lora",
}  # fmt: skip
"""Options that do nothing without another."""

OF_MINI = ("--base", "--teacher", "--check")
"""Options that do nothing with --full."""

Photos = Annotated[
    Path | None, typer.Option(help=f"Folder with photographs; without it, photos/ in what {DATA_VARIABLE} names.")
]
Human = Annotated[
    Path | None, typer.Option(help="Second stage: images that people scored, as a list with columns file, mos.")
]
Where = Annotated[
    list[str] | None, typer.Option(help="Rows of the list to keep, COLUMN=VALUE,VALUE; may be repeated.")
]
Check = Annotated[
    list[str] | None,
    typer.Option(help="Rows that are not learned from: people's SROCC on them is told, and counts for --patience."),
]
Best = Annotated[float, typer.Option(help="What people give to flawless images: it counts as 100, and all above it.")]
Taught = Annotated[
    Path | None, typer.Option(help="Weights of a MobileNetV2 1.0 that the encoder learns to imitate, besides.")
]
Full = Annotated[
    str | None, typer.Option(metavar="NAME|FOLDER", help="Train the full model of that folder instead of mini.")
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


def make_folder(folder: Path) -> None:
    """Make it where it is not there; `SeagullError` where that fails."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SeagullError(
            f"The folder {folder} cannot be made ({error.strerror}).", "Choose one that you may write to."
        ) from error


def train(  # noqa: PLR0913 - one parameter an option, as typer wants it
    *,
    out: Annotated[Path, typer.Option(help="Folder for checkpoint and weights; an unfinished run there goes on.")],
    photos: Photos = None,
    human: Human = None,
    images: Annotated[Path | None, typer.Option(help="Folder of those images; by default where the list lies.")] = None,
    where: Where = None,
    check: Check = None,
    best: Best = FULL_MARKS,
    base: Annotated[Path | None, typer.Option(help="Weights to begin with; without it, random ones.")] = None,
    teacher: Taught = None,
    start: Annotated[Path | None, typer.Option(help="A checkpoint.pt of another run to begin with.")] = None,
    freeze: Annotated[bool, typer.Option("--freeze", help="Leave the image encoder as it is.")] = False,
    full: Full = None,
    lora: Annotated[int, typer.Option(min=0, help="With --full: learn adapters of that rank only; 0 = all.")] = 0,
    parts: Annotated[bool, typer.Option("--parts", help="With --lora: projector and extractor learn too.")] = False,
    steps: Annotated[int, typer.Option(min=1, help="Optimizer steps.")] = 20_000,
    minutes: Annotated[float, typer.Option(min=0, help="Stop after that many minutes of training; 0 = by steps.")] = 0,
    rate: Annotated[float, typer.Option(min=0, help="Peak learning rate; 0 = 2e-3, with --full 1e-4.")] = 0.0,
    hold: Annotated[float, typer.Option(min=0, max=1, help="Share of the schedule at that rate.")] = 0.0,
    share: Annotated[float, typer.Option(min=0, max=1, help="Share of the photographs to learn from.")] = 1.0,
    measure_every: Annotated[int, typer.Option(min=0, help="Steps between looks at what is held out; 0 = none.")] = 0,
    patience: Annotated[int, typer.Option(min=0, help="Stop after so many looks without a better score.")] = 0,
    processes: Annotated[int, typer.Option(min=0, help="Processes that make samples.")] = 1,
    threads: Annotated[int, typer.Option(min=1, help="Threads of the learner.")] = 1,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 1,
    device: Annotated[str, typer.Option(help='"cpu", or "auto" for the fastest there is.')] = "cpu",
    precision: Annotated[str, typer.Option(help='Mixed precision: "no", "bf16" or "fp16".')] = "no",
) -> None:
    """Train a model on photographs that are spoiled on the fly; Ctrl+C leaves a checkpoint to go on from.

    On several GPUs: `accelerate launch -m seagull_iqa train ...`.
    """
    _check_options({
        "--human": human, "--images": images, "--where": where, "--check": check, "--best": best != FULL_MARKS,
        "--full": full, "--lora": lora, "--parts": parts, "--base": base, "--teacher": teacher,
    })  # fmt: skip
    folder = _existing(photos) if photos else _existing(data_folder(None) / "photos")
    make_folder(out)
    _check_backend()
    from seagull_iqa.training.loop import LoopSpec
    from seagull_iqa.training.mini_task import MiniSpec

    learned, checked = _scores(human, images, where or [], check or [], best)
    given = MiniSpec(folder, learned, checked, base=base, teacher=teacher, frozen=freeze, share=share, seed=seed)
    spec = LoopSpec(
        out=out, steps=steps, minutes=minutes, rate=rate, hold=hold, processes=processes, threads=threads, seed=seed,
        device=device, precision=precision, start=start, measure_every=measure_every, patience=patience,
    )  # fmt: skip
    typer.echo(str(_mini(given, spec) if full is None else _full(full, given, spec, lora, parts=parts)))


def _check_options(given: Mapping[str, object]) -> None:
    """`SeagullError` where one that was given would be left aside in silence."""
    for option, other in WANTS.items():
        if given[option] and not given[other]:
            raise SeagullError(f"{option} does nothing without {other}.", f"Give {other} too, or leave it out.")
    for option in OF_MINI:
        if given[option] and given["--full"]:
            raise SeagullError(f"{option} does nothing with --full.", "Leave one of them out.")


def _check_backend() -> None:
    try:
        import seagull_iqa.training.mini_task  # noqa: F401 - to say readably what is not installed
    except ModuleNotFoundError as error:
        raise backend_missing(error) from error


def _mini(given: MiniSpec, spec: LoopSpec) -> Path:
    from seagull_iqa.training.loop import train
    from seagull_iqa.training.mini_task import MiniTask

    _follow(train(MiniTask(given), replace(spec, rate=spec.rate or MINI_RATE)))
    return spec.out / "weights.safetensors"


def _full(name: str, given: MiniSpec, spec: LoopSpec, lora: int, *, parts: bool) -> Path:
    from seagull_iqa.registry import full_folder
    from seagull_iqa.training.loop import train
    from seagull_iqa.training.seagull_files import ADAPTER, MODEL
    from seagull_iqa.training.seagull_learner import Learns
    from seagull_iqa.training.seagull_setup import RATE, full_task

    learns = Learns(vision=not given.frozen, rank=lora, parts=parts)
    task = full_task(full_folder(name), given, learns, half=bool(lora) and spec.precision == "bf16")
    # No running average: of seven billion numbers it would take as much memory again.
    _follow(train(task, replace(spec, rate=spec.rate or RATE, average=0.0)))
    return spec.out / (ADAPTER if lora else MODEL)


def _follow(steps: Iterable[Progress]) -> None:
    terminal = console.errors().is_terminal
    with console.progress_bar("training") as follow:
        for step in steps:
            follow(step)
            if not terminal:
                typer.echo(f"{step.done}/{step.total} {step.message}", err=True)


def _scores(
    path: Path | None, images: Path | None, where: list[str], check: list[str], best: float
) -> tuple[HumanScores | None, HumanScores | None]:
    """What is learned from, and what is only looked at."""
    if path is None:
        return None, None
    from seagull_iqa.training.human import HumanScores

    kept = _rows(path, images, where, "--where")
    if not check:
        return HumanScores(kept).with_best(best), None
    looked_at = _rows(path, images, check, "--check")
    aside = {image.name for image in looked_at}
    left = tuple(image for image in kept if image.name not in aside)
    if not left:
        raise SeagullError("--check leaves no image to learn from.", "Let it name fewer rows.")
    return HumanScores(left).with_best(best), HumanScores(looked_at)


def _rows(path: Path, images: Path | None, rules: list[str], option: str) -> tuple[LabelledImage, ...]:
    """What the rules of an option keep of people's scores; `SeagullError` where they keep nothing, or cannot."""
    from seagull_iqa.data.readers import ReadSpec, read_dataset

    where = _rules(rules, option)
    found = tuple(read_dataset(path, ReadSpec(images=images, where=where)))
    if where and path.suffix.lower() != ".csv":
        raise SeagullError(f"{option} chooses among the rows of a .csv list, and {path.name} is none.", "Leave it out.")
    if where and not found:
        raise SeagullError(f"{path.name} has no row that {option} names.", "Compare the values with its columns.")
    return found


def _rules(rules: list[str], option: str) -> dict[str, set[str]]:
    kept: dict[str, set[str]] = {}
    for rule in rules:
        column, sign, values = rule.partition("=")
        if not sign:
            raise SeagullError(f"{option} {rule} names no values.", "Give COLUMN=VALUE,VALUE, for instance use=fold0.")
        kept.setdefault(column.strip(), set()).update(value.strip() for value in values.split(","))
    return kept
