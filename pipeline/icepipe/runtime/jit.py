"""Just-in-time compilation of kernels, cached on disk for later processes where possible."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeVar, cast

from numba import njit
from numba.core import event

from icepipe.runtime.log import log_note

Function = TypeVar("Function", bound=Callable[..., Any])


class CompileListener(event.Listener):
    """Log the first compilation, which takes seconds in which a run would seem stuck."""

    def __init__(self) -> None:
        self._logged = False

    def on_start(self, _event: event.Event) -> None:
        """Log that a function is about to be compiled; numba sends no event for one that is cached on disk."""
        if not self._logged:
            self._logged = True
            log_note("compiling kernels, once", stage="compile")

    def on_end(self, _event: event.Event) -> None:
        """Do nothing; numba requires the method."""


def log_compilation() -> AbstractContextManager[object]:
    """Return a context in which compilation is logged."""
    return cast(AbstractContextManager[object], event.install_listener("numba:compile", CompileListener()))


def compiled(function: Function) -> Function:
    """Compile a function of arrays and numbers, without the GIL.

    ``fastmath`` stays off: the order of operations is kept, so that results equal those of the same steps in NumPy.
    """
    try:
        return cast(Function, njit(nogil=True, cache=True)(function))
    except RuntimeError:
        # Neither the package folder nor the user cache is writable: every process compiles for itself.
        return cast(Function, njit(nogil=True)(function))
