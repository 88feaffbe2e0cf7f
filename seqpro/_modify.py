"""Functions that change sequences: pad, reverse complement, shuffle, jitter; and random ones."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seqpro import _kernels, random
from seqpro._cast import cast_seqs, from_rows, letter_axis, normalize_axis, one_hot_axes, to_rows
from seqpro._encode import read_columns, single_letter, write_columns
from seqpro._types import Letters, Sequences
from seqpro.alphabets import DNA, BaseAlphabet, named, nucleotides
from seqpro.errors import AxisError, SeqproError
from seqpro.family import old_call
from seqpro.random import Seed

_SIDES = ("left", "both", "right")


def pad_seqs(
    seqs: Sequences,
    pad: Literal["left", "both", "right"],
    pad_value: str | None = None,
    length: int | None = None,
    length_axis: int | None = None,
) -> NDArray[np.bytes_] | NDArray[np.uint8]:
    """Pad or cut sequences to one length.

    Parameters
    ----------
    seqs : str, bytes, list of them, ndarray of S1 or one-hot uint8
        NUL letters (``b""``) at the end of a row are not part of the sequence.
    pad : {"left", "both", "right"}
        The side that is padded, and cut where a sequence is too long. With "both" an odd letter
        is padded, or cut, on the right.
    pad_value : str, optional
        One letter; needed for letters. One-hot arrays are padded with zeros.
    length : int, optional
        Length of the result in bp; the longest sequence by default.
    length_axis : int, optional
        The last axis of letters, the second last of one-hot by default; (N, A, L) needs -1.

    Returns
    -------
    ndarray of S1 or uint8
        As seqs, with ``length`` along the length axis.

    Raises
    ------
    SeqproError
        If pad, pad_value or length make no sense.

    Examples
    --------
    >>> import seqpro as sp
    >>> sp.pad_seqs(["ACG", "T"], "left", "N").tolist()[1]
    [b'N', b'N', b'T']
    >>> sp.pad_seqs(["ACGTA"], "both", "N", length=2).tobytes()
    b'CG'
    """
    if pad not in _SIDES:
        raise SeqproError(f"pad must be one of {', '.join(_SIDES)}, got {pad!r}")
    if length is not None and length < 0:
        raise SeqproError(f"length must not be negative, got {length}")
    array = cast_seqs(seqs)
    mode = _SIDES.index(pad)
    if array.dtype == np.uint8:
        return _pad_one_hot(array.view(np.uint8), mode, length, length_axis)
    if pad_value is None:
        raise SeqproError("letters need a pad_value of one letter, such as 'N'")
    fill = np.uint8(single_letter(pad_value, "pad_value"))
    axis = letter_axis(array, length_axis)
    rows, leading = to_rows(array.view(np.uint8), axis)
    sizes = np.empty(rows.shape[0], np.int64)
    _kernels.effective_lengths(rows, sizes)
    if length is None:
        length = int(sizes.max(initial=0))
    out = np.empty((rows.shape[0], length), np.uint8)
    _kernels.align_rows(rows, sizes, mode, fill, out)
    return from_rows(out, leading, axis).view("S1")


def _pad_one_hot(
    array: NDArray[np.uint8], mode: int, length: int | None, length_axis: int | None
) -> NDArray[np.uint8]:
    if array.size and array.max() > 1:
        raise SeqproError(
            'a uint8 array stands for one-hot, but holds values over 1; for ASCII pass x.view("S1")'
        )
    default = -2 if array.ndim > 1 else -1
    if length_axis is None and array.ndim > 1 and array.sum(-1).max(initial=0) > 1:
        raise AxisError(
            f"the last axis of one-hot shape {array.shape} holds more than one 1, so it is not the "
            "alphabet; name length_axis (-1 for arrays of shape (N, A, L))"
        )
    axis = normalize_axis(
        default if length_axis is None else length_axis, array.ndim, "length_axis"
    )
    old = array.shape[axis]
    new = old if length is None else length
    if new >= old:
        lead = (new - old, (new - old) // 2, 0)[mode]
        widths = [(0, 0)] * array.ndim
        widths[axis] = (lead, new - old - lead)
        return np.pad(array, widths)
    skip = (old - new, (old - new) // 2, 0)[mode]
    at = [slice(None)] * array.ndim
    at[axis] = slice(skip, skip + new)
    return array[tuple(at)].copy()


def reverse_complement(
    seqs: Sequences,
    alphabet: BaseAlphabet | str = DNA,
    length_axis: int | None = None,
    ohe_axis: int | None = None,
) -> NDArray[np.bytes_] | NDArray[np.uint8]:
    """Reverse complement sequences.

    Parameters
    ----------
    seqs : str, bytes, list of them, ndarray of S1 or one-hot uint8
    alphabet : NucleotideAlphabet or str
    length_axis, ohe_axis : int, optional
        Counted from either end. By default the last axis of letters is the length; one-hot is
        (..., length, A) as `ohe` makes it. (N, A, L) needs ``length_axis=-1, ohe_axis=-2``.

    Returns
    -------
    ndarray of S1 or uint8, shape of the input
        A new array. Case is kept, IUPAC letters are complemented, other letters stay. Shorter
        sequences of a ragged list end up padded on the left.

    Raises
    ------
    SeqproError
        If a one-hot array is not A wide along ohe_axis.

    Examples
    --------
    >>> import seqpro as sp
    >>> sp.reverse_complement("AACgN", sp.DNA).tobytes()
    b'NcGTT'
    """
    alphabet = nucleotides(alphabet)
    array = cast_seqs(seqs)
    if array.dtype == np.uint8:
        axes = one_hot_axes(array, length_axis, ohe_axis, alphabet)
        return _flip_one_hot(array, *axes)
    axis = letter_axis(array, length_axis)
    rows, leading = to_rows(array.view(np.uint8), axis)
    out = np.empty_like(rows)
    letters = alphabet.array.view(np.uint8)
    if set(alphabet.alphabet) <= set("ACGTU") and (letters & 2).tolist() == [0, 2, 2, 0]:
        _kernels.complement_reversed_4(
            rows.reshape(-1), rows.shape[1], letters, alphabet.complement_table, out.reshape(-1)
        )
    else:
        _kernels.complement_reversed(rows, alphabet.complement_table, out)
    return from_rows(out, leading, axis).view("S1")


def _flip_one_hot(array: NDArray[np.generic], positions: int, columns: int) -> NDArray[np.uint8]:
    last_two = {array.ndim - 1, array.ndim - 2}
    if {positions, columns} == last_two and array.flags.c_contiguous:
        width = array.shape[-1] * array.shape[-2]
        rows = array.reshape(-1, width) if width else array.reshape(0, 0)
        out = np.empty_like(rows)
        _kernels.reverse_rows(rows, out)
        return out.reshape(array.shape)
    return np.ascontiguousarray(np.flip(array, (positions, columns)))


def _shuffle_places(kwargs: dict[str, object], known: list[str]) -> dict[str, object]:
    """Return the arguments of a call in SeqPro's order, whose third was the axis of positions."""
    third = kwargs.get("alphabet")
    if isinstance(third, int) or ("alphabet" in kwargs and third is None):
        if third is not None and kwargs.get("length_axis") is not None:
            raise SeqproError(
                "k_shuffle: multiple values for length_axis: by its place and by name"
            )
        kwargs = {**kwargs, "alphabet": DNA}
        if third is not None:
            kwargs["length_axis"] = third
    return kwargs


