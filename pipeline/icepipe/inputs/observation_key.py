"""Observation key: the text that identifies an observation in folders, files and tables."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Self

from pydantic import PlainSerializer, PlainValidator

_TIME = r"(?:[01]\d|2[0-3])[0-5]\d(?:[0-5]\d)?"
_FORM = re.compile(rf"(?P<day>\d{{4}}-\d\d-\d\d)(?:T(?P<time>{_TIME}))?(?:_(?P<platform>.+))?")


class ObservationKey(str):
    """The key of an observation, such as ``2024-07-01``, ``2024-07-01_terra`` or ``2024-07-01T1030_aqua``.

    A key is a string, so that it sorts and compares like its published text.

    Raises
    ------
    ValueError
        If the text does not have the form of a key.
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Return the key with this text."""
        match = _FORM.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is not the key of an observation")
        # Raises ValueError for a day that the month does not have, such as 31 June.
        dt.date.fromisoformat(match["day"])
        return super().__new__(cls, text)

    @classmethod
    def of(cls, day: dt.date, time: dt.time | None = None, platform: str = "") -> Self:
        """Return the key of a day, with the minute and the satellite if given."""
        minute = time.strftime("T%H%M") if time else ""
        return cls(f"{day.isoformat()}{minute}{f'_{platform}' if platform else ''}")

    def part(self, name: str) -> str:
        """Return the text of a part (``day``, ``time`` or ``platform``); empty if the key does not have it."""
        match = _FORM.fullmatch(self)
        return (match and match[name]) or ""

    @property
    def day(self) -> dt.date:
        """Day of the observation; the first day of a longer period."""
        return dt.date.fromisoformat(self.part("day"))

    @property
    def time(self) -> dt.time | None:
        """Time (UTC) of the observation; None if its period is a day or longer."""
        text = self.part("time")
        return dt.time.fromisoformat(text) if text else None

    @property
    def platform(self) -> str:
        """Satellite, or an empty string."""
        return self.part("platform")


PublishedKey = Annotated[ObservationKey, PlainValidator(ObservationKey), PlainSerializer(str, return_type=str)]
"""Observation key, serialized as its text."""


def utc_text(day: dt.date, time: dt.time | None) -> str:
    """Return a day as ISO text, with the time if it is known."""
    return f"{day.isoformat()}T{time.isoformat()}Z" if time else day.isoformat()
