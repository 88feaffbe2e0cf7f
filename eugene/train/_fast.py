"""The fast path: channels last where that gives what the plain path gives."""

from __future__ import annotations

import contextlib
import copy
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytorch_lightning as pl
import torch
from lightning_fabric.utilities.exceptions import MisconfigurationException
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.strategies import DDPStrategy, SingleDeviceStrategy
from torch import nn

from eugene.modules.base import BaseModule
from eugene.nn._channels_last import ChannelsLast
from eugene.train._notes import Notes

WORTH = 200
"""Steps of the optimiser from which on the test pays: it costs about as much as eight."""
OUTPUT, GRADIENT = 1e-4, 1e-3
"""Largest differences, relative to the scale of outputs and of gradients."""
_BF16_HELPS = 1.3
_STEPS = ("training_step", "validation_step")


@dataclass(frozen=True)
class Trial:
    """A step of the fast path beside the same step of the plain one.

    Attributes
    ----------
    output, gradient : float
        Largest differences, relative to the scale.
    plain, fast : float
        Seconds of a step.
    off : tuple of float, optional
        Where gradients differ: how far those of the plain and of the fast path are from the ones
        in double precision.
    """

    output: float
    gradient: float
    plain: float
    fast: float
    off: tuple[float, float] | None = None

    @property
    def passed(self) -> bool:
        """Whether outputs and gradients differ by rounding.

        A unit that is 0 up to rounding passes a gradient or does not: then the fast path has to be
        as near to double precision as the plain one.
        """
        near = self.gradient <= GRADIENT
        if self.off is not None and math.isfinite(self.off[0]):
            near = near or self.off[1] <= max(GRADIENT, self.off[0])
        return self.output <= OUTPUT and near


class FastPath(Callback):
    """Compute the steps of a training with the channels last, if the first batch agrees.

    The choice does not rest on the clock, so the same training takes the same path again; a
    training that is taken up goes on with the path that it had.

    Parameters
    ----------
    choice : bool or "auto"
        Whether to; ``"auto"`` for trainings on the CPU that are long enough, of networks of
        which most that is computed are convolutions.
    notes : Notes
        Takes figures and remarks.
    """

    def __init__(self, choice: bool | str, notes: Notes) -> None:
        self.choice, self.notes = choice, notes
        self.used: bool | None = None
        self._asked = False

    def state_dict(self) -> dict[str, Any]:
        """Return which path was taken."""
        return {"used": self.used}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take the same path again, unless another one is asked for."""
        if self.choice == "auto":
            self.used = state_dict["used"]

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Decide whether the first batch is tried."""
        if self.used is None:
            self._asked = self.choice is True or (
                self.choice == "auto" and suits(pl_module, trainer) and _steps(trainer) >= WORTH
            )
            self.used = None if self._asked else False
        elif self.used:
            self._enter(trainer)

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Try the first batch both ways."""
        if not self._asked:
            return
        self._asked = False
        passed, trial = False, None
        try:
            trial = compare(pl_module, batch)
            passed = trial.passed
        except Exception as error:  # whatever a network raises that cannot be copied or tried
            why = f"{type(error).__name__}: {error}".partition("\n")[0]
            self.notes.remark(f"fast path: not taken, the network cannot be tried ({why})")
        # every process of several has a batch of its own, and all take one path
        self.used = bool(trainer.strategy.reduce_boolean_decision(passed))
        if trial is not None:
            self._tell(trial)
        if self.used:
            self._enter(trainer)
        if trial is not None and str(trainer.precision).startswith("32"):
            self._try_bf16(pl_module, batch, trial)

    def _tell(self, trial: Trial) -> None:
        ratio = trial.plain / trial.fast
        figures: dict[str, object] = {
            "fast_path": bool(self.used),
            "fast_path_output_difference": float(f"{trial.output:.1e}"),
            "fast_path_gradient_difference": float(f"{trial.gradient:.1e}"),
            "fast_path_speed_up": round(ratio, 2),
        }
        self.notes.figures.update(figures)
        told = (
            f"outputs differ by {trial.output:.0e} and gradients by {trial.gradient:.0e} of their "
            "scale"
        )
        if trial.off is not None:
            plain, fast = trial.off
            told += f" ({plain:.0e} and {fast:.0e} from double precision, plain and fast)"
        if not self.used:
            self.notes.remark(
                f"fast path (channels last): not taken, {told} (allowed: {OUTPUT:.0e} and "
                f"{GRADIENT:.0e})"
            )
            return
        slower = "" if ratio >= 1 else "; it is slower here, trainer: {fast: false} leaves it out"
        self.notes.remark(
            f"fast path (channels last): taken, {told}; a step took {1e3 * trial.fast:.1f} instead "
            f"of {1e3 * trial.plain:.1f} ms, {ratio:.2f} times as fast{slower}"
        )

    def _try_bf16(self, module: pl.LightningModule, batch: Any, trial: Trial) -> None:
        """Suggest bf16 where it is much faster; it is never switched on."""
        device = module.device.type
        if device not in ("cpu", "cuda") or not _has_bf16(device):
            return
        with contextlib.suppress(Exception):  # a network that bf16 does not suit is not advised it
            twin = _Twin(module, batch)
            now = trial.fast if self.used else trial.plain
            ratio = now / min(twin.seconds(fast=bool(self.used), bf16=True) for _ in range(2))
            self.notes.figures["bf16_speed_up"] = round(ratio, 2)
            if ratio >= _BF16_HELPS:
                self.notes.remark(
                    f"a step in bf16 is {ratio:.1f} times as fast again: trainer: {{precision: "
                    "bf16-mixed}. Numbers have 3 digits then: compare the figures before you "
                    "trust it"
                )

    def _enter(self, trainer: pl.Trainer) -> None:
        for name in _STEPS:
            setattr(trainer.strategy, name, _inside(getattr(trainer.strategy, name)))

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Leave the strategy as it was."""
        for name in _STEPS:
            vars(trainer.strategy).pop(name, None)


