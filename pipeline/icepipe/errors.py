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

from pathlib import Path


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
        super().__init__(f"{path}: {reason}", todo)
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
