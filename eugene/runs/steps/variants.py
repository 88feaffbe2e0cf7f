"""Effects of the variants of a file on what the network predicts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from eugene._step import Faults, Part, Settings, step
from eugene._verb import LATER, Option, Verb, out
from eugene.config.marks import Least
from eugene.errors import EugeneError
from eugene.report._variants import FOLDER, show_variants
from eugene.runs._variants import OF_TRACKS, keep_variants, require_genome

if TYPE_CHECKING:
    import torch

    from eugene.config import RunConfig
    from eugene.runs._run import Run

_NO_FILE = "needs the file of variants: a VCF file, or CSV or TSV with chrom, pos, ref, alt"


def _look(config: RunConfig, settings: Settings) -> Faults:
    """Yield that there are no variants or no genome, and lines that are no variants."""
    from seqdata.variants import as_variants
    from seqpro.errors import ToolkitError

    try:
        require_genome(config, settings["fasta"])
    except EugeneError as error:
        yield "fasta", f"{error}: say which FASTA file it is"
    if settings["vcf"] is None:
        yield "vcf", _NO_FILE
        return
    try:
        as_variants(settings["vcf"], on_symbolic=settings["on_symbolic"])
    except (ToolkitError, OSError) as error:
        yield "vcf", str(error)


def _fits(run: Run, _: torch.nn.Module, settings: Settings) -> Faults:
    """Yield that the network has no one value a window."""
    if run.task == "tracks":
        yield "", OF_TRACKS


@step(
    look=_look,
    fits=_fits,
    writes={FOLDER: "effects of variants, their controls, and substitutions around the strongest"},
    again=True,
    report=(Part("variants", "Variants", show_variants),),
    verb=Verb(
        "variants",
        "score the variants of a VCF file: alternate allele against reference",
        "eugene variants --run_dir runs/first --fasta hg38.fa --vcf eqtl.vcf --out effects.tsv",
        "eugene.cli._variants:variants",
        options=(
            Option("--fasta", "FASTA file of the genome; that of the run if absent", "FILE"),
            Option("--vcf", "VCF file, or CSV or TSV with chrom, pos, ref, alt", "FILE"),
            out("CSV, TSV or Zarr to write as well; on stdout if absent", old=True),
            Option("--scores", "difference, log_fold; both by default", "NAMES"),
            Option("--strands", "both (the default) or forward", "WHICH"),
            Option("--shifts", "average over windows moved by so many bp", "-5,0,5"),
            Option("--align", "ends that indels leave: mean (the default), left or right", "WHICH"),
            Option("--on_mismatch", "REF not in the genome: error (the default), warn, skip", "DO"),
            Option("--on_symbolic", "ALT such as <DEL>, * or '.': skip (the default), error", "DO"),
            Option("--n_controls", "substitutions to hold effects against; 500 by default", "N"),
            Option("--batch_size", "windows at a time; 128 by default", "N"),
            *LATER,
        ),
    ),
)
def variants(
    run: Run,
    *,
    vcf: str | None = None,
    fasta: str | None = None,
    target: int | str | None = None,
    scores: Sequence[Literal["difference", "log_fold"]] = ("difference", "log_fold"),
    strands: Literal["both", "forward"] = "both",
    shifts: Sequence[int] = (),
    align: Literal["mean", "left", "right"] = "mean",
    on_mismatch: Literal["error", "warn", "skip"] = "error",
    on_symbolic: Literal["skip", "error"] = "skip",
    n_controls: Annotated[int, Least(0)] = 500,
    n_maps: Annotated[int, Least(0)] = 4,
    batch_size: Annotated[int, Least(1)] = 128,
) -> None:
    """Score variants by what the network predicts of both alleles, beside control substitutions.

    Parameters
    ----------
    run : Run
        A trained run.
    vcf : str
        VCF file, or CSV or TSV with ``chrom``, ``pos`` (1-based), ``ref``, ``alt``.
    fasta : str
        FASTA file of the genome; ``null`` takes that of the run.
    target : int or str
        Output that is scored; ``null`` takes all, of a profile network the counts.
    scores : list of str
        difference (alternate minus reference), log_fold (log2 of their ratio); the first ranks.
    strands : str
        Average predictions over both strands, or take the forward one.
    shifts : list of int
        Average them over windows moved by so many bp.
    align : str
        End of the window that an insertion or deletion leaves in place: mean, left or right.
    on_mismatch : str
        What to do where the genome differs from REF: error, warn (write it in) or skip.
    on_symbolic : str
        What to do with alternate alleles without letters: skip or error.
    n_controls : int
        Substitutions of the same letters at other places of the windows, for p-values.
    n_maps : int
        Strongest variants around which every substitution is scored.
    batch_size : int
        Windows at a time.
    """
    if vcf is None:
        raise run.config.fail("$.interpret.variants.vcf", _NO_FILE)
    settings: Settings = {
        "vcf": vcf, "target": target, "scores": list(scores), "strands": strands,
        "shifts": list(shifts), "align": align, "on_mismatch": on_mismatch,
        "on_symbolic": on_symbolic, "n_controls": n_controls, "n_maps": n_maps,
        "batch_size": batch_size,
    }  # fmt: skip
    keep_variants(
        run.folder, run.module, require_genome(run.config, fasta), settings,
        seed=run.config.seed, device=run.device, progress=run.progress,
    )  # fmt: skip
