"""Compare motifs with a database and find them in sequences."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

import seqpro as sp
import seqpro.kernels  # before memelite: numba then runs without its cache where it must
from seqexplainer._inputs import check_one_hot, unknown_columns
from seqexplainer._tomtom import compare
from seqexplainer.errors import AlphabetWarning, SeqexplainerError
from seqexplainer.filters import FilterMotifs
from seqexplainer.statistics import benjamini_hochberg
from seqpro.family import anything, old_call

if TYPE_CHECKING:
    import pandas as pd
    import torch
    from numpy.typing import NDArray

    from seqpro.motifs import Motif, MotifSet

__all__ = ["annotate_pfms", "scan"]

_FEW_TARGETS = 25
_HIT = ["motif", "accession", "sequence", "start", "end", "strand", "score", "p_value", "q_value"]


@old_call(
    "seqexplainer.annotate_pfms",
    same={"filename": "pfms", "motifs_db": "motif_db"},
    unheard={"tomtom_exec_path": anything, "is_writing_tomtom_matrix": anything},
    refused={
        "output_dir": "the table is returned: write it with to_csv",
        "out_filename": "the table is returned: write it with to_csv",
    },
    error=SeqexplainerError,
)
def annotate_pfms(
    pfms: FilterMotifs | MotifSet | NDArray[np.float64] | Iterable[object] | str | os.PathLike[str],
    motif_db: MotifSet | str | os.PathLike[str],
    *,
    names: Sequence[str] | None = None,
    top: int | None = 10,
    trim: float | None = None,
    both_strands: bool = True,
) -> pd.DataFrame:
    """Find the known motifs that a set of motifs resembles, as TomTom does.

    Parameters
    ----------
    pfms : FilterMotifs, MotifSet, array of float with shape (F, A, w), iterable or path
        The motifs to name: counts or probabilities. An iterable holds matrices (A, w) or
        `seqpro.motifs.Motif`. Matrices of zeros (dead filters) are left out.
    motif_db : MotifSet or path
        Known motifs; a MEME, JASPAR, HOMER or TRANSFAC file, plain or gzipped.
    names : sequence of str, optional
        Names of the queries.
    top : int, optional
        Rows per query, best first; None gives every target.
    trim : float, optional
        Cut flanking columns of the queries with less information than this (bits). Offsets
        still refer to the whole query.
    both_strands : bool, optional
        Compare with the reverse complements of the targets as well.

    Returns
    -------
    pandas.DataFrame
        One row per reported pair:

        - ``query``, ``target``, ``accession`` (str), ``rank`` (1 is the best of the query);
        - ``p_value``: of the best alignment of the pair;
        - ``p_bonferroni``: times targets times queries, at most 1;
        - ``e_value``: times targets;
        - ``q_value``: Benjamini-Hochberg over all pairs of this call, reported or not;
        - ``strand``: ``"-"`` if the target was reverse-complemented;
        - ``offset``: where the query starts in the target (TomTom's sign: -3 means that the
          target starts at column 3 of the query);
        - ``overlap`` (columns) and ``score`` of the alignment.

    Raises
    ------
    SeqexplainerError
        If there is no query or no target, or the names do not fit.

    Warns
    -----
    UserWarning
        With fewer than 25 targets, whose columns are the background of the p-values.

    References
    ----------
    Gupta et al. 2007, doi:10.1186/gb-2007-8-2-r24

    Examples
    --------
    >>> from seqpro.motifs import Motif, MotifSet
    >>> rng = np.random.default_rng(0)
    >>> known = MotifSet([Motif(f"m{i}", rng.dirichlet([0.2] * 4, 8).T) for i in range(30)])
    >>> annotate_pfms(known[[4]], known, top=1)[["query", "target", "offset"]].values.tolist()
    [['m4', 'm4', 0]]
    """
    import pandas as pd

    labels, queries, cuts = _queries(pfms, names, trim)
    targets = as_motif_set(motif_db)
    if not len(targets):
        raise SeqexplainerError("the motif database holds no motif")
    if not queries:
        msg = "there is no motif to annotate: every matrix given is empty (dead filters)"
        raise SeqexplainerError(msg)
    n_letters = {len(q) for q in queries} | {len(m.matrix) for m in targets}
    if len(n_letters) > 1:
        msg = f"motifs and database differ in their numbers of letters: {sorted(n_letters)}"
        raise SeqexplainerError(msg)
    both_strands = both_strands and n_letters == {4}
    _tell_few(len(targets))
    p_value, score, offset, overlap, reverse = compare(
        queries, [m.ppm() for m in targets], both_strands=both_strands
    )
    n_queries, n_targets = p_value.shape
    q_value = benjamini_hochberg(p_value)
    order = np.lexsort((np.broadcast_to(np.arange(n_targets), p_value.shape), -score, p_value))
    order = order[:, :top]
    row = np.repeat(np.arange(n_queries), order.shape[1])
    column = order.ravel()
    p = p_value[row, column]
    known = list(targets)
    return pd.DataFrame(
        {
            "query": [labels[i] for i in row],
            "target": [known[j].name for j in column],
            "accession": [known[j].accession or known[j].name for j in column],
            "rank": np.tile(np.arange(1, order.shape[1] + 1), n_queries),
            "p_value": p,
            "p_bonferroni": np.minimum(p * n_targets * n_queries, 1.0),
            "e_value": p * n_targets,
            "q_value": q_value[row, column],
            "strand": np.where(reverse[row, column], "-", "+"),
            "offset": offset[row, column] - np.asarray(cuts)[row],
            "overlap": overlap[row, column],
            "score": score[row, column],
        }
    )


def scan(
    X: NDArray[np.uint8] | torch.Tensor,
    motif_db: MotifSet | Motif | str | os.PathLike[str],
    *,
    p_threshold: float = 1e-4,
    both_strands: bool = True,
) -> pd.DataFrame:
    """Find instances of motifs in sequences, as FIMO does.

    Parameters
    ----------
    X : ndarray or Tensor of uint8 or float, shape (N, A, L)
        One-hot sequences; windows with an unknown letter (a column of zeros, or of 1/A) match
        nothing and are not counted as tried.
    motif_db : MotifSet, Motif or path
        Motifs to look for.
    p_threshold : float, optional
        Hits with a smaller p-value are reported.
    both_strands : bool, optional
        Look at both strands, where there are two: proteins have one.

    Returns
    -------
    pandas.DataFrame
        One row per hit, by motif, sequence and start: ``motif``, ``accession`` (str),
        ``sequence`` (row of X), ``start``, ``end`` (bp, 0-based half-open on the forward
        strand), ``strand``, ``score`` (bits over a uniform background), ``p_value`` and
        ``q_value`` (Benjamini-Hochberg over all windows that the motif was tried at).

    Raises
    ------
    SeqexplainerError
        If there is no motif or the threshold is not in (0, 1).

    References
    ----------
    Grant et al. 2011, doi:10.1093/bioinformatics/btr064

    Examples
    --------
    >>> from seqpro.motifs import Motif
    >>> site = np.eye(4)[[2, 0, 3, 3, 0, 1, 0]].T
    >>> X = np.eye(4, dtype=np.uint8)[[[1, 1, 2, 0, 3, 3, 0, 1, 0, 1]]].swapaxes(1, 2)
    >>> scan(X, Motif("GATTACA", site))[["start", "end", "strand"]].values.tolist()
    [[2, 9, '+']]
    """
    import pandas as pd
    from memelite import fimo

    if not 0 < p_threshold < 1:
        msg = f"p_threshold is {p_threshold}; expected a probability between 0 and 1"
        raise SeqexplainerError(msg)
    tensor = check_one_hot(X)
    unknown = unknown_columns(tensor).cpu().numpy()
    sequences = (tensor == 1).cpu().numpy().astype(np.int8)
    motifs = list(as_motif_set(motif_db))
    if not motifs:
        raise SeqexplainerError("there is no motif to scan for")
    for motif in motifs:
        if len(motif.matrix) != sequences.shape[1]:
            raise SeqexplainerError(
                f"motif {motif.name!r} has {len(motif.matrix)} letters, the sequences have "
                f"{sequences.shape[1]}"
            )
    both_strands = both_strands and sequences.shape[1] == 4
    _tell_alphabets(motifs, getattr(X, "alphabet", None))
    tables = fimo(
        {str(i): np.ascontiguousarray(m.ppm()) for i, m in enumerate(motifs)},
        sequences,
        threshold=p_threshold,
        reverse_complement=both_strands,
    )
    before = _counted(unknown)
    parts = [_no_hits()]
    for motif, hits in zip(motifs, tables, strict=True):
        # one word alone is that likely: nothing is surer, and sums of rounded scores end in 0
        least = float(sequences.shape[1]) ** -motif.width
        p = np.maximum(hits["p-value"].to_numpy(dtype=np.float64), least)
        row = hits["sequence_name"].to_numpy(np.int64)
        ends = hits[["start", "end"]].to_numpy(np.int64)
        low, high = ends.min(axis=1), ends.max(axis=1)
        sure = (p < p_threshold) & (before[row, low] == before[row, high])
        if not sure.any():
            continue
        hits, p = hits[sure], p[sure]
        windows = known_windows(unknown, motif.width) * (2 if both_strands else 1)
        part = pd.DataFrame(
            {
                "motif": motif.name,
                "accession": motif.accession or motif.name,
                "sequence": row[sure],
                "start": low[sure],
                "end": high[sure],
                "strand": hits["strand"].to_numpy(),
                "score": hits["score"].to_numpy(np.float64),
                "p_value": p,
                "q_value": benjamini_hochberg(p, windows),
            }
        )
        parts.append(part.sort_values(["sequence", "start", "strand"], kind="stable"))
    if len(parts) == 1:
        return parts[0]
    return pd.concat(parts[1:], ignore_index=True)[_HIT]


def known_windows(unknown: NDArray[np.bool_], width: int) -> int:
    """Return how many windows (bp) of sequences (n, L) hold no unknown letter."""
    before = _counted(unknown)
    return int((before[:, width:] == before[:, : max(before.shape[1] - width, 0)]).sum())


def _counted(unknown: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return how many unknown letters stand before each position, (n, L + 1)."""
    return np.pad(np.cumsum(unknown, axis=1, dtype=np.int64), ((0, 0), (1, 0)))


