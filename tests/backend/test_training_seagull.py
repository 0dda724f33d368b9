"""The full model learns at toy size: it is told what is true, answers as it has learned, and what it leaves loads."""

from __future__ import annotations

import hashlib
import importlib
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate.state import AcceleratorState
from PIL import Image
from typer.testing import CliRunner

from seagull_iqa.cli.app import app
from seagull_iqa.data.drawn import drawn
from seagull_iqa.domain.distortion import Distortion, Severity
from seagull_iqa.domain.precision import Precision
from seagull_iqa.domain.questions import QUESTIONS
from seagull_iqa.domain.region import Region
from seagull_iqa.domain.report import Aspect
from seagull_iqa.errors import CheckpointError
from seagull_iqa.models.full.answers import findings_in
from seagull_iqa.models.full.checkpoint import load_seagull
from seagull_iqa.models.full.engine import Text
from seagull_iqa.models.full.regions import region_tokens
from seagull_iqa.training.loop import LoopSpec, Run, train
from seagull_iqa.training.samples import Chunk
from seagull_iqa.training.seagull_fresh import write_fresh
from seagull_iqa.training.seagull_learner import Learns
from seagull_iqa.training.seagull_pack import UNLABELLED
from seagull_iqa.training.seagull_source import SeagullSource, known_regions, lessons
from seagull_iqa.training.seagull_task import SeagullSpec, SeagullTask
from seagull_iqa.training.seagull_trunk import TrunkSpec, TrunkTask
from seagull_iqa.training.seagull_words import Known, judged, plain
from seagull_iqa.training.stream import Order

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
KNOWN = Known(61.0, 24.0, (0, 3, 0, 0, 1, 0, 0))
SPOTLESS = Known(100.0, 80.0, (0,) * 7)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_fresh(tmp_path_factory.mktemp("fresh ü") / "toy")


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    path = tmp_path_factory.mktemp("drawn")
    for number in range(4):
        Image.fromarray(drawn(np.random.default_rng(number))[:160, :160]).save(path / f"{number}.png")
    return path


