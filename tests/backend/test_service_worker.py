"""The model's one thread and its queue; the cache; the settings."""

from __future__ import annotations

import threading

import pytest

from seagull_iqa import errors
from seagull_iqa.service.cache import ByteCache
from seagull_iqa.service.failures import attempted, status_of
from seagull_iqa.service.worker import ALONE, Worker
from seagull_iqa.settings import read_settings


def _run(*tasks: tuple[str, int]) -> list[str]:
    """Queue all tasks before the first runs, and give the order in which they ran."""
    ran: list[str] = []
    done = threading.Event()
    worker = Worker(lambda: ran.append("first"))
    for name, priority in tasks:
        worker.submit(lambda name=name: ran.append(name), priority)
    worker.submit(done.set, -1000)
    worker.start()
    assert done.wait(10)
    worker.stop()
    return ran


def test_larger_priority_goes_first_and_equals_in_the_order_they_came() -> None:
    assert _run(("map", -10), ("a", 0), ("live", 10), ("b", 0)) == ["first", "live", "a", "b", "map"]


def test_long_work_lets_only_more_urgent_work_between() -> None:
    ran: list[str] = []
    done = threading.Event()
    worker = Worker(lambda: None)

    def long() -> None:
        worker.submit(lambda: ran.append("same"), 0)
        worker.submit(lambda: ran.append("live"), 10)
        worker.run_above(0)
        ran.append("long")

    worker.submit(long, 0)
    worker.submit(done.set, -10)
    worker.start()
    assert done.wait(10)
    worker.stop()
    assert ran == ["live", "long", "same"]


def test_what_is_done_alone_never_comes_between_the_steps_of_other_work() -> None:
    ran: list[str] = []
    done = threading.Event()
    worker = Worker(lambda: None)

    def long() -> None:
        worker.submit(lambda: ran.append("live"), 10)
        worker.submit(lambda: ran.append("alone"), ALONE)
        worker.run_above(0)
        ran.append("long")

    worker.submit(long, 0)
    worker.submit(done.set, -10)
    worker.start()
    assert done.wait(10)
    worker.stop()
    assert ran == ["long", "alone", "live"]


def test_a_stopped_worker_drops_what_waits() -> None:
    ran: list[str] = []
    worker = Worker(lambda: None)
    worker.submit(lambda: ran.append("a"), 0)
    worker.stop()
    worker.start()
    worker.submit(lambda: ran.append("b"), 0)
    worker.stop()
    assert ran == []


def test_the_cache_lets_the_longest_unused_go() -> None:
    cache: ByteCache[str] = ByteCache(10)
    cache.put("a", "A", 4)
    cache.put("b", "B", 4)
    assert cache.get("a") == "A"
    cache.put("c", "C", 4)
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == ("A", None, "C")
    assert cache.nbytes == 8


def test_the_cache_keeps_the_newest_however_large() -> None:
    cache: ByteCache[str] = ByteCache(10)
    cache.put("a", "A", 4)
    cache.put("huge", "H", 1000)
    assert (cache.get("a"), cache.get("huge")) == (None, "H")
    cache.put("huge", "H", 3)
    assert cache.nbytes == 3


def test_a_cache_is_cleared_and_takes_another_bound() -> None:
    cache: ByteCache[str] = ByteCache(10)
    cache.put("a", "A", 4)
    cache.clear(5)
    assert (cache.get("a"), len(cache), cache.nbytes, cache.capacity) == (None, 0, 0, 5)
    cache.put("b", "B", 4)
    cache.put("c", "C", 4)
    assert len(cache) == 1


def test_an_error_of_the_job_thread_keeps_no_frame_alive() -> None:
    def fail() -> None:
        try:
            raise KeyError("inner")
        except KeyError as error:
            raise errors.LimitError("Outer.") from error

    error = attempted(fail)
    assert isinstance(error, errors.LimitError)
    assert (error.__traceback__, error.__cause__, error.__context__) == (None, None, None)


def test_what_fails_on_the_job_thread_becomes_an_error_one_can_read() -> None:
    def fail() -> None:
        raise ValueError("one\ntwo")

    assert attempted(lambda: 7) == 7
    error = attempted(fail)
    assert isinstance(error, errors.ModelError)
    assert error.message == "The model failed: ValueError: one"


def test_no_error_class_is_answered_with_500() -> None:
    assert {status_of(kind("x")) for kind in errors.error_classes().values() if kind.__module__ == errors.__name__} == {
        400, 401, 404, 409, 413, 422, 503,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("environ", "token"), [({}, None), ({"SEAGULL_TOKEN": ""}, None), ({"SEAGULL_TOKEN": "x"}, "x")]
)
def test_the_environment_names_the_token(environ: dict[str, str], token: str | None) -> None:
    settings = read_settings(environ)
    assert settings.token == token
    assert "'x'" not in repr(settings)