@old_call(
    "seqpro.k_shuffle",
    turned={"length_axis": "by its place, where ours has `alphabet`, too"},
    translate=_shuffle_places,
)
def k_shuffle(
    seqs: Sequences,
    k: int,
    alphabet: BaseAlphabet | str = DNA,
    *,
    length_axis: int | None = None,
    ohe_axis: int | None = None,
    seed: Seed = None,
    row_ids: ArrayLike | None = None,
) -> NDArray[np.bytes_] | NDArray[np.uint8]:
    """Shuffle sequences, keeping the counts of all k-lets.

    Every sequence with the same k-let counts, first and last k-1 letters is equally likely.
    Letters outside the alphabet (N, gaps, padding) stay where they are, and each stretch
    between them is shuffled by itself.

    Parameters
    ----------
    seqs : str, bytes, list of them, ndarray of S1 or one-hot uint8
    k : int
        1 permutes single letters, 2 keeps dinucleotides, and so on.
    alphabet : NucleotideAlphabet, AminoAlphabet or str
    length_axis, ohe_axis : int, optional
        As in `reverse_complement`.
    seed : int, numpy.random.Generator or None
        None takes fresh entropy.
    row_ids : array of int, shape (n_seqs,), optional
        Identity of each sequence, its position by default. With an integer seed the shuffle of
        a sequence depends on seed, row id and the sequence alone, never on the batch around it.

    Returns
    -------
    ndarray of S1 or uint8, shape of the input
        Letters come out in upper case where the alphabet is.

    Raises
    ------
    SeqproError
        If k is below 1 or too large to count, or a one-hot array does not fit the alphabet.

    Examples
    --------
    >>> import seqpro as sp
    >>> sp.k_shuffle("ACACGTNNAC", 2, sp.DNA, seed=0).shape
    (10,)

    Notes
    -----
    Uniform Euler path by a uniform random arborescence of last exits
    (doi:10.1145/237814.237880, doi:10.1186/1471-2105-9-192).
    """
    alphabet = named(alphabet)
    if k < 1:
        raise SeqproError(f"k must be at least 1, got {k}")
    if len(alphabet) ** max(k - 1, 1) >= 2**62:
        raise SeqproError(f"k={k} is too large for an alphabet of {len(alphabet)} letters")
    array = cast_seqs(seqs)
    width = len(alphabet)
    root = np.uint64(int(random.counter_seed(random.seed_from(seed))))
    if array.dtype == np.uint8:
        positions, columns = one_hot_axes(array, length_axis, ohe_axis, alphabet)
        names = np.arange(width + 1, dtype=np.uint8)
        codes = read_columns(array.view(np.uint8), columns, names)
        axis = positions - (columns < positions)
        rows, leading = to_rows(codes, axis)
        lookup = np.arange(256).clip(max=width).astype(np.uint8)
        shuffled = np.empty_like(rows)
        ids = random.row_counters(row_ids, leading)
        _kernels.shuffle_rows(rows, lookup, names[:width], k, root, ids, shuffled)
        return write_columns(from_rows(shuffled, leading, axis), columns, width)
    axis = letter_axis(array, length_axis)
    letters, leading = to_rows(array.view(np.uint8), axis)
    out = np.empty_like(letters)
    ids = random.row_counters(row_ids, leading)
    alphabet_bytes = alphabet.array.view(np.uint8)
    _kernels.shuffle_rows(letters, alphabet.lookup, alphabet_bytes, k, root, ids, out)
    return from_rows(out, leading, axis).view("S1")


