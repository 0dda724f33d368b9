"""A model hub on a socket of this machine: commits in pages, files of a revision, large ones behind a redirection."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

REPO = "Owner/TOY-7B"
REVISION = "3705ca7" + "0123456789abcdef" * 2 + "0"
COMMITS = ("f" * 40, "e" * 40, REVISION, "d" * 40)
LARGE = 100_000
TOKEN = "hf_toy"


def git_sha1(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


@dataclass
class Asked:
    """A request that came."""

    method: str
    path: str
    headers: dict[str, str]


@dataclass
class ToyHub:
    """What it serves, how it misbehaves, and what it was asked.

    Attributes
    ----------
    spoiled : names of files of which a byte differs from what was promised.
    cut : file name -> bytes after which the connection drops, once.
    busy : requests that are answered 503 before it works.
    ranges : False where it always sends the whole file.
    """

    files: dict[str, bytes]
    commits: tuple[str, ...] = COMMITS
    spoiled: set[str] = field(default_factory=set)
    cut: dict[str, int] = field(default_factory=dict)
    busy: int = 0
    ranges: bool = True
    asked: list[Asked] = field(default_factory=list)

    def __enter__(self) -> ToyHub:
        hub = self

        class Handler(_Handler):
            toy = hub

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_reason: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def asked_for(self, name: str) -> list[Asked]:
        return [one for one in self.asked if one.path.endswith(name)]

    def sha256(self, name: str) -> str:
        return hashlib.sha256(self.files[name]).hexdigest()


class _Handler(BaseHTTPRequestHandler):
    toy: ToyHub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_words: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        address = urlsplit(self.path)
        self.toy.asked.append(Asked(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}))
        if self.toy.busy > 0 and "/resolve/" in address.path:
            self.toy.busy -= 1
            self._send(503, b"busy")
        elif address.path == f"/api/models/{REPO}/commits/main":
            self._commits(int(address.query.removeprefix("p=") or 0))
        elif address.path == f"/api/models/{REPO}/revision/{REVISION}":
            self._json(self._info(blobs="blobs=" in address.query))
        elif address.path.startswith(f"/{REPO}/resolve/{REVISION}/"):
            self._resolve(address.path.rsplit("/", 1)[1])
        elif address.path.startswith("/cdn/"):
            self._bytes(address.path.rsplit("/", 1)[1])
        else:
            self._send(404, b"Not Found")

    def _commits(self, page: int) -> None:
        shown = self.toy.commits[2 * page : 2 * page + 2]
        more = {}
        if 2 * page + 2 < len(self.toy.commits):
            more["Link"] = f'<{self.toy.url}/api/models/{REPO}/commits/main?p={page + 1}>; rel="next"'
        one = {"title": "Update", "message": "", "authors": [{"user": "owner"}], "date": "2024-11-28T09:00:00.000Z"}
        self._json([{"id": commit, **one} for commit in shown], more)

    def _info(self, *, blobs: bool) -> dict[str, Any]:
        siblings = []
        for name, data in self.toy.files.items():
            entry: dict[str, Any] = {"rfilename": name}
            if blobs:
                entry |= {"size": len(data), "blobId": git_sha1(data)}
                if len(data) >= LARGE:
                    entry["lfs"] = {"size": len(data), "sha256": self.toy.sha256(name), "pointerSize": 135}
            siblings.append(entry)
        return {"id": REPO, "modelId": REPO, "sha": REVISION, "private": False, "tags": [], "siblings": siblings}

    def _resolve(self, name: str) -> None:
        if name not in self.toy.files:
            self._send(404, b"Entry not found")
            return
        data = self.toy.files[name]
        if len(data) < LARGE:
            self._bytes(name)
            return
        self._send(302, b"", {
            "Location": f"{self.toy.url}/cdn/{name}?signature=x", "X-Repo-Commit": REVISION,
            "X-Linked-Size": str(len(data)), "X-Linked-Etag": f'"{self.toy.sha256(name)}"',
        })  # fmt: skip

    def _bytes(self, name: str) -> None:
        data = self.toy.files[name]
        if name in self.toy.spoiled:
            data = data[:-1] + bytes([data[-1] ^ 1])
        start, status, more = 0, 200, {"X-Repo-Commit": REVISION, "ETag": f'"{git_sha1(data)}"'}
        asked = self.headers.get("Range", "")
        if asked and self.toy.ranges:
            start, status = int(asked.removeprefix("bytes=").removesuffix("-")), 206
            more["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        cut = self.toy.cut.pop(name, None) if self.command == "GET" else None
        self._send(status, data[start:], more, cut=cut)

    def _json(self, value: object, more: dict[str, str] | None = None) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json", **(more or {})})

    def _send(self, status: int, body: bytes, more: dict[str, str] | None = None, cut: int | None = None) -> None:
        self.send_response(status)
        for key, value in {"Content-Length": str(len(body)), **(more or {})}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        try:
            self.wfile.write(body[:cut])
        except OSError:
            return
        if cut is not None:
            self.close_connection = True


@dataclass
class TakingHub(ToyHub):
    """As `ToyHub`, closed to whoever has not its token.

    Attributes
    ----------
    made : how repositories were asked for.
    commits_taken : the lines of every commit.
    stored : content of large files by SHA-256.
    refusing : status that answers every commit; 0 = it is taken.
    """

    made: list[dict[str, Any]] = field(default_factory=list)
    commits_taken: list[list[dict[str, Any]]] = field(default_factory=list)
    stored: dict[str, bytes] = field(default_factory=dict)
    refusing: int = 0

    def __enter__(self) -> TakingHub:
        hub = self

        class Handler(_Taking):
            toy = hub

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        return self


class _Taking(_Handler):
    toy: TakingHub

    def _answer(self) -> None:
        path = urlsplit(self.path).path
        if not self._may():
            self._send(401, b"{}")
        elif path == f"/api/models/{REPO}/tree/main":
            self._json([
                {"type": "file", "path": name, "size": len(data), "oid": "0" * 40}
                for name, data in self.toy.files.items()
            ])  # fmt: skip
        else:
            super()._answer()

    def do_POST(self) -> None:
        body, path = self._body(), urlsplit(self.path).path
        if not self._may():
            self._send(401, b"{}")
        elif path == "/api/repos/create":
            self.toy.made.append(json.loads(body))
            if len(self.toy.made) > 1:
                self._answer_json({"url": f"{self.toy.url}/{REPO}", "error": "You already created this"}, 409)
            else:
                self._answer_json({"url": f"{self.toy.url}/{REPO}"})
        elif path == "/api/validate-yaml":
            self._answer_json({"errors": [], "warnings": []})
        elif path == f"/api/models/{REPO}/preupload/main":
            self._answer_json({"files": [
                {"path": one["path"], "uploadMode": "lfs" if one["size"] >= LARGE else "regular", "shouldIgnore": False}
                for one in json.loads(body)["files"]
            ]})  # fmt: skip
        elif path == f"/{REPO}.git/info/lfs/objects/batch":
            self._answer_json({"transfer": "basic", "objects": [
                {"oid": one["oid"], "size": one["size"],
                 "actions": {"upload": {"href": f"{self.toy.url}/store/{one['oid']}"}}}
                for one in json.loads(body)["objects"]
            ]})  # fmt: skip
        elif path == f"/api/models/{REPO}/commit/main":
            self._commit([json.loads(line) for line in body.splitlines()])
        else:
            self._send(404, b"{}")

    def do_PUT(self) -> None:
        body, name = self._body(), self.path.rsplit("/", 1)[1]
        if hashlib.sha256(body).hexdigest() == name:
            self.toy.stored[name] = body
        self._send(200 if name in self.toy.stored else 400, b"")

    def _commit(self, lines: list[dict[str, Any]]) -> None:
        if self.toy.refusing:
            self._send(self.toy.refusing, b"{}")
            return
        self.toy.commits_taken.append(lines)
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                self.toy.files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                self.toy.files[value["path"]] = self.toy.stored[value["oid"]]
            elif line["key"] == "deletedFile":
                del self.toy.files[value["path"]]
        self._answer_json({"commitUrl": f"{self.toy.url}/{REPO}/commit/{REVISION}", "commitOid": REVISION})

    def _may(self) -> bool:
        # What a link to the store says is enough for the store.
        return "/store/" in self.path or "/cdn/" in self.path or self.headers.get("Authorization") == f"Bearer {TOKEN}"

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while length := int(self.rfile.readline(), 16):
            body += self.rfile.read(length)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _answer_json(self, value: object, status: int = 200) -> None:
        self._send(status, json.dumps(value).encode(), {"Content-Type": "application/json"})
