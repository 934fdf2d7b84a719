"""The result of a run, for programs and notebooks."""

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
    """The part of a result that the ledger stores for a run that finds nothing new.

    Attributes
    ----------
    rows
        The series, with the rows of this run and of earlier runs.
    model
        The model with named clusters; None where every observation has its own.
    notes
        Sentences that a reader should know.
    trends
        Trends of ice and water in every region.
    alerts
        Alerts; None where the config asks for none.
    """

    rows: tuple[Row, ...]
    model: Model | None
    notes: tuple[str, ...]
    trends: tuple[AreaTrend, ...]
    alerts: tuple[AlertRow, ...] | None


@dataclass(frozen=True, kw_only=True)
class RunResult(Findings):
    """The result of a run; a notebook shows it as a table.

    Attributes
    ----------
    folder
        Folder that it was written to.
    faults
        Faults of the inputs that failed; the rest is published.
    """

    folder: Path
    faults: tuple[InputError, ...]

    def plot(self, observation: str | None = None) -> Plot:
        """Return a matplotlib figure of areas over time with bounds, or of one observation and its classes.

        Parameters
        ----------
        observation
            Key of the observation, as in the column ``date`` of the series.

        Raises
        ------
        ConfigError
            If the observation does not exist.
        IntegrityError
            If a published file cannot be read.
        """
        from icepipe.publish.report.notebook import draw_observation, draw_run

        return draw_run(self.folder) if observation is None else draw_observation(self.folder, observation)

    def to_geodataframe(self, *classes: str) -> gpd.GeoDataFrame:
        """Return the published polygons of all observations, with their fields and the key of the observation.

        Parameters
        ----------
        classes
            ``ice``, ``water`` or ``other``; all published classes if none is given.

        Raises
        ------
        ConfigError
            If a class has no published polygons.
        IntegrityError
            If a published file cannot be read.
        """
        from icepipe.publish.report.notebook import published_polygons

        return published_polygons(self.folder, classes)

    def to_dataframe(self) -> pd.DataFrame:
        """Return the series with a row for each region, observation and class; unknown areas are missing values."""
        import pandas as pd

        frame = pd.DataFrame.from_records([row.cells for row in self.rows], columns=COLUMNS)
        areas = [name for name in COLUMNS if name.endswith("_km2")]
        return frame.astype(dict.fromkeys(areas, "float64") | dict.fromkeys(("n_pixels", "n_polygons"), "Int64"))

    def _repr_html_(self) -> str:
        from icepipe.publish.report.notebook import run_html

        failed = [f"failed: {fault}" for fault in self.faults]
        return run_html(self.folder, self.rows, [*self.notes, *failed])
