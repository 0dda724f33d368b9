"""Looks on disk: they come back as they were, stay within their bound, and damage costs nothing but time."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from seagull_iqa.segmenting.look_store import LookStore
from seagull_iqa.settings import looks_home

LOOK = {
    "embedding": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
    "labels": np.array([[1, 2], [3, 4]], np.int32),
    "file": np.float64(0.5).reshape(()),
    "empty": np.zeros((0, 3), np.uint8),
}


def of_size(nbytes: int) -> dict[str, np.ndarray]:
    return {"a": np.zeros(nbytes, np.uint8)}


@pytest.fixture
def store(tmp_path: Path) -> LookStore:
    return LookStore(tmp_path / "für später" / "looks")


def only_file(store: LookStore) -> Path:
    assert store.folder is not None
    (path,) = store.folder.iterdir()
    return path


def test_a_look_comes_back_as_it_was_also_to_another_program(store: LookStore) -> None:
    assert store.load("engine", "key") is None
    assert store.save("engine", "key", LOOK)
    found = LookStore(store.folder).load("engine", "key")
    assert found is not None and set(found) == set(LOOK)
    for name, array in LOOK.items():
        assert found[name].dtype == array.dtype
        assert np.array_equal(found[name], array) and found[name].shape == array.shape


def test_a_look_is_found_only_by_what_was_looked_at_and_what_looked(store: LookStore) -> None:
    store.save("engine 1", "image 1", LOOK)
    assert store.has("engine 1", "image 1")
    for other in (("engine 2", "image 1"), ("engine 1", "image 2")):
        assert not store.has(*other)
        assert store.load(*other) is None


def test_the_longest_unused_looks_go_first(tmp_path: Path) -> None:
    store = LookStore(tmp_path, 10_000)
    for number in range(3):
        store.save("e", str(number), of_size(3000))
        _aged(store, "e", str(number), 100 - number)
    assert store.load("e", "0") is not None  # just used now
    store.save("e", "3", of_size(3000))
    assert [store.has("e", str(number)) for number in range(4)] == [True, False, True, True]
    assert store.held()[1] <= 10_000


def _aged(store: LookStore, identity: str, key: str, seconds: float) -> None:
    path = store._path(identity, key)
    assert path is not None
    at = path.stat().st_mtime - seconds
    os.utime(path, (at, at))


def test_what_is_larger_than_the_bound_is_not_kept_and_drives_nothing_out(tmp_path: Path) -> None:
    store = LookStore(tmp_path, 10_000)
    store.save("e", "small", of_size(3000))
    assert not store.save("e", "large", of_size(20_000))
    assert store.has("e", "small") and not store.has("e", "large")


@pytest.mark.parametrize("place", [(None, 10_000), ("folder", 0)])
def test_without_a_folder_or_with_a_bound_of_nothing_nothing_is_kept(tmp_path: Path, place: tuple) -> None:
    folder, limit = place
    store = LookStore(folder and tmp_path / folder, limit)
    assert not store.save("e", "k", LOOK)
    assert not store.has("e", "k") and store.load("e", "k") is None
    assert store.held() == (0, 0) and store.clear() == 0
    assert list(tmp_path.iterdir()) == []


def _cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _flipped(data: bytes) -> bytes:
    at = data.index(LOOK["embedding"].tobytes()) + 10
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def _huge(data: bytes) -> bytes:
    return data.replace(b"(2, 3, 4), ", b"(99999999,)")


def _pickled(_data: bytes) -> bytes:
    import io

    buffer = io.BytesIO()
    np.savez(buffer, embedding=np.array([print], dtype=object))
    return buffer.getvalue()


def _nothing(_data: bytes) -> bytes:
    return b""


def _empty_archive(_data: bytes) -> bytes:
    return b"PK\x05\x06" + b"\0" * 18


@pytest.mark.parametrize("damage", [_cut, _flipped, _huge, _pickled, _nothing, _empty_archive])
def test_a_damaged_file_is_ignored_and_removed(store: LookStore, damage) -> None:
    store.save("e", "k", LOOK)
    path = only_file(store)
    spoiled = damage(path.read_bytes())
    assert spoiled != path.read_bytes()
    path.write_bytes(spoiled)
    found = store.load("e", "k")
    if found is not None:  # an archive with nothing in it is whole: what unpacks it says that it is none
        assert found == {}
        store.drop("e", "k")
    assert not store.has("e", "k")
    assert store.save("e", "k", LOOK) and store.load("e", "k") is not None


def test_clearing_frees_all_and_says_how_much_and_leaves_what_is_not_ours(store: LookStore) -> None:
    store.save("e", "1", of_size(3000))
    store.save("e", "2", of_size(4000))
    assert store.folder is not None
    (store.folder / ".unfinished.part").write_bytes(b"0" * 500)
    (store.folder / "notes.txt").write_text("mine", encoding="utf-8")
    count, held = store.held()
    assert count == 2 and held > 7000
    assert store.clear() == held + 500
    assert only_file(store).name == "notes.txt"
    assert store.held() == (0, 0)


def test_a_file_that_was_never_finished_is_removed_when_it_is_old(store: LookStore) -> None:
    store.save("e", "1", LOOK)
    assert store.folder is not None
    old, new = store.folder / ".old.part", store.folder / ".new.part"
    for path in (old, new):
        path.write_bytes(b"0")
    os.utime(old, (0, 0))
    store.save("e", "2", LOOK)
    assert not old.exists() and new.exists()


def test_a_folder_that_cannot_be_written_costs_no_more_than_the_look(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    store = LookStore(tmp_path / "file" / "looks")
    assert not store.save("e", "k", LOOK)
    assert store.load("e", "k") is None and store.held() == (0, 0)


def test_what_is_no_number_is_never_written(store: LookStore) -> None:
    with pytest.raises(ValueError, match="Object arrays"):
        store.save("e", "k", {"a": np.array([print], dtype=object)})
    assert store.held() == (0, 0)


def test_the_environment_says_where_looks_are_kept() -> None:
    assert looks_home({"SEAGULL_CACHE": "/some where"}) == Path("/some where") / "looks"
    assert looks_home({}).name == "looks"
    assert "napari-seagull" in looks_home({"SEAGULL_CACHE": ""}).parts
