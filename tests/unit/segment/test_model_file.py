"""``model.json`` of this version, and of versions that did not list all fields."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from icepipe.classes import ClassCode
from icepipe.segment.clustering.sampling import PixelSample
from icepipe.segment.clustering.splitting import fit
from icepipe.segment.features import FeatureSpace
from icepipe.segment.model import Cluster, FitRecord, Model
from icepipe.segment.model_file import model_document, model_from_document, model_hash
from icepipe.segment.naming import name_clusters
from icepipe.segment.rules import RULE_SETS
from icepipe.sensors.table import SENSORS

RGB = SENSORS["rgb"]
WATER = Cluster(
    (40.0, 55.0, 75.0), (40.0, 55.0, 75.0), ClassCode.WATER, ClassCode.WATER, (ClassCode.WATER,), 0.1, "w", 1.0, 0
)
OLD = Model(
    sensor="rgb",
    roles=("red", "green", "blue"),
    encoding="sRGB",
    features=(),
    rule_set="rgb",
    thresholds=(),
    k_asked=2,
    k_fitted=1,
    fit=FitRecord(0, 100, 1, 1, 100, 1e-4, True, 0.0),
    straddle=0.0,
    misnamed=0.0,
    strays=0.0,
    spread=4.0,
    clusters=(WATER,),
)
"""A model without what 0.1.0 does not list."""


def fitted() -> Model:
    values = np.clip(np.random.default_rng(0).normal((225, 228, 232), 25, (9000, 3)), 0, 255).astype(np.uint8)
    space, rules = FeatureSpace(RGB), RULE_SETS["rgb"]
    return name_clusters(fit(PixelSample.of(values), 6, 0, space, rules), 6, space, rules)


def test_a_model_is_read_back_as_it_was_written():
    model = fitted()
    assert model.own_misnamed >= model.own_strays > 0
    assert all(cluster.reach > 0 for cluster in model.clusters)
    assert model_from_document(model_document(model)) == model


def test_a_model_of_an_earlier_version_is_read_and_keeps_its_hash():
    document = model_document(OLD)
    assert "reach" not in document["clusters"][0]
    del document["own_misnamed"], document["own_strays"]
    assert model_from_document(document) == OLD
    assert model_hash(OLD) == "1146a8238ccb"


def test_whatever_observations_are_judged_against_changes_the_hash():
    model = fitted()
    others = [
        replace(model, spread=1.0),
        replace(model, own_misnamed=0.5),
        replace(model, own_strays=0.5),
        replace(model, clusters=(replace(model.clusters[0], reach=99.0), *model.clusters[1:])),
    ]
    assert len({model_hash(each) for each in (model, *others)}) == 5
