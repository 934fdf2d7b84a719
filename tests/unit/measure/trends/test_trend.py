"""Trends, tests and dates of series: published examples, an independent count, and properties."""

from __future__ import annotations

import datetime as dt
import json
import math
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from icepipe.config.measure import Measure
from icepipe.measure.trends.bootstrap import block_bootstrap, choose_block_length
from icepipe.measure.trends.mann_kendall import (
    autocorrelation,
    hamed_rao_factor,
    intercept,
    mann_kendall,
    quantile,
    s_variance,
    theil_sen,
    two_sided_p,
    z_score,
)
from icepipe.measure.trends.seasonal_kendall import correlated_kendall, pairwise_slopes, seasonal_kendall
from icepipe.measure.trends.step_changes import find_steps, fit_steps, hodges_lehmann
from icepipe.measure.trends.summary import area_trends, baseline_mean, mean_ranks, series_values
from icepipe.measure.trends.time_series import gaps
from icepipe.measure.trends.trend import fit_trend, least_squares
from icepipe.workflow.notes import trend_notes
from tests.series import daily, yearly

BASE = (dt.date(1981, 1, 1), dt.date(2010, 12, 31))


def hold(expected, figures):
    """Every expected figure is among ours, to the tolerance its file states."""
    for item in expected:
        truth = item[item["assert_value"]]
        assert abs(figures[item["name"]] - truth) <= item["tolerance_abs"], (item["name"], figures[item["name"]], truth)


def known(values):
    """Values without gaps, and their places."""
    array = np.array([np.nan if value is None else value for value in values], dtype=float)
    place = np.flatnonzero(~np.isnan(array))
    return place.astype(float), array[place]


def tau_a(values):
    return mann_kendall(values).s / (len(values) * (len(values) - 1) / 2)


def plain(values, _case):
    test = mann_kendall(values)
    slopes = np.sort(pairwise_slopes(np.arange(len(values), dtype=float), values))
    slope = theil_sen(np.arange(len(values), dtype=float), values)
    reach = quantile() * math.sqrt(test.var_s)
    ranks = np.arange(1, len(slopes) + 1)
    between = [np.interp(rank, ranks, slopes) for rank in ((len(slopes) - reach) / 2, (len(slopes) + reach) / 2 + 1)]
    return {
        "S": test.s,
        "varS": test.var_s,
        "z": test.z,
        "z (continuity correction)": test.z,
        "p": test.p,
        "p two-sided": test.p,
        "tau": test.tau,
        "tau-b (tie-corrected denominator)": test.tau,
        "tau-a (plain denominator)": tau_a(values),
        "tau (plain denominator)": tau_a(values),
        "slope per year": slope.value,
        "Sen slope": slope.value,
        "lower 95 % limit": slope.low,
        "upper 95 % limit": slope.high,
        "lower limit with linear interpolation between ranks": between[0],
        "upper limit with linear interpolation between ranks": between[1],
        "intercept median(x) - slope*median(t), t = 0..n-1": intercept(np.arange(len(values)), values, slope.value),
    }


def nottem(values, case):
    table = values.reshape(-1, case["period"])
    test = seasonal_kendall(table)
    months = {name: mann_kendall(table[:, number]) for name, number in (("August", 7), ("September", 8))}
    return {
        "S": test.s,
        "varS": test.var_s,
        "z (continuity correction)": test.z,
        "p": test.p,
        "seasonal Sen slope": test.slope_km2_per_year,
        **{f"{name} S": month.s for name, month in months.items()},
        **{
            f"{name} p without continuity correction": two_sided_p(z_score(month.s, month.var_s, continuity=False))
            for name, month in months.items()
        },
    }


def nottem_correlated(values, case):
    test = correlated_kendall(values.reshape(-1, case["period"]))
    assert seasonal_kendall(values.reshape(-1, case["period"])).correlated == test
    return {"S": test.s, "varS": test.var_s, "z (no continuity correction)": test.z, "p": test.p}


