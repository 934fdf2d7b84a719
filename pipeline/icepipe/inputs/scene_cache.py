"""Cache of scene descriptions, so that a run does not open thousands of unchanged files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path

from pydantic import TypeAdapter

from icepipe.config.inputs import Inputs
from icepipe.inputs.describe import Files, describe, product_name
from icepipe.inputs.products.radiometry import metadata_paths
from icepipe.inputs.scenes import Scene, side_files
from icepipe.sensors.sensor import MetadataFormat
from icepipe.sensors.table import PRODUCTS, QUALITIES, SENSORS
from icepipe.storage.fingerprint import FolderSnapshot

_ADAPTER = TypeAdapter(Scene)


def stat_files(scene: Scene) -> Iterable[Path]:
    """Return every file that the description of a scene may come from, whether it exists or not."""
    for path in scene.files:
        yield path
        yield from side_files(path)
    for path in dict.fromkeys(band.path for band in scene.bands):
        yield from metadata_paths(path, product_name(path), scene.sensor)


class SceneCache:
    """Describe scenes; return the cached description if none of its files has changed.

    Parameters
    ----------
    known
        Cached documents of an earlier run, by key of the scene's files.
    inputs
        Section ``inputs`` of the config.
    snapshot
        State of the files at the start of the run.
    """

    def __init__(self, known: Mapping[str, str], inputs: Inputs, snapshot: FolderSnapshot) -> None:
        self._known, self._snapshot = known, snapshot
        # A description depends on these settings, on the tables that recognise files, and on the code that reads them.
        settings = inputs.model_dump(mode="json", exclude={"scenes", "regions", "grid"})
        tables = hashlib.sha256(repr((SENSORS, PRODUCTS, QUALITIES)).encode()).hexdigest()
        self._settings = json.dumps([settings, tables, version("icepipe"), version("rasterio")], sort_keys=True)
        self.used: dict[str, str] = {}
        """Documents of all scenes described in this run, by key."""

    def __call__(self, files: Files, inputs: Inputs) -> Scene:
        """Describe a scene: everything except its pixels.

        Raises
        ------
        InputError
            If one of its files cannot be used.
        """
        key = hashlib.sha256("\n".join([self._settings, *map(ascii, map(str, files))]).encode()).hexdigest()[:32]
        known = self._known.get(key)
        if known is not None and (scene := self._load(known)):
            self.used[key] = str(known)
            return scene
        scene = describe(files, inputs)
        if self._is_cacheable(scene):
            stamps = {str(path): self._file_stamp(path) for path in stat_files(scene)}
            self.used[key] = json.dumps({"files": stamps, "scene": _ADAPTER.dump_python(scene, mode="json")})
        return scene

    def _load(self, text: str) -> Scene | None:
        # None if a file has changed, appeared or gone since the document was written.
        document = json.loads(text)
        unchanged = all(self._file_stamp(Path(path)) == stamp for path, stamp in document["files"].items())
        return _ADAPTER.validate_python(document["scene"]) if unchanged else None

    def _file_stamp(self, path: Path) -> list[int] | None:
        """Return the size, times and inode of a file; None if it does not exist."""
        stat = self._snapshot.file_stat(path)
        return list(vars(stat).values()) if stat else None

    def _is_cacheable(self, scene: Scene) -> bool:
        """Return whether every later change of the scene's files would be noticed."""
        # A document cannot represent file names that are not valid text.
        if not all(str(path).isprintable() for path in scene.files):
            return False
        # An MTL file that arrives later can have a name that stat_files does not list.
        lacks_metadata = SENSORS[scene.sensor].metadata is MetadataFormat.LANDSAT_MTL and not scene.metadata
        # A file written moments ago can change again without a new time stamp.
        stats = [self._snapshot.file_stat(path) for path in scene.files]
        return not lacks_metadata and all(stat is not None and stat.is_settled() for stat in stats)
