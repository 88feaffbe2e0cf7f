"""Attribution by changing the sequence: saturation mutagenesis, deletion, occlusion."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from tqdm import tqdm

from seqexplainer._call import explained
from seqexplainer._incremental import ENGINES, Engine, Replacements, Substitutions
from seqexplainer._inputs import (
    ArrayLike,
    check_args,
    check_choice,
    check_one_hot,
    check_whole,
    frozen,
    model_device,
    model_dtype,
    unknown_columns,
    unknown_value,
    wide,
)
from seqexplainer._targets import Target, describe, resolve
from seqexplainer.errors import InputError, TargetError

Function = Callable[..., torch.Tensor]

_TOGETHER = 8  # sequences whose edits of one position share a pass


def saturation_mutagenesis(
    model: torch.nn.Module,
    X: ArrayLike,
    *,
    target: Target | None = None,
    start: int = 0,
    end: int | None = None,
    batch_size: int = 128,
    device: str | torch.device | None = None,
    dtype: torch.dtype | None = None,
    args: Sequence[ArrayLike] | None = None,
    engine: str = "auto",
    verbose: bool = False,
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
    batch_size : int
        Mutated sequences per forward pass.
    device : str or device, optional
        Where to compute; by default where the model is.
    dtype : dtype, optional
        Number type of the input; by default that of the model's parameters.
    args : sequence of arrays, optional
        Extra inputs, each with one row per sequence.
    engine : {"auto", "window", "plain"}
        How to compute. ``"window"`` recomputes only what an edit can reach, for any model whose
        operations allow it, and gives whole tensors to the others. It is compared with the plain
        way on a sample of edits in every call; where it differs or fails the plain way is taken
        and the reason logged. ``"auto"`` takes it if it is also faster on that sample.
    verbose : bool
        Whether to show a progress bar.

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
    sequences = check_one_hot(X)
    extra = check_args(args, len(sequences), model_dtype(model, dtype))
    length = sequences.shape[2]
    first, last, _ = slice(start, end).indices(length)
    if last <= first:
        raise InputError(f"start={start}, end={end} hold no position of {length}")
    check_choice(engine, ENGINES, "engine")
    check_whole(batch_size=batch_size)
    pick = _every_output if target is None else resolve(target)
    there, kind = model_device(model, device), model_dtype(model, dtype)
    with frozen(model, there) as held, torch.no_grad():
        compute = Engine(held, pick, engine=engine, batch_size=batch_size)
        found = []
        for begin in tqdm(range(0, len(sequences), _TOGETHER), disable=not verbose):
            rows = slice(begin, begin + _TOGETHER)
            batch = sequences[rows].to(there, kind)
            edits = Substitutions(batch, first, last)
            own = [a[rows].to(there) for a in extra]
            wild_type, outputs = compute.outputs(batch, edits, own)
            change = wide(outputs) - wide(wild_type)[edits.rows]
            shape = (len(batch), last - first, batch.shape[1], *change.shape[1:])
            effects = change.new_zeros(shape)
            seq, place, _ = (
                part.reshape(-1)
                for part in torch.meshgrid(
                    *(torch.arange(n, device=there) for n in edits.letter.shape), indexing="ij"
                )
            )
            effects[seq, place, edits.letter.reshape(-1)] = change
            effects[batch[:, :, first:last].transpose(1, 2) == 1] = 0
            found.append(effects.transpose(1, 2).cpu())
    return torch.cat(found)


def spans(
    model: torch.nn.Module,
    sequences: torch.Tensor,
    pick: Function,
    *,
    width: int,
    delete: bool,
    batch_size: int,
    args: Sequence[torch.Tensor],
    device: torch.device,
    dtype: torch.dtype,
    verbose: bool = False,
) -> torch.Tensor:
    """Return how much each position matters when a span around it is taken away.

    Parameters
    ----------
    model : Module
        Model held in evaluation mode.
    sequences : Tensor, shape (n_seqs, n_letters, length)
        Sequences.
    pick : callable
        From the output to shape (n_seqs,).
    width : int
        Positions per span.
    delete : bool
        True takes the span out, closes the gap and fills the end with unknown letters;
        False overwrites its known letters with zeros.
    batch_size, args, device, dtype, verbose
        As in `saturation_mutagenesis`.

    Returns
    -------
    Tensor, shape (n_seqs, length)
        Output of the sequence minus output without the span, mean over the spans that hold the
        position.
    """
    n_seqs, _, length = sequences.shape
    starts = torch.arange(length - width + 1, device=device)
    kind = torch.promote_types(dtype, torch.float32)
    covered = torch.zeros(length, device=device, dtype=kind)
    at = starts[:, None] + torch.arange(width, device=device)
    within = at.reshape(-1)
    covered.index_add_(0, within, torch.ones_like(within, dtype=kind))
    effects = []
    with torch.no_grad():
        compute = Engine(model, pick, batch_size=batch_size, purpose="occlusion")
        for i in tqdm(range(n_seqs), disable=not verbose):
            sequence = sequences[i].to(device, dtype)
            own = [a[i : i + 1].to(device) for a in args]
            if delete:
                wild_type = explained(model, pick, sequence.unsqueeze(0), own)
                without = _deleted(model, pick, sequence, own, starts, width, batch_size)
            else:
                covers = sequence * unknown_columns(sequence[None])
                columns = covers[:, at].transpose(0, 1)
                edits = Replacements(sequence[None], torch.zeros_like(starts), starts, columns)
                wild_type, without = compute.outputs(sequence[None], edits, own)
            total = torch.zeros_like(covered)
            lost = (wide(wild_type) - wide(without)).to(kind)
            total.index_add_(0, within, lost.repeat_interleave(width))
            effects.append((total / covered).cpu())
    return torch.stack(effects)


def _deleted(
    model: torch.nn.Module,
    pick: Function,
    sequence: torch.Tensor,
    args: Sequence[torch.Tensor],
    starts: torch.Tensor,
    width: int,
    batch_size: int,
) -> torch.Tensor:
    """Return outputs without each span, the gap closed."""
    position = torch.arange(sequence.shape[1], device=sequence.device)
    padded = torch.nn.functional.pad(sequence, (0, width), value=unknown_value(sequence))
    found = []
    for at in torch.split(starts, batch_size):
        source = position + width * (position >= at[:, None])
        batch = padded[:, source].movedim(0, 1)
        own = [a.expand(len(at), *a.shape[1:]) for a in args]
        found.append(explained(model, pick, batch, own))
    return torch.cat(found)


def _every_output(output: Any) -> torch.Tensor:
    if not isinstance(output, torch.Tensor):
        raise TargetError(
            f"the model returns {describe(output)}; give target= to pick what to explain"
        )
    return output
