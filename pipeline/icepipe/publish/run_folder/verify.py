"""Verification of a run folder: fingerprints of all files, area budgets, and polygons = raster = table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from icepipe.classes import SEEN
from icepipe.flags import Flag
from icepipe.measure.area.by_region import count_by_set, region_tally
from icepipe.measure.area.series import Row
from icepipe.measure.area.tally import Tally
from icepipe.publish.run_folder.basis import basis_hash, load_basis
from icepipe.publish.run_folder.class_map import ClassMap, load_class_map
from icepipe.publish.run_folder.fraction_faults import fraction_faults
from icepipe.publish.run_folder.manifest import read_manifest, run_files
from icepipe.publish.run_folder.paths import POLYGON_ENDINGS, ObservationPaths, RunPaths
from icepipe.publish.run_folder.record import last_record
from icepipe.raster.regions import RegionMap
from icepipe.storage.fingerprint import fingerprint

AREA_TOLERANCE = 1e-9
"""Relative difference allowed between areas of raster and table, both sums of the same integer units."""

POLYGON_AREA_TOLERANCE = 1e-6
"""Relative difference allowed between the sum of polygon areas, rounded one by one, and the area of the raster."""


def changed_files(folder: Path) -> Iterator[str]:
    """Yield a sentence for each file that is missing, foreign or changed.

    Raises
    ------
    ConfigError
        If no run has finished in the folder.
    IntegrityError
        If the manifest itself was changed.
    """
    listed, present = read_manifest(folder), run_files(folder)
    for name in sorted(listed.keys() - present.keys()):
        yield f"{folder / name}: is missing"
    for name in sorted(present.keys() - listed.keys()):
        yield f"{folder / name}: is not a file of this run"
    for name in sorted(listed.keys() & present.keys()):
        if fingerprint(present[name]) != listed[name]:
            yield f"{folder / name}: its bytes have changed"


def budget_faults(key: str, rows: Mapping[str, Row]) -> Iterator[str]:
    """Yield a sentence for each area of a region that breaks its budget or lies outside its bounds.

    Parameters
    ----------
    key
        Key of the observation.
    rows
        Rows of one region, by class.
    """
    areas = [row.area_km2 for row in rows.values()]
    known = [area for area in areas if area is not None]
    first = next(iter(rows.values()))
    # The sum is checked only if every area is known; the minimum keeps an empty region from a tolerance of zero.
    if len(known) == len(areas) and abs(sum(known) - first.region_km2) > AREA_TOLERANCE * max(first.region_km2, 1e-12):
        yield f"{key} {first.region}: the classes add up to {sum(known)} km2 and the region has {first.region_km2} km2"
    for row in rows.values():
        low, area, high = row.area_low_km2, row.area_km2, row.area_high_km2
        # Where pixels are unmixed, the bounds hold the surface, which a cluster's pixels may exceed or fall short of.
        unmixed = row.weighted_km2 is not None and Flag.CONCENTRATION not in row.flags
        if not unmixed and None not in (low, area, high) and not low <= area <= high:  # type: ignore[operator]
            yield f"{key} {row.region}: {row.class_} is {area} km2, outside {low} .. {high}"


def surface_faults(key: str, rows: Mapping[str, Row]) -> Iterator[str]:
    """Yield a sentence for each surface of a region that breaks its sum, its bounds, or its scaling to the region.

    Parameters
    ----------
    key
        Key of the observation.
    rows
        Rows of one region, by class.
    """
    for row in rows.values():
        if row.weighted_km2 is None or row.weighted_est_km2 is None:
            continue
        name, weighted = f"{key} {row.region}: the surface of {row.class_}", row.weighted_km2
        scaled = weighted / (row.valid_fraction or 1.0)
        if abs(row.weighted_est_km2 - scaled) > AREA_TOLERANCE * max(scaled, 1e-12):
            yield f"{name} is {row.weighted_est_km2} km2 in the whole region, and {scaled} km2 by the fraction seen"
        low, high = row.area_low_km2, row.area_high_km2
        # The surface of a concentration is smaller than its extent, which has no other bounds.
        if Flag.CONCENTRATION in row.flags or low is None or high is None:
            continue
        if not low * (1 - AREA_TOLERANCE) <= weighted <= high * (1 + AREA_TOLERANCE):
            yield f"{name} is {weighted} km2, outside {low} .. {high}"
    seen = [rows[code.label] for code in SEEN]
    surfaces = [row.weighted_km2 for row in seen if row.weighted_km2 is not None]
    areas = [row.area_km2 for row in seen if row.area_km2 is not None]
    # Only with every class known do the shares of a pixel add up to the pixel.
    if len(surfaces) == len(areas) == len(seen) and abs(sum(surfaces) - sum(areas)) > AREA_TOLERANCE * sum(areas):
        yield f"{key} {seen[0].region}: the surfaces add up to {sum(surfaces)} km2, and {sum(areas)} km2 were seen"


def raster_faults(mapped: ClassMap, tally: Tally, rows: Mapping[str, Row]) -> Iterator[str]:
    """Yield a sentence for each class whose pixels or area in the raster differ from the rows of a region."""
    for code in SEEN:
        row, pixels = rows[code.label], tally.pixels[code]
        km2, subject = tally.units[code] * mapped.basis.unit_m2 / 1e6, f"of {code.label} in {row.region}"
        if row.n_pixels is not None and row.n_pixels != pixels:
            yield f"{mapped.path}: holds {pixels} pixels {subject}, and the table says {row.n_pixels}"
        if row.area_km2 is not None and abs(row.area_km2 - km2) > AREA_TOLERANCE * max(km2, 1e-12):
            yield f"{mapped.path}: holds {km2} km2 {subject}, and the table says {row.area_km2}"


def polygon_sums(path: Path) -> tuple[float, int]:
    """Return square metres and pixels of all features of a file."""
    columns = ["area_m2", "n_px"]
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        table = pq.read_table(path, columns=columns)
        return float(np.sum(table["area_m2"].to_numpy())), int(np.sum(table["n_px"].to_numpy()))
    from pyogrio.raw import read

    meta, _, _, values = read(path, columns=columns, read_geometry=False)
    by_field = dict(zip(meta["fields"], values, strict=True))
    return float(np.sum(by_field["area_m2"])), int(by_field["n_px"].sum())


def polygon_faults(mapped: ClassMap) -> Iterator[str]:
    """Yield a sentence for each polygon file whose pixels or area differ from the raster."""
    paths = ObservationPaths.from_raster(mapped.path)
    for path in sorted(paths.folder.iterdir()):
        code = next((code for code in SEEN if path.stem == paths.polygon_stem(code)), None)
        if code is None or path.suffix not in POLYGON_ENDINGS:
            continue
        m2, pixels = polygon_sums(path)
        km2, expected = m2 / 1e6, mapped.area_km2(code)
        if pixels != mapped.tally.pixels[code]:
            yield f"{path}: holds {pixels} pixels, and the raster {mapped.tally.pixels[code]}"
        if abs(km2 - expected) > POLYGON_AREA_TOLERANCE * max(expected, 1e-12):
            yield f"{path}: holds {km2} km2, and the raster {expected}"


def observation_faults(mapped: ClassMap, regions: RegionMap) -> Iterator[str]:
    """Yield a sentence for each disagreement between rasters, rows and polygons of an observation."""
    by_region: dict[str, dict[str, Row]] = {}
    for row in mapped.record.rows:
        by_region.setdefault(row.region, {})[row.class_] = row
    tallies: defaultdict[int, Tally] = defaultdict(Tally)
    # A single region is the whole raster, whose tally the class map computes anyway for the polygons.
    if len(by_region) > 1:
        for block, classes in mapped.blocks():
            count_by_set(tallies, classes.astype(np.uint16), regions.set_numbers(block), mapped.area.units(block))
    numbers = {region.name: number for number, region in enumerate(regions.outlines)}
    for name, rows in by_region.items():
        several = len(by_region) > 1 and name in numbers
        tally = region_tally(numbers[name], tallies, regions) if several else mapped.tally
        yield from budget_faults(mapped.key, rows)
        yield from surface_faults(mapped.key, rows)
        yield from raster_faults(mapped, tally, rows)
    yield from polygon_faults(mapped)
    yield from fraction_faults(mapped, by_region, regions)


def find_faults(folder: Path) -> Iterator[str]:
    """Yield a sentence for each fault of a run folder.

    Raises
    ------
    ConfigError
        If no run has finished in the folder.
    IntegrityError
        If the manifest itself was changed.
    """
    changed = list(changed_files(folder))
    yield from changed
    basis = load_basis(folder)
    # The content of files is compared only if no byte has changed: each further fault would follow from the first.
    if changed or basis is None:
        return
    regions = RegionMap(basis.regions, basis.grid, from_scenes=False)
    for path in RunPaths(folder).observation_folders():
        record = last_record(path)
        if record is None:
            yield f"{path}: has no record"
        elif record.made.basis == basis_hash(basis):
            yield from observation_faults(load_class_map(path, basis, record), regions)