def _no_hits() -> pd.DataFrame:
    """Return the table of `scan` without a row; text stays text."""
    import pandas as pd

    text, whole = ("motif", "accession", "strand"), ("sequence", "start", "end")
    types = {name: str if name in text else "int64" if name in whole else float for name in _HIT}
    return pd.DataFrame({name: pd.Series([], dtype=types[name]) for name in _HIT})


def _tell_alphabets(motifs: list[Motif], said: str | None) -> None:
    """Warn where motifs of DNA are looked for in RNA, or the other way round."""
    if said is None:
        return
    letters = sp.alphabet_of(said).alphabet
    others = [motif for motif in motifs if motif.alphabet.alphabet != letters]
    if others:
        warnings.warn(
            f"{len(others)} of {len(motifs)} motifs are over "
            f"{others[0].alphabet.alphabet!r}, the sequences over {letters!r}: T and U are taken "
            "for one letter",
            AlphabetWarning,
            stacklevel=3,
        )


def as_motif_set(motifs: object) -> MotifSet:
    """Return a MotifSet from a set, one motif or a file.

    Parameters
    ----------
    motifs : MotifSet, Motif or path
        Motifs, or a file in MEME, JASPAR, HOMER or TRANSFAC format.

    Returns
    -------
    seqpro.motifs.MotifSet

    Raises
    ------
    SeqexplainerError
        If it is none of these.
    """
    from seqpro.motifs import Motif, MotifSet, read

    if isinstance(motifs, MotifSet):
        return motifs
    if isinstance(motifs, Motif):
        return MotifSet([motifs])
    if isinstance(motifs, str | os.PathLike):
        return read(motifs)
    raise SeqexplainerError(
        f"motif_db is a {type(motifs).__name__}; expected a seqpro.motifs.MotifSet, a Motif "
        "or the path of a motif file"
    )