def _inside(step: Callable[..., Any]) -> Callable[..., Any]:
    def inside(*args: Any, **kwargs: Any) -> Any:
        with ChannelsLast():
            return step(*args, **kwargs)

    return inside


def suits(module: pl.LightningModule, trainer: pl.Trainer) -> bool:
    """Tell whether channels last is likely to be faster.

    It was on a CPU, 1.2 to 1.7 times, for networks of plain convolutions; not for those with
    recurrent or grouped ones. On a GPU it was not measured.

    Parameters
    ----------
    module : pytorch_lightning.LightningModule
        One of ours, which can be tried beside the training.
    trainer : pytorch_lightning.Trainer
        Its device, strategy and precision.

    Returns
    -------
    bool
        True where the first batch is worth a trial.
    """
    if not isinstance(module, BaseModule) or module.device.type != "cpu":
        return False
    if not isinstance(trainer.strategy, DDPStrategy | SingleDeviceStrategy):
        return False
    layers = list(module.arch.modules())
    wide = [layer for layer in layers if isinstance(layer, nn.Conv1d) and layer.in_channels >= 16]
    return (
        _has_mkldnn()
        and bool(wide)
        and all(layer.groups == 1 for layer in wide)
        and not any(isinstance(layer, nn.RNNBase) for layer in layers)
        and all(p.dtype == torch.float32 for p in module.parameters())
    )


def _steps(trainer: pl.Trainer) -> float:
    """Return the steps of the optimiser that are planned."""
    try:
        return float(trainer.estimated_stepping_batches)
    except MisconfigurationException:
        return math.inf


def _has_bf16(device: str) -> bool:
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return _has_mkldnn() and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def _has_mkldnn() -> bool:
    return bool(torch.backends.mkldnn.is_available())  # type: ignore[no-untyped-call]


