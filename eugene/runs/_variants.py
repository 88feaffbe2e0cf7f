"""Effects of variants as a run keeps them: the scored table, its controls, and maps around."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from eugene.errors import EugeneError
from eugene.report._variants import CONTROLS, FOLDER, MAPS, REACH, output_labels, stem_of

if TYPE_CHECKING:
    import pandas as pd
    import torch

    from eugene._folder import RunFolder
    from eugene._step import Settings
    from eugene.config import RunConfig
    from seqdata.readers.fasta import GenomeFASTA

logger = logging.getLogger("eugene.runs")
_OF_GENOMES = ("regions", "genome", "tracks", "binned")
OF_TRACKS = (
    "a network of tracks has many values a window; score its variants in Python, by "
    "eugene.interpret.variant_effects with target=(track, bin)"
)
"""Why variants are not scored on a network of tracks."""
SCORED_BY = ("scores", "strands", "shifts", "align", "on_mismatch", "on_symbolic", "batch_size")
"""Settings that `eugene.interpret.variant_effects` is given as they are."""


def genome_of(config: RunConfig) -> str | None:
    """Return the genome that a run cut its windows from; None where there was none."""
    section = config.section("data")
    own = section.get("fasta") if section.get("name") in _OF_GENOMES else section.get("reference")
    return None if own is None else str(own)


def output_of(module: torch.nn.Module, target: int | str | None) -> Settings:
    """Return which outputs are scored, and what they are called, as keywords.

    Of a network of profiles these are the log counts, where nothing else is asked for.

    Raises
    ------
    EugeneError
        Of a network of tracks.
    """
    from eugene.interpret._targets import tasks_of
    from eugene.modules import TrackModule

    if isinstance(module, TrackModule):
        raise EugeneError(OF_TRACKS)
    tasks = tasks_of(module)
    if tasks is None or target not in (None, "counts"):
        return {"target": target}
    return {"target": "counts", "names": list(tasks) if len(tasks) > 1 else None}


def keep_variants(
    folder: RunFolder,
    module: torch.nn.Module,
    fasta: str,
    settings: Settings,
    *,
    seed: int,
    out: str | None = None,
    resume: bool = True,
    device: str | None = None,
    progress: bool = False,
) -> pd.DataFrame:
    """Score variants and keep what comes of it in a run folder, under the name of their file.

    Parameters
    ----------
    folder : RunFolder
        The run; what it has of a file of that name is replaced.
    module : torch.nn.Module
        Its trained network.
    fasta : str
        FASTA file of the genome.
    settings : mapping
        Those of the step `variants`.
    seed : int
        Seed of the control substitutions.
    out, resume
        As in `eugene.interpret.variant_effects`.
    device : str, optional
        Where to compute.
    progress : bool, optional
        Draw bars.

    Returns
    -------
    pandas.DataFrame
        The scored table, with ``p_value`` and ``q_value`` of substitutions where there are
        controls, of each output.

    Raises
    ------
    seqdata.errors.VariantError
        If a line is no variant, or the genome differs from it.
    """
    from eugene.interpret import variant_effects
    from seqdata.readers.fasta import GenomeFASTA

    if not settings["scores"]:
        raise EugeneError("scores is empty: expected difference, log_fold or both")
    name = stem_of(settings["vcf"])
    said = f"{FOLDER}/{name}.json"
    before = folder.read(said).get("vcf")
    if before is not None and before != settings["vcf"]:
        logger.warning("variants: the effects of %s, another %s, are replaced", before, name)
    scoring: Settings = {key: settings[key] for key in SCORED_BY}
    scoring |= {"device": device, "progress": progress, **output_of(module, settings["target"])}
    table = variant_effects(module, fasta, settings["vcf"], out=out, resume=resume, **scoring)
    by = scoring["scores"][0]
    with contextlib.closing(GenomeFASTA("seq", fasta)) as genome:
        few = {**scoring, "scores": [by], "on_mismatch": "error", "progress": False}
        controls = _controls(module, genome, table, settings["n_controls"], seed, few)
        maps = _maps(module, genome, table, settings["n_maps"], by, few)
    table = _with_significance(table, controls, by)
    for part, suffix in ((table, ""), (controls, CONTROLS), (maps, MAPS)):
        folder.write_table(f"{FOLDER}/{name}{suffix}.csv", part)
    folder.write_json(
        said,
        {
            **{key: settings[key] for key in ("vcf", *SCORED_BY)},
            "fasta": fasta,
            "target": scoring["target"],
            "seed": seed,
            "by": by,
            "n_scored": len(table),
            "n_controls": len(controls),
            **{k: table.attrs[k] for k in table.attrs if k.startswith("n_")},
        },
    )
    logger.info("variants: %d scored, %d control substitutions", len(table), len(controls))
    return table


def _controls(
    module: torch.nn.Module,
    genome: GenomeFASTA,
    table: pd.DataFrame,
    n: int,
    seed: int,
    few: Settings,
) -> pd.DataFrame:
    """Score substitutions of the same letters at other places of the windows."""
    from eugene.interpret import variant_effects
    from eugene.interpret._variant_beside import control_substitutions, is_substitution

    given = table[is_substitution(table) & table["matches"].to_numpy(dtype=bool)]
    if not len(given):
        return given[["chrom", "pos", "ref", "alt"]]
    reach = max(1, int(table["end"].iloc[0] - table["start"].iloc[0]) // 2)
    drawn = control_substitutions(genome, given, n, reach=reach, seed=seed)
    if not len(drawn):
        return drawn
    return variant_effects(module, genome, drawn, **few).drop(columns=["id", "matches", "genome"])


def _with_significance(table: pd.DataFrame, controls: pd.DataFrame, by: str) -> pd.DataFrame:
    """Add how often controls change each output as much, and the share of false discoveries."""
    import numpy as np

    from eugene.interpret._variant_beside import empirical_p, is_substitution
    from seqexplainer.statistics import benjamini_hochberg

    found = table.copy()
    found.attrs = dict(table.attrs)
    if not len(controls):
        return found
    one = is_substitution(table)
    for label in output_labels(table):
        effects = np.where(one, table[by + label].to_numpy(float), np.nan)
        p = empirical_p(effects, controls[by + label].to_numpy(float))
        q = np.full(len(p), np.nan)
        there = np.isfinite(p)
        if there.any():
            q[there] = benjamini_hochberg(p[there])
        found[f"p_value{label}"], found[f"q_value{label}"] = p, q
    return found


def _maps(
    module: torch.nn.Module,
    genome: GenomeFASTA,
    table: pd.DataFrame,
    n: int,
    by: str,
    few: Settings,
) -> pd.DataFrame:
    """Score every substitution around the strongest variants, by their first output.

    Returns
    -------
    pandas.DataFrame
        ``variant`` (row of the table), ``chrom``, ``pos`` (1-based), ``ref``, and the effect of
        ``A``, ``C``, ``G`` and ``T`` there, 0 for the letter that is there.
    """
    import pandas as pd

    from eugene.interpret import variant_effects
    from eugene.interpret._variant_beside import substitutions_around

    columns = ["variant", "chrom", "pos", "ref", *"ACGT"]
    label = output_labels(table)[0] if len(table) else ""
    here = table[table["matches"].to_numpy(dtype=bool)] if len(table) else table
    if not len(here) or not n:
        return pd.DataFrame({name: [] for name in columns})
    strongest = here[by + label].abs().sort_values(ascending=False, kind="stable").index[:n]
    parts = []
    for row in strongest:
        around = substitutions_around(genome, table.loc[[row]], REACH)
        scored = variant_effects(module, genome, around, **few)
        wide = scored.pivot(index=["chrom", "pos", "ref"], columns="alt", values=by + label)
        wide = wide.reindex(columns=list("ACGT")).reset_index()
        for letter in "ACGT":
            wide.loc[wide["ref"] == letter, letter] = 0.0
        wide.insert(0, "variant", row)
        parts.append(wide)
    return pd.concat(parts, ignore_index=True)[columns]


def require_genome(config: RunConfig, fasta: str | None) -> str:
    """Return the genome that is given, or that of the run.

    Raises
    ------
    EugeneError
        If there is none, or it is not there any more.
    """
    own = genome_of(config) if fasta is None else fasta
    if own is None:
        raise EugeneError("the run was not made on a genome")
    if not Path(own).is_file():
        whose = "the genome of the run" if fasta is None else "the genome"
        raise EugeneError(f"{whose}, {own}, is not there any more")
    return own
