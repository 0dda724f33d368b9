"""Keep the latest images and looks in memory, bounded by their bytes."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class ByteCache(Generic[T]):
    """The most recently used values, up to a number of bytes; the newest always stays. Safe between threads."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._kept: OrderedDict[str, tuple[T, int]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: str) -> T | None:
        """The value, which now counts as just used; None where there is none."""
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                return None
            self._kept.move_to_end(key)
            return found[0]

    def put(self, key: str, value: T, nbytes: int) -> None:
        """Keep a value, and let go of the longest unused ones beyond the capacity."""
        with self._lock:
            self._kept[key] = (value, nbytes)
            self._kept.move_to_end(key)
            while len(self._kept) > 1 and sum(size for _, size in self._kept.values()) > self._capacity:
                self._kept.popitem(last=False)

    def clear(self, capacity: int | None = None) -> None:
        """Let go of everything; from now on at most `capacity` bytes, where one is given."""
        with self._lock:
            self._kept.clear()
            self._capacity = self._capacity if capacity is None else capacity

    def __len__(self) -> int:
        with self._lock:
            return len(self._kept)

    @property
    def capacity(self) -> int:
        """Most bytes held, but for a single value that is larger."""
        return self._capacity

    @property
    def nbytes(self) -> int:
        """Bytes held now."""
        with self._lock:
            return sum(size for _, size in self._kept.values())
