"""What an attribution method is given, and what those that add up hand back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import torch

from seqexplainer._inputs import wide
from seqexplainer._targets import Pick
from seqexplainer.calls import explained
from seqexplainer.running import Runner


class Multipliers(NamedTuple):
    """Multipliers of each pair of sequence and reference, and the outputs they explain.

    Attributes
    ----------
    values : Tensor, shape (n, k, n_letters, length)
        Multipliers.
    at_sequences : Tensor, shape (n,)
        Outputs of the sequences.
    at_references : Tensor, shape (n, k)
        Outputs of the references.
    residual : Tensor, shape (n, k)
        ``f(x) - f(reference) - sum((x - reference) * multiplier)``.
    """

    values: torch.Tensor
    at_sequences: torch.Tensor
    at_references: torch.Tensor
    residual: torch.Tensor


@dataclass(frozen=True)
class Explained:
    """The explained number of each sequence of a batch, as a function of the batch.

    Attributes
    ----------
    runner : Runner
        The model, held in evaluation mode, and how it is run.
    pick : callable
        From the model's output to shape (n,).
    seed : int
        Of all that is drawn.
    args : tuple of Tensor
        Extra inputs, one row per sequence of the batch.
    first : int
        Number of the first reference of the batch, on which its draws depend.
    """

    runner: Runner
    pick: Pick
    seed: int = 0
    args: tuple[torch.Tensor, ...] = ()
    first: int = 0

    @property
    def model(self) -> torch.nn.Module:
        """The model."""
        return self.runner.model

    @property
    def batch_size(self) -> int:
        """Rows that go through the model together."""
        return self.runner.batch_size

    def of(self, rows: slice, first: int = 0) -> Explained:
        """Return the function for some of the sequences."""
        return replace(self, args=tuple(self.runner.rows_of(rows)), first=first)

    def __call__(self, X: torch.Tensor) -> torch.Tensor:
        """Return the number of each row of a batch, shape (rows,).

        Parameters
        ----------
        X : Tensor, shape (rows, n_letters, length)
            Sequences, or as many copies of each, those of one next to each other.
        """
        args = [
            a if len(a) == len(X) else a.repeat_interleave(len(X) // len(a), dim=0)
            for a in self.args
        ]
        return explained(self.model, self.pick, X, args)


def measured(
    explained: Explained, X: torch.Tensor, references: torch.Tensor, values: torch.Tensor
) -> Multipliers:
    """Return multipliers (n, k, n_letters, length) with the outputs they should explain."""
    with torch.no_grad():
        at_x, at_r = wide(explained(X)), wide(explained(references.flatten(0, 1)))
    at_r = at_r.reshape(references.shape[:2])
    difference = ((X.unsqueeze(1) - references) * values).sum(dim=(2, 3))
    return Multipliers(values, at_x, at_r, at_x.unsqueeze(1) - at_r - difference)
