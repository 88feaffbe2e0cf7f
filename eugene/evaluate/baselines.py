"""Baselines of k-mer counts: what a network has to beat."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar, Generic, Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

import seqpro as sp
from eugene._calls import eugene_call
from eugene.errors import EugeneError, EugeneWarning
from seqpro.progress import bar

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression

# words of up to three residues are 9,723, of up to four 204,204
_MOST_FEATURES = 90_000
Features = NDArray[np.float32]
Values = NDArray[np.float64]
Linear = tuple[Values, float]
M = TypeVar("M")


def kmer_features(
    seqs: ArrayLike,
    k: int | Iterable[int] = (1, 2, 3, 4, 5, 6),
    *,
    both_strands: bool = False,
    alphabet: sp.alphabets.BaseAlphabet | str | None = None,
) -> Features:
    """Count k-mers of one or several lengths.

    Parameters
    ----------
    seqs : array_like of S1 or uint8 ASCII, shape (n, length)
        Sequences; windows with a letter outside the alphabet are not counted.
    k : int or iterable of int
        Lengths of the k-mers.
    both_strands : bool
        Count a k-mer and its reverse complement as one.
    alphabet : BaseAlphabet or str, optional
        By default what the letters show.

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
    kind = _alphabet_of(letters, alphabet)
    lengths = [k] if isinstance(k, int) else list(k)
    parts = []
    for width in lengths:
        counts = sp.kmer_counts(letters, width, kind, canonical=both_strands)
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


def _alphabet_of(
    letters: ArrayLike, said: sp.alphabets.BaseAlphabet | str | None
) -> sp.alphabets.BaseAlphabet:
    try:
        kind = sp.alphabet_of(letters if said is None else said)
        sp.check_letters(letters, kind)
    except sp.errors.AlphabetError as error:
        raise EugeneError(str(error)) from error
    return kind


