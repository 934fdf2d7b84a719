"""Pixels of quicklooks."""

from __future__ import annotations

import numpy as np
import pyproj
import pytest
from affine import Affine
from PIL import Image

from icepipe.classes import BUDGET, CLASS_COLOURS, ClassCode
from icepipe.geo.geobox import GeoBox
from icepipe.publish.images.annotations import scale_bar
from icepipe.publish.images.quicklook import MARGIN, TITLE, draw_quicklook, write_quicklook
from icepipe.publish.images.thumbnail import PANEL_PX

RIGHT = 2 * MARGIN + PANEL_PX
"""First column of the panel of classes."""


def grid_of(shape, side_m=1000):
    transform = Affine(side_m, 0, 0, 0, -side_m, -1e6)
    return GeoBox(pyproj.CRS(3413).to_wkt(), transform, shape[1], shape[0])


def draw(classes, legend):
    picture = np.random.default_rng(0).integers(0, 255, (*classes.shape, 3)).astype(np.uint8)
    return picture, draw_quicklook("name  2024-07-01", picture, classes, grid_of(classes.shape), legend)


def centres(shape):
    """Yield row and column of every pixel, and the offset of its centre from the upper left corner of the panel."""
    side = PANEL_PX // max(shape)
    for row, col in np.ndindex(*shape):
        yield row, col, side * col + side // 2, side * row + side // 2


def test_both_panels_are_the_pixels_enlarged():
    classes = np.array([[0, 1, 2, 3], [4, 5, 255, 1], [1, 1, 2, 2], [3, 3, 3, 3]], dtype=np.uint8)
    picture, sheet = draw(classes, {})
    assert sheet.size == (2 * PANEL_PX + 3 * MARGIN, TITLE + PANEL_PX + MARGIN)
    for row, col, x, y in centres(classes.shape):
        code = ClassCode(classes[row, col])
        grey = CLASS_COLOURS[ClassCode.UNOBSERVED]
        assert sheet.getpixel((RIGHT + x, TITLE + y)) == CLASS_COLOURS[code]
        expected = grey if code is ClassCode.UNOBSERVED else tuple(picture[row, col].tolist())
        assert sheet.getpixel((MARGIN + x, TITLE + y)) == expected


def test_the_legend_has_the_colour_of_every_class_it_names():
    classes = np.full((8, 8), ClassCode.WATER, dtype=np.uint8)
    legend = {code: f"{code.label} 1.0 km²" for code in BUDGET}
    _, sheet = draw(classes, legend)
    box = np.asarray(sheet)[TITLE + PANEL_PX - 160 : TITLE + PANEL_PX, RIGHT : RIGHT + 200]
    without = np.asarray(draw(classes, {})[1])[TITLE + PANEL_PX - 160 : TITLE + PANEL_PX, RIGHT : RIGHT + 200]
    tops = []
    for code in BUDGET:
        rows, _ = np.nonzero((box == CLASS_COLOURS[code]).all(axis=-1) & (code != ClassCode.WATER))
        if code is not ClassCode.WATER:
            assert len(rows) > 150, code.label
            tops.append(rows.min())
    assert tops == sorted(tops)
    assert (without == CLASS_COLOURS[ClassCode.WATER]).all(axis=-1).mean() > 0.99


@pytest.mark.parametrize("shape", [(8, 8), (5, 16), (16, 5)])
def test_the_scale_bar_is_as_long_as_it_says(shape):
    classes = np.full(shape, ClassCode.WATER, dtype=np.uint8)
    _, sheet = draw(classes, {})
    width, height = (round(side * PANEL_PX / max(shape)) for side in (shape[1], shape[0]))
    part, _ = scale_bar(grid_of(shape))
    left = MARGIN + (PANEL_PX - width) // 2
    row = np.asarray(sheet)[TITLE + (max(height, PANEL_PX // 2) + height) // 2 - 11, left : left + width]
    bar = np.flatnonzero((row == 255).all(axis=-1))
    assert np.ptp(bar) == round(part * width)
    assert bar[0] == 12


def test_the_file_holds_the_text_of_the_legend_and_no_time(tmp_path):
    classes = np.full((3, 3), ClassCode.ICE, dtype=np.uint8)
    legend = {ClassCode.ICE: "ice 9.0 km²", ClassCode.WATER: "water, area not known"}
    for name in ("a", "b"):
        write_quicklook(tmp_path / f"{name}.png", draw(classes, legend)[1])
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    with Image.open(tmp_path / "a.png") as image:
        assert image.info == {"Description": "ice 9.0 km²; water, area not known"}
