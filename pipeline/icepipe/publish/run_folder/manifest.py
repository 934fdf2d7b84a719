"""``manifest.json``: the fingerprint of every file that a run left, so that one changed bit can be told."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from icepipe.errors import ConfigError, IcepipeError, IntegrityError
from icepipe.publish.run_folder.paths import NOT_OUTPUTS, RunPaths
from icepipe.publish.run_folder.record import Record
from icepipe.storage.atomic import replace_file
from icepipe.storage.fingerprint import fingerprint


def _text(files: Mapping[str, str]) -> str:
    """The manifest, with a hash of itself, which a flipped bit in it does not survive."""
    listed = json.dumps(files, indent=1, sort_keys=True)
    return json.dumps({"files": files, "self": hashlib.sha256(listed.encode()).hexdigest()}, indent=1) + "\n"


def run_files(folder: Path) -> dict[str, Path]:
    """Files of a run by their path within its folder, less the manifest, the lock and what people drew to assess."""
    manifest = RunPaths(folder).manifest
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file() and path != manifest)
    found = {path.relative_to(folder).as_posix(): path for path in paths}
    return {name: path for name, path in found.items() if name.split("/")[0] not in NOT_OUTPUTS}


def write_manifest(
    folder: Path, records: Mapping[str, Record], fingerprint: Callable[[Path], str] = fingerprint
) -> None:
    """Write the manifest; files of observations have their fingerprints in ``records``, all others are asked for."""
    run = RunPaths(folder)
    known = {
        run.observation(key).folder / name: told for key, record in records.items() for name, told in record.outputs
    }
    files = {name: known.get(path) or fingerprint(path) for name, path in run_files(folder).items()}
    with replace_file(RunPaths(folder).manifest) as part:
        part.write_text(_text(files), encoding="utf-8")


def manifest_entries(folder: Path) -> frozenset[str]:
    """Files that an earlier run left by its manifest; none where there is no whole manifest."""
    try:
        return frozenset(read_manifest(folder))
    except IcepipeError:
        return frozenset()


def update_manifest(folder: Path, names: Iterable[str]) -> None:
    """Bring some files of a run's folder up to date in its manifest; all others are listed as they were.

    Raises
    ------
    ConfigError
        If there is no manifest.
    IntegrityError
        If it was changed since it was written, or cannot be written.
    """
    before = read_manifest(folder)
    files = {name: told for name, told in before.items() if name not in names}
    files |= {name: fingerprint(folder / name) for name in names if (folder / name).is_file()}
    if files == before:
        return
    with replace_file(RunPaths(folder).manifest) as part:
        part.write_text(_text(files), encoding="utf-8")


def read_manifest(folder: Path) -> dict[str, str]:
    """The fingerprints that a run left.

    Raises
    ------
    ConfigError
        If there is no manifest.
    IntegrityError
        If it was changed since it was written.
    """
    path = RunPaths(folder).manifest
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        if not path.exists():
            raise ConfigError(f"{folder}: no run has finished there", "run `icepipe run` first") from None
        raise IntegrityError(f"{path}: cannot be read ({error})", "run again with --force") from None
    try:
        files = json.loads(text)["files"]
        whole = text == _text(files)
    except (ValueError, KeyError, TypeError):
        whole = False
    if not whole:
        raise IntegrityError(f"{path}: was changed since it was written", "run again to write it anew")
    return dict(files)
