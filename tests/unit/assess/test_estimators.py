"""Accuracy and area from labelled samples: published examples, simulated maps and invariants."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from icepipe.assess.allocation import allocate, required_points
from icepipe.assess.estimators import assess, max_undetected_share
from icepipe.assess.random_points import PixelSampler
from icepipe.assess.stratified_sample import StratifiedSample, Stratum
from icepipe.classes import SEEN
from icepipe.errors import NoUsableInput
from icepipe.geo.geobox import Block


def labelled(counts, areas, pixels=None, stratum_of=None):
    """Return a sample with counts of map (rows) by reference (columns); strata are the rows unless ``stratum_of``."""
    counts = np.array(counts)
    mapped, reference = (np.repeat(index.ravel(), counts.ravel()) for index in np.indices(counts.shape))
    classes = tuple(f"class {i + 1}" for i in range(max(counts.shape)))
    strata = tuple(Stratum(f"stratum {i}", area, pixels) for i, area in enumerate(areas))
    stratum = mapped if stratum_of is None else np.full(len(mapped), stratum_of)
    return StratifiedSample(strata, classes, stratum, mapped, reference, np.ones(len(mapped)))


def assess_counts(inputs, areas):
    counts = next(value for key, value in inputs.items() if "counts" in key)
    return assess(labelled(counts, areas))


def figures(assessment, names, z):
    """Return the estimates of every class under their published names."""
    values = {"overall accuracy": assessment.overall.value, "standard error of overall accuracy": assessment.overall.se}
    for name, accuracy in zip(names, assessment.by_class, strict=False):
        values |= {
            f"area proportion, {name}": accuracy.share.value,
            f"standard error of area proportion, {name}": accuracy.share.se,
            f"user's accuracy, {name}": accuracy.users.value,
            f"producer's accuracy, {name}": accuracy.producers.value,
            f"half width user's accuracy, {name}": z * (accuracy.users.se or 0),
            f"half width producer's accuracy, {name}": z * (accuracy.producers.se or 0),
        }
    return values


def olofsson2013_example1(inputs):
    z = inputs["z"]
    got = assess_counts(inputs, inputs["mapped_area"])
    numbered = figures(got, [f"class {i}" for i in (1, 2, 3)], z)
    first = got.by_class[0]
    low, high = first.area_km2.interval()
    return (
        numbered
        | {f"{name} (table 4)": value for name, value in numbered.items()}
        | {
            f"half width 1.96*SE of {who}'s accuracy, class {i} (table 4)": z * getattr(accuracy, f"{who}s").se
            for i, accuracy in enumerate(got.by_class, start=1)
            for who in ("user", "producer")
        }
        | {
            "area proportion, deforestation (eq. 9)": first.share.value,
            "standard error of area proportion, deforestation (eq. 11)": first.share.se,
            "adjusted area, deforestation (eq. 10)": first.area_km2.value,
            "standard error of adjusted area, deforestation (eq. 12)": first.area_km2.se,
            "half width of 95 % interval with factor 2 (eq. 13)": 2 * first.area_km2.se,
            "half width with z = 1.959964 (full precision)": (high - low) / 2,
            "user's accuracy, deforestation (eq. 14)": first.users.value,
            "producer's accuracy, deforestation (eq. 15)": first.producers.value,
            "overall accuracy (eq. 16)": got.overall.value,
        }
    )


def olofsson2013_example2(inputs):
    got = assess_counts(inputs, inputs["weights"])
    values = figures(got, ["class 1", "class 2", "class 3"], inputs["z"])
    return values | {
        "overall accuracy (table 6)": got.overall.value,
        "half width of overall accuracy (table 6)": inputs["z"] * got.overall.se,
    }


def olofsson2014_table8(inputs):
    z, pixels, ha = inputs["z"], inputs["mapped_pixels"], inputs["pixel_area_m2"] / 1e4
    got = assess_counts(inputs, pixels)
    values = figures(got, inputs["classes"], z) | {"95 % half width of overall accuracy": z * got.overall.se}
    for name, accuracy in zip(inputs["classes"], got.by_class, strict=True):
        area = accuracy.area_km2
        values |= {
            f"adjusted area in pixels, {name}": area.value,
            f"95 % half width in pixels, {name}": z * area.se,
            f"adjusted area, {name} (p. 54)": area.scale(ha).value,
            f"95 % half width of area, {name} (p. 54)": z * area.scale(ha).se,
            f"95 % half width of user's accuracy, {name}": z * accuracy.users.se,
            f"95 % half width of producer's accuracy, {name}": z * accuracy.producers.se,
        }
    for (i, j), cell in np.ndenumerate(got.matrix):
        values[f"error matrix cell ({i + 1},{j + 1}) as area proportion (table 9)"] = cell
    return values


def olofsson2014_sample_size(inputs):
    needed = required_points(inputs["weights"], inputs["anticipated_users_accuracy"], inputs["target_standard_error"])
    strata = [Stratum("", weight) for weight in inputs["weights"]]
    counts = allocate(math.ceil(needed), strata, "proportional", minimum=2)
    values = {f"proportional allocation, class {i}": count for i, count in enumerate(counts, start=1)}
    return values | {"n (rounded up)": math.ceil(needed), "n before rounding": needed}


def area2_cambodia_sample_size(inputs):
    fourth, last = inputs["weight_of_class_4"], sum(inputs["weights_of_strata_5_and_6_from_allocation"])
    shares = [1 - fourth - last, fourth, last]
    expected = [
        inputs["anticipated_proportion_in_strata_1_2_3"],
        inputs["anticipated_users_accuracy_class_4"],
        inputs["in_strata_5_6"],
    ]
    return {"n": required_points(shares, expected, inputs["target_standard_error"])}


def cochran_sample_size_proportion(inputs):
    needed = [
        required_points([1], [inputs["p"]], inputs["margin"] / case["t"], case["N"] and [case["N"]])
        for case in inputs["cases"]
    ]
    names = (
        "t=2, infinite population",
        "t=2, N=3200: n0/(1+(n0-1)/N), rounded up",
        "t=1.96, infinite population, rounded up",
        "t=1.96, N=1000, from n0=385",
    )
    return {name: math.ceil(round(value, 9)) for name, value in zip(names, needed, strict=True)}


def openmrv_stratified_with_buffer(inputs):
    got = assess_counts(inputs, inputs["weights"])
    values = figures(got, [f"class {i}" for i in (1, 2, 3)], inputs["z"])
    for i, accuracy in enumerate(got.by_class[:3], start=1):
        # The print takes weights that add up to 1.0004 as they are, which makes its proportions areas.
        area = accuracy.area_km2
        values |= {
            f"area proportion, reference class {i}": area.value,
            f"variance, reference class {i}": area.se**2,
            f"standard error, reference class {i}": area.se,
            f"1.96*SE, reference class {i}": inputs["z"] * area.se,
        }
    return values


def acatama_simple_random(inputs):
    n, z = inputs["n"], inputs["z"]
    pixels = round(inputs["total_area_ha"] / inputs["pixel_area_ha"])
    counts = inputs["counts_rows_map_cols_reference"]
    got = assess(labelled(counts, [inputs["total_area_ha"]], pixels, stratum_of=0))
    infinite = assess(labelled(counts, [inputs["total_area_ha"]], None, stratum_of=0))
    # The source divides the variance of an area by n where an unbiased one divides by n - 1.
    biased = math.sqrt((n - 1) / n)
    values = {
        "overall accuracy": got.overall.value,
        "standard deviation of overall accuracy": infinite.overall.se,
    }
    for i, accuracy in enumerate(got.by_class, start=1):
        values |= {
            f"area, reference class {i}": accuracy.area_km2.value,
            f"standard error of area, reference class {i}": accuracy.area_km2.se * biased,
            f"class {i} lower limit": accuracy.area_km2.value - z * accuracy.area_km2.se * biased,
            f"class {i} upper limit": accuracy.area_km2.value + z * accuracy.area_km2.se * biased,
        }
    return values


def acatama_post_stratified(inputs):
    got = assess_counts(inputs, inputs["mapped_area_ha"])
    values = {"overall accuracy": got.overall.value, "standard deviation of overall accuracy": got.overall.se}
    for i, accuracy in enumerate(got.by_class, start=1):
        values |= {
            f"area proportion, reference class {i}": accuracy.share.value,
            f"standard error of area proportion, reference class {i}": accuracy.share.se,
            f"area, reference class {i}": accuracy.area_km2.value,
        }
    return values


def stehman2014_numerical_example(inputs):
    sizes = inputs["stratum_sizes_pixels"]
    letters = sorted(sizes)
    stratum, mapped, reference = (
        np.array([letters.index(letter) for letter in inputs[key]]) for key in ("stratum", "map", "reference")
    )
    strata = tuple(Stratum(name, sizes[name], sizes[name]) for name in letters)
    got = assess(StratifiedSample(strata, tuple(letters), stratum, mapped, reference, np.ones(len(stratum))))
    values = {
        "overall accuracy (p. 4932)": got.overall.value,
        "SE of overall accuracy (p. 4936)": got.overall.se,
        "cell (B, C) of the error matrix (p. 4935)": got.matrix[1, 2],
    }
    for name, accuracy in zip(letters, got.by_class, strict=True):
        estimates = {"area": accuracy.share, "UA": accuracy.users, "PA": accuracy.producers}
        values |= {f"{quantity}, class {name}": value.value for quantity, value in estimates.items()}
        values |= {f"SE of {quantity}, class {name}": value.se for quantity, value in estimates.items()}
        values |= {
            f"area proportion, class {name} (p. 4932)": accuracy.share.value,
            f"SE of area proportion, class {name} (p. 4935)": accuracy.share.se,
            f"user's accuracy, class {name} (p. 4934)": accuracy.users.value,
            f"producer's accuracy, class {name} (p. 4934)": accuracy.producers.value,
            f"SE of user's accuracy, class {name} (p. 4936)": accuracy.users.se,
            f"SE of producer's accuracy, class {name} (p. 4936)": accuracy.producers.se,
        }
    return values


EXAMPLES = (
    olofsson2013_example1,
    olofsson2013_example2,
    olofsson2014_table8,
    olofsson2014_sample_size,
    area2_cambodia_sample_size,
    cochran_sample_size_proportion,
    openmrv_stratified_with_buffer,
    acatama_simple_random,
    acatama_post_stratified,
    stehman2014_numerical_example,
)


def published(shared_data):
    cases = json.loads((shared_data / "published-numbers" / "accuracy-area.json").read_text())["cases"]
    return {case["id"]: case for case in cases}


def test_every_published_example_is_tried(shared_data):
    assert {example.__name__ for example in EXAMPLES} == set(published(shared_data))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.__name__)
def test_published_examples(shared_data, example):
    case = published(shared_data)[example.__name__]
    got = example(case["inputs"])
    for figure in case["expected"]:
        right = figure[figure["assert_value"]]
        assert got[figure["name"]] == pytest.approx(right, abs=figure["tolerance_abs"], rel=0), figure["name"]


SIDE = 80
BLOCK = Block(0, 0, SIDE, SIDE)


def simulated(rng):
    """Return a true map, a map with errors, and true pixel areas that depend on the class."""
    field = gaussian_filter(rng.normal(size=(SIDE, SIDE)), 4)
    true = np.digitize(field, np.quantile(field, [0.5, 0.8])) + 1
    wrong = rng.random(true.shape) < 0.12
    mapped = np.where(wrong, rng.integers(1, 4, true.shape), true)
    units = np.rint(1000 * (0.8 + 0.2 * (true == 2) + 0.2 * np.linspace(0, 1, SIDE)[:, None])).astype(np.int64)
    return true, mapped.astype(np.uint8), units


def drawn_sample(mapped, true, units, seed, counts):
    sampler = PixelSampler(seed, 738_000, max(counts))
    sampler.add(BLOCK, mapped, units)
    draws = [sampler.sample(code, count) for code, count in zip(SEEN, counts, strict=True)]
    strata = tuple(Stratum(c.label, int(units[mapped == c].sum()), int((mapped == c).sum())) for c in SEEN)
    stratum = np.repeat(np.arange(3), [len(draw.row) for draw in draws])
    row, col = np.concatenate([p.row for p in draws]), np.concatenate([p.col for p in draws])
    labels = tuple(code.label for code in SEEN)
    return StratifiedSample(strata, labels, stratum, stratum, true[row, col] - 1, units[row, col])


def coverage(n_maps, counts, first=0):
    """Return the fraction of simulated maps whose interval contains the true area, for each class."""
    hits = np.zeros(3)
    for number in range(first, first + n_maps):
        true, mapped, units = simulated(np.random.default_rng(number))
        got = assess(drawn_sample(mapped, true, units, number, counts))
        for i, accuracy in enumerate(got.by_class):
            low, high = accuracy.area_km2.interval()
            hits[i] += low <= units[true == i + 1].sum() <= high
    return hits / n_maps


def test_the_interval_covers_the_true_area_as_often_as_it_says():
    """1000 maps with errors and pixels of unequal area, each with a random sample of its own."""
    covered = coverage(1000, (150, 90, 60))
    assert np.all((covered >= 0.93) & (covered <= 0.97)), covered


def test_the_adjusted_area_is_unbiased_where_the_mapped_one_is_not():
    rng = np.random.default_rng(1)
    true, mapped, units = simulated(rng)
    adjusted = [
        assess(drawn_sample(mapped, true, units, seed, (100, 60, 60))).by_class[2].area_km2.value for seed in range(400)
    ]
    truth = units[true == 3].sum()
    off = abs(np.mean(adjusted) - truth)
    assert off < 3 * np.std(adjusted) / 20
    assert abs(units[mapped == 3].sum() - truth) > 10 * off


def test_a_sample_of_every_pixel_gives_the_truth_and_no_error():
    true, mapped, units = simulated(np.random.default_rng(3))
    counts = tuple(int((mapped == code).sum()) for code in SEEN)
    got = assess(drawn_sample(mapped, true, units, 0, counts))
    for i, accuracy in enumerate(got.by_class):
        assert accuracy.area_km2.value == pytest.approx(units[true == i + 1].sum(), rel=1e-12)
        assert accuracy.area_km2.se == 0
    assert got.overall.value == pytest.approx(units[true == mapped].sum() / units.sum())
    assert not got.unanimous


def test_pixels_of_unequal_area_count_by_their_area():
    strata = (Stratum("ice", 10.0), Stratum("water", 5.0))
    ice, water = [0] * 4, [1] * 4
    got = assess(
        StratifiedSample(
            strata,
            ("ice", "water"),
            np.array(ice + water),
            np.array(ice + water),
            np.array([0, 0, 0, 1, 1, 1, 1, 1]),
            np.array([1.0, 1.0, 1.0, 2.0, 1.0, 1.0, 1.0, 1.0]),
        )
    )
    assert got.by_class[0].area_km2.value == pytest.approx(6.0)
    assert got.by_class[0].users.value == pytest.approx(0.6)


def test_no_interval_of_zero_width_is_given():
    got = assess(labelled([[50, 0], [0, 40]], [7.0, 3.0]))
    assert got.overall.value == 1
    assert got.overall.se is None
    assert got.by_class[0].area_km2.interval() is None
    assert [stratum.n_points for stratum in got.unanimous] == [50, 40]
    assert got.unanimous[0].max_other_share == pytest.approx(1 - 0.05 ** (1 / 50))
    assert max_undetected_share(300) == pytest.approx(3 / 300, rel=0.01)


def test_a_class_that_no_point_shows_has_no_accuracy():
    got = assess(labelled([[30, 2], [0, 0]], [9.0]))
    assert got.by_class[1].users is None
    assert got.by_class[1].producers.value == 0


@pytest.mark.parametrize("counts", [[[1, 0], [20, 20]], [[0, 0], [20, 20]]])
def test_a_stratum_with_too_few_points_is_refused(counts):
    with pytest.raises(NoUsableInput, match=r"stratum 0 has [01] point.*draw a sample with more points"):
        assess(labelled(counts, [1.0, 2.0]))


def test_a_stratum_of_one_pixel_may_have_one_point():
    sample = labelled([[1, 0], [20, 20]], [1.0, 2.0])
    strata = (Stratum("one", 1.0, 1), sample.strata[1])
    assert assess(StratifiedSample(strata, *list(vars(sample).values())[1:6])).by_class[
        0
    ].area_km2.value == pytest.approx(2)


COUNTS = st.integers(2, 4).flatmap(
    lambda size: st.lists(
        st.lists(st.integers(0, 30), min_size=size, max_size=size).filter(lambda row: sum(row) >= 2),
        min_size=size,
        max_size=size,
    )
)


@settings(max_examples=200, deadline=None)
@given(COUNTS, st.lists(st.floats(1e-3, 1e6), min_size=4, max_size=4), st.randoms(use_true_random=False))
def test_the_estimates_are_consistent_and_independent_of_the_order_of_points(counts, areas, random):
    areas = areas[: len(counts)]
    sample = labelled(counts, areas)
    shuffled = np.array(random.sample(range(len(sample.mapped)), len(sample.mapped)))
    size = np.array([random.uniform(0.5, 2) for _ in shuffled])
    uneven = StratifiedSample(sample.strata, sample.classes, sample.stratum, sample.mapped, sample.reference, size)
    got = assess(uneven)
    assert got.matrix.sum() == pytest.approx(1)
    assert got.matrix.sum(axis=1) == pytest.approx(np.array(areas) / sum(areas))
    assert sum(accuracy.share.value for accuracy in got.by_class) == pytest.approx(1)
    assert sum(accuracy.area_km2.value for accuracy in got.by_class) == pytest.approx(sum(areas))
    assert got.overall.value == pytest.approx(np.trace(got.matrix))
    for accuracy in got.by_class:
        assert accuracy.share.se is None or accuracy.share.se > 0
        limits = accuracy.area_km2.interval()
        assert limits is None or 0 <= limits[0] <= accuracy.area_km2.value * (1 + 1e-9) <= limits[1] * (1 + 2e-9)
    arrays = (a[shuffled] for a in (sample.stratum, sample.mapped, sample.reference, size))
    again = assess(StratifiedSample(sample.strata, sample.classes, *arrays))
    assert again.matrix == pytest.approx(got.matrix)
    assert [accuracy.share.se for accuracy in again.by_class] == pytest.approx(
        [accuracy.share.se for accuracy in got.by_class]
    )
