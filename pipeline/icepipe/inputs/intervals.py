"""The time that an observation stands for: that of its scenes."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from icepipe.inputs.scenes import Observation, Scene


@dataclass(frozen=True)
class Interval:
    """From one second to another, both within it; UTC."""

    start: dt.datetime
    end: dt.datetime

    @property
    def texts(self) -> tuple[str, str]:
        """ISO text of the first and of the last second."""
        return _text(self.start), _text(self.end)

    @classmethod
    def of(cls, texts: tuple[str, str]) -> Interval:
        """The interval of two ISO texts."""
        start, end = (dt.datetime.fromisoformat(text) for text in texts)
        return cls(start, end)


def _text(moment: dt.datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _of_scene(scene: Scene, by_time: bool) -> Interval:
    """The minute of a scene, or its day."""
    time = scene.time if by_time else None
    start = dt.datetime.combine(scene.date, time or dt.time(), dt.UTC)
    span = dt.timedelta(minutes=1) if time else dt.timedelta(days=1)
    return Interval(start, start + span - dt.timedelta(seconds=1))


def acquisition_interval(observation: Observation) -> Interval:
    """From the start of its first scene's day to the end of its last one's; minutes, where its key names a time."""
    by_time = observation.key.time is not None
    spans = [_of_scene(scene, by_time) for scene in observation.scenes]
    return Interval(min(span.start for span in spans), max(span.end for span in spans))


def shared_time(observation: Observation) -> dt.time | None:
    """Return the time (UTC) that all scenes of an observation have, where they are of its day; else None."""
    times = {(scene.date, scene.time) for scene in observation.scenes}
    day, time = times.pop() if len(times) == 1 else (observation.date, None)
    return time if day == observation.date else None
