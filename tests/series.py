"""Make series for tests of trends and alerts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable

from icepipe.flags import parse_flags
from icepipe.inputs.observation_key import ObservationKey
from icepipe.measure.area.series import Row
from icepipe.measure.trends.time_series import Point


def daily(
    values: Iterable[tuple[str, float | None]],
    class_: str = "ice",
    region: str = "bay",
    flags: str = "",
    sensor: str = "rgb",
    share: float | None = None,
) -> list[Row]:
    """Return rows of a series from pairs of observation key and area (None if unknown), with flags as in a table.

    ``share`` is the surface as a share of the pixel area; None for rows without a surface, as of class rasters.
    """
    return [
        Row(
            region=region,
            date=ObservationKey(date),
            sensor=sensor,
            class_=class_,
            area_km2=value,
            area_low_km2=value,
            area_high_km2=value,
            unknown_km2=0.0,
            area_est_km2=value,
            weighted_km2=None if value is None or share is None else share * value,
            weighted_est_km2=None if value is None or share is None else share * value,
            region_km2=10_000.0,
            valid_fraction=1.0,
            edge_km2=None,
            planar_km2=None,
            n_pixels=None,
            n_polygons=None,
            n_scenes=1,
            prefer="first",
            flags=parse_flags(flags),
            model="m",
            config_hash="c",
        )
        for date, value in values
    ]


def yearly(pairs: Iterable[tuple[float, float]], sensor: Callable[[int], str] = lambda _year: "rgb") -> list[Point]:
    """Return one point in every September, from pairs of year and area."""
    return [Point(str(int(y)), dt.date(int(y), 9, 15), float(y), float(v), 1, sensor(int(y))) for y, v in pairs]
