"""Models are exchanged while the server runs: the old one goes first, what waits is done by the new one."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest

from seagull_iqa import errors, wire
from seagull_iqa.client import Client
from seagull_iqa.domain.model_offer import OfferState
from seagull_iqa.domain.precision import Precision
from seagull_iqa.domain.region import Region
from seagull_iqa.domain.report import MAP_NAMES, ScoreMap
from seagull_iqa.imaging.prepared import PreparedImage
from seagull_iqa.service.source import one_model


@pytest.fixture
def user(shop: Any, shop_bench: Any, client_of: Callable[..., Client]) -> Client:
    shop.here.add("toy-talker")
    return client_of(shop_bench)


def _ready(bench: Any) -> None:
    bench.settled.result(20)


def _until(true: Callable[[], bool]) -> None:
    for _ in range(2000):
        if true():
            return
        threading.Event().wait(0.01)
    raise TimeoutError


def _in_thread(work: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    got: list[Any] = []

    def run() -> None:
        try:
            got.append(work())
        except errors.SeagullError as error:
            got.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, got


def test_another_model_answers_after_a_change(
    user: Client, shop: Any, shop_bench: Any, picture: PreparedImage, box_region: Callable[..., Region]
) -> None:
    assert user.assess(picture, [box_region()]).reports[0].model == "toy-1"
    said = user.use_model("toy-talker")
    assert said.state in {wire.State.LOADING, wire.State.READY}
    assert user.assess(picture, [box_region()]).reports[0].model == "toy-talker"
    can = user.capabilities()
    assert can.model is not None
    assert (can.model.id, can.precision, can.answers, can.maps) == ("toy-talker", "bf16", True, ["quality"])
    assert can.device_reason == "a toy in auto"
    assert user.health().message == "toy-talker is a toy."
    assert sorted(user.maps(picture)) == ["quality"]


def test_the_model_that_is_loaded_first_says_what_it_can(user: Client) -> None:
    can = user.capabilities()
    assert (can.precision, can.answers, can.maps) == ("fp32", False, list(MAP_NAMES))
    assert can.warmth.images == 0


def test_nothing_of_the_old_model_is_left_when_the_new_one_is_loaded(
    user: Client,
    shop: Any,
    shop_bench: Any,
    picture: PreparedImage,
    box_region: Callable[..., Region],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not by its looks, by work that was cut off, by what failed, nor by the frames of an exception."""
    # The log that pytest captures keeps the frames that it is shown.
    monkeypatch.setattr(logging.getLogger("seagull_iqa.service.failures"), "propagate", False)
    user.use_model("toy-talker")
    _ready(shop_bench)
    shop.model.fails_on = "cursed"
    shop.model.map_go.clear()
    busy = shop.model.map_busy
    user.assess(picture, [box_region(), box_region(name="cursed")])
    assert list(user.answer(picture, box_region(), "Why?", max_tokens=3))
    thread, got = _in_thread(lambda: user.maps(picture))
    assert busy.wait(10)
    user.use_model("toy-1")
    thread.join(20)
    _ready(shop_bench)
    assert shop.loads == ["toy-1", "toy-talker", "toy-1"]
    assert shop.still_there == [0, 0, 0]
    assert shop.released == 3
    assert isinstance(got[0], errors.JobCancelledError)
    assert user.capabilities().warmth.images == 0


def test_a_failed_load_keeps_nothing_of_the_old_model_either(user: Client, shop: Any, shop_bench: Any) -> None:
    shop.fails.add("toy-talker")
    user.use_model("toy-talker")
    with pytest.raises(errors.CheckpointError):
        user.capabilities()
    assert user.health().state is wire.State.FAILED
    assert user.models().in_use == ""
    user.use_model("toy-1")
    _ready(shop_bench)
    assert shop.still_there == [0, 0, 0]
    assert user.health().ready


