"""Compile the numba kernels once, so that nobody waits for them later.

Set-up for the tests runs ``python -m eugene._warm``, as several processes would else compile the
same. Kernels are cached on disk beside their source: one compilation an environment is enough.
A run compiles what it needs by itself; memelite's FIMO waits for the first scan of sequences.
"""

from __future__ import annotations

import sys
import time

import numpy as np


def _seqpro() -> None:
    """Call every seqpro kernel that the quickstart uses."""
    import seqpro as sp

    seqs = sp.random_seqs((4, 30), sp.DNA, seed=0)
    sp.DNA.decode_ohe(np.asarray(sp.ohe(seqs, sp.DNA), dtype=np.uint8), ohe_axis=-1)
    sp.reverse_complement(seqs, alphabet=sp.DNA, length_axis=-1)
    sp.k_shuffle(seqs, 2, length_axis=-1, seed=0, alphabet=sp.DNA)
    sp.kmer_counts(seqs, 3)
    sp.gc_content(seqs, alphabet=sp.DNA, length_axis=-1)


def _motifs() -> None:
    """Compare a few motifs."""
    from seqexplainer.motifs import annotate_pfms
    from seqpro.motifs import Motif, MotifSet

    rng = np.random.default_rng(0)
    known = MotifSet([Motif(f"m{i}", rng.dirichlet(np.ones(4), 8).T) for i in range(25)])
    annotate_pfms(known[[0]], known, top=1)


def _loading() -> None:
    """Simulate, load with shifts and strands, and count k-mers, as a run does."""
    from eugene.data import SequenceDataModule
    from eugene.evaluate.baselines import KmerLogistic
    from eugene.simulate import simulated

    ds = simulated(96, seed=0)
    data = SequenceDataModule(
        ds,
        target_vars="label",
        split={"name": "random", "fractions": [0.6, 0.2, 0.2]},
        batch_size=16,
        reverse_complement=True,
        max_jitter=2,
    )
    for _ in data.train_dataloader():
        pass
    data.dataset_summary()
    KmerLogistic(k=4).fit(ds["seq"].values, ds["label"].values.astype(float))


def _metrics() -> None:
    """Measure the consistency of maps of both types."""
    from seqexplainer.metrics import k_attr_mean_kld, kmer_kld

    for kind in (np.float32, np.float64):
        maps = np.random.default_rng(0).normal(size=(60, 4, 200)).astype(kind)
        kmer_kld(maps, ["ACGT" * 50] * 60, k=1)
        for scope in ("global", "sequence"):
            k_attr_mean_kld(maps, keep=0.99, threshold_scope=scope)


def main() -> int:
    """Compile what is not compiled yet and say how long each part took."""
    parts = {
        "seqpro": _seqpro,
        "loading": _loading,
        "metrics": _metrics,
        "motifs": _motifs,
    }
    for name, warm in parts.items():
        start = time.perf_counter()
        try:
            warm()
        except Exception as problem:  # a cold cache only costs time later, so set-up goes on
            print(f"[set-up] {name}: not compiled ahead ({problem})", file=sys.stderr)
            continue
        print(f"[set-up] {name} kernels ready ({time.perf_counter() - start:.0f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
