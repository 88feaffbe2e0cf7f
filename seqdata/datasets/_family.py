"""The functions of SeqData's own module of datasets, which return paths."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from seqdata.datasets._api import fetch
from seqdata.datasets._archive import extract
from seqdata.datasets._build_regions import find_store
from seqdata.datasets._cache import locked


def K562_ATAC_seq(type: Literal["seqdata", "bigwig"] = "seqdata", **kwargs: Any) -> Path:
    """Return the path of SeqData's K562 ATAC-seq store or BigWig.

    Parameters
    ----------
    type : {"seqdata", "bigwig"}, default "seqdata"
        The store (Zarr v2; `seqdata.convert.read_legacy` reads it) or the signal alone.
    **kwargs
        As `fetch` takes them.

    Returns
    -------
    Path
    """
    files = fetch("K562_ATAC_seq", type=type, **kwargs)
    return _unpacked(files["seqdata"]) if type == "seqdata" else files["signal"]


def K562_CTCF_ChIP_seq(
    type: Literal["seqdata", "bigwig"] = "seqdata", **kwargs: Any
) -> Path | tuple[Path, Path]:
    """Return the path of SeqData's K562 CTCF ChIP-seq store, or those of its two BigWigs.

    Parameters
    ----------
    type : {"seqdata", "bigwig"}, default "seqdata"
        The store (Zarr v2; `seqdata.convert.read_legacy` reads it) or the signal alone.
    **kwargs
        As `fetch` takes them.

    Returns
    -------
    Path or (Path, Path)
        For ``"bigwig"`` the plus and the minus strand.
    """
    files = fetch("K562_CTCF_ChIP_seq", type=type, **kwargs)
    if type == "seqdata":
        return _unpacked(files["seqdata"])
    return files["plus"], files["minus"]


def _unpacked(archive: Path) -> Path:
    """Unpack an archive beside itself, once."""
    folder = archive.with_name(f"{archive.name}.unpacked")
    with locked(folder):
        if not folder.exists():
            extract(archive, folder)
    return find_store(folder)
