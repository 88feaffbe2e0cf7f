"""Rows that a split lets through: the same bases, or nearly the same letters, on both sides."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from seqdata import schema
from seqdata._letters import complement_table, gather_letters
from seqdata.errors import SeqdataError
from seqdata.schema import is_nucleotide
from seqdata.splits._codes import codes_of
from seqdata.splits._kmers import NO_DIGIT, digits_of
from seqdata.splits._near_duplicates import Sequences, as_digits, index, near_duplicates
from seqpro.random import row_hash

_BLOCK = 8192
_EXAMPLES = 3
_IN_MEMORY = 1 << 29
# bp of a sequence up to which it is compared with others letter by letter
_LONGEST_ALIGNED = 20_000
_PAIRS = tuple(combinations(("train", "val", "test"), 2))
_KINDS = {
    "duplicates": "equal sequence",
    "overlaps": "overlapping window",
    "near_duplicates": "near-duplicate",
}

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class _Found:
    """Rows of the second split, the row of the first that each was found in, their identity."""

    rows: Rows
    others: Rows
    identities: NDArray[np.float64] | None = None

    def examples(self, kind: str, splits: str) -> Iterator[dict[str, object]]:
        for i in range(min(_EXAMPLES, len(self.rows))):
            told: dict[str, object] = {
                "kind": kind,
                "splits": splits,
                "row": int(self.rows[i]),
                "other": int(self.others[i]),
            }
            if self.identities is not None:
                told["identity"] = round(float(self.identities[i]), 4)
            yield told


@dataclass(frozen=True)
class _Letters:
    """Hash of every row, equal for a sequence and its reverse complement, and its digits."""

    hashes: NDArray[np.uint64]
    seqs: Sequences | None


def _read(ds: xr.Dataset, seq_var: str, *, compare: bool) -> _Letters:
    """Read the sequences once, in blocks; many of them wait in a file, not in memory."""
    variable = ds[seq_var]
    rows, *_ = variable.dims
    n, width = variable.shape
    alphabet = schema.letters_of(variable)
    strands = is_nucleotide(alphabet)
    complement = complement_table(alphabet) if strands else None
    table = digits_of(alphabet)
    upper = np.arange(256, dtype=np.uint8)
    upper[ord("a") : ord("z") + 1] -= 32
    hashes = np.empty(n, np.uint64)
    lengths = np.zeros(n, np.int64)
    digits: NDArray[np.uint8] = np.empty((0, width), np.uint8)
    own = _own_part(ds)
    if compare:
        digits = _room(n, width)
    for low in range(0, n, _BLOCK):
        block = variable.isel({rows: slice(low, low + _BLOCK)}).to_numpy()
        letters = upper[np.ascontiguousarray(block).view(np.uint8)]
        if own is not None:
            letters = _alone(letters, own[0][low : low + _BLOCK], own[1][low : low + _BLOCK])
        m = len(letters)
        found = row_hash(letters)
        if complement is not None:
            turned = np.empty_like(letters)
            everything, zeros = np.arange(m, dtype=np.int64), np.zeros(m, np.int64)
            gather_letters(letters, everything, zeros, np.ones(m, np.bool_), complement, turned)
            found = np.minimum(found, row_hash(turned))
        hashes[low : low + m] = found
        if compare:
            digits[low : low + m], lengths[low : low + m] = as_digits(letters, table)
    n_symbols = int(table[table != NO_DIGIT].max()) + 1
    return _Letters(hashes, Sequences(digits, lengths, n_symbols, strands) if compare else None)


def _own_part(ds: xr.Dataset) -> tuple[Rows, Rows] | None:
    """Return the part (bp) of each row that is its own, of constructs: the rest is one locus."""
    if not {"payload_start", "payload_end"} <= set(ds.variables):
        return None
    return ds["payload_start"].to_numpy(), ds["payload_end"].to_numpy()


def _alone(letters: NDArray[np.uint8], starts: Rows, ends: Rows) -> NDArray[np.uint8]:
    """Return a part of each row, from the left, with NUL behind it."""
    out = np.zeros_like(letters)
    for row, line, start, end in zip(out, letters, starts.tolist(), ends.tolist(), strict=True):
        row[: end - start] = line[start:end]
    return out


def _room(n: int, width: int) -> NDArray[np.uint8]:
    if n * width <= _IN_MEMORY:
        return np.empty((n, width), np.uint8)
    # the file has no name, so that the system removes it when the array goes
    with tempfile.TemporaryFile() as file:
        return np.memmap(file, np.uint8, "w+", shape=(n, width))


def _duplicates(hashes: NDArray[np.uint64], a: NDArray[np.bool_], b: NDArray[np.bool_]) -> _Found:
    """Find the rows of ``b`` whose sequence is also in ``a``."""
    left, right = np.flatnonzero(a), np.flatnonzero(b)
    order = left[np.argsort(hashes[left], kind="stable")]
    if not len(order):
        return _Found(right[:0], order)
    place = np.minimum(np.searchsorted(hashes[order], hashes[right]), len(order) - 1)
    same = hashes[order[place]] == hashes[right]
    return _Found(right[same], order[place[same]])


def _overlaps(place: tuple[Rows, Rows, Rows], a: NDArray[np.bool_], b: NDArray[np.bool_]) -> _Found:
    """Find the rows of ``b`` whose window shares a base with a window of ``a``."""
    chrom, start, end = place
    rows, others = [], []
    for name in np.intersect1d(chrom[a & (chrom >= 0)], chrom[b]):
        left = np.flatnonzero(a & (chrom == name))
        right = np.flatnonzero(b & (chrom == name))
        left = left[np.argsort(start[left], kind="stable")]
        furthest = np.maximum.accumulate(end[left])
        # which window reaches that far: the last that reached further than all before it
        new = np.concatenate([[True], furthest[1:] > furthest[:-1]])
        owner = left[np.maximum.accumulate(np.where(new, np.arange(len(left)), 0))]
        before = np.searchsorted(start[left], end[right], side="left")
        last = np.maximum(before - 1, 0)
        hit = (before > 0) & (furthest[last] > start[right])
        rows.append(right[hit])
        others.append(owner[last[hit]])
    if not rows:
        return _Found(np.zeros(0, np.int64), np.zeros(0, np.int64))
    order = np.argsort(np.concatenate(rows), kind="stable")
    return _Found(np.concatenate(rows)[order], np.concatenate(others)[order])


def leakage(
    ds: xr.Dataset,
    codes: ArrayLike | None = None,
    *,
    seq_var: str | None = "seq",
    identity: float | None = 0.8,
) -> dict[str, object]:
    """Look for rows that one split shares with another.

    Three kinds are counted: sequences that are equal, on either strand and in either case;
    windows that share at least one base of the genome; and near-duplicates, sequences that are
    not equal but, on either strand, at least ``identity`` alike. The identity of two sequences is
    one minus the fewest edits (changed, added or missing letters) that turn the shorter into a
    stretch of the longer, over the length of the shorter; so 5 % of changed letters or a shift by
    10 of 200 bp leave 0.95. Of constructs (`seqdata.constructs`), which share a locus, only the
    payloads are compared.

    Parameters
    ----------
    ds : xarray.Dataset
        The dataset.
    codes : array_like of int8, shape (n,), or None
        Split codes; default those of the dataset.
    seq_var : str or None
        Variable that holds the sequences; None leaves them out.
    identity : float or None
        Least identity of near-duplicates, from 0.6 to 1; None leaves them out.

    Returns
    -------
    dict
        ``rows`` (number in each split); ``duplicates``, ``overlaps`` and ``near_duplicates``
        (number of rows of the second split found in the first, under keys such as
        ``"train-test"``; None where there is nothing to compare); ``identity`` (the threshold);
        ``examples`` (up to three of each kind and pair: ``kind``, ``splits``, ``row`` of the
        second split, ``other``, the row of the first, and ``identity``) and ``clean``.

    Raises
    ------
    SeqdataError
        Where the codes do not fit the dataset, or the threshold is none.

    Notes
    -----
    Candidates for near-duplicates share at least two k-mers, k of which is chosen so that
    unrelated sequences seldom do (8 to 16 bp; at most a quarter of a sequence), and are verified
    by their exact edit distance: what is reported is one, and hardly one is missed from an
    identity of 0.8 up (none of 500 pairs with 10 % of changed letters among 100,000 random
    sequences of 200 bp). Sequences of fewer than 20 letters are not compared.

    References
    ----------
    .. [1] Myers 1999, doi:10.1145/316542.316550 (edit distance).

    Examples
    --------
    >>> letters = np.array([list("AAC"), list("GTT"), list("CCC")], dtype="S1")
    >>> ds = xr.Dataset({"seq": (("_sequence", "_length"), letters)})
    >>> leakage(ds, [0, 2, 2])["duplicates"]["train-test"]
    1
    """
    if identity is not None and not 0.6 <= identity <= 1.0:
        raise SeqdataError(
            f"identity is {identity}: expected a share from 0.6 (below, unrelated sequences count) "
            "to 1, or None."
        )
    if codes is None:
        codes = codes_of(ds)
    values = np.asarray(codes)
    n = ds.sizes[schema.sequence_dim(ds)]
    if values.shape != (n,):
        raise SeqdataError(f"{values.shape} split codes do not fit a dataset of {n} rows.")
    masks = {name: values == schema.SPLITS[name] for name in ("train", "val", "test")}
    counts: dict[str, dict[str, int] | None] = dict.fromkeys(_KINDS)
    examples: list[dict[str, object]] = []

    def note(kind: str, splits: str, found: _Found) -> None:
        counts[kind] = {**(counts[kind] or {}), splits: len(found.rows)}
        examples.extend(found.examples(kind, splits))

    letters = None
    if seq_var is not None and seq_var in ds.variables and schema.is_sequence(ds[seq_var]):
        letters = _read(ds, seq_var, compare=identity is not None)
    place = None
    if all(name in ds.variables for name in ("chrom", "start", "end")):
        start, end = (ds[name].to_numpy().astype(np.int64) for name in ("start", "end"))
        place = (pd.factorize(ds["chrom"].to_numpy())[0], start, end)  # -1: no name
    keys: dict[str, NDArray[np.uint64]] = {}
    if letters is not None and letters.seqs is not None and identity is not None:
        longest = int(letters.seqs.lengths.max(initial=0))
        if longest > _LONGEST_ALIGNED:
            logging.getLogger(__name__).warning(
                "near-duplicates are not looked for among sequences of up to %d bp, which takes "
                "the square of the length; overlaps and equal sequences are", longest,
            )  # fmt: skip
            identity, counts["near_duplicates"] = None, None
    for a, b in _PAIRS:
        splits = f"{a}-{b}"
        if place is not None:
            note("overlaps", splits, _overlaps(place, masks[a], masks[b]))
        if letters is None:
            continue
        equal = _duplicates(letters.hashes, masks[a], masks[b])
        note("duplicates", splits, equal)
        if letters.seqs is not None and identity is not None:
            if a not in keys:
                keys = {a: index(letters.seqs, np.flatnonzero(masks[a]))}
            rest = np.setdiff1d(np.flatnonzero(masks[b]), equal.rows, assume_unique=True)
            others, alike = near_duplicates(letters.seqs, keys[a], rest, identity=identity)
            hit = others >= 0
            note("near_duplicates", splits, _Found(rest[hit], others[hit], alike[hit]))
    return {
        "rows": {name: int(mask.sum()) for name, mask in masks.items()},
        **counts,
        "identity": identity if counts["near_duplicates"] is not None else None,
        "examples": examples,
        "clean": not examples,
    }


def describe_leakage(report: Mapping[str, Any]) -> list[str]:
    """Return what `leakage` found, in lines for a terminal or a log.

    Parameters
    ----------
    report : mapping
        What `leakage` returned.

    Returns
    -------
    list of str
        One line where nothing is shared; else one for each pair of splits that share rows.

    Examples
    --------
    >>> letters = np.array([list("AAC"), list("GTT"), list("CCC")], dtype="S1")
    >>> ds = xr.Dataset({"seq": (("_sequence", "_length"), letters)})
    >>> for line in describe_leakage(leakage(ds, [0, 2, 2])):
    ...     print(line)
    leakage: train-test share 1 equal sequence (test row 1 is train row 0)
    """
    looked = {kind: report[kind] for kind in _KINDS if report.get(kind) is not None}
    if not looked:
        return ["leakage: nothing to compare (no letters and no coordinates)"]
    alike = "" if report.get("identity") is None else f" (identity {report['identity']:g} or more)"
    if not any(any(pairs.values()) for pairs in looked.values()):
        words = ", ".join(f"{_KINDS[kind]}s{_alike(kind, alike)}" for kind in looked)
        return [f"leakage: none between the splits; looked for {words}"]
    firsts = {(e["kind"], e["splits"]): e for e in reversed(report["examples"])}
    lines = []
    for splits in ("-".join(pair) for pair in _PAIRS):
        a, b = splits.split("-")
        parts = []
        for kind, pairs in looked.items():
            count = pairs.get(splits, 0)
            if not count:
                continue
            first = firsts[kind, splits]
            is_like = {"duplicates": "is", "overlaps": "overlaps", "near_duplicates": "is like"}
            parts.append(
                f"{count:,} {_KINDS[kind]}{'s' * (count > 1)}{_alike(kind, alike)} "
                f"({b} row {first['row']} {is_like[kind]} {a} row {first['other']})"
            )
        if parts:
            lines.append(f"leakage: {splits} share {', '.join(parts)}")
    return lines


def _alike(kind: str, text: str) -> str:
    return text if kind == "near_duplicates" else ""
