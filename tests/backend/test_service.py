"""The HTTP surface, asked by hand: what it gives, what it refuses, and that nothing ends in a 500."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from starlette.websockets import WebSocketDisconnect

from seagull_iqa import errors, messages, wire
from seagull_iqa.domain.progress import Progress
from seagull_iqa.imaging.prepared import PreparedImage

REGION = {"id": "a", "shape": [40, 60], "box": [0, 0, 4, 5], "runs": [0, 20]}
ABSENT = "0" * 64


@pytest.fixture
def bench(bench_of: Any, toy: Any) -> Any:
    return bench_of(toy)


@pytest.fixture
def http(http_of: Any, bench: Any) -> Any:
    return http_of(bench)


@pytest.fixture
def sent(http: Any, picture: PreparedImage) -> str:
    assert _put(http, picture).status_code == 200
    return picture.sha256


def _put(http: Any, image: PreparedImage, **changes: Any) -> Any:
    said = {"sha": image.sha256, "height": image.shape[0], "width": image.shape[1], "body": image.rgb.tobytes()}
    said.update(changes)
    url = f"/v1/images/{said['sha']}?height={said['height']}&width={said['width']}"
    return http.put(url, content=said["body"], headers=said.get("headers"))


def _says(reply: Any, status: int, error: type[errors.SeagullError]) -> None:
    assert (reply.status_code, reply.json()["error"]) == (status, error.__name__)
    assert reply.json()["message"].endswith(".")
    assert reply.json()["hint"].endswith(".")
    assert reply.headers["seagull-protocol"] == "1"


ROUTES = [
    ("GET", "/v1/capabilities"),
    ("GET", "/v1/openapi.json"),
    ("GET", "/v1/models"),
    ("PUT", "/v1/model"),
    ("POST", "/v1/models/seagull-7b/download"),
    ("DELETE", "/v1/models/seagull-7b"),
    ("POST", f"/v1/images/{ABSENT}/answers"),
    ("HEAD", f"/v1/images/{ABSENT}"),
    ("PUT", f"/v1/images/{ABSENT}?height=1&width=1"),
    ("POST", f"/v1/images/{ABSENT}/reports"),
    ("POST", f"/v1/images/{ABSENT}/maps"),
    ("GET", "/v1/jobs/x"),
    ("DELETE", "/v1/jobs/x"),
    ("GET", "/v1/jobs/x/events"),
    ("GET", "/v1/jobs/x/maps/quality"),
    ("GET", "/"),
    ("GET", "/docs"),
    ("GET", "/v1/health/"),
]
TOKEN = "a token for the tests only"


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize(
    "shown",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN}x",
        f"Basic {TOKEN}",
        TOKEN,
    ],
)
def test_every_route_but_health_wants_the_token(
    http_of: Any, bench: Any, method: str, path: str, shown: str | None
) -> None:
    headers = {} if shown is None else {"Authorization": shown}
    reply = http_of(bench, token=None).request(method, path, headers=headers)
    assert reply.status_code == 401
    if method != "HEAD":
        _says(reply, 401, errors.AccessError)


def test_a_token_beyond_ascii_is_a_wrong_token(http_of: Any, bench: Any) -> None:
    reply = http_of(bench, token=None).get("/v1/capabilities", headers={"Authorization": b"Bearer t\xf6ken"})
    _says(reply, 401, errors.AccessError)


def test_two_tokens_are_none(http_of: Any, bench: Any) -> None:
    headers = [("Authorization", "Bearer wrong"), ("Authorization", f"Bearer {TOKEN}")]
    _says(http_of(bench, token=None).get("/v1/capabilities", headers=headers), 401, errors.AccessError)


def test_health_wants_no_token(http_of: Any, bench: Any) -> None:
    bench.settled.result(10)
    said = http_of(bench, token=None).get("/v1/health").json()
    assert (said["ready"], said["state"], said["protocol"]) == (True, "ready", 1)


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8765", "127.0.0.1.evil.example", "127.0.0.1:", "127.0.0.1:x", "", "[::1", "0.0.0.0"],
)
def test_a_foreign_host_is_refused_before_anything_else(http: Any, host: str) -> None:
    for path in ("/v1/health", "/v1/capabilities", "/nowhere"):
        _says(http.get(path, headers={"Host": host}), 403, errors.AccessError)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:9000", "localhost:1", "LOCALHOST", "[::1]", "[::1]:8765"])
def test_the_loopback_has_these_names(http: Any, host: str) -> None:
    assert http.get("/v1/health", headers={"Host": host}).status_code == 200


def test_names_that_were_allowed_are_let_in(http_of: Any, bench: Any) -> None:
    http = http_of(bench, names=("Score.Example.org", "fd00::1"))
    for host in ("score.example.org", "score.example.org:443", "[fd00::1]:80"):
        assert http.get("/v1/health", headers={"Host": host}).status_code == 200
    assert http.get("/v1/health", headers={"Host": "example.org"}).status_code == 403


@pytest.mark.parametrize(
    "header", [{"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": ""}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_web_pages_are_refused(http: Any, header: dict[str, str]) -> None:
    for method, path in ROUTES:
        assert http.request(method, path, headers=header).status_code == 403


def test_a_region_comes_back_over_plain_http(http: Any, sent: str) -> None:
    reply = http.post(f"/v1/images/{sent}/reports", json={"regions": [REGION]})
    assert reply.status_code == 200
    said = reply.json()
    assert said["pending"] == [] and said["errors"] == {}
    assert said["reports"][0]["quality"] == 0
    assert said["reports"][0]["findings"] == [{"distortion": "exposure", "severity": "moderate", "level": 3}]


def test_an_image_is_known_once_it_is_sent(http: Any, picture: PreparedImage) -> None:
    assert http.head(f"/v1/images/{picture.sha256}").status_code == 404
    said = _put(http, picture).json()
    assert said == {"sha256": picture.sha256, "height": 40, "width": 60}
    assert http.head(f"/v1/images/{picture.sha256}").status_code == 200


def test_an_image_may_come_in_pieces_of_any_size(http: Any, picture: PreparedImage) -> None:
    def pieces() -> Iterator[bytes]:
        body = picture.rgb.tobytes()
        yield b""
        for start in range(0, len(body), 777):
            yield body[start : start + 777]

    assert _put(http, picture, body=pieces()).status_code == 200


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"body": b"short"}, 422, errors.ImageError),
        ({"body": iter([b"short"])}, 422, errors.ImageError),
        ({"body": b"x" * 7201}, 413, errors.LimitError),
        ({"body": iter([b"x" * 7000, b"x" * 7000])}, 413, errors.LimitError),
        ({"body": b"x" * 7200}, 422, errors.ImageError),
        ({"height": 60, "width": 40}, 422, errors.ImageError),
        ({"height": 2**31, "width": 2**31}, 413, errors.LimitError),
        ({"height": 10**30}, 400, errors.ProtocolError),
        ({"height": 0}, 400, errors.ProtocolError),
        ({"height": -4}, 400, errors.ProtocolError),
        ({"height": "NaN"}, 400, errors.ProtocolError),
        ({"height": ""}, 400, errors.ProtocolError),
        ({"sha": "abc"}, 400, errors.ProtocolError),
        ({"sha": "A" * 64}, 400, errors.ProtocolError),
        ({"sha": "..%2f..%2fetc"}, 404, errors.ProtocolError),
    ],
)
def test_an_image_that_is_none_is_refused(
    http: Any,
    bench: Any,
    picture: PreparedImage,
    changes: dict[str, Any],
    status: int,
    error: type[errors.SeagullError],
) -> None:
    _says(_put(http, picture, **changes), status, error)
    assert bench._images.nbytes == 0
    assert bench.uploads._promised == 0


@pytest.mark.parametrize("length", ["99999999999", "7199", "-1", "x", "9" * 5000, ""])
def test_a_content_length_that_lies_is_refused(http: Any, picture: PreparedImage, length: str) -> None:
    reply = _put(http, picture, body=iter([picture.rgb.tobytes()]), headers={"Content-Length": length})
    assert reply.status_code in {413, 422}


def test_images_on_their_way_are_bounded_together(bench_of: Any, toy: Any) -> None:
    bench = bench_of(toy, limits=wire.Limits(image_cache_bytes=1000))
    with bench.uploads.promised((10, 20)), pytest.raises(errors.LimitError), bench.uploads.promised((10, 20)):
        pass
    with bench.uploads.promised((1000, 20)):
        pass


BAD_BODIES = [
    b"",
    b"{",
    b"null",
    b"[]",
    b'"regions"',
    b"\xff\xfe",
    b"[" * 100_000,
    b'{"regions": ' + b"[" * 100_000,
    b"1" * 10_000,
    b'{"regions": []}',
    b'{"regions": null}',
    b'{"regions": [null]}',
    b'{"regions": [{"id": "\\ud800", "shape": [40, 60], "box": [0, 0, 4, 5], "runs": [0, 20]}]}',
    b'{"regions": [{"id": "a", "shape": [NaN, 60], "box": [0, 0, 4, 5], "runs": [0, 20]}]}',
    b'{"regions": [{"id": "a", "shape": [40, 60], "box": [0, 0, Infinity, 5], "runs": [0, 20]}]}',
    b'{"regions": [{"id": "a", "shape": [40, 60], "box": [0, 0, 4, 5], "runs": [-1, 21]}]}',
    b'{"regions": [{"id": "a", "shape": [40, 60], "box": [0, 0, 4, 5], "runs": [0, 1' + b"0" * 5000 + b"]}]}",
    b'{"regions": [{"id": "a", "shape": [40, 60], "box": [0, 0, 4, 5], "runs": [0, 1e400]}]}',
    json.dumps({"regions": [REGION], "aspects": []}).encode(),
    json.dumps({"regions": [REGION], "aspects": ["beauty"]}).encode(),
    json.dumps({"regions": [REGION], "priority": 10**30}).encode(),
    json.dumps({"regions": [REGION], "priority": "high"}).encode(),
    json.dumps({"regions": [REGION], "session": 7}).encode(),
    json.dumps({"regions": [REGION, REGION]}).encode(),
]


@pytest.mark.parametrize("body", BAD_BODIES, ids=range(len(BAD_BODIES)))
def test_a_request_that_makes_no_sense_is_refused(http: Any, sent: str, body: bytes) -> None:
    for content_type in ("application/json", "text/plain", ""):
        reply = http.post(f"/v1/images/{sent}/reports", content=body, headers={"Content-Type": content_type})
        assert reply.status_code == 400
        assert reply.json()["error"] == "ProtocolError"


@pytest.mark.parametrize(
    "body",
    [
        {"regions": [{**REGION, "id": str(i)} for i in range(wire.MAX_REGIONS + 1)]},
        {"regions": [{**REGION, "name": "n" * 201}]},
        {"regions": [{**REGION, "id": "i" * 101}]},
        {"regions": [{**REGION, "runs": [0] * (messages.MAX_RUNS + 1)}]},
        {"regions": [REGION], "session": "s" * 101},
    ],
    ids=["regions", "name", "id", "runs", "session"],
)
def test_too_much_of_anything_is_refused(http: Any, sent: str, body: dict[str, Any]) -> None:
    _says(http.post(f"/v1/images/{sent}/reports", json=body), 413, errors.LimitError)


def test_a_body_is_bounded_while_it_comes(http_of: Any, bench_of: Any, toy: Any) -> None:
    http = http_of(bench_of(toy, limits=wire.Limits(json_bytes=1000)))
    taken = []

    def endless() -> Iterator[bytes]:
        for _ in range(1000):
            taken.append(1)
            yield b" " * 100

    for method, path in ROUTES:
        if (method, path[:11]) != ("PUT", "/v1/images/"):
            reply = http.request(method, path, content=endless())
            assert reply.status_code == 413
            reply = http.request(method, path, content=b"", headers={"Content-Length": "1001"})
            assert reply.status_code == 413


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"runs": [20]}, "EmptyRegionError"),
        ({"runs": [0, 19]}, "RegionError"),
        ({"box": [0, 0, 41, 5]}, "RegionError"),
        ({"box": [4, 5, 0, 0]}, "RegionError"),
        ({"box": [-4, 0, 4, 5]}, "RegionError"),
        ({"box": [0, 0, 2**31, 2**31], "runs": [2**31] * 9}, "RegionError"),
        ({"shape": [60, 40]}, "ShapeMismatchError"),
        ({"shape": [2**31, 2**31], "box": [0, 0, 2**31, 2**31], "runs": [0, 2**31]}, "ShapeMismatchError"),
    ],
)
def test_a_bad_region_has_its_own_error_and_the_rest_are_scored(
    http: Any, sent: str, changes: dict[str, Any], error: str
) -> None:
    bad = {**REGION, **changes, "id": "bad"}
    said = http.post(f"/v1/images/{sent}/reports", json={"regions": [REGION, bad, {**REGION, "id": "b"}]}).json()
    assert [report["region"] for report in said["reports"]] == ["a", "b"]
    assert {region: failed["error"] for region, failed in said["errors"].items()} == {"bad": error}


def test_an_unknown_image_is_said(http: Any) -> None:
    _says(http.post(f"/v1/images/{ABSENT}/reports", json={"regions": [REGION]}), 404, errors.UnknownImageError)
    _says(http.post(f"/v1/images/{ABSENT}/maps"), 404, errors.UnknownImageError)


@pytest.mark.parametrize("job", ["x", "%00", "x" * 3000, "%F0%9F%98%80", ".."])
def test_an_unknown_job_is_said(http: Any, job: str) -> None:
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/events"), ("GET", "/maps/quality")):
        reply = http.request(method, f"/v1/jobs/{job}{path}")
        assert reply.status_code == 404


@pytest.mark.parametrize("method", ["GET", "PATCH", "OPTIONS", "TRACE", "DELETE", "POST", "BREW"])
def test_an_unknown_address_or_verb_is_said(http: Any, method: str) -> None:
    for path in ("/", "/v2/health", "/v1//health", "/v1/health/x", "/v1/capabilities", "/%2e%2e/etc/passwd", "/docs"):
        if (method, path) != ("GET", "/v1/capabilities"):
            reply = http.request(method, path)
            assert reply.status_code in {404, 405}
            assert reply.json()["error"] == "ProtocolError"


def test_what_is_not_done_in_time_is_pending(http_of: Any, bench: Any, toy: Any, picture: PreparedImage) -> None:
    http = http_of(bench, hold_s=0.2)
    _put(http, picture)
    toy.go.clear()
    said = http.post(f"/v1/images/{picture.sha256}/reports", json={"regions": [REGION]}).json()
    assert said == {"reports": [], "errors": {}, "pending": ["a"]}
    toy.go.set()
    assert len(bench._asks) == 0


def test_an_older_request_that_asks_again_does_not_displace_the_newer(
    http: Any, sent: str, toy: Any, bench: Any
) -> None:
    toy.go.clear()
    path, replies = f"/v1/images/{sent}/reports", {}
    newer = {"regions": [REGION], "session": "s", "ticket": 2}
    thread = threading.Thread(target=lambda: replies.update(newer=http.post(path, json=newer).json()))
    thread.start()
    assert toy.busy.wait(10)
    older = http.post(path, json={"regions": [REGION], "session": "s", "ticket": 1}).json()
    assert older["errors"]["a"]["error"] == "SupersededError"
    toy.go.set()
    thread.join(20)
    assert [report["region"] for report in replies["newer"]["reports"]] == ["a"]


def test_sessions_do_not_displace_each_other(http: Any, sent: str, toy: Any, bench: Any) -> None:
    toy.go.clear()
    path, replies, threads = f"/v1/images/{sent}/reports", [], []
    for session in ("s", "t", "", ""):
        asked = {"regions": [REGION], "session": session}
        ask = threading.Thread(target=lambda body=asked: replies.append(http.post(path, json=body).json()))
        ask.start()
        threads.append(ask)
    for _ in range(1000):
        if len(bench._asks) == 4:
            break
        threading.Event().wait(0.01)
    toy.go.set()
    for thread in threads:
        thread.join(20)
    assert [len(reply["reports"]) for reply in replies] == [1, 1, 1, 1]


def test_what_nobody_waits_for_any_more_is_dropped(http_of: Any, bench: Any, toy: Any, picture: PreparedImage) -> None:
    http = http_of(bench)
    _put(http, picture)
    toy.go.clear()
    bench.ask(picture.sha256, wire.ReportRequest(regions=[messages.RegionMessage.model_validate(REGION)]))
    assert toy.busy.wait(10)
    asyncio.run(_ask_and_leave(http.app, picture.sha256))
    toy.go.set()
    http.post(f"/v1/images/{picture.sha256}/reports", json={"regions": [{**REGION, "id": "last"}]})
    assert toy.batches == [["a"], ["last"]]


async def _ask_and_leave(app: Any, sha256: str) -> None:
    """A client that sends its request whole, and goes away."""
    body = json.dumps({"regions": [{**REGION, "id": "left"}]}).encode()
    coming = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        return coming.pop() if coming else {"type": "http.disconnect"}

    async def send(_message: Any) -> None:
        return

    headers = {"host": "127.0.0.1", "authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": f"/v1/images/{sha256}/reports",
        "raw_path": b"",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }
    await asyncio.wait_for(app(scope, receive, send), 20)


def test_a_map_that_nobody_asks_after_is_cancelled(
    http: Any, sent: str, toy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy.map_go.clear()
    path = f"/v1/jobs/{http.post(f'/v1/images/{sent}/maps').json()['id']}"
    assert toy.map_busy.wait(10)
    monkeypatch.setattr("seagull_iqa.service.jobs._ABANDONED_S", -1.0)
    toy.map_go.set()
    http.get(f"{path}/events")
    assert http.get(path).json()["state"] == "cancelled"


def test_websockets_are_refused(http: Any) -> None:
    with pytest.raises(WebSocketDisconnect), http.websocket_connect("/v1/health"):
        pass


def test_too_many_requests_are_refused(http_of: Any, bench_of: Any, toy: Any, picture: PreparedImage) -> None:
    bench = bench_of(toy, limits=wire.Limits(queued_requests=0, jobs=0))
    http = http_of(bench)
    _put(http, picture)
    _says(http.post(f"/v1/images/{picture.sha256}/reports", json={"regions": [REGION]}), 429, errors.LimitError)
    _says(http.post(f"/v1/images/{picture.sha256}/maps"), 429, errors.LimitError)


def test_a_map_is_made_as_a_job(http: Any, sent: str) -> None:
    started = http.post(f"/v1/images/{sent}/maps")
    assert started.status_code == 202
    path = f"/v1/jobs/{started.json()['id']}"
    stream = http.get(f"{path}/events")
    assert stream.headers["content-type"].startswith("text/event-stream")
    last = [json.loads(line[5:]) for line in stream.text.splitlines() if line.startswith("data:")][-1]
    assert last["state"] == "done"
    info = next(found for found in last["maps"] if found["name"] == "quality")
    values = np.frombuffer(http.get(f"{path}/maps/quality").content, "<f4").reshape(info["rows"], info["cols"])
    assert values[0, -1] == pytest.approx(80)
    _says(http.get(f"{path}/maps/beauty"), 404, errors.UnknownJobError)
    assert http.delete(path).json()["state"] == "done"
    _says(http.get(path), 404, errors.UnknownJobError)


def test_a_running_map_is_cancelled(http: Any, sent: str, toy: Any) -> None:
    toy.map_go.clear()
    path = f"/v1/jobs/{http.post(f'/v1/images/{sent}/maps').json()['id']}"
    assert toy.map_busy.wait(10)
    http.delete(path)
    toy.map_go.set()
    http.get(f"{path}/events")
    assert http.get(path).json()["state"] == "cancelled"
    _says(http.get(f"{path}/maps/quality"), 404, errors.UnknownJobError)


def test_a_waiting_map_is_cancelled_at_once(http: Any, sent: str, toy: Any) -> None:
    toy.map_go.clear()
    http.post(f"/v1/images/{sent}/maps")
    assert toy.map_busy.wait(10)
    path = f"/v1/jobs/{http.post(f'/v1/images/{sent}/maps').json()['id']}"
    assert http.delete(path).json()["state"] == "cancelled"
    toy.map_go.set()


def test_a_map_that_fails_says_why(http: Any, sent: str, toy: Any) -> None:
    toy.maps = _broken
    path = f"/v1/jobs/{http.post(f'/v1/images/{sent}/maps').json()['id']}"
    http.get(f"{path}/events")
    said = http.get(path).json()
    assert (said["state"], said["error"]["error"]) == ("failed", "ModelError")


def _broken(look: Any, *, progress: Callable[[Progress], None], partial: Any) -> None:
    del look, progress, partial
    raise RuntimeError


def test_a_live_region_comes_between_the_steps_of_a_map(http: Any, sent: str, toy: Any) -> None:
    toy.map_go.clear()
    path = f"/v1/jobs/{http.post(f'/v1/images/{sent}/maps').json()['id']}"
    assert toy.map_busy.wait(10)
    asked = {"regions": [REGION], "priority": wire.LIVE_PRIORITY}
    said = http.post(f"/v1/images/{sent}/reports", json=asked).json()
    assert len(said["reports"]) == 1
    assert http.get(path).json()["state"] == "running"
    toy.map_go.set()


def test_a_live_region_comes_between_many(http: Any, sent: str, toy: Any, bench: Any) -> None:
    toy.go.clear()
    many = {"regions": [{**REGION, "id": str(i)} for i in range(96)]}
    slow = threading.Thread(target=http.post, args=[f"/v1/images/{sent}/reports"], kwargs={"json": many})
    slow.start()
    assert toy.busy.wait(10)
    live = {"regions": [{**REGION, "id": "live"}], "priority": wire.LIVE_PRIORITY}
    quick = threading.Thread(target=http.post, args=[f"/v1/images/{sent}/reports"], kwargs={"json": live})
    quick.start()
    for _ in range(1000):
        if len(bench._asks) == 2:
            break
        threading.Event().wait(0.01)
    toy.go.set()
    slow.join(20)
    quick.join(20)
    assert [batch[0] for batch in toy.batches] == ["0", "live", "32", "64"]


def test_the_openapi_document_has_every_route_with_a_summary(http: Any) -> None:
    said = http.get("/v1/openapi.json").json()
    routes = [(path, verb, route) for path, verbs in said["paths"].items() for verb, route in verbs.items()]
    assert len(routes) == 37
    assert all(route["summary"] for _, _, route in routes)
    assert {"ReportRequest", "ReportReply", "Job", "Capabilities", "ErrorMessage"} <= set(said["components"]["schemas"])


def test_out_of_memory_is_said_as_such(http: Any, sent: str, toy: Any) -> None:
    def full(*_args: Any) -> None:
        raise MemoryError

    toy.assess = full
    said = http.post(f"/v1/images/{sent}/reports", json={"regions": [REGION]}).json()
    assert said["errors"]["a"]["error"] == "OutOfMemoryError"
