"""Fine-tuning over HTTP: runs in processes of their own, and the registry of models."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import safetensors.numpy

from seagull_iqa.domain.fine_tuning import FineTuneSpec, TuneState
from seagull_iqa.errors import CheckpointError, LimitError, ModelError, SeagullError, UnknownModelError
from seagull_iqa.formats.label_set import unpacked
from seagull_iqa.formats.reading import FormatError
from seagull_iqa.formats.tuning_run import RunFolder, run_folders
from seagull_iqa.hub import tuned
from seagull_iqa.registry import load_model
from seagull_iqa.service.hub_source import hub_source
from seagull_iqa.service.source import Choice
from seagull_iqa.service.tuning_desk import MOST_RUNS, TuningDesk
from seagull_iqa.service.workbench import Workbench


def _beside(name: str):
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


toy = _beside("tuning_labels")


@pytest.fixture(scope="module")
def exports():
    return toy.labelled()


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("SEAGULL_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.fixture
def bench(home):
    made = Workbench(hub_source(Choice("seagull-mini", "cpu")))
    made.start()
    yield made
    made.close()
    made.stop()


@pytest.fixture
def client(bench, client_of):
    return client_of(bench)


SPEC = FineTuneSpec("my eye")


def test_a_run_is_begun_followed_kept_used_and_rolled_back(client, bench, exports, home):
    tuning = client.tuning
    assert tuning.stock(exports).regions == 20
    estimate = tuning.estimate(exports, SPEC)
    assert 1 < estimate.seconds < 120 and estimate.nbytes > 10**8
    run = tuning.start(exports, SPEC)
    seen = []
    ended = tuning.follow(run.id, seen.append)
    assert ended.state is TuneState.DONE and ended.result.better is True
    assert {one.state for one in seen} <= {TuneState.QUEUED, TuneState.RUNNING, TuneState.DONE}
    assert [one.id for one in tuning.runs()] == [run.id]
    model = tuning.keep(run.id, keep=True)
    assert tuning.runs() == ()
    (known,) = tuning.models()
    assert known.id == model and known.name == "my eye" and known.base == "seagull-mini-1.1" and known.regions == 20
    image, regions = exports[0].image, [exports[0].document.regions[0].region]
    before = client.assess(image, regions).reports[0]
    client.use_model(model)
    after = client.assess(image, regions).reports[0]
    assert after.model == model and abs(after.quality - before.quality) > 3
    assert model in {one.name for one in client.models().models}
    with pytest.raises(SeagullError, match="in use"):
        tuning.remove(model)
    client.use_model("seagull-mini")
    again = client.assess(image, regions).reports[0]
    assert again.quality == before.quality
    tuning.remove(model)
    assert tuning.models() == () and not list((home / "tuned").glob("[!.]*"))


def test_without_any_label_nothing_is_sent_and_what_is_missing_is_said(client, home):
    stock = client.tuning.stock([])
    assert (stock.regions, stock.can_show_improvement) == (0, False) and stock.missing
    assert client.tuning.suggest([], base="seagull-mini", count=3) == ()
    assert not (home / "label-sets").exists()


def test_regions_to_label_next_come_from_the_model(client, exports):
    found = client.tuning.suggest(exports, base="seagull-mini", count=3)
    labelled = {one.region for export in exports for one in export.document.annotations}
    assert len(found) == 3 and not {one.region for one in found} & labelled


def test_suggestions_are_waited_for_longer_than_other_answers(home, on_socket, exports):
    program = "import time; time.sleep(1.5); print('[]')"
    desk = TuningDesk(home, (sys.executable, "-c", program))
    bench = Workbench(hub_source(Choice("seagull-mini", "cpu")), tuning=desk)
    client = on_socket(bench)
    client._door._http.timeout = 1.0
    assert client.tuning.suggest(exports, base="seagull-mini", count=3) == ()


def test_no_more_than_two_processes_look_for_suggestions_at_a_time(home, exports, tmp_path):
    program = f"""
