"""Functions compiled to machine code on first use, kept on disk for every later process where that can be."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar, cast

from numba import njit
from numba.core import event

Function = TypeVar("Function", bound=Callable[..., Any])


class CompileListener(event.Listener):
    """Says that something is compiled, the first time that a process does so: it takes seconds and is no standstill."""

    def on_start(self, _event: event.Event) -> None:
        """Called as a function is about to be compiled, not where it is found on the disk."""
        _warn_once()

    def on_end(self, _event: event.Event) -> None:
        """Nothing more to say."""


@cache
def _warn_once() -> None:
    logging.getLogger("icepipe").info("compiling kernels, once", extra={"told": {"stage": "compile"}})


event.register("numba:compile", CompileListener())  # type: ignore[no-untyped-call]


def compiled(function: Function) -> Function:
    """Compile a function of arrays and numbers; it lets other threads run.

    No fast mathematics: the order of operations stays, so that answers are those of the same steps in NumPy. Where
    neither the package's folder nor a user's cache can be written, every process compiles anew.
    """
    try:
        return cast(Function, njit(nogil=True, cache=True)(function))
    except RuntimeError:
        return cast(Function, njit(nogil=True)(function))
