"""Effects of the variants of a VCF file or table, straight from the genome."""

from __future__ import annotations

import contextlib
import hashlib
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Unpack

import torch

import seqpro as sp
from eugene.errors import EugeneError, EugeneWarning
from eugene.interpret._attribute import told
from eugene.interpret._chunks import ChunkedTable
from eugene.interpret._hash import hash_model
from seqdata.readers.fasta import GenomeFASTA
from seqdata.variants import (
    MISMATCH_CHOICES,
    SYMBOLIC_CHOICES,
    OnMismatch,
    OnSymbolic,
    as_variants,
    cut_windows,
    mismatch_counts,
    settle_mismatches,
)
from seqexplainer.running import RUNNING
from seqexplainer.variants import (
    SCORES,
    SCORING,
    Scoring,
    allele_outputs,
    effect_table,
    window_outputs,
)
from seqpro.keywords import check_keywords, keywords
from seqpro.progress import bar

if TYPE_CHECKING:
    import pandas as pd

_TEXT = ("chrom", "id", "ref", "alt", "genome")
_SCORING = {**SCORING, **{name: RUNNING[name] for name in ("batch_size", "device", "progress")}}


class InUnits(torch.nn.Module):
    """A trained module that gives what its `predict` gives, in the units of its targets.

    Parameters
    ----------
    module : SequenceModule
        As `eugene.load` returns it, or any other.
    """

    def __init__(self, module: Any) -> None:
        super().__init__()
        self.module = module

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """Return values, probabilities or rates, shape (N, outputs)."""
        output = self.module(X).float()
        output = output[:, None] if output.ndim == 1 else output
        found: torch.Tensor = self.module.task.predict(output)
        inverse = getattr(self.module, "inverse_targets", None)
        if inverse is None or found.shape[1] != len(self.module.target_names or ()):
            return found
        return torch.from_numpy(inverse(found.cpu().numpy()))


