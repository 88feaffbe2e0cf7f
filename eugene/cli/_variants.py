"""Effects of variants under a trained network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from eugene._table import aligned
from eugene.cli._call import Call
from eugene.cli._main import say
from eugene.cli._run import device_of, network_of, printed, spoken
from eugene.errors import UsageError

if TYPE_CHECKING:
    from eugene.config import RunConfig

_OF_GENOMES = ("regions", "genome", "tracks", "binned")
_SHOWN = 20
_SHOWN_COLUMNS = ("chrom", "pos", "id", "ref", "alt")


def variants(call: Call) -> int:
    """Score the variants of ``--vcf`` on windows of ``--fasta``, or of the genome of the run."""
    folder, config = network_of(call)
    if printed(call, config):
        return 0
    if call.get("vcf") is None:
        raise UsageError(f"'eugene variants' needs --vcf FILE. Example: {call.verb.example}")
    genome = _genome(call, config)
    options = _options(call)
    from eugene.interpret import variant_effects
    from eugene.runs import load

    out = call.get("out")
    with spoken(call):
        module = load(folder.path, allow_class_path=call.has("allow_class_path"))
        table = variant_effects(
            module,
            genome,
            str(call.get("vcf")),
            out=out,
            resume=not call.has("overwrite"),
            progress=call.progress,
            **options,
        )
    _show(table, out)
    return 0


def _genome(call: Call, config: RunConfig) -> str:
    """Return ``--fasta``, or the genome that the run cut its windows from."""
    given = call.get("fasta")
    if given is not None:
        return given
    section = config.section("data")
    own = section.get("fasta") if section.get("name") in _OF_GENOMES else section.get("reference")
    needs = f"'eugene variants' needs --fasta FILE. Example: {call.verb.example}"
    if own is None:
        raise UsageError(f"the run was not made on a genome: {needs}")
    if not Path(str(own)).is_file():
        raise UsageError(f"the genome of the run, {own}, is not there any more: {needs}")
    say(f"genome: {own}, that of the run")
    return str(own)


def _options(call: Call) -> dict[str, Any]:
    def text(name: str) -> str:
        return str(call.get(name) or "")

    try:
        shifts = [int(word) for word in text("shifts").split(",") if word.strip()]
    except ValueError:
        message = f"--shifts {text('shifts')}: expected whole numbers of bp such as -5,0,5"
        raise UsageError(message) from None
    if not text("batch_size").isdigit() or int(text("batch_size")) < 1:
        raise UsageError(f"--batch_size {text('batch_size')}: expected a whole number, 1 or more")
    return {
        "scores": [word.strip() for word in text("scores").split(",") if word.strip()],
        "strands": text("strands"),
        "shifts": shifts,
        "align": text("align"),
        "on_mismatch": text("on_mismatch"),
        "on_symbolic": text("on_symbolic"),
        "batch_size": int(text("batch_size")),
        "device": device_of(call),
    }


def _show(table: Any, out: str | None) -> None:
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
