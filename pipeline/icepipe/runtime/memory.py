"""Memory estimate of a run, and the number of observations that fit in memory at once."""

from __future__ import annotations

import os
import resource

from icepipe.errors import IntegrityError

TYPICAL_PIXEL_BYTES, MAX_PIXEL_BYTES = 1, 30
"""Bytes per pixel of the run grid for one observation: run lengths and rings of its components, and several copies of
the longest outline while it is written. Typical scenes take less than the first. The second is for ten thousand
components per million pixels, one of which winds through all others; noise takes more."""

STRATA_PIXEL_BYTES = 2
"""Additional bytes per pixel of the run grid while the sieve needs the strata of the whole grid."""

PREFETCH_BYTES = 48 * 2**20
"""Bytes of the blocks that are read ahead, for one observation."""

BASE_BYTES = 420 * 2**20
"""Bytes of libraries, blocks and the pixel sample, whatever the grid."""

MIN_ADDRESS_SPACE = 2**30
"""Bytes that a process must be allowed to map: with less, some library aborts the process or hangs while loading."""


def memory_bytes(pixels: int, workers: int, per_pixel: int) -> int:
    """Return the estimated peak memory of a run in bytes, for ``per_pixel`` bytes per grid pixel and observation."""
    return BASE_BYTES + workers * (PREFETCH_BYTES + per_pixel * pixels)


def check_address_space() -> None:
    """Check that this process may map enough memory to load the libraries of a run.

    Raises
    ------
    IntegrityError
        If the limit is too low.
    """
    allowed, _ = resource.getrlimit(resource.RLIMIT_AS)
    if allowed != resource.RLIM_INFINITY and allowed < MIN_ADDRESS_SPACE:
        message = f"the memory that a process may map is limited to {allowed / 1e6:.0f} MB"
        raise IntegrityError(message, f"allow at least {MIN_ADDRESS_SPACE / 1e6:.0f} MB (ulimit -v)")


def worker_count(workers: int | str, pixels: int) -> int:
    """Return the number of observations to process at once; by default one per core, if they fit in memory."""
    if isinstance(workers, int):
        return workers
    # Half of the memory: the rest is for the page cache, other programs, and grids beyond the estimate.
    half = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    fitting = max(1, (half - BASE_BYTES) // (PREFETCH_BYTES + MAX_PIXEL_BYTES * pixels))
    return int(min(os.cpu_count() or 1, fitting))
