"""One observation at a time: its classes, areas and polygons."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Generator, Iterator, Sequence
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
from icepipe.measure.area.budget import compute_budget
from icepipe.measure.area.by_region import RegionResult, count_by_set, results_by_region
from icepipe.measure.area.mixed_edges import Edges, block_with_neighbours
from icepipe.measure.area.observation import ObservationResult
from icepipe.measure.area.series import Row, RowContext, observation_rows, row_flags
from icepipe.measure.area.sieve import sieve
from icepipe.measure.area.tally import Tally, merge_tallies
from icepipe.measure.polygons.layers import polygon_layers
from icepipe.publish.images.thumbnail import Thumbnail
from icepipe.publish.run_folder.basis import Basis, basis_hash
from icepipe.raster.blocks import BLOCK_PIXELS
from icepipe.raster.run_length import CLASS_DTYPE, ClassRuns, RunLengthWriter
from icepipe.runtime.memory import PREFETCH_BYTES
from icepipe.runtime.memory_allocator import trim_heap
from icepipe.runtime.parallel import prefetch
from icepipe.segment.classification.classifier import ClusterClassifier, PixelClassifier, majority_strata
from icepipe.segment.classification.drift import DRIFT_PIXELS, MAX_DRIFT, MAX_MISFIT, model_drift
from icepipe.segment.classification.strata import MASK_STRATA, mask_stratum
from icepipe.segment.clustering.sampling import hash_sample
from icepipe.segment.model_file import combined_hash
from icepipe.workflow.fit import fit_observation
from icepipe.workflow.plan import Plan


def _strata(
    plan: Plan, classifier: PixelClassifier, reader: ObservationReader, block: Block, layers: Sequence[Layer]
) -> tuple[UInt16, Pixels]:
    """Stratum of every pixel of a block, and what its layers show of it."""
    pixels = reader.composite(layers, block)
    if classifier.has_shared_model:
        strata = classifier.classify(pixels)
    else:
        strata = classifier.apply_masks(
            _mosaic(reader, [classifier.classify_layer(layer) for layer in layers], block), pixels
        )
    if plan.config.measure.prefer == "mode" and len(layers) > 1:
        votes = [_mode_of_scenes(reader, classifier.classify_layer(layer), block) for layer in layers]
        strata = np.where(pixels.valid, majority_strata(votes, classifier.table.codes), strata)
    return strata, pixels


def _mosaic(reader: ObservationReader, layers: Sequence[Layer], block: Block) -> UInt16:
    if not layers:
        return np.zeros((block.height, block.width), dtype=np.uint16)
    return np.asarray(reader.composite(layers, block).bands[0], dtype=np.uint16)


def _mode_of_scenes(reader: ObservationReader, layer: Layer, block: Block) -> UInt16:
    """Strata that one scene gives a block, unobserved where it shows no surface."""
    alone = reader.composite([layer], block)
    return np.where(alone.valid, alone.bands[0], np.uint16(mask_stratum(ClassCode.UNOBSERVED))).astype(np.uint16)


Parts = Sequence[tuple[Block, Block]]
"""Blocks of the grid, each with what files reach of it."""


def _layers(plan: Plan, reader: ObservationReader, parts: Parts) -> Generator[tuple[Block, list[Layer]]]:
    """Layers of every part; those of the next ones are read meanwhile.

    A row of a file's tiles is decoded at once, and gives several blocks: what works on them is not to wait for that.
    """
    depth = max(1, PREFETCH_BYTES // (BLOCK_PIXELS * plan.sensor.bytes_per_px * reader.n_scenes))
    return prefetch(lambda part: (part, list(reader.layers(part))), (part for _, part in parts if part.width), depth)


def _classified_blocks(
    plan: Plan, classifier: PixelClassifier, reader: ObservationReader, parts: Iterator[tuple[Block, list[Layer]]]
) -> Generator[tuple[Block, UInt16, Pixels]]:
    """Strata of every part; the next two are named meanwhile, while those after them are read."""
    return prefetch(lambda part: (part[0], *_strata(plan, classifier, reader, *part)), parts, depth=2)


class _Scan:
    """What one pass over an observation adds up, part by part, from left to right and from the top to the bottom.

    Attributes
    ----------
    tallies
        Pixels and area units by stratum, by number of the set of regions.
    edges
        Borders of what was seen, of all regions together.
    thumbnail
        A small picture of its colours.
    n_doubled
        Pixels that more than one scene saw.
    drift_pixels
        Stored pixels that drift is judged by, each of shape (n, bands).
    """

    def __init__(self, plan: Plan, observation: Observation) -> None:
        self._plan, self._observation = plan, observation
        self._grid = Block(0, 0, *plan.grid.shape)
        self.tallies: defaultdict[int, Tally] = defaultdict(Tally)
        self.edges = Edges()
        self.thumbnail = Thumbnail(plan.grid, plan.sensor)
        self.n_doubled = 0
        self.drift_pixels: list[StoredPixels] = []

    def add_pixels(self, part: Block, pixels: Pixels) -> None:
        """Take from the pixels of a part what does not depend on their classes."""
        plan = self._plan
        self.n_doubled += pixels.doubled
        self.thumbnail.add(part, pixels.bands)
        rate, day = DRIFT_PIXELS / (plan.grid.width * plan.grid.height), self._observation.date.toordinal()
        rows, cols, _ = hash_sample(plan.config.segment.seed, day, part, pixels.valid, rate)
        self.drift_pixels.append(pixels.bands[:, rows, cols].T)

    def count(self, part: Block, strata: UInt16, read_codes: Callable[[Block], UInt8]) -> None:
        """Count a part by its strata; ``read_codes`` returns its classes and those of its neighbours above and left."""
        around, above, left = block_with_neighbours(part, self._grid)
        units = self._plan.pixel_area.units(around)
        self.edges.add(read_codes(around), units, above, left)
        count_by_set(self.tallies, strata, self._plan.regions.set_numbers(part), units[above:, left:])

    def count_unseen(self, parts: Sequence[Block]) -> None:
        """Count what lies beyond some parts, where nothing was seen."""
        for key, rest in self._plan.unseen.tallies_outside(parts).items():
            self.tallies[key].add_tally(rest, lambda code: int(MASK_STRATA[code]))


def _output_window(writer: RunLengthWriter[np.uint8], block: Block, part: Block, plan: Plan) -> UInt8:
    """Return the view that the classes of a part of a block go into; around it nothing is seen."""
    window = writer.write_view(block)
    if part != block:
        window[:] = plan.unseen.classes.block(block)
    return window[:, part.col - block.col :][:, : part.width]


def _scan(plan: Plan, classifier: PixelClassifier, observation: Observation) -> tuple[_Scan, ClassRuns, Block]:
    """Read, classify and count what files reach of every block; small patches are moved before they are counted.

    Returns
    -------
    tuple of (_Scan, ClassRuns, Block)
        What was added up, the class raster of the grid, and the rectangle that holds all that files reach.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    from icepipe.segment.classification._kernels import strata_to_codes

    min_patch_units = plan.config.measure.min_patch_m2 / plan.unit_m2
    # Strata are needed once more after the sieve has moved patches; without one, a block is forgotten once counted.
    all_strata = np.empty(plan.grid.shape, dtype=np.uint16) if min_patch_units else None
    writer, scan = RunLengthWriter(plan.grid.width, CLASS_DTYPE), _Scan(plan, observation)
    with (
        plan.reader(observation) as reader,
        closing(_layers(plan, reader, parts := reader.parts(plan.block_side))) as layers,
        closing(_classified_blocks(plan, classifier, reader, layers)) as classified,
    ):
        for block, part in parts:
            window = _output_window(writer, block, part, plan)
            if not part.width:
                continue
            _, strata, pixels = next(classified)
            scan.add_pixels(part, pixels)
            strata_to_codes(strata, classifier.table.codes, window)
            if all_strata is None:
                scan.count(part, strata, writer.with_border)
            else:
                all_strata[part.slices] = strata
        reached = reader.reached
    seen, classes = [part for _, part in parts if part.width], writer.finish()
    if all_strata is not None:
        classes = sieve(all_strata, classes, plan.pixel_area.units, min_patch_units)
        for part in seen:
            scan.count(part, all_strata[part.slices], classes.block)
    if any(part != block for block, part in parts):
        scan.count_unseen(seen)
    return scan, classes, reached


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

    def classifier_for(self, observation: Observation) -> PixelClassifier:
        """Return what classifies an observation's pixels.

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
    classifier = context.classifier_for(observation)
    scan, classes, reached = _scan(plan, classifier, observation)
    trim_heap()
    strata, tally = classifier.table, merge_tallies(tally for key, tally in scan.tallies.items() if key)
    n_seen = tally.pixels_in(strata.seen)
    fitted = strata.models[0] if classifier.has_shared_model and strata.models else None
    return ObservationResult(
        observation=observation,
        grid=grid,
        classes=classes,
        picture=scan.thumbnail.picture,
        strata=strata,
        tally=tally,
        unit_m2=plan.unit_m2,
        budget=compute_budget(tally, strata, plan.unit_m2, scan.edges.units),
        regions=tuple(results_by_region(classes, scan.tallies, scan.edges, strata, plan.regions, area, plan.unit_m2)),
        draw=partial(polygon_layers, classes, grid, area, plan.unit_m2, plan.drawing),
        doubled_fraction=scan.n_doubled / n_seen if n_seen else 0.0,
        drift=round(model_drift(np.concatenate(scan.drift_pixels), fitted, plan.sensor), 6) if fitted else 1.0,
        misnamed=round(tally.pixels_in(strata.misnamed) / n_seen, 6) if n_seen else 0.0,
        misfit=round(tally.pixels_in(strata.strays) / n_seen, 6) if n_seen else 0.0,
        reached=reached,
    )


def rows_of(plan: Plan, observed: ObservationResult) -> tuple[Row, ...]:
    """Rows of the series that an observation gives, region by region."""
    return tuple(row for region in observed.regions for row in _rows_of(plan, observed, region))


def _rows_of(plan: Plan, observed: ObservationResult, region: RegionResult) -> tuple[Row, ...]:
    drifted = observed.drift > MAX_DRIFT or observed.misnamed > MAX_MISFIT
    unfit = observed.misfit > MAX_MISFIT
    min_valid, screened = plan.config.measure.min_valid, plan.screened
    context = RowContext(
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
    return observation_rows(region.budget, region.n_patches, context)
