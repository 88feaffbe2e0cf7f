"""Write one Zarr v3 store: whole shards first, the root metadata last."""

from __future__ import annotations

import contextlib
import shutil
import signal
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from zarr.storage import LocalStore

from seqdata.errors import DiskFullError, StoreError, is_disk_full
from seqdata.store._arrays import Arrays
from seqdata.store._leftovers import clear_leftovers, working_path
from seqdata.store._objects import (
    StoreLike,
    as_store,
    delete,
    delete_below,
    get_json,
    local_path,
    put_bytes,
    put_json,
)
from seqdata.store._opened import BIRTH
from seqdata.store._resume import (
    UnfinishedBuild,
    already_there,
    cannot_write,
    is_taken,
    lock_of,
)
from seqdata.store._shards import (
    ArrayWriter,
    Document,
    mark_of_file,
    rows_of_shard,
    shard_key,
)

if TYPE_CHECKING:
    pass


class StoreWriter(Arrays):
    """Build a Zarr v3 store that opens only when it is complete.

    A local store grows in a hidden folder beside its place and is renamed when it is done. The
    folder of a build that was killed is taken up again by the next one with the same ``job``, and
    removed by any other. Whoever writes to a local store holds its lock, from before anything is
    looked at to the end. In an object store the shards are written first and the root metadata
    (consolidated, with ``complete: true``) last, in one put. Whatever goes wrong in between,
    nothing is left that opens.

    Parameters
    ----------
    target : str, Path or zarr Store
        Local folder, URL or store object.
    overwrite : bool, default False
        Replace a store that is there; the old one stays until the new one is complete (local).
    job : str, optional
        Fingerprint of all that decides the bytes of the store. With it a local build can be
        taken up again after a kill if the same rows are appended in the same order.
    resume : bool, default True
        Take up what a killed build of the same job finished.
    keep : bool, default False
        Leave whole shards to the next try also when the build ends with an error or Ctrl-C, where
        rows are dear. Needs a ``job``; a disk that is full is cleared all the same.
    locked : bool, default False
        Whether the caller holds the lock of the place (see :func:`seqdata.store._resume.lock_of`).

    Attributes
    ----------
    in_place : bool
        Whether an earlier build of the same job was killed in its very last step: the store is
        there, and nothing is left to be done.

    Raises
    ------
    StoreError
        If something is there and ``overwrite`` is False, or another process builds the same store.

    Examples
    --------
    >>> import tempfile, numpy as np, zarr
    >>> folder = tempfile.TemporaryDirectory()
    >>> with StoreWriter(f"{folder.name}/x.zarr") as out:
    ...     out.write_array("y", np.arange(3), ("_sequence",))
    ...     out.commit({"note": "three numbers"})
    >>> zarr.open_group(f"{folder.name}/x.zarr")["y"][:].tolist()
    [0, 1, 2]
    >>> folder.cleanup()
    """

    def __init__(
        self,
        target: StoreLike,
        *,
        overwrite: bool = False,
        job: str | None = None,
        resume: bool = True,
        keep: bool = False,
        locked: bool = False,
    ) -> None:
        super().__init__()
        self.target = target
        self.overwrite = overwrite
        self.in_place = False
        self._job = job
        self._resume = resume
        self._keep = keep
        self._locked = locked
        self._lock = contextlib.ExitStack()
        self._committed = False
        self._unfinished: UnfinishedBuild | None = None
        self.path = local_path(target)
        if self.path is None:
            self.store = as_store(target)
            return
        if self.path.is_symlink():
            self.path = self.path.resolve()
        self._temporary = working_path(self.path, "building")
        self.store = LocalStore(self._temporary)

    def __enter__(self) -> Self:
        if self.path is None:
            if get_json(self.store, "zarr.json") is not None:
                if not self.overwrite:
                    msg = f"{self.target} holds a store. Pass overwrite=True to replace it."
                    raise StoreError(msg)
                delete_below(self.store, "")
            return self
        if self._job is None:
            with contextlib.ExitStack() as lock:
                if not self._locked:
                    lock.enter_context(lock_of(self.path))
                self._check_place(self.path)
                try:
                    self._temporary.mkdir(parents=True)
                except OSError as error:
                    raise cannot_write(self.path, error) from error
                self._lock = lock.pop_all()
            return self
        self._check_place(self.path)
        self._unfinished = UnfinishedBuild(
            self.path, self._job, resume=self._resume, overwrite=self.overwrite
        )
        self.in_place = self._committed = self._unfinished.moved
        self._temporary = self._unfinished.store
        self.store = LocalStore(self._temporary)
        if self.in_place:
            self._unfinished.remove()
        return self

    def _check_place(self, path: Path) -> None:
        clear_leftovers(path)
        if not is_taken(path):
            return
        if not _looks_like_store(path):
            kind = "a folder of other things" if path.is_dir() else "a file"
            msg = (
                f"{path} exists and is no Zarr store: it will not be overwritten (it is "
                f"{kind}). Pass another path, or remove it by hand."
            )
            raise StoreError(msg)
        building = path.with_name(f".{path.name}.building")
        if not self.overwrite and (self._job is None or not building.exists()):
            raise already_there(path)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._lock:
            self._leave(error)

    def _leave(self, error: BaseException | None) -> None:
        if self._committed:
            return
        full = error is not None and is_disk_full(error)
        begun = any(writer.written for writer in self._writers.values())
        if self._keep and self._unfinished is not None and begun and error is not None and not full:
            self._unfinished.leave()
            return
        self._discard()
        if error is not None and not isinstance(error, DiskFullError) and full:
            raise disk_full(self.target, "the unfinished store was removed") from error

    def _discard(self) -> None:
        if self._unfinished is not None:
            self._unfinished.remove()
            return
        if self.path is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)
            return
        with contextlib.suppress(Exception):
            delete(self.store, "zarr.json")
        for name in self._writers:
            with contextlib.suppress(Exception):
                delete_below(self.store, name)

    def _writer(self, name: str, document: Document) -> ArrayWriter:
        unfinished = self._unfinished
        if unfinished is None:
            return ArrayWriter(self.store, name, document)
        return ArrayWriter(
            self.store,
            name,
            document,
            written=unfinished.done(name) * rows_of_shard(document),
            on_shard=lambda index, size: unfinished.finished(
                name, shard_key(name, document, index), index, size
            ),
        )

    @property
    def notes(self) -> Mapping[str, Any]:
        """What an earlier, killed build of the same job learned on the way."""
        return {} if self._unfinished is None else self._unfinished.notes

    def note(self, key: str, value: object) -> None:
        """Keep something that a build taken up again need not learn anew."""
        if self._unfinished is not None and self._unfinished.notes.get(key) != value:
            self._unfinished.note(key, value)

    def written(self, names: Sequence[str]) -> int:
        """Return how many rows all of these arrays have in the store already."""
        return min(self._writers[name].written for name in names)

    def skip_to(self, names: Sequence[str], row: int) -> None:
        """Say that the rows of these arrays are appended from this one on."""
        for name in names:
            self._writers[name].skip_to(row)

    def document(self, name: str) -> Document:
        """Return the metadata of an array, to pack shards of it elsewhere."""
        return self._writers[name].document

    def put_packed(self, name: str, packed: bytes | None, n_rows: int) -> None:
        """Write the next shard of an array, packed by :func:`seqdata.store._shards.pack_rows`."""
        self._writers[name].put_packed(packed, n_rows)

    def commit(self, attrs: Mapping[str, object]) -> None:
        """Write the consolidated root metadata with the completeness mark, and rename.

        Parameters
        ----------
        attrs : mapping
            Attributes of the dataset.
        """
        documents = self.finish()
        attributes = {**attrs, "complete": True}
        if self.coordinates:
            attributes["coordinates"] = " ".join(self.coordinates)
        for name, document in documents.items():
            put_json(self.store, f"{name}/zarr.json", document)
        if self.path is not None and documents:
            # within an array: Zarr warns of files that lie beside arrays
            where = f"{next(iter(documents))}/{BIRTH}"
            put_bytes(self.store, where, b"Readers know the store by this file.\n")
        with held_interrupts():
            put_json(self.store, "zarr.json", root_document(attributes, documents, self._shards()))
            if self.path is not None:
                self._move_into_place(self.path)
            self._committed = True
            if self._unfinished is not None:
                self._unfinished.remove()

    def _shards(self) -> dict[str, str]:
        """Return what tells the shards of each array; those of an earlier, killed build too."""
        listed = {}
        for name, writer in self._writers.items():
            marks = []
            n_shards = max([*writer.marks, writer.written // writer.rows - 1], default=-1) + 1
            for index in range(n_shards):
                mark = writer.marks.get(index)
                if mark is None:
                    mark = mark_of_file(self._temporary / shard_key(name, writer.document, index))
                marks.append(mark)
            listed[name] = " ".join(marks)
        return listed

    def _move_into_place(self, path: Path) -> None:
        old = None
        if path.exists() and not is_taken(path):
            path.rmdir()
        elif path.exists():
            if not self.overwrite:
                msg = (
                    f"{path} appeared while it was being built here (by another build?): it was "
                    "left as it is. Pass overwrite=True to replace it, or another path."
                )
                raise StoreError(msg)
            old = working_path(path, "replaced")
            path.rename(old)
        try:
            self._temporary.rename(path)
        except OSError:
            if old is not None:
                old.rename(path)
            raise
        if old is not None:
            shutil.rmtree(old, ignore_errors=True)


def disk_full(target: StoreLike, state: str) -> DiskFullError:
    """Return the error for a place without room.

    Parameters
    ----------
    target : str, Path or zarr Store
    state : str
        How the store was left.
    """
    path = local_path(target)
    place = path.parent if path is not None else target
    free = ""
    if path is not None:
        with contextlib.suppress(OSError):
            free = f" ({shutil.disk_usage(path.parent).free / 1e6:.0f} MB free)"
    return DiskFullError(
        f"No room left while writing {target}{free}: {state}. Free space in {place} (or raise the "
        "file size limit), or pass a path on a larger disk."
    )


def root_document(
    attributes: Mapping[str, object],
    arrays: Mapping[str, Mapping[str, object]],
    shards: Mapping[str, str],
) -> dict[str, Any]:
    """Return the root metadata of a Zarr v3 group with its arrays consolidated in it.

    ``shards`` names what tells each shard of an array, in their order.
    """
    return {
        "zarr_format": 3,
        "node_type": "group",
        "attributes": dict(attributes),
        "consolidated_metadata": {
            "kind": "inline",
            "must_understand": False,
            "metadata": {name: dict(document) for name, document in arrays.items()},
            "shards": dict(shards),
        },
    }


@contextlib.contextmanager
def held_interrupts() -> Iterator[None]:
    """Let Ctrl-C wait for the two quick steps that make a store visible."""
    late: list[int] = []
    try:
        before = signal.signal(signal.SIGINT, lambda number, _: late.append(number))
    except ValueError:
        # signals belong to the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)
    if late:
        signal.raise_signal(signal.SIGINT)


def _looks_like_store(path: Path) -> bool:
    if not path.is_dir():
        return False
    marks = ("zarr.json", ".zgroup", ".zmetadata")
    return any((path / mark).exists() for mark in marks)
