"""`seagull models`: which models there are, and download, convert, verify or remove one."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from seagull_iqa.cli import console
from seagull_iqa.cli.models import DeviceOption, PrecisionOption, backend_missing, fitting
from seagull_iqa.domain.model_offer import ModelOffer, OfferState
from seagull_iqa.domain.precision import Precision
from seagull_iqa.errors import ModelError, SeagullError
from seagull_iqa.hub.amounts import gigabytes

if TYPE_CHECKING:
    from seagull_iqa.hub.checks import Outcome, Verification
    from seagull_iqa.hub.planning import LoadPlan
    from seagull_iqa.samples import Sample

models_app = typer.Typer(no_args_is_help=True, help="Which models there are; download, convert, verify or remove one.")

YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
_STATES = {
    OfferState.SHIPPED: "in this package",
    OfferState.READY: "here",
    OfferState.PARTIAL: "here in part",
    OfferState.ABSENT: "not here",
}


@models_app.command("list")
def list_models(*, as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False) -> None:
    """List the models, and the engines that find regions: what is here, and what a download costs."""
    from seagull_iqa.cli.engine_list import engines_document, print_engines
    from seagull_iqa.hub.catalogue import model_home, offers
    from seagull_iqa.hub.downloads import is_offline
    from seagull_iqa.hub.tuned import tuned_offers

    found = [*offers(), *tuned_offers()]
    if as_json:
        document = {"home": str(model_home()), "offline": is_offline(), "models": [asdict(one) for one in found]}
        typer.echo(json.dumps({**document, "engines": engines_document()}, indent=2))
        return
    out = console.output()
    out.print(_table(found))
    for one in found:
        out.print(Text(f"{one.name}: {one.title}. {one.licence} {fitting(one)}".strip()), soft_wrap=True)
    print_engines(out)
    offline = " Offline mode is on: nothing is downloaded." if is_offline() else ""
    out.print(Text(f"Downloads go into {model_home()}, {_free_disk(model_home())}.{offline}"), soft_wrap=True)


def _table(found: list[ModelOffer]) -> Table:
    table = Table()
    for column in ("model", "where", "size", "memory it takes, estimated"):
        table.add_column(column, no_wrap=column != "memory it takes, estimated")
    for one in found:
        size = gigabytes(one.download_bytes or one.present_bytes)
        if one.state is OfferState.PARTIAL:
            size = f"{gigabytes(one.present_bytes)} of {size}"
        needs = ", ".join(f"{gigabytes(need.nbytes)} {need.precision}" for need in one.needs)
        table.add_row(one.name, _STATES[one.state], size, needs)
    return table


def _free_disk(folder: Path) -> str:
    import shutil

    there = next(path for path in (folder, *folder.parents) if path.exists())
    return f"{gigabytes(shutil.disk_usage(there).free)} free"


@models_app.command()
def download(
    name: Annotated[str, typer.Argument(metavar="NAME", help="seagull-7b, sam-vit-b ...; see `seagull models list`.")],
    *,
    yes: YesOption = False,
    folder: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where the files go; then --model DIR instead of the name.")
    ] = None,
) -> None:
    """Download a model or an engine; size and licence are said first. Stopped, it goes on from there the next time."""
    from seagull_iqa.hub import downloads
    from seagull_iqa.hub.segmenters import any_offer, state_at

    wanted = any_offer(name)
    target = (folder or Path(wanted.path)).expanduser()
    if wanted.download_bytes and state_at(name, target) is not OfferState.READY and not downloads.is_offline():
        _agree(wanted, target, yes=yes)
    try:
        with console.byte_bar(f"downloading {name}") as follow:
            done = downloads.download(name, folder=folder, progress=follow)
    except KeyboardInterrupt:
        console.remark("Stopped. What has come stays, and the same command goes on from there.")
        raise typer.Abort from None
    model = name if folder is None else f'"{done}"'
    typer.echo(f"{name} is in {done}")
    if wanted.needs:
        typer.echo(f"Next: seagull models verify {model}")


def _agree(wanted: ModelOffer, target: Path, *, yes: bool) -> None:
    """Say what a download costs, and ask."""
    here = f", {gigabytes(wanted.present_bytes)} of it here already" if wanted.state is OfferState.PARTIAL else ""
    revision = f"revision {wanted.revision}" if wanted.revision else "as it is there today"
    console.remark(
        f"{wanted.name}: {gigabytes(wanted.download_bytes)}{here}, from {wanted.source}, {revision}.\n"
        f"Licence: {wanted.licence}\n"
        f"Into {target}, {_free_disk(target)}."
    )
    _confirm("Download it?", yes=yes)


def _confirm(question: str, *, yes: bool) -> None:
    if yes:
        return
    if not console.errors().is_terminal:
        raise SeagullError("Nobody is here to be asked.", "Say --yes.")
    typer.confirm(question, abort=True, err=True)


@models_app.command()
def convert(
    source: Annotated[str, typer.Argument(metavar="NAME|DIR", help="The model as it was published.")],
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="A folder that is not there yet.")],
) -> None:
    """Convert a full model to safetensors, which load faster and can hold nothing but numbers."""
    from seagull_iqa.registry import full_folder

    folder = full_folder(source)
    try:
        from seagull_iqa.models.full.convert import convert as converted
    except ModuleNotFoundError as error:
        raise backend_missing(error) from error
    with console.progress_bar("converting") as follow:
        typer.echo(str(converted(folder, target.expanduser(), progress=follow)))


@models_app.command()
def verify(
    model: Annotated[str, typer.Argument(metavar="NAME|DIR", help="seagull-7b, or a folder with a full model.")],
    *,
    report: Annotated[Path | None, typer.Option(metavar="FILE.md", help="Write a report to paste.")] = None,
    photographs: Annotated[int, typer.Option(min=1, max=6, help="Of the samples; five regions each.")] = 6,
    device: DeviceOption = "auto",
    precision: PrecisionOption = Precision.AUTO,
) -> None:
    """Check a full model: its origin, hashes and keys, its prompts, and what it says of the samples."""
    from seagull_iqa import registry
    from seagull_iqa.hub.checks import markdown
    from seagull_iqa.imaging.saving import save_text
    from seagull_iqa.samples import samples

    registry.full_folder(model)
    plan = registry.plan_load(model, device, precision)
    if plan is None:
        raise ModelError(f"{model} is not a full model, so there is nothing to verify.")
    console.remark(plan.remark)
    done = _verified(plan, samples()[:photographs])
    _show(done)
    if report is not None:
        save_text(report, markdown(done))
        typer.echo(f"The report is in {report}")
    if not done.passed:
        raise typer.Exit(1)


def _verified(plan: LoadPlan, chosen: list[Sample]) -> Verification:
    from seagull_iqa.hub.verify import verify as look_over

    with console.progress_bar("verifying") as follow:
        return look_over(plan, chosen, follow)


def _show(done: Verification) -> None:
    out = console.output()
    table = Table(title=Text(done.model), title_justify="left", title_style="bold")
    for column in ("check", "outcome", "found"):
        table.add_column(column, overflow="fold")
    for check in done.checks:
        table.add_row(Text(check.what), _colored(check.outcome), Text(console.printable(check.found)))
    out.print(table)


def _colored(outcome: Outcome) -> Text:
    from seagull_iqa.hub.checks import Outcome

    styles = {Outcome.OK: "green", Outcome.FAILED: "bold red", Outcome.NOT_APPLICABLE: "dim"}
    return Text(outcome.value, style=styles[outcome])


@models_app.command()
def add(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A checkpoint of SAM, or a folder with safetensors.")],
    *,
    name: Annotated[str, typer.Option("--as", metavar="NAME", help="Of the engine; a checkpoint's is known.")] = "",
) -> None:
    """Take up weights of an engine that are on this machine already, instead of downloading them."""
    from seagull_iqa.hub.adopting import adopt
    from seagull_iqa.hub.segmenters import engine_folder

    with console.byte_bar("checking") as follow:
        found = adopt(path.expanduser(), name, follow)
    typer.echo(f"{found} is in {engine_folder(found)}")


@models_app.command("export")
def export_tuned(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A fine-tuned model, as the list names it.")],
    file: Annotated[Path, typer.Argument(metavar="FILE")],
) -> None:
    """Write a fine-tuned model to one file, for another machine."""
    from seagull_iqa.hub.tuned import SUFFIX, export_model

    path = file if file.suffix else file.with_suffix(SUFFIX)
    export_model(name, path.expanduser())
    typer.echo(str(path))


@models_app.command("import")
def import_tuned(file: Annotated[Path, typer.Argument(metavar="FILE")]) -> None:
    """Take in a fine-tuned model that was exported; it is checked, and nothing in it is run."""
    from seagull_iqa.hub.tuned import import_model

    typer.echo(f"{import_model(file.expanduser()).id} is here now")


@models_app.command()
def push(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A fine-tuned model, as the list names it.")],
    repository: Annotated[str, typer.Argument(metavar="OWNER/NAME", help="Made where it is not there.")],
    *,
    public: Annotated[bool, typer.Option("--public", help="A new repository is seen by all.")] = False,
) -> None:
    """Send a fine-tuned model to a model hub, with its card; HF_TOKEN or a login says who you are."""
    from seagull_iqa.hub.sharing import push_model

    typer.echo(push_model(name, repository, private=not public))  # huggingface_hub shows how far it is
    if not public:
        console.remark("A new repository is private; its settings on the hub let others in.")


@models_app.command()
def pull(
    repository: Annotated[str, typer.Argument(metavar="OWNER/NAME")],
    *,
    revision: Annotated[str, typer.Option(metavar="COMMIT", help="How it begins; the newest by default.")] = "",
) -> None:
    """Fetch a fine-tuned model from a model hub; it is checked, and nothing in it is run."""
    from seagull_iqa.hub.sharing import pull_model

    with console.byte_bar(f"fetching {repository}") as follow:
        model = pull_model(repository, revision=revision, progress=follow)
    typer.echo(f"{model.id} is here now. Next: seagull score IMAGE --model {model.id}")


@models_app.command()
def remove(name: Annotated[str, typer.Argument(metavar="NAME")], *, yes: YesOption = False) -> None:
    """Delete a downloaded model or engine, or the part of it that has come; a fine-tuned model too."""
    from seagull_iqa.hub import downloads, tuned
    from seagull_iqa.hub.segmenters import any_offer

    if tuned.is_tuned(name):
        console.remark(f"{name} is fine-tuned: {tuned.tuned_model(name).verdict or 'made here or taken in.'}")
        _confirm("Delete it?", yes=yes)
        typer.echo(f"{gigabytes(tuned.remove_model(name))} freed")
        return
    wanted = any_offer(name)
    if wanted.download_bytes and wanted.present_bytes:
        console.remark(f"{wanted.path} holds {gigabytes(wanted.present_bytes)}.")
        _confirm("Delete it?", yes=yes)
    typer.echo(f"{gigabytes(downloads.remove(name))} freed")