import os, pathlib, time
here = pathlib.Path({str(tmp_path)!r}) / f"{{os.getpid()}}.busy"
here.touch()
time.sleep(0.3)
most = len(list(here.parent.glob("*.busy")))
here.with_suffix(".most").write_text(str(most))
here.unlink()
print("[]")
"""
    desk = TuningDesk(home, (sys.executable, "-c", program))
    (home / "label-sets" / "0").mkdir(parents=True)
    with ThreadPoolExecutor(5) as pool:
        assert list(pool.map(lambda _n: desk.suggest("0", "seagull-mini", 3), range(5))) == [[]] * 5
    assert max(int(path.read_text()) for path in tmp_path.glob("*.most")) == 2


def test_what_a_killed_server_left_over_is_cleared_away_but_not_what_is_on_its_way(home):
    names = ["incoming/a.zip", "label-sets/.b.part/x", "tuned/.c.part/x", "tuned/.d.gone/x"]
    kept = ["incoming/new.zip", "label-sets/.new.part/x", "tuned/.new.part/x", "label-sets/e/x", "tuned/f/x"]
    for name in (*names, *kept):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).touch()
    for name in ("incoming/a.zip", "label-sets/.b.part", "tuned/.c.part", "tuned/.d.gone", "label-sets/e", "tuned/f"):
        os.utime(home / name, (0, 0))
    TuningDesk(home)
    assert not any((home / name).parent.exists() for name in names[1:]) and not (home / names[0]).exists()
    assert all((home / name).exists() for name in kept)


def test_scores_are_answered_while_a_run_is_under_way(client, exports):
    run = client.tuning.start(exports, SPEC)
    reports = client.assess(exports[0].image, [exports[0].document.regions[0].region]).reports
    state = client.tuning._read(run.id).state
    assert reports and state in (TuneState.QUEUED, TuneState.RUNNING)
    client.tuning.cancel(run.id)
    client.tuning.follow(run.id, lambda _run: None)


def test_a_run_that_is_cancelled_while_its_process_starts_ends_unmade(client, exports):
    run = client.tuning.start(exports, SPEC)
    client.tuning.cancel(run.id)  # the process has not even loaded its modules
    assert client.tuning.follow(run.id, lambda _run: None).state is TuneState.CANCELLED
    assert client.tuning.runs() == ()


def test_cancelled_runs_are_no_reason_to_refuse_another_and_are_cleared_away(client, exports, home):
    for _ in range(MOST_RUNS):
        folder = RunFolder.new(home / "runs", SPEC)
        folder.change(TuneState.CANCELLED)
        os.utime(folder.path, (0, 0))
    run = client.tuning.start(exports, SPEC)
    assert [folder.id for folder in run_folders(home / "runs")] == [run.id]
    client.tuning.cancel(run.id)
    client.tuning.follow(run.id, lambda _run: None)


def test_a_second_run_is_refused_also_by_another_server(client, exports, home):
    run = client.tuning.start(exports, SPEC)
    with pytest.raises(ModelError, match="is being trained"):
        client.tuning.start(exports, SPEC)
    other = TuningDesk(home)
    sha256 = next((home / "label-sets").iterdir()).name
    waited = time.monotonic() + 60
    while not RunFolder(home / "runs" / run.id).lock.exists() and time.monotonic() < waited:
        time.sleep(0.02)
    with pytest.raises(ModelError, match="is being trained"):
        other.start(sha256, SPEC)
    client.tuning.follow(run.id, lambda _run: None)


def test_a_run_is_paused_and_goes_on(client, exports):
    run = client.tuning.start(exports, SPEC)
    client.tuning.pause(run.id)
    assert client.tuning.follow(run.id, lambda _run: None).state is TuneState.PAUSED
    client.tuning.resume(run.id)
    assert client.tuning.follow(run.id, lambda _run: None).state is TuneState.DONE
    assert client.tuning.keep(run.id, keep=False) == ""
    assert client.tuning.models() == () and client.tuning.runs() == ()


def test_a_process_that_is_killed_leaves_its_run_interrupted_and_it_goes_on_to_the_end(client, bench, exports, home):
    run = client.tuning.start(exports, SPEC)
    child = bench.tuning._children[run.id]
    folder = RunFolder(home / "runs" / run.id)
    waited = time.monotonic() + 60
    while not any(folder.checkpoint.glob("*.npz")) and time.monotonic() < waited:
        time.sleep(0.005)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    state = client.tuning._read(run.id).state
    assert state in (TuneState.INTERRUPTED, TuneState.DONE)
    client.tuning.resume(run.id)
    assert client.tuning.follow(run.id, lambda _run: None).state is TuneState.DONE


def test_a_new_server_finds_the_run_of_one_that_is_gone(client, exports, home):
    run = client.tuning.start(exports, SPEC)
    later = TuningDesk(home)  # what a server begins with
    waited = time.monotonic() + 60
    while later.run(run.id).state is not TuneState.DONE and time.monotonic() < waited:
        time.sleep(0.1)
    assert [one.id for one in later.runs()] == [run.id]
    assert later.decide(run.id, keep=True) in {one.id for one in tuned.tuned_models()}


def test_what_makes_no_sense_is_refused_in_a_sentence(client, bench, http_of, exports):
    with pytest.raises(LimitError):
        client.tuning.start(exports, FineTuneSpec("x" * 200))
    with pytest.raises(SeagullError, match="no run"):
        client.tuning.pause("0123456789ab")
    with pytest.raises(UnknownModelError):
        client.tuning.remove("nobody")
    http = http_of(bench)
    reply = http.put(f"/v1/label-sets/{'0' * 64}", content=b"no zip")
    assert reply.status_code == 400 and "hash" in reply.json()["message"]
    assert http.get("/v1/fine-tunes/..%2F..%2Fetc").status_code in (400, 404)


def test_every_address_wants_the_token(bench, http_of):
    http = http_of(bench, token=None)
    for verb, path in (("GET", "/v1/fine-tunes"), ("POST", "/v1/fine-tunes"), ("GET", "/v1/tuned"),
                       ("PUT", "/v1/tuned/file"), ("PUT", f"/v1/label-sets/{'0' * 64}")):  # fmt: skip
        assert http.request(verb, path).status_code == 401


@pytest.mark.parametrize("damage", ["encrypted", "deflate"])
def test_a_damaged_set_of_labels_is_refused_in_a_sentence_and_leaves_nothing(tmp_path, damage):
    archive = tmp_path / "labels.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("0001.png", bytes(range(256)) * 20)
    data = bytearray(archive.read_bytes())
    if damage == "encrypted":
        data[6] |= 1
        data[data.find(b"PK\x01\x02") + 8] |= 1
    else:
        data[38:60] = b"\xff" * 22  # behind the header: a block of a kind that there is not
    archive.write_bytes(data)
    with pytest.raises(FormatError, match="came damaged"):
        unpacked(archive, tmp_path / "labels")
    assert [path.name for path in tmp_path.iterdir()] == ["labels.zip"]


@pytest.fixture
def kept(home, exports):
    """A model of the registry, made without a server."""
    from seagull_iqa.formats.label_set import write_label_set
    from seagull_iqa.training.tuning.run import learn

    folder = RunFolder.new(home / "runs", SPEC)
    write_label_set(folder.labels, exports)
    learn(folder)
    return tuned.adopt_model(folder.model)


def test_a_model_goes_into_one_file_and_is_taken_in_on_another_machine(kept, home, tmp_path, monkeypatch, exports):
    file = tmp_path / f"mine{tuned.SUFFIX}"
    tuned.export_model(kept.id, file)
    image, regions = exports[0].image, [exports[0].document.regions[0].region]
    model = load_model(kept.id)
    before = model.assess(model.look(image.rgb), regions)[0].quality
    with pytest.raises(ModelError, match="here already"):
        tuned.import_model(file)
    monkeypatch.setenv("SEAGULL_MODELS", str(tmp_path / "elsewhere"))
    assert tuned.tuned_models() == []
    taken = tuned.import_model(file)
    assert taken == kept
    model = load_model(kept.id)
    assert model.assess(model.look(image.rgb), regions)[0].quality == before


def test_a_hostile_file_is_refused_and_leaves_nothing(kept, home, tmp_path):
    good = tmp_path / "good.zip"
    tuned.export_model(kept.id, good)
    tuned.remove_model(kept.id)
    with zipfile.ZipFile(good) as file:
        card, weights = file.read(tuned.CARD), file.read(tuned.WEIGHTS)
    other = safetensors.numpy.save({"a": __import__("numpy").zeros(3)})
    cases = [
        {tuned.CARD: card, tuned.WEIGHTS: weights, "evil.py": b"x"},
        {f"../{tuned.CARD}": card, tuned.WEIGHTS: weights},
        {tuned.CARD: card},
        {tuned.CARD: card, tuned.WEIGHTS: other},
        {tuned.CARD: card, tuned.WEIGHTS: b"\\x80\\x04pickle"},
        {tuned.CARD: b"{}", tuned.WEIGHTS: weights},
        {tuned.CARD: card.replace(kept.id.encode(), b"../../evil"), tuned.WEIGHTS: weights},
    ]
    values = json.loads(card)
    wrong = [
        {**values, "labels": {"regions": "many"}}, {**values, "labels": {"images": float("inf")}},
        {**values, "lineage": 5}, {**values, "id": "seagull-mini"}, {**values, "id": "seagull-7b"},
    ]  # fmt: skip
    deep = b"[" * 900_000
    cases += [{tuned.CARD: json.dumps(one), tuned.WEIGHTS: weights} for one in wrong]
    cases += [{tuned.CARD: deep, tuned.WEIGHTS: weights}]
    cases += [{tuned.CARD: card, tuned.WEIGHTS: len(deep).to_bytes(8, "little") + deep}]
    for number, entries in enumerate(cases):
        path = tmp_path / f"{number}.zip"
        with zipfile.ZipFile(path, "w") as file:
            for name, data in entries.items():
                file.writestr(name, data)
        with pytest.raises((CheckpointError, ModelError)) as caught:
            tuned.import_model(path)
        assert ".part" not in str(caught.value)
    (tmp_path / "none.zip").write_bytes(b"no zip")
    with pytest.raises(CheckpointError):
        tuned.import_model(tmp_path / "none.zip")
    for place, bits in ((6, 1), (60, 255)):  # encrypted, as it says; damaged inside
        data = bytearray(good.read_bytes())
        data[place] ^= bits
        data[data.rfind(b"PK\x01\x02", 0, data.rfind(b"PK\x01\x02")) + place + 2] ^= bits if place == 6 else 0
        (tmp_path / "bent.zip").write_bytes(data)
        with pytest.raises(CheckpointError):
            tuned.import_model(tmp_path / "bent.zip")
    assert list(tuned.tuned_home().iterdir()) == []


def test_a_worse_model_is_used_only_where_somebody_says_so(client, kept):
    card = tuned.tuned_home() / kept.id / tuned.CARD
    values = json.loads(card.read_text(encoding="utf-8"))
    card.write_text(json.dumps({**values, "better": False, "verdict": "It is worse."}), encoding="utf-8")
    with pytest.raises(ModelError, match="not used unasked"):
        client.use_model(kept.id)
    assert client.models().in_use == "seagull-mini"
    client.use_model(kept.id, even_if_worse=True)
