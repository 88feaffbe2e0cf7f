"""New tracks: windows with signal, a head on a trunk, predictions of regions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from eugene.cli._call import Call
from eugene.cli._constructs import needed
from eugene.cli._main import say
from eugene.cli._run import check_out, device_of, fit_config, load_config, spoken
from eugene.errors import UsageError

_ACTIONS = ("build", "fit", "predict")
_WRITTEN = (".bw", ".bigwig", ".bedgraph", ".bg", ".gz")


def tracks(call: Call) -> int:
    """Build windows with tracks, train a head on them, or predict the tracks of regions.

    Parameters
    ----------
    call : Call
        ``build``; ``fit`` and a store; or ``predict`` and a run.

    Returns
    -------
    int
        Exit code.

    Raises
    ------
    UsageError
        For another word, or if something is not given.
    """
    action, rest = call.action(_ACTIONS)
    if len(rest) != (action != "build"):
        raise UsageError(f"expected 'eugene tracks {call.verb.words}', got {' '.join(call.words)}")
    if action != "fit" and call.overrides:
        raise UsageError(f"--{call.overrides[0][0]} goes with 'eugene tracks fit'")
    if action == "build":
        return _build(call)
    return _fit(call, rest[0]) if action == "fit" else _predict(call, rest[0])


def _build(call: Call) -> int:
    from eugene.tracks import build, to_hdf5

    table, fasta, bed, out = needed(call, "table", "fasta", "bed", "out")
    options: dict[str, Any] = {"cutoff": call.number("cutoff", None)}
    for name in ("length", "bin_size", "n", "seed"):
        if (value := call.whole(name, None, int(name != "seed"))) is not None:
            options[name] = value
    if call.has("zero"):
        options["uncovered"] = "zero"
    held = {part: call.get(part) for part in ("val", "test")}
    if any(held.values()):
        options["held_out"] = {k: str(v).split(",") for k, v in held.items() if v}
    hdf5 = Path(out).suffix in (".h5", ".hdf5")
    with spoken(call):
        ds = build(
            table, fasta, bed, out=None if hdf5 else out, overwrite=call.has("overwrite"), **options
        )
        if hdf5:
            to_hdf5(ds, out, overwrite=call.has("overwrite"))
    n, tracks_, bins = ds["cov"].shape
    split = ds["split"].to_numpy()
    parts = enumerate(("train", "val", "test"))
    counts = ", ".join(f"{int((split == i).sum()):,} {name}" for i, name in parts)
    say(f"{n:,} windows ({counts}) of {tracks_} tracks in {bins} bins")
    say(f"data: {out}")
    return 0


def _fit(call: Call, store: str) -> int:
    from eugene.tracks import with_store
    from eugene.tracks._fit import RECIPE

    config = with_store(load_config(call, call.get("config") or RECIPE), store)
    out = call.get("out")
    return fit_config(call, config if out is None else config.replaced({"run_dir": out}))


def _predict(call: Call, run_dir: str) -> int:
    from eugene.modules import TrackModule
    from eugene.runs import RunFolder, load
    from eugene.tracks import correlate, predict, write

    fasta, bed, out = needed(call, "fasta", "bed", "out")
    store = Path(out).suffix == ".zarr"
    if not store:
        check_out(call, *_WRITTEN)
    loaded = load(run_dir, device=device_of(call), allow_class_path=call.has("allow_class_path"))
    if not isinstance(loaded, TrackModule):
        raise UsageError(f"{run_dir} holds a {type(loaded).__name__}, expected a run of tracks")
    shifts = call.whole("shifts", 0)
    with spoken(call):
        ds = predict(
            loaded, fasta, bed, length=RunFolder(run_dir).read_json("data.json")["input_len"],
            bin_size=loaded.bin_size or 128, shifts=shifts,
            reverse_complement=not call.has("forward"),
            out=out if store else None, overwrite=call.has("overwrite"),
        )  # fmt: skip
        files = [Path(out)] if store else write(ds, out, contigs=fasta)
    for file in files:
        say(f"track: {file}")
    if (measured := call.get("table")) is not None:
        for row in correlate(ds, measured, n_bootstrap=0).itertuples():
            say(f"{row.track}: pearson {row.pearson:.3f} over {row.bins:,} bins")
    return 0
