"""Every error the user may meet, on either side of the wire.

The reply of the server carries the class name and the client raises the same class::

    SeagullError                     .hint: what the user can do next
    |-- ImageError (ValueError)      not an image, empty, too large, not numbers
    |-- RegionError (ValueError)
    |   |-- EmptyRegionError         no pixel inside the image
    |   |-- ShapeMismatchError       the mask belongs to another image
    |   `-- UnknownRegionError       no such region id
    |-- ModelError
    |   |-- UnknownModelError        no model of that name or at that path
    |   |-- CheckpointError          the weights do not fit
    |   `-- OutOfMemoryError
    |-- JobError
    |   |-- UnknownJobError
    |   |-- JobCancelledError        somebody cancelled it
    |   `-- SupersededError          a newer request for the same region took its place
    |-- LimitError                   larger than this server or program accepts
    `-- BackendError
        |-- BackendMissingError      the backend is not installed
        |-- BackendUnreachableError  nobody answers, or it went away
        |-- AccessError              wrong or missing token, or a foreign Host
        |-- UnknownImageError        the server has not seen (or has forgotten) the image
        `-- ProtocolError            the two ends speak different versions, or nonsense
"""

from __future__ import annotations


class SeagullError(Exception):
    """Anything that goes wrong in a way the user can read and act upon.

    Parameters
    ----------
    message : str
        One sentence that says what is wrong.
    hint : str, default ""
        One sentence that says what the user can do next.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class ImageError(SeagullError, ValueError):
    """The data is not an image that can be scored."""


class RegionError(SeagullError, ValueError):
    """The region does not fit its image."""


class EmptyRegionError(RegionError):
    """The region holds no pixel of the image."""


class ShapeMismatchError(RegionError):
    """The mask has another height or width than the image."""


class UnknownRegionError(RegionError):
    """No region has that id."""


class ModelError(SeagullError):
    """The model cannot do what was asked."""


class UnknownModelError(ModelError):
    """No model of that name, and no folder or file at that path."""


class CheckpointError(ModelError):
    """The weights do not fit the model; the message names the keys."""


class OutOfMemoryError(ModelError):
    """The device has not enough memory."""


class JobError(SeagullError):
    """Long work that did not end well."""


class UnknownJobError(JobError):
    """No job has that id."""


class JobCancelledError(JobError):
    """Somebody cancelled the job."""


class SupersededError(JobError):
    """A newer request for the same region took the place of this one."""


class LimitError(SeagullError):
    """Larger than what is accepted; the message gives the bound."""


class BackendError(SeagullError):
    """The plugin and the server do not come together."""


class BackendMissingError(BackendError):
    """The backend's packages are not installed."""


class BackendUnreachableError(BackendError):
    """Nobody answers at the server's address, or it went away during the request."""


class AccessError(BackendError):
    """The token is missing or wrong, or the request came under a foreign Host."""


class UnknownImageError(BackendError):
    """The server has not seen the image, or has forgotten it."""


class ProtocolError(BackendError):
    """The two ends speak different versions, or the reply is not understood."""


def error_classes() -> dict[str, type[SeagullError]]:
    """Class name -> class, for the wire: the whole tree above, the root included, and nothing defined elsewhere."""
    found: dict[str, type[SeagullError]] = {}
    waiting: list[type[SeagullError]] = [SeagullError]
    while waiting:
        cls = waiting.pop()
        if cls.__module__ == __name__:
            found[cls.__name__] = cls
        waiting.extend(cls.__subclasses__())
    return found
