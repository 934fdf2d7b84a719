"""The key of an observation: the text that names it in folders, files and tables."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Self

from pydantic import PlainSerializer, PlainValidator

_TIME = r"(?:[01]\d|2[0-3])[0-5]\d(?:[0-5]\d)?"
_FORM = re.compile(rf"(?P<day>\d{{4}}-\d\d-\d\d)(?:T(?P<time>{_TIME}))?(?:_(?P<platform>.+))?")


class ObservationKey(str):
    """The key of an observation, such as ``2024-07-01``, ``2024-07-01_terra`` or ``2024-07-01T1030_aqua``.

    A key is its published text, so that keys sort, and compare with text, as they are published.

    Raises
    ------
    ValueError
        If the text is no such key.
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Make the key that a text is."""
        match = _FORM.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is not the key of an observation")
        dt.date.fromisoformat(match["day"])  # raises where the month has no such day
        return super().__new__(cls, text)

    @classmethod
    def of(cls, day: dt.date, time: dt.time | None = None, platform: str = "") -> Self:
        """Make the key of a day, to the minute where a time is given, and of a satellite where one is."""
        minute = time.strftime("T%H%M") if time else ""
        return cls(f"{day.isoformat()}{minute}{f'_{platform}' if platform else ''}")

    def _part(self, name: str) -> str:
        match = _FORM.fullmatch(self)
        return (match and match[name]) or ""

    @property
    def day(self) -> dt.date:
        """Day of the observation, the first of a period of several."""
        return dt.date.fromisoformat(self._part("day"))

    @property
    def time(self) -> dt.time | None:
        """Time (UTC) of the observation, or None where its period is a day or longer."""
        text = self._part("time")
        return dt.time.fromisoformat(text) if text else None

    @property
    def platform(self) -> str:
        """Satellite, or an empty string."""
        return self._part("platform")


PublishedKey = Annotated[ObservationKey, PlainValidator(ObservationKey), PlainSerializer(str, return_type=str)]
"""A key; in a document its text."""


def utc_text(day: dt.date, time: dt.time | None) -> str:
    """Return a day as ISO text, with the time where it is known."""
    return f"{day.isoformat()}T{time.isoformat()}Z" if time else day.isoformat()
