"""What readers are: sources of rows (flat files) and of windows (region files)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args, runtime_checkable

import numpy as np
import pandas as pd

from seqdata._told import tell
from seqdata.errors import ContigError, LengthError, SchemaError, contig_hint

if TYPE_CHECKING:
    from numpy.typing import NDArray

# what files of signal do about regions on contigs that they leave out
Missing = Literal["warn", "zero", "error"]
MISSING = get_args(Missing)
# bp that a window may lie off its contig, whatever the contig's length
_OFF_CONTIG = 1_000_000

# whole numbers up to here are exact in float64
EXACT = 2**53
# columns whose blocks do not agree are read again: truth values or numbers as float64, or text
TRUTH, NUMBER, TEXT = "truth", "number", "text"


@dataclass(frozen=True)
class Windows:
    """Windows on named contigs; they may reach over the ends of a contig.

    Parameters
    ----------
    names : tuple of str
        Contig names.
    contig : ndarray of int32, shape (n,)
        Place of each window's contig in ``names``.
    start, end : ndarray of int64, shape (n,)
        Bounds in bp, 0-based half-open.
    strand : ndarray of int8, shape (n,)
        1, -1 or 0; readers ignore it, the builder turns rows round.
    known : frozenset of str, optional
        Contigs that the genome is known to have, also where a file of signal leaves them out.
    """

    names: tuple[str, ...]
    contig: NDArray[np.int32]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    strand: NDArray[np.int8]
    known: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return len(self.start)

    def __getitem__(self, rows: slice) -> Windows:
        return Windows(
            self.names,
            self.contig[rows],
            self.start[rows],
            self.end[rows],
            self.strand[rows],
            self.known,
        )

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Length of each window in bp, int64, shape (n,)."""
        return self.end - self.start

    def used(self) -> list[int]:
        """Return the places in ``names`` of the contigs on which there is a window."""
        return [int(i) for i in np.unique(self.contig)]

    def by_contig(self, chosen: NDArray[np.bool_]) -> Iterator[tuple[int, NDArray[np.int64]]]:
        """Yield contigs (place in ``names``) with chosen windows, and the numbers of these."""
        rows = np.flatnonzero(chosen)
        rows = rows[np.argsort(self.contig[rows], kind="stable")]
        contig = self.contig[rows]
        edges = np.flatnonzero(np.diff(contig, prepend=-1, append=-1))
        for begin, end in pairwise(edges.tolist()):
            yield int(contig[begin]), rows[begin:end]


@dataclass
class Block:
    """Some rows of a flat file.

    Parameters
    ----------
    letters : ndarray of uint8, shape (total,)
        The sequences, one behind the other.
    lengths : ndarray of int64, shape (n,)
        Their lengths in bp.
    columns : dict of str to ndarray, shape (n,)
        Other variables.
    where : list of (str, int, int)
        (file, first record or row of the file counted from 1, number of rows) for messages.
    """

    letters: NDArray[np.uint8]
    lengths: NDArray[np.int64]
    columns: dict[str, NDArray[Any]] = field(default_factory=dict)
    where: tuple[str, int] = ("", 1)

    def __len__(self) -> int:
        return len(self.lengths)


@dataclass(frozen=True)
class Track:
    """A variable that a region reader makes.

    Parameters
    ----------
    name : str
        Variable name.
    dtype : dtype
        Type of its values.
    kind : {"sequence", "track"}
        How "-" rows are turned round.
    alphabet : str, default ""
        Letters of a sequence.
    sample_dim : str, default ""
        Name of the sample dimension.
    samples, strands, pairs : sequence of str
        One entry a sample: its name, its strand (``+ - .``), the sample paired with it or "".
    units : str, default ""
        Unit of the values.
    haplotype_dim : str, default ""
        Name of the dimension of haplotypes, behind that of samples.
    ploidy : int, default 0
        Size of that dimension; 0 where there is none.
    """

    name: str
    dtype: Any
    kind: str
    alphabet: str = ""
    sample_dim: str = ""
    samples: Sequence[str] = ()
    strands: Sequence[str] = ()
    pairs: Sequence[str] = ()
    units: str = ""
    haplotype_dim: str = ""
    ploidy: int = 0

    @property
    def middle(self) -> dict[str, int]:
        """Names and sizes of the dimensions between rows and positions."""
        out = {self.sample_dim: len(self.samples)} if self.samples else {}
        return {**out, self.haplotype_dim: self.ploidy} if self.ploidy else out

    @property
    def mates(self) -> NDArray[np.int64]:
        """Place of the paired sample of each sample, int64, shape (n_samples,)."""
        names = list(self.samples)
        return np.array(
            [names.index(m) if m else i for i, m in enumerate(self.pairs)], dtype=np.int64
        )


@runtime_checkable
class FlatReader(Protocol):
    """A source of rows: sequences with their variables."""

    name: str

    def blocks(self, fixed: dict[str, Any]) -> Iterator[Block]:
        """Yield the rows; ``fixed`` holds column types settled by an earlier try."""
        ...

    def files(self) -> list[str]:
        """Return the files read."""
        ...


