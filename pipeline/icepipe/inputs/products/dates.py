"""Read the acquisition date and time of a file: from its name, its folder's name, or its metadata."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from icepipe.errors import InputError
from icepipe.sensors.table import PRODUCTS

DateTime = tuple[dt.date, dt.time | None]

_GENERIC = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?<!\d)(?P<ymd>(?:19|20)\d{6})(?:[T_-]?(?P<hms>\d{6}|\d{4}))?Z?(?!\d)",
        r"(?<!\d)(?P<iso>(?:19|20)\d{2}[-_.]\d{2}[-_.]\d{2})(?:T(?P<hms>\d{6}|\d{4}))?(?!\d)",
        r"(?<!\d)A?(?P<yj>(?:19|20)\d{5})(?!\d)",
    )
)

METADATA_KEYS = (
    "DATE_ACQUIRED",
    "ACQUISITION_DATE",
    "ACQUISITIONDATETIME",
    "SENSING_TIME",
    "PRODUCT_START_TIME",
    "RANGEBEGINNINGDATE",
)
"""Metadata items with the acquisition time. TIFFTAG_DATETIME is tried last: it often holds the time of export."""


def parse_match(match: re.Match[str]) -> DateTime | None:
    """Return the date and time in the groups of a match; None if the digits are not a date."""
    groups = match.groupdict()
    if groups.get("yj"):
        text, pattern = groups["yj"], "%Y%j"
    else:
        text, pattern = re.sub(r"\D", "", groups.get("ymd") or groups.get("iso") or ""), "%Y%m%d"
    try:
        day = dt.datetime.strptime(text, pattern).date()  # noqa: DTZ007
    except ValueError:
        return None
    digits = groups.get("hms") or groups.get("hm")
    if not digits:
        return day, None
    try:
        time = dt.datetime.strptime(digits, "%H%M%S" if len(digits) == 6 else "%H%M").time()  # noqa: DTZ007
    except ValueError:
        return day, None
    return day, time


def dates_in_name(name: str) -> list[DateTime]:
    """Return every acquisition date that a name could hold, in order, each day once.

    The name of a known product has exactly one; of the same day with and without a time, the time is returned.
    """
    # A product name also holds processing dates, so its own pattern decides before the generic ones are tried.
    for pattern in (pattern for product in PRODUCTS for pattern in product.dates):
        if (match := pattern.search(name)) and (stamp := parse_match(match)):
            return [stamp]
    dates: dict[dt.date, dt.time | None] = {}
    for pattern in _GENERIC:
        for match in pattern.finditer(name):
            stamp = parse_match(match)
            if stamp and dates.get(stamp[0]) is None:
                dates[stamp[0]] = stamp[1]
    return list(dates.items())


def date_in_metadata(tags: Mapping[str, str]) -> DateTime | None:
    """Return the acquisition in the metadata items of a file, or None."""
    upper = {key.upper(): value for key, value in tags.items()}
    for key in (*METADATA_KEYS, "TIFFTAG_DATETIME"):
        # TIFF writes the date with colons, 2024:07:01 10:30:00.
        text = upper.get(key, "").strip().replace(":", "-", 2) if key.startswith("TIFF") else upper.get(key, "")
        try:
            moment = dt.datetime.fromisoformat(text.strip().removesuffix("Z"))
        except ValueError:
            continue
        # Ten characters are a date alone.
        has_time = len(text.strip()) > 10
        return moment.date(), moment.time().replace(microsecond=0) if has_time else None
    return None


def date_by_pattern(path: Path, pattern: str) -> DateTime:
    """Read the date from a file name by a strptime pattern, or by a regular expression and its first group.

    Raises
    ------
    InputError
        If the pattern does not match, or matches something that is not a date.
    """
    if "%" in pattern:
        # strptime needs the exact text: find it with a regular expression that has the widths of the directives.
        regex = re.escape(pattern)
        for directive, digits in (("%Y", r"\d{4}"), ("%m", r"\d{2}"), ("%d", r"\d{2}"), ("%j", r"\d{3}")):
            regex = regex.replace(re.escape(directive), digits)
        for directive in ("%H", "%M", "%S"):
            regex = regex.replace(re.escape(directive), r"\d{2}")
        match = re.search(regex, path.name)
        if match:
            try:
                moment = dt.datetime.strptime(match.group(0), pattern)  # noqa: DTZ007
            except ValueError:
                raise InputError(path, f"{match.group(0)!r} is not a date of the pattern {pattern!r}") from None
            return moment.date(), moment.time() if "%H" in pattern else None
    elif match := re.search(pattern, path.name):
        stamps = dates_in_name((match.group(1) if match.groups() else match.group(0)) or "")
        if len(stamps) == 1:
            return stamps[0]
    raise InputError(path, f"inputs.date {pattern!r} finds no date in the file name", "correct the pattern")


def acquisition_time(path: Path, setting: str | dt.date, tags: Callable[[], Mapping[str, str]]) -> DateTime:
    """Return the acquisition date of a file, and the time if known.

    Parameters
    ----------
    path
        The file; its name is searched first, then that of its folder.
    setting
        ``inputs.date``: ``auto``, a strptime pattern, a regular expression, or the day itself.
    tags
        Function that reads the metadata of the file; called only if the names hold no date.

    Raises
    ------
    InputError
        If no date is found, or a name holds two different ones.
    """
    if isinstance(setting, dt.date):
        return setting, None
    if setting != "auto":
        return date_by_pattern(path, setting)
    for name in (path.stem, path.parent.name):
        stamps = dates_in_name(name)
        if len(stamps) > 1:
            days = " and ".join(day.isoformat() for day, _ in stamps)
            raise InputError(path, f"the name {name!r} holds two dates, {days}", "set inputs.date to a pattern")
        if stamps:
            return stamps[0]
    if stamp := date_in_metadata(tags()):
        return stamp
    raise InputError(
        path,
        "no date in the file name, its folder's name or its metadata",
        "set inputs.date to a pattern or a day",
    )
