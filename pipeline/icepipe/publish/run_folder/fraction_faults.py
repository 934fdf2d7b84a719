"""Verification of the share of ice of an observation against its class raster and the table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from icepipe.classes import FULL_PERCENT, NO_PERCENT, SEEN, ClassCode
from icepipe.flags import Flag
from icepipe.geo.crs import same_crs
from icepipe.geo.geobox import GeoBox
from icepipe.inputs.validate import open_raster
from icepipe.measure.area.by_region import count_by_set, region_tally
from icepipe.measure.area.series import Row
from icepipe.measure.area.tally import Tally, merge_tallies
from icepipe.publish.run_folder.class_map import ClassMap, read_codes
from icepipe.publish.run_folder.paths import ObservationPaths
from icepipe.raster.regions import RegionMap

ROUNDING = 0.5 / FULL_PERCENT
"""Largest difference between a share of a pixel and its percent, as a fraction of the pixel."""

AREA_TOLERANCE = 1e-9
"""Relative difference allowed between sums of the same numbers."""


def fraction_faults(mapped: ClassMap, rows: Mapping[str, Mapping[str, Row]], regions: RegionMap) -> Iterator[str]:
    """Yield a sentence for each disagreement between the share of ice, the class raster and the table.

    Parameters
    ----------
    mapped
        The class raster of an observation; nothing is yielded if no share of ice lies next to it.
    rows
        Rows of the observation by region and class.
    regions
        The regions on the run grid.
    """
    path = ObservationPaths.from_raster(mapped.path).fraction_raster
    if not path.is_file():
        return
    with open_raster(path) as dataset:
        grid = GeoBox(dataset.crs.to_wkt(), dataset.transform, dataset.width, dataset.height)
        nodata = dataset.nodata
    expected = mapped.basis.grid
    is_same = (grid.transform, grid.shape) == (expected.transform, expected.shape)
    if not is_same or not same_crs(grid.crs, expected.crs) or nodata != NO_PERCENT:
        yield f"{path}: has another grid or nodata value than {mapped.path.name}"
        return
    tallies = tally_percent(mapped, path, regions)
    yield from pixel_faults(path, merge_tallies(tallies.values()), rows)
    numbers = {region.name: number for number, region in enumerate(regions.outlines)}
    for name, by_class in rows.items():
        if name in numbers:
            ice = by_class[ClassCode.ICE.label]
            yield from ice_faults(path, region_tally(numbers[name], tallies, regions), ice, mapped.basis.unit_m2)


def tally_percent(mapped: ClassMap, path: Path, regions: RegionMap) -> Mapping[int, Tally]:
    """Return pixels and areas by class code times 256 plus percent, by the number of the set of regions."""
    tallies: defaultdict[int, Tally] = defaultdict(Tally)
    with open_raster(path) as dataset:
        for block, classes in mapped.blocks():
            pairs = np.asarray(np.uint16(256) * classes + read_codes(dataset, block), dtype=np.uint16)
            count_by_set(tallies, pairs, regions.set_numbers(block), mapped.area.units(block))
    return tallies


def pixel_faults(path: Path, tally: Tally, rows: Mapping[str, Mapping[str, Row]]) -> Iterator[str]:
    """Yield a sentence for each kind of pixel whose number its class does not allow."""
    flags = (row.flags for by_class in rows.values() for row in by_class.values())
    # Ice without a concentration has no share among concentrations.
    optional = {ClassCode.ICE} if any(Flag.CONCENTRATION in of_row for of_row in flags) else set()
    wrong = unseen = missing = 0
    for pair, count in tally.pixels.items():
        code, percent = divmod(pair, 256)
        wrong += count if FULL_PERCENT < percent < NO_PERCENT else 0
        unseen += count if code not in SEEN and percent <= FULL_PERCENT else 0
        missing += count if code in SEEN and code not in optional and percent == NO_PERCENT else 0
    if wrong:
        yield f"{path}: {wrong} pixels are neither a percent nor {NO_PERCENT}"
    if unseen:
        yield f"{path}: {unseen} pixels that were not seen have a share of ice"
    if missing:
        yield f"{path}: {missing} pixels that were seen have no share of ice"


def ice_faults(path: Path, tally: Tally, ice: Row, unit_m2: float) -> Iterator[str]:
    """Yield a sentence if the shares of a region do not add up to its ice, within the rounding of percent."""
    shares = {pair: pair % 256 for pair in tally.units if pair % 256 <= FULL_PERCENT}
    km2 = sum(tally.units[pair] * percent for pair, percent in shares.items()) / FULL_PERCENT * unit_m2 / 1e6
    seen_km2 = tally.units_in(shares) * unit_m2 / 1e6
    # Class rasters without concentrations have no surface; every pixel of theirs is full of its class.
    expected, rounding = (ice.area_km2, 0.0) if ice.weighted_km2 is None else (ice.weighted_km2, ROUNDING)
    if expected is not None and abs(km2 - expected) > (rounding + AREA_TOLERANCE) * max(seen_km2, 1e-12):
        yield f"{path}: holds {km2} km2 of ice in {ice.region}, and the table says {expected}"
