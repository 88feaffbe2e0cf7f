"""What is put into sequences, and into which of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import seqpro as sp
from eugene.errors import EugeneError
from eugene.interpret._sequences import require_variable

if TYPE_CHECKING:
    import xarray as xr

    from seqpro.motifs import Motif


def row_of(sdata: xr.Dataset, seq_id: str | int, id_var: str) -> int:
    """Return the row of an identifier."""
    names = require_variable(sdata, id_var).astype(str).to_numpy()
    found = np.flatnonzero(names == str(seq_id))
    if not len(found):
        raise EugeneError(f"no sequence {seq_id!r} in {id_var!r}; the first is {names[0]!r}")
    return int(found[0])


def feature_letters(
    feature: str | Motif | np.ndarray, sdata: xr.Dataset, seq_var: str
) -> str | Motif:
    """Return a feature as letters, also where it is one-hot, (A, n) or (n, A)."""
    if not isinstance(feature, np.ndarray):
        return feature
    alphabet = sp.alphabet_of(require_variable(sdata, seq_var), sp.DNA)
    n = len(alphabet)
    if feature.ndim != 2 or n not in feature.shape or not np.isin(feature, (0, 1)).all():
        shape = feature.shape
        raise EugeneError(f"feature of shape {shape} is no one-hot array (n, {n}) or ({n}, n)")
    rows = (feature if feature.shape[1] == n else feature.T).astype(np.uint8)
    return str(sp.decode_ohe(rows, ohe_axis=1, alphabet=alphabet).tobytes().decode())
