"""Windows cut from genome files as a network is trained, without a store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import pandas as pd
import xarray as xr

import seqdata as sd
from eugene.data._files import PathLike, signal_files, signal_track
from eugene.data._negatives import SourceError
from eugene.data._regions import read_regions


def genome(
    fasta: PathLike,
    bed: PathLike | pd.DataFrame,
    bigwigs: PathLike | Sequence[PathLike] | Mapping[str, PathLike] | None = None,
    *,
    width: int,
    strands: Sequence[str] | None = None,
    pairs: Sequence[str] | None = None,
    controls: PathLike | Sequence[PathLike] | Mapping[str, PathLike] | None = None,
    control_strands: Sequence[str] | None = None,
    missing: Literal["warn", "zero", "error"] = "warn",
    contigs: Sequence[str] | None = None,
    seq_var: str = "seq",
    alphabet: str = "DNA",
    on_unknown: Literal["error", "warn", "n"] = "warn",
    cache_dir: PathLike | None = None,
) -> xr.Dataset:
    r"""Open windows of a genome that are cut as batches ask for them; nothing is stored.

    Targets are columns of the BED file or table, or the signal itself, ``cov``.

    Parameters
    ----------
    fasta : path
        FASTA file of the genome; a plain one is faster than bgzip.
    bed : path or DataFrame
        Regions, one a row; a window is cut around the summit or the middle of each.
    bigwigs : path, sequence of paths, mapping of str to path, or None
        Signal, ``cov`` (_sequence, cov_sample, _length), samples named by the mapping or the file.
    width : int
        Length of the windows in bp; jitter needs no more room.
    strands : sequence of str or None
        Strand ``+``, ``-`` or ``.`` of each signal file.
    pairs : sequence of str or None
        For each signal file the sample that it is paired with, where their names do not tell.
    controls : path, sequence of paths, mapping of str to path, or None
        Control signal, ``control`` (_sequence, control_sample, _length).
    control_strands : sequence of str or None
        Strand of each control file.
    missing : {"warn", "zero", "error"}
        What to do where a signal file leaves out a contig of the genome: its signal is 0, said
        or not, or that is an error.
    contigs : sequence of str or None
        Keep regions on these contigs only.
    seq_var : str
        Name of the sequences in the dataset.
    alphabet : str
        ``"DNA"``, ``"RNA"``, or the letters.
    on_unknown : {"error", "warn", "n"}
        What to do with a letter of the genome outside the alphabet; ``"n"`` writes N.
    cache_dir : path or None
        Where decoded signal is kept; default the cache directory.

    Returns
    -------
    xarray.Dataset
        What `seqdata.open_regions` returns.

    Raises
    ------
    SourceError
        Where no region lies on a contig that is asked for.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     fa, peaks = Path(folder) / "g.fa", Path(folder) / "p.bed"
    ...     _ = fa.write_text(">c\n" + "ACGT" * 100 + "\n")
    ...     _ = peaks.write_text("c\t100\t140\tx\t5\n")
    ...     ds = genome(fa, peaks, width=20)
    ...     ds["seq"].shape, ds["score"].values.tolist()
    ((1, 20), [5.0])
    """
    regions, _ = read_regions(bed, contigs, "region")
    signal, beside = signal_files(bigwigs), signal_files(controls)
    letters = sd.GenomeFASTA(seq_var, fasta, alphabet=alphabet, on_unknown=on_unknown)
    readers: list[sd.GenomeFASTA | sd.BigWig] = [letters]
    if signal:
        readers.append(signal_track("cov", signal, strands, pairs, missing))
    elif strands is not None:
        raise SourceError("strands: there is no signal to have strands: give `bigwigs`.")
    if beside:
        readers.append(signal_track("control", beside, control_strands, None, missing))
    elif control_strands is not None:
        raise SourceError("control_strands: there is no control: give `controls`.")
    return sd.open_regions(*readers, bed=regions, fixed_length=width, cache_dir=cache_dir)
