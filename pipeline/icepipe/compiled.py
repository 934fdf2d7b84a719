"""Functions compiled to machine code on first use, kept on disk for every later process where that can be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Compile a function of arrays and numbers; it lets other threads run.

    No fast mathematics: the order of operations stays, so that answers are those of the same steps in NumPy. Where
    neither the package's folder nor a user's cache can be written, every process compiles anew.
    """
    try:
        return cast(Function, njit(nogil=True, cache=True)(function))
    except RuntimeError:
        return cast(Function, njit(nogil=True)(function))
