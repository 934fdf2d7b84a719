"""Whether a run's folder is what the run left: every file's bytes, the budget, and polygons = raster = table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from icepipe.classes import SEEN
from icepipe.measure.area.by_region import count_by_set, region_tally
from icepipe.measure.area.series import Row
from icepipe.measure.area.tally import Tally
from icepipe.publish.run_folder.basis import basis_hash, load_basis
from icepipe.publish.run_folder.class_map import ClassMap, load_class_map
from icepipe.publish.run_folder.manifest import read_manifest, run_files
from icepipe.publish.run_folder.paths import POLYGON_ENDINGS, ObservationPaths, RunPaths
from icepipe.publish.run_folder.record import last_record
from icepipe.raster.regions import RegionMap
from icepipe.storage.fingerprint import fingerprint

AREA_TOLERANCE = 1e-9
POLYGON_AREA_TOLERANCE = 1e-6


def changed_files(folder: Path) -> Iterator[str]:
    """What is wrong with the files of a run, each in a sentence.

    Raises
    ------
    ConfigError
        If no run has finished there.
    IntegrityError
        If the manifest itself was changed.
    """
    listed, there = read_manifest(folder), run_files(folder)
    for name in sorted(listed.keys() - there.keys()):
        yield f"{folder / name}: is missing"
    for name in sorted(there.keys() - listed.keys()):
        yield f"{folder / name}: is not of this run"
    for name in sorted(listed.keys() & there.keys()):
        if fingerprint(there[name]) != listed[name]:
            yield f"{folder / name}: its bytes have changed"


def _by_region(rows: Sequence[Row]) -> dict[str, dict[str, Row]]:
    found: dict[str, dict[str, Row]] = {}
    for row in rows:
        found.setdefault(row.region, {})[row.class_] = row
    return found


def _budget(key: str, rows: Mapping[str, Row]) -> Iterator[str]:
    """Whether the classes of a region add up to it; unknown areas leave that open."""
    areas = [row.area_km2 for row in rows.values()]
    known = [area for area in areas if area is not None]
    first = next(iter(rows.values()))
    if len(known) == len(areas) and abs(sum(known) - first.region_km2) > AREA_TOLERANCE * max(first.region_km2, 1e-12):
        yield f"{key} {first.region}: the classes add up to {sum(known)} km2 and the region has {first.region_km2} km2"
    for row in rows.values():
        low, area, high = row.area_low_km2, row.area_km2, row.area_high_km2
        if None not in (low, area, high) and not low <= area <= high:  # type: ignore[operator]
            yield f"{key} {row.region}: {row.class_} is {area} km2, outside {low} .. {high}"


def _by_region_of(mapped: ClassMap, regions: RegionMap) -> dict[str, Tally]:
    """What the raster holds of each region."""
    tallies: defaultdict[int, Tally] = defaultdict(Tally)
    for block, classes in mapped.blocks():
        count_by_set(tallies, classes.astype(np.uint16), regions.set_numbers(block), mapped.area.units(block))
    return {outline.name: region_tally(number, tallies, regions) for number, outline in enumerate(regions.outlines)}


def _raster(mapped: ClassMap, tally: Tally, rows: Mapping[str, Row]) -> Iterator[str]:
    """Whether the raster holds the pixels and the area that the rows of a region say."""
    for code in SEEN:
        row, pixels = rows[code.label], tally.pixels[code]
        km2, where = tally.units[code] * mapped.basis.unit_m2 / 1e6, f"of {code.label} in {row.region}"
        if row.n_pixels is not None and row.n_pixels != pixels:
            yield f"{mapped.path}: holds {pixels} pixels {where}, and the table says {row.n_pixels}"
        if row.area_km2 is not None and abs(row.area_km2 - km2) > AREA_TOLERANCE * max(km2, 1e-12):
            yield f"{mapped.path}: holds {km2} km2 {where}, and the table says {row.area_km2}"


def _sums(path: Path) -> tuple[float, int]:
    """Square metres and pixels of all features of a file."""
    columns = ["area_m2", "n_px"]
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        table = pq.read_table(path, columns=columns)
        return float(np.sum(table["area_m2"].to_numpy())), int(np.sum(table["n_px"].to_numpy()))
    from pyogrio.raw import read

    about, _, _, values = read(path, columns=columns, read_geometry=False)
    of = dict(zip(about["fields"], values, strict=True))
    return float(np.sum(of["area_m2"])), int(of["n_px"].sum())


def _polygons(mapped: ClassMap) -> Iterator[str]:
    """Whether polygons hold the pixels and the area of the raster."""
    paths = ObservationPaths.from_raster(mapped.path)
    for path in sorted(paths.folder.iterdir()):
        code = next((code for code in SEEN if path.stem == paths.polygon_stem(code)), None)
        if code is None or path.suffix not in POLYGON_ENDINGS:
            continue
        m2, pixels = _sums(path)
        km2, expected = m2 / 1e6, mapped.area_km2(code)
        if pixels != mapped.tally.pixels[code]:
            yield f"{path}: holds {pixels} pixels, and the raster {mapped.tally.pixels[code]}"
        if abs(km2 - expected) > POLYGON_AREA_TOLERANCE * max(expected, 1e-12):
            yield f"{path}: holds {km2} km2, and the raster {expected}"


def _observation(mapped: ClassMap, regions: RegionMap) -> Iterator[str]:
    by_region = _by_region(mapped.record.rows)
    several = _by_region_of(mapped, regions) if len(by_region) > 1 else {}
    for name, rows in by_region.items():
        yield from _budget(mapped.key, rows)
        yield from _raster(mapped, several.get(name, mapped.tally), rows)
    yield from _polygons(mapped)


def find_faults(folder: Path) -> Iterator[str]:
    """Everything that does not hold in a run's folder, each in a sentence.

    Files first; what they say is looked at only where no byte has changed.

    Raises
    ------
    ConfigError
        If no run has finished there.
    IntegrityError
        If the manifest itself was changed.
    """
    found = list(changed_files(folder))
    yield from found
    basis = load_basis(folder)
    if found or basis is None:
        return
    regions = RegionMap(basis.regions, basis.grid, from_scenes=False)
    for path in RunPaths(folder).observation_folders():
        record = last_record(path)
        if record is None:
            yield f"{path}: has no record"
        elif record.made.basis == basis_hash(basis):
            yield from _observation(load_class_map(path, basis, record), regions)
