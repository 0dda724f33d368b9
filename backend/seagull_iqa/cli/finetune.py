"""`seagull finetune`: teach a model the eye of whoever labelled these sessions; without a server."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seagull_iqa.cli import console

if TYPE_CHECKING:
    from seagull_iqa.domain.fine_tuning import FineTuneResult, TuneRun
    from seagull_iqa.formats.export import Export
    from seagull_iqa.formats.session_document import SessionDocument
    from seagull_iqa.formats.tuning_run import RunFolder

DECISIONS = ("ask", "keep", "discard")


def finetune(  # noqa: PLR0913 - one parameter an option, as typer wants it
    sessions: Annotated[
        list[Path] | None, typer.Argument(metavar="SESSION...", help="Session files, or folders with some.")
    ] = None,
    *,
    base: Annotated[str, typer.Option(metavar="NAME", help="What it begins from; never changed.")] = "seagull-mini",
    name: Annotated[str, typer.Option(metavar="NAME", help="What the new model is called.")] = "my-eye",
    method: Annotated[
        str, typer.Option(metavar="METHOD", help="auto; scale or heads (of mini), adapters (of the full model).")
    ] = "auto",
    seed: Annotated[int, typer.Option(min=0)] = 0,
    device: Annotated[str, typer.Option(metavar="DEVICE")] = "auto",
    then: Annotated[str, typer.Option(metavar="WHAT", help="ask, keep or discard, once it is made.")] = "ask",
    run: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Do the run of that folder.", hidden=True)] = None,
    suggest: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Print suggestions.", hidden=True)] = None,
    count: Annotated[int, typer.Option(min=1, hidden=True)] = 6,
) -> None:
    """Learn from regions that people labelled; figures before and after, on images it has not learned from.

    The full model learns by adapters and wants a GPU; on several: `accelerate launch -m seagull_iqa finetune ...`.
    """
    _give_way()
    if run is not None:
        _do(run)
    elif suggest is not None:
        _suggest(suggest, base, count)
    elif not sessions:
        raise typer.BadParameter("Name session files (NAME.seagull.json), or folders with some.")
    elif then not in DECISIONS:
        raise typer.BadParameter(f"'{then}' is none of {', '.join(DECISIONS)}.")
    elif _helps():
        _help(base, device)
    else:
        _finetune(_folder_for(sessions, base, name, method, seed, device), then)


def _give_way() -> None:
    """A process that a server has started lets the others go first."""
    if os.environ.get("SEAGULL_COURTEOUS") and hasattr(os, "nice"):
        os.nice(10)


def _helps() -> bool:
    """Whether this process was started beside others, and is not the first of them."""
    from seagull_iqa.training.tuning.together import helps

    return helps()


def _help(base: str, device: str) -> None:
    """Take part in the training that the first process has begun; mini needs no help."""
    from seagull_iqa.formats.tuning_run import RunFolder
    from seagull_iqa.registry import full_base
    from seagull_iqa.training.tuning.run import learn
    from seagull_iqa.training.tuning.together import Together

    if full_base(base) is not None:
        learn(RunFolder(Path(Together(device).agreed(""))))


def _do(folder: Path) -> None:
    from seagull_iqa.formats.tuning_run import RunFolder
    from seagull_iqa.training.tuning.run import learn

    learn(RunFolder(folder))
    os._exit(0)  # all is on the disk, and nobody should wait until torch has taken itself down


def _suggest(folder: Path, base: str, count: int) -> None:
    from seagull_iqa.formats.label_set import read_label_set
    from seagull_iqa.training.tuning.run import suggestions

    typer.echo(json.dumps([asdict(one) for one in suggestions(read_label_set(folder), base, count)]))


def _folder_for(
    sessions: Sequence[Path], base: str, name: str, method: str, seed: int, device: str
) -> RunFolder:
    """The folder of this very run: the same command goes on where it was stopped."""
    from seagull_iqa.domain.fine_tuning import FineTuneSpec, Method
    from seagull_iqa.formats.label_set import write_label_set
    from seagull_iqa.formats.tuning_run import RunFolder, run_folders
    from seagull_iqa.hub.catalogue import model_home
    from seagull_iqa.registry import full_base

    try:
        spec = FineTuneSpec(name, base, Method(method), seed, device)
    except ValueError:
        raise typer.BadParameter(f"'{method}' is none of {', '.join(Method)}.") from None
    exports = _exports(_files(sessions))
    home = model_home() / "runs"
    key = _key(exports)
    for known in run_folders(home):
        mark = known.path / "asked"
        asked = mark.is_file() and mark.read_text() == key
        if asked and known.spec() == spec and not known.read().state.ended:
            console.remark("Going on with the run that was stopped.")
            known.heed()
            return known
    full_base(base)  # says what is wrong with it, before anything is begun
    folder = RunFolder.new(home, spec)
    try:
        write_label_set(folder.labels, exports)
        (folder.path / "asked").write_text(key)
    except BaseException:  # half a run would be offered to be gone on with
        shutil.rmtree(folder.path, ignore_errors=True)
        raise
    return folder


def _key(exports: Sequence[Export]) -> str:
    """The same for the same labels of the same regions of the same pixels."""
    digest = hashlib.sha256()
    for one in exports:
        document = one.document
        pixels = "" if one.image is None else one.image.sha256
        digest.update(repr((pixels, document.annotations, document.preferences)).encode())
        for known in document.regions:
            mask = known.region.mask
            digest.update(repr((known.id, known.plane, mask.shape, mask.box)).encode() + mask.inside.tobytes())
    return digest.hexdigest()


def _files(sessions: Sequence[Path]) -> list[Path]:
    from seagull_iqa.formats.session_file import SUFFIX

    found: list[Path] = []
    for path in sessions:
        found += sorted(path.rglob(f"*{SUFFIX}")) if path.is_dir() else [path]
    return found


def _exports(files: Sequence[Path]) -> list[Export]:
    from seagull_iqa.errors import SeagullError
    from seagull_iqa.formats.session_file import read_session

    found, made = [], []
    for file in files:
        try:
            found.append((file, read_session(file)))
        except SeagullError as error:
            console.say_error(f"{file} is left out: {error.message}", error.hint)
    compared = {key for _file, one in found for pair in one.preferences for key in (pair.better, pair.worse)}
    for file, document in found:
        if document.annotations or any(one.id in compared for one in document.regions):
            made += _planes(file, document)
    return made


def _planes(file: Path, document: SessionDocument) -> list[Export]:
    """The session with the pixels of every plane that has regions; those that cannot be had are named."""
    from seagull_iqa.errors import SeagullError
    from seagull_iqa.formats.export import Export
    from seagull_iqa.formats.session_pixels import check_pixels, planes_of, read_pixels

    made, problems = [], dict[str, str]()
    for plane in planes_of(document):
        try:
            export = Export(document, check_pixels(read_pixels(document, file, plane), document, file.name))
            _ = export.pixels  # says what is wrong with the image
            made.append(export)
        except SeagullError as error:
            problems[error.message] = error.hint
    for message, hint in problems.items():
        console.say_error(f"{file} is left out{' in part' if made else ''}: {message}", hint)
    return made


def _finetune(folder: RunFolder, then: str) -> None:
    from seagull_iqa.domain.fine_tuning import TuneState
    from seagull_iqa.domain.progress import Progress
    from seagull_iqa.errors import SeagullError
    from seagull_iqa.formats.label_set import read_label_set
    from seagull_iqa.formats.label_stock import stock_of
    from seagull_iqa.hub import tuned
    from seagull_iqa.registry import full_base
    from seagull_iqa.training.tuning.run import learn
    from seagull_iqa.training.tuning.together import Together

    if full_base(folder.spec().base) is not None:
        Together(folder.spec().device).agreed(str(folder.path))
    stock = stock_of(read_label_set(folder.labels))
    console.remark(f"{stock.regions} labelled regions of {stock.images} images, {stock.pairs} comparisons.")
    for sentence in stock.missing:
        console.remark(sentence)
    try:
        with console.progress_bar("learning") as follow:
            def told(run: TuneRun) -> None:
                follow(Progress(run.progress.step, run.progress.steps, run.progress.phase))

            ended = learn(folder, told)
    except KeyboardInterrupt:
        console.say_error("stopped.", "The same command goes on from there.")
        raise typer.Exit(130) from None
    if ended.state is not TuneState.DONE or ended.result is None:
        shutil.rmtree(folder.path, ignore_errors=True)
        raise SeagullError(ended.error or "The run was ended.", "Change what it says, and try again.")
    _show(ended.result)
    if then == "discard" or (then == "ask" and not _agreed(ended.result)):
        shutil.rmtree(folder.path, ignore_errors=True)
        typer.echo("Discarded; nothing has changed.")
        return
    made = tuned.adopt_model(folder.model)
    shutil.rmtree(folder.path, ignore_errors=True)
    typer.echo(f"{made.id} is kept. Next: seagull score IMAGE --model {made.id}")


def _show(result: FineTuneResult) -> None:
    from rich.table import Table

    table = Table(title="held-out labels, with 95 % intervals over images", title_justify="left")
    for column in ("figure", "before", "after"):
        table.add_column(column)
    for one in result.figures:
        table.add_row(one.name, _said(one.before, one.before_interval), _said(one.after, one.after_interval))
    out = console.output()
    out.print(table)
    out.print(result.verdict, highlight=False, markup=False, soft_wrap=True)


def _said(value: float | None, interval: tuple[float, float] | None) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" + ("" if interval is None else f" ({interval[0]:.3f} to {interval[1]:.3f})")


def _agreed(result: FineTuneResult) -> bool:
    if not console.errors().is_terminal:
        return result.better is not False
    question = "It is no better than the old one. Keep it all the same?" if result.better is False else "Keep it?"
    return typer.confirm(question, default=result.better is not False, err=True)
