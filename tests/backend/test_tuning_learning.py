"""Learning from a person's labels: what is learned, what it is worth, and what can go wrong."""

from __future__ import annotations

import hashlib
import importlib.util
import itertools
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import save_file

from seagull_iqa.domain.annotation import Annotation
from seagull_iqa.domain.distortion import Distortion, Finding, Severity
from seagull_iqa.domain.fine_tuning import FineTuneSpec, Method, TuneState
from seagull_iqa.domain.region import Region, RegionMask
from seagull_iqa.errors import CheckpointError, LimitError, ModelError
from seagull_iqa.formats.export import Export
from seagull_iqa.formats.label_set import packed, read_label_set, unpacked, write_label_set
from seagull_iqa.formats.label_stock import stock_of
from seagull_iqa.formats.reading import FormatError
from seagull_iqa.formats.tuning_run import CANCEL, PAUSE, RunFolder
from seagull_iqa.models.mini.checkpoint import FORMAT, MOST_CORRECTIONS, load_corrections, load_weights, save_weights
from seagull_iqa.models.mini.correction import Correction, Kernel
from seagull_iqa.models.mini.features import RegionFeatures
from seagull_iqa.registry import load_model, resolve
from seagull_iqa.training.tuning import telling
from seagull_iqa.training.tuning.choosing import Bases, folds_of
from seagull_iqa.training.tuning.evidence import Evidence, _on_one_scale, gathered
from seagull_iqa.training.tuning.fitting import GRID, fitted, predicted
from seagull_iqa.training.tuning.run import learn, load_base, suggestions


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


def run_on(folder: Path, exports, **spec) -> RunFolder:
    made = RunFolder.new(folder, FineTuneSpec(spec.pop("name", "my eye ä"), **spec))
    write_label_set(made.labels, exports)
    return made


@pytest.fixture(scope="module")
def learned(tmp_path_factory, exports):
    folder = run_on(tmp_path_factory.mktemp("runs"), exports)
    return folder, learn(folder)


def test_a_shifted_scale_is_learned_and_shown_on_images_that_were_held_out(learned):
    _folder, run = learned
    assert run.state is TuneState.DONE and run.result is not None
    result = run.result
    assert result.method is Method.SCALE and result.better is True
    (error,) = [one for one in result.figures if one.name == "mean absolute error"]
    assert error.after < 0.5 * error.before
    assert error.after_interval[0] <= error.after <= error.after_interval[1]
    assert "had not learned from" in result.verdict
    assert result.changed and all(0 <= one.after <= 100 for one in result.changed)


def test_the_model_that_is_made_scores_as_the_person_does_and_its_base_is_untouched(learned, exports):
    folder, run = learned
    weights = folder.model / "weights.safetensors"
    model, base = load_model(str(weights)), load_model()
    assert model.card.id == run.result.model and model.card.id.startswith("my-eye-a-")
    image, document = exports[0].image, exports[0].document
    regions = [one.region for one in document.regions]
    new, old = (judge.assess(judge.look(image.rgb), regions) for judge in (model, base))
    labels = [one.quality for one in document.annotations]
    errors = [np.mean([abs(r.quality - v) for r, v in zip(said, labels, strict=False)]) for said in (new, old)]
    assert errors[0] < 0.5 * errors[1]
    assert all(r.quality_interval[0] <= r.quality <= r.quality_interval[1] for r in new)
    quality = model.maps(model.look(image.rgb))["quality"].values
    assert quality.mean() != pytest.approx(base.maps(base.look(image.rgb))["quality"].values.mean(), abs=1)
    shipped = resolve("seagull-mini")
    assert base.card.sha256 == hashlib.sha256(shipped.read_bytes()).hexdigest()
    assert load_corrections(shipped) == ()


def test_a_score_does_not_depend_on_which_regions_are_asked_with_it(learned, exports):
    model = load_model(str(learned[0].model / "weights.safetensors"))
    image, regions = exports[0].image, [one.region for one in exports[0].document.regions]
    look = model.look(image.rgb)
    together = model.assess(look, regions)
    alone = [model.assess(look, [region])[0] for region in regions]
    assert [one.quality for one in together] == pytest.approx([one.quality for one in alone], abs=0.02)


