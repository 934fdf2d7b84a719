"""What the command line prints, whoever reads it: a terminal, a file on a full disk, or nobody any more."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import TextIO

from icepipe.errors import IntegrityError, escape_unprintable


def prepare_streams() -> None:
    """Make the standard streams safe: closed ones lead nowhere, and names that are no text are shown with escapes.

    A number of a closed stream would else go to the next file that is opened, and messages of libraries into it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _redirect_to_null(stream: TextIO) -> None:
    """Let a stream lead nowhere, so that what still waits in it does no harm at the end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def print_error(text: str) -> None:
    """Tell something on the standard error, with escapes for letters that would steer a terminal.

    Where that cannot be written, the exit code still tells.
    """
    if sys.stderr is None:
        return
    try:
        print("\n".join(map(escape_unprintable, text.split("\n"))), file=sys.stderr, flush=True)
    except OSError:
        _redirect_to_null(sys.stderr)


def print_result(text: str, end: str = "\n") -> None:
    """Print a result; a reader who has had enough (``| head``) ends the printing and nothing else.

    Raises
    ------
    IntegrityError
        If it cannot be written.
    """
    try:
        print(text, end=end, flush=True)
    except BrokenPipeError:
        _redirect_to_null(sys.stdout)
    except OSError as error:
        _redirect_to_null(sys.stdout)
        raise IntegrityError(f"the standard output cannot be written ({error.strerror})", "check free space") from error


def display_path(path: Path) -> Path:
    """A path as people type it: relative where it lies under the working folder."""
    try:
        return path.relative_to(Path.cwd())
    except (ValueError, OSError):
        return path
