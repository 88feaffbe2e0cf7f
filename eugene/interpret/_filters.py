"""First-layer filters as motifs, and the known motifs that they resemble."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from seqpro.family import old_names

if TYPE_CHECKING:
    import pandas as pd
    import torch
    from numpy.typing import NDArray

    from seqpro.motifs import MotifSet

__getattr__ = old_names(__name__)


logger = logging.getLogger("eugene.interpret")


class FilterReport(NamedTuple):
    """Filters as motifs.

    Attributes
    ----------
    motifs : seqpro.motifs.MotifSet
        The filters that are active, as counts.
    table : pandas.DataFrame
        One row a filter: filter, n_sites, max_activation, ic_bits, consensus, dead.
    annotations : pandas.DataFrame
        One row a filter and known motif, best first: filter, target_name, target_accession,
        p_value, p_bonferroni, q_value, strand, offset, rank.
    """

    motifs: MotifSet
    table: pd.DataFrame
    annotations: pd.DataFrame


_COLUMNS = {"query": "filter", "target": "target_name", "accession": "target_accession"}
_KEPT = [
    "filter",
    "target_name",
    "target_accession",
    "p_value",
    "p_bonferroni",
    "q_value",
    "strand",
    "offset",
    "rank",
]


def filter_motifs(
    model: torch.nn.Module,
    X: NDArray[np.generic],
    motif_db: MotifSet,
    *,
    layer: str | None = None,
    method: str = "threshold",
    n: int = 100,
    threshold: float = 0.75,
    both_strands: bool = False,
    batch_size: int = 128,
) -> FilterReport:
    """Turn the filters of a convolution into motifs and compare them with known ones.

    Parameters
    ----------
    model : torch.nn.Module
        On float one-hot (N, 4, L).
    X : ndarray, shape (n, 4, length)
        One-hot sequences whose windows are collected.
    motif_db : seqpro.motifs.MotifSet
        Known motifs.
    layer : str, optional
        Name of the convolution; the first by default.
    method : {"threshold", "top_n"}, optional
        Which windows are collected.
    n : int, optional
        Windows a filter for ``top_n``.
    threshold : float, optional
        Fraction of the largest activation for ``threshold``.
    both_strands : bool, optional
        Look at the reverse complements of the sequences as well.
    batch_size : int, optional
        Sequences at a time.

    Returns
    -------
    FilterReport
        Motifs, a table of the filters, and all matches of each.
    """
    import pandas as pd

    import seqexplainer as se

    options: dict[str, Any] = {"method": method, "n": n, "threshold": threshold}
    options["both_strands"] = both_strands
    found = se.generate_pfms(model, X, layer, batch_size=batch_size, **options)
    motifs = found.to_motif_set()
    by_name = {motif.name: motif for motif in motifs}
    rows = []
    for i, name in enumerate(found.names):
        motif = by_name.get(name)
        rows.append(
            {
                "filter": name,
                "n_sites": int(found.n_sites[i]),
                "max_activation": float(found.max_activation[i]),
                "ic_bits": 0.0 if motif is None else float(np.sum(motif.information_content())),
                "consensus": "" if motif is None else motif.consensus(),
                "dead": motif is None,
            }
        )
    known = [len(motif.matrix) for motif in motif_db]
    fits = [width == X.shape[1] for width in known]
    if len(motifs) and known and not any(fits):
        logger.warning(
            "known motifs have %d letters a position, the sequences %d: filters are not compared",
            known[0],
            X.shape[1],
        )
    if len(motifs) and all(fits):
        matches = se.annotate_pfms(motifs, motif_db, top=None).rename(columns=_COLUMNS)[_KEPT]
    else:
        matches = pd.DataFrame(columns=_KEPT)
    return FilterReport(motifs, pd.DataFrame(rows), matches)
