"""Parallel map and prefetch on threads, with results in the order of the items."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def ordered_map(work: Callable[[Item], Result], items: Iterable[Item], workers: int) -> Iterator[Result]:
    """Yield ``work(item)`` of every item, in the order of the items.

    At most ``workers`` items are being processed or waiting to be consumed, so memory is bounded. An exception is
    raised in place of its result.
    """
    if workers == 1:
        yield from map(work, items)
        return
    pending: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for item in items:
                pending.append(pool.submit(work, item))
                if len(pending) >= workers:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            # The consumer stopped or an item failed: do not start what nobody will take.
            for future in pending:
                future.cancel()


THREADS = 2
"""Threads of a step that can be split without an effect on its result."""


def prefetch(work: Callable[[Item], Result], items: Iterable[Item], depth: int = 1) -> Generator[Result]:
    """Yield ``work(item)`` of every item, in order; up to ``depth`` results are computed ahead on one thread.

    Close the generator before the resources that ``work`` uses: its thread may still be reading.
    """
    pending: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(1) as pool:
        try:
            for item in items:
                pending.append(pool.submit(work, item))
                if len(pending) > depth:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()
