"""How much a divergence depends on the length of the words and on what counts as high."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias, TypedDict, Unpack

from seqexplainer._inputs import check_choice
from seqexplainer.errors import InputError
from seqexplainer.metrics._divergence import quiet
from seqexplainer.metrics.angles import ENOUGH as ENOUGH_POINTS
from seqexplainer.metrics.angles import N_BINS, k_attr_mean_kld
from seqexplainer.metrics.kmers import ENOUGH as ENOUGH_KMERS
from seqexplainer.metrics.kmers import kmer_kld

if TYPE_CHECKING:
    import pandas as pd

MEASURES = ("kmer", "k_attr_mean")
_CUTS = {"kmer": (0.8, 0.85, 0.9, 0.95), "k_attr_mean": (0.05, 0.1, 0.2, 0.5, 0.99)}
_KS = {"kmer": (3, 4, 5, 6), "k_attr_mean": (1, 2, 3, 4, 5, 6)}


Row: TypeAlias = tuple[int, float, float, float, int, bool]


class Both(TypedDict, total=False):
    """Keywords that both divergences take."""

    correction: str | None
    null: str | None
    n_null: int
    seed: int | None
    compat: str | None


def sensitivity(
    attr: object,
    X: object = None,
    *,
    measure: str = "kmer",
    ks: Sequence[int] | None = None,
    cuts: Sequence[float] | None = None,
    **options: Unpack[Both],
) -> pd.DataFrame:
    """Compute a divergence for several lengths of words and several cuts.

    A comparison of models that turns round with another k or another threshold says little.

    Parameters
    ----------
    attr : array of float, shape (n_seqs, 4, length)
        Attributions as in `kmer_kld`.
    X : array, optional
        Sequences as in `kmer_kld`, which needs them.
    measure : {"kmer", "k_attr_mean"}
        `kmer_kld` or `k_attr_mean_kld`.
    ks : sequence of int, optional
        Values of k; by default 3 to 6, and 1 to 6 for ``"k_attr_mean"``.
    cuts : sequence of float, optional
        Values of ``threshold``, or of ``keep`` for ``"k_attr_mean"``.
    correction, null, n_null, seed, compat
        As in both functions.

    Returns
    -------
    pandas.DataFrame
        A row for each pair: k, threshold (or keep), kld, z, n (k-mers or windows that were
        counted) and enough (whether these are as many as are wanted).

    Raises
    ------
    InputError
        As those functions; also if there is no k or no cut.

    Examples
    --------
    >>> import numpy as np
    >>> maps = np.random.default_rng(0).normal(size=(300, 4, 60))
    >>> table = sensitivity(maps, measure="k_attr_mean", ks=[1, 3], cuts=[0.5, 1.0])
    >>> table[["k", "keep", "n"]].to_numpy().tolist()
    [[1.0, 0.5, 8999.0], [1.0, 1.0, 17999.0], [3.0, 0.5, 8999.0], [3.0, 1.0, 17999.0]]
    """
    import pandas as pd

    check_choice(measure, MEASURES, "measure")
    ks, cuts = _KS[measure] if ks is None else ks, _CUTS[measure] if cuts is None else cuts
    if not len(ks) or not len(cuts):
        raise InputError("ks and cuts must hold at least one value each")
    if measure == "kmer" and X is None:
        raise InputError("X is missing: k-mers are counted in sequences")
    computed = _words if measure == "kmer" else _windows
    rows = []
    for k in ks:
        for cut in cuts:
            with quiet():
                rows.append(computed(attr, X, k, cut, options))
    name = "threshold" if measure == "kmer" else "keep"
    return pd.DataFrame(rows, columns=["k", name, "kld", "z", "n", "enough"])


def _words(attr: object, X: object, k: int, cut: float, options: Both) -> Row:
    found = kmer_kld(attr, X, k=k, threshold=cut, **options)
    return k, cut, found.kld, found.z, found.n_kmers, found.n_kmers >= ENOUGH_KMERS * 4**k


def _windows(attr: object, X: object, k: int, cut: float, options: Both) -> Row:
    found = k_attr_mean_kld(attr, X, k=k, keep=cut, points=False, **options)
    return k, cut, found.kld, found.z, found.n_points, found.n_points >= ENOUGH_POINTS * N_BINS**2