class _KmerModel(ABC, Generic[M]):
    """Scaled k-mer counts before a linear model whose penalty is chosen on validation rows."""

    #: Whether it is the largest of the penalties, not the smallest, that shrinks most.
    _largest_shrinks: ClassVar[bool]

    def __init__(self, k: int, *, both_strands: bool, penalties: Sequence[float]) -> None:
        if k < 1:
            raise EugeneError(f"k must be at least 1, got {k}")
        self.k, self.both_strands = k, both_strands
        self.penalties = tuple(penalties)
        self.penalty: float | None = None
        self.scores: dict[float, float] = {}
        self._progress = False
        self._alphabet: sp.alphabets.BaseAlphabet | None = None

    def _features(self, seqs: ArrayLike) -> Features:
        if self._alphabet is None:
            self._learn_letters(np.asarray(seqs))
        lengths = range(1, self.k + 1)
        return kmer_features(seqs, lengths, both_strands=self.both_strands, alphabet=self._alphabet)

    def _learn_letters(self, seqs: NDArray[np.generic]) -> None:
        """Take the alphabet of the training rows; many letters make shorter k-mers."""
        letters = np.ascontiguousarray(seqs).view("S1") if seqs.dtype == np.uint8 else seqs
        self._alphabet = _alphabet_of(letters, None)
        n = len(self._alphabet)
        if self.both_strands and n != 4:
            raise EugeneError(
                f"both_strands: sequences over {self._alphabet.alphabet!r} have one strand"
            )
        k = self.k
        while n > 4 and k > 1 and sum(n**width for width in range(1, k + 1)) > _MOST_FEATURES:
            k -= 1
        if k < self.k:
            warnings.warn(
                f"{type(self).__name__} counts words of up to {k} instead of {self.k} of the {n} "
                f"letters {self._alphabet.alphabet!r}: give k={k}, or fewer, to choose it",
                EugeneWarning,
                stacklevel=6,
            )
            self.k = k

    def _scale(self, x: Features) -> Features:
        scaled: Features = (x - self._mean) / self._spread
        return scaled

    def _fit_scale(self, x: Features) -> Features:
        self._mean = x.mean(axis=0)
        spread = x.std(axis=0)
        self._spread = np.where(spread > 0, spread, 1).astype(np.float32)
        return self._scale(x)

    def _targets(self, y: ArrayLike) -> Values:
        values = np.asarray(y, dtype=np.float64)
        self._flat = values.ndim == 1
        return values[:, None] if self._flat else values

    def _splits(
        self, seqs: ArrayLike, y: ArrayLike, val_seqs: ArrayLike | None, val_y: ArrayLike | None
    ) -> tuple[Features, Values, Features | None, Values | None]:
        """Return scaled features and targets of training and validation rows."""
        if (val_seqs is None) != (val_y is None):
            raise EugeneError("give val_seqs and val_y together, or neither")
        targets = self._targets(y)
        x = self._fit_scale(self._features(seqs))
        if len(x) != len(targets):
            raise EugeneError(f"{len(x)} sequences but {len(targets)} rows of targets")
        if val_seqs is None or val_y is None:
            return x, targets, None, None
        val_targets = self._targets(val_y)
        val_x = self._scale(self._features(val_seqs))
        if len(val_x) != len(val_targets):
            raise EugeneError(
                f"{len(val_x)} validation sequences but {len(val_targets)} rows of targets"
            )
        return x, targets, val_x, val_targets

    @eugene_call(same={"verbose": "progress"})
    def fit(
        self,
        seqs: ArrayLike,
        y: ArrayLike,
        val_seqs: ArrayLike | None = None,
        val_y: ArrayLike | None = None,
        *,
        progress: bool = False,
    ) -> Self:
        """Choose the penalty and fit on training rows, target by target.

        Parameters
        ----------
        seqs : array_like of S1 or uint8 ASCII, shape (n, length)
            Training sequences.
        y : array_like of float, shape (n,) or (n, targets)
            Targets, for a logistic model 0 or 1; NaN where missing.
        val_seqs, val_y : array_like, optional
            Rows on which the penalty is chosen. Without them it is chosen on every fifth training
            row, and the model is then fitted on all training rows.
        progress : bool
            Draw a bar over the penalties.

        Returns
        -------
        KmerRidge or KmerLogistic
            Itself.

        Raises
        ------
        EugeneError
            If lengths differ, a target has too few rows, or one class where two are needed.
        """
        self._progress = progress
        x, targets, val_x, val_targets = self._splits(seqs, y, val_seqs, val_y)
        self._models: list[M] = []
        for t in range(targets.shape[1]):
            rows = np.isfinite(targets[:, t])
            own_x, own_y = x[rows], targets[rows, t]
            self._check(own_y, t)
            if val_x is not None and val_targets is not None:
                there = np.isfinite(val_targets[:, t])
                chosen = self._choose(own_x, own_y, val_x[there], val_targets[there, t])
            else:
                held = np.arange(len(own_x)) % 5 == 4
                self._choose_within(own_x, own_y, held)
                chosen = next(self._path(own_x, own_y, (float(self.penalty or 0.0),)))[1]
            self._models.append(chosen)
        return self

    def predict(self, seqs: ArrayLike) -> Values:
        """Predict targets: values, or probabilities of 1 for a logistic model.

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
        columns = [self._predict_one(model, x) for model in self._models]
        values = np.stack(columns, axis=1)
        return values[:, 0] if self._flat else values

    def _choose_within(self, x: Features, y: Values, held: NDArray[np.bool_]) -> None:
        """Choose the penalty on some of the training rows; the strongest if there are too few."""
        left = y[~held]
        if held.any() and len(left) > 1 and left.min() < left.max():
            self._choose(x[~held], y[~held], x[held], y[held])
        else:
            strongest = max if self._largest_shrinks else min
            self.penalty, self.scores = strongest(self.penalties), {}

    def _choose(self, x: Features, y: Values, val_x: Features, val_y: Values) -> M:
        """Return the model whose penalty does best on the validation rows."""
        self.scores = {}
        found: dict[float, M] = {}
        steps = bar(
            self._path(x, y, self.penalties),
            desc=type(self).__name__,
            total=len(self.penalties),
            shown=self._progress,
        )
        for penalty, model in steps:
            found[penalty] = model
            self.scores[penalty] = self._loss(model, val_x, val_y)
        self.penalty = min(self.scores, key=self.scores.__getitem__)
        return found[self.penalty]

    @abstractmethod
    def _check(self, y: Values, t: int) -> None:
        """Raise where a target cannot be fitted."""

    @abstractmethod
    def _path(
        self, x: Features, y: Values, penalties: Sequence[float]
    ) -> Iterator[tuple[float, M]]:
        """Yield the model of each penalty."""

    @abstractmethod
    def _loss(self, model: M, x: Features, y: Values) -> float:
        """Return how wrong a model is on validation rows."""

    @abstractmethod
    def _predict_one(self, model: M, x: Features) -> Values:
        """Return the predictions of one target, float64 (n,)."""


class KmerRidge(_KmerModel[Linear]):
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

    _largest_shrinks = True

    def __init__(
        self,
        k: int = 6,
        *,
        both_strands: bool = False,
        penalties: Sequence[float] = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0),
    ) -> None:
        super().__init__(k, both_strands=both_strands, penalties=penalties)

    def _check(self, y: Values, t: int) -> None:
        if len(y) < 2:
            raise EugeneError(f"target {t} has {len(y)} training rows, at least 2 are needed")

    def _path(
        self, x: Features, y: Values, penalties: Sequence[float]
    ) -> Iterator[tuple[float, Linear]]:
        from scipy.linalg import cho_factor, cho_solve

        n, features = x.shape
        offset = float(y.mean())
        wide = features > n
        gram = (x @ x.T if wide else x.T @ x).astype(np.float64)
        right = (y - offset) if wide else x.T.astype(np.float64) @ (y - offset)
        for penalty in penalties:
            system = gram.copy()
            system.flat[:: len(gram) + 1] += penalty * features
            solution = cho_solve(cho_factor(system, overwrite_a=True), right)
            weights = x.T.astype(np.float64) @ solution if wide else solution
            yield penalty, (weights, offset)

    def _loss(self, model: Linear, x: Features, y: Values) -> float:
        return float(np.mean((self._predict_one(model, x) - y) ** 2))

    def _predict_one(self, model: Linear, x: Features) -> Values:
        weights, offset = model
        return x @ weights + offset


class KmerLogistic(_KmerModel["LogisticRegression"]):
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

    _largest_shrinks = False

    def __init__(
        self,
        k: int = 6,
        *,
        both_strands: bool = False,
        penalties: Sequence[float] = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1),
        max_iter: int = 200,
    ) -> None:
        super().__init__(k, both_strands=both_strands, penalties=penalties)
        self.max_iter = max_iter

    def _check(self, y: Values, t: int) -> None:
        labels = y > 0.5
        if labels.all() or not labels.any():
            raise EugeneError(f"target {t} has one class only among the training rows")

    def _path(
        self, x: Features, y: Values, penalties: Sequence[float]
    ) -> Iterator[tuple[float, LogisticRegression]]:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression

        start = None
        for strength in sorted(penalties):
            model = LogisticRegression(C=strength, max_iter=self.max_iter, warm_start=True)
            if start is not None:
                model.coef_, model.intercept_ = start
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                model.fit(x, y > 0.5)
            start = (model.coef_.copy(), model.intercept_.copy())
            yield strength, model

    def _loss(self, model: LogisticRegression, x: Features, y: Values) -> float:
        # from the logit: probabilities of float32 features round to 1, whose log loss is infinite
        logit = model.decision_function(x).astype(np.float64)
        return float(np.logaddexp(0, np.where(y > 0.5, -logit, logit)).mean())

    def _predict_one(self, model: LogisticRegression, x: Features) -> Values:
        found: Values = model.predict_proba(x)[:, 1].astype(np.float64)
        return found
