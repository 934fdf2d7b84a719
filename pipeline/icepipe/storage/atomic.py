"""Atomic replacement of files and folders: temporary name, fsync, rename."""

from __future__ import annotations

import ctypes
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from icepipe.errors import ConfigError, IntegrityError

PART = ".part"
OLD = ".old"


def fsync_path(path: Path) -> None:
    """Flush a file or folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def check_writable(folder: Path, setting: str = "publish.folder") -> None:
    """Check before any work that the folder of a setting can be created and written to; create nothing.

    Raises
    ------
    ConfigError
        If the folder cannot be created or written to.
    """
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    if not nearest.is_dir():
        raise ConfigError(f"{nearest} is a file, so {folder} cannot be created", f"change {setting}")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise ConfigError(f"{nearest} cannot be written to", f"change its permissions or {setting}")


def refuse_links(folder: Path, names: Iterable[str]) -> None:
    """Check before any work that none of some outputs of a folder is a link, which could lead anywhere.

    Raises
    ------
    ConfigError
        If an output is a link.
    """
    for name in names:
        if (folder / name).is_symlink():
            raise ConfigError(f"{folder / name} is a link", "remove it; the folder of a run itself may be one")


def _write_advice(target: Path) -> str:
    """Return the advice for a file that could not be written."""
    try:
        disk = os.statvfs(target.parent)
    except OSError:
        return "check the disk and its permissions"
    return f"check free space ({disk.f_bavail * disk.f_frsize:,} bytes are left) and permissions"


@contextmanager
def _temporary(target: Path) -> Iterator[Path]:
    for path in (target, target.parent):
        if path.is_symlink():
            raise IntegrityError(f"{path}: is a link, and outputs are not written through links", "remove it")
    # Same folder as the target, so that the rename stays on one file system; same suffix, by which GDAL picks a driver.
    part = target.with_name(f".{target.stem}{PART}{target.suffix}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove(part)
        yield part
    except OSError as error:
        with suppress(OSError):
            _remove(part)
        raise IntegrityError(f"{target}: cannot be written ({error})", _write_advice(target)) from error
    except IntegrityError as error:
        with suppress(OSError):
            _remove(part)
        # Writers name the temporary file; the message names the output.
        reason = error.message.replace(part.name, target.name).removeprefix(f"{target.name}: ")
        raise IntegrityError(f"{target}: {reason}", _write_advice(target)) from error
    except BaseException:
        # Also for signals: an interrupted run leaves no temporary files.
        _remove(part)
        raise


@contextmanager
def replace_file(target: Path) -> Iterator[Path]:
    """Yield a temporary path to write to; on success of the block it replaces the target.

    Raises
    ------
    IntegrityError
        If the file cannot be written; the old file is unchanged.
    """
    with _temporary(target) as part:
        yield part
        # Content before the rename, so that a power cut cannot leave the name with empty content; then the folder,
        # which holds the name.
        fsync_path(part)
        part.replace(target)
        fsync_path(target.parent)


# From Linux fcntl.h and fs.h; Python has no binding of renameat2.
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def swap_folders(first: Path, second: Path) -> bool:
    """Exchange the names of two folders atomically; return False where the system or file system cannot (renameat2)."""
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    return bool(rename(_AT_FDCWD, os.fsencode(first), _AT_FDCWD, os.fsencode(second), _RENAME_EXCHANGE) == 0)


@contextmanager
def replace_folder(target: Path) -> Iterator[Path]:
    """Yield a temporary folder to fill; on success of the block it replaces the target.

    A set of files (a Shapefile has five) changes as a whole: the folders are swapped atomically where the kernel can,
    else the old one is renamed out of the way for the time of two renames.

    Raises
    ------
    IntegrityError
        If a file cannot be written; the old folder is unchanged.
    """
    with _temporary(target) as part:
        part.mkdir()
        yield part
        for path in sorted(part.rglob("*")):
            fsync_path(path)
        fsync_path(part)
        aside = target.with_name(f".{target.name}{OLD}")
        _remove(aside)
        if target.exists() and swap_folders(part, target):
            # ``part`` is the old folder now, and is removed below like in the other case.
            part.replace(aside)
        else:
            if target.exists():
                # A kill between the two renames leaves ``aside`` alone; remove_partial_outputs renames it back.
                target.replace(aside)
            part.replace(target)
        fsync_path(target.parent)
        _remove(aside)


def remove_partial_outputs(folder: Path) -> None:
    """Remove the temporary files and folders that a killed run left, and restore folders it had renamed away.

    The caller must hold the lock of the run: without it, files of a running process would be removed.
    """
    for path in sorted(folder.glob(f".*{OLD}")) if folder.is_dir() else ():
        target = path.with_name(path.name[1 : -len(OLD)])
        if target.exists():
            _remove(path)
        else:
            path.replace(target)
    for path in sorted(folder.glob(f".*{PART}*")) if folder.is_dir() else ():
        _remove(path)
