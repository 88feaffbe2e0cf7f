"""Motifs in HDF5, as MotifData kept them: an array of (width, letters) a motif."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from seqdata.convert._hdf5 import h5_module, open_hdf5
from seqdata.errors import MissingFileError, StoreError
from seqpro.motifs import MotifSet, OldMotif, OldMotifSet


def read_h5(filename: str | Path) -> OldMotifSet:
    """Read motifs of an HDF5 file of MotifData.

    Parameters
    ----------
    filename : str or Path
        A file with an array (width, letters) a motif; its extra is ``h5``.

    Returns
    -------
    seqpro.motifs.OldMotifSet
        In MotifData's form; ``.today`` is a `seqpro.motifs.MotifSet`.

    Raises
    ------
    MissingFileError
        If there is no such file.
    StoreError
        If it is no HDF5 file, or what it holds is no matrix.
    """
    path = Path(filename).expanduser()
    if not path.is_file():
        raise MissingFileError(f"There is no file {path}. Check the path.")
    made = OldMotifSet()
    with open_hdf5(path) as file:
        for name in file:
            if getattr(file[name], "ndim", 0) != 2:
                raise StoreError(f"{path}: {name!r} is no matrix of (width, letters).")
            made.add_motif(OldMotif(name, np.asarray(file[name][:]), name=name))
    return made


def write_h5(motif_set: OldMotifSet | MotifSet, filename: str | Path) -> None:
    """Write motifs as `read_h5` reads them.

    Parameters
    ----------
    motif_set : seqpro.motifs.OldMotifSet or MotifSet
        The motifs.
    filename : str or Path
        Where the file goes; one that is there is replaced.
    """
    old = motif_set if isinstance(motif_set, OldMotifSet) else OldMotifSet.of(motif_set)
    with h5_module().File(Path(filename).expanduser(), "w") as file:
        for motif in old:
            file.create_dataset(motif.identifier, data=motif.pfm)
