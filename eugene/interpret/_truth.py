"""Explanations against what was planted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from numpy.typing import NDArray


FOUND_BELOW = 0.01
"""Corrected p-value below which a planted motif counts as found by the filters."""


def planted_motifs(ds: xr.Dataset, variable: str = "annotation") -> dict[str, str]:
    """Return what was planted into a simulated dataset.

    Parameters
    ----------
    ds : xarray.Dataset
        With the annotation of each position, or without.
    variable : str, optional
        Its name; attributes ``motifs`` (accessions) and ``motif_names`` say what 1, 2, ... mean.

    Returns
    -------
    dict of str to str
        Accession -> name; empty where nothing is known.

    Examples
    --------
    >>> from eugene.simulate import simulated
    >>> planted_motifs(simulated(4, seed=0))
    {'MA0466.3': 'CEBPB', 'MA0062.3': 'GABPA'}
    """
    if variable not in ds.variables:
        return {}
    attrs = ds[variable].attrs
    accessions = [str(v) for v in np.atleast_1d(attrs.get("motifs", []))]
    names = [str(v) for v in np.atleast_1d(attrs.get("motif_names", accessions))]
    return dict(zip(accessions, names, strict=True))


def attribution_truth(attributions: xr.Dataset) -> dict[str, Any]:
    """Score attributions against the positions that were planted.

    Parameters
    ----------
    attributions : xarray.Dataset
        What `attribute_sequences` returned, with ``planted`` uint8 ``(_sequence, _length)``.

    Returns
    -------
    dict
        ``mean_auprc`` of each method over the sequences that carry something, the
        ``planted_fraction`` of their positions (what a random order would reach), and ``n``.
    """
    import seqexplainer as se

    planted = attributions["planted"].to_numpy() > 0
    carrying = planted.any(axis=1) & ~planted.all(axis=1)
    scores: dict[str, float | None] = {}
    for name in attributions.data_vars:
        variable = attributions[name]
        if variable.dims != ("_sequence", "_ohe", "_length"):
            continue
        values = variable.to_numpy()[carrying]
        found = np.asarray(se.metrics.position_auprc(values, planted[carrying]))
        scores[str(name)] = float(np.nanmean(found)) if len(found) else None
    return {
        "mean_auprc": scores,
        "planted_fraction": float(planted[carrying].mean()) if carrying.any() else None,
        "n": int(carrying.sum()),
    }


def planted_motifs_found(
    annotations: pd.DataFrame, planted: dict[str, str], *, alpha: float = FOUND_BELOW
) -> dict[str, dict[str, Any]]:
    """Tell whether each planted motif is the best match of some filter, and surely so.

    Every filter has a best match, so being one means little by itself: some motif is always
    nearest. A motif counts as found if it is the best match of a filter and the p-value,
    corrected for all filters and motifs, is below ``alpha``.

    Parameters
    ----------
    annotations : pandas.DataFrame
        All matches of all filters, as `filter_motifs` returns them.
    planted : dict of str to str
        Accession -> name.
    alpha : float, optional
        Largest corrected p-value of a motif that counts as found.

    Returns
    -------
    dict
        Name -> ``filter``, ``p_value``, ``p_bonferroni``, ``best``, ``found``: the filter whose
        best match it is with the smallest p, or, where there is none, the filter that comes
        closest.
    """
    result: dict[str, dict[str, object]] = {}
    for accession, name in planted.items():
        rows = annotations[annotations["target_accession"] == accession]
        best = rows[rows["rank"] == 1]
        chosen = (best if len(best) else rows).sort_values(["p_value", "filter"], kind="stable")
        if not len(chosen):
            empty = {"filter": None, "p_value": None, "p_bonferroni": None}
            result[name] = {"accession": accession, **empty, "best": False, "found": False}
            continue
        row = chosen.iloc[0]
        result[name] = {
            "accession": accession,
            "filter": str(row["filter"]),
            "p_value": float(row["p_value"]),
            "p_bonferroni": float(row["p_bonferroni"]),
            "best": bool(len(best)),
            "found": bool(len(best)) and float(row["p_bonferroni"]) < alpha,
        }
    return result


def planted_rows(ds: xr.Dataset, rows: NDArray[np.int64], length: int) -> NDArray[np.uint8] | None:
    """Return the annotation of some rows, cut like their sequences.

    Parameters
    ----------
    ds : xarray.Dataset
        Perhaps with ``annotation`` uint8 ``(_sequence, _length)``.
    rows : ndarray of int64, shape (n,)
        Row numbers.
    length : int
        Window in bp, cut from the middle.

    Returns
    -------
    ndarray of uint8, shape (n, length), or None
        ``None`` where the dataset has no annotation.
    """
    if "annotation" not in ds.variables:
        return None
    return np.asarray(window_of(ds["annotation"], rows, length), dtype=np.uint8)


def window_of(variable: xr.DataArray, rows: NDArray[np.int64], length: int) -> NDArray[np.generic]:
    """Return what a variable says of each position of some rows, cut like their sequences.

    Parameters
    ----------
    variable : xarray.DataArray
        ``(_sequence, _length)``.
    rows : ndarray of int64, shape (n,)
        Row numbers.
    length : int
        Window in bp, cut from the middle.

    Returns
    -------
    ndarray, shape (n, length)
    """
    values = variable.isel(_sequence=rows).to_numpy()
    start = (values.shape[1] - length) // 2
    return np.asarray(values[:, start : start + length])
