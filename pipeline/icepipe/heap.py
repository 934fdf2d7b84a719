"""How the C library keeps the memory that arrays had: told where it can be told (glibc), left alone elsewhere."""

from __future__ import annotations

import ctypes

M_ARENA_MAX = -8
"""Of glibc's ``malloc.h``."""


def _tell(name: str, *numbers: int) -> None:
    function = getattr(ctypes.CDLL(None), name, None)
    if function:
        function(*numbers)


def share_heap() -> None:
    """Let all threads take memory from one heap: with one of its own, every thread keeps what it once needed."""
    _tell("mallopt", M_ARENA_MAX, 1)


def give_back() -> None:
    """Give memory that nothing uses back to the system, as between two steps that need much of it."""
    _tell("malloc_trim", 0)
