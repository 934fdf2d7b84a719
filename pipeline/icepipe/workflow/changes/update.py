"""Changes between the observations of a run: tables, polygons, and what clouds hide of what was there before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
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
from icepipe.publish.run_folder.paths import PairPaths, RunPaths
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
    """What a run tells of change.

    Attributes
    ----------
    pairs
        The table of every two consecutive observations, by their keys.
    hidden
        What each observation hides of what was last seen, by its key and by region.
    """

    pairs: Mapping[tuple[ObservationKey, ObservationKey], ChangeTable]
    hidden: Mapping[ObservationKey, Mapping[str, Occlusion]]


def layer_of(before: ClassMap, after: ClassMap, change: ChangeTable, found: GainLossRasters) -> ChangeLayer:
    """Polygons of gain and loss of each class whose area is known on both days."""
    grid, area, told = before.basis.grid, before.area.units, [code for code in WATCHED if change.is_comparable(code)]
    drawn = {
        kind: polygonize(writer.finish(), told, grid, area, change.unit_m2)
        for kind, writer in (("gain", found.gained), ("loss", found.lost))
    }
    kinds = {
        f"{code.label}_{kind}": layers.get(code) or empty_layer(code, grid.crs)
        for code in WATCHED
        for kind, layers in drawn.items()
    }
    return ChangeLayer(before.key, after.key, grid.crs, kinds)


def _make_pair(
    paths: PairPaths, before: ClassMap, after: ClassMap, unseen: Background, made: PairProvenance
) -> PairRecord:
    found = GainLossRasters.on(before.basis.grid) if made.polygons else None
    change = change_between(before, after, unseen, found)
    files = [paths.polygons, paths.style]
    if found:
        write_change_layer(files[0], layer_of(before, after, change, found))
    else:
        for file in files:
            file.unlink(missing_ok=True)
    outputs = tuple((file.name, fingerprint(file)) for file in files if found)
    record = PairRecord(made, change, outputs)
    write_pair(paths.record, record)
    return record


def _pair(
    run: RunPaths,
    unseen: Background,
    polygons: bool,
    fingerprint: Callable[[Path], str],
    pair: tuple[ClassMap, ClassMap],
) -> ChangeTable:
    """The table of a pair: the one that stands there if it was made from the same, or a new one."""
    before, after = pair
    made = PairProvenance(
        rasters=(before.fingerprint, after.fingerprint),
        known=(tuple(sorted(before.known_classes)), tuple(sorted(after.known_classes))),
        basis=before.record.made.basis,
        code=versions(),
        polygons=polygons,
    )
    paths = run.pair(before.key, after.key)
    record = read_pair(paths.record, fingerprint)
    if record is None or record.made != made:
        record = _make_pair(paths, before, after, unseen, made)
    return record.change


def _earlier(maps: Sequence[ClassMap], number: int) -> list[ClassMap]:
    """Maps before one whose names can be trusted, the latest first."""
    trusted = (one for one in reversed(maps[:number]) if Flag.MODEL_MISFIT not in one.flags)
    return list(islice(trusted, LOOK_BACK))


def _occlusion_for(
    kept: Mapping[ObservationKey, OcclusionRecord], maps: Sequence[ClassMap], unseen: Background, number: int
) -> OcclusionRecord | None:
    """What one map hides, read where it was made from the same maps; None where there is no earlier one."""
    mapped, earlier = maps[number], _earlier(maps, number)
    if not earlier:
        return None
    rasters = tuple(one.fingerprint for one in (mapped, *earlier))
    basis, record = mapped.record.made.basis, kept.get(mapped.key)
    if record and (record.rasters, record.basis) == (rasters, basis):
        return record
    return OcclusionRecord(rasters, basis, occlusion_between(mapped, earlier, unseen))


def _update_occlusion(
    path: Path, maps: Sequence[ClassMap], unseen: Background, workers: int
) -> dict[ObservationKey, dict[str, Occlusion]]:
    """What each map hides of what was there before, by key and region."""
    kept = read_occlusion(path)
    found = ordered_map(partial(_occlusion_for, kept, maps, unseen), range(len(maps)), workers)
    now = {mapped.key: record for mapped, record in zip(maps, found, strict=True) if record}
    if now != kept:
        write_occlusion(path, now)
    return {key: record.hidden for key, record in now.items()}


def update_changes(
    run_folder: Path,
    basis: Basis,
    unseen: Background,
    records: Mapping[str, Record],
    polygons: bool,
    workers: int,
    fingerprint: Callable[[Path], str] = fingerprint,
) -> RunChanges:
    """Bring the changes between consecutive observations up to date.

    Parameters
    ----------
    run_folder
        Of the run; polygons and records of pairs go to its folder ``change``.
    basis, unseen
        What all observations share, and what pixels are where no scene reaches.
    records
        Of every observation, by key, in order of time.
    polygons
        Whether polygons are asked for.
    workers
        Pairs worked on at once.
    fingerprint
        Tells what a file holds.

    Raises
    ------
    IntegrityError
        If a table does not close, or a file cannot be written.
    """
    run = RunPaths(run_folder)
    maps = [load_class_map(run.observation(key).folder, basis, record) for key, record in records.items()]
    pairs = list(pairwise(maps))
    drop_stale(run.pair_records(), {run.pair(before.key, after.key).record for before, after in pairs})
    tables = ordered_map(partial(_pair, run, unseen, polygons, fingerprint), pairs, workers)
    told = {(before.key, after.key): table for (before, after), table in zip(pairs, tables, strict=True)}
    return RunChanges(told, _update_occlusion(run.occlusion, maps, unseen, workers))
