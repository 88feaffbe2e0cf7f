"""Consistency of attribution maps, ours and by plain loops: ``case(folder) -> (run, digest)``."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

import numpy as np

Run = tuple[Any, Any]
sys.path.append(str(Path(__file__).resolve().parents[1] / "tests" / "seqexplainer"))
K, THRESHOLD, KEEP = 6, 0.9, 0.1
logging.disable()  # that there are few k-mers is no news here


def _digest(counts: np.ndarray, kld: float) -> bytes:
    return np.asarray(counts, np.int64).tobytes() + f"{kld:.6f}".encode()


def _maps(folder: Path) -> np.ndarray:
    """Return maps (n, 4, length) that are read from disk once."""
    return np.load(folder / "attr.npy")


def ours_angles(folder: Path) -> Run:
    from seqexplainer.metrics import k_attr_mean_kld

    attr = _maps(folder)
    return (
        lambda: k_attr_mean_kld(attr, keep=KEEP, compat="acme"),
        lambda found: _digest(found.counts, found.kld),
    )


def plain_angles(folder: Path) -> Run:
    """As the original: its points go into their bins in three passes, one after the other."""
    import plain_acme

    attr = np.ascontiguousarray(_maps(folder).swapaxes(1, 2))
    return (
        lambda: plain_acme.k_attr_mean(attr, 3, KEEP, passes=3),
        lambda found: _digest(found.counts, found.kld),
    )


def ours_kmers(folder: Path) -> Run:
    from seqexplainer.metrics import kmer_kld

    attr, X = _maps(folder), np.load(folder / "X.npy")
    return (
        lambda: kmer_kld(attr, X, k=K, threshold=THRESHOLD),
        lambda found: _digest(found.counts, found.kld),
    )


def _plain_kmers(folder: Path, *, prior: bool) -> Run:
    import plain_acme

    attr = np.ascontiguousarray(_maps(folder).swapaxes(1, 2))
    X = np.ascontiguousarray(np.load(folder / "X.npy").swapaxes(1, 2))
    given = np.load(folder / "prior.npy")

    def run() -> plain_acme.Kmers:
        shares = plain_acme.prior_of(X, K) if prior else given
        return plain_acme.kmers(attr, X, K, THRESHOLD, shares)

    return run, lambda found: _digest(np.rint(found.freq * found.n_kmers), found.kld)


def plain_kmers(folder: Path) -> Run:
    """As the original, the k-mers of whole sequences counted before."""
    return _plain_kmers(folder, prior=False)


def plain_kmers_prior(folder: Path) -> Run:
    """As the original, with those of whole sequences, which are ours in any case."""
    return _plain_kmers(folder, prior=True)
