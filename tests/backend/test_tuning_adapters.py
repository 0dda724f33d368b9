"""The full model, at toy size, learns a person's labels by adapters; measured on images it has not learned from."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from seagull_iqa.cli.app import run as command
from seagull_iqa.domain.annotation import Annotation
from seagull_iqa.domain.distortion import Distortion, Finding, Severity
from seagull_iqa.domain.fine_tuning import FineTuneSpec, Method, TuneState, adapter_steps
from seagull_iqa.domain.precision import Precision
from seagull_iqa.errors import ModelError
from seagull_iqa.formats.label_set import read_label_set, write_label_set
from seagull_iqa.formats.session_file import SUFFIX, write_session
from seagull_iqa.formats.tuning_run import CANCEL, PAUSE, RunFolder
from seagull_iqa.hub import tuned
from seagull_iqa.imaging.saving import png_bytes, save_bytes
from seagull_iqa.registry import full_base, load_model
from seagull_iqa.service.hub_source import hub_source
from seagull_iqa.service.source import Choice
from seagull_iqa.service.workbench import Workbench
from seagull_iqa.training.tuning.evidence import gathered
from seagull_iqa.training.tuning.run import learn
from seagull_iqa.training.tuning.taught import Said, features_of, targets, taught

pytest.importorskip("peft")
pytest.importorskip("accelerate")

from accelerate.state import AcceleratorState

from seagull_iqa.training.seagull_fresh import write_fresh
from seagull_iqa.training.tuning import adapters


def _beside(name: str):
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


toy = _beside("tuning_labels")
STEPS = 12


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return write_fresh(tmp_path_factory.mktemp("base ü") / "toy")


@pytest.fixture(scope="module")
def exports():
    """Labels of a person who finds everything good, and says so of the noise too."""
    made = toy.labelled(images=3, regions=4, unlabelled=0, say=lambda _quality, k: 82 + 4 * (k % 3))
    return made


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("SEAGULL_MODELS", str(tmp_path / "models"))
    monkeypatch.setattr(adapters, "adapter_steps", lambda _labels: STEPS)
    return tmp_path / "models"


def run_on(folder: Path, base: Path, exports, **spec) -> RunFolder:
    run = RunFolder.new(folder, FineTuneSpec("my eye", str(base), device="cpu", **spec))
    write_label_set(run.labels, exports)
    return run


def hashes(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def learned(tmp_path_factory, base, exports):
    """A run with enough steps to learn something."""
    patched = pytest.MonkeyPatch()
    patched.setattr(adapters, "adapter_steps", lambda _labels: 60)
    before = hashes(base)
    run = run_on(tmp_path_factory.mktemp("run"), base, exports)
    done = learn(run)
    patched.undo()
    assert done.state is TuneState.DONE, done.error
    return run, done.result, before


def test_adapters_learn_what_a_person_says_and_it_shows_on_images_held_out(learned):
    _run, result, _before = learned
    assert result.method is Method.ADAPTERS
    assert result.tried["adapters"] < 0.7 * result.tried["base"]
    error = next(one for one in result.figures if one.name == "mean absolute error")
    assert error.after < 0.7 * error.before
    assert result.better is True and "Adapters" in result.verdict
    assert result.changed


def test_the_base_is_only_read(learned, base):
    assert hashes(base) == learned[2]


def test_the_curve_tells_the_loss_of_every_step_of_every_fold(learned):
    points = [one for one in learned[0].curve() if one.loss is not None]
    phases = {one.phase for one in points}
    assert len(points) == 4 * 60
    assert phases == {*(f"Trying adapters (fold {k} of 3)" for k in (1, 2, 3)), "Learning from all labels"}
    assert np.mean([one.loss for one in points[170:]]) < points[0].loss


def test_what_was_made_is_kept_listed_scored_with_under_its_name_exported_and_removed(
    learned, base, exports, home, tmp_path, monkeypatch
):
    run, result, _before = learned
    made = tmp_path / "made"
    shutil.copytree(run.model, made)
    kept = tuned.adopt_model(made)
    assert kept.id == result.model and kept.method == "adapters" and kept.regions == 12
    (offered,) = [one for one in tuned.tuned_offers() if one.name == kept.id]
    assert offered.present_bytes > 1000
    image, regions = exports[0].image, [one.region for one in exports[0].document.regions]
    model, plain = load_model(kept.id, "cpu"), load_model(str(base), "cpu")
    assert model.card.id == kept.id
    said = [one.quality for one in model.assess(model.look(image.rgb), regions)]
    was = [one.quality for one in plain.assess(plain.look(image.rgb), regions)]
    assert abs(np.mean(said) - 86) < 0.7 * abs(np.mean(was) - 86)
    file = tmp_path / "eye.seagull-model"
    tuned.export_model(kept.id, file)
    assert tuned.remove_model(kept.id) > 0 and tuned.tuned_models() == []
    assert tuned.import_model(file) == kept
    again = load_model(kept.id, "cpu")
    assert [one.quality for one in again.assess(again.look(image.rgb), regions)] == said
    tuned.remove_model(kept.id)
    moved = base.with_name("gone")
    base.rename(moved)
    try:
        with pytest.raises(ModelError, match="not on this machine"):
            tuned.import_model(file)
    finally:
        moved.rename(base)
    assert tuned.tuned_models() == []


def test_an_adapter_is_no_base_for_another(learned):
    with pytest.raises(ModelError, match="itself an adapter"):
        full_base(str(learned[0].model))


@pytest.fixture(scope="module")
def whole(tmp_path_factory, base, exports):
    """A short run that nobody stopped."""
    patched = pytest.MonkeyPatch()
    patched.setattr(adapters, "adapter_steps", lambda _labels: STEPS)
    run = run_on(tmp_path_factory.mktemp("whole"), base, exports)
    assert learn(run).state is TuneState.DONE
    patched.undo()
    return run


@pytest.mark.parametrize("at", [2, 30, 55])
def test_a_run_that_is_stopped_at_any_step_goes_on_to_the_same_model(at, tmp_path, base, exports, whole, monkeypatch):
    run, count = run_on(tmp_path / "stopped", base, exports), [0]
    told = adapters.Teller.note

    def note(self, phase, **options):
        count[0] += 1
        if count[0] == at:
            run.ask(PAUSE)
        told(self, phase, **options)

    monkeypatch.setattr(adapters.Teller, "note", note)
    assert learn(run).state is TuneState.PAUSED
    monkeypatch.setattr(adapters.Teller, "note", told)
    done = learn(run)
    assert done.state is TuneState.DONE, done.error
    assert (run.model / tuned.ADAPTER).read_bytes() == (whole.model / tuned.ADAPTER).read_bytes()
    assert done.result.figures == whole.read().result.figures


KILLED = """
import os, sys
from pathlib import Path
from seagull_iqa.formats.tuning_run import RunFolder
from seagull_iqa.training.tuning import adapters
from seagull_iqa.training.tuning.run import learn

