"""Datasets as FASTA, BED, AnnData and HDF5; stores of seqdata 0.1 and 0.2 read."""

from __future__ import annotations

import gzip
import json
import logging
import lzma
import warnings
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from numcodecs import VLenArray, VLenBytes, VLenUTF8
from numcodecs.registry import get_codec

import seqdata._accessor  # noqa: F401 (registers ds.sd)
import seqpro as sp
from seqdata._whole import whole_files
from seqdata.convert._hdf5 import read_hdf5 as read_hdf5
from seqdata.convert._hdf5 import to_hdf5 as to_hdf5
from seqdata.errors import MissingFileError, SchemaError, StoreError
from seqdata.schema import SEQUENCE_DIM, is_sequence
from seqdata.store._codecs import check_array

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


def read_legacy(path: str | Path) -> xr.Dataset:
    """Read a store of seqdata 0.1 or 0.2 (Zarr v2) into memory, read-only.

    Arrays of any length are decoded through numcodecs and padded on the right. ``chromStart`` and
    ``chromEnd`` come as ``start`` and ``end`` too, and a boolean ``train_val`` as ``split``.
    Letters show their alphabet: RNA and protein are told in a warning.

    Parameters
    ----------
    path : str or Path
        The store's folder.

    Returns
    -------
    Dataset
        In memory; write it again with :func:`seqdata.to_zarr`.

    Raises
    ------
    MissingFileError
        If there is no such folder.
    StoreError
        If it is no Zarr v2 group, an array cannot be decoded or is packed with a codec that is
        not known to run no code of the file, or letters do not show their alphabet.
    """
    folder = Path(path).expanduser()
    if not folder.exists():
        raise MissingFileError(f"There is no store at {folder}. Check the path.")
    if not (folder / ".zgroup").exists():
        msg = f"{folder} is no Zarr v2 group (no .zgroup). Open Zarr v3 stores with open_zarr."
        raise StoreError(msg)
    variables: dict[str, tuple[tuple[str, ...], NDArray[np.generic], dict[str, Any]]] = {}
    coordinates: set[str] = set()
    # stores of regions of any length say null where there is no such dimension
    group_attrs = {k: v for k, v in _json(folder / ".zattrs").items() if v is not None}
    coordinates.update(str(group_attrs.pop("coordinates", "")).split())
    for child in sorted(folder.iterdir()):
        if not (child / ".zarray").exists():
            continue
        attrs = _json(child / ".zattrs")
        dims = tuple(str(dim) for dim in attrs.pop("_ARRAY_DIMENSIONS", ()))
        coordinates.update(str(attrs.pop("coordinates", "")).split())
        values = _read_v2(child)
        extra: NDArray[np.generic] | None = None
        if values.dtype.kind == "O" and len(values) and not isinstance(values.flat[0], str):
            values, extra = _pad_objects(values)
            dims = (*dims, str(group_attrs.get("length_dim", "_length")))
        if values.dtype == np.dtype("S1"):
            attrs = {"kind": "sequence", **attrs, "alphabet": _alphabet(child, values, attrs)}
        if len(dims) != values.ndim:
            raise StoreError(f"{child} has {values.ndim} axes but the dimension names {dims}.")
        variables[child.name] = (dims, values, attrs)
        if extra is not None:
            variables[f"{child.name}_length"] = (dims[:1], extra, {"units": "bp"})
    return _modern(variables, coordinates, group_attrs)


def _alphabet(array: Path, values: NDArray[np.generic], attrs: dict[str, object]) -> str:
    """Return the alphabet of letters of an old store: they show it, for it seldom says it."""
    try:
        if "alphabet" in attrs:
            said = sp.alphabet_of(str(attrs["alphabet"]))
            sp.check_letters(values, said, f"the letters of {array}")
            return said.alphabet
        found = sp.alphabet_of(values)
    except sp.errors.AlphabetError as error:
        raise StoreError(f"{array}: {error}.") from error
    if found != sp.DNA:
        warnings.warn(
            f"{array} does not say its alphabet; by its letters it is {found.alphabet!r}.",
            UserWarning,
            stacklevel=4,
        )
    return found.alphabet


