"""Format a segmented picture as lines of text and as the document `palette.json`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from icepipe.arrays import Float64
from icepipe.picture.run import PictureResult
from icepipe.publish.tables.text import align_columns

DIGITS = 4
"""Decimal places of colours and errors in the document."""


def _rounded(values: Float64) -> list[list[float]]:
    return [[round(float(value), DIGITS) for value in row] for row in values]


def cluster_rows(result: PictureResult) -> list[dict[str, Any]]:
    """Return the clusters as JSON values, in the order of the palette."""
    palette, centroids = result.palette, _rounded(result.segmented.centroids)
    return [
        {
            "number": number,
            "hex": palette.hexes[number - 1],
            "colour": palette.colours[number - 1].tolist(),
            "centroid": centroids[number - 1],
            "pixels": int(palette.pixels[number - 1]),
            "share_percent": float(palette.percent[number - 1]),
        }
        for number in range(1, len(palette.hexes) + 1)
    ]


def pick_json(result: PictureResult) -> dict[str, Any] | None:
    """Return the isolated cluster as JSON values; areas only if the picture is georeferenced."""
    cluster = result.pick
    if cluster is None:
        return None
    values: dict[str, Any] = {
        "number": cluster.number,
        "hex": result.palette.hexes[cluster.number - 1],
        "pixels": cluster.pixels,
        "share_percent": float(result.palette.percent[cluster.number - 1]),
    }
    if cluster.layer is not None:
        values |= {"area_km2": cluster.area_km2, "n_polygons": len(cluster.layer.n_px)}
    return values


def document(result: PictureResult) -> dict[str, Any]:
    """Return the whole result as JSON values."""
    picture, segmented, elbow = result.picture, result.segmented, result.elbow
    height, width = picture.valid.shape
    return {
        "image": picture.path.name,
        "format": picture.kind,
        "depth": picture.depth,
        "width": width,
        "height": height,
        "georeferenced": picture.grid is not None,
        "pixels": int(segmented.counts.sum()),
        "hidden_pixels": int(picture.valid.size - segmented.counts.sum()),
        "k": len(segmented.counts),
        "k_asked": result.options.k or "auto",
        "method": segmented.method,
        "seed": segmented.seed,
        "iterations": len(segmented.history),
        "max_iterations": result.max_iterations,
        "converged": segmented.converged,
        "clusters": cluster_rows(result),
        "inertia": round(segmented.inertia, DIGITS),
        "mean_colour_error": round(result.mean_colour_error, DIGITS),
        "elbow": None
        if elbow is None
        else {"k": elbow.k, "reason": elbow.reason, "mean_squared": [round(v, DIGITS) for v in elbow.mean_squared]},
        "sweep": [
            {"k": s.k, "mean_colour_error": round(s.mean_colour_error, DIGITS), "inertia": round(s.inertia, DIGITS)}
            for s in result.swept
        ],
        "pick": pick_json(result),
        "start": _rounded(segmented.start),
        "history": [
            {"centroids": _rounded(i.centroids), "moved": round(i.moved, DIGITS), "counts": i.counts.tolist()}
            for i in segmented.history
        ],
        "notes": list(picture.notes),
        "files": list(result.files),
    }


def pick_line(result: PictureResult) -> str:
    """Format the isolated cluster, with its area or the reason why it has none; "" if there is none."""
    cluster = result.pick
    if cluster is None:
        return ""
    line = f"picked {result.palette.line(cluster.number)}, {cluster.pixels:,} px"
    if cluster.layer is None:
        return f"{line}; no km2: {result.picture.georeference_problem or 'the picture has no georeference'}"
    count = len(cluster.layer.n_px)
    return f"{line}, {cluster.area_km2:,.3f} km2 in {count:,} polygon{'' if count == 1 else 's'}"


def iterations_text(result: PictureResult) -> str:
    """Format the number of iterations, the method and its convergence."""
    segmented, count = result.segmented, len(result.segmented.history)
    if segmented.method == "minibatch":
        # Mini-batches have no criterion of convergence: the method always takes all of them.
        return f"{count} mini-batches"
    converged = "converged" if segmented.converged else "not converged"
    return f"{count} iteration{'' if count == 1 else 's'} of {segmented.method}, {converged}"


def result_lines(result: PictureResult) -> Iterator[str]:
    """Format the palette, errors, elbow, isolated cluster and notes."""
    picture, palette = result.picture, result.palette
    height, width = picture.valid.shape
    yield f"{picture.path.name}: {picture.kind}, {width} x {height} pixels, {picture.depth}"
    # Numbers are printed from 1; labels in arrays and notebooks count from 0.
    yield from align_columns(
        [
            [f"  {n}", palette.hexes[n - 1], f"{palette.percent[n - 1]:.2f}%", f"{palette.pixels[n - 1]:,} px", ""]
            for n in range(1, len(palette.hexes) + 1)
        ]
    )
    yield f"mean colour error {result.mean_colour_error:.2f} after {iterations_text(result)}"
    if result.elbow:
        yield f"elbow at k = {result.elbow.k}: {result.elbow.reason}"
    for swept in result.swept:
        yield f"k = {swept.k}: mean colour error {swept.mean_colour_error:.2f}"
    if result.pick:
        yield pick_line(result)
    yield from picture.notes
