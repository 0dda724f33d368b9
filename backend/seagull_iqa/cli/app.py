"""The commands of `seagull`, and the one place where their errors become one line."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated

import typer

from seagull_iqa.cli import console
from seagull_iqa.cli.ask import ask
from seagull_iqa.cli.data import data_app
from seagull_iqa.cli.demo import demo
from seagull_iqa.cli.doctor import doctor
from seagull_iqa.cli.evaluating import evaluate
from seagull_iqa.cli.exporting import export, formats, import_
from seagull_iqa.cli.finetune import finetune
from seagull_iqa.cli.heatmap import heatmap
from seagull_iqa.cli.learning import train
from seagull_iqa.cli.model_commands import models_app
from seagull_iqa.cli.score import score
from seagull_iqa.cli.segment import segment
from seagull_iqa.cli.serve import serve
from seagull_iqa.errors import SeagullError

_HELP = "How good is this region? Region-level image quality, importance and distortions."

app = typer.Typer(
    name="seagull",
    help=_HELP,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _command in (demo, score, segment, heatmap, ask, serve, train, finetune, evaluate, doctor):
    app.command()(_command)
app.command()(export)
app.command("import")(import_)
app.command()(formats)
app.add_typer(models_app, name="models")
app.add_typer(data_app, name="data")


def _show_version(*, value: bool) -> None:
    if value:
        console.output().print(f"napari-seagull {version('napari-seagull')}", highlight=False)
        raise typer.Exit


@app.callback()
def _options(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=lambda value: _show_version(value=value), help="Say which version.")
    ] = False,
) -> None:
    """Take the options that stand before a command."""


def run(arguments: Sequence[str]) -> int:
    """Run one command.

    Returns
    -------
    int
        0 done, 1 the work failed, 2 wrong use, 130 stopped from the keyboard.
    """
    try:
        code = app(list(arguments), prog_name="seagull", standalone_mode=False)
    except typer.TyperException as misuse:
        return _misused(misuse, arguments)
    except typer.Abort:
        return 130
    except SeagullError as error:
        _raise_if_debugging(error)
        console.say_error(error.message, error.hint)
        return 1
    except Exception as error:  # noqa: BLE001 - the command line's edge: a person gets a line, never a traceback
        _raise_if_debugging(error)
        console.say_error(f"{type(error).__name__}: {error}", "A fault of the program: SEAGULL_DEBUG=1 shows where.")
        return 1
    return code if isinstance(code, int) else 0


def _misused(misuse: typer.TyperException, arguments: Sequence[str]) -> int:
    message = misuse.format_message()
    if arguments and message:
        command = next((word for word in arguments if not word.startswith("-")), "")
        commands = (info for info in app.registered_commands if info.callback)
        known = {info.name or getattr(info.callback, "__name__", "") for info in commands} | {"data", "models"}
        target = f"seagull {command}" if command in known else "seagull"
        console.say_error(message, f"Run `{target} --help`.")
    return misuse.exit_code


def _raise_if_debugging(error: Exception) -> None:
    if os.environ.get("SEAGULL_DEBUG"):
        raise error
