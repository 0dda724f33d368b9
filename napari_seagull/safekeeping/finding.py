"""What there is of an image already: a session to resume, and whether another window works on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from napari_seagull.safekeeping.locks import Holder, Lock, LockHeldError, holder_of
from napari_seagull.safekeeping.places import Origin, Place, Places
from napari_seagull.session.records import Plane
from seagull_iqa.errors import SeagullError
from seagull_iqa.formats.journal import recover
from seagull_iqa.formats.session_document import SessionDocument
from seagull_iqa.formats.session_file import write_session


@dataclass(frozen=True, eq=False)
class Found:
    """What there is.

    Attributes
    ----------
    origin : Origin
    place : Place
        Where the session of this image lies, or would lie.
    document : SessionDocument or None
        What can be resumed; None where there is nothing, or nothing that says anything.
    kept_at : Place
        Where that document lies: elsewhere than `place` where the image was moved.
    holder : Holder or None
        Who works on it at present.
    notes : tuple of str
        What a person should know, one sentence each.
    """

    origin: Origin
    place: Place
    document: SessionDocument | None
    kept_at: Place
    holder: Holder | None
    notes: tuple[str, ...] = ()


def look(places: Places, origin: Origin, shape: tuple[int, int], planes: Mapping[Plane, str]) -> Found:
    """Look what there is of an image; reads files, so on a thread of its own.

    Parameters
    ----------
    places : Places
    origin : Origin
    shape : (int, int)
        Height and width of the image in px.
    planes : mapping of plane to str
        Content hash of what is shown.
    """
    own = places.own_place_of(origin)
    try:
        place = places.place_of(origin)
        kept_at = next((one for one in (place, own) if one.exists), None) or _moved_from(places, origin) or place
    except OSError:  # its folder cannot be reached, or its name is too long for a neighbour
        place = kept_at = own
    holder = holder_of(kept_at.lock) or holder_of(place.lock)
    try:
        recovered = recover(kept_at.side_car, kept_at.journal)
    except SeagullError as error:
        return Found(origin, place, None, kept_at, holder, (f"An earlier session cannot be read: {error}",))
    document, notes = recovered.document, list(recovered.notes)
    if document is None or not _says_something(document):
        return Found(origin, place, None, kept_at, holder, tuple(notes))
    if document.image is not None and document.image.shape != shape:
        said = "x".join(str(side) for side in document.image.shape)
        notes.append(f"{kept_at.side_car.name} is about an image of {said} px, so this is another one; it is kept.")
        return Found(origin, place, None, kept_at, holder, tuple(notes))
    notes += _changes(document, planes, kept_at, place)
    return Found(origin, place, document, kept_at, holder, tuple(notes))


def _says_something(document: SessionDocument) -> bool:
    return bool(document.regions or document.preferences)


def _moved_from(places: Places, origin: Origin) -> Place | None:
    """The session of a file that shows the same and is no longer where it was."""
    place = places.remembered(origin.sha256) if origin.file is not None else None
    if place is None:
        return None
    try:
        image = recover(place.side_car, place.journal).document
    except SeagullError:
        return None
    was = "" if image is None or image.image is None else image.image.path
    return place if was and not Path(was).exists() else None


def _changes(document: SessionDocument, planes: Mapping[Plane, str], kept_at: Place, place: Place) -> list[str]:
    seen = {} if document.image is None else dict(document.image.planes)
    said = []
    if any(seen.get(plane, sha256) != sha256 for plane, sha256 in planes.items()):
        said.append("The image, or how it is shown, has changed since: its regions are scored again.")
    if kept_at != place:
        said.append(f"The image was moved; its session was found as {kept_at.side_car}.")
    return said


@dataclass(frozen=True, eq=False)
class Claim:
    """A place that is ours to write, and what its file holds at first."""

    place: Place
    lock: Lock
    document: SessionDocument
    notes: tuple[str, ...] = ()


def claim(places: Places, found: Found, *, resumed: bool) -> Claim:
    """Take a place for this window; an earlier session that is not resumed is put aside under a number, never lost.

    Raises
    ------
    SeagullError
        Neither beside the image nor in our own folder can anything be written.
    """
    try:
        return _claim_at(found.place, found, resumed=resumed)
    except OSError as error:
        own = places.own_place_of(found.origin)
        if own.side_car == found.place.side_car:
            raise _unwritable(own, error) from error
    try:
        return _claim_at(own, found, resumed=resumed)
    except OSError as error:
        raise _unwritable(own, error) from error


def _unwritable(place: Place, error: OSError) -> SeagullError:
    return SeagullError(
        f"Your work cannot be saved at {place.side_car.parent} ({error.strerror or error}).",
        "Make room there, or set SEAGULL_SESSIONS to another folder.",
    )


def _claim_at(place: Place, found: Found, *, resumed: bool) -> Claim:
    notes: list[str] = []
    try:
        lock = Lock.take(place.lock)
    except LockHeldError as error:
        place, lock = _free(place)
        notes.append(f"{error.message} This window saves to {place.side_car.name}.")
        return Claim(place, lock, _fresh(found, resumed=resumed), tuple(notes))
    taken_up = found.document if resumed else None
    if taken_up is not None and not _went_on(place, taken_up):
        return Claim(place, lock, taken_up)
    if place.exists:
        aside = _put_aside(place)
        if aside is not None:
            whose = "The earlier session" if taken_up is None else "What another window did meanwhile"
            notes.append(f"{whose} is kept as {aside.side_car.name}.")
    return Claim(place, lock, _fresh(found, resumed=resumed), tuple(notes))


def _went_on(place: Place, document: SessionDocument) -> bool:
    """Whether somebody has written there since that session was read."""
    try:
        now = recover(place.side_car, place.journal).document
    except SeagullError:
        return True
    return now is not None and (now.session, now.journal) != (document.session, document.journal)


def _fresh(found: Found, *, resumed: bool) -> SessionDocument:
    """A session of its own, which may begin with what another one holds."""
    if resumed and found.document is not None:
        return replace(found.document, session=SessionDocument().session, journal=0)
    return SessionDocument()


def _free(place: Place) -> tuple[Place, Lock]:
    while True:
        other = next(one for one in place.numbered() if not one.exists and holder_of(one.lock) is None)
        try:
            return other, Lock.take(other.lock)
        except LockHeldError:
            continue  # somebody was quicker


def _put_aside(place: Place) -> Place | None:
    """Give an earlier session a name of its own; None where it said nothing."""
    try:
        document = recover(place.side_car, place.journal).document
    except SeagullError:
        document = None
    else:
        if document is None or document.image is None or not _says_something(document):
            place.side_car.unlink(missing_ok=True)
            place.journal.unlink(missing_ok=True)
            return None
    aside = next(other for other in place.numbered() if not other.exists)
    if document is not None:
        write_session(aside.side_car, document)
        place.side_car.unlink(missing_ok=True)
        place.journal.unlink(missing_ok=True)
        return aside
    for old, new in ((place.side_car, aside.side_car), (place.journal, aside.journal)):
        if old.exists():
            old.replace(new)
    return aside
