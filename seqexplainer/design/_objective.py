"""What a search makes better: outputs of one or several models as one number."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from seqexplainer._inputs import ArrayLike, check_args, check_whole, model_dtype
from seqexplainer._targets import Target, resolve
from seqexplainer.design._edits import from_codes
from seqexplainer.errors import SeqexplainerError
from seqexplainer.predict import picked

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Objective:
    """One thing to raise, to lower or to bring to a value.

    Parameters
    ----------
    target : int, tuple, str, callable, or mapping of such to float, optional
        Which number of the output counts; a mapping gives the weights of a sum of outputs.
    maximize : bool, optional
        Raise the number, or lower it.
    goal : float, optional
        Bring the number as close to this value as possible instead.
    weight : float, optional
        Weight of this objective beside others; positive.

    Raises
    ------
    SeqexplainerError
        If the weight is not positive or a mapping is empty.

    Examples
    --------
    >>> objective = Objective(target={0: 1.0, 1: -0.5}, goal=2.0)
    >>> objective.select(torch.tensor([[3.0, 4.0]]))
    tensor([1.])
    """

    target: Target | Mapping[Any, float] = 0
    maximize: bool = True
    goal: float | None = None
    weight: float = 1.0

    def __post_init__(self) -> None:
        if not self.weight > 0:
            msg = f"weight is {self.weight}; expected a positive number (maximize=False lowers)"
            raise SeqexplainerError(msg)
        if self.goal is not None and not math.isfinite(self.goal):
            raise SeqexplainerError(f"goal is {self.goal}; expected a number in the model's units")
        if isinstance(self.target, Mapping) and not self.target:
            msg = "target is an empty mapping; give at least one output and its weight"
            raise SeqexplainerError(msg)

    @property
    def select(self) -> Callable[[Any], torch.Tensor]:
        """The function from a model's output to the number, shape (n,)."""
        if not isinstance(self.target, Mapping):
            return resolve(self.target)
        parts = [(resolve(target), weight) for target, weight in self.target.items()]
        return lambda output: torch.stack([w * part(output) for part, w in parts]).sum(dim=0)

    @property
    def sign(self) -> int:
        """1 to raise, -1 to lower, 0 to meet a goal."""
        return 0 if self.goal is not None else 1 if self.maximize else -1


