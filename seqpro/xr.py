"""The array functions on xarray objects, lazily where these hold dask arrays.

Not loaded by ``import seqpro``; it needs xarray.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import xarray as xr

from seqpro import _encode, _modify, _translate
from seqpro.alphabets import AA, DNA, RNA, AminoAlphabet, BaseAlphabet, named
from seqpro.errors import AxisError, SeqproError

Labelled = TypeVar("Labelled", xr.DataArray, xr.Dataset)


def _over_length(
    function: Callable[[Any], Any],
    data: Labelled,
    length_dim: str,
    new_dim: str,
    new_size: int,
    dtype: Any,
) -> Labelled:
    """Apply a function along the last axis, which it makes new_size long."""
    out: Labelled = xr.apply_ufunc(
        function,
        data,
        input_core_dims=[[length_dim]],
        output_core_dims=[[new_dim]],
        exclude_dims={length_dim},
        dask="parallelized",
        dask_gufunc_kwargs={"output_sizes": {new_dim: new_size}, "allow_rechunk": True},
        output_dtypes=[dtype],
    )
    return out


def _size(data: xr.DataArray | xr.Dataset, length_dim: str) -> int:
    if length_dim not in data.sizes:
        raise AxisError(f"no dimension {length_dim!r}; there are {', '.join(map(str, data.sizes))}")
    return int(data.sizes[length_dim])


def ohe(seqs: Labelled, alphabet: BaseAlphabet | str = DNA, ohe_dim: str = "_ohe") -> Labelled:
    """One-hot encode letters; see `seqpro.ohe`.

    Parameters
    ----------
    seqs : xarray.DataArray or Dataset of S1
    alphabet : NucleotideAlphabet, AminoAlphabet or str
    ohe_dim : str
        Name of the new, last dimension.

    Returns
    -------
    xarray.DataArray or Dataset of uint8

    Examples
    --------
    >>> import seqpro as sp, seqpro.xr as spx, xarray as xr
    >>> seqs = xr.DataArray(sp.cast_seqs(["ACG"]), dims=["_sequence", "_length"])
    >>> dict(spx.ohe(seqs).sizes)
    {'_sequence': 1, '_length': 3, '_ohe': 4}
    """
    alphabet = named(alphabet)
    out: Labelled = xr.apply_ufunc(
        lambda x: _encode.ohe(x, alphabet),
        seqs,
        output_core_dims=[[ohe_dim]],
        dask="parallelized",
        dask_gufunc_kwargs={"output_sizes": {ohe_dim: len(alphabet)}},
        output_dtypes=[np.uint8],
    )
    return out


def bin_coverage(
    coverage: Labelled,
    bin_width: int,
    length_dim: str,
    binned_dim: str = "_bin",
    normalize: bool = False,
) -> Labelled:
    """Sum coverage over bins; see `seqpro.bin_coverage`.

    Parameters
    ----------
    coverage : xarray.DataArray or Dataset of numbers
    bin_width : int
        In bp; must divide the length.
    length_dim : str
        Dimension that is binned.
    binned_dim : str
        Its new name.
    normalize : bool
        Divide by bin_width.

    Returns
    -------
    xarray.DataArray or Dataset

    Raises
    ------
    SeqproError
        If bin_width does not divide the length.

    Examples
    --------
    >>> import numpy as np, seqpro.xr as spx, xarray as xr
    >>> coverage = xr.DataArray(np.arange(6), dims=["_length"])
    >>> spx.bin_coverage(coverage, 2, "_length").values.tolist()
    [1, 5, 9]
    """
    size = _size(coverage, length_dim)
    if bin_width < 1 or size % bin_width:
        msg = f"bin_width must be positive and divide the length {size}, got {bin_width}"
        raise SeqproError(msg)
    dtypes = {
        _modify.bin_coverage(np.zeros(bin_width, v.dtype), bin_width, -1, normalize).dtype
        for v in ([coverage] if isinstance(coverage, xr.DataArray) else coverage.values())
    }
    return _over_length(
        lambda x: _modify.bin_coverage(x, bin_width, -1, normalize),
        coverage,
        length_dim,
        binned_dim,
        size // bin_width,
        np.result_type(*dtypes),
    )


def transcribe(seqs: xr.DataArray) -> xr.DataArray:
    """Write U for T in a variable, and say that it is RNA; see `seqpro.transcribe`.

    Parameters
    ----------
    seqs : xarray.DataArray of S1

    Returns
    -------
    xarray.DataArray of S1
        With the attribute ``alphabet``, from which networks, plots and motifs take the letters.

    Examples
    --------
    >>> import seqpro as sp, seqpro.xr as spx, xarray as xr
    >>> seqs = xr.DataArray(sp.cast_seqs(["TGTA"]), dims=["_sequence", "_length"])
    >>> rna = spx.transcribe(seqs)
    >>> rna.values.tobytes(), rna.attrs["alphabet"]
    (b'UGUA', 'ACGU')
    """
    out: xr.DataArray = xr.apply_ufunc(
        _translate.transcribe, seqs, dask="parallelized", output_dtypes=["S1"], keep_attrs=True
    )
    return out.assign_attrs(alphabet=RNA.alphabet)


def translate(
    seqs: Labelled,
    alphabet: AminoAlphabet = AA,
    length_dim: str = "_length",
    aa_length_dim: str = "_aa_length",
) -> Labelled:
    """Translate letters to amino acids; see `seqpro.translate`.

    Parameters
    ----------
    seqs : xarray.DataArray or Dataset of S1
    alphabet : AminoAlphabet
    length_dim : str
        Dimension that is translated.
    aa_length_dim : str
        Its new name.

    Returns
    -------
    xarray.DataArray or Dataset of S1

    Examples
    --------
    >>> import seqpro as sp, seqpro.xr as spx, xarray as xr
    >>> seqs = xr.DataArray(sp.cast_seqs(["ATGTAA"]), dims=["_sequence", "_length"])
    >>> spx.translate(seqs, sp.AA, "_length").values.tobytes()
    b'M*'
    """
    size = _size(seqs, length_dim)
    codon = alphabet.codon_array.shape[1]
    return _over_length(
        lambda x: _translate.translate(x, alphabet),
        seqs,
        length_dim,
        aa_length_dim,
        size // codon,
        "S1",
    )
