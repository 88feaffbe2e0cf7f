"""Several networks of one task as one: the mean of what they give, and how far they differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import nn

from eugene.errors import EugeneError
from seqpro import cards


class Spread(NamedTuple):
    """Mean and standard deviation (n - 1) of several predictions.

    Float (N, outputs) each; of networks with several outputs, as many of them under their names.
    """

    mean: Any
    sd: Any


_MOST_SHOWN = 6
"""Networks of an ensemble that a notebook lists."""


class Ensemble(nn.Module):
    """Networks that were trained for the same task, as one module.

    Its outputs are the means over the networks, so what explains a network explains an ensemble as
    well: the attribution of a mean is the mean of the attributions.

    Where the networks learned targets on different scales, as those of folds do that z-score them
    by their own training rows, everything is brought to the units of the data first.

    Parameters
    ----------
    members : sequence of eugene.models.SequenceModule
        Two trained modules or more; of a run over seeds or folds, ``eu.load(folder)`` gathers them.
    in_units : bool, optional
        Whether outputs are in the units of the data; by default only where scales differ.

    Attributes
    ----------
    members : torch.nn.ModuleList
        The modules.
    in_units : bool
        Whether outputs are in the units of the data; else they are on the scale of training, from
        which `inverse_targets` brings them back.

    Raises
    ------
    EugeneError
        If there are less than two, or they differ in task, alphabet, length or targets.

    References
    ----------
    Lakshminarayanan et al. 2017, https://doi.org/10.48550/arXiv.1612.01474

    Examples
    --------
    >>> from eugene.models import SequenceModule
    >>> arch = {"name": "cnn", "input_len": 50, "output_dim": 1}
    >>> both = Ensemble([SequenceModule(arch, seed=i) for i in range(2)])
    >>> both.predict(["A" * 50]).shape, both.spread(["A" * 50]).sd.shape
    (torch.Size([1, 1]), torch.Size([1, 1]))
    """

    def __init__(self, members: Sequence[Any], *, in_units: bool | None = None) -> None:
        super().__init__()
        at_least_two(len(members), "the number of modules")
        for what in ("task", "alphabet", "input_len", "target_names"):
            found = sorted({str(getattr(member, what, None)) for member in members})
            if len(found) > 1:
                raise EugeneError(f"modules of an ensemble share a {what}, got {', '.join(found)}")
        self.members = nn.ModuleList(members)
        scales = [getattr(getattr(m, "run", None), "transforms", None) for m in members]
        same = all(scale == scales[0] for scale in scales)
        self.in_units = not same if in_units is None else in_units
        self.training = any(member.training for member in members)

    def _repr_html_(self) -> str:
        runs = [getattr(member, "run", None) for member in self.members]
        folders = [str(run.path) for run in runs if run is not None]
        rows = [("task", str(self.task).replace("_", " "))]
        rows += [("reads", f"{self.input_len} bp of {self.alphabet}")]
        rows += [("predicts", ", ".join(self.target_names or ()) or "-")]
        rows += [("network", folder) for folder in folders[:_MOST_SHOWN]]
        more = len(folders) - _MOST_SHOWN
        note = f"the first {_MOST_SHOWN}; {more} more" if more > 0 else ""
        return cards.card(f"Ensemble of {len(self.members)} networks", rows, note=note)

    @property
    def _first(self) -> Any:
        return self.members[0]

    @property
    def task(self) -> Any:
        """What the networks were trained for."""
        return self._first.task

    @property
    def alphabet(self) -> str:
        """Letters in the order of the one-hot axis."""
        return str(self._first.alphabet)

    @property
    def input_len(self) -> int | None:
        """Length of the sequences that the networks read, in bp."""
        found = self._first.input_len
        return None if found is None else int(found)

    @property
    def target_names(self) -> list[str] | None:
        """Names of the targets."""
        found = getattr(self._first, "target_names", None)
        return None if found is None else list(found)

    @property
    def device(self) -> torch.device:
        """Where the networks are."""
        return next(self.parameters()).device

    @property
    def arch(self) -> Ensemble:
        """The network that is explained: the ensemble itself."""
        return self

    def forward(self, x: torch.Tensor) -> Any:
        """Return the mean of the outputs of the networks.

        Parameters
        ----------
        x : torch.Tensor, shape (N, A, L)
            One-hot sequences.

        Returns
        -------
        torch.Tensor, tuple or dict
            Of the form that each network returns.
        """
        outputs = [member(x) for member in self.members]
        if self.in_units:
            for i, output in enumerate(outputs):
                slope, offset = self._to_units(i)
                if not (slope == 1).all() or offset.any():
                    outputs[i] = output * slope.to(output) + offset.to(output)
        return _each(outputs, lambda parts: torch.stack(parts).mean(0))

    def _to_units(self, i: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what outputs of a network are multiplied by, and what is added, for their units.

        Raises
        ------
        EugeneError
            If no straight line does it.
        """
        undo = getattr(self.members[i], "inverse_targets", None)
        width = len(self.target_names or ())
        if undo is None or not width:
            return torch.ones(1), torch.zeros(1)
        offset, one, two = (np.asarray(undo(np.full((1, width), v)))[0] for v in (0.0, 1.0, 2.0))
        straight = np.allclose(two - one, one - offset, rtol=1e-6, atol=1e-9)
        identity = not offset.any() and (one == 1).all()
        if not straight or not (identity or str(self.task) == "regression"):
            raise EugeneError(
                "the networks of this ensemble learned targets on different scales, which no "
                "straight line brings together: explain one of its members, or predict"
            )
        return torch.from_numpy(one - offset), torch.from_numpy(offset)

    @property
    def _listed(self) -> list[Any]:
        """The networks one by one."""
        return list(self.members)

    def _predictions(self, x: object, raw: bool, options: dict[str, object]) -> list[Any]:
        if raw and self.in_units:
            raise EugeneError("raw outputs have no units: give raw=False, or predict with a member")
        given = [member.predict(x, **options) for member in self._listed]
        if not self.in_units:
            return given
        return [self._undone(i, one) for i, one in enumerate(given)]

    def _undone(self, i: int, predicted: Any) -> Any:
        undo = getattr(self.members[i], "inverse_targets", None)
        names = self.target_names or ()
        if undo is None or not isinstance(predicted, torch.Tensor):
            return predicted
        if predicted.shape[1:] != (len(names),):
            return predicted
        return torch.from_numpy(np.asarray(undo(predicted.cpu()))).to(predicted)

    def predict(self, x: object, **options: object) -> Any:
        """Predict sequences held in memory: the mean over the networks.

        Parameters
        ----------
        x : array_like
            Sequences, as of ``module.predict``: for example S1 of shape (N, L).
        **options
            Other arguments of ``module.predict``, such as ``batch_size`` or
            ``reverse_complement``.

        Returns
        -------
        torch.Tensor of float, shape (N, outputs)
            Means, on the CPU; of networks with several outputs, of that form.
        """
        return self.spread(x, **options).mean

    def spread(self, x: object, **options: object) -> Spread:
        """Predict sequences held in memory, and say how far the networks differ.

        Parameters
        ----------
        x : array_like
            Sequences, as of ``module.predict``.
        **options
            Other arguments of ``module.predict``.

        Returns
        -------
        Spread
            ``mean`` and ``sd`` over the networks, float (N, outputs).

        Raises
        ------
        EugeneError
            If outputs differ in shape.
        """
        return spread_of(self._predictions(x, bool(options.get("raw")), options))

    def predict_step(
        self, batch: Mapping[str, torch.Tensor], batch_idx: int = 0
    ) -> dict[str, torch.Tensor]:
        """Return what ``predict_step`` of the networks gives, means instead of predictions."""
        return self._means(batch, [m.predict_step(batch, batch_idx) for m in self._listed])

    def predict_scores(
        self, batch: Mapping[str, torch.Tensor], **averaged: object
    ) -> dict[str, torch.Tensor]:
        """Return what ``predict_scores`` of the networks gives, means instead of predictions."""
        return self._means(batch, [m.predict_scores(batch, **averaged) for m in self._listed])

    def _means(
        self, batch: Mapping[str, torch.Tensor], found: Sequence[dict[str, torch.Tensor]]
    ) -> dict[str, torch.Tensor]:
        result = {}
        for key, first in found[0].items():
            if key in batch:
                result[key] = first
                continue
            parts = [one[key] for one in found]
            if key == "prediction" and self.in_units:
                parts = [self._undone(i, part) for i, part in enumerate(parts)]
            result[key] = torch.stack(parts).mean(0)
        return result

    def inverse_targets(self, predictions: ArrayLike) -> NDArray[np.float64]:
        """Turn predictions into the units of the data; as they are where they are that already.

        Parameters
        ----------
        predictions : array_like of float, shape (n, targets)
            What `predict` returned.

        Returns
        -------
        ndarray of float64, shape (n, targets)
            In the units of each target.
        """
        undo: Callable[[ArrayLike], ArrayLike] | None = None
        if not self.in_units:
            undo = getattr(self._first, "inverse_targets", None)
        return np.asarray(predictions if undo is None else undo(predictions), dtype=np.float64)


