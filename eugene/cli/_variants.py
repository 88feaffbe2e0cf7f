"""Effects of variants under a trained network."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from eugene._holding import holding
from eugene._step import steps
from eugene._table import aligned
from eugene.cli._call import Call
from eugene.cli._main import say
from eugene.cli._run import device_of, network_of, printed, spoken
from eugene.errors import EugeneError, UsageError

if TYPE_CHECKING:
    import pandas as pd

    from eugene._folder import RunFolder
    from eugene._step import Settings
    from eugene.config import RunConfig

_SHOWN = 20
_SHOWN_COLUMNS = ("chrom", "pos", "id", "ref", "alt")


def variants(call: Call) -> int:
    """Score the variants of ``--vcf`` on windows of ``--fasta``, or of the genome of the run.

    A run keeps what comes of it for its report; a folder of `eugene.train.fit` does not.
    """
    folder, config = network_of(call)
    if printed(call, config):
        return 0
    settings = _settings(call, config)
    if settings["vcf"] is None:
        raise UsageError(f"'eugene variants' needs --vcf FILE. Example: {call.verb.example}")
    genome = _genome(call, config, settings["fasta"])
    out = call.get("out")
    kept = not folder.trained_in_python and os.access(folder.path, os.W_OK)
    with spoken(call):
        table = (_kept if kept else _scored)(call, folder, config, genome, settings)
    _show(table, out)
    if kept:
        from eugene.report._variants import FOLDER, stem_of

        say(f"kept: {folder / FOLDER / stem_of(settings['vcf'])}.csv, for 'eugene report'")
    elif not folder.trained_in_python:
        say(f"{folder.path} cannot be written into, so the run does not keep the effects")
    return 0


def _kept(
    call: Call, folder: RunFolder, config: RunConfig, genome: str, settings: Settings
) -> pd.DataFrame:
    """Score as the step of a run does."""
    from eugene.runs import load
    from eugene.runs._variants import keep_variants

    device = device_of(call)
    clock = time.monotonic()
    with holding(folder.path):
        module = load(folder.path, allow_class_path=call.has("allow_class_path"))
        table = keep_variants(
            folder,
            module,
            genome,
            settings,
            seed=config.seed,
            out=call.get("out"),
            resume=not call.has("overwrite"),
            device=device,
            progress=call.progress,
        )
        # a file that is refused leaves the record of the run as it is
        folder.record("variants", status="done", seconds=round(time.monotonic() - clock, 3))
    return table


def _scored(
    call: Call, folder: RunFolder, _: RunConfig, genome: str, settings: Settings
) -> pd.DataFrame:
    """Score, and keep nothing."""
    from eugene.interpret import variant_effects
    from eugene.runs import load
    from eugene.runs._variants import SCORED_BY, output_of

    module = load(folder.path, allow_class_path=call.has("allow_class_path"))
    return variant_effects(
        module,
        genome,
        settings["vcf"],
        out=call.get("out"),
        resume=not call.has("overwrite"),
        progress=call.progress,
        device=device_of(call),
        **output_of(module, settings["target"]),
        **{key: settings[key] for key in SCORED_BY},
    )


def _genome(call: Call, config: RunConfig, given: str | None = None) -> str:
    """Return the genome that is given, or the one that the run cut its windows from."""
    from eugene.runs._variants import require_genome

    try:
        found = require_genome(config, given)
    except EugeneError as error:
        needs = f"'eugene variants' needs --fasta FILE. Example: {call.verb.example}"
        raise UsageError(f"{error}: {needs}") from None
    if given is None:
        say(f"genome: {found}, that of the run")
    return found


def _settings(call: Call, config: RunConfig) -> Settings:
    """Return the settings of the step, with the options of the command line over them."""
    step = steps()["variants"]
    found = {
        key: list(v) if isinstance(v, tuple) else v for key, v in step.settings(config).items()
    }
    words = ("vcf", "fasta", "strands", "align", "on_mismatch", "on_symbolic")
    found |= {name: call.get(name) for name in words if call.has(name)}
    if call.has("scores"):
        found["scores"] = _listed(call, "scores")
    if call.has("shifts"):
        try:
            found["shifts"] = [int(word) for word in _listed(call, "shifts")]
        except ValueError:
            message = f"--shifts {call.get('shifts')}: expected whole numbers of bp such as -5,0,5"
            raise UsageError(message) from None
    for name, least in (("batch_size", 1), ("n_controls", 0)):
        if call.has(name):
            found[name] = call.whole(name, None, least)
    return found


def _listed(call: Call, name: str) -> list[str]:
    return [word.strip() for word in str(call.get(name)).split(",") if word.strip()]


def _show(table: pd.DataFrame, out: str | None) -> None:
    counts = table.attrs
    if out is None:
        first = table.columns.get_loc("genome") + 1 if "genome" in table.columns else 5
        columns = [*_SHOWN_COLUMNS, *table.columns[first:]]
        rows = [list(row) for row in table[columns].head(_SHOWN).itertuples(index=False)]
        say(aligned(columns, rows))
        if len(table) > _SHOWN:
            say(f"... {len(table) - _SHOWN} more; --out FILE.tsv writes all")
    else:
        say(f"effects: {Path(out)}")
    say(
        f"{len(table)} of {counts['n_variants']} variants scored; the genome differs from the "
        f"reference allele of {counts['n_mismatches']}, {counts['n_dropped']} left out"
        + (f"; {n} alleles without letters left out" if (n := counts.get("n_symbolic")) else "")
    )
