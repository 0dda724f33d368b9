"""Fine-tuned models on a model hub: a repository holds one, as the file that an export makes, and a card to read.

Taken in, it is checked as any file that was exported on another machine is. Sending is huggingface_hub's, which knows
how large files are uploaded; fetching is ours, as for every other model.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seagull_iqa.domain.fine_tuning import BeforeAfter
from seagull_iqa.domain.progress import Progress, ProgressCallback, ignore_progress
from seagull_iqa.domain.tuned_model import TunedModel
from seagull_iqa.errors import BackendMissingError, CheckpointError, LimitError, ModelError
from seagull_iqa.hub import tuned
from seagull_iqa.hub.amounts import gigabytes
from seagull_iqa.hub.catalogue import MINI
from seagull_iqa.hub.downloads import OFFLINE_VARIABLES, is_offline
from seagull_iqa.hub.routes import TOKEN_VARIABLE, endpoint

if TYPE_CHECKING:
    from seagull_iqa.hub.routes import HubFile

README = "README.md"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}")
_CITED = "Chen et al., SEAGULL: No-reference Image Quality Assessment for Regions of Interest via Vision-Language " \
         "Instruction Tuning, arXiv 2411.10161"  # fmt: skip


def push_model(model: str, repository: str, *, private: bool = True) -> str:
    """Send a model of the registry to a hub, in one commit; an earlier one of that repository is replaced.

    Parameters
    ----------
    model : str
        Id of a fine-tuned model.
    repository : str
        "owner/name"; made where it is not there.
    private : bool
        Whether a new repository is seen by its owner alone; one that is there stays as it is.

    Returns
    -------
    str
        The address of the commit.

    Raises
    ------
    UnknownModelError
        There is no such model.
    ModelError
        Offline mode, no network, no right to write there.
    BackendMissingError
        huggingface_hub is not installed.
    """
    _check_name(repository)
    found = tuned.tuned_model(model)
    _refuse_offline(f"{model} is not sent anywhere")
    try:
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
    except ModuleNotFoundError as error:
        raise BackendMissingError(
            "To send a model, a package is needed that is not installed (huggingface_hub).",
            'Run: pip install "napari-seagull[hub]"',
        ) from error
    with tempfile.TemporaryDirectory() as made, _in_words(repository):
        name = f"{model}{tuned.SUFFIX}"
        tuned.export_model(model, Path(made) / name)
        api = HfApi(endpoint=endpoint(), library_name="napari-seagull")
        api.create_repo(repository, private=private, exist_ok=True)
        earlier = [one for one in api.list_repo_files(repository) if one.endswith(tuned.SUFFIX) and one != name]
        card = card_text(found, repository).encode()
        changes: list[CommitOperationAdd | CommitOperationDelete] = [CommitOperationDelete(one) for one in earlier]
        changes += [CommitOperationAdd(name, str(Path(made) / name)), CommitOperationAdd(README, card)]
        return str(api.create_commit(repository, changes, commit_message=f"Add {model}").commit_url)


def pull_model(repository: str, *, revision: str = "", progress: ProgressCallback = ignore_progress) -> TunedModel:
    """Fetch the model of a repository into the registry; it is checked, and nothing in it is run.

    Parameters
    ----------
    repository : str
        "owner/name".
    revision : str
        How a commit begins; the newest by default.
    progress : callable
        Counts bytes; cancels by raising.

    Raises
    ------
    CheckpointError
        The repository holds no model, or several, or one that is damaged.
    LimitError
        It is too large.
    ModelError
        Offline mode, no network, no right to read it, or a model of that id is here already.
    """
    _check_name(repository)
    _refuse_offline(f"{repository} is not fetched")
    from seagull_iqa.hub.routes import Hub
    from seagull_iqa.hub.transfer import Transfer

    hub = Hub(repository, private=True)
    try:
        commit = hub.revision(revision)
        file = _the_model(repository, hub.files(commit))
        with tempfile.TemporaryDirectory() as here:
            def tick(done: int, what: str) -> None:
                progress(Progress(done, file.size, what))

            Transfer(hub, commit, file, Path(here)).run(tick)
            return tuned.import_model(Path(here) / file.name)
    except OSError as error:
        raise ModelError(f"{repository} cannot be fetched ({error.strerror or error}).", "Check the disk.") from error
    finally:
        hub.close()


def card_text(model: TunedModel, repository: str) -> str:
    """What the hub shows of a model: Markdown behind a block of YAML, as hubs want it."""
    facts = {"library_name": "napari-seagull", "tags": ["image-quality-assessment", "region-of-interest", "seagull"]}
    lines = [f"{key}: {json.dumps(value)}" for key, value in facts.items()]
    learned = f"{model.regions} labelled regions of {model.images} images and {model.pairs} comparisons"
    text = [
        "---", *lines, "---", "",
        f"# {_plain(model.name)}", "",
        f"It judges how good regions of an image are. Fine-tuned from {_plain(model.base) or MINI} on {learned}, with "
        f"[napari-seagull](https://pypi.org/project/napari-seagull/), on {_plain(model.created) or 'an unknown day'}.",
        "", _plain(model.verdict), "",
        *(_table(model.figures) if model.figures else ["Nothing was held out to measure it by."]), "",
        "## Use", "", "```", f"seagull models pull {repository}", f"seagull score IMAGE --model {model.id}", "```", "",
        f"`{model.id}{tuned.SUFFIX}` is a zip file with weights (safetensors) and their card (JSON); it holds no code. "
        f"SHA-256 of the weights: `{_plain(model.sha256)}`.",
        "", "## Licence", "",
        f"That of its base, {_plain(model.base) or MINI}, where its owner says nothing else.",
        "", "## Cite", "", f"{_CITED}.", "",
    ]  # fmt: skip
    return "\n".join(text)


def _table(figures: tuple[BeforeAfter, ...]) -> list[str]:
    """The figures on labels that were held out."""
    rows = [
        f"| {_plain(one.name)} | {_cell(one.before, one.before_interval)} | {_cell(one.after, one.after_interval)} |"
        for one in figures
    ]
    return ["On labels that it had not learned from, with 95 % intervals over images:", "",
            "| figure | before | after |", "|---|---|---|", *rows]  # fmt: skip


def _cell(value: float | None, interval: tuple[float, float] | None) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" + ("" if interval is None else f" ({interval[0]:.3f} to {interval[1]:.3f})")


def _plain(words: str) -> str:
    """A person's words as one line of Markdown that starts nothing."""
    return re.sub(r"([\\`*_{}\[\]<>#|])", r"\\\1", " ".join(words.split()))


