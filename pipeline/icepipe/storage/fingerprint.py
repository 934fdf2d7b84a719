"""Fingerprints of file contents, and detection of changed files."""

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
"""Age from which the time of the last change is reliable: within one time step of the file system, at most the two
seconds of FAT, a file can change again without a new time."""


@dataclass(frozen=True)
class FileStat:
    """Status of a file in the file system; as long as it is the same, the content is taken as unchanged.

    Attributes
    ----------
    size
        Bytes.
    mtime_ns, ctime_ns
        Last change in nanoseconds, as set by the writer and as recorded by the kernel.
    inode
        Number of the file on its file system.
    """

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int

    @classmethod
    def of(cls, stat: os.stat_result) -> FileStat:
        """Return the status from the result of ``os.stat``."""
        return cls(stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)

    def is_settled(self) -> bool:
        """Return whether the last change is old enough that another change would have a new time."""
        return time.time_ns() - self.ctime_ns > SETTLED_NS


def file_stat(path: Path) -> FileStat:
    """Return the status of a file; links are followed.

    Raises
    ------
    InputError
        If the file does not exist or is not accessible.
    """
    try:
        return FileStat.of(path.stat())
    except OSError as error:
        raise InputError(path, f"cannot be read ({error})", "fetch the file again") from error


def fingerprint(path: Path) -> str:
    """Return the BLAKE2b hash of the bytes of a file, 32 hexadecimal digits.

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
    """File whose content was read: its status at that time, and its fingerprint."""

    stat: FileStat
    fingerprint: str


class Fingerprints:
    """Cache of fingerprints that reads only new and changed files; safe to share between threads.

    Parameters
    ----------
    known
        Files that were read before, by path.
    """

    def __init__(self, known: Mapping[str, KnownFile]) -> None:
        self._known = dict(known)
        self._added: dict[str, KnownFile] = {}
        self._lock = threading.Lock()

    def _add(self, path: Path, file: KnownFile) -> None:
        with self._lock:
            self._known[str(path)] = self._added[str(path)] = file

    def take_new(self) -> dict[str, KnownFile]:
        """Return the files that were added since the last call."""
        with self._lock:
            added, self._added = self._added, {}
            return added

    def __call__(self, path: Path) -> str:
        """Return the fingerprint of a file as it is now.

        Raises
        ------
        InputError
            If the file cannot be read, or changes while it is read.
        """
        now = file_stat(path)
        known = self._known.get(str(path))
        if known and known.stat == now:
            return known.fingerprint
        file = KnownFile(now, fingerprint(path))
        # A writer at work shows as a status that differs before and after the read.
        if file_stat(path) != now:
            raise InputError(path, "changed while it was read", "run again when it is whole")
        self._add(path, file)
        return file.fingerprint

    def record_written(self, path: Path, content: str) -> None:
        """Add the fingerprint ``content`` of a file that this process has just written."""
        self._add(path, KnownFile(file_stat(path), content))

    def cached(self, path: str, now: FileStat | None) -> str | None:
        """Return the fingerprint of a file whose status is ``now`` without reading it; None if it is new or changed."""
        known = self._known.get(path)
        return known.fingerprint if known and known.stat == now else None


class FolderSnapshot:
    """Listing of folders, each read once; files are reported as they were at that time."""

    def __init__(self) -> None:
        self._folders: dict[str, dict[str, os.DirEntry[str]]] = {}

    def folder(self, folder: str) -> Mapping[str, os.DirEntry[str]]:
        """Return the entries of a folder by name; empty if the folder does not exist.

        Raises
        ------
        InputError
            If the folder cannot be read.
        """
        if folder in self._folders:
            return self._folders[folder]
        try:
            # One scandir instead of a stat per possible side file: on network disks each call is a round trip.
            with os.scandir(folder or ".") as entries:
                listing = {entry.name: entry for entry in entries}
        except (FileNotFoundError, NotADirectoryError):
            listing = {}
        except OSError as error:
            raise InputError(Path(folder), f"cannot be read ({error})", "check the disk and its permissions") from error
        self._folders[folder] = listing
        return listing

    def file_stat(self, path: str | Path) -> FileStat | None:
        """Return the status of a file; None if it does not exist.

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
