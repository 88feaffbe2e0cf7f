"""Attributions of a run's test sequences, or of the sequences of a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from eugene._step import steps
from eugene.cli._bigwig import attributions_bigwig, overlap_of, wants_bigwig
from eugene.cli._call import Call
from eugene.cli._main import say
from eugene.cli._run import device_of, do_step, network_of, printed, read_file, spoken
from eugene.errors import EugeneError, UsageError

if TYPE_CHECKING:
    from eugene.runs import RunFolder

_ONLY_FILES = ("out", "fasta", "seq_col", "target", "methods", "hypothetical", "overlap")


def attribute(call: Call) -> int:
    """Attribute test sequences, or those of ``--input``."""
    if call.get("input") is not None:
        folder, config = network_of(call)
        return 0 if printed(call, config) else _attribute_file(call, folder, config)
    given = [name for name in _ONLY_FILES if call.has(name)]
    if given:
        raise UsageError(
            f"--{given[0]} goes with --input FILE; for the run's own test sequences use "
            f"--interpret.attribute.KEY. Example: {call.verb.example}"
        )
    return do_step(call)


def _attribute_file(call: Call, folder: RunFolder, config: Any) -> int:
    """Attribute the sequences of ``--input`` into the store ``--out``."""
    out, tracks = call.get("out"), wants_bigwig(call)
    if out is None or not (tracks or out.rstrip("/").endswith(".zarr")):
        wrong = "" if out is None else f", got {out}"
        raise UsageError(
            f"--input needs --out NAME.zarr{wrong}. Example: {call.verb.example}; of regions "
            "--out NAME.bw writes BigWig files"
        )
    if call.has("overlap") and not tracks:
        raise UsageError("--overlap goes with --out NAME.bw")
    overlap_of(call)
    if not Path(out).absolute().parent.is_dir():
        raise UsageError(f"--out {out}: the folder {Path(out).absolute().parent} does not exist")
    import xarray as xr

    from eugene.interpret._attribute import Explainer
    from eugene.interpret._store import write_attributions
    from eugene.interpret._targets import chosen_targets, explain_targets, tasks_of
    from eugene.runs import load

    options = steps()["attribute"].settings(config)
    methods = [word.strip() for word in (call.get("methods") or "").split(",") if word.strip()]
    with spoken(call):
        module = load(folder.path, allow_class_path=call.has("allow_class_path"))
        explainer = Explainer(
            module.explained,
            tuple(methods or options["methods"]),
            references=options["references"],
            n_references=options["n_references"],
            seed=config.seed,
            batch_size=options["batch_size"],
            hypothetical=call.has("hypothetical") or options["hypothetical"],
            device=device_of(call),
        )
        targets = chosen_targets(_target(call.get("target"), options["target"]), tasks_of(module))
        ds, names = read_file(call, folder)

        def write(path: str) -> xr.Dataset:
            return write_attributions(
                explain_targets(explainer, targets),
                ds,
                path,
                beside=xr.Dataset({"name": ("_sequence", names)}),
                overwrite=call.has("overwrite"),
                progress=call.progress,
            )

        files = attributions_bigwig(call, ds, write) if tracks else []
        if not tracks:
            write(out)
    say(f"{len(names)} sequences by {', '.join(explainer.methods)}")
    for file in files or [Path(out)]:
        say(f"attributions: {file}")
    return 0


def _target(text: str | None, default: object) -> object:
    """Return an output's number or name from the command line."""
    if text is None:
        return default
    if text.partition(":")[0].partition("_")[0] in {"counts", "profile"}:
        return text
    try:
        places = tuple(int(word) for word in text.split(","))
    except ValueError:
        message = f"--target {text}: expected a number such as 0, or 'counts' or 'profile'"
        raise EugeneError(message) from None
    return places[0] if len(places) == 1 else places
