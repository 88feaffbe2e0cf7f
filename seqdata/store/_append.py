"""Grow a complete store: more rows, or more variables, visible all at once or not at all."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import xarray as xr
import zarr

from seqdata.errors import DiskFullError, StoreError, did_you_mean, is_disk_full
from seqdata.schema import codes_of, is_sequence, letters_of
from seqdata.store._arrays import Arrays, storable
from seqdata.store._objects import (
    StoreLike,
    as_store,
    delete,
    delete_below,
    keys_below,
    local_path,
    put_json,
)
from seqdata.store._opened import GROWING, Opened, WatchedStore
from seqdata.store._shards import ArrayWriter, Document, shard_key
from seqdata.store._writer import disk_full, held_interrupts, root_document

if TYPE_CHECKING:
    from numpy.typing import NDArray

# attributes in which rows must agree with the store
_SAME_FOR_ROWS = ("max_jitter", "sequence_dim", "length_dim")
_SAME_FOR_VARIABLE = ("kind", "alphabet", "units", "sample_dim")


class StoreAppender(Arrays):
    """Write behind the ends of the arrays of a store, or new arrays beside them.

    New shards lie where nobody looks until the root metadata, put last, tell of them; a last shard
    that was not full is replaced in one step by one that begins with the same rows. A kill leaves
    a store that opens as it was before, and the next try writes over what is left.

    Parameters
    ----------
    target : str, Path or zarr Store
        A complete store, whose lock the caller holds.
    root : mapping
        The document of its root group, read under that lock.

    Raises
    ------
    StoreError
        If its metadata are not consolidated.
    """

    def __init__(self, target: StoreLike, root: Mapping[str, Any]) -> None:
        super().__init__()
        self.target = target
        self.attributes: dict[str, Any] = dict(root.get("attributes", {}))
        consolidated = root.get("consolidated_metadata") or {}
        self.documents: dict[str, Document] = dict(consolidated.get("metadata", {}))
        self._listed: dict[str, str] = dict(consolidated.get("shards", {}))
        if not consolidated:
            msg = (
                f"{target} has no consolidated metadata: another tool wrote it. Open it with "
                "sd.open_zarr and write it to a new store with sd.to_zarr."
            )
            raise StoreError(msg)
        self.store = as_store(target)
        path = local_path(target)
        source = self.store if path is None else WatchedStore.of(Opened(path))
        self._group = zarr.open_group(store=source, mode="r", use_consolidated=True)
        self._committed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._committed:
            self._undo()
        if error is not None and not isinstance(error, DiskFullError) and is_disk_full(error):
            raise disk_full(self.target, "the store is as it was before") from error

    def values(self, name: str) -> NDArray[np.generic]:
        """Return the values of an array of the store."""
        return np.asarray(self._array(name)[...])

    def length(self, name: str) -> int:
        """Return the length of an array along its first axis."""
        return int(self.documents[name]["shape"][0])

    def extend(self, name: str) -> None:
        """Prepare an array for rows behind its last one."""
        document = self.documents[name]
        length = self.length(name)
        writer = ArrayWriter(self.store, name, document, replace=True)
        whole = length // writer.rows * writer.rows
        if name in self._listed:
            known = self._listed[name].split()[: whole // writer.rows]
            writer.marks = dict(enumerate(known))
        if length > whole and (path := local_path(self.target)) is not None:
            # the last shard is replaced before the root tells of it
            (path / GROWING).touch()
        self._clear_behind(name, document, -(-length // writer.rows))
        writer.written = whole
        self._writers[name] = writer
        if length > whole:
            self.append(name, np.asarray(self._array(name)[whole:length]))

    def _writer(self, name: str, document: Document) -> ArrayWriter:
        self._clear_behind(name, document, 0)
        return ArrayWriter(self.store, name, document, replace=True)

    def commit(self, attrs: Mapping[str, Mapping[str, object]] | None = None) -> None:
        """Make everything visible.

        Parameters
        ----------
        attrs : mapping, optional
            Attributes that change, for each array.
        """
        changed = self.finish()
        for name, values in (attrs or {}).items():
            old = changed[name]
            changed[name] = {**old, "attributes": {**old.get("attributes", {}), **values}}
        known = str(self.attributes.get("coordinates", "")).split()
        if coordinates := " ".join(dict.fromkeys([*known, *self.coordinates])):
            self.attributes["coordinates"] = coordinates
        with held_interrupts():
            for name, document in changed.items():
                put_json(self.store, f"{name}/zarr.json", document)
            listed = dict(self._listed)
            for name, writer in self._writers.items():
                if name in listed or name not in self.documents:
                    listed[name] = " ".join(mark for _, mark in sorted(writer.marks.items()))
            root = root_document(self.attributes, {**self.documents, **changed}, listed)
            put_json(self.store, "zarr.json", root)
            self._committed = True
            if (path := local_path(self.target)) is not None:
                (path / GROWING).unlink(missing_ok=True)

    def dtype(self, name: str) -> np.dtype[Any] | None:
        """Return the type of an array; None for text."""
        found = self._array(name).dtype
        return found if found.kind in "biuf" else None

    def _array(self, name: str) -> Any:
        return self._group[name]

    def _undo(self) -> None:
        """Remove what was written; rows behind the end of a last shard are not seen."""
        for name, writer in self._writers.items():
            document = self.documents.get(name)
            with contextlib.suppress(Exception):
                if document is None:
                    delete_below(self.store, name)
                    continue
                self._clear_behind(name, document, -(-self.length(name) // writer.rows))
                put_json(self.store, f"{name}/zarr.json", document)

    def _clear_behind(self, name: str, document: Document, first: int) -> None:
        """Remove shards that a killed or failed writer left, from an index on."""
        if not self.store.supports_listing or not document["shape"]:
            return
        place = len(shard_key(name, {"shape": [0]}, 0).rpartition("/")[0]) + 1
        for key in keys_below(self.store, f"{name}/c/"):
            number = key[place:].split("/")[0]
            if number.isdigit() and int(number) >= first:
                delete(self.store, key)


def append_rows(
    ds: xr.Dataset, target: StoreLike, root: Mapping[str, Any], dim: str, blocks: Any
) -> None:
    """Write the rows of a dataset behind those of a store.

    Parameters
    ----------
    ds : Dataset
        Rows with the variables of the store.
    target : str, Path or zarr Store
    root : mapping
        The document of the root group of the store.
    dim : str
        Dimension of the rows.
    blocks : callable
        Yields the values of some variables a shard at a time: ``blocks(ds, names, dim)``.

    Raises
    ------
    StoreError
        If rows and store do not fit each other.
    """
    with StoreAppender(target, root) as out:
        flat = [name for name in out.documents if f"{name}_offsets" in out.documents]
        fit = _Fit(ds, out, dim, flat)
        fit.check()
        for name in [*fit.rowwise, *flat, *(f"{name}_offsets" for name in flat)]:
            out.extend(name)
        for block in blocks(ds, fit.rowwise, dim):
            for name, values in block.items():
                out.append(name, fit.fitted(name, values))
        for name in flat:
            for block in blocks(ds[[name]], [name], str(ds[name].dims[0])):
                out.append(name, block[name])
            last = int(out.values(f"{name}_offsets")[-1])
            out.append(f"{name}_offsets", np.asarray(ds[f"{name}_offsets"].values)[1:] + last)
        provenance = dict(out.attributes.get("provenance") or {})
        added = {"rows": int(ds.sizes[dim]), **dict(ds.attrs.get("provenance") or {})}
        provenance["appended"] = [*provenance.get("appended", []), added]
        out.attributes["provenance"] = provenance
        out.commit(fit.new_attrs)


class _Fit:
    """How rows fit a store: what is the same, what is cast, padded or coded anew."""

    def __init__(self, ds: xr.Dataset, out: StoreAppender, dim: str, flat: Sequence[str]) -> None:
        self.ds = ds
        self.out = out
        self.dim = dim
        self.flat = flat
        self.dims = {name: _dims(document) for name, document in out.documents.items()}
        self.rowwise = [name for name, dims in self.dims.items() if dims[:1] == (dim,)]
        self.new_attrs: dict[str, dict[str, object]] = {}
        self._tables: dict[str, dict[int, int]] = {}

    def check(self) -> None:
        """Compare everything before anything is written."""
        if not self.rowwise:
            found = sorted({dims[0] for dims in self.dims.values() if dims})
            msg = f"No variable of {self.out.target} runs along {self.dim!r} first."
            raise StoreError(msg + did_you_mean(self.dim, found))
        if odd := [name for name, dims in self.dims.items() if self.dim in dims[1:]]:
            msg = (
                f"Variable {odd[0]!r} of {self.out.target} has dimensions {self.dims[odd[0]]}: "
                f"pairs of rows do not grow along {self.dim!r}. Write the whole dataset anew."
            )
            raise StoreError(msg)
        along = [str(name) for name in self.ds.variables if self.dim in self.ds[name].dims]
        for names, others, fix in (
            (self.rowwise, along, "Add them to the rows, or write a new store without them"),
            (along, self.rowwise, 'Leave them out, or write them first with mode="a" alone'),
        ):
            missing = sorted(set(names) - set(others))
            if missing:
                side = "the rows" if names is self.rowwise else str(self.out.target)
                msg = f"Variables {missing} are missing in {side}. {fix}."
                raise StoreError(msg)
        for key in _SAME_FOR_ROWS:
            old, new = self.out.attributes.get(key), self.ds.attrs.get(key)
            if old is not None and new is not None and old != new:
                self._differ("The dataset", key, old, new)
        for name in self.rowwise:
            self._check_variable(name, skip=1)
        for name in self.flat:
            if name not in self.ds or f"{name}_offsets" not in self.ds:
                msg = (
                    f"{name!r} is stored one row behind the other in {self.out.target} and not in "
                    "the rows to append: write all rows together to a new store."
                )
                raise StoreError(msg)
            self._check_variable(name, skip=1)
        ends = [*self.flat, *(f"{name}_offsets" for name in self.flat)]
        for name in map(str, self.ds.variables):
            if name not in self.rowwise and name not in ends:
                check_same(self.out, self.ds[name], "the rows to append")

    def fitted(self, name: str, values: NDArray[np.generic]) -> NDArray[np.generic]:
        """Return rows as the store holds them: padded, with its codes and its type."""
        if name in self._tables:
            table = self._tables[name]
            kept = np.asarray(values)
            values = kept.astype(np.int64)
            for old, new in table.items():
                values[kept == old] = new
        shape = self.out.documents[name]["shape"][1:]
        if tuple(values.shape[1:]) != tuple(shape):
            wide = np.zeros((len(values), *shape), dtype=values.dtype)
            wide[..., : values.shape[-1]] = values
            values = wide
        stored = self.out.dtype(name)
        return values if stored is None else np.asarray(storable(values), dtype=stored)

    def _check_variable(self, name: str, *, skip: int) -> None:
        var, document = self.ds[name], self.out.documents[name]
        where = f"Variable {name!r}"
        dims, shape = self.dims[name], document["shape"]
        if tuple(map(str, var.dims)) != dims:
            self._differ(where, "dimensions", dims, tuple(map(str, var.dims)))
        padded = any(other == f"{name}_length" for other in self.rowwise) or (
            name == "mask" and any(other.endswith("_length") for other in self.rowwise)
        )
        for axis in range(skip, var.ndim):
            narrow = padded and axis == var.ndim - 1 and var.shape[axis] < shape[axis]
            if var.shape[axis] != shape[axis] and not narrow:
                self._differ(where, f"size of {dims[axis]!r}", shape[axis], var.shape[axis])
        stored = self.out.dtype(name)
        text = not isinstance(var.dtype, np.dtype) or var.dtype.kind not in "biuf"
        given = np.dtype(np.uint8) if is_sequence(var) else None if text else var.dtype
        attrs = {"kind": "sequence", "alphabet": letters_of(var)} if is_sequence(var) else {}
        attrs = {**attrs, **var.attrs}
        known = document.get("attributes", {})
        coded = "flag_meanings" in known and "flag_meanings" in attrs
        fits = stored is given
        if stored is not None and given is not None:
            # codes are matched by name, whatever the numbers of the rows are
            fits = coded or np.can_cast(given, stored, "safe")
        if not fits:
            self._differ(where, "type", stored or "text", given or "text")
        for key in _SAME_FOR_VARIABLE:
            if key in known and key in attrs and known[key] != attrs[key]:
                self._differ(where, key, known[key], attrs[key])
        if "flag_meanings" in known:
            self._join_codes(name, var, known)

    def _join_codes(self, name: str, var: xr.DataArray, known: Mapping[str, object]) -> None:
        """Give the codes of the rows the numbers that the store has for their names."""
        codes = codes_of(xr.DataArray(np.zeros(0), attrs=dict(known), name=name))
        joined = dict(codes)
        table = {}
        for meaning, code in codes_of(var).items():
            joined.setdefault(meaning, max([*joined.values(), -1]) + 1)
            if joined[meaning] != code:
                table[code] = joined[meaning]
        stored = self.out.dtype(name)
        if stored is not None and max(joined.values(), default=0) > np.iinfo(stored).max:
            msg = (
                f"The codes of {name!r} would be {len(joined)}, more than its type {stored} holds. "
                "Write all rows together to a new store."
            )
            raise StoreError(msg)
        if table:
            self._tables[name] = table
        if joined != codes:
            self.new_attrs[name] = {
                "flag_values": list(joined.values()),
                "flag_meanings": " ".join(joined),
            }

    def _differ(self, where: str, what: str, old: object, new: object) -> None:
        msg = (
            f"{where} does not fit {self.out.target}: {what} is {old!s} in the store and {new!s} "
            "in the rows to append. Build the rows with the options of the store."
        )
        raise StoreError(msg)


def add_variables(
    ds: xr.Dataset,
    target: StoreLike,
    root: Mapping[str, Any],
    write: Any,
    attrs: Mapping[str, object],
) -> None:
    """Write variables that a store does not have yet.

    Parameters
    ----------
    ds : Dataset
        The new variables; coordinates that are in the store must hold the same values.
    target : str, Path or zarr Store
    root : mapping
        The document of the root group of the store.
    write : callable
        Writes a dataset through a :class:`StoreAppender`: ``write(out, ds)``.
    attrs : mapping
        Attributes of the dataset; those that the store does not have are added.

    Raises
    ------
    StoreError
        If a variable is in the store, or does not have its sizes.
    """
    with StoreAppender(target, root) as out:
        there = [str(name) for name in ds.data_vars if name in out.documents]
        if there:
            fresh = [str(name) for name in ds.data_vars if name not in out.documents]
            msg = (
                f"Variables {there} are in {target} already and are not replaced. Write only the "
                f"new ones (ds[{fresh}]), pass append_dim to add rows, or overwrite the store."
            )
            raise StoreError(msg)
        sizes: dict[str, int] = {}
        for document in out.documents.values():
            sizes.update(zip(_dims(document), document["shape"], strict=True))
        for dim, size in ds.sizes.items():
            if sizes.get(str(dim), size) != size:
                msg = f"Dimension {dim!r} is {sizes[str(dim)]} in {target} and {size} here."
                raise StoreError(msg)
        for name in [name for name in ds.variables if name in out.documents]:
            check_same(out, ds[name], "the new variables")
        out.attributes.update({k: v for k, v in attrs.items() if k not in out.attributes})
        write(out, ds.drop_vars([name for name in ds.coords if name in out.documents]))
        out.commit()


def check_same(out: StoreAppender, var: xr.DataArray, where: str) -> None:
    """Refuse a variable that is not in a store with the same values."""
    name = str(var.name)
    if name not in out.documents:
        msg = (
            f"Variable {name!r} of {where} is not in {out.target}. Write it first with mode='a' "
            "alone."
        )
        raise StoreError(msg)
    old, new = out.values(name), storable(np.asarray(var.values))
    if old.shape != new.shape or not np.array_equal(
        storable(old), new, equal_nan=old.dtype.kind == "f"
    ):
        msg = f"{name!r} has other values in {out.target} than in {where}."
        raise StoreError(msg)


def _dims(document: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(map(str, document.get("dimension_names") or ()))
