"""One check of contigs for every set of regions that meets another, or a genome."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from seqdata._told import tell
from seqdata.errors import ContigError, contig_alias, contig_hint

_SHOWN = 4


def check_known(
    regions: pd.DataFrame, contigs: Iterable[str], *, where: str, genome: str, then: str
) -> None:
    """Check that regions lie on contigs that there are.

    Parameters
    ----------
    regions : DataFrame
        With ``chrom``.
    contigs : iterable of str
        The contigs of the genome.
    where, genome : str
        The regions and the genome, for messages.
    then : str
        What happens to regions of other contigs, for messages: "they are dropped".

    Raises
    ------
    ContigError
        If none of the regions lies on one of them.

    Warns
    -----
    SeqdataWarning
        If some do not; they are counted.

    Examples
    --------
    >>> bed = pd.DataFrame({"chrom": ["1", "2"]})
    >>> try:
    ...     check_known(bed, ["chr1"], where="x.bed", genome="g.fa", then="they are dropped")
    ... except ContigError as error:
    ...     print(str(error)[:61])
    None of the 2 regions of x.bed lies on a contig of g.fa: they
    """
    known = set(contigs)
    names, counts = _counted(regions)
    lost = np.array([name not in known for name in names], dtype=bool)
    if not lost.any():
        return
    hint = contig_hint(_renamed(names[lost], known), known)
    all_of = _all_of(regions, where)
    if lost.all():
        raise ContigError(
            f"None of the {all_of} lies on a contig of {genome}: they name {_listed(names)}.{hint}"
        )
    tell(
        f"{int(counts[lost].sum())} of {all_of} lie on contigs that are not in {genome}: "
        f"{_listed(names[lost])}; {then}.{hint}"
    )


def check_shared(
    regions: pd.DataFrame, others: pd.DataFrame, *, where: str, other: str, then: str
) -> None:
    """Check that two sets of regions name their contigs alike.

    Sets of different contigs of one genome are fine as long as they share one; names that differ
    only in how they are written (``chr1`` and ``1``) are told.

    Parameters
    ----------
    regions, others : DataFrame
        With ``chrom``.
    where, other : str
        The two, for messages.
    then : str
        What follows, for messages: "they overlap nothing".

    Raises
    ------
    ContigError
        If the two share no contig.

    Warns
    -----
    SeqdataWarning
        If the second writes contigs of the first otherwise; the regions are counted.

    Examples
    --------
    >>> a, b = pd.DataFrame({"chrom": ["chr1"]}), pd.DataFrame({"chrom": ["1"]})
    >>> try:
    ...     check_shared(a, b, where="a.bed", other="b.bed", then="they overlap nothing")
    ... except ContigError as error:
    ...     print(str(error)[:44])
    a.bed and b.bed share no contig: 'chr1' here
    """
    if not len(regions) or not len(others):
        return
    names, counts = _counted(regions)
    there, there_counts = _counted(others)
    known = set(there)
    lost = np.array([name not in known for name in names], dtype=bool)
    hint = contig_hint(_renamed(names, known), known)
    if lost.all():
        msg = f"{where} and {other} share no contig: {_listed(names)} here, {_listed(there)} there."
        raise ContigError(msg + hint)
    own = set(names)
    aliases = ((str(name), contig_alias(name, known)) for name in names[lost])
    written = {name: found for name, found in aliases if found and found not in own}
    if not written:
        return
    n_here = int(counts[np.isin(names, list(written))].sum())
    n_there = int(there_counts[np.isin(there, list(written.values()))].sum())
    shown = _listed(np.array(list(written), dtype=object))
    tell(
        f"{n_here} of {_all_of(regions, where)} and {n_there} of {len(others)} of {other} lie on "
        f"contigs that the two write otherwise ({shown}); {then}.{hint}"
    )


def _counted(regions: pd.DataFrame) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
    codes, names = pd.factorize(regions["chrom"].astype(str).to_numpy(dtype=object))
    return np.asarray(names, dtype=object), np.bincount(codes, minlength=len(names))


def _all_of(regions: pd.DataFrame, where: str) -> str:
    return f"{len(regions)} regions{'' if where == 'regions' else f' of {where}'}"


def _renamed(names: NDArray[np.object_], known: set[str]) -> str:
    """Return the first name that the other side writes otherwise, else the first."""
    return next(
        (name for name in names if name not in known and contig_alias(name, known)), str(names[0])
    )


def _listed(names: NDArray[np.object_]) -> str:
    shown = ", ".join(repr(str(name)) for name in names[:_SHOWN])
    return f"{shown}, ... ({len(names)})" if len(names) > _SHOWN else shown