def jitter(
    *arrays: NDArray[np.generic],
    max_jitter: int,
    length_axis: int | tuple[int, ...] = -1,
    jitter_axes: int | tuple[int, ...] = 0,
    seed: Seed = None,
    row_ids: ArrayLike | None = None,
) -> tuple[NDArray[np.generic], ...]:
    """Cut a window at a random offset, the same in every array.

    Parameters
    ----------
    *arrays : ndarray
        Equal in size along the length axis and the jitter axes.
    max_jitter : int
        Largest shift to either side, in bp.
    length_axis : int or tuple of int
        Axis that is cut, in every array or one for each.
    jitter_axes : int or tuple of int
        Each slice along these axes gets its own shift, for example the batch axis.
    seed : int, numpy.random.Generator or None
        None takes fresh entropy.
    row_ids : array of int, shape of the jitter axes, optional
        Identity of each slice. With an integer seed the shift of a slice then depends on seed
        and row id alone. Without row_ids the shifts are
        ``default_rng(seed).integers(0, 2 * max_jitter + 1, shape)``, as SeqPro draws them.

    Returns
    -------
    tuple of ndarray
        One per input, ``2 * max_jitter`` shorter. The window starts at 0, 1, ... 2 * max_jitter
        with equal chance.

    Raises
    ------
    SeqproError
        If the arrays do not match or are too short.

    Examples
    --------
    >>> import numpy as np
    >>> import seqpro as sp
    >>> x = np.arange(14).reshape(2, 7)
    >>> y, z = sp.jitter(x, 2 * x, max_jitter=1, length_axis=-1, jitter_axes=0, seed=0)
    >>> y.shape, bool((z == 2 * y).all())
    ((2, 5), True)
    """
    if not arrays:
        raise SeqproError("jitter needs at least one array")
    if max_jitter < 0:
        raise SeqproError(f"max_jitter must not be negative, got {max_jitter}")
    named = (jitter_axes,) if isinstance(jitter_axes, int) else tuple(jitter_axes)
    cut = (length_axis,) * len(arrays) if isinstance(length_axis, int) else tuple(length_axis)
    if len(cut) != len(arrays):
        raise AxisError(f"got {len(cut)} length axes for {len(arrays)} arrays")
    shape: tuple[int, ...] | None = None
    size = 0
    placed = []
    for position, array in enumerate(arrays):
        length_at = normalize_axis(cut[position], array.ndim, "length_axis")
        axes = tuple(normalize_axis(axis, array.ndim, "jitter_axes") for axis in named)
        if length_at in axes or len(set(axes)) != len(axes):
            raise AxisError(f"jitter_axes {named} and length_axis {length_axis} must all differ")
        here = tuple(array.shape[axis] for axis in axes)
        if shape is None:
            shape, size = here, array.shape[length_at]
        elif here != shape or array.shape[length_at] != size:
            raise SeqproError(
                f"array {position} has {here} along jitter_axes and {array.shape[length_at]} "
                f"along length_axis, the first has {shape} and {size}"
            )
        placed.append((array, axes, length_at))
    if size < 2 * max_jitter:
        raise SeqproError(f"length {size} is shorter than 2 * max_jitter = {2 * max_jitter}")
    starts = _draw_starts(2 * max_jitter + 1, shape or (), seed, row_ids)
    width = size - 2 * max_jitter
    return tuple(_slice_windows(*where, starts, width) for where in placed)


