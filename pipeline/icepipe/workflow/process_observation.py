"""One observation at a time: its classes, areas and polygons."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from icepipe.arrays import StoredPixels, UInt8, UInt16
from icepipe.classes import ClassCode
from icepipe.geo.footprint import Footprint, footprint
from icepipe.geo.geobox import Block
from icepipe.inputs.reading.pixels import Layer, Pixels
from icepipe.inputs.reading.reader import ObservationReader
from icepipe.inputs.scenes import Observation
from icepipe.measure.area.budget import budget
from icepipe.measure.area.by_region import RegionResult, count_by_set, results_by_region
from icepipe.measure.area.mixed_edges import Edges, with_neighbours
from icepipe.measure.area.observation import ObservationResult
from icepipe.measure.area.series import Context, Row, row_flags, rows
from icepipe.measure.area.sieve import sieve
from icepipe.measure.area.tally import Tally, merge_tallies
from icepipe.measure.polygons.layers import polygon_layers
from icepipe.publish.images.thumbnail import Thumbnail
from icepipe.publish.run_folder.basis import Basis, basis_hash
from icepipe.raster.blocks import BLOCK_PIXELS
from icepipe.raster.run_length import CLASS_CODE, ClassRuns, RunLengthWriter
from icepipe.runtime.memory import AHEAD_BYTES
from icepipe.runtime.memory_allocator import trim_heap
from icepipe.runtime.parallel import prefetch
from icepipe.segment.classification.classifier import ClusterClassifier, PixelClassifier, most_frequent
from icepipe.segment.classification.drift import LARGEST_MISFIT, LARGEST_RATIO, PIXELS, model_drift
from icepipe.segment.classification.strata import HIDDEN, stratum_of
from icepipe.segment.clustering.sampling import hash_sample
from icepipe.segment.model_file import combined_hash
from icepipe.workflow.fit import fit_observation
from icepipe.workflow.plan import Plan


def _strata(
    plan: Plan, namer: PixelClassifier, reader: ObservationReader, block: Block, layers: Sequence[Layer]
) -> tuple[UInt16, Pixels]:
    """Stratum of every pixel of a block, and what its layers show of it."""
    pixels = reader.composite(layers, block)
    if namer.shared:
        strata = namer.pixels(pixels)
    else:
        strata = namer.hide(_mosaic(reader, [namer.layer(layer) for layer in layers], block), pixels)
    if plan.config.measure.prefer == "mode" and len(layers) > 1:
        votes = [_mode_of_scenes(reader, namer.layer(layer), block) for layer in layers]
        strata = np.where(pixels.valid, most_frequent(votes, namer.table.codes), strata)
    return strata, pixels


def _mosaic(reader: ObservationReader, layers: Sequence[Layer], block: Block) -> UInt16:
    if not layers:
        return np.zeros((block.height, block.width), dtype=np.uint16)
    return np.asarray(reader.composite(layers, block).bands[0], dtype=np.uint16)


def _mode_of_scenes(reader: ObservationReader, layer: Layer, block: Block) -> UInt16:
    """Strata that one scene gives a block, unobserved where it shows no surface."""
    alone = reader.composite([layer], block)
    return np.where(alone.valid, alone.bands[0], np.uint16(stratum_of(ClassCode.UNOBSERVED))).astype(np.uint16)


Parts = Sequence[tuple[Block, Block]]
"""Blocks of the grid, each with what files reach of it."""


def _layers(plan: Plan, reader: ObservationReader, parts: Parts) -> Generator[tuple[Block, list[Layer]]]:
    """Layers of every part; those of the next ones are read meanwhile.

    A row of a file's tiles is decoded at once, and gives several blocks: what works on them is not to wait for that.
    """
    depth = max(1, AHEAD_BYTES // (BLOCK_PIXELS * plan.sensor.bytes_per_px * reader.n_scenes))
    return prefetch(lambda part: (part, list(reader.layers(part))), (part for _, part in parts if part.width), depth)


def _classified_blocks(
    plan: Plan, namer: PixelClassifier, reader: ObservationReader, parts: Iterator[tuple[Block, list[Layer]]]
) -> Generator[tuple[Block, UInt16, Pixels]]:
    """Strata of every part; the next two are named meanwhile, while those after them are read."""
    return prefetch(lambda part: (part[0], *_strata(plan, namer, reader, *part)), parts, depth=2)


def _picked(plan: Plan, observation: Observation, block: Block, pixels: Pixels) -> StoredPixels:
    """Pixels of a block that drift is judged by; shape (n, bands)."""
    rate, day = PIXELS / (plan.grid.width * plan.grid.height), observation.date.toordinal()
    rows, cols, _ = hash_sample(plan.config.segment.seed, day, block, pixels.valid, rate)
    return pixels.bands[:, rows, cols].T


@dataclass(frozen=True)
class Looked:
    """What one look at an observation gave.

    Attributes
    ----------
    classes
        Class raster of the grid.
    tallies
        Pixels and area units by stratum, by number of the set of regions.
    edges
        Borders of what is seen, of all regions together.
    picture
        Thumbnail of its colours, shape (rows, columns, 3).
    doubled
        Pixels that more than one scene saw.
    sample
        Kept numbers that drift is judged by, shape (n, bands).
    reached
        Rectangle of the grid that holds all that a file tells of, of no width where none reaches it.
    """

    classes: ClassRuns
    tallies: Mapping[int, Tally]
    edges: Edges
    picture: UInt8
    doubled: int
    sample: StoredPixels
    reached: Block


class _Counts:
    """Tallies and borders, added up part by part, from left to right and from the top to the bottom."""

    def __init__(self, plan: Plan) -> None:
        self._plan, self._everything = plan, Block(0, 0, *plan.grid.shape)
        self.tallies: defaultdict[int, Tally] = defaultdict(Tally)
        self.edges = Edges()

    def add(self, part: Block, strata: UInt16, codes_of: Callable[[Block], UInt8]) -> None:
        """Count a part by its strata; ``codes_of`` gives its classes and those of its neighbours above and left."""
        around, above, left = with_neighbours(part, self._everything)
        units = self._plan.pixel_area.units(around)
        self.edges.add(codes_of(around), units, above, left)
        count_by_set(self.tallies, strata, self._plan.regions.sets(part), units[above:, left:])

    def add_unseen(self, parts: Sequence[Block]) -> None:
        """Count what is beyond some parts, where nothing was seen."""
        for key, rest in self._plan.unseen.beyond(parts).items():
            self.tallies[key].add_tally(rest, lambda code: int(HIDDEN[code]))


def _output_window(written: RunLengthWriter[np.uint8], block: Block, part: Block, plan: Plan) -> UInt8:
    """Where the classes of a part of a block are to be put; around it nothing is seen."""
    room = written.room(block)
    if part != block:
        room[:] = plan.unseen.classes.block(block)
    return room[:, part.col - block.col :][:, : part.width]


def scan_observation(plan: Plan, namer: PixelClassifier, observation: Observation) -> Looked:
    """Read and name what files reach of every block, and count it; small patches are moved before that.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    from icepipe.segment.classification._kernels import put_codes

    least = plan.config.measure.min_patch_m2 / plan.unit_m2
    whole = np.empty(plan.grid.shape, dtype=np.uint16) if least else None
    written, counts = RunLengthWriter(plan.grid.width, CLASS_CODE), _Counts(plan)
    thumbnail, doubled, sample = Thumbnail(plan.grid, plan.sensor), 0, list[StoredPixels]()
    with (
        plan.reader(observation) as reader,
        closing(_layers(plan, reader, parts := reader.parts(plan.block_side))) as layers,
        closing(_classified_blocks(plan, namer, reader, layers)) as named,
    ):
        for block, part in parts:
            room = _output_window(written, block, part, plan)
            if not part.width:
                continue
            _, strata, pixels = next(named)
            doubled += pixels.doubled
            thumbnail.add(part, pixels.bands)
            sample.append(_picked(plan, observation, part, pixels))
            put_codes(strata, namer.table.codes, room)
            if whole is None:
                counts.add(part, strata, written.around)
            else:
                whole[part.slices] = strata
        reached = reader.reached
    seen, classes = [part for _, part in parts if part.width], written.done()
    if whole is not None:
        classes = sieve(whole, classes, plan.pixel_area.units, least)
        for part in seen:
            counts.add(part, whole[part.slices], classes.block)
    if any(part != block for block, part in parts):
        counts.add_unseen(seen)
    return Looked(classes, counts.tallies, counts.edges, thumbnail.picture, doubled, np.concatenate(sample), reached)