def ensemble(modules: Sequence[Any], x: object, **options: object) -> Spread:
    """Predict with several networks.

    Parameters
    ----------
    modules : sequence of eugene.models.SequenceModule
        Trained modules of one task; of runs, ``[eu.load(folder) for folder in folders]``.
    x : array_like
        Sequences, as of ``module.predict``: for example S1 of shape (N, L).
    **options
        Other arguments of ``module.predict``, such as ``batch_size`` or ``reverse_complement``.

    Returns
    -------
    Spread
        ``mean`` and ``sd`` over the networks, float (N, outputs). Where they learned targets on
        different scales, in the units of the data.

    Raises
    ------
    EugeneError
        If there are less than two, or their tasks or outputs differ.

    References
    ----------
    Lakshminarayanan et al. 2017, https://doi.org/10.48550/arXiv.1612.01474

    Examples
    --------
    >>> from eugene.models import SequenceModule
    >>> arch = {"name": "cnn", "input_len": 50, "output_dim": 1}
    >>> found = ensemble([SequenceModule(arch, seed=i) for i in range(3)], ["A" * 50])
    >>> found.mean.shape
    torch.Size([1, 1])
    """
    return Ensemble(modules).spread(x, **options)


def at_least_two(n: int, name: str) -> int:
    """Return a number of predictions that a spread can be of."""
    if n < 2:
        raise EugeneError(f"{name} is {n}: a spread needs two predictions or more")
    return n


def spread_of(drawn: Sequence[Any]) -> Spread:
    """Return mean and standard deviation of several predictions of one form."""
    mean = _each(drawn, lambda parts: torch.stack(parts).double().mean(0).float())
    return Spread(mean, _each(drawn, lambda parts: torch.stack(parts).double().std(0).float()))


def _each(outputs: Sequence[Any], how: Callable[[list[torch.Tensor]], torch.Tensor]) -> Any:
    """Bring outputs of one form together, part by part."""
    first = outputs[0]
    if isinstance(first, Mapping):
        return {key: _each([one[key] for one in outputs], how) for key in first}
    if isinstance(first, tuple):
        parts = [_each(list(part), how) for part in zip(*outputs, strict=True)]
        return type(first)(*parts) if hasattr(first, "_fields") else tuple(parts)
    shapes = sorted({tuple(one.shape) for one in outputs})
    if len(shapes) > 1:
        raise EugeneError(f"modules of an ensemble give outputs of one shape, got {shapes}")
    return how(list(outputs))
