"""QGIS styles in the class colours, as style files and as elements of a project."""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from icepipe.classes import CLASS_COLOURS, FULL_PERCENT, ClassCode, percent_colour

WRITTEN_FOR = "3.22"
"""QGIS version of the file format; later versions read it."""

DOCTYPE = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"


OUTLINE = "40,40,40,255"
"""Colour of the outlines of regions."""


def xml_text(root: Element) -> str:
    """Return the text of a tree with the document type and indentation of QGIS."""
    indent(root)
    # ElementTree has no way to write a document type.
    return f"{DOCTYPE}{tostring(root, encoding='unicode')}\n"


def add_element(parent: Element, tag: str, text: str = "", **attributes: str) -> Element:
    """Add a child with a text and attributes in the given order."""
    child = SubElement(parent, tag, attributes)
    child.text = text or None
    return child


def add_options(parent: Element, options: Mapping[str, str]) -> None:
    """Add options with text values, in the form of QGIS."""
    options_map = SubElement(parent, "Option", {"type": "Map"})
    for name, value in options.items():
        SubElement(options_map, "Option", {"name": name, "type": "QString", "value": value})


def polygon_renderer(code: ClassCode) -> Element:
    """Return the renderer of a polygon layer: the colour of the class, with an outline half as bright."""
    # The outline width is in millimetres of the screen, so that small polygons stay visible at any scale.
    red, green, blue = CLASS_COLOURS[code]
    renderer = Element("renderer-v2", {"type": "singleSymbol", "symbollevels": "0", "enableorderby": "0"})
    symbols = add_element(renderer, "symbols")
    symbol = SubElement(symbols, "symbol", {"name": "0", "type": "fill", "alpha": "0.8", "clip_to_extent": "1"})
    layer = SubElement(symbol, "layer", {"class": "SimpleFill", "enabled": "1", "locked": "0", "pass": "0"})
    add_options(
        layer,
        {
            "color": f"{red},{green},{blue},255",
            "outline_color": f"{red // 2},{green // 2},{blue // 2},255",
            "outline_style": "solid",
            "outline_width": "0.1",
            "outline_width_unit": "MM",
            "style": "solid",
        },
    )
    return renderer


def outline_renderer() -> Element:
    """Return the renderer of regions: a dark outline without a fill, which would cover the layers below."""
    renderer = Element("renderer-v2", {"type": "singleSymbol", "symbollevels": "0", "enableorderby": "0"})
    symbol = SubElement(add_element(renderer, "symbols"), "symbol", {"name": "0", "type": "fill", "alpha": "1"})
    layer = SubElement(symbol, "layer", {"class": "SimpleLine", "enabled": "1", "locked": "0", "pass": "0"})
    add_options(layer, {"line_color": OUTLINE, "line_style": "solid", "line_width": "0.3", "line_width_unit": "MM"})
    return renderer


def classes_pipe() -> Element:
    """Return the pipe of the class raster: each class in its colour, with its label; transparent outside the region."""
    pipe = Element("pipe")
    renderer = SubElement(
        pipe, "rasterrenderer", {"type": "paletted", "band": "1", "opacity": "1", "alphaBand": "-1", "nodataColor": ""}
    )
    add_element(renderer, "rasterTransparency")
    palette = add_element(renderer, "colorPalette")
    for code, (red, green, blue) in CLASS_COLOURS.items():
        # QGIS draws a value without an entry as transparent.
        if code is not ClassCode.OUTSIDE:
            colour = f"#{red:02x}{green:02x}{blue:02x}"
            add_element(palette, "paletteEntry", value=str(int(code)), color=colour, label=code.label, alpha="255")
    return pipe


def fraction_pipe() -> Element:
    """Return the pipe of the ice fraction: from the colour of water to that of ice; transparent without a percent."""
    pipe = Element("pipe")
    limits = {"classificationMin": "0", "classificationMax": str(FULL_PERCENT), "nodataColor": ""}
    kind = {"type": "singlebandpseudocolor", "band": "1", "opacity": "1", "alphaBand": "-1"}
    renderer = SubElement(pipe, "rasterrenderer", kind | limits)
    add_element(renderer, "rasterTransparency")
    ramp = {"colorRampType": "INTERPOLATED", "classificationMode": "1", "clip": "0"}
    values = {"minimumValue": "0", "maximumValue": str(FULL_PERCENT), "labelPrecision": "0"}
    shader = SubElement(SubElement(renderer, "rastershader"), "colorrampshader", ramp | values)
    # Between the stops, QGIS interpolates as the palette of the file does; more of them make a legend.
    for percent in range(0, FULL_PERCENT + 1, 25):
        colour = "#{:02x}{:02x}{:02x}".format(*percent_colour(percent))
        SubElement(shader, "item", {"value": str(percent), "color": colour, "label": f"{percent} %", "alpha": "255"})
    return pipe


def polygon_qml(code: ClassCode) -> str:
    """Return the style file of a polygon layer."""
    root = Element("qgis", {"version": WRITTEN_FOR, "styleCategories": "Symbology"})
    root.append(polygon_renderer(code))
    add_element(root, "layerGeometryType", "2")
    return xml_text(root)


def classes_qml() -> str:
    """Return the style file of a class raster."""
    root = Element("qgis", {"version": WRITTEN_FOR, "styleCategories": "Symbology"})
    root.append(classes_pipe())
    return xml_text(root)


def fraction_qml() -> str:
    """Return the style file of an ice fraction."""
    root = Element("qgis", {"version": WRITTEN_FOR, "styleCategories": "Symbology"})
    root.append(fraction_pipe())
    return xml_text(root)


CHANGE_STYLES = {
    "ice_gain": ("ice gained", "0,119,187", "solid"),
    "ice_loss": ("ice lost", "204,51,17", "solid"),
    "water_gain": ("water gained", "0,0,0", "f_diagonal"),
    "water_loss": ("water lost", "0,0,0", "b_diagonal"),
}
"""Label, colour and fill of each kind of change. Ice that became water is both a loss and a gain: the first is drawn as
a colour, the second as hatching over it."""


def change_renderer() -> Element:
    """Return the renderer of gain and loss, by the field ``change``."""
    renderer = Element("renderer-v2", {"type": "categorizedSymbol", "attr": "change", "symbollevels": "0"})
    categories, symbols = add_element(renderer, "categories"), add_element(renderer, "symbols")
    for number, (kind, (label, colour, style)) in enumerate(CHANGE_STYLES.items()):
        # Categories refer to symbols by name, which QGIS numbers from 0.
        category = {"value": kind, "label": label, "symbol": str(number), "render": "true", "type": "string"}
        SubElement(categories, "category", category)
        fill = {"name": str(number), "type": "fill", "alpha": "0.8", "clip_to_extent": "1"}
        symbol = SubElement(symbols, "symbol", fill)
        layer = SubElement(symbol, "layer", {"class": "SimpleFill", "enabled": "1", "locked": "0", "pass": "0"})
        add_options(layer, {"color": f"{colour},255", "outline_style": "no", "style": style})
    return renderer


def change_qml() -> str:
    """Return the style file of a layer of gain and loss."""
    root = Element("qgis", {"version": WRITTEN_FOR, "styleCategories": "Symbology"})
    root.append(change_renderer())
    add_element(root, "layerGeometryType", "2")
    return xml_text(root)