def _draw_starts(
    n_starts: int, shape: tuple[int, ...], seed: Seed, row_ids: ArrayLike | None
) -> NDArray[np.int64]:
    """Draw a number below n_starts for each slice; the result is flat."""
    if row_ids is None:
        source = seed if isinstance(seed, np.random.Generator) else random.seed_from(seed)
        rng = np.random.default_rng(source)
        return rng.integers(0, n_starts, shape).reshape(-1)
    ids = random.row_counters(row_ids, shape)
    starts = np.empty(ids.size, np.int64)
    root = np.uint64(int(random.counter_seed(random.seed_from(seed))))
    _kernels.draw_below(root, ids, n_starts, starts)
    return starts


def _slice_windows(
    array: NDArray[np.generic],
    axes: tuple[int, ...],
    length_at: int,
    starts: NDArray[np.int64],
    width: int,
) -> NDArray[np.generic]:
    """Cut one window per slice along axes; starts is flat over those axes."""
    if array.dtype.hasobject:
        msg = "jitter cannot cut object arrays; convert them to letters (S1) or numbers"
        raise SeqproError(msg)
    moved = np.moveaxis(array, axes, range(len(axes)))
    others = [axis for axis in range(array.ndim) if axis not in axes]
    at = len(axes) + others.index(length_at)
    item = array.dtype.itemsize * int(np.prod(moved.shape[at + 1 :], dtype=np.int64))
    inner = int(np.prod(moved.shape[len(axes) : at], dtype=np.int64))
    shape = (*moved.shape[:at], width, *moved.shape[at + 1 :])
    out = np.empty(shape, array.dtype)
    if out.size:
        raw = np.ascontiguousarray(moved).reshape(-1).view(np.uint8)
        target = out.reshape(-1).view(np.uint8)
        _kernels.slice_rows(raw, starts, inner, item, width * item, target)
    return np.moveaxis(out, range(len(axes)), axes)


