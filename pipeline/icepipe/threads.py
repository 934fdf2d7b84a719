"""Work that is done while the result before it is in use."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def ahead(work: Callable[[Item], Result], items: Iterable[Item]) -> Generator[Result]:
    """Results of ``work`` on every item, in the items' order, each made while the one before is in use.

    To be closed before what ``work`` uses is.
    """
    with ThreadPoolExecutor(1) as pool:
        coming: Future[Result] | None = None
        for item in items:
            future = pool.submit(work, item)
            if coming is not None:
                yield coming.result()
            coming = future
        if coming is not None:
            yield coming.result()
