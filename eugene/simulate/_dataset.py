"""The default data set: two motifs, and whether they stand close together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from eugene.errors import EugeneError
from eugene.settings import session_seed
from eugene.simulate.background import human_background
from eugene.simulate.motifs import find_motif
from seqpro.random import counter_seed, integers, uniform

if TYPE_CHECKING:
    from pathlib import Path

    import xarray as xr

    from seqpro.motifs import Motif

KINDS: dict[str, int] = {"background": 0, "first": 1, "second": 2, "far": 3, "near": 4}
"""What a sequence carries, by the code in the variable ``kind``; ``near`` are the positives."""

# Every random number is drawn for (seed, stream, row, ...): one stream for each decision.
_BACKGROUND, _GAP, _ORDER, _START, _STRAND, _SITE = range(6)
_LETTERS = np.frombuffer(b"ACGT", np.uint8)
_NEGATIVES = 4


@dataclass(frozen=True)
class _Plan:
    """Where the two motifs stand in each row.

    Attributes
    ----------
    kind : ndarray of int8, shape (n,)
        Codes of `KINDS`.
    gap : ndarray of int32, shape (n,)
        Letters between the motifs in bp, -1 where there are not two.
    start : ndarray of int32, shape (n, 2)
        0-based start of each motif in bp, -1 where it is absent.
    strand : ndarray of int8, shape (n, 2)
        1 forward, -1 reverse complement, 0 absent.
    """

    kind: NDArray[np.int8]
    gap: NDArray[np.int32]
    start: NDArray[np.int32]
    strand: NDArray[np.int8]


def simulated(
    n: int = 10_000,
    length: int = 200,
    *,
    motifs: Sequence[str] = ("MA0466.3", "MA0062.3"),
    near: Sequence[int] = (0, 20),
    far: Sequence[int] = (50, 100),
    positive_fraction: float = 0.5,
    strands: str = "forward",
    seed: int | None = 13,
    out: str | Path | None = None,
    overwrite: bool = False,
) -> xr.Dataset:
    """Simulate two classes of sequences that differ in how far two motifs are apart.

    Positives carry both motifs close together. Negatives are, in equal parts, plain background,
    background with the first motif, with the second, and with both far apart. So one motif
    alone, or both anywhere, says nothing final; a model has to see the pair. Which motif comes
    first, where the pair stands and how many letters are between them is drawn uniformly; sites
    are drawn letter by letter from the motif's frequencies, the background from
    :func:`human_background`.

    A row depends on ``seed`` and its number only: more rows begin with the same rows, and any
    beginning holds the classes in their proportions.

    Parameters
    ----------
    n : int
        Number of sequences.
    length : int
        Their length in bp.
    motifs : sequence of str
        Two accessions or names of :func:`embedded_motifs`.
    near, far : sequence of int
        Smallest and largest gap between the motifs in bp, both included, of positives and of
        the negatives that carry both.
    positive_fraction : float
        Share of positives, from 0 to 1.
    strands : {"forward", "random"}
        Whether motifs are planted as they are, or each on either strand with equal chance.
    seed : int or None
        Seed of all draws; None for that of the session, `eugene.settings.seed`.
    out : str or Path, optional
        Write the dataset there as a Zarr store, too, and open it from there.
    overwrite : bool
        Whether a store at ``out`` may be replaced.

    Returns
    -------
    xarray.Dataset
        ``seq`` S1 (_sequence, _length); ``label`` int8 (_sequence), 1 for positives; ``kind``
        int8 (_sequence), codes of `KINDS`; ``annotation`` uint8 (_sequence, _length), 0 where
        nothing was planted, else the number of the motif from 1; ``motif_start`` int32
        (_sequence, _motif), 0-based in bp, -1 where absent; ``motif_strand`` int8
        (_sequence, _motif), 1, -1 or 0 where absent; ``gap`` int32 (_sequence), in bp, -1
        where there are not two motifs.

    Raises
    ------
    EugeneError
        If arguments are out of range or the motifs do not fit into the length.

    Examples
    --------
    >>> ds = simulated(100, seed=1)
    >>> int(ds["label"].sum()), sorted(set(ds["kind"].values.tolist()))
    (50, [0, 1, 2, 3, 4])
    >>> bool((ds["seq"].values[:10] == simulated(10, seed=1)["seq"].values).all())
    True
    """
    seed = session_seed(seed)
    pair = _check(n, length, motifs, near, far, positive_fraction, strands)
    rows = np.arange(n, dtype=np.int64)
    widths = (pair[0].width, pair[1].width)
    plan = _plan(rows, length, widths, near, far, positive_fraction, strands, seed)
    letters, annotation = _write(rows, length, pair, plan, seed)
    return finished(_assemble(letters, annotation, plan, pair, strands, seed), out, overwrite)


def finished(ds: xr.Dataset, out: str | Path | None, overwrite: bool) -> xr.Dataset:
    """Return a simulated dataset, where a store is asked for as it is there.

    Parameters
    ----------
    ds : xarray.Dataset
        In memory.
    out : str or Path or None
        Where to write it.
    overwrite : bool
        Whether a store there may be replaced.

    Returns
    -------
    xarray.Dataset
    """
    if out is None:
        return ds
    import seqdata as sd

    sd.to_zarr(ds, out, overwrite=overwrite)
    return sd.open_zarr(out)


def _check(
    n: int,
    length: int,
    motifs: Sequence[str],
    near: Sequence[int],
    far: Sequence[int],
    positive_fraction: float,
    strands: str,
) -> tuple[Motif, Motif]:
    """Return the two motifs if the arguments make sense."""
    if n < 1 or length < 1:
        raise EugeneError(f"n and length must be 1 or more, got {n} and {length}")
    if not 0.0 <= positive_fraction <= 1.0:
        raise EugeneError(f"positive_fraction must be from 0 to 1, got {positive_fraction}")
    if strands not in ("forward", "random"):
        raise EugeneError(f"strands must be 'forward' or 'random', got {strands!r}")
    if isinstance(motifs, str) or len(motifs) != 2:
        raise EugeneError(f"motifs must be two accessions or names, got {motifs!r}")
    for name, gap in (("near", near), ("far", far)):
        if len(gap) != 2 or not 0 <= gap[0] <= gap[1]:
            raise EugeneError(
                f"{name} must be the smallest and the largest gap in bp, from 0 up, got {gap!r}"
            )
    pair = (find_motif(motifs[0]), find_motif(motifs[1]))
    if pair[0].name == pair[1].name:
        raise EugeneError(f"motifs must be two different ones, got {pair[0].name} twice")
    longest = pair[0].width + pair[1].width + max(near[1], far[1])
    if longest > length:
        raise EugeneError(
            f"two motifs {max(near[1], far[1])} bp apart take {longest} bp, but sequences are "
            f"{length} bp long: raise length or lower the largest gap"
        )
    return pair


def _plan(
    rows: NDArray[np.int64],
    length: int,
    widths: tuple[int, int],
    near: Sequence[int],
    far: Sequence[int],
    positive_fraction: float,
    strands: str,
    seed: int,
) -> _Plan:
    """Decide what each row carries and where."""
    before = np.floor(rows * positive_fraction + 1e-9)
    positive = np.floor((rows + 1) * positive_fraction + 1e-9) > before
    kind = np.where(positive, KINDS["near"], (rows - before.astype(np.int64)) % _NEGATIVES)
    both = kind >= KINDS["far"]
    low = np.where(positive, near[0], far[0])
    high = np.where(positive, near[1], far[1])
    gap = low + np.floor(uniform(seed, _GAP, rows) * (high - low + 1)).astype(np.int64)
    second_leads = integers(seed, 2, _ORDER, rows).astype(bool)
    alone = np.where(kind == KINDS["first"], widths[0], widths[1])
    span = np.where(both, sum(widths) + gap, alone)
    left = np.floor(uniform(seed, _START, rows) * (length - span + 1)).astype(np.int64)
    start = np.full((len(rows), 2), -1, np.int32)
    strand = np.zeros((len(rows), 2), np.int8)
    for i in (0, 1):
        present = both | (kind == i + 1)
        trails = both & (second_leads == (i == 0))
        at = left + np.where(trails, widths[1 - i] + gap, 0)
        start[present, i] = at[present]
        drawn = 1 - 2 * integers(seed, 2, _STRAND, rows, i)
        strand[:, i] = np.where(present, drawn if strands == "random" else 1, 0)
    return _Plan(kind.astype(np.int8), np.where(both, gap, -1).astype(np.int32), start, strand)


def _write(
    rows: NDArray[np.int64], length: int, pair: tuple[Motif, Motif], plan: _Plan, seed: int
) -> tuple[NDArray[np.bytes_], NDArray[np.uint8]]:
    """Return letters S1 and annotation uint8, both of shape (n, length)."""
    root = int(counter_seed(seed, _BACKGROUND))
    background = human_background().sample(len(rows), length, seed=root, row_ids=rows)
    letters = np.ascontiguousarray(background).view(np.uint8)
    annotation = np.zeros(letters.shape, np.uint8)
    for i, motif in enumerate(pair):
        present = np.flatnonzero(plan.start[:, i] >= 0)
        steps = np.arange(motif.width)
        upper = np.cumsum(motif.matrix, axis=0)
        upper = upper[:-1] / upper[-1]
        draws = uniform(seed, _SITE, rows[present, None], i, steps[None])
        codes = (draws[:, None] >= upper[None]).sum(1)
        back = plan.strand[present, i] < 0
        codes[back] = 3 - codes[back, ::-1]
        columns = plan.start[present, i, None] + steps
        letters[present[:, None], columns] = _LETTERS[codes]
        annotation[present[:, None], columns] = i + 1
    return letters.view("S1"), annotation


def _assemble(
    letters: NDArray[np.bytes_],
    annotation: NDArray[np.uint8],
    plan: _Plan,
    pair: tuple[Motif, Motif],
    strands: str,
    seed: int,
) -> xr.Dataset:
    """Bring everything together with names and codes."""
    import xarray as xr

    from seqdata import schema

    names = [motif.name for motif in pair]
    accessions = [str(motif.accession) for motif in pair]
    planted = {"none": 0, names[0]: 1, names[1]: 2}
    row, position = schema.SEQUENCE_DIM, schema.LENGTH_DIM
    return xr.Dataset(
        {
            "seq": ((row, position), letters, {"kind": "sequence", "alphabet": "ACGT"}),
            "label": (row, (plan.kind == KINDS["near"]).astype(np.int8)),
            "kind": (row, plan.kind, schema.code_attrs(KINDS)),
            "annotation": (
                (row, position),
                annotation,
                {**schema.code_attrs(planted), "motif_names": names, "motifs": accessions},
            ),
            "motif_start": ((row, "_motif"), plan.start, {"units": "bp"}),
            "motif_strand": (
                (row, "_motif"),
                plan.strand,
                schema.code_attrs(schema.STRANDS),
            ),
            "gap": (row, plan.gap, {"units": "bp"}),
        },
        attrs={"simulated": "motif pair", "strands": strands, "seed": int(seed)},
    )
