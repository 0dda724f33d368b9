"""Fine-tuned models go to a model hub and come back; the client is the real one, the hub a toy that speaks HTTP."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from seagull_iqa.cli.app import app
from seagull_iqa.errors import CheckpointError, LimitError, ModelError, SeagullError, UnknownModelError
from seagull_iqa.hub import tuned
from seagull_iqa.hub.sharing import README, card_text, pull_model, push_model
from seagull_iqa.registry import load_model, resolve


def _module(name: str):
    """A module beside this one."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


toy_hub = _module("toy_hub")
REPO, TOKEN = toy_hub.REPO, toy_hub.TOKEN
FIGURE = {"name": "SROCC", "before": 0.5, "after": 0.7, "before_interval": [0.4, 0.6], "after_interval": [0.6, 0.8]}


def make_tuned(folder, name: str = "my-eye-123456") -> str:
    """Put a model into the registry: the weights of mini, with the card of a tuned one."""
    folder.mkdir(parents=True)
    weights = resolve("seagull-mini")
    shutil.copy(weights, folder / tuned.WEIGHTS)
    card = json.loads(weights.with_suffix(".json").read_text(encoding="utf-8"))
    card |= {
        "id": name, "name": "my *eye*", "lineage": ["seagull-mini"], "sha256": "", "better": True,
        "labels": {"regions": 30, "images": 6, "pairs": 4}, "settings": {"method": "scale"},
        "before_after": [FIGURE], "verdict": "It is off by 5 points, the old model by 10.",
    }  # fmt: skip
    (folder / tuned.CARD).write_text(json.dumps(card), encoding="utf-8")
    return tuned.adopt_model(folder).id


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A machine with a fine-tuned model, whose hub is to be set."""
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)  # a toy knows LFS alone
    for name in ("SEAGULL_OFFLINE", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SEAGULL_MODELS", str(tmp_path / "here"))
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    return make_tuned(tmp_path / "made")


@pytest.fixture
def hub(monkeypatch):
    with toy_hub.TakingHub({}, commits=(toy_hub.REVISION,)) as made:
        monkeypatch.setenv("HF_ENDPOINT", made.url)
        yield made


def test_a_model_goes_to_the_hub_in_one_commit_and_another_machine_scores_with_the_same_weights(
    here, hub, tmp_path, monkeypatch
):
    address = push_model(here, REPO)
    assert address.startswith(f"{hub.url}/{REPO}/commit/")
    assert len(hub.commits_taken) == 1
    assert set(hub.files) == {f"{here}{tuned.SUFFIX}", README}
    assert hub.made[0]["visibility"] == "private"
    sent = tuned.tuned_model(here)
    monkeypatch.setenv("SEAGULL_MODELS", str(tmp_path / "elsewhere"))
    assert pull_model(REPO) == sent
    assert load_model(here).card.sha256 == sent.sha256


def test_the_card_says_what_it_learned_from_what_that_was_worth_and_how_it_is_fetched(here):
    text = card_text(tuned.tuned_model(here), REPO)
    assert "30 labelled regions of 6 images and 4 comparisons" in text
    assert "| SROCC | 0.500 (0.400 to 0.600) | 0.700 (0.600 to 0.800) |" in text
    assert f"seagull models pull {REPO}" in text
    assert "arXiv 2411.10161" in text
    assert "# my \\*eye\\*" in text  # a person's words start no Markdown


def test_a_newer_model_takes_the_place_of_the_one_that_the_repository_held(here, hub, tmp_path, monkeypatch):
    push_model(here, REPO)
    newer = make_tuned(tmp_path / "newer", "my-eye-654321")
    push_model(newer, REPO)
    assert set(hub.files) == {f"{newer}{tuned.SUFFIX}", README}
    monkeypatch.setenv("SEAGULL_MODELS", str(tmp_path / "elsewhere"))
    assert pull_model(REPO).id == newer


def test_the_command_line_sends_and_fetches_and_prints_no_token(here, hub, tmp_path, monkeypatch):
    runner = CliRunner()
    sent = runner.invoke(app, ["models", "push", here, REPO, "--public"])
    assert sent.exit_code == 0, sent.output
    assert hub.made[0]["visibility"] == "public"
    monkeypatch.setenv("SEAGULL_MODELS", str(tmp_path / "elsewhere"))
    fetched = runner.invoke(app, ["models", "pull", REPO])
    assert fetched.exit_code == 0, fetched.output
    assert f"{here} is here now" in fetched.output
    assert TOKEN not in sent.output + fetched.output


@pytest.mark.parametrize("name", ["eye", "a/b/c", "../up", "a/..", "", "a/b c", "https://hub/a/b"])
def test_what_is_no_name_of_a_repository_is_said_before_anything_is_asked(name, here, hub):
    for act in (lambda: push_model(here, name), lambda: pull_model(name)):
        with pytest.raises(ModelError, match="is no name of a repository"):
            act()
    assert not hub.asked


def test_without_a_token_neither_way_goes_and_the_variable_is_named(here, hub, monkeypatch, tmp_path):
    monkeypatch.setenv("HF_TOKEN", "hf_of_somebody_else")
    for act in (lambda: push_model(here, REPO), lambda: pull_model(REPO)):
        with pytest.raises(ModelError, match="it answered 401") as caught:
            act()
        assert "HF_TOKEN" in caught.value.hint
    assert not hub.commits_taken


@pytest.mark.parametrize("status", [403, 413, 500])
def test_a_hub_that_refuses_the_commit_is_quoted(status, here, hub):
    hub.refusing = status
    with pytest.raises(ModelError, match=f"it answered {status}"):
        push_model(here, REPO)


def test_without_a_network_one_sentence_names_the_hub(here):
    for act in (lambda: push_model(here, REPO), lambda: pull_model(REPO)):
        with pytest.raises(ModelError, match="cannot be reached") as caught:
            act()
        assert "127.0.0.1:9" in caught.value.message
        assert "\n" not in caught.value.message


def test_offline_mode_sends_and_fetches_nothing(here, hub, monkeypatch):
    monkeypatch.setenv("SEAGULL_OFFLINE", "1")
    for act in (lambda: push_model(here, REPO), lambda: pull_model(REPO)):
        with pytest.raises(ModelError, match="Offline mode is on"):
            act()
    assert not hub.asked


def test_a_model_that_is_not_here_is_not_sent(here, hub):
    with pytest.raises(UnknownModelError):
        push_model("nothing", REPO)
    assert not hub.made


@pytest.mark.parametrize(
    ("files", "kind", "said"),
    [
        ({"README.md": b"x"}, CheckpointError, "no model"),
        ({"a.seagull-model": b"x", "b.seagull-model": b"x"}, CheckpointError, "2 models instead of one"),
        ({"a.seagull-model": b"no zip"}, CheckpointError, "no model that was exported here"),
    ],
)
def test_what_a_repository_holds_instead_of_a_model_is_said_and_nothing_is_kept(files, kind, said, here, hub):
    hub.files.update(files)
    before = sorted(tuned.tuned_home().iterdir())
    with pytest.raises(kind, match=said):
        pull_model(REPO)
    assert sorted(tuned.tuned_home().iterdir()) == before


def test_a_model_that_is_too_large_is_not_fetched(here, hub, monkeypatch):
    hub.files["a.seagull-model"] = b"x" * 1000
    monkeypatch.setattr(tuned, "MOST_BYTES", 999)
    with pytest.raises(LimitError, match="at most"):
        pull_model(REPO)
    assert not hub.asked_for("a.seagull-model")


def test_a_model_that_is_here_already_is_left_as_it_is(here, hub):
    push_model(here, REPO)
    with pytest.raises(SeagullError, match="is here already"):
        pull_model(REPO)
    assert tuned.tuned_model(here).name == "my *eye*"
