"""Descriptions of scenes are kept between runs as long as nothing that they depend on has changed."""

from __future__ import annotations

import numpy as np
import pytest

from icepipe.config.inputs import Inputs
from icepipe.inputs import scene_cache
from icepipe.inputs.scene_cache import SceneCache
from icepipe.sensors.table import PRODUCTS
from icepipe.storage.fingerprint import FolderSnapshot
from tests.rasters import write


@pytest.mark.parametrize(("is_other_table", "n_described"), [(False, 0), (True, 1)])
def test_a_scene_is_described_again_where_the_table_of_products_has_changed(
    tmp_path, monkeypatch, is_other_table, n_described
):
    path, inputs = write(tmp_path / "a_20240701.tif", np.full((3, 4, 4), 90, np.uint8)), Inputs(scenes=("a",))
    monkeypatch.setattr("icepipe.storage.fingerprint.SETTLED_NS", 0)
    first = SceneCache({}, inputs, FolderSnapshot())
    first((path,), inputs)
    if is_other_table:
        monkeypatch.setattr(scene_cache, "PRODUCTS", PRODUCTS[:-1])
    calls, real = [], scene_cache.describe
    monkeypatch.setattr(scene_cache, "describe", lambda *arguments: calls.append(1) or real(*arguments))
    SceneCache(first.used, inputs, FolderSnapshot())((path,), inputs)
    assert len(calls) == n_described
