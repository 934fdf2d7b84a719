"""Alerts: one row an event, from the series alone."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icepipe.config.measure import Alert
from icepipe.measure.trends.alerts import find_alerts
from tests.series import daily


def alerts(values, **rule):
    rows = values if values and not isinstance(values[0], tuple) else daily(values)
    return [(a.date, a.kind, a.value, a.threshold) for a in find_alerts(rows, [Alert.model_validate(rule)])]


def july(*areas):
    return [(f"2024-07-{day:02d}", area) for day, area in enumerate(areas, start=1)]


def test_an_alert_is_raised_when_it_begins_and_again_only_after_it_ended():
    assert alerts(july(9.0, 4.0, 3.0, 6.0, 2.0), under_km2=5) == [
        ("2024-07-02", "under", 4.0, 5.0),
        ("2024-07-05", "under", 2.0, 5.0),
    ]
    assert alerts(july(6.0, 6.0, 5.0, 6.0), over_km2=5) == [
        ("2024-07-01", "over", 6.0, 5.0),
        ("2024-07-04", "over", 6.0, 5.0),
    ]


def test_the_threshold_itself_is_neither_under_nor_over():
    assert alerts(july(5.0, 5.0), under_km2=5, over_km2=5) == []


def test_observations_that_do_not_count_do_not_end_an_event():
    rows = [*daily([("2024-07-01", 4.0), ("2024-07-03", 4.0)]), *daily([("2024-07-02", 9.0)], flags="under_min_valid")]
    assert alerts(rows, under_km2=5) == [("2024-07-01", "under", 4.0, 5.0)]


def with_drifted(*days):
    """Ice of July days; a day with a star has the flag ``model_drift``."""
    rows = []
    for day, area in enumerate(days, start=1):
        drifted = isinstance(area, str)
        value = float(area.rstrip("*")) if drifted else area
        rows += daily([(f"2024-07-{day:02d}", value)], flags="model_drift" if drifted else "")
    return rows


def certainties(rows, **rule):
    return [(a.date, a.kind, a.value, a.certainty) for a in find_alerts(rows, [Alert.model_validate(rule)])]


def test_an_area_of_a_drifted_date_gives_an_alert_that_is_marked_maybe():
    rows = with_drifted(9.0, "4.0*", 9.0)
    assert certainties(rows, under_km2=5) == [("2024-07-02", "under", 4.0, "maybe")]
    (alert,) = find_alerts(rows, [Alert(under_km2=5)])
    assert alert.message == (
        "maybe ice pixel area 4.000 km2, under 5 km2 (the date looks unlike what the classes were learned from)"
    )


def test_a_maybe_neither_hides_nor_ends_an_alert_that_is_sure():
    assert certainties(with_drifted(9.0, "4.0*", 3.0), under_km2=5) == [
        ("2024-07-02", "under", 4.0, "maybe"),
        ("2024-07-03", "under", 3.0, "sure"),
    ]
    assert certainties(with_drifted(4.0, "9.0*", 4.0), under_km2=5) == [("2024-07-01", "under", 4.0, "sure")]


def test_a_change_from_or_to_a_drifted_date_is_a_maybe_unless_the_usable_dates_change_as_fast():
    assert certainties(with_drifted(100.0, "60.0*", 100.0), faster_km2_per_day=14) == [
        ("2024-07-02", "faster", -40.0, "maybe")
    ]
    assert certainties(with_drifted(100.0, "100.0*", 60.0), faster_km2_per_day=14) == [
        ("2024-07-03", "faster", -20.0, "sure")
    ]


def test_a_drifted_pass_on_a_day_with_a_usable_one_gives_no_alert():
    rows = [*daily([("2024-07-01T1030_terra", 9.0)]), *daily([("2024-07-01T1310_aqua", 1.0)], flags="model_drift")]
    assert certainties(rows, under_km2=6) == []


def test_a_drifted_date_that_another_flag_excludes_gives_no_alert():
    rows = [*daily([("2024-07-01", 1.0)], flags="model_drift;under_min_valid")]
    assert certainties(rows, under_km2=6) == []


def test_a_drifted_date_does_not_count_as_seen():
    assert certainties(with_drifted(9.0, "9.0*", 9.0), unseen_days=1) == [("2024-07-03", "unseen", 2.0, "sure")]


def test_change_is_judged_a_day_between_consecutive_observations():
    values = [
        ("2024-07-01", 100.0),
        ("2024-07-03", 60.0),
        ("2024-07-04", 35.0),
        ("2024-07-10", 35.0),
        ("2024-07-11", 50.0),
    ]
    assert alerts(values, faster_km2_per_day=14) == [
        ("2024-07-03", "faster", -20.0, 14.0),
        ("2024-07-11", "faster", 15.0, 14.0),
    ]


def test_passes_of_one_day_are_no_change():
    assert alerts([("2024-07-01T1030_terra", 100.0), ("2024-07-01T1310_aqua", 10.0)], faster_km2_per_day=1) == []


def test_nothing_seen_is_judged_between_observations_and_up_to_a_stated_day():
    values = [("2024-07-01", 5.0), ("2024-07-11", None), ("2024-07-21", 5.0)]
    assert alerts(values, unseen_days=10) == [("2024-07-12", "unseen", 20.0, 10.0)]
    assert alerts(values, unseen_days=20) == []
    assert alerts(values, unseen_days=10, as_of="2024-08-01")[1:] == [("2024-08-01", "unseen", 11.0, 10.0)]
    assert alerts(values, unseen_days=10, as_of="2024-07-31")[1:] == []


def test_regions_and_classes_are_watched_apart():
    rows = [
        *daily(july(9.0, 4.0), region="a"),
        *daily(july(4.0, 9.0), region="b"),
        *daily(july(1.0, 1.0), class_="water"),
    ]
    rules = [Alert(under_km2=5), Alert(class_="water", under_km2=2)]
    keys = [(a.region, a.date, a.class_) for a in find_alerts(rows, rules)]
    assert keys == [("a", "2024-07-02", "ice"), ("b", "2024-07-01", "ice"), ("bay", "2024-07-01", "water")]


def test_the_message_says_it_in_words():
    (alert,) = find_alerts(daily(july(100.0, 60.0)), [Alert(faster_km2_per_day=14)])
    assert alert.message == "ice pixel area shrank by 40.000 km2 per day since 2024-07-01, more than 14"


def test_alerts_of_clustered_scenes_compare_the_surface_and_name_the_pixel_area_beside_it():
    rows = daily(july(12.0, 9.0), share=0.5)
    (alert,) = find_alerts(rows, [Alert(under_km2=5)])
    assert (alert.date, alert.quantity, alert.value) == ("2024-07-02", "surface", 4.5)
    assert alert.message == "ice surface 4.500 km2 (pixel area 9.000), under 5 km2"


def test_alerts_of_concentrations_compare_the_extent():
    rows = daily(july(12.0, 9.0), share=0.5, flags="concentration")
    assert find_alerts(rows, [Alert(under_km2=5)]) == ()
    (alert,) = find_alerts(rows, [Alert(under_km2=10)])
    assert alert.message == "ice pixel area 9.000 km2 (surface 4.500), under 10 km2"


areas = st.lists(st.integers(0, 10), min_size=1, max_size=31)


@given(areas)
@settings(max_examples=100, deadline=None)
def test_one_alert_for_every_run_of_days_that_a_condition_holds(values):
    runs = "".join("u" if value < 5 else "." for value in values).split(".")
    assert len(alerts(july(*map(float, values)), under_km2=5)) == sum(bool(run) for run in runs)


@given(areas, st.randoms())
@settings(max_examples=50, deadline=None)
def test_the_order_of_rows_changes_nothing(values, random):
    rows = daily(july(*map(float, values)))
    rules = [Alert(under_km2=5, over_km2=7, faster_km2_per_day=2, unseen_days=1)]
    straight = find_alerts(rows, rules)
    random.shuffle(rows)
    assert find_alerts(rows, rules) == straight


def test_no_rule_and_no_row_give_nothing():
    assert find_alerts([], [Alert(under_km2=1)]) == find_alerts(daily(july(1.0)), []) == ()


def test_a_region_that_was_never_seen_raises_nothing():
    assert alerts([("2024-07-01", None)], unseen_days=1, as_of="2024-08-01") == []


@pytest.mark.parametrize("rule", [{"under_km2": 5}, {"faster_km2_per_day": 1}])
def test_one_observation_is_enough_for_a_level_and_too_few_for_a_change(rule):
    assert len(alerts(july(1.0), **rule)) == ("under_km2" in rule)
