"""Random numbers that are functions of a seed and counters, never of order.

All four packages draw from here: what a row gets depends on the seed, the epoch and the row, not
on the batch around it, on workers or on threads.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seqpro import _kernels
from seqpro.errors import SeqproError

Seed: TypeAlias = int | np.integer | np.random.Generator | None

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15


def _mix(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scramble uint64 values as `seqpro._kernels.mix64` does."""
    z = x.copy()
    z ^= z >> np.uint64(30)
    z *= np.uint64(0xBF58476D1CE4E5B9)
    z ^= z >> np.uint64(27)
    z *= np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return z


def _mix_one(x: int) -> int:
    """Scramble one number of 64 bits as `_mix` does."""
    z = x & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


def _as_uint64(values: ArrayLike) -> NDArray[np.uint64]:
    """Return values as uint64 modulo 2**64, at least 1-D."""
    if isinstance(values, int):
        values = values & _MASK
        return np.array([values], dtype=np.uint64)
    array = np.atleast_1d(np.asarray(values))
    if array.dtype.kind not in "iub":
        raise SeqproError(f"counters must be integers, got dtype {array.dtype}")
    return array.astype(np.uint64)


def counter_seed(seed: int, *counters: ArrayLike) -> NDArray[np.uint64]:
    """Derive a 64-bit seed from a seed and any number of counters.

    Parameters
    ----------
    seed : int
        Seed of the whole run; taken modulo 2**64.
    *counters : int or ndarray of int
        For example epoch, row and draw. Arrays broadcast against each other. Their order
        matters.

    Returns
    -------
    ndarray of uint64, shape of the broadcast counters (``()`` where all are single numbers)

    Examples
    --------
    >>> import numpy as np
    >>> from seqpro.random import counter_seed
    >>> counter_seed(13, 0, np.arange(3)).shape
    (3,)
    >>> bool(counter_seed(13, 0, np.arange(9))[5] == counter_seed(13, 0, 5))
    True

    Notes
    -----
    The mixing function is the finaliser of splitmix64 (doi:10.1145/2660193.2660195).
    """
    golden = np.uint64(_GOLDEN)
    state = _mix(_as_uint64(int(seed)) + golden)
    shape: tuple[int, ...] = np.broadcast_shapes(*(np.shape(c) for c in counters))
    for counter in counters:
        state = _mix(state ^ _mix(_as_uint64(counter) + golden))
    return np.broadcast_to(state, shape if shape else (1,)).reshape(shape)


