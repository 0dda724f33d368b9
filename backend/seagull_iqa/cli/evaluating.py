"""`seagull evaluate`: measure a model on the frozen protocol or on any data set."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seagull_iqa.cli import console
from seagull_iqa.cli.learning import DATA_VARIABLE, make_folder
from seagull_iqa.cli.models import DEFAULT_MODEL, DeviceOption, ModelOption, backend_missing
from seagull_iqa.errors import BackendMissingError, SeagullError

if TYPE_CHECKING:
    from seagull_iqa.training.evaluate import EvaluateSpec, Evaluation

_DATA_HELP = (
    "A folder with photos/ and protocol/, a data set that was built, a COCO file, a list of scores, or a name in what "
    f"{DATA_VARIABLE} names (protocol, live-itw)."
)
DataOption = Annotated[Path | None, typer.Option(metavar="NAME|PATH", help=_DATA_HELP)]
ImagesOption = Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of the images that --scores names.")]
ScoresOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="CSV with columns file, mos or file, r0, c0, r1, c1, mos.")
]
ScaleOption = Annotated[str, typer.Option(metavar="LOW,HIGH", help="Scale of the scores, worst first.")]
UseOption = Annotated[
    str, typer.Option(metavar="A,B", help="Keep rows with these values in the column use; else all but reserve.")
]
CasesOption = Annotated[
    int | None, typer.Option(min=1, help="A quick look at that many regions; not to be quoted.")
]
RowsOption = Annotated[str, typer.Option(metavar="A,B", help="Only these rows, by name; else all.")]
PyiqaOption = Annotated[
    str, typer.Option("--pyiqa", metavar="A,B", help="Rows for metrics of an installed pyiqa, which may download.")
]
LaddersOption = Annotated[bool, typer.Option(help="Climb the protocol's ladders of strength too.")]
DrawsOption = Annotated[int, typer.Option("--bootstrap", min=0, help="Samples behind the 95 % intervals.")]
PaperOption = Annotated[bool, typer.Option("--paper", help="Print the paper's own tables too, of its own data.")]
LabelsOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Keeps the protocol's labels between runs (JSON).")
]
WorkOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Keeps the results so far; a run that was stopped goes on.")
]
WorkersOption = Annotated[int, typer.Option(min=1, help="Processes; each loads the model.")]
PicturesOption = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Draw scatter, reliability, residuals and worst errors there.")
]
OutOption = Annotated[Path | None, typer.Option(metavar="FILE", help="Write everything into it (JSON).")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the tables as JSON.")]


def evaluate(  # noqa: PLR0913 - one parameter an option, as typer wants it
    *,
    data: DataOption = None,
    images: ImagesOption = None,
    scores: ScoresOption = None,
    scale: ScaleOption = "0,100",
    use: UseOption = "",
    model: ModelOption = DEFAULT_MODEL,
    device: DeviceOption = "auto",
    cases: CasesOption = None,
    rows: RowsOption = "",
    pyiqa: PyiqaOption = "",
    ladders: LaddersOption = True,
    bootstrap: DrawsOption = 1000,
    paper: PaperOption = False,
    labels: LabelsOption = None,
    work: WorkOption = None,
    workers: WorkersOption = 1,
    pictures: PicturesOption = None,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure a model on evaluation protocol 1 or any data set, and print the paper's tables with its rivals."""
    try:
        from seagull_iqa.data.scores import Scale
        from seagull_iqa.training.baselines import ALL_ROWS
        from seagull_iqa.training.datasets import DataChoice
        from seagull_iqa.training.evaluate import EvaluateSpec
        from seagull_iqa.training.outsiders import PYIQA
    except ModuleNotFoundError as error:
        raise backend_missing(error) from error
    spec = EvaluateSpec(
        model=model, device=device, cases=cases, ladders=ladders, labels=labels, work=work, workers=workers,
        rows=(*(_listed(rows) or ALL_ROWS), *(f"{PYIQA}{name}" for name in _listed(pyiqa))), draws=bootstrap,
        choice=DataChoice(data, images, scores, _listed(use), Scale.from_text(scale)),
    )  # fmt: skip
    if images is not None and scores is None and data is None:
        raise SeagullError("--images alone has no scores.", "Give --scores FILE.csv too.")
    if pictures is not None:
        _prepare(pictures)
    found = _measured(spec)
    typer.echo(json.dumps(found.table.to_json(), indent=2) if as_json else found.table.to_text(published=paper))
    if out is not None:  # after the table is on the screen: a full disk must not cost it
        found.table.write(out)
    if pictures is not None:
        _draw(found, pictures)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _measured(spec: EvaluateSpec) -> Evaluation:
    from seagull_iqa.training.evaluate import measure

    try:
        with console.progress_bar("evaluating") as follow:
            return measure(spec, progress=follow)
    except KeyboardInterrupt:
        kept = f"What was measured is in {spec.work}: the same command goes on from there." if spec.work else ""
        console.remark(kept or "Stopped. With --work FILE the same command would go on from here.")
        raise


def _prepare(folder: Path) -> None:
    """Make the folder of the pictures, and be sure that they can be drawn, before the work and not after it."""
    if find_spec("matplotlib") is None:
        raise BackendMissingError("Pictures need matplotlib.", 'Run `pip install "napari-seagull[data]"`.')
    make_folder(folder)


def _draw(found: Evaluation, folder: Path) -> None:
    """The pictures of an evaluation; their paths on the standard error."""
    from seagull_iqa.training.pictures import draw

    for path in draw(found, folder):
        console.remark(str(path))
