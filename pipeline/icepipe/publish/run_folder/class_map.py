"""The published class raster of an observation, checked against its record and read block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from rasterio.windows import Window

from icepipe.arrays import Dataset, Float64, UInt8
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


def read_codes(dataset: Dataset, block: Block) -> UInt8:
    """Read the class codes of a block of the run grid."""
    codes: UInt8 = dataset.read(1, window=Window(block.col, block.row, block.width, block.height))
    return codes


@dataclass(frozen=True)
class ClassMap:
    """The class map of one observation.

    Attributes
    ----------
    path, fingerprint
        The class raster.
    basis
        Basis of the run.
    record
        Record of the observation.
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
        """Digest of the model, as in the series."""
        return self.record.rows[0].model

    @property
    def flags(self) -> frozenset[Flag]:
        """Flags that the rows of every region have."""
        by_region: dict[str, set[Flag]] = {}
        for row in self.record.rows:
            by_region.setdefault(row.region, set()).update(row.flags)
        return frozenset(set.intersection(*by_region.values()))

    @property
    def known_classes(self) -> frozenset[ClassCode]:
        """Classes with a known area."""
        return frozenset(ClassCode[row.class_.upper()] for row in self.record.rows if row.area_km2 is not None)

    @cached_property
    def area(self) -> PixelArea:
        """True area of the pixels, in the unit of the basis."""
        return PixelArea(self.basis.grid, self.basis.unit_m2)

    def reaches(self, block: Block) -> bool:
        """Return whether an input may cover pixels of a block; the pixels of any other block are unobserved."""
        return self.record.reached is None or intersects(self.record.reached, block)

    def blocks(self, side: int | None = None) -> Iterator[tuple[Block, UInt8]]:
        """Yield each block of the run grid with its class codes, shape (rows, columns)."""
        with open_raster(self.path) as dataset:
            for block in blocks(self.basis.grid, side):
                yield block, read_codes(dataset, block)

    @cached_property
    def tally(self) -> Tally:
        """Pixels and area units of every class."""
        # The tally is cached, because each region and each polygon file is compared with it.
        tally = Tally()
        for block, classes in self.blocks():
            tally.add(classes.astype(np.uint16), self.area.units(block))
        return tally

    def area_km2(self, code: ClassCode) -> float:
        """Return the true area of a class."""
        return self.tally.units[code] * self.basis.unit_m2 / 1e6

    def classes_at(self, x: Float64, y: Float64, crs: str) -> list[ClassCode]:
        """Return the class of the pixel that contains each position.

        Parameters
        ----------
        x, y
            Coordinates, shape (n,).
        crs
            Their coordinate system.

        Raises
        ------
        ConfigError
            If the coordinate system is not that of the grid, or a position lies outside the grid.
        """
        grid = self.basis.grid
        # A pixel covers [col, col + 1) and [row, row + 1), so that each position has exactly one pixel.
        col, row = (np.floor(position).astype(np.int64) for position in grid.to_pixels(x, y))
        on_grid = (col >= 0) & (col < grid.width) & (row >= 0) & (row < grid.height)
        if not same_crs(crs, grid.crs) or not np.all(on_grid):
            raise ConfigError(
                f"{self.path}: the sample has another extent or coordinate system",
                "name the run it was drawn from, or one on its grid",
            )
        codes = np.zeros(len(row), dtype=np.uint8)
        for block, classes in self.blocks():
            # Blocks of a class map span all columns, so that only the row decides which block has the pixel.
            inside = (row >= block.row) & (row < block.row + block.height)
            codes[inside] = classes[row[inside] - block.row, col[inside]]
        return [ClassCode(code) for code in codes.tolist()]


@contextmanager
def open_together(maps: Sequence[ClassMap]) -> Iterator[Callable[[int, Block], UInt8]]:
    """Open several maps; yield a function that reads a block of one of them, given the index of the map."""
    with ExitStack() as stack:
        opened = [stack.enter_context(open_raster(mapped.path)) for mapped in maps]
        yield lambda number, block: read_codes(opened[number], block)


def load_class_map(folder: Path, basis: Basis, record: Record) -> ClassMap:
    """Return the class map in the folder of an observation, given its record.

    Raises
    ------
    InputError
        If the record lists no class raster.
    """
    if record.class_raster is None:
        raise InputError(folder, "its record lists no class raster", RUN_AGAIN)
    name, fingerprint = record.class_raster
    return ClassMap(folder / name, fingerprint, basis, record)


def open_class_map(folder: Path, key: str) -> ClassMap:
    """Open the class map of an observation of a run.

    Raises
    ------
    ConfigError
        If the run has no such observation.
    InputError
        If its files were changed, or it was made on another basis than that of the run.
    """
    run = RunPaths(folder)
    if not run.observation(key).record.is_file():
        keys = [path.name for path in run.observation_folders() if run.observation(path.name).record.is_file()]
        remedy = f"name one of {', '.join(keys)}" if keys else "run `icepipe run` first"
        raise ConfigError(f"{folder}: no observation {key}", remedy)
    observation_folder = run.observation(key).folder
    record = read_record(observation_folder)
    if record is None:
        raise InputError(observation_folder, "its files do not match its record", RUN_AGAIN)
    basis = load_basis(folder)
    # After --rebase, an observation keeps its old map until it is computed again.
    if basis is None or basis_hash(basis) != record.made.basis:
        raise InputError(observation_folder, "it was made on another basis than that of the run", RUN_AGAIN)
    return load_class_map(observation_folder, basis, record)