@pytest.mark.parametrize("at", [1, 3, 6, 12])
def test_a_run_that_is_stopped_at_any_step_goes_on_to_the_same_model(at, tmp_path, exports, learned, monkeypatch):
    monkeypatch.setattr(telling, "SAID_S", 0.0)
    folder = run_on(tmp_path, exports)
    steps = itertools.count(1)
    stopped = learn(folder, lambda _run: folder.ask(PAUSE) if next(steps) == at else None)
    assert stopped.state is TuneState.PAUSED and not folder.model.exists()
    run = learn(folder)
    assert run.state is TuneState.DONE
    (one,), (other,) = (load_corrections(where.model / "weights.safetensors") for where in (folder, learned[0]))
    assert np.array_equal(one.weights, other.weights)
    assert run.result.tried == learned[1].result.tried


@pytest.mark.parametrize("torn", [b"", b"PK\x03\x04 and no more"])
def test_a_look_that_a_crash_has_torn_is_taken_again(torn, tmp_path, exports, learned, monkeypatch):
    monkeypatch.setattr(telling, "SAID_S", 0.0)
    folder = run_on(tmp_path, exports)
    steps = itertools.count(1)
    learn(folder, lambda _run: folder.ask(PAUSE) if next(steps) == 3 else None)
    kept = sorted(folder.checkpoint.glob("*.npz"))
    assert kept
    kept[0].write_bytes(torn)
    assert learn(folder).result.tried == learned[1].result.tried


def test_a_run_that_another_process_has_done_meanwhile_is_not_done_again(learned):
    folder, run = learned
    weights = (folder.model / "weights.safetensors").stat().st_mtime_ns
    assert learn(folder) == run
    assert (folder.model / "weights.safetensors").stat().st_mtime_ns == weights


def test_a_cancelled_run_ends_without_a_model(tmp_path, exports):
    folder = run_on(tmp_path, exports)
    run = learn(folder, lambda _run: folder.ask(CANCEL))
    assert run.state is TuneState.CANCELLED
    assert not folder.model.exists()


def test_two_processes_do_not_learn_in_one_folder(tmp_path, exports):
    folder = run_on(tmp_path, exports)

    refused = []

    def told(_run):
        if not refused:
            with pytest.raises(ModelError, match="another process") as error:
                learn(RunFolder(folder.path))
            refused.append(error.value)

    assert learn(folder, told).state is TuneState.DONE and refused


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"method": Method.ADAPTERS}, "Choose “auto”"),
        ({"base": "seagull-7b"}, "seagull models download seagull-7b"),
        ({"base": "no-such-model"}, "There is no model"),
    ],
)
def test_what_cannot_be_learned_is_refused_in_a_sentence(change, said, tmp_path, exports):
    run = learn(run_on(tmp_path, exports, **change))
    assert run.state is TuneState.FAILED and said in run.error


def test_too_few_labels_are_told(tmp_path):
    run = learn(run_on(tmp_path, toy.labelled(images=1, regions=4)))
    assert run.state is TuneState.FAILED and "Label at least 8" in run.error


def test_with_one_image_nothing_can_be_shown_and_it_says_so(tmp_path):
    run = learn(run_on(tmp_path, toy.labelled(images=1, regions=12)))
    assert run.state is TuneState.DONE
    assert run.result.better is None and "second image" in run.result.verdict


def test_labels_without_a_region_are_told_and_nothing_is_suggested(tmp_path):
    (one,) = toy.labelled(images=1, regions=2)
    folder = run_on(tmp_path, [Export(replace(one.document, regions=(), annotations=()), one.image)])
    run = learn(folder)
    assert run.state is TuneState.FAILED and "Label at least 8" in run.error
    assert suggestions(read_label_set(folder.labels), "seagull-mini", 3) == []


def test_distortions_that_were_learned_from_one_image_are_not_shown_as_found_on_others(tmp_path):
    (one,) = toy.labelled(images=1, regions=12)
    named = (Finding(Distortion.CONTRAST, Severity.SEVERE),)
    said = tuple(replace(note, findings=named) for note in one.document.annotations)
    run = learn(run_on(tmp_path, [Export(replace(one.document, annotations=said), one.image)]))
    (types,) = [figure for figure in run.result.figures if figure.name == "type F1"]
    assert types.after == types.before < 1


