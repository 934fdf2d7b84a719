"""What a file holds, as a short text: two files with one fingerprint are one file."""

from __future__ import annotations

import hashlib
from pathlib import Path

from icepipe.errors import InputError

CHUNK = 2**20


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


SIDE_ENDINGS = (".tfw", ".tifw", ".wld", ".j2w")


def with_side_files(path: Path) -> list[Path]:
    """A raster and the files beside it that can change what it says: masks, georeference, metadata."""
    beside = [path.with_name(path.name + ending) for ending in (".msk", ".aux.xml", ".ovr")]
    beside += [path.with_suffix(ending) for ending in SIDE_ENDINGS]
    return [path, *(other for other in beside if other.is_file())]
