"""Descriptions of scenes that were made before, so that ten thousand files need not be opened to learn nothing new."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path

from pydantic import TypeAdapter

from icepipe.config.inputs import Inputs
from icepipe.inputs.describe import Files, describe, product_name
from icepipe.inputs.products.radiometry import metadata_places
from icepipe.inputs.scenes import Scene
from icepipe.inputs.sidecars import side_files
from icepipe.sensors.sensor import MetadataFormat
from icepipe.sensors.table import SENSORS
from icepipe.storage.fingerprint import FolderSnapshot

_ADAPTER = TypeAdapter(Scene)


def _settings(inputs: Inputs) -> str:
    """What of the config, and which code, a description depends on."""
    said = inputs.model_dump(mode="json", exclude={"scenes", "regions", "grid"})
    return json.dumps([said, version("icepipe"), version("rasterio")], sort_keys=True)


def stat_files(scene: Scene) -> Iterable[Path]:
    """Every file that a description may come from, whether it is there or not."""
    for path in scene.files:
        yield path
        yield from side_files(path)
    for path in dict.fromkeys(band.path for band in scene.bands):
        yield from metadata_places(path, product_name(path), scene.sensor)


class SceneCache:
    """Describes scenes; takes what is known where every file it came from is as it was.

    Parameters
    ----------
    known
        Documents of an earlier run, by the key of the scene's files.
    inputs
        The section of the config.
    snapshot
        The files as they are.
    """

    def __init__(self, known: Mapping[str, str], inputs: Inputs, snapshot: FolderSnapshot) -> None:
        self._known, self._settings, self._listing = known, _settings(inputs), snapshot
        self.used: dict[str, str] = {}
        """Documents of the scenes that were asked for, old and new."""

    def __call__(self, files: Files, inputs: Inputs) -> Scene:
        """Everything about a scene but its pixels.

        Raises
        ------
        InputError
            If a file of it cannot be used.
        """
        key = hashlib.sha256("\n".join([self._settings, *map(ascii, map(str, files))]).encode()).hexdigest()[:32]
        known = self._known.get(key)
        scene = self._still_true(known) if known is not None else None
        if scene:
            self.used[key] = str(known)
            return scene
        scene = describe(files, inputs)
        if self._may_be_kept(scene):
            self.used[key] = self._document(scene)
        return scene

    def _still_true(self, document: str) -> Scene | None:
        held = json.loads(document)
        same = all(self._stamp(Path(path)) == stamp for path, stamp in held["files"].items())
        return _ADAPTER.validate_python(held["scene"]) if same else None

    def _stamp(self, path: Path) -> list[int] | None:
        found = self._listing.file_stat(path)
        return list(vars(found).values()) if found else None

    def _document(self, scene: Scene) -> str:
        files = {str(path): self._stamp(path) for path in stat_files(scene)}
        return json.dumps({"files": files, "scene": _ADAPTER.dump_python(scene, mode="json")})

    def _may_be_kept(self, scene: Scene) -> bool:
        """Whether later changes would show: not for files just written, nor where metadata of any name may yet come."""
        if not all(str(path).isprintable() for path in scene.files):
            return False  # names that are no text have no place in a document
        found = [self._listing.file_stat(path) for path in scene.files]
        waits = SENSORS[scene.sensor].metadata is MetadataFormat.LANDSAT_MTL and not scene.metadata
        return not waits and all(one is not None and one.is_settled() for one in found)
