"""Trends of the series and alerts: ``trend.json`` and ``alerts.csv``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple
from pathlib import Path
from typing import Any

from icepipe.config.measure import Measure
from icepipe.flags import EXCLUDING_FLAGS
from icepipe.measure.trends.alerts import ALERT_COLUMNS, AlertRow
from icepipe.measure.trends.mann_kendall import CONFIDENCE
from icepipe.measure.trends.summary import AreaTrend
from icepipe.measure.trends.time_series import AREA_NOT_KNOWN, SURFACE_NOT_KNOWN
from icepipe.publish.run_folder.paths import RunPaths
from icepipe.publish.tables.writers import write_csv
from icepipe.storage.json_document import write_json


def json_values(value: Any) -> Any:  # noqa: ANN401
    """Return values for JSON: floats with 12 significant digits as in the series, key ``class`` for ``class_``."""
    if isinstance(value, float):
        return float(f"{value:.12g}")
    if isinstance(value, Mapping):
        return {key.rstrip("_"): json_values(item) for key, item in value.items()}
    # Tuples become lists, which is what they are when the document is read back.
    return [json_values(item) for item in value] if isinstance(value, list | tuple) else value


def trend_document(trends: Sequence[AreaTrend], measure: Measure) -> dict[str, Any]:
    """Return ``trend.json`` as JSON values: the trend of every region and class, and how it was computed.

    ``area`` and ``other`` are the columns of the series that the values are from; None for a series without any row.
    """
    quantity = next((trend.quantity for trend in trends), None)
    return {
        "area": quantity.estimate_column if quantity else None,
        "other": quantity.other.estimate_column if quantity else None,
        "season": list(measure.season) if measure.season else None,
        "confidence": CONFIDENCE,
        "left_out_for": [AREA_NOT_KNOWN, SURFACE_NOT_KNOWN, *EXCLUDING_FLAGS],
        "series": [json_values(asdict(trend)) for trend in trends],
    }


def alert_documents(alerts: Sequence[AlertRow]) -> list[dict[str, Any]]:
    """Return alerts as JSON values, by the columns of the table."""
    return [dict(zip(ALERT_COLUMNS, json_values(astuple(alert)), strict=True)) for alert in alerts]


def write_trends(folder: Path, document: Mapping[str, Any], alerts: Sequence[AlertRow] | None) -> None:
    """Write ``trend.json`` and ``alerts.csv``; remove ``alerts.csv`` if alerts are None (not configured)."""
    paths = RunPaths(folder)
    write_json(paths.trend, document)
    if alerts is None:
        paths.alerts.unlink(missing_ok=True)
    else:
        # A table with only its header says that alerts are configured and that none occurred.
        write_csv(paths.alerts, ALERT_COLUMNS, (row.values() for row in alert_documents(alerts)))