def test_what_waits_is_done_by_the_new_model(
    user: Client, shop: Any, shop_bench: Any, picture: PreparedImage, box_region: Callable[..., Region]
) -> None:
    shop.load_go.clear()
    user.use_model("toy-talker")
    scoring, reports = _in_thread(lambda: user.assess(picture, [box_region()]))
    mapping, maps = _in_thread(lambda: user.maps(picture))
    asking, answers = _in_thread(lambda: "".join(user.answer(picture, box_region(), "Why?", max_tokens=3)))
    _until(lambda: len(shop_bench._asks) == 1 and len(shop_bench._jobs._jobs) == 1 and shop_bench._open_answers == 1)
    shop.load_go.set()
    for thread in (scoring, mapping, asking):
        thread.join(20)
    assert reports[0].reports[0].model == "toy-talker"
    assert maps[0]["quality"].model == "toy-talker"
    assert answers == ["Why? It is very dark."]


def test_a_map_that_runs_ends_with_one_sentence(
    user: Client, shop: Any, shop_bench: Any, picture: PreparedImage
) -> None:
    shop.model.map_go.clear()
    busy = shop.model.map_busy
    thread, got = _in_thread(lambda: user.maps(picture))
    assert busy.wait(10)
    user.use_model("toy-talker")
    thread.join(20)
    assert isinstance(got[0], errors.JobCancelledError)
    assert "Another model was chosen" in str(got[0])
    _ready(shop_bench)


def test_health_says_how_far_the_load_is(user: Client, shop: Any, shop_bench: Any) -> None:
    shop.load_go.clear()
    assert user.use_model("toy-talker").state is wire.State.LOADING
    said = set()

    def ninety() -> bool:
        said.add(user.health().message)
        return "Loading toy-talker: 90 %" in said

    _until(ninety)
    assert user.models().in_use == "toy-talker"
    shop.load_go.set()
    _ready(shop_bench)


def test_a_choice_that_cannot_work_is_refused_and_the_old_model_stays(
    user: Client, shop: Any, picture: PreparedImage, box_region: Callable[..., Region]
) -> None:
    with pytest.raises(errors.UnknownModelError):
        user.use_model("gull")
    with pytest.raises(errors.OutOfMemoryError, match="5 kB are free"):
        user.use_model("toy-talker", precision="fp32")
    shop.here.discard("toy-talker")
    with pytest.raises(errors.ModelError, match="not on this machine"):
        user.use_model("toy-talker")
    with pytest.raises(errors.ModelError):
        user.use_model("toy-talker", precision="fp12")
    assert user.health().ready
    assert user.assess(picture, [box_region()]).reports[0].model == "toy-1"
    assert shop.loads == ["toy-1"]


def test_the_latest_choice_wins_and_a_load_that_is_no_longer_wanted_is_given_up(
    user: Client, shop: Any, shop_bench: Any
) -> None:
    shop.load_go.clear()
    user.use_model("toy-talker")
    _until(lambda: shop.loads == ["toy-1", "toy-talker"])
    user.use_model("toy-1")
    _until(lambda: shop.loads == ["toy-1", "toy-talker", "toy-1"])
    assert len(shop.made) == 1
    shop.load_go.set()
    _ready(shop_bench)
    can = user.capabilities()
    assert can.model is not None and can.model.id == "toy-1"


def test_the_model_in_use_is_not_loaded_again(user: Client, shop: Any, shop_bench: Any) -> None:
    assert user.use_model("toy-1").ready
    user.use_model("toy-talker")
    user.use_model("toy-talker")
    _ready(shop_bench)
    assert user.use_model("toy-talker", precision="bf16").ready
    assert shop.loads == ["toy-1", "toy-talker"]


def test_a_model_that_failed_is_tried_again(user: Client, shop: Any, shop_bench: Any) -> None:
    shop.fails.add("toy-talker")
    user.use_model("toy-talker")
    _ready(shop_bench)
    shop.fails.clear()
    user.use_model("toy-talker")
    _ready(shop_bench)
    assert user.health().ready