adapters.adapter_steps = lambda _labels: int(sys.argv[2])
adapters.SAVE_S = 0.0
told, count = adapters.Teller.note, [0]

def note(self, phase, **options):
    count[0] += 1
    if count[0] == 33:
        os.kill(os.getpid(), 9)
    told(self, phase, **options)

adapters.Teller.note = note
learn(RunFolder(Path(sys.argv[1])))
"""


def test_a_run_that_is_killed_in_the_middle_of_a_fold_goes_on_to_the_same_model(tmp_path, base, exports, whole):
    run = run_on(tmp_path, base, exports)
    ended = subprocess.run([sys.executable, "-c", KILLED, str(run.path), str(STEPS)], check=False)
    assert ended.returncode == -9
    assert (run.checkpoint / "fold-2" / "checkpoint.pt").is_file()
    done = learn(run)
    assert done.state is TuneState.DONE, done.error
    assert (run.model / tuned.ADAPTER).read_bytes() == (whole.model / tuned.ADAPTER).read_bytes()
    assert done.result.figures == whole.read().result.figures


def test_a_cancelled_run_ends_without_a_model(tmp_path, base, exports):
    run = run_on(tmp_path, base, exports)
    run.ask(CANCEL)
    assert learn(run).state is TuneState.CANCELLED
    assert not run.model.exists()


def test_a_rate_that_diverges_ends_the_run_with_a_sentence_and_the_base_untouched(
    tmp_path, base, exports, monkeypatch
):
    before = hashes(base)
    monkeypatch.setattr(adapters, "RATE", 1e30)
    done = learn(run_on(tmp_path, base, exports))
    assert done.state is TuneState.FAILED
    assert "no number" in done.error or "nan" in done.error
    assert hashes(base) == before


def test_with_one_image_nothing_can_be_shown_and_it_says_so(tmp_path, base):
    exports = toy.labelled(images=1, regions=9, unlabelled=0)
    done = learn(run_on(tmp_path, base, exports))
    assert done.state is TuneState.DONE, done.error
    assert done.result.better is None and "cannot be shown" in done.result.verdict
    assert done.result.figures == ()


@pytest.mark.parametrize("method", [Method.SCALE, Method.HEADS, Method.ALL])
def test_methods_of_mini_are_refused(method, tmp_path, base, exports):
    done = learn(run_on(tmp_path, base, exports, method=method))
    assert done.state is TuneState.FAILED and "adapters" in done.error


def test_too_few_labels_are_told(tmp_path, base):
    done = learn(run_on(tmp_path, base, toy.labelled(images=2, regions=2, unlabelled=0)))
    assert done.state is TuneState.FAILED and "Label at least" in done.error


def test_comparisons_move_what_is_taught_apart_and_labels_stay_where_they_are(tmp_path):
    exports = toy.labelled(images=2, regions=6, unlabelled=2)
    run = run_on(tmp_path, Path("nowhere"), exports)
    labels = read_label_set(run.labels)
    said = {key: Said(50.0, 50.0, (0,) * 7) for key in labels.regions}
    made = gathered(labels, features_of(labels, said))
    free = [line for line in range(len(made.ids)) if line not in set(made.region.tolist())][:2]
    compared = type(made)(**{
        **made.__dict__, "better": np.array(free[:1]), "worse": np.array(free[1:]), "equal": np.array([False]),
    })  # fmt: skip
    everything = np.unique(made.image)
    found = targets(compared, everything)
    assert found[free[0]] > found[free[1]] + 4
    labelled = made.labelled
    assert np.abs(found[labelled] - made.mean_score[labelled]).max() < 5
    assert np.isnan(targets(made, everything)[free]).all()
    assert np.isnan(targets(compared, np.array([0]))[made.image == 1]).all()  # nothing of what is held out


def test_what_a_person_says_of_distortions_is_taught_and_the_bases_own_where_nothing_was_said(tmp_path):
    (one,) = toy.labelled(images=1, regions=2, unlabelled=0)
    first, second = one.document.annotations
    named = (Finding(Distortion.NOISE, Severity.MODERATE),)
    notes = (Annotation(first.region, "Ann", 40.0, findings=named), second)
    run = run_on(tmp_path, Path("nowhere"), [replace(one, document=replace(one.document, annotations=notes))])
    labels = read_label_set(run.labels)
    said = {key: Said(50.0, 30.0, (2, 0, 0, 0, 0, 0, 0)) for key in labels.regions}
    made = gathered(labels, features_of(labels, said))
    (picture,) = taught(labels, made, said, np.array([0]))
    known = {region.id: value for region, value in zip(picture.regions, picture.known, strict=True)}
    assert known[first.region].severities == tuple(
        int(Severity.MODERATE) if kind is Distortion.NOISE else 0 for kind in Distortion
    )
    assert known[second.region].severities == (2, 0, 0, 0, 0, 0, 0)
    assert known[second.region].importance == 30.0


@pytest.fixture
def other_precision():
    """Accelerate keeps the first precision of a process; a run has a process of its own, a test has not."""
    AcceleratorState._reset_state(reset_partial_state=True)
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


@pytest.mark.usefixtures("other_precision")
def test_four_bits_learn_too(tmp_path, base, exports, monkeypatch):
    pytest.importorskip("bitsandbytes")
    monkeypatch.setattr(adapters, "plan_training", lambda *_all: Precision.INT4)
    done = learn(run_on(tmp_path, base, exports))
    assert done.state is TuneState.DONE, done.error


def test_more_labels_are_learned_for_longer_within_bounds():
    assert [adapter_steps(n) for n in (1, 100, 10_000)] == [40, 100, 400]


@pytest.fixture
def sessions(tmp_path, exports):
    """The labels as session files beside their images."""
    folder = tmp_path / "photos"
    for export in exports:
        path = folder / f"{export.document.image.name}.png"
        save_bytes(path, png_bytes(export.image.rgb))
        facts = replace(export.document.image, path=str(path))
        write_session(folder / f"{path.name}{SUFFIX}", replace(export.document, image=facts))
    return folder


def test_the_command_begins_from_a_folder_and_keeps_the_adapters(sessions, base, capsys):
    assert command(["finetune", str(sessions), "--base", str(base), "--device", "cpu", "--then", "keep"]) == 0
    said = capsys.readouterr().out
    (model,) = tuned.tuned_models()
    assert model.method == "adapters" and f"{model.id} is kept" in said and "mean absolute error" in said
    card = json.loads((tuned.tuned_home() / model.id / tuned.CARD).read_text(encoding="utf-8"))
    assert card["settings"] == {"method": "adapters", "seed": 0, "rank": 8, "kept": "fp32"}
    assert command(["models", "remove", model.id, "--yes"]) == 0
    assert tuned.tuned_models() == []


BESIDE = """
import sys
from seagull_iqa.cli.app import run
from seagull_iqa.training.tuning import adapters

