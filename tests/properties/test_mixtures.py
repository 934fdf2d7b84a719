"""For any scene of mixed pixels, shares close and are in order, and depend neither on parts nor on the orientation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from icepipe.arrays import UInt8, UInt16
from icepipe.classes import SEEN
from icepipe.geo.geobox import Block
from icepipe.measure.area.budget import compute_budget
from icepipe.measure.area.tally import Tally
from icepipe.segment.classification.strata import VARIANTS, ClusterStrata
from icepipe.segment.mixtures.mixed_pixels import MixedPixelScanner
from icepipe.segment.mixtures.shares import Bound
from tests.mixtures import (
    BROWN,
    ICE,
    OTHER,
    PURE,
    RGB,
    UNSEEN,
    WATER,
    cluster,
    collect,
    model,
    scan,
    whole,
)

TABLE = ClusterStrata(
    [
        model(
            [
                cluster(WATER),
                cluster(WATER, WATER, ICE),
                cluster(ICE, WATER, ICE),
                cluster(ICE),
                cluster(OTHER),
                cluster(OTHER, ICE, OTHER),
                cluster(ICE, WATER, ICE, OTHER),
                cluster(WATER, pinned=True),
                cluster(ICE, pinned=True),
            ]
        )
    ]
)
PINNED = (7, 8)
COLOURS = np.array([63, 80, 110, 240, 0, 180, 200, 63, 240])
"""Byte of each cluster; that of ground has a colour."""

sides = st.integers(1, 26)


@dataclass(frozen=True)
class Scene:
    """Strata, shape (rows, columns), stored values, shape (3, rows, columns), and area of each pixel in units."""

    strata: UInt16
    bands: UInt8
    units: np.ndarray


def paint(strata, noise, rng):
    """Colours of strata with noise, in steps of a byte."""
    cluster_of = strata % TABLE.n
    bands = np.repeat(COLOURS[cluster_of][None], 3, axis=0)
    bands = np.where(cluster_of == 4, np.array(BROWN)[:, None, None], bands)
    # Mostly shared by the bands, so that most colours stay near the line.
    shared, own = rng.normal(0, 1, strata.shape), rng.normal(0, 0.1, bands.shape)
    return np.clip(np.rint(bands + noise * (shared + own)), 0, 255).astype(np.uint8)


@st.composite
def scenes(draw, clusters=tuple(range(TABLE.n)), can_hide=True):
    """Scenes of patches and single pixels of some clusters, with noise from none to a lot."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = draw(sides), draw(sides)
    used = np.array(draw(st.lists(st.sampled_from(clusters), min_size=1, max_size=4)))
    size = draw(st.sampled_from([1, 3, 9]))
    patches = rng.choice(used, (shape[0] // size + 1, shape[1] // size + 1))
    strata = np.repeat(np.repeat(patches, size, axis=0), size, axis=1)[: shape[0], : shape[1]]
    # Other variants of a cluster: a pixel whose own colour could be of another class.
    extra = np.where(rng.random(shape) < 0.2, rng.integers(0, VARIANTS, shape), 0)
    strata = strata + TABLE.n * extra
    bands = paint(strata, draw(st.sampled_from([0, 1, 4, 20, 60])), rng)
    if can_hide:
        strata = np.where(rng.random(shape) < draw(st.sampled_from([0, 0.1, 0.5])), UNSEEN, strata)
    return Scene(strata.astype(np.uint16), bands, rng.integers(2**29, 2**31, shape))


def tallied(scene, table=TABLE):
    scanner, tally = MixedPixelScanner(table, RGB, scene.strata.shape[1]), Tally()
    tally.add(scene.strata, scene.units)
    keys = np.zeros(scene.strata.shape, np.uint16)
    for rows in (*scanner.add(whole(scene.strata.shape), scene.strata, scene.bands), *scanner.finish()):
        tally.add_mixtures(0, keys[rows.block.slices], rows, scene.units[rows.block.slices])
    return tally


@settings(deadline=None)
@given(scenes())
def test_shares_add_up_to_what_was_seen_to_the_last_unit(scene):
    tally = tallied(scene)
    seen = int(scene.units[scene.strata != UNSEEN].sum())
    parts = sum(tally.part_units[code, Bound.BEST] for code in SEEN)
    assert parts == 255 * tally.mixed_units.total()
    unmixed = sum(tally.units[stratum] - tally.mixed_units[stratum] for stratum in TABLE.seen)
    assert 255 * unmixed + parts == 255 * seen
    assert all(tally.mixed_units[stratum] <= tally.units[stratum] for stratum in tally.mixed_units)


@settings(deadline=None)
@given(scenes())
def test_the_surface_of_every_class_lies_within_its_bounds(scene):
    tally = tallied(scene)
    budget = compute_budget(tally, TABLE, 1e-3, dict.fromkeys(SEEN, 0))
    seen_km2 = int(scene.units[scene.strata != UNSEEN].sum()) * 1e-9
    for code in SEEN:
        area = budget.classes[code]
        assert 0 <= area.low_km2 <= area.weighted_km2 <= area.high_km2
        assert area.high_km2 <= seen_km2 * (1 + 1e-12)
        # What surely is of another class cannot be of this one.
        others = sum(budget.classes[other].low_km2 for other in SEEN if other != code)
        assert area.high_km2 <= (seen_km2 - others) * (1 + 1e-9) + 1e-12
    assert 0 <= budget.mixed_fraction <= 1


@st.composite
def layouts(draw, shape):
    """Parts of a grid, as files reach it: rows of blocks, each with some columns in one or more parts, or with none."""
    cuts = sorted(draw(st.sets(st.integers(1, max(1, shape[0] - 1)), max_size=6)) | {0, shape[0]})
    parts = []
    for top, bottom in pairwise(cut for cut in cuts if cut <= shape[0]):
        columns = draw(st.lists(st.integers(0, shape[1]), min_size=2, max_size=5, unique=True).map(sorted))
        if draw(st.integers(0, 4)):
            parts += [Block(top, left, bottom - top, right - left) for left, right in pairwise(columns)]
    return parts


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_mixtures_are_the_same_whatever_the_parts(data):
    scene = data.draw(scenes())
    parts = data.draw(layouts(scene.strata.shape))
    reached = np.zeros(scene.strata.shape, bool)
    for part in parts:
        reached[part.slices] = True
    strata = np.where(reached, scene.strata, UNSEEN).astype(np.uint16)
    expected = scan(TABLE, strata, scene.bands)
    found = scan(TABLE, strata, scene.bands, parts)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@settings(deadline=None)
@given(st.data())
def test_rows_come_once_and_in_order_and_with_their_strata(data):
    scene = data.draw(scenes(can_hide=False))
    parts = data.draw(layouts(scene.strata.shape))
    scanner, found = MixedPixelScanner(TABLE, RGB, scene.strata.shape[1]), []
    for part in parts:
        found += scanner.add(part, scene.strata[part.slices], scene.bands[:, *part.slices])
    found += scanner.finish()
    rows = [row for mixtures in found for row in range(mixtures.block.row, mixtures.block.row + mixtures.block.height)]
    assert rows == sorted(set(rows))
    assert {row for part in parts for row in range(part.row, part.row + part.height)} <= set(rows)
    for mixtures in found:
        mixed = mixtures.pairs > 0
        np.testing.assert_array_equal(mixtures.strata[mixed], scene.strata[mixtures.block.slices][mixed])
    pairs, _ = collect(found, scene.strata.shape)
    assert not pairs[np.isin(scene.strata % TABLE.n, PINNED)].any()


@settings(deadline=None)
@given(scenes(), st.integers(0, 3), st.booleans())
def test_a_turned_or_mirrored_scene_has_the_turned_or_mirrored_shares(scene, turns, mirrored):
    def turn(array):
        turned = np.rot90(array, turns, axes=(-2, -1))
        return np.ascontiguousarray(turned[..., ::-1] if mirrored else turned)

    expected = scan(TABLE, scene.strata, scene.bands)
    found = scan(TABLE, turn(scene.strata), turn(scene.bands))
    for ours, theirs in zip(found[:2], expected[:2], strict=True):
        np.testing.assert_array_equal(ours, turn(theirs))
    assert found[2].tolist() == expected[2].tolist()


def surface(scene, code, table=TABLE):
    return tallied(scene, table).surface_units(table.class_strata(code), code, Bound.BEST)


@settings(deadline=None)
@given(scenes(clusters=(0,), can_hide=True))
def test_water_alone_has_no_ice(scene):
    """Of a model whose sample shows no ice, whatever the noise."""
    assert surface(scene, ICE, ClusterStrata([model([cluster(WATER)] * TABLE.n, pure=None)])) == 0


@settings(deadline=None)
@given(scenes(clusters=(3,), can_hide=True))
def test_ice_alone_has_no_water(scene):
    """Of a model whose sample shows no water, whatever the noise: dark ice is no mixture then."""
    table = ClusterStrata([model([cluster(ICE)] * TABLE.n, pure=replace(PURE, has_water=False))])
    assert surface(scene, WATER, table) == 0


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.tuples(sides, sides), st.sampled_from([(0, ICE), (3, WATER)]))
def test_a_smooth_surface_has_nothing_of_the_other_in_any_model(seed, shape, one):
    number, other = one
    rng = np.random.default_rng(seed)
    # Within 0.05 of reflectance, darkest to brightest.
    bytes_ = rng.integers(*((50, 70) if number == 0 else (234, 240)), (1, *shape), dtype=np.uint8)
    bands = np.repeat(bytes_, 3, axis=0)
    scene = Scene(np.full(shape, number, np.uint16), bands, np.full(shape, 2**30))
    tally = tallied(scene)
    assert tally.surface_units(TABLE.class_strata(other), other, Bound.BEST) == 0
    assert tally.surface_units(TABLE.possible(other), other, Bound.HIGH) == 0


@settings(deadline=None)
@given(scenes(clusters=PINNED))
def test_pinned_clusters_are_never_mixed(scene):
    tally = tallied(scene)
    assert tally.mixed_units.total() == tally.shared_units == 0
