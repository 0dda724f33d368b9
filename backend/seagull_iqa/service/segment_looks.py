"""The looks of an engine: in memory by their bytes, on disk by what was looked at, taken anew where there are none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from seagull_iqa.domain.progress import ProgressCallback
from seagull_iqa.errors import CheckpointError, OutOfMemoryError, SeagullError
from seagull_iqa.prompt_messages import LooksKept
from seagull_iqa.segmenting.interface import RGBImage, SegmentEngine, SegmentLook
from seagull_iqa.segmenting.look_store import LookStore
from seagull_iqa.segmenting.views import View
from seagull_iqa.service.cache import ByteCache
from seagull_iqa.service.failures import attempted


class LookKeeper:
    """Looks in memory and on disk. Taken in the engine's thread; counted and cleared from any.

    Parameters
    ----------
    memory_bytes : int
        Most bytes held in memory.
    store : LookStore
        The disk.
    release : callable
        Gives memory back that nothing refers to any more.
    """

    def __init__(self, memory_bytes: int, store: LookStore, release: Callable[[], None]) -> None:
        self._memory: ByteCache[SegmentLook] = ByteCache(memory_bytes)
        self._store = store
        self._release = release

    def memory(self) -> LooksKept:
        """What is held in memory."""
        return LooksKept(
            looks=len(self._memory), held_bytes=self._memory.nbytes, limit_bytes=self._memory.capacity
        )

    def disk(self) -> LooksKept:
        """What is held on disk; reads the folder."""
        looks, nbytes = self._store.held()
        return LooksKept(looks=looks, held_bytes=nbytes, limit_bytes=self._store.limit)

    @property
    def folder(self) -> str:
        """Where on disk; "" for nowhere."""
        return "" if self._store.folder is None else str(self._store.folder)

    def forget(self) -> None:
        """Let go of what is in memory."""
        self._memory.clear()
        self._release()

    def clear(self) -> int:
        """Let go of everything, on disk too; the number of bytes freed."""
        held = self._memory.nbytes
        self.forget()
        return held + self._store.clear()

    def known(self, engine: SegmentEngine, key: str) -> bool:
        """Whether there is a look already."""
        return self._memory.get(f"{engine.identity} {key}") is not None or self._store.has(engine.identity, key)

    def kept(self, engine: SegmentEngine, key: str) -> SegmentLook | None:
        """A look from memory or disk; None where there is none."""
        found = self._memory.get(f"{engine.identity} {key}")
        if found is not None:
            return found
        packed = self._store.load(engine.identity, key)
        if packed is None:
            return None
        try:
            look = engine.unpack(packed)
        except CheckpointError:
            # Whole, but none of this engine's: as good as none.
            self._store.drop(engine.identity, key)
            return None
        self.hold(engine, key, look)
        return look

    def hold(self, engine: SegmentEngine, key: str, look: SegmentLook) -> None:
        """Keep a look in memory."""
        self._memory.put(f"{engine.identity} {key}", look, look.nbytes)

    def put_down(self, engine: SegmentEngine, key: str, look: SegmentLook) -> None:
        """Keep a look on disk; what goes wrong there costs speed after a restart and nothing else."""
        if self._store.folder is not None:
            attempted(lambda: self._store.save(engine.identity, key, engine.pack(look)))

    def taken(self, engine: SegmentEngine, pixels: RGBImage, progress: ProgressCallback) -> SegmentLook:
        """A new look; where memory does not suffice, once more without what is held of others."""
        look = attempted(lambda: engine.look(pixels, progress=progress))
        if isinstance(look, OutOfMemoryError) and len(self._memory):
            self.forget()
            look = attempted(lambda: engine.look(pixels, progress=progress))
        if isinstance(look, SeagullError):
            raise look
        return look


@dataclass(frozen=True, eq=False)
class ImageViews:
    """The views of one image that an engine has looked at; see `crops.Views`.

    Attributes
    ----------
    engine : SegmentEngine
    keeper : LookKeeper
    sha256, rgb : str; uint8, shape (H, W, 3)
        The image.
    progress : callable
        Called while a look is taken.
    later : callable or None
        Given what puts a new look on disk, to be done later; None does it at once.
    """

    engine: SegmentEngine
    keeper: LookKeeper
    sha256: str
    rgb: RGBImage
    progress: ProgressCallback
    later: Callable[[Callable[[], None]], None] | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the image in px."""
        return (int(self.rgb.shape[0]), int(self.rgb.shape[1]))

    def known(self, view: View) -> bool:
        """Whether there is a look at it already."""
        return self.keeper.known(self.engine, self._key(view))

    def look(self, view: View) -> SegmentLook:
        """The look at it; taken now where there is none."""
        key = self._key(view)
        look = self.keeper.kept(self.engine, key)
        if look is None:
            look = taken = self.keeper.taken(self.engine, view.cut(self.rgb), self.progress)
            self.keeper.hold(self.engine, key, look)
            if self.later is None:
                self.keeper.put_down(self.engine, key, taken)
            else:
                self.later(lambda: self.keeper.put_down(self.engine, key, taken))
        return look

    def _key(self, view: View) -> str:
        return f"{self.sha256} {view.key}"
