"""Footprints of the enzyme's bias in networks of accessibility, and the words that it prefers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from tqdm import tqdm

import seqpro as sp
from eugene.errors import EugeneError

if TYPE_CHECKING:
    import torch

BIAS_MOTIFS: Mapping[str, tuple[str, ...]] = {
    "tn5": (
        "GCACAGTACAGAGCTG",
        "GTGCACAGTTCTAGAGTGTGCAG",
        "CCTCTACACTGTGCAGAA",
        "GCACAGTTCTAGACTGTGCAG",
        "CTGCACAGTGTAGAGTTGTGC",
    ),
    "dnase": ("TTTACAAGTCCA", "TGTACTTACGAA"),
}
"""Sequences that Tn5 and DNase I cut most readily, with which ChromBPNet is judged
(Pampari et al. 2024, https://doi.org/10.1101/2024.12.25.630221)."""


def bias_footprints(
    networks: Mapping[str, torch.nn.Module],
    motifs: Sequence[str] | Mapping[str, str],
    *,
    length: int | None = None,
    sequences: NDArray[np.generic] | torch.Tensor | None = None,
    n_backgrounds: int = 100,
    reach: int = 100,
    seed: int = 0,
    batch_size: int = 64,
    progress: bool = False,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Write motifs into backgrounds and draw the profiles that networks predict.

    Parameters
    ----------
    networks : mapping of str to torch.nn.Module
        Networks of one-hot sequences (N, 4, L) that return profiles, by name: such as
        ``{"with bias": net, "without bias": net.main}``.
    motifs : sequence or mapping of str
        Sequences to write, or names and sequences.
    length : int, optional
        Length (bp) of random backgrounds; without ``sequences`` only.
    sequences : ndarray or Tensor, shape (N, 4, L), optional
        Sequences whose shuffled copies are the backgrounds, with their dinucleotides kept.
    n_backgrounds : int
        Number of backgrounds.
    reach : int
        Distance (bp) from the middle of the motif in which the height is measured, and that the
        first table covers.
    seed : int
        Seed of the backgrounds and intervals.
    batch_size : int
        Sequences at a time.
    progress : bool
        Draw a bar.

    Returns
    -------
    curves : pandas.DataFrame
        ``network``, ``motif``, ``position`` (bp from the middle of the motif), ``before`` and
        ``after`` (mean shares of the counts), ``mean``, ``low`` and ``high`` of their difference.
    heights : pandas.DataFrame
        ``network``, ``motif``, ``sequence``, ``height``, the largest rise, a share of the counts;
        ``fold``, the share at that place over that of the backgrounds; ``at`` (bp); and
        ``log_counts``, ``log_counts_low``, ``log_counts_high``, the change of ln(1 + N).

    Raises
    ------
    EugeneError
        If there is no motif, or neither a length nor sequences.

    References
    ----------
    Pampari et al. 2024, https://doi.org/10.1101/2024.12.25.630221

    Examples
    --------
    >>> from eugene.models import zoo
    >>> net = zoo.ChromBPNet(200, n_filters=4, n_layers=1, bias_filters=4, bias_layers=1)
    >>> curves, heights = bias_footprints(
    ...     {"with bias": net, "without bias": net.main}, ["GCACAG"], length=200, n_backgrounds=4)
    >>> heights["network"].tolist()
    ['with bias', 'without bias']
    """
    from seqexplainer import backgrounds, footprint

    named = dict(motifs) if isinstance(motifs, Mapping) else {name: name for name in motifs}
    if not named:
        raise EugeneError("a footprint needs at least one motif")
    if sequences is None and length is None:
        raise EugeneError("give the length of random backgrounds, or sequences to shuffle")
    kind: Literal["random", "dinuc_shuffle"] = "random" if sequences is None else "dinuc_shuffle"
    rows = backgrounds(sequences, kind=kind, n=n_backgrounds, length=length, seed=seed)
    curves, heights = [], []
    pairs = [(net, name) for name in named for net in networks]
    for network, name in tqdm(pairs, desc="footprints", disable=not progress, leave=False):
        found = footprint(networks[network], rows, named[name], seed=seed, batch_size=batch_size)
        near = found.to_frame()[np.abs(found.positions) <= reach]
        height = found.height(reach)
        top = near.loc[near["mean"].idxmax()]
        curves.append(near.assign(network=network, motif=name))
        heights.append(
            {
                "network": network,
                "motif": name,
                "sequence": named[name],
                "height": height,
                "fold": float(top["after"] / top["before"]),
                "at": int(top["position"]),
                "log_counts": found.counts,
                "log_counts_low": found.counts_low,
                "log_counts_high": found.counts_high,
            }
        )
    columns = ["network", "motif", "position", "before", "after", "mean", "low", "high"]
    return pd.concat(curves, ignore_index=True)[columns], pd.DataFrame(heights)


def cut_site_words(
    sequences: ArrayLike,
    cuts: ArrayLike,
    k: int = 6,
    *,
    least: int = 20,
    prior: float = 10.0,
) -> pd.DataFrame:
    """Count which words cut sites lie in, beside how often the words are there.

    Parameters
    ----------
    sequences : array_like of S1 or uint8 ASCII, shape (n, length)
        DNA; words with other letters are left out.
    cuts : array_like of float, shape (n, length)
        Cut sites at each position, of all samples and strands together; NaN counts as none.
    k : int
        Length of the words; the cut lies at position ``k // 2`` of its word.
    least : int
        Words that occur less often are left out.
    prior : float
        Cuts at the mean rate that are added to each word, with the sites they need: so rare words
        do not come first by chance.

    Returns
    -------
    pandas.DataFrame
        One row per word, the highest ratio first: ``word``, ``sites`` (how often it occurs),
        ``cuts`` (in all of them) and ``ratio``, cuts a site over those of all words, drawn towards
        1 by the prior.

    Raises
    ------
    EugeneError
        If the shapes differ, or there is no cut.

    Examples
    --------
    >>> words = cut_site_words(np.array([list("AACGTAACGT")], "S1"),
    ...                        [[0, 0, 0, 5, 0, 0, 0, 0, 7, 0]], k=2, least=1, prior=0)
    >>> words["word"][0], int(words["cuts"][0]), float(words["ratio"][0])
    ('CG', 12, 4.5)
    """
    letters = np.asarray(sequences)
    signal = np.nan_to_num(np.asarray(cuts, dtype=np.float64))
    if letters.ndim != 2 or letters.shape != signal.shape:
        raise EugeneError(
            f"sequences have shape {letters.shape} and cuts {signal.shape}: expected (n, length) "
            "for both"
        )
    if not 1 <= k <= min(10, letters.shape[1]):
        raise EugeneError(f"k is {k}: expected 1 to 10, and no more than the length")
    if letters.dtype == np.uint8:
        letters = np.ascontiguousarray(letters).view("S1")
    codes = sp.tokenize(letters, dict(zip("ACGTacgt", [0, 1, 2, 3] * 2, strict=True)), 4)
    n = letters.shape[1] - k + 1
    word = np.zeros((len(codes), n), dtype=np.int64)
    known = np.ones((len(codes), n), dtype=np.bool_)
    for i in range(k):
        part = codes[:, i : i + n]
        word = word * 4 + part % 4
        known &= part < 4
    here = signal[:, k // 2 : k // 2 + n][known]
    sites = np.bincount(word[known], minlength=4**k)
    total = np.bincount(word[known], weights=here, minlength=4**k)
    if not total.sum():
        raise EugeneError("no cut site lies in these sequences")
    kept = np.flatnonzero(sites >= least)
    mean = total.sum() / sites.sum()
    table = pd.DataFrame(
        {
            "word": [_spelled(int(code), k) for code in kept],
            "sites": sites[kept],
            "cuts": total[kept],
            "ratio": (total[kept] + prior) / (sites[kept] * mean + prior),
        }
    )
    return table.sort_values("ratio", ascending=False, kind="stable", ignore_index=True)


def _spelled(code: int, k: int) -> str:
    return "".join("ACGT"[code // 4**i % 4] for i in range(k - 1, -1, -1))
