"""The version of the one distribution that holds all four packages."""

from __future__ import annotations


def version() -> str:
    """Return the version of the installed distribution.

    Examples
    --------
    >>> version()[0].isdigit()
    True
    """
    from importlib import metadata

    try:
        return metadata.version("eugene-genomics")
    except metadata.PackageNotFoundError:
        return "0+unknown"  # a source tree on the path that was never installed