@runtime_checkable
class RegionReader(Protocol):
    """A source of windows."""

    name: str

    def track(self) -> Track:
        """Return what the reader makes."""
        ...

    def contigs(self) -> dict[str, int]:
        """Return the contigs and their lengths in bp."""
        ...

    def read(self, windows: Windows, width: int) -> NDArray[Any]:
        """Return the forward-strand values, padded on the right to ``width``.

        Sequences come as uint8 (n, width), those of haplotypes as (n, n_samples, ploidy, width),
        tracks as (n, n_samples, width). Positions off the contig hold N or 0, padding holds 0.
        """
        ...

    def files(self) -> list[str]:
        """Return the files read."""
        ...

    def close(self) -> None:
        """Release files and maps."""
        ...


def column_values(series: pd.Series) -> NDArray[Any]:
    """Return a table column as bool, int64, float64 or text.

    Parameters
    ----------
    series : Series, shape (n,)

    Returns
    -------
    ndarray of bool, int64, float64 or object (str), shape (n,)
        Missing numbers are NaN, missing text is empty. Truth values with gaps are 1, 0 and NaN.
        Whole numbers that float64 does not hold stay exact: as text where there are gaps.

    Examples
    --------
    >>> column_values(pd.Series([1, 2])).dtype, column_values(pd.Series(["a", None])).tolist()
    (dtype('int64'), ['a', ''])
    """
    dtype = series.dtype
    whole = not series.isna().any()
    if pd.api.types.is_bool_dtype(dtype):
        # truth with gaps is 1, 0 and NaN
        kind: Any = bool if whole else np.float64
        return np.asarray(series.to_numpy(dtype=kind, **({} if whole else {"na_value": np.nan})))
    if pd.api.types.is_integer_dtype(dtype):
        largest = 0 if not len(series) else max(abs(int(v)) for v in _bounds(series))
        if whole and largest < 2**63:
            return np.asarray(series.to_numpy(dtype=np.int64))
        if largest <= EXACT:
            return np.asarray(series.to_numpy(dtype=np.float64, na_value=np.nan))
    elif pd.api.types.is_numeric_dtype(dtype):
        return np.asarray(series.to_numpy(dtype=np.float64, na_value=np.nan))
    out = np.empty(len(series), dtype=object)
    out[:] = ["" if pd.isna(value) else str(value) for value in series.to_numpy(dtype=object)]
    return out


def parse_values(series: pd.Series, kind: str | None) -> NDArray[Any]:
    """Return a column of which an earlier reading showed what its blocks have in common.

    Parameters
    ----------
    series : Series of str, shape (n,)
    kind : {None, "truth", "number", "text"}
        None: as :func:`column_values`; ``True`` and ``False`` as 1 and 0; numbers; or text.

    Returns
    -------
    ndarray of float64 or object (str), shape (n,)
        Missing numbers are NaN, missing text is empty. Text where a value is of another kind, and
        where a whole number beyond 2**53 would be rounded.

    Examples
    --------
    >>> parse_values(pd.Series(["True", None]), "truth")
    array([ 1., nan])
    >>> parse_values(pd.Series(["9007199254740993", "1"]), "number")
    array(['9007199254740993', '1'], dtype=object)
    """
    if kind is None:
        return column_values(series)
    text = np.empty(len(series), dtype=object)
    text[:] = ["" if pd.isna(value) else str(value) for value in series]
    if kind == TEXT:
        return text
    text[:] = [value.strip() for value in text]
    known = [value.lower() for value in text if value]
    truth = {"true": 1.0, "false": 0.0, "": np.nan}
    if kind == TRUTH:
        if set(known) <= truth.keys():
            return np.array([truth[value.lower()] for value in text])
        return text
    if any(v.lstrip("+-").isdigit() and abs(int(v)) > EXACT for v in known):
        return text
    try:
        return np.array([float(value) if value else np.nan for value in text])
    except ValueError:
        return text


def _bounds(series: pd.Series) -> list[Any]:
    return [value for value in (series.min(), series.max()) if not pd.isna(value)] or [0]


def agreed_blocks(reader: FlatReader) -> list[Block]:
    """Read all rows; again where the blocks of a column turn out to be of different types.

    Parameters
    ----------
    reader : FlatReader

    Returns
    -------
    list of Block
        A column is of one type in all.
    """
    fixed: dict[str, str] = {}
    while True:
        blocks = list(reader.blocks(fixed))
        mixed = {}
        for name in blocks[0].columns:
            kinds = {block.columns[name].dtype.kind for block in blocks}
            if len(kinds) > 1:
                mixed[name] = TEXT if "O" in kinds else TRUTH if "b" in kinds else NUMBER
        if not mixed:
            return blocks
        fixed.update(mixed)


