"""Import of packages that only an extra brings."""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType

from eugene.errors import MissingExtraError

EXTRAS: dict[str, tuple[str, ...]] = {
    "tune": ("ray", "optuna"),
    "modisco": ("modiscolite",),
    "hub": ("huggingface_hub",),
    "h5": ("h5py",),
    "remote": ("aiohttp", "requests", "fsspec"),
    "anndata": ("anndata",),
    "parquet": ("pyarrow",),
    "wandb": ("wandb",),
    "mlflow": ("mlflow",),
    "docs": ("sphinx", "myst_nb"),
}
"""What each extra of the distribution makes importable."""


def require(module: str, *, extra: str) -> ModuleType:
    """Import an optional module or say how to install it.

    Parameters
    ----------
    module : str
        Import name, such as ``"h5py"``.
    extra : str
        The extra of this distribution that brings it.

    Returns
    -------
    module
        The imported module.

    Raises
    ------
    MissingExtraError
        If it is not installed; the message names the pip command.

    Examples
    --------
    >>> require("json", extra="h5").dumps([1])
    '[1]'
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        top = module.partition(".")[0]
        if error.name is not None and error.name.partition(".")[0] != top:
            raise
        raise MissingExtraError(
            f"this needs the package {top!r}, which is not installed; "
            f"install it with: pip install 'eugene-genomics[{extra}]'"
        ) from error


def present(module: str) -> bool:
    """Tell whether a top-level module could be imported, without importing it.

    Examples
    --------
    >>> present("json"), present("no_such_module_here")
    (True, False)
    """
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False
