"""Random and fixed changes applied to sequence and tracks alike."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Literal, TypeAlias, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seqpro import random
from seqpro._cast import cast_seqs, normalize_axis
from seqpro._encode import tokenize
from seqpro._modify import jitter, k_shuffle, reverse_complement
from seqpro._types import Sequences
from seqpro.alphabets import DNA, BaseAlphabet
from seqpro.errors import SeqproError
from seqpro.family import meant

Array: TypeAlias = NDArray[np.generic]
DataType: TypeAlias = Literal["dna", "track"]


class BaseTransform(ABC):
    """A callable on arrays that share their batch axis.

    Subclasses define ``apply(arrays, seed, row_ids)``.

    Parameters
    ----------
    seed : int, optional
        Root of all draws; fresh entropy by default.
    """

    def __init__(self, seed: int | None = None) -> None:
        self.seed = random.seed_from(seed)
        self.calls = 0

    def __call__(
        self, *arrays: Sequences, row_ids: ArrayLike | None = None, epoch: int | None = None
    ) -> Any:
        """Transform arrays.

        Parameters
        ----------
        *arrays : ndarray, or str and lists for letters
        row_ids : array of int, shape (n_rows,), optional
            Identity of each row.
        epoch : int, optional
            Number of the pass over the data; the number of calls so far by default.

        Returns
        -------
        ndarray, or tuple of ndarray where several were given
        """
        if not arrays:
            raise SeqproError(f"{type(self).__name__} needs at least one array")
        step = self.calls if epoch is None else epoch
        self.calls += epoch is None
        seed = random.epoch_seed(self.seed, step)
        given = tuple(a if isinstance(a, np.ndarray) else cast_seqs(a) for a in arrays)
        changed = self.apply(given, seed, row_ids)
        return changed[0] if len(changed) == 1 else changed

    @abstractmethod
    def apply(
        self, arrays: tuple[Array, ...], seed: int, row_ids: ArrayLike | None
    ) -> tuple[Array, ...]:
        """Return the changed arrays; seed is already that of the epoch."""


class SequenceTransform(BaseTransform):
    """A transform of sequences that knows what to do with the tracks beside them.

    Parameters
    ----------
    types : tuple of {"dna", "track"}
        What each array is; the first a sequence and the rest tracks by default.
    seed : int, optional
    """

    def __init__(self, types: tuple[DataType, ...], seed: int | None) -> None:
        super().__init__(seed)
        wrong = [t for t in types if t not in ("dna", "track")]
        if wrong:
            raise SeqproError(f"types must be 'dna' or 'track', got {wrong[0]!r}")
        self.types = types

    def apply(
        self, arrays: tuple[Array, ...], seed: int, row_ids: ArrayLike | None
    ) -> tuple[Array, ...]:
        """Change every sequence, and every track with the first of them."""
        types: tuple[str, ...] = self.types or ("dna", *("track",) * (len(arrays) - 1))
        if len(types) != len(arrays):
            raise SeqproError(f"got {len(arrays)} arrays for {len(types)} types {types}")
        model = arrays[types.index("dna")] if "dna" in types else None
        return tuple(
            self._sequence(a, seed, row_ids) if kind == "dna" else self._track(a, model)
            for a, kind in zip(arrays, types, strict=True)
        )

    @abstractmethod
    def _sequence(self, array: Array, seed: int, row_ids: ArrayLike | None) -> Array:
        """Return a changed sequence."""

    def _track(self, track: Array, model: Array | None) -> Array:
        """Return a track that goes with a sequence: as it is, where positions stay."""
        return track


@final
class ReverseComplement(SequenceTransform):
    """Reverse complement sequences and reverse tracks.

    Parameters
    ----------
    *types : {"dna", "track"}
        What each array is; the first a sequence and the rest tracks by default.
    length_axis : int
    ohe_axis : int, optional
        Axis of the letters in one-hot sequences.
    alphabet : NucleotideAlphabet or str
    track_length_axis : int, optional
        Length axis of the tracks. By default it is where the sequence has it, for tracks of as
        many axes as the first array, and where the sequence without its letters would have it,
        for tracks of one axis less.
    swap : dict of int to int, optional
        For tracks with a strand axis: position of each strand's partner along track_axis, so
        that plus and minus change places.
    track_axis : int
        Axis that holds the strands.

    Examples
    --------
    >>> import numpy as np
    >>> import seqpro as sp
    >>> rc = sp.transforms.ReverseComplement("dna", "track", length_axis=-1, ohe_axis=None)
    >>> seq, track = rc(sp.cast_seqs(["AAC"]), np.array([[1, 2, 3]]))
    >>> seq.tobytes(), track.tolist()
    (b'GTT', [[3, 2, 1]])
    """

    def __init__(
        self,
        *types: DataType,
        length_axis: int = -1,
        ohe_axis: int | None = None,
        alphabet: BaseAlphabet | str = DNA,
        track_length_axis: int | None = None,
        swap: dict[int, int] | None = None,
        track_axis: int = 1,
    ) -> None:
        super().__init__(types, 0)
        self.length_axis = length_axis
        self.ohe_axis = ohe_axis
        self.alphabet = alphabet
        self.track_length_axis = track_length_axis
        self.swap = swap
        self.track_axis = track_axis
        if swap is not None and any(swap.get(b) != a for a, b in swap.items()):
            msg = f"swap must pair strands both ways, such as {{0: 1, 1: 0}}, got {swap}"
            raise SeqproError(msg)

    def _sequence(self, array: Array, seed: int, row_ids: ArrayLike | None) -> Array:
        return reverse_complement(array, self.alphabet, self.length_axis, self.ohe_axis)

    def _track(self, track: Array, model: Array | None) -> Array:
        flipped = np.flip(track, self._track_axis(track, model))
        if self.swap is None:
            return np.ascontiguousarray(flipped)
        strands = normalize_axis(self.track_axis, track.ndim, "track_axis")
        order = [self.swap.get(i, i) for i in range(track.shape[strands])]
        return np.ascontiguousarray(np.take(flipped, order, strands))

    def _track_axis(self, track: Array, model: Array | None) -> int:
        """Return the length axis of a track beside the sequence model."""
        if self.track_length_axis is not None:
            return normalize_axis(self.track_length_axis, track.ndim, "track_length_axis")
        if self.ohe_axis is None or model is None or track.ndim == model.ndim:
            return normalize_axis(self.length_axis, track.ndim, "length_axis")
        if track.ndim != model.ndim - 1:
            raise SeqproError(
                f"a track of {track.ndim} axes beside a sequence of {model.ndim}: name its "
                "track_length_axis"
            )
        positions = normalize_axis(self.length_axis, model.ndim, "length_axis")
        columns = normalize_axis(self.ohe_axis, model.ndim, "ohe_axis")
        return positions - (columns < positions)


@final
class KShuffle(SequenceTransform):
    """Shuffle sequences, keeping k-let counts; tracks pass unchanged.

    Parameters
    ----------
    k : int
    length_axis : int
    seed : int, optional
    ohe_axis : int, optional
        Axis of the letters in one-hot sequences.
    alphabet : NucleotideAlphabet or str
    types : tuple of {"dna", "track"}
        What each array is; the first a sequence and the rest tracks by default.

    Examples
    --------
    >>> import seqpro as sp
    >>> shuffle = sp.transforms.KShuffle(2, length_axis=-1, seed=0)
    >>> shuffle(sp.cast_seqs(["ACGTACGT"])).shape
    (1, 8)
    """

    def __init__(
        self,
        k: int,
        length_axis: int = -1,
        seed: int | None = None,
        *,
        ohe_axis: int | None = None,
        alphabet: BaseAlphabet | str = DNA,
        types: tuple[DataType, ...] = (),
    ) -> None:
        super().__init__(types, seed)
        self.k = k
        self.length_axis = length_axis
        self.ohe_axis = ohe_axis
        self.alphabet = alphabet

    def _sequence(self, array: Array, seed: int, row_ids: ArrayLike | None) -> Array:
        axes = {"length_axis": self.length_axis, "ohe_axis": self.ohe_axis}
        return k_shuffle(array, self.k, self.alphabet, **axes, seed=seed, row_ids=row_ids)


@final
class Jitter(BaseTransform):
    """Cut the same random window from every array.

    Parameters
    ----------
    max_jitter : int
        In bp; results are ``2 * max_jitter`` shorter.
    length_axis : int or tuple of int
        In every array, or one for each, such as ``(-2, -1)`` for one-hot and track.
    jitter_axes : int or tuple of int
        Each slice along these axes gets its own shift.
    seed : int, optional

    Examples
    --------
    >>> import numpy as np
    >>> import seqpro as sp
    >>> jitter = sp.transforms.Jitter(1, length_axis=-1, jitter_axes=0, seed=0)
    >>> seq, track = jitter(sp.cast_seqs(["ACGTA"]), np.arange(5)[None])
    >>> seq.shape, track.shape
    ((1, 3), (1, 3))
    """

    def __init__(
        self,
        max_jitter: int,
        length_axis: int | tuple[int, ...] = -1,
        jitter_axes: int | tuple[int, ...] = 0,
        seed: int | None = None,
    ) -> None:
        super().__init__(seed)
        self.max_jitter = max_jitter
        self.length_axis = length_axis
        self.jitter_axes = jitter_axes

    def apply(
        self, arrays: tuple[Array, ...], seed: int, row_ids: ArrayLike | None
    ) -> tuple[Array, ...]:
        """Cut every array."""
        return jitter(
            *arrays,
            max_jitter=self.max_jitter,
            length_axis=self.length_axis,
            jitter_axes=self.jitter_axes,
            seed=seed,
            row_ids=row_ids,
        )


@final
class Tokenize(SequenceTransform):
    """Turn letters into integer tokens; tracks pass unchanged.

    Parameters
    ----------
    token_map : dict of str to int
        Token of each letter; see `seqpro.tokenize`.
    unknown_token : int
        Token of every other letter.
    types : tuple of {"dna", "track"}
        What each array is; the first a sequence and the rest tracks by default.

    Examples
    --------
    >>> import seqpro as sp
    >>> sp.transforms.Tokenize({"A": 0, "C": 1})(sp.cast_seqs("CAN")).tolist()
    [1, 0, -1]
    """

    def __init__(
        self,
        token_map: dict[str, int],
        unknown_token: int = -1,
        *,
        types: tuple[DataType, ...] = (),
    ) -> None:
        super().__init__(types, 0)
        self.token_map = token_map
        self.unknown_token = unknown_token

    def _sequence(self, array: Array, seed: int, row_ids: ArrayLike | None) -> Array:
        return tokenize(array, self.token_map, self.unknown_token)


@final
class Random(BaseTransform):
    """Apply transforms to each row of the batch with a probability.

    Parameters
    ----------
    p : float
        Probability that a row is transformed; every row draws for itself, and all arrays of a
        row follow the same draw.
    *transforms : callable
        Applied one after the other; they must keep shape and dtype.
    seed : int, optional
    batch_axis : int

    Examples
    --------
    >>> import seqpro as sp
    >>> rc = sp.transforms.ReverseComplement("dna", length_axis=-1)
    >>> flip = sp.transforms.Random(0.5, rc, seed=0)
    >>> seqs = sp.random_seqs((1000, 5), sp.DNA, seed=0)
    >>> bool(300 < (flip(seqs) != seqs).any(1).sum() < 700)
    True
    """

    def __init__(
        self,
        p: float,
        *transforms: Callable[..., object],
        seed: int | None = None,
        batch_axis: int = 0,
    ) -> None:
        super().__init__(seed)
        if not 0 <= p <= 1:
            raise SeqproError(f"p must be between 0 and 1, got {p}")
        self.p = p
        self.transform = Sequential(*transforms)
        self.batch_axis = batch_axis
        self._draws = np.random.default_rng(seed)

    def apply(
        self, arrays: tuple[Array, ...], seed: int, row_ids: ArrayLike | None
    ) -> tuple[Array, ...]:
        """Transform the rows drawn."""
        if meant("one_draw"):
            return self._all_or_none(arrays, seed, row_ids)
        axes = [normalize_axis(self.batch_axis, a.ndim, "batch_axis") for a in arrays]
        n_rows = {a.shape[axis] for a, axis in zip(arrays, axes, strict=True)}
        if len(n_rows) != 1:
            raise SeqproError(f"arrays differ in the number of rows: {sorted(n_rows)}")
        ids = random.row_counters(row_ids, (n_rows.pop(),))
        chosen = np.flatnonzero(random.uniform(seed, ids) < self.p)
        out = tuple(a.copy() for a in arrays)
        if chosen.size == 0:
            return out
        parts = tuple(np.take(a, chosen, axis) for a, axis in zip(arrays, axes, strict=True))
        changed = self.transform.apply(parts, int(random.counter_seed(seed, 1)), ids[chosen])
        for target, axis, part in zip(out, axes, changed, strict=True):
            moved = np.moveaxis(target, axis, 0)
            if (
                part.shape[axis] != chosen.size
                or np.moveaxis(part, axis, 0)[0].shape != moved[0].shape
                or part.dtype != target.dtype
            ):
                raise SeqproError(
                    "a transform inside Random must keep shapes and dtypes, got "
                    f"{part.dtype} {part.shape} for {target.dtype} {target.shape}"
                )
            moved[chosen] = np.moveaxis(part, axis, 0)
        return out

    def _all_or_none(
        self, arrays: tuple[Array, ...], seed: int, row_ids: ArrayLike | None
    ) -> tuple[Array, ...]:
        """Transform all rows or none, by SeqPro's draw."""
        if self._draws.random() >= self.p:
            return arrays
        return self.transform.apply(arrays, int(random.counter_seed(seed, 1)), row_ids)