def variants(values, slope):
    """The family of corrections, from the same parts; time runs without gaps."""
    n, order = len(values), np.arange(1, len(values) + 1)
    test, flat = mann_kendall(values), values - slope * order
    found = {}
    for name, lags in (("all", n - 1), ("1-3", 3), ("1", 1)):
        found["Hamed-Rao", name] = hamed_rao_factor(flat, lags)
        found["Yue-Wang", name] = 1 + 2 * float((1 - order[:lags] / n) @ autocorrelation(flat, lags))
    white = mann_kendall(values[1:] - autocorrelation(values, 1)[0] * values[:-1])
    free = mann_kendall(flat[1:] - autocorrelation(flat, 1)[0] * flat[:-1] + slope * order[:-1])
    return test, {key: (test.var_s * f, z_score(test.s, test.var_s * f), f) for key, f in found.items()}, white, free


def shampoo(values, _case):
    slope = theil_sen(np.arange(len(values), dtype=float), values).value
    test, corrected, white, free = variants(values, slope)
    found = {
        "original S": test.s,
        "original varS": test.var_s,
        "original z": test.z,
        "Sen slope": slope,
        "intercept": intercept(np.arange(len(values)), values, slope),
        "lag-1 autocorrelation of the series": autocorrelation(values, 1)[0],
        "Hamed-Rao n/n*": corrected["Hamed-Rao", "all"][2],
    }
    for name in ("Hamed-Rao", "Yue-Wang"):
        variance, z, _ = corrected[name, "all"]
        found |= {f"{name} varS": variance, f"{name} z": z, f"{name} p": two_sided_p(z)}
    for name, other in (("pre-whitening", white), ("trend-free pre-whitening", free)):
        found |= {f"{name} S": other.s, f"{name} z": other.z, f"{name} p": other.p}
    return found


def series360(_values, case):
    table = np.array([np.nan if value is None else value for value in case["values"]]).reshape(-1, case["period"])
    place, seen = known(case["values"])
    slope = theil_sen(place, seen).value
    test, corrected, white, _ = variants(seen, slope)
    seasonal = seasonal_kendall(table)
    years = place / case["period"]
    found = {
        "original S": test.s,
        "original varS": test.var_s,
        "original z": test.z,
        "original p": test.p,
        "original tau": tau_a(seen),
        "Sen slope, gaps kept on the time axis": slope,
        "intercept": intercept(place, seen, slope),
        "pre-whitening S": white.s,
        "pre-whitening varS": white.var_s,
        "pre-whitening z": white.z,
        "seasonal S": seasonal.s,
        "seasonal varS": seasonal.var_s,
        "seasonal z": seasonal.z,
        "seasonal p": seasonal.p,
        "seasonal tau": seasonal.tau,
        "seasonal Sen slope": seasonal.slope_km2_per_year,
        "seasonal intercept": intercept(years, seen, seasonal.slope_km2_per_year),
        "correlated seasonal S (years with a gap dropped)": seasonal.correlated.s,
        "correlated seasonal varS": seasonal.correlated.var_s,
        "correlated seasonal z (no continuity correction)": seasonal.correlated.z,
    }
    for name, lags, key in (
        ("Hamed-Rao", ", all significant lags", "all"),
        ("Hamed-Rao", ", lags 1-3", "1-3"),
        ("Yue-Wang", ", all lags", "all"),
        ("Yue-Wang", ", lag 1", "1"),
    ):
        variance, z, _ = corrected[name, key]
        found |= {f"{name} varS{lags}": variance, f"{name} z{lags if key != 'all' else ''}": z}
    return found


def sen1968(_values, case):
    x, y = (np.array(case["inputs"][name], dtype=float) for name in "xy")
    slope = theil_sen(x, y, case["inputs"]["confidence"])
    line = intercept(x, y, slope.value)
    return {
        "slope": slope.value,
        "lower": slope.low,
        "upper": slope.high,
        "intercept median(y) - slope*median(x)": line,
    }