def test_the_devices_default_is_what_the_server_was_started_with(shop: Any) -> None:
    from dataclasses import replace

    from seagull_iqa.service.workbench import Workbench

    seen: list[str] = []
    source = shop.source()

    def load(choice: Any, progress: Any) -> Any:
        seen.append(choice.device)
        return shop.load(choice, progress)

    bench = Workbench(replace(source, first=replace(source.first, device="cuda:1"), load=load))
    bench.start()
    _ready(bench)
    shop.here.add("toy-talker")
    bench.models.use(wire.ModelChoice(name="toy-talker"))
    _ready(bench)
    bench.models.use(wire.ModelChoice(name="toy-talker", device="cpu"))
    _ready(bench)
    bench.stop()
    assert seen == ["cuda:1", "cuda:1", "cpu"]


def test_the_list_says_what_there_is_and_what_it_costs(user: Client, shop: Any) -> None:
    shop.here.discard("toy-talker")
    said = user.models()
    assert (said.in_use, said.device, said.free_bytes, said.offline) == ("toy-1", "cpu", 5000, False)
    assert [found.offer() for found in said.models] == shop.offers()
    talker = said.models[1].offer()
    assert (talker.state, talker.download_bytes, talker.licence) == (OfferState.ABSENT, 1000, "Ask its mother.")
    assert talker.needs[1].precision is Precision.BF16