adapters.adapter_steps = lambda _labels: 6
sys.exit(run(["finetune", *sys.argv[1:], "--device", "cpu", "--then", "keep"]))
"""


def test_two_processes_share_the_work_and_one_writes(sessions, base, tmp_path):
    script = tmp_path / "beside.py"
    script.write_text(BESIDE, encoding="utf-8")
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    words = [*launch, str(script), str(sessions), "--base", str(base)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (model,) = tuned.tuned_models()
    assert done.stdout.count("is kept") == 1 and model.id in done.stdout
    assert model.method == "adapters" and model.regions == 12


def test_a_server_trains_from_the_full_model_that_answers_and_answers_with_what_came_of_it(
    base, home, exports, client_of
):
    shutil.copytree(base, home / "seagull-7b")
    bench = Workbench(hub_source(Choice("seagull-mini", "cpu")))
    bench.start()
    try:
        client = client_of(bench)
        client.use_model("seagull-7b")
        spec, two = FineTuneSpec("my eye", "seagull-7b", device="cpu"), exports[:2]
        assert client.tuning.estimate(two, spec).nbytes > client.tuning.estimate(two, FineTuneSpec("x")).nbytes / 100
        run = client.tuning.follow(client.tuning.start(two, spec).id, lambda _run: None)
        assert run.state is TuneState.DONE, run.error
        kept = client.tuning.keep(run.id, keep=True)
        client.use_model(kept, even_if_worse=True)
        assert client.models().in_use == kept
        (report,) = client.assess(exports[0].image, [exports[0].document.regions[0].region]).reports
        assert report.model == kept
    finally:
        bench.close()
        bench.stop()


def test_a_full_model_that_is_not_here_is_said_before_a_run_is_begun(sessions, home, capsys):
    assert command(["finetune", str(sessions), "--base", "seagull-7b"]) == 1
    assert "seagull models download seagull-7b" in capsys.readouterr().err
    assert not (home / "runs").exists()
