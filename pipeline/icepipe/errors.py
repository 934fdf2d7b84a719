"""Failures that icepipe expects: a tree of exceptions, each with an exit code and advice.

IcepipeError                 1
├── ConfigError              2   the config or the command line is wrong
├── NoUsableInput            3   no file can be used
│   └── InputError           3   one file cannot be used
├── ObservationsFailed       4   some observations failed, the rest is published
├── RunLocked                5   another run has locked the folder
└── IntegrityError           6   a budget, a check or a write failed
"""

from __future__ import annotations

import unicodedata
from pathlib import Path

# Controls that reorder text on a terminal (Unicode TR 9); a name with them can look like another.
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_SEPARATORS = {"Zl", "Zp"}


def _is_unprintable(character: str) -> bool:
    category = unicodedata.category(character)
    # "C" is control, surrogate, private and unassigned; "Cf" is kept, since some scripts need its joiners.
    return category in _SEPARATORS or character in _BIDI or (category[0] == "C" and category != "Cf")


def is_printable(text: str) -> bool:
    """Return whether a text has no control characters, line breaks, changes of direction, or undecodable bytes."""
    return not any(map(_is_unprintable, text))


def escape_unprintable(text: str) -> str:
    """Return a text with unprintable characters escaped, so that a file name cannot forge a line of a log."""
    return "".join(ascii(character)[1:-1] if _is_unprintable(character) else character for character in text)


class IcepipeError(Exception):
    """Failure with a message for the user.

    Parameters
    ----------
    message
        One sentence: what is wrong and where.
    todo
        What the user can do about it, without a final full stop.
    """

    exit_code = 1

    def __init__(self, message: str, todo: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.todo = todo

    def __str__(self) -> str:
        """Return the message and the advice as one sentence."""
        return f"{self.message}; {self.todo}" if self.todo else self.message


class ConfigError(IcepipeError):
    """Invalid config or command line."""

    exit_code = 2


class NoUsableInput(IcepipeError):
    """No input file of the run can be used."""

    exit_code = 3


class InputError(NoUsableInput):
    """An input file cannot be used.

    Parameters
    ----------
    path
        The file.
    reason
        What is wrong with it.
    todo
        What the user can do about it.
    """

    def __init__(self, path: str | Path, reason: str, todo: str = "") -> None:
        super().__init__(escape_unprintable(f"{path}: {reason}"), todo)
        self.path = Path(path)
        self.reason = reason


class ObservationsFailed(IcepipeError):
    """Some observations failed; all others are published."""

    exit_code = 4


class RunLocked(IcepipeError):
    """Another run has locked the folder."""

    exit_code = 5


class IntegrityError(IcepipeError):
    """A budget, a verification or a write failed."""

    exit_code = 6