def test_labels_that_are_noise_lead_to_no_model_that_is_called_better(tmp_path):
    noise = np.random.default_rng(1)
    run = learn(run_on(tmp_path, toy.labelled(say=lambda _q, _k: noise.uniform(0, 100))))
    assert run.state is TuneState.DONE and run.result.better is not True


def evidence(exports, folder) -> tuple[Evidence, int]:
    write_label_set(folder, exports)
    labels, base = read_label_set(folder), load_base("seagull-mini", "cpu")
    from seagull_iqa.imaging.files import read_image
    from seagull_iqa.models.mini.features import RegionFeatures

    parts = []
    for number, one in enumerate(labels.images):
        here = [region.region for at, region in labels.regions.values() if at == number]
        parts.append(base.model.features(base.model.look(read_image(one.pixels).rgb), here))
    return gathered(labels, RegionFeatures.joined(parts)), base.inputs


def test_no_image_is_in_two_folds(tmp_path, exports):
    made, _inputs = evidence(exports, tmp_path / "labels")
    folds = folds_of(made, 5, 0)
    together = np.concatenate(folds)
    assert len(together) == len(set(together.tolist())) == 4


def test_far_from_what_was_labelled_a_correction_leaves_the_score_alone(tmp_path, exports):
    made, inputs = evidence(exports, tmp_path / "labels")
    settings = next(one for one in GRID if one.length == 0.5)
    basis = Bases(made, inputs).of(settings)
    correction = fitted(made, settings, basis)
    far = made.features.features[:2] + 1000.0
    shift = correction.corrected(far, np.array([50.0, 50.0]), np.array([10.0, 10.0]))[0]
    assert shift == pytest.approx([50.0, 50.0], abs=1e-6)
    here = correction.moved(made.features.features, made.features.quality)
    assert np.abs(here - made.features.quality).max() > 5


def test_comparisons_alone_teach_the_order(tmp_path, exports):
    made, inputs = evidence(exports, tmp_path / "labels")
    ids = {key: line for line, key in enumerate(made.ids)}
    rng = np.random.default_rng(0)
    better = rng.integers(0, len(ids), 60)
    worse = rng.integers(0, len(ids), 60)
    flip = made.features.quality[better] > made.features.quality[worse]  # the person likes what the model does not
    better, worse = np.where(flip, worse, better), np.where(flip, better, worse)
    none = np.zeros(0, dtype=np.intp)
    only = Evidence(**{**made.__dict__, "region": none, "author": none, "score": np.zeros(0),
                       "better": better, "worse": worse, "equal": np.zeros(60, dtype=bool)})  # fmt: skip
    basis = Bases(only, inputs).of(GRID[0])
    values = predicted(only, fitted(only, GRID[0], basis), basis)
    assert np.mean(values[better] > values[worse]) > 0.8
    assert np.mean(made.features.quality[better] > made.features.quality[worse]) < 0.2


def test_two_people_with_different_scales_are_brought_onto_one(tmp_path, exports):
    strict = []
    for export in exports:
        said = export.document.annotations
        more = tuple(Annotation(one.region, "Zoë", max(0.0, one.quality - 25)) for one in said)
        strict.append(replace(export, document=replace(export.document, annotations=(*said, *more))))
    made, _inputs = evidence(strict, tmp_path / "labels")
    scores = [made.score[made.author == person].mean() for person in (0, 1)]
    assert abs(scores[0] - scores[1]) < 4
    assert stock_of(read_label_set(tmp_path / "labels")).agreement > 0.95


