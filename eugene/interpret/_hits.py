"""Tables of spans inside a dataset: seqlets, motif hits, members of patterns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from eugene.errors import EugeneError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from numpy.typing import NDArray

_PLACE = ("sequence", "start", "end")
_NAMED = {"motif": "motifs", "accession": "accessions"}
"""Columns of text, which are stored as codes, and the attribute that says what these stand for."""


def annotate_positions(
    table: pd.DataFrame, motifs: Sequence[str], shape: tuple[int, int]
) -> NDArray[np.uint16]:
    """Write the motif of each position; where spans overlap, the one further up counts.

    Parameters
    ----------
    table : pandas.DataFrame
        ``sequence``, ``start``, ``end`` (0-based, half-open, bp) and ``motif``, best first. Rows
        without a motif are left out.
    motifs : sequence of str
        What 1, 2, ... stand for.
    shape : (int, int)
        Sequences and their length in bp.

    Returns
    -------
    ndarray of uint16, shape (n, length)
        0 where there is nothing.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"sequence": [0, 0], "start": [1, 0], "end": [3, 2],
    ...                       "motif": ["GATA", "AP1"]})
    >>> annotate_positions(table, ["AP1", "GATA"], (1, 4)).tolist()
    [[1, 2, 2, 0]]
    """
    codes = {name: i for i, name in enumerate(motifs, start=1)}
    found = np.zeros(shape, dtype=np.uint16)
    rows = table[[*_PLACE, "motif"]].itertuples(index=False)
    for sequence, start, end, motif in reversed(list(rows)):
        code = codes.get(motif)
        if code is not None:
            found[int(sequence), int(start) : int(end)] = code
    return found


def add_hits(
    ds: xr.Dataset,
    table: pd.DataFrame,
    name: str,
    *,
    shape: tuple[int, int],
    dims: tuple[str, str] = ("_sequence", "_length"),
    attrs: Mapping[str, object] | None = None,
) -> None:
    """Put a table of spans into a dataset, in place.

    Parameters
    ----------
    ds : xarray.Dataset
        The dataset.
    table : pandas.DataFrame
        ``sequence``, ``start``, ``end``, ``motif`` (text, "" for none), perhaps ``accession``
        and ``strand``, and any columns of numbers; best first.
    name : str
        Of the annotation; columns are ``{name}_{column}`` along ``_{name}``.
    shape : (int, int)
        Sequences and their length in bp.
    dims : (str, str), optional
        Dimensions of the annotation.
    attrs : dict, optional
        How the spans were found.
    """
    from seqdata.schema import STRANDS, code_attrs

    motifs = sorted({str(m) for m in table["motif"] if m})
    described = {"kind": "annotation", "motifs": motifs, **(attrs or {})}
    ds[name] = (dims, annotate_positions(table, motifs, shape), described)
    row = f"_{name}"
    for column in table.columns:
        if column in _NAMED:
            # motifs of one name may have several accessions, so each has codes of its own
            known = sorted({str(value) for value in table[column] if value})
            codes = {text: i for i, text in enumerate(known, start=1)}
            values = np.array([codes.get(m, 0) for m in table[column]], dtype=np.uint16)
            own: dict[str, object] = {_NAMED[column]: known}
        elif column == "strand":
            text = table[column].where(table[column].isin(list(STRANDS)), ".")
            values = np.array([STRANDS[str(s)] for s in text], dtype=np.int8)
            own = code_attrs(STRANDS)
        else:
            values, own = table[column].to_numpy(), {}
        ds[f"{name}_{column}"] = (row, values, own)


def hits_table(ds: xr.Dataset, name: str) -> pd.DataFrame:
    """Return spans that `seqlets_sdata`, `scan_sdata` or `modisco_sdata` put into a dataset.

    Parameters
    ----------
    ds : xarray.Dataset
        The dataset.
    name : str
        Name of the annotation.

    Returns
    -------
    pandas.DataFrame
        ``sequence`` (row), ``start``, ``end`` (0-based, half-open, bp), ``strand``, ``motif``,
        ``accession`` and what else was found, best first.

    Raises
    ------
    EugeneError
        If the dataset has no such annotation.

    Examples
    --------
    >>> import xarray as xr
    >>> ds = xr.Dataset({"seq": (("_sequence", "_length"), np.array([[*"CCAGATTACACC"]], "S1"))})
    >>> from eugene.interpret import scan_sdata
    >>> from seqpro.motifs import Motif
    >>> ds = scan_sdata(ds, Motif("GATTACA", np.eye(4)[[2, 0, 3, 3, 0, 1, 0]].T))
    >>> hits_table(ds, "motif_hits")[["start", "end", "motif", "strand"]].values.tolist()
    [[3, 10, 'GATTACA', '+']]
    """
    import pandas as pd

    row = f"_{name}"
    if name not in ds.variables or row not in ds.dims:
        known = [str(v) for v in ds.data_vars if ds[v].attrs.get("kind") == "annotation"]
        raise EugeneError(f"the dataset has no table of spans {name!r}{did_you_mean(name, known)}")
    from seqdata.schema import decode

    columns: dict[str, object] = {}
    for variable in ds.data_vars:
        found = ds[variable]
        if found.dims != (row,):
            continue
        column = str(variable).removeprefix(f"{name}_")
        if column in _NAMED:
            listed = np.atleast_1d(found.attrs.get(_NAMED[column], []))
            texts = np.array(["", *map(str, listed)], object)
            columns[column] = texts[found.to_numpy().astype(np.int64)]
        elif column == "strand":
            columns[column] = decode(found)
        else:
            columns[column] = found.to_numpy()
    table = pd.DataFrame(columns)
    attrs = ds[name].attrs
    if "accessions" in attrs and "accession" not in table:  # of a store that was written before
        names = np.atleast_1d(attrs["motifs"])
        accessions = dict(zip(names, np.atleast_1d(attrs["accessions"]), strict=True))
        table["accession"] = [accessions.get(motif, "") for motif in table["motif"]]
    first = [c for c in (*_PLACE, "strand", "motif", "accession") if c in table]
    return table[[*first, *(c for c in table.columns if c not in first)]]


def with_places(ds: xr.Dataset, table: pd.DataFrame) -> pd.DataFrame:
    """Add to spans which row of the data they are in, and where in the genome.

    Parameters
    ----------
    ds : xarray.Dataset
        The sequences; regions have ``chrom``, ``start`` and perhaps ``strand``.
    table : pandas.DataFrame
        ``sequence`` (row of ``ds``), ``start``, ``end`` (0-based, half-open, bp), and ``strand``,
        in the direction in which the sequence is read.

    Returns
    -------
    pandas.DataFrame
        With ``index``, the number of the row in the data, if ``ds`` has it; of regions also
        ``contig``, ``genome_start``, ``genome_end`` (0-based, half-open, bp, on the forward
        strand) and ``genome_strand``, on which strand of the genome the span is to be read.

    Examples
    --------
    >>> import pandas as pd
    >>> import xarray as xr
    >>> row = "_sequence"
    >>> ds = xr.Dataset({"seq": ((row, "_length"), np.zeros((1, 30), "S1"))}, coords={
    ...     "chrom": (row, ["chr2"]), "start": (row, [100]), "strand": (row, ["-"])})
    >>> table = pd.DataFrame({"sequence": [0], "start": [2], "end": [8], "strand": ["+"]})
    >>> with_places(ds, table).iloc[0, 4:].map(str).tolist()
    ['chr2', '122', '128', '-']
    """
    found = table.copy()
    row = table["sequence"].to_numpy(dtype=np.int64)
    if "index" in ds.variables:
        found.insert(0, "index", ds["index"].to_numpy()[row])
    if not {"chrom", "start"} <= set(map(str, ds.variables)) or "seq" not in ds.variables:
        return found
    from seqdata.schema import decode

    length = next(size for dim, size in ds["seq"].sizes.items() if dim not in ("_sequence", "_ohe"))
    begin = ds["start"].to_numpy().astype(np.int64)[row]
    strands = decode(ds["strand"]) if "strand" in ds.variables else np.array(["+"] * len(ds["seq"]))
    turned = np.asarray(strands).astype(str)[row] == "-"
    start, end = (table[name].to_numpy(dtype=np.int64) for name in ("start", "end"))
    found["contig"] = np.asarray(decode(ds["chrom"])).astype(str)[row]
    found["genome_start"] = begin + np.where(turned, length - end, start)
    found["genome_end"] = begin + np.where(turned, length - start, end)
    if "strand" in table:
        own = table["strand"].to_numpy().astype(str)
        other = np.select([own == "+", own == "-"], ["-", "+"], own)
        found["genome_strand"] = np.where(turned, other, own)
    return found
