"""Predictions and attributions of regions as BigWig files."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_args

import numpy as np

from eugene._holding import holding
from eugene.cli._call import Call
from eugene.cli._main import say
from eugene.cli._run import (
    check_out,
    device_of,
    network_of,
    printed,
    read_file,
    reopened,
    spoken,
)
from eugene.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

    from eugene._bigwig import Overlap
    from eugene.config import RunConfig
    from eugene.modules import ProfileModule
    from eugene.runs import Run, RunFolder

SUFFIXES = (".bw", ".bigwig")


def wants_bigwig(call: Call) -> bool:
    """Tell whether ``--out`` names a BigWig file."""
    return Path(call.get("out") or "").suffix.lower() in SUFFIXES


def overlap_of(call: Call) -> Overlap:
    """Return ``--overlap``, before anything is computed."""
    from eugene._bigwig import Overlap

    return cast("Overlap", _choice(call, "overlap", get_args(Overlap)))


def _choice(call: Call, name: str, known: Sequence[str]) -> str:
    given = str(call.get(name))
    if given not in known:
        raise UsageError(f"--{name} {given}{did_you_mean(given, known)}")
    return given


def genome_of(call: Call, ds: xr.Dataset) -> str:
    """Return the file of the genome that the windows of ``--input`` were cut from.

    Raises
    ------
    UsageError
        If the input holds no regions of a genome.
    """
    genome = ds.attrs.get("genome")
    if genome is None:
        raise UsageError(
            f"--out {call.get('out')}: {call.get('input')} holds no regions of a genome, which "
            "BigWig files are made of; give --input a BED file"
        )
    return str(genome)


def predict_bigwig(call: Call) -> int:
    """Write what is predicted of regions, or of the rows of the run, as BigWig files."""
    from eugene.evaluate._bigwig import SHOWN

    path = check_out(call, *SUFFIXES)
    options: dict[str, Any] = {
        "overlap": overlap_of(call),
        "what": _choice(call, "what", SHOWN),
    }
    assert path is not None
    if call.get("input") is None:
        with spoken(call):
            run = reopened(call)
            if run is None:
                return 0
            with holding(run.network.path):
                return _said(_of_run(call, run, path, options))
    folder, config = network_of(call)
    if printed(call, config):
        return 0
    with spoken(call):
        return _said(_of_file(call, folder, config, path, options))


def _said(files: Sequence[Path]) -> int:
    for file in files:
        say(f"track: {file}")
    return 0


def _profile_module(call: Call, module: object, folder: Path) -> ProfileModule:
    """Return a module if it gives profiles."""
    from eugene.modules import ProfileModule

    if isinstance(module, ProfileModule):
        return module
    raise UsageError(
        f"--out {call.get('out')}: the network of {folder} is a {type(module).__name__} and gives "
        "one value a window, not one a base: take --out NAME.tsv, or a run with "
        "module: {name: profile}"
    )


def _of_run(call: Call, run: Run, path: Path, options: Mapping[str, Any]) -> list[Path]:
    """Write the tracks of every row of a run."""
    import seqdata as sd
    from eugene.evaluate._bigwig import predictions_to_bigwig
    from eugene.runs._load import require_trained

    require_trained(run.network)
    _profile_module(call, run.module, run.network.path)
    if call.has("part"):
        raise UsageError("--part goes with --input FILE.bed")
    genome = call.get("fasta") or run.config.section("data").get("fasta")
    if genome is None:
        raise UsageError(
            f"--out {path}: the run did not read regions of a genome, so nothing says how long "
            "its contigs are; give --fasta GENOME.fa"
        )
    run.write_predictions()
    with sd.open_zarr(run.folder.predictions) as ds:
        return predictions_to_bigwig(ds, path, contigs=str(genome), **options)


def _of_file(
    call: Call, folder: RunFolder, config: RunConfig, path: Path, options: Mapping[str, Any]
) -> list[Path]:
    """Write the tracks of the windows of ``--input``."""
    from eugene._bigwig import places_of
    from eugene.evaluate._bigwig import write_predicted
    from eugene.runs import load

    trusted = call.has("allow_class_path")
    loaded = load(folder.path, device=device_of(call), allow_class_path=trusted)
    module = _profile_module(call, loaded, folder.path)
    ds, _ = read_file(call, folder)
    genome = genome_of(call, ds)
    averaged = {
        key: value
        for key in ("reverse_complement", "shifts")
        if (value := config.section("evaluate").get(key))
    }
    if averaged:
        say(f"averaged as the run is: {', '.join(f'{k} {v}' for k, v in averaged.items())}")
    letters, part = ds["seq"], call.get("part")

    def predict(rows: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[Any]]:
        found = module.predict(letters.isel(_sequence=rows), part=part, **averaged)
        return found.profile.numpy(), found.counts.numpy()

    first = predict(np.arange(1))[0]
    layout = module.layout
    tracks = list(layout.names) if layout else list(map(str, range(first.shape[1])))
    pairs = [layout.names[mate] for mate in layout.pairs] if layout else None
    tasks = layout.tasks if layout else {str(i): (i,) for i in range(len(tracks))}
    return write_predicted(
        predict, places_of(ds), tracks, tasks, path, contigs=genome, pairs=pairs,
        progress=call.progress, **options,
    )  # fmt: skip


def attributions_bigwig(
    call: Call, ds: xr.Dataset, write: Callable[[str], xr.Dataset]
) -> list[Path]:
    """Write attributions as BigWig files.

    Parameters
    ----------
    call : Call
        Its ``--out`` names the files.
    ds : xarray.Dataset
        The windows of ``--input``.
    write : callable
        Writes a store under the path that it is given, and returns it opened.

    Returns
    -------
    list of Path
        The files.
    """
    from eugene.interpret._bigwig import attributions_to_bigwig

    overlap, genome = overlap_of(call), genome_of(call, ds)
    with tempfile.TemporaryDirectory(prefix="eugene-attribute-") as folder:
        found = write(f"{folder}/attributions.zarr")
        return attributions_to_bigwig(found, str(call.get("out")), contigs=genome, overlap=overlap)
