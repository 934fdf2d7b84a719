"""What the report shows, as plain values for its page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from icepipe.classes import CLASS_COLOURS, SEEN, ClassCode
from icepipe.flags import EXCLUDING
from icepipe.measure.area.series import Row, all_flags
from icepipe.publish.images.annotations import scale_bar
from icepipe.publish.report.images import MOST_PICTURED, EncodedImages
from icepipe.publish.report.published_run import PublishedRun
from icepipe.publish.report.region_outlines import region_paths
from icepipe.publish.report.text import percent, plain_number

CHARTED = (ClassCode.ICE, ClassCode.WATER, ClassCode.OTHER)
"""Classes of the chart and of the tables, in their order."""

GAMMA = 2.2
"""Rough power of the sRGB curve, as in the quicklook."""


def _area(row: Row | None) -> dict[str, str]:
    """A class's area and bounds as text; empty where it is not known."""
    if row is None:
        return {"area": "", "low": "", "high": ""}
    told = {"area": row.area_km2, "low": row.area_low_km2, "high": row.area_high_km2}
    return {name: plain_number(value) for name, value in told.items()}


def _line(date: str, rows: Mapping[str, Row]) -> dict[str, Any]:
    """A date of a region as a line of the table."""
    first = next(iter(rows.values()))
    return {
        "date": date,
        "areas": {code.label: _area(rows.get(code.label)) for code in CHARTED},
        "unknown": plain_number(first.unknown_km2),
        "seen": percent(first.valid_fraction),
        "region_km2": plain_number(first.region_km2),
        "flags": sorted(all_flags(rows.values())),
    }


def region_entries(published: PublishedRun) -> list[dict[str, Any]]:
    """Each region with a line for every date, the oldest first."""
    return [
        {"name": name, "lines": [_line(date, rows) for date, rows in published.rows_of(name).items()]}
        for name in published.regions
    ]


def _gains(rows: Sequence[Mapping[str, str]], code: ClassCode) -> dict[str, Any]:
    """Gain and loss of a class over a pair, on what was seen on both days; empty where either is not known."""
    seen = {one.label for one in SEEN}
    moved = [
        row for row in rows if {row["from_class"], row["to_class"]} <= seen and row["from_class"] != row["to_class"]
    ]
    found: dict[str, Any] = {"class": code.label}
    for name, column in (("gained", "to_class"), ("lost", "from_class")):
        areas = [row["area_km2"] for row in moved if row[column] == code.label]
        found[name] = sum(map(float, areas)) if areas and all(areas) else None
    return found


def change_entries(published: PublishedRun) -> dict[str, list[dict[str, Any]]]:
    """Gain and loss in km2 between consecutive observations, by ``from to``."""
    by_pair: dict[str, list[dict[str, str]]] = {}
    for row in published.transitions:
        by_pair.setdefault(f"{row['from_date']} {row['to_date']}", []).append(row)
    return {pair: [_gains(rows, code) for code in CHARTED] for pair, rows in by_pair.items()}


def _colour(entry: Mapping[str, Any]) -> str:
    """Colour of a cluster for the eye: natural where it has visible bands, else infrared as in the quicklook."""
    told = entry["reflectance"]
    natural = {"red", "green", "blue"} <= told.keys()
    roles = ("red", "green", "blue") if natural else ("swir1", "nir", "green")
    values = [min(1.0, max(0.0, told.get(role, 0.0))) ** (1 / GAMMA) for role in roles]
    return "#" + "".join(f"{round(255 * value):02x}" for value in values)


