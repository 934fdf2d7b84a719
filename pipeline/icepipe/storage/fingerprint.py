"""What a file holds, as a short text: two files with one fingerprint are one file."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from icepipe.errors import InputError

CHUNK = 2**20

SETTLED_NS = 2 * 10**9
"""A file that changed so lately can change again without a sign: file systems tell time in steps of up to two seconds
(FAT)."""


@dataclass(frozen=True)
class FileStat:
    """What the file system says of a file's bytes: as long as all four stay, nobody has written to it.

    Attributes
    ----------
    size
        Bytes.
    mtime_ns, ctime_ns
        Last change of the bytes as its writer tells it, and as the kernel saw it, in nanoseconds.
    inode
        Number of the file on its disk.
    """

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int

    @classmethod
    def of(cls, told: os.stat_result) -> FileStat:
        """From what ``stat`` tells."""
        return cls(told.st_size, told.st_mtime_ns, told.st_ctime_ns, told.st_ino)

    def is_settled(self) -> bool:
        """Whether the last change is long enough ago that another one would show."""
        return time.time_ns() - self.ctime_ns > SETTLED_NS


def file_stat(path: Path) -> FileStat:
    """Identity of a file; links are followed.

    Raises
    ------
    InputError
        If there is no such file.
    """
    try:
        return FileStat.of(path.stat())
    except OSError as error:
        raise InputError(path, f"cannot be read ({error})", "fetch the file again") from error


def fingerprint(path: Path) -> str:
    """BLAKE2b of a file's bytes, 32 hexadecimal digits.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    digest = hashlib.blake2b(digest_size=16)
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise InputError(path, f"cannot be read ({error})", "fetch the file again") from error
    return digest.hexdigest()


@dataclass(frozen=True)
class KnownFile:
    """A file as it was when its bytes were read: its identity then, and the fingerprint."""

    identity: FileStat
    fingerprint: str


class Fingerprints:
    """Fingerprints of files; only those that changed since they were seen are read. Threads may share one.

    Parameters
    ----------
    seen
        What is known, by path.
    """

    def __init__(self, seen: Mapping[str, KnownFile]) -> None:
        self._seen = dict(seen)
        self._added: dict[str, KnownFile] = {}
        self._turn = threading.Lock()

    def _keep(self, path: Path, found: KnownFile) -> None:
        with self._turn:
            self._seen[str(path)] = self._added[str(path)] = found

    def take_new(self) -> dict[str, KnownFile]:
        """What was read since this was asked last."""
        with self._turn:
            added, self._added = self._added, {}
            return added

    def __call__(self, path: Path) -> str:
        """Fingerprint of a file as it is now.

        Raises
        ------
        InputError
            If the file cannot be read, or is written to meanwhile.
        """
        now = file_stat(path)
        known = self._seen.get(str(path))
        if known and known.identity == now:
            return known.fingerprint
        found = KnownFile(now, fingerprint(path))
        if file_stat(path) != now:
            raise InputError(path, "changed while it was read", "run again when it is whole")
        self._keep(path, found)
        return found.fingerprint

    def record_written(self, path: Path, told: str) -> None:
        """Take the fingerprint of a file that was just written."""
        self._keep(path, KnownFile(file_stat(path), told))

    def cached(self, path: str, now: FileStat | None) -> str | None:
        """Fingerprint of a file that still is as it was seen, without a look at it; None where it is not."""
        found = self._seen.get(path)
        return found.fingerprint if found and found.identity == now else None


class FolderSnapshot:
    """Identities of files, with one look at each folder; as things stood at that look."""

    def __init__(self) -> None:
        self._folders: dict[str, dict[str, os.DirEntry[str]]] = {}

    def folder(self, folder: str) -> Mapping[str, os.DirEntry[str]]:
        """What a folder holds, by name; nothing where there is no such folder.

        Raises
        ------
        InputError
            If it cannot be read.
        """
        if folder not in self._folders:
            self._folders[folder] = self._look(folder)
        return self._folders[folder]

    def file_stat(self, path: str | Path) -> FileStat | None:
        """Identity of a file, None where there is none.

        Raises
        ------
        InputError
            If its folder cannot be read.
        """
        folder, name = os.path.split(path)
        entry = self.folder(folder).get(name)
        try:
            return FileStat.of(entry.stat()) if entry else None
        except OSError:
            return None

    @staticmethod
    def _look(folder: str) -> dict[str, os.DirEntry[str]]:
        try:
            with os.scandir(folder or ".") as entries:
                return {entry.name: entry for entry in entries}
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except OSError as error:
            raise InputError(Path(folder), f"cannot be read ({error})", "check the disk and its permissions") from error
