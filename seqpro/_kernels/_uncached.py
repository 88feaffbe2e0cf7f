"""Compiled code where nothing can be written: an installation and a home that are read-only."""

from __future__ import annotations

import functools
import warnings
from typing import Any

from numba.core.dispatcher import Dispatcher

_told = False


def settle() -> None:
    """Let numba compile in each process what it can keep nowhere, instead of failing.

    It holds for every compiled function of the process, those of other packages too, and changes
    nothing where numba finds a place for its cache. One warning says so.
    """
    keep = Dispatcher.enable_caching
    if getattr(keep, "may_fail", False):
        return

    @functools.wraps(keep)
    def enable_caching(self: Any) -> None:
        global _told
        try:
            keep(self)
        except RuntimeError as error:
            if "cannot cache function" not in str(error):
                raise
            if not _told:
                _told = True
                warnings.warn(
                    "compiled code can be kept nowhere: neither the installation nor the home "
                    "folder can be written, so it is compiled anew in each process. Set "
                    "NUMBA_CACHE_DIR to a folder that can be written",
                    RuntimeWarning,
                    stacklevel=2,
                )

    enable_caching.may_fail = True  # type: ignore[attr-defined]
    Dispatcher.enable_caching = enable_caching  # type: ignore[method-assign]


settle()
