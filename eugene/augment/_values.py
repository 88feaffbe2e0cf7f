"""Augmentations that change values rather than places: noise, and those of your own."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import torch

from eugene.augment._streams import combine, normal, uniform
from eugene.errors import EugeneError
from seqpro.transforms.evolution import Augmentation, Whole


class Draws:
    """Random numbers for the rows of a batch, each from the stream of its row.

    Parameters
    ----------
    states : torch.Tensor of int64, shape (n_rows,)
        Streams of the rows.

    Examples
    --------
    >>> draws = Draws(torch.arange(3))
    >>> draws.uniform(5).shape, draws.normal(4, 5).shape
    (torch.Size([3, 5]), torch.Size([3, 4, 5]))
    """

    def __init__(self, states: torch.Tensor) -> None:
        self._states, self._taken = states, 0

    def _next(self) -> torch.Tensor:
        self._taken += 1
        return combine(self._states, self._taken)

    def uniform(self, *shape: int) -> torch.Tensor:
        """Return numbers in [0, 1), float64 of shape ``(n_rows, *shape)``."""
        count = torch.Size(shape).numel()
        counters = torch.arange(count, device=self._states.device)
        drawn = uniform(combine(self._next()[:, None], counters[None]))
        return drawn.reshape(len(self._states), *shape)

    def normal(self, *shape: int) -> torch.Tensor:
        """Return standard normal numbers, float32 of shape ``(n_rows, *shape)``."""
        return normal(self._next(), shape)


@dataclass(frozen=True)
class ValueAugmentation(Augmentation):
    """Base of augmentations that change one-hot values; derive your own from it.

    A subclass is a frozen dataclass with the method ``change``. It may be registered with
    ``eu.register("augmentations", "my_name")`` and named in YAML.

    Examples
    --------
    >>> @dataclass(frozen=True)
    ... class Fade(ValueAugmentation):
    ...     strength: float = 0.1
    ...
    ...     def change(self, x, draws):
    ...         return x * (1 - self.strength * draws.uniform(1, x.shape[2]).to(x.dtype))
    >>> Fade(0.5).change(torch.ones(2, 4, 6), Draws(torch.arange(2))).shape
    torch.Size([2, 4, 6])
    """

    def amount(self, uniform: Whole, where: Whole, length: Whole) -> Whole:
        """Return nothing to be moved."""
        return uniform * 0

    @abstractmethod
    def change(self, x: torch.Tensor, draws: Draws) -> torch.Tensor:
        """Return changed sequences.

        Parameters
        ----------
        x : torch.Tensor of float, shape (n_rows, letters, length)
            One-hot sequences; not to be changed in place.
        draws : Draws
            Random numbers, a function of seed, epoch and row.

        Returns
        -------
        torch.Tensor of float, same shape
        """


@dataclass(frozen=True)
class Noise(ValueAugmentation):
    """Add normal noise to every value of the one-hot sequence.

    Parameters
    ----------
    mean, std : float
        Of the noise.

    Examples
    --------
    >>> Noise(std=0.3)
    Noise(mean=0.0, std=0.3)
    """

    mean: float = 0.0
    std: float = 0.2

    def __post_init__(self) -> None:
        if self.std < 0:
            raise EugeneError(f"the standard deviation of noise, {self.std}, must be 0 or more")

    def change(self, x: torch.Tensor, draws: Draws) -> torch.Tensor:
        """Return sequences with noise."""
        return x + (self.mean + self.std * draws.normal(*x.shape[1:])).to(x.dtype)
