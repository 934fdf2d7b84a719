"""One observation at a time: its classes, areas and polygons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from icepipe.classes import ClassCode
from icepipe.fitting import fit_observation
from icepipe.inputs.grid import blocks
from icepipe.inputs.read import ObservationReader
from icepipe.measure.area import Tally, budget, edge_units
from icepipe.measure.observed import Observed
from icepipe.measure.series import Context, Row, flags_of, rows
from icepipe.measure.vectorize import vectorize
from icepipe.models import Basis
from icepipe.plan import Plan
from icepipe.publish.basis import basis_hash
from icepipe.publish.model_file import hash_of_all
from icepipe.publish.quicklook import Thumbnail
from icepipe.records import Block, Bool, Kept, Layer, Observation, Pixels, UInt16
from icepipe.segment.classify import Classifier, most_frequent
from icepipe.segment.drift import LARGEST_MISFIT, LARGEST_RATIO, PIXELS, drift_of
from icepipe.segment.sample import place_hashes, rate_limit
from icepipe.segment.strata import stratum_of


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
    shared: Classifier | None

    @cached_property
    def basis_hash(self) -> str:
        """Digest of the basis."""
        return basis_hash(self.basis)

    def classifier(self, observation: Observation) -> Classifier:
        """What names an observation's pixels.

        Raises
        ------
        InputError
            If a file cannot be read that a model of its own is fitted on.
        """
        return self.shared or Classifier(fit_observation(self.plan, observation), self.plan.sensor)


def _strata(plan: Plan, classifier: Classifier, reader: ObservationReader, block: Block) -> tuple[UInt16, Pixels]:
    """Stratum of every pixel of a block, and what was read of it."""
    layers = list(reader.layers(block))
    pixels = reader.composite(layers, block)
    if classifier.shared:
        strata = classifier.pixels(pixels)
    else:
        strata = classifier.hide(_laid(reader, [classifier.layer(layer) for layer in layers], block), pixels)
    if plan.config.measure.prefer == "mode" and len(layers) > 1:
        votes = [_vote(reader, classifier.layer(layer), block) for layer in layers]
        strata = np.where(pixels.valid, most_frequent(votes, classifier.table.codes), strata)
    return strata, pixels


def _laid(reader: ObservationReader, layers: Sequence[Layer], block: Block) -> UInt16:
    if not layers:
        return np.zeros((block.height, block.width), dtype=np.uint16)
    return np.asarray(reader.composite(layers, block).bands[0], dtype=np.uint16)


def _vote(reader: ObservationReader, layer: Layer, block: Block) -> UInt16:
    """Strata that one scene gives a block, unobserved where it shows no surface."""
    alone = reader.composite([layer], block)
    return np.where(alone.valid, alone.bands[0], np.uint16(stratum_of(ClassCode.UNOBSERVED))).astype(np.uint16)


def _picked(plan: Plan, observation: Observation, block: Block) -> Bool:
    """Pixels of a block that drift is judged by; shape (rows, columns)."""
    rate = PIXELS / (plan.grid.width * plan.grid.height)
    hashes = place_hashes(plan.config.segment.seed, observation.date.toordinal(), block)
    return np.asarray(hashes <= rate_limit(rate))


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
    classifier = work.classifier(observation)
    strata = classifier.table
    classes = np.full(grid.shape, ClassCode.OUTSIDE, dtype=np.uint8)
    thumbnail, tally, doubled = Thumbnail(grid, plan.sensor), Tally(), 0
    looked_at: list[Kept] = []
    with plan.reader(observation) as reader:
        for block in blocks(grid, plan.block_side):
            found, pixels = _strata(plan, classifier, reader, block)
            tally.add(found, area(block))
            doubled += pixels.doubled
            classes[block.slices] = strata.codes[found]
            thumbnail.add(block, pixels.bands)
            looked_at.append(pixels.bands[:, pixels.valid & _picked(plan, observation, block)].T)
    measured = budget(tally, strata, plan.unit_m2, edge_units(classes, grid, area))
    wanted = [ClassCode[name.upper()] for name in plan.config.publish.polygons.classes]
    layers = tuple(vectorize(classes, code, grid, area, plan.unit_m2) for code in wanted)
    seen = tally.pixels_in(strata.seen)
    drift = drift_of(np.concatenate(looked_at), strata.models[0], plan.sensor) if classifier.shared else 1.0
    return Observed(
        observation=observation,
        grid=grid,
        classes=classes,
        picture=thumbnail.picture,
        strata=strata,
        tally=tally,
        unit_m2=plan.unit_m2,
        budget=measured,
        layers=layers,
        doubled_fraction=doubled / seen if seen else 0.0,
        drift=round(drift, 6),
        misfit=round(tally.pixels_in(strata.strays) / seen, 6) if seen else 0.0,
    )


def rows_of(plan: Plan, observed: Observed) -> tuple[Row, ...]:
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
        model=hash_of_all(observed.strata.models),
        config_hash=plan.config.digest,
        screened=plan.screened,
        fits=not unfit,
    )
    return rows(observed.budget, {layer.code: len(layer.geometry) for layer in observed.layers}, context)