class _Twin:
    """A copy of a module that makes steps of which nothing is left."""

    def __init__(self, module: pl.LightningModule, batch: Any, *, exact: bool = False) -> None:
        self.module, self.batch = copy.deepcopy(module), batch
        if exact:
            self.module.double()
            self.batch = {k: v.double() if v.is_floating_point() else v for k, v in batch.items()}
        self.start = {k: v.clone() for k, v in self.module.state_dict().items()}

    def step(self, *, fast: bool, bf16: bool = False) -> tuple[list[torch.Tensor], torch.Tensor]:
        """Return the outputs of the network, and the loss, after a step forward and back."""
        outputs: list[torch.Tensor] = []
        self.module.load_state_dict(self.start)
        self.module.zero_grad()
        net = getattr(self.module, "arch", self.module)
        hook = net.register_forward_hook(lambda *seen: outputs.extend(_tensors(seen[-1])))
        device = self.module.device
        gpus = [device] if device.type == "cuda" else []
        cast = torch.autocast(device.type, torch.bfloat16) if bf16 else contextlib.nullcontext()
        path = ChannelsLast() if fast else contextlib.nullcontext()
        try:
            with torch.random.fork_rng(devices=gpus), cast, path:
                torch.manual_seed(0)
                loss: Any = self.module.training_step(self.batch, 0)
        finally:
            hook.remove()
        loss = loss["loss"] if isinstance(loss, Mapping) else loss
        loss.backward()
        return [value.detach() for value in outputs], loss.detach()

    def seconds(self, *, fast: bool, bf16: bool = False) -> float:
        """Return the time of a step."""
        settle: Callable[[], object] = (
            torch.cuda.synchronize if self.module.device.type == "cuda" else (lambda: None)
        )
        settle()
        begin = time.perf_counter()
        self.step(fast=fast, bf16=bf16)
        settle()
        return time.perf_counter() - begin

    def gradients(self) -> dict[str, torch.Tensor]:
        """Return the gradients of the last step by name."""
        named = self.module.named_parameters()
        return {name: p.grad.clone() for name, p in named if p.grad is not None}


def _tensors(output: Any) -> list[torch.Tensor]:
    if isinstance(output, torch.Tensor):
        return [output]
    parts = output.values() if isinstance(output, Mapping) else output
    return [tensor for part in parts for tensor in _tensors(part)]


def compare(module: pl.LightningModule, batch: Any) -> Trial:
    """Make the same step by the plain and by the fast path; the module is left as it is.

    Parameters
    ----------
    module : pytorch_lightning.LightningModule
        A copy of it is tried, in f32 and with the same dropout.
    batch : object
        A batch where the module is.

    Returns
    -------
    Trial
        Differences relative to the scale, and times. The gradient of each parameter is compared
        with its own largest value and a tenth of the largest of all, because a bias in front of a
        normalisation has none but rounding.
    """
    twin = _Twin(module, batch)
    found = []
    for fast in (False, True):
        outputs, loss = twin.step(fast=fast)
        found.append(([*outputs, loss], twin.gradients()))
    (values, gradients), (others, turned) = found
    output = max(_apart(a, b, _scale(a)) for a, b in zip(values, others, strict=True))
    gradient, off = _gap(gradients, turned), None
    if gradient > GRADIENT:
        exact = _Twin(module, batch, exact=True)
        exact.step(fast=False)
        truth = exact.gradients()
        off = (_gap(truth, gradients), _gap(truth, turned))
    times = [[twin.seconds(fast=fast) for fast in (False, True)] for _ in range(2)]
    plain, fast_path = (min(pair) for pair in zip(*times, strict=True))
    return Trial(output, gradient, plain, fast_path, off)


def _gap(one: Mapping[str, torch.Tensor], two: Mapping[str, torch.Tensor]) -> float:
    """Return the largest difference of gradients, relative to their scale."""
    largest = max((_scale(g) for g in one.values()), default=0.0)
    return max(
        (_apart(g, two[name], _scale(g) + largest / 10) for name, g in one.items()), default=0.0
    )


def _scale(values: torch.Tensor) -> float:
    return float(values.abs().max()) if values.numel() else 0.0


def _apart(a: torch.Tensor, b: torch.Tensor, scale: float) -> float:
    """Return the largest difference relative to a scale; infinite where a value is not finite."""
    if a.shape != b.shape or not bool(torch.isfinite(a).all() & torch.isfinite(b).all()):
        return math.inf
    gap = float((a - b).abs().max()) if a.numel() else 0.0
    return gap / scale if scale else (math.inf if gap else 0.0)