def _modern(
    variables: dict[str, tuple[tuple[str, ...], NDArray[np.generic], dict[str, object]]],
    coordinates: set[str],
    attrs: dict[str, object],
) -> xr.Dataset:
    from seqdata.schema import SPLITS, STRANDS, code_attrs, coded_coordinate, with_names

    ds = xr.Dataset(
        {k: v for k, v in variables.items() if k not in coordinates},
        coords={k: v for k, v in variables.items() if k in coordinates},
        attrs=attrs,
    )
    for old, new in (("chromStart", "start"), ("chromEnd", "end")):
        if old in ds.variables and new not in ds.variables:
            ds = ds.assign_coords({new: ds[old].variable})
    for name, codes in (("chrom", None), ("strand", STRANDS)):
        if name in ds.variables and ds[name].ndim == 1 and ds[name].dtype.kind not in "iu":
            dim = str(ds[name].dims[0])
            names = [_text(value) or "." for value in ds[name].values]
            ds = ds.drop_vars(name).assign_coords({name: coded_coordinate(names, codes, dim=dim)})
    if "train_val" in ds.variables and "split" not in ds.variables:
        train = np.asarray(ds["train_val"].values, dtype=bool)
        codes8 = np.where(train, SPLITS["train"], SPLITS["val"]).astype(np.int8)
        ds = ds.assign_coords(split=(ds["train_val"].dims, codes8, code_attrs(SPLITS)))
    return with_names(ds)


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


def _json(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(document, dict):
            raise ValueError(f"expected an object, got {type(document).__name__}")
    except ValueError as error:
        raise StoreError(f"{path} is no JSON object ({error}): the store is damaged.") from error
    return document


# what codecs raise over bytes that make no sense to them
_UNDECODABLE = (
    ValueError, RuntimeError, TypeError, OSError, EOFError, LookupError, MemoryError, zlib.error,
    lzma.LZMAError,
)  # fmt: skip


def _read_v2(folder: Path) -> NDArray[np.generic]:
    """Decode an array of Zarr v2, variable-length ones too."""
    meta = _json(folder / ".zarray")
    check_array({**meta, "zarr_format": 2}, str(folder))
    try:
        shape, chunks = tuple(map(int, meta["shape"])), tuple(map(int, meta["chunks"]))
        dtype = np.dtype(meta["dtype"])
        compressor = get_codec(meta["compressor"]) if meta.get("compressor") else None
        filters = [_filter(config) for config in meta.get("filters") or []]
        separator = str(meta.get("dimension_separator", "."))
        fill = meta.get("fill_value")
        out = np.empty(shape, dtype=dtype)
        if dtype.kind != "O" and fill is not None:
            out[...] = float(fill) if dtype.kind == "f" else fill
        elif dtype.kind != "O":
            out[...] = np.zeros((), dtype)
        counts = [-(-size // chunk) for size, chunk in zip(shape, chunks, strict=True)]
    except (
        KeyError,
        TypeError,
        ValueError,
        ZeroDivisionError,
        OverflowError,
        MemoryError,
    ) as error:
        msg = f"{folder / '.zarray'} does not describe an array ({error}): the store is damaged."
        raise StoreError(msg) from error
    for index in np.ndindex(*counts):
        file = folder / (separator.join(map(str, index)) if index else "0")
        if not file.exists():
            continue
        try:
            data: Any = file.read_bytes()
            if compressor is not None:
                data = compressor.decode(data)
            for codec in reversed(filters):
                data = codec.decode(data)
            if dtype.kind == "O":
                block = np.asarray(data, dtype=object)
            else:
                block = np.frombuffer(np.ascontiguousarray(data).tobytes(), dtype=dtype)
            block = block.reshape(chunks, order=meta.get("order", "C"))
        except _UNDECODABLE as error:
            msg = f"{file} cannot be decoded ({error}): it is damaged. Fetch the store again."
            raise StoreError(msg) from error
        place = tuple(
            slice(i * chunk, min((i + 1) * chunk, size))
            for i, chunk, size in zip(index, chunks, shape, strict=True)
        )
        out[place] = block[tuple(slice(0, s.stop - s.start) for s in place)]
    return out


def _filter(config: dict[str, Any]) -> Any:
    kinds = {"vlen-bytes": VLenBytes, "vlen-utf8": VLenUTF8}
    if config["id"] in kinds:
        return kinds[config["id"]]()
    if config["id"] == "vlen-array":
        return VLenArray(config["dtype"])
    return get_codec(config)


def _pad_objects(values: NDArray[np.generic]) -> tuple[NDArray[np.generic], NDArray[np.int32]]:
    """Pad sequences or tracks of any length on the right."""
    flat = [
        np.frombuffer(value, dtype="S1") if isinstance(value, bytes) else np.asarray(value)
        for value in values.ravel()
    ]
    lengths = np.array([len(value) for value in flat], dtype=np.int32)
    width = int(lengths.max(initial=0))
    out = np.zeros((len(flat), width), dtype=flat[0].dtype)
    for row, value in zip(out, flat, strict=True):
        row[: len(value)] = value
    per_row = lengths.reshape(values.shape)
    while per_row.ndim > 1:
        per_row = per_row.max(axis=-1)
    return out.reshape(*values.shape, width), per_row