def test_nobodys_order_is_turned_round_however_flat_that_persons_scale_is():
    count, nothing = 300, np.zeros(0, dtype=np.intp)
    seen = np.repeat(np.linspace(35, 65, count // 3), 3)  # a model that uses a part of the scale
    author = np.tile([0, 1, 2], count // 3)
    said = np.clip(50 + (seen - 50) * np.where(author == 2, 0.1, 3.0), 0, 100)
    features = RegionFeatures(np.zeros((count, 4)), seen, np.ones(count), seen, np.zeros((count, 7, 5)))
    made = _on_one_scale(Evidence(
        tuple(map(str, range(count))), np.zeros(count, dtype=np.intp), features, np.arange(count), author, said,
        nothing, nothing, np.zeros(0, dtype=bool), np.full(count, np.nan), np.full((count, 7), np.nan),
    ))  # fmt: skip
    for person in range(3):
        assert np.corrcoef(made.score[author == person], said[author == person])[0, 1] > 0.99


def test_regions_without_a_label_are_suggested_from_every_image(tmp_path):
    write_label_set(tmp_path / "labels", toy.labelled(unlabelled=3))
    labels = read_label_set(tmp_path / "labels")
    found = suggestions(labels, "seagull-mini", 4)
    said = {one.region for image in labels.images for one in image.document.annotations}
    assert len(found) == 4 and not {one.region for one in found} & said
    assert len({one.image for one in found}) >= 3
    assert all(0 <= one.gain <= 1 and one.why.endswith(".") for one in found)
    assert [one.gain for one in found] == sorted((one.gain for one in found), reverse=True) or found[0].gain > 0


def test_the_stock_counts_and_says_what_is_missing(tmp_path, exports):
    write_label_set(tmp_path / "labels", exports[:1])
    stock = stock_of(read_label_set(tmp_path / "labels"))
    assert (stock.regions, stock.images, stock.can_show_improvement) == (5, 1, False)
    assert stock.annotators == (("Ann", 5),) and sum(stock.quality) == 5
    assert any("second image" in sentence for sentence in stock.missing)


def test_twins_with_different_labels_and_people_apart_are_contradictions(tmp_path, exports):
    document = exports[0].document
    first = document.regions[0].region
    twin = Region(RegionMask(first.mask.shape, first.mask.box, first.mask.inside), "twin")
    other = document.annotations[0].quality
    more = (Annotation(twin.id, "Ann", abs(other - 70)), Annotation(first.id, "Bob", abs(other - 60)))
    regions = (*document.regions, replace(document.regions[0], region=twin))
    changed = replace(document, regions=regions, annotations=(*document.annotations, *more))
    write_label_set(tmp_path / "labels", [replace(exports[0], document=changed)])
    stock = stock_of(read_label_set(tmp_path / "labels"))
    assert stock.duplicates == 1
    assert {(one, two) for one, two, _words in stock.contradictions} >= {(first.id, "")}
    assert len(stock.contradictions) >= 1


def test_a_set_of_labels_goes_into_one_file_and_back_and_the_same_labels_are_the_same_file(tmp_path, exports):
    for name in ("a", "b"):
        write_label_set(tmp_path / name, exports)
    kept = [packed(tmp_path / name, tmp_path / f"{name}.zip") for name in ("a", "a")]
    assert kept[0] == kept[1]
    unpacked(tmp_path / "a.zip", tmp_path / "again")
    one, other = read_label_set(tmp_path / "a"), read_label_set(tmp_path / "again")
    assert list(one.regions) == list(other.regions)


def test_a_hostile_set_is_refused_and_leaves_nothing(tmp_path):
    import zipfile

    for number, name in enumerate(["../0001.png", "evil.py", "0001.seagull.json/../../x", "0001"]):
        archive = tmp_path / f"{number}.zip"
        with zipfile.ZipFile(archive, "w") as made:
            made.writestr(name, b"x")
        with pytest.raises((FormatError, LimitError)):
            unpacked(archive, tmp_path / "target")
    (tmp_path / "no.zip").write_bytes(b"no zip")
    with pytest.raises(FormatError, match="damaged"):
        unpacked(tmp_path / "no.zip", tmp_path / "target")
    assert not (tmp_path / "target").exists() and not (tmp_path / "x").exists()


def test_a_correction_is_read_as_it_was_written_and_a_damaged_one_is_refused(tmp_path):
    network, calibration = load_weights(resolve("seagull-mini"))
    random = np.random.default_rng(0)
    axes, centres = random.normal(size=(4, 2)), random.normal(size=(3, 2))
    kernel = Kernel(np.zeros(4), np.ones(4), axes, centres, np.eye(3), 1.5, 3.0, 2.0)
    made = Correction(random.normal(size=5), np.eye(5), 7.0, kernel, (1.0, 0.9), random.normal(size=7))
    path = tmp_path / "weights.safetensors"
    save_weights(network, path, calibration=calibration, corrections=[made])
    (again,) = load_corrections(path)
    assert np.array_equal(again.weights, made.weights) and np.array_equal(again.kernel.centres, kernel.centres)
    assert (again.noise, again.importance) == (7.0, (1.0, 0.9))
    assert (again.kernel.length, again.kernel.reach, again.kernel.fade) == (1.5, 3.0, 2.0)
    bad = [
        replace(made, weights=np.array([np.nan] * 5)),
        *(replace(made, kernel=replace(kernel, **{name: np.nan})) for name in ("length", "reach", "fade")),
        replace(made, kernel=replace(kernel, scale=np.array([1.0, 0.0, 1.0, 1.0]))),
        replace(made, kernel=replace(kernel, axes=np.ones(4), centres=np.ones(3))),
    ]
    for one in bad:
        save_weights(network, path, calibration=calibration, corrections=[one])
        with pytest.raises(CheckpointError, match="not understood"):
            load_corrections(path)


def test_several_corrections_are_kept_in_their_order_and_no_more_than_eight(tmp_path):
    network, calibration = load_weights(resolve("seagull-mini"))
    made = [Correction(np.array([float(k), 0.0]), np.eye(2), 5.0) for k in range(MOST_CORRECTIONS + 1)]
    path = tmp_path / "weights.safetensors"
    save_weights(network, path, calibration=calibration, corrections=made[:3])
    assert [one.weights[0] for one in load_corrections(path)] == [0.0, 1.0, 2.0]
    save_weights(network, path, calibration=calibration, corrections=made)
    with pytest.raises(CheckpointError, match="not understood"):
        load_corrections(path)


def test_a_model_that_learned_before_is_what_the_next_run_begins_from(learned, exports, tmp_path):
    first = learned[0].model / "weights.safetensors"
    others = toy.labelled(images=6, say=lambda quality, _k: 0.4 * quality)[4:]
    run = learn(folder := run_on(tmp_path, others, name="second", base=str(first)))
    assert run.state is TuneState.DONE, run.error
    said = json.loads((folder.model / "weights.json").read_text())
    assert said["lineage"] == [learned[1].result.model]
    models = [load_model(str(path)) for path in (first, folder.model / "weights.safetensors")]
    image, regions = others[0].image, [one.region for one in others[0].document.regions]
    looks = [model.look(image.rgb) for model in models]
    before = models[0].features(looks[0], regions).quality
    told = [report.quality for report in models[0].assess(looks[0], regions)]
    assert before == pytest.approx(told, abs=0.01)
    assert len(models[1].corrections) == 2
    after = np.array([report.quality for report in models[1].assess(looks[1], regions)])
    assert after == pytest.approx(models[1].corrections[1].corrected(
        models[0].features(looks[0], regions).features, before, np.ones(len(before)))[0], abs=0.01
    )  # fmt: skip


def test_images_that_the_base_has_learned_from_are_named_in_the_verdict_and_in_the_card(learned, exports, tmp_path):
    cards = [json.loads((learned[0].model / "weights.json").read_text())["labels"]]
    assert cards[0]["seen"] == sorted(one.image.sha256 for one in exports) and len(cards[0]["sha256"]) == 64
    assert "has learned from" not in learned[1].result.verdict
    run = learn(folder := run_on(tmp_path, exports[:2], base=str(learned[0].model / "weights.safetensors")))
    assert "The old model has learned from 2 of these images" in run.result.verdict
    cards.append(json.loads((folder.model / "weights.json").read_text())["labels"])
    assert cards[1]["seen"] == cards[0]["seen"] and cards[1]["sha256"] != cards[0]["sha256"]


@pytest.mark.parametrize(
    "sizes", [{"heads": 0}, {"widths": [24, 48, 96, 1_000_000]}, {"widths": [24, 48, 96, 4000]}, {"blocks": [1] * 5},
              {"token_width": "128"}, {"blocks": [1, 2, 2, 10**9]}]
)  # fmt: skip
def test_a_file_that_says_it_is_larger_than_it_is_takes_no_memory(sizes, tmp_path):
    network, _calibration = load_weights(resolve("seagull-mini"))
    path = tmp_path / "weights.safetensors"
    said = {"config": json.dumps({**network.config.to_dict(), **sizes}), "calibration": "{}", "format": FORMAT}
    save_file({name: value.contiguous() for name, value in network.state_dict().items()}, path, metadata=said)
    with pytest.raises(CheckpointError):
        load_weights(path)
