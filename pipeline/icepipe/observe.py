"""One observation at a time: its classes, areas and polygons."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from icepipe.batch.execute import AHEAD_BYTES
from icepipe.classes import ClassCode
from icepipe.fitting import fit_observation
from icepipe.heap import give_back
from icepipe.inputs.grid import BLOCK_PIXELS, blocks
from icepipe.inputs.read import ObservationReader
from icepipe.inputs.runs import CLASS_CODE, ClassRuns, RunsWriter
from icepipe.measure.area import Tally, budget, merged
from icepipe.measure.edges import Edges, with_neighbours
from icepipe.measure.observed import Observed
from icepipe.measure.patches import move_small
from icepipe.measure.polygons import draw_polygons
from icepipe.measure.regional import Regional, by_region, count_by_set
from icepipe.measure.series import Context, Row, flags_of, rows
from icepipe.models import Basis
from icepipe.plan import Plan
from icepipe.publish.basis import basis_hash
from icepipe.publish.footprint import Footprint, footprint
from icepipe.publish.model_file import hash_of_all
from icepipe.publish.thumbnail import Thumbnail
from icepipe.records import Block, Kept, Layer, Observation, Pixels, UInt8, UInt16
from icepipe.segment.classify import Classifier, Namer, most_frequent
from icepipe.segment.drift import LARGEST_MISFIT, LARGEST_RATIO, PIXELS, drift_of
from icepipe.segment.sample import drawn
from icepipe.segment.strata import stratum_of
from icepipe.threads import ahead


@dataclass(frozen=True)
class Work:
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
    shared: Namer | None

    @cached_property
    def basis_hash(self) -> str:
        """Digest of the basis."""
        return basis_hash(self.basis)

    @cached_property
    def where(self) -> Footprint:
        """Where the class rasters lie on the globe."""
        return footprint(self.plan.covered, self.plan.grid.crs)

    def namer(self, observation: Observation) -> Namer:
        """What names an observation's pixels.

        Raises
        ------
        InputError
            If a file cannot be read that a model of its own is fitted on.
        """
        return self.shared or Classifier(fit_observation(self.plan, observation), self.plan.sensor)


def _strata(
    plan: Plan, namer: Namer, reader: ObservationReader, block: Block, layers: Sequence[Layer]
) -> tuple[UInt16, Pixels]:
    """Stratum of every pixel of a block, and what its layers show of it."""
    pixels = reader.composite(layers, block)
    if namer.shared:
        strata = namer.pixels(pixels)
    else:
        strata = namer.hide(_laid(reader, [namer.layer(layer) for layer in layers], block), pixels)
    if plan.config.measure.prefer == "mode" and len(layers) > 1:
        votes = [_vote(reader, namer.layer(layer), block) for layer in layers]
        strata = np.where(pixels.valid, most_frequent(votes, namer.table.codes), strata)
    return strata, pixels


def _laid(reader: ObservationReader, layers: Sequence[Layer], block: Block) -> UInt16:
    if not layers:
        return np.zeros((block.height, block.width), dtype=np.uint16)
    return np.asarray(reader.composite(layers, block).bands[0], dtype=np.uint16)


def _vote(reader: ObservationReader, layer: Layer, block: Block) -> UInt16:
    """Strata that one scene gives a block, unobserved where it shows no surface."""
    alone = reader.composite([layer], block)
    return np.where(alone.valid, alone.bands[0], np.uint16(stratum_of(ClassCode.UNOBSERVED))).astype(np.uint16)


def _layers(plan: Plan, reader: ObservationReader, n_scenes: int) -> Generator[tuple[Block, list[Layer]]]:
    """Layers of every block; those of the next ones are read meanwhile.

    A row of a file's tiles is decoded at once, and gives several blocks: what works on them is not to wait for that.
    """
    depth = max(1, AHEAD_BYTES // (BLOCK_PIXELS * plan.sensor.bytes_per_px * n_scenes))
    return ahead(lambda block: (block, list(reader.layers(block))), blocks(plan.grid, plan.block_side), depth)


def _named(
    plan: Plan, namer: Namer, reader: ObservationReader, parts: Iterator[tuple[Block, list[Layer]]]
) -> Generator[tuple[Block, UInt16, Pixels]]:
    """Strata of every block; the next two are named meanwhile, while those after them are read."""
    return ahead(lambda part: (part[0], *_strata(plan, namer, reader, *part)), parts, depth=2)


def _picked(plan: Plan, observation: Observation, block: Block, pixels: Pixels) -> Kept:
    """Pixels of a block that drift is judged by; shape (n, bands)."""
    rate, day = PIXELS / (plan.grid.width * plan.grid.height), observation.date.toordinal()
    rows, cols, _ = drawn(plan.config.segment.seed, day, block, pixels.valid, rate)
    return pixels.bands[:, rows, cols].T


@dataclass(frozen=True)
class _Looked:
    """What one look at all blocks of an observation gave."""

    classes: ClassRuns
    tallies: Mapping[int, Tally]
    edges: Edges
    picture: UInt8
    doubled: int
    sample: Kept


def _look(plan: Plan, namer: Namer, observation: Observation) -> _Looked:
    """Read and name every block once, and count it; small patches are moved before that."""
    from icepipe.segment.kernels import put_codes

    grid, area, codes = plan.grid, plan.pixel_area.units, namer.table.codes
    least = plan.config.measure.min_patch_m2 / plan.unit_m2
    whole = np.empty(grid.shape, dtype=np.uint16) if least else None
    written = RunsWriter(grid.width, CLASS_CODE)
    thumbnail, doubled = Thumbnail(grid, plan.sensor), 0
    tallies: defaultdict[int, Tally] = defaultdict(Tally)
    everything, edges = Block(0, 0, grid.height, grid.width), Edges()
    sample: list[Kept] = []

    def count(block: Block, strata: UInt16, codes_of: Callable[[Block], UInt8]) -> None:
        around, above, left = with_neighbours(block, everything)
        units = area(around)
        edges.add(codes_of(around), units, above, left)
        count_by_set(tallies, strata, plan.regions.sets(block), units[above:, left:])

    with (
        plan.reader(observation) as reader,
        closing(_layers(plan, reader, len(observation.scenes))) as parts,
        closing(_named(plan, namer, reader, parts)) as named,
    ):
        for block, strata, pixels in named:
            doubled += pixels.doubled
            thumbnail.add(block, pixels.bands)
            sample.append(_picked(plan, observation, block, pixels))
            put_codes(strata, codes, written.room(block))
            if whole is None:
                count(block, strata, written.around)
            else:
                whole[block.slices] = strata
    classes = written.done()
    if whole is not None:
        classes = move_small(whole, classes, grid, area, least)
        for block in blocks(grid):
            count(block, whole[block.slices], classes.block)
    return _Looked(classes, tallies, edges, thumbnail.picture, doubled, np.concatenate(sample))


def observe(work: Work, observation: Observation) -> Observed:
    """Classify and measure one observation.

    Raises
    ------
    InputError
        If a file cannot be read.
    IntegrityError
        If the budget does not close.
    """
    plan, grid, area = work.plan, work.plan.grid, work.plan.pixel_area.units
    namer = work.namer(observation)
    strata, looked = namer.table, _look(plan, namer, observation)
    give_back()
    tally = merged(tally for key, tally in looked.tallies.items() if key)
    regions = tuple(by_region(looked.classes, looked.tallies, looked.edges, strata, plan.regions, area, plan.unit_m2))
    seen = tally.pixels_in(strata.seen)
    fitted = strata.models[0] if namer.shared and strata.models else None
    return Observed(
        observation=observation,
        grid=grid,
        classes=looked.classes,
        picture=looked.picture,
        strata=strata,
        tally=tally,
        unit_m2=plan.unit_m2,
        budget=budget(tally, strata, plan.unit_m2, looked.edges.units),
        regions=regions,
        draw=partial(draw_polygons, looked.classes, grid, area, plan.unit_m2, plan.drawing),
        doubled_fraction=looked.doubled / seen if seen else 0.0,
        drift=round(drift_of(looked.sample, fitted, plan.sensor), 6) if fitted else 1.0,
        misnamed=round(tally.pixels_in(strata.misnamed) / seen, 6) if seen else 0.0,
        misfit=round(tally.pixels_in(strata.strays) / seen, 6) if seen else 0.0,
    )


def rows_of(plan: Plan, observed: Observed) -> tuple[Row, ...]:
    """Rows of the series that an observation gives, region by region."""
    return tuple(row for region in observed.regions for row in _rows_of(plan, observed, region))


def _rows_of(plan: Plan, observed: Observed, region: Regional) -> tuple[Row, ...]:
    drifted = observed.drift > LARGEST_RATIO or observed.misnamed > LARGEST_MISFIT
    unfit = observed.misfit > LARGEST_MISFIT
    min_valid, screened = plan.config.measure.min_valid, plan.screened
    context = Context(
        region=region.name,
        observation=observed.observation,
        prefer=plan.config.measure.prefer,
        planar_km2_per_pixel=plan.planar_km2_per_pixel,
        flags=flags_of(
            region.budget, min_valid, screened, observed.observation, drifted, unfit, on_grid=region.on_grid
        ),
        model=hash_of_all(observed.strata.models),
        config_hash=plan.config.digest,
        screened=screened,
        fits=not unfit,
    )
    return rows(region.budget, region.n_patches, context)
