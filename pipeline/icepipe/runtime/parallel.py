"""Many pieces of work at once, with results in the order they were asked for."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def ordered_map(work: Callable[[Item], Result], items: Iterable[Item], workers: int) -> Iterator[Result]:
    """Results of ``work`` on every item, in the items' order.

    At most ``workers`` items are in work or waiting to be taken, so memory is bounded. An exception comes out where
    its result would have.
    """
    if workers == 1:
        yield from map(work, items)
        return
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) >= workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


THREADS = 2
"""A step that can be cut up is done on so many, with the result that one would give."""


def prefetch(work: Callable[[Item], Result], items: Iterable[Item], depth: int = 1) -> Generator[Result]:
    """Results of ``work`` on every item, in the items' order; so many are made while the one before is in use.

    To be closed before what ``work`` uses is.
    """
    coming: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(1) as pool:
        try:
            for item in items:
                coming.append(pool.submit(work, item))
                if len(coming) > depth:
                    yield coming.popleft().result()
            while coming:
                yield coming.popleft().result()
        finally:
            for future in coming:
                future.cancel()
