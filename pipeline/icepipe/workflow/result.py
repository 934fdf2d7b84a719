"""What a run gave, for programs and notebooks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from icepipe.errors import InputError
from icepipe.measure.area.series import COLUMNS, Row
from icepipe.measure.trends.alerts import AlertRow
from icepipe.measure.trends.summary import AreaTrend
from icepipe.segment.model import Model

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from icepipe.publish.images.figure import Plot


@dataclass(frozen=True, kw_only=True)
class Findings:
    """The part of a result that the ledger keeps for a run that finds nothing new.

    Attributes
    ----------
    rows
        The series: what was done now, and what earlier runs left.
    model
        The named clusters; None where every observation has its own.
    notes
        What a reader should know, in sentences.
    trends
        How ice and water of every region changed.
    alerts
        What happened, or None where no alerts are asked for.
    """

    rows: tuple[Row, ...]
    model: Model | None
    notes: tuple[str, ...]
    trends: tuple[AreaTrend, ...]
    alerts: tuple[AlertRow, ...] | None


@dataclass(frozen=True, kw_only=True)
class RunResult(Findings):
    """What a run gave; a notebook shows it as a table.

    Attributes
    ----------
    folder
        Where it was written.
    faults
        What failed, each with its reason; the rest is published.
    """

    folder: Path
    faults: tuple[InputError, ...]

    def plot(self, observation: str | None = None) -> Plot:
        """A matplotlib figure: areas over time with bounds, or what one observation showed and what it was called.

        Parameters
        ----------
        observation
            Its key, as in the column ``date`` of the series.

        Raises
        ------
        ConfigError
            If there is no such observation.
        IntegrityError
            If a published file cannot be read.
        """
        from icepipe.publish.report.notebook import draw_observation, draw_run

        return draw_run(self.folder) if observation is None else draw_observation(self.folder, observation)

    def to_geodataframe(self, *classes: str) -> gpd.GeoDataFrame:
        """Published polygons of all observations, with their fields and the key of the observation.

        Parameters
        ----------
        classes
            ``ice``, ``water`` or ``other``; all that were published where none is given.

        Raises
        ------
        ConfigError
            If there are no polygons of one.
        IntegrityError
            If a published file cannot be read.
        """
        from icepipe.publish.report.notebook import published_polygons

        return published_polygons(self.folder, classes)

    def to_dataframe(self) -> pd.DataFrame:
        """The series, a row a region, observation and class; areas that are not known are missing."""
        import pandas as pd

        frame = pd.DataFrame.from_records([row.cells for row in self.rows], columns=COLUMNS)
        areas = [name for name in COLUMNS if name.endswith("_km2")]
        return frame.astype(dict.fromkeys(areas, "float64") | dict.fromkeys(("n_pixels", "n_polygons"), "Int64"))

    def _repr_html_(self) -> str:
        from icepipe.publish.report.notebook import run_html

        failed = [f"failed: {fault}" for fault in self.faults]
        return run_html(self.folder, self.rows, [*self.notes, *failed])
