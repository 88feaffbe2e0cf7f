"""Names, codes and attributes that every dataset of :mod:`seqdata` shares."""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import xarray as xr

import seqpro as sp
from seqdata._codes import SEQUENCE_DIM as SEQUENCE_DIM
from seqdata._codes import SPLITS as SPLITS
from seqdata._codes import STRANDS as STRANDS
from seqdata._codes import code_attrs as code_attrs
from seqdata._codes import coded_coordinate as coded_coordinate
from seqdata._codes import codes_of as codes_of
from seqdata._codes import decode as decode
from seqdata._codes import encode as encode
from seqdata._codes import with_codes as with_codes
from seqdata._codes import with_names as with_names
from seqdata.errors import SchemaError, did_you_mean

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from seqpro.alphabets import BaseAlphabet

    # an alphabet, its name, or its letters
    AlphabetLike: TypeAlias = BaseAlphabet | str

LENGTH_DIM = "_length"
OHE_DIM = "_ohe"
TARGET_DIM = "_target"

SCHEMA_VERSION = 1
COORDINATES = ("chrom", "start", "end", "strand", "split")

CHECKSUM_LIMIT = 64 * 1024 * 1024

_IUPAC = {
    "ACGT": "ACGTRYSWKMBDHVN",
    "ACGU": "ACGURYSWKMBDHVN",
}
_AMINO_EXTRA = "BJOUXZ*"


def sequence_dim(ds: xr.Dataset) -> str:
    """Return the name of the dimension that counts the rows of a dataset.

    Parameters
    ----------
    ds : Dataset

    Returns
    -------
    str
        What the attribute ``sequence_dim`` says, else ``"_sequence"``.

    Raises
    ------
    SchemaError
        If the dataset has no such dimension.

    Examples
    --------
    >>> ds = xr.Dataset({"y": ("seq", [1, 2])}, attrs={"sequence_dim": "seq"})
    >>> sequence_dim(ds)
    'seq'
    """
    name = str(ds.attrs.get("sequence_dim") or SEQUENCE_DIM)
    if name not in ds.sizes:
        known = [str(dim) for dim in ds.sizes]
        msg = (
            f"the dataset has no dimension {name!r}, only {known}. Name the one that counts its "
            "rows in the attribute 'sequence_dim', or rename it."
        )
        raise SchemaError(msg)
    return name


def alphabet_letters(alphabet: AlphabetLike) -> str:
    """Return the letters of an alphabet object or string, upper case.

    Parameters
    ----------
    alphabet : NucleotideAlphabet, AminoAlphabet or str
        ``sp.DNA``, ``sp.RNA``, ``sp.AA``, one of these names, or the letters themselves.

    Returns
    -------
    str

    Examples
    --------
    >>> alphabet_letters("DNA")
    'ACGT'
    """
    return sp.alphabet_of(alphabet).alphabet.upper()


def is_nucleotide(alphabet: str) -> bool:
    """Return whether letters are those of nucleotides, which have a complement.

    Parameters
    ----------
    alphabet : str
        The letters; N and a mixture of T and U are fine.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_nucleotide("ACGU"), is_nucleotide("ACDEF")
    (True, False)
    """
    return set(alphabet.upper()) <= set("ACGTUN")


def letters_of(variable: xr.DataArray) -> str:
    """Return the alphabet of a variable: as it says, else as its letters show.

    Parameters
    ----------
    variable : DataArray
        Sequences, as letters or one-hot.

    Returns
    -------
    str

    Raises
    ------
    SchemaError
        If nothing says it, and the letters contradict each other.

    Examples
    --------
    >>> letters_of(xr.DataArray(np.array([[b"A", b"U"]])))
    'ACGU'
    """
    try:
        return sp.alphabet_of(variable, sp.DNA).alphabet.upper()
    except sp.errors.AlphabetError as error:
        msg = f"Variable {variable.name!r}: {error}."
        raise SchemaError(msg) from error


def alphabet_object(letters: str) -> BaseAlphabet:
    """Return the alphabet of some letters, to encode with.

    Parameters
    ----------
    letters : str
        As :func:`alphabet_letters` returns them.

    Returns
    -------
    NucleotideAlphabet or AminoAlphabet
        ``sp.DNA``, ``sp.RNA`` or ``sp.AA``, else these letters, the first paired with the last.

    Examples
    --------
    >>> alphabet_object("ACGU") is sp.RNA, alphabet_object("TGCA").alphabet
    (True, 'TGCA')
    """
    return sp.alphabet_of(letters)


def known_letters(alphabet: AlphabetLike) -> NDArray[np.bool_]:
    """Return which bytes a sequence over an alphabet may hold.

    Upper and lower case letters of the alphabet and its ambiguity codes (IUPAC for nucleotides,
    ``B J O U X Z *`` for amino acids) are known; NUL is, because it pads.

    Parameters
    ----------
    alphabet : NucleotideAlphabet, AminoAlphabet or str

    Returns
    -------
    ndarray of bool, shape (256,)

    Examples
    --------
    >>> table = known_letters("DNA")
    >>> [bool(table[ord(c)]) for c in "AnRU-"]
    [True, True, True, False, False]
    """
    letters = alphabet_letters(alphabet)
    key = "".join(sorted(letters))
    extra = _IUPAC.get(key, "N" if len(letters) <= 6 else _AMINO_EXTRA)
    table = np.zeros(256, dtype=np.bool_)
    for letter in letters + extra:
        table[ord(letter)] = True
        table[ord(letter.lower())] = True
    table[0] = True
    return table


