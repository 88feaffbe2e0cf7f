"""The mean of an epoch, which no batch waits for."""

from __future__ import annotations

import torch
from torchmetrics import Metric


class EpochMean(Metric):
    """Weighted mean of the values of batches.

    Nothing is asked of a device before `compute`: `torchmetrics.MeanMetric` looks in every batch
    for NaN, which waits for the device. A value that is NaN makes the mean NaN, so that it is seen;
    one whose weight is 0, as of a batch without a target, does not count.

    Examples
    --------
    >>> mean = EpochMean()
    >>> mean.update(torch.tensor(1.0), torch.tensor(3.0))
    >>> mean.update(torch.tensor(2.0), torch.tensor(1.0))
    >>> mean.compute()
    tensor(1.2500)
    """

    full_state_update: bool | None = False
    total: torch.Tensor
    weight: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        for name in ("total", "weight"):
            self.add_state(name, default=torch.zeros(()), dist_reduce_fx="sum")

    def update(self, value: torch.Tensor, weight: torch.Tensor) -> None:
        """Take the mean of a batch, and the sum of weights that it rests on."""
        weight = torch.as_tensor(weight, dtype=self.total.dtype, device=self.total.device)
        self.total += torch.where(weight == 0, 0.0, value * weight)
        self.weight += weight

    def compute(self) -> torch.Tensor:
        """Return the mean of the epoch."""
        return self.total / self.weight
