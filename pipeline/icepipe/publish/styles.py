"""QGIS styles from the one table of class colours."""

from __future__ import annotations

from icepipe.classes import CLASS_COLOURS, ClassCode

_QML = """<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>
<qgis version="3.22" styleCategories="Symbology">
  <renderer-v2 type="singleSymbol" symbollevels="0" enableorderby="0" forceraster="0">
    <symbols>
      <symbol name="0" type="fill" alpha="0.8" clip_to_extent="1" force_rhr="0">
        <layer class="SimpleFill" enabled="1" locked="0" pass="0">
          <Option type="Map">
            <Option name="color" type="QString" value="{fill}"/>
            <Option name="outline_color" type="QString" value="{outline}"/>
            <Option name="outline_style" type="QString" value="solid"/>
            <Option name="outline_width" type="QString" value="0.1"/>
            <Option name="outline_width_unit" type="QString" value="MM"/>
            <Option name="style" type="QString" value="solid"/>
          </Option>
        </layer>
      </symbol>
    </symbols>
  </renderer-v2>
  <layerGeometryType>2</layerGeometryType>
</qgis>
"""


def polygon_qml(code: ClassCode) -> str:
    """QGIS style of a polygon layer: the class's colour with a darker outline."""
    red, green, blue = CLASS_COLOURS[code]
    return _QML.format(fill=f"{red},{green},{blue},255", outline=f"{red // 2},{green // 2},{blue // 2},255")


_CHANGE_QML = """<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>
<qgis version="3.22" styleCategories="Symbology">
  <renderer-v2 type="categorizedSymbol" attr="change" symbollevels="0" enableorderby="0" forceraster="0">
    <categories>
{categories}
    </categories>
    <symbols>
{symbols}
    </symbols>
  </renderer-v2>
  <layerGeometryType>2</layerGeometryType>
</qgis>
"""

_CATEGORY = '      <category value="{kind}" label="{label}" symbol="{i}" render="true" type="string"/>'

_SYMBOL = """      <symbol name="{i}" type="fill" alpha="0.8" clip_to_extent="1" force_rhr="0">
        <layer class="SimpleFill" enabled="1" locked="0" pass="0">
          <Option type="Map">
            <Option name="color" type="QString" value="{colour},255"/>
            <Option name="outline_style" type="QString" value="no"/>
            <Option name="style" type="QString" value="{style}"/>
          </Option>
        </layer>
      </symbol>"""

CHANGE_STYLES = {
    "ice_gain": ("ice gained", "0,119,187", "solid"),
    "ice_loss": ("ice lost", "204,51,17", "solid"),
    "water_gain": ("water gained", "0,0,0", "f_diagonal"),
    "water_loss": ("water lost", "0,0,0", "b_diagonal"),
}
"""Name, colour and fill of each kind of change. Ice that became water is both: the one is a colour, the other lines."""


def change_qml() -> str:
    """QGIS style of a layer of gain and loss, by its field ``change``."""
    kinds = enumerate(CHANGE_STYLES.items())
    parts = [
        (_CATEGORY.format(kind=kind, label=label, i=i), _SYMBOL.format(i=i, colour=colour, style=style))
        for i, (kind, (label, colour, style)) in kinds
    ]
    categories, symbols = ("\n".join(lines) for lines in zip(*parts, strict=True))
    return _CHANGE_QML.format(categories=categories, symbols=symbols)
