"""How the C library keeps the memory that arrays had: told where it can be told (glibc), left alone elsewhere."""

from __future__ import annotations

import ctypes

M_ARENA_MAX = -8
"""Of glibc's ``malloc.h``."""


def share_heap() -> None:
    """Let all threads take memory from one heap: with one of its own, every thread keeps what it once needed."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:
        mallopt(M_ARENA_MAX, 1)


def give_back() -> None:
    """Give memory that nothing uses back to the system, as between two steps that need much of it."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim:
        trim(0)
