"""Checks of a raster before its pixels are read."""

from __future__ import annotations

import numpy as np
import pytest
from affine import Affine

from icepipe.errors import InputError
from icepipe.inputs.validate import Problem, check_raster, georeference_problem, open_raster
from tests.rasters import write

PIXELS = np.ones((1, 4, 4), np.uint8)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({}, None),
        ({"crs": None}, Problem("it has no coordinate system", "assign one (gdal_edit.py -a_srs)")),
        (
            {"transform": Affine.identity()},
            Problem("it has no geotransform, so its position is unknown", "assign one (gdal_edit.py -a_ullr)"),
        ),
        (
            {"transform": Affine(0, 0, 5, 0, 0, 5)},
            Problem("its geotransform is not invertible", "assign a correct one (gdal_edit.py -a_ullr)"),
        ),
    ],
    ids=["placed", "without crs", "without transform", "flat"],
)
def test_a_problem_has_a_reason_and_a_remedy(tmp_path, options, problem):
    with open_raster(write(tmp_path / "x.tif", PIXELS, **options)) as dataset:
        assert georeference_problem(dataset) == problem


def test_a_problem_becomes_the_message_and_the_way_out_of_an_error(tmp_path):
    path = write(tmp_path / "x.tif", PIXELS, crs=None)
    with open_raster(path) as dataset, pytest.raises(InputError) as caught:
        check_raster(path, dataset)
    assert caught.value.reason == "it has no coordinate system"
    assert caught.value.todo == "assign one (gdal_edit.py -a_srs)"
    assert str(caught.value) == f"{path}: it has no coordinate system; assign one (gdal_edit.py -a_srs)"