@dataclass(frozen=True)
class RunContext:
    """What every observation of a run is worked on with.

    Attributes
    ----------
    plan, basis
        What was asked for, and what all dates share.
    shared
        Names the pixels of all observations; None where each is fitted on its own.
    """

    plan: Plan
    basis: Basis
    shared: PixelClassifier | None

    @cached_property
    def basis_hash(self) -> str:
        """Digest of the basis."""
        return basis_hash(self.basis)

    @cached_property
    def where(self) -> Footprint:
        """Where the class rasters lie on the globe."""
        return footprint(self.plan.covered, self.plan.grid.crs)

    def namer(self, observation: Observation) -> PixelClassifier:
        """What names an observation's pixels.

        Raises
        ------
        InputError
            If a file cannot be read that a model of its own is fitted on.
        """
        return self.shared or ClusterClassifier(fit_observation(self.plan, observation), self.plan.sensor)


def process_observation(context: RunContext, observation: Observation) -> ObservationResult:
    """Classify and measure one observation.

    Raises
    ------
    InputError
        If a file cannot be read.
    IntegrityError
        If the budget does not close.
    """
    plan, grid, area = context.plan, context.plan.grid, context.plan.pixel_area.units
    namer = context.namer(observation)
    strata, scan = namer.table, scan_observation(plan, namer, observation)
    trim_heap()
    tally = merge_tallies(tally for key, tally in scan.tallies.items() if key)
    regions = tuple(results_by_region(scan.classes, scan.tallies, scan.edges, strata, plan.regions, area, plan.unit_m2))
    seen = tally.pixels_in(strata.seen)
    fitted = strata.models[0] if namer.shared and strata.models else None
    return ObservationResult(
        observation=observation,
        grid=grid,
        classes=scan.classes,
        picture=scan.picture,
        strata=strata,
        tally=tally,
        unit_m2=plan.unit_m2,
        budget=budget(tally, strata, plan.unit_m2, scan.edges.units),
        regions=regions,
        draw=partial(polygon_layers, scan.classes, grid, area, plan.unit_m2, plan.drawing),
        doubled_fraction=scan.doubled / seen if seen else 0.0,
        drift=round(model_drift(scan.sample, fitted, plan.sensor), 6) if fitted else 1.0,
        misnamed=round(tally.pixels_in(strata.misnamed) / seen, 6) if seen else 0.0,
        misfit=round(tally.pixels_in(strata.strays) / seen, 6) if seen else 0.0,
        reached=scan.reached,
    )


def rows_of(plan: Plan, observed: ObservationResult) -> tuple[Row, ...]:
    """Rows of the series that an observation gives, region by region."""
    return tuple(row for region in observed.regions for row in _rows_of(plan, observed, region))


def _rows_of(plan: Plan, observed: ObservationResult, region: RegionResult) -> tuple[Row, ...]:
    drifted = observed.drift > LARGEST_RATIO or observed.misnamed > LARGEST_MISFIT
    unfit = observed.misfit > LARGEST_MISFIT
    min_valid, screened = plan.config.measure.min_valid, plan.screened
    context = Context(
        region=region.name,
        observation=observed.observation,
        prefer=plan.config.measure.prefer,
        planar_km2_per_pixel=plan.planar_km2_per_pixel,
        flags=row_flags(
            region.budget, min_valid, screened, observed.observation, drifted, unfit, on_grid=region.on_grid
        ),
        model=combined_hash(observed.strata.models),
        config_hash=plan.config.digest,
        screened=screened,
        fits=not unfit,
    )
    return rows(region.budget, region.n_patches, context)
