"""Outputs appear whole or not at all: temporary name, fsync, rename."""

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
    """Force a file or folder to the disk."""
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
    """Tell before any work whether a folder that a setting names can be made and written; makes nothing.

    Raises
    ------
    ConfigError
        If it cannot.
    """
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    if not nearest.is_dir():
        raise ConfigError(f"{nearest} is a file, so {folder} cannot be made", f"change {setting}")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise ConfigError(f"{nearest} cannot be written to", f"change its permissions or {setting}")


def refuse_links(folder: Path, names: Iterable[str]) -> None:
    """Stop before any work where something that a run writes into is a link: it could lead anywhere.

    Raises
    ------
    ConfigError
        If one is.
    """
    for name in names:
        if (folder / name).is_symlink():
            raise ConfigError(f"{folder / name} is a link", "remove it; the folder of a run itself may be one")


def _todo(target: Path) -> str:
    """What to do about a file that could not be written."""
    try:
        disk = os.statvfs(target.parent)
    except OSError:
        return "check the disk and its permissions"
    return f"check free space ({disk.f_bavail * disk.f_frsize:,} bytes are left) and permissions"


@contextmanager
def _part(target: Path) -> Iterator[Path]:
    for path in (target, target.parent):
        if path.is_symlink():
            raise IntegrityError(f"{path}: is a link, and outputs are not written through links", "remove it")
    part = target.with_name(f".{target.stem}{PART}{target.suffix}")  # GDAL goes by the ending
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove(part)
        yield part
    except OSError as error:
        with suppress(OSError):
            _remove(part)
        raise IntegrityError(f"{target}: cannot be written ({error})", _todo(target)) from error
    except IntegrityError as error:
        with suppress(OSError):
            _remove(part)
        told = error.message.replace(part.name, target.name).removeprefix(f"{target.name}: ")
        raise IntegrityError(f"{target}: {told}", _todo(target)) from error
    except BaseException:
        _remove(part)
        raise


@contextmanager
def replace_file(target: Path) -> Iterator[Path]:
    """Give a temporary path to write; it takes the target's name when the block ends well.

    Raises
    ------
    IntegrityError
        If the file cannot be written; the old one is untouched.
    """
    with _part(target) as part:
        yield part
        fsync_path(part)
        part.replace(target)
        fsync_path(target.parent)


_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def swap_folders(one: Path, other: Path) -> bool:
    """Let two folders change names in one step; False where the system or file system cannot (renameat2, Linux)."""
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    return bool(rename(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0)


@contextmanager
def replace_folder(target: Path) -> Iterator[Path]:
    """Give a temporary folder to fill; it takes the target's place when the block ends well.

    A set of files (a Shapefile is five) changes as one: the two folders change names in one step of the kernel where it
    can do that, and else the old one steps aside for the time of two renames.

    Raises
    ------
    IntegrityError
        If something cannot be written; the old folder is untouched.
    """
    with _part(target) as part:
        part.mkdir()
        yield part
        for path in sorted(part.rglob("*")):
            fsync_path(path)
        fsync_path(part)
        aside = target.with_name(f".{target.name}{OLD}")
        _remove(aside)
        if target.exists() and swap_folders(part, target):
            part.replace(aside)
        else:
            if target.exists():
                target.replace(aside)
            part.replace(target)
        fsync_path(target.parent)
        _remove(aside)


def remove_partial_outputs(folder: Path) -> None:
    """Remove what a killed run left half done in a folder; what had stepped aside comes back.

    Only for one who holds the lock of the run.
    """
    for path in sorted(folder.glob(f".*{OLD}")) if folder.is_dir() else ():
        target = path.with_name(path.name[1 : -len(OLD)])
        if target.exists():
            _remove(path)
        else:
            path.replace(target)
    for path in sorted(folder.glob(f".*{PART}*")) if folder.is_dir() else ():
        _remove(path)