def _check_reach(windows: Windows, size: NDArray[np.int64], where: str) -> None:
    """Refuse a window that ends, or begins, much farther off its contig than the contig is long."""
    # at the ends of contigs windows are padded; a bound of billions stands for "to the end"
    allowed = np.maximum(size, _OFF_CONTIG)
    off = (size > 0) & ((windows.end - size > allowed) | (-windows.start > allowed))
    if off.any():
        row = int(np.argmax(off))
        begin, end = int(windows.start[row]), int(windows.end[row])
        name = windows.names[int(windows.contig[row])]
        msg = (
            f"Region {row}, {name}:{begin}-{end}, leads far off its contig, which has "
            f"{int(size[row]):,} bp in {where}. If the bound stands for 'to the end', write the "
            "length of the contig; if not, check for which genome the regions were made."
        )
        raise LengthError(msg)


def locate(
    windows: Windows,
    contigs: dict[str, int],
    where: str,
    *,
    regions: str = "regions",
    missing: Missing | None = None,
) -> NDArray[np.int64]:
    """Return the contig length for each window, or explain which contig is not there.

    Parameters
    ----------
    windows : Windows
    contigs : dict of str to int
        Contigs of the file with their lengths in bp.
    where : str
        The file, for the message.
    regions : str, default "regions"
        Where the windows come from, for the message.
    missing : {"warn", "zero", "error"}, optional
        What a file of signal does about contigs that it leaves out: with "zero" they have length
        0, with "warn" those that the genome is known to have.

    Returns
    -------
    ndarray of int64, shape (n,)

    Raises
    ------
    ContigError
        If a window lies on a contig that the file does not have.
    """
    lengths = np.full(len(windows.names), -1, dtype=np.int64)
    # genomes have thousands of contigs, a batch of windows few
    for i in windows.used():
        name = windows.names[i]
        zero = missing == "zero" or (missing == "warn" and name in windows.known)
        lengths[i] = contigs.get(name, 0 if zero else -1)
    out = lengths[windows.contig]
    if (out < 0).any():
        row = int(np.argmax(out < 0))
        name = windows.names[int(windows.contig[row])]
        count = int((out < 0).sum())
        source = "regions" if regions == "regions" else f"regions of {regions}"
        hint = contig_hint(name, contigs) if missing is None else _signal_hint(name, contigs)
        msg = (
            f"{where} has no contig {name!r}, which {count} of {len(out)} {source} name "
            f"(first: {name}:{windows.start[row]}-{windows.end[row]}).{hint}"
        )
        raise ContigError(msg)
    if len(out):
        _check_reach(windows, out, where)
    return out


def check_missing(
    windows: Windows, contigs: dict[str, int], where: str, *, regions: str = "regions"
) -> None:
    """Warn of regions on contigs that a file of signal leaves out, or refuse them.

    Programs that write signal leave out contigs without any. A contig that the genome has is
    taken for one of these, unless the file has it under another name, or no region at all lies on
    a contig of the file.

    Parameters
    ----------
    windows : Windows
    contigs : dict of str to int
        Contigs of the file with their lengths in bp.
    where : str
        The file, for the message.
    regions : str, default "regions"
        Where the windows come from, for the message.

    Raises
    ------
    ContigError
        If a contig is not taken for one without signal.
    """
    used = [windows.names[i] for i in windows.used()]
    lacking = [name for name in used if name not in contigs]
    if not lacking:
        return
    renamed = any(_is_renamed(name, contigs) for name in lacking)
    if renamed or len(lacking) == len(used) or not windows.known.issuperset(lacking):
        locate(windows, contigs, where, regions=regions, missing="error")
    count = int(np.isin(windows.contig, [windows.names.index(name) for name in lacking]).sum())
    shown = ", ".join(lacking[:5]) + (f", ... ({len(lacking)} in all)" if lacking[5:] else "")
    source = "regions" if regions == "regions" else f"regions of {regions}"
    tell(
        f"{where} leaves out contigs that the genome has, {shown}: {count} of {len(windows)} "
        f"{source} lie there, and their signal is taken for 0. Pass missing='zero' if it is, or "
        "missing='error' to refuse them."
    )


def check_missing_choice(missing: str) -> None:
    """Refuse a choice for contigs that are left out that is none.

    Parameters
    ----------
    missing : str

    Raises
    ------
    SchemaError
    """
    if missing not in MISSING:
        msg = f"missing must be 'warn', 'zero' or 'error', got {missing!r}."
        raise SchemaError(msg)


def _is_renamed(name: str, contigs: dict[str, int]) -> bool:
    return contig_hint(name, contigs).startswith(" The file calls it")


def _signal_hint(name: str, contigs: dict[str, int]) -> str:
    if _is_renamed(name, contigs):
        return contig_hint(name, contigs)
    shown = ", ".join(map(repr, list(contigs)[:5])) + (", ..." if len(contigs) > 5 else "")
    return (
        f" It has {shown}. Files of signal may leave out contigs without any: pass missing='zero' "
        "to take them for 0."
    )
