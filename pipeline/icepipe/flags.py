"""Quality flags of the rows of the series: codes and meanings."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Self

from pydantic import PlainSerializer, PlainValidator

EXCLUDES = True
"""Mark of a flag that excludes its rows from trends, dates and alerts; those with ``model_drift`` give alerts that are
marked maybe."""


class Flag(StrEnum):
    """Quality flag of a row; the value of a member is its published code.

    Attributes
    ----------
    meaning
        Description for readers of the series.
    excludes_from_trends
        Whether no trend, date or alert uses the row.
    """

    meaning: str
    excludes_from_trends: bool

    CLASS_MISSING = "class_missing", "a class that most other dates show is not there"
    CLOUD_BIASED = "cloud_biased", "clouds and gaps hide one class more than another"
    CLOUD_NOT_SCREENED = "cloud_not_screened", "no cloud mask was used, so cloud may count as ice"
    CLOUDY = "cloudy", "clouds hide more than a tenth of the region"
    CONCENTRATION = "concentration", "the input is a concentration, and ice is what passes a threshold"
    ICE_NOT_SEPARABLE = (
        "ice_not_separable",
        "visible bands do not separate ice from bright ground, and no land mask was used, so its bounds are wide",
    )
    LAND_NOT_MASKED = "land_not_masked", "no land mask was used, so snow on land may count as ice"
    LOW_SUN = "low_sun", "the sun stood low, which darkens ice and water"
    MIXED_PIXELS = (
        "mixed_pixels",
        "many pixels hold several classes, so pixel areas differ from surfaces",
    )
    MODEL_DRIFT = "model_drift", "the date looks unlike what the classes were learned from", EXCLUDES
    MODEL_MISFIT = "model_misfit", "the classes do not fit what is there, so areas are left empty", EXCLUDES
    NO_ICE_WATER_GAP = (
        "no_ice_water_gap",
        "brightness runs from water to ice without a gap, as in fog or glint, so their border is not known",
    )
    NOISY = "noisy", "colours scatter across the limits between classes, as noise and shade make them"
    NOT_SUN_CORRECTED = "not_sun_corrected", "brightness is not corrected for the height of the sun"
    NOTHING_SEEN = "nothing_seen", "nothing of the region was seen", EXCLUDES
    OFF_GRID = "off_grid", "part of the region lies outside the run's grid"
    PARTLY_SEEN = "partly_seen", "a part of the region was not seen"
    SUDDEN_JUMP = "sudden_jump", "the area jumps away from the dates around it"
    UNDER_MIN_VALID = "under_min_valid", "too little was seen for trends and alerts", EXCLUDES
    WATER_NOT_SEPARABLE = (
        "water_not_separable",
        "visible bands cannot tell water from shadow, so its area is left empty",
    )

    def __new__(cls, code: str, meaning: str = "", excludes_from_trends: bool = False) -> Self:
        """Create a member from a line of the table."""
        flag = str.__new__(cls, code)
        flag._value_ = code
        flag.meaning, flag.excludes_from_trends = meaning, excludes_from_trends
        return flag


EXCLUDING_FLAGS = tuple(flag for flag in Flag if flag.excludes_from_trends)
"""Flags of rows that no trend, date or alert uses."""


def flags_text(flags: Iterable[Flag]) -> str:
    """Return flags in their published form: sorted unique codes joined by ``;``."""
    return ";".join(sorted(set(flags)))


def parse_flags(text: str) -> frozenset[Flag]:
    """Return the flags of a published text.

    Raises
    ------
    ValueError
        If the text has an unknown code.
    """
    return frozenset(Flag(code) for code in text.split(";") if code)


Flags = Annotated[
    frozenset[Flag],
    PlainValidator(lambda value: parse_flags(value) if isinstance(value, str) else value),
    PlainSerializer(flags_text, return_type=str),
]
"""Flags of a row; serialised to their published text."""
