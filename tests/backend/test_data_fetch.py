from __future__ import annotations

import csv
import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seagull_iqa.data.catalogue import read_catalogue
from seagull_iqa.data.fetch import FetchSpec, fetch
from seagull_iqa.errors import BackendUnreachableError, JobCancelledError, SeagullError
from seagull_iqa.imaging.files import read_image


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    """A mirror with two photographs."""
    folder = tmp_path / "mirror of ours"
    (folder / "photos").mkdir(parents=True)
    for index, name in enumerate(("set_Möwe.webp", "set_kite.webp")):
        pixels = np.random.default_rng(index).integers(0, 256, (60, 80, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "photos" / name, lossless=True)
    return folder


@pytest.fixture
def catalogue(ours, tmp_path):
    files = [
        {
            "file": f"photos/{path.name}", "collection": "set", "bytes": path.stat().st_size,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "pixels": read_image(path).sha256,
            "row": {"file": path.name, "split": "heldout" if "kite" in path.name else "train"},
        }
        for path in sorted((ours / "photos").iterdir())
    ]  # fmt: skip
    entry = {
        "title": "two birds", "licence": "CC0-1.0", "list": "photos/manifest.csv", "files": files,
        "notices": {"photos/NOTICE.txt": "Mind the gull."},
    }  # fmt: skip
    origin = {"title": "Birds", "address": "https://birds.invalid", "how": "Give their folder."}
    document = {"sets": {"birds": entry}, "collections": {"set": origin}}
    path = tmp_path / "catalogue.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return read_catalogue(path)


class Shop(BaseHTTPRequestHandler):
    """Serves `folder`; hangs up after `patience` bytes of each reply while it is not None."""

    folder: Path
    patience: int | None
    ranges: bool
    asked: list[str]

    def do_GET(self) -> None:
        from urllib.parse import unquote

        type(self).asked.append(f"{self.path} {self.headers.get('Range', '')}".strip())
        path = self.folder / unquote(self.path).lstrip("/")
        if not path.is_file():
            self.send_error(404)
            return
        content, start = path.read_bytes(), 0
        if self.ranges and self.headers.get("Range"):
            start = int(self.headers["Range"].removeprefix("bytes=").rstrip("-"))
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        end = None if self.patience is None else start + self.patience
        self.wfile.write(content[start:end])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def shop(ours) -> Iterator[type[Shop]]:
    kind = type("ThisShop", (Shop,), {"folder": ours, "patience": None, "ranges": True, "asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    kind.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield kind
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr("seagull_iqa.data.mirror._PAUSE_S", 0.0)


def same(ours: Path, out: Path) -> bool:
    return all((out / "photos" / path.name).read_bytes() == path.read_bytes() for path in (ours / "photos").iterdir())


def listed(out: Path) -> list[str]:
    with (out / "photos" / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return [row["file"] for row in csv.DictReader(file)]


def test_a_set_comes_from_an_address_with_its_list_and_its_notice(ours, catalogue, shop, tmp_path):
    out, steps = tmp_path / "my data", []
    done = fetch(FetchSpec("birds", out, shop.address), catalogue=catalogue, progress=steps.append)
    assert (done.here, done.fetched, done.missing) == (2, 2, ())
    assert same(ours, out)
    assert sorted(listed(out)) == ["set_Möwe.webp", "set_kite.webp"]
    assert (out / "photos" / "NOTICE.txt").read_text() == "Mind the gull."
    assert steps[-1].done == steps[-1].total == catalogue.find("birds").nbytes
    assert not list(out.rglob("*.part"))


def test_what_is_here_is_not_asked_for_again(ours, catalogue, shop, tmp_path):
    fetch(FetchSpec("birds", tmp_path, shop.address), catalogue=catalogue)
    shop.asked.clear()
    done = fetch(FetchSpec("birds", tmp_path, None, offline=True), catalogue=catalogue)
    assert (done.here, done.fetched, shop.asked) == (2, 0, [])


def test_a_half_can_be_fetched_and_the_list_names_only_what_is_here(catalogue, shop, tmp_path):
    fetch(FetchSpec("birds-heldout", tmp_path, shop.address), catalogue=catalogue)
    assert listed(tmp_path) == ["set_kite.webp"]
    fetch(FetchSpec("birds-train", tmp_path, shop.address), catalogue=catalogue)
    assert sorted(listed(tmp_path)) == ["set_Möwe.webp", "set_kite.webp"]


@pytest.mark.parametrize("ranges", [True, False])
def test_a_broken_connection_is_taken_up_again(ours, catalogue, shop, tmp_path, ranges):
    shop.patience, shop.ranges = 5_000 if ranges else 10**6, ranges
    (tmp_path / "photos").mkdir()
    first = sorted((ours / "photos").iterdir())[0]
    (tmp_path / "photos" / f"{first.name}.part").write_bytes(first.read_bytes()[:3000])
    fetch(FetchSpec("birds", tmp_path, shop.address), catalogue=catalogue)
    assert same(ours, tmp_path)
    assert any(line.endswith("bytes=3000-") for line in shop.asked)


def test_a_part_of_another_version_is_begun_anew(ours, catalogue, shop, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "set_kite.webp.part").write_bytes(b"of yesterday")
    fetch(FetchSpec("birds", tmp_path, shop.address), catalogue=catalogue)
    assert same(ours, tmp_path)


def test_a_cancelled_fetch_goes_on_where_it_stopped(ours, catalogue, shop, tmp_path):
    def cancel(step):
        raise JobCancelledError("Enough.")

    with pytest.raises(JobCancelledError):
        fetch(FetchSpec("birds", tmp_path, shop.address), catalogue=catalogue, progress=cancel)
    assert len(list(tmp_path.rglob("*.part"))) == 1
    fetch(FetchSpec("birds", tmp_path, shop.address), catalogue=catalogue)
    assert same(ours, tmp_path)


def test_another_file_under_the_name_is_not_accepted_and_the_rest_still_comes(ours, catalogue, shop, tmp_path):
    (ours / "photos" / "set_kite.webp").write_bytes(b"x" * catalogue.find("birds-heldout").nbytes)
    done = fetch(FetchSpec("birds", tmp_path, shop.address), catalogue=catalogue)
    assert done.missing == ("photos/set_kite.webp",)
    assert [path.name for path in (tmp_path / "photos").glob("*.webp*")] == ["set_Möwe.webp"]


def test_a_file_the_server_lacks_is_named(ours, catalogue, shop, tmp_path):
    (ours / "photos" / "set_Möwe.webp").unlink()
    done = fetch(FetchSpec("birds", tmp_path, shop.address), catalogue=catalogue)
    assert (done.here, done.missing) == (1, ("photos/set_Möwe.webp",))


def test_the_makers_own_files_are_known_by_their_pixels(ours, catalogue, tmp_path):
    makers = tmp_path / "download" / "deep"
    makers.mkdir(parents=True)
    Image.open(ours / "photos" / "set_Möwe.webp").save(makers / "Möwe.PNG")
    Image.fromarray(np.zeros((60, 80, 3), np.uint8)).save(makers / "kite.png")
    out = tmp_path / "out"
    done = fetch(FetchSpec("birds", out, str(tmp_path / "download")), catalogue=catalogue)
    assert done.missing == ("photos/set_kite.webp",)
    assert np.array_equal(
        read_image(out / "photos" / "set_Möwe.webp").rgb, read_image(ours / "photos" / "set_Möwe.webp").rgb
    )
    assert fetch(FetchSpec("birds-train", out), catalogue=catalogue).fetched == 0


def test_rows_that_somebody_added_to_the_list_are_kept(ours, catalogue, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "manifest.csv").write_text("file,split,note\nmine.png,train,dear\n", encoding="utf-8")
    fetch(FetchSpec("birds", tmp_path, str(ours)), catalogue=catalogue)
    text = (tmp_path / "photos" / "manifest.csv").read_text(encoding="utf-8")
    assert text.startswith("file,split,note\nmine.png,train,dear\n") and "set_kite.webp,heldout," in text


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"name": "fish"}, "no data set 'fish'"),
        ({"origin": None}, "no public mirror"),
        ({"origin": "http://127.0.0.1:9/x", "offline": True}, "Offline"),
        ({"origin": "no such folder"}, "neither a folder nor an address"),
        ({"origin": "http://127.0.0.1:9"}, "cannot be reached"),
        ({"origin": "http://[bad"}, "cannot be reached"),
    ],
)
def test_what_cannot_be_fetched_is_said_with_a_hint(catalogue, tmp_path, spec, said):
    with pytest.raises(SeagullError, match=said) as caught:
        fetch(FetchSpec(**{"name": "birds", "out": tmp_path, **spec}), catalogue=catalogue)
    assert caught.value.hint
    assert said != "cannot be reached" or isinstance(caught.value, BackendUnreachableError)


def test_the_catalogue_of_the_package_has_what_the_protocol_wants():
    known = read_catalogue()
    assert len(known.find("photos").files) == 222 and len(known.find("photos-heldout").files) == 40
    live = known.find("live-itw")
    assert "COPYRIGHT NOTICE" in live.notices["live-itw/README_LIVE_COPYRIGHT.txt"]
    assert {one.row["use"] for one in live.files} == {f"fold{i}" for i in range(5)}
    assert all(one.collection in known.collections for each in known.sets.values() for one in each.files)


@pytest.mark.data
def test_the_catalogue_agrees_with_the_photographs(photographs, tmp_path):
    known = read_catalogue().find("photos")
    for one in known.files[::40]:
        assert hashlib.sha256((photographs.parent / one.path).read_bytes()).hexdigest() == one.sha256
