"""A clear error when another project's package lies over one of ours.

The import names ``seqpro``, ``seqdata``, ``seqexplainer`` and ``eugene`` are also used by
older distributions on PyPI.  An installer mixes the two trees without a word, and removing
the other one later deletes files of ours.
"""

from __future__ import annotations

import importlib.metadata

from eugene.errors import NameClashError

OURS = "eugene-genomics"
FOREIGN: dict[str, str] = {
    "seqpro": "seqpro",
    "seqdata": "seqdata",
    "seqexplainer": "seqexplainer",
    "eugene-tools": "eugene",
    "seqdatasets": "seqdatasets",
    "motifdata": "motifdata",
}
"""Distribution name of the other project -> import package that it shares with us."""


def clashes() -> dict[str, str]:
    """Return the foreign distributions that are installed over our import packages.

    Returns
    -------
    dict of str to str
        Distribution name -> its version; empty when all is well.

    Examples
    --------
    >>> clashes()
    {}
    """
    found: dict[str, str] = {}
    for name in FOREIGN:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def mend(names: list[str] | dict[str, str]) -> str:
    """Return the shell line that removes foreign distributions and restores ours.

    Examples
    --------
    >>> mend(["seqpro"])
    'pip uninstall -y seqpro && pip install --force-reinstall --no-deps eugene-genomics'
    """
    return f"pip uninstall -y {' '.join(names)} && pip install --force-reinstall --no-deps {OURS}"


def check() -> None:
    """Raise if a foreign distribution shares an import package with us.

    Raises
    ------
    NameClashError
        With the lines that mend it.

    Examples
    --------
    >>> check()
    """
    found = clashes()
    if found:
        listed = ", ".join(f"{name} {version}" for name, version in found.items())
        packages = ", ".join(sorted({FOREIGN[name] for name in found}))
        raise NameClashError(
            f"the distribution(s) {listed} are installed over the import package(s) {packages} "
            f"of {OURS}: the two trees are mixed and neither works. Mend it with: {mend(found)} "
            "(in a source tree: pip install -e . as the second step)"
        )
