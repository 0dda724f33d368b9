"""Models are fetched beside the model's thread: one download each, followed, cancelled and taken up again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from seagull_iqa import errors, wire
from seagull_iqa.client import Client
from seagull_iqa.domain.progress import Progress
from seagull_iqa.imaging.prepared import PreparedImage


@pytest.fixture
def user(shop_bench: Any, client_of: Callable[..., Client]) -> Client:
    return client_of(shop_bench)


def _until(true: Callable[[], bool]) -> None:
    for _ in range(2000):
        if true():
            return
        threading.Event().wait(0.01)
    raise TimeoutError


def test_a_download_says_how_far_it_is_and_makes_the_model_usable(user: Client, shop: Any) -> None:
    seen: list[Progress] = []
    threading.Timer(0.5, shop.fetch_go.set).start()
    shop.fetch_go.clear()
    user.download("toy-talker", progress=seen.append)
    assert Progress(300, 1000, "Fetching toy-talker") in seen
    assert user.models().models[1].state == "ready"
    user.use_model("toy-talker")
    can = user.capabilities()
    assert can.model is not None and can.model.id == "toy-talker"


def test_two_who_ask_for_one_model_share_its_download(shop: Any, shop_bench: Any) -> None:
    shop.fetch_go.clear()
    first = shop_bench.models.download("toy-talker")
    assert shop.fetch_busy.wait(10)
    second = shop_bench.models.download("toy-talker")
    assert first.id == second.id == shop_bench.models.listed().models[1].job
    shop.fetch_go.set()
    _until(lambda: shop_bench.job(first.id).ended)
    assert (shop.fetches, shop_bench.models.listed().models[1].job) == (1, "")


def test_a_cancelled_download_keeps_what_came_and_is_taken_up_again(user: Client, shop: Any, shop_bench: Any) -> None:
    shop.fetch_go.clear()

    def enough(progress: Progress) -> None:
        if progress.done >= 300:
            raise errors.JobCancelledError("Enough.")

    with pytest.raises(errors.JobCancelledError, match="Enough"):
        user.download("toy-talker", progress=enough)
    _until(lambda: user.models().models[1].job == "")
    offer = user.models().models[1]
    assert (offer.state, offer.present_bytes) == ("partial", 300)
    shop.fetch_go.set()
    seen: list[int] = []
    user.download("toy-talker", progress=lambda progress: seen.append(progress.done))
    assert min(done for done in seen if done) >= 300
    assert shop.fetches == 2


def test_a_download_asked_for_while_a_cancelled_one_ends_comes_after_it(shop: Any, shop_bench: Any) -> None:
    held, both = threading.Event(), []
    download = shop.download

    def slow(name: str, progress: Any) -> None:
        both.append(threading.current_thread().name)
        held.wait(10)
        download(name, progress)

    shop_bench.models._downloads._download = slow
    first = shop_bench.models.download("toy-talker")
    _until(lambda: len(both) == 1)
    shop_bench.end_job(first.id)
    second = shop_bench.models.download("toy-talker")
    assert second.id != first.id
    assert shop_bench.job(second.id).info().state is wire.JobState.QUEUED
    held.set()
    _until(lambda: shop_bench.job(second.id).ended)
    assert shop_bench.job(first.id).info().state is wire.JobState.CANCELLED
    assert shop_bench.job(second.id).info().state is wire.JobState.DONE


def test_regions_are_scored_meanwhile(
    user: Client, shop: Any, shop_bench: Any, picture: PreparedImage, box_region: Any
) -> None:
    shop.fetch_go.clear()
    job = shop_bench.models.download("toy-talker")
    assert shop.fetch_busy.wait(10)
    assert user.assess(picture, [box_region()]).reports
    assert not shop_bench.job(job.id).ended
    with pytest.raises(errors.ModelError, match="being downloaded"):
        user.remove_model("toy-talker")
    with pytest.raises(errors.ModelError, match="not on this machine"):
        user.use_model("toy-talker")


def test_a_download_that_fails_says_why(user: Client, shop: Any) -> None:
    shop.fails.add("toy-talker")
    with pytest.raises(errors.CheckpointError, match="hash is wrong"):
        user.download("toy-talker")


def test_a_download_that_nobody_asks_after_goes_on(
    shop: Any, shop_bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seagull_iqa.service.jobs._ABANDONED_S", -1.0)
    job = shop_bench.models.download("toy-talker")
    _until(lambda: shop_bench.job(job.id).ended)
    assert shop_bench.job(job.id).info().state is wire.JobState.DONE


def test_the_end_of_the_server_cancels_a_download_and_keeps_what_came(shop: Any, shop_bench: Any) -> None:
    shop.fetch_go.clear()
    job = shop_bench.models.download("toy-talker")
    _until(lambda: shop.fetched_bytes == 300)
    shop_bench.stop()
    assert shop_bench.job(job.id).info().state is wire.JobState.CANCELLED
    assert shop.fetched_bytes == 300


def test_a_download_has_no_map(shop_bench: Any, http_of: Callable[..., Any]) -> None:
    job = shop_bench.models.download("toy-talker")
    reply = http_of(shop_bench).get(f"/v1/jobs/{job.id}/maps/quality")
    assert (reply.status_code, reply.json()["error"]) == (404, "UnknownJobError")


def test_too_many_downloads_are_refused(toy_module: Any, http_of: Callable[..., Any]) -> None:
    from seagull_iqa.service.workbench import Workbench

    bench = Workbench(toy_module.ToyShop().source(), wire.Limits(jobs=0))
    reply = http_of(bench).post("/v1/models/toy-talker/download")
    assert (reply.status_code, reply.json()["error"]) == (429, "LimitError")


def test_who_cancels_ends_it_for_all_who_share_it(user: Client, shop: Any, shop_bench: Any) -> None:
    shop.fetch_go.clear()
    job = shop_bench.models.download("toy-talker")
    assert shop.fetch_busy.wait(10)
    shop_bench.end_job(job.id)
    _until(lambda: shop_bench.job(job.id).ended)
    assert shop_bench.job(job.id).info().state is wire.JobState.CANCELLED
