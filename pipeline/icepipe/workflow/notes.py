"""What a reader of a run should know beside its rows, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from icepipe.flags import Flag
from icepipe.inputs.observation_key import ObservationKey
from icepipe.measure.change.occlusion import Occlusion
from icepipe.measure.trends.summary import AreaTrend
from icepipe.publish.run_folder.record import Record
from icepipe.segment.classification.drift import MAX_DRIFT, MAX_MISFIT
from icepipe.segment.clustering.splitting import MAX_CLUSTERS
from icepipe.segment.model import Model


@dataclass(frozen=True)
class RunEvents:
    """What a run met and did.

    Attributes
    ----------
    records
        Every observation of the series, by key.
    stale
        Observations of other settings or another basis, left out of the series.
    gone
        Observations whose files are no longer among the inputs.
    outside_km2
        Area of scenes outside the region, by path.
    frozen_without_files
        Whether the basis was made while some files failed.
    skipped
        What the inputs name that is no file.
    """

    records: Mapping[str, Record]
    stale: Sequence[str]
    gone: Sequence[str]
    outside_km2: Mapping[str, float]
    frozen_without_files: bool
    skipped: Sequence[Path]


_MISFIT_TODO = "use --rebase where an earlier run fitted it, else another model or other features"


def _flagged(events: RunEvents, flag: Flag) -> list[str]:
    return [key for key, record in events.records.items() if any(flag in row.flags for row in record.rows)]


def _input_notes(events: RunEvents) -> Iterator[str]:
    if events.skipped:
        yield f"skipped, as they are no regular files: {', '.join(path.name for path in events.skipped)}"
    for path, km2 in events.outside_km2.items():
        yield f"{Path(path).name}: {km2:,.3f} km2 lie outside the region of the basis"
    if events.stale:
        yield f"left out of the series, as other settings or another basis made them: {', '.join(events.stale)}"
    for record in events.records.values():
        yield from record.remarks
    if events.gone:
        told = ", ".join(events.gone)
        yield f"rows kept of observations whose files are gone or broken: {told}; delete their folders to drop them"
    if events.frozen_without_files:
        yield "region and model were frozen without the files that failed; use --rebase once they are repaired"


def _model_notes(model: Model | None, events: RunEvents) -> Iterator[str]:
    if model and model.k_curve:
        yield f"k = {model.k_fitted}, chosen by {model.k_asked}; see k.png and model.json"
    if unfit := _flagged(events, Flag.MODEL_MISFIT):
        yield f"the model has no cluster for what is there, areas left empty: {', '.join(unfit)}; {_MISFIT_TODO}"
    if model and len(model.clusters) >= MAX_CLUSTERS:
        yield (
            f"splitting stopped at {MAX_CLUSTERS} clusters with up to {model.misnamed:.2%} of the sample under another "
            "name in one of them; the low and high areas hold it"
        )
    moved = {key: record.drift for key, record in events.records.items() if record.drift > MAX_DRIFT}
    if moved:
        told = ", ".join(f"{key} ({ratio:.1f} times)" for key, ratio in moved.items())
        yield f"farther from the model than what it was fitted on: {told}; consider --rebase"
    called = {key: record.misnamed for key, record in events.records.items() if record.misnamed > MAX_MISFIT}
    if called:
        told = ", ".join(f"{key} ({share:.1%})" for key, share in called.items())
        yield f"pixels that have another name of their own: {told}; the low and high areas hold them"
    if _flagged(events, Flag.WATER_NOT_SEPARABLE):
        yield "visible bands cannot tell water from dark forest and shadow: its area is left empty"


def _cloud_notes(events: RunEvents) -> Iterator[str]:
    """How much of what masks hide looks like ice: quality rasters call snow and ice cloud, too."""
    hidden = {key: record.cloud_km2 for key, record in events.records.items()}
    most = max(hidden, key=lambda key: hidden[key], default="")
    if most and hidden[most]:
        share = events.records[most].cloud_like_ice_fraction
        looks = "" if share is None else f"; {share:.0%} of that looks like ice"
        yield f"cloud masks hide up to {hidden[most]:,.3f} km2 ({most}){looks}"


def _sieve_notes(events: RunEvents) -> Iterator[str]:
    """How much went to other classes as too small, on the date where that was most."""
    moved = {key: sum(record.moved_km2.values()) for key, record in events.records.items()}
    most = max(moved, key=lambda key: moved[key], default="")
    if most and moved[most]:
        told = ", ".join(f"{what} {km2:,.3f}" for what, km2 in events.records[most].moved_km2.items())
        yield f"small patches moved, up to {moved[most]:,.3f} km2 ({most}): {told}"


def run_notes(model: Model | None, events: RunEvents) -> tuple[str, ...]:
    """Sentences about the inputs, the model, and what was counted once."""
    twice = max((record.doubled_fraction for record in events.records.values()), default=0.0)
    overlap = f"pixels that several scenes saw, counted once: up to {twice:.1%} of an observation"
    said = (
        *_model_notes(model, events),
        *_input_notes(events),
        *_cloud_notes(events),
        *_sieve_notes(events),
    )
    return (*said, *([overlap] if twice else []))


def occlusion_notes(hidden: Mapping[ObservationKey, Mapping[str, Occlusion]]) -> tuple[str, ...]:
    """A sentence that names the observations whose clouds and gaps prefer one class."""
    told = [
        f"{key}{f' {name}' if len(by_region) > 1 else ''} ({one.hidden_shares[0]:.0%} of what was last seen as ice, "
        f"{one.hidden_shares[1]:.0%} of water)"
        for key, by_region in hidden.items()
        for name, one in by_region.items()
        if one.is_biased and one.hidden_shares
    ]
    return (f"one class hides more than another, so that area_est_km2 is biased: {', '.join(told)}",) if told else ()


def trend_notes(trends: Sequence[AreaTrend]) -> tuple[str, ...]:
    """A sentence for every trend and every step; none where there are too few points for one."""
    return tuple(sentence for trend in trends for sentence in _trend_sentences(trend))


def _trend_sentences(told: AreaTrend) -> Iterator[str]:
    whose = f"{told.region} {told.class_}"
    if told.trend:
        slope, alike = told.trend.slope_km2_per_year, told.trend.autocorrelation
        p = alike.p if alike.makes_p_too_small else told.trend.mann_kendall.p
        said = f"{slope.value:+,.3f} km2 per year ({slope.low:+,.3f} .. {slope.high:+,.3f}), p {p:.2g}"
        why = ", for neighbouring values that are alike" if alike.makes_p_too_small else ""
        seasons = "; it mixes seasons: see the seasonal test" if told.trend.mixes_seasons else ""
        yield f"trend of {whose}: {said}{why}{seasons}; see trend.json"
    for step in told.steps.tested:
        if step.step_km2.low > 0 or step.step_km2.high < 0:
            yield f"step of {whose} at {step.date} ({step.what}): {step.step_km2.value:+,.3f} km2 beside the trend"