def minimal(_values, case):
    (x, y), gap = (known(part["y"]) for part in case["inputs"]["cases"])
    slope = theil_sen(x, y).value
    return {
        "slope [0,1,1]": slope,
        "intercept, medians separately": intercept(x, y, slope),
        "intercept, median of residuals": float(np.median(y - slope * x)),
        "slope [0,1,missing,1] with the gap kept": theil_sen(*gap).value,
    }


TREND_CASES = {
    "trend_maxau_Q_mk": plain,
    "trend_maxau_s_sen": plain,
    **{f"trend_hcb_{place}": plain for place in ("we", "ka", "mz", "ko", "bh", "bi")},
    "trend_nottem_seasonal": nottem,
    "trend_nottem_correlated_seasonal": nottem_correlated,
    "pymk_births_original": plain,
    "pymk_shampoo_autocorrelation": shampoo,
    "pymk_series360": series360,
    "sen1968_example": sen1968,
    "theil_minimal": minimal,
}


def published(shared_data, name):
    document = json.loads((shared_data / "published-numbers" / name).read_text())
    return document, {case["id"]: case for case in document["cases"]}


@pytest.mark.parametrize("name", TREND_CASES)
def test_published_tests_of_trend(shared_data, name):
    document, cases = published(shared_data, "trend-tests.json")
    assert set(cases) == set(TREND_CASES)
    values = document["data"][cases[name]["data"]]["values"] if "data" in cases[name] else []
    hold(cases[name]["expected"], TREND_CASES[name](known(values)[1], cases[name] | {"values": values}))


def ice(document, name, first=0, last=9999):
    """Years and extents in km2, without gaps."""
    series = document["series"][name]
    pairs = [(y, v * 1e6) for y, v in zip(series["years"], series["extent_million_km2"], strict=True) if v is not None]
    return tuple(np.array(part, dtype=float) for part in zip(*(p for p in pairs if first <= p[0] <= last), strict=True))


def mean_of(x, y, first=1981, last=2010):
    return float(y[(x >= first) & (x <= last)].mean())


def nsidc(document, case):
    x, y = ice(document, case["data"])
    points = yearly(zip(x, y, strict=True))
    baseline = baseline_mean(points, BASE)
    result = fit_trend(x, y, baseline.mean_km2)
    line, last = result.least_squares, series_values(points, baseline.mean_km2)[-1]
    missing = [year for gap in gaps(points) for year in range(int(gap.after) + 1, int(gap.before))]
    assert missing == case.get("missing_years", missing)
    return {
        "trend through last year": line.slope_km2_per_year,
        "OLS trend": line.slope_km2_per_year,
        "standard error of trend": line.stderr_km2_per_year / 1e6,
        "standard error of trend, full precision": line.stderr_km2_per_year,
        "standard error": line.stderr_km2_per_year,
        "trend in percent of the 1981-2010 mean": line.slope_percent_per_decade,
        "percent per decade of 1981-2010 mean": line.slope_percent_per_decade,
        "anomaly of last year against 1981-2010": last.anomaly_km2 / 1e6,
        "rank of last year (1 = lowest, ties averaged)": last.rank,
        "r": line.r,
        "p": line.p,
        "1981-2010 mean": baseline.mean_km2 / 1e6,
        "loss on the trend line, first to last year": line.slope_km2_per_year * (x[-1] - x[0]) / 1e6,
        "Theil-Sen slope": result.slope_km2_per_year.value,
        "Theil-Sen lower 95 % limit (rounded ranks)": result.slope_km2_per_year.low,
        "Theil-Sen upper 95 % limit (rounded ranks)": result.slope_km2_per_year.high,
        "Mann-Kendall S": result.mann_kendall.s,
        "Mann-Kendall varS with ties": result.mann_kendall.var_s,
        "Mann-Kendall z": result.mann_kendall.z,
    }


def kumar(document, _case):
    x, y = ice(document, "v4_N_09", 1979, 2018)
    y[x == 2018] = 4.71e6
    line = least_squares(x, y, mean_of(x, y))
    return {
        "trend": line.slope_km2_per_year,
        "trend in percent of the 1981-2010 mean": line.slope_percent_per_decade,
        "standard error in percent of the 1981-2010 mean": line.stderr_percent_per_decade,
    }


