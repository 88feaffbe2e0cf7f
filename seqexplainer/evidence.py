"""What is known of motifs: who found them, where they stand, and what a network loses without."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import (
    TYPE_CHECKING,
    Literal,
    NamedTuple,
    TypeAlias,
    TypedDict,
    Unpack,
    cast,
    get_type_hints,
)

import numpy as np
import torch

from seqexplainer._inputs import as_array, check_one_hot, check_whole
from seqexplainer._targets import OnlyOutput
from seqexplainer.errors import InputError
from seqexplainer.motifs import as_motif_set, scan
from seqexplainer.perturb._effect import EXPERIMENT, Effect, Experiment
from seqexplainer.perturb._sites import ablate_sites
from seqpro.keywords import keywords

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    from seqpro.motifs import MotifSet

__all__ = ["SCANNED", "MotifRow", "motif_summary"]

Evidence: TypeAlias = "pd.DataFrame | tuple[pd.DataFrame, pd.DataFrame]"

SCANNED = "scan"
"""What ``places_by`` says of motifs whose places were looked for by their letters."""
_SPAN = ["sequence", "start", "end"]
_SAME = {"target": "motif", "p_value_motif": "p_value", "query": "label", "pattern": "label"}


class MotifRow(TypedDict):
    """A row of `motif_summary`, which says what its columns are."""

    motif: str
    accession: str
    sign: str
    p_value: float
    q_value: float
    database: str
    found_by: str
    label: str
    places_by: str
    places: int
    sequences: int
    searched: int
    position: float
    position_q25: float
    position_q75: float
    per_bin: str
    contribution: float
    change: float
    low: float
    high: float
    n: int
    why: str


class _Told(TypedDict, total=False):
    """What is told of an effect."""

    change: float
    low: float
    high: float
    n: int
    why: str


class _Placed(TypedDict, total=False):
    """What is told of places."""

    places: int
    sequences: int
    position: float
    position_q25: float
    position_q75: float
    per_bin: str
    contribution: float


_TYPES = get_type_hints(MotifRow)
_EMPTY = {str: "", int: 0, float: np.nan}


class _Found(NamedTuple):
    """One way in which motifs were found.

    Attributes
    ----------
    name : str
        What it is called.
    table : pandas.DataFrame
        ``motif``, ``accession``, ``p_value``, ``q_value``, ``database``, ``label`` and, if it says
        where, ``sequence``, ``start``, ``end``, ``attribution``.
    rows : ndarray of int64, shape (n,)
        Sequences that it looked at.
    """

    name: str
    table: pd.DataFrame
    rows: NDArray[np.int64]

    @property
    def placed(self) -> bool:
        return "start" in self.table


@keywords(EXPERIMENT)
def motif_summary(
    X: NDArray[np.generic] | torch.Tensor,
    evidence: Mapping[str, Evidence],
    *,
    model: torch.nn.Module | None = None,
    attributions: NDArray[np.floating] | torch.Tensor | None = None,
    searched: Mapping[str, ArrayLike] | None = None,
    motif_db: MotifSet | str | os.PathLike[str] | None = None,
    max_q_value: float = 0.05,
    p_threshold: float = 1e-4,
    method: Literal["shuffle", "dinuc_shuffle", "random", "zero", "uniform"] = "shuffle",
    n: int = 10,
    max_motifs: int = 12,
    max_sequences: int = 100,
    min_sequences: int = 5,
    n_bins: int = 40,
    **options: Unpack[Experiment],
) -> pd.DataFrame:
    """Join what several methods say of motifs into one table, one row a motif.

    What resembles one known motif significantly is one row, whoever found it; a pattern that
    resembles none is a row of its own, a seqlet or filter that does not is left out. Places are
    those of the first method in ``evidence`` that has some of the motif; for a motif that none
    places, they are looked for by the letters (`scan`). The effect is that of destroying all
    places of the motif in each sequence, where they stand (`ablate_sites`).

    Parameters
    ----------
    X : ndarray or Tensor, shape (N, A, L)
        One-hot sequences.
    evidence : mapping of str to DataFrame, or to a pair of them
        By the name of the method, in the order in which places are taken. With places
        ``sequence``, ``start``, ``end`` (row of X; bp, 0-based half-open) and ``motif``: what
        `annotate_seqlets` returns, say. Without: the matches of motifs, as `annotate_pfms`
        returns them for filters. A pair are places under ``pattern`` (`Patterns.seqlets`) and the
        matches of these patterns. ``p_value``, ``q_value``, ``accession``, ``attribution`` and
        ``database`` are read where they are there.
    model : torch.nn.Module, optional
        A model of X; without one there are no effects.
    attributions : ndarray or Tensor, shape (N, A, L) or (N, L), optional
        Projected attributions, in units of the output. Sequences without any are NaN. Places that
        bring ``attribution`` do not need them.
    searched : mapping of str to array_like of int, shape (n,), optional
        Rows of X that a method looked at; all of them by default.
    motif_db : MotifSet or path, optional
        Known motifs, to look for those without a place.
    max_q_value : float, optional
        A match counts up to this q-value; those that have none count.
    p_threshold : float, optional
        Of `scan`.
    method : {"shuffle", "dinuc_shuffle", "random", "zero", "uniform"}, optional
        How a place is destroyed.
    n : int, optional
        Draws of the letters of a place, over which scores are averaged.
    max_motifs : int, optional
        Effects are measured of so many rows, from the first on.
    max_sequences : int, optional
        Sequences that an effect is measured in, the first of X that have the motif.
    min_sequences : int, optional
        Fewest sequences of an interval.
    n_bins : int, optional
        Equal parts of the sequence in which places are counted.
    **options
        As in `marginalize`, such as ``target`` and ``seed``.

    Returns
    -------
    pandas.DataFrame
        Known motifs first, by the share of sequences that have them:

        - ``motif``, ``accession``, ``database`` and the ``p_value`` and ``q_value`` of the surest
          match; of a pattern without a match its own name and nothing;
        - ``sign``: ``"+"`` where places raise the output by their attributions, ``"-"`` where they
          lower it; places of both signs are two rows. Empty where nothing says so;
        - ``found_by``: methods with their names for it; ``label``: the first of these names;
        - ``places_by``: method whose places are meant, or ``"scan"``; ``places``, ``sequences``
          with at least one, and ``searched``, the number of sequences that were looked at;
        - ``position``, ``position_q25``, ``position_q75``: median and quartiles of the middle of
          its places, in bp from the middle of the sequence; ``per_bin``: places in each of
          ``n_bins`` parts of the sequence, numbers with spaces between them;
        - ``contribution``: mean over places of the sum of their attributions, in units of the
          output;
        - ``change``, ``low``, ``high``: mean change of the output over ``n`` sequences when the
          places are destroyed, and its bootstrap interval; ``why``: why one of them is missing.

    Raises
    ------
    InputError
        If columns are missing, a place lies outside X, or arrays do not fit each other.
    SeqexplainerError
        If the model has no such output.

    References
    ----------
    Shrikumar et al. 2018, doi:10.48550/arXiv.1811.00416; Gupta et al. 2007,
    doi:10.1186/gb-2007-8-2-r24; Grant et al. 2011, doi:10.1093/bioinformatics/btr064

    Examples
    --------
    >>> import pandas as pd
    >>> import torch
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(40, 1, bias=False))
    >>> _ = model[1].weight.data.copy_(torch.arange(40.0)[None])
    >>> X = np.eye(4)[np.tile(np.arange(10) % 4, (6, 1))].swapaxes(1, 2)
    >>> places = pd.DataFrame({"sequence": [0, 2, 3], "start": [0, 2, 4], "end": [4, 6, 8],
    ...                        "motif": "box", "attribution": [1.0, 2.0, 3.0]})
    >>> found = motif_summary(X, {"seqlets": places}, model=model, method="zero")
    >>> found[["motif", "sequences", "searched", "position", "contribution"]].values.tolist()
    [['box', 3, 6, -1.0, 2.0]]
    >>> found.loc[0, "why"]
    '3 sequences have it: an interval needs 5'
    """
    import pandas as pd

    sequences = check_one_hot(X)
    length = int(sequences.shape[2])
    check_whole(n=n, max_sequences=max_sequences, min_sequences=min_sequences, n_bins=n_bins)
    sums = None if attributions is None else _sums(attributions, (len(sequences), length))
    ways = [
        _found(name, given, _rows(name, searched, len(sequences)), sums, length, max_q_value)
        for name, given in evidence.items()
    ]
    known = None if motif_db is None else as_motif_set(motif_db)
    found = []
    for sign, parts in _joined(ways):
        row, places = _said(sign, parts)
        if places is None:
            places = _scanned(row, parts, known, sequences, sums, p_threshold)
        row = {**row, **_where(places, length, n_bins)}
        found.append((row, places))
    found.sort(key=lambda pair: _rank(pair[0]))
    if model is not None and options.get("func") is None and options.get("target") is None:
        options = {**options, "target": OnlyOutput()}  # one for all motifs: it warns once
    for i, (row, places) in enumerate(found):
        if model is None or not len(places):
            continue
        if i >= max_motifs:
            row["why"] = f"not among the first {max_motifs} motifs"
            continue
        rows = np.unique(places["sequence"].to_numpy(dtype=np.int64))[:max_sequences]
        chosen = places.loc[places["sequence"].isin(rows), _SPAN]
        sites = chosen.to_numpy(dtype=np.int64, copy=True)
        sites[:, 0] = np.searchsorted(rows, sites[:, 0])
        effect = ablate_sites(
            model, sequences[torch.as_tensor(rows)], sites, method=method, n=n, **options
        )
        found[i] = ({**row, **_told(effect, min_sequences)}, places)
    table = pd.DataFrame([row for row, _ in found], columns=list(_TYPES))
    return table.astype(_TYPES)


def _sums(attributions: object, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Return attributions of positions, shape (N, L)."""
    values = as_array(attributions).astype(np.float64)
    values = values.sum(axis=1) if values.ndim == 3 else values
    if values.shape != shape:
        raise InputError(
            f"attributions are of {values.shape} (sequences, positions), X of {shape}; expected "
            "(N, A, L) or (N, L)"
        )
    return values