def wild_letter(alphabet: AlphabetLike) -> int:
    """Return the byte that stands for "any letter": N for nucleotides, X for amino acids.

    Examples
    --------
    >>> chr(wild_letter("DNA")), chr(wild_letter("AA"))
    ('N', 'X')
    """
    return ord("N") if len(alphabet_letters(alphabet)) <= 6 else ord("X")


def file_record(path: str | Path) -> dict[str, Any]:
    r"""Describe an input file for the provenance of a store.

    Parameters
    ----------
    path : str or Path
        Existing file.

    Returns
    -------
    dict
        ``path``, ``size`` (bytes), ``mtime`` (whole seconds) and, up to 64 MiB, ``sha256``.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder) / "x.bed"
    ...     _ = file.write_text("chr1\t0\t5\n")
    ...     file_record(file)["size"]
    9
    """
    file = Path(path)
    stat = file.stat()
    record: dict[str, object] = {
        "path": str(file.resolve()),
        "size": stat.st_size,
        "mtime": int(stat.st_mtime),
    }
    if stat.st_size <= CHECKSUM_LIMIT:
        with file.open("rb") as handle:
            record["sha256"] = hashlib.file_digest(handle, "sha256").hexdigest()
    return record


def versions() -> dict[str, str]:
    """Return the versions of the packages that decide what a store holds.

    Returns
    -------
    dict of str to str

    Examples
    --------
    >>> "zarr" in versions()
    True
    """
    found = {}
    for name in ("eugene-genomics", "numpy", "pandas", "xarray", "zarr", "pyfaidx", "pyBigWig"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def check_new_names(names: Sequence[str], taken: Iterable[str], where: str) -> None:
    """Refuse names that would appear twice in one dataset.

    Parameters
    ----------
    names : sequence of str
        Names to add.
    taken : iterable of str
        Names that are there.
    where : str
        Who adds them, for the message.

    Raises
    ------
    SchemaError
        If a name is taken or repeated.

    Examples
    --------
    >>> check_new_names(["a"], ["b"], "reader 'x'")
    """
    seen = set(taken)
    for name in names:
        if name in seen:
            msg = (
                f"Two variables would be called {name!r} ({where}). "
                "Give the reader another name, or rename or leave out the column."
            )
            raise SchemaError(msg)
        seen.add(name)


def is_sequence(variable: xr.DataArray | xr.Variable) -> bool:
    """Say whether a variable holds letters (S1, or bytes marked ``kind="sequence"``).

    Examples
    --------
    >>> is_sequence(xr.Variable(("_sequence", "_length"), np.array([[b"A"]])))
    True
    """
    if variable.dtype == np.dtype("S1"):
        return True
    return variable.dtype == np.uint8 and variable.attrs.get("kind") == "sequence"


def is_one_hot(variable: xr.DataArray | xr.Variable) -> bool:
    """Say whether a variable holds one-hot letters (integers or booleans with an ``_ohe`` axis).

    Examples
    --------
    >>> is_one_hot(xr.Variable(("_sequence", "_length", "_ohe"), np.zeros((1, 2, 4), "u1")))
    True
    """
    if variable.attrs.get("kind") == "ohe":
        return True
    return OHE_DIM in variable.dims and variable.dtype.kind in "bu"


def pair_index(ds: xr.Dataset, name: str) -> NDArray[np.int64]:
    """Return, for each sample of a track, the sample that takes its place on the other strand.

    Parameters
    ----------
    ds : Dataset
        Dataset with the coordinates ``{name}_pair`` (names of the paired samples, empty where
        there is none) over the sample dimension of the track.
    name : str
        Track variable, dims ``(_sequence, sample, _length)``.

    Returns
    -------
    ndarray of int64, shape (n_samples,)
        ``track[:, pair_index][..., ::-1]`` is the reverse complement of the track; samples
        without a pair stand for themselves.

    Raises
    ------
    SchemaError
        If a pair names a sample that is not there.

    Examples
    --------
    >>> ds = xr.Dataset({"cov": (("_sequence", "cov_sample", "_length"), np.zeros((1, 2, 3)))},
    ...     coords={"cov_sample": ["p", "m"], "cov_pair": ("cov_sample", ["m", "p"])})
    >>> pair_index(ds, "cov")
    array([1, 0])
    """
    dim = str(ds[name].attrs.get("sample_dim", ds[name].dims[1]))
    n = ds.sizes[dim]
    if f"{name}_pair" not in ds.variables:
        return np.arange(n, dtype=np.int64)
    samples = [str(value) for value in ds[dim].values]
    index = np.arange(n, dtype=np.int64)
    for i, mate in enumerate(ds[f"{name}_pair"].values):
        if not str(mate):
            continue
        if str(mate) not in samples:
            msg = (
                f"Sample {samples[i]!r} of {name!r} is paired with {str(mate)!r}, "
                f"which is not there.{did_you_mean(str(mate), samples)}"
            )
            raise SchemaError(msg)
        index[i] = samples.index(str(mate))
    return index