def row_hash(rows: NDArray[np.bytes_] | NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Hash the content of each sequence to 64 bits.

    Parameters
    ----------
    rows : ndarray of S1 or uint8 ASCII, shape (n_seqs, length)
        NUL padding at the end does not change the hash.

    Returns
    -------
    ndarray of uint64, shape (n_seqs,)

    Raises
    ------
    SeqproError
        If rows is not two-dimensional bytes.

    Examples
    --------
    >>> import seqpro as sp
    >>> from seqpro.random import row_hash
    >>> bool(row_hash(sp.cast_seqs(["ACG"]))[0] == row_hash(sp.cast_seqs(["ACG", "ACGT"]))[0])
    True
    """
    array = np.asarray(rows)
    if array.ndim != 2 or array.dtype not in (np.dtype("S1"), np.dtype(np.uint8)):
        msg = f"rows must be S1 or uint8 of shape (n, length), got {array.dtype} {array.shape}"
        raise SeqproError(msg)
    out = np.empty(array.shape[0], np.uint64)
    _kernels.hash_rows(np.ascontiguousarray(array).view(np.uint8), out)
    return out


def seed_from(seed: Seed) -> int:
    """Return a seed as a whole number of 64 bits.

    Parameters
    ----------
    seed : int, numpy.random.Generator or None
        A number is taken modulo 2**64, a generator is drawn from, None takes fresh entropy.

    Returns
    -------
    int

    Examples
    --------
    >>> from seqpro.random import seed_from
    >>> seed_from(7), seed_from(-1) == 2**64 - 1
    (7, True)
    """
    if seed is None:
        return int(np.random.SeedSequence().generate_state(1, np.uint64)[0])
    if isinstance(seed, np.random.Generator):
        return int(seed.integers(0, 1 << 64, dtype=np.uint64, endpoint=False))
    return int(seed) & _MASK


def epoch_seed(seed: int, epoch: int) -> int:
    """Return the seed of an epoch.

    Parameters
    ----------
    seed : int
        Of the whole run.
    epoch : int
        Number of the pass over the data; that of the first, 0, has the seed of the run.

    Returns
    -------
    int

    Examples
    --------
    >>> from seqpro.random import epoch_seed
    >>> epoch_seed(7, 0), epoch_seed(7, 1) == epoch_seed(7, 2)
    (7, False)
    """
    if epoch == 0:
        return seed
    # plain numbers: it is asked for with every batch
    state = _mix_one(int(seed) + _GOLDEN)
    return _mix_one(state ^ _mix_one(int(epoch) + _GOLDEN))


def uniform(seed: int, *counters: ArrayLike) -> NDArray[np.float64]:
    """Draw uniform numbers in [0, 1), one for each combination of counters.

    Parameters
    ----------
    seed, *counters
        As in `counter_seed`.

    Returns
    -------
    ndarray of float64, shape of the broadcast counters

    Examples
    --------
    >>> import numpy as np
    >>> from seqpro.random import uniform
    >>> whole = uniform(0, 3, np.arange(5))
    >>> whole.shape, bool(whole[4] == uniform(0, 3, 4))
    ((5,), True)
    """
    bits = counter_seed(seed, *counters) >> np.uint64(11)
    return np.asarray(bits * (1.0 / (1 << 53)), dtype=np.float64)


def integers(seed: int, bound: int, *counters: ArrayLike) -> NDArray[np.int64]:
    """Draw integers in [0, bound), one for each combination of counters.

    Parameters
    ----------
    seed : int
    bound : int
        One more than the largest number that is drawn.
    *counters
        As in `counter_seed`.

    Returns
    -------
    ndarray of int64, shape of the broadcast counters
        The deviation from uniform is below bound / 2**53.

    Examples
    --------
    >>> import numpy as np
    >>> from seqpro.random import integers
    >>> draws = integers(0, 4, np.arange(100))
    >>> int(draws.min()), int(draws.max())
    (0, 3)
    """
    return np.asarray(np.floor(uniform(seed, *counters) * bound), dtype=np.int64)


def row_counters(row_ids: ArrayLike | None, shape: tuple[int, ...]) -> NDArray[np.uint64]:
    """Return one counter for each row: its id, or its place where there are none.

    Parameters
    ----------
    row_ids : array of int, shape that broadcasts to ``shape``, optional
    shape : tuple of int
        Leading shape of the sequences.

    Returns
    -------
    ndarray of uint64, shape (n_rows,)

    Raises
    ------
    SeqproError
        If the ids are no integers or do not fit the shape.

    Examples
    --------
    >>> from seqpro.random import row_counters
    >>> row_counters(None, (3,)).tolist(), row_counters([5, 9], (2,)).tolist()
    ([0, 1, 2], [5, 9])
    """
    n_rows = int(np.prod(shape, dtype=np.int64))
    if row_ids is None:
        return np.arange(n_rows, dtype=np.uint64)
    ids = np.asarray(row_ids)
    if ids.dtype.kind not in "iu":
        raise SeqproError(f"row_ids must be integers, got dtype {ids.dtype}")
    try:
        full = np.broadcast_to(ids, shape)
    except ValueError:
        msg = f"row_ids of shape {ids.shape} does not fit sequences of leading shape {shape}"
        raise SeqproError(msg) from None
    return np.ascontiguousarray(full).reshape(-1).astype(np.uint64)
