"""A picture in k colours, told to people and to programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from icepipe.arrays import Float64
from icepipe.picture.run import PictureResult
from icepipe.publish.tables.text import aligned

DIGITS = 4
"""Of colours and errors in documents."""


def _rounded(values: Float64) -> list[list[float]]:
    return [[round(float(value), DIGITS) for value in row] for row in values]


def _clusters(made: PictureResult) -> list[dict[str, Any]]:
    palette, found = made.palette, made.found
    return [
        {
            "number": number,
            "hex": palette.hexes[number - 1],
            "colour": palette.colours[number - 1].tolist(),
            "centroid": _rounded(found.centroids)[number - 1],
            "pixels": int(palette.pixels[number - 1]),
            "share_percent": float(palette.percent[number - 1]),
        }
        for number in range(1, len(palette.hexes) + 1)
    ]


def _pick(made: PictureResult) -> dict[str, Any] | None:
    picked = made.pick
    if picked is None:
        return None
    told: dict[str, Any] = {
        "number": picked.number,
        "hex": made.palette.hexes[picked.number - 1],
        "pixels": picked.pixels,
        "share_percent": float(made.palette.percent[picked.number - 1]),
    }
    if picked.layer is not None:
        told |= {"area_km2": picked.area_km2, "n_polygons": len(picked.layer.n_px)}
    return told


def document(made: PictureResult) -> dict[str, Any]:
    """Everything about it, for programs."""
    found, elbow, rows_cols = made.found, made.elbow, made.picture.valid.shape
    return {
        "image": made.picture.path.name,
        "format": made.picture.kind,
        "depth": made.picture.depth,
        "width": rows_cols[1],
        "height": rows_cols[0],
        "georeferenced": made.picture.grid is not None,
        "pixels": int(found.counts.sum()),
        "hidden_pixels": int(made.picture.valid.size - found.counts.sum()),
        "k": len(found.counts),
        "k_asked": made.asked.k or "auto",
        "method": found.method,
        "seed": found.seed,
        "iterations": len(found.history),
        "max_iterations": made.max_iterations,
        "converged": found.converged,
        "clusters": _clusters(made),
        "inertia": round(found.inertia, DIGITS),
        "mean_colour_error": round(made.mean_colour_error, DIGITS),
        "elbow": None
        if elbow is None
        else {"k": elbow.k, "reason": elbow.reason, "mean_squared": [round(v, DIGITS) for v in elbow.mean_squared]},
        "sweep": [
            {
                "k": one.k,
                "mean_colour_error": round(one.mean_colour_error, DIGITS),
                "inertia": round(one.inertia, DIGITS),
            }
            for one in made.swept
        ],
        "pick": _pick(made),
        "start": _rounded(found.start),
        "history": [
            {"centroids": _rounded(one.centroids), "moved": round(one.moved, DIGITS), "counts": one.counts.tolist()}
            for one in found.history
        ],
        "notes": list(made.picture.notes),
        "files": list(made.files),
    }


def _pick_line(made: PictureResult) -> Iterator[str]:
    picked = made.pick
    if picked is None:
        return
    line = f"picked {made.palette.line(picked.number)}, {picked.pixels:,} px"
    if picked.layer is None:
        yield f"{line}; no km2: {made.picture.unplaced or 'the picture has no georeference'}"
        return
    count = len(picked.layer.n_px)
    yield f"{line}, {picked.area_km2:,.3f} km2 in {count:,} polygon{'' if count == 1 else 's'}"


def _how(made: PictureResult) -> str:
    found = made.found
    if found.method == "minibatch":
        return f"{len(found.history)} mini-batches"
    took = f"{len(found.history)} iteration{'' if len(found.history) == 1 else 's'}"
    return f"{took} of {found.method}, {'settled' if found.converged else 'not settled'}"


def result_lines(made: PictureResult) -> Iterator[str]:
    """Palette, error, choice of k, pick and notes, for people."""
    picture, palette = made.picture, made.palette
    height, width = picture.valid.shape
    yield f"{picture.path.name}: {picture.kind}, {width} x {height} pixels, {picture.depth}"
    rows = [
        [f"  {n}", palette.hexes[n - 1], f"{palette.percent[n - 1]:.2f}%", f"{palette.pixels[n - 1]:,} px", ""]
        for n in range(1, len(palette.hexes) + 1)
    ]
    yield from aligned(rows)
    yield f"mean colour error {made.mean_colour_error:.2f} after {_how(made)}"
    if made.elbow:
        yield f"elbow at k = {made.elbow.k}: {made.elbow.reason}"
    for one in made.swept:
        yield f"k = {one.k}: mean colour error {one.mean_colour_error:.2f}"
    yield from _pick_line(made)
    yield from picture.notes
