"""What EUGENe's users read from a module and set on it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Self

from eugene.errors import EugeneError

if TYPE_CHECKING:
    from torch import nn

    from eugene.modules.metrics import EpochMetric

_CHANGEABLE = ("optimizer_lr", "scheduler_monitor", "arch_name", "model_name")


def _given(name: str, what: str) -> property:
    """Return a property for an argument of the module; only what is read later can be set."""

    def read(self: Any) -> Any:
        if name not in self.hparams:
            raise AttributeError(f"{type(self).__name__} has no {name}")
        return self.hparams[name]

    def change(self: Any, value: object) -> None:
        if name not in _CHANGEABLE:
            raise EugeneError(
                f"{name} is settled when the module is made: give {name}={value!r} to "
                f"{type(self).__name__}(...)"
            )
        self.hparams[name] = value

    return property(read, change, doc=what)


def _of_network(name: str) -> property:
    def read(self: Any) -> int | None:
        value: int | None = getattr(self.arch, name, None)
        # a loaded module knows it from its run, whatever the network says
        return getattr(getattr(self, "run", None), name, value)

    return property(read, doc=f"``{name}`` of the network; None where it has none.")


def _watched(stage: str) -> property:
    def read(self: Any) -> EpochMetric:
        metric: EpochMetric = self._stage_metrics(stage)[self.metric_names[0]]
        return metric

    return property(read, doc=f"The first metric watched on {stage} rows.")


class EugeneAttributes:
    """Read-only views, and the few arguments that may be changed before training.

    Setting another one is an error: it would change nothing, in silence.
    """

    hparams: Any
    metric_names: tuple[str, ...]

    input_len = _of_network("input_len")
    output_dim = _of_network("output_dim")
    loss_fxn = _given("loss_fxn", "Loss as given; None for the task's own.")
    optimizer = _given("optimizer", "Name of the optimiser.")
    optimizer_lr = _given("optimizer_lr", "Learning rate; may be changed before training.")
    optimizer_kwargs = _given("optimizer_kwargs", "Other arguments of the optimiser.")
    scheduler = _given("scheduler", "Name of the schedule, or None.")
    scheduler_monitor = _given("scheduler_monitor", "What the schedule watches.")
    scheduler_kwargs = _given("scheduler_kwargs", "Arguments of the schedule.")
    seed = _given("seed", "Seed of the starting weights.")
    model_name = _given("model_name", "Name of the model.")
    val_metric = _watched("val")
    test_metric = _watched("test")

    @property
    def arch_name(self) -> str:
        """Name of the architecture: as given, or that of its class."""
        network: object = self.arch  # type: ignore[attr-defined]
        return self.hparams["arch_name"] or type(network).__name__

    @arch_name.setter
    def arch_name(self, value: str) -> None:
        """Set the name that a checkpoint keeps."""
        self.hparams["arch_name"] = value

    @property
    def metric_name(self) -> str:
        """The first of the metrics that are watched."""
        return self.metric_names[0]

    @property
    def metric_kwargs(self) -> dict[str, object]:
        """Empty: metrics take their shape from the data."""
        return {}

    @property
    def train_metric(self) -> EpochMetric:
        """A metric of the kind that is watched; training rows are watched by their loss only."""
        from eugene.modules.metrics import make_metric

        return make_metric(self.metric_names[0])


class FrozenParts:
    """Keeps frozen parts of the network in evaluation mode, whoever calls ``train()``."""

    _still: tuple[nn.Module, ...] = ()

    def keep_still(self, layers: Iterable[nn.Module]) -> None:
        """Keep parts of the network in evaluation mode from now on; none lets all go.

        Parameters
        ----------
        layers : iterable of torch.nn.Module
            The parts: running statistics do not move, dropout does not draw.
        """
        self._still = tuple(layers)
        self.train(self.training)  # type: ignore[attr-defined]

    def train(self, mode: bool = True) -> Self:
        """Set the mode of everything that is not frozen, as of any module."""
        super().train(mode)  # type: ignore[misc]
        for layer in self._still:
            layer.eval()
        return self
