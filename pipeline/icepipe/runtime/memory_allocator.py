"""How this process keeps its memory: told to the C library where it can be told (glibc), and to Python's collector."""

from __future__ import annotations

import ctypes
import gc

M_ARENA_MAX, M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -8, -1, -3
"""Of glibc's ``malloc.h``."""

MMAP_THRESHOLDS = (2**29, 2**25)
"""Freed memory that is kept for what comes next, up to :func:`give_back`: the system clears every page that it hands
out, and blocks need the same arrays again and again. Before version 2.35 glibc takes no more than the second."""

GC_THRESHOLD = 50_000
"""Loading libraries makes some hundred thousand objects that all stay; looking through them after every 700 of them,
as Python does, is a third of the time to start."""


def call_libc(name: str, *numbers: int) -> bool:
    """Whether the C library has such a function, and takes the numbers."""
    function = getattr(ctypes.CDLL(None), name, None)
    return bool(function and function(*numbers))


def limit_arenas() -> None:
    """Let all threads take memory from one heap: with one of its own, every thread keeps what it once needed."""
    call_libc("mallopt", M_ARENA_MAX, 1)


def tune_allocator() -> None:
    """Keep what is freed, and look for unreachable objects seldom."""
    kept = next((size for size in MMAP_THRESHOLDS if call_libc("mallopt", M_MMAP_THRESHOLD, size)), None)
    if kept:
        call_libc("mallopt", M_TRIM_THRESHOLD, kept)
    gc.set_threshold(GC_THRESHOLD, 20, 20)


def skip_final_gc() -> None:
    """Spare a process that is about to end its last look through all objects, of half a second."""
    gc.freeze()


def trim_heap() -> None:
    """Give memory that nothing uses back to the system, as between two steps that need much of it."""
    call_libc("malloc_trim", 0)
