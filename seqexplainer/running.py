"""How a model is run: the keywords of everything that runs one, and the model held meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypedDict, TypeVar, cast

import torch

from seqexplainer._inputs import (
    ArrayLike,
    check_args,
    check_whole,
    frozen,
    model_device,
    model_dtype,
)
from seqpro.keywords import check_keywords
from seqpro.progress import bar as drawn

Step = TypeVar("Step")


class Running(TypedDict, total=False):
    """Keywords of everything that runs a model.

    Attributes
    ----------
    batch_size : int
        Sequences per forward pass.
    device : str or device, optional
        Where to compute; by default where the model is.
    dtype : dtype, optional
        Number type of the input; by default that of the model's parameters.
    args : sequence of arrays, optional
        Extra inputs, each with one row per sequence; what is made of a sequence shares its rows.
    progress : bool
        Whether to draw a progress bar; ``verbose`` is EUGENe's word for it.
    """

    batch_size: int
    device: str | torch.device | None
    dtype: torch.dtype | None
    args: Sequence[ArrayLike] | None
    progress: bool
    verbose: bool


RUNNING: Running = {
    "batch_size": 128,
    "device": None,
    "dtype": None,
    "args": None,
    "progress": False,
    "verbose": False,
}
"""What `Running` is by default."""


def split(
    options: Mapping[str, object],
    own: Mapping[str, object],
    *,
    beside: Iterable[str] = (),
    same: Mapping[str, str] | None = None,
) -> tuple[dict[str, Any], Running]:
    """Return a function's own keywords, filled with defaults, and those of `Running`.

    Parameters
    ----------
    options : mapping
        What a caller gave.
    own : mapping
        Keywords of the function with their defaults.
    beside, same
        Of `seqpro.keywords.check_keywords`: what else may have been meant.

    Returns
    -------
    tuple of dict

    Raises
    ------
    TypeError
        If there is no such keyword.
    """
    check_keywords(options, {**own, **RUNNING}, beside=beside, same=same)
    rest = {name: value for name, value in options.items() if name in RUNNING}
    return {name: options.get(name, value) for name, value in own.items()}, cast("Running", rest)


@dataclass(frozen=True)
class Runner:
    """A model and the sequences that go through it.

    Attributes
    ----------
    model : Module
        The model.
    X : Tensor, shape (n, n_letters, length)
        Sequences.
    args : tuple of Tensor, each with n rows
        Extra inputs.
    batch_size, device, dtype, progress
        As in `Running`.
    """

    model: torch.nn.Module
    X: torch.Tensor
    args: tuple[torch.Tensor, ...]
    batch_size: int
    device: torch.device
    dtype: torch.dtype
    progress: bool

    @classmethod
    def of(
        cls,
        model: torch.nn.Module,
        X: torch.Tensor,
        options: Running,
        *,
        n: int | None = None,
        batch_size: int | None = None,
    ) -> Runner:
        """Return a runner after checking what callers gave.

        Parameters
        ----------
        model : Module
            The model.
        X : Tensor, shape (n, n_letters, length)
            Checked sequences.
        options : Running
            What was given.
        n : int, optional
            Rows of the extra inputs, where they are not those of X.
        batch_size : int, optional
            The default.

        Returns
        -------
        Runner

        Raises
        ------
        InputError
            If one has the wrong form.
        """
        check_keywords(options, RUNNING)
        chosen: Running = {**RUNNING, "batch_size": batch_size or RUNNING["batch_size"], **options}
        dtype = model_dtype(model, chosen["dtype"])
        args = check_args(chosen["args"], len(X) if n is None else n, dtype)
        check_whole(batch_size=chosen["batch_size"])
        device = model_device(model, chosen["device"])
        progress = chosen["progress"] or chosen["verbose"]
        return cls(model, X, args, chosen["batch_size"], device, dtype, progress)

    @contextmanager
    def held(self, *, gradients: bool = False) -> Iterator[Runner]:
        """Hold the model as `frozen` does, by default without gradients."""
        with frozen(self.model, self.device) as held, torch.set_grad_enabled(gradients):
            yield replace(self, model=held)

    def bar(self, steps: Iterable[Step], *, desc: str = "", unit: str = "it") -> Iterable[Step]:
        """Return steps that draw a progress bar, if one was asked for."""
        return drawn(steps, shown=self.progress, desc=desc, unit=unit)

    def rows_of(self, rows: slice | torch.Tensor) -> list[torch.Tensor]:
        """Return the extra inputs of some sequences, where the model is."""
        return [a[rows].to(self.device) for a in self.args]

    def batches(
        self, size: int | None = None
    ) -> Iterator[tuple[slice, torch.Tensor, list[torch.Tensor]]]:
        """Yield rows, and their sequences and extra inputs where and as the model wants them."""
        size = size or self.batch_size
        for start in self.bar(range(0, len(self.X), size)):
            rows = slice(start, start + size)
            yield rows, self.X[rows].to(self.device, self.dtype), self.rows_of(rows)
