"""Table of sensors: keys of the config, and recognition of product names."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from icepipe.config.inputs import Inputs
from icepipe.inputs.products.bands import measured_sensor
from icepipe.inputs.products.dates import dates_in_name
from icepipe.inputs.products.quality import is_quality
from icepipe.inputs.products.sensors import platform_in_name, with_roles
from icepipe.segment.rules import RULE_SETS
from icepipe.sensors.sensor import BANDS, CLASSES
from icepipe.sensors.table import PRODUCTS, QUALITIES, ROLE_NAMES, SENSORS


def accepted(**inputs) -> bool:
    try:
        Inputs.model_validate({"scenes": "tiles"} | inputs)
    except ValidationError:
        return False
    return True


def test_a_config_can_name_every_sensor_of_the_table_and_no_other():
    classes = {"classes": {"1": "ice"}}
    named = {key for key in SENSORS if accepted(sensor=key, **(classes if key == CLASSES else {}))}
    assert named == SENSORS.keys() - {BANDS}
    assert not accepted(sensor="landsat-mss")


def test_a_config_can_name_every_quality_raster_of_the_table_and_no_other():
    assert all(accepted(cloud={"quality": key}) for key in QUALITIES)
    assert not accepted(cloud={"quality": "landsat-c3"})


@pytest.mark.parametrize("sensor", [s for s in SENSORS.values() if s.key != CLASSES], ids=lambda s: s.key)
def test_a_row_names_roles_and_rules_that_there_are(sensor):
    assert sensor.rule_set in RULE_SETS
    assert set(sensor.roles) <= ROLE_NAMES.keys()
    assert set(sensor.band_roles.values()) | set(sensor.file_roles) <= set(sensor.roles)
    if sensor.stretch is None:
        assert with_roles(sensor, sensor.roles) == sensor


def test_products_name_sensors_of_the_table():
    named = {key for product in PRODUCTS for _, key in product.sensors}
    named |= {picture.sensor for product in PRODUCTS for picture in product.pictures}
    assert named <= SENSORS.keys()


def test_default_words_of_a_quality_raster_are_among_its_words():
    for kind in QUALITIES.values():
        assert set(kind.default) <= kind.hides.keys()
        assert all(is_quality(Path(f"product_{ending}.tif")) for ending in kind.endings)


@pytest.mark.parametrize(
    ("name", "sensor", "platform"),
    [
        ("LT52240631988227CUB02_B3.TIF", "landsat-tm", "landsat-5"),
        ("LT05_L2SP_224063_19880814_20200917_02_T1_SR_B3.TIF", "landsat-tm", "landsat-5"),
        ("LE07_L1TP_224063_20000814_20200917_02_T1_B3.TIF", "landsat-etm", "landsat-7"),
        ("LC08_L2SP_233009_20210704_20210902_02_T1_SR_B2.TIF", "landsat-oli", "landsat-8"),
        ("LC09_L2SP_233009_20220704_20220902_02_T1_SR_B2.TIF", "landsat-oli", "landsat-9"),
        ("S2A_MSIL1C_20220413T150759_N0400_R025_T33XWJ_20220414T082126.SAFE", "sentinel2-l1c", "sentinel-2a"),
        ("S2C_MSIL2A_20250413T150759_N0511_R025_T33XWJ_20250414T082126.SAFE", "sentinel2-l2a", "sentinel-2c"),
        ("20220501_184030_12_2480_3B_AnalyticMS_SR.tif", "planetscope-4", ""),
        ("20220501_184030_12_2480_3B_AnalyticMS_SR_harmonized.tif", "planetscope-4", ""),
        ("20220501_184030_12_2480_3B_AnalyticMS_SR_clip.tif", "planetscope-4", ""),
        ("20220501_184030_12_2480_3B_AnalyticMS_SR_harmonized_clip.tif", "planetscope-4", ""),
        ("20170501_184030_0c60_3B_AnalyticMS_SR.tif", "planetscope-4", ""),
        ("20220501_184030_12_2480_3B_AnalyticMS_SR_8b.tif", BANDS, ""),
        ("20220501_184030_12_2480_3B_AnalyticMS.tif", BANDS, ""),
        ("20220501_184030_12_2480_3B_udm2.tif", BANDS, ""),
        ("S2A_20220413_on_LC08_grid.tif", BANDS, "sentinel-2a"),
        ("terra_20220413_on_S2A_grid.tif", BANDS, "terra"),
        ("bay_20220501_184030.tif", BANDS, ""),
    ],
)
def test_a_product_name_tells_sensor_and_satellite(name, sensor, platform):
    assert (measured_sensor(Path("tiles") / name, "auto").key, platform_in_name(name)) == (sensor, platform)


@pytest.mark.parametrize("ending", ["AnalyticMS_SR", "AnalyticMS_SR_harmonized", "AnalyticMS_SR_clip"])
def test_a_planetscope_name_begins_with_its_day_and_time(ending):
    name = f"20220501_184030_12_2480_3B_{ending}"
    assert dates_in_name(name) == [(dt.date(2022, 5, 1), dt.time(18, 40, 30))]
    assert dates_in_name(f"{name}_cut_20230101") == [(dt.date(2022, 5, 1), dt.time(18, 40, 30))]


def test_date_patterns_have_a_day():
    patterns = [pattern for product in PRODUCTS for pattern in product.dates]
    assert all(re.search(r"\(\?P<(ymd|yj)>", pattern.pattern) for pattern in patterns)
