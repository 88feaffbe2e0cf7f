"""Builders of the datasets that are published as tables and FASTA files."""

from __future__ import annotations

import gzip
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from seqdata import splits
from seqdata.build import from_flat_files
from seqdata.datasets._parts import Part, build
from seqdata.errors import DatasetError, TableError, require_file
from seqdata.readers import FlatFASTA, Table
from seqdata.readers._gzip import is_gzip
from seqdata.schema import SPLITS

logger = logging.getLogger(__name__)

TRAIN, VAL, TEST, UNASSIGNED = (SPLITS[name] for name in ("train", "val", "test", "unassigned"))
Files = Mapping[str, Path]


def jores21(files: Files, work: Path, *, dataset: str) -> xr.Dataset:
    """Build the plant core promoters of Jores et al.

    The published test table is the test split, the published training table the training split;
    the authors' validation rows were drawn from the latter at run time and are not published.

    Parameters
    ----------
    files : mapping of str to Path
        ``train_<dataset>`` and ``test_<dataset>``.
    work : Path
        Folder for drafts.
    dataset : {"leaf", "proto"}
        Assay.

    Returns
    -------
    Dataset
    """
    parts = [
        Part(Table("seq", files[f"{split}_{dataset}"], "sequence"), code)
        for split, code in (("train", TRAIN), ("test", TEST))
    ]
    return build("seq", parts, work)


def deAlmeida22(files: Files, work: Path, *, dataset: str) -> xr.Dataset:
    """Build the Drosophila STARR-seq windows of de Almeida et al. (DeepSTARR).

    Parameters
    ----------
    files : mapping of str to Path
        ``fasta_<split>`` and ``activity_<split>``.
    work : Path
        Folder for drafts.
    dataset : {"all", "train", "val", "test"}
        Which of the published splits.

    Returns
    -------
    Dataset
    """
    wanted = ("train", "val", "test") if dataset == "all" else (dataset,)
    parts = [
        Part(FlatFASTA("seq", files[f"fasta_{split}"]), SPLITS[split], files[f"activity_{split}"])
        for split in wanted
    ]
    return build("seq", parts, work)


def ray13(files: Files, work: Path, *, dataset: str) -> xr.Dataset:
    """Build the RNAcompete probes of Ray et al.

    Probe set A trains and set B tests, as in the publication.

    Parameters
    ----------
    files : mapping of str to Path
        ``norm`` or ``raw``.
    work : Path
        Folder for drafts.
    dataset : {"norm", "raw"}
        Normalised or raw probe intensities.

    Returns
    -------
    Dataset
    """
    reader = Table("seq", files[dataset], "RNA_Seq", alphabet="RNA", sep="\t")
    ds = from_flat_files(reader, path=work / "ray13", fixed_length=False)
    return splits.assign(ds, _probe_sets(ds, files[dataset]))


def _probe_sets(ds: xr.Dataset, path: Path) -> Any:
    sets = {"SETA": TRAIN, "A": TRAIN, "SETB": TEST, "B": TEST}
    rows = ds.sizes["_sequence"]
    for variable in ds.data_vars.values():
        if variable.dims != ("_sequence",) or variable.dtype.kind not in "OUT":
            continue
        names, inverse = np.unique(variable.to_numpy().astype(str), return_inverse=True)
        codes = [sets.get(name.upper().replace("_", "").replace(" ", "")) for name in names]
        if None not in codes:
            return np.array(codes, dtype=np.int8)[inverse.reshape(-1)]
    logger.warning("%s has no column of probe sets A and B: no row is assigned to a split", path)
    return np.full(rows, UNASSIGNED, dtype=np.int8)


def deBoer20(files: Files, work: Path, *, dataset: str) -> xr.Dataset:
    """Build one of the yeast random-promoter libraries of de Boer et al.

    The authors publish no split of the single libraries, so no row is assigned.

    Parameters
    ----------
    files : mapping of str to Path
        The library, under its name.
    work : Path
        Folder for drafts.
    dataset : str
        Library.

    Returns
    -------
    Dataset
        ``seq`` with ``seq_length``, ``expression`` and whatever other columns there are.
    """
    path = require_file(files[dataset], "Table")
    first = _first_fields(path)
    if len(first) < 2:
        msg = f"{path}, line 1: expected a sequence and its expression, separated by a tab."
        raise TableError(msg)
    options: dict[str, Any] = {"sep": "\t"}
    seq_col = first[0]
    if _is_number(first[1]):
        seq_col = "sequence"
        others = [f"column_{place}" for place in range(3, len(first) + 1)]
        options |= {"header": None, "names": ["sequence", "expression", *others]}
    reader = Table("seq", path, seq_col, **options)
    ds = from_flat_files(reader, path=work / "deBoer20", fixed_length=False)
    return splits.assign(ds, np.full(_rows(ds), UNASSIGNED, dtype=np.int8))


def farley15(files: Files, work: Path) -> xr.Dataset:
    """Build the synthetic Otx-a enhancers of Farley et al.

    Parameters
    ----------
    files : mapping of str to Path
        ``seqs``.
    work : Path
        Folder for drafts.

    Returns
    -------
    Dataset
        No split is published.
    """
    reader = Table("seq", files["seqs"], "Enhancer")
    ds = from_flat_files(reader, path=work / "farley15", fixed_length=False)
    return splits.assign(ds, np.full(_rows(ds), UNASSIGNED, dtype=np.int8))


def _rows(ds: xr.Dataset) -> int:
    """Return the number of rows, also where the sequences lie one behind the other."""
    if "_sequence" in ds.sizes:
        return int(ds.sizes["_sequence"])
    raise DatasetError("The dataset has no rows.")


def _first_fields(path: Path) -> list[str]:
    opened: Any = gzip.open if is_gzip(path) else open
    with opened(path, "rt", encoding="utf8", errors="replace") as handle:
        return str(handle.readline(1 << 20)).rstrip("\r\n").split("\t")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
