"""Attributions of a dataset's sequences by several methods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from eugene.config import registries

if TYPE_CHECKING:
    import torch
    import xarray as xr
    from numpy.typing import ArrayLike, NDArray

WITH_DELTA = frozenset({"deep_lift", "deep_lift_shap", "integrated_gradients"})
"""Methods whose attributions add up to a difference that can be checked."""

EFFECTS = frozenset({"saturation_mutagenesis"})
"""Methods that give the effect of every substitution."""

WITH_REFERENCES = frozenset(
    {"deep_lift", "deep_lift_shap", "integrated_gradients", "gradient_shap"}
)
"""Methods that compare with references."""


def project_effects(effects: NDArray[np.floating], X: NDArray[Any]) -> NDArray[np.float32]:
    """Turn effects of substitutions into one number for the letter that is there.

    Parameters
    ----------
    effects : ndarray of float, shape (n, 4, length)
        Difference of the output to the wild type, 0 at the letter that is there.
    X : ndarray, shape (n, 4, length)
        One-hot sequences.

    Returns
    -------
    ndarray of float32, shape (n, 4, length)
        At the letter that is there, what it adds over the mean of the four letters; else 0.

    Examples
    --------
    >>> effects = np.array([[[0.0], [-3.0], [-3.0], [-6.0]]])
    >>> project_effects(effects, np.array([[[1], [0], [0], [0]]])).ravel().tolist()
    [3.0, 0.0, 0.0, 0.0]
    """
    centred = effects - effects.mean(axis=1, keepdims=True)
    return np.where(X != 0, centred, 0.0).astype(np.float32)


def attribute_dataset(
    model: torch.nn.Module,
    X: NDArray[Any],
    *,
    methods: Sequence[str] = ("deep_lift_shap", "saturation_mutagenesis"),
    references: str = "dinuc_shuffle",
    n_references: int = 20,
    target: Any = 0,
    seed: int = 0,
    batch_size: int = 128,
    index: ArrayLike | None = None,
    progress: bool = False,
) -> xr.Dataset:
    """Attribute sequences by several methods.

    Parameters
    ----------
    model : torch.nn.Module
        On float one-hot (N, 4, L).
    X : ndarray, shape (n, 4, length)
        One-hot sequences.
    methods : sequence of str, optional
        Names of attribution methods; variables are called by our names for them.
    references : str, optional
        What sequences are compared with, for the methods that need it.
    n_references : int, optional
        References a sequence.
    target : int, tuple, str or callable, optional
        Which output.
    seed : int, optional
        Seed of the references.
    batch_size : int, optional
        Sequences at a time.
    index : array_like of int, shape (n,), optional
        Number of each sequence in its dataset.
    progress : bool, optional
        Draw bars.

    Returns
    -------
    xarray.Dataset
        ``seq`` S1 ``(_sequence, _length)``; for each method a float32 variable
        ``(_sequence, _ohe, _length)``, 0 at letters that are not there; ``delta_<method>``
        float32 ``(_sequence)`` for the methods that have a completeness delta;
        ``<method>_effects`` float32 ``(_sequence, _substitution, _length)`` for mutagenesis.
    """
    import xarray as xr

    import seqexplainer as se
    import seqpro as sp

    shape = ("_sequence", "_ohe", "_length")
    letters = sp.decode_ohe(np.asarray(X).swapaxes(1, 2), ohe_axis=-1, alphabet=sp.DNA)
    variables: dict[str, Any] = {
        "seq": (("_sequence", "_length"), letters, {"kind": "sequence", "alphabet": "ACGT"}),
        "index": ("_sequence", np.arange(len(X)) if index is None else np.asarray(index)),
    }
    for method in map(registries.ATTRIBUTIONS.resolve, methods):
        attrs: dict[str, Any] = {"method": method, "target": str(target), "seed": int(seed)}
        options: dict[str, Any] = {"target": target, "batch_size": batch_size}
        options["verbose"] = progress
        if method in EFFECTS:
            found = se.saturation_mutagenesis(model, X, **options)
            effects = np.asarray(found, dtype=np.float32)
            variables[method] = (shape, project_effects(effects, X), attrs)
            dims = ("_sequence", "_substitution", "_length")
            variables[f"{method}_effects"] = (dims, effects, attrs)
            continue
        if method in WITH_REFERENCES:
            options |= {"references": references, "n_references": n_references}
            attrs |= {"references": str(references), "n_references": int(n_references)}
        options["seed"] = seed
        if method in WITH_DELTA:
            values, delta = se.attribute(model, X, method, return_delta=True, **options)
            variables[f"delta_{method}"] = ("_sequence", np.asarray(delta, dtype=np.float32))
        else:
            values = se.attribute(model, X, method, **options)
        variables[method] = (shape, np.asarray(values, dtype=np.float32), attrs)
    return xr.Dataset(variables)
