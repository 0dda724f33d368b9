"""Regions found by the server: clicks, boxes, everything, the next plane, engines exchanged, looks kept and cleared."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seagull_iqa import errors
from seagull_iqa.client import Client
from seagull_iqa.domain.progress import Progress
from seagull_iqa.domain.prompts import Candidate, EverythingSpec, Prompts, Proposal
from seagull_iqa.domain.region import RegionMask
from seagull_iqa.imaging.prepared import PreparedImage
from seagull_iqa.prompt_messages import CLICK_PRIORITY, HOVER_PRIORITY
from seagull_iqa.segmenting.carrying import carry
from seagull_iqa.service.source import one_model
from seagull_iqa.service.workbench import Workbench

LEFT, RIGHT = (0, 0, 40, 30), (0, 30, 40, 60)
CLICK = Prompts(positive=((20, 10),))


@pytest.fixture
def engines(engine_module: Any) -> Any:
    return engine_module.EngineShop()


@pytest.fixture
def bench_with(toy: Any) -> Iterator[Callable[..., Workbench]]:
    made = []

    def make(engines: Any, **options: Any) -> Workbench:
        made.append(Workbench(one_model(lambda: toy), engines=engines.source(**options)))
        made[-1].start()
        return made[-1]

    yield make
    for bench in made:
        bench.stop()


@pytest.fixture
def bench(bench_with: Any, engines: Any, tmp_path: Path) -> Workbench:
    return bench_with(engines, folder=tmp_path / "looks")


@pytest.fixture
def client(client_of: Any, bench: Workbench) -> Client:
    return client_of(bench)


@pytest.fixture
def pool(engines: Any, toy: Any) -> Iterator[ThreadPoolExecutor]:
    """Threads that ask; at the end of a test that failed, too, nothing is held any longer."""
    with ThreadPoolExecutor(8) as pool:
        yield pool
        for held in (toy.go, engines.load_go, *(go for one in engines.made for go in (one.look_go, one.every_go))):
            held.set()


def best_box(found: Any) -> tuple[int, int, int, int]:
    return found.candidates[found.best].mask.box


def soon(true: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not true():
        assert time.monotonic() < until
        time.sleep(0.01)


def engine_of(engines: Any, client: Client, picture: PreparedImage) -> Any:
    """The engine in use, loaded."""
    client.segmenting.choose("region-tree")
    return engines.made[-1]


def other_picture(value: int = 100) -> PreparedImage:
    rgb = np.full((40, 60, 3), 10, np.uint8)
    rgb[10:20, 10:30] = value
    return PreparedImage(rgb)


def test_a_click_comes_back_as_exact_masks(client: Client, picture: PreparedImage) -> None:
    found = client.segmenting.propose(picture, CLICK)
    assert best_box(found) == LEFT
    mask = found.candidates[found.best].mask
    assert mask.shape == picture.shape and mask.inside.all()
    assert (found.candidates[0].score, found.candidates[0].stability) == (0.9, 1.0)


def test_ragged_masks_are_exact_too_and_sorted_by_area(client: Client) -> None:
    generator = np.random.default_rng(0)
    image = PreparedImage(np.repeat(generator.integers(0, 90, (50, 70, 1), dtype=np.uint8), 3, axis=2))
    found = client.segmenting.propose(image, Prompts(positive=((25, 35),)))
    areas = [one.mask.area for one in found.candidates]
    assert areas == sorted(areas) and len(areas) == 3
    from skimage.segmentation import flood

    gray = image.rgb[..., 0].astype(float)
    for one, tolerance in zip(found.candidates, (5.0, 20.0, 60.0), strict=True):
        assert np.array_equal(one.mask.pixels, flood(gray, (25, 35), tolerance=tolerance))


def test_every_kind_of_prompt_reaches_the_engine_as_it_was_meant(
    client: Client, engines: Any, picture: PreparedImage
) -> None:
    mask = RegionMask.from_box(picture.shape, (5, 6, 20, 25))
    prompts = Prompts(((20.5, 10.25),), ((3, 50),), (0.5, 0, 40, 29.5), (((1, 2), (3.5, 4)), ((6, 7),)), mask)
    client.segmenting.propose(picture, prompts)
    (seen,) = engines.made[0].asked
    assert seen.mask is not None
    assert (seen.mask.box, seen.mask.shape) == (mask.box, mask.shape)
    assert (seen.positive, seen.negative, seen.strokes) == (prompts.positive, prompts.negative, prompts.strokes)
    assert seen.box == prompts.box


def test_an_image_is_looked_at_once_however_often_it_is_clicked(
    client: Client, engines: Any, picture: PreparedImage
) -> None:
    for col in range(0, 60, 10):
        client.segmenting.propose(picture, Prompts(positive=((20, col),)))
    assert engines.made[0].looks == [(40, 60)]


@pytest.mark.parametrize(
    ("prompts", "error"),
    [
        (Prompts(), errors.RegionError),
        (Prompts(negative=((1, 1),)), errors.RegionError),
        (Prompts(positive=((1.0, 1.0),) * 1001), errors.LimitError),
        (Prompts(strokes=(((1.0, 1.0),),) * 101), errors.LimitError),
        (Prompts(strokes=(((1.0, 1.0),) * 10_001,)), errors.LimitError),
        (Prompts(positive=((float("nan"), 1),)), errors.LimitError),
        (Prompts(positive=((20, 10),), mask=RegionMask.whole((41, 60))), errors.ShapeMismatchError),
        (Prompts(positive=((20, 10),), negative=((20, 12),)), errors.RegionError),
    ],
)
def test_prompts_that_mean_no_region_are_a_readable_error(
    client: Client, picture: PreparedImage, prompts: Prompts, error: type[errors.SeagullError]
) -> None:
    with pytest.raises(error) as caught:
        client.segmenting.propose(picture, prompts)
    assert caught.value.message.endswith(".") and caught.value.hint.endswith(".")


def test_a_click_made_while_the_look_is_taken_is_kept_and_answered(
    client: Client, bench: Workbench, engines: Any, picture: PreparedImage, pool: ThreadPoolExecutor
) -> None:
    engine = engine_of(engines, client, picture)
    engine.look_go.clear()
    prepared = pool.submit(client.segmenting.prepare, picture)
    assert engine.look_busy.wait(20)
    clicked = _asked(client, bench, pool, picture)
    assert not clicked.done()
    engine.look_go.set()
    assert best_box(clicked.result(20)) == LEFT
    prepared.result(20)
    assert engine.looks == [(40, 60)]


def test_a_click_longer_than_a_request_is_held_is_asked_for_again(
    client_of: Any, bench: Workbench, engines: Any, picture: PreparedImage, pool: ThreadPoolExecutor
) -> None:
    client = client_of(bench, hold_s=0.2)
    engine = engine_of(engines, client, picture)
    engine.look_go.clear()
    clicked = pool.submit(client.segmenting.propose, picture, CLICK)
    with pytest.raises(TimeoutError):
        clicked.result(1)
    engine.look_go.set()
    assert best_box(clicked.result(20)) == LEFT
    assert engine.looks == [(40, 60)]


def _held(client: Client, engines: Any, picture: PreparedImage, pool: ThreadPoolExecutor) -> tuple[Any, Future[Any]]:
    """The engine, held in a look at another image, and what waits for that look."""
    engine = engine_of(engines, client, picture)
    engine.look_go.clear()
    waiting = pool.submit(client.segmenting.prepare, other_picture())
    assert engine.look_busy.wait(20)
    return engine, waiting


def _asked(client: Client, bench: Workbench, pool: ThreadPoolExecutor, picture: PreparedImage, **how: Any) -> Any:
    """A click that waits at the server by now, or has been refused."""
    before = len(bench.segmenting._book)
    asked = pool.submit(client.segmenting.propose, picture, how.pop("prompts", CLICK), **how)
    soon(lambda: asked.done() or len(bench.segmenting._book) > before)
    return asked


def test_the_newest_click_takes_the_place_of_those_that_wait(
    client: Client, bench: Workbench, engines: Any, picture: PreparedImage, pool: ThreadPoolExecutor
) -> None:
    engine, waiting = _held(client, engines, picture, pool)
    first = _asked(client, bench, pool, picture)
    second = pool.submit(client.segmenting.propose, picture, Prompts(positive=((20, 50),)))
    with pytest.raises(errors.SupersededError):
        first.result(20)
    engine.look_go.set()
    assert best_box(second.result(20)) == RIGHT
    assert len(engine.asked) == 1
    waiting.result(20)


def test_a_hover_never_takes_the_place_of_a_click_but_a_click_that_of_a_hover(
    client: Client, bench: Workbench, engines: Any, picture: PreparedImage, pool: ThreadPoolExecutor
) -> None:
    engine, waiting = _held(client, engines, picture, pool)
    hover = _asked(client, bench, pool, picture, priority=HOVER_PRIORITY)
    click = pool.submit(client.segmenting.propose, picture, CLICK, priority=CLICK_PRIORITY)
    with pytest.raises(errors.SupersededError):
        hover.result(20)
    later = _asked(client, bench, pool, picture, priority=HOVER_PRIORITY, prompts=Prompts(positive=((20, 50),)))
    engine.look_go.set()
    assert best_box(click.result(20)) == LEFT
    assert best_box(later.result(20)) == RIGHT
    waiting.result(20)


def test_an_older_ticket_that_comes_late_gives_way_to_the_newer_one(
    client: Client, bench: Workbench, engines: Any, picture: PreparedImage, pool: ThreadPoolExecutor
) -> None:
    engine, waiting = _held(client, engines, picture, pool)
    newer = _asked(client, bench, pool, picture, ticket=8)
    with pytest.raises(errors.SupersededError):
        client.segmenting.propose(picture, CLICK, ticket=7)
    engine.look_go.set()
    assert best_box(newer.result(20)) == LEFT
    waiting.result(20)


def test_clients_do_not_take_each_others_place(
    client: Client, client_of: Any, bench: Workbench, engines: Any, picture: PreparedImage, pool: ThreadPoolExecutor
) -> None:
    engine, waiting = _held(client, engines, picture, pool)
    mine = _asked(client, bench, pool, picture)
    yours = _asked(client_of(bench), bench, pool, picture)
    engine.look_go.set()
    assert best_box(mine.result(20)) == best_box(yours.result(20)) == LEFT
    waiting.result(20)


def test_clicks_do_not_wait_for_the_model_that_scores(
    client: Client, toy: Any, picture: PreparedImage, pool: ThreadPoolExecutor, box_region: Any
) -> None:
    toy.go.clear()
    scored = pool.submit(client.assess, picture, [box_region()])
    assert toy.busy.wait(20)
    assert best_box(client.segmenting.propose(picture, CLICK)) == LEFT
    assert not scored.done()
    toy.go.set()
    assert scored.result(20).reports


def test_preparing_can_be_cancelled_in_the_middle_of_a_look(
    client: Client, engines: Any, picture: PreparedImage
) -> None:
    engine = engine_of(engines, client, picture)
    engine.look_go.clear()

    def stop(_progress: Progress) -> None:
        if engine.look_busy.is_set():
            raise errors.JobCancelledError("Enough.", "Go on.")

    with pytest.raises(errors.JobCancelledError, match="Enough"):
        client.segmenting.prepare(picture, progress=stop)
    engine.look_go.set()
    assert best_box(client.segmenting.propose(picture, CLICK)) == LEFT
    assert engine.looks == [(40, 60)] * 2


def test_everything_comes_back_best_first_with_progress(client: Client, picture: PreparedImage) -> None:
    said: list[Progress] = []
    found = client.segmenting.everything(picture, progress=said.append)
    assert [one.mask.box for one in found] == [LEFT, RIGHT]
    assert {one.score for one in found} == {0.8}
    assert said
    assert client.segmenting.everything(picture, EverythingSpec(most=1)) != []
    assert len(client.segmenting.everything(picture, EverythingSpec(most=1))) == 1
    assert client.segmenting.everything(picture, EverythingSpec(least_area=1201)) == []
    with pytest.raises(errors.LimitError):
        client.segmenting.everything(picture, EverythingSpec(most=0))


def test_a_click_comes_between_the_steps_of_everything_and_everything_can_be_cancelled_and_begun_again(
    client: Client, engines: Any, picture: PreparedImage, pool: ThreadPoolExecutor
) -> None:
    engine = engine_of(engines, client, picture)
    engine.every_go.clear()
    enough = threading.Event()

    def follow(_progress: Progress) -> None:
        if enough.is_set():
            raise errors.JobCancelledError("Enough.", "Go on.")

    running = pool.submit(client.segmenting.everything, picture, progress=follow)
    assert engine.every_busy.wait(20)
    assert best_box(client.segmenting.propose(picture, CLICK)) == LEFT
    assert best_box(client.segmenting.propose(other_picture(), CLICK)) != LEFT
    assert not running.done()
    enough.set()
    with pytest.raises(errors.JobCancelledError):
        running.result(20)
    engine.every_go.set()
    assert len(client.segmenting.everything(picture)) == 2


def test_only_a_finished_job_of_ours_has_candidates(
    client: Client, http_of: Any, bench: Workbench, engines: Any
) -> None:
    http = http_of(bench)
    picture = other_picture()
    client.segmenting.propose(picture, CLICK)
    engines.made[0].every_go.clear()
    running = http.post(f"/v1/images/{picture.sha256}/everything", json={}).json()["id"]
    maps = http.post(f"/v1/images/{picture.sha256}/maps").json()["id"]
    for job in (running, maps, "nonsense"):
        reply = http.get(f"/v1/jobs/{job}/candidates")
        assert (reply.status_code, reply.json()["error"]) == (404, "UnknownJobError")
    engines.made[0].every_go.set()
    http.delete(f"/v1/jobs/{running}")


def test_a_region_is_carried_to_the_next_plane(client: Client) -> None:
    before, after = np.full((2, 60, 80, 3), 20, np.uint8)
    before[10:30, 20:50] = 180
    after[13:33, 18:48] = 180
    mask = RegionMask.from_box((60, 80), (10, 20, 30, 50))
    carried = client.segmenting.carry(PreparedImage(after), mask, before=PreparedImage(before))
    assert carried.mask is not None and carried.mask.box == (13, 18, 33, 48)
    assert carried.sureness > 0.9
    alone = client.segmenting.carry(PreparedImage(after), mask)
    assert alone.mask is not None and alone.mask.box == carried.mask.box


@pytest.mark.parametrize("gone", ["nothing", "another shape", "another place"])
def test_a_region_that_is_gone_is_lost_with_a_reason(client: Client, gone: str) -> None:
    before, after = np.full((2, 60, 80, 3), 20, np.uint8)
    before[10:30, 20:50] = 180
    if gone == "another shape":
        after[19:21, 10:70] = 180
    if gone == "another place":
        after[40:60, 20:50] = 180
    mask = RegionMask.from_box((60, 80), (10, 20, 30, 50))
    carried = client.segmenting.carry(PreparedImage(after), mask, before=PreparedImage(before))
    assert carried.mask is None
    assert carried.reason.endswith(".") and carried.sureness <= 0.5


def test_a_background_of_the_same_outline_is_told_from_the_region_by_its_colour(client: Client) -> None:
    before, after = np.full((2, 60, 80, 3), 20, np.uint8)
    before[10:30, 20:50] = 180
    after[:] = 250
    after[10:30, 20:50] = 30  # the same outline, filled with what was round it
    mask = RegionMask.from_box((60, 80), (10, 20, 30, 50))
    assert client.segmenting.carry(PreparedImage(after), mask).mask is not None
    lost = client.segmenting.carry(PreparedImage(after), mask, before=PreparedImage(before))
    assert lost.mask is None and "round it" in lost.reason


def test_a_plane_of_another_size_is_a_readable_error(client: Client, picture: PreparedImage) -> None:
    with pytest.raises(errors.ShapeMismatchError):
        client.segmenting.carry(picture, RegionMask.whole((41, 60)))


def test_the_list_names_engines_and_what_is_kept(client: Client, picture: PreparedImage, tmp_path: Path) -> None:
    listed = client.segmenting.list()
    assert [engine.name for engine in listed.engines] == ["region-tree", "other", "broken", "absent"]
    assert listed.in_use == "region-tree" and listed.loading == "" and listed.trouble is None
    assert listed.engines[0].state().hover and not listed.engines[3].state().ready
    assert [(offer.name, offer.state, offer.download_bytes) for offer in listed.offers] == [("absent", "absent", 1000)]
    assert (listed.memory.looks, listed.disk.looks) == (0, 0)
    client.segmenting.prepare(picture)
    listed = client.segmenting.list()
    assert (listed.memory.looks, listed.memory.held_bytes) == (1, 40 * 60 * 4)
    assert listed.disk.looks == 1 and listed.disk.held_bytes > 9600
    assert listed.folder == str(tmp_path / "looks")
    assert 0 < listed.memory.limit_bytes < listed.disk.limit_bytes


def test_an_engine_is_loaded_when_it_is_first_asked(client: Client, engines: Any, picture: PreparedImage) -> None:
    client.segmenting.list()
    assert engines.made == []
    client.segmenting.propose(picture, CLICK)
    client.segmenting.propose(picture, CLICK)
    assert [engine.name for engine in engines.made] == ["region-tree"]


def test_another_engine_answers_once_it_is_chosen(client: Client, engines: Any, picture: PreparedImage) -> None:
    client.segmenting.propose(picture, CLICK)
    assert client.segmenting.choose("other").in_use == "other"
    client.segmenting.propose(picture, CLICK)
    assert [(engine.name, len(engine.looks)) for engine in engines.made] == [("region-tree", 1), ("other", 1)]
    client.segmenting.choose("other")
    assert len(engines.made) == 2


def test_an_engine_that_cannot_be_loaded_says_why_and_the_old_one_stays(
    client: Client, engines: Any, picture: PreparedImage
) -> None:
    client.segmenting.propose(picture, CLICK)
    with pytest.raises(errors.CheckpointError, match="do not fit"):
        client.segmenting.choose("broken")
    listed = client.segmenting.list()
    assert listed.in_use == "region-tree" and listed.trouble is not None
    client.segmenting.propose(picture, CLICK)
    assert engines.made[0].looks == [(40, 60)]
    assert client.segmenting.choose("other").trouble is None


@pytest.mark.parametrize(
    ("name", "error", "says"),
    [
        ("absent", errors.ModelError, "not downloaded"),
        ("nonsense", errors.UnknownModelError, "region-tree"),
        ("", errors.ModelError, "no engine"),
        ("/etc/passwd", errors.UnknownModelError, "no engine"),
    ],
)
def test_an_engine_that_is_not_there_is_refused_at_once(
    client: Client, engines: Any, name: str, error: type[errors.SeagullError], says: str
) -> None:
    with pytest.raises(error, match=says):
        client.segmenting.choose(name)
    assert engines.made == []


def test_a_slow_engine_is_waited_for_and_clicks_are_answered_by_it(
    client_of: Any, bench: Workbench, engines: Any, picture: PreparedImage, pool: ThreadPoolExecutor
) -> None:
    client = client_of(bench, hold_s=0.2)
    client.segmenting.propose(picture, CLICK)
    engines.load_go.clear()
    chosen = pool.submit(client.segmenting.choose, "other")
    soon(lambda: client.segmenting.list().loading == "other")
    clicked = pool.submit(client.segmenting.propose, picture, CLICK)
    engines.load_go.set()
    assert chosen.result(20).in_use == "other"
    assert best_box(clicked.result(20)) == LEFT
    assert engines.made[1].looks == [(40, 60)]


def test_everything_ends_where_another_engine_is_chosen(
    client: Client, engines: Any, picture: PreparedImage, pool: ThreadPoolExecutor
) -> None:
    engine = engine_of(engines, client, picture)
    engine.every_go.clear()
    running = pool.submit(client.segmenting.everything, picture)
    assert engine.every_busy.wait(20)
    assert client.segmenting.choose("other").in_use == "other"
    with pytest.raises(errors.JobCancelledError, match="Another engine"):
        running.result(20)


def test_looks_survive_a_restart(
    bench_with: Any, client_of: Any, engine_module: Any, picture: PreparedImage, tmp_path: Path
) -> None:
    shops = [engine_module.EngineShop(), engine_module.EngineShop(), engine_module.EngineShop()]
    for shop in shops[:2]:
        bench = bench_with(shop, folder=tmp_path)
        client = client_of(bench)
        assert best_box(client.segmenting.propose(picture, CLICK)) == LEFT
        soon(lambda: any(path.suffix == ".npz" for path in tmp_path.iterdir()))
        bench.stop()
    assert [shop.made[0].looks for shop in shops[:2]] == [[(40, 60)], []]
    (path,) = tmp_path.iterdir()
    path.write_bytes(b"PK\x05\x06" + b"\0" * 18)  # whole, but none of the engine's
    client = client_of(bench_with(shops[2], folder=tmp_path))
    assert best_box(client.segmenting.propose(picture, CLICK)) == LEFT
    assert shops[2].made[0].looks == [(40, 60)]


def test_looks_in_memory_are_bounded_by_their_bytes_and_come_back_from_the_disk(
    bench_with: Any, client_of: Any, engines: Any, tmp_path: Path
) -> None:
    client = client_of(bench_with(engines, folder=tmp_path, memory_bytes=20_000))
    pictures = [other_picture(value) for value in (100, 120, 140)]
    for picture in [*pictures, *pictures]:
        client.segmenting.prepare(picture)
    listed = client.segmenting.list()
    assert listed.memory.looks == 2 and listed.memory.held_bytes <= 20_000
    assert listed.disk.looks == 3
    assert len(engines.made[0].looks) == 3


def test_clearing_frees_memory_and_disk_and_says_how_much(client: Client, engines: Any, picture: PreparedImage) -> None:
    client.segmenting.prepare(picture)
    listed = client.segmenting.list()
    assert client.segmenting.clear() == listed.memory.held_bytes + listed.disk.held_bytes > 2 * 9600
    listed = client.segmenting.list()
    assert (listed.memory.looks, listed.disk.looks) == (0, 0)
    client.segmenting.propose(picture, CLICK)
    assert engines.made[0].looks == [(40, 60)] * 2
    assert client.segmenting.clear() > 0


def test_where_memory_does_not_suffice_other_looks_are_let_go_and_it_is_tried_again(
    client: Client, engines: Any, picture: PreparedImage
) -> None:
    client.segmenting.prepare(other_picture())
    engine, released = engines.made[0], engines.released

    real = engine.look
    tried: list[int] = []

    def look(image: Any, **how: Any) -> Any:
        tried.append(1)
        if len(tried) == 1:
            raise MemoryError
        return real(image, **how)

    engine.look = look
    assert best_box(client.segmenting.propose(picture, CLICK)) == LEFT
    assert engines.released == released + 1
    engine.look = lambda image, **how: (_ for _ in ()).throw(MemoryError())
    with pytest.raises(errors.OutOfMemoryError):
        client.segmenting.propose(other_picture(130), CLICK)


def test_a_failing_engine_is_a_readable_error_and_the_next_click_works(
    client: Client, engines: Any, picture: PreparedImage
) -> None:
    engine = engine_of(engines, client, picture)
    engine.fails = RuntimeError("a kernel fell over")
    with pytest.raises(errors.ModelError, match="fell over"):
        client.segmenting.propose(picture, CLICK)
    with pytest.raises(errors.ModelError, match="fell over"):
        client.segmenting.everything(picture)
    engine.fails = None
    assert best_box(client.segmenting.propose(picture, CLICK)) == LEFT


def test_a_large_image_is_clicked_on_a_part_and_prepared_near_a_point(client: Client, engines: Any) -> None:
    rgb = np.full((1200, 2000, 3), 30, np.uint8)
    rgb[900:904, 1500:1507] = 200
    image = PreparedImage(rgb)
    client.segmenting.prepare(image, near=(890, 1490))
    found = client.segmenting.propose(image, Prompts(positive=((901, 1503),)))
    assert best_box(found) == (900, 1500, 904, 1507)
    assert found.candidates[0].mask.shape == (1200, 2000)
    assert engines.made[0].looks == [(1024, 1024)]


GOOD = {"prompts": {"positive": [[20, 10]]}}


@pytest.mark.parametrize(
    ("verb", "body", "status"),
    [
        ("proposals", GOOD, 200),
        ("proposals", {}, 400),
        ("proposals", {"prompts": {}}, 422),
        ("proposals", {"prompts": {"positive": [[20, "a"]]}}, 400),
        ("proposals", {"prompts": {"positive": [[20, 10]] * 1001}}, 413),
        ("proposals", {"prompts": {"positive": [[1e300, 10]]}}, 400),
        ("proposals", {"prompts": {"box": [5, 5, 5, 9]}}, 400),
        ("proposals", {"prompts": {"box": [-5, -5, 400, 900]}}, 200),
        ("proposals", {"prompts": {"positive": [[-7, 900]]}}, 200),
        ("proposals", {"prompts": {"mask": {"shape": [40, 60], "box": [0, 0, 5, 5], "runs": [0, 24]}}}, 422),
        ("proposals", {"prompts": {"mask": {"shape": [40, 60], "box": [0, 0, 50, 5], "runs": [0, 250]}}}, 422),
        ("proposals", {**GOOD, "priority": 1000}, 400),
        ("everything", {"most": 0}, 400),
        ("everything", {"most": 5000}, 400),
        ("looks", {"near": [1]}, 400),
        ("carried", {"mask": {"shape": [40, 61], "box": [0, 0, 5, 5], "runs": [0, 25]}}, 422),
        ("carried", {"mask": {"shape": [40, 60], "box": [0, 0, 5, 5], "runs": [0, 25]}, "before": "0" * 64}, 200),
        ("carried", {"mask": {"shape": [40, 60], "box": [0, 0, 5, 5], "runs": [0, 25]}, "before": "../x"}, 400),
    ],
)
def test_what_is_wrong_with_a_request_is_said(
    client: Client, bench: Workbench, http_of: Any, picture: PreparedImage, verb: str, body: Any, status: int
) -> None:
    client.segmenting.prepare(picture)
    reply = http_of(bench).post(f"/v1/images/{picture.sha256}/{verb}", json=body)
    assert reply.status_code == status, reply.text
    assert reply.headers["seagull-protocol"] == "1"


@pytest.mark.parametrize("verb", ["proposals", "everything", "looks"])
def test_an_image_that_is_not_held_is_asked_for(bench: Workbench, http_of: Any, verb: str) -> None:
    reply = http_of(bench).post(f"/v1/images/{'0' * 64}/{verb}", json=GOOD)
    assert (reply.status_code, reply.json()["error"]) == (404, "UnknownImageError")


@pytest.mark.parametrize(("method", "path"), [
    ("GET", "/v1/segmenters"), ("PUT", "/v1/segmenter"), ("DELETE", "/v1/looks"),
    ("POST", f"/v1/images/{'0' * 64}/proposals"), ("POST", f"/v1/images/{'0' * 64}/everything"),
    ("POST", f"/v1/images/{'0' * 64}/looks"), ("POST", f"/v1/images/{'0' * 64}/carried"),
    ("GET", "/v1/jobs/1/candidates"),
])  # fmt: skip
def test_every_address_wants_the_token(bench: Workbench, http_of: Any, method: str, path: str) -> None:
    assert http_of(bench, token=None).request(method, path, json={}).status_code == 401


def test_weights_of_engines_are_downloaded_and_removed_as_those_of_models_but_not_in_use(
    shop: Any, engine_module: Any, client_of: Any
) -> None:
    engines = engine_module.EngineShop()
    offers = [offer for offer in shop.offers() if offer.name == "toy-talker"]
    more = [*engines.offers(), replace(engines.offers()[0], name="other")]
    source = replace(shop.source(), offers=lambda: [], more_offers=lambda: [*offers, *more])
    bench = Workbench(source, engines=engines.source())
    bench.start()
    client = client_of(bench)
    try:
        client.download("toy-talker")
        assert shop.here == {"toy-1", "toy-talker"}
        client.segmenting.choose("other")
        with pytest.raises(errors.ModelError, match="in use"):
            client.remove_model("other")
        assert client.remove_model("toy-talker") == 1000
        with pytest.raises(errors.UnknownModelError):
            client.download("nonsense")
    finally:
        bench.stop()


@pytest.mark.parametrize(
    ("box", "score", "says"),
    [((10, 20, 30, 50), 0.9, ""), ((10, 20, 30, 50), 0.01, "not sure"), ((35, 40, 55, 70), 0.9, "beside")],
)
def test_what_lies_beside_where_it_was_or_is_not_believed_in_is_lost(
    box: tuple[int, int, int, int], score: float, says: str
) -> None:
    plane = np.zeros((60, 80, 3), np.uint8)
    found = Proposal((Candidate(RegionMask.from_box((60, 80), box), score),), 0)
    carried = carry(lambda _prompts: found, RegionMask.from_box((60, 80), (10, 20, 30, 50)), plane)
    assert (carried.mask is None) == bool(says)
    assert says in carried.reason
