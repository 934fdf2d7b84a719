"""A drawing that can be saved, and that a notebook shows. Matplotlib takes long to load: imported when it is needed."""

from __future__ import annotations

import io

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

DPI = 100


class Plot(Figure):
    """A matplotlib figure that belongs to no window.

    Parameters
    ----------
    width_in, height_in
        Its size in inches of 100 pixels.
    layout
        Matplotlib's layout engine, or None for places that are given.
    """

    def __init__(self, width_in: float, height_in: float, layout: str | None = None) -> None:
        super().__init__(figsize=(width_in, height_in), dpi=DPI, facecolor="white", layout=layout)  # type: ignore[arg-type]
        FigureCanvasAgg(self)

    def _repr_png_(self) -> bytes:
        """What a notebook shows of it, without any set-up."""
        held = io.BytesIO()
        self.savefig(held, format="png", metadata={"Software": None})
        return held.getvalue()
