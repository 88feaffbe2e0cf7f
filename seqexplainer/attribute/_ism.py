"""Attribution by changing the sequence: saturation mutagenesis, deletion, occlusion."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Unpack

import numpy as np
import torch

from seqexplainer._incremental import ENGINES, Engine, Replacements, Substitutions
from seqexplainer._inputs import (
    ArrayLike,
    check_choice,
    check_one_hot,
    letters_there,
    unknown_columns,
    unknown_value,
    wide,
)
from seqexplainer._targets import Pick, Target, describe, resolve
from seqexplainer.attribute._explained import Explained
from seqexplainer.calls import explained as explained_by
from seqexplainer.errors import InputError, TargetError
from seqexplainer.running import RUNNING, Runner, Running
from seqexplainer.sis import find_subsets, thresholds
from seqpro.keywords import keywords

_TOGETHER = 8  # sequences whose edits of one position share a pass
_SIS_SHARE = 0.9


@keywords(RUNNING)
def saturation_mutagenesis(
    model: torch.nn.Module,
    X: ArrayLike,
    *,
    target: Target | None = None,
    start: int = 0,
    end: int | None = None,
    engine: str = "auto",
    **running: Unpack[Running],
) -> torch.Tensor:
    """Return the effect of every single substitution on the output.

    Parameters
    ----------
    model : Module
        Any model on `(n_seqs, n_letters, length)`.
    X : ndarray or Tensor, shape (n_seqs, n_letters, length)
        One-hot sequences. In the place of an unknown letter (a column of zeros, or of
        1 / n_letters) every letter is put.
    target : int, tuple, str or callable, optional
        What to explain, as in `attribute`; by default every output.
    start, end : int, optional
        Positions to mutate, 0-based and half-open; negative ones count from the end.
    engine : {"auto", "window", "plain"}
        How to compute. ``"window"`` recomputes only what an edit can reach, for any model whose
        operations allow it, and gives whole tensors to the others. It is compared with the plain
        way on a sample of edits in every call; where it differs or fails the plain way is taken
        and the reason logged. ``"auto"`` takes it if it is also faster on that sample.
    batch_size, device, dtype, args, progress
        As in `predict`; mutated sequences count for the batch.

    Returns
    -------
    Tensor, shape (n_seqs, n_letters, end - start[, n_outputs])
        Output with the substitution minus output without; 0 at the letter that is there. The
        last axis is there if no target is given and the output has one.

    Raises
    ------
    InputError
        If X is not one-hot or the span is empty.
    TargetError
        If the model returns a tuple and no target is given.

    Examples
    --------
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(8, 1))
    >>> X = torch.tensor([[[1, 0], [0, 1], [0, 0], [0, 0]]])
    >>> effects = saturation_mutagenesis(model, X, target=0)
    >>> effects.shape, float(effects[0, 0, 0]), float(effects[0, 1, 1])
    (torch.Size([1, 4, 2]), 0.0, 0.0)
    """
    run = Runner.of(model, check_one_hot(X), running)
    length = run.X.shape[2]
    first, last, _ = slice(start, end).indices(length)
    if last <= first:
        raise InputError(f"start={start}, end={end} hold no position of {length}")
    check_choice(engine, ENGINES, "engine")
    pick = _every_output if target is None else resolve(target)
    with run.held() as held:
        return _effects(held, pick, first, last, engine)


def _effects(run: Runner, pick: Pick, first: int, last: int, engine: str = "auto") -> torch.Tensor:
    """Return the effects of all substitutions of a span of every sequence."""
    compute = Engine(run.model, pick, engine=engine, batch_size=run.batch_size)
    found = []
    for _, batch, args in run.batches(_TOGETHER):
        edits = Substitutions(batch, first, last)
        wild_type, outputs = compute.outputs(batch, edits, args)
        change = wide(outputs) - wide(wild_type)[edits.rows]
        effects = change.new_zeros((len(batch), last - first, batch.shape[1], *change.shape[1:]))
        seq, place, _ = (
            part.reshape(-1)
            for part in torch.meshgrid(
                *(torch.arange(n, device=run.device) for n in edits.letter.shape), indexing="ij"
            )
        )
        effects[seq, place, edits.letter.reshape(-1)] = change
        effects[batch[:, :, first:last].transpose(1, 2) == 1] = 0
        found.append(effects.transpose(1, 2).cpu())
    return torch.cat(found)


def substitutions(explained: Explained, X: torch.Tensor) -> torch.Tensor:
    """Return the effect of every substitution, shape of X."""
    with torch.no_grad():
        return _effects(
            replace(explained.runner, X=check_one_hot(X)), explained.pick, 0, X.shape[2]
        )


def deletion(explained: Explained, X: torch.Tensor, *, width: int = 1) -> torch.Tensor:
    """Return what is lost when a span is taken out, the gap closed and the end unknown.

    Shape of X: at the letter that is there, the output of the sequence minus that without the
    span, mean over the spans that hold the position.
    """
    return _spans(explained, X, width, delete=True)


def occlusion(explained: Explained, X: torch.Tensor, *, width: int = 1) -> torch.Tensor:
    """Return what is lost when the known letters of a span are overwritten with zeros.

    Shape and mean as of `deletion`.
    """
    return _spans(explained, X, width, delete=False)


def _spans(explained: Explained, X: torch.Tensor, width: int, *, delete: bool) -> torch.Tensor:
    length = X.shape[2]
    if width > length:
        raise InputError(f"width={width} is longer than the sequences ({length})")
    run, pick = explained.runner, explained.pick
    starts = torch.arange(length - width + 1, device=run.device)
    kind = torch.promote_types(run.dtype, torch.float32)
    at = starts[:, None] + torch.arange(width, device=run.device)
    within = at.reshape(-1)
    covered = torch.bincount(within, minlength=length).to(kind)
    effects = []
    with torch.no_grad():
        compute = Engine(run.model, pick, batch_size=run.batch_size, purpose="occlusion")
        for _, sequence, args in run.batches(1):
            if delete:
                wild_type = explained_by(run.model, pick, sequence, args)
                without = _deleted(explained, sequence[0], args, starts, width)
            else:
                covers = sequence[0] * unknown_columns(sequence)
                columns = covers[:, at].transpose(0, 1)
                edits = Replacements(sequence, torch.zeros_like(starts), starts, columns)
                wild_type, without = compute.outputs(sequence, edits, args)
            lost = (wide(wild_type) - wide(without)).to(kind)
            total = torch.zeros_like(covered)
            total.index_add_(0, within, lost.repeat_interleave(width))
            effects.append((total / covered).cpu())
    found = torch.stack(effects).unsqueeze(1)
    return found * letters_there(X).cpu().to(found)


def _deleted(
    explained: Explained,
    sequence: torch.Tensor,
    args: Sequence[torch.Tensor],
    starts: torch.Tensor,
    width: int,
) -> torch.Tensor:
    """Return outputs without each span, the gap closed."""
    position = torch.arange(sequence.shape[1], device=sequence.device)
    padded = torch.nn.functional.pad(sequence, (0, width), value=unknown_value(sequence))
    found = []
    for at in torch.split(starts, explained.batch_size):
        source = position + width * (position >= at[:, None])
        own = [a.expand(len(at), *a.shape[1:]) for a in args]
        batch = padded[:, source].movedim(0, 1)
        found.append(explained_by(explained.model, explained.pick, batch, own))
    return torch.cat(found)


def sufficient_subsets(
    explained: Explained, X: torch.Tensor, *, threshold: float | Sequence[float] | None = None
) -> torch.Tensor:
    """Return 1 at the letters of sufficient input subsets, 0 elsewhere, shape of X."""
    run, pick = explained.runner, explained.pick
    with torch.no_grad():
        if threshold is None:
            # above every output, so only the outputs of whole and of masked sequences are computed
            ends = find_subsets(run, pick, np.full(len(X), np.inf))
            lowest = ends.masked + _SIS_SHARE * (ends.outputs - ends.masked)
        else:
            lowest = thresholds(threshold, len(X))
        found = find_subsets(run, pick, lowest)
    without = sum(not subsets for subsets in found.subsets)
    if without:
        warnings.warn(
            f"{without} of {len(X)} sequences have no sufficient input subset, their "
            "attributions are 0: the output is below the threshold, or reaches it with every "
            "position masked. Set another threshold=, or mask= in sufficient_input_subsets.",
            UserWarning,
            stacklevel=3,
        )
    inside = wide(torch.from_numpy(found.labels() > 0).to(run.dtype)).unsqueeze(1)
    return inside * letters_there(X).cpu().to(inside)


def _every_output(output: object) -> torch.Tensor:
    if not isinstance(output, torch.Tensor):
        raise TargetError(
            f"the model returns {describe(output)}; give target= to pick what to explain"
        )
    return output
