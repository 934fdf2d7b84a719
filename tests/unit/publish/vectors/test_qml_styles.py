"""Styles have the colours of the classes, which differ for people with any colour vision."""

from __future__ import annotations

from itertools import combinations
from xml.etree import ElementTree

import numpy as np
import pytest

from icepipe.classes import CLASS_COLOURS, ClassCode
from icepipe.publish.vectors.qml_styles import classes_qml, fraction_qml, polygon_qml

SHOWN = [code for code in ClassCode if code is not ClassCode.OUTSIDE]

# Machado, Oliveira and Fernandes 2009, table 1, severity 1.0; they act on linear red, green and blue.
VISION = {
    "usual": np.eye(3),
    "no long cones": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "no middle cones": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "no short cones": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def lab(rgb, vision):
    """Return CIE L*a*b* under D65 of a colour, transformed by a matrix of colour vision."""
    values = np.array(rgb) / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    xyz = TO_XYZ @ np.clip(np.array(vision) @ linear, 0, 1) / (0.95047, 1, 1.08883)
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("vision", VISION)
def test_any_two_classes_differ_for_every_colour_vision(vision):
    """About 2.3 is a just noticeable difference; ice and water are far beyond it."""
    colours = {code: lab(rgb, VISION[vision]) for code, rgb in CLASS_COLOURS.items()}
    apart = {pair: np.linalg.norm(colours[pair[0]] - colours[pair[1]]) for pair in combinations(colours, 2)}
    assert min(apart.values()) > 4 * 2.3
    assert apart[ClassCode.WATER, ClassCode.ICE] > 50


@pytest.mark.parametrize("code", [ClassCode.WATER, ClassCode.ICE, ClassCode.OTHER])
def test_a_polygon_style_has_the_classs_colour(code):
    (fill,) = ElementTree.fromstring(polygon_qml(code)).findall(".//layer/Option/Option[@name='color']")
    assert fill.get("value") == ",".join(map(str, (*CLASS_COLOURS[code], 255)))


def test_the_raster_style_has_every_class_except_outside():
    entries = ElementTree.fromstring(classes_qml()).findall("./pipe/rasterrenderer[@type='paletted']//paletteEntry")
    labels = {int(e.get("value")): (e.get("label"), e.get("color")) for e in entries}
    assert labels == {int(c): (c.label, "#{:02x}{:02x}{:02x}".format(*CLASS_COLOURS[c])) for c in SHOWN}


def test_the_style_of_an_ice_fraction_goes_from_the_colour_of_water_to_that_of_ice():
    shader = "./pipe/rasterrenderer[@type='singlebandpseudocolor']/rastershader/colorrampshader"
    (ramp,) = ElementTree.fromstring(fraction_qml()).findall(shader)
    assert (ramp.get("colorRampType"), ramp.get("minimumValue"), ramp.get("maximumValue")) == (
        "INTERPOLATED",
        "0",
        "100",
    )
    items = {int(item.get("value")): (item.get("color"), item.get("label")) for item in ramp.findall("item")}
    assert list(items) == [0, 25, 50, 75, 100]
    assert items[0] == ("#{:02x}{:02x}{:02x}".format(*CLASS_COLOURS[ClassCode.WATER]), "0 %")
    assert items[100] == ("#{:02x}{:02x}{:02x}".format(*CLASS_COLOURS[ClassCode.ICE]), "100 %")


def test_another_colour_changes_every_style(monkeypatch):
    before = classes_qml(), polygon_qml(ClassCode.ICE)
    monkeypatch.setitem(CLASS_COLOURS, ClassCode.ICE, (1, 2, 3))
    assert "#010203" in classes_qml()
    assert "1,2,3,255" in polygon_qml(ClassCode.ICE)
    assert (classes_qml(), polygon_qml(ClassCode.ICE)) != before
