"""Baselines of k-mer counts: what a network has to beat."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

import seqpro as sp
from eugene.errors import EugeneError

Features = NDArray[np.float32]


def kmer_features(
    seqs: ArrayLike, k: int | Iterable[int] = (1, 2, 3, 4, 5, 6), *, both_strands: bool = False
) -> Features:
    """Count k-mers of one or several lengths.

    Parameters
    ----------
    seqs : array_like of S1 or uint8 ASCII, shape (n, length)
        Sequences; windows with a letter outside ACGT are not counted.
    k : int or iterable of int
        Lengths of the k-mers.
    both_strands : bool
        Count a k-mer and its reverse complement as one.

    Returns
    -------
    ndarray of float32, shape (n, features)
        Counts, shorter k-mers first, each length in the order of the alphabet.

    Raises
    ------
    EugeneError
        If the sequences are not two-dimensional letters.

    Examples
    --------
    >>> letters = np.array([list("ACGT")], dtype="S1")
    >>> kmer_features(letters, 1)
    array([[1., 1., 1., 1.]], dtype=float32)
    >>> kmer_features(letters, 1, both_strands=True)
    array([[2., 2.]], dtype=float32)
    """
    letters = np.asarray(seqs)
    if letters.dtype == np.uint8:
        letters = np.ascontiguousarray(letters).view("S1")
    if letters.ndim != 2 or letters.dtype != np.dtype("S1"):
        raise EugeneError(
            f"expected letters of shape (n, length), dtype S1, got {letters.dtype} of shape "
            f"{letters.shape}"
        )
    lengths = [k] if isinstance(k, int) else list(k)
    parts = []
    for width in lengths:
        counts = sp.kmer_counts(letters, width, canonical=both_strands)
        if both_strands:
            counts = counts[:, _canonical(width)]
        parts.append(counts.astype(np.float32))
    return np.concatenate(parts, axis=1)


def _canonical(k: int) -> NDArray[np.bool_]:
    """Return which k-mers come first of themselves and their reverse complement, (4**k,)."""
    codes = np.arange(4**k)
    digits = (codes[:, None] // 4 ** np.arange(k)) % 4
    reverse = ((3 - digits) * 4 ** np.arange(k)[::-1]).sum(axis=1)
    keep: NDArray[np.bool_] = codes <= reverse
    return keep


class _KmerModel:
    """Scaled k-mer counts before a linear model whose penalty is chosen on validation rows."""

    def __init__(
        self,
        k: int = 6,
        *,
        both_strands: bool = True,
        penalties: Sequence[float],
    ) -> None:
        if k < 1:
            raise EugeneError(f"k must be at least 1, got {k}")
        self.k, self.both_strands = k, both_strands
        self.penalties = tuple(penalties)
        self.penalty: float | None = None
        self.scores: dict[float, float] = {}

    def _features(self, seqs: ArrayLike) -> Features:
        return kmer_features(seqs, range(1, self.k + 1), both_strands=self.both_strands)

    def _scale(self, x: Features) -> Features:
        scaled: Features = (x - self._mean) / self._spread
        return scaled

    def _fit_scale(self, x: Features) -> Features:
        self._mean = x.mean(axis=0)
        spread = x.std(axis=0)
        self._spread = np.where(spread > 0, spread, 1).astype(np.float32)
        return self._scale(x)

    def _targets(self, y: ArrayLike) -> NDArray[np.float64]:
        values = np.asarray(y, dtype=np.float64)
        self._flat = values.ndim == 1
        return values[:, None] if self._flat else values

    def _shape(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return values[:, 0] if self._flat else values

    def _splits(
        self, seqs: ArrayLike, y: ArrayLike, val_seqs: ArrayLike | None, val_y: ArrayLike | None
    ) -> tuple[Features, NDArray[np.float64], Features, NDArray[np.float64]]:
        """Return scaled features and targets of training and validation rows."""
        if (val_seqs is None) != (val_y is None):
            raise EugeneError("give val_seqs and val_y together, or neither")
        targets = self._targets(y)
        x = self._fit_scale(self._features(seqs))
        if len(x) != len(targets):
            raise EugeneError(f"{len(x)} sequences but {len(targets)} rows of targets")
        if val_seqs is not None and val_y is not None:
            return x, targets, self._scale(self._features(val_seqs)), self._targets(val_y)
        held = np.arange(len(x)) % 5 == 4
        return x[~held], targets[~held], x[held], targets[held]


class KmerRidge(_KmerModel):
    """Ridge regression on k-mer counts.

    Counts of all k-mers up to ``k`` are scaled to mean 0 and standard deviation 1; the penalty
    with the least squared error on the validation rows is kept for each target.

    Parameters
    ----------
    k : int
        Longest k-mer.
    both_strands : bool
        Count a k-mer and its reverse complement as one.
    penalties : list of float
        Penalties to choose from, as multiples of the number of features.

    Attributes
    ----------
    penalty : float
        The penalty chosen (of the last target).
    scores : dict
        Mean squared error on the validation rows for each penalty (of the last target).

    References
    ----------
    Hoerl and Kennard 1970, https://doi.org/10.1080/00401706.1970.10488634

    Examples
    --------
    >>> letters = sp.random_seqs((60, 20), sp.DNA, seed=0)
    >>> y = (letters == b"A").sum(axis=1)
    >>> model = KmerRidge(2, both_strands=False).fit(letters, y)
    >>> bool(np.corrcoef(model.predict(letters), y)[0, 1] > .8)
    True
    """

    def __init__(
        self,
        k: int = 6,
        *,
        both_strands: bool = True,
        penalties: Sequence[float] = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0),
    ) -> None:
        super().__init__(k, both_strands=both_strands, penalties=penalties)

    def fit(
        self,
        seqs: ArrayLike,
        y: ArrayLike,
        val_seqs: ArrayLike | None = None,
        val_y: ArrayLike | None = None,
    ) -> KmerRidge:
        """Fit on training rows.

        Parameters
        ----------
        seqs : array_like of S1 or uint8 ASCII, shape (n, length)
            Training sequences.
        y : array_like of float, shape (n,) or (n, targets)
            Targets; NaN where missing.
        val_seqs, val_y : array_like, optional
            Rows on which the penalty is chosen; by default every fifth training row, left out.

        Returns
        -------
        KmerRidge
            Itself.

        Raises
        ------
        EugeneError
            If lengths differ.
        """
        x, targets, val_x, val_targets = self._splits(seqs, y, val_seqs, val_y)
        self._weights = np.empty((x.shape[1], targets.shape[1]))
        self._offsets = np.empty(targets.shape[1])
        for t in range(targets.shape[1]):
            rows = np.isfinite(targets[:, t])
            val_rows = np.isfinite(val_targets[:, t])
            self._fit_one(t, x[rows], targets[rows, t], val_x[val_rows], val_targets[val_rows, t])
        return self

    def _fit_one(
        self,
        t: int,
        x: Features,
        y: NDArray[np.float64],
        val_x: Features,
        val_y: NDArray[np.float64],
    ) -> None:
        from scipy.linalg import cho_factor, cho_solve

        n, features = x.shape
        offset = float(y.mean())
        wide = features > n
        gram = (x @ x.T if wide else x.T @ x).astype(np.float64)
        right = (y - offset) if wide else x.T.astype(np.float64) @ (y - offset)
        best = np.inf
        self.scores = {}
        for penalty in self.penalties:
            system = gram.copy()
            system.flat[:: len(gram) + 1] += penalty * features
            solution = cho_solve(cho_factor(system, overwrite_a=True), right)
            weights = x.T.astype(np.float64) @ solution if wide else solution
            error = float(np.mean((val_x @ weights + offset - val_y) ** 2))
            self.scores[penalty] = error
            if error < best:
                best, self.penalty = error, penalty
                self._weights[:, t], self._offsets[t] = weights, offset

    def predict(self, seqs: ArrayLike) -> NDArray[np.float64]:
        """Predict targets.

        Parameters
        ----------
        seqs : array_like of S1 or uint8 ASCII, shape (n, length)
            Sequences.

        Returns
        -------
        ndarray of float64, shape (n,) or (n, targets)
            Predictions, of the shape that the targets had.
        """
        x = self._scale(self._features(seqs))
        return self._shape(x @ self._weights + self._offsets)


class KmerLogistic(_KmerModel):
    """Logistic regression on k-mer counts.

    Counts of all k-mers up to ``k`` are scaled to mean 0 and standard deviation 1; the penalty
    with the least log loss on the validation rows is kept for each target.

    Parameters
    ----------
    k : int
        Longest k-mer.
    both_strands : bool
        Count a k-mer and its reverse complement as one.
    penalties : list of float
        Inverse strengths (scikit-learn's ``C``) to choose from.
    max_iter : int
        Most iterations of the solver.

    Attributes
    ----------
    penalty : float
        The inverse strength chosen (of the last target).
    scores : dict
        Log loss on the validation rows for each of them (of the last target).

    Examples
    --------
    >>> letters = sp.random_seqs((80, 20), sp.DNA, seed=0)
    >>> y = (letters == b"A").sum(axis=1) > 5
    >>> model = KmerLogistic(1, both_strands=False).fit(letters, y)
    >>> bool(((model.predict(letters) > .5) == y).mean() > .8)
    True
    """

    def __init__(
        self,
        k: int = 6,
        *,
        both_strands: bool = True,
        penalties: Sequence[float] = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1),
        max_iter: int = 200,
    ) -> None:
        super().__init__(k, both_strands=both_strands, penalties=penalties)
        self.max_iter = max_iter

    def fit(
        self,
        seqs: ArrayLike,
        y: ArrayLike,
        val_seqs: ArrayLike | None = None,
        val_y: ArrayLike | None = None,
    ) -> KmerLogistic:
        """Fit on training rows.

        Parameters
        ----------
        seqs : array_like of S1 or uint8 ASCII, shape (n, length)
            Training sequences.
        y : array_like, shape (n,) or (n, targets)
            0 or 1; NaN where missing.
        val_seqs, val_y : array_like, optional
            Rows on which the penalty is chosen; by default every fifth training row, left out.

        Returns
        -------
        KmerLogistic
            Itself.

        Raises
        ------
        EugeneError
            If lengths differ or a target has one class only.
        """
        x, targets, val_x, val_targets = self._splits(seqs, y, val_seqs, val_y)
        self._models: list[Any] = []
        for t in range(targets.shape[1]):
            rows = np.isfinite(targets[:, t])
            val_rows = np.isfinite(val_targets[:, t])
            labels, val_labels = targets[rows, t] > 0.5, val_targets[val_rows, t] > 0.5
            if labels.all() or not labels.any():
                raise EugeneError(f"target {t} has one class only among the training rows")
            self._models.append(self._fit_one(x[rows], labels, val_x[val_rows], val_labels))
        return self

    def _fit_one(
        self, x: Features, y: NDArray[np.bool_], val_x: Features, val_y: NDArray[np.bool_]
    ) -> Any:
        import warnings

        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression

        best, chosen, start = np.inf, None, None
        self.scores = {}
        for strength in sorted(self.penalties):
            model = LogisticRegression(C=strength, max_iter=self.max_iter, warm_start=True)
            if start is not None:
                model.coef_, model.intercept_ = start
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                model.fit(x, y)
            start = (model.coef_.copy(), model.intercept_.copy())
            chance = np.clip(model.predict_proba(val_x)[:, 1], 1e-12, 1 - 1e-12)
            loss = float(-np.mean(np.where(val_y, np.log(chance), np.log1p(-chance))))
            self.scores[strength] = loss
            if loss < best:
                best, chosen, self.penalty = loss, model, strength
        return chosen

    def predict(self, seqs: ArrayLike) -> NDArray[np.float64]:
        """Predict the probability of 1.

        Parameters
        ----------
        seqs : array_like of S1 or uint8 ASCII, shape (n, length)
            Sequences.

        Returns
        -------
        ndarray of float64, shape (n,) or (n, targets)
            Probabilities, of the shape that the targets had.
        """
        x = self._scale(self._features(seqs))
        columns = [model.predict_proba(x)[:, 1].astype(np.float64) for model in self._models]
        return self._shape(np.stack(columns, axis=1))
