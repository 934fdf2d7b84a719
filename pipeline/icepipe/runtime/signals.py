"""SIGINT, SIGTERM and SIGHUP end a run: cleanly where that takes a moment, and at once after that."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType

GRACE_PERIOD_S = 8.0
"""Seconds that work in hand may take to end. What is cut off then is a temporary file, which the next run clears."""


class Interrupted(BaseException):
    """A signal asked the process to end; ``number`` is the signal's."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def _end(number: int) -> None:
    os._exit(128 + number)


def _on_signal(number: int, _frame: FrameType | None) -> None:
    signal.signal(number, lambda again, _: _end(again))
    timer = threading.Timer(GRACE_PERIOD_S, _end, (number,))
    timer.daemon = True
    timer.start()
    raise Interrupted(number)


def install_handlers() -> None:
    """Turn SIGINT, SIGTERM and SIGHUP into :class:`Interrupted`; a second one ends the process at once.

    What the caller has set to be ignored stays so, as ``nohup`` does with SIGHUP.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _on_signal)
