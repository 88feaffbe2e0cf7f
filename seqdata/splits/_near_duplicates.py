"""Near-duplicate sequences: candidates by common k-mers, verified by their edit distance."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from seqdata.splits._kmers import NO_DIGIT, kmer_hashes

#: Sequences with fewer letters are not compared: any two of them resemble each other.
SHORTEST = 20
_SALT = np.uint64(0x5EED)
_SHARED = 2
_NEIGHBOURS = 32
_TRIES = 16
_BUCKET_BITS = 20
_SKETCH_BUDGET = 1 << 25
_SKETCH_LEAST, _SKETCH_MOST = 32, 256


@numba.njit(nogil=True, cache=True)
def edit_distance_inside(
    pattern: NDArray[np.uint8], text: NDArray[np.uint8], limit: int, n_symbols: int
) -> int:
    """Return the least edits that turn a pattern into some stretch of a text.

    Bit-parallel dynamic programming: 64 rows of the pattern are one word, and differences of
    neighbouring cells are two bits. Digits from ``n_symbols`` up equal nothing. Where there are
    more than ``limit`` edits, the answer is some number above it.
    """
    m = pattern.shape[0]
    n_words = (m + 63) // 64
    one = np.uint64(1)
    equal = np.zeros((n_symbols + 1, n_words), np.uint64)
    for i in range(m):
        if pattern[i] < n_symbols:
            equal[pattern[i], i >> 6] |= one << np.uint64(i & 63)
    plus = np.full(n_words, np.uint64(0xFFFFFFFFFFFFFFFF))
    minus = np.zeros(n_words, np.uint64)
    last = one << np.uint64((m - 1) & 63)
    top = one << np.uint64(63)
    score: int = m
    best: int = m
    n = text.shape[0]
    for j in range(n):
        if score - (n - j) > limit and best > limit:
            return best
        symbol = np.int64(min(text[j], n_symbols))
        carry = 0
        for w in range(n_words):
            same = equal[symbol, w]
            p, q = plus[w], minus[w]
            vertical = same | q
            if carry < 0:
                same |= one
            horizontal = (((same & p) + p) ^ p) | same
            up = q | ~(horizontal | p)
            down = p & horizontal
            mark = last if w == n_words - 1 else top
            leaving = 0
            if up & mark:
                leaving = 1
            elif down & mark:
                leaving = -1
            up <<= one
            down <<= one
            if carry < 0:
                down |= one
            elif carry > 0:
                up |= one
            plus[w] = down | ~(vertical | up)
            minus[w] = up & vertical
            carry = leaving
        score += carry
        best = min(best, score)
    return best


@numba.njit(nogil=True, cache=True)
def _keys(
    digits: NDArray[np.uint8],
    lengths: NDArray[np.int64],
    rows: NDArray[np.int64],
    k: int,
    bits: int,
    both_strands: bool,
    thin: np.uint64,
    row_bits: np.uint64,
    out: NDArray[np.uint64],
) -> int:
    """Write a key for every kept k-mer of rows: its hash above, the row below."""
    hashes = np.empty(digits.shape[1], np.uint64)
    count = 0
    for row in rows:
        if lengths[row] < SHORTEST:
            continue
        found = kmer_hashes(digits[row, : lengths[row]], k, bits, both_strands, _SALT, hashes)
        for j in range(found):
            if hashes[j] & thin == 0:
                out[count] = (hashes[j] >> row_bits) << row_bits | np.uint64(row)
                count += 1
    return count


@numba.njit(nogil=True, cache=True)
def _drop_repeats(keys: NDArray[np.uint64]) -> int:
    """Move the distinct ones of sorted keys to the front and return how many there are.

    A k-mer that a row holds twice has one key.
    """
    count = 0
    for key in keys:
        if count == 0 or key != keys[count - 1]:
            keys[count] = key
            count += 1
    return count


@numba.njit(nogil=True, cache=True)
def _verified(
    a: NDArray[np.uint8],
    b: NDArray[np.uint8],
    turned: NDArray[np.uint8],
    both_strands: bool,
    identity: float,
    n_symbols: int,
) -> float:
    """Return the identity of two rows, or 0 where it is below the threshold."""
    shorter = min(a.shape[0], b.shape[0])
    limit = int((1.0 - identity) * shorter + 1e-9)
    fewest = limit + 1
    for strand in range(2 if both_strands else 1):
        query = turned if strand else b
        if query.shape[0] <= a.shape[0]:
            edits = edit_distance_inside(query, a, limit, n_symbols)
        else:
            edits = edit_distance_inside(a, query, limit, n_symbols)
        fewest = min(fewest, edits)
    return 1.0 - fewest / shorter if fewest <= limit else 0.0


@numba.njit(nogil=True, cache=True)
def _search(
    digits: NDArray[np.uint8],
    lengths: NDArray[np.int64],
    queries: NDArray[np.int64],
    keys: NDArray[np.uint64],
    buckets: NDArray[np.int64],
    k: int,
    bits: int,
    both_strands: bool,
    thin: np.uint64,
    row_bits: np.uint64,
    n_symbols: int,
    identity: float,
    partners: NDArray[np.int64],
    identities: NDArray[np.float64],
) -> None:
    """Find for every query row one indexed row that is a near-duplicate of it.

    Of the indexed rows with a k-mer, those nearest to the query's own row number count, so that
    k-mers of a large family of relatives name the same few of them again and again.
    """
    width = digits.shape[1]
    hashes = np.empty(width, np.uint64)
    turned_row = np.empty(width, np.uint8)
    shared = np.zeros(digits.shape[0], np.int32)
    touched = np.empty(2 * _NEIGHBOURS * width, np.int64)
    low_bits = (np.uint64(1) << row_bits) - np.uint64(1)
    bucket_shift = np.uint64(64 - _BUCKET_BITS)
    for q in range(queries.shape[0]):
        row = queries[q]
        length = lengths[row]
        if length < SHORTEST:
            continue
        own = digits[row, :length]
        n_touched = 0
        for h in range(kmer_hashes(own, k, bits, both_strands, _SALT, hashes)):
            if hashes[h] & thin != 0:
                continue
            prefix = hashes[h] >> row_bits
            key = prefix << row_bits | np.uint64(row)
            low = buckets[key >> bucket_shift]
            high = buckets[(key >> bucket_shift) + np.uint64(1)]
            while low < high:
                middle = (low + high) >> 1
                if keys[middle] < key:
                    low = middle + 1
                else:
                    high = middle
            for step in (1, -1):
                place = low if step == 1 else low - 1
                for _ in range(_NEIGHBOURS):
                    if place < 0 or place >= keys.shape[0] or keys[place] >> row_bits != prefix:
                        break
                    other = np.int64(keys[place] & low_bits)
                    if shared[other] == 0:
                        touched[n_touched] = other
                        n_touched += 1
                    shared[other] += 1
                    place += step
        turned = turned_row[:length]
        if both_strands:
            for j in range(length):
                digit = own[length - 1 - j]
                turned[j] = 3 - digit if digit < 4 else digit
        for _ in range(_TRIES):
            most = _SHARED - 1
            best = -1
            for t in range(n_touched):
                if shared[touched[t]] > most:
                    best = touched[t]
                    most = shared[best]
            if best < 0:
                break
            shared[best] = 0
            other_digits = digits[best, : lengths[best]]
            found = _verified(other_digits, own, turned, both_strands, identity, n_symbols)
            if found > 0.0:
                partners[q] = best
                identities[q] = found
                break
        for t in range(n_touched):
            shared[touched[t]] = 0


@dataclass(frozen=True)
class Sequences:
    """Sequences as digits, and how their k-mers are taken.

    Parameters
    ----------
    digits : ndarray of uint8, shape (n, length)
        Digits of the letters, 255 for those outside the alphabet.
    lengths : ndarray of int64, shape (n,)
        Letters of each row.
    n_symbols : int
        Letters of the alphabet.
    both_strands : bool
        Whether a reverse complement is the same sequence.
    """

    digits: NDArray[np.uint8]
    lengths: NDArray[np.int64]
    n_symbols: int
    both_strands: bool

    @property
    def bits(self) -> int:
        """Bits of a digit."""
        return max(1, int(self.n_symbols - 1).bit_length())

    @property
    def row_bits(self) -> int:
        """Bits of a row number."""
        return max(1, int(len(self.digits) - 1).bit_length())

    @property
    def k(self) -> int:
        """Letters of a k-mer: so many that unrelated rows seldom share one by chance.

        Short sequences get shorter ones, so that a few changes leave some of them whole.
        """
        total = max(int(self.lengths.sum()), 2)
        rare = int(np.ceil(np.log(8.0 * total) / np.log(self.n_symbols)))
        middle = int(np.median(self.lengths)) if len(self.lengths) else 0
        return int(np.clip(min(rare, middle // 4), 4, min(16, 60 // self.bits)))

    @property
    def thin(self) -> np.uint64:
        """Mask of the hash bits that are 0 in k-mers that are kept: all, or one in 2, 4, 8."""
        n = max(len(self.digits), 1)
        kept = np.clip(_SKETCH_BUDGET // n, _SKETCH_LEAST, _SKETCH_MOST)
        ratio = max(float(self.lengths.mean()) / kept, 1.0) if n and self.lengths.size else 1.0
        return np.uint64((1 << int(np.log2(ratio))) - 1)


def index(seqs: Sequences, rows: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return the sorted k-mer keys of rows.

    Parameters
    ----------
    seqs : Sequences
        All sequences.
    rows : ndarray of int64, shape (m,)
        Rows to index.

    Returns
    -------
    ndarray of uint64, shape (n_keys,)
        Hash of a k-mer in the upper bits, row number in the lower.
    """
    thin, parts = seqs.thin, []
    step = max(1, (1 << 21) // max(seqs.digits.shape[1], 1))
    for low in range(0, len(rows), step):
        block = rows[low : low + step]
        out = np.empty(len(block) * seqs.digits.shape[1], np.uint64)
        n = _keys(
            seqs.digits, seqs.lengths, block, seqs.k, seqs.bits, seqs.both_strands,
            thin, np.uint64(seqs.row_bits), out,
        )  # fmt: skip
        parts.append(out[:n].copy())
    keys: NDArray[np.uint64] = np.concatenate(parts) if parts else np.empty(0, np.uint64)
    del parts
    keys.sort()
    return keys[: _drop_repeats(keys)]


def near_duplicates(
    seqs: Sequences,
    keys: NDArray[np.uint64],
    rows: NDArray[np.int64],
    *,
    identity: float,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Look for a near-duplicate of each row among the indexed ones.

    The identity of two sequences is one minus the fewest edits (changed, added, missing letters)
    that turn the shorter into a stretch of the longer, on either strand, over the length of the
    shorter. It is computed exactly; candidates are rows that share two k-mers.

    Parameters
    ----------
    seqs : Sequences
        All sequences.
    keys : ndarray of uint64, shape (n_keys,)
        What `index` returned for the rows to be found.
    rows : ndarray of int64, shape (m,)
        Rows to look for.
    identity : float
        Least identity of near-duplicates.

    Returns
    -------
    partners : ndarray of int64, shape (m,)
        An indexed row that is a near-duplicate of each row; -1 where there is none.
    identities : ndarray of float64, shape (m,)
        Identity with it.

    References
    ----------
    .. [1] Myers 1999, doi:10.1145/316542.316550.
    .. [2] Hyyro 2003, doi:10.1007/978-3-540-39984-1_1.
    """
    partners = np.full(len(rows), -1, np.int64)
    identities = np.zeros(len(rows))
    if len(keys) and len(rows):
        edges = np.arange(1 << _BUCKET_BITS, dtype=np.uint64) << np.uint64(64 - _BUCKET_BITS)
        buckets = np.append(np.searchsorted(keys, edges), len(keys)).astype(np.int64)
        _search(
            seqs.digits, seqs.lengths, rows, keys, buckets, seqs.k, seqs.bits,
            seqs.both_strands, seqs.thin, np.uint64(seqs.row_bits), seqs.n_symbols, identity,
            partners, identities,
        )  # fmt: skip
    return partners, identities


def as_digits(
    letters: NDArray[np.uint8], table: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the digits of letters, and how many letters stand before the padding of each row."""
    used = letters != 0
    lengths = np.where(used.any(1), letters.shape[1] - np.argmax(used[:, ::-1], axis=1), 0)
    return np.where(used, table[letters], np.uint8(NO_DIGIT)), lengths.astype(np.int64)
