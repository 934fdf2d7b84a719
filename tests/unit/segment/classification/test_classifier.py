"""The compiled classifier equals its steps in NumPy, and components equal those of SciPy."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pyproj
import pytest
from scipy import ndimage
from sklearn.cluster import KMeans

from icepipe.classes import SEEN, ClassCode
from icepipe.errors import IntegrityError
from icepipe.geo.geobox import Block, GeoBox
from icepipe.geo.pixel_area import PixelArea
from icepipe.inputs.products.sensors import with_roles
from icepipe.raster.components import component_sizes, count_components, find_components
from icepipe.raster.run_length import RunLengthRaster
from icepipe.segment.classification.classifier import DirectLookup
from icepipe.segment.classification.drift import outlier_limits
from icepipe.segment.classification.strata import encode_strata, outlying_offset
from icepipe.segment.clustering.assignment import nearest, squared_distances
from icepipe.segment.clustering.sampling import PixelSample
from icepipe.segment.clustering.splitting import fit
from icepipe.segment.features import FeatureSpace, available_features, compute_features
from icepipe.segment.naming import name_clusters
from icepipe.segment.rules import RULE_SETS
from icepipe.segment.which_ice import rules_for
from icepipe.sensors.table import SENSORS
from tests.conftest import ROOT
from tests.rasters import TRANSFORM

SIX = ("blue", "green", "red", "nir", "swir1", "swir2")
BANDS = SENSORS["bands"]
KINDS = {
    "rgb": SENSORS["rgb"],
    "modis-721": SENSORS["modis-721"],
    "six": with_roles(BANDS, SIX),
    "five": with_roles(BANDS, SIX[:5]),
    "green-nir-swir": with_roles(BANDS, ("green", "nir", "swir1")),
    "near-infrared": with_roles(BANDS, ("blue", "green", "red", "nir")),
    "visible": with_roles(BANDS, ("blue", "green", "red")),
}


def stored_values(sensor, count, seed=0):
    """Random stored values: over the whole range, around zero, and repeated."""
    rng = np.random.default_rng(seed)
    if sensor.stretch:
        return rng.integers(0, 256, (count, len(sensor.roles)), dtype=np.uint8)
    wide = rng.integers(-500, 11_000, (count, len(sensor.roles)))
    wide[::7] = rng.integers(-3, 4, wide[::7].shape)
    wide[::11] = 0
    return wide.astype(np.int16)


def in_numpy(values, model, sensor, first, n):
    space = FeatureSpace(sensor, model.features)
    rules = replace(rules_for(model.rule_set, model.ice), thresholds=model.thresholds)
    features, places = compute_features(values.astype(np.float64), sensor), space.coordinates(values)
    clusters = nearest(places, model.centroids)
    strata = encode_strata(clusters, rules.could_be(features), rules.codes(features), model, first, n)
    outlying = squared_distances(places, model.centroids, clusters) > outlier_limits(model, sensor)[clusters]
    return strata + np.uint16(outlying_offset(n)) * outlying


@pytest.mark.parametrize("choice", ["any", "white"])
@pytest.mark.parametrize("listed", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_the_compiled_classifier_equals_its_steps(kind, listed, choice):
    sensor = KINDS[kind]
    assert sensor is not None
    features = tuple(available_features(sensor)) if listed else ()
    space, rules = FeatureSpace(sensor, features), rules_for(sensor.rule_set, choice)
    model = name_clusters(fit(PixelSample.of(stored_values(sensor, 4000)), 7, 0, space, rules), 7, space, rules)
    values = stored_values(sensor, 50_000, seed=1)
    strata = DirectLookup(model, sensor, 3, len(model.clusters) + 5).strata_for_spectra(values)
    np.testing.assert_array_equal(strata, in_numpy(values, model, sensor, 3, len(model.clusters) + 5))
    assert len(np.unique(strata)) > len(model.clusters)


def test_only_selected_pixels_are_classified():
    sensor = KINDS["six"]
    space, rules = FeatureSpace(sensor), RULE_SETS[sensor.rule_set]
    model = name_clusters(fit(PixelSample.of(stored_values(sensor, 4000)), 5, 0, space, rules), 5, space, rules)
    lookup, values = DirectLookup(model, sensor, 1, 9), stored_values(sensor, 6000, seed=2)
    selected = np.random.default_rng(3).random((60, 100)) < 0.5
    selected[20:40] = False
    strata = lookup.strata(values.T.reshape(6, 60, 100), selected)
    assert not strata[~selected].any()
    expected = lookup.strata_for_spectra(values).reshape(60, 100)
    np.testing.assert_array_equal(strata[selected], expected[selected])


@pytest.mark.parametrize("kind", KINDS)
def test_clusters_are_those_of_scikit_learn_but_for_ties(kind):
    """The compiled classifier against ``KMeans.predict`` with the same centroids."""
    sensor = KINDS[kind]
    space, rules = FeatureSpace(sensor), RULE_SETS[sensor.rule_set]
    model = name_clusters(fit(PixelSample.of(stored_values(sensor, 4000)), 8, 0, space, rules), 8, space, rules)
    values = stored_values(sensor, 40_000, seed=4)
    oracle = KMeans(len(model.clusters), init=model.centroids, n_init=1, max_iter=1).fit(model.centroids)
    oracle.cluster_centers_ = model.centroids.copy()
    theirs = oracle.predict(values.astype(np.float64))
    mine = DirectLookup(model, sensor, 0, len(model.clusters)).strata_for_spectra(values) % len(model.clusters)
    differ = np.flatnonzero(mine != theirs)
    print(f"{kind}: {len(differ)} of {len(values)} pixels differ")
    squared = ((values[differ, None] - model.centroids) ** 2).sum(axis=2)
    pick = np.arange(len(differ))
    np.testing.assert_allclose(squared[pick, mine[differ]], squared[pick, theirs[differ]], rtol=1e-9)
    assert len(differ) < len(values) / 1000


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (40, 57), (300, 211)])
def test_pieces_are_those_of_scipy(shape):
    rng = np.random.default_rng(5)
    classes = rng.choice([0, 1, 2, 3, 5, 255], size=shape, p=[0.1, 0.3, 0.3, 0.1, 0.1, 0.1]).astype(np.uint8)
    grid = GeoBox(pyproj.CRS(3413).to_wkt(), TRANSFORM, shape[1], shape[0])
    area = PixelArea.of(grid)
    pieces = find_components(RunLengthRaster.from_array(classes), SEEN)
    sizes = component_sizes(pieces, area.units)
    units = area.units(Block(0, 0, grid.height, grid.width))
    runs, numbers = pieces.runs, np.empty(shape, dtype=np.int32)
    for row, (begin, end) in enumerate(pairwise(runs.rows)):
        for run in range(begin, end - 1):
            numbers[row, runs.starts[run] : runs.starts[run + 1]] = pieces.number[run]
    wanted = np.isin(classes, SEEN)
    np.testing.assert_array_equal(numbers[~wanted], -1 - classes[~wanted].astype(np.int32))
    labels = np.where(wanted, numbers + 1, 0)
    firsts = [np.flatnonzero(labels.ravel() == number)[0] for number in range(1, len(pieces.codes) + 1)]
    assert firsts == sorted(firsts)
    for code in SEEN:
        theirs, count = ndimage.label(classes == code)
        mine = labels * (classes == code)
        assert len(np.unique(mine[mine > 0])) == count == count_components(runs)[code]
        assert len({*zip(mine.ravel().tolist(), theirs.ravel().tolist(), strict=True)}) == len(np.unique(mine))
    whole = np.arange(1, len(pieces.codes) + 1)
    np.testing.assert_array_equal(sizes.n_px, np.bincount(labels.ravel(), minlength=len(whole) + 1)[1:])
    sums = [int(units[labels == number].sum()) for number in whole]
    assert sizes.units.tolist() == sums
    assert pieces.codes.tolist() == [classes.ravel()[first] for first in firsts]


def test_more_runs_than_numbers_are_refused(monkeypatch):
    monkeypatch.setattr("icepipe.raster.run_length.MAX_RUNS", 10)
    with pytest.raises(IntegrityError, match="11 run lengths, more than 10"):
        RunLengthRaster.from_array(np.eye(2, dtype=np.uint8))
    assert sum(count_components(RunLengthRaster.from_array(np.ones((2, 4), dtype=np.uint8))).values()) == 1


def test_no_class_no_pieces():
    classes = np.full((3, 4), ClassCode.LAND, dtype=np.uint8)
    assert count_components(RunLengthRaster.from_array(classes)) == dict.fromkeys(SEEN, 0)


PROBE = """
import numpy as np
from icepipe.raster.components import count_components
from icepipe.raster.run_length import RunLengthRaster
print(sum(count_components(RunLengthRaster.from_array(np.eye(4, dtype=np.uint8))).values()))
"""


def test_an_installation_that_cannot_be_written_works(tmp_path):
    """Where neither the package nor the user cache can be written, every process compiles again."""
    shutil.copytree(ROOT / "pipeline/icepipe", tmp_path / "site/icepipe", ignore=shutil.ignore_patterns("__pycache__"))
    variables = os.environ | {"PYTHONPATH": str(tmp_path / "site"), "HOME": "/proc", "XDG_CACHE_HOME": "/proc"}
    variables.pop("NUMBA_CACHE_DIR", None)
    lock = tmp_path / "site/icepipe"
    for folder in (lock, *(path for path in lock.rglob("*") if path.is_dir())):
        (folder / "__pycache__").write_text("a file where a folder would have to be")
    done = subprocess.run([sys.executable, "-c", PROBE], env=variables, capture_output=True, text=True, check=False)
    assert done.stdout == "4\n", done.stderr


LOG_TO_STDERR = """
import logging
logging.basicConfig(level="INFO", format="%(message)s")
from icepipe.runtime.jit import log_compilation
compilation_log = log_compilation()
compilation_log.__enter__()
"""


def test_compiling_is_logged_once_and_not_when_the_cache_is_used(tmp_path):
    variables = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", LOG_TO_STDERR + PROBE]
    runs = [subprocess.run(command, env=variables, capture_output=True, text=True, check=True) for _ in range(2)]
    assert [done.stderr for done in runs] == ["compiling kernels, once\n", ""]
    assert [done.stdout for done in runs] == ["4\n", "4\n"]
