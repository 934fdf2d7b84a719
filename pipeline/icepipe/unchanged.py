"""Whether anything at all has changed since a run told its result: inputs, settings, code and outputs, at a glance.

A glance is one look at every folder: no file is opened, and no scene is described. Where it finds a change, or cannot
tell, a run looks at each observation by itself.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from icepipe.config import Config
from icepipe.errors import InputError, NoUsableInput
from icepipe.inputs.described import looked_at
from icepipe.inputs.find import find_files, unlisted_folders
from icepipe.inputs.fingerprint import Identity, Listing
from icepipe.inputs.outlines import with_parts
from icepipe.publish.manifest import NO_OUTPUTS
from icepipe.publish.provenance import versions
from icepipe.records import Scene

Looked = Mapping[str, list[str]]
"""Names by folder, of files that are there and of files that would count if they were."""


def _by_folder(paths: Iterable[Path]) -> Looked:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for path in paths:
        folder, name = os.path.split(path)
        found[folder].add(name)
    return {folder: sorted(names) for folder, names in sorted(found.items())}


def _named(config: Config) -> Iterator[Path]:
    """Files that the config names, and what goes with them."""
    inputs = config.inputs
    told = (inputs.land and inputs.land.path, inputs.regions and inputs.regions.path, config.segment.model_file)
    for path in told:
        if path:
            yield from with_parts(Path(path))


def looked_at_by(config: Config, scenes: Iterable[Scene]) -> Looked:
    """Every file that a run's result comes from."""
    return _by_folder([*_named(config), *(path for scene in scenes for path in looked_at(scene))])


def _stamps(looked: Looked) -> Iterator[tuple[str, Identity | None]]:
    listing = Listing()
    for folder, names in looked.items():
        there = listing.folder(folder)
        for name in names:
            yield f"{folder}/{name}", Identity.of(there[name].stat()) if name in there else None


def _tree(folder: str) -> Iterator[tuple[str, Identity]]:
    """Every output below a folder."""
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        if entry.name in NO_OUTPUTS:
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _tree(entry.path)
        else:
            yield entry.path, Identity.of(entry.stat(follow_symlinks=False))


def glance(config: Config, looked: Looked) -> str | None:
    """Thirty-two digits that change with every input, setting, version and output; None where that cannot be told.

    It cannot where a file is so new that another change would leave no trace, where inputs are not there, or a
    folder cannot be looked into.

    Parameters
    ----------
    config
        Of the run.
    looked
        From :func:`looked_at_by`, of the scenes that are there.
    """
    digest = hashlib.blake2b(digest_size=16)
    try:
        files = find_files(config.inputs.scenes)
        if unlisted_folders(config.inputs.scenes):
            return None
        digest.update(json.dumps([config.stated, versions(), config.run_folder.name]).encode())
        digest.update("\0".join(map(ascii, map(str, files))).encode())
        for path, stamp in _stamps(looked):
            if stamp and not stamp.is_settled():
                return None
            digest.update(f"{path!a} {stamp}\n".encode())
        for path, stamp in _tree(str(config.run_folder)):
            digest.update(f"{path!a} {stamp}\n".encode())
    except (OSError, InputError, NoUsableInput):
        return None
    return digest.hexdigest()