def _rows(name: str, searched: Mapping[str, ArrayLike] | None, n: int) -> NDArray[np.int64]:
    """Return the sequences that a method looked at."""
    if searched is None or name not in searched:
        return np.arange(n, dtype=np.int64)
    rows = np.unique(np.asarray(searched[name], dtype=np.int64))
    if len(rows) and not (rows[0] >= 0 and rows[-1] < n):
        raise InputError(
            f"searched[{name!r}] names the rows {rows[0]} to {rows[-1]}; X has {n} sequences"
        )
    return rows


def _found(
    name: str,
    given: Evidence,
    rows: NDArray[np.int64],
    sums: NDArray[np.float64] | None,
    length: int,
    max_q_value: float,
) -> _Found:
    """Return evidence under our names; what is no significant match has no accession."""
    placed, matches = given if isinstance(given, tuple) else (given, None)
    table = _named(placed)
    if matches is not None:
        best = _named(matches).drop_duplicates("label")
        table = table.merge(best, on="label", how="left", suffixes=("_of_place", ""))
    if not {"motif", "label"} & set(table):
        raise InputError(
            f"the table of {name!r} has no column 'motif', only {list(map(str, placed.columns))}"
        )
    texts = {c: _text(table, c) for c in ("motif", "label", "accession", "database")}
    table = table.assign(**texts)
    sure = table["motif"] != ""
    if "q_value" in table:
        sure &= table["q_value"] <= max_q_value
    table["accession"] = table["accession"].where(table["accession"] != "", table["motif"])
    for column in ("motif", "accession", "database"):
        table[column] = table[column].where(sure, "")
    for column in ("p_value", "q_value"):
        table[column] = table[column].where(sure) if column in table else np.nan
    if "start" not in table:
        return _Found(name, table[sure].reset_index(drop=True), rows)
    # a pattern that resembles nothing is a result, a seqlet that does not is none
    table = table[sure | (table["label"] != "")].reset_index(drop=True)
    _check_places(name, table, rows, length)
    if "attribution" not in table:
        table["attribution"] = _over(table, sums)
    by = table["attribution"]
    by = by.where(table["label"] == "", by.groupby(table["label"]).transform("mean"))
    table["sign"] = np.select([by >= 0, by < 0], ["+", "-"], "")
    return _Found(name, table, rows)


