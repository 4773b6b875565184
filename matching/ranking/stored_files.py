"""Arrays and frames kept in a folder: checked when they are opened, mapped instead of read, replaced all at once.

A manifest names the files with their sizes and checksums. New files get new names; the manifest is replaced last, in
one step, and only then are the old files removed: whoever dies meanwhile leaves what was or what is new. Nothing is
ever unpickled. What is mapped stays readable when its file is removed, and writing to it does not reach the file.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import secrets
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
import polars as pl

from matching.ranking.processors import cores

if sys.platform != "win32":
    import fcntl

_FORMAT: Final = 1
_MANIFEST: Final = "manifest.json"
_UPDATING: Final = "updating.lock"
_REPLACING: Final = "replacing.lock"
# How long an update waits for another one; a full one of a million records takes minutes.
_PATIENCE_SECONDS: Final = 900.0
_ASK_AGAIN_SECONDS: Final = 0.1
# An array file says within so many bytes of which type and shape it is.
_HEADER: Final = 4_096

Content = np.ndarray | pl.DataFrame
Damage = Literal["none", "damaged", "outdated"]


@dataclass(frozen=True)
class Entry:
    """A file as the manifest names it: its name in the folder, its size in bytes and its CRC-32."""

    file: str
    size: int
    checksum: int


@dataclass(frozen=True)
class Stored:
    """What a folder holds: plain `values`, and arrays and frames by name with their entries in the manifest."""

    values: Mapping[str, object]
    entries: Mapping[str, Entry]
    content: Mapping[str, Content]

    def array(self, name: str) -> np.ndarray:
        """An array by its name; `KeyError` where there is none."""
        found = self.content[name]
        if not isinstance(found, np.ndarray):
            raise KeyError(name)
        return found

    def frame(self, name: str) -> pl.DataFrame:
        """A frame by its name; `KeyError` where there is none."""
        found = self.content[name]
        if not isinstance(found, pl.DataFrame):
            raise KeyError(name)
        return found


def opened(folder: Path) -> Stored | Damage:
    """What the folder holds, every byte of it checked; else why not.

    "none" where nothing was kept yet, "outdated" for another version of the format, and "damaged" for everything that
    is not as it was written.
    """
    try:
        with _replacing(folder, exclusive=False):
            manifest = _manifest(folder)
            if isinstance(manifest, str):
                return manifest
            values, entries = manifest
            mapped = {name: np.memmap(folder / entry.file, np.uint8, "c") for name, entry in entries.items()}
    except (FileNotFoundError, NotADirectoryError):
        return "damaged" if (folder / _MANIFEST).exists() else "none"
    except (OSError, ValueError):
        return "damaged"

    def right(name: str) -> bool:
        return len(mapped[name]) == entries[name].size and _checksum(mapped[name]) == entries[name].checksum

    with ThreadPoolExecutor(cores()) as pool:
        if not all(pool.map(right, sorted(mapped, key=lambda name: -entries[name].size))):
            return "damaged"
    return Stored(values, entries, {name: _content(entries[name].file, data) for name, data in mapped.items()})


def values_of(folder: Path) -> Mapping[str, object] | Damage:
    """The plain values alone: quick, since no other file is looked at."""
    try:
        with _replacing(folder, exclusive=False):
            manifest = _manifest(folder)
    except (FileNotFoundError, NotADirectoryError):
        return "none"
    except OSError:
        return "damaged"
    return manifest if isinstance(manifest, str) else manifest[0]


def save(
    folder: Path, values: Mapping[str, object], fresh: Mapping[str, Content], same: Mapping[str, Entry] | None = None
) -> dict[str, Entry]:
    """Keep values, new content and some `same` files of before, and nothing else; the entries of all files.

    `OSError` where it cannot be written: then the folder holds what it held.
    """
    make_private(folder)
    entries = dict(same or {})
    for name, content in fresh.items():
        entries[name] = _written(folder, name, content)
    manifest = {
        "format": _FORMAT,
        "values": values,
        "files": {name: [entry.file, entry.size, entry.checksum] for name, entry in sorted(entries.items())},
    }
    text = _canonical(manifest)
    made = f"{_MANIFEST}.{secrets.token_hex(4)}"
    _write(folder / made, lambda file: file.write(text))
    with _replacing(folder, exclusive=True):
        (folder / made).replace(folder / _MANIFEST)
        _sync(folder)
        needed = {_MANIFEST, _UPDATING, _REPLACING, *(entry.file for entry in entries.values())}
        for path in folder.iterdir():
            if path.is_file() and path.name not in needed:
                path.unlink(missing_ok=True)
    return entries


@contextmanager
def updating(folder: Path, patience: float = _PATIENCE_SECONDS) -> Iterator[bool]:
    """Whether this process alone may change the folder for as long as the block lasts; it waits for another one.

    Not where the folder cannot be written, where another takes too long, nor where there are no locks: then go on in
    memory.
    """
    try:
        make_private(folder)
        lock = os.open(folder / _UPDATING, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:
        yield False
        return
    try:
        yield _locked(lock, patience)
    finally:
        os.close(lock)


def make_private(folder: Path) -> None:
    """Make a folder that its owner alone may read."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _locked(lock: int, patience: float) -> bool:
    if sys.platform == "win32":
        return False
    until = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                return False
            time.sleep(_ASK_AGAIN_SECONDS)
        except OSError:
            return False
        else:
            return True


