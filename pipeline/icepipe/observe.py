"""One observation at a time: its classes, areas and polygons."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial

from icepipe.fitting import fit_observation
from icepipe.heap import give_back
from icepipe.looking import look
from icepipe.measure.area import budget, merged
from icepipe.measure.observed import Observed
from icepipe.measure.polygons import draw_polygons
from icepipe.measure.regional import Regional, by_region
from icepipe.measure.series import Context, Row, flags_of, rows
from icepipe.models import Basis
from icepipe.plan import Plan
from icepipe.publish.basis import basis_hash
from icepipe.publish.footprint import Footprint, footprint
from icepipe.publish.model_file import hash_of_all
from icepipe.records import Observation
from icepipe.segment.classify import Classifier, Namer
from icepipe.segment.drift import LARGEST_MISFIT, LARGEST_RATIO, drift_of


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
    strata, looked = namer.table, look(plan, namer, observation)
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
        reached=looked.reached,
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
