"""Datasets as FASTA, BED, AnnData and HDF5."""

from __future__ import annotations

import gzip
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

import seqdata._accessor  # noqa: F401 (registers ds.sd)
from seqdata._whole import whole_files
from seqdata.convert._hdf5 import read_hdf5 as read_hdf5
from seqdata.convert._hdf5 import to_hdf5 as to_hdf5
from seqdata.errors import SchemaError
from seqdata.schema import SEQUENCE_DIM, is_sequence

if TYPE_CHECKING:
    from numpy.typing import NDArray

logger = logging.getLogger(__name__)


def to_fasta(
    ds: xr.Dataset, path: str | Path, *, seq_var: str = "seq", id_var: str | None = None
) -> None:
    """Write the sequences of a dataset as FASTA, one line a record.

    Parameters
    ----------
    ds : Dataset
        Dataset with letters, in any layout.
    path : str or Path
        File to write; ``.gz`` is packed.
    seq_var : str, default "seq"
        Sequence variable.
    id_var : str, optional
        Variable of the record names; by default ``id`` if there is one, else the region
        (``chrom:start-end``), else ``seq0``, ``seq1``, ...

    Raises
    ------
    SchemaError
        If the variable holds no letters.

    Examples
    --------
    >>> import tempfile, seqdata
    >>> ds = xr.Dataset({"seq": (("_sequence", "_length"), np.array([[b"A", b"C"]]))})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     to_fasta(ds, f"{folder}/x.fa")
    ...     Path(f"{folder}/x.fa").read_text().split()
    ['>seq0', 'AC']
    """
    if seq_var not in ds.variables or not is_sequence(ds[seq_var]):
        raise SchemaError(f"{seq_var!r} is no variable of letters. Name one with seq_var=...")
    names = _record_names(ds, id_var)
    target = Path(path).expanduser()
    opener: Any = gzip.open if target.suffix == ".gz" else open
    with whole_files([target]) as (part,), opener(part, "wb") as out:
        for name, row in zip(names, ds.sd.rows(seq_var), strict=True):
            letters = np.ascontiguousarray(row).view(np.uint8).tobytes().rstrip(b"\0")
            out.write(b">" + name.encode() + b"\n" + letters + b"\n")


def to_bed(ds: xr.Dataset, path: str | Path) -> None:
    r"""Write the coordinates of the rows as a BED file.

    BED6 where the rows have strands, else BED4 where they have names, else BED3. Names are those
    of the variable ``name`` (as BED files carry it), else ``id``, else, in BED6, the coordinates.

    A window that reaches over the beginning of its contig is written from base 0 on, because BED
    has no negative positions; its row is as many bp shorter.

    Parameters
    ----------
    ds : Dataset
        Dataset made from regions.
    path : str or Path
        File to write.

    Raises
    ------
    SchemaError
        If the rows have no coordinates, a window lies wholly before its contig, or a name holds a
        tab or a line end.

    Examples
    --------
    >>> import tempfile, seqdata
    >>> ds = xr.Dataset(coords={"chrom": ("_sequence", ["c"]), "start": ("_sequence", [-2]),
    ...                         "end": ("_sequence", [5])})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     to_bed(ds, f"{folder}/x.bed")
    ...     Path(f"{folder}/x.bed").read_text()
    'c\t0\t5\n'
    """
    table = ds.sd.regions()
    before = table["chromEnd"] <= 0
    if before.any():
        row = int(np.argmax(before))
        raise SchemaError(
            f"Row {row} ({table['chrom'][row]}:{table['chromStart'][row]}-"
            f"{table['chromEnd'][row]}) lies before its contig: BED cannot say where it is. "
            "Leave it out."
        )
    clipped = table["chromStart"].clip(lower=0)
    count = int((clipped != table["chromStart"]).sum())
    if count:
        logger.info("%d windows begin before their contig; BED has them from base 0 on", count)
    table["chromStart"] = clipped
    strand = table.pop("strand") if "strand" in table.columns else None
    own = next((name for name in ("name", "id") if name in ds.variables), None)
    if own is not None or strand is not None:
        table["name"] = _bed_names(_record_names(ds, own), own)
    if strand is not None:
        table["score"] = 0
        table["strand"] = strand
    table.to_csv(Path(path).expanduser(), sep="\t", header=False, index=False)


def to_anndata(ds: xr.Dataset, *, x: str | None = None) -> Any:
    """Return a dataset as AnnData: one-value variables as ``obs``, coordinates of rows too.

    Parameters
    ----------
    ds : Dataset
        Any dataset.
    x : str, optional
        Variable ``(_sequence, features)`` to use as ``X``.

    Returns
    -------
    anndata.AnnData
        Letters are in ``obsm`` as uint8 ASCII, other matrices of two axes as they are.

    Raises
    ------
    SchemaError
        If anndata is not installed, or ``x`` has not two axes.
    """
    try:
        import anndata
    except ImportError as error:
        msg = "AnnData needs the extra 'anndata': pip install 'eugene-genomics[anndata]'"
        raise SchemaError(msg) from error
    import pandas as pd

    rows = ds.sizes.get(SEQUENCE_DIM, 0)
    obs = pd.DataFrame(index=pd.Index([str(i) for i in range(rows)]))
    obsm: dict[str, NDArray[np.generic]] = {}
    for name in ds.variables:
        var = ds[name]
        if var.dims == (SEQUENCE_DIM,):
            named = "flag_meanings" in var.attrs
            values = ds.sd.labels(name) if named else np.asarray(var.values)
            numeric = values.dtype.kind in "biuf"
            obs[str(name)] = values if numeric else values.astype(str).astype(object)
        elif var.ndim == 2 and var.dims[0] == SEQUENCE_DIM and name != x:
            values = np.asarray(var.values)
            letters = values.dtype == np.dtype("S1")
            obsm[str(name)] = np.ascontiguousarray(values).view(np.uint8) if letters else values
    matrix = None
    if x is not None:
        if x not in ds.variables or ds[x].ndim != 2:
            msg = f"x={x!r} must be a variable with the axes ({SEQUENCE_DIM}, features)."
            raise SchemaError(msg)
        matrix = np.asarray(ds[x].values)
    return anndata.AnnData(X=matrix, obs=obs, obsm=obsm)


def _record_names(ds: xr.Dataset, id_var: str | None) -> list[str]:
    if id_var is not None and id_var not in ds.variables:
        raise SchemaError(f"There is no variable {id_var!r} with record names.")
    name = id_var or ("id" if "id" in ds.variables else None)
    if name is not None:
        return [_text(value) for value in ds[name].values]
    if {"chrom", "start", "end"} <= set(map(str, ds.variables)):
        table = ds.sd.regions()
        return [
            f"{chrom}:{start}-{end}"
            for chrom, start, end in zip(
                table["chrom"], table["chromStart"], table["chromEnd"], strict=True
            )
        ]
    return [f"seq{i}" for i in range(ds.sizes[ds.sd.sequence_dim])]


def _bed_names(names: list[str], variable: str | None) -> list[str]:
    for row, name in enumerate(names):
        if any(blank in name for blank in "\t\r\n"):
            raise SchemaError(
                f"{variable!r} of row {row} is {name!r}: a name with a tab or a line end would "
                "break the BED file. Replace them."
            )
    return [name or "." for name in names]


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
