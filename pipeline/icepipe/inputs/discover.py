"""Files that patterns name, and the folders that cannot be looked into, which may hold more of them."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from icepipe.errors import InputError, NoUsableInput

RASTER_SUFFIXES = {".tif", ".tiff", ".jp2"}


class UnlistedFolder(InputError):
    """A folder that cannot be looked into: what it holds is not known, which is not the same as nothing."""


def _expand(pattern: str) -> Iterable[Path]:
    if os.path.isfile(pattern):  # noqa: PTH113  # Path's own test raises where a folder above is closed
        return (Path(pattern),)
    if os.path.isdir(pattern):  # noqa: PTH112
        return _rasters_in(pattern)
    return (Path(name) for name in glob.glob(pattern, recursive=True))  # noqa: PTH207


def is_something_else(path: Path) -> bool:
    """Whether something is there that is no file; not where a folder above it is closed."""
    return os.path.exists(path) and not os.path.isfile(path)  # noqa: PTH110, PTH113


def _rasters_in(folder: str) -> list[Path]:
    """Rasters of a folder by their names; nothing where it cannot be looked into."""
    try:
        return [path for path in Path(folder).iterdir() if path.suffix.lower() in RASTER_SUFFIXES]
    except OSError:
        return []


def find_files(patterns: Sequence[str]) -> list[Path]:
    """Files that patterns name: a glob, a folder of GeoTIFFs, or a file; each once, in the order of their names.

    Raises
    ------
    NoUsableInput
        If a pattern matches nothing, or what it matches cannot be told.
    """
    found: set[Path] = set()
    for pattern in patterns:
        matches = set(_expand(pattern))
        if not matches:
            raise next(iter(unlisted_folders([pattern])), NoUsableInput(f"no file matches {pattern}", _CORRECT))
        found |= matches
    return sorted(found)


_CORRECT = "correct inputs.scenes"


def _folders_of(pattern: str) -> Iterator[str]:
    """Folders whose entries decide what a pattern matches."""
    if os.path.isdir(pattern):  # noqa: PTH112
        yield pattern
        return
    parts = Path(pattern).parts
    magic = [number for number, part in enumerate(parts) if glob.has_magic(part)]
    first = magic[0] if magic else len(parts) - 1
    yield str(Path(*parts[:first]))
    for number in range(first + 1, len(parts)):
        yield from glob.glob(f"{Path(*parts[:number])}/", recursive=True)  # noqa: PTH207


def _fault_of(folder: str) -> UnlistedFolder | None:
    """Why a folder cannot be looked into, or None where it can, or is not there."""
    try:
        with os.scandir(os.path.join(folder, ".")) as entries:  # noqa: PTH118  # "." asks for the right to enter, too
            next(entries, None)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        fault = UnlistedFolder(
            folder, f"cannot be looked into ({error.strerror})", "check the disk and its permissions"
        )
        fault.__cause__ = error
        return fault
    return None


def unlisted_folders(patterns: Sequence[str]) -> tuple[UnlistedFolder, ...]:
    """Folders that patterns lead to and that cannot be looked into, in the order of their names.

    Finding files passes over these in silence, as the standard library's ``glob`` does.
    """
    folders = sorted({os.path.normpath(folder) for pattern in patterns for folder in _folders_of(pattern)})
    return tuple(fault for fault in map(_fault_of, folders) if fault)
