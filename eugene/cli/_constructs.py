"""Payloads in a locus: built, and written as another program's files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from eugene.cli._call import Call
from eugene.cli._main import say
from eugene.errors import RunExistsError, UsageError

_ACTIONS = ("build", "export", "predict")


def constructs(call: Call) -> int:
    """Build constructs, write those of a store for another program, or predict them.

    Parameters
    ----------
    call : Call
        ``build``; ``export`` and a store; or ``predict`` and a run.

    Returns
    -------
    int
        0.

    Raises
    ------
    UsageError
        For another word, or if something is not given.
    RunExistsError
        If something is at ``--out`` already.
    """
    action, rest = call.action(_ACTIONS)
    out = call.get("out")
    if out is None:
        raise UsageError(f"--out is needed. Example: {call.verb.example}")
    if Path(out).exists() and not call.has("overwrite"):
        raise RunExistsError(f"{out} exists. Give --overwrite to replace it, or another path.")
    done = {"build": _build, "export": _export, "predict": _predict}[action]
    return done(call, rest, Path(out))


def needed(call: Call, *names: str) -> list[str]:
    """Return options that have to be given.

    Raises
    ------
    UsageError
        If one was not.
    """
    given = [call.get(name) for name in names]
    for name, value in zip(names, given, strict=True):
        if value is None:
            raise UsageError(f"--{name} is needed. Example: {call.verb.example}")
    return [str(value) for value in given]


def _build(call: Call, rest: list[str], out: Path) -> int:
    import seqdata as sd

    if rest:
        raise UsageError(f"'eugene constructs build' takes no word, got {rest[0]!r}")
    table, fasta, reference, context = needed(call, "table", "fasta", "reference", "context")
    options: dict[str, Any] = {"missing": "drop" if call.has("drop_missing") else "error"}
    options |= {
        name: value
        for name in ("length", "padding")
        if (value := call.whole(name, None)) is not None
    }
    if call.has("unmeasured"):
        options["activity_col"] = None
    store = out.suffix != ".tsv"
    ds = sd.constructs.build(
        table, fasta, reference, context, call.get("annotation"),
        out=out if store else None, overwrite=call.has("overwrite"), **options,
    )  # fmt: skip
    if not store:
        sd.constructs.to_tsv(ds, out, overwrite=call.has("overwrite"))
    n, total = ds["seq"].shape
    sites = sum(len(sd.constructs.read_sites(str(v))) for v in ds["sites"].to_numpy())
    payload = ds["payload_length"].to_numpy()
    say(
        f"{n:,} constructs of {total:,} bp in {ds.attrs['context']}: payloads of {payload.min():,} "
        f"to {payload.max():,} bp, {sites:,} sites"
    )
    say(f"data: {out}")
    return 0


def _export(call: Call, rest: list[str], out: Path) -> int:
    import seqdata as sd

    if len(rest) != 1 or out.suffix not in (".tsv", ".npy"):
        raise UsageError("expected 'eugene constructs export STORE.zarr --out FILE.tsv', or .npy")
    ds, again = sd.open_zarr(rest[0]), call.has("overwrite")
    if out.suffix == ".tsv":
        sd.constructs.to_tsv(ds, out, overwrite=again)
        say(f"{ds.sizes['_sequence']:,} constructs: {out}")
        return 0
    strides = call.whole("strides", None, 1)
    if strides is not None:
        ds = sd.constructs.sample(
            ds, call.whole("length", None, 1), 1, strides, call.whole("seed", 0)
        )
    sd.constructs.to_npy(ds, out, overwrite=again)
    say(f"{ds.sizes['_sequence']:,} sequences of {ds['seq'].shape[1]:,} bp, one-hot: {out}")
    return 0


def _predict(call: Call, rest: list[str], out: Path) -> int:
    import seqdata as sd
    from eugene.cli._run import device_of, spoken
    from eugene.evaluate import predict_constructs
    from eugene.modules import SequenceModule, TrackModule
    from eugene.runs import load

    if len(rest) != 1:
        raise UsageError("expected 'eugene constructs predict RUN_DIR --input STORE.zarr'")
    (store,) = needed(call, "input")
    device, trusted = device_of(call), call.has("allow_class_path")
    network = load(rest[0], device=device, allow_class_path=trusted)
    if not isinstance(network, SequenceModule):
        raise UsageError(f"{rest[0]} holds a {type(network).__name__}: give it as --tracks RUN_DIR")
    tracks = None
    if (other := call.get("tracks")) is not None:
        tracks = load(other, device=device, allow_class_path=trusted)
        if not isinstance(tracks, TrackModule):
            raise UsageError(f"--tracks {other} holds a {type(tracks).__name__}, expected tracks")
    track = call.get("track") or "0"
    form = call.get("format") or "table"
    with spoken(call):
        found = predict_constructs(
            network, sd.open_zarr(store), tracks=tracks, n=call.whole("strides", 10, 1),
            track=int(track) if track.isdigit() else track, seed=call.whole("seed", 0),
            bin_size=getattr(tracks, "bin_size", None) or 128,
        )  # fmt: skip
        files = found.write(out, format=form, overwrite=call.has("overwrite"))  # type: ignore[arg-type]
    measured = found.constructs.dropna(subset=["activity", "predicted"])
    if len(measured) > 2:
        r = measured["activity"].corr(measured["predicted"])
        say(f"pearson {r:.3f} over {len(measured):,} measured constructs")
    for file in files:
        say(f"table: {file}")
    return 0
