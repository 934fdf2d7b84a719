"""Lock of a run folder: a kernel lock, which is released when its process ends."""

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
"""Name of the lock file. It stays in a folder with outputs, since removing it races with a process that opens it."""

HOLDER_TIMEOUT_S, HOLDER_POLL_S = 0.5, 0.05
"""Seconds to wait for the holder to write its name into the lock file, and between two attempts to read it."""

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def read_holder(descriptor: int) -> str:
    """Return the process that holds the lock, for a message.

    Only the kernel lock decides: a process number in a file may be outdated or of another host.
    """
    # A process that has just taken the lock may not have written its name yet.
    until = time.monotonic() + HOLDER_TIMEOUT_S
    while True:
        with suppress(ValueError, KeyError, TypeError):
            holder = json.loads(os.pread(descriptor, 4096, 0))
            return f"process {holder['pid']} on {holder['host']}"
        if time.monotonic() >= until:
            return "another process"
        time.sleep(HOLDER_POLL_S)


def _write_holder(descriptor: int, holder: str) -> None:
    # On a full disk the lock holds without a name.
    with suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, holder.encode(), 0)


def lock_is_exclusive(path: Path) -> bool:
    """Return whether the file system refuses a second lock on a file that this process has locked."""
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def open_locked(path: Path) -> int:
    """Open and lock the lock file, and return its descriptor.

    Raises
    ------
    RunLocked
        If another run holds it.
    ConfigError
        If the file cannot be opened, or its file system has no locks.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # O_CLOEXEC: a child process must not hold the lock on; O_NOFOLLOW: a link could lead anywhere.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be opened ({error.strerror})", "change publish.folder") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = read_holder(descriptor)
        os.close(descriptor)
        raise RunLocked(f"{path.parent}: {holder} is running there", "wait until it is done") from None
    except OSError as error:
        os.close(descriptor)
        raise ConfigError(f"{path}: its file system has no locks ({error.strerror})", "use another disk") from error
    # Between open and flock the previous holder may have removed the file; a lock on a removed file excludes nobody.
    if path.exists() and os.fstat(descriptor).st_ino == path.stat().st_ino:
        return descriptor
    os.close(descriptor)
    return open_locked(path)


def remove_unused_folders(folder: Path, created: list[Path]) -> None:
    """Remove the folders that were created for a run that wrote nothing."""
    if created and {path.name for path in folder.iterdir()} <= {FILE, *SQLITE_FILES}:
        for path in folder.iterdir():
            path.unlink()
        for path in created:
            with suppress(OSError):
                path.rmdir()


@contextmanager
def run_lock(folder: Path) -> Iterator[None]:
    """Lock a run folder for this process.

    The kernel releases the lock when the process ends, however it ends. Child processes do not inherit it. Between two
    hosts it holds as far as the file system forwards locks; a file system that grants two locks on one file is refused.

    Raises
    ------
    RunLocked
        If another run holds the lock.
    ConfigError
        If the folder cannot be locked.
    """
    path = folder / FILE
    created = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    descriptor = open_locked(path)
    try:
        # The boot id marks a process number from before a restart.
        boot = BOOT_ID.read_text().strip() if BOOT_ID.exists() else ""
        _write_holder(descriptor, json.dumps({"host": socket.gethostname(), "pid": os.getpid(), "boot": boot}))
        if not lock_is_exclusive(path):
            raise ConfigError(f"{path}: its file system does not keep two runs apart", "use another disk")
        yield
    finally:
        # While the lock is still held, so that no other run can start in a folder that is being removed.
        remove_unused_folders(folder, created)
        _write_holder(descriptor, "")
        os.close(descriptor)
