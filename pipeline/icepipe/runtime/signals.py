"""Handlers of SIGINT, SIGTERM and SIGHUP: a run ends cleanly within a grace period, and then at once."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType

GRACE_PERIOD_S = 8.0
"""Seconds for work in progress to end. Work that is cut off leaves temporary files, which the next run removes."""


class Interrupted(BaseException):
    """Signal that asks the process to end; a ``BaseException``, so that no handler of failures catches it.

    Attributes
    ----------
    number
        Number of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def _end(number: int) -> None:
    # 128 + n is the exit code that shells report for a signal. No cleanup: a library may be stuck.
    os._exit(128 + number)


def _on_signal(number: int, _frame: FrameType | None) -> None:
    signal.signal(number, lambda second, _: _end(second))
    # Python raises between bytecodes only; a long call into a library would delay the exception without limit.
    timer = threading.Timer(GRACE_PERIOD_S, _end, (number,))
    timer.daemon = True
    timer.start()
    raise Interrupted(number)


def install_handlers() -> None:
    """Raise :class:`Interrupted` on SIGINT, SIGTERM and SIGHUP; a second signal ends the process at once.

    A signal that the caller ignores, like SIGHUP under ``nohup``, stays ignored.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _on_signal)
