"""Fingerprints of what an explanation belongs to: the weights and the sequences."""

from __future__ import annotations

import hashlib
import importlib.metadata
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch
    import xarray as xr
    from numpy.typing import NDArray

_SOFTWARE = ("eugene-genomics", "torch", "numpy")
_ROWS = 4096


def hash_model(model: torch.nn.Module) -> str:
    """Return the SHA-256 of a network's structure and weights.

    Parameters
    ----------
    model : torch.nn.Module
        Any network.

    Returns
    -------
    str
        64 hexadecimal digits.

    Examples
    --------
    >>> import torch
    >>> net = torch.nn.Linear(2, 1)
    >>> before = hash_model(net)
    >>> _ = net.weight.data.add_(1)
    >>> len(before), before == hash_model(net)
    (64, False)
    """
    import torch

    digest = hashlib.sha256(repr(model).encode())
    for name, value in sorted(model.state_dict().items()):
        digest.update(name.encode())
        if isinstance(value, torch.Tensor):
            data: NDArray[np.uint8] = value.detach().cpu().reshape(-1).view(torch.uint8).numpy()
            digest.update(data.tobytes())
    return digest.hexdigest()


def hash_rows(variable: xr.DataArray, rows: NDArray[np.int64]) -> str:
    """Return the SHA-256 of some rows of a variable, read a few thousand at a time.

    Parameters
    ----------
    variable : xarray.DataArray
        Rows along its first dimension.
    rows : ndarray of int64, shape (n,)
        Which, in order.

    Returns
    -------
    str
        64 hexadecimal digits.

    Examples
    --------
    >>> import xarray as xr
    >>> letters = xr.DataArray(np.array([[b"A"], [b"C"]]), dims=("_sequence", "_length"))
    >>> hash_rows(letters, np.array([0, 1])) == hash_rows(letters[::-1], np.array([1, 0]))
    True
    """
    digest = hashlib.sha256(f"{variable.dims}{variable.shape[1:]}{variable.dtype}".encode())
    for begin in range(0, len(rows), _ROWS):
        block = variable.isel({variable.dims[0]: rows[begin : begin + _ROWS]}).to_numpy()
        digest.update(np.ascontiguousarray(block).data.cast("B"))
    return digest.hexdigest()


def software() -> dict[str, object]:
    """Return the versions that an attribution depends on, ``None`` where one is not known.

    Examples
    --------
    >>> sorted(software())
    ['eugene-genomics', 'numpy', 'torch']
    """
    found: dict[str, object] = {}
    for name in _SOFTWARE:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    return found
