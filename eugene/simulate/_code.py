"""The synthetic regulatory code: combinations of five motifs among fifty others."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from numpy.typing import NDArray

from eugene.config.marks import Least
from eugene.errors import EugeneError
from eugene.settings import session_seed
from eugene.simulate._code_legacy import drawn_background, replayed
from eugene.simulate._code_plan import CHOICE, FEWEST, Plan, Pool, planned
from eugene.simulate._dataset import finished
from eugene.simulate.motifs import code_motifs, code_release_size
from seqpro.random import uniform

if TYPE_CHECKING:
    import xarray as xr

CORE = ("SP1", "Gabpa", "CEBPB", "MAX", "YY1")
"""The motifs that make a positive, each on either strand."""
_BACKGROUND = 50
_EMBEDDED_SEED = 22
_BLOCK = 2048
_LETTERS = np.frombuffer(b"ACGT", np.uint8)


def synthetic_code(
    n: Annotated[int, Least(2)] = 20_000,
    length: Annotated[int, Least(1)] = 200,
    *,
    motifs: str | Path | None = None,
    compat: Literal["acme"] | None = None,
    seed: int | None = 22,
    out: str | Path | None = None,
    overwrite: bool = False,
) -> xr.Dataset:
    """Simulate two classes of sequences that differ in which motifs they combine.

    A sequence carries 3 to 7 motifs, with shares of 0.5, 0.25, 0.17, 0.05 and 0.03, drawn with
    replacement on either strand: of SP1, Gabpa, CEBPB, MAX and YY1 where it is a positive, of
    these and fifty others where it is not. The letters left over go to the gaps before, between
    and behind the motifs, in proportion to numbers drawn uniformly. Every letter is drawn from
    the probabilities of its place, 1/4 each in gaps; they are kept with the sequence. A few
    negatives (about 0.3 %) carry three motifs of positives by chance.

    A row depends on ``seed`` and its number only, and every other row is a positive.

    Parameters
    ----------
    n : int
        Number of sequences, half of them positives.
    length : int
        Their length in bp. Where the motifs of a row are longer than that, they are drawn anew,
        so that many motifs are rarer in short sequences.
    motifs : str or Path, optional
        File of motifs that holds the five by these names, and from which the fifty are drawn; by
        default :func:`code_motifs`.
    compat : {"acme"}, optional
        Draw what the published generator draws, number by number: first rows of training, then
        of validation, then of test (70, 10 and 20 %) as its file has them, in ``split``. With
        ``seed=22`` and 20,000 rows of 200 bp, this is the data set of the article.
    seed : int or None
        Seed of all draws; None for that of the session, `eugene.settings.seed`.
    out : str or Path, optional
        Write the dataset there as a Zarr store, too, and open it from there.
    overwrite : bool
        Whether a store at ``out`` may be replaced.

    Returns
    -------
    xarray.Dataset
        ``seq`` S1 (_sequence, _length); ``label`` int8 (_sequence), 1 for positives; ``pwm``
        float32 (_sequence, _ohe, _length), the probability of each letter; ``annotation`` uint8
        (_sequence, _length), 0 in gaps, else the number of the motif from 1, the five first;
        ``n_motifs`` int8 (_sequence); ``motif`` uint8 (_sequence, _motif), their numbers, 0
        where there are no more; ``motif_start`` int32 (_sequence, _motif), 0-based in bp, -1
        where there are no more; ``motif_strand`` int8 (_sequence, _motif), 1, -1 or 0; with
        ``compat``, also ``split`` int8 (_sequence).

    Raises
    ------
    EugeneError
        If arguments are out of range, or motifs are missing or do not fit into the length.

    References
    ----------
    Koo and Ploenzke 2021, https://doi.org/10.1038/s42256-020-00291-x; Majdandzic et al. 2022,
    https://proceedings.mlr.press/v200/majdandzic22a.html

    Examples
    --------
    >>> ds = synthetic_code(100, seed=1)
    >>> int(ds["label"].sum()), ds["pwm"].shape
    (50, (100, 4, 200))
    >>> bool((ds["seq"].values[:10] == synthetic_code(10, seed=1)["seq"].values).all())
    True
    """
    if n < 2 or n % 2:
        raise EugeneError(f"n must be even and 2 or more: as many positives as negatives; got {n}")
    if compat not in (None, "acme"):
        raise EugeneError(f"compat must be 'acme' or None, got {compat!r}")
    seed = session_seed(seed)
    pool = _pool(motifs, compat, seed)
    longest = FEWEST * int(pool.widths.max())
    if length <= longest:
        raise EugeneError(
            f"{FEWEST} motifs take up to {longest} bp, but sequences are {length} bp long: raise "
            f"length above {longest}"
        )
    plan = (planned if compat is None else replayed)(n, length, pool, seed)
    ds = _assemble(plan, length, pool)
    ds.attrs = {"simulated": "synthetic code", "seed": int(seed)}
    if compat is not None:
        ds.attrs["compat"] = compat
    return finished(ds, out, overwrite)


def _pool(path: str | Path | None, compat: str | None, seed: int) -> Pool:
    """Return the five motifs and the fifty others."""
    if path is None:
        if compat is not None and seed != _EMBEDDED_SEED:
            raise EugeneError(
                f"compat={compat!r} draws the fifty motifs of the background, too, and those in "
                f"the package are the ones of seed {_EMBEDDED_SEED}, not of {seed}: give the file "
                f"of JASPAR's CORE collection of vertebrates (2016) as motifs"
            )
        return Pool(list(code_motifs()), len(CORE), code_release_size())
    from seqpro.motifs import read

    found = read(path)
    missing = [name for name in CORE if name not in found]
    if missing:
        raise EugeneError(
            f"{path}: no motif is called {', '.join(missing)}; positives are made of "
            f"{', '.join(CORE)}, by these names, as JASPAR's CORE collection of 2016 has them"
        )
    core = [found[name] for name in CORE]
    wrong = [motif.name for motif in found if motif.kind == "pwm" or len(motif.alphabet) != 4]
    if wrong:
        raise EugeneError(f"{path}: {wrong[0]} holds no counts or probabilities of A, C, G and T")
    others = [m for m in found if not any(m is one for one in core)]
    needed = f"{_BACKGROUND} are drawn besides {', '.join(CORE)}"
    if len(others) < _BACKGROUND:
        raise EugeneError(f"{path}: {len(found)} motifs are too few, as {needed}")
    if compat is None:
        order = np.argsort(uniform(seed, CHOICE, np.arange(len(others))), kind="stable")
        drawn = [others[i] for i in order[:_BACKGROUND]]
    else:
        drawn = [found[i] for i in drawn_background(seed, len(found))]
        if len(drawn) < _BACKGROUND:
            raise EugeneError(f"{path}: {len(found)} motifs are too few, as {needed}")
    return Pool(core + drawn, len(core), len(found))


def _matrices(
    chosen: NDArray[np.int64], start: NDArray[np.int64], length: int, pool: Pool
) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Return probabilities (n, 4, length) and the annotation (n, length) of some rows."""
    pwm = np.full((len(chosen), 4, length), 0.25)
    annotation = np.zeros((len(chosen), length), np.uint8)
    for number, matrix in enumerate(pool.matrices):
        row, slot = np.nonzero(chosen == number)
        column = start[row, slot, None] + np.arange(matrix.shape[1])
        pwm[row[:, None], :, column] = matrix.T
        annotation[row[:, None], column] = number // 2 + 1
    return pwm, annotation


