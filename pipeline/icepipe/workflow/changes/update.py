"""Bring the changes between observations up to date: tables, polygons, and occlusion by clouds and gaps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path

from icepipe.classes import ClassCode
from icepipe.flags import Flag
from icepipe.inputs.observation_key import ObservationKey
from icepipe.measure.area.background import Background
from icepipe.measure.change.occlusion import LOOK_BACK, Occlusion
from icepipe.measure.change.transitions import ChangeTable
from icepipe.measure.polygons.polygonize import empty_layer, polygonize
from icepipe.publish.run_folder.basis import Basis
from icepipe.publish.run_folder.class_map import ClassMap, load_class_map
from icepipe.publish.run_folder.paths import RunPaths
from icepipe.publish.run_folder.provenance import versions
from icepipe.publish.run_folder.record import Record
from icepipe.publish.vectors.change_layer import ChangeLayer, write_change_layer
from icepipe.runtime.parallel import ordered_map
from icepipe.storage.fingerprint import fingerprint
from icepipe.workflow.changes.compare_maps import GainLossRasters, change_between, occlusion_between
from icepipe.workflow.changes.records import (
    OcclusionRecord,
    PairProvenance,
    PairRecord,
    drop_stale,
    read_occlusion,
    read_pair,
    write_occlusion,
    write_pair,
)

WATCHED = (ClassCode.ICE, ClassCode.WATER)
"""Classes whose gain and loss become polygons."""


@dataclass(frozen=True)
class RunChanges:
    """Changes between the observations of a run.

    Attributes
    ----------
    pairs
        Table of every two consecutive observations, by their keys.
    hidden
        Occlusion of each observation, by its key and by region.
    """

    pairs: Mapping[tuple[ObservationKey, ObservationKey], ChangeTable]
    hidden: Mapping[ObservationKey, Mapping[str, Occlusion]]


def gain_loss_layer(before: ClassMap, after: ClassMap, change: ChangeTable, rasters: GainLossRasters) -> ChangeLayer:
    """Return polygons of gain and loss of each class whose area is known in both maps."""
    grid, area = before.basis.grid, before.area.units
    codes = [code for code in WATCHED if change.is_comparable(code)]
    traced = {
        kind: polygonize(writer.finish(), codes, grid, area, change.unit_m2)
        for kind, writer in (("gain", rasters.gained), ("loss", rasters.lost))
    }
    layers = {
        f"{code.label}_{kind}": by_code.get(code) or empty_layer(code, grid.crs)
        for code in WATCHED
        for kind, by_code in traced.items()
    }
    return ChangeLayer(before.key, after.key, grid.crs, layers)


@dataclass(frozen=True)
class ChangeUpdater:
    """Updates the changes of a run; its methods may run on several threads.

    Attributes
    ----------
    paths
        Paths of the run.
    maps
        Class maps of all observations, in order of time.
    background
        Classes of the pixels that no scene reaches.
    polygons
        Whether polygons of gain and loss are written.
    fingerprint
        Function that returns the fingerprint of a file.
    """

    paths: RunPaths
    maps: Sequence[ClassMap]
    background: Background
    polygons: bool
    fingerprint: Callable[[Path], str]

    def update_pair(self, pair: tuple[ClassMap, ClassMap]) -> ChangeTable:
        """Return the table of a pair: the published one if it was made from the same, or a new one."""
        before, after = pair
        provenance = PairProvenance(
            rasters=(before.fingerprint, after.fingerprint),
            known=(tuple(sorted(before.known_classes)), tuple(sorted(after.known_classes))),
            basis=before.record.made.basis,
            code=versions(),
            polygons=self.polygons,
        )
        record = read_pair(self.paths.pair(before.key, after.key).record, self.fingerprint)
        # Fingerprints of rasters decide: a date that was processed again to the same bytes changes nothing.
        if record is None or record.made != provenance:
            record = self.compare_pair(before, after, provenance)
        return record.change

    def compare_pair(self, before: ClassMap, after: ClassMap, provenance: PairProvenance) -> PairRecord:
        """Compare two maps, write the polygons of gain and loss, and then the record."""
        paths = self.paths.pair(before.key, after.key)
        rasters = GainLossRasters.for_grid(before.basis.grid) if self.polygons else None
        change = change_between(before, after, self.background, rasters)
        files = [paths.polygons, paths.style]
        if rasters:
            write_change_layer(paths.polygons, gain_loss_layer(before, after, change, rasters))
        else:
            for file in files:
                file.unlink(missing_ok=True)
        outputs = tuple((file.name, fingerprint(file)) for file in files if rasters)
        record = PairRecord(provenance, change, outputs)
        # The record comes last: without it, a run that was stopped here compares the pair again.
        write_pair(paths.record, record)
        return record

    def update_occlusion(self, number: int, known: Mapping[ObservationKey, OcclusionRecord]) -> OcclusionRecord | None:
        """Return the occlusion of one map, from its record if that is up to date; None without earlier maps."""
        class_map = self.maps[number]
        # A map whose model does not fit says nothing reliable about what was seen before.
        trusted = (earlier for earlier in reversed(self.maps[:number]) if Flag.MODEL_MISFIT not in earlier.flags)
        earlier_maps = list(islice(trusted, LOOK_BACK))
        if not earlier_maps:
            return None
        rasters = tuple(used.fingerprint for used in (class_map, *earlier_maps))
        basis = class_map.record.made.basis
        record = known.get(class_map.key)
        if record and (record.rasters, record.basis) == (rasters, basis):
            return record
        return OcclusionRecord(rasters, basis, occlusion_between(class_map, earlier_maps, self.background))


def update_changes(
    run_folder: Path,
    basis: Basis,
    background: Background,
    records: Mapping[str, Record],
    polygons: bool,
    workers: int,
    fingerprint: Callable[[Path], str] = fingerprint,
) -> RunChanges:
    """Bring the changes between consecutive observations up to date.

    Parameters
    ----------
    run_folder
        Folder of the run; polygons and records of pairs go to its folder ``change``.
    basis, background
        The basis, and the classes of the pixels that no scene reaches.
    records
        Records of all observations by key, in order of time.
    polygons
        Whether to write polygons of gain and loss.
    workers
        Number of pairs to compare at once.
    fingerprint
        Function that returns the fingerprint of a file.

    Raises
    ------
    IntegrityError
        If a table does not close, or a file cannot be written.
    """
    paths = RunPaths(run_folder)
    maps = [load_class_map(paths.observation(key).folder, basis, record) for key, record in records.items()]
    updater = ChangeUpdater(paths, maps, background, polygons, fingerprint)
    pairs = list(pairwise(maps))
    keys = [(before.key, after.key) for before, after in pairs]
    drop_stale(paths.pair_records(), {paths.pair(*pair).record for pair in keys})
    tables = dict(zip(keys, ordered_map(updater.update_pair, pairs, workers), strict=True))
    known = read_occlusion(paths.occlusion)
    occlusions = ordered_map(lambda number: updater.update_occlusion(number, known), range(len(maps)), workers)
    current = {class_map.key: record for class_map, record in zip(maps, occlusions, strict=True) if record}
    # An unchanged file keeps its times, and with them the snapshot of the next run.
    if current != known:
        write_occlusion(paths.occlusion, current)
    return RunChanges(tables, {key: record.hidden for key, record in current.items()})