@keywords(_SCORING)
def variant_effects(
    model: torch.nn.Module,
    fasta: str | Path | GenomeFASTA,
    variants: str | Path | pd.DataFrame,
    length: int | None = None,
    *,
    scores: str | Sequence[str] = SCORES,
    names: Sequence[str] | None = None,
    align: Literal["mean", "left", "right"] = "mean",
    on_mismatch: OnMismatch = "error",
    on_symbolic: OnSymbolic = "skip",
    out: str | Path | None = None,
    resume: bool = True,
    chunk_size: int = 2048,
    **scoring: Unpack[Scoring],
) -> pd.DataFrame:
    r"""Score the variants of a VCF file or table.

    What the two alleles do not share begins at ``length // 2`` of the window, and the genome goes
    on around it in both, so that both windows are ``length`` long.

    Parameters
    ----------
    model : torch.nn.Module
        On float one-hot (N, 4, L). A module of ours, as `eugene.load` returns it, is asked for
        what its ``predict`` gives: values in the units of the targets, probabilities or rates.
    fasta : str, Path or GenomeFASTA
        FASTA file of the genome.
    variants : path or DataFrame
        VCF file, or a table with ``chrom``, ``pos`` (1-based), ``ref``, ``alt`` and perhaps
        ``id``: in memory, or a CSV or TSV file (all ``.gz`` too). Several alternate alleles
        (``A,T``) give one row each.
    length : int, optional
        Window in bp; by default the model's ``input_len``.
    target : int, tuple, str or callable, optional
        Which output; by default every one.
    scores : str or sequence of str
        ``"difference"`` and ``"log_fold"``, as in `seqexplainer.variant_effects`.
    strands : {"both", "forward"}
        Whether outputs are averaged over both strands.
    shifts : sequence of int, optional
        Average outputs over windows moved by so many bp to the right (negative: left).
    align : {"mean", "left", "right"}
        Which end of the window an insertion or deletion leaves in place; ``"mean"`` averages the
        outputs of both ways.
    on_mismatch : {"error", "warn", "skip"}
        What to do with variants whose reference allele the genome does not hold: raise before
        anything is computed, write the allele in, or leave them out (``"drop"`` means that too).
        They are counted.
    on_symbolic : {"skip", "error"}
        What to do with alternate alleles that have no letters (``<DEL>``, ``<NON_REF>``, ``.``,
        ``*``, breakends): leave them out and count them, or raise.
    names : sequence of str, optional
        What to call the outputs, where there are several; by default the module's targets.
    engine : {"auto", "window", "plain"}
        How alternate alleles are predicted, as in `seqexplainer.variant_effects`.
    batch_size : int
        Windows per forward pass.
    device : str or torch.device, optional
        Where to compute; by default where the model is.
    out : path, optional
        Table to write: ``.csv``, ``.tsv`` or ``.zarr``.
    resume : bool
        Whether to take what an earlier call with the same arguments left at ``out``, finished or
        not. False starts over and replaces it.
    chunk_size : int
        Variants scored between two writes.
    progress : bool
        Draw a bar.

    Returns
    -------
    pandas.DataFrame
        One row a variant: ``chrom``, ``pos``, ``id``, ``ref``, ``alt``, ``start``, ``end`` (bp,
        0-based bounds of the reference window), ``matches`` (whether the genome holds ``ref``),
        ``genome`` (what it holds), then the columns of `seqexplainer.variant_effects`.
        ``attrs`` has ``n_variants``, ``n_mismatches``, ``n_dropped`` and, where there were
        alleles without letters, ``n_symbolic``.

    Raises
    ------
    seqdata.errors.VariantError
        If a line is no variant, or the genome differs from it.
    EugeneError
        If the length is not known, or an argument is not one of its choices.
    RunExistsError
        If ``out`` holds the effects of another model, other variants or other options.

    Examples
    --------
    >>> import tempfile
    >>> import pandas as pd
    >>> fasta = Path(tempfile.mkdtemp()) / "g.fa"
    >>> _ = fasta.write_text(">c\nAACCGGTTAACCGGTT\n")
    >>> model = torch.nn.Sequential(torch.nn.AdaptiveAvgPool1d(1), torch.nn.Flatten())
    >>> table = pd.DataFrame({"chrom": ["c"], "pos": [8], "ref": ["T"], "alt": ["TGGG"]})
    >>> effects = variant_effects(model, fasta, table, 8, target=2, strands="forward")
    >>> effects[["start", "end", "reference", "alternate"]].to_dict("records")
    [{'start': 4, 'end': 12, 'reference': 0.25, 'alternate': 0.5}]
    """
    check_keywords(scoring, _SCORING)
    given: Any = {**_SCORING, **scoring}
    progress, target = given.pop("progress"), given["target"]
    moves = given["shifts"] = tuple(int(shift) for shift in given["shifts"])
    if align not in ("mean", "left", "right"):
        raise EugeneError(f"align must be 'mean', 'left' or 'right', got {align!r}")
    if on_mismatch not in MISMATCH_CHOICES:
        raise EugeneError(f"on_mismatch must be 'error', 'warn' or 'skip', got {on_mismatch!r}")
    if on_symbolic not in SYMBOLIC_CHOICES:
        raise EugeneError(f"on_symbolic must be 'skip' or 'error', got {on_symbolic!r}")
    if chunk_size < 1:
        raise EugeneError(f"chunk_size must be at least 1, got {chunk_size}")
    _check_letters(model)
    width = _length(model, length)
    known = getattr(model, "target_names", None) if target is None else None
    wrapped = InUnits(model) if _is_ours(model) else model
    margin = max((abs(shift) for shift in moves), default=0)
    table, where = as_variants(variants, on_symbolic=on_symbolic)
    symbolic = dict(table.attrs)
    genome = fasta if isinstance(fasta, GenomeFASTA) else GenomeFASTA("seq", fasta)
    with contextlib.ExitStack() as stack:
        if genome is not fasta:
            stack.callback(genome.close)
        checked = cut_windows(genome, table, 1, where=where).table
        kept = settle_mismatches(checked, where, on_mismatch, stacklevel=3)
        counts = {**mismatch_counts(checked, kept), **symbolic}
        table = table[kept].reset_index(drop=True)
        writer = None
        if out is not None:
            job = {
                "variants_sha256": _hash_table(table),
                "fasta": str(genome.path),
                "fasta_bytes": genome.path.stat().st_size,
                "model": type(model).__name__,
                "model_sha256": hash_model(model),
                "length": width,
                "target": told(target),
                "scores": [scores] if isinstance(scores, str) else list(scores),
                "strands": given["strands"],
                "shifts": list(moves),
                "align": align,
                "on_mismatch": on_mismatch,
                "on_symbolic": on_symbolic,
                "names": None if names is None else list(names),
                "engine": given["engine"],
                "batch_size": given["batch_size"],
                "chunk_size": chunk_size,
                **counts,
            }
            writer = stack.enter_context(
                ChunkedTable.alone(Path(out), job, resume=resume, text=_TEXT)
            )
        chunks = range(0, max(len(table), 1), chunk_size)
        frames = []
        for i, begin in enumerate(bar(chunks, shown=progress, desc="variants", unit="chunk")):
            if writer is not None and writer.has(i):
                continue
            part = table[begin : begin + chunk_size]
            frame = _score(
                wrapped,
                genome,
                part,
                width + 2 * margin,
                align=align,
                scores=scores,
                names=names,
                known=known,
                **given,
            )
            frame["start"], frame["end"] = frame["start"] + margin, frame["end"] - margin
            if writer is None:
                frames.append(frame)
            else:
                writer.write(i, frame)
        if writer is not None:
            result = writer.finish(len(chunks))
        else:
            import pandas as pd

            result = pd.concat(frames, ignore_index=True)
    result.attrs.update(counts)
    return result


