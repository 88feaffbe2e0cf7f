"""Regularised training: mixing, noise, adversarial examples and bounded weights.

The modes are those of the study of Majdandzic et al. 2022
(https://proceedings.mlr.press/v200/majdandzic22a.html). Each is a `Regularizer`; several may be
used together, with any network and any augmentation, in training only.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Protocol, TypeAlias

import numpy as np
import torch
from torch import nn

from eugene.augment._hidden import changed_output
from eugene.augment._streams import combine, row_states
from eugene.augment._values import Draws
from eugene.config.marks import Least
from eugene.config.registries import REGULARIZERS
from eugene.errors import EugeneError
from seqpro import random

Batch: TypeAlias = Mapping[str, torch.Tensor]
Loss: TypeAlias = Callable[[Batch], torch.Tensor]
_MIXED = ("ohe_seq", "target", "control", "weight")


class Trained(Protocol):
    """What a regulariser needs of a module."""

    arch: nn.Module

    @property
    def current_epoch(self) -> int:
        """Number of the epoch, from 0."""

    def encode(self, batch: Batch) -> torch.Tensor:
        """Return one-hot sequences, float (n, letters, length)."""


@dataclass
class Occasion:
    """One training batch that is regularised.

    Attributes
    ----------
    module : Trained
        What is trained.
    batch : mapping
        With ``ohe_seq``, float (n, letters, length).
    seed : int
        That of the epoch and of the regulariser's place in the list.
    place : int
        Number of the batch within the epoch.
    layers : callable
        Returns the hidden layers of the network.
    loss : callable
        The loss of another batch, of which nothing is noted.
    """

    module: Trained
    batch: Batch
    seed: int
    place: int
    layers: Callable[[], list[nn.Module]]
    loss: Loss
    contexts: list[contextlib.AbstractContextManager[None]] = field(default_factory=list)

    def uniform(self, draw: int) -> float:
        """Return a number in [0, 1) for the batch."""
        return float(random.uniform(self.seed, self.place, draw))

    @property
    def rows(self) -> Draws:
        """Random numbers of the rows."""
        index = self.batch.get("index")
        device = self.batch["ohe_seq"].device
        if index is None:
            index = torch.arange(len(self.batch["ohe_seq"]), device=device)
            index = combine(row_states(self.place, index), 0)
        return Draws(row_states(self.seed, index))

    def layer(self) -> nn.Module | None:
        """Draw one of the hidden layers, or None, the input, all with the same chance."""
        found = self.layers()
        number = int(self.uniform(1) * (len(found) + 1))
        return None if number == 0 else found[number - 1]


class Regularizer(nn.Module):
    """Base of what keeps a network from fitting too closely; derive your own from it."""

    def prepare(self, occasion: Occasion) -> Batch:
        """Return the batch that is trained on; what changes hidden layers goes to ``contexts``."""
        return occasion.batch

    def attach(self, network: nn.Module) -> None:
        """Look at the network before training begins."""

    def penalty(self, module: Trained) -> torch.Tensor | None:
        """Return what is added to the loss."""
        return None

    def combine(self, occasion: Occasion, loss: Loss) -> torch.Tensor:
        """Return the loss of the batch that was prepared."""
        return loss(occasion.batch)


def beta(alpha: float, seed: int) -> float:
    """Draw from the distribution Beta(alpha, alpha).

    Examples
    --------
    >>> 0 <= beta(1.0, 3) <= 1
    True
    """
    return float(np.random.default_rng(seed).beta(alpha, alpha))


def _averaged(batch: Batch, share: float, order: torch.Tensor) -> Batch:
    """Return the batch with its targets averaged with those of other rows."""
    result = dict(batch)
    for key in _MIXED:
        if key in batch:
            values = batch[key].float() if key != "ohe_seq" else batch[key]
            result[key] = share * values + (1 - share) * values[order]
    if "mask" in batch:
        result["mask"] = batch["mask"] * batch["mask"][order]
    return result


class Mixup(Regularizer):
    """Train on averages of two rows, sequences and targets alike.

    Parameters
    ----------
    alpha : float
        The share of the first row is drawn from Beta(alpha, alpha), once a batch.

    References
    ----------
    Zhang et al. 2018, https://doi.org/10.48550/arXiv.1710.09412

    Examples
    --------
    >>> Mixup(alpha=0.4).alpha
    0.4
    """

    def __init__(self, alpha: Annotated[float, Least(0.001)] = 1.0) -> None:
        super().__init__()
        if alpha <= 0:
            raise EugeneError(f"mixup: alpha={alpha} must be above 0")
        self.alpha = alpha

    def _share(self, occasion: Occasion) -> tuple[float, torch.Tensor]:
        task = getattr(occasion.module, "task", None)
        if getattr(task, "classes", False):
            raise EugeneError(
                "mixup: the targets are numbers of classes, which have no average; use "
                "multilabel_classification with a column a class, or noise"
            )
        share = beta(self.alpha, int(random.counter_seed(occasion.seed, occasion.place, 0)))
        return share, occasion.rows.uniform(1)[:, 0].argsort()

    def prepare(self, occasion: Occasion) -> Batch:
        """Return averaged rows."""
        return _averaged(occasion.batch, *self._share(occasion))


class ManifoldMixup(Mixup):
    """Train on averages of two rows at a hidden layer that is drawn for each batch.

    Parameters
    ----------
    alpha : float
        The share of the first row is drawn from Beta(alpha, alpha), once a batch.

    References
    ----------
    Verma et al. 2019, https://doi.org/10.48550/arXiv.1806.05236
    """

    def prepare(self, occasion: Occasion) -> Batch:
        """Return averaged targets, and let a layer average its outputs."""
        share, order = self._share(occasion)
        layer = occasion.layer()
        mixed = _averaged(occasion.batch, share, order)
        if layer is None:
            return mixed
        occasion.contexts.append(
            changed_output(layer, lambda h: share * h + (1 - share) * h[order])
        )
        return {**mixed, "ohe_seq": occasion.batch["ohe_seq"]}


class InputNoise(Regularizer):
    """Train on one-hot sequences with normal noise.

    Parameters
    ----------
    std : float
        Standard deviation of the noise.
    """

    def __init__(self, std: Annotated[float, Least(0)] = 0.15) -> None:
        super().__init__()
        if std < 0:
            raise EugeneError(f"noise: std={std} must be 0 or more")
        self.std = std

    def _noisy(self, x: torch.Tensor, draws: Draws) -> torch.Tensor:
        return x + self.std * draws.normal(*x.shape[1:]).to(x.dtype)

    def prepare(self, occasion: Occasion) -> Batch:
        """Return noisy sequences."""
        x = self._noisy(occasion.batch["ohe_seq"], occasion.rows)
        return {**occasion.batch, "ohe_seq": x}


class ManifoldNoise(InputNoise):
    """Train with normal noise at a hidden layer that is drawn for each batch.

    Parameters
    ----------
    std : float
        Standard deviation of the noise.
    """

    def prepare(self, occasion: Occasion) -> Batch:
        """Let a layer add noise to its outputs."""
        layer = occasion.layer()
        if layer is None:
            return super().prepare(occasion)
        draws = occasion.rows
        occasion.contexts.append(changed_output(layer, lambda h: self._noisy(h, draws)))
        return occasion.batch


class Adversarial(Regularizer):
    """Train on sequences that were moved, within a small box, to where the loss is larger.

    Projected gradient descent by the sign of the gradient, from no change at all.

    Parameters
    ----------
    epsilon : float
        Largest change of a value.
    steps : int
        Steps of the search.
    step_size : float
        Change of a value in a step.
    clean_epochs : int
        Epochs on clean sequences alone.
    mixed_epochs : int
        Epochs after them on clean and moved ones, whose losses are added; then moved ones alone.

    References
    ----------
    Madry et al. 2018, https://doi.org/10.48550/arXiv.1706.06083

    Examples
    --------
    >>> [Adversarial().phase(epoch) for epoch in (4, 5, 19, 20)]
    ['clean', 'both', 'both', 'adversarial']
    """

    def __init__(
        self,
        epsilon: Annotated[float, Least(0)] = 0.05,
        steps: Annotated[int, Least(1)] = 15,
        step_size: Annotated[float, Least(0)] = 0.005,
        clean_epochs: Annotated[int, Least(0)] = 5,
        mixed_epochs: Annotated[int, Least(0)] = 15,
    ) -> None:
        super().__init__()
        if epsilon < 0 or step_size < 0 or steps < 1:
            raise EugeneError("adversarial: epsilon and step_size must be 0 or more, steps 1")
        self.epsilon, self.steps, self.step_size = epsilon, steps, step_size
        self.clean_epochs, self.mixed_epochs = clean_epochs, mixed_epochs

    def phase(self, epoch: int) -> str:
        """Return what an epoch, counted from 0, trains on: clean, both or adversarial."""
        if epoch < self.clean_epochs:
            return "clean"
        return "both" if epoch < self.clean_epochs + self.mixed_epochs else "adversarial"

    def moved(self, network: nn.Module, batch: Batch, loss: Loss) -> torch.Tensor:
        """Return the sequences moved to where the loss is larger.

        Parameters
        ----------
        network : torch.nn.Module
            In evaluation mode meanwhile, so that running statistics do not move.
        batch : mapping
            With ``ohe_seq``, float (n, letters, length).
        loss : callable
            Of a batch.

        Returns
        -------
        torch.Tensor of float, shape (n, letters, length)
        """
        x = batch["ohe_seq"].detach()
        delta = torch.zeros_like(x)
        modes = {m: m.training for m in network.modules()}
        network.eval()
        try:
            with torch.enable_grad():
                for _ in range(self.steps):
                    delta.requires_grad_()
                    (slope,) = torch.autograd.grad(loss({**batch, "ohe_seq": x + delta}), delta)
                    step = self.step_size * slope.sign()
                    delta = (delta.detach() + step).clamp(-self.epsilon, self.epsilon)
        finally:
            for module, mode in modes.items():
                module.training = mode
        return x + delta

    def combine(self, occasion: Occasion, loss: Loss) -> torch.Tensor:
        """Return the loss of clean and moved sequences, as the epoch wants it."""
        phase = self.phase(occasion.module.current_epoch)
        if phase == "clean":
            return loss(occasion.batch)
        x = self.moved(occasion.module.arch, occasion.batch, occasion.loss)
        hard = loss({**occasion.batch, "ohe_seq": x})
        return hard if phase == "adversarial" else hard + loss(occasion.batch)


class SpectralNorm(Regularizer):
    """Add half of the squared spectral norms of convolutions and dense layers to the loss.

    Parameters
    ----------
    weight : float
        Factor of the sum.
    iterations : int
        Power iterations a step; the vectors go on from step to step, and into checkpoints.

    References
    ----------
    Yoshida and Miyato 2017, https://doi.org/10.48550/arXiv.1705.10941

    Examples
    --------
    >>> SpectralNorm(0.01).weight
    0.01
    """

    def __init__(
        self, weight: Annotated[float, Least(0)] = 0.01, iterations: Annotated[int, Least(1)] = 1
    ) -> None:
        super().__init__()
        if weight < 0 or iterations < 1:
            raise EugeneError("spectral_norm: weight must be 0 or more, iterations 1")
        self.weight, self.iterations = weight, iterations

    def attach(self, network: nn.Module) -> None:
        """Keep the first singular vector of each layer with weights of a network."""
        for name, weight in self._weights(network):
            # from here on, an iteration a step follows the weights
            start = torch.linalg.svd(weight.detach().float(), full_matrices=False).U[:, 0]
            self.register_buffer(f"u_{name.replace('.', '_')}", start.clone())

    @staticmethod
    def _weights(network: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
        for name, module in network.named_modules():
            if isinstance(module, nn.Linear | nn.modules.conv._ConvNd):
                yield name, module.weight.flatten(1)

    def norms(self, network: nn.Module) -> dict[str, torch.Tensor]:
        """Return the largest singular value of each layer, float ().

        The weight of a convolution counts as a matrix of outputs against inputs times width.
        """
        found = {}
        for name, matrix in self._weights(network):
            u = getattr(self, f"u_{name.replace('.', '_')}")
            with torch.no_grad():
                for _ in range(self.iterations):
                    v = nn.functional.normalize(matrix.T @ u, dim=0)
                    u.copy_(nn.functional.normalize(matrix @ v, dim=0))
            found[name] = u.clone() @ matrix @ v
        return found

    def penalty(self, module: Trained) -> torch.Tensor | None:
        """Return half of the weighted sum of the squared norms."""
        norms = list(self.norms(module.arch).values())
        return self.weight / 2 * torch.stack(norms).square().sum() if norms else None


def regularized_loss(
    module: Trained,
    regularizers: nn.ModuleList,
    batch: Batch,
    *,
    seed: int,
    place: int,
    layers: Callable[[], list[nn.Module]],
    loss: Loss,
    silent: Loss,
) -> torch.Tensor:
    """Return the loss of a training batch as regularisers change it.

    Parameters
    ----------
    module : Trained
        What is trained.
    regularizers : torch.nn.ModuleList of Regularizer
        Each prepares the batch, in their order; the last that combines losses does so.
    batch : mapping
        With ``seq`` or ``ohe_seq``.
    seed : int
        That of the epoch.
    place : int
        Number of the batch within the epoch.
    layers : callable
        Returns the hidden layers of the network.
    loss, silent : callable
        The loss of a batch, which is noted for the epoch, and one that is not.

    Returns
    -------
    torch.Tensor of float, shape ()
    """
    x = module.encode(batch)
    given: Batch = {key: value for key, value in batch.items() if key != "seq"} | {"ohe_seq": x}
    contexts: list[contextlib.AbstractContextManager[None]] = []
    combining: Regularizer | None = None
    for number, regularizer in enumerate(regularizers):
        assert isinstance(regularizer, Regularizer)
        own = int(random.counter_seed(seed, number))
        occasion = Occasion(module, given, own, place, layers, silent, contexts)
        given = regularizer.prepare(occasion)
        if type(regularizer).combine is not Regularizer.combine:
            combining = regularizer
    with contextlib.ExitStack() as stack:
        for context in contexts:
            stack.enter_context(context)
        if combining is None:
            total = loss(given)
        else:
            total = combining.combine(Occasion(module, given, seed, place, layers, silent), loss)
    for regularizer in regularizers:
        assert isinstance(regularizer, Regularizer)
        added = regularizer.penalty(module)
        total = total if added is None else total + added
    return total


def make_regularizers(
    given: Sequence[Regularizer | Mapping[str, Any] | str],
) -> tuple[list[Regularizer], list[dict[str, object]]]:
    """Return regularisers from their names, or names and arguments, or as they are.

    Parameters
    ----------
    given : sequence of Regularizer, mapping or str
        Such as ``["mixup", {"name": "noise", "std": 0.1}]``.

    Returns
    -------
    regularizers : list of Regularizer
    settings : list of dict
        From which they can be made again.

    Raises
    ------
    EugeneError
        If there is none of a name, or it has no such argument.

    Examples
    --------
    >>> make_regularizers(["mixup"])[1]
    [{'name': 'mixup'}]
    """
    made: list[Regularizer] = []
    plain: list[dict[str, object]] = []
    for place, one in enumerate(given):
        if isinstance(one, Regularizer):
            names = {REGULARIZERS.get(name): name for name in REGULARIZERS.entered}
            options = {k: v for k, v in vars(one).items() if isinstance(v, int | float | str)}
            options.pop("training", None)
            made.append(one)
            plain.append({"name": names.get(type(one), type(one).__name__), **options})
            continue
        plain.append({"name": one} if isinstance(one, str) else dict(one))
        made.append(REGULARIZERS.made(one, f"regularizers[{place}]"))
    return made, plain
