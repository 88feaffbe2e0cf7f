"""Attribution by changing the sequence: saturation mutagenesis, deletion, occlusion."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from tqdm import tqdm

from seqexplainer._inputs import (
    ArrayLike,
    check_args,
    check_choice,
    check_one_hot,
    frozen,
    model_device,
    model_dtype,
)
from seqexplainer._targets import Target, describe, resolve
from seqexplainer.attribute._window import Window
from seqexplainer.errors import InputError, TargetError

Function = Callable[..., torch.Tensor]

_log = logging.getLogger(__name__)
_TOGETHER = 8  # sequences whose edits of one position share a pass
_SAMPLE = 8  # edits on which windows are compared with whole sequences


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
        One-hot sequences. At an unknown letter (a column of zeros) every letter is put in.
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
    extra = check_args(args, len(sequences))
    length = sequences.shape[2]
    first, last, _ = slice(start, end).indices(length)
    if last <= first:
        raise InputError(f"start={start}, end={end} hold no position of {length}")
    check_choice(engine, ("auto", "window", "plain"), "engine")
    pick = _every_output if target is None else resolve(target)
    there, kind = model_device(model, device), model_dtype(model, dtype)
    with frozen(model, there) as held, torch.no_grad():
        found = []
        for begin in tqdm(range(0, len(sequences), _TOGETHER), disable=not verbose):
            rows = slice(begin, begin + _TOGETHER)
            batch = sequences[rows].to(there, kind)
            edits = Edits(held, pick, batch, [a[rows].to(there) for a in extra], first, last)
            if engine != "plain" and begin == 0:
                reason = edits.try_windows()
                if reason:
                    _log.info("saturation mutagenesis takes the plain way: %s", reason)
                    engine = "plain"
            effects, engine = edits.run(batch_size, engine)
            found.append(effects.cpu())
    return torch.cat(found)


class Edits:
    """All substitutions of a few sequences, ordered by position.

    Parameters
    ----------
    model : Module
        Model held in evaluation mode.
    pick : callable
        From its output to what is explained.
    X : Tensor, shape (n_seqs, n_letters, length)
        Sequences, on the device and of the type of the model.
    args : sequence of Tensor
        Extra inputs.
    first, last : int
        Positions to edit.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        pick: Function,
        X: torch.Tensor,
        args: Sequence[torch.Tensor],
        first: int,
        last: int,
    ) -> None:
        self.model, self.pick, self.X, self.args = model, pick, X, args
        self.first, self.last = first, last
        missing = X[:, :, first:last].permute(2, 0, 1) != 1
        position, self.row, self.letter = missing.nonzero(as_tuple=True)
        self.position = position + first
        self.cache: dict[int, torch.Tensor] = {}
        self.wild_type = pick(model(X, *args))
        self.widest = 0
        self.allowed = float("inf")

    def plain(self, at: torch.Tensor) -> torch.Tensor:
        """Return the outputs of some edits from whole sequences."""
        row, letter, position = self.row[at], self.letter[at], self.position[at]
        batch = self.X[row]
        edit = torch.arange(len(row), device=row.device)
        batch[edit, :, position] = 0
        batch[edit, letter, position] = 1
        return self.pick(self.model(batch, *(a[row] for a in self.args)))

    def windowed(self, at: torch.Tensor) -> torch.Tensor:
        """Return the outputs of some edits from what they can reach."""
        window = Window(self.row[at], self.cache)
        batch = window.begin(self.X, self.letter[at], self.position[at])
        with window:
            output = self.model(batch, *(a[self.row[at]] for a in self.args))
        self.widest = max(self.widest, window.widest)
        return self.pick(window.fill(output))

    def try_windows(self) -> str:
        """Return why windows cannot be used, or nothing if they can.

        A few edits run both ways; `allowed` becomes the seconds the plain way takes for one.
        """
        count = len(self.row)
        sample = torch.linspace(0, count - 1, min(count, _SAMPLE), device=self.X.device).long()
        try:
            fast = self.windowed(sample)
        except (NotImplementedError, RuntimeError, TypeError, ValueError, IndexError) as error:
            return f"{type(error).__name__}: {error}"
        begin = time.perf_counter()
        slow = self.plain(sample)
        self.allowed = (time.perf_counter() - begin) / len(sample)
        gap = float((fast - slow).abs().max())
        effect = slow - self.wild_type[self.row[sample]]
        size = float(slow.abs().max()) + float(effect.abs().max())
        if not gap <= 1e-5 * size:
            return f"windows differ from it by {gap:.2g} (outputs up to {size:.2g})"
        return ""

    def run(self, batch_size: int, engine: str) -> tuple[torch.Tensor, str]:
        """Return effects (n_seqs, n_letters, n_positions, ...) and how to go on.

        With ``"auto"`` the first pass on windows is timed; if it took longer than the plain way
        would have, the rest and what follows are computed that way.
        """
        n_seqs, n_letters = self.X.shape[:2]
        shape = (n_seqs, n_letters, self.last - self.first, *self.wild_type.shape[1:])
        effects = self.wild_type.new_zeros(shape)
        done = 0
        while done < len(self.row):
            size = batch_size
            if engine != "plain":
                size = min(batch_size, 64) if self.widest > 48 else max(batch_size, 256)
            chunk = torch.arange(done, min(done + size, len(self.row)), device=self.row.device)
            begin = time.perf_counter()
            output = self.plain(chunk) if engine == "plain" else self.windowed(chunk)
            row, letter = self.row[chunk], self.letter[chunk]
            effects[row, letter, self.position[chunk] - self.first] = output - self.wild_type[row]
            spent = (time.perf_counter() - begin) / len(chunk)
            if engine == "auto" and done == 0 and spent > self.allowed:
                _log.info(
                    "saturation mutagenesis takes the plain way: windows took %.1f times as long",
                    spent / max(self.allowed, 1e-12),
                )
                engine = "plain"
            done += len(chunk)
        return effects, engine


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
        False overwrites it with unknown letters (zeros).
    batch_size, args, device, dtype, verbose
        As in `saturation_mutagenesis`.

    Returns
    -------
    Tensor, shape (n_seqs, length)
        Output of the sequence minus output without the span, mean over the spans that hold the
        position.
    """
    length = sequences.shape[2]
    starts = torch.arange(length - width + 1, device=device)
    covered = torch.zeros(length, device=device, dtype=dtype)
    within = (starts[:, None] + torch.arange(width, device=device)).reshape(-1)
    covered.index_add_(0, within, torch.ones_like(within, dtype=dtype))
    effects = []
    with torch.no_grad():
        for i in tqdm(range(len(sequences)), disable=not verbose):
            sequence = sequences[i].to(device, dtype)
            own = [a[i : i + 1].to(device) for a in args]
            wild_type = pick(model(sequence.unsqueeze(0), *own))
            without = []
            for begin in range(0, len(starts), batch_size):
                at = starts[begin : begin + batch_size]
                batch = _without(sequence, at, width, delete=delete)
                without.append(pick(model(batch, *(a.expand(len(at), *a.shape[1:]) for a in own))))
            drop = wild_type - torch.cat(without)
            total = torch.zeros_like(covered)
            total.index_add_(0, within, drop.repeat_interleave(width).to(dtype))
            effects.append((total / covered).cpu())
    return torch.stack(effects)


def _without(
    sequence: torch.Tensor, starts: torch.Tensor, width: int, *, delete: bool
) -> torch.Tensor:
    length = sequence.shape[1]
    position = torch.arange(length, device=sequence.device)
    if not delete:
        hidden = (position >= starts[:, None]) & (position < starts[:, None] + width)
        return sequence * (~hidden)[:, None, :]
    source = position + width * (position >= starts[:, None])
    padded = torch.nn.functional.pad(sequence, (0, width))
    return padded[:, source].movedim(0, 1)


def _every_output(output: Any) -> torch.Tensor:
    if not isinstance(output, torch.Tensor):
        raise TargetError(
            f"the model returns {describe(output)}; give target= to pick what to explain"
        )
    return output
