"""A feature put into one sequence, and jitter, under EUGENe's names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from eugene.errors import EugeneError
from eugene.interpret import feature_implant_seq_sdata as _implanted

if TYPE_CHECKING:
    import xarray as xr


def feature_implant_seq_sdata(
    model: torch.nn.Module,
    sdata: xr.Dataset,
    seq_id: str | int,
    feature: str | np.ndarray,
    seq_var: str = "ohe_seq",
    id_var: str = "id",
    feature_name: str = "feature",
    encoding: str = "onehot",
    store: bool = True,
    device: str | None = None,
) -> np.ndarray:
    """Put a feature into one sequence at every position and predict each.

    Parameters
    ----------
    model : torch.nn.Module
        A network on (N, 4, L), or a module with one in ``arch``.
    sdata : xarray.Dataset
        With the sequence; changed where ``store`` is true.
    seq_id : str or int
        Which sequence, by ``id_var``.
    feature : str or ndarray
        Letters, or one-hot (letters, width).
    seq_var, id_var : str
        Variables of the sequences and of their names.
    feature_name : str
        Part of the name of what is stored.
    encoding : str
        Unused: what the variable and the feature are shows.
    store : bool
        Keep the predictions as ``{seq_id}_{feature_name}_slide``.
    device : str, optional
        Where to compute.

    Returns
    -------
    ndarray of float64, shape (positions,)
    """
    found = _implanted(
        model, sdata, feature, seq_id=seq_id, id_var=id_var, seq_var=seq_var, device=device
    )
    if store:
        sdata[f"{seq_id}_{feature_name}_slide"] = (f"{feature_name}_slide", found)
    return found


class RandomJitter:
    """Cut a window of one length out of a batch, at one random place for all its rows.

    `seqpro.transforms.Jitter` draws for each row. EUGENe's drew from the first half of the places
    alone; all are as likely here.

    Parameters
    ----------
    max_jitter : int
        How far the window can lie from the middle (bp).
    length_axis : int
        The axis of positions.
    seed : int, optional
        Of the places; fresh entropy by default.

    Examples
    --------
    >>> RandomJitter(2, 2)(torch.zeros(3, 4, 12)).shape
    torch.Size([3, 4, 8])
    """

    def __init__(self, max_jitter: int, length_axis: int, seed: int | None = None) -> None:
        self.max_jitter, self.length_axis = max_jitter, length_axis
        self._draws = np.random.default_rng(seed)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Return the window."""
        length = x.shape[self.length_axis] - 2 * self.max_jitter
        if length < 1:
            raise EugeneError(
                f"{x.shape[self.length_axis]} positions are too few to cut {self.max_jitter} off "
                "both sides"
            )
        start = int(self._draws.integers(0, 2 * self.max_jitter, endpoint=True))
        return x.narrow(self.length_axis, start, length)
