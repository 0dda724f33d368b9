"""Questions in words: the answer comes piece by piece, and ends where nobody reads it any more."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from seagull_iqa import errors, wire
from seagull_iqa.client import Client
from seagull_iqa.domain.region import Region, RegionMask
from seagull_iqa.imaging.prepared import PreparedImage

REGION = {"id": "a", "shape": [40, 60], "box": [0, 0, 4, 5], "runs": [0, 20]}
ABSENT = "0" * 64


@pytest.fixture
def talker(toy_module: Any) -> Any:
    return toy_module.ToyTalker()


@pytest.fixture
def bench(bench_of: Callable[..., Any], talker: Any) -> Any:
    return bench_of(talker)


@pytest.fixture
def http(http_of: Callable[..., Any], bench: Any, picture: PreparedImage) -> Any:
    bench.keep_image(picture.sha256, picture.rgb)
    return http_of(bench)


def _until(true: Callable[[], bool]) -> None:
    for _ in range(2000):
        if true():
            return
        threading.Event().wait(0.01)
    raise TimeoutError


def _ask(http: Any, picture: PreparedImage, **changes: Any) -> Any:
    body = {"region": REGION, "text": "Why?", "max_tokens": 4, **changes}
    return http.post(f"/v1/images/{picture.sha256}/answers", json=body)


def test_the_pieces_joined_are_the_answer(
    bench: Any, client_of: Callable[..., Client], picture: PreparedImage, box_region: Callable[..., Region]
) -> None:
    pieces = [piece for piece in client_of(bench).answer(picture, box_region(), "Why?", max_tokens=4) if piece]
    assert pieces == ["Why? It is ", "very ", "very ", "dark."]
    bright = client_of(bench).answer(picture, box_region(0, 40, 10, 50), "Hm?", max_tokens=2)
    assert "".join(bright) == "Hm? It is bright."


def test_an_answer_is_a_stream_of_events(http: Any, picture: PreparedImage) -> None:
    reply = _ask(http, picture)
    assert (reply.status_code, reply.headers["seagull-protocol"]) == (200, "1")
    assert reply.headers["content-type"].startswith("text/event-stream")
    events = [block.splitlines() for block in reply.text.strip().split("\n\n")]
    said = [(event[0], json.loads(event[1].removeprefix("data:"))) for event in events]
    assert [one for one in said if one[1] != {"text": ""}] == [
        ("event: text", {"text": "Why? It is "}),
        ("event: text", {"text": "very "}),
        ("event: text", {"text": "very "}),
        ("event: text", {"text": "dark."}),
        ("event: end", {"done": True}),
    ]


def test_letters_that_some_take_for_the_end_of_a_line_come_through(
    bench: Any, talker: Any, client_of: Callable[..., Client], picture: PreparedImage, box_region: Any
) -> None:
    talker.filler = "a\u2028b\x85c\nd\re\U0001f600\ud800"
    whole = "".join(client_of(bench).answer(picture, box_region(), "Why?", max_tokens=3))
    assert whole == "Why? It is a\u2028b\x85c\nd\re\U0001f600?dark."


def test_a_model_without_words_says_so(client: Client, picture: PreparedImage, box_region: Any) -> None:
    with pytest.raises(errors.ModelError, match="toy-1 answers no questions"):
        list(client.answer(picture, box_region(), "Why?"))


def test_a_region_that_does_not_fit_is_an_error_of_the_answer(http: Any, picture: PreparedImage) -> None:
    reply = _ask(http, picture, region={**REGION, "shape": [60, 40]})
    last = json.loads([line for line in reply.text.splitlines() if line.startswith("data:")][-1][5:])
    assert "event: error" in reply.text
    assert (last["done"], last["error"]["error"]) == (True, "ShapeMismatchError")


def test_a_failure_after_some_words_is_an_error_of_the_answer(
    bench: Any, talker: Any, client_of: Callable[..., Client], picture: PreparedImage, box_region: Any
) -> None:
    def answer(*_args: Any, **_kinds: Any) -> Any:
        yield "It is"
        raise ZeroDivisionError("a bug")

    talker.answer = answer
    heard: list[str] = []
    with pytest.raises(errors.ModelError, match="a bug"):
        for piece in client_of(bench).answer(picture, box_region(), "Why?"):
            heard.append(piece)
    assert "".join(heard) == "It is"


def test_a_question_about_an_unknown_image_sends_it(
    bench: Any, client_of: Callable[..., Client], picture: PreparedImage, box_region: Any
) -> None:
    client = client_of(bench)
    client._images._uploaded.add(picture.sha256)
    assert "".join(client.answer(picture, box_region(), "Why?", max_tokens=2)) == "Why? It is dark."


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"text": ""}, 400),
        ({"text": "  \n"}, 400),
        ({"text": 7}, 400),
        ({"text": "w" * 2001}, 413),
        ({"max_tokens": 0}, 400),
        ({"max_tokens": 1025}, 400),
        ({"max_tokens": 3.5}, 400),
        ({"priority": 101}, 400),
        ({"region": None}, 400),
        ({"region": {**REGION, "runs": []}}, 400),
        ({"region": {**REGION, "id": "i" * 101}}, 413),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(
    http: Any, picture: PreparedImage, changes: dict[str, Any], status: int
) -> None:
    reply = _ask(http, picture, **changes)
    assert reply.status_code == status
    assert reply.json()["error"] in {"ProtocolError", "LimitError"}


@pytest.mark.parametrize(("text", "tokens"), [("", 9), (" ", 9), ("w" * 2001, 9), ("Why?", 0), ("Why?", 2000)])
def test_a_question_that_cannot_be_sent_is_refused_before(
    bench: Any, client_of: Callable[..., Client], picture: PreparedImage, box_region: Any, text: str, tokens: int
) -> None:
    with pytest.raises(errors.LimitError, match="1 to 2000 letters"):
        next(client_of(bench).answer(picture, box_region(), text, max_tokens=tokens))


def test_a_question_without_an_image_is_refused(http: Any) -> None:
    reply = http.post(f"/v1/images/{ABSENT}/answers", json={"region": REGION, "text": "Why?"})
    assert (reply.status_code, reply.json()["error"]) == (404, "UnknownImageError")


def test_an_answer_that_never_ends_is_cut(
    bench: Any, talker: Any, client_of: Callable[..., Client], picture: PreparedImage, box_region: Any
) -> None:
    talker.filler = "w" * 10_000
    heard = []
    with pytest.raises(errors.LimitError, match="longer than 65536 letters"):
        for piece in client_of(bench).answer(picture, box_region(), "Why?", max_tokens=1000):
            heard.append(piece)
    assert 50_000 < len("".join(heard)) <= 65_536
    assert talker.stopped.is_set()


def test_too_many_questions_are_refused(
    bench_of: Callable[..., Any], talker: Any, http_of: Callable[..., Any], picture: PreparedImage
) -> None:
    bench = bench_of(talker, limits=wire.Limits(questions=0))
    bench.keep_image(picture.sha256, picture.rgb)
    reply = _ask(http_of(bench), picture)
    assert (reply.status_code, reply.json()["error"]) == (429, "LimitError")


def test_the_hand_on_a_region_comes_between_two_words(
    bench: Any, talker: Any, on_socket: Callable[..., Client], picture: PreparedImage, box_region: Any
) -> None:
    client = on_socket(bench)
    talker.word_go.clear()
    answer = client.answer(picture, box_region(), "Why?", max_tokens=1000)
    assert next(piece for piece in answer if piece) == "Why? It is "
    reply = client.assess(picture, [box_region(id="live")], priority=wire.LIVE_PRIORITY + 1)
    assert [report.region for report in reply.reports] == ["live"]
    assert not talker.stopped.is_set()
    answer.close()
    assert talker.stopped.wait(10)


def test_pieces_come_as_they_are_made_and_the_caller_can_stop_between_them(
    bench: Any, talker: Any, on_socket: Callable[..., Client], picture: PreparedImage, box_region: Any
) -> None:
    talker.word_go.clear()
    answer = on_socket(bench).answer(picture, box_region(), "Why?", max_tokens=1000)
    first = next(piece for piece in answer if piece)
    assert first == "Why? It is "
    answer.close()
    assert talker.stopped.wait(10)
    assert len(talker.words) < 50
    _until(lambda: bench._open_answers == 0)


def test_a_reader_who_goes_away_while_the_question_waits_costs_nothing(
    bench: Any, talker: Any, on_socket: Callable[..., Client], picture: PreparedImage, box_region: Any
) -> None:
    client = on_socket(bench)
    talker.map_go.clear()
    mapping = threading.Thread(target=lambda: client.maps(picture))
    mapping.start()
    assert talker.map_busy.wait(10)
    answer = client.answer(picture, box_region(), "Why?", max_tokens=5)
    assert next(answer) in {"", "Why? It is "}
    answer.close()
    _until(lambda: bench._open_answers == 0)
    talker.map_go.set()
    mapping.join(20)


def test_beats_come_while_the_model_is_busy(
    bench: Any, talker: Any, on_socket: Callable[..., Client], picture: PreparedImage, box_region: Any
) -> None:
    client = on_socket(bench)
    talker.go.clear()
    scoring = threading.Thread(target=lambda: client.assess(picture, [box_region()]))
    scoring.start()
    assert talker.busy.wait(10)
    answer = client.answer(picture, box_region(), "Why?", max_tokens=3)
    assert [next(answer), next(answer)] == ["", ""]
    talker.go.set()
    assert "".join(answer) == "Why? It is very dark."
    scoring.join(20)


def test_another_model_ends_the_answer(
    shop: Any, shop_bench: Any, client_of: Callable[..., Client], picture: PreparedImage, box_region: Any
) -> None:
    shop.here.add("toy-talker")
    client = client_of(shop_bench)
    client.use_model("toy-talker")
    shop_bench.settled.result(10)
    shop.model.word_go.clear()
    busy, got = shop.model.word_busy, []

    def ask() -> None:
        try:
            got.append("".join(client.answer(picture, box_region(), "Why?", max_tokens=1000)))
        except errors.SeagullError as error:
            got.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    assert busy.wait(10)
    client.use_model("toy-1")
    asking.join(20)
    assert isinstance(got[0], errors.JobCancelledError)
    shop_bench.settled.result(10)
    assert shop.still_there == [0, 0, 0]


def test_the_end_of_the_server_ends_the_answer(
    bench: Any, talker: Any, on_socket: Callable[..., Client], picture: PreparedImage, box_region: Any
) -> None:
    talker.word_go.clear()
    answer = on_socket(bench).answer(picture, box_region(), "Why?", max_tokens=1000)
    next(answer)
    bench.close()
    with pytest.raises(errors.BackendUnreachableError):
        list(answer)


def test_an_answer_that_breaks_off_is_said(picture: PreparedImage) -> None:
    def reply(request: httpx2.Request) -> httpx2.Response:
        body = b'event: text\ndata: {"text": "It"}\n\n' if request.url.path.endswith("answers") else b""
        return httpx2.Response(200, content=body, headers={"seagull-protocol": "1"})

    client = Client("http://127.0.0.1:1", "t", transport=httpx2.MockTransport(reply))
    answer = client.answer(picture, Region(RegionMask.whole((40, 60))), "Why?")
    assert next(answer) == "It"
    with pytest.raises(errors.BackendUnreachableError, match="broke off"):
        next(answer)
