"""Tables that are computed piece by piece, and go on after the process was killed."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from eugene._files import write_atomic
from eugene.errors import EugeneError, MissingFileError, RunExistsError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

logger = logging.getLogger(__name__)

_POLL_SECONDS = 0.1
_SEPARATORS = {".csv": ",", ".tsv": "\t"}


class ChunkedTable:
    r"""A table in a file, written in numbered pieces.

    Pieces lie in ``<path>.parts`` until all are there; then they become the file at once. What
    they belong to is kept beside them, and stays as ``<path>.json`` (in a Zarr store: as its
    attributes), so that pieces of two jobs are never mixed.

    Parameters
    ----------
    path : Path
        Ends in ``.csv``, ``.tsv`` or ``.zarr``.
    job : mapping
        What the pieces depend on; plain values.
    resume : bool
        Whether to take what an earlier run left. False throws it away.
    text : tuple of str, optional
        Columns that hold text.

    Raises
    ------
    EugeneError
        If the name ends in none of these.
    MissingFileError
        If its folder is missing.
    RunExistsError
        If the file or its pieces belong to another job.

    Examples
    --------
    >>> import tempfile
    >>> import pandas as pd
    >>> path = Path(tempfile.mkdtemp()) / "a.csv"
    >>> table = ChunkedTable(path, {"seed": 1}, resume=True)
    >>> table.write(0, pd.DataFrame({"x": [0.5]}))
    >>> again = ChunkedTable(path, {"seed": 1}, resume=True)
    >>> again.has(0), again.has(1)
    (True, False)
    >>> again.write(1, pd.DataFrame({"x": [0.25]}))
    >>> again.finish(2)["x"].tolist(), path.read_text()
    ([0.5, 0.25], 'x\n0.5\n0.25\n')
    """

    def __init__(
        self,
        path: Path,
        job: Mapping[str, object],
        *,
        resume: bool,
        text: tuple[str, ...] = (),
    ) -> None:
        self.path = _checked(path)
        suffix = self.path.suffix.lower()
        self.job = json.loads(json.dumps(job))
        self.separator = _SEPARATORS.get(suffix, ",")
        self.text = text
        self.parts = self.path.with_name(self.path.name + ".parts")
        self.sidecar = self.path.with_name(self.path.name + ".json")
        if not resume:
            self._clear()
        self.finished = self._found(self._described(), self.path)
        if not self.finished and not self._found(self._read(self.parts / "job.json"), self.parts):
            self.parts.mkdir(exist_ok=True)
            write_atomic(self.parts / "job.json", json.dumps(self.job, indent=1))

    @classmethod
    @contextlib.contextmanager
    def alone(cls, path: Path, job: Mapping[str, object], **options: Any) -> Iterator[Self]:
        """Open the table once nobody else writes it, and keep others away from it.

        Parameters
        ----------
        path, job : object
            See the class.
        **options
            Its other arguments.

        Yields
        ------
        ChunkedTable
            What it finds is read after others are done.
        """
        place = _checked(path).expanduser().absolute()
        with _turn(place.with_name(f".{place.name}.lock"), place):
            yield cls(path, job, **options)

    def has(self, i: int) -> bool:
        """Tell whether a piece is there."""
        return self.finished or self._part(i).is_file()

    def write(self, i: int, frame: pd.DataFrame) -> None:
        """Write a piece; it is there whole or not at all."""
        text = frame.to_csv(sep=self.separator, index=False, lineterminator="\n", na_rep="nan")
        write_atomic(self._part(i), text)

    def finish(self, n: int) -> pd.DataFrame:
        """Make the file of ``n`` pieces, if it is not there yet, and return the table."""
        if not self.finished:
            partial = self.path.with_name(f".{self.path.name}.{os.getpid()}.part")
            try:
                with partial.open("wb") as out:
                    for i in range(n):
                        piece = self._part(i).read_bytes()
                        out.write(piece if i == 0 else piece.partition(b"\n")[2])
                table = self._table(partial)
                if self.path.suffix.lower() == ".zarr":
                    self._write_store(table)
                else:
                    write_atomic(self.sidecar, json.dumps(self.job, indent=1))
                    partial.replace(self.path)
            finally:
                partial.unlink(missing_ok=True)
            self._remove_parts()
            self.finished = True
            return table
        if self.path.suffix.lower() == ".zarr":
            import seqdata as sd

            store = sd.open_zarr(self.path).load()
            return store.to_dataframe().reset_index(drop=True)
        return self._table(self.path)

    def _part(self, i: int) -> Path:
        return self.parts / f"{i:06d}{self.path.suffix}.part"

    def _table(self, path: Path) -> pd.DataFrame:
        import pandas as pd

        # text first: a contig may be called NA, and floats shall come back to the last bit
        table = pd.read_csv(path, sep=self.separator, dtype=str, keep_default_na=False)
        return table.assign(
            **{name: _typed(table[name]) for name in table.columns if name not in self.text}
        )

    def _write_store(self, table: pd.DataFrame) -> None:
        import xarray as xr

        import seqdata as sd

        ds = xr.Dataset(
            {name: ("_sequence", table[name].to_numpy()) for name in table.columns},
            attrs={"job": json.dumps(self.job)},
        )
        sd.to_zarr(ds, self.path)

    def _described(self) -> object:
        """Return the job of the finished file, or nothing."""
        if not self.path.exists():
            return None
        if self.path.suffix.lower() != ".zarr":
            return self._read(self.sidecar) or {}
        import seqdata as sd

        return json.loads(sd.open_zarr(self.path).attrs.get("job", "{}"))

    def _found(self, job: Any, where: Path) -> bool:
        if job is None:
            return False
        if job == self.job:
            return True
        differ = [key for key in self.job if job.get(key) != self.job[key]]
        raise RunExistsError(
            f"{where} belongs to another job, which differs in {', '.join(differ) or 'version'}; "
            "nothing was touched. Choose another name, or start over and replace it "
            "(resume=False, on the command line --overwrite)"
        )

    def _read(self, path: Path) -> object:
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None

    def _clear(self) -> None:
        if self.parts.is_dir():
            self._remove_parts()
        if self.path.is_dir():
            from seqdata.store import remove_store

            remove_store(self.path)
        for path in (self.path, self.sidecar):
            path.unlink(missing_ok=True)

    def _remove_parts(self) -> None:
        """Delete the pieces and their folder, and nothing that is not ours."""
        for path in (*self.parts.glob("*.part"), self.parts / "job.json"):
            path.unlink(missing_ok=True)
        self.parts.rmdir()


def _checked(path: str | Path) -> Path:
    """Return the path of a table after looking at its name and its folder."""
    path = Path(path)
    if path.suffix.lower() not in {*_SEPARATORS, ".zarr"}:
        raise EugeneError(f"{path}: expected a name that ends in .csv, .tsv or .zarr")
    if not path.parent.is_dir():
        raise MissingFileError(f"{path}: the folder {path.parent} does not exist")
    return path


@contextlib.contextmanager
def _turn(file: Path, target: Path) -> Iterator[None]:
    """Wait until others are done with a file; the lock of one that dies is free."""
    from seqdata.errors import LockedError
    from seqdata.store import FileLock

    lock = FileLock(file, f"{target} is being written")
    told = False
    while True:
        try:
            lock.acquire()
            break
        except LockedError as error:
            if not told:
                logger.warning("%s", f"waiting: {error}")
            told = True
            time.sleep(_POLL_SECONDS)
    try:
        yield
    finally:
        lock.release()


def _typed(column: pd.Series) -> NDArray[np.generic]:
    """Return a column of text as truth values, whole numbers or numbers."""
    values: NDArray[np.generic] = column.to_numpy(dtype=object).astype(str)
    if np.isin(values, ("True", "False")).all():
        truths: NDArray[np.bool_] = values == "True"
        return truths
    try:
        return values.astype(np.int64)
    except ValueError:
        return values.astype(np.float64)
