"""One run at a time in a folder: a kernel lock, which goes with the process that holds it."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from icepipe.errors import ConfigError, RunLocked
from icepipe.storage.ledger_schema import SQLITE_FILES

FILE = ".lock"
"""Stays once a run has written: who opens it makes sure that the file that was locked is the one that stands there."""

HOLDER_TIMEOUT_S, HOLDER_POLL_S = 0.5, 0.05
"""How long a lock that somebody holds is looked at for a name, and how long between two looks."""

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def _myself() -> str:
    boot = BOOT_ID.read_text().strip() if BOOT_ID.exists() else ""
    return json.dumps({"host": socket.gethostname(), "pid": os.getpid(), "boot": boot})


def _holder(descriptor: int) -> str:
    """Who holds the lock, as they wrote it; for the message alone, since a process number proves nothing.

    Who has just got the lock may not have written yet.
    """
    until = time.monotonic() + HOLDER_TIMEOUT_S
    while True:
        with suppress(ValueError, KeyError, TypeError):
            told = json.loads(os.pread(descriptor, 4096, 0))
            return f"process {told['pid']} on {told['host']}"
        if time.monotonic() >= until:
            return "another process"
        time.sleep(HOLDER_POLL_S)


def _name(descriptor: int, holder: str) -> None:
    """Write who holds the lock. On a full disk nobody is named, and the lock holds all the same."""
    with suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, holder.encode(), 0)


def _excludes(path: Path) -> bool:
    """Whether a second opening of a file that is locked is shut out on this file system."""
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def _opened(path: Path) -> int:
    """The lock file, opened and locked.

    Raises
    ------
    RunLocked
        If another run holds it.
    ConfigError
        If it cannot be opened, or its file system has no locks.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be opened ({error.strerror})", "change publish.folder") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        told = _holder(descriptor)
        os.close(descriptor)
        raise RunLocked(f"{path.parent}: {told} is running there", "wait until it is done") from None
    except OSError as error:
        os.close(descriptor)
        raise ConfigError(f"{path}: its file system has no locks ({error.strerror})", "use another disk") from error
    if path.exists() and os.fstat(descriptor).st_ino == path.stat().st_ino:
        return descriptor
    os.close(descriptor)
    return _opened(path)


def _clear_if_empty(folder: Path, made: list[Path]) -> None:
    """Take away folders that were made for a run that wrote nothing."""
    if made and {path.name for path in folder.iterdir()} <= {FILE, *SQLITE_FILES}:
        for path in folder.iterdir():
            path.unlink()
        for path in made:
            with suppress(OSError):
                path.rmdir()


@contextmanager
def run_lock(folder: Path) -> Iterator[None]:
    """Hold a folder for this process.

    The kernel lets go when the process ends, however it ends. Child processes do not inherit the lock. Between two
    hosts it holds as far as the file system passes locks on; one on which two openings do not exclude one another is
    refused.

    Raises
    ------
    RunLocked
        If another run holds it.
    ConfigError
        If the folder cannot hold a lock.
    """
    path = folder / FILE
    made = [place for place in (folder, *folder.parents) if not place.exists()]
    descriptor = _opened(path)
    try:
        _name(descriptor, _myself())
        if not _excludes(path):
            raise ConfigError(f"{path}: its file system does not keep two runs apart", "use another disk")
        yield
    finally:
        _clear_if_empty(folder, made)
        _name(descriptor, "")
        os.close(descriptor)
