"""One beginning for many texts: with and without the cache, alone and together, the numbers are the same."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch

from seagull_iqa.domain.precision import Precision
from seagull_iqa.domain.region import Region, RegionMask
from seagull_iqa.domain.report import Aspect
from seagull_iqa.errors import ModelError, OutOfMemoryError
from seagull_iqa.models.full.checkpoint import load_seagull
from seagull_iqa.models.full.decoding import Decoder
from seagull_iqa.models.full.engine import READ, LanguageEngine, Text, _fitting
from seagull_iqa.models.full.halving import in_batches
from seagull_iqa.models.full.slots import NOBODY, SHARED, Workspace, laid_out

CLOSE = 1e-3


@pytest.fixture(scope="module")
def model(toy_checkpoint):
    return load_seagull(toy_checkpoint, device="cpu", precision=Precision.FP32)


@pytest.fixture(scope="module")
def look(model):
    return model.look(np.random.default_rng(5).integers(0, 256, (120, 160, 3), dtype=np.uint8))


def texts(model, count: int, seed: int = 0) -> list[Text]:
    """Of different lengths, with random tokens."""
    generator = np.random.default_rng(seed)
    hidden = model.network.config.language.hidden
    return [
        Text(
            torch.from_numpy(generator.normal(size=(2, hidden)).astype(np.float32)),
            tuple(int(one) for one in generator.integers(3, 500, int(generator.integers(1, 40)))),
        )
        for _ in range(count)
    ]


def without_cache(model, look, text: Text) -> torch.Tensor:
    """The same logits by one pass over the whole prompt, image and all."""
    tokens = look.levels[2][0].flatten(1).T
    prompt, engine = model.tokenizer.prompt(model.system), model.engine
    with torch.inference_mode():
        whole = torch.cat([
            engine.embedded(prompt.before_image),
            model.network.projector(tokens),
            engine.embedded(prompt.after_image),
            text.region,
            engine.embedded(text.ids),
        ])
        return model.network.language(inputs_embeds=whole[None], use_cache=False).logits[0, -1]


def logits(model, look, some) -> torch.Tensor:
    with torch.inference_mode():
        return model.engine.last_logits(look.prefix, some)


def test_logits_are_the_same_with_and_without_the_cache(model, look):
    some = texts(model, 6)
    together = logits(model, look, some)
    for text, mine in zip(some, together, strict=True):
        assert (mine - without_cache(model, look, text)).abs().max() < CLOSE


@pytest.mark.parametrize("count", [1, 2, 7, 40])
def test_logits_do_not_depend_on_the_company(model, look, count):
    some = texts(model, count)
    together = logits(model, look, some)
    backwards = logits(model, look, some[::-1]).flip(0)
    alone = torch.cat([logits(model, look, [text]) for text in some])
    assert (together - alone).abs().max() < CLOSE
    assert (together - backwards).abs().max() < CLOSE


def test_many_packs_give_what_one_gives(model, look):
    some = texts(model, 30)
    small = LanguageEngine(
        model.network.language, model.network.config.language, model.tokenizer.end, recorded=False, pack=70
    )
    with torch.inference_mode():
        assert (small.last_logits(look.prefix, some) - logits(model, look, some)).abs().max() < CLOSE
        assert small.written(look.prefix, some, 9) == model.engine.written(look.prefix, some, 9)


def test_answers_written_side_by_side_are_those_written_alone(model, look):
    some = texts(model, 12, seed=2)
    with torch.inference_mode():
        together = model.engine.written(look.prefix, some, 15)
        alone = [model.engine.written(look.prefix, [text], 15)[0] for text in some]
    assert together == alone
    assert len({tuple(one) for one in together}) > 1


def test_an_answer_is_what_the_whole_prompt_gives_step_by_step(model, look):
    text = texts(model, 1, seed=9)[0]
    with torch.inference_mode():
        (written,) = model.engine.written(look.prefix, [text], 8)
    longer = text
    for token in written:
        assert int(without_cache(model, look, longer).argmax()) == token
        longer = replace(longer, ids=(*longer.ids, token))


def test_the_next_image_does_not_see_the_one_before(model, look):
    other = model.look(np.full((90, 90, 3), 7, np.uint8))
    text = texts(model, 1)
    first = logits(model, look, text)
    assert (logits(model, other, text) - first).abs().max() > CLOSE
    assert torch.equal(logits(model, look, text), first)


def test_an_answer_ends_with_its_mark_and_leaves_it_out(model, look):
    some = texts(model, 5, seed=4)
    with torch.inference_mode():
        free = model.engine.written(look.prefix, some, 12)
        mark = free[0][-1]
        ending = LanguageEngine(model.network.language, model.network.config.language, mark, recorded=False)
        cut = ending.written(look.prefix, some, 12)
    assert cut == [one[: one.index(mark)] if mark in one else one for one in free]


def test_a_stream_is_not_disturbed_by_what_is_asked_between_its_tokens(model, look):
    some = texts(model, 3, seed=6)
    with torch.inference_mode():
        (expected,) = model.engine.written(look.prefix, some[:1], 10)
        found = []
        for token in model.engine.streamed(look.prefix, some[0], 10):
            found.append(token)
            model.engine.written(look.prefix, some[1:], 3)
    assert found == expected


def test_recorded_steps_are_rounded_up_so_that_few_recordings_serve_all():
    decoder = Decoder(lambda step: None, torch.device("cpu"), recorded=True)
    assert decoder.rounded(1, 150) == (1, 512)
    assert decoder.rounded(5, 512) == (8, 512)
    assert decoder.rounded(32, 513) == (32, 1024)


def test_idle_rows_of_a_recorded_step_change_nothing(model, look):
    """What a recording does, run as it is: more rows and slots than texts."""
    engine = LanguageEngine(model.network.language, model.network.config.language, model.tokenizer.end, recorded=False)

    class Roomy(Decoder):
        def rounded(self, texts: int, room: int) -> tuple[int, int]:
            return 8, -(-room // 512) * 512

    some = texts(model, 5, seed=8)
    with torch.inference_mode():
        expected = engine.written(look.prefix, some, 10)
        engine.release()
        engine._decoder = Roomy(engine._step, torch.device("cpu"), recorded=False)
        assert engine.written(look.prefix, some, 10) == expected


def test_slots_belong_to_one_text_each_and_are_seen_in_order():
    slots = laid_out(3, [2, 4], torch.device("cpu"))
    assert slots.owner[:9].tolist() == [SHARED] * 3 + [0] * 2 + [1] * 4
    assert slots.first == (3, 5, 9)
    assert slots.owner.numel() == 64 and set(slots.owner[9:].tolist()) == {NOBODY}
    seen = slots.visible(torch.tensor([1]), torch.tensor([4]))[0, 0, 0]
    assert seen.nonzero().flatten().tolist() == [0, 1, 2, 5, 6]


def test_as_many_texts_share_a_pass_as_fit():
    some = [Text(torch.zeros(2, 4), (1,) * 8)] * 5
    assert _fitting(some, 0, 10) == 1
    assert _fitting(some, 0, 29) == 2
    assert _fitting(some, 5, 29) == 1
    assert _fitting(some, 0, 3) == 1
    assert _fitting(some, 0, 1000) == 5


def test_too_little_memory_halves_the_batch_and_goes_on(model, look, monkeypatch):
    some = texts(model, 16, seed=1)
    expected = logits(model, look, some)
    right, sizes = LanguageEngine._logits_after, []

    def scarce(self, prefix, few):
        sizes.append(len(few))
        if len(few) > 4:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return right(self, prefix, few)

    monkeypatch.setattr(LanguageEngine, "_logits_after", scarce)
    engine = LanguageEngine(model.network.language, model.network.config.language, model.tokenizer.end, recorded=False)
    with torch.inference_mode():
        found = engine.last_logits(look.prefix, some)
    assert (found - expected).abs().max() < CLOSE
    assert sizes[0] == 16 and max(sizes[-3:]) <= 4


def test_where_not_even_one_fits_it_is_said(model, look, monkeypatch):
    def scarce(self, prefix, few):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(LanguageEngine, "_logits_after", scarce)
    with pytest.raises(OutOfMemoryError, match="not enough memory"):
        model.engine.last_logits(look.prefix, texts(model, 3))


def test_batches_stay_halved_after_memory_ran_out():
    sizes = []

    def run(some):
        sizes.append(len(some))
        if len(some) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return list(some)

    assert [one for some in in_batches(list(range(10)), 8, run) for one in some] == list(range(10))
    assert sizes == [8, 4, 2, 2, 2, 2, 2]


def test_other_errors_are_not_taken_for_too_little_memory():
    def run(some):
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        in_batches([1, 2], 2, run)


def test_a_regions_report_is_the_same_alone_and_in_company(model, look):
    some = [Region(RegionMask.from_box(look.shape, (r, c, r + 40, c + 50))) for r in (0, 30, 60) for c in (0, 50, 100)]
    together = model.assess(look, some)
    for region, mine in zip(some, together, strict=True):
        (alone,) = model.assess(look, [region])
        assert abs(alone.quality - mine.quality) < 0.02 and abs(alone.importance - mine.importance) < 0.02
        assert alone.text == mine.text
    assert len({report.quality for report in together}) > 1
    fewer = model.assess(look, some[:2], {Aspect.IMPORTANCE})
    assert [one.importance for one in fewer] == [one.importance for one in together[:2]]
    assert all(one.quality is None and one.findings is None for one in fewer)


@pytest.mark.parametrize(("error", "again"), [(RuntimeError("capture"), False), (torch.OutOfMemoryError("CUDA"), True)])
def test_where_steps_cannot_be_recorded_they_are_run_as_they_are(model, look, monkeypatch, caplog, error, again):
    def fails(run, device):
        run()
        raise error

    monkeypatch.setattr("seagull_iqa.models.full.decoding.recording", fails)
    some = texts(model, 5, seed=3)
    engine = LanguageEngine(model.network.language, model.network.config.language, model.tokenizer.end, recorded=True)
    with torch.inference_mode():
        assert engine.written(look.prefix, some, 8) == model.engine.written(look.prefix, some, 8)
    assert engine._decoder.recorded is again
    assert "takes longer" in caplog.text or "take longer" in caplog.text


def test_a_recorded_step_is_replayed_for_other_texts_and_other_images(model, look, monkeypatch):
    """The recording of a device, played by running the recorded step again."""
    recorded = []

    class Replayed:
        def __init__(self, run):
            self.replay = run
            recorded.append(self)
            run()

    monkeypatch.setattr("seagull_iqa.models.full.decoding.recording", lambda run, device: Replayed(run))
    engine = LanguageEngine(model.network.language, model.network.config.language, model.tokenizer.end, recorded=True)
    other = model.look(np.full((90, 90, 3), 7, np.uint8))
    with torch.inference_mode():
        for seen, count, seed in ((look, 5, 1), (other, 8, 2), (look, 6, 3), (look, 1, 4)):
            some = texts(model, count, seed=seed)
            assert engine.written(seen.prefix, some, 9) == model.engine.written(seen.prefix, some, 9)
    assert 1 < len(recorded) < 4


def test_one_text_is_tried_again_without_the_room_held_for_others(model, look, monkeypatch):
    text = texts(model, 1, seed=5)
    expected = logits(model, look, text)
    right, rooms = Workspace.prepare, []

    def scarce(self, prefix, room):
        rooms.append(room)
        if room > prefix.length + 600:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        right(self, prefix, room)

    monkeypatch.setattr(Workspace, "prepare", scarce)
    engine = LanguageEngine(model.network.language, model.network.config.language, model.tokenizer.end, recorded=True)
    with torch.inference_mode():
        found = engine.last_logits(look.prefix, text)
    assert (found - expected).abs().max() < CLOSE
    assert len(rooms) == 2


def test_scores_are_read_in_passes_of_limited_length(model, look, monkeypatch):
    """A pass looks from each of its tokens at all of them: twice as long, it takes four times the work."""
    right, lengths = LanguageEngine._pass, []

    def counted(self, embedded, owners, positions, written, slots):
        lengths.append((len(embedded), slots.owner.numel()))
        return right(self, embedded, owners, positions, written, slots)

    monkeypatch.setattr(LanguageEngine, "_pass", counted)
    some = texts(model, 120)
    total = sum(text.length for text in some)
    assert total > 2 * READ
    logits(model, look, some)
    assert sum(length for length, _ in lengths) == total
    assert all(length <= READ and seen <= look.prefix.length + READ + 64 for length, seen in lengths)
    lengths.clear()
    with torch.inference_mode():
        model.engine.written(look.prefix, some[:40], 60)
    assert lengths[0][1] <= look.prefix.length + sum(text.length for text in some[:40]) + 64


def test_what_is_no_number_is_said_and_does_not_stay(model, look):
    fine, ill = texts(model, 2)
    expected = logits(model, look, [fine])
    ill.region[0, 0] = float("nan")
    with pytest.raises(ModelError, match="no number"):
        logits(model, look, [fine, ill])
    assert (logits(model, look, [fine]) - expected).abs().max() < CLOSE


def test_threads_that_ask_at_once_do_not_write_over_each_other(model, look):
    some = [texts(model, 3, seed=seed) for seed in range(6)]
    expected = [logits(model, look, few) for few in some]
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda few: logits(model, look, few), some * 2))
    for mine, theirs in zip(found, expected * 2, strict=True):
        assert (mine - theirs).abs().max() < CLOSE
