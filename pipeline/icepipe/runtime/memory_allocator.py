"""Tuning of the memory allocator of the C library (glibc) and of Python's garbage collector."""

from __future__ import annotations

import ctypes
import gc

M_ARENA_MAX, M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -8, -1, -3
"""Constants of glibc's ``malloc.h``."""

MMAP_THRESHOLDS = (2**29, 2**25)
"""Bytes of freed memory that are kept for reuse, until :func:`trim_heap`: the kernel clears every page that it hands
out, and all blocks need arrays of the same sizes. glibc before 2.35 accepts no more than the second."""

GC_THRESHOLD = 50_000
"""New objects between two collections. Importing libraries creates some hundred thousand objects that all stay alive;
the default of 700 costs a third of the start-up time."""


def call_libc(name: str, *numbers: int) -> bool:
    """Call a libc function with integer arguments; return False if it is missing or refuses them."""
    function = getattr(ctypes.CDLL(None), name, None)
    return bool(function and function(*numbers))


def limit_arenas() -> None:
    """Let all threads share one heap; with a heap of its own, each thread would keep the most it has ever needed."""
    call_libc("mallopt", M_ARENA_MAX, 1)


def tune_allocator() -> None:
    """Keep freed memory for reuse, and run the garbage collector seldom."""
    threshold = next((size for size in MMAP_THRESHOLDS if call_libc("mallopt", M_MMAP_THRESHOLD, size)), None)
    # An explicit mmap threshold stops glibc from adapting it, so the trim threshold must follow.
    if threshold:
        call_libc("mallopt", M_TRIM_THRESHOLD, threshold)
    gc.set_threshold(GC_THRESHOLD, 20, 20)


def skip_final_gc() -> None:
    """Skip the last garbage collection of a process that is about to exit, which takes half a second."""
    gc.freeze()


def trim_heap() -> None:
    """Return unused memory to the system; called between two steps that need much of it."""
    call_libc("malloc_trim", 0)
