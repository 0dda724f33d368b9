"""One door to the server: a request goes out, a reply or one readable error comes back."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from pydantic import ValidationError

from seagull_iqa.errors import AccessError, BackendError, BackendUnreachableError, ProtocolError, SeagullError
from seagull_iqa.messages import ErrorMessage, Message
from seagull_iqa.wire import PROTOCOL, PROTOCOL_HEADER

if TYPE_CHECKING:
    import httpx2

MessageType = TypeVar("MessageType", bound=Message)

Body = bytes | Iterator[bytes] | None

_CONNECT_S = 5.0
_JSON = {"Content-Type": "application/json"}


def is_loopback(host: str) -> bool:
    """True for "localhost" and the addresses of this machine itself."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class Door:
    """Sends requests under a token; every failure leaves it as a `SeagullError`.

    Parameters
    ----------
    url : str
        Where the server is, "http://127.0.0.1:8765".
    token : str
        What it asks for.
    transport : httpx2.BaseTransport or None
        In place of sockets.
    timeout_s : float
        Longest silence of the server, in s.
    """

    def __init__(
        self, url: str, token: str, *, transport: httpx2.BaseTransport | None = None, timeout_s: float = 30.0
    ) -> None:
        import httpx2  # takes a while to load, and is not needed before there is a server

        self.url = _checked(url)
        # A proxy of the environment cannot reach this machine's own loopback.
        trust = not is_loopback(urlsplit(self.url).hostname or "")
        self._http = httpx2.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {_header_safe(token)}"},
            transport=transport,
            timeout=httpx2.Timeout(timeout_s, connect=min(timeout_s, _CONNECT_S)),
            trust_env=trust,
            follow_redirects=False,
        )

    def close(self) -> None:
        """Give the connections back; harmless twice."""
        self._http.close()

    def bytes(self, method: str, path: str, *, body: Body = None, headers: dict[str, str] | None = None) -> bytes:
        """Send, and give the body of a good reply."""
        with self._translated():
            reply = self._http.request(method, path, content=body, headers=headers)
        return _good(reply).content

    def message(self, kind: type[MessageType], method: str, path: str, sent: Message | None = None) -> MessageType:
        """Send a message or nothing, and read the reply as a message of that kind."""
        if sent is None:
            return parsed(kind, self.bytes(method, path))
        return parsed(kind, self.bytes(method, path, body=sent.model_dump_json().encode(), headers=_JSON))

    def slow_message(self, kind: type[MessageType], path: str, sent: Message, *, silence_s: float) -> MessageType:
        """Post a message that a server thinks about for long: up to `silence_s`, in s."""
        import httpx2

        body, patience = sent.model_dump_json().encode(), httpx2.Timeout(silence_s, connect=_CONNECT_S)
        with self._translated():
            reply = self._http.request("POST", path, content=body, headers=_JSON, timeout=patience)
        return parsed(kind, _good(reply).content)

    def exists(self, path: str) -> bool:
        """True where a HEAD request finds something, False where it is not found."""
        with self._translated():
            reply = self._http.head(path)
        return reply.status_code != HTTPStatus.NOT_FOUND and _good(reply).is_success

    def events(self, path: str, sent: Message | None = None) -> Generator[str, None, None]:
        """The data of each server-sent event, until the server ends the stream; posts a message where there is one."""
        body = None if sent is None else sent.model_dump_json().encode()
        headers = None if sent is None else _JSON
        verb = "GET" if sent is None else "POST"
        with self._translated(), self._http.stream(verb, path, content=body, headers=headers) as reply:
            if not reply.is_success:
                reply.read()
            _good(reply)
            for line in reply.iter_lines():
                if line.startswith("data:"):
                    yield line[len("data:") :].strip()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        import httpx2

        try:
            yield
        except httpx2.TimeoutException as error:
            raise BackendUnreachableError(
                f"The server at {self.url} did not answer in time.", "Try again, or start it anew."
            ) from error
        except (httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL) as error:
            raise BackendUnreachableError(
                f"Nobody answers at {self.url}, or the server went away during the request.",
                "Start the server, or check its address.",
            ) from error
        except RuntimeError as error:
            # What the library raises for a request after close().
            raise BackendUnreachableError(
                "The connection to the server has been closed.", "Connect to the server again."
            ) from error


def parsed(kind: type[MessageType], body: bytes | str) -> MessageType:
    """Read a message; `ProtocolError` where it is not one of that kind."""
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        raise ProtocolError(
            "The server's reply is not understood.", "Install the same version of napari-seagull at both ends."
        ) from error


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url.strip())
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable:
        raise BackendUnreachableError(
            f"{url!r} is not the address of a server.", "Give one like http://127.0.0.1:8765."
        )
    return url.strip().rstrip("/")


def _header_safe(token: str) -> str:
    if not token.isascii() or not token.isprintable():
        raise AccessError("The token holds letters that cannot be sent.", "Copy it again from the server's terminal.")
    return token


def _good(reply: httpx2.Response) -> httpx2.Response:
    spoken = reply.headers.get(PROTOCOL_HEADER)
    if spoken is None:
        raise _foreign(reply)
    if spoken != str(PROTOCOL):
        raise ProtocolError(
            f"The server speaks version {spoken} of the protocol, this side version {PROTOCOL}.",
            "Install the same version of napari-seagull at both ends.",
        )
    if not reply.is_success:
        raise _said(reply)
    return reply


def _foreign(reply: httpx2.Response) -> BackendError:
    if reply.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return BackendUnreachableError(
            f"The server cannot answer now (HTTP {reply.status_code}).", "Try again in a moment."
        )
    return ProtocolError(
        f"What answers at {reply.url} is not a SEAGULL server (HTTP {reply.status_code}).",
        "Check the address and the port.",
    )


def _said(reply: httpx2.Response) -> SeagullError:
    try:
        return ErrorMessage.model_validate(json.loads(reply.content)).exception()
    except (ValueError, RecursionError):
        if reply.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            return AccessError("The server refuses this token.", "Copy the token again from the server's terminal.")
        return ProtocolError(
            f"The server answered HTTP {reply.status_code} without saying why.", "Look at the server's terminal."
        )
