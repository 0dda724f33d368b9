"""Which model answers, how warm it is, and what another one would cost: the facts, and the sentences of the panel."""

from __future__ import annotations

from dataclasses import dataclass

from napari_seagull.views.sizes import share_words, size_words
from seagull_iqa.domain.model_offer import MemoryNeed, ModelOffer, OfferState
from seagull_iqa.domain.precision import Precision

HERE = (OfferState.SHIPPED, OfferState.READY)


@dataclass(frozen=True)
class Warmth:
    """What the server's model keeps of the images that it has looked at; sizes in bytes."""

    images: int = 0
    held_bytes: int = 0
    limit_bytes: int = 0


@dataclass(frozen=True)
class ModelFacts:
    """What a server says of its models.

    Attributes
    ----------
    offers : tuple of ModelOffer
        The models that can be had.
    in_use : str
        Name of the offer that answers; "" where none does.
    model : str
        Id of the card that answers now; "" while none does.
    precision, device : str
        In what numbers and where it computes.
    warmth : Warmth
    free_bytes : int
        Memory of the device that is free once the model in use is let go.
    offline : bool
        The server never reaches out.
    maps : tuple of str
        Names of the maps that the model makes.
    answers : bool
        The model answers free questions.
    """

    offers: tuple[ModelOffer, ...] = ()
    in_use: str = ""
    model: str = ""
    precision: str = ""
    device: str = ""
    warmth: Warmth = Warmth()
    free_bytes: int = 0
    offline: bool = False
    maps: tuple[str, ...] = ()
    answers: bool = False

    def offer(self, name: str) -> ModelOffer | None:
        """The offer of that name."""
        return next((offer for offer in self.offers if offer.name == name), None)

    def is_used(self, name: str, precision: str) -> bool:
        """True where that choice is what answers now."""
        return bool(self.model) and name == self.in_use and precision in (Precision.AUTO, self.precision)


def now_words(facts: ModelFacts) -> str:
    """Which model answers now, and how warm it is: "seagull-7b, bf16 on cuda:0; 2 images kept, 1.2 of 8 GB"."""
    if not facts.model:
        return "none answers yet"
    how = f", {facts.precision}" if facts.precision else ""
    return f"{facts.model}{how} on {facts.device}; {_warmth_words(facts.warmth)}"


def short_words(facts: ModelFacts) -> str:
    """The same beside the heading, where the line above names model and device: "bf16, 2 images kept, 1.2 of 8 GB"."""
    if not facts.model:
        return now_words(facts)
    return ", ".join(part for part in (facts.precision, _warmth_words(facts.warmth)) if part)


def _warmth_words(warmth: Warmth) -> str:
    if not warmth.images:
        return "no image kept yet"
    images = "1 image" if warmth.images == 1 else f"{warmth.images} images"
    return f"{images} kept, {share_words(warmth.held_bytes, warmth.limit_bytes)}"


def state_words(offer: ModelOffer, facts: ModelFacts) -> str:
    """Whether a model is here, for the list of models."""
    if offer.name == facts.in_use:
        return "in use"
    if offer.state is OfferState.PARTIAL:
        return "partly here"
    return "here" if offer.state in HERE else "to download"


def whereabouts(offer: ModelOffer, facts: ModelFacts) -> str:
    """Whether a model is here, and what a download would cost."""
    if offer.state is OfferState.SHIPPED:
        return "comes with the program"
    if offer.state is OfferState.READY:
        return f"{size_words(offer.present_bytes)} on disk"
    revision = f", revision {offer.revision[:7]}" if offer.revision else ""
    origin = f" from {offer.source.removeprefix('https://')}{revision}" if offer.source else ""
    if offer.state is OfferState.PARTIAL:
        said = f"{share_words(offer.present_bytes, offer.download_bytes)} here; the rest{origin}"
    else:
        said = f"{size_words(offer.download_bytes)}{origin}"
    return f"{said}. The server is offline and downloads nothing." if facts.offline else said


def memory_words(offer: ModelOffer, facts: ModelFacts) -> str:
    """Memory that is needed at each precision against what is free, and what fits."""
    needed = ", ".join(f"{need.precision} {size_words(need.nbytes)}" for need in offer.needs)
    if not needed or not facts.free_bytes:
        return needed
    slow = " On a CPU an image takes minutes." if _is_slow(offer, facts) else ""
    free = f"{size_words(facts.free_bytes)} free on {facts.device}"
    return f"{needed}; {free}. {_fit_words(offer, facts)}{slow}"


def _is_slow(offer: ModelOffer, facts: ModelFacts) -> bool:
    return facts.device == "cpu" and offer.state is not OfferState.SHIPPED


def _fit_words(offer: ModelOffer, facts: ModelFacts) -> str:
    fitting = [str(need.precision) for need in offer.needs if fits(need, facts)]
    if not fitting:
        return "It does not fit." if len(offer.needs) == 1 else "None of them fits."
    if len(fitting) == len(offer.needs):
        return "It fits." if len(fitting) == 1 else "All of them fit."
    return f"{_listed(fitting)} {'fits' if len(fitting) == 1 else 'fit'}."


def fits(need: MemoryNeed, facts: ModelFacts) -> bool:
    """True where so much memory is free, or nobody knows how much is."""
    return not facts.free_bytes or need.nbytes <= facts.free_bytes


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def download_question(offer: ModelOffer) -> str:
    """What is asked once before a download."""
    left = offer.download_bytes - offer.present_bytes
    resumed = "the remaining " if offer.state is OfferState.PARTIAL and left > 0 else ""
    size = size_words(left if resumed else offer.download_bytes)
    return f"Download {resumed}{size} of {offer.name}? {offer.licence}"


def removal_question(offer: ModelOffer) -> str:
    """What is asked once before a model is taken off the disk."""
    return f"Remove {offer.name} and free {size_words(offer.present_bytes)} of the disk? It can be downloaded again."
