"""``manifest.json``: the fingerprint of every file that a run left, to detect any changed byte."""

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


def manifest_text(files: Mapping[str, str]) -> str:
    """Return the text of the manifest, with a hash of its entries that detects a change of the manifest itself."""
    # Keys are sorted, so that the hash does not depend on the order of the files.
    listed = json.dumps(files, indent=1, sort_keys=True)
    return json.dumps({"files": files, "self": hashlib.sha256(listed.encode()).hexdigest()}, indent=1) + "\n"


def run_files(folder: Path) -> dict[str, Path]:
    """Return the output files of a run, by their path relative to its folder; the manifest is not listed."""
    manifest = RunPaths(folder).manifest
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file() and path != manifest)
    # Only the first part of a path is compared: everything in the folder of samples is left out.
    by_name = {path.relative_to(folder).as_posix(): path for path in paths}
    return {name: path for name, path in by_name.items() if name.split("/")[0] not in NOT_OUTPUTS}


def write_manifest(
    folder: Path, records: Mapping[str, Record], fingerprint: Callable[[Path], str] = fingerprint
) -> None:
    """Write the manifest of a run folder.

    Fingerprints of files of observations come from their records, all others are computed.
    """
    run = RunPaths(folder)
    known = {
        run.observation(key).folder / name: digest for key, record in records.items() for name, digest in record.outputs
    }
    files = {name: known.get(path) or fingerprint(path) for name, path in run_files(folder).items()}
    with replace_file(run.manifest) as part:
        part.write_text(manifest_text(files), encoding="utf-8")


def manifest_entries(folder: Path) -> frozenset[str]:
    """Return the names that the manifest lists; empty if there is no valid manifest."""
    try:
        return frozenset(read_manifest(folder))
    except IcepipeError:
        return frozenset()


def update_manifest(folder: Path, names: Iterable[str]) -> None:
    """Update the entries of some files in the manifest of a run folder; other entries stay as they are.

    Raises
    ------
    ConfigError
        If there is no manifest.
    IntegrityError
        If the manifest was changed since it was written, or cannot be written.
    """
    before = read_manifest(folder)
    files = {name: digest for name, digest in before.items() if name not in names}
    files |= {name: fingerprint(folder / name) for name in names if (folder / name).is_file()}
    # The file keeps its time of modification if nothing has changed.
    if files == before:
        return
    with replace_file(RunPaths(folder).manifest) as part:
        part.write_text(manifest_text(files), encoding="utf-8")


def read_manifest(folder: Path) -> dict[str, str]:
    """Read the fingerprints that a run left, by name.

    Raises
    ------
    ConfigError
        If there is no manifest.
    IntegrityError
        If the manifest was changed since it was written.
    """
    path = RunPaths(folder).manifest
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        # A missing manifest means that no run has finished; any other error is one of the disk.
        if not path.exists():
            raise ConfigError(f"{folder}: no run has finished there", "run `icepipe run` first") from None
        raise IntegrityError(f"{path}: cannot be read ({error})", "run again with --force") from None
    try:
        files = json.loads(text)["files"]
        # The whole text is compared, not only the hash, so that a change of the hash itself is detected too.
        is_intact = text == manifest_text(files)
    except (ValueError, KeyError, TypeError):
        is_intact = False
    if not is_intact:
        raise IntegrityError(f"{path}: was changed since it was written", "run again to write it")
    return dict(files)
