"""Synthetic constructs in a locus, as a run names them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import xarray as xr

import seqdata as sd
from eugene.config.marks import Least
from eugene.data._files import PathLike


def constructs(
    table: PathLike,
    reference: PathLike,
    context: str,
    fasta: PathLike | None = None,
    annotation: PathLike | None = None,
    *,
    length: Annotated[int, Least(1)] = 25600,
    padding: Annotated[int, Least(0)] = 1280,
    strides: Annotated[int, Least(1)] | None = None,
    stride: Annotated[int, Least(1)] = 1,
    reverse_complements: bool = False,
    shared_constructs: bool = False,
    name_col: str | Sequence[str] | None = None,
    activity_col: str | None = "activity",
    group_col: str | None = None,
    seed: int = 0,
) -> xr.Dataset:
    r"""Put payloads into a locus: rows are long windows, or strides drawn of them.

    Without ``strides`` a row is a construct, longer by ``padding`` than what a network sees: with
    ``max_jitter: 640`` each epoch sees it elsewhere, and validation sees its middle. With
    ``strides`` so many windows of each construct are drawn once. Either way the letters are held
    once, a byte a base, and windows are cut as batches ask for them.

    Parameters
    ----------
    table, reference, context, fasta, annotation, length, padding
        As `seqdata.constructs.build` takes them.
    strides : int or None
        Windows of each construct; None for the constructs themselves.
    stride : int
        Distance (bp) between the places that are drawn from.
    reverse_complements : bool
        Draw each stride on the other strand as well.
    shared_constructs : bool
        Let a split part strides of one construct, so that a network is validated on payloads that
        it is trained on.
    name_col, activity_col, group_col
        As `seqdata.constructs.build` takes them.
    seed : int
        Seed of the strides.

    Returns
    -------
    xarray.Dataset
        As that of `seqdata.constructs.build` or `seqdata.constructs.sample`, activities float32.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     files = [pathlib.Path(folder) / name for name in ("t.tsv", "g.fa", "p.fa")]
    ...     for file, text in zip(files, ("name\tactivity\na\t1\n", ">c\nAAAAAGGCCCCC\n",
    ...                                   ">a\nTTTT\n"), strict=True):
    ...         _ = file.write_text(text)
    ...     ds = constructs(*files[:2], "c:5-7", files[2], length=8, padding=2, strides=2)
    >>> ds["seq"].shape, sorted(set(ds["id"].values))
    ((2, 8), ['a'])
    """
    ds = sd.constructs.build(
        table, fasta, reference, context, annotation, length=length, padding=padding,
        name_col=name_col, activity_col=activity_col, group_col=group_col,
    )  # fmt: skip
    ds = ds.assign(activity=ds["activity"].astype("float32"))
    if shared_constructs:
        ds.attrs["shared_constructs"] = 1
    if strides is None:
        return ds
    return sd.constructs.sample(
        ds, length, stride, strides, seed, reverse_complement=reverse_complements
    )
