"""Flags of the series in plain words."""

from __future__ import annotations

import math

MEANINGS = {
    "class_missing": "a class that most other dates show is not there",
    "cloud_biased": "clouds and gaps hide one class more than another",
    "cloud_not_screened": "no cloud mask was used, so cloud may count as ice",
    "cloudy": "clouds hide more than a tenth of the region",
    "concentration": "the input is a concentration, and ice is what passes a threshold",
    "land_not_masked": "no land mask was used, so snow on land may count as ice",
    "low_sun": "the sun stood low, which darkens ice and water",
    "model_drift": "the date looks unlike what the classes were learned from",
    "model_misfit": "the classes do not fit what is there, so areas are left empty",
    "not_sun_corrected": "brightness is not corrected for the height of the sun",
    "nothing_seen": "nothing of the region was seen",
    "off_grid": "part of the region lies outside the run's grid",
    "partly_seen": "a part of the region was not seen",
    "sudden_jump": "the area jumps away from the dates around it",
    "under_min_valid": "too little was seen for trends and alerts",
    "water_not_separable": "visible bands cannot tell water from shadow, so its area is left empty",
}
"""What each code of the column ``flags`` tells a reader."""


def flag_codes(flags: str) -> list[str]:
    """Codes of a cell."""
    return [code for code in flags.split(";") if code]


def flag_meaning(code: str) -> str:
    """A code in plain words; one without words speaks for itself."""
    return MEANINGS.get(code, code.replace("_", " "))


DIGITS, MOST_DECIMALS = 6, 3


def plain_number(value: float | None) -> str:
    """Six significant digits with at most three decimals, and no exponent; an empty text for what is not known."""
    if value is None:
        return ""
    size = math.floor(math.log10(abs(value))) if value else 0
    decimals = min(MOST_DECIMALS, max(0, DIGITS - 1 - size))
    return f"{value:.{decimals}f}"


def percent(fraction: float) -> str:
    """Hundredths with one decimal, as in the closing table of a run."""
    return f"{100 * fraction:.1f}"
