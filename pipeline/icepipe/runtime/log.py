"""What a run does, step by step, as records of the standard library's logging.

Records go to the logger ``icepipe`` and on to the program's own handlers; the level is the program's to choose. Only
:func:`to_file` and :func:`to_terminal`, which the command line uses, set the level, for as long as they last.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from icepipe.errors import ConfigError, IntegrityError

LOG = logging.getLogger("icepipe")
LOG.addHandler(logging.NullHandler())

FIELDS = ("observation", "stage", "seconds", "pixels", "memory_mb")


def peak_memory_mb() -> float:
    """Largest memory that the process held so far, in MB.

    Linux tells it of this program alone; ``ru_maxrss`` (in KiB, on macOS in bytes) starts with what the process that
    started it held.
    """
    try:
        told = Path("/proc/self/status").read_text(encoding="ascii")
        held = int(told.partition("VmHWM:")[2].split()[0]) * 1024
    except (OSError, IndexError):
        held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return round(held / 1e6, 1)


def now() -> str:
    """Date and time in UTC, to the second, as ISO text."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def log_note(message: str, level: int = logging.INFO, **fields: object) -> None:
    """Log a message; ``fields`` are some of ``FIELDS``."""
    LOG.log(level, message, extra={"told": fields})


@contextmanager
def log_step(stage: str, observation: str = "", pixels: int = 0) -> Iterator[None]:
    """Log how long a stage took, by the clock that nobody sets; a stage that fails is logged where it is handled."""
    start = time.monotonic()
    yield
    seconds = round(time.monotonic() - start, 3)
    log_note(
        " ".join(filter(None, [stage, observation])),
        stage=stage,
        observation=observation,
        seconds=seconds,
        pixels=pixels,
        memory_mb=peak_memory_mb(),
    )


class JsonLines(logging.Formatter):
    """A JSON object a line: time, level, run and message, and the fields that the record has.

    Parameters
    ----------
    run
        Name of the run, the same on every line.
    """

    def __init__(self, run: str) -> None:
        super().__init__()
        self._run = run

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        time_utc = dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds")
        head = {"time": time_utc, "level": record.levelname.lower(), "run": self._run, "message": record.getMessage()}
        return json.dumps(head | getattr(record, "told", {}), ensure_ascii=True)


class TextFormatter(logging.Formatter):
    """A line for people."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, with the time and memory of a step."""
        told = getattr(record, "told", {})
        took = f"  {told['seconds']:.2f} s, {told['memory_mb']:.0f} MB at most" if "seconds" in told else ""
        return f"icepipe: {record.getMessage()}{took}"


class TolerantFileHandler(logging.FileHandler):
    """Writes lines as long as it can: a log that cannot be written does not stop a run whose data can."""

    failed: Exception | None = None

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802
        """Remember the first error in the place of printing it."""
        self.failed = self.failed or sys.exc_info()[1]  # type: ignore[assignment]

    def close(self) -> None:
        """Write what waits, and remember where that fails."""
        try:
            super().close()
        except OSError as error:
            self.failed = self.failed or error


@contextmanager
def to_file(path: Path) -> Iterator[None]:
    """Append what is logged to a file, as JSON lines.

    Raises
    ------
    ConfigError
        If the file cannot be opened.
    IntegrityError
        At the end, if a line could not be written.
    """
    try:
        handler = TolerantFileHandler(path, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"--log-json: {path} cannot be written ({error.strerror})", "name another file") from error
    handler.setFormatter(JsonLines(f"{now().replace(':', '').replace('-', '')[:15]}Z-{os.getpid()}"))
    with _added_handler(handler):
        yield
    if handler.failed:
        raise IntegrityError(
            f"{path}: the log could not be written ({handler.failed}); results are published", "check free space"
        )


@contextmanager
def to_terminal() -> Iterator[None]:
    """Show what is logged on the standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(TextFormatter())
    with _added_handler(handler):
        yield


@contextmanager
def _added_handler(handler: logging.Handler) -> Iterator[None]:
    level = LOG.level
    LOG.addHandler(handler)
    LOG.setLevel(logging.INFO)
    try:
        yield
    finally:
        LOG.setLevel(level)
        LOG.removeHandler(handler)
        handler.close()
