"""Losses of whole rows: of all tasks of a sequence, or of all positions of a track.

They are given targets with their missing values (NaN), which they leave out themselves, and
return one value for each row, shape ``(batch, ..., 1)``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch
from torch.nn import functional as F

Loss = TypeVar("Loss", bound=Callable[..., torch.Tensor])


def over_rows(loss: Loss) -> Loss:
    """Mark a loss that reads whole rows, missing targets included; used as a decorator.

    Parameters
    ----------
    loss : callable
        From (prediction, target), float (batch, ..., n), targets NaN where missing, to one value
        a row, float (batch, ..., 1), in which what is missing has no part.

    Returns
    -------
    callable
        The same loss.
    """
    loss.over_rows = True  # type: ignore[attr-defined]
    return loss


def reads_rows(loss: Callable[..., torch.Tensor]) -> bool:
    """Tell whether a loss, perhaps with arguments filled in, is one of whole rows.

    Such a loss takes tensors of shape (batch, ..., n) and returns one of shape (batch, ..., 1).

    Examples
    --------
    >>> reads_rows(mnll), reads_rows(torch.nn.functional.mse_loss)
    (True, False)
    """
    return bool(getattr(getattr(loss, "func", loss), "over_rows", False))


def _split(
    prediction: torch.Tensor, target: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return predictions and targets with 0 where a target is missing, and where it is there."""
    present = torch.isfinite(target)
    return prediction.where(present, 0.0), target.where(present, 0.0), present


def _log_shares(logits: torch.Tensor, present: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return logarithms of shares among what is there, 0 elsewhere, and of the sum (..., 1)."""
    lowest = torch.finfo(logits.dtype).min
    total = logits.where(present, lowest).logsumexp(-1, keepdim=True)
    # a row without a target has no sum
    total = total.where(present.any(-1, keepdim=True), 0.0)
    return (logits - total).where(present, 0.0), total


@over_rows
def cosine_mse(
    prediction: torch.Tensor, target: torch.Tensor, *, max_weight: float = 1.0
) -> torch.Tensor:
    """Return mean squared error less cosine similarity over the tasks of each row, (batch, 1).

    The loss of CREsted: ``w * -cos(y, x) + mse(y, x)``, where ``w`` is the mean squared error of
    the batch between 1 and ``max_weight``, so 1 by default.

    References
    ----------
    Kempynck et al. 2025, https://doi.org/10.1101/2025.04.02.646812

    Examples
    --------
    >>> cosine_mse(torch.tensor([[1.0, 0.0]]), torch.tensor([[1.0, 0.0]]))
    tensor([[-1.]])
    """
    x, y, present = _split(prediction, target)
    count = present.sum(-1, keepdim=True).clamp_min(1)
    squares = (x - y).square().sum(-1, keepdim=True)
    weight = (squares.sum() / present.sum().clamp_min(1)).clamp_min(1).clamp_max(max_weight)
    return squares / count - weight * F.cosine_similarity(x, y, dim=-1)[..., None]


@over_rows
def mnll(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return the multinomial negative log-likelihood of the counts of each row, (batch, ..., 1).

    Predictions are logits of the shares of the positions (the last axis), which need no offset:
    ``-log N! + sum(log y!) - sum(y log softmax(x))`` with ``N = sum(y)``. It is the loss of
    profiles of BPNet.

    References
    ----------
    Avsec et al. 2021, https://doi.org/10.1038/s41588-021-00782-6

    Examples
    --------
    >>> mnll(torch.zeros(1, 2), torch.tensor([[1.0, 0.0]]))  # one of two equal shares
    tensor([[0.6931]])
    """
    logits, y, present = _split(prediction, target)
    shares, _ = _log_shares(logits, present)
    arrangements = torch.lgamma(y.sum(-1, keepdim=True) + 1)
    arrangements = arrangements - torch.lgamma(y + 1).sum(-1, keepdim=True)
    return -(arrangements + (y * shares).sum(-1, keepdim=True))


@over_rows
def poisson_multinomial(
    prediction: torch.Tensor, target: torch.Tensor, *, total_weight: float = 1.0
) -> torch.Tensor:
    """Return the loss of Borzoi for the counts of each row, (batch, ..., 1).

    A Poisson loss of the sum of the row and a multinomial one of the shares in it, by the number
    of positions L: ``(w (S - N log S) - sum(y log(exp(x) / S))) / L`` with ``S = sum(exp(x))``
    and ``N = sum(y)``. Predictions are logarithms of rates, as for ``poisson``, whose mean it is
    for ``total_weight`` 1.

    References
    ----------
    Linder et al. 2025, https://doi.org/10.1038/s41588-024-02053-6

    Examples
    --------
    >>> poisson_multinomial(torch.zeros(1, 2), torch.tensor([[1.0, 2.0]]))
    tensor([[1.]])
    """
    logits, y, present = _split(prediction, target)
    shares, total = _log_shares(logits, present)
    there = present.any(-1, keepdim=True)
    counts = y.sum(-1, keepdim=True)
    sums = (total.exp() - counts * total).where(there, 0.0)
    shape = -(y * shares).sum(-1, keepdim=True)
    return (total_weight * sums + shape) / present.sum(-1, keepdim=True).clamp_min(1)
