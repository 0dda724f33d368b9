"""What is said of sessions that are found, and asked where one goes on to another image."""

from __future__ import annotations

from napari_seagull.views.sizes import counted
from seagull_iqa.formats.session_document import SessionDocument


def found_sentence(document: SessionDocument) -> str:
    """What there is of an image already."""
    saved = f" of {document.saved[:10]} {document.saved[11:16]} UTC" if document.saved else ""
    return f"An earlier session{saved} holds {counted(len(document.regions), 'region')} of this image."


def turn_question(many: int, former: str, now: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Whether regions of another image are put away; the question, and each answer with what it means."""
    return (
        f"The {counted(many, 'region')} on the table {'is' if many == 1 else 'are'} of “{former}”. "
        f"Begin anew with “{now}”?",
        (
            ("Begin anew", f"They are put away, and come back with “{former}”: they are saved"),
            ("Keep them", "Go on with them on this image, an edited copy say"),
        ),
    )
