"""Files that lie beside a raster and are read with it."""

from __future__ import annotations

from pathlib import Path

from icepipe.storage.fingerprint import FolderSnapshot

SIDE_ENDINGS = (".tfw", ".tifw", ".wld", ".j2w")


def side_files(path: Path) -> list[Path]:
    """Files beside a raster that can change what it says, whether they are there or not."""
    beside = [path.with_name(path.name + ending) for ending in (".msk", ".aux.xml", ".ovr")]
    return beside + [path.with_suffix(ending) for ending in SIDE_ENDINGS]


def with_side_files(path: Path, snapshot: FolderSnapshot) -> list[Path]:
    """A raster and the files beside it that can change what it says: masks, georeference, metadata."""
    return [path, *(other for other in side_files(path) if snapshot.file_stat(other))]