def test_looks_are_bounded_by_what_the_model_says(
    user: Client, shop: Any, shop_bench: Any, picture: PreparedImage, box_region: Callable[..., Region]
) -> None:
    assert user.capabilities().warmth.limit_bytes == 2**30
    shop.load_go.clear()
    user.use_model("toy-talker")
    _until(lambda: shop_bench._work.resident.leaving)
    type_of = _talker_with(shop, look_cache_bytes=2 * 40 * 60 * 8)
    shop.load_go.set()
    _ready(shop_bench)
    for shade in range(4):
        user.assess(PreparedImage(picture.rgb // (shade + 1)), [box_region()])
    warmth = user.capabilities().warmth
    assert (warmth.images, warmth.held_bytes) == (2, warmth.limit_bytes)
    del type_of.look_cache_bytes


def _talker_with(shop: Any, **attributes: Any) -> Any:
    import toy_model

    for name, value in attributes.items():
        setattr(toy_model.ToyTalker, name, value)
    return toy_model.ToyTalker


def test_the_operator_bounds_looks_whatever_the_model_says(toy: Any) -> None:
    from seagull_iqa.service.workbench import Workbench

    toy.look_cache_bytes = 7
    bench = Workbench(one_model(lambda: toy), look_cache_bytes=5)
    bench.start()
    _ready(bench)
    assert bench.capabilities().warmth.limit_bytes == 5
    bench.stop()


def test_memory_that_other_looks_hold_is_given_up_for_a_new_one(
    bench_of: Callable[..., Any], client_of: Callable[..., Client], toy: Any, picture: PreparedImage, box_region: Any
) -> None:
    client, look = client_of(bench_of(toy)), toy.look
    client.assess(picture, [box_region()])
    toy.look = lambda rgb: look(rgb) if len(tried.append(1) or tried) > 1 else _full()  # type: ignore[func-returns-value]
    tried: list[int] = []
    assert client.assess(PreparedImage(255 - picture.rgb), [box_region()]).reports
    assert client.capabilities().warmth.images == 1


def _full() -> Any:
    raise MemoryError


def test_a_server_of_one_model_offers_no_other(client: Client) -> None:
    with pytest.raises(errors.UnknownModelError, match="no model 'seagull-7b'"):
        client.use_model("seagull-7b")
    with pytest.raises(errors.UnknownModelError):
        client.download("seagull-7b")
    assert client.models().models == []


def test_a_model_that_is_not_in_use_is_removed_from_the_disk(user: Client, shop: Any, shop_bench: Any) -> None:
    shop.fetched_bytes = 1000
    user.use_model("toy-talker")
    _ready(shop_bench)
    with pytest.raises(errors.ModelError, match="toy-talker is in use"):
        user.remove_model("toy-talker")
    user.use_model("toy-1")
    _ready(shop_bench)
    assert user.remove_model("toy-talker") == 1000
    assert shop.here == {"toy-1"}


@pytest.mark.parametrize("name", ["gull", "..", "a/b", "%2e%2e%2fetc", "x" * 300, "ä", ""])
def test_only_names_of_offers_reach_the_disk(
    shop: Any, shop_bench: Any, http_of: Callable[..., Any], name: str
) -> None:
    http = http_of(shop_bench)
    for verb, path in (("POST", f"/v1/models/{name}/download"), ("DELETE", f"/v1/models/{name}")):
        reply = http.request(verb, path)
        assert reply.status_code in {400, 404, 405}
        assert reply.json()["error"] in {"ProtocolError", "UnknownModelError"}
    assert shop.fetches == 0


@pytest.mark.parametrize(
    "body",
    [{}, {"name": ""}, {"name": 7}, {"name": "x" * 5000}, {"name": "toy-1", "precision": "fp12"}, {"name": None}, []],
)
def test_a_choice_that_makes_no_sense_is_refused(
    shop: Any, shop_bench: Any, http_of: Callable[..., Any], body: Any
) -> None:
    assert http_of(shop_bench).put("/v1/model", json=body).status_code in {400, 413}
    assert shop.loads == ["toy-1"]


def test_a_choice_is_bounded_while_it_comes(shop: Any, http_of: Callable[..., Any]) -> None:
    from seagull_iqa.service.workbench import Workbench

    http = http_of(Workbench(shop.source(), wire.Limits(json_bytes=1000)))
    reply = http.put("/v1/model", content=iter([b" " * 100] * 20))
    assert (reply.status_code, reply.json()["error"]) == (413, "LimitError")


def test_coarse_maps_come_before_the_last_ones(
    user: Client, shop: Any, shop_bench: Any, picture: PreparedImage
) -> None:
    user.use_model("toy-talker")
    _ready(shop_bench)
    coarse: list[dict[str, ScoreMap]] = []
    shop.model.map_go.clear()

    def first_coarse(maps: dict[str, ScoreMap]) -> None:
        coarse.append(maps)
        shop.model.map_go.set()

    last = user.maps(picture, partial=first_coarse)
    assert [maps["quality"].values.shape for maps in coarse] == [(3, 4)]
    assert coarse[0]["quality"].stride == 16
    assert last["quality"].values.shape == (10, 15)


def test_a_cancelled_map_keeps_its_coarse_edition(
    user: Client, shop: Any, shop_bench: Any, http_of: Callable[..., Any], picture: PreparedImage
) -> None:
    user.use_model("toy-talker")
    _ready(shop_bench)
    shop.model.map_go.clear()
    user._images._upload(picture)
    http = http_of(shop_bench)
    path = f"/v1/jobs/{http.post(f'/v1/images/{picture.sha256}/maps').json()['id']}"
    _until(lambda: bool(http.get(path).json()["maps"]))
    said = http.get(path).json()
    assert (said["state"], said["edition"], said["maps"][0]["rows"]) == ("running", 1, 3)
    assert len(http.get(f"{path}/maps/quality").content) == 4 * 3 * 4
    http.delete(path)
    _until(lambda: http.get(path).json()["state"] == "cancelled")
    assert http.get(path).json()["error"] is None
    assert len(http.get(f"{path}/maps/quality").content) == 4 * 3 * 4


def test_the_caller_may_cancel_at_a_coarse_map(
    user: Client, shop: Any, shop_bench: Any, picture: PreparedImage
) -> None:
    user.use_model("toy-talker")
    _ready(shop_bench)
    shop.model.map_go.clear()

    def enough(_maps: dict[str, ScoreMap]) -> None:
        raise errors.JobCancelledError("Enough.")

    with pytest.raises(errors.JobCancelledError, match="Enough"):
        user.maps(picture, partial=enough)
    _until(lambda: all(job.cancelled for job in shop_bench._jobs._jobs.values()))
