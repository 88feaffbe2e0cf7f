"""What is known of the positions of rows, and which rows are explained as what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from eugene.errors import DataError
from eugene.interpret._truth import planted_motifs, window_of
from seqpro.random import uniform

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from numpy.typing import NDArray

    from eugene._tasks import Task

GRAMMAR, CONFOUNDER = 1, 2
_LETTERS = {b"_": 0, b"": 0, b"G": GRAMMAR, b"C": CONFOUNDER}
_NAMES = {"background": 0, "grammar": GRAMMAR, "confounder": CONFOUNDER}


@dataclass(frozen=True)
class Positions:
    """What is known of the positions of rows.

    Attributes
    ----------
    annotation : ndarray of uint8, shape (n, length)
        0 for background, 1 for grammar, 2 for confounders, which are no grammar.
    element, rule : ndarray of int64, shape (n, length)
        What was placed there and by which rule, 0 where that is not known.
    names : dict of int to str
        Names of the elements.
    lengths : ndarray of int64, shape (n,)
        Length of each sequence.
    """

    annotation: NDArray[np.uint8]
    element: NDArray[np.int64]
    rule: NDArray[np.int64]
    names: dict[int, str]
    lengths: NDArray[np.int64]


def require_annotation(ds: xr.Dataset, variable: str = "annotation") -> None:
    """Raise where a dataset does not say which positions are grammar.

    Raises
    ------
    DataError
        If there is no such variable, or it is not of positions.
    """
    if variable not in ds.variables:
        raise DataError(
            f"the data have no variable {variable!r}, which says of each position whether it is "
            "part of the grammar (1, or G), of a confounder (2, or C) or of neither: take the data "
            f"source 'grammar' or 'simulated', or add {variable!r} uint8 (_sequence, _length)"
        )
    if ds[variable].dims != ("_sequence", "_length"):
        raise DataError(
            f"{variable!r} has dimensions {ds[variable].dims}, expected ('_sequence', '_length')"
        )


def positions_of(
    ds: xr.Dataset, rows: NDArray[np.int64], length: int, *, seq_var: str = "seq"
) -> Positions:
    """Return what a dataset says of the positions of some rows, cut like their sequences.

    Parameters
    ----------
    ds : xarray.Dataset
        With ``annotation`` (_sequence, _length): codes that its attribute ``codes`` or ``motifs``
        explains, 0, 1 and 2, truth values, or the letters ``_``, ``G`` and ``C``. With ``element``
        and ``rule``, if these are known, and ``{seq_var}_length``, if sequences differ in length.
    rows : ndarray of int64, shape (n,)
        Row numbers.
    length : int
        Positions that the network reads, cut from the middle.
    seq_var : str, optional
        Variable of the sequences.

    Returns
    -------
    Positions

    Raises
    ------
    DataError
        If there is no annotation, or it holds something else.
    """
    require_annotation(ds)
    variable = ds["annotation"]
    given = window_of(variable, rows, length)
    motifs = planted_motifs(ds)
    whole = variable.sizes["_length"]
    ends = np.full(len(rows), length, np.int64)
    if f"{seq_var}_length" in ds.variables:
        own = ds[f"{seq_var}_length"].isel(_sequence=rows).to_numpy().astype(np.int64)
        ends = np.clip(own - (whole - length) // 2, 0, length)
    nothing = np.zeros(given.shape, np.int64)
    element, rule, names = nothing, nothing, {}
    if "element" in ds.variables:
        element = window_of(ds["element"], rows, length).astype(np.int64)
        names = {int(code): str(n) for n, code in ds["element"].attrs.get("codes", {}).items()}
    elif motifs:
        element = np.asarray(given).astype(np.int64)
        names = dict(enumerate(motifs.values(), start=1))
    if "rule" in ds.variables:
        rule = window_of(ds["rule"], rows, length).astype(np.int64)
    codes = _codes(given, variable.attrs.get("codes"), motifs=bool(motifs))
    # what is not grammar is no element that could be found
    return Positions(codes, np.where(codes == GRAMMAR, element, 0), rule, names, ends)


def _codes(given: NDArray[np.generic], said: object, *, motifs: bool) -> NDArray[np.uint8]:
    """Return an annotation as 0 for background, 1 for grammar and 2 for confounders."""
    known: dict[bytes, int] | dict[int, int] = _LETTERS
    letters = given
    if given.dtype.kind in "SU":
        letters = given.astype("S1")
    elif motifs or given.dtype.kind == "b":
        return np.asarray(given != 0, np.uint8)
    else:
        names = said if isinstance(said, Mapping) else _NAMES
        known = {int(code): _NAMES.get(str(name), -1) for name, code in names.items()}
    found = np.full(letters.shape, 255, np.uint8)
    for value, code in known.items():
        if code >= 0:
            found[letters == value] = code
    if (strange := found == 255).any():
        row, place = (int(v) for v in np.argwhere(strange)[0])
        raise DataError(
            f"the annotation holds {letters[row, place]!r} (row {row} of those looked at, position "
            f"{place}): expected {', '.join(repr(v) for v in known)} for background, grammar and "
            "confounder"
        )
    return found


@dataclass(frozen=True)
class Chosen:
    """Rows that are explained, and as what.

    Attributes
    ----------
    rows : ndarray of int64, shape (n,)
        Their numbers, those of one label next to each other.
    labels : tuple of str, length n
        What each is, such as ``c1`` or ``c1|c3``.
    aims : tuple of Aim, length n
        What of the network is explained.
    probability : ndarray of float64, shape (n,)
        That of the label; of several the smallest. NaN where a prediction is none.
    """

    rows: NDArray[np.int64]
    labels: tuple[str, ...]
    aims: tuple[Aim, ...]
    probability: NDArray[np.float64]


@dataclass(frozen=True, order=True)
class Aim:
    """Outputs of a network that are explained together.

    Attributes
    ----------
    columns : tuple of int
        Their numbers; logits are added, and of probabilities the smallest counts.
    against : bool
        Whether it is explained what speaks against them: the other class of one output.
    """

    columns: tuple[int, ...]
    against: bool = False


def choose_examples(
    rows: NDArray[np.int64],
    targets: NDArray[np.floating],
    probabilities: NDArray[np.floating],
    task: Task,
    names: Sequence[str],
    *,
    threshold: float | None,
    n: int | None,
    n_per_label: int | None,
    predicted: bool,
    seed: int,
) -> Chosen:
    """Choose rows whose class is known and predicted correctly and surely.

    Parameters
    ----------
    rows : ndarray of int64, shape (m,)
        Numbers of the rows to choose from.
    targets, probabilities : ndarray of float, shapes (m, targets) and (m, outputs)
        What they are and what the network says.
    task : Task
        Of classes: the most probable one has to be right, and above the threshold. Of several
        labels: each that a row has reaches the threshold, each that it has not is at most 1 -
        threshold. Rows without a label are left out. Of values: any row with a target.
    names : sequence of str
        Of the outputs.
    threshold : float or None
        Lowest probability; None takes rows that are predicted wrongly, too.
    n, n_per_label : int or None
        Most rows, and most of each label, which overrules the former.
    predicted : bool
        Whether what the network predicts is explained instead of what a row is.
    seed : int
        Of the choice, which depends on the number of a row and nothing else.

    Returns
    -------
    Chosen
        Those of one label next to each other, in the order of the data.

    Raises
    ------
    DataError
        If a class has no output.
    """
    truth, said = np.asarray(targets, np.float64), np.asarray(probabilities, np.float64)
    if task.classes:
        y = np.where(np.isfinite(truth[:, 0]) & (truth[:, 0] >= 0), truth[:, 0], -1).astype(int)
        if y.max(initial=-1) >= len(names):
            raise DataError(f"a row is of class {y.max()}, and the network has {len(names)}: 0 on")
        best, known = said.argmax(axis=1), y >= 0
        sure = (best == y) & (said.max(axis=1) > (0 if threshold is None else threshold))
        own, guessed = ([Aim((c,)) for c in v.tolist()] for v in (y, best))
        labels = [names[c] if c >= 0 else "" for c in y.tolist()]
    elif task.classification and truth.shape[1] == 1:
        y, best = truth[:, 0] == 1, said[:, 0] > 0.5
        known = np.isfinite(truth[:, 0])
        limit = 0.5 if threshold is None else threshold
        sure = np.where(y, said[:, 0], 1 - said[:, 0]) > limit
        own, guessed = ([Aim((0,), against=not one) for one in v.tolist()] for v in (y, best))
        labels = [names[0] if one else f"not {names[0]}" for one in y.tolist()]
    elif task.classification:
        y, best = truth == 1, said >= 0.5
        best[np.arange(len(best)), said.argmax(axis=1)] = True
        known = np.asarray(y.any(axis=1) & np.isfinite(truth).all(axis=1), np.bool_)
        limit = 0.5 if threshold is None else threshold
        sure = np.asarray(np.where(y, said >= limit, said <= 1 - limit).all(axis=1), np.bool_)
        own, guessed = ([Aim(tuple(np.flatnonzero(r).tolist())) for r in v] for v in (y, best))
        labels = ["|".join(names[c] for c in aim.columns) for aim in own]
    else:
        known = np.asarray(np.isfinite(truth).any(axis=1), np.bool_)
        sure = np.ones(len(truth), np.bool_)
        own = guessed = [Aim((0,))] * len(truth)
        labels = [names[0]] * len(truth)
    left = np.flatnonzero(known if threshold is None else known & sure)
    kept = [int(i) for i in left[np.argsort(uniform(seed, rows[left]), kind="stable")]]
    if n_per_label is not None:
        seen: dict[str, int] = {}
        chosen = []
        for i in kept:
            seen[labels[i]] = seen.get(labels[i], 0) + 1
            if seen[labels[i]] <= n_per_label:
                chosen.append(i)
        kept = chosen
    else:
        kept = kept[:n]
    kept.sort(key=lambda i: (own[i], rows[i]))
    aims = tuple((guessed if predicted else own)[i] for i in kept)
    each = [_probability(said[i], own[i]) for i in kept] if task.classification else None
    return Chosen(
        rows[kept],
        tuple(labels[i] for i in kept),
        aims,
        np.full(len(kept), np.nan) if each is None else np.array(each, np.float64),
    )


def _probability(row: NDArray[np.float64], aim: Aim) -> float:
    """Return the probability of what a row is."""
    lowest = float(row[list(aim.columns)].min())
    return 1 - lowest if aim.against else lowest


def grammar_shares(
    annotation: NDArray[np.uint8], labels: Sequence[str], lengths: NDArray[np.int64] | None = None
) -> pd.DataFrame:
    """Return how many rows of each label have grammar at each position.

    Parameters
    ----------
    annotation : ndarray of uint8, shape (n, length)
        1 for grammar.
    labels : sequence of str, length n
        What each row is.
    lengths : ndarray of int64, shape (n,), optional
        Length of each sequence.

    Returns
    -------
    pandas.DataFrame
        ``label``, ``position`` (from 1), ``grammar_probability``, the share of the rows that
        reach so far and have grammar there, and ``n``, their number.

    Examples
    --------
    >>> placed = np.array([[0, 1], [1, 1]], np.uint8)
    >>> grammar_shares(placed, ["a", "a"])["grammar_probability"].tolist()
    [0.5, 1.0]
    """
    import pandas as pd

    named, width = np.array(labels, dtype=np.str_), annotation.shape[1]
    ends = np.full(len(annotation), width) if lengths is None else lengths
    inside = np.arange(width) < ends[:, None]
    parts = []
    for label in dict.fromkeys(labels):
        own = named == label
        count = inside[own].sum(axis=0)
        hits = ((annotation[own] == GRAMMAR) & inside[own]).sum(axis=0)
        share = np.divide(hits, count, out=np.full(width, np.nan), where=count > 0)
        parts.append(
            pd.DataFrame(
                {
                    "label": label,
                    "position": np.arange(1, width + 1),
                    "grammar_probability": share,
                    "n": count,
                }
            )
        )
    columns = ["label", "position", "grammar_probability", "n"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
