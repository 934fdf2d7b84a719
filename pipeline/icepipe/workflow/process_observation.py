"""Classify one observation, measure its areas, and make its rows of the series."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from icepipe.arrays import UInt8, UInt16
from icepipe.classes import ClassCode
from icepipe.geo.footprint import Footprint, footprint
from icepipe.geo.geobox import Block
from icepipe.inputs.reading.pixels import Layer, Pixels
from icepipe.inputs.reading.reader import ObservationReader
from icepipe.inputs.scenes import Observation
from icepipe.measure.area.budget import compute_budget
from icepipe.measure.area.by_region import count_by_set, count_mixtures_by_set, results_by_region
from icepipe.measure.area.ice_fraction import FractionWriter, IceFraction
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
from icepipe.segment.classification.class_rasters import ClassRasterClassifier
from icepipe.segment.classification.classifier import ClusterClassifier, PixelClassifier, majority_strata
from icepipe.segment.classification.drift import has_drifted, is_noisy, is_unfit
from icepipe.segment.classification.strata import MASK_STRATA, StrataTable, mask_stratum
from icepipe.segment.mixtures.mixed_pixels import MixedPixelScanner, has_no_gap
from icepipe.segment.mixtures.shares import Mixtures
from icepipe.segment.model import Model
from icepipe.segment.model_file import combined_hash
from icepipe.workflow.fit import apply_pins, fit_observation
from icepipe.workflow.plan import Plan


@dataclass(frozen=True)
class RunContext:
    """Everything that the observations of a run share.

    Attributes
    ----------
    plan, basis
        The plan of this run, and the basis that all dates share.
    model
        The model of the basis, with pinned names; None where every observation is fitted on its own.
    shared
        Classifier of all observations; None where every observation is fitted on its own.
    """

    plan: Plan
    basis: Basis
    model: Model | None
    shared: PixelClassifier | None

    @classmethod
    def create(cls, plan: Plan, basis: Basis) -> RunContext:
        """Return the context of a run on a basis.

        Raises
        ------
        ConfigError
            If the config pins names to another model, or to clusters that the model lacks.
        """
        model = apply_pins(plan, basis.model) if basis.model else None
        if plan.clustering is None:
            return cls(plan, basis, model, ClassRasterClassifier("weight" in (plan.config.inputs.classes or {})))
        return cls(plan, basis, model, ClusterClassifier([model], plan.sensor) if model else None)

    @cached_property
    def basis_hash(self) -> str:
        """Digest of the basis."""
        return basis_hash(self.basis)

    @cached_property
    def footprint(self) -> Footprint:
        """Footprint of the class rasters in longitude and latitude."""
        return footprint(self.plan.extent, self.plan.grid.crs)

    def classifier_for(self, observation: Observation) -> PixelClassifier:
        """Return the classifier of an observation: the shared one, or one that is fitted on this observation.

        Raises
        ------
        InputError
            If a file that the fit needs cannot be read.
        """
        return self.shared or ClusterClassifier(fit_observation(self.plan, observation), self.plan.sensor)


def classify_block(
    plan: Plan, classifier: PixelClassifier, reader: ObservationReader, block: Block, layers: Sequence[Layer]
) -> tuple[UInt16, Pixels]:
    """Return the stratum of every pixel of a block, and the composite of its layers."""
    pixels = reader.composite(layers, block)
    if classifier.has_shared_model:
        strata = classifier.classify(pixels)
    else:
        # Every scene has a model of its own: classify layer by layer, and composite the strata like a band.
        by_scene = [classifier.classify_layer(layer) for layer in layers]
        top = reader.composite(by_scene, block).bands[0] if layers else np.zeros((block.height, block.width))
        strata = classifier.apply_masks(np.asarray(top, dtype=np.uint16), pixels)
    if plan.config.measure.prefer == "mode" and len(layers) > 1:
        votes = []
        for layer in layers:
            alone = reader.composite([classifier.classify_layer(layer)], block)
            # A scene votes only where it shows the surface.
            votes.append(np.where(alone.valid, alone.bands[0], mask_stratum(ClassCode.UNOBSERVED)).astype(np.uint16))
        # Votes count only where the surface was seen: they must not replace what masks hide.
        strata = np.where(pixels.valid, majority_strata(votes, classifier.table.codes), strata)
    return strata, pixels


class ObservationTotals:
    """Sums over one observation, added block by block, from left to right and from top to bottom.

    Attributes
    ----------
    tallies
        Pixels and area units by stratum, by number of the set of regions.
    edges
        Borders between classes, over all regions.
    thumbnail
        A small picture of the observation.
    n_doubled
        Number of pixels that more than one scene saw.
    between
        Pixels between water and ice, see :attr:`MixedPixelScanner.between`.
    """

    def __init__(self, plan: Plan, strata: StrataTable) -> None:
        self._plan = plan
        self._grid = Block(0, 0, *plan.grid.shape)
        self._shares = FractionWriter(strata, plan.grid.shape) if plan.config.publish.fraction else None
        self.tallies: defaultdict[int, Tally] = defaultdict(Tally)
        self.edges = Edges()
        self.thumbnail = Thumbnail(plan.grid, plan.sensor)
        self.n_doubled = 0
        self.between = np.zeros(5, dtype=np.int64)

    def add_pixels(self, part: Block, strata: UInt16, pixels: Pixels) -> None:
        """Add what does not depend on the sieve: overlaps, the thumbnail and concentrations."""
        if self._shares:
            self._shares.add_strata(part, strata)
        self.n_doubled += pixels.doubled
        self.thumbnail.add(part, pixels.bands)

    def add_strata(self, part: Block, strata: UInt16, read_codes: Callable[[Block], UInt8]) -> None:
        """Add the strata of a part; ``read_codes`` returns the classes of a block."""
        # An edge belongs to the pixel right of it or below it, so the neighbours above and left are read as well.
        bordered, above, left = block_with_neighbours(part, self._grid)
        units = self._plan.pixel_area.units(bordered)
        self.edges.add(read_codes(bordered), units, above, left)
        count_by_set(self.tallies, strata, self._plan.regions.set_numbers(part), units[above:, left:])

    def ice_fraction(self, classes: ClassRuns) -> IceFraction | None:
        """Return the share of ice in every pixel, given the class raster; None if it is not published."""
        return self._shares.finish(classes) if self._shares else None

    def add_mixtures(self, mixtures: Sequence[Mixtures]) -> None:
        """Add mixed pixels."""
        if self._shares:
            self._shares.add_mixtures(mixtures)
        # Sums of areas times shares of a megapixel fit into 64 bits.
        for rows in (strip for part in mixtures for strip in part.strips(BLOCK_PIXELS)):
            units, sets = self._plan.pixel_area.units(rows.block), self._plan.regions.set_numbers(rows.block)
            count_mixtures_by_set(self.tallies, rows, sets, units)

    def add_background(self, parts: Sequence[Block]) -> None:
        """Add the pixels outside these parts, which no scene reaches."""
        for key, tally in self._plan.background.tallies_outside(parts).items():
            self.tallies[key].add_tally(tally, lambda code: int(MASK_STRATA[code]))


def classified_parts(
    plan: Plan,
    classifier: PixelClassifier,
    reader: ObservationReader,
    parts: Sequence[Block],
    scanner: MixedPixelScanner,
) -> Generator[tuple[UInt16, Pixels, list[Mixtures]]]:
    """Yield strata and composite of every part, in order, and the mixed pixels of the rows that it completes.

    The next parts are read, classified and unmixed meanwhile, each on a thread of its own.
    """
    # A row of a file's tiles is decoded at once and serves several blocks: read ahead as far as memory allows, so that
    # classification does not wait for the next row.
    depth = max(1, PREFETCH_BYTES // (BLOCK_PIXELS * plan.sensor.bytes_per_px * reader.n_scenes))

    def unmix(item: tuple[Block, list[Layer]]) -> tuple[UInt16, Pixels, list[Mixtures]]:
        strata, pixels = classify_block(plan, classifier, reader, *item)
        return strata, pixels, list(scanner.add(item[0], strata, pixels.bands))

    with (
        closing(prefetch(lambda part: (part, list(reader.layers(part))), parts, depth)) as layers,
        closing(prefetch(unmix, layers)) as unmixed,
    ):
        yield from unmixed


def scan_observation(
    plan: Plan, classifier: PixelClassifier, observation: Observation
) -> tuple[ObservationTotals, ClassRuns, Block]:
    """Read, classify and count the part of every block that files reach, in one pass.

    Returns
    -------
    tuple of (ObservationTotals, ClassRuns, Block)
        The sums, the class raster of the grid, and the rectangle that holds every pixel that files reach.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    # The import is here, so that a run with nothing to do does not load compiled kernels.
    from icepipe.segment.classification._kernels import strata_to_codes

    min_patch_units = plan.config.measure.min_patch_m2 / plan.unit_m2
    # The sieve needs the whole grid before anything is counted; without it, a block is dropped once counted.
    all_strata = np.empty(plan.grid.shape, dtype=np.uint16) if min_patch_units else None
    writer = RunLengthWriter(plan.grid.width, CLASS_DTYPE)
    totals = ObservationTotals(plan, classifier.table)
    scanner, mixtures = MixedPixelScanner(classifier.table, plan.sensor, plan.grid.width), list[Mixtures]()
    with plan.reader(observation) as reader:
        parts = reader.parts(plan.block_side)
        reached_parts = [part for _, part in parts if part.width]
        # The parts are closed before the reader, from which their threads read.
        with closing(classified_parts(plan, classifier, reader, reached_parts, scanner)) as classified:
            for block, part in parts:
                window = writer.write_view(block)
                if part != block:
                    window[:] = plan.background.classes.block(block)
                if not part.width:
                    continue
                strata, pixels, completed = next(classified)
                totals.add_pixels(part, strata, pixels)
                strata_to_codes(strata, classifier.table.codes, window[:, part.col - block.col :][:, : part.width])
                if all_strata is not None:
                    all_strata[part.slices] = strata
                    mixtures += completed
                    continue
                totals.add_strata(part, strata, writer.with_border)
                totals.add_mixtures(completed)
        reached = reader.reached
    mixtures += scanner.finish()
    classes = writer.finish()
    # Patches move between classes before anything is counted, so that areas, raster and polygons agree.
    if all_strata is not None:
        classes = sieve(all_strata, classes, plan.pixel_area.units, min_patch_units)
        for part in reached_parts:
            totals.add_strata(part, all_strata[part.slices], classes.block)
        mixtures = [rows.after_sieve(all_strata) for rows in mixtures]
    totals.add_mixtures(mixtures)
    totals.between += scanner.between
    if any(part != block for block, part in parts):
        totals.add_background(reached_parts)
    return totals, classes, reached


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
    totals, classes, reached = scan_observation(plan, classifier, observation)
    # Decoded tiles are freed by now; return their memory before polygons are traced.
    trim_heap()
    # Set 0 is outside every region.
    strata, tally = classifier.table, merge_tallies(tally for key, tally in totals.tallies.items() if key)
    n_seen = tally.pixels_in(strata.seen)
    return ObservationResult(
        observation=observation,
        grid=grid,
        classes=classes,
        fraction=totals.ice_fraction(classes),
        picture=totals.thumbnail.picture,
        strata=strata,
        tally=tally,
        unit_m2=plan.unit_m2,
        budget=compute_budget(tally, strata, plan.unit_m2, totals.edges.units),
        regions=tuple(
            results_by_region(classes, totals.tallies, totals.edges, strata, plan.regions, area, plan.unit_m2)
        ),
        draw=partial(polygon_layers, classes, grid, area, plan.unit_m2, plan.polygon_options),
        # Shares of the pixels that were seen; an observation without any has nothing doubled or misnamed.
        doubled_fraction=totals.n_doubled / n_seen if n_seen else 0.0,
        outlying=round(tally.pixels_in(strata.outlying) / n_seen, 6) if n_seen else 0.0,
        misnamed=round(tally.pixels_in(strata.misnamed) / n_seen, 6) if n_seen else 0.0,
        misfit=round(tally.pixels_in(strata.strays) / n_seen, 6) if n_seen else 0.0,
        gapless=has_no_gap(totals.between, n_seen),
        reached=reached,
    )


def series_rows(plan: Plan, result: ObservationResult) -> tuple[Row, ...]:
    """Return the rows of the series for an observation, region by region."""
    models = result.strata.models
    # Areas of a model that does not fit are left empty; those of a model that only drifted are flagged.
    drifted = has_drifted(result.outlying, result.misnamed, models)
    unfit = is_unfit(result.misfit, models)
    noisy = is_noisy(result.misnamed, models)
    min_valid, masked = plan.config.measure.min_valid, plan.masked_classes
    all_rows: list[Row] = []
    for region in result.regions:
        flags = row_flags(
            region.budget,
            min_valid,
            masked,
            result.observation,
            drifted,
            unfit,
            region.on_grid,
            noisy,
            result.gapless,
        )
        context = RowContext(
            region=region.name,
            observation=result.observation,
            prefer=plan.config.measure.prefer,
            ice=plan.config.segment.ice,
            planar_km2_per_pixel=plan.planar_km2_per_pixel,
            flags=flags,
            model=combined_hash(result.strata.models),
            config_hash=plan.config.digest,
            screened=masked,
            fits=not unfit,
        )
        all_rows += observation_rows(region.budget, region.n_patches, context)
    return tuple(all_rows)