def random_seqs(
    shape: int | tuple[int, ...], alphabet: BaseAlphabet | str = DNA, seed: Seed = None
) -> NDArray[np.bytes_]:
    """Draw letters uniformly.

    Parameters
    ----------
    shape : int or tuple of int
        An integer gives one sequence of that length.
    alphabet : NucleotideAlphabet, AminoAlphabet or str
    seed : int, numpy.random.Generator or None

    Returns
    -------
    ndarray of S1, shape ``shape``

    Examples
    --------
    >>> import seqpro as sp
    >>> sp.random_seqs((2, 5), sp.DNA, seed=0).tobytes()
    b'TGGCCAAAAT'
    """
    alphabet = named(alphabet)
    rng = seed if isinstance(seed, np.random.Generator) else np.random.default_rng(seed)
    return alphabet.array[rng.integers(0, len(alphabet), shape)]


def bin_coverage(
    coverage: NDArray[np.generic], bin_width: int, length_axis: int = -1, normalize: bool = False
) -> NDArray[np.generic]:
    """Sum coverage over bins of equal width.

    Parameters
    ----------
    coverage : ndarray of numbers, shape (..., length)
    bin_width : int
        In bp; must divide the length.
    length_axis : int
    normalize : bool
        Divide by bin_width, which gives means instead of sums.

    Returns
    -------
    ndarray, shape (..., length / bin_width)
        The bins stand along the length axis. Small integers are
        summed as 64-bit ones; means of integers are float64.

    Raises
    ------
    SeqproError
        If bin_width does not divide the length.

    Examples
    --------
    >>> import numpy as np
    >>> import seqpro as sp
    >>> sp.bin_coverage(np.arange(6), 2, -1).tolist()
    [1, 5, 9]
    >>> sp.bin_coverage(np.arange(6), 2, -1, normalize=True).tolist()
    [0.5, 2.5, 4.5]
    """
    array = np.asarray(coverage)
    axis = normalize_axis(length_axis, array.ndim, "length_axis")
    size = array.shape[axis]
    if bin_width < 1 or size % bin_width:
        msg = f"bin_width must be positive and divide the length {size}, got {bin_width}"
        raise SeqproError(msg)
    shape = (*array.shape[:axis], size // bin_width, bin_width, *array.shape[axis + 1 :])
    binned = array.reshape(shape).sum(axis + 1)
    return binned / bin_width if normalize else binned


def remove_N_seqs(seqs: Letters) -> NDArray[np.bytes_] | list[str]:
    """Drop the sequences that hold an N.

    Parameters
    ----------
    seqs : list of str, ndarray of S1, shape (n_seqs, length)

    Returns
    -------
    list of str, or ndarray of S1, shape (n_kept, length)
        As seqs.

    Examples
    --------
    >>> import seqpro as sp
    >>> sp.remove_N_seqs(["ACGT", "ANGT", "A"])
    ['ACGT', 'A']
    """
    array = _letters_2d(seqs)
    return _keep(seqs, array, np.invert(_is_n(array).any(1)))


def remove_only_N_seqs(seqs: Letters) -> NDArray[np.bytes_] | list[str]:
    """Drop the sequences that hold nothing but N.

    Parameters
    ----------
    seqs : list of str, ndarray of S1, shape (n_seqs, length)

    Returns
    -------
    list of str, or ndarray of S1, shape (n_kept, length)
        As seqs.

    Examples
    --------
    >>> import seqpro as sp
    >>> sp.remove_only_N_seqs(["NNNN", "ANGT"])
    ['ANGT']
    """
    array = _letters_2d(seqs)
    return _keep(seqs, array, np.invert((_is_n(array) | (array == b"")).all(1)))


def _keep(
    seqs: Letters, array: NDArray[np.bytes_], kept: NDArray[np.bool_]
) -> NDArray[np.bytes_] | list[str]:
    """Return the sequences kept, in a list where they came in one."""
    if isinstance(seqs, list):
        return [seq for seq, keep in zip(seqs, kept.tolist(), strict=True) if keep]
    return array[kept]


def _is_n(array: NDArray[np.bytes_]) -> NDArray[np.bool_]:
    return np.asarray((array == b"N") | (array == b"n"))


def _letters_2d(seqs: Letters) -> NDArray[np.bytes_]:
    array = cast_seqs(seqs)
    if array.dtype == np.uint8 or array.ndim != 2:
        msg = f"expected letters of shape (n_seqs, length), got {array.dtype} {array.shape}"
        raise SeqproError(msg)
    return array.view("S1")
