"""The compiled part of true area."""

from __future__ import annotations

from icepipe.compiled import compiled
from icepipe.records import Float64, Int64


@compiled
def weighted_columns(rows: Float64, first: Int64, weight: Float64, out: Float64) -> None:
    """Sum of four neighbouring columns of ``rows``, each column of ``out`` by weights of its own.

    Shapes: ``rows`` (rows, nodes), ``first`` (columns,), ``weight`` (4, columns), ``out`` (rows, columns).
    """
    for row in range(out.shape[0]):
        for col in range(out.shape[1]):
            start, total = first[col], 0.0
            for i in range(4):
                total += weight[i, col] * rows[row, start + i]
            out[row, col] = total
