"""Numbers as the report shows them."""

from __future__ import annotations

import math

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