def _queries(
    pfms: Any, names: Sequence[str] | None, trim: float | None
) -> tuple[list[str], list[NDArray[np.float64]], list[int]]:
    """Return names, probability matrices and the columns cut from their left."""
    from seqpro.motifs import Motif, read

    if isinstance(pfms, FilterMotifs):
        matrices, labels = list(pfms.pfms), pfms.names
    else:
        items = list(read(pfms) if isinstance(pfms, str | os.PathLike) else pfms)
        matrices = [m.ppm() if isinstance(m, Motif) else np.asarray(m, float) for m in items]
        labels = [m.name if isinstance(m, Motif) else str(i) for i, m in enumerate(items)]
    if names is not None:
        if len(names) != len(matrices):
            raise SeqexplainerError(f"{len(names)} names are given for {len(matrices)} motifs")
        labels = list(names)
    kept_labels, kept, cuts = [], [], []
    for label, matrix in zip(labels, matrices, strict=True):
        if matrix.ndim != 2 or not np.isfinite(matrix).all() or (matrix < 0).any():
            raise SeqexplainerError(
                f"motif {label!r} has shape {matrix.shape}; expected a matrix (A, w) of counts "
                "or probabilities, finite and not negative"
            )
        total = matrix.sum(axis=0)
        if not total.any():
            continue
        n_letters = len(matrix)
        ppm = np.where(total > 0, matrix / np.where(total > 0, total, 1), 1 / n_letters)
        left, right = 0, ppm.shape[1]
        if trim is not None:
            left, right = _informative_span(ppm, trim)
        kept_labels.append(label)
        kept.append(np.ascontiguousarray(ppm[:, left:right]))
        cuts.append(left)
    return kept_labels, kept, cuts


def _informative_span(ppm: NDArray[np.float64], bits: float) -> tuple[int, int]:
    """Return the span from the first to the last column with at least so much information."""
    logs = np.log2(np.where(ppm > 0, ppm, 1.0))
    information = np.log2(len(ppm)) + (ppm * logs).sum(axis=0)
    above = np.flatnonzero(information >= bits)
    if not len(above):
        return 0, ppm.shape[1]
    return int(above[0]), int(above[-1]) + 1


def _tell_few(targets: int) -> None:
    """Warn where the background of p-values is of few columns."""
    if targets < _FEW_TARGETS:
        warnings.warn(
            f"there are only {targets} target motifs: their columns are the background of "
            f"the p-values, which are not reliable below {_FEW_TARGETS}; use a larger database",
            UserWarning,
            stacklevel=3,
        )