@pytest.fixture
def halves(photos, monkeypatch):
    """Makes sources of pictures whose halves are spoiled to a known degree."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    parts = importlib.import_module("full_learning_parts")
    paths = tuple(sorted(photos.glob("*.png")))
    return lambda **options: parts.Halves(paths, 1, **{"count": 3, "different": 2, **options})


@pytest.fixture
def toy(folder, halves):
    def make(**options) -> SeagullTask:
        source = options.pop("pictures", halves())
        base = options.pop("base", folder)
        return SeagullTask(SeagullSpec(base, source, source, measured=2, questions=3, **options))

    return make


def hashes(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def test_the_three_questions_are_answered_in_the_papers_words():
    rng = np.random.default_rng(0)
    assert plain(KNOWN, Aspect.QUALITY, rng).answer == "The quality is good."  # the fourth fifth
    assert plain(KNOWN, Aspect.IMPORTANCE, rng).answer == "This region is minor to the overall quality."
    told = plain(KNOWN, Aspect.DISTORTION, rng)
    assert told.question == QUESTIONS[Aspect.DISTORTION]
    assert told.answer == "With moderate noise and trivial contrast distortions."
    assert [(one.distortion, one.severity) for one in findings_in(told.answer)] == [
        (Distortion.NOISE, Severity.MODERATE), (Distortion.CONTRAST, Severity.TRIVIAL)
    ]  # fmt: skip
    assert findings_in(plain(SPOTLESS, Aspect.DISTORTION, rng).answer) == ()


@pytest.mark.parametrize("known", [KNOWN, SPOTLESS])
@pytest.mark.parametrize("aspect", [Aspect.QUALITY, Aspect.IMPORTANCE, Aspect.DISTORTION])
def test_what_is_judged_is_so_or_is_put_right(known, aspect):
    rng = np.random.default_rng(1)
    truth = plain(known, aspect, rng).answer.removesuffix(" distortions.").removesuffix(" to the overall quality.")
    for _ in range(20):
        right, wrong = (judged(known, aspect, rng, true=true) for true in (True, False))
        assert right.answer == "Yes."
        assert wrong.answer.startswith("No. ")
        if aspect is not Aspect.DISTORTION:
            word = truth.rstrip(".").split()[-1]
            assert word in right.question and word in wrong.answer and f" {word}" not in wrong.question
        else:
            there = {str(one.distortion) for one in findings_in(truth)} or {"clean"}
            assert any(word in right.question for word in there)
            assert not any(f" {word}?" in wrong.question for word in there)
            assert all(word in wrong.answer for word in there)


def test_drawn_words_mean_the_score_over_many():
    rng = np.random.default_rng(2)
    words = [plain(KNOWN, Aspect.QUALITY, rng, drawn=True).answer.split()[-1].rstrip(".") for _ in range(2000)]
    assert set(words) == {"fair", "good"}
    assert 50 + 25 * words.count("good") / 2000 == pytest.approx(61, abs=1)


def test_a_batch_is_decided_by_its_number_half_judged_and_as_often_true_as_false(halves):
    source = pickle.loads(pickle.dumps(SeagullSource(halves(different=0), seed=4, questions=8)))  # noqa: S301 - our own
    first, again, other = source(3), source(3), source(4)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[3][:, 1], other[3][:, 1])
    answers = [text[1] for n in range(12) for text in source(n)[3]]
    yes, no = (sum(answer.startswith(word) for answer in answers) / len(answers) for word in ("Yes.", "No."))
    assert yes == pytest.approx(0.25, abs=0.06) and no == pytest.approx(0.25, abs=0.06)


def test_what_is_not_known_of_a_region_is_not_asked(halves):
    chunk = Chunk.from_arrays(halves()(0))
    chunk.importance[:] = torch.nan
    chunk.severity[:] = -1
    assert {known.aspects for row in known_regions(chunk) for known in row} == {(Aspect.QUALITY,)}
    texts = SeagullSource(lambda _: chunk.to_arrays(), seed=1)(0)[3]
    assert all("quality" in question for question, _ in texts)


def test_mirrored_lessons_have_their_regions_mirrored(halves):
    (lesson, *_) = lessons(SeagullSource(halves(), seed=1)(0))
    mirrored = lesson.mirrored()
    for before, after in zip(lesson.masks, mirrored.masks, strict=True):
        assert np.array_equal(before.pixels[:, ::-1], after.pixels)
    assert np.array_equal(lesson.rgb[:, ::-1], mirrored.rgb)


@pytest.mark.parametrize("size", ["fresh", "public"])
def test_training_computes_what_the_model_answers_with(toy, toy_checkpoint, folder, size):
    task = toy(base=folder if size == "fresh" else toy_checkpoint, learns=Learns(vision=False))
    arrays = task.source(0)
    learner, packed = task.model().eval(), task.batch(arrays, "cpu", again=False)
    with torch.no_grad():
        learned = learner.logits(packed)
    told = packed.labels[packed.labels != UNLABELLED].tolist()
    model, row = task.asker(learner), 0
    for lesson in lessons(arrays):
        look = model.look(lesson.rgb)
        with torch.inference_mode():
            tokens = region_tokens(model.network, look, lesson.masks).tokens
        for about, asked in zip(lesson.about, lesson.texts, strict=True):
            question, answer = task.packer._text(asked)
            texts = [Text(tokens[about], (*question, *answer[:k])) for k in range(len(answer))]
            assert told[row : row + len(answer)] == answer
            with torch.inference_mode():
                said = model.engine.last_logits(look.prefix, texts)
            torch.testing.assert_close(learned[row : row + len(answer)], said, atol=1e-4, rtol=1e-4)
            row += len(answer)
    assert row == len(learned) > 100


def test_recomputing_layers_changes_no_gradient(toy):
    gradients = []
    for checkpointing in (False, True):
        task = toy(checkpointing=checkpointing)
        learner = task.model().train()
        task.loss(learner, task.batch(task.source(0), "cpu", again=False))["total"].backward()
        gradients.append({name: value.grad for name, value in learner.named_parameters() if value.grad is not None})
    assert gradients[0].keys() == gradients[1].keys()
    for name, value in gradients[0].items():
        torch.testing.assert_close(value, gradients[1][name], atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("learns", [Learns(), Learns(vision=False), Learns(rank=2), Learns(rank=2, parts=True)])
def test_all_that_learns_is_moved_by_every_step_as_many_gpus_want_it(toy, learns):
    task = toy(learns=learns)
    learner = task.model()
    task.loss(learner, task.batch(task.source(0), "cpu", again=False))["total"].backward()
    idle = [name for name, value in learner.named_parameters() if value.requires_grad and value.grad is None]
    assert idle == []


@pytest.mark.parametrize(
    ("learns", "still"),
    [
        (Learns(), ()),
        (Learns(vision=False), ("vision.",)),
        (Learns(rank=2), ("vision.", "projector.", "extractor.", "language.model.embed_tokens", "language.lm_head")),
        (Learns(rank=2, parts=True), ("vision.", "language.model.embed_tokens", "language.lm_head")),
    ],
)
def test_only_what_shall_learn_moves(toy, tmp_path, learns, still):
    task = toy(learns=learns)
    run = Run(task, LoopSpec(tmp_path, steps=10, rate=1e-2, warmup=1, average=0.0))
    before = {name: value.clone() for name, value in run.bare.network.state_dict().items()}
    for step in range(3):
        run.learn(task.batch(task.source(step), "cpu", again=False))
    moved = {name for name, value in run.bare.network.state_dict().items() if not torch.equal(value, before[name])}
    assert not any(name.startswith(still) for name in moved if still)
    assert any(name.startswith("language.") for name in moved)
    assert any(name.startswith("extractor.") for name in moved) == (not learns.rank or learns.parts)
    run.save()
    saved = torch.load(tmp_path / "checkpoint.pt", weights_only=True)["network"]
    assert len(saved) < len(before) or not still
    if learns.rank:
        assert {name for name in moved if ".lora_" not in name and "base_layer" in name} == set()


@pytest.mark.parametrize("learns", [Learns(), Learns(rank=3, parts=True)])
def test_what_was_learned_loads_as_a_model_and_the_base_is_as_it_was(toy, folder, tmp_path, halves, learns):
    untouched = hashes(folder)
    task = toy(learns=learns)
    spec = LoopSpec(tmp_path, steps=4, rate=1e-2, warmup=1, average=0.0, processes=0, order=Order(1, 0))
    list(train(task, spec))
    written = tmp_path / ("adapter" if learns.rank else "model")
    run = Run(task, spec)  # goes on from the checkpoint, which holds the last step
    chunk = Chunk.from_arrays(halves()(0))
    picture = np.ascontiguousarray(chunk.image[0].permute(1, 2, 0).numpy())
    regions = [Region(lesson) for lesson in lessons(task.source(0))[0].masks]
    said = []
    loaded = load_seagull(written, device="cpu", precision=Precision.FP32)
    for model in (task.asker(run.bare.eval()), loaded, load_seagull(folder, device="cpu", precision=Precision.FP32)):
        said.append(model.level_probabilities(model.look(picture), regions, Aspect.QUALITY))
    np.testing.assert_allclose(said[1], said[0], rtol=1e-3)
    assert np.abs(said[1] / said[2] - 1).max() > 0.02
    assert hashes(folder) == untouched
    assert loaded.card.id != load_seagull(folder, device="cpu", precision=Precision.FP32).card.id


def test_peft_itself_reads_the_adapter(toy, folder, tmp_path):
    from peft import PeftModel

    task = toy(learns=Learns(rank=2))
    learner = task.model()
    with torch.no_grad():
        for name, value in learner.named_parameters():
            if "lora_B" in name:
                value.normal_(0, 0.2, generator=torch.Generator().manual_seed(1))
    written = task.write(learner, tmp_path, finished=True)
    plain_task = toy()
    wrapped = PeftModel.from_pretrained(plain_task.model().network.language, written)
    ids = torch.arange(20)[None]
    with torch.no_grad():
        torch.testing.assert_close(wrapped(ids).logits, learner.network.language(ids).logits)


def test_an_adapter_of_another_model_or_without_one_is_refused(toy, folder, toy_checkpoint, tmp_path):
    task = toy(learns=Learns(rank=2))
    written = task.write(task.model(), tmp_path, finished=True)
    described = json.loads((written / "adapter_config.json").read_text())
    for base, said in ((str(tmp_path / "gone"), "is not there"), (str(toy_checkpoint), "of another size")):
        (written / "adapter_config.json").write_text(json.dumps({**described, "base_model_name_or_path": base}))
        with pytest.raises(CheckpointError, match=said):
            load_seagull(written, device="cpu", precision=Precision.FP32)


def test_a_killed_run_of_adapters_goes_on_to_the_same_curve(toy, tmp_path):
    def curve(out):
        lines = [json.loads(line) for line in (out / "curve.jsonl").read_text().splitlines()]
        return {line["step"]: line["total"] for line in lines}

    task = toy(learns=Learns(rank=2))
    whole, killed = (
        LoopSpec(tmp_path / name, steps=6, rate=1e-2, warmup=2, average=0.0, processes=0, order=Order(2, lag=2))
        for name in ("whole", "killed")
    )
    list(train(task, whole, log_every=1))
    steps = train(task, killed, log_every=1, save_every_s=0.0)
    for progress in steps:
        if progress.done == 4:
            kept = (killed.out / "checkpoint.pt").read_bytes()
            break
    steps.close()
    (killed.out / "checkpoint.pt").write_bytes(kept)  # as SIGKILL leaves it
    list(train(task, killed, log_every=1))
    assert curve(killed.out) == pytest.approx(curve(whole.out), rel=1e-5)
    assert (killed.out / "adapter" / "adapter_model.safetensors").read_bytes() == (
        whole.out / "adapter" / "adapter_model.safetensors"
    ).read_bytes()


@pytest.fixture
def other_precision():
    """Accelerate keeps the first precision of a process; a command has a process of its own, a test has not."""
    AcceleratorState._reset_state(reset_partial_state=True)
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


@pytest.mark.usefixtures("other_precision")
def test_adapters_learn_beside_weights_in_half_precision(toy, tmp_path):
    task = toy(learns=Learns(rank=2, parts=True), kept=Precision.BF16)
    spec = LoopSpec(tmp_path, steps=3, rate=1e-2, warmup=1, average=0.0, processes=0, precision="bf16")
    (*_, last) = train(task, spec, log_every=1)
    assert last.done == 3
    weights = dict(task.model().named_parameters())
    assert weights["network.language.lm_head.weight"].dtype is torch.bfloat16
    moved = {name: value.dtype for name, value in weights.items() if value.requires_grad}
    assert set(moved.values()) == {torch.float32}
    assert any(".lora_" in name for name in moved) and any("extractor" in name for name in moved)


def learned(task: SeagullTask, out: Path, steps: int, rate: float = 4e-3) -> torch.nn.Module:
    run = Run(task, LoopSpec(out, steps=steps, rate=rate, warmup=5, decay=0.0, average=0.0))
    for step in range(steps):
        run.learn(task.batch(task.source(step), "cpu", again=False))
    return run.bare.eval()


def test_regions_are_learned_by_heart_and_adapters_learn_another_scale(toy, halves, tmp_path):
    """A miniature of benchmarks/full_learning.py, which also asks about regions that were held out."""
    task = toy(pictures=halves(count=8, different=1), judged=0.0, seed=3)
    chunks = [Chunk.from_arrays(task.spec.pictures(0))]
    before = task.ranked(task.model().eval(), chunks, Aspect.QUALITY)
    model = learned(task, tmp_path, 50)
    own = task.ranked(model, chunks, Aspect.QUALITY)
    assert own > 0.7 and own > before + 0.3
    base = task.write(model, tmp_path, finished=True)
    untouched = hashes(base)
    turned = toy(base=base, pictures=halves(count=8, different=1, inverted=True), judged=0.0, learns=Learns(rank=4))
    chunks[0].quality = 100 - chunks[0].quality
    before = turned.ranked(turned.model().eval(), chunks, Aspect.QUALITY)
    after = turned.ranked(learned(turned, tmp_path, 20, rate=1e-2), chunks, Aspect.QUALITY)
    assert after > before + 0.4
    assert hashes(base) == untouched


def test_the_encoder_learns_to_see_without_words_and_nothing_else_of_the_model_changes(folder, halves, tmp_path):
    untouched, source = hashes(folder), halves(count=16, different=1)
    task = TrunkTask(TrunkSpec(folder, source, source, measured=1))
    spec = LoopSpec(tmp_path, steps=25, rate=4e-3, warmup=3, decay=0.0, average=0.0, processes=0, order=Order(1, 0))
    run = Run(task, spec)
    before = {name: value.clone() for name, value in run.bare.network.state_dict().items()}
    list(train(task, spec))
    assert Run(task, spec).measure().score > 0.8
    written = load_seagull(tmp_path / "model", device="cpu", precision=Precision.FP32).network.state_dict()
    assert {name.split(".")[0] for name, value in written.items() if not torch.equal(value, before[name])} == {"vision"}
    assert hashes(folder) == untouched


def test_what_is_not_known_of_a_region_teaches_the_encoder_nothing(folder, halves):
    task = TrunkTask(TrunkSpec(folder, halves(), halves()))
    model, chunk = task.model(), Chunk.from_arrays(halves()(0))
    chunk.severity[:] = -1
    chunk.quality[:, 0] = torch.nan
    terms = task.loss(model, chunk)
    assert terms["severity"] == 0
    terms["total"].backward()
    assert all(value.grad.isfinite().all() for value in model.network.vision.parameters())
    chunk.quality[:, 1] = 50.0  # what the heads say as they begin
    assert task.loss(task.model(), chunk)["total"] == 0


def test_the_command_trains_adapters_of_a_folder(folder, photos, tmp_path):
    given = ["train", "--full", str(folder), "--lora", "2", "--parts", "--photos", str(photos), "--out", str(tmp_path)]
    found = CliRunner().invoke(app, [*given, "--steps", "1", "--processes", "0"])
    assert found.exit_code == 0, found.output
    assert load_seagull(tmp_path / "adapter", device="cpu", precision=Precision.FP32).card.id.startswith("toy-")
