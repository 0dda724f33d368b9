"""What the server says when something fails: a readable error, and its HTTP status."""

from __future__ import annotations

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import TypeVar

from seagull_iqa import errors

T = TypeVar("T")

_LOG = logging.getLogger(__name__)

_STATUS: dict[type[errors.SeagullError], HTTPStatus] = {
    errors.UnknownRegionError: HTTPStatus.NOT_FOUND,
    errors.UnknownImageError: HTTPStatus.NOT_FOUND,
    errors.UnknownJobError: HTTPStatus.NOT_FOUND,
    errors.UnknownModelError: HTTPStatus.NOT_FOUND,
    errors.ImageError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.RegionError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.JobError: HTTPStatus.CONFLICT,
    errors.LimitError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.AccessError: HTTPStatus.UNAUTHORIZED,
    errors.ProtocolError: HTTPStatus.BAD_REQUEST,
    errors.SeagullError: HTTPStatus.SERVICE_UNAVAILABLE,
}


class QueueFullError(errors.LimitError):
    """Too much is waiting already."""

    def __init__(self, what: str) -> None:
        super().__init__(f"The server has too many {what} waiting.", "Wait until some are done, then try again.")


class ForeignError(errors.AccessError):
    """The request came under a foreign Host, or from a web page."""


class ModelInUseError(errors.ModelError):
    """The model answers, or is on its way here, so it cannot be removed now."""


_STATUS[ModelInUseError] = HTTPStatus.CONFLICT
_STATUS[QueueFullError] = HTTPStatus.TOO_MANY_REQUESTS
_STATUS[ForeignError] = HTTPStatus.FORBIDDEN


def status_of(error: errors.SeagullError) -> int:
    """The HTTP status of an error: that of the nearest class in its family."""
    return next(int(_STATUS[kind]) for kind in type(error).__mro__ if kind in _STATUS)


def attempted(work: Callable[[], T]) -> T | errors.SeagullError:
    """Do the work on the job thread; an exception of any kind becomes a readable error, given back."""
    try:
        return work()
    except errors.SeagullError as error:
        return _bare(error)
    except Exception as error:  # noqa: BLE001 - the job thread's door: one failed job must not end the thread
        return _bare(_readable(error))


def _bare(error: errors.SeagullError) -> errors.SeagullError:
    """Without the frames it came through: they would keep the model and its looks alive as long as the error."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


def _readable(error: Exception) -> errors.SeagullError:
    # By name, so that this module needs no torch.
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return errors.OutOfMemoryError(
            "The device has not enough memory.", "Score a smaller image, close other programs, or use another device."
        )
    _LOG.error("The model failed.", exc_info=error)
    return errors.ModelError(
        f"The model failed: {type(error).__name__}: {error}".splitlines()[0][:300],
        "Look at the server's terminal, and report it with what is written there.",
    )
