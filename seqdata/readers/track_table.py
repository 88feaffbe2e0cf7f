"""Tables that say what the tracks of a data set are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from seqdata.errors import TableError, did_you_mean
from seqdata.readers._signal import make_track
from seqdata.readers.table import KeyedTable

if TYPE_CHECKING:
    from numpy.typing import NDArray

# what a column may be called, the first as this package calls it
_NAMES = {
    "name": ("name", "identifier", "sample", "track"),
    "file": ("file", "bigwig", "path"),
    "strand": ("strand",),
    "pair": ("pair", "strand_pair"),
    "assay": ("assay",),
    "weight": ("weight",),
    "aggregate": ("aggregate", "sum_stat"),
    "clip_soft": ("clip_soft",),
    "clip": ("clip",),
    "scale": ("scale",),
    "description": ("description",),
}
_BY_SCALE = ("clip_soft", "clip", "scale", "weight")


@dataclass(frozen=True)
class TrackTable:
    """What a table says of tracks, in the order of its rows.

    Parameters
    ----------
    path : Path
        The table.
    names : tuple of str
        Name of each track.
    files : tuple of str
        Signal files as the table has them, ``""`` where it does not say.
    strands, pairs : tuple of str
        Strand (``+ - .``) of each, and the track that holds the same on the other strand, or "".
    metadata : dict of str to tuple
        ``assay``, ``weight`` and ``description``, as far as they are said.
    aggregate : tuple of str
        How bins are made, empty where the table does not say.
    numbers : dict of str to tuple of float or None
        ``clip_soft``, ``clip`` and ``scale``, as far as they are said.
    """

    path: Path
    names: tuple[str, ...]
    files: tuple[str, ...]
    strands: tuple[str, ...]
    pairs: tuple[str, ...]
    metadata: dict[str, tuple[object, ...]] = field(default_factory=dict)
    aggregate: tuple[str, ...] = ()
    numbers: dict[str, tuple[float | None, ...]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.names)


def read_track_table(path: str | Path) -> TrackTable:
    r"""Read a table of tracks: one of this package's, or the ``targets.txt`` of Basenji and Borzoi.

    Columns, of which the name alone is needed (in brackets what Basenji calls them): ``name``
    [``identifier``], ``file``, ``strand``, ``pair`` [``strand_pair``, the number of a row,
    counted from 0, its own for none], ``assay``, ``weight``, ``aggregate`` [``sum_stat``],
    ``clip_soft``, ``clip``, ``scale``, ``description``. Where there are pairs but no strands, the
    strand is the ``+`` or ``-`` that the name ends in. Where there is no assay, it is what stands
    before the colon in the description.

    Parameters
    ----------
    path : path
        CSV, TSV or Parquet table.

    Returns
    -------
    TrackTable

    Raises
    ------
    TableError
        If a column is missing, a value is none that is known, or pairs do not fit each other.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder) / "t.tsv"
    ...     _ = file.write_text("identifier\tstrand_pair\tdescription\n"
    ...                         "a+\t1\tCAGE:liver\na-\t0\tCAGE:liver\nb\t2\tDNASE:HepG2\n")
    ...     table = read_track_table(file)
    >>> table.strands, table.pairs
    (('+', '-', '.'), ('a-', 'a+', ''))
    >>> table.metadata["assay"]
    ('CAGE', 'CAGE', 'DNASE')
    """
    file = Path(path)
    names, columns = _read(file)
    known = {new: _pick(columns, new) for new in _NAMES}
    n = len(names)
    if not n:
        msg = f"{file} has no rows: expected a track in each."
        raise TableError(msg)
    pairs = _pairs(file, names, known["pair"])
    strands = _strands(file, names, known["strand"], pairs)
    # the one judge of names, strands and pairs
    make_track("table", np.float32, names, n_files=n, sample_dim=None, strands=strands, pairs=pairs)
    metadata: dict[str, tuple[object, ...]] = {}
    described = known["description"]
    if described is not None:
        metadata["description"] = tuple(str(v) for v in described)
    if known["assay"] is not None:
        metadata["assay"] = tuple(str(v) for v in known["assay"])
    elif described is not None and all(":" in str(v) for v in described):
        metadata["assay"] = tuple(str(v).partition(":")[0] for v in described)
    numbers: dict[str, tuple[float | None, ...]] = {}
    for name in _BY_SCALE:
        values = known[name]
        if values is None:
            continue
        if values.dtype.kind not in "biuf":
            msg = f"{file}: column {name!r} holds text: expected numbers, or nothing for none."
            raise TableError(msg)
        each = tuple(None if np.isnan(v) else float(v) for v in values.astype(np.float64))
        if name == "weight":
            metadata["weight"] = _weights(file, names, each)
        else:
            numbers[name] = each
    kinds = known["aggregate"]
    return TrackTable(
        file,
        names,
        ("",) * n if known["file"] is None else tuple(str(v) for v in known["file"]),
        tuple(strands),
        tuple(pairs),
        metadata,
        () if kinds is None else tuple(str(v) for v in kinds),
        numbers,
    )


def _read(file: Path) -> tuple[tuple[str, ...], dict[str, NDArray[np.generic]]]:
    """Return the names, and the other columns."""
    key, keys, columns = KeyedTable(file).read()
    if key not in _NAMES["name"]:
        named = next((name for name in _NAMES["name"] if name in columns), None)
        if named is None:
            msg = f"{file} has no column 'name'.{did_you_mean('name', [key, *columns])}"
            raise TableError(msg)
        _, keys, columns = KeyedTable(file, named).read()
    return tuple(str(key) for key in keys), columns


def _pick(columns: dict[str, NDArray[np.generic]], name: str) -> NDArray[np.generic] | None:
    return next((columns[old] for old in _NAMES[name] if old in columns), None)


def _pairs(file: Path, names: Sequence[str], given: NDArray[np.generic] | None) -> list[str]:
    """Return the partner of each track by name; numbers of rows count from 0."""
    if given is None:
        return [""] * len(names)
    if given.dtype.kind not in "iu":
        return ["" if str(v) in ("", ".") else str(v) for v in given]
    places = given.astype(np.int64)
    wrong = (places < 0) | (places >= len(names))
    if wrong.any():
        row = int(np.argmax(wrong))
        msg = (
            f"{file}, row {row + 1} below the header: pair is {places[row]}, and there are "
            f"{len(names)} tracks: expected the number of a row, counted from 0, or a name."
        )
        raise TableError(msg)
    return ["" if place == i else names[place] for i, place in enumerate(places.tolist())]


def _strands(
    file: Path, names: Sequence[str], given: NDArray[np.generic] | None, pairs: Sequence[str]
) -> list[str]:
    if given is not None:
        return [str(v) or "." for v in given]
    strands = []
    for row, (name, mate) in enumerate(zip(names, pairs, strict=True)):
        if mate and name[-1:] not in ("+", "-"):
            msg = (
                f"{file}, row {row + 1} below the header: {name!r} is paired with {mate!r}, but "
                "its name does not end in + or -: add a column 'strand'."
            )
            raise TableError(msg)
        strands.append(name[-1] if mate else ".")
    return strands


def _weights(file: Path, names: Sequence[str], given: Sequence[float | None]) -> tuple[float, ...]:
    weights: list[float] = []
    for name, value in zip(names, given, strict=True):
        if value is None or not 0 <= value < np.inf:
            msg = f"{file}: the weight of {name!r} is {value}: expected a number, 0 or more."
            raise TableError(msg)
        weights.append(value)
    return tuple(weights)
