"""Seqlets and TF-MoDISco, of a run's own attributions or of the sequences of a file."""

from __future__ import annotations

from eugene._optional import require
from eugene._step import steps
from eugene._table import delimited
from eugene.cli._call import Call
from eugene.cli._explain import explained, require_place
from eugene.cli._main import say
from eugene.cli._run import check_out, do_step, network_of, printed, spoken
from eugene.errors import UsageError

_ONLY_FILES = ("fasta", "seq_col", "target")


def _of_run(call: Call) -> bool:
    """Tell whether the run's own sequences are meant; options of files are refused then."""
    if call.get("input") is not None:
        if call.get("out") is None:
            raise UsageError(f"--input needs --out. Example: {call.verb.example}")
        return False
    only = (*_ONLY_FILES, *(() if call.verb.suffixes else ("out",)))
    given = [name for name in only if call.has(name)]
    if given:
        raise UsageError(
            f"--{given[0]} goes with --input FILE; for the run's own test sequences use "
            f"--interpret.{call.verb.name}.KEY. Example: {call.verb.example}"
        )
    return True


def seqlets(call: Call) -> int:
    """Call seqlets on what ``attribute`` wrote, or on attributions of ``--input``."""
    if _of_run(call):
        return do_step(call)
    from eugene.interpret._hits import with_places
    from eugene.runs.steps.seqlets import named_seqlets

    out = check_out(call, *call.verb.suffixes)
    assert out is not None
    separator = delimited(out)
    folder, config = network_of(call)
    if printed(call, config):
        return 0
    settings = dict(steps()["seqlets"].settings(config))
    method = settings.pop("method")
    with spoken(call):
        methods = [] if method is None else [method]
        found = explained(call, folder, config, methods=methods)
        with found.attributed() as ds:
            table, _ = named_seqlets(ds.load(), method, **settings)
            table = with_places(ds, table)
    table.insert(0, "name", [found.names[row] for row in table["sequence"]])
    table.to_csv(out, sep=separator, index=False)
    _say_seqlets(len(table), int((table["motif"] != "seqlet").sum()), len(found.names))
    say(f"seqlets: {out}")
    return 0


def _say_seqlets(n: int, named: int, sequences: int) -> None:
    say(f"{n} seqlets in {sequences} sequences, {named} of them like a known motif")


def modisco(call: Call) -> int:
    """Find motifs in attributions of a run's sequences, or of those of ``--input``."""
    if _of_run(call):
        return do_step(call)
    from eugene.runs.steps.modisco import patterns

    out = require_place(call)
    folder, config = network_of(call)
    if printed(call, config):
        return 0
    require("modiscolite", extra="modisco")
    if out.exists() and not call.has("overwrite"):
        raise UsageError(f"--out {out} exists; give --overwrite to write into it")
    settings = steps()["modisco"].settings(config)
    with spoken(call):
        found = explained(
            call, folder, config, step="modisco", methods=[str(settings["method"])],
            hypothetical=True,
        )  # fmt: skip
        with found.attributed() as ds:
            patterns(
                ds.load(),
                lambda label: out / label,
                motif_db=str(settings["motif_db"]),
                name=str(call.get("input")),
                progress=call.progress,
                window=settings["window"],
                max_seqlets=settings["max_seqlets"],
                min_seqlets=settings["min_seqlets"],
                n_leiden_runs=settings["n_leiden_runs"],
                target_fdr=settings["target_fdr"],
            )
    say(f"patterns: {out}")
    return 0
