"""Transitions, gain, loss and occlusion, on rasters small enough to count by eye."""

from __future__ import annotations

import numpy as np
import pytest

from icepipe.classes import BUDGET, ClassCode
from icepipe.errors import IntegrityError
from icepipe.measure.change.occlusion import find_occlusion, last_seen
from icepipe.measure.change.transitions import check_table_closes, gain_loss
from tests.classrasters import changed, drawn

WATER, ICE, OTHER, CLOUD, LAND = (ClassCode[n] for n in ("WATER", "ICE", "OTHER", "CLOUD", "LAND"))
UNSEEN = ClassCode.UNOBSERVED
BEFORE = drawn("iii", "iww", "cL.")
AFTER = drawn("iwo", "?wi", "iL.")


def test_transitions_of_nine_pixels_are_counted_as_by_eye():
    change = changed(BEFORE, AFTER)
    counts = {(t.before, t.after): t.n_pixels for t in change.transitions if t.n_pixels}
    assert counts == {
        (ICE, ICE): 1,
        (ICE, WATER): 1,
        (ICE, OTHER): 1,
        (ICE, UNSEEN): 1,
        (WATER, WATER): 1,
        (WATER, ICE): 1,
        (CLOUD, ICE): 1,
        (LAND, LAND): 1,
    }
    assert (change.gained_km2(ICE), change.lost_km2(ICE), change.net_km2(ICE)) == (1, 2, -1)
    assert (change.gained_km2(WATER), change.lost_km2(WATER), change.net_km2(WATER)) == (1, 1, 0)
    assert (change.gained_km2(OTHER), change.lost_km2(OTHER), change.net_km2(OTHER)) == (1, 0, 1)
    assert (change.region_km2, change.compared_km2, change.not_compared_km2, change.land_km2) == (8, 5, 2, 1)


def test_each_pixel_has_the_class_it_gained_and_the_class_it_lost():
    gained, lost = gain_loss(BEFORE, AFTER)
    assert gained.tolist() == [[0, WATER, OTHER], [0, 0, ICE], [0, 0, 0]]
    assert lost.tolist() == [[0, ICE, ICE], [0, 0, WATER], [0, 0, 0]]


def test_area_is_that_of_the_pixels_and_not_their_number():
    units = np.arange(1, 10).reshape(3, 3)
    change = changed(BEFORE, AFTER, units)
    assert (change.gained_km2(ICE), change.lost_km2(ICE), change.region_km2) == (6, 2 + 3, 45 - 9)


def test_a_table_closes_with_the_areas_of_both_days_or_is_an_error():
    change = changed(BEFORE, AFTER)
    before, after = {ICE: 4.0, WATER: 2.0, CLOUD: 1.0}, {ICE: 3.0, WATER: 2.0, OTHER: 1.0, UNSEEN: 1.0}
    check_table_closes(change, before, after, 8.0)
    for wrong in (
        (before | {ICE: 4.0001}, after, 8.0),
        (before, after | {UNSEEN: 0.9999}, 8.0),
        (before, after, 8.0001),
    ):
        with pytest.raises(IntegrityError, match="transitions add up to"):
            check_table_closes(change, *wrong)


@pytest.mark.parametrize(("before", "after"), [("i.", "ii"), ("ii", "i.")])
def test_observations_of_two_regions_are_not_compared(before, after):
    with pytest.raises(IntegrityError, match="do not share a region"):
        changed(drawn(before), drawn(after))


def test_a_class_that_is_not_known_has_no_gain_and_no_loss():
    change = changed(BEFORE, AFTER, known=[code for code in BUDGET if code is not WATER])
    assert change.gained_km2(WATER) is change.lost_km2(WATER) is change.net_km2(WATER) is None
    assert (change.gained_km2(ICE), change.lost_km2(ICE)) == (1, 2)
    known = {(t.before, t.after) for t in change.transitions if change.is_known(t)}
    assert (ICE, ICE) in known
    assert not any(WATER in pair for pair in known)


def test_observations_that_saw_no_pixel_in_common_have_no_change():
    change = changed(drawn("ii??"), drawn("ccww"))
    assert change.compared_km2 == 0
    assert change.gained_km2(ICE) is change.lost_km2(WATER) is change.net_km2(ICE) is None


def test_a_pixel_keeps_the_class_it_was_last_seen_with():
    now = drawn("ccc", "?iL", "c..")
    latest, older, oldest = drawn("i?c", "cwL", "?.."), drawn("wwL", "?iL", "?.."), drawn("wio", "ooL", "?..")
    assert last_seen(now, [latest, older, oldest]).tolist() == drawn("iwo", "ow?", "?..").tolist()


def test_earlier_rasters_are_read_only_until_every_pixel_is_found():
    def earlier():
        yield drawn("iL")
        pytest.fail("every pixel was found already")

    assert last_seen(drawn("cL"), earlier()).tolist() == drawn("i?").tolist()


def occlusion(last, now):
    return find_occlusion(changed(last, now))


def test_hidden_shares_are_parts_of_the_area_last_seen_as_each_class():
    hidden = occlusion(drawn("iiiiwwwwwo"), drawn("c?iwcwwiwc"))
    assert (hidden.ice_km2, hidden.ice_hidden_km2, hidden.water_km2, hidden.water_hidden_km2) == (4, 2, 5, 1)
    assert hidden.hidden_shares == (0.5, 0.2)
    assert hidden.is_biased


@pytest.mark.parametrize(
    ("last", "now", "biased"),
    [
        ("iiiiiwwwww", "ciiiiwwwww", False),  # 20 points are not more than 20
        ("iiiiiwwwww", "cciiiwwwww", True),
        ("iiiiiwwwww", "iiiiicc?ww", True),
        ("iiiiiwwwww", "ccc??ccccc", False),
        ("iiiii?????", "cccccwwwww", False),  # water was not seen before
        ("iiiiiLLLLL", "cccccLLLLL", False),
        ("iwwww", "Lwwww", False),  # land does not count as hidden
    ],
)
def test_hidden_shares_that_differ_by_more_than_twenty_points_bias_the_area(last, now, biased):
    assert occlusion(drawn(last), drawn(now)).is_biased is biased


def test_a_few_pixels_do_not_decide_the_hidden_share_of_a_class():
    for others, biased in ((98, True), (200, False)):
        last = drawn("ii" + "w" * others)
        assert occlusion(last, drawn("cc" + "w" * others)).is_biased is biased
