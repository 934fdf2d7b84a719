"""Every failure icepipe expects, as one tree: an exit code and a way out on each.

IcepipeError                 1
├── ConfigError              2   the config or the command line is wrong
├── NoUsableInput            3   nothing to work on
│   └── InputError           3   one file cannot be used
├── ObservationsFailed       4   some observations failed, the rest is published
├── RunLocked                5   another run holds the folder
└── IntegrityError           6   a budget, a check or a write did not hold
"""

from __future__ import annotations

import unicodedata
from pathlib import Path

_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_SEPARATORS = {"Zl", "Zp"}


def _is_hidden(letter: str) -> bool:
    kind = unicodedata.category(letter)
    return kind in _SEPARATORS or letter in _BIDI or (kind[0] == "C" and kind != "Cf")


def is_printable(text: str) -> bool:
    """Whether a name can be shown as it is: no control letters, line breaks, turns of direction, or stray bytes."""
    return not any(map(_is_hidden, text))


def escape_unprintable(text: str) -> str:
    """A text with escapes for what :func:`is_plain` refuses; a name must not forge a line of a log."""
    return "".join(ascii(letter)[1:-1] if _is_hidden(letter) else letter for letter in text)


class IcepipeError(Exception):
    """A failure with a message for people.

    Parameters
    ----------
    message
        One sentence: what is wrong and where.
    todo
        What the reader can do about it, without a final full stop.
    """

    exit_code = 1

    def __init__(self, message: str, todo: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.todo = todo

    def __str__(self) -> str:
        """Join the message and the way out into one sentence."""
        return f"{self.message}; {self.todo}" if self.todo else self.message


class ConfigError(IcepipeError):
    """The config or the command line says something that cannot be done."""

    exit_code = 2


class NoUsableInput(IcepipeError):
    """No file of the run can be used."""

    exit_code = 3


class InputError(NoUsableInput):
    """One input file cannot be used.

    Parameters
    ----------
    path
        The file.
    reason
        What is wrong with it.
    todo
        What the reader can do about it.
    """

    def __init__(self, path: str | Path, reason: str, todo: str = "") -> None:
        super().__init__(escape_unprintable(f"{path}: {reason}"), todo)
        self.path = Path(path)
        self.reason = reason


class ObservationsFailed(IcepipeError):
    """Some observations failed; what could be published is."""

    exit_code = 4


class RunLocked(IcepipeError):
    """Another run holds the folder."""

    exit_code = 5


class IntegrityError(IcepipeError):
    """A budget, a verification or a write did not hold."""

    exit_code = 6
