"""Log of the steps of a run, as records of the standard library's logging.

Records go to the logger ``icepipe`` and from there to the handlers of the program, which also chooses the level. Only
:func:`to_file` and :func:`to_terminal`, which the command line uses, set the level, while their context is active.
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
    """Return the peak resident memory of the process so far, in MB."""
    # VmHWM counts this program alone; ru_maxrss is inherited from the process that started it. It is in KiB, on macOS
    # in bytes.
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
        peak = int(status.partition("VmHWM:")[2].split()[0]) * 1024
    except (OSError, IndexError):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return round(peak / 1e6, 1)


def now() -> str:
    """Return the time in UTC, to the second, as ISO text."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def log_note(message: str, level: int = logging.INFO, **fields: object) -> None:
    """Log a message, with the values of some of ``FIELDS``."""
    LOG.log(level, message, extra={"fields": fields})


@contextmanager
def log_step(stage: str, observation: str = "", pixels: int = 0) -> Iterator[None]:
    """Log the duration of a stage on success; a failure is logged where it is handled."""
    # monotonic: the system clock may be set during a run.
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
    """Formatter of one JSON object per line: time, level, run, message, and the fields of the record.

    Parameters
    ----------
    run
        Name of the run, repeated on every line.
    """

    def __init__(self, run: str) -> None:
        super().__init__()
        self._run = run

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        time_utc = dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds")
        head = {"time": time_utc, "level": record.levelname.lower(), "run": self._run, "message": record.getMessage()}
        return json.dumps(head | getattr(record, "fields", {}), ensure_ascii=True)


class TextFormatter(logging.Formatter):
    """Formatter of one line of text per record."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record, with the duration and peak memory of a step."""
        fields = getattr(record, "fields", {})
        cost = f"  {fields['seconds']:.2f} s, {fields['memory_mb']:.0f} MB at most" if "seconds" in fields else ""
        return f"icepipe: {record.getMessage()}{cost}"


class TolerantFileHandler(logging.FileHandler):
    """File handler that remembers its first error: a run does not stop because its log cannot be written."""

    failed: Exception | None = None

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802
        """Remember the first error instead of printing it."""
        self.failed = self.failed or sys.exc_info()[1]  # type: ignore[assignment]

    def close(self) -> None:
        """Flush and close the file, and remember an error of it."""
        try:
            super().close()
        except OSError as error:
            self.failed = self.failed or error


@contextmanager
def to_file(path: Path) -> Iterator[None]:
    """Append log records to a file, as JSON lines, while the context is active.

    Raises
    ------
    ConfigError
        If the file cannot be opened.
    IntegrityError
        At the end of the context, if a line could not be written.
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
    """Print log records to stderr while the context is active."""
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