def _named(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table under our names, of several matches the best one."""
    names = {old: new for old, new in _SAME.items() if old in table and new not in table}
    found = table.rename(columns=names)
    if "rank" in found:
        found = found[found["rank"].isna() | (found["rank"] == 1)]
    return found


def _text(table: pd.DataFrame, column: str) -> pd.Series:
    """Return a column as text, without a value that is missing."""
    import pandas as pd

    if column not in table:
        return pd.Series("", index=table.index, dtype=object)
    values = table[column].astype(object)
    return values.where(values.notna(), "").map(str)


def _check_places(name: str, table: pd.DataFrame, rows: NDArray[np.int64], length: int) -> None:
    """Raise where places are outside of what was looked at."""
    missing = [column for column in _SPAN if column not in table]
    if missing:
        raise InputError(f"the table of {name!r} has places, and no column {missing[0]!r}")
    row, start, end = table[_SPAN].to_numpy(dtype=np.int64).T
    wrong = ~np.isin(row, rows) | (start < 0) | (end > length) | (start >= end)
    if wrong.any():
        i = int(np.argmax(wrong))
        raise InputError(
            f"place {i} of {name!r} is {start[i]}-{end[i]} of sequence {row[i]}; there are "
            f"{len(rows)} sequences of {length} bp that it looked at"
        )


def _over(places: pd.DataFrame, sums: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """Return the attribution of each place, the sum over its positions."""
    if sums is None:
        return np.full(len(places), np.nan)
    spans = places[_SPAN].to_numpy(dtype=np.int64)
    return np.array([sums[row, start:end].sum() for row, start, end in spans], dtype=np.float64)


def _joined(ways: list[_Found]) -> Iterator[tuple[str, list[_Found]]]:
    """Yield what is told of each motif, and its sign; methods without places follow the others."""
    groups: dict[tuple[str, str, str], list[_Found]] = {}
    for way in sorted(ways, key=lambda way: not way.placed):
        if way.placed:
            own = way.table["label"].where(way.table["accession"] == "", "")
            keys = [way.table["accession"], own, way.table["sign"]]
            for key, part in way.table.groupby(keys, sort=True):
                groups.setdefault(key, []).append(way._replace(table=part))
            continue
        for accession, part in way.table.groupby("accession", sort=True):
            there = [key for key in groups if key[0] == accession]
            for key in there or [(str(accession), "", "")]:
                groups.setdefault(key, []).append(way._replace(table=part))
    yield from ((sign, parts) for (_, _, sign), parts in groups.items())


def _said(sign: str, parts: list[_Found]) -> tuple[MotifRow, pd.DataFrame | None]:
    """Return the row of a motif and the places that are meant; None where nothing places it."""
    import pandas as pd

    said = pd.concat([part.table for part in parts], ignore_index=True)
    labels = [list(dict.fromkeys(part.table["label"])) for part in parts]
    best = said.iloc[int(said["p_value"].fillna(np.inf).argmin())]
    by = [
        part.name + (f": {' '.join(names)}" if any(names) else "")
        for part, names in zip(parts, labels, strict=True)
    ]
    named = bool(best["accession"])
    row = cast("MotifRow", {name: _EMPTY[kind] for name, kind in _TYPES.items()})
    row.update(
        {
            "motif": best["motif"] if named else best["label"],
            "accession": best["accession"],
            "sign": sign,
            "p_value": best["p_value"],
            "q_value": best["q_value"],
            "database": best["database"],
            "found_by": "; ".join(by),
        }
    )
    placing = next((part for part in parts if part.placed), None)
    if placing is None:
        return row, None
    row["label"] = placing.table["label"].iloc[0]
    row["places_by"], row["searched"] = placing.name, len(placing.rows)
    return row, placing.table


def _scanned(
    row: MotifRow,
    parts: list[_Found],
    known: MotifSet | None,
    sequences: torch.Tensor,
    sums: NDArray[np.float64] | None,
    p_threshold: float,
) -> pd.DataFrame:
    """Return where a known motif is by its letters; the row says so, or why not."""
    import pandas as pd

    rows = np.unique(np.concatenate([part.rows for part in parts]))
    row["searched"] = len(rows)
    accession = row["accession"]
    motifs = [] if known is None else [m for m in known if accession in (m.accession, m.name)]
    hits = pd.DataFrame({name: np.array([], np.int64) for name in _SPAN})
    if not motifs:
        row["why"] = "nothing says where it is, and motif_db has no such motif to look for"
    else:
        hits = scan(sequences[torch.as_tensor(rows)], motifs[0], p_threshold=p_threshold)
        hits = hits.assign(sequence=rows[hits["sequence"].to_numpy(dtype=np.int64)])
        # a palindrome is at one place on both strands
        hits = hits.drop_duplicates(_SPAN).reset_index(drop=True)
        row["places_by"] = SCANNED
        if not len(hits):
            row["why"] = f"in none of {len(rows)} sequences at p < {p_threshold:g}"
    hits = hits.assign(attribution=_over(hits, sums))
    mean = hits["attribution"].mean()
    row["sign"] = "" if np.isnan(mean) else "+" if mean >= 0 else "-"
    return hits


def _where(places: pd.DataFrame, length: int, n_bins: int) -> _Placed:
    """Return how many places there are, where, and what they contribute."""
    if not len(places):
        return {"places": 0, "sequences": 0}
    middle = ((places["start"] + places["end"]) / 2).to_numpy(dtype=np.float64)
    low, median, high = np.quantile(middle - length / 2, [0.25, 0.5, 0.75])
    counts, _ = np.histogram(middle, bins=n_bins, range=(0, length))
    return {
        "places": len(places),
        "sequences": int(places["sequence"].nunique()),
        "position": float(median),
        "position_q25": float(low),
        "position_q75": float(high),
        "per_bin": " ".join(map(str, counts)),
        "contribution": float(places["attribution"].mean()),
    }


def _rank(row: MotifRow) -> tuple[bool, float, float]:
    """Return what rows are sorted by: known motifs first, then by the share of sequences."""
    p = row["p_value"]
    share = row["sequences"] / max(row["searched"], 1)
    return not row["accession"], -share, 1.0 if np.isnan(p) else p


def _told(effect: Effect, least: int) -> _Told:
    """Return what a row says of an effect."""
    n = len(effect.effect)
    if n < least:
        said = "1 sequence has it" if n == 1 else f"{n} sequences have it"
        return {"change": float(effect.mean), "n": n, "why": f"{said}: an interval needs {least}"}
    low, high = float(effect.low), float(effect.high)
    return {"change": float(effect.mean), "low": low, "high": high, "n": n}
