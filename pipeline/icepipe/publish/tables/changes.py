"""The table of changes between consecutive observations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from icepipe.inputs.observation_key import ObservationKey
from icepipe.measure.change.transitions import ChangeTable
from icepipe.publish.run_folder.paths import RunPaths
from icepipe.publish.tables.csv_json import write_csv

COLUMNS = ("region", "from_date", "to_date", "from_class", "to_class", "area_km2", "n_pixels")


def _rows(
    region: str, pairs: Mapping[tuple[ObservationKey, ObservationKey], ChangeTable]
) -> Iterator[tuple[object, ...]]:
    for (before, after), change in pairs.items():
        for one in change.transitions:
            measured = (one.units * change.unit_m2 / 1e6, one.n_pixels) if change.is_known(one) else (None, None)
            yield region, before, after, one.before.label, one.after.label, *measured


def write_change_table(
    folder: Path, region: str, pairs: Mapping[tuple[ObservationKey, ObservationKey], ChangeTable]
) -> None:
    """Write ``change.csv``: for every pair of observations, what was each class and what it is (12 digits)."""
    write_csv(RunPaths(folder).changes, COLUMNS, _rows(region, pairs))