def announced(document, case):
    whole, found = ice(document, case["data"]), {}
    for item in case["expected"]:
        years = [int(word) for word in item["name"].replace(",", " ").replace("-", " ").split() if word.isdigit()]
        x, y = ice(document, case["data"], 1979, years[-1] if len(years) == 2 and years[0] == 1979 else years[0])
        base = (1979, 2000) if "relative to 1979" in item["name"] else (1981, 2010)
        found[item["name"]] = least_squares(x, y, mean_of(*whole, *base)).slope_percent_per_decade
    return found


def test_published_sea_ice_trends(shared_data):
    document, cases = published(shared_data, "seaice-trends.json")
    special = {"kumar2020_september_1979_2018": kumar, "nsidc_september_announcements": announced}
    tested = [name for name in cases if "expected" in cases[name]]
    assert len(tested) == 30
    for name in tested:
        hold(cases[name]["expected"], special.get(name, nsidc)(document, cases[name]))


def test_a_trend_recomputed_with_every_added_year(shared_data):
    document, cases = published(shared_data, "seaice-trends.json")
    case = cases["v3_2025_N_09_year_by_year"]
    x, y = ice(document, case["data"])
    columns, tolerance = case["columns"], case["tolerance_abs"]
    for place, year in enumerate(columns["through_year"]):
        line = least_squares(x[x <= year], y[x <= year], mean_of(x, y))
        ours = {
            "trend_km2_per_year": line.slope_km2_per_year,
            "percent_per_decade": line.slope_percent_per_decade,
            "p_value": line.p,
            "stderr_million_km2_per_year": line.stderr_km2_per_year / 1e6,
        }
        for name, value in ours.items():
            assert abs(value - columns[name][place]) <= tolerance[name], (year, name)
    points = yearly(zip(x, y, strict=True))
    values = series_values(points, baseline_mean(points, BASE).mean_km2)
    assert [value.rank for value in values] == case["rank"]
    anomalies = np.array([value.anomaly_km2 for value in values]) / 1e6
    assert np.abs(anomalies - case["anomaly_million_km2"]).max() <= tolerance["anomaly_million_km2"]


