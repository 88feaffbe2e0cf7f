"""The functions of SeqData's own module of datasets, which return paths, and of SeqDatasets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from seqdata.datasets._api import fetch, get, list_datasets, motifs
from seqdata.datasets._archive import extract
from seqdata.datasets._build_regions import find_store
from seqdata.datasets._cache import locked
from seqdata.datasets._registry import find
from seqdata.errors import DatasetError
from seqpro.motifs import Motif, OldMotifSet

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr


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


def get_dataset_info() -> pd.DataFrame:
    """Return the table of data sets, as `seqdata.datasets.list` gives it."""
    return list_datasets()


def random1000(**kwargs: Any) -> xr.Dataset:
    """Return the data set of random sequences; ``**kwargs`` as `get` takes them."""
    return get("random1000", **kwargs)


def _one(
    name: str, dataset: str, download_dir: str | Path | None, return_sdata: bool, kwargs: Any
) -> xr.Dataset | list[Path]:
    """Return a data set of SeqDatasets, or the paths of its files."""
    options = {"unverified": True, "cache_dir": download_dir, "dataset": dataset, **kwargs}
    return get(name, **options) if return_sdata else [*fetch(name, **options).values()]


def jores21(
    dataset: str = "leaf",
    download_dir: str | Path | None = None,
    batch_size: int = 1000,
    return_sdata: bool = True,
    **kwargs: Any,
) -> xr.Dataset | list[Path]:
    """Return the plant promoters of Jores et al. 2021.

    Parameters
    ----------
    dataset : {"leaf", "proto"}
        Which assay.
    download_dir : path, optional
        Folder of the downloads; by default the cache of `fetch`.
    batch_size : int
        Unused: stores are written a shard at a time.
    return_sdata : bool
        The data set, or the paths of its files.
    **kwargs
        As `get` takes them. ``unverified`` is True unless said: SeqDatasets checked nothing,
        here the checksum is pinned when a file first comes.

    Returns
    -------
    Dataset or list of Path
    """
    return _one("jores21", dataset, download_dir, return_sdata, kwargs)


def ray13(
    dataset: str = "norm",
    download_dir: str | Path | None = None,
    batch_size: int = 1000,
    return_sdata: bool = True,
    **kwargs: Any,
) -> xr.Dataset | list[Path]:
    """Return the RNAcompete data of Ray et al. 2013; arguments as of `jores21`."""
    return _one("ray13", dataset, download_dir, return_sdata, kwargs)


def deAlmeida22(
    dataset: str = "train",
    download_dir: str | Path | None = None,
    batch_size: int = 1000,
    return_sdata: bool = True,
    **kwargs: Any,
) -> xr.Dataset | list[Path]:
    """Return the enhancers of de Almeida et al. 2022; arguments as of `jores21`."""
    return _one("deAlmeida22", dataset, download_dir, return_sdata, kwargs)


def deBoer20(
    datasets: str | int | Sequence[str | int],
    download_dir: str | Path | None = None,
    batch_size: int = 1000,
    return_sdata: bool = True,
    **kwargs: Any,
) -> xr.Dataset | list[Path]:
    """Return one of the yeast promoter libraries of de Boer et al. 2020.

    Parameters
    ----------
    datasets : str, int, or a sequence of one
        The library by name, or by SeqDatasets' number from 0.
    download_dir, batch_size, return_sdata, **kwargs
        As of `jores21`.

    Returns
    -------
    Dataset or list of Path

    Raises
    ------
    DatasetError
        If there is no such library, or several are asked for, which SeqDatasets failed at too.
    """
    names = [str(choice) for choice in find("deBoer20").options["dataset"].choices]
    wanted = [datasets] if isinstance(datasets, (str, int)) else list(datasets)
    if len(wanted) != 1:
        raise DatasetError(
            f"deBoer20 gives one library at a time, not {len(wanted)}: ask for each, and put them "
            "together by eugene.dataload.concat_sdatas."
        )
    chosen = wanted[0]
    if isinstance(chosen, int):
        if not 0 <= chosen < len(names):
            raise DatasetError(f"deBoer20 has libraries 0 to {len(names) - 1}, not {chosen}.")
        chosen = names[chosen]
    return _one("deBoer20", chosen, download_dir, return_sdata, kwargs)


def load_jaspar(
    motif_accs: str | Sequence[str] | None = None,
    motif_names: str | Sequence[str] | None = None,
    collection: str | None = None,
    release: str = "JASPAR2022",
    verbose: bool = False,
    *,
    taxon: str = "vertebrates",
) -> OldMotifSet:
    """Return motifs of JASPAR's CORE collection, in MotifData's form.

    Parameters
    ----------
    motif_accs : str or sequence of str, optional
        Accessions such as ``"MA0139.1"``.
    motif_names : str or sequence of str, optional
        Names such as ``"CTCF"``, in any case.
    collection : str, optional
        ``"CORE"`` for all of them.
    release : str
        Such as ``"JASPAR2022"``.
    verbose : bool
        Unused: what is not found is an error.
    taxon : str
        Which of the curated sets; EUGENe's looked through all of them.

    Returns
    -------
    seqpro.motifs.OldMotifSet
        As `seqdata.datasets.motifs` fetches them, without redundant ones.

    Raises
    ------
    DatasetError
        If nothing was asked for, or a motif is not in the set.
    """
    if motif_accs is None and motif_names is None and collection is None:
        raise DatasetError("load_jaspar: give motif_accs, motif_names or collection='CORE'")
    if collection not in (None, "CORE"):
        raise DatasetError(f"load_jaspar: collection={collection!r} can only be 'CORE'")
    name = f"{release.lower()}_{taxon}"
    found = list(motifs(name))
    kept: list[Motif] = [] if motif_accs is not None or motif_names is not None else found
    for wanted, said in ((motif_accs, "accession"), (motif_names, "name")):
        for label in [wanted] if isinstance(wanted, str) else wanted or ():
            same = [m for m in found if str(getattr(m, said)).upper() == label.upper()]
            if not same:
                raise DatasetError(f"load_jaspar: {name} has no motif with the {said} {label!r}")
            kept += [m for m in same if m not in kept]
    return OldMotifSet.of(kept)
