"""Who writes a session file: a small file beside it that names the process, taken over where that process is gone."""

from __future__ import annotations

import json
import os
import platform
import time
import uuid
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from seagull_iqa.errors import SeagullError

FOREIGN_S = 600.0
"""A lock of another machine that was not touched for so long is stale; ours are touched more often."""


@dataclass(frozen=True)
class Holder:
    """Who holds a lock.

    Attributes
    ----------
    pid : int
    host : str
        Name of the machine.
    born : float
        When the process started, s since 1970; 0 where the system does not say.
    since : str
        When the lock was taken, ISO 8601, UTC.
    token : str
        Tells two windows of one process apart.
    """

    pid: int
    host: str
    born: float
    since: str
    token: str

    @classmethod
    def me(cls) -> Holder:
        """This process, just now."""
        pid = os.getpid()
        since = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return cls(pid, platform.node(), born(pid), since, uuid.uuid4().hex)

    def __str__(self) -> str:
        where = "" if self.host == platform.node() else f" on {self.host}"
        return f"process {self.pid}{where}, since {self.since[11:16]} UTC"


class LockHeldError(SeagullError):
    """Another window writes that file."""

    def __init__(self, holder: Holder) -> None:
        super().__init__(f"Another window works on this image ({holder}).", "Close it, or go on in another file.")
        self.holder = holder


class Lock:
    """A lock that is held; `release` it in the end."""

    def __init__(self, path: Path, holder: Holder) -> None:
        self._path, self._holder = path, holder

    @classmethod
    def take(cls, path: Path) -> Lock:
        """Take it, from a process that is gone if need be.

        Raises
        ------
        LockHeldError
            A process that lives holds it.
        OSError
            The folder cannot be written.
        """
        me = Holder.me()
        path.parent.mkdir(parents=True, exist_ok=True)
        for _try in range(3):
            try:
                with path.open("x", encoding="utf-8") as file:
                    json.dump(asdict(me), file)
            except FileExistsError:
                if (holder := holder_of(path)) is not None:
                    raise LockHeldError(holder) from None
                path.unlink(missing_ok=True)
                continue
            if _read(path) == me:
                return cls(path, me)
        raise LockHeldError(_read(path) or me)

    def touch(self) -> None:
        """Say that it is still held; other machines cannot see our processes."""
        try:
            os.utime(self._path)
        except OSError:
            return  # the folder went away; whoever writes there will be told

    def release(self) -> None:
        """Let others have it; harmless where it was taken over."""
        if _read(self._path) == self._holder:
            self._path.unlink(missing_ok=True)


def holder_of(path: Path) -> Holder | None:
    """Who holds a lock; None where nobody does who lives."""
    holder = _read(path)
    if holder is None:
        return None
    if holder.host != platform.node():
        try:
            return holder if time.time() - path.stat().st_mtime < FOREIGN_S else None
        except OSError:
            return None
    return holder if _lives(holder) else None


def _lives(holder: Holder) -> bool:
    """Whether the very process lives: a number may have been given to another one since."""
    started = born(holder.pid)
    return started > 0 and (holder.born == 0 or abs(started - holder.born) < 2.0)


def born(pid: int) -> float:
    """When a process started, s since 1970; 0 where there is none."""
    import psutil

    try:
        process = psutil.Process(pid)
        gone = process.status() == psutil.STATUS_ZOMBIE
        return 0.0 if gone else float(process.create_time())
    except psutil.Error:
        return 0.0


def _read(path: Path) -> Holder | None:
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        return Holder(int(said["pid"]), str(said["host"]), float(said["born"]), str(said["since"]), str(said["token"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
