"""The day (and time) a picture was taken, told from names first and metadata last."""

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
"""Metadata items that tell the acquisition; TIFFTAG_DATETIME comes after them, as it often tells the export."""


def _time(digits: str | None) -> dt.time | None:
    if not digits:
        return None
    try:
        return dt.datetime.strptime(digits, "%H%M%S" if len(digits) == 6 else "%H%M").time()  # noqa: DTZ007
    except ValueError:
        return None


def _date_of_match(match: re.Match[str]) -> DateTime | None:
    groups = match.groupdict()
    if groups.get("yj"):
        text, pattern = groups["yj"], "%Y%j"
    else:
        text, pattern = re.sub(r"\D", "", groups.get("ymd") or groups.get("iso") or ""), "%Y%m%d"
    try:
        day = dt.datetime.strptime(text, pattern).date()  # noqa: DTZ007
    except ValueError:
        return None
    return day, _time(groups.get("hms") or groups.get("hm"))


def dates_in_name(name: str) -> list[DateTime]:
    """Every acquisition that a name could mean, in order, each day once.

    A known product name gives its acquisition and nothing else. A day without a time gives way to the same day
    with one.
    """
    for pattern in (pattern for product in PRODUCTS for pattern in product.dates):
        if (match := pattern.search(name)) and (stamp := _date_of_match(match)):
            return [stamp]
    found: dict[dt.date, dt.time | None] = {}
    for pattern in _GENERIC:
        for match in pattern.finditer(name):
            stamp = _date_of_match(match)
            if stamp and found.get(stamp[0]) is None:
                found[stamp[0]] = stamp[1]
    return list(found.items())


def _from_metadata(tags: Mapping[str, str]) -> list[DateTime]:
    upper = {key.upper(): value for key, value in tags.items()}
    for key in (*METADATA_KEYS, "TIFFTAG_DATETIME"):
        text = upper.get(key, "").strip().replace(":", "-", 2) if key.startswith("TIFF") else upper.get(key, "")
        try:
            moment = dt.datetime.fromisoformat(text.strip().removesuffix("Z"))
        except ValueError:
            continue
        has_time = len(text.strip()) > 10
        return [(moment.date(), moment.time().replace(microsecond=0) if has_time else None)]
    return []


def _by_pattern(path: Path, pattern: str) -> DateTime:
    """Read the date by a strptime pattern or a regular expression with a group."""
    if "%" in pattern:
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
                raise InputError(path, f"{match.group(0)!r} is no date of the pattern {pattern!r}") from None
            return moment.date(), moment.time() if "%H" in pattern else None
    elif match := re.search(pattern, path.name):
        stamps = dates_in_name((match.group(1) if match.groups() else match.group(0)) or "")
        if len(stamps) == 1:
            return stamps[0]
    raise InputError(path, f"inputs.date {pattern!r} finds no date in the file name", "correct the pattern")


def acquisition_time(path: Path, how: str | dt.date, tags: Callable[[], Mapping[str, str]]) -> DateTime:
    """Day and time a file was taken.

    Parameters
    ----------
    path
        The file; its name, then its folder's name are read.
    how
        ``auto``, a strptime pattern, a regular expression, or the day itself.
    tags
        Gives the file's metadata, asked only when names do not tell.

    Raises
    ------
    InputError
        If nothing tells the date, or two dates that differ are found.
    """
    if isinstance(how, dt.date):
        return how, None
    if how != "auto":
        return _by_pattern(path, how)
    for name in (path.stem, path.parent.name):
        stamps = dates_in_name(name)
        if len(stamps) > 1:
            days = " and ".join(day.isoformat() for day, _ in stamps)
            raise InputError(path, f"the name {name!r} holds two dates, {days}", "set inputs.date to a pattern")
        if stamps:
            return stamps[0]
    if stamps := _from_metadata(tags()):
        return stamps[0]
    raise InputError(
        path,
        "no date in the file name, its folder's name or its metadata",
        "set inputs.date to a pattern or a day",
    )
