"""The client against the real application, without a socket."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import httpx2
import numpy as np
import pytest

from seagull_iqa import errors, messages, wire
from seagull_iqa.client import Client
from seagull_iqa.domain.distortion import Distortion
from seagull_iqa.domain.progress import Progress
from seagull_iqa.domain.region import Region, RegionMask
from seagull_iqa.domain.report import MAP_NAMES, Aspect, PixelSource, QualityReport
from seagull_iqa.imaging.prepared import PreparedImage


def _answering(status: int, body: bytes = b"", **headers: str) -> httpx2.MockTransport:
    return httpx2.MockTransport(lambda _request: httpx2.Response(status, content=body, headers=headers))


def test_a_region_comes_back_as_a_report(client: Client, picture: PreparedImage, box_region: Any) -> None:
    region = box_region(0, 30, 40, 60)
    reply = client.assess(picture, [region])
    (report,) = reply.reports
    assert not reply.errors
    assert (report.region, report.model, report.text) == (region.id, "toy-1", "bright")
    assert report.quality == pytest.approx(80)
    assert report.importance == pytest.approx(50)
    assert report.findings == ()


def test_the_pixels_that_were_scored_stand_in_the_report(
    client: Client, picture: PreparedImage, box_region: Any
) -> None:
    source = PixelSource("stretched", 2, (1,), (3.0, 9.0))
    (report,) = client.assess(PreparedImage(picture.rgb, source), [box_region()]).reports
    assert report.pixels == source


def test_a_dark_region_has_a_finding(client: Client, picture: PreparedImage, box_region: Any) -> None:
    (report,) = client.assess(picture, [box_region(0, 0, 5, 5)]).reports
    assert report.findings is not None
    assert [finding.distortion for finding in report.findings] == [Distortion.EXPOSURE]


def test_an_aspect_that_is_not_asked_is_none(client: Client, picture: PreparedImage, box_region: Any) -> None:
    (report,) = client.assess(picture, [box_region()], aspects={Aspect.IMPORTANCE}).reports
    assert (report.quality, report.findings) == (None, None)
    assert report.importance is not None


def test_the_image_is_sent_once_and_looked_at_once(
    bench_of: Any, client_of: Any, toy: Any, picture: PreparedImage, box_region: Any
) -> None:
    bench = bench_of(toy)
    first, second = client_of(bench), client_of(bench)
    for client in (first, first, second):
        client.assess(picture, [box_region()])
    assert toy.looks == 1


def test_many_regions_come_in_the_order_asked_and_in_short_requests(
    client: Client, toy: Any, picture: PreparedImage, box_region: Any
) -> None:
    regions = [box_region(i % 40, 0, i % 40 + 1, 60) for i in range(150)]
    heard: list[int] = []
    reply = client.assess(picture, regions, on_reports=lambda reports: heard.append(len(reports)))
    assert [report.region for report in reply.reports] == [region.id for region in regions]
    assert heard == [64, 64, 22]
    assert max(len(batch) for batch in toy.batches) <= 32
    assert toy.looks == 1


def test_no_region_needs_no_server(picture: PreparedImage) -> None:
    client = Client("http://127.0.0.1:9", "t")
    assert client.assess(picture, []).reports == []


def test_one_bad_region_does_not_spoil_the_rest(
    client: Client, toy: Any, picture: PreparedImage, box_region: Any
) -> None:
    toy.fails_on = "cursed"
    good = [box_region(0, 0, 3, 3), box_region(5, 5, 9, 9)]
    foreign = box_region(0, 0, 2, 2, shape=(7, 7))
    ragged = Region(RegionMask.from_pixels(np.indices((1001, 1001)).sum(axis=0) % 2 == 0))
    cursed = box_region(name="cursed")
    reply = client.assess(picture, [good[0], foreign, ragged, cursed, good[1]])
    assert [report.region for report in reply.reports] == [region.id for region in good]
    kinds = {region: type(error) for region, error in reply.errors.items()}
    assert kinds == {
        foreign.id: errors.ShapeMismatchError,
        ragged.id: errors.LimitError,
        cursed.id: errors.ModelError,
    }
    assert "ZeroDivisionError: a bug in the model" in str(reply.errors[cursed.id])


def test_a_model_that_gives_no_number_says_so(
    client: Client, toy: Any, picture: PreparedImage, box_region: Any
) -> None:
    toy.says_nan = True
    reply = client.assess(picture, [box_region(id="a")])
    assert isinstance(reply.errors["a"], errors.ModelError)


def test_two_regions_of_one_id_are_refused(client: Client, picture: PreparedImage, box_region: Any) -> None:
    with pytest.raises(errors.RegionError):
        client.assess(picture, [box_region(id="a"), box_region(id="a")])


def test_an_image_the_server_has_forgotten_is_sent_again(
    bench_of: Any, client_of: Any, toy: Any, picture: PreparedImage, box_region: Any
) -> None:
    client = client_of(bench_of(toy, limits=wire.Limits(image_cache_bytes=picture.rgb.nbytes)))
    other = PreparedImage(255 - picture.rgb)
    for image in (picture, other, picture, other):
        assert len(client.assess(image, [box_region()]).reports) == 1


def test_a_newer_request_for_a_region_takes_the_place_of_the_older(
    bench_of: Any, client_of: Any, toy: Any, picture: PreparedImage, box_region: Any
) -> None:
    bench = bench_of(toy)
    client = client_of(bench)
    toy.go.clear()
    replies: dict[str, Any] = {}
    asked = {
        "blocker": [box_region(id="x")],
        "old": [box_region(id="a"), box_region(id="b")],
        "new": [box_region(0, 50, 5, 55, id="a")],
    }
    threads = []
    for name, regions in asked.items():
        ask = lambda n=name, r=regions: replies.update({n: client.assess(picture, r)})  # noqa: E731
        threads.append(threading.Thread(target=ask))
        threads[-1].start()
        _until_open(bench, len(threads))
    toy.go.set()
    for thread in threads:
        thread.join(20)
    assert isinstance(replies["old"].errors["a"], errors.SupersededError)
    assert [report.region for report in replies["old"].reports] == ["b"]
    assert [report.quality for report in replies["new"].reports] == [pytest.approx(80)]


def test_a_model_that_is_still_being_loaded_is_waited_for(
    client_of: Any, toy: Any, picture: PreparedImage, box_region: Any
) -> None:
    from seagull_iqa.service.source import one_model
    from seagull_iqa.service.workbench import Workbench

    go = threading.Event()
    bench = Workbench(one_model(lambda: go.wait(20) and toy))
    bench.start()
    client = client_of(bench, hold_s=0.2)
    assert client.health().state is wire.State.LOADING
    assert client.capabilities().model is None
    threading.Timer(0.7, go.set).start()
    assert len(client.assess(picture, [box_region()]).reports) == 1
    assert client.health().ready
    bench.stop()


def test_a_model_that_cannot_be_loaded_is_said_in_every_answer(
    client_of: Any, picture: PreparedImage, box_region: Any
) -> None:
    from seagull_iqa.service.source import one_model
    from seagull_iqa.service.workbench import Workbench

    def load() -> Any:
        raise errors.UnknownModelError("There is no model 'gull'.", "Try seagull-mini.")

    bench = Workbench(one_model(load))
    bench.start()
    client = client_of(bench)
    for ask in (
        lambda: client.assess(picture, [box_region()]),
        lambda: client.maps(picture),
        client.capabilities,
    ):
        with pytest.raises(errors.UnknownModelError, match="no model 'gull'"):
            ask()
    assert client.health().state is wire.State.FAILED
    assert not client.check().ok
    assert "gull" in str(client.check())
    bench.stop()


def test_maps_come_with_progress(client: Client, picture: PreparedImage) -> None:
    seen: list[Progress] = []
    maps = client.maps(picture, progress=seen.append)
    assert sorted(maps) == sorted(MAP_NAMES)
    quality = maps["quality"]
    assert (quality.values.shape, quality.values.dtype, quality.shape) == ((10, 15), np.float32, (40, 60))
    assert quality.values[0, 0] == 0
    assert quality.values[0, -1] == pytest.approx(80)
    assert (quality.stride, quality.window, quality.model) == (4, 4, "toy-1")
    assert seen


def test_a_map_that_takes_longer_than_a_stream_is_followed_on(
    bench_of: Any, client_of: Any, toy: Any, picture: PreparedImage
) -> None:
    client = client_of(bench_of(toy), hold_s=0.2)
    toy.map_go.clear()
    threading.Timer(0.8, toy.map_go.set).start()
    assert "quality" in client.maps(picture)


def test_an_image_beyond_the_server_is_one_sentence(
    bench_of: Any, client_of: Any, toy: Any, picture: PreparedImage, box_region: Any
) -> None:
    client = client_of(bench_of(toy, limits=wire.Limits(pixels=100)))
    with pytest.raises(errors.LimitError, match="million pixels"):
        client.assess(picture, [box_region()])


def test_a_finished_map_is_forgotten_on_the_server(
    bench_of: Any, client_of: Any, toy: Any, picture: PreparedImage
) -> None:
    bench = bench_of(toy)
    client_of(bench).maps(picture)
    assert bench._jobs._jobs == {}


def test_capabilities_name_model_device_and_vocabulary(client: Client) -> None:
    can = client.capabilities()
    assert can.model is not None
    assert can.model.card().metrics == {"srocc": 0.5}
    assert (can.protocol, can.device) == (wire.PROTOCOL, "cpu")
    assert can.distortions == [distortion.value for distortion in Distortion]
    assert can.maps == list(MAP_NAMES)


def test_the_connection_test_says_version_model_and_device(client: Client) -> None:
    check = client.check()
    assert check.ok
    assert "toy-1 on cpu" in str(check)


def test_a_wrong_token_is_one_sentence(
    bench_of: Any, http_of: Any, toy: Any, picture: PreparedImage, box_region: Any
) -> None:
    client = Client("http://127.0.0.1:8765", "wrong", transport=http_of(bench_of(toy))._transport)
    with pytest.raises(errors.AccessError, match="token"):
        client.assess(picture, [box_region()])
    assert not client.check().ok
    assert "token" in str(client.check())


def test_nobody_there_is_one_sentence() -> None:
    client = Client("http://127.0.0.1:9", "t", timeout_s=2)
    with pytest.raises(errors.BackendUnreachableError, match="Nobody answers at http://127"):
        client.health()
    assert "Start the server" in str(client.check())


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:8765", "ftp://x", "http://", "http://a:99999", "http://[::1", "nonsense"]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(errors.BackendUnreachableError, match="not the address"):
        Client(url, "t")


@pytest.mark.parametrize("token", ["töken", "a\nb", "a\r\nHost: evil"])
def test_a_token_that_cannot_be_sent_is_refused(token: str) -> None:
    with pytest.raises(errors.AccessError):
        Client("http://127.0.0.1:1", token)


@pytest.mark.parametrize(
    ("transport", "error"),
    [
        (_answering(200, b"<html>a router</html>"), errors.ProtocolError),
        (_answering(404), errors.ProtocolError),
        (_answering(503, b"busy"), errors.BackendUnreachableError),
        (_answering(200, b"{}", **{"seagull-protocol": "2"}), errors.ProtocolError),
        (_answering(200, b"{}", **{"seagull-protocol": "1"}), errors.ProtocolError),
        (_answering(200, b"[" * 100_000, **{"seagull-protocol": "1"}), errors.ProtocolError),
        (_answering(200, b'{"protocol": 1, "version": NaN}', **{"seagull-protocol": "1"}), errors.ProtocolError),
        (_answering(418, b"", **{"seagull-protocol": "1"}), errors.ProtocolError),
        (_answering(401, b"", **{"seagull-protocol": "1"}), errors.AccessError),
        (_answering(500, b"[" * 100_000, **{"seagull-protocol": "1"}), errors.ProtocolError),
        (_answering(302, b"", location="http://evil.example/"), errors.ProtocolError),
    ],
)
def test_a_strange_answer_is_a_readable_error(transport: httpx2.MockTransport, error: type[Exception]) -> None:
    with pytest.raises(error):
        Client("http://127.0.0.1:1", "t", transport=transport).health()


def test_a_map_that_comes_short_is_refused(picture: PreparedImage) -> None:
    done = wire.Job(
        id="j",
        state=wire.JobState.DONE,
        maps=[messages.MapMessage(name="quality", rows=9, cols=9, shape=(40, 60), stride=4, window=4)],
    )

    def answer(request: httpx2.Request) -> httpx2.Response:
        body = b"1234" if "/maps/" in request.url.path else done.model_dump_json().encode()
        return httpx2.Response(200, content=body, headers={"seagull-protocol": "1"})

    with pytest.raises(errors.ProtocolError, match="incomplete"):
        Client("http://127.0.0.1:1", "t", transport=httpx2.MockTransport(answer)).maps(picture)


def test_a_closed_client_says_so() -> None:
    client = Client("http://127.0.0.1:1", "t")
    client.close()
    client.close()
    with pytest.raises(errors.BackendUnreachableError, match="closed"):
        client.health()


def test_what_the_callback_raises_ends_the_asking(
    client: Client, picture: PreparedImage, box_region: Any, toy: Any
) -> None:
    def enough(_reports: list[QualityReport]) -> None:
        raise errors.JobCancelledError("Enough.")

    with pytest.raises(errors.JobCancelledError):
        client.assess(picture, [box_region() for _ in range(100)], on_reports=enough)
    assert sum(len(batch) for batch in toy.batches) == 64


def test_a_request_with_awkward_masks_stays_small_enough(
    client: Client, picture: PreparedImage, box_region: Callable[..., Region], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seagull_iqa.asking.MAX_RUNS", 10)
    heard: list[int] = []
    regions = [box_region(0, 0, 2, 2) for _ in range(12)]
    client.assess(picture, regions, on_reports=lambda reports: heard.append(len(reports)))
    # Two runs a rectangle: five fit.
    assert heard == [5, 5, 2]


def test_the_hand_shake_is_one_line_of_json() -> None:
    line = wire.HandShake(url="http://127.0.0.1:1", protocol=1, token="t").model_dump_json()
    assert json.loads(line) == {"url": "http://127.0.0.1:1", "protocol": 1, "token": "t"}


def _until_open(bench: Any, count: int) -> None:
    pause = threading.Event()
    for _ in range(1000):
        if len(bench._asks) == count:
            return
        pause.wait(0.01)
    raise TimeoutError
