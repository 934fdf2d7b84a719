"""Format samples and assessments as lines of text and as JSON values."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from icepipe.assess.allocation import required_points
from icepipe.assess.design import Design
from icepipe.assess.estimate import AssessedObservation
from icepipe.assess.estimators import CONFIDENCE, EstimateWithError
from icepipe.assess.reference_points import REFERENCE_LIST
from icepipe.publish.tables.text import align_columns

TARGET_SE = 0.01
"""Standard error of overall accuracy that the required number of points is computed for."""

AREA_TOLERANCE = 1e-6
"""Relative difference up to which two areas are equal."""


def sample_lines(design: Design, path: Path, has_chips: bool) -> list[str]:
    """Format the strata of a sample, where it was written, and the next step."""
    # align_columns() aligns the last column to the left: an empty one keeps all numbers aligned to the right.
    table = [["stratum", "km2", "pixels", "points", ""]]
    table += [[s.label, f"{s.area_km2:,.3f}", f"{s.n_pixels:,}", str(s.n_points), ""] for s in design.strata]
    no_chips = "no image chips: they need the config of the run, which names the scenes\n"
    return [
        *align_columns(table),
        f"{'' if has_chips else no_chips}Written to {path}",
        f"Write {REFERENCE_LIST} into the field reference of every point, then run `icepipe assess estimate`",
    ]


def _value_and_error(estimate: EstimateWithError | None) -> str:
    if estimate is None:
        return "no point"
    # An unknown error is not an error of zero.
    return f"{estimate.value:.3f} ± {'?' if estimate.se is None else f'{estimate.se:.3f}'}"


def error_matrix_table(assessed: AssessedObservation) -> list[list[str]]:
    """Return the cells of the error matrix with its row and column sums."""
    assessment = assessed.assessment
    lines = [["map \\ reference", *assessment.classes, "all"]]
    for label, row in zip(assessment.classes, assessment.matrix.tolist(), strict=True):
        lines.append([label, *(f"{cell:.4f}" for cell in row), f"{sum(row):.4f}"])
    sums = assessment.matrix.sum(axis=0).tolist()
    return [*lines, ["all", *(f"{cell:.4f}" for cell in sums), f"{sum(sums):.4f}"]]


def class_table(assessed: AssessedObservation) -> list[list[str]]:
    """Return the cells of the table of areas and accuracies by class."""
    table = [["class", "mapped km2", "adjusted km2", "95 % interval", "user's accuracy", "producer's accuracy", ""]]
    for accuracy, mapped_km2 in zip(assessed.assessment.by_class, assessed.mapped_km2, strict=True):
        limits = accuracy.area_km2.interval()
        table.append(
            [
                accuracy.label,
                "" if mapped_km2 is None else f"{mapped_km2:,.1f}",
                f"{accuracy.area_km2.value:,.1f}",
                "not known" if limits is None else f"{limits[0]:,.1f} .. {limits[1]:,.1f}",
                _value_and_error(accuracy.users),
                _value_and_error(accuracy.producers),
                "",
            ]
        )
    return table


def assessment_notes(assessed: AssessedObservation) -> list[str]:
    """Return caveats that a reader of the estimates should know, and the size of a sample that would do better."""
    design, assessment = assessed.design, assessed.assessment
    notes = [
        f"every point of stratum {s.label} has the same label ({s.n_points} points): up to {s.max_other_share:.1%} of "
        f"it may be something else, which is not part of any standard error"
        for s in assessment.unanimous
    ]
    if not assessed.same_map:
        notes.append(
            f"the points were drawn from another map (model {design.model}): its classes are the strata, and the "
            f"classes of this map are looked up at the points"
        )
    if abs(assessed.seen_km2 - assessment.total_km2) > AREA_TOLERANCE * assessment.total_km2:
        notes.append(
            f"this map observes {assessed.seen_km2:,.3f} km2; the points represent {assessment.total_km2:,.3f} km2"
        )
    # A hint is of use only while the error is known and larger than the target.
    se = assessment.overall.se
    if se is not None and se > TARGET_SE:
        shares = [stratum.area_km2 / assessment.total_km2 for stratum in design.strata]
        # A stratum of one pixel would divide by N - 1 = 0.
        n_pixels = [max(2, stratum.n_pixels) for stratum in design.strata]
        points = math.ceil(required_points(shares, assessed.agreement, TARGET_SE, n_pixels))
        notes.append(
            f"about {points:,} points with proportional allocation would reduce the standard error of overall "
            f"accuracy to {TARGET_SE}"
        )
    return notes


def estimate_lines(assessed: AssessedObservation) -> list[str]:
    """Format the error matrix, areas and accuracies."""
    class_map, assessment = assessed.class_map, assessed.assessment
    map_name = f"{class_map.path.name} (model {class_map.model})"
    return [
        f"{map_name}: {assessment.n_points} points for {assessment.total_km2:,.1f} km2",
        *align_columns([[*line, ""] for line in error_matrix_table(assessed)]),
        "",
        *align_columns(class_table(assessed)),
        f"overall accuracy {_value_and_error(assessment.overall)} (± one standard error)",
        *assessment_notes(assessed),
    ]


def _estimate_json(estimate: EstimateWithError | None) -> dict[str, float | None] | None:
    if estimate is None:
        return None
    low, high = estimate.interval() or (None, None)
    return {"value": estimate.value, "se": estimate.se, "low": low, "high": high}


def estimate_json(assessed: AssessedObservation, sample: Path) -> dict[str, Any]:
    """Return the estimates as JSON values; unknown values are null, areas are in km2."""
    class_map, assessment = assessed.class_map, assessed.assessment
    return {
        "sample": str(sample),
        "raster": class_map.path.name,
        "date": class_map.key,
        "model": class_map.model,
        "strata_model": assessed.design.model,
        "strata_are_the_map": assessed.same_map,
        "n_points": assessment.n_points,
        "total_km2": assessment.total_km2,
        "confidence": CONFIDENCE,
        "classes": list(assessment.classes),
        "error_matrix": assessment.matrix.tolist(),
        "overall_accuracy": _estimate_json(assessment.overall),
        "by_class": {
            accuracy.label: {
                "mapped_km2": mapped_km2,
                "area_km2": _estimate_json(accuracy.area_km2),
                "area_share": _estimate_json(accuracy.share),
                "users_accuracy": _estimate_json(accuracy.users),
                "producers_accuracy": _estimate_json(accuracy.producers),
            }
            for accuracy, mapped_km2 in zip(assessment.by_class, assessed.mapped_km2, strict=True)
        },
        "notes": assessment_notes(assessed),
    }
