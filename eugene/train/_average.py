"""Averages of the weights along a training: what is validated and saved instead of the last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from eugene.errors import EugeneError
from eugene.train._progress import say

_RAW = "eugene_average"
_ARCH = "arch."


class Averaged(Callback):
    """Average the weights of a network over the steps, or the epochs, of its training.

    Training goes on with the weights as they are. Validation sees the averages, checkpoints hold
    them as the weights of the network, and beside them what a resumed training goes on from.
    Running statistics of batch normalisation are averaged as weights are.

    Parameters
    ----------
    decay : float, optional
        Of an exponential moving average over the steps of the optimiser.
    from_epoch : int, optional
        Epoch, from 0, from which the weights at the end of each epoch count the same, as in
        stochastic weight averaging (Izmailov et al. 2018, https://arxiv.org/abs/1803.05407).

    Raises
    ------
    EugeneError
        Unless one of them is given, and the decay is from 0 below 1.
    """

    def __init__(self, decay: float | None = None, from_epoch: int | None = None) -> None:
        if (decay is None) == (from_epoch is None):
            raise EugeneError("ema and swa_from average the weights in two ways: give one of them")
        if decay is not None and not 0 <= decay < 1:
            raise EugeneError(f"ema={decay}: expected a decay from 0 to below 1, such as 0.999")
        self.decay, self.from_epoch = decay, from_epoch
        self.averages: AveragedModel | None = None
        self._aside: dict[str, torch.Tensor] | None = None
        self._step = 0

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Begin with the weights as they are."""
        arch = _network(pl_module)
        how = None
        if self.decay is not None:
            how = get_ema_multi_avg_fn(self.decay)  # type: ignore[no-untyped-call]
        self.averages = AveragedModel(arch, multi_avg_fn=how, use_buffers=True)
        if trainer.is_global_zero:
            what = (
                f"an exponential moving average (decay {self.decay}) of the weights"
                if self.decay is not None
                else f"the mean of the weights from epoch {(self.from_epoch or 0) + 1} on"
            )
            say(f"{what} is validated and saved, running statistics included")

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Follow the network to its device."""
        assert self.averages is not None
        self.averages.to(pl_module.device)
        self._step = trainer.global_step

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: object,
        batch: object,
        batch_idx: int,
    ) -> None:
        """Average after a step of the optimiser."""
        if self.decay is not None and trainer.global_step != self._step:
            self._step = trainer.global_step
            self._update(pl_module)

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Put the averages in place; where epochs are averaged, with this one."""
        if self.from_epoch is not None and trainer.current_epoch >= self.from_epoch:
            self._update(pl_module)
        if self._begun():
            arch = _network(pl_module)
            self._aside = {k: v.detach().clone() for k, v in arch.state_dict().items()}
            arch.load_state_dict(self._averages())

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Put the weights back."""
        if self._aside is not None:
            _network(pl_module).load_state_dict(self._aside)
            self._aside = None

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Average an epoch that was not validated."""
        begun = self.from_epoch is not None and trainer.current_epoch >= self.from_epoch
        if begun and not trainer.limit_val_batches:
            self._update(pl_module)

    def on_save_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Let the checkpoint hold the averages, and beside them the weights that are trained."""
        assert self.averages is not None
        state = checkpoint["state_dict"]
        raw = {k: v.detach().clone() for k, v in state.items() if k.startswith(_ARCH)}
        checkpoint[_RAW] = {"weights": raw, "averaged": int(self.averages.n_averaged)}
        if self._begun():
            state.update({f"{_ARCH}{k}": v for k, v in self._averages().items()})

    def on_load_checkpoint(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Take both up again; the averages are what the module was filled with."""
        assert self.averages is not None
        kept: Mapping[str, Any] | None = checkpoint.get(_RAW)
        if kept is None:
            raise EugeneError("the checkpoint was written without averages: train without, too")
        arch = _network(pl_module)
        self.averages.module.load_state_dict(arch.state_dict())
        self.averages.n_averaged.fill_(kept["averaged"])
        arch.load_state_dict({k.removeprefix(_ARCH): v for k, v in kept["weights"].items()})

    def _begun(self) -> bool:
        return self.averages is not None and int(self.averages.n_averaged) > 0

    def _update(self, module: pl.LightningModule) -> None:
        assert self.averages is not None
        self.averages.update_parameters(_network(module))

    def _averages(self) -> dict[str, torch.Tensor]:
        assert self.averages is not None
        found: dict[str, torch.Tensor] = self.averages.module.state_dict()
        return {k: v.detach() for k, v in found.items()}


def _network(module: pl.LightningModule) -> nn.Module:
    arch = getattr(module, "arch", None)
    if not isinstance(arch, nn.Module):
        raise EugeneError(
            f"ema and swa_from average the network of a module, its 'arch', and "
            f"{type(module).__name__} has none"
        )
    return arch
