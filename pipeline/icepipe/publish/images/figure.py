"""Matplotlib figures without a window. This module is imported in functions, because matplotlib is slow to load."""

from __future__ import annotations

import io

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

DPI = 100


class Plot(Figure):
    """A matplotlib figure that is saved to a file or shown by a notebook.

    Parameters
    ----------
    width_in, height_in
        Size in inches of 100 pixels.
    layout
        Layout engine of matplotlib; None if positions of axes are given.
    """

    def __init__(self, width_in: float, height_in: float, layout: str | None = None) -> None:
        super().__init__(figsize=(width_in, height_in), dpi=DPI, facecolor="white", layout=layout)  # type: ignore[arg-type]
        FigureCanvasAgg(self)

    def _repr_png_(self) -> bytes:
        """Return the PNG that a notebook shows without the inline backend."""
        buffer = io.BytesIO()
        # The version of matplotlib is not written, so that the bytes of the file depend on the figure alone.
        self.savefig(buffer, format="png", metadata={"Software": None})
        return buffer.getvalue()
