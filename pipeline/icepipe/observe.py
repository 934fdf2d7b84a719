"""One observation at a time: its part of the sample, and its classes, areas and polygons."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from icepipe.classes import ClassCode
from icepipe.errors import InputError
from icepipe.inputs.grid import blocks
from icepipe.inputs.read import ObservationReader
from icepipe.measure.area import Tally, budget, edge_units
from icepipe.measure.observed import Observed
from icepipe.measure.series import Context, Row, flags_of, rows
from icepipe.measure.vectorize import vectorize
from icepipe.models import Basis, Model
from icepipe.plan import Plan
from icepipe.publish.basis import basis_hash
from icepipe.publish.explain import model_hash
from icepipe.publish.quicklook import Thumbnail
from icepipe.records import Block, Bool, Kept, Observation, Pixels, UInt8
from icepipe.segment.classify import Search, class_table, most_frequent
from icepipe.segment.cluster import pick
from icepipe.segment.drift import LARGEST_MISFIT, LARGEST_RATIO, PIXELS, drift_and_misfit


def _picked(plan: Plan, observation: Observation, block: Block, rate: float) -> Bool:
    """Pixels of a block that belong to a sample of this rate; shape (rows, columns)."""
    rows_, cols = block.row + np.arange(block.height), block.col + np.arange(block.width)
    return pick(plan.config.segment.seed, observation.date.toordinal(), rows_, cols, rate)


def sample_of(plan: Plan, rate: float, observation: Observation) -> Kept | InputError:
    """Colours of the observation's part of the sample, in raster order; the fault where it cannot be read."""
    picked = []
    try:
        with plan.reader(observation) as reader:
            for block in blocks(plan.grid):
                pixels = reader.read(block)
                picked.append(pixels.bands[:, pixels.valid & _picked(plan, observation, block, rate)].T)
    except InputError as fault:
        return fault
    return np.concatenate(picked)


@dataclass(frozen=True)
class Work:
    """What every observation of a run is worked on with."""

    plan: Plan
    basis: Basis
    search: Search

    @cached_property
    def basis_hash(self) -> str:
        """Digest of the basis."""
        return basis_hash(self.basis)

    @cached_property
    def codes(self) -> UInt8:
        """Class code of each stratum."""
        return class_table(self.basis.model)

    def strata(self, reader: ObservationReader, block: Block) -> tuple[UInt8, Pixels]:
        """Stratum of every pixel of a block, and what was read of it."""
        layers = list(reader.layers(block))
        pixels = reader.composite(layers, block)
        strata = self.search.clusters(pixels)
        if self.plan.config.measure.prefer == "mode" and len(layers) > 1:
            each = [reader.composite([layer], block) for layer in layers]
            votes = [self.search.clusters(replace(one, valid=one.valid & pixels.valid)) for one in each]
            strata = np.where(pixels.valid, most_frequent(votes, self.codes), strata)
        return strata, pixels


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
    classes = np.full(grid.shape, ClassCode.OUTSIDE, dtype=np.uint8)
    thumbnail, tally, doubled = Thumbnail(grid, plan.sensor), Tally(), 0
    looked_at: list[Kept] = []
    with plan.reader(observation) as reader:
        for block in blocks(grid, plan.block_side):
            strata, pixels = work.strata(reader, block)
            tally.add(strata, area(block))
            doubled += pixels.doubled
            classes[block.slices] = work.codes[strata]
            thumbnail.add(block, pixels.bands)
            looked_at.append(pixels.bands[:, pixels.valid & _picked(plan, observation, block, PIXELS / classes.size)].T)
    model = work.basis.model
    measured = budget(tally, model, plan.unit_m2, edge_units(classes, grid, area))
    wanted = [ClassCode[name.upper()] for name in plan.config.publish.polygons.classes]
    layers = tuple(vectorize(classes, code, grid, area, plan.unit_m2) for code in wanted)
    seen = sum(tally.pixels[: len(model.clusters)])
    moved, misnamed = drift_and_misfit(np.concatenate(looked_at), model, plan.sensor)
    return Observed(
        observation=observation,
        grid=grid,
        classes=classes,
        picture=thumbnail.picture,
        tally=tally,
        unit_m2=plan.unit_m2,
        budget=measured,
        layers=layers,
        doubled_fraction=doubled / seen if seen else 0.0,
        drift=round(moved, 6),
        misfit=round(misnamed, 6),
    )


def rows_of(plan: Plan, observed: Observed, model: Model) -> tuple[Row, ...]:
    """Rows of the series that an observation gives."""
    drifted, unfit = observed.drift > LARGEST_RATIO, observed.misfit > LARGEST_MISFIT
    context = Context(
        region=plan.config.name,
        observation=observed.observation,
        prefer=plan.config.measure.prefer,
        planar_km2_per_pixel=plan.planar_km2_per_pixel,
        flags=flags_of(
            observed.budget, plan.config.measure.min_valid, plan.screened, observed.observation, drifted, unfit
        ),
        model=model_hash(model),
        config_hash=plan.config.digest,
        screened=plan.screened,
        fits=not unfit,
    )
    return rows(observed.budget, {layer.code: len(layer.geometry) for layer in observed.layers}, context)
