"""One observation's class raster as it stands in a run's folder: checked, and read block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from rasterio.windows import Window

from icepipe.arrays import Dataset, Float64, Int64, UInt8
from icepipe.classes import ClassCode
from icepipe.errors import ConfigError, InputError
from icepipe.flags import Flag
from icepipe.geo.coverage import intersects
from icepipe.geo.crs import same_crs
from icepipe.geo.geobox import Block
from icepipe.geo.pixel_area import PixelArea
from icepipe.inputs.observation_key import ObservationKey
from icepipe.inputs.validate import open_raster
from icepipe.measure.area.tally import Tally
from icepipe.publish.run_folder.basis import Basis, basis_hash, load_basis
from icepipe.publish.run_folder.paths import RunPaths
from icepipe.publish.run_folder.record import Record, read_record
from icepipe.raster.blocks import blocks

RUN_AGAIN = "run `icepipe run` again"


def _read(block: Block, dataset: Dataset) -> UInt8:
    codes: UInt8 = dataset.read(1, window=Window(block.col, block.row, block.width, block.height))
    return codes


@dataclass(frozen=True)
class ClassMap:
    """The map of one observation.

    Attributes
    ----------
    path, fingerprint
        Class raster.
    basis, record
        What it was made on and from.
    """

    path: Path
    fingerprint: str
    basis: Basis
    record: Record

    @property
    def key(self) -> ObservationKey:
        """Key of the observation."""
        return self.record.rows[0].date

    @cached_property
    def model(self) -> str:
        """Digest of the model."""
        return self.record.rows[0].model

    @property
    def flags(self) -> frozenset[Flag]:
        """Flags of its rows that hold in every region."""
        by_region: dict[str, set[Flag]] = {}
        for row in self.record.rows:
            by_region.setdefault(row.region, set()).update(row.flags)
        return frozenset(set.intersection(*by_region.values()))

    @property
    def known_classes(self) -> frozenset[ClassCode]:
        """Classes whose area its rows know."""
        return frozenset(ClassCode[row.class_.upper()] for row in self.record.rows if row.area_km2 is not None)

    @cached_property
    def area(self) -> PixelArea:
        """True area of the pixels, in units of the basis."""
        return PixelArea(self.basis.grid, self.basis.unit_m2)

    def reaches(self, block: Block) -> bool:
        """Whether a file told of something in a block, or may have; elsewhere nothing was seen."""
        return self.record.reached is None or intersects(self.record.reached, block)

    def blocks(self, side: int | None = None) -> Iterator[tuple[Block, UInt8]]:
        """Each block with the classes of its pixels."""
        with open_raster(self.path) as dataset:
            for block in blocks(self.basis.grid, side):
                yield block, _read(block, dataset)

    @cached_property
    def tally(self) -> Tally:
        """Pixels and area units of every class."""
        tally = Tally()
        for block, classes in self.blocks():
            tally.add(classes.astype(np.uint16), self.area.units(block))
        return tally

    def area_km2(self, code: ClassCode) -> float:
        """True area of a class."""
        return self.tally.units[code] * self.basis.unit_m2 / 1e6

    def classes_at(self, x: Float64, y: Float64, crs: str) -> list[ClassCode]:
        """Class of the pixel that holds each place.

        Raises
        ------
        ConfigError
            If the places are in another coordinate system, or one lies off the grid.
        """
        grid = self.basis.grid
        col, row = (np.floor(position).astype(np.int64) for position in grid.to_pixels(x, y))
        on_grid = (col >= 0) & (col < grid.width) & (row >= 0) & (row < grid.height)
        if not same_crs(crs, grid.crs) or not np.all(on_grid):
            raise ConfigError(
                f"{self.path}: the sample was drawn in another place or coordinate system",
                "name the run it was drawn from, or one on its grid",
            )
        return self._codes(row, col)

    def _codes(self, row: Int64, col: Int64) -> list[ClassCode]:
        codes = np.zeros(len(row), dtype=np.uint8)
        for block, classes in self.blocks():
            here = (row >= block.row) & (row < block.row + block.height)
            codes[here] = classes[row[here] - block.row, col[here]]
        return [ClassCode(code) for code in codes.tolist()]


@contextmanager
def open_together(maps: Sequence[ClassMap]) -> Iterator[Callable[[int, Block], UInt8]]:
    """What reads the classes of a block of one of some maps, by its number."""
    with ExitStack() as stack:
        opened = [stack.enter_context(open_raster(one.path)) for one in maps]
        yield lambda number, block: _read(block, opened[number])


def _refuse_unknown(run: RunPaths, key: str) -> None:
    if run.observation(key).record.is_file():
        return
    there = [found.name for found in run.observation_folders() if run.observation(found.name).record.is_file()]
    raise ConfigError(
        f"{run.folder}: no observation {key}",
        f"name one of {', '.join(there)}" if there else "run `icepipe run` first",
    )


def load_class_map(place: Path, basis: Basis, record: Record) -> ClassMap:
    """The map in an observation's folder, whose record has been read.

    Raises
    ------
    InputError
        If the record lists no class raster.
    """
    if record.class_raster is None:
        raise InputError(place, "its record lists no class raster", RUN_AGAIN)
    name, fingerprint = record.class_raster
    return ClassMap(place / name, fingerprint, basis, record)


def open_class_map(folder: Path, key: str) -> ClassMap:
    """The map of an observation in a run's folder.

    Raises
    ------
    ConfigError
        If there is no such observation.
    InputError
        If its files were changed, or it was made on another basis than the run now has.
    """
    run = RunPaths(folder)
    _refuse_unknown(run, key)
    place = run.observation(key).folder
    record = read_record(place)
    if record is None:
        raise InputError(place, "its files are not as its record says", RUN_AGAIN)
    basis = load_basis(folder)
    if basis is None or basis_hash(basis) != record.made.basis:
        raise InputError(place, "it was made on another basis than the run has now", RUN_AGAIN)
    return load_class_map(place, basis, record)
