"""Values of the report page, as JSON values for its template and its script."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from icepipe.classes import CLASS_COLOURS, SEEN, ClassCode
from icepipe.flags import EXCLUDING_FLAGS
from icepipe.measure.area.quantity import Quantity
from icepipe.measure.area.series import Row, all_flags
from icepipe.publish.images.annotations import scale_bar
from icepipe.publish.report.images import MOST_PICTURED, EncodedImages
from icepipe.publish.report.published_run import PublishedRun
from icepipe.publish.report.region_outlines import region_paths

CHARTED = (ClassCode.ICE, ClassCode.WATER, ClassCode.OTHER)
"""Classes of the chart and of the tables, in order."""

COMPARED = ("ice", "water")
"""Classes whose surface and pixel area are both on the page; the series has those of all classes."""

GAMMA = 2.2
"""Power that approximates the sRGB curve, as in the quicklook."""

DIGITS, MOST_DECIMALS = 6, 3
"""Significant digits and decimals of numbers on the page."""


def plain_number(value: float | None) -> str:
    """Return six significant digits with at most three decimals and no exponent; empty for an unknown value."""
    if value is None:
        return ""
    size = math.floor(math.log10(abs(value))) if value else 0
    decimals = min(MOST_DECIMALS, max(0, DIGITS - 1 - size))
    return f"{value:.{decimals}f}"


def percent(fraction: float) -> str:
    """Return percents with one decimal, as in the table that a run prints."""
    return f"{100 * fraction:.1f}"


def date_line(date: str, rows: Mapping[str, Row], quantity: Quantity) -> dict[str, Any]:
    """Return the line of the table for a region on a date."""
    first, areas = next(iter(rows.values())), {}
    for code in CHARTED:
        row = rows.get(code.label)
        names = ("area", "low", "high", "other")
        lead, other = (quantity.area_km2(row), quantity.other.area_km2(row)) if row else (None, None)
        values = (lead, row.area_low_km2, row.area_high_km2, other) if row else (None,) * len(names)
        areas[code.label] = dict(zip(names, map(plain_number, values), strict=True))
    others = {label: areas[label]["other"] for label in COMPARED if areas[label]["other"]}
    return {
        "date": date,
        "areas": areas,
        # Class rasters, which have no model, do not say which stages of ice they count.
        "ice": first.ice if first.model else None,
        "others": " and ".join(f"{km2} km² of {label}" for label, km2 in others.items()),
        "unknown": plain_number(first.unknown_km2),
        "seen": percent(first.valid_fraction),
        "region_km2": plain_number(first.region_km2),
        "flags": sorted(all_flags(rows.values())),
    }


def region_entries(published: PublishedRun) -> list[dict[str, Any]]:
    """Return each region with a line per date, the oldest first."""
    return [
        {
            "name": name,
            "lines": [date_line(date, rows, published.quantity) for date, rows in published.region_rows(name).items()],
        }
        for name in published.regions
    ]


def gain_and_loss(rows: Sequence[Mapping[str, str]], code: ClassCode) -> dict[str, Any]:
    """Return gain and loss of a class in km2 between two observations; None if any of their transitions is unknown."""
    # Only pixels that both observations saw count; the other transitions are from or to cloud and the like.
    seen = {seen_code.label for seen_code in SEEN}
    transitions = [
        row for row in rows if {row["from_class"], row["to_class"]} <= seen and row["from_class"] != row["to_class"]
    ]
    entry: dict[str, Any] = {"class": code.label}
    for name, column in (("gained", "to_class"), ("lost", "from_class")):
        areas = [row["area_km2"] for row in transitions if row[column] == code.label]
        # An area that is not known is an empty cell.
        entry[name] = sum(map(float, areas)) if areas and all(areas) else None
    return entry


def change_entries(published: PublishedRun) -> dict[str, list[dict[str, Any]]]:
    """Return gain and loss of each class between consecutive observations, by ``from to``."""
    by_pair: dict[str, list[dict[str, str]]] = {}
    for row in published.transitions:
        by_pair.setdefault(f"{row['from_date']} {row['to_date']}", []).append(row)
    return {pair: [gain_and_loss(rows, code) for code in CHARTED] for pair, rows in by_pair.items()}


def display_colour(reflectance: Mapping[str, float]) -> str:
    """Return the colour of a cluster: natural if it has visible bands, else the infrared bands of the quicklook."""
    natural = {"red", "green", "blue"} <= reflectance.keys()
    roles = ("red", "green", "blue") if natural else ("swir1", "nir", "green")
    # A band that the sensor lacks is drawn as 0; reflectances can exceed [0, 1] over bright or dark surfaces.
    values = [min(1.0, max(0.0, reflectance.get(role, 0.0))) ** (1 / GAMMA) for role in roles]
    return "#" + "".join(f"{round(255 * value):02x}" for value in values)


def cluster_entries(published: PublishedRun) -> dict[str, Any]:
    """Return the clusters of the newest observation with their reasons; none for class rasters."""
    if not published.observations:
        return {"date": "", "clusters": []}
    document = published.explanation(published.observations[-1].key)
    clusters = [
        {
            "number": entry["cluster"],
            "scene": entry.get("scene"),
            "class": entry["class"],
            "colour": display_colour(entry["reflectance"]),
            "share": percent(entry["share_of_seen"]),
            "area": plain_number(entry["area_km2"]),
            "margin": plain_number(entry["margin"]),
            "could_be": entry["could_be"],
            "pinned": entry["pinned"],
            "reason": entry["reason"],
        }
        for entry in document["clusters"]
    ]
    return {"date": document["date"], "model": document["model"], "clusters": clusters}


def k_curve_entry(published: PublishedRun) -> dict[str, Any] | None:
    """Return the candidates for k and the chosen one; None if k was given."""
    model = published.model
    if model is None or not model["k_curve"]:
        return None
    points = [
        {name: value if name == "k" else plain_number(value) for name, value in point.items()}
        for point in model["k_curve"]
    ]
    return {"asked": model["k_asked"], "fitted": model["k_fitted"], "points": points}


def flat_settings(value: Any, key: str = "") -> Iterator[tuple[str, str]]:  # noqa: ANN401
    """Yield the settings of a config by their dotted key; empty ones are left out."""
    if isinstance(value, Mapping):
        for name, nested in value.items():
            yield from flat_settings(nested, f"{key}.{name}" if key else name)
    elif value not in (None, [], ""):
        text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        # Only the last part of a path is shown: pages are passed on, and folders can name users and machines.
        yield key, PurePath(text).name if key.endswith(".path") else text


def provenance_entries(published: PublishedRun) -> dict[str, Any]:
    """Return digests, settings, versions and inputs of the run."""
    run = published.run
    digests = {"config": run["config_hash"], "basis": run["basis_hash"], "model": run["model_hash"] or ""}
    return {
        "surface": run["areas_measured_on"],
        "digests": {name: digest for name, digest in digests.items() if digest},
        "settings": [*flat_settings(run["config"]), ("segment.fit", run["fit"])],
        "versions": run["versions"],
        "inputs": [(key, sorted(entry["inputs"])) for key, entry in run["observations"].items()],
    }


def class_entries() -> list[dict[str, Any]]:
    """Return code, label and colour of every class within the region."""
    return [
        {"code": int(code), "name": code.label, "colour": list(colour)}
        for code, colour in CLASS_COLOURS.items()
        if code is not ClassCode.OUTSIDE
    ]


def shown_classes(published: PublishedRun) -> list[dict[str, Any]]:
    """Return the classes of the legend: ice, water, and every class that has pixels on any date."""
    labels = {row.class_ for row in published.rows if row.n_pixels} | {"water", "ice"}
    return [entry for entry in class_entries() if entry["name"] in labels]


def observation_entries(published: PublishedRun, images: Sequence[EncodedImages]) -> list[dict[str, str]]:
    """Return every observation with its time and its images, which are empty for an observation without any."""
    by_key = {encoded.key: encoded for encoded in images}
    return [
        {
            "key": observation.key,
            "start": observation.start,
            "classes": by_key[observation.key].classes if observation.key in by_key else "",
            "picture": by_key[observation.key].picture if observation.key in by_key else "",
        }
        for observation in published.observations
    ]


def quantity_entry(published: PublishedRun) -> dict[str, Any]:
    """Return names and columns of the quantity that leads, of the other, and the classes that have the other."""
    lead, other = published.quantity, published.quantity.other
    beside = {row.class_ for row in published.rows if other.area_km2(row) is not None}
    return {
        "name": lead,
        "column": lead.column,
        "other": other,
        "other_column": other.column,
        "beside": [label for label in COMPARED if label in beside],
    }


def script_data(published: PublishedRun) -> dict[str, Any]:
    """Return the values of the page's script, except the observations."""
    return {
        "series": published.series_csv,
        "charted": [code.label for code in CHARTED],
        "quantity": quantity_entry(published),
        "unusable": list(EXCLUDING_FLAGS),
        "classes": class_entries(),
        "changes": change_entries(published),
    }


def page_values(published: PublishedRun) -> dict[str, Any]:
    """Return the values of the page's template."""
    fraction, label = scale_bar(published.grid)
    return {
        "name": published.name,
        "regions": region_entries(published),
        "quantity": quantity_entry(published),
        "outlines": region_paths(published.basis, published.has_named_regions),
        "charted": [code.label for code in CHARTED],
        "classes": class_entries(),
        "legend": shown_classes(published),
        "meanings": {flag: flag.meaning for flag in sorted(all_flags(published.rows))},
        "clusters": cluster_entries(published),
        "k_curve": k_curve_entry(published),
        "failed": published.run["failed"],
        "notes": published.run["notes"],
        "provenance": provenance_entries(published),
        "most_pictured": MOST_PICTURED,
        "has_pictures": any(observation.picture for observation in published.observations),
        "scale": {"percent": f"{100 * fraction:.3f}", "label": label},
        "aspect": f"{published.grid.width} / {published.grid.height}",
    }