@contextmanager
def _replacing(folder: Path, *, exclusive: bool) -> Iterator[None]:
    """Readers keep a writer from replacing the manifest between their reading it and opening its files."""
    if sys.platform == "win32" or (not (folder / _REPLACING).exists() and not exclusive):
        yield
        return
    lock = os.open(folder / _REPLACING, os.O_RDWR | os.O_CREAT if exclusive else os.O_RDONLY, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)
        yield
    finally:
        os.close(lock)


def _manifest(folder: Path) -> tuple[Mapping[str, object], dict[str, Entry]] | Damage:
    """Values and entries. `FileNotFoundError` where there is no manifest."""
    text = (folder / _MANIFEST).read_bytes()
    try:
        known = json.loads(text[text.index(b"\n") + 1 :])
        if text != _canonical(known):
            return "damaged"
        if known["format"] != _FORMAT:
            return "outdated"
        return known["values"], {name: Entry(*entry) for name, entry in known["files"].items()}
    except (ValueError, KeyError, TypeError, RecursionError):
        return "damaged"


def _canonical(manifest: object) -> bytes:
    """A manifest as it is written, led by its own checksum."""
    text = json.dumps(manifest, sort_keys=True, indent=1).encode()
    return hashlib.blake2b(text, digest_size=16).hexdigest().encode() + b"\n" + text


def _written(folder: Path, name: str, content: Content) -> Entry:
    """Write one file under a new name, and see that it is on the disk."""
    suffix = "npy" if isinstance(content, np.ndarray) else "arrow"
    file = f"{name}.{secrets.token_hex(8)}.{suffix}"

    def fill(target: io.BufferedRandom) -> None:
        if isinstance(content, np.ndarray):
            np.save(target, np.ascontiguousarray(content), allow_pickle=False)
        else:
            content.write_ipc(target, compression="uncompressed")

    _write(folder / file, fill)
    data = np.memmap(folder / file, np.uint8, "r")
    return Entry(file, len(data), _checksum(data))


def _checksum(data: np.ndarray) -> int:
    return zlib.crc32(data.data)


def _write(path: Path, fill: Callable[[io.BufferedRandom], object]) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w+b") as target:
        fill(target)
        target.flush()
        os.fsync(target.fileno())


def _sync(folder: Path) -> None:
    """See that the folder's own entries are on the disk."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _content(file: str, data: np.ndarray) -> Content:
    """The array or frame of a file's bytes, which were checked; an array stays mapped."""
    if file.endswith(".arrow"):
        return pl.read_ipc(io.BytesIO(data.tobytes()))
    head = io.BytesIO(data[:_HEADER].tobytes())
    np.lib.format.read_magic(head)
    shape, _, dtype = np.lib.format.read_array_header_1_0(head)
    return np.asarray(data)[head.tell() :].view(dtype).reshape(shape)