def _assemble(plan: Plan, length: int, pool: Pool) -> xr.Dataset:
    """Draw the letters, and bring everything together with names and codes."""
    import xarray as xr

    from seqdata import schema

    n, chosen = len(plan.label), plan.chosen
    absent = chosen < 0
    width = np.append(pool.widths, 0)[chosen]
    start = np.cumsum(plan.gaps[:, :-1] + width, axis=1) - width
    pwm = np.empty((n, 4, length), np.float32)
    annotation = np.empty((n, length), np.uint8)
    letters = np.empty((n, length), np.uint8)
    for first in range(0, n, _BLOCK):
        rows = slice(first, first + _BLOCK)
        exact, annotation[rows] = _matrices(chosen[rows], start[rows], length, pool)
        upper = np.cumsum(exact, axis=1)[:, :3]
        letters[rows] = _LETTERS[(plan.letters[rows, None] >= upper).sum(1)]
        pwm[rows] = exact
    names = _distinct([motif.name for motif in pool.motifs])
    numbers = {"none": 0} | {name: i + 1 for i, name in enumerate(names)}
    core = pool.motifs[: pool.n_core]
    known = {"motif_names": [m.name for m in core], "motifs": [m.accession or m.name for m in core]}
    row, position = schema.SEQUENCE_DIM, schema.LENGTH_DIM
    ds = xr.Dataset(
        {
            "seq": ((row, position), letters.view("S1"), {"kind": "sequence", "alphabet": "ACGT"}),
            "label": (row, plan.label),
            "pwm": ((row, schema.OHE_DIM, position), pwm, {"letters": "ACGT"}),
            "annotation": (
                (row, position), annotation, {**schema.code_attrs(numbers), **known},
            ),
            "n_motifs": (row, (~absent).sum(1).astype(np.int8)),
            "motif": (
                (row, "_motif"),
                np.where(absent, 0, chosen // 2 + 1).astype(np.uint8),
                schema.code_attrs(numbers),
            ),
            "motif_start": (
                (row, "_motif"), np.where(absent, -1, start).astype(np.int32), {"units": "bp"},
            ),
            "motif_strand": (
                (row, "_motif"),
                np.where(absent, 0, 1 - 2 * (chosen % 2)).astype(np.int8),
                schema.code_attrs(schema.STRANDS),
            ),
        }
    )  # fmt: skip
    if plan.split is not None:
        ds["split"] = (row, plan.split, schema.code_attrs(schema.SPLITS))
    return ds


def _distinct(names: list[str]) -> list[str]:
    """Return names without blanks, numbered where two are the same."""
    taken: dict[str, int] = {}
    result = []
    for name in names:
        plain = "_".join(name.split())
        taken[plain] = taken.get(plain, 0) + 1
        result.append(plain if taken[plain] == 1 else f"{plain}.{taken[plain]}")
    return result
