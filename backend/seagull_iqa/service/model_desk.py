"""Which models can be had, which one answers, and what is fetched or removed on the server's disk."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from seagull_iqa import wire
from seagull_iqa.domain.model_offer import ModelOffer
from seagull_iqa.errors import ModelError, UnknownModelError
from seagull_iqa.messages import ModelOfferMessage
from seagull_iqa.service.downloads import Downloads
from seagull_iqa.service.failures import ModelInUseError
from seagull_iqa.service.jobs import JobShelf
from seagull_iqa.service.model_work import ModelWork
from seagull_iqa.service.source import Choice, ModelSource


class ModelDesk:
    """The server's verbs about models; safe between threads. All may read the disk, so not in the event loop.

    Parameters
    ----------
    source : ModelSource
        Where models come from.
    work : ModelWork
        Uses the one that answers.
    shelf : JobShelf
        Where downloads stand.
    engine_in_use : callable
        Name of the engine that finds regions now.
    """

    def __init__(
        self, source: ModelSource, work: ModelWork, shelf: JobShelf, engine_in_use: Callable[[], str] = str
    ) -> None:
        self._source = source
        self._work = work
        self._downloads = Downloads(source.download, shelf)
        self._engine_in_use = engine_in_use
        self._lock = Lock()

    def close(self) -> None:
        """Cancel downloads; what has come stays on the disk."""
        self._downloads.close()

    def join(self) -> None:
        """Give downloads a moment to end."""
        self._downloads.join()

    def listed(self) -> wire.ModelList:
        """All that can be had, what is in use, and the room there is."""
        in_use = self._work.resident.in_use
        room = self._source.room(in_use)
        running = self._downloads.running
        return wire.ModelList(
            in_use="" if in_use is None else in_use.name,
            models=[ModelOfferMessage.of(offer, running(offer.name)) for offer in self._source.offers()],
            device=room.device,
            free_bytes=room.free_bytes,
            offline=self._source.offline(),
        )

    def use(self, asked: wire.ModelChoice) -> wire.Health:
        """Exchange the model; what cannot work is refused at once, and the old one stays."""
        device = self._source.first.device if asked.device == "auto" else asked.device
        choice = Choice(asked.name, device, asked.precision)
        resident = self._work.resident
        with self._lock:
            if not resident.has(choice):
                doubts = "" if asked.even_if_worse else self._source.doubts(asked.name)
                if doubts:
                    raise ModelError(f"{asked.name} is not used unasked: {doubts}", "Say that you want it even so.")
                self._source.check(choice, resident.in_use)
                resident.wish(choice)
                self._work.queue_change()
        return resident.health()

    def download(self, name: str) -> wire.Job:
        """Begin to fetch a model or an engine, or give the download that is on its way."""
        self._offer(name)
        return self._downloads.begin(name).info()

    def remove(self, name: str) -> wire.Removal:
        """Free the disk of a model or an engine; refused where it answers or is on its way here."""
        self._offer(name)
        with self._lock:
            in_use = self._work.resident.in_use
            if name in {in_use.name if in_use else None, self._engine_in_use()}:
                raise ModelInUseError(f"{name} is in use.", "Choose another one first.")
            if self._downloads.running(name):
                raise ModelInUseError(f"{name} is being downloaded.", "Cancel the download first.")
            return wire.Removal(name=name, freed_bytes=self._source.remove(name))

    def _offer(self, name: str) -> ModelOffer:
        offers = [*self._source.offers(), *self._source.more_offers()]
        for offer in offers:
            if offer.name == name:
                return offer
        known = ", ".join(offer.name for offer in offers) or "none"
        raise UnknownModelError(f"There is no model '{name}'.", f"There are: {known}.")
