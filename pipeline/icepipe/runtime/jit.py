"""Functions compiled to machine code on first use, kept on disk for every later process where that can be."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeVar, cast

from numba import njit
from numba.core import event

from icepipe.runtime.log import log_note

Function = TypeVar("Function", bound=Callable[..., Any])


class CompileListener(event.Listener):
    """Log the first compilation: it takes seconds, and the run is not stuck."""

    def __init__(self) -> None:
        self._logged = False

    def on_start(self, _event: event.Event) -> None:
        """Log that a function is about to be compiled; a function that is found on the disk starts no such event."""
        if not self._logged:
            self._logged = True
            log_note("compiling kernels, once", stage="compile")

    def on_end(self, _event: event.Event) -> None:
        """Nothing more to say."""


def log_compilation() -> AbstractContextManager[object]:
    """Return a context in which compilation is logged."""
    return cast(AbstractContextManager[object], event.install_listener("numba:compile", CompileListener()))


def compiled(function: Function) -> Function:
    """Compile a function of arrays and numbers; it lets other threads run.

    No fast mathematics: the order of operations stays, so that answers are those of the same steps in NumPy. Where
    neither the package's folder nor a user's cache can be written, every process compiles anew.
    """
    try:
        return cast(Function, njit(nogil=True, cache=True)(function))
    except RuntimeError:
        return cast(Function, njit(nogil=True)(function))
