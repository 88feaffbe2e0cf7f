"""Consistency of attribution maps computed plainly: one sequence, one k-mer, one point at a time.

An oracle for tests, and the yardstick of `benchmarks/acme.py`: it goes through the same loops as
the program of the ACME study (github.com/crajesh6/acme), in words of our own. Arrays are
(n, length, 4), as there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

PI = 3.1416
BOX = 0.1
BINS = int(PI / BOX)


@dataclass
class Kmers:
    kld: float
    blocks: list[str]
    n_kmers: int
    freq: np.ndarray
    prior: np.ndarray


@dataclass
class Angles:
    kld: float
    hist: np.ndarray
    counts: np.ndarray
    phi: np.ndarray
    theta: np.ndarray
    r: np.ndarray


def spelt(x: np.ndarray) -> str:
    """Return the letters of one-hot rows (length, 4), one position at a time."""
    return "".join("ACGT"[np.where(column)[0][0]] for column in x)


def blocks_of(high: np.ndarray, length: int, buffer: int = 2) -> list[list[int]]:
    """Return the positions of each block of the high positions of one sequence."""
    runs = np.split(high, np.flatnonzero(np.diff(high) != 1) + 1)
    ends = [(run[0], min(run[-1] + buffer, length - 1)) for run in runs if len(run)]
    merged: list[list[int]] = []
    for first, last in ends:
        if merged and first <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], last)
        else:
            merged.append([first, last])
    return [list(range(first, last + 1)) for first, last in merged]


def count_kmers(texts: list[str], k: int) -> np.ndarray:
    """Return the k-mers of texts (4**k,), by a table for each text."""
    powers = 4 ** np.arange(k - 1, -1, -1)
    tables = []
    for text in texts:
        table = np.zeros(4**k)
        for at in range(len(text) - k + 1):
            digits = ["ACGT".index(letter) for letter in text[at : at + k]]
            table[(np.array(digits) * powers).sum()] += 1
        tables.append(table)
    return np.sum(np.array(tables), axis=0) if tables else np.zeros(4**k)


def prior_of(X: np.ndarray, k: int) -> np.ndarray:
    """Return the share of each k-mer in one-hot sequences (n, length, 4)."""
    counts = count_kmers([spelt(x) for x in X], k)
    return counts / counts.sum()


def kmers(attr: np.ndarray, X: np.ndarray, k: int, threshold: float, prior: np.ndarray) -> Kmers:
    """Return the divergence of k-mers; maps without a high position are passed over."""
    r = np.linalg.norm(attr, axis=-1)
    cuts = np.quantile(r, threshold, axis=-1)
    texts = []
    for x, sizes, cut in zip(X, r, cuts, strict=True):
        blocks = blocks_of(np.flatnonzero(sizes > cut), len(x))
        texts += [spelt(x[block]) for block in blocks if len(block) >= k]
    counts = count_kmers(texts, k)
    freq = counts / counts.sum() if len(texts) else np.full(4**k, np.nan)
    kld = float(sum(f * np.log(f / q) for f, q in zip(freq, prior, strict=True) if f > 0))
    return Kmers(kld if texts else float("nan"), texts, int(counts.sum()), freq, prior)


def coordinates(attr: np.ndarray, k: int, third: float) -> np.ndarray:
    """Return windows of corrected and scaled columns in three coordinates, (n, length, 3)."""
    g = attr - attr.mean(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        g = g / np.linalg.norm(g, axis=-1).sum(axis=1)[:, None, None]
    total = g.copy()
    for step in range(1, k):
        total += np.roll(g, -step, axis=1)
    x, y, z, w = np.moveaxis(total, -1, 0)
    first = (-x + y) / np.sqrt(2)
    second = np.sqrt(2 / 3) * (-x / 2 - y / 2 + third * z)
    last = np.sqrt(3 / 4) * (-x / 3 - y / 3 - z / 3 + w)
    return np.nan_to_num(np.stack([first, second, last], axis=-1))


def binned(phi: list[float], theta: list[float], r: list[float]) -> tuple[np.ndarray, np.ndarray]:
    """Return weights and numbers in each bin, by one point after the other."""
    weights, counts = np.zeros((BINS, BINS)), np.zeros((BINS, BINS))
    for p, t, size in zip(phi, theta, r, strict=True):
        i, j = np.minimum(int(p / BOX), BINS - 1), np.minimum(int(t / BOX), BINS - 1)
        weights[i, j] += size * size
        counts[i, j] += 1
    return weights, counts


def divergence(hist: np.ndarray) -> float:
    """Return the divergence of a density from its means of 6 x 6; bins at the border are out."""
    total = 0.0
    for i in range(1, BINS - 1):
        for j in range(1, BINS - 1):
            if hist[i, j] <= 0:
                continue
            prior, n = 0.0, 0
            for ii in range(i - 3, i + 3):
                for jj in range(j - 3, j + 3):
                    if 0 < ii < BINS and 0 < jj < BINS:
                        prior += hist[ii, jj]
                        n += 1
            total += hist[i, j] * np.log(hist[i, j] / (prior / n))
    return total * BOX**2


def k_attr_mean(
    attr: np.ndarray, k: int = 3, keep: float = 0.1, *, acme: bool = True, passes: int = 1
) -> Angles:
    """Return the divergence of directions; the original bins its points in three passes."""
    xyz = coordinates(attr, k, 0.0 if acme else 1.0).reshape(-1, 3)
    r = np.sqrt((xyz**2).sum(axis=1))
    wanted = int(keep * len(r))
    kept = r > np.sort(r)[-wanted]
    first, second, last = xyz[kept].T
    r = r[kept]
    if acme:
        with np.errstate(divide="ignore", invalid="ignore"):
            slope = np.arctan(last / second)
        phi = np.where(second < 0, slope + np.where(last >= 0, PI, -PI), slope)
        phi = np.where(second == 0, PI / 2, phi) / 2 + PI / 2
    else:
        phi = np.arctan2(last, second) / 2 + np.pi / 2
    theta = np.arccos(first / r)
    for _ in range(passes):
        weights, counts = binned(list(phi), list(theta), list(r))
    if not len(r):
        return Angles(float("nan"), weights * np.nan, counts, phi, theta, r)
    hist = weights / (weights.sum() * BOX**2)
    return Angles(divergence(hist), hist, counts, phi, theta, r)
