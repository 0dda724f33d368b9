"""Files on a plain web server, as SAM's first checkpoints are: no revisions, and every file's hash is pinned."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

import httpx2

from seagull_iqa.errors import ModelError
from seagull_iqa.hub.routes import Hub, HubFile
from seagull_iqa.hub.sources import Source


class PlainSite(Hub):
    """A folder of a web server, asked for like a hub.

    Parameters
    ----------
    site : str
        Address of the folder.
    pinned : mapping of str to str
        File name -> SHA-256 in hex; no other file is known.
    """

    def __init__(self, site: str, pinned: Mapping[str, str]) -> None:
        super().__init__(site)
        self.endpoint = site.rstrip("/")
        self._pinned = pinned

    def revision(self, beginning: str) -> str:
        """There are none."""
        return beginning

    def files(self, revision: str) -> dict[str, HubFile]:
        """The pinned files, at the sizes that the server tells.

        Raises
        ------
        ModelError
            The server cannot be reached, does not give one out, or tells no size.
        """
        return {name: HubFile(name=name, size=self._size(name), sha256=sha) for name, sha in self._pinned.items()}

    def _size(self, name: str) -> int:
        try:
            reply = self._http.head(self._address("", name))
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise ModelError(f"{self.endpoint} cannot be reached.", "Check the network and the proxy.") from error
        self._check(reply)
        told = reply.headers.get("Content-Length", "")
        if not told.isdigit():
            raise ModelError(f"{self.endpoint} does not tell how large {name} is.", "Try again later.")
        return int(told)

    def _address(self, revision: str, name: str) -> str:
        return f"{self.endpoint}/{quote(name)}"


def origin_of(source: Source) -> Hub:
    """Who is asked for the files of a source."""
    return PlainSite(source.site, source.pinned) if source.site else Hub(source.repo, gated=source.gated)
