"""Contributions put back where they lie on the genome, as BigWig files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from eugene._bigwig import ROWS, Contigs, Overlap, places_of, write_windows
from eugene.errors import EugeneError, did_you_mean

if TYPE_CHECKING:
    import xarray as xr

_LETTERS = ("_sequence", "_ohe", "_length")


def attributions_to_bigwig(
    ds: xr.Dataset,
    path: str | Path,
    *,
    contigs: Contigs,
    variables: Sequence[str] | None = None,
    overlap: Overlap = "mean",
) -> list[Path]:
    """Write attributions of windows of a genome as BigWig files, one a method and output.

    A base gets the contribution of the letter that is there. Rows of the minus strand are turned
    back: a contribution belongs to a base pair, whichever strand was read.

    Parameters
    ----------
    ds : xarray.Dataset
        ``attributions.zarr`` of a run, or what `attribute_sdata` returned, with the places of the
        rows. It is read a few rows at a time.
    path : str or Path
        The file of a single variable; of several ``{stem}.{variable}.bw`` beside it.
    contigs : mapping, str or Path
        Contig lengths in bp, or the FASTA file, index or table of sizes that tells them.
    variables : sequence of str, optional
        Which attributions, (_sequence, _ohe, _length); by default all that are projected onto the
        letters that are there.
    overlap : {"mean", "max", "nearest", "error"}
        What a base under several windows gets: the mean or the largest of their values, or that
        of the window whose middle is nearest; or refuse.

    Returns
    -------
    list of Path
        The files, which appear when all of them are whole.

    Raises
    ------
    EugeneError
        If there are no attributions or no places of the rows.
    seqdata.errors.SeqdataError
        What `seqdata.to_bigwig` raises.
    """
    known = [
        str(name)
        for name, variable in ds.data_vars.items()
        if variable.dims == _LETTERS and variable.attrs.get("form", "projected") == "projected"
    ]
    chosen = known if variables is None else list(variables)
    for name in chosen:
        if name not in ds.variables or ds[name].dims != _LETTERS:
            hint = did_you_mean(name, known)
            raise EugeneError(f"the dataset has no attributions {name!r}{hint}")
    if not chosen:
        raise EugeneError("the dataset has no attributions (_sequence, _ohe, _length)")
    n = ds.sizes["_sequence"]

    def blocks() -> Iterator[NDArray[np.float32]]:
        for start in range(0, n, ROWS):
            part = ds[chosen].isel(_sequence=slice(start, start + ROWS))
            yield np.stack([part[name].to_numpy().sum(axis=1) for name in chosen], axis=1)

    return write_windows(blocks(), places_of(ds), chosen, path, contigs=contigs, overlap=overlap)
