"""How well profiles fit, row by row, and their means over an epoch."""

from __future__ import annotations

from typing import ClassVar

import torch

from eugene.modules.metrics import EpochMetric


def jensen_shannon(logits: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
    """Return the Jensen-Shannon distance of predicted and observed shares, one a row.

    Parameters
    ----------
    logits : torch.Tensor of float, shape (..., n)
        Logits of the shares.
    counts : torch.Tensor of float, shape (..., n)
        Counts; NaN where they do not count.

    Returns
    -------
    torch.Tensor of float, shape (...)
        The root of the divergence in nats, between 0 and ``ln(2) ** 0.5``, as
        ``scipy.spatial.distance.jensenshannon``; NaN where there are no counts.

    References
    ----------
    Lin 1991, https://doi.org/10.1109/18.61115

    Examples
    --------
    >>> jensen_shannon(torch.zeros(2), torch.ones(2))
    tensor(0.)
    """
    expected, observed = _shares(logits, counts)
    middle = (expected + observed) / 2
    entropies = [torch.special.entr(p).sum(-1) for p in (middle, expected, observed)]
    divergence: torch.Tensor = entropies[0] - (entropies[1] + entropies[2]) / 2
    return divergence.clamp_min(0).sqrt()


def profile_pearson(logits: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
    """Return Pearson's correlation of predicted shares and counts over positions, one a row.

    Parameters
    ----------
    logits, counts : torch.Tensor of float, shape (..., n)
        As `jensen_shannon` takes them.

    Returns
    -------
    torch.Tensor of float, shape (...)
        NaN where either side does not vary.

    Examples
    --------
    >>> profile_pearson(torch.tensor([0.0, 1.0]), torch.tensor([3.0, 1.0]))
    tensor(-1.)
    """
    there = torch.isfinite(counts)
    n = there.sum(-1, keepdim=True).clamp_min(1)
    sides = []
    for values in _shares(logits, counts):
        mean = values.sum(-1, keepdim=True) / n
        sides.append((values - mean).where(there, 0.0))
    x, y = sides
    below = x.square().sum(-1).sqrt() * y.square().sum(-1).sqrt()
    found = (x * y).sum(-1) / below
    return torch.where(below > 1e-12, found, torch.nan).clamp(-1, 1)


def _shares(logits: torch.Tensor, counts: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return predicted and observed shares of what is there, 0 elsewhere."""
    there = torch.isfinite(counts)
    lowest = torch.finfo(logits.dtype).min
    expected = logits.where(there, lowest).softmax(-1).where(there, 0.0)
    seen = counts.where(there, 0.0)
    # 0 / 0 is NaN: a row without counts has no profile
    return expected, seen / seen.sum(-1, keepdim=True)


class RowMean(EpochMetric):
    """Mean over rows of what was measured in each, float (tasks,); NaN rows are left out."""

    reads: ClassVar[str] = "own"
    parts: list[torch.Tensor]

    def __init__(self) -> None:
        super().__init__()
        self.add_state("parts", default=[], dist_reduce_fx="cat")

    def update(self, values: torch.Tensor) -> None:
        """Take one batch.

        Parameters
        ----------
        values : torch.Tensor of float, shape (batch, tasks)
            What was measured; NaN where it could not be.
        """
        there = torch.isfinite(values)
        total = values.detach().where(there, 0.0).sum(0)
        self.parts.append(torch.stack((total, there.sum(0).to(total.dtype)))[None])

    def compute(self) -> torch.Tensor:
        """Return float (tasks,); NaN where no row was measured."""
        blocks = self.parts
        parts = torch.cat(blocks) if isinstance(blocks, list) else blocks
        total, count = parts.cpu().double().sum(0)
        mean: torch.Tensor = (total / count).float()
        return mean


class DistanceMean(RowMean):
    """Mean of distances, the lower the better."""

    higher_is_better = False


class CorrelationMean(RowMean):
    """Mean of correlations, the higher the better."""

    higher_is_better = True