def cluster_entries(published: PublishedRun) -> dict[str, Any]:
    """Clusters of the newest date, each with its reason; none where classes came with the files."""
    if not published.observations:
        return {"date": "", "clusters": []}
    document = published.explanation(published.observations[-1].key)
    clusters = [
        {
            "number": entry["cluster"],
            "scene": entry.get("scene"),
            "class": entry["class"],
            "colour": _colour(entry),
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
    """Why k is what it is; None where it was given."""
    model = published.model
    if model is None or not model["k_curve"]:
        return None
    points = [
        {name: value if name == "k" else plain_number(value) for name, value in point.items()}
        for point in model["k_curve"]
    ]
    return {"asked": model["k_asked"], "fitted": model["k_fitted"], "points": points}


def _settings(value: Any, key: str = "") -> Iterator[tuple[str, str]]:  # noqa: ANN401
    """Settings by their key in the config; paths by their last part, as no page tells where a machine keeps files."""
    if isinstance(value, Mapping):
        for name, held in value.items():
            yield from _settings(held, f"{key}.{name}" if key else name)
    elif value not in (None, [], ""):
        text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        yield key, PurePath(text).name if key.endswith(".path") else text


def _made_from(published: PublishedRun) -> Iterator[tuple[str, list[str]]]:
    for key, told in published.run["observations"].items():
        yield key, [name for name, _ in sorted(told["inputs"].items())]


def provenance_entries(published: PublishedRun) -> dict[str, Any]:
    """Where the numbers come from."""
    run = published.run
    digests = {"config": run["config_hash"], "basis": run["basis_hash"], "model": run["model_hash"] or ""}
    return {
        "surface": run["areas_measured_on"],
        "digests": {name: digest for name, digest in digests.items() if digest},
        "settings": [*_settings(run["config"]), ("segment.fit", run["fit"])],
        "versions": run["versions"],
        "inputs": list(_made_from(published)),
    }


def _classes() -> list[dict[str, Any]]:
    return [
        {"code": int(code), "name": code.label, "colour": list(colour)}
        for code, colour in CLASS_COLOURS.items()
        if code is not ClassCode.OUTSIDE
    ]


def shown_classes(published: PublishedRun) -> list[dict[str, Any]]:
    """Classes that any date has pixels of, for the legend."""
    there = {row.class_ for row in published.rows if row.n_pixels}
    return [entry for entry in _classes() if entry["name"] in there or entry["name"] in {"water", "ice"}]


def observation_entries(published: PublishedRun, drawn: Sequence[EncodedImages]) -> list[dict[str, str]]:
    """Every observation with its time and its pictures; empty where it has none."""
    pictures = {one.key: one for one in drawn}
    return [
        {
            "key": shown.key,
            "start": shown.start,
            "classes": pictures[shown.key].classes if shown.key in pictures else "",
            "picture": pictures[shown.key].picture if shown.key in pictures else "",
        }
        for shown in published.observations
    ]


def script_data(published: PublishedRun) -> dict[str, Any]:
    """What the page's script works on, but for the observations."""
    return {
        "series": published.series_csv,
        "charted": [code.label for code in CHARTED],
        "unusable": list(EXCLUDING),
        "classes": _classes(),
        "changes": change_entries(published),
    }


def page_values(published: PublishedRun) -> dict[str, Any]:
    """What the page's text is made from."""
    part, label = scale_bar(published.grid)
    return {
        "name": published.name,
        "regions": region_entries(published),
        "outlines": region_paths(published.basis, published.has_named_regions),
        "charted": [code.label for code in CHARTED],
        "classes": _classes(),
        "legend": shown_classes(published),
        "meanings": {flag: flag.meaning for flag in sorted(all_flags(published.rows))},
        "clusters": cluster_entries(published),
        "k_curve": k_curve_entry(published),
        "failed": published.run["failed"],
        "notes": published.run["notes"],
        "provenance": provenance_entries(published),
        "most_pictured": MOST_PICTURED,
        "has_pictures": any(shown.picture for shown in published.observations),
        "scale": {"percent": f"{100 * part:.3f}", "label": label},
        "aspect": f"{published.grid.width} / {published.grid.height}",
        "narrow_map": published.grid.height > 1.2 * published.grid.width,
    }
