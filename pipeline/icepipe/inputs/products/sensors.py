"""Sensor and satellite of a product by its name, and a sensor with the bands that are there."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from icepipe.sensors.sensor import Sensor
from icepipe.sensors.table import PRODUCTS, ROLE_NAMES, SENSORS


def with_roles(sensor: Sensor, roles: Collection[str]) -> Sensor | None:
    """A measured sensor that has these roles alone, with the rule set that fits them; None where none does."""
    held = tuple(role for role in ROLE_NAMES if role in roles)
    for rule_set, needed in (
        ("multispectral", {"blue", "green", "red", "nir", "swir1"}),
        ("near-infrared", {"blue", "green", "red", "nir"}),
        ("green-nir-swir", {"green", "nir", "swir1"}),
        ("visible", {"blue", "green", "red"}),
    ):
        if needed <= set(held):
            return replace(sensor, roles=held, rule_set=rule_set)
    return None


def sensor_for_product(name: str) -> Sensor | None:
    """Sensor told by a product's name, or None."""
    known = (pair for product in PRODUCTS for pair in product.sensors)
    return next((SENSORS[key] for pattern, key in known if pattern.search(name)), None)


def sensor_for_picture(path: Path) -> Sensor:
    """Sensor told by the names of a picture and its folder; ``rgb`` where none is."""
    place = f"{path.parent.name}/{path.name}"
    for picture in (picture for product in PRODUCTS for picture in product.pictures):
        if picture.name.search(path.name) and (picture.place is None or picture.place.search(place)):
            return SENSORS[picture.sensor]
    return SENSORS["rgb"]


def platform_in_name(name: str) -> str:
    """Satellite told by a file or folder name; an empty string where none is."""
    known = (pair for product in PRODUCTS for pair in product.platforms)
    return next((platform for pattern, platform in known if pattern.search(name)), "")
