"""Trimmed mean of M-values: library-size factors that ignore the genes that change."""

from __future__ import annotations

from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seqpro.errors import SeqproError


@final
class TMM:
    """Scale counts of several samples to a common library size.

    Parameters
    ----------
    expression_cutoff : float
        Genes whose mean log2 expression is at or below this are left out.
    log_ratio_trim : float
        Fraction cut off each end of the log-ratios.
    expression_trim : float
        Fraction cut off each end of the mean expressions.
    apply_weighting : bool
        Weight log-ratios by their asymptotic precision.
    quantile : float
        The reference is the sample whose quantile is nearest to the mean over samples.

    Attributes
    ----------
    factors : ndarray of float64, shape (n_samples,)
        Set by `fit`; their geometric mean is 1.
    reference : int
        Row of the reference sample.

    Examples
    --------
    >>> import numpy as np
    >>> import seqpro as sp
    >>> counts = np.random.default_rng(0).poisson(50, (2, 500))
    >>> tmm = sp.transforms.TMM().fit(np.vstack([counts[:1], 3 * counts[:1]]))
    >>> tmm.factors.round(6).tolist()
    [1.0, 1.0]

    Notes
    -----
    doi:10.1186/gb-2010-11-3-r25.
    """

    factors: NDArray[np.float64]
    reference: int

    def __init__(
        self,
        expression_cutoff: float = -1e10,
        log_ratio_trim: float = 0.3,
        expression_trim: float = 0.05,
        apply_weighting: bool = True,
        quantile: float = 0.75,
    ) -> None:
        if not (0 <= log_ratio_trim < 0.5 and 0 <= expression_trim < 0.5 and 0 <= quantile <= 1):
            raise SeqproError("trims must be in [0, 0.5) and quantile in [0, 1]")
        self.expression_cutoff = expression_cutoff
        self.log_ratio_trim = log_ratio_trim
        self.expression_trim = expression_trim
        self.apply_weighting = apply_weighting
        self.quantile = quantile

    def fit(self, counts: ArrayLike) -> TMM:
        """Estimate the factor of each sample.

        Parameters
        ----------
        counts : ndarray of numbers, shape (n_samples, n_genes)
            Not negative, raw.

        Returns
        -------
        TMM
            Itself.

        Raises
        ------
        SeqproError
            If counts are not of that shape, negative, or a sample is empty.
        """
        x = _counts(counts)
        total = _totals(x)
        expressed = x[:, (x > 0).any(0)]
        heights = np.quantile(expressed, self.quantile, axis=1) / total
        if np.median(heights) < 1e-20:
            self.reference = int(np.sqrt(expressed).sum(1).argmax())
        else:
            self.reference = int(abs(heights - heights.mean()).argmin())
        self._row = x[self.reference]
        ratios = np.array([self._log_factor(row, self._row) for row in x])
        self._centre = float(ratios.mean())
        self.factors = np.exp2(ratios - self._centre)
        return self

    def _log_factor(self, sample: NDArray[np.float64], reference: NDArray[np.float64]) -> float:
        n_sample, n_reference = sample.sum(), reference.sum()
        both = (sample > 0) & (reference > 0)
        p, q = sample[both] / n_sample, reference[both] / n_reference
        ratio, mean = np.log2(p / q), 0.5 * np.log2(p * q)
        variance = (1 - p) / sample[both] + (1 - q) / reference[both]
        kept = mean > self.expression_cutoff
        ratio, mean, variance = ratio[kept], mean[kept], variance[kept]
        if ratio.size == 0 or abs(ratio).max() < 1e-6:
            return 0.0
        inside = _trimmed(ratio, self.log_ratio_trim) & _trimmed(mean, self.expression_trim)
        if not inside.any():
            return 0.0
        weights = 1 / variance[inside] if self.apply_weighting else None
        return float(np.average(ratio[inside], weights=weights))

    def transform(self, counts: ArrayLike, library_size: float = 1e6) -> NDArray[np.float64]:
        """Scale counts to library_size.

        Parameters
        ----------
        counts : ndarray of numbers, shape (n_samples, n_genes)
            The samples given to `fit`, or others with the same genes; each is compared with the
            reference sample of `fit`.
        library_size : float
            1e6 gives counts per million.

        Returns
        -------
        ndarray of float64, shape (n_samples, n_genes)

        Raises
        ------
        SeqproError
            If not fitted, the number of genes differs, or a sample is empty.
        """
        x = _counts(counts)
        reference: Any = getattr(self, "_row", None)
        if reference is None:
            raise SeqproError("call fit first")
        if x.shape[1] != reference.size:
            raise SeqproError(f"fitted on {reference.size} genes, got {x.shape[1]}")
        total = _totals(x)
        ratios = np.array([self._log_factor(row, reference) for row in x])
        factors = np.exp2(ratios - self._centre)
        return np.asarray(x / (total * factors)[:, None] * library_size)

    def fit_transform(self, counts: ArrayLike, library_size: float = 1e6) -> NDArray[np.float64]:
        """Do `fit`, then `transform`."""
        return self.fit(counts).transform(counts, library_size)


def _counts(counts: ArrayLike) -> NDArray[np.float64]:
    x = np.asarray(counts, dtype=np.float64)
    if x.ndim != 2 or x.size == 0 or not np.isfinite(x).all() or (x < 0).any():
        msg = f"counts must be finite, not negative, of shape (n_samples, n_genes); got {x.shape}"
        raise SeqproError(msg)
    return x


def _totals(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the library size of each sample."""
    total: NDArray[np.float64] = x.sum(1)
    if (total == 0).any():
        raise SeqproError(f"sample {int((total == 0).argmax())} has no counts")
    return total


def _trimmed(values: NDArray[np.float64], fraction: float) -> NDArray[np.bool_]:
    """Mark values whose rank is inside both trims; ties share their mean rank."""
    order = np.argsort(values, kind="stable")
    ranks = np.empty(values.size)
    ranks[order] = np.arange(1, values.size + 1)
    _, group, size = np.unique(values, return_inverse=True, return_counts=True)
    shared = np.bincount(group, ranks) / size
    low = np.floor(values.size * fraction) + 1
    inside = (shared[group] >= low) & (shared[group] <= values.size + 1 - low)
    return np.asarray(inside)