def _the_model(repository: str, files: dict[str, HubFile]) -> HubFile:
    found = [one for name, one in files.items() if name.endswith(tuned.SUFFIX) and "/" not in name]
    if len(found) != 1:
        many = "no model that was fine-tuned here" if not found else f"{len(found)} models instead of one"
        raise CheckpointError(f"{repository} holds {many}.", f"Name a repository with one file *{tuned.SUFFIX}.")
    if found[0].size > tuned.MOST_BYTES:
        most = gigabytes(tuned.MOST_BYTES)
        raise LimitError(
            f"The model in {repository} has {gigabytes(found[0].size)}; at most {most} are taken.",
            "Name a model of this program.",
        )
    return found[0]


def _check_name(repository: str) -> None:
    if not _NAME.fullmatch(repository) or ".." in repository:
        raise ModelError(f"'{repository[:100]}' is no name of a repository.", "Give OWNER/NAME.")


def _refuse_offline(what: str) -> None:
    if is_offline():
        raise ModelError(f"Offline mode is on, so {what}.", f"Unset {' and '.join(OFFLINE_VARIABLES)}.")


@contextmanager
def _in_words(repository: str) -> Iterator[None]:
    """One sentence for whatever huggingface_hub raises."""
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalTokenNotFoundError

    try:
        yield
    except HfHubHTTPError as error:
        raise _answered(error, repository) from error
    except LocalTokenNotFoundError as error:
        raise ModelError("No token says who sends it.", f"Set {TOKEN_VARIABLE} to one that may write.") from error
    except HFValidationError as error:
        raise ModelError(f"The hub takes no repository named {repository}.", "Give another OWNER/NAME.") from error
    except (httpx2.HTTPError, httpx2.InvalidURL, ConnectionError) as error:
        raise ModelError(
            f"The model hub at {endpoint()} cannot be reached ({_first_line(error)}).",
            "Check the network, or name a mirror by HF_ENDPOINT.",
        ) from error
    except (OSError, ValueError, RuntimeError) as error:
        raise ModelError(f"{repository} was not written ({_first_line(error)}).", "Try again later.") from error


def _answered(error: Any, repository: str) -> ModelError:  # noqa: ANN401 - huggingface_hub is not always there
    status = error.response.status_code
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND):
        return ModelError(
            f"The model hub does not let you write to {repository} (it answered {status}).",
            f"Set {TOKEN_VARIABLE} to a token that may write there, or run `hf auth login`.",
        )
    return ModelError(f"The model hub did not take {repository} (it answered {status}).", "Try again later.")


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