class Scorer:
    """Models and objectives together.

    Values of sequences have the shape (..., models, objectives). With several models an
    objective is judged by the mean of the models less ``caution`` standard deviations.
    """

    def __init__(
        self,
        model: nn.Module | Sequence[nn.Module],
        objectives: Sequence[Objective],
        *,
        caution: float = 0.0,
        batch_size: int = 128,
        device: str | torch.device | None = None,
        args: Sequence[ArrayLike] | None = None,
        n_letters: int = 4,
    ) -> None:
        check_whole(batch_size=batch_size)
        self.n_letters = n_letters
        self.models = [model] if isinstance(model, nn.Module) else list(model)
        if not self.models or not objectives:
            raise SeqexplainerError("at least one model and one objective are needed")
        if not caution >= 0:
            msg = f"caution is {caution}; expected standard deviations to take off, 0 or more"
            raise SeqexplainerError(msg)
        self.objectives = list(objectives)
        self.caution = caution
        self.batch_size = batch_size
        self.device = device
        self.args = list(args or ())

    def select(self, output: Any) -> torch.Tensor:
        """Return the numbers (n, objectives) of a model's output."""
        return torch.stack([o.select(output) for o in self.objectives], dim=-1)

    def inputs(
        self, model: nn.Module, starts: NDArray[np.integer] | None = None
    ) -> list[torch.Tensor]:
        """Return the extra inputs of these starts, or of all, as the model wants them."""
        if not self.args:
            return []
        whole = check_args(self.args, len(self.args[0]), model_dtype(model))
        return [a if starts is None else a[torch.from_numpy(starts)] for a in whole]

    def values(
        self, codes: NDArray[np.integer], starts: NDArray[np.integer] | None = None
    ) -> torch.Tensor:
        """Return values (n, models, objectives), float64, of letter codes (n, L).

        ``starts`` (n,) are the starts whose extra inputs go with them, by default all in order.
        """
        X = from_codes(codes, self.n_letters)
        options: dict[str, Any] = {"batch_size": self.batch_size, "device": self.device}
        columns = [
            picked(model, X, self.select, args=self.inputs(model, starts), **options)
            for model in self.models
        ]
        return torch.stack(columns, dim=1).double()

    def substitutions(
        self,
        codes: NDArray[np.integer],
        engine: str = "auto",
        starts: NDArray[np.integer] | None = None,
    ) -> torch.Tensor:
        """Return changes of value (n, L, A, models, objectives) by every substitution."""
        from seqexplainer.attribute import saturation_mutagenesis

        X = from_codes(codes, self.n_letters)
        options: dict[str, Any] = {"batch_size": self.batch_size, "device": self.device}
        targets: list[Any] = [
            o.select if isinstance(o.target, Mapping) else o.target for o in self.objectives
        ]
        changes = [
            [
                saturation_mutagenesis(
                    model,
                    X,
                    target=target,
                    engine=engine,
                    args=self.inputs(model, starts),
                    **options,
                )
                for target in targets
            ]
            for model in self.models
        ]
        stacked = torch.stack([torch.stack(row, dim=-1) for row in changes], dim=-2)
        return stacked.double().cpu().swapaxes(1, 2)

    def gains(self, values: torch.Tensor) -> torch.Tensor:
        """Return how good values (..., models, objectives) are: (..., objectives), to be raised."""
        mean = values.mean(dim=-2)
        columns = []
        for i, objective in enumerate(self.objectives):
            if objective.goal is None:
                columns.append(objective.sign * mean[..., i])
            else:
                columns.append(-(mean[..., i] - objective.goal).abs())
        gain = torch.stack(columns, dim=-1)
        if self.caution and len(self.models) > 1:
            gain = gain - self.caution * values.std(dim=-2, correction=0)
        return gain

    def merit(self, values: torch.Tensor) -> torch.Tensor:
        """Return the one number (...) to be raised."""
        gain = self.gains(values)
        if len(self.objectives) == 1:
            return gain[..., 0]
        return (gain * gain.new_tensor([o.weight for o in self.objectives])).sum(dim=-1)

    def score(self, values: torch.Tensor) -> torch.Tensor:
        """Return what is shown to people (...).

        That is the number itself, in the model's units and cautiously judged, of a single
        objective, and the merit of several.
        """
        if len(self.objectives) > 1:
            return self.merit(values)
        sign = self.objectives[0].sign
        return values.mean(dim=-2)[..., 0] if sign == 0 else sign * self.gains(values)[..., 0]

    def judge(
        self, codes: NDArray[np.integer], starts: NDArray[np.integer] | None = None
    ) -> tuple[NDArray[np.float64], ...]:
        """Return merit and score (n,) of letter codes (n, L); ``starts`` as for `values`."""
        values = self.values(codes, starts)
        return self.merit(values).numpy(), self.score(values).numpy()


def make_scorer(
    model: nn.Module | Sequence[nn.Module],
    objectives: Sequence[Objective | Mapping[str, Any]] | None,
    *,
    target: Target | Mapping[Any, float],
    maximize: bool,
    goal: float | None,
    caution: float,
    batch_size: int,
    device: str | torch.device | None,
    n: int,
    args: Sequence[ArrayLike] | None = None,
    n_letters: int = 4,
) -> Scorer:
    """Return the scorer of the arguments that `evolve` and `design` share."""
    single = Objective(target=target, maximize=maximize, goal=goal)
    if objectives is None:
        listed = [single]
    else:
        if single != Objective():
            raise SeqexplainerError("give objectives, or target, maximize and goal, but not both")
        listed = [o if isinstance(o, Objective) else _from_mapping(o) for o in objectives]
    check_args(args, n, torch.float32)
    options: dict[str, Any] = {"batch_size": batch_size, "device": device, "args": args}
    return Scorer(model, listed, caution=caution, n_letters=n_letters, **options)


def _from_mapping(options: Mapping[str, Any]) -> Objective:
    """Make an objective of plain options."""
    try:
        return Objective(**options)
    except TypeError as error:
        raise SeqexplainerError(
            f"objective {dict(options)} is not understood; "
            "expected target, maximize, goal and weight"
        ) from error
