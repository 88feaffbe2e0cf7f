"""Whether attribution maps agree with each other, and with what is known, in one call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from eugene._evaluation import Metric, Metrics

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from seqexplainer.metrics import KAttrMeanKLD, KmerKLD

_POINTS = 3000
"""Single windows that are kept, the longest ones."""


@dataclass(frozen=True)
class ConsistencyFigures:
    """How well attribution maps of different sequences agree.

    Attributes
    ----------
    metrics : dict
        Name -> ``value``, ``low``, ``high``: ``k_attr_mean_kld`` and ``kmer_kld`` in nats, and
        with a ground truth ``attribution_snr``, ``attribution_auroc`` and ``attribution_auprc``,
        means over the sequences. A figure that does not exist has the value None and says
        ``why``.
    told : dict
        What belongs to each of both divergences, ``k_attr_mean`` and ``kmer``: settings, counts,
        what shuffled maps give, and warnings.
    arrays : dict of str to ndarray
        The distributions behind them: ``density`` and ``density_prior`` (31, 31) over the angles
        of directions, ``frequencies`` and ``kmer_prior`` (4**k,), and of the strongest windows
        ``phi`` and ``theta`` (rad), ``r``, ``sequence`` and ``position``.
    """

    metrics: Metrics
    told: dict[str, dict[str, object]]
    arrays: dict[str, NDArray[np.generic]]


def consistency_of(
    maps: NDArray[np.floating],
    X: NDArray[np.generic],
    model: NDArray[np.floating] | None = None,
    *,
    k: int = 6,
    threshold: float = 0.9,
    keep: float = 0.1,
    window: int = 3,
    compat: Literal["acme"] | None = None,
    n_null: int = 0,
    seed: int = 0,
) -> ConsistencyFigures:
    """Measure how well attribution maps of different sequences agree.

    Parameters
    ----------
    maps : ndarray of float, shape (n_seqs, 4, length)
        Maps of every letter (hypothetical ones), such as gradients, less their mean over the
        letters.
    X : ndarray, shape (n_seqs, 4, length)
        One-hot sequences.
    model : ndarray of float, shape (n_seqs, 4, length), optional
        Ground truth: the probability of each letter at each position.
    k : int
        Length of the k-mers (bp).
    threshold : float
        k-mers are counted where a map is above this quantile of its sequence.
    keep : float
        Share of all positions, the strongest, whose directions are compared.
    window : int
        Positions that are averaged before that.
    compat : "acme", optional
        Directions as in the program of the paper.
    n_null : int
        Shuffles of the maps, against which the numbers are held; 0 for none.
    seed : int
        Of the shuffles.

    Returns
    -------
    ConsistencyFigures

    Notes
    -----
    Majdandzic et al. 2022, https://proceedings.mlr.press/v200/majdandzic22a.html. Both
    divergences are too large for few sequences; compare networks at equal numbers only.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = np.eye(4)[rng.integers(4, size=(60, 50))].swapaxes(1, 2)
    >>> maps = rng.normal(size=X.shape)
    >>> found = consistency_of(maps, X, k=2)
    >>> sorted(found.metrics), found.metrics["k_attr_mean_kld"]["value"] > 0
    (['k_attr_mean_kld', 'kmer_kld'], True)
    """
    import seqexplainer as se

    null: Literal["shuffled"] | None = "shuffled" if n_null else None
    draws = n_null or 1
    angles = se.metrics.k_attr_mean_kld(
        maps, X, k=window, keep=keep, compat=compat, null=null, n_null=draws, seed=seed
    )
    kmers = se.metrics.kmer_kld(
        maps, X, k=k, threshold=threshold, null=null, n_null=draws, seed=seed
    )
    truth = None if model is None else se.metrics.attribution_snr(maps, X, model)
    metrics: Metrics = {
        "k_attr_mean_kld": _metric(angles.kld, "no map has a position with a direction"),
        "kmer_kld": _metric(kmers.kld, f"no stretch of {k} bp stands out of its map"),
    }
    if truth is not None:
        why = "no sequence has both known and background positions"
        metrics["attribution_snr"] = _metric(truth.mean, why)
        metrics["attribution_auroc"] = _metric(truth.mean_auroc, why)
        metrics["attribution_auprc"] = _metric(truth.mean_auprc, why)
    told: dict[str, dict[str, object]] = {
        "k_attr_mean": {"n_points": angles.n_points, **_told(angles)},
        "kmer": {"n_kmers": kmers.n_kmers, "n_blocks": kmers.n_blocks, **_told(kmers)},
    }
    if truth is not None:
        told["truth"] = {"warnings": list(truth.warnings)}
    arrays: dict[str, NDArray[np.generic]] = {
        "density": angles.hist,
        "density_prior": angles.prior,
        "frequencies": kmers.freq,
        "kmer_prior": kmers.prior,
    }
    if angles.points is not None:
        strongest = np.sort(np.argsort(-angles.points.r, kind="stable")[:_POINTS])
        arrays |= {name: v[strongest] for name, v in angles.points._asdict().items()}
    return ConsistencyFigures(metrics, told, arrays)


def _told(found: KAttrMeanKLD | KmerKLD) -> dict[str, object]:
    """Return what belongs to a divergence, as plain values."""
    chance = {"z": found.z, "null_mean": found.null_mean, "null_sd": found.null_sd}
    return {
        "n_empty": found.n_empty,
        **(chance if len(found.null) else {}),
        "warnings": list(found.warnings),
        "settings": dict(found.settings),
    }


def _metric(value: float, why: str) -> Metric:
    """Return a figure, or why it does not exist."""
    if not np.isfinite(value):
        return {"value": None, "low": None, "high": None, "why": why}
    return {"value": float(value), "low": None, "high": None}
