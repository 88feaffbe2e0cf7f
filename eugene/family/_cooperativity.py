"""Cooperativity of two motifs by distance, under EUGENe's name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eugene.errors import EugeneError
from eugene.interpret import one_hot

if TYPE_CHECKING:
    import torch
    import xarray as xr


def motif_distance_dependence_gia(
    model: torch.nn.Module,
    sdata: xr.Dataset,
    feature_A: str,
    feature_B: str,
    tile_step: int = 1,
    style: str = "deAlmeida22",
    seq_var: str = "seq",
    results_var: str = "cooperativity",
    distance_var: str = "distance",
    device: str | None = None,
    batch_size: int = 128,
) -> None:
    """Measure what two motifs do together, by their distance, and keep it in the dataset.

    The first motif stands in the middle of every sequence, the second everywhere else where it
    does not touch it. The fold is that of DeepSTARR, ``2^AB / (2^A + 2^B - 2^background)``, for
    networks whose outputs are log2 values.

    Parameters
    ----------
    model : torch.nn.Module
        A network on (N, 4, L), or a module with one in ``arch``.
    sdata : xarray.Dataset
        Backgrounds; two variables are added.
    feature_A, feature_B : str
        Letters of the motifs.
    tile_step : int
        Distance between two places of the second motif in bp.
    style : str
        Only ``"deAlmeida22"``.
    seq_var : str
        Variable of the sequences.
    results_var, distance_var : str
        What is added: folds float64 ``(_{distance_var}, _sequence, _predictions)`` and the
        distances as text, ``+`` where the second motif is downstream.
    device : str, optional
        Where to compute; by default where the network is.
    batch_size : int
        Sequences at a time.

    Raises
    ------
    EugeneError
        If another style is asked for.
    """
    import seqexplainer as se

    if style != "deAlmeida22":
        raise EugeneError(
            f"style={style!r} can only be 'deAlmeida22'; seqexplainer.cooperativity takes others"
        )
    X = one_hot(sdata, seq_var)
    arch = getattr(model, "arch", None)
    network: torch.nn.Module = model if arch is None else arch
    length, width_a, width_b = X.shape[2], len(feature_A), len(feature_B)
    anchor = length // 2 - -(-width_a // 2)
    starts = np.arange(0, length - width_b + 1, tile_step)
    starts = starts[(starts < anchor - width_b) | (starts > anchor + width_a)]
    outputs = np.asarray(se.predict(network, X[:1], device=device)).reshape(1, -1).shape[1]
    folds = [
        se.cooperativity(
            network, X, feature_A, feature_B, distances=starts - anchor, anchor=anchor,
            link="log2", target=output, device=device, batch_size=batch_size, n_resamples=1,
        ).fold
        for output in range(outputs)
    ]  # fmt: skip
    dims = (f"_{distance_var}", "_sequence", "_predictions")
    sdata[results_var] = (dims, np.stack(folds, axis=-1).swapaxes(0, 1))
    names = np.array([f"{d:+d}" for d in (starts - anchor).tolist()], dtype=object)
    sdata[distance_var] = (dims[:1], names)
