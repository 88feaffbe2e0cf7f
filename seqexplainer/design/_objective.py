"""What a search makes better: outputs of one or several models as one number."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from seqexplainer._inputs import ArrayLike, check_args, check_one_hot, letters_for, model_dtype
from seqexplainer._targets import Target, resolve
from seqexplainer.design._constraints import Constraints
from seqexplainer.design._edits import from_codes, make_tapes, to_codes
from seqexplainer.design._task import Task
from seqexplainer.errors import SeqexplainerError
from seqexplainer.predict import picked
from seqexplainer.running import RUNNING, Runner, Running, split

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from seqpro.alphabets import BaseAlphabet


@dataclass(frozen=True, kw_only=True)
class Objective:
    """One thing to raise, to lower or to bring to a value.

    Parameters
    ----------
    target : int, tuple, str, callable, or mapping of such to float, optional
        Which number of the output counts, None for the only one; a mapping gives the
        weights of a sum of outputs.
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

    target: Target | Mapping[Any, float] | None = None
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

    @cached_property
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
        running: Running,
        *,
        caution: float = 0.0,
        n_letters: int = 4,
    ) -> None:
        self.n_letters = n_letters
        self.models = [model] if isinstance(model, nn.Module) else list(model)
        if not self.models or not objectives:
            raise SeqexplainerError("at least one model and one objective are needed")
        if not caution >= 0:
            msg = f"caution is {caution}; expected standard deviations to take off, 0 or more"
            raise SeqexplainerError(msg)
        self.objectives = list(objectives)
        self.caution = caution
        self.args = list(running.get("args") or ())
        self.running: Running = {**running, "args": None}

    def select(self, output: object) -> torch.Tensor:
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

    def _running(self, model: nn.Module, starts: NDArray[np.integer] | None) -> Running:
        return {**self.running, "args": self.inputs(model, starts)}

    def values(
        self, codes: NDArray[np.integer], starts: NDArray[np.integer] | None = None
    ) -> torch.Tensor:
        """Return values (n, models, objectives), float64, of letter codes (n, L).

        ``starts`` (n,) are the starts whose extra inputs go with them, by default all in order.
        """
        X = from_codes(codes, self.n_letters)
        columns = [
            picked(model, X, self.select, **self._running(model, starts)) for model in self.models
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
        targets: list[Any] = [
            o.select if o.target is None or isinstance(o.target, Mapping) else o.target
            for o in self.objectives
        ]
        changes = [
            [
                saturation_mutagenesis(
                    model,
                    X,
                    target=target,
                    engine=engine,
                    **self._running(model, starts),
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


class Aims(Running, total=False):
    """Keywords that `evolve` and `design` share, and those of `Running`.

    Attributes
    ----------
    target, maximize, goal
        The one objective; see `Objective`.
    objectives : sequence of Objective or mapping
        Several, instead.
    caution : float
        With several models: standard deviations of the models that their mean is worsened by.
    constraints : Constraints or mapping
        Limits that every edit respects.
    insertions, deletions : bool
        Whether bases may be inserted and deleted.
    flank : str or sequence of str
        Letters that follow each sequence on its right.
    alphabet : BaseAlphabet or str
        Letters of the columns.
    """

    target: Target | Mapping[Any, float] | None
    maximize: bool
    goal: float | None
    objectives: Sequence[Objective | Mapping[str, object]] | None
    caution: float
    constraints: Constraints | Mapping[str, object] | None
    insertions: bool
    deletions: bool
    flank: str | Sequence[str]
    alphabet: BaseAlphabet | str | None


OWN: Aims = {
    "target": None,
    "maximize": True,
    "goal": None,
    "objectives": None,
    "caution": 0.0,
    "constraints": None,
    "insertions": False,
    "deletions": False,
    "flank": "",
    "alphabet": None,
}
AIMS = {**OWN, **RUNNING}
"""What `Aims` are by default."""


def prepare(
    model: nn.Module | Sequence[nn.Module],
    X: ArrayLike,
    aims: Aims,
    **tuning: Any,
) -> Task:
    """Return the task of the arguments that `evolve` and `design` share.

    Parameters
    ----------
    model : Module or sequence of such
        Models that are judged together.
    X : ndarray or Tensor, shape (N, A, L)
        Sequences to start from.
    aims : Aims
        What callers gave.
    **tuning
        More fields of `Task`.

    Returns
    -------
    Task
    """
    own, running = split(aims, OWN)
    codes, letters = to_codes(check_one_hot(X)), letters_for(X, own["alphabet"])
    single = Objective(**{name: own[name] for name in ("target", "maximize", "goal")})
    listed = [single]
    if own["objectives"] is not None:
        if single != Objective():
            raise SeqexplainerError("give objectives, or target, maximize and goal, but not both")
        listed = [o if isinstance(o, Objective) else _from_mapping(o) for o in own["objectives"]]
    progress = running.pop("progress", False) | running.pop("verbose", False)
    scorer = Scorer(model, listed, running, caution=own["caution"], n_letters=len(letters))
    for one in scorer.models:
        Runner.of(one, torch.empty(0), running, n=len(codes))
    length = codes.shape[1]
    shifting = own["insertions"] or own["deletions"]
    return Task(
        scorer=scorer,
        limits=Constraints.of(own["constraints"]).within(length, len(letters)),
        tapes=make_tapes(codes, own["flank"] if shifting else "", length * shifting, letters),
        length=length,
        insertions=own["insertions"],
        deletions=own["deletions"],
        alphabet=letters,
        progress=progress,
        **tuning,
    )


def _from_mapping(options: Mapping[str, Any]) -> Objective:
    """Make an objective of plain options."""
    try:
        return Objective(**options)
    except TypeError as error:
        raise SeqexplainerError(
            f"objective {dict(options)} is not understood; "
            "expected target, maximize, goal and weight"
        ) from error
