"""Identify sensor and satellite by names, and adapt a sensor to the available bands."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from icepipe.sensors.sensor import Sensor
from icepipe.sensors.table import PRODUCTS, ROLE_NAMES, SENSORS


def with_roles(sensor: Sensor, roles: Collection[str]) -> Sensor | None:
    """Return a sensor restricted to these roles, with the first rule set they suffice for; None if they do not."""
    available = tuple(role for role in ROLE_NAMES if role in roles)
    # From the most specific rule set to the least.
    for rule_set, needed in (
        ("multispectral", {"blue", "green", "red", "nir", "swir1", "swir2"}),
        ("multispectral-swir1", {"blue", "green", "red", "nir", "swir1"}),
        ("near-infrared", {"blue", "green", "red", "nir"}),
        ("green-nir-swir", {"green", "nir", "swir1"}),
        ("visible", {"blue", "green", "red"}),
    ):
        if needed <= set(available):
            return replace(sensor, roles=available, rule_set=rule_set)
    return None


def sensor_for_product(name: str) -> Sensor | None:
    """Return the sensor of a product name, or None."""
    known = (pair for product in PRODUCTS for pair in product.sensors)
    return next((SENSORS[key] for pattern, key in known if pattern.search(name)), None)


def sensor_for_picture(path: Path) -> Sensor:
    """Return the sensor of a picture by the names of its file and folder; ``rgb`` if they match none."""
    name = f"{path.parent.name}/{path.name}"
    for picture in (picture for product in PRODUCTS for picture in product.pictures):
        if picture.name.search(path.name) and (picture.context is None or picture.context.search(name)):
            return SENSORS[picture.sensor]
    return SENSORS["rgb"]


def platform_in_name(name: str) -> str:
    """Return the satellite of a file or folder name; an empty string if it matches none."""
    known = (pair for product in PRODUCTS for pair in product.platforms)
    return next((platform for pattern, platform in known if pattern.search(name)), "")
