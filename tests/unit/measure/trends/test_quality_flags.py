"""Flags of the whole series: jumps, missing classes, and estimates that clouds bias."""

from __future__ import annotations

import dataclasses
import datetime as dt

import numpy as np
import pytest

from icepipe.classes import BUDGET, SEEN, ClassCode
from icepipe.flags import Flag, flags_text
from icepipe.measure.change.occlusion import Occlusion, find_occlusion
from icepipe.measure.trends.quality_flags import add_series_flags, class_missing_dates, sudden_jumps
from tests.classrasters import changed
from tests.series import daily

FIRST = dt.date(2024, 7, 1)


def rows(values, step=1, class_="ice", flags=""):
    """A series with a value every ``step`` days, of a region of 10 000 km2."""
    days = [(FIRST + dt.timedelta(days=i * step)).isoformat() for i in range(len(values))]
    return daily(list(zip(days, values, strict=True)), class_=class_, flags=flags)


def jumps(values, step=1, **changes):
    dates = sudden_jumps([dataclasses.replace(row, **changes) for row in rows(values, step)])
    return sorted((dt.date.fromisoformat(date) - FIRST).days // step for date in dates)


QUIET = [5000.0, 4990, 4970, 4965, 4950, 4930, 4925, 4910, 4900]


def test_a_spike_is_a_sudden_jump_and_its_neighbours_are_none():
    for size in (-900, 900):
        values = QUIET.copy()
        values[4] += size
        assert jumps(values) == [4]
    assert jumps(QUIET) == []


def test_a_jump_is_one_of_the_surface_and_not_of_the_pixel_area():
    values = QUIET.copy()
    values[4] += 900
    jumping, quiet = rows(values), rows(QUIET)
    for pixels, surfaces, expected in ((quiet, jumping, {jumping[4].date}), (jumping, quiet, set())):
        series = [
            dataclasses.replace(
                pixel_row,
                weighted_km2=row.area_km2,
                weighted_est_km2=row.area_est_km2,
                area_low_km2=row.area_km2,
                area_high_km2=row.area_km2,
            )
            for pixel_row, row in zip(pixels, surfaces, strict=True)
        ]
        assert sudden_jumps(series) == expected


def test_a_first_or_last_value_has_one_neighbour():
    for end in (0, len(QUIET) - 1):
        values = QUIET.copy()
        values[end] -= 900
        assert jumps(values) == [end]


def test_a_step_that_lasts_is_no_jump():
    assert jumps([5000, 4990, 4980, 4985, 4970, 3500, 3490, 3485, 3470, 3465]) == []


def test_steady_melt_is_no_jump_however_fast():
    assert jumps([5500 - 600 * i for i in range(9)]) == []


def test_where_every_value_jumps_none_does():
    assert jumps([5000 + 400 * (-1) ** i for i in range(10)]) == []


def test_too_few_values_say_nothing():
    for count, expected in ((8, []), (9, [0])):
        values = QUIET[:count]
        values[0] -= 2000
        assert jumps(values) == expected


def test_a_jump_must_be_large_for_the_time_between():
    values = QUIET.copy()
    values[4] += 130  # more than 1 % of the region a day
    assert jumps(values) == [4]
    assert jumps(values, step=2) == []
    values[4] += 900  # and 10 % of it, however long it took
    assert jumps(values, step=30) == [4]


def test_what_was_not_seen_may_be_what_jumped():
    """The bounds of one day, with all that was not seen, must exclude those of its neighbours."""
    values = QUIET.copy()
    values[4] -= 900
    series = rows(values)
    for unknown_km2, has_jump in ((800.0, True), (1000.0, False)):
        series[4] = dataclasses.replace(series[4], unknown_km2=unknown_km2)
        assert bool(sudden_jumps(series)) is has_jump
    series = rows(values)
    series[5] = dataclasses.replace(series[5], area_low_km2=3000.0)
    assert sudden_jumps(series) == set()


def test_few_values_of_a_wandering_series_are_taken_for_jumps_and_every_large_one_is():
    """Ice that wanders by 0.6 % of the region a day and is measured as badly; then one day is off by 8 %."""
    false, detected = 0, 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        values = 5000 + np.cumsum(rng.normal(0, 60, 60)) + rng.normal(0, 60, 60)
        false += len(jumps(values.tolist()))
        place = int(rng.integers(60))
        values[place] += rng.choice([-800, 800])
        detected += place in jumps(values.tolist())
    assert false <= 0.01 * 100 * 60
    assert detected >= 95


def test_rows_that_no_trend_looks_at_neither_jump_nor_are_compared_with():
    values = QUIET.copy()
    values[4] -= 900
    series = rows(values)
    series[4] = dataclasses.replace(series[4], flags=frozenset({Flag.UNDER_MIN_VALID}))
    assert sudden_jumps(series) == set()
    series = rows([*QUIET[:4], 4000.0, 100.0, *QUIET[5:]])
    series[5] = dataclasses.replace(series[5], flags=frozenset({Flag.MODEL_MISFIT}))
    assert sudden_jumps(series) == {series[4].date}


def test_a_class_that_most_other_dates_have_is_missed():
    assert class_missing_dates(rows([500, 400, 0, 300, 90])) == {"2024-07-03"}
    assert class_missing_dates(rows([500, 400, 0, 99, 99])) == set()  # in half of the others it has 1 % of the region
    assert class_missing_dates(rows([500, 400, 0])) == set()  # too few others
    assert class_missing_dates(rows([500, 400, None, 300, 200])) == set()  # not known is not 0
    assert class_missing_dates(rows([500, 400, 0, 300, 200], flags="under_min_valid")) == set()


def test_a_trace_in_mixed_pixels_does_not_make_a_missing_class_present():
    series = [dataclasses.replace(row, weighted_km2=1.0, weighted_est_km2=1.0) for row in rows([500, 400, 0, 300, 200])]
    assert class_missing_dates(series) == {"2024-07-03"}


CLOUDED = Occlusion(5000, 2500, 5000, 500, 10_000)
EVENLY = Occlusion(5000, 2500, 5000, 2000, 10_000)


def test_flags_join_those_of_the_row_in_order_and_stand_on_their_class_alone():
    ice, water = QUIET.copy(), QUIET.copy()
    ice[4] = 0
    series = rows(ice, flags="partly_seen") + rows(water, class_="water") + rows([0.0] * 9, class_="cloud")
    hidden = {"2024-07-05": {"bay": CLOUDED}, "2024-07-06": {"bay": EVENLY}}
    flags = {(row.class_, row.date): flags_text(row.flags) for row in add_series_flags(series, hidden) if row.flags}
    assert flags.pop(("ice", "2024-07-05")) == "class_missing;cloud_biased;partly_seen;sudden_jump"
    assert flags.pop(("water", "2024-07-05")) == "cloud_biased"
    assert set(flags.values()) == {"partly_seen"}


def test_areas_are_never_touched():
    series = rows([5000.0] * 4 + [0.0] + [5000.0] * 4)
    flagged = add_series_flags(series, {})
    assert flagged[4].flags == {Flag.CLASS_MISSING, Flag.SUDDEN_JUMP}
    assert [dataclasses.replace(row, flags=frozenset()) for row in flagged] == series
    assert add_series_flags([], {}) == ()


SIDE = 60
MANY = 1000


def season(rng, days=4):
    """Ice that melts from one side, on a grid: class rasters a day apart, with a ragged edge."""
    x = np.arange(SIDE) + rng.normal(0, 1.5, (SIDE, 1))
    return [
        np.where(x < SIDE * (0.6 - 0.1 * day), ClassCode.ICE, ClassCode.WATER).astype(np.uint8) for day in range(days)
    ]


def clouds(rng, odds):
    """Round clouds; ``odds`` of a centre, shape of the grid, say where they are likely."""
    y, x = np.mgrid[:SIDE, :SIDE]
    hidden = np.zeros((SIDE, SIDE), bool)
    for place in rng.choice(SIDE**2, 25, p=(odds / odds.sum()).ravel()):
        row, col = divmod(int(place), SIDE)
        away = [np.minimum(d, SIDE - d) for d in (np.abs(y - row), np.abs(x - col))]  # no edge is spared
        hidden |= away[0] ** 2 + away[1] ** 2 < rng.integers(2, 8) ** 2
    return hidden


def estimate(classes):
    """Ice scaled by what was seen, in pixels, as the series has it."""
    seen = np.isin(classes, SEEN)
    return (classes == ClassCode.ICE).sum() / (seen.sum() / classes.size)


def simulate(prefer_ice):
    """Relative errors of the estimate, and whether it was flagged, over many seeded seasons."""
    errors, flagged = [], []
    for seed in range(MANY):
        rng = np.random.default_rng(seed)
        before, after = season(rng)[1:3]
        odds = np.where(after == ClassCode.ICE, prefer_ice, 1.0)
        seen = np.where(clouds(rng, odds), np.uint8(ClassCode.CLOUD), after)
        errors.append(estimate(seen) / (after == ClassCode.ICE).sum() - 1)
        flagged.append(find_occlusion(changed(before, seen, known=BUDGET)).is_biased)
    return np.array(errors), np.array(flagged)


def test_clouds_at_random_leave_the_estimate_unbiased():
    errors, _ = simulate(prefer_ice=1.0)
    assert abs(errors.mean()) < 2.5 * errors.std() / np.sqrt(MANY)
    assert abs(errors.mean()) < 0.01


def test_clouds_that_prefer_ice_bias_the_estimate_and_are_flagged():
    errors, flagged = simulate(prefer_ice=20.0)
    assert errors.mean() < -0.3
    assert flagged.mean() > 0.98


@pytest.mark.parametrize("prefer_ice", [1.0, 2.0, 4.0])
def test_unflagged_estimates_are_off_by_less_than_flagged_ones(prefer_ice):
    errors, flagged = simulate(prefer_ice)
    assert 1.8 * np.abs(errors[~flagged]).mean() < np.abs(errors[flagged]).mean()
    assert np.abs(errors[~flagged]).max() < 0.32
