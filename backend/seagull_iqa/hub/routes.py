"""The three questions that are asked of a model hub: its commits, a revision's files, and a file's bytes.

Spoken directly rather than through `huggingface_hub`, whose 2.x throws a partial file away when a download breaks off
and asks its server which program is calling; nothing but these three addresses is ever requested. A token is sent only
for a repository whose licence has to be accepted, or which may be a private one of a person's.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from itertools import islice
from typing import TypeVar
from urllib.parse import quote

import httpx2
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from seagull_iqa.errors import CheckpointError, ModelError

TOKEN_VARIABLE = "HF_TOKEN"
_ENDPOINT = "https://huggingface.co"
_TIMEOUT_S = 20.0
_PAGES = 50
_HEX40 = r"^[0-9a-f]{40}$"
_KEPT = "What has come stays, and the next download goes on from there."

Parsed = TypeVar("Parsed")


def endpoint() -> str:
    """Where the hub answers; HF_ENDPOINT names a mirror."""
    return (os.environ.get("HF_ENDPOINT") or _ENDPOINT).rstrip("/")


class _Commit(BaseModel):
    id: str = Field(pattern=_HEX40)


class _Lfs(BaseModel):
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size: int = Field(ge=0)


class _Sibling(BaseModel):
    rfilename: str
    size: int | None = Field(default=None, ge=0)
    blob_id: str | None = Field(default=None, alias="blobId", pattern=_HEX40)
    lfs: _Lfs | None = None


class _Info(BaseModel):
    sha: str = Field(pattern=_HEX40)
    siblings: list[_Sibling]


class HubFile(BaseModel):
    """A file of a revision: `sha256` of its content where the hub keeps it as large, else git's own `sha1`."""

    name: str
    size: int
    sha256: str = ""
    sha1: str = ""


_COMMITS = TypeAdapter(list[_Commit])
_INFO = TypeAdapter(_Info)


class HubLostError(ModelError):
    """The connection broke or stood still, or the hub is busy; asking again may help."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The connection to the model hub was lost ({reason}).", _KEPT)


class Hub:
    """One repository of a hub; HF_ENDPOINT names a mirror.

    Parameters
    ----------
    repo : str
        "owner/name".
    gated : bool
        Its licence has to be accepted there: HF_TOKEN says who asks.
    private : bool
        It is a person's, and may be closed to others: HF_TOKEN, or the token of a login, says who asks.
    """

    def __init__(self, repo: str, *, gated: bool = False, private: bool = False) -> None:
        self._repo, self._gated, self._private = repo, gated, private
        self.endpoint = endpoint()
        headers = {"User-Agent": "napari-seagull", "Accept-Encoding": "identity"}
        token = os.environ.get(TOKEN_VARIABLE, "") if gated or private else ""
        if private and not token:
            token = _login()
        if token:
            # The client drops it when it is sent on to another host.
            headers["Authorization"] = f"Bearer {token}"
        self._http = httpx2.Client(headers=headers, timeout=_TIMEOUT_S, follow_redirects=True)

    def close(self) -> None:
        """Hang up."""
        self._http.close()

    def revision(self, beginning: str) -> str:
        """The 40 letters of the commit that begins so; of the newest where nothing is given.

        Raises
        ------
        CheckpointError
            The repository has none, or more than one.
        ModelError
            The hub cannot be reached, or does not answer like one.
        """
        if not beginning:
            found = set(islice(self._commits(), 1))
        else:
            found = {commit for commit in self._commits() if commit.startswith(beginning)}
        if len(found) != 1:
            raise CheckpointError(
                f"{self._repo} at {self.endpoint} holds {len(found) or 'no'} revision{'s' * (len(found) > 1)} "
                f"{beginning}, and no other one is accepted.",
                "Its history was rewritten: ask the developers of napari-seagull before using what is there now.",
            )
        return found.pop()

    def _commits(self) -> Iterator[str]:
        url: str | None = f"{self.endpoint}/api/models/{self._repo}/commits/main"
        for _ in range(_PAGES):
            if url is None:
                return
            reply = self._get(url)
            yield from (commit.id for commit in self._understood(_COMMITS, reply))
            url = reply.links.get("next", {}).get("url")

    def files(self, revision: str) -> dict[str, HubFile]:
        """The files of a revision by name; errors as for `revision`."""
        info = self._understood(
            _INFO, self._get(f"{self.endpoint}/api/models/{self._repo}/revision/{revision}?blobs=true")
        )
        if info.sha != revision:
            raise CheckpointError(f"The hub gave revision {info.sha[:7]} of {self._repo} for {revision[:7]}.")
        return {one.rfilename: _hub_file(one) for one in info.siblings if one.lfs or one.size is not None}

    @contextmanager
    def content(self, revision: str, name: str, start: int) -> Iterator[httpx2.Response]:
        """A file's bytes from `start` on, as a reply that streams: status 206 from there, 200 from the beginning.

        Raises
        ------
        HubLostError
            The connection broke; asking again from where it stopped may help.
        ModelError
            The hub does not give it out.
        """
        url = self._address(revision, name)
        headers = {"Range": f"bytes={start}-"} if start else {}
        try:
            with self._http.stream("GET", url, headers=headers) as reply:
                self._check(reply)
                yield reply
        except httpx2.TransportError as error:
            raise HubLostError(_reason(error)) from error

    def _address(self, revision: str, name: str) -> str:
        return f"{self.endpoint}/{self._repo}/resolve/{revision}/{quote(name)}"

    def _get(self, url: str) -> httpx2.Response:
        try:
            reply = self._http.get(url)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise ModelError(
                f"The model hub at {self.endpoint} cannot be reached ({_reason(error)}).",
                "Check the network, or name a mirror by HF_ENDPOINT.",
            ) from error
        self._check(reply)
        return reply

    def _check(self, reply: httpx2.Response) -> None:
        status = reply.status_code
        if reply.is_success:
            return
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN) and self._gated:
            raise ModelError(
                f"The model hub gives out {self._repo} only to who accepted its licence (it answered {status}).",
                f"Accept it at {_ENDPOINT}/{self._repo}, make a token there that may read, and set {TOKEN_VARIABLE}.",
            )
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND) and self._private:
            raise ModelError(
                f"The model hub gives out no {self._repo} (it answered {status}).",
                f"Check the name; where it is private, set {TOKEN_VARIABLE} to a token that may read it.",
            )
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND):
            raise ModelError(
                f"The model hub does not give out {self._repo} (it answered {status}).",
                f"It was moved, removed or closed; see {_ENDPOINT}/{self._repo}.",
            )
        if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise HubLostError(f"it answered {status}")
        raise ModelError(f"The model hub answered {status}.", "Try again later.")

    def _understood(self, adapter: TypeAdapter[Parsed], reply: httpx2.Response) -> Parsed:
        try:
            return adapter.validate_json(reply.content)
        except ValidationError as error:
            raise ModelError(
                f"What answers at {self.endpoint} is no model hub.", "Check HF_ENDPOINT, and the proxy."
            ) from error


def _login() -> str:
    """The token that huggingface_hub keeps of a login; "" where there is none."""
    try:
        from huggingface_hub import get_token
    except ModuleNotFoundError:
        return ""
    return get_token() or ""


def _hub_file(one: _Sibling) -> HubFile:
    if one.lfs:
        return HubFile(name=one.rfilename, size=one.lfs.size, sha256=one.lfs.sha256)
    return HubFile(name=one.rfilename, size=one.size or 0, sha1=one.blob_id or "")


def _reason(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
