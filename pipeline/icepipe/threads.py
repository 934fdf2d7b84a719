"""Work that is done while the result before it is in use."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

THREADS = 2
"""A step that can be cut up is done on so many, with the result that one would give."""


def ahead(work: Callable[[Item], Result], items: Iterable[Item], depth: int = 1) -> Generator[Result]:
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
