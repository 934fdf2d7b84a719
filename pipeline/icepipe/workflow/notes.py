"""Notes on a run: sentences that a reader needs next to the rows of the series."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from icepipe.flags import Flag
from icepipe.inputs.observation_key import ObservationKey
from icepipe.measure.area.quantity import Quantity
from icepipe.measure.change.occlusion import Occlusion
from icepipe.measure.trends.summary import AreaTrend
from icepipe.publish.run_folder.record import Record
from icepipe.segment.classification.drift import MAX_MISFIT, MAX_OUTLYING
from icepipe.segment.clustering.splitting import MAX_CLUSTERS
from icepipe.segment.model import Model


@dataclass(frozen=True)
class RunEvents:
    """Records of a run and problems it met, for notes, provenance and the ledger.

    Attributes
    ----------
    records
        Records of all observations of the series, by key.
    stale
        Keys of observations with other settings or another basis, left out of the series.
    gone
        Keys of observations whose files are no longer among the inputs.
    outside_km2
        Area of scenes outside the region, by path, in km2.
    frozen_without_files
        Whether the basis was made while some files failed.
    skipped
        Inputs that are not regular files.
    refit_advice
        What to do about an observation that the model does not fit.
    """

    records: Mapping[str, Record]
    stale: Sequence[str]
    gone: Sequence[str]
    outside_km2: Mapping[str, float]
    frozen_without_files: bool
    skipped: Sequence[Path]
    refit_advice: str

    def with_flag(self, flag: Flag) -> list[str]:
        """Return the keys of the observations with a flag in any row."""
        return [key for key, record in self.records.items() if any(flag in row.flags for row in record.rows)]


def up_to_date_notes(n_up_to_date: int) -> tuple[str, ...]:
    """Return a note on the observations that needed no work, if any."""
    return (f"{n_up_to_date} observation(s) were up to date",) if n_up_to_date else ()


def model_notes(model: Model | None) -> Iterator[str]:
    """Yield notes on the choice of k, and on the clusters."""
    if model and model.k_curve:
        yield f"k = {model.k_fitted}, chosen by {model.k_asked}; see k.png and model.json"
    if model and len(model.clusters) >= MAX_CLUSTERS:
        yield (
            f"splitting ended with {len(model.clusters)} clusters; in one of them up to {model.misnamed:.2%} of the "
            "sample would have another name, which the low and high areas include"
        )


def drift_notes(events: RunEvents) -> Iterator[str]:
    """Yield notes on observations that the model does not fit."""
    if unfit := events.with_flag(Flag.MODEL_MISFIT):
        pixels = "the model has no cluster for many of the pixels, areas are left empty"
        yield f"{pixels}: {', '.join(unfit)}; {events.refit_advice}"
    records = events.records.items()
    if outlying := [f"{key} ({r.outlying:.1%})" for key, r in records if r.outlying > MAX_OUTLYING]:
        pixels = "pixels farther from the model than the sample it was fitted on"
        yield f"{pixels}: {', '.join(outlying)}; they are in no low area"
    if misnamed := [f"{key} ({r.misnamed:.1%})" for key, r in records if r.misnamed > MAX_MISFIT]:
        pixels = "pixels whose own spectrum has another name than their cluster"
        yield f"{pixels}: {', '.join(misnamed)}; the low and high areas include them"
    if noisy := events.with_flag(Flag.NOISY):
        what = "as many in the sample of the fit, so the scenes are noisy, or shade changes their colours"
        yield f"{what}: {', '.join(noisy)}; areas may be off: smooth or average the scenes, and mask land"
    if drifted := sorted(set(events.with_flag(Flag.MODEL_DRIFT)) - set(unfit)):
        left_out = "unlike what the model was fitted on, so left out of trends, and alerts are marked maybe"
        yield f"{left_out}: {', '.join(drifted)}; {events.refit_advice}"
    if events.with_flag(Flag.WATER_NOT_SEPARABLE):
        yield "visible bands cannot separate water from dark forest and shadow: its area is left empty"
    if events.with_flag(Flag.ICE_NOT_SEPARABLE):
        todo = "add a near infrared band, or inputs.land if the region is sea"
        yield f"visible bands cannot separate ice from bright ground, so the bounds of ice are wide; {todo}"


def input_notes(events: RunEvents) -> Iterator[str]:
    """Yield notes on inputs and observations that are left out, and the notes stored in records."""
    if events.skipped:
        yield f"skipped, not regular files: {', '.join(path.name for path in events.skipped)}"
    for path, km2 in events.outside_km2.items():
        yield f"{Path(path).name}: {km2:,.3f} km2 are outside the region of the basis"
    if events.stale:
        yield f"left out of the series, made with other settings or on another basis: {', '.join(events.stale)}"
    for record in events.records.values():
        yield from record.remarks
    if events.gone:
        rows = "rows are kept of observations whose files are gone or broken"
        yield f"{rows}: {', '.join(events.gone)}; delete their folders to drop the rows"
    if events.frozen_without_files:
        yield "region and model were made without the files that failed; use --rebase once they are repaired"


def area_notes(events: RunEvents) -> Iterator[str]:
    """Yield notes on clouds, small patches and overlaps, each for the observation where it matters most."""
    # Quality rasters often take snow and ice for cloud, so the reader needs to know how much of it looks like ice.
    cloud_km2 = {key: record.cloud_km2 for key, record in events.records.items()}
    most = max(cloud_km2, key=lambda key: cloud_km2[key], default="")
    if most and cloud_km2[most]:
        share = events.records[most].cloud_like_ice_fraction
        like_ice = "" if share is None else f"; {share:.0%} of that looks like ice"
        yield f"cloud masks hide up to {cloud_km2[most]:,.3f} km2 ({most}){like_ice}"
    moved_km2 = {key: sum(record.moved_km2.values()) for key, record in events.records.items()}
    most = max(moved_km2, key=lambda key: moved_km2[key], default="")
    if most and moved_km2[most]:
        parts = ", ".join(f"{classes} {km2:,.3f}" for classes, km2 in events.records[most].moved_km2.items())
        yield f"small patches were reclassified, up to {moved_km2[most]:,.3f} km2 ({most}): {parts}"
    if doubled := max((record.doubled_fraction for record in events.records.values()), default=0.0):
        pixels = f"up to {doubled:.1%} of the pixels of an observation"
        yield f"overlapping scenes: {pixels} were seen more than once and counted once"
    yield from surface_notes(events)


def surface_notes(events: RunEvents) -> Iterator[str]:
    """Yield notes on observations whose pixels are mixed, and on those that have no surface while others have one."""
    if mixed := events.with_flag(Flag.MIXED_PIXELS):
        todo = "quote the surface (weighted_km2), which counts a pixel by the share of each class, or use finer scenes"
        yield f"many pixels hold more than one class: {', '.join(mixed)}; {todo}"
    if gapless := events.with_flag(Flag.NO_ICE_WATER_GAP):
        todo = "the bounds of ice may be too narrow: look for fog, haze and sun glint, and mask them as cloud"
        yield f"brightness runs from water to ice without a gap: {', '.join(gapless)}; {todo}"
    quantity = Quantity.of(row for record in events.records.values() for row in record.rows)
    lacking = [
        key
        for key, record in events.records.items()
        if any(row.area_est_km2 is not None and quantity.estimate_km2(row) is None for row in record.rows)
    ]
    if lacking:
        why = "measured by an earlier version, without a surface, and left out of trends, dates and alerts"
        yield f"{why}: {', '.join(lacking)}; run again with their files"


def run_notes(model: Model | None, events: RunEvents) -> tuple[str, ...]:
    """Return the notes on the model, the inputs, and areas that are hidden, moved or seen more than once."""
    return (*model_notes(model), *drift_notes(events), *input_notes(events), *area_notes(events))


def occlusion_notes(hidden: Mapping[ObservationKey, Mapping[str, Occlusion]]) -> tuple[str, ...]:
    """Return a note on the observations whose clouds and gaps hide one class more than another, if any."""
    biased = []
    for key, by_region in hidden.items():
        for region, occlusion in by_region.items():
            if occlusion.is_biased and occlusion.hidden_shares:
                ice, water = occlusion.hidden_shares[:2]
                name = f"{key} {region}" if len(by_region) > 1 else key
                biased.append(f"{name} ({ice:.0%} of what was last seen as ice, {water:.0%} of water)")
    if not biased:
        return ()
    why = "clouds and gaps hide one class more than another, so estimates for the whole region are biased"
    return (f"{why}: {', '.join(biased)}",)


def trend_notes(trends: Sequence[AreaTrend]) -> tuple[str, ...]:
    """Return a note for every trend and every significant step."""
    notes = []
    for series in trends:
        name = f"{series.region} {series.class_} {series.quantity}"
        if series.trend:
            slope, autocorrelation = series.trend.slope_km2_per_year, series.trend.autocorrelation
            # Neighbouring values that are alike count as fewer values: their p is the larger one.
            correlated = autocorrelation.makes_p_too_small
            p = autocorrelation.p if correlated else series.trend.mann_kendall.p
            why = " (corrected for autocorrelation)" if correlated else ""
            seasons = "; seasons are mixed: see the seasonal test" if series.trend.mixes_seasons else ""
            interval = f"{slope.value:+,.3f} km2 per year ({slope.low:+,.3f} .. {slope.high:+,.3f})"
            notes.append(f"trend of {name}: {interval}, p {p:.2g}{why}{seasons}; see trend.json")
        notes += [
            f"step of {name} at {step.date} ({step.what}): {step.step_km2.value:+,.3f} km2 on top of the trend"
            for step in series.steps.tested
            if step.step_km2.low > 0 or step.step_km2.high < 0
        ]
    return tuple(notes)
