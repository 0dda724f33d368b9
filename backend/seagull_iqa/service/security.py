"""Who may ask: the gate before every route checks Host, Origin and token, and bounds what is sent."""

from __future__ import annotations

import hmac
from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from seagull_iqa import wire
from seagull_iqa.errors import AccessError, LimitError, SeagullError
from seagull_iqa.messages import ErrorMessage
from seagull_iqa.service.failures import ForeignError, status_of

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})
"""Under which a browser cannot be lured here by somebody else's DNS."""

_OPEN_PATH = "/v1/health"
_STREAMED = ("/v1/images/", "/v1/label-sets/", "/v1/tuned/")
"""What is put there bounds itself while it comes."""


def error_response(error: SeagullError) -> JSONResponse:
    """The reply that says what went wrong, in letters that any end can read."""
    said = ErrorMessage.of(error).model_dump()
    safe = {key: value.encode("utf-8", "replace").decode() for key, value in said.items()}
    headers = {"WWW-Authenticate": "Bearer"} if isinstance(error, AccessError) else None
    return JSONResponse(safe, status_code=status_of(error), headers=headers)


class Gate:
    """The outermost layer of the application.

    Parameters
    ----------
    app : ASGI application
        What is behind the gate.
    token : str
        What must be shown, everywhere but at the health route.
    names : iterable of str
        Names of this server, besides those of the loopback, that the Host header may carry.
    json_bytes : int
        Longest body of every request but an image's, in bytes.
    """

    def __init__(self, app: ASGIApp, token: str, names: Iterable[str] = (), json_bytes: int = 2**24) -> None:
        self._app = app
        self._token = token.encode()
        self._names = LOOPBACK_NAMES | {_bracketed(name) for name in names}
        self._json_bytes = json_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or say why not."""
        if scope["type"] != "http":
            await _refuse_other(scope, receive, send)
            return
        marked = _marked(send)
        try:
            self._admit(scope)
            inner = receive if _is_streamed(scope) else await self._bounded(scope, receive)
        except SeagullError as error:
            await error_response(error)(scope, receive, marked)
            return
        if inner is not None:
            await self._app(scope, inner, marked)

    def _admit(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or _name(hosts[0]) not in self._names:
            raise ForeignError(
                "The request came under a name that is not this server's.",
                "Use 127.0.0.1, or start the server with --allow-host NAME.",
            )
        if "origin" in headers or headers.get("sec-fetch-site", "none") != "none":
            raise ForeignError("Web pages may not ask this server.", "Use napari, the command line or curl.")
        if scope["path"] != _OPEN_PATH:
            self._check_token(headers.getlist("authorization"))

    def _check_token(self, shown: list[str]) -> None:
        kind, _, token = shown[0].partition(" ") if len(shown) == 1 else ("", "", "")
        # Constant time over bytes: compare_digest refuses letters beyond ASCII.
        right = hmac.compare_digest(token.strip().encode("latin-1", "replace"), self._token)
        if not right or kind.lower() != "bearer":
            raise AccessError(
                "The token is missing or wrong.",
                "Copy the token that the server was started with, or has printed, and connect again.",
            )

    async def _bounded(self, scope: Scope, receive: Receive) -> Receive | None:
        """Read the body, never beyond the bound; None where the client went away meanwhile."""
        declared = Headers(scope=scope).get("content-length", "0")
        if not declared.isdigit() or len(declared) > 18 or int(declared) > self._json_bytes:
            raise self._too_long()
        body = bytearray()
        more = True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return None
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > self._json_bytes:
                raise self._too_long()
        return _replayed(bytes(body), receive)

    def _too_long(self) -> LimitError:
        return LimitError(
            f"The request is longer than {self._json_bytes} bytes.", "Ask for fewer regions at a time, or simpler ones."
        )


def _is_streamed(scope: Scope) -> bool:
    return scope["method"] == "PUT" and str(scope["path"]).startswith(_STREAMED)


def _name(host: str) -> str:
    """The name in a Host header, without its port; "" where it is none."""
    name, colon, port = host.rpartition(":")
    if not colon or host.endswith("]"):
        name, port = host, "0"
    return name.lower() if port.isascii() and port.isdigit() else ""


def _bracketed(name: str) -> str:
    bare = name.strip().strip("[]").lower()
    return f"[{bare}]" if ":" in bare else bare


def _replayed(body: bytes, receive: Receive) -> Receive:
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay


def _marked(send: Send) -> Send:
    async def marked(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers[wire.PROTOCOL_HEADER] = str(wire.PROTOCOL)
            headers["cache-control"] = "no-store"
            headers["x-content-type-options"] = "nosniff"
        await send(message)

    return marked


async def _refuse_other(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})