@final
class Sequential(BaseTransform):
    """Apply transforms one after the other.

    Parameters
    ----------
    *transforms : callable
        Transforms of this module, or any function of as many arrays as it returns.
    seed : int, optional
        By default every transform keeps its own seed.

    Examples
    --------
    >>> import numpy as np
    >>> import seqpro as sp
    >>> both = sp.transforms.Sequential(
    ...     sp.transforms.Jitter(1, length_axis=-1, jitter_axes=0, seed=0),
    ...     sp.transforms.ReverseComplement("dna", "track", length_axis=-1),
    ... )
    >>> seq, track = both(sp.cast_seqs(["ACGTA"]), np.arange(5)[None])
    >>> seq.shape, track.shape
    ((1, 3), (1, 3))
    """

    def __init__(self, *transforms: Callable[..., object], seed: int | None = None) -> None:
        super().__init__(seed if seed is not None else 0)
        self.transforms = transforms
        self.reseed = seed is not None

    def __call__(
        self, *arrays: Sequences, row_ids: ArrayLike | None = None, epoch: int | None = None
    ) -> Any:
        """Transform arrays; see `BaseTransform`."""
        step = self.calls if epoch is None else epoch
        self.calls += epoch is None
        given = tuple(a if isinstance(a, np.ndarray) else cast_seqs(a) for a in arrays)
        for position, transform in enumerate(self.transforms):
            if isinstance(transform, BaseTransform) and self.reseed:
                seed = int(random.counter_seed(self.seed, step, position))
                given = transform.apply(given, seed, row_ids)
            elif isinstance(transform, BaseTransform):
                given = _as_tuple(transform(*given, row_ids=row_ids, epoch=step))
            else:
                given = _as_tuple(transform(*given))
        return given[0] if len(given) == 1 else given

    def apply(
        self, arrays: tuple[Array, ...], seed: int, row_ids: ArrayLike | None
    ) -> tuple[Array, ...]:
        """Apply every transform with a seed derived from the one given."""
        for position, transform in enumerate(self.transforms):
            if isinstance(transform, BaseTransform):
                derived = int(random.counter_seed(seed, position))
                arrays = transform.apply(arrays, derived, row_ids)
            else:
                arrays = _as_tuple(transform(*arrays))
        return arrays


def _as_tuple(value: object) -> tuple[Array, ...]:
    return value if isinstance(value, tuple) else (np.asarray(value),)
