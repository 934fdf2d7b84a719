"""``trend.json`` and ``alerts.csv``: what the finished series tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple
from pathlib import Path
from typing import Any

from icepipe.config.measure import Measure
from icepipe.flags import EXCLUDING
from icepipe.measure.trends.alerts import ALERT_COLUMNS, AlertRow
from icepipe.measure.trends.mann_kendall import CONFIDENCE
from icepipe.measure.trends.summary import AreaTrend
from icepipe.publish.run_folder.paths import RunPaths
from icepipe.publish.tables.csv_json import write_csv
from icepipe.storage.json_document import write_json


def _json(value: Any) -> Any:  # noqa: ANN401
    """JSON values: 12 significant digits as in the series, ``class`` for ``class_``."""
    if isinstance(value, float):
        return float(f"{value:.12g}")
    if isinstance(value, Mapping):
        return {key.rstrip("_"): _json(item) for key, item in value.items()}
    return [_json(item) for item in value] if isinstance(value, list | tuple) else value


def trend_document(trends: Sequence[AreaTrend], measure: Measure) -> dict[str, Any]:
    """Trends of every region and class, and what they were asked for, as JSON values."""
    return {
        "area": "area_est_km2",
        "season": list(measure.season) if measure.season else None,
        "confidence": CONFIDENCE,
        "left_out_for": ["area_not_known", *EXCLUDING],
        "series": [_json(asdict(trend)) for trend in trends],
    }


def alert_documents(alerts: Sequence[AlertRow]) -> list[dict[str, Any]]:
    """Alerts as JSON values, by the columns of the table."""
    return [dict(zip(ALERT_COLUMNS, _json(astuple(alert)), strict=True)) for alert in alerts]


def write_alerts(folder: Path, alerts: Sequence[AlertRow] | None) -> None:
    """Write ``alerts.csv``, with nothing but its header where nothing happened; drop it where none are asked for."""
    target = RunPaths(folder).alerts
    if alerts is None:
        target.unlink(missing_ok=True)
        return
    write_csv(target, ALERT_COLUMNS, (document.values() for document in alert_documents(alerts)))


def write_trends(folder: Path, document: Mapping[str, Any], alerts: Sequence[AlertRow] | None) -> None:
    """Write ``trend.json`` and, where alerts are asked for, ``alerts.csv``."""
    write_json(RunPaths(folder).trend, document)
    write_alerts(folder, alerts)
