"""Seqlets, motif hits and TF-MoDISco patterns put into datasets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from eugene.errors import EugeneError, did_you_mean
from eugene.interpret._hits import add_hits, with_places
from eugene.interpret._sequences import one_hot, require_variable

if TYPE_CHECKING:
    import os

    import pandas as pd
    import xarray as xr
    from numpy.typing import NDArray

    from seqexplainer.modisco import Patterns
    from seqpro.motifs import Motif, MotifSet

    MotifSource = MotifSet | str | os.PathLike[str]

_CHUNK = 4096


def attribution_variable(ds: xr.Dataset, name: str | None, form: str) -> str:
    """Return the variable of attributions that is meant.

    Parameters
    ----------
    ds : xarray.Dataset
        The dataset.
    name : str or None
        The variable; ``None`` takes the first of the form.
    form : {"projected", "hypothetical"}
        Attributions of the letters that are there, or of every letter.

    Returns
    -------
    str
        Its name.

    Raises
    ------
    EugeneError
        If there is none.
    """
    known = [str(v) for v in ds.data_vars if ds[v].attrs.get("form") == form]
    if name is None and known:
        return known[0]
    if name is not None and name in ds.variables:
        return name
    more = ", hypothetical=True" if form == "hypothetical" else ""
    what = f"no variable {name!r}" if name is not None else f"no {form} attributions"
    hint = did_you_mean(name, known) if name is not None else ""
    message = f"the dataset has {what}{hint}; make them with attribute_sdata(model, sdata{more})"
    raise EugeneError(message)


def _position_sums(variable: xr.DataArray) -> NDArray[np.float64]:
    """Return attributions of positions, read a few thousand rows at a time."""
    dim = variable.dims[0]
    turned = variable.transpose(dim, "_ohe", ...)
    starts = range(0, turned.shape[0], _CHUNK)
    parts = [turned.isel({dim: slice(i, i + _CHUNK)}).to_numpy() for i in starts]
    return np.concatenate([part.astype(np.float64).sum(axis=1) for part in parts])


def seqlets_sdata(
    sdata: xr.Dataset,
    attribution_var: str | None = None,
    *,
    seq_var: str = "seq",
    caller: Literal["recursive", "tfmodisco"] = "recursive",
    motif_db: MotifSource | None = None,
    max_q_value: float = 0.1,
    name: str = "seqlets",
    copy: bool = False,
    **options: object,
) -> xr.Dataset:
    """Call seqlets on stored attributions, and name them by the motifs that they resemble.

    Parameters
    ----------
    sdata : xarray.Dataset
        With projected attributions ``(_sequence, _ohe, _length)``.
    attribution_var : str, optional
        Which; the first that `attribute_sdata` made by default.
    seq_var : str, optional
        Variable of the sequences.
    caller : {"recursive", "tfmodisco"}, optional
        `seqexplainer.recursive_seqlets` or `seqexplainer.tfmodisco_seqlets`.
    motif_db : MotifSet or path, optional
        Known motifs. Without them seqlets have no name.
    max_q_value : float, optional
        A seqlet is named after its best motif if the q-value of the match is not above this.
    name : str, optional
        Of the annotation; columns of the table are ``{name}_{column}`` along ``_{name}``.
    copy : bool, optional
        Leave the dataset as it is and return a changed copy.
    **options
        Arguments of the caller, such as ``threshold``.

    Returns
    -------
    xarray.Dataset
        With ``{name}`` uint16 ``(_sequence, _length)``, whose codes from 1 stand for the names in
        its attribute ``motifs``, and the table, which `hits_table` returns: ``sequence``,
        ``start``, ``end`` (0-based, half-open, bp), ``attribution``, ``motif`` ("seqlet" where no
        motif is near), ``strand``, ``q_value``, ...

    Raises
    ------
    EugeneError
        If there are no attributions, or the caller is not one of the two.

    Examples
    --------
    >>> import xarray as xr
    >>> values = np.random.default_rng(0).normal(0, 0.01, (2, 4, 60))
    >>> values[1, 0, 20:28] += 1
    >>> ds = xr.Dataset({"a": (("_sequence", "_ohe", "_length"), values)})
    >>> ds = seqlets_sdata(ds, "a", threshold=1e-5)
    >>> int(ds["seqlets_sequence"][0]), int(ds["seqlets_end"][0])
    (1, 28)
    """
    import seqexplainer as se

    callers: dict[str, Any] = {"recursive": se.recursive_seqlets, "tfmodisco": se.tfmodisco_seqlets}
    if caller not in callers:
        raise EugeneError(f"caller is {caller!r}{did_you_mean(caller, callers)}")
    variable = sdata[attribution_variable(sdata, attribution_var, "projected")]
    sums = _position_sums(variable)
    table = callers[caller](sums, **options)
    if caller == "tfmodisco":
        order = np.argsort(-table["attribution"].abs().to_numpy(), kind="stable")
        table = table.iloc[order].reset_index(drop=True)
    table = _named(sdata, table, seq_var, motif_db, max_q_value)
    result = sdata.copy() if copy else sdata
    attrs = {"caller": caller, "attributions": str(variable.name)}
    add_hits(result, table, name, shape=sums.shape, attrs=attrs)
    return result


def _named(
    sdata: xr.Dataset,
    table: pd.DataFrame,
    seq_var: str,
    motif_db: MotifSource | None,
    max_q_value: float,
) -> pd.DataFrame:
    """Add the best motif of each seqlet."""
    if motif_db is None or not len(table):
        return table.assign(motif="seqlet", accession="", strand=".")
    import seqexplainer as se

    rows, inverse = np.unique(table["sequence"].to_numpy(), return_inverse=True)
    X = one_hot(sdata, seq_var, rows=rows)
    places = table.assign(sequence=inverse)
    found = se.annotate_seqlets(X, places, motif_db).assign(sequence=table["sequence"].to_numpy())
    sure = found["q_value"].to_numpy() <= max_q_value
    found = found.drop(columns=["rank"])
    found["motif"] = np.where(sure, found.pop("target"), "seqlet")
    found["accession"] = np.where(sure, found["accession"], "")
    found["strand"] = np.where(sure, found["strand"], ".")
    return found


def scan_sdata(
    sdata: xr.Dataset,
    motif_db: MotifSource | Motif,
    *,
    seq_var: str = "seq",
    p_threshold: float = 1e-4,
    both_strands: bool = True,
    name: str = "motif_hits",
    copy: bool = False,
) -> xr.Dataset:
    """Find instances of motifs in every sequence of a dataset, as FIMO does.

    Sequences are read a few thousand at a time.

    Parameters
    ----------
    sdata : xarray.Dataset
        With the sequences.
    motif_db : MotifSet, Motif or path
        Motifs to look for.
    seq_var : str, optional
        Variable of the sequences.
    p_threshold : float, optional
        Hits with a smaller p-value are kept.
    both_strands : bool, optional
        Look at both strands.
    name : str, optional
        Of the annotation; columns of the table are ``{name}_{column}`` along ``_{name}``.
    copy : bool, optional
        Leave the dataset as it is and return a changed copy.

    Returns
    -------
    xarray.Dataset
        With ``{name}`` uint16 ``(_sequence, _length)``, whose codes from 1 stand for the names in
        its attribute ``motifs`` (the surest hit of a position counts), and the table, which
        `hits_table` returns: ``sequence``, ``start``, ``end`` (0-based, half-open, bp), ``motif``,
        ``strand``, ``score`` (bits), ``p_value``, ``q_value``; surest first.

    Raises
    ------
    EugeneError
        If there is no such variable.

    References
    ----------
    Grant et al. 2011, doi:10.1093/bioinformatics/btr064
    """
    import pandas as pd

    import seqexplainer as se
    from seqexplainer.motifs import as_motif_set, known_windows
    from seqexplainer.statistics import benjamini_hochberg

    motifs = as_motif_set(motif_db)
    variable = require_variable(sdata, seq_var)
    n = variable.shape[0]
    length = next(variable.sizes[d] for d in variable.dims[1:] if d != "_ohe")
    parts = []
    widths = {motif.accession or motif.name: motif.width for motif in motifs}
    tried = dict.fromkeys(widths, 0)
    for first in range(0, n, _CHUNK):
        rows = np.arange(first, min(first + _CHUNK, n))
        X = one_hot(sdata, seq_var, rows=rows)
        part = se.scan(X, motifs, p_threshold=p_threshold, both_strands=both_strands)
        unknown = ~(X == 1).any(axis=1)
        for key, width in widths.items():
            tried[key] += known_windows(unknown, width)
        parts.append(part.assign(sequence=part["sequence"].astype(np.int64) + first))
    table = pd.concat(parts, ignore_index=True)
    # one correction over all windows of a motif, however many rows were looked at together
    for motif, place in table.groupby("accession", sort=False).groups.items():
        windows = tried[str(motif)] * (2 if both_strands else 1)
        p = table.loc[place, "p_value"].to_numpy(dtype=np.float64)
        table.loc[place, "q_value"] = benjamini_hochberg(p, windows)
    table = table.sort_values(["p_value", "sequence", "start"], kind="stable")
    result = sdata.copy() if copy else sdata
    attrs = {"p_threshold": float(p_threshold)}
    add_hits(result, table.reset_index(drop=True), name, shape=(n, length), attrs=attrs)
    return result


def modisco_sdata(
    sdata: xr.Dataset,
    hypothetical_var: str | None = None,
    *,
    seq_var: str = "seq",
    out: str | Path | None = None,
    motif_db: MotifSource | None = None,
    title: str = "TF-MoDISco patterns",
    name: str = "modisco",
    copy: bool = False,
    **options: Any,
) -> xr.Dataset:
    """Find the motifs that stored attributions are made of, by TF-MoDISco.

    The package modisco-lite does the work; the extra ``modisco`` installs it.

    Parameters
    ----------
    sdata : xarray.Dataset
        With hypothetical attributions ``(_sequence, _ohe, _length)``.
    hypothetical_var : str, optional
        Which; the first that `attribute_sdata` made with ``hypothetical=True`` by default.
    seq_var : str, optional
        Variable of the sequences.
    out : path, optional
        Folder for ``modisco.meme`` (the patterns), ``seqlets.csv`` (their members) and
        ``modisco.html`` (their logos and contributions beside known motifs).
    motif_db : MotifSet or path, optional
        Known motifs for the page.
    title : str, optional
        Heading of the page.
    name : str, optional
        Of the annotation; columns of the table are ``{name}_{column}`` along ``_{name}``.
    copy : bool, optional
        Leave the dataset as it is and return a changed copy.
    **options
        Arguments of `seqexplainer.modisco`, such as ``window``.

    Returns
    -------
    xarray.Dataset
        With ``{name}`` uint16 ``(_sequence, _length)``, whose codes from 1 stand for the patterns
        in its attribute ``motifs``, and the table of seqlets, which `hits_table` returns.

    Raises
    ------
    EugeneError
        If there are no hypothetical attributions.
    MissingExtraError
        If modisco-lite is not installed.
    seqexplainer.errors.SeqexplainerError
        If too few stretches stand out for any pattern.

    References
    ----------
    Shrikumar et al. 2018, doi:10.48550/arXiv.1811.00416
    """
    from eugene._optional import require

    require("modiscolite", extra="modisco")
    import seqexplainer as se

    chosen = attribution_variable(sdata, hypothetical_var, "hypothetical")
    scores = sdata[chosen].transpose(sdata[chosen].dims[0], "_ohe", ...).to_numpy()
    found = se.modisco(one_hot(sdata, seq_var), scores, **options)
    if out is not None:
        write_patterns(found, Path(out), motif_db=motif_db, title=title, rows=sdata)
    result = sdata.copy() if copy else sdata
    table = found.seqlets().rename(columns={"pattern": "motif"})
    shape = (scores.shape[0], scores.shape[2])
    numbers = {column: table[column].astype(np.int64) for column in ("sequence", "start", "end")}
    attrs = {"attributions": chosen}
    add_hits(result, table.assign(**numbers), name, shape=shape, attrs=attrs)
    return result


def write_patterns(
    patterns: Patterns,
    folder: Path,
    *,
    motif_db: MotifSource | None = None,
    title: str = "TF-MoDISco patterns",
    rows: xr.Dataset | None = None,
) -> None:
    """Write patterns as MEME text, their seqlets as a table, and a page with both.

    Parameters
    ----------
    patterns : seqexplainer.modisco.Patterns
        What TF-MoDISco found, perhaps nothing.
    folder : Path
        It is made.
    motif_db : MotifSet or path, optional
        Known motifs for the page.
    title : str, optional
        Heading of the page.
    rows : xarray.Dataset, optional
        The sequences that were looked at: seqlets get their numbers and places in the genome.
    """
    import seqexplainer as se
    from eugene._files import write_atomic
    from seqpro.motifs import write_meme

    folder.mkdir(parents=True, exist_ok=True)
    table = patterns.seqlets()
    if rows is not None:
        table = with_places(rows, table)
    core = patterns.seqlets(core=True)
    table = table.assign(core_start=core["start"], core_end=core["end"])
    write_atomic(folder / "seqlets.csv", table.to_csv(index=False))
    if not len(patterns):
        for stale in ("modisco.meme", "modisco.html"):
            (folder / stale).unlink(missing_ok=True)
        return
    write_meme(patterns.motifs(), folder / "modisco.meme")
    se.motif_table(patterns, folder / "modisco.html", motif_db, title=title)