def _score(
    model: torch.nn.Module,
    genome: GenomeFASTA,
    part: pd.DataFrame,
    width: int,
    *,
    align: str,
    scores: str | Sequence[str],
    names: Sequence[str] | None,
    known: Sequence[str] | None,
    **options: Any,
) -> pd.DataFrame:
    """Return coordinates and effects of some variants; of none, coordinates alone."""
    import pandas as pd

    if not len(part):
        return part.drop(columns="line").assign(start=0, end=0, matches=True, genome="")
    first: Literal["left", "right"] = "right" if align == "right" else "left"
    windows = cut_windows(genome, part, width, align=first)
    alleles = (windows.reference, windows.alternate)
    reference, alternate = allele_outputs(model, *alleles, **options)
    if align == "mean":
        longer = part["alt"].str.len().to_numpy() != part["ref"].str.len().to_numpy()
        if longer.any():
            other = cut_windows(genome, part[longer], width, align="right")
            moved = window_outputs(model, other.alternate, **options)
            alternate[longer] = (alternate[longer] + moved) / 2
    if names is None and known is not None and len(known) == reference.shape[1]:
        names = known
    effects = effect_table(reference, alternate, scores=scores, names=names)
    return pd.concat([windows.table.drop(columns="line"), effects], axis=1)


def _is_ours(model: torch.nn.Module) -> bool:
    return hasattr(model, "task") and hasattr(model.task, "predict") and hasattr(model, "arch")


def _check_letters(model: object) -> None:
    """Say how variants, which are of DNA, meet a network of other letters, or that they cannot."""
    said = getattr(model, "alphabet", None)
    if said is None or sp.alphabet_of(said) == sp.DNA:
        return
    if sp.alphabet_of(said) != sp.RNA:
        raise EugeneError(f"variants are of nucleotides, the module reads {said!r}")
    warnings.warn(
        "the module reads RNA: it is given each T of the genome and of the alleles as U",
        EugeneWarning,
        stacklevel=3,
    )


def _length(model: torch.nn.Module, length: int | None) -> int:
    found = getattr(model, "input_len", None) if length is None else length
    if found is None:
        found = getattr(getattr(model, "arch", None), "input_len", None)
    if found is None or isinstance(found, bool) or int(found) != found or found < 1:
        raise EugeneError(
            f"length must be a whole number of bp, 1 or more, got {found!r}"
            if found is not None
            else "the model does not say how long its input is: give length="
        )
    return int(found)


def _hash_table(table: pd.DataFrame) -> str:
    text = table[["chrom", "pos", "id", "ref", "alt"]].to_csv(index=False, lineterminator="\n")
    return hashlib.sha256(text.encode()).hexdigest()
