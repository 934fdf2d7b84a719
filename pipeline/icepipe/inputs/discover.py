"""Find the files that config patterns match, and the folders that cannot be listed."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from icepipe.errors import InputError, NoUsableInput

RASTER_SUFFIXES = {".tif", ".tiff", ".jp2"}


class UnlistedFolder(InputError):
    """A folder that cannot be listed: its files are unknown, so it is not the same as an empty folder."""


# os.path is used in this module where methods of Path raise an error if a parent folder is not accessible.


def is_not_a_file(path: Path) -> bool:
    """Return whether a path exists and is not a regular file; False if a parent folder is not accessible."""
    return os.path.exists(path) and not os.path.isfile(path)  # noqa: PTH110, PTH113


def expand_pattern(pattern: str) -> Iterable[Path]:
    """Return the paths that a pattern matches: a file, the rasters of a folder, or the matches of a glob."""
    if os.path.isfile(pattern):  # noqa: PTH113
        return (Path(pattern),)
    if not os.path.isdir(pattern):  # noqa: PTH112
        return (Path(name) for name in glob.glob(pattern, recursive=True))  # noqa: PTH207
    try:
        return [path for path in Path(pattern).iterdir() if path.suffix.lower() in RASTER_SUFFIXES]
    except OSError:
        return []  # reported by unlisted_folders


def find_files(patterns: Sequence[str]) -> list[Path]:
    """Return the files that patterns match, each once, sorted by path.

    Raises
    ------
    NoUsableInput
        If a pattern matches nothing, or cannot be matched because a folder cannot be listed.
    """
    files: set[Path] = set()
    for pattern in patterns:
        matches = set(expand_pattern(pattern))
        if not matches:
            no_match = NoUsableInput(f"no file matches {pattern}", "correct inputs.scenes")
            raise next(iter(unlisted_folders([pattern])), no_match)
        files |= matches
    return sorted(files)


def folders_to_list(pattern: str) -> Iterator[str]:
    """Return the folders whose entries decide what a pattern matches."""
    if os.path.isdir(pattern):  # noqa: PTH112
        yield pattern
        return
    # The folder above the first wildcard, then every folder that a prefix of the pattern matches.
    parts = Path(pattern).parts
    magic = [number for number, part in enumerate(parts) if glob.has_magic(part)]
    first = magic[0] if magic else len(parts) - 1
    yield str(Path(*parts[:first]))
    for number in range(first + 1, len(parts)):
        yield from glob.glob(f"{Path(*parts[:number])}/", recursive=True)  # noqa: PTH207


def listing_fault(folder: str) -> UnlistedFolder | None:
    """Return why a folder cannot be listed; None if it can be, or does not exist."""
    try:
        # The final "." also needs the permission to enter the folder, without which its files cannot be opened.
        with os.scandir(os.path.join(folder, ".")) as entries:  # noqa: PTH118
            next(entries, None)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        fault = UnlistedFolder(folder, f"cannot be listed ({error.strerror})", "check the disk and its permissions")
        fault.__cause__ = error
        return fault
    return None


def unlisted_folders(patterns: Sequence[str]) -> tuple[UnlistedFolder, ...]:
    """Return the folders that patterns lead to and that cannot be listed, sorted by path.

    :func:`find_files` skips them silently, as ``glob`` does.
    """
    folders = sorted({os.path.normpath(folder) for pattern in patterns for folder in folders_to_list(pattern)})
    return tuple(fault for fault in map(listing_fault, folders) if fault)
