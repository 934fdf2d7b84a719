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
