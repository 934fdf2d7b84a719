"""The time that an observation stands for, told by its key."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from icepipe.measure.points import day_of

_CLOCK = re.compile(r"T(\d{2})(\d{2})")


@dataclass(frozen=True)
class Interval:
    """From one second to another, both within it; UTC."""

    start: dt.datetime
    end: dt.datetime

    @property
    def start_text(self) -> str:
        """ISO text of the first second."""
        return _text(self.start)

    @property
    def end_text(self) -> str:
        """ISO text of the last second."""
        return _text(self.end)


def _text(moment: dt.datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def interval_of(key: str) -> Interval:
    """The minute that a key names, or its day."""
    clock = _CLOCK.match(key[10:])
    time = dt.time(int(clock[1]), int(clock[2])) if clock else dt.time()
    start = dt.datetime.combine(day_of(key), time, dt.UTC)
    span = dt.timedelta(minutes=1) if clock else dt.timedelta(days=1)
    return Interval(start, start + span - dt.timedelta(seconds=1))
