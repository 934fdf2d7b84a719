"""How much memory a run takes, and how many observations fit."""

from __future__ import annotations

import os
import resource

from icepipe.errors import IntegrityError

TYPICAL_PIXEL_BYTES, MAX_PIXEL_BYTES = 1, 30
"""Of a run grid's pixel, for one observation in work: runs and rings of its pieces, and the outline that has most
points, several times over while it is written. Usual scenes take less than the first. The second is where there are ten
thousand pieces to a million pixels and one winds through all; noise takes more."""

STRATA_PIXEL_BYTES = 2
"""Of a run grid's pixel while small patches move, beside those."""

PREFETCH_BYTES = 48 * 2**20
"""Of blocks that are read before they are asked for, for one observation in work."""

BASE_BYTES = 420 * 2**20
"""Libraries, blocks and the sample."""

MIN_ADDRESS_SPACE = 2**30
"""Bytes that a process must be allowed to map: with less, some library ends it, or waits for ever, as it is loaded."""


def memory_bytes(pixels: int, workers: int, per_pixel: int) -> int:
    """Estimated peak memory of a run, whose pixels take so many bytes for each observation in work."""
    return BASE_BYTES + workers * (PREFETCH_BYTES + per_pixel * pixels)


def check_address_space() -> None:
    """Stop where the memory that this process may map does not suffice to load what a run needs.

    Raises
    ------
    IntegrityError
        If it does not.
    """
    allowed, _ = resource.getrlimit(resource.RLIMIT_AS)
    if allowed != resource.RLIM_INFINITY and allowed < MIN_ADDRESS_SPACE:
        told = f"the memory that a process may map is limited to {allowed / 1e6:.0f} MB"
        raise IntegrityError(told, f"allow at least {MIN_ADDRESS_SPACE / 1e6:.0f} MB (ulimit -v)")


def worker_count(asked: int | str, pixels: int) -> int:
    """Observations to work on at once: one a core, as far as half of the machine's memory allows."""
    if isinstance(asked, int):
        return asked
    half = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    fitting = max(1, (half - BASE_BYTES) // (PREFETCH_BYTES + MAX_PIXEL_BYTES * pixels))
    return int(min(os.cpu_count() or 1, fitting))
