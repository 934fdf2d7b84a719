"""Print to the standard streams, which may be a terminal, a file on a full disk, or a closed pipe."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import TextIO

from icepipe.errors import IntegrityError, escape_unprintable


def prepare_streams() -> None:
    """Redirect closed standard streams to the null device, and print names that are not text with escapes."""
    # The next file that is opened would get the number of a closed stream, and with it the messages of libraries.
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def redirect_to_null(stream: TextIO) -> None:
    """Redirect a broken stream to the null device."""
    # Python flushes its buffer at exit, which would fail again and change the exit code.
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)


def print_error(text: str) -> None:
    """Print to stderr, escaping terminal control characters."""
    if sys.stderr is None:
        return
    try:
        print("\n".join(map(escape_unprintable, text.split("\n"))), file=sys.stderr, flush=True)
    except OSError:
        # Nothing else can be done: the exit code still reports the failure.
        redirect_to_null(sys.stderr)


def print_result(text: str, end: str = "\n") -> None:
    """Print a result to stdout.

    Raises
    ------
    IntegrityError
        If stdout cannot be written.
    """
    try:
        print(text, end=end, flush=True)
    except BrokenPipeError:
        # A reader such as `head` has seen enough; that ends the printing, not the command.
        redirect_to_null(sys.stdout)
    except OSError as error:
        redirect_to_null(sys.stdout)
        raise IntegrityError(f"the standard output cannot be written ({error.strerror})", "check free space") from error


def display_path(path: Path) -> Path:
    """Return a path as people type it: relative if it is below the working folder."""
    try:
        return path.relative_to(Path.cwd())
    except (ValueError, OSError):
        return path