def counted(x, y):
    """Theil-Sen and Mann-Kendall by plain loops, after the formulas and not after the code."""
    n, s, slopes = len(y), 0, []
    for i in range(n):
        for j in range(i + 1, n):
            s += (y[j] > y[i]) - (y[j] < y[i])
            slopes.append((y[j] - y[i]) / (x[j] - x[i]))
    variance = n * (n - 1) * (2 * n + 5)
    for value in set(y):
        t = sum(other == value for other in y)
        variance -= t * (t - 1) * (2 * t + 5)
    slopes.sort()
    m = len(slopes)
    middle = slopes[m // 2] if m % 2 else (slopes[m // 2 - 1] + slopes[m // 2]) / 2
    reach = 1.959963984540054 * math.sqrt(variance / 18)
    ends = slopes[round((m - reach) / 2) - 1], slopes[round((m + reach) / 2)]
    return s, variance / 18, (middle, *ends)


@pytest.mark.parametrize("seed", range(10))
def test_rank_tests_agree_with_a_plain_count_and_with_scipy(seed):
    """Ten simulated series: a trend of its own, AR(1) noise, uneven times, and ties in every second."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(12, 60))
    x = np.cumsum(rng.uniform(0.1, 3, n))
    y = ar1(rng, n, 0.3) * 5 + rng.normal(0, 0.2) * x
    y = np.round(y) if seed % 2 else y
    s, variance, slopes = counted(x.tolist(), y.tolist())
    test, ours = mann_kendall(y), theil_sen(x, y)
    assert (test.s, test.var_s) == (s, pytest.approx(variance))
    assert test.z == pytest.approx((s - np.sign(s)) / math.sqrt(variance))
    assert (ours.value, ours.low, ours.high) == pytest.approx(slopes)
    tau = stats.kendalltau(x, y, method="asymptotic")
    assert test.tau == pytest.approx(tau.statistic)
    assert two_sided_p(z_score(test.s, test.var_s, continuity=False)) == pytest.approx(tau.pvalue)


def ar1(rng, n, correlation):
    noise = rng.normal(0, 1, n + 50)
    for i in range(1, n + 50):
        noise[i] = correlation * noise[i - 1] + noise[i] * math.sqrt(1 - correlation**2)
    return noise[50:]


whole = st.integers(-1000, 1000)
series = st.lists(whole, min_size=5, max_size=30).map(lambda values: np.array(values, dtype=float))


@given(series, whole, st.sampled_from([0.25, 1, 2, 1024]))
@settings(max_examples=100, deadline=None)
def test_shifting_and_scaling_change_what_they_should(y, shift, scale):
    """Powers of two and whole numbers, so that equality is exact and ties stay ties."""
    x = np.arange(len(y), dtype=float)
    one, other = theil_sen(x, y), theil_sen(x, y * scale + shift)
    assert (other.value, other.low, other.high) == (one.value * scale, one.low * scale, one.high * scale)
    assert mann_kendall(y) == mann_kendall(y * scale + shift)
    assert theil_sen(x + shift, y) == one


@given(series)
@settings(max_examples=100, deadline=None)
def test_running_time_backwards_flips_the_sign(y):
    x = np.arange(len(y), dtype=float)
    one, other = theil_sen(x, y), theil_sen(x, y[::-1])
    assert other.value == -one.value
    assert mann_kendall(y[::-1]).z == -mann_kendall(y).z
    assert mann_kendall(y[::-1]).p == mann_kendall(y).p
    assert one.low <= one.value <= one.high


def test_nothing_that_varies_has_no_trend():
    result = fit_trend(np.arange(12.0), np.full(12, 7.0))
    assert result.slope_km2_per_year.value == result.slope_km2_per_year.low == result.mann_kendall.z == 0
    assert result.mann_kendall.p == 1
    assert not result.autocorrelation.makes_p_too_small
    assert fit_trend(np.arange(12.0), np.zeros(12)).slope_percent_per_decade is None


def test_the_bootstrap_interval_covers_the_truth_under_autocorrelation():
    """150 series of 30 points with AR(1) noise: Sen's interval forgets the correlation, the bootstrap does not."""
    rng = np.random.default_rng(1)
    x = np.arange(1990.0, 2020)
    hits = {"sen": 0, "bootstrap": 0}
    for _ in range(150):
        y = 1000 - 3 * x + 10 * ar1(rng, len(x), 0.5)
        sen, bootstrap = theil_sen(x, y), block_bootstrap(x, y, n_replicates=199)
        hits["sen"] += sen.low <= -3 <= sen.high
        hits["bootstrap"] += bootstrap.low <= -3 <= bootstrap.high
    assert hits["bootstrap"] >= 0.87 * 150
    assert hits["sen"] <= 0.82 * 150


def test_the_bootstrap_gives_the_same_interval_for_the_same_seed():
    rng = np.random.default_rng(2)
    x, y = np.arange(25.0), ar1(rng, 25, 0.4)
    assert block_bootstrap(x, y) == block_bootstrap(x, y)
    assert block_bootstrap(x, y) != block_bootstrap(x, y, seed=1)


def test_blocks_grow_with_correlation_as_their_source_says():
    """Mudelsee (2010), eq. 3.28, by hand: (2.4495 x 0.5 / 0.75)^(2/3) x 100^(1/3) = 6.4."""
    assert choose_block_length(100, 0.5) == 6
    assert choose_block_length(100, 0.0) == 1
    assert choose_block_length(12, 0.9) == 3
    alike = ar1(np.random.default_rng(3), 60, 0.8)
    assert block_bootstrap(np.arange(60.0), alike).block_length > 5


def test_autocorrelated_values_are_reported_and_raise_p():
    rng = np.random.default_rng(3)
    x = np.arange(60.0)
    alike, free = (fit_trend(x, 0.02 * x + ar1(rng, 60, r)).autocorrelation for r in (0.8, 0.0))
    assert alike.makes_p_too_small
    assert not free.makes_p_too_small
    result = fit_trend(x, 0.02 * x + ar1(np.random.default_rng(3), 60, 0.8))
    assert result.autocorrelation.p > result.mann_kendall.p


def only(rows, **measure):
    return area_trends(rows, Measure.model_validate(measure))[0]


def test_no_trend_from_fewer_points_than_can_carry_one():
    nine, ten = (daily([(f"{2000 + i}-09-15", 100 - i) for i in range(n)]) for n in (9, 10))
    result = only(nine, season=[9])
    assert result.trend is None
    assert "9 usable season(s), 10 are needed" in result.no_trend_because
    assert only(ten, season=[9]).trend.slope_km2_per_year.value == -1
    summer = daily([(f"2024-07-{d:02d}", 100 - d) for d in range(1, 29)])
    assert "the seasonal cycle" in only(summer).no_trend_because


def test_excluded_rows_are_left_out_and_counted():
    rows = [
        *daily([("2024-07-01", 5.0), ("2024-07-02", None)]),
        *daily([("2024-07-03", 6.0)], flags="partly_seen;under_min_valid"),
        *daily([("2024-07-04", None)], flags="model_misfit"),
        *daily([("2024-07-05", 7.0)], flags="partly_seen"),
    ]
    result = only(rows)
    assert result.n_left_out == {"area_not_known": 1, "model_misfit": 1, "under_min_valid": 1}
    assert [value.label for value in result.values] == ["2024-07-01", "2024-07-05"]
    assert (result.n_observations, result.n_days) == (5, 2)


def test_the_trend_of_clustered_scenes_is_that_of_the_surface_and_the_pixel_area_is_beside_it():
    values = [("2024-07-01T1030_terra", 4.0), ("2024-07-01T1310_aqua", 6.0), ("2024-07-02", 8.0)]
    result = only(daily(values, share=0.5))
    assert result.quantity == "surface"
    assert [(value.value_km2, value.other_km2) for value in result.values] == [(2.5, 5), (4, 8)]
    assert (result.maximum.value_km2, result.years[0].minimum.value_km2) == (4, 2.5)
    september = only(daily([("2023-09-01", 2.0), ("2023-09-02", 4.0)], share=0.5), season=[9])
    assert [(value.value_km2, value.other_km2) for value in september.values] == [(1.5, 3)]


def test_the_trend_of_concentrations_is_that_of_the_extent():
    result = only(daily([("2024-07-01", 4.0)], share=0.5, flags="concentration"))
    assert result.quantity == "pixel area"
    assert [(value.value_km2, value.other_km2) for value in result.values] == [(4, 2)]
    classes = only(daily([("2024-07-01", 4.0)]))
    assert [(value.value_km2, value.other_km2) for value in classes.values] == [(4, None)]


def test_a_row_of_an_earlier_version_does_not_mix_its_pixel_area_with_surfaces():
    result = only([*daily([("2024-07-01", 4.0)]), *daily([("2024-07-02", 4.0)], share=0.5)])
    assert [value.value_km2 for value in result.values] == [2]
    assert [(item.date, item.why) for item in result.left_out] == [("2024-07-01", "surface_not_known")]


def test_a_season_without_an_observation_is_a_gap():
    rows = daily([(f"{year}-{month:02d}-10", year + month) for year in (2000, 2001, 2004) for month in (8, 9, 10)])
    result = only([*rows, *daily([("2001-09-20", 2014.0)])], season=[8, 9])
    assert [(v.label, v.value_km2, v.n_observations) for v in result.values] == [
        ("2000", 2008.5, 2),
        ("2001", pytest.approx((2009 + 2010 + 2014) / 3), 3),
        ("2004", 2012.5, 2),
    ]
    assert [(gap.after, gap.before) for gap in result.gaps] == [("2001", "2004")]


def test_a_winter_is_named_after_its_january_and_tells_missing_months():
    result = only(daily([("2000-12-05", 1.0), ("2001-01-05", 2.0), ("2001-12-05", 9.0)]), season=[12, 1, 2])
    assert [(value.label, value.value_km2, value.lacks_months) for value in result.values] == [
        ("2001", 1.5, (2,)),
        ("2002", 9.0, (1, 2)),
    ]


def test_several_passes_of_a_day_are_one_point():
    result = only(daily([("2024-07-01T1030_terra", 4.0), ("2024-07-01T1310_aqua", 6.0), ("2024-07-02", 5.0)]))
    assert [(value.value_km2, value.n_observations) for value in result.values] == [(5.0, 2), (5.0, 1)]


def test_long_steps_are_gaps_and_nothing_fills_them():
    result = only(daily([(f"2024-07-{d:02d}", 1.0) for d in (1, 2, 3, 4, 7, 8)]))
    assert [(gap.after, gap.before, gap.n_days) for gap in result.gaps] == [("2024-07-04", "2024-07-07", 3)]
    assert len(result.values) == 6


def test_anomalies_refer_to_the_baseline():
    rows = daily([(f"{year}-09-01", value) for year, value in ((2000, 10.0), (2001, 20.0), (2002, 30.0))])
    result = only(rows, season=[9], baseline=["2000-01-01", "2001-12-31"])
    assert (result.baseline.n_points, result.baseline.mean_km2) == (2, 15.0)
    assert [(v.anomaly_km2, v.anomaly_percent) for v in result.values][2] == (15.0, 100.0)
    nowhere = only(rows, baseline=["1980-01-01", "1981-12-31"])
    assert (nowhere.baseline.mean_km2, nowhere.values[0].anomaly_km2) == (None, None)


def test_dates_of_extremes_and_under_a_threshold():
    days = [("2023-12-30", 9.0), ("2024-06-01", 8.0), ("2024-06-11", 3.0), ("2024-07-01", 2.0), ("2024-08-01", 2.0)]
    result = only(daily([*days, ("2024-10-01", 5.0)]), dates_under_km2={"ice": 4})
    year = result.years[1]
    assert (result.maximum.day, result.minimum.day) == ("2023-12-30", "2024-07-01")
    assert (year.maximum.day, year.minimum.day) == ("2024-06-01", "2024-07-01")
    assert (year.first_under.day, year.first_under.beside_day) == ("2024-06-11", "2024-06-01")
    assert (year.last_under.day, year.last_under.beside_day) == ("2024-08-01", "2024-10-01")
    assert result.years[0].first_under is None


def test_each_month_is_compared_with_itself_where_seasons_are_mixed():
    rng = np.random.default_rng(5)
    rows = [
        (f"{y}-{m:02d}-15", 1000 + 400 * math.cos(m) - 6 * (y - 2000) + rng.normal(0, 3))
        for y in range(2000, 2012)
        for m in (6, 7, 8)
    ]
    result = only(daily(rows))
    assert result.trend.mixes_seasons
    assert result.seasonal.p < result.trend.mann_kendall.p / 1000
    assert result.seasonal.slope_km2_per_year == pytest.approx(-6, abs=0.5)
    assert result.seasonal.correlated.n_years == 12


def test_a_step_is_distinguished_from_a_trend():
    """A trend alone makes the two sides differ and leaves no step; a step of 50 comes out beside it."""
    rng = np.random.default_rng(4)
    x = np.arange(40.0)
    noise = rng.normal(0, 5, 40)
    for step in (0, 50):
        values = zip(2000 + x, 1000 - 4 * x + noise + step * (x >= 20), strict=True)
        points = yearly(values, sensor=lambda year: "landsat-etm" if year < 2020 else "landsat-oli")
        (test,) = find_steps(points).tested
        assert (test.date, test.what) == ("2020", "sensor landsat-etm -> landsat-oli")
        assert test.step_km2.low <= step <= test.step_km2.high
        assert (test.step_p < 0.01) == bool(step)
        assert test.rank_sum_p < 0.01


def test_what_a_reader_should_know_is_a_sentence():
    rng = np.random.default_rng(8)
    old, new = (
        daily([(f"{y}-09-15", 500 - 3.0 * (y - 2000) + rng.normal(0, 1) + jump) for y in years], sensor=sensor)
        for years, sensor, jump in ((range(2000, 2010), "landsat-etm", 0), (range(2010, 2020), "landsat-oli", 40))
    )
    result = area_trends([*old, *new], Measure.model_validate({"season": [9]}))
    trend, step = trend_notes(result)
    assert trend.startswith("trend of bay ice pixel area: -")
    assert step.startswith("step of bay ice pixel area at 2010 (sensor landsat-etm -> landsat-oli): +")
    assert trend_notes(area_trends(old[:5], Measure())) == ()


def test_changes_without_points_on_both_sides_are_listed():
    points = yearly([(2000 + i, float(i)) for i in range(10)], sensor=lambda year: "b" if year > 2007 else "a")
    found = find_steps(points, [dt.date(2004, 1, 1)])
    assert [(test.date, test.what, test.n_before, test.n_after) for test in found.tested] == [
        ("2004", "processing", 4, 6)
    ]
    assert found.untested == ("2008-09-15 sensor a -> b: fewer than 4 points on a side",)
    assert len(find_steps(points, [dt.date(2003, 1, 1)]).untested) == 2
    many = daily([((dt.date(2000, 1, 1) + dt.timedelta(i)).isoformat(), float(i)) for i in range(4001)])
    result = only(many, processing_changed=["2005-01-01"])
    assert result.steps.untested == ("4001 points, at most 4000 are compared; set measure.season",)
    assert result.no_trend_because.startswith("4001 days, at most 4000")
    turns = yearly([(2000 + i, float(i)) for i in range(10)], sensor=lambda year: "ab"[year % 2])
    assert "the sensors alternate" in find_steps(turns).untested[0]


@pytest.mark.parametrize("correlation", [0.0, 0.6])
def test_steps_are_found_where_there_are_none_in_about_one_of_twenty(correlation):
    rng = np.random.default_rng(6)
    x = np.arange(20.0)
    p = [fit_steps(x, 2 * x + ar1(rng, 20, correlation), [10])[1][0] for _ in range(800)]
    assert 0.02 <= np.mean(np.array(p) < 0.05) <= 0.08


def test_hodges_lehmann_agrees_with_a_plain_count_and_knows_ties():
    before, after = np.array([1.0, 2, 2, 3, 5]), np.array([4.0, 4, 6, 7])
    shift = hodges_lehmann(before, after)
    assert shift.value == np.median([b - a for a in before for b in after])
    assert shift.low <= shift.value <= shift.high
    same = hodges_lehmann(np.ones(5), np.ones(5))
    assert (same.value, same.low, same.high) == (0, 0, 0)
    rng = np.random.default_rng(7)
    covered = [hodges_lehmann(rng.normal(0, 1, 15), rng.normal(1, 1, 15)) for _ in range(400)]
    assert 0.92 <= np.mean([s.low <= 1 <= s.high for s in covered]) <= 0.98


def test_variance_without_ties_is_the_textbook_one():
    assert s_variance(np.arange(10.0)) == 125


@pytest.mark.parametrize("km2", [0.0, 0.1, 2.5])
@pytest.mark.parametrize("count", [12, 40, 700])
def test_areas_that_never_change_have_a_trend_of_nothing(km2, count):
    result = fit_trend(np.arange(count) / 12, np.full(count, km2))
    line = result.least_squares
    assert (line.slope_km2_per_year, line.stderr_km2_per_year, line.r, line.p) == (0, 0, 0, 1)
    assert result.slope_km2_per_year.value == 0
    assert result.mann_kendall.p == 1
    json.dumps(asdict(result), allow_nan=False)


@given(st.lists(st.sampled_from([0.0, 0.1, 2.5, 3.0, 40.0]), max_size=12))
def test_ranks_are_those_of_scipy(values):
    assert mean_ranks(np.array(values)).tolist() == stats.rankdata(values).tolist()
