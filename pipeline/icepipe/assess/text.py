"""Samples and assessments told to people as lines of text, and to programs as plain values."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from icepipe.assess.allocation import points_needed
from icepipe.assess.design import Design
from icepipe.assess.estimate import AssessedObservation
from icepipe.assess.estimators import CONFIDENCE, ClassAccuracy, EstimateWithError
from icepipe.assess.reference_points import REFERENCES
from icepipe.publish.tables.text import aligned

TARGET_SE = 0.01
"""Standard error of overall accuracy that the number of points is told for."""

SAME_KM2 = 1e-6
"""Areas that differ by less, as a part, are one area."""


def sample_lines(design: Design, shown: Path, has_chips: bool) -> list[str]:
    """What was drawn, and what to do with it."""
    table = [["stratum", "km2", "pixels", "points", ""]]
    table += [[s.label, f"{s.area_km2:,.3f}", f"{s.n_pixels:,}", str(s.n_points), ""] for s in design.strata]
    known = " or ".join((", ".join(REFERENCES[:-1]), REFERENCES[-1]))
    look = "" if has_chips else "no image chips: an output folder does not say where the scenes are, a config does\n"
    return [
        *aligned(table),
        f"{look}Written to {shown}",
        f"Write {known} into the field reference of every point, then run `icepipe assess estimate`",
    ]


def _share(estimate: EstimateWithError | None) -> str:
    if estimate is None:
        return "no point"
    return f"{estimate.value:.3f} ± {'?' if estimate.se is None else f'{estimate.se:.3f}'}"


def _interval(estimate: EstimateWithError) -> str:
    limits = estimate.interval()
    return "not known" if limits is None else f"{limits[0]:,.1f} .. {limits[1]:,.1f}"


def _class_cells(accuracy: ClassAccuracy, mapped_km2: float | None) -> list[str]:
    return [
        accuracy.label,
        "" if mapped_km2 is None else f"{mapped_km2:,.1f}",
        f"{accuracy.area_km2.value:,.1f}",
        _interval(accuracy.area_km2),
        _share(accuracy.users),
        _share(accuracy.producers),
    ]


def _matrix_table(assessed: AssessedObservation) -> list[list[str]]:
    assessment = assessed.assessment
    lines = [["map \\ reference", *assessment.classes, "all"]]
    for label, row in zip(assessment.classes, assessment.matrix.tolist(), strict=True):
        lines.append([label, *(f"{cell:.4f}" for cell in row), f"{sum(row):.4f}"])
    sums = assessment.matrix.sum(axis=0).tolist()
    return [*lines, ["all", *(f"{cell:.4f}" for cell in sums), f"{sum(sums):.4f}"]]


def _needed(assessed: AssessedObservation) -> str | None:
    """How many points would do, where these do not."""
    se = assessed.assessment.overall.se
    if se is None or se <= TARGET_SE:
        return None
    strata = assessed.design.strata
    shares = [stratum.area_km2 / assessed.assessment.total_km2 for stratum in strata]
    count = points_needed(shares, assessed.agreement, TARGET_SE, [max(2, s.n_pixels) for s in strata])
    return (
        f"about {math.ceil(count):,} points, drawn in proportion, would bring the standard error of overall "
        f"accuracy to {TARGET_SE}"
    )


def assessment_notes(assessed: AssessedObservation) -> list[str]:
    """What a reader of the figures should know, in sentences."""
    design, total_km2 = assessed.design, assessed.assessment.total_km2
    notes = [
        f"every point of stratum {s.label} has one label ({s.n_points} points): up to {s.hidden_share:.1%} of it may "
        f"be something else, which no standard error here holds"
        for s in assessed.assessment.unanimous
    ]
    if not assessed.same_map:
        notes.append(
            f"the points were drawn from another map (model {design.model}), so its classes are the strata and this "
            f"map's are looked up at the points"
        )
    if abs(assessed.seen_km2 - total_km2) > SAME_KM2 * total_km2:
        notes.append(
            f"this map sees {assessed.seen_km2:,.3f} km2, and the points stand for {total_km2:,.3f} km2 that theirs saw"
        )
    needed = _needed(assessed)
    return [*notes, needed] if needed else notes


def estimate_lines(assessed: AssessedObservation) -> list[str]:
    """Figures for people."""
    assessment = assessed.assessment
    table = [["class", "mapped km2", "adjusted km2", "95 % interval", "user's accuracy", "producer's accuracy", ""]]
    for accuracy, mapped_km2 in zip(assessment.by_class, assessed.mapped_km2, strict=True):
        table.append([*_class_cells(accuracy, mapped_km2), ""])
    head = f"{assessed.mapped.path.name} (model {assessed.mapped.model})"
    return [
        f"{head}: {assessment.n_points} points for {assessment.total_km2:,.1f} km2",
        *aligned([[*line, ""] for line in _matrix_table(assessed)]),
        "",
        *aligned(table),
        f"overall accuracy {_share(assessment.overall)} (± one standard error)",
        *assessment_notes(assessed),
    ]


def _estimate_json(estimate: EstimateWithError | None) -> dict[str, float | None] | None:
    if estimate is None:
        return None
    low, high = estimate.interval() or (None, None)
    return {"value": estimate.value, "se": estimate.se, "low": low, "high": high}


def estimate_json(assessed: AssessedObservation, sample: Path) -> dict[str, Any]:
    """Figures for programs; what is not known is null, and areas are km2."""
    assessment = assessed.assessment
    return {
        "sample": str(sample),
        "raster": assessed.mapped.path.name,
        "date": assessed.mapped.key,
        "model": assessed.mapped.model,
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
