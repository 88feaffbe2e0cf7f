"""Builders of the datasets that are published as one-hot arrays, or drawn in place."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

import seqpro as sp
from seqdata import splits
from seqdata.convert._hdf5 import open_hdf5
from seqdata.datasets._archive import extract
from seqdata.errors import LengthError, SchemaError
from seqdata.schema import SPLITS
from seqdata.store import open_zarr
from seqdata.store._writer import StoreWriter

if TYPE_CHECKING:
    from numpy.typing import NDArray

Files = Mapping[str, Path]
_ROWS = 4096


def random1000(files: Files, work: Path, *, n: int, length: int, seed: int) -> xr.Dataset:
    """Draw random sequences with random activities and labels.

    Parameters
    ----------
    files : mapping
        None are needed.
    work : Path
        Not used.
    n : int
        Number of sequences.
    length : int
        Their length in bp.
    seed : int
        Seed of all draws.

    Returns
    -------
    Dataset
        ``seq`` S1 (_sequence, _length); ``activity_0`` to ``activity_9`` float64 in [0, 1);
        ``label_0`` to ``label_9`` int8, 0 or 1; nothing depends on the sequences.

    Examples
    --------
    >>> ds = random1000({}, Path(), n=5, length=8, seed=0)
    >>> ds["seq"].shape, sorted({int(v) for v in ds["label_3"]} | {0, 1})
    ((5, 8), [0, 1])
    """
    rng = np.random.default_rng(seed)
    variables: dict[str, object] = {
        "seq": (
            ("_sequence", "_length"),
            sp.random_seqs((n, length), sp.DNA, seed),
            {"kind": "sequence", "alphabet": "ACGT"},
        ),
        "id": ("_sequence", np.array([f"seq{i:03d}" for i in range(n)], dtype=object)),
    }
    activity, label = rng.random((10, n)), rng.integers(0, 2, (10, n), dtype=np.int8)
    for i in range(10):
        variables[f"activity_{i}"] = ("_sequence", activity[i])
    for i in range(10):
        variables[f"label_{i}"] = ("_sequence", label[i])
    ds = xr.Dataset(variables)
    return splits.assign(ds, splits.random(ds, fractions=(0.8, 0.1, 0.1), seed=seed))


def synthetic_code(files: Files, work: Path) -> xr.Dataset:
    """Build the synthetic regulatory codes of Koo and Ploenzke, with their ground truth.

    Parameters
    ----------
    files : mapping of str to Path
        ``h5``: an HDF5 file with ``X_<part>`` (n, 4, length), ``Y_<part>`` (n, tasks) and, where
        there is one, ``model_<part>`` (n, 4, length), the letter probabilities that each
        sequence was drawn from.
    work : Path
        Folder for drafts.

    Returns
    -------
    Dataset
        ``truth`` float32 (_sequence, _ohe, _length) holds the probabilities.
    """
    goal = work / "synthetic_code"
    with open_hdf5(Path(files["h5"])) as source:
        parts = [("train", "train"), ("valid", "val"), ("test", "test")]
        missing = [f"X_{part}" for part, _ in parts if f"X_{part}" not in source]
        if missing:
            msg = f"{files['h5']} holds no array {missing[0]!r}: it is not the published file."
            raise SchemaError(msg)
        with_truth = all(f"model_{part}" in source for part, _ in parts)
        blocks = (
            (
                source[f"X_{part}"][at : at + _ROWS],
                source[f"Y_{part}"][at : at + _ROWS],
                SPLITS[split],
                source[f"model_{part}"][at : at + _ROWS] if with_truth else None,
            )
            for part, split in parts
            for at in range(0, source[f"X_{part}"].shape[0], _ROWS)
        )
        _write(goal, blocks, "ACGT", str(files["h5"]))
    return open_zarr(goal)


def deepsea(files: Files, work: Path) -> xr.Dataset:
    """Build the 919 chromatin features of Zhou and Troyanskaya.

    Parameters
    ----------
    files : mapping of str to Path
        ``bundle``: the archive with ``train.mat``, ``valid.mat`` and ``test.mat``; the letters of
        its one-hot arrays stand in the order A, G, C, T.
    work : Path
        Folder for drafts.

    Returns
    -------
    Dataset
        ``label`` uint8 (_sequence, _target).
    """
    folder = extract(files["bundle"], work / "bundle")
    goal = work / "deepsea"
    _write(goal, _deepsea_blocks(folder), "AGCT", str(files["bundle"]))
    shutil.rmtree(folder)
    return open_zarr(goal)


def _deepsea_blocks(folder: Path) -> Iterator[tuple[object, object, int, None]]:
    found = {path.name: path for path in folder.rglob("*.mat")}
    missing = sorted({"train.mat", "valid.mat", "test.mat"} - set(found))
    if missing:
        raise SchemaError(f"The archive holds no {missing[0]}; it is not the published bundle.")
    with open_hdf5(found["train.mat"]) as source:
        letters, labels = source["trainxdata"], source["traindata"]
        for at in range(0, letters.shape[2], _ROWS):
            stop = min(at + _ROWS, letters.shape[2])
            yield np.transpose(letters[:, :, at:stop], (2, 1, 0)), labels[:, at:stop].T, 0, None
    from scipy.io import loadmat

    for part, split in (("valid", SPLITS["val"]), ("test", SPLITS["test"])):
        arrays = loadmat(found[f"{part}.mat"])
        yield arrays[f"{part}xdata"], arrays[f"{part}data"], split, None


def _write(
    goal: Path, blocks: Iterator[tuple[object, object, int, object]], order: str, where: str
) -> None:
    """Write blocks of one-hot rows (n, 4, length) with labels, split codes and ground truth."""
    codes: list[NDArray[np.int8]] = []
    with StoreWriter(goal) as out:
        for onehot, labels, split, truth in blocks:
            letters = onehot_letters(onehot, order, where)
            targets = np.asarray(labels).reshape(len(letters), -1).astype(np.uint8)
            if not codes:
                out.create(
                    "seq", shape=(0, letters.shape[1]), dtype=np.uint8,
                    dims=("_sequence", "_length"), attrs={"kind": "sequence", "alphabet": "ACGT"},
                )  # fmt: skip
                out.create(
                    "label", shape=(0, targets.shape[1]), dtype=np.uint8,
                    dims=("_sequence", "_target"),
                )  # fmt: skip
                if truth is not None:
                    out.create(
                        "truth", shape=(0, 4, letters.shape[1]), dtype=np.float32,
                        dims=("_sequence", "_ohe", "_length"),
                        attrs={"units": "probability of each letter"},
                    )  # fmt: skip
            out.append("seq", letters)
            out.append("label", targets)
            if truth is not None:
                out.append("truth", np.asarray(truth, dtype=np.float32))
            codes.append(np.full(len(letters), split, dtype=np.int8))
        values = np.concatenate(codes) if codes else np.zeros(0, dtype=np.int8)
        attrs = splits.assign(xr.Dataset({"label": ("_sequence", values)}), values)["split"].attrs
        out.write_array("split", values, ("_sequence",), attrs=attrs, coordinate=True)
        out.commit({"max_jitter": 0, "sequence_dim": "_sequence", "length_dim": "_length"})


def onehot_letters(onehot: object, order: str, where: str) -> NDArray[np.uint8]:
    """Return one-hot rows as letters.

    Parameters
    ----------
    onehot : array_like, shape (n, 4, length)
        At most one 1 a position; none means N.
    order : str
        Letters of the second axis.
    where : str
        What is read, for the message.

    Returns
    -------
    ndarray of uint8, shape (n, length)
        ASCII.

    Raises
    ------
    LengthError
        If the second axis is not 4 wide.

    Examples
    --------
    >>> onehot_letters([[[1, 0, 0], [0, 0, 0], [0, 1, 0], [0, 0, 0]]], "AGCT", "x").tobytes()
    b'ACN'
    """
    values = np.asarray(onehot)
    if values.ndim != 3 or values.shape[1] != len(order):
        msg = f"{where}: expected one-hot arrays (n, {len(order)}, length), got {values.shape}."
        raise LengthError(msg)
    table = np.frombuffer(order.encode(), dtype=np.uint8)
    letters = table[values.argmax(axis=1)]
    letters[~(values != 0).any(axis=1)] = ord("N")
    return np.asarray(letters)
