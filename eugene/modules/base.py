"""What all modules that train a network on sequences share."""

from __future__ import annotations

import contextlib
import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import pytorch_lightning as pl
import torch
from torch import nn

import seqpro as sp
from eugene.augment import (
    Augmenter,
    Regularizer,
    hidden_layers,
    make_regularizers,
    padded_network,
    regularized_loss,
)
from eugene.config.registries import MODELS, MODULES
from eugene.errors import EugeneError
from eugene.models._build import build
from eugene.models._convert import as_in_eugene, is_of_eugene
from eugene.models._pretrained import start_from
from eugene.modules._attributes import EugeneAttributes, FrozenParts
from eugene.modules._input import as_device, check_length
from eugene.modules._letters import check_bytes, check_same_alphabet
from eugene.modules._means import EpochMean
from eugene.modules.metrics import EpochMetric, better_when
from eugene.modules.optimizers import has_argument, make_optimizer, make_scheduler
from eugene.nn import InputShapeError, ohe_bytes
from seqpro import cards, random
from seqpro.progress import bar

_MOST_TASKS_LOGGED = 32
_STAGES = ("train", "val", "test")


class BaseModule(FrozenParts, EugeneAttributes, pl.LightningModule, ABC):
    """A network over an alphabet with an optimiser, a schedule, and means over an epoch.

    A module says what a batch costs in ``_step``, which also feeds the means of the epoch
    (``_count``) and the metrics (``_stage_metrics``), and what is predicted for a batch in
    `predict_scores`. When it is made it calls ``_take_network``, ``_take_optimizer`` and
    ``_watch``, and ``_keep_plain`` with all of its arguments, from which a checkpoint makes it
    again.

    Attributes
    ----------
    arch : torch.nn.Module
        The network; what explainers explain.
    alphabet : str
        Letters in the order of the channels.
    means : tuple of str
        What is averaged over the rows of an epoch and logged for each stage.
    """

    means: ClassVar[tuple[str, ...]] = ("loss",)
    lr_factors: Mapping[str, float] = MappingProxyType({})
    """What the learning rate of a parameter is multiplied by, by name; set by a stage."""
    alphabet: str
    metric_names: tuple[str, ...]
    target_names: list[str] | None
    _rests_on: torch.Tensor | None = None

    def _take_network(
        self, arch: nn.Module | Mapping[str, Any] | None, alphabet: str, seed: int | None
    ) -> Mapping[str, Any] | None:
        """Keep the network, or build it, and return its description where it has one."""
        config: Mapping[str, Any] | None
        letters = sp.alphabet_of(alphabet).alphabet.upper()
        if isinstance(arch, nn.Module):
            config = getattr(arch, "config", None)
            network = arch
        elif isinstance(arch, Mapping):
            # weights to start from are not kept: a checkpoint brings its own
            config = {key: value for key, value in arch.items() if key != "weights"}
            network = build(**{"seed": seed, **_letters_of(config, len(letters)), **config})
            if arch.get("weights") is not None:
                start_from(network, arch["weights"])
        else:
            raise EugeneError(
                f"{type(self).__name__} needs the network as arch=; a checkpoint of a network that "
                "is not one of ours does not hold its description, so give arch= when loading it"
            )
        self.arch: nn.Module = network
        self.alphabet = letters
        channels = getattr(network, "input_channels", None)
        if isinstance(channels, int) and channels != len(letters):
            raise EugeneError(
                f"the network reads {channels} letters, the alphabet {letters!r} has "
                f"{len(letters)}: build it with input_channels={len(letters)}, or give the "
                "module the alphabet of the data, alphabet='DNA', 'RNA' or 'AA'"
            )
        return config

    def _take_augmenter(
        self, augment: Augmenter | Mapping[str, Any] | None, *, grows: bool = True
    ) -> dict[str, object] | None:
        """Keep the augmenter of the training batches, or make it, and return its settings."""
        if isinstance(augment, Mapping):
            augment = Augmenter(**{"alphabet": self.alphabet, **augment})
        self.augmenter: Augmenter | None = augment
        if augment is not None and augment.alphabet != self.alphabet:
            raise EugeneError(
                f"the augmenter is for letters {augment.alphabet}, the module for {self.alphabet}: "
                "give both the same alphabet="
            )
        if augment is not None and augment.added and not grows:
            raise EugeneError(
                f"augment: insertions make sequences {augment.added} bp longer, and tracks would "
                "no longer lie where they do: say length='keep'"
            )
        return None if augment is None else augment.settings

    def _take_regularizers(
        self, given: Sequence[Regularizer | Mapping[str, Any] | str]
    ) -> list[dict[str, object]]:
        """Keep what regularises training, or make it, and return its settings."""
        made, plain = make_regularizers(given)
        for regularizer in made:
            regularizer.attach(self.arch)
        self.regularizers = nn.ModuleList(made)
        self._silent = False
        self._hidden: list[nn.Module] | None = None
        return plain

    def _regularized(self, batch: Mapping[str, torch.Tensor], place: int) -> torch.Tensor:
        """Return the loss of a training batch as regularisers change it."""

        def silent(changed: Mapping[str, torch.Tensor]) -> torch.Tensor:
            self._silent = True
            try:
                return self._step(changed, "train")
            finally:
                self._silent = False

        def layers() -> list[nn.Module]:
            if self._hidden is None:
                self._hidden = hidden_layers(self.arch, self.encode(batch)[:2])
            return self._hidden

        return regularized_loss(
            self,
            self.regularizers,
            batch,
            seed=random.epoch_seed(self.hparams.get("seed") or 0, self.current_epoch),
            place=place,
            layers=layers,
            loss=lambda changed: self._step(changed, "train"),
            silent=silent,
        )

    def _augmented(self, batch: Mapping[str, torch.Tensor]) -> Mapping[str, torch.Tensor]:
        """Return a training batch as the augmenter changes it."""
        if self.augmenter is None:
            return batch
        if not self.augmenter.active:
            return self.augmenter.pad_batch(batch)
        return self.augmenter.augment_batch(
            batch,
            self.current_epoch,
            pairs=self.hparams.get("pairs"),
            control_pairs=self.hparams.get("control_pairs"),
            bin_size=self.hparams.get("bin_size") or 1,
        )

    def _padded(self, x: torch.Tensor) -> torch.Tensor:
        """Return sequences as long as those that were augmented, where they are not yet."""
        if self.augmenter is None or not self.augmenter.added or x.ndim != 3 or self.training:
            return x
        wanted = getattr(self.arch, "input_len", None)
        fixed = wanted is not None and not getattr(self.arch, "length_free", False)
        return x if fixed and x.shape[2] == wanted else self.augmenter.pad(x)

    @property
    def explained(self) -> nn.Module:
        """The network as it reads sequences of the data: what explainers explain."""
        if self.augmenter is None or not self.augmenter.added:
            return self.arch
        return padded_network(self.arch, self.augmenter)

    def _take_optimizer(
        self,
        optimizer: str | Callable[..., torch.optim.Optimizer],
        lr: float,
        options: Mapping[str, object] | None,
        scheduler: str | Callable[..., object] | None,
        scheduler_options: Mapping[str, object] | None,
    ) -> None:
        """Keep optimiser and schedule after a look whether they can be made."""
        self._optimizer, self._scheduler = optimizer, scheduler
        probe = make_optimizer(optimizer, [nn.Parameter(torch.zeros(1))], lr, **dict(options or {}))
        if scheduler is not None:
            make_scheduler(scheduler, probe, lambda: 10, **dict(scheduler_options or {}))

    def _watch(self, makers: Mapping[str, Callable[[], EpochMetric]]) -> None:
        """Make the means of each stage, and the metrics of the stages that are not trained on."""
        self.metric_names = tuple(makers)
        self._means = nn.ModuleDict(
            {f"{stage}_{name}": EpochMean() for stage in _STAGES for name in self.means}
        )
        self._metrics = nn.ModuleDict(
            {
                stage: nn.ModuleDict({name: make() for name, make in makers.items()})
                for stage in ("val_stage", "test_stage")
            }
        )

    def _keep_plain(self, **values: object) -> None:
        """Keep plain copies only, so that checkpoints load under ``weights_only``."""
        self.save_hyperparameters({key: _plain(value, key) for key, value in values.items()})

    def on_save_checkpoint(self, checkpoint: dict[str, object]) -> None:
        """Note which module it is, of those that a checkpoint can make again."""
        names = [kind.__name__ for kind in type(self).__mro__]
        checkpoint["module"] = next((n for n in names if n in MODULES), names[0])

    def on_load_checkpoint(self, checkpoint: dict[str, object]) -> None:
        """Arrange the network as EUGENe did where the checkpoint is EUGENe's, and say so."""
        if is_of_eugene(checkpoint):
            self.arch = as_in_eugene(self.arch)
            self._set_hparams({"arch": getattr(self.arch, "config", None)})

    def forward(self, x: torch.Tensor) -> Any:
        """Return what the network gives, raw.

        Parameters
        ----------
        x : torch.Tensor of float, shape (batch, letters, length)
            One-hot sequences.

        Returns
        -------
        object
            What ``arch`` returns.

        Raises
        ------
        InputShapeError
            If the shape is not what the network reads.
        """
        x = self._padded(x)
        self._check_input(x)
        return self.arch(x)

    def _check_input(self, x: torch.Tensor) -> None:
        letters = len(self.alphabet)
        if x.ndim == 3 and x.shape[1] == letters:
            check_length(self.arch, x.shape[2])
            return
        shape = tuple(x.shape)
        if x.ndim == 3 and x.shape[2] == letters:
            raise InputShapeError(
                f"got one-hot sequence of shape {shape}, (batch, length, {letters}); the network "
                f"reads (batch, {letters}, length). Turn it once with x.swapaxes(1, 2), the "
                "transform that EUGENe asked for, or let the loader pass bytes as 'seq'"
            )
        raise InputShapeError(
            f"got an array of shape {shape}, expected one-hot sequence of shape "
            f"(batch, {letters}, length)"
        )

    def encode(self, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Return the one-hot sequences of a batch.

        Parameters
        ----------
        batch : mapping
            With ``seq``, uint8 (B, L), or ``ohe_seq``, (B, A, L).

        Returns
        -------
        torch.Tensor of float, shape (B, A, L)
            The sequences, on their device.

        Raises
        ------
        EugeneError
            If the batch has neither, or letters of another alphabet.
        """
        if "ohe_seq" in batch:
            return batch["ohe_seq"].to(self.dtype)
        if "seq" not in batch:
            raise EugeneError(
                f"the batch has {', '.join(map(repr, batch)) or 'nothing'}, expected 'seq' (uint8 "
                "letters) or 'ohe_seq' (one-hot): rename the variable in the DataModule"
            )
        seq = batch["seq"]
        if seq.device.type == "cpu" or self._trainer is None:
            check_bytes(seq, self.alphabet)
        return ohe_bytes(seq, self.alphabet).to(self.dtype)

    @abstractmethod
    def _step(self, batch: Mapping[str, torch.Tensor], stage: str) -> torch.Tensor:
        """Return the loss of a batch, and take note of it for the epoch."""

    def _count(self, stage: str, name: str, value: torch.Tensor, total: torch.Tensor) -> None:
        """Add the mean of a batch, which rests on a sum of weights, to that of the epoch."""
        if self._silent:
            return
        mean: Any = self._means[f"{stage}_{name}"]
        mean.update(value.detach().float(), total)
        if name == "loss":
            self._rests_on = total.detach()

    def _stage_metrics(self, stage: str) -> dict[str, EpochMetric]:
        metrics: Any = self._metrics[f"{stage}_stage"]
        return dict(metrics.items())

    @property
    def metric_objects(self) -> dict[str, EpochMetric]:
        """The metrics of the validation rows by name."""
        return self._stage_metrics("val")

    def training_step(self, batch: Mapping[str, torch.Tensor], batch_idx: int) -> torch.Tensor:
        """Return the loss of one batch, float ()."""
        batch = self._augmented(batch)
        if self.regularizers:
            return self._fair(self._regularized(batch, batch_idx))
        return self._fair(self._step(batch, "train"))

    def _fair(self, loss: torch.Tensor) -> torch.Tensor:
        """Weigh a loss by the part that this process has in what all processes' losses rest on.

        Gradients of processes are averaged; where their batches have unequal weights, or some
        targets are missing, their mean is not that of one process with all rows.
        """
        if self._trainer is None or self._trainer.world_size == 1 or self._rests_on is None:
            return loss
        mine = self._rests_on.float()
        every: Any = self._trainer.strategy.reduce(mine.clone(), reduce_op="mean")
        share: torch.Tensor = mine / every.clamp_min(1e-12)
        return loss * share

    def validation_step(self, batch: Mapping[str, torch.Tensor], batch_idx: int) -> None:
        """Take one validation batch."""
        self._step(batch, "val")

    def test_step(self, batch: Mapping[str, torch.Tensor], batch_idx: int) -> None:
        """Take one test batch."""
        self._step(batch, "test")

    def predict_step(
        self, batch: Mapping[str, torch.Tensor], batch_idx: int
    ) -> dict[str, torch.Tensor]:
        """Return predictions for one batch; targets are not needed.

        Returns
        -------
        dict
            ``prediction``, float (B, outputs), or what a module of tracks says, and ``target`` and
            ``index`` where the batch has them.
        """
        result = self.predict_scores(batch)
        result.pop("score", None)
        return result

    @abstractmethod
    def predict_scores(
        self,
        batch: Mapping[str, torch.Tensor],
        *,
        reverse_complement: bool = False,
        shifts: int | Sequence[int] = 0,
    ) -> dict[str, torch.Tensor]:
        """Return predictions for one batch, averaged over strands and shifts."""

    def on_train_epoch_end(self) -> None:
        """Log the loss over the epoch."""
        self._log_epoch("train")

    def on_validation_epoch_end(self) -> None:
        """Log loss and metrics over the validation rows."""
        self._log_epoch("val")

    def on_test_epoch_end(self) -> None:
        """Log loss and metrics over the test rows."""
        self._log_epoch("test")

    def _log_epoch(self, stage: str) -> None:
        for name in self.means:
            mean: Any = self._means[f"{stage}_{name}"]
            self.log(f"{stage}_{name}", mean.compute(), sync_dist=True)
            mean.reset()
        if stage == "train":
            return
        for name, metric in self._stage_metrics(stage).items():
            values = metric.compute().reshape(-1)
            metric.reset()
            there = values[torch.isfinite(values)]
            mean = there.mean() if len(there) else values.new_tensor(torch.nan)
            self.log(f"{stage}_{name}", mean, sync_dist=True)
            if 1 < len(values) <= _MOST_TASKS_LOGGED:
                for i, value in enumerate(values):
                    self.log(f"{stage}_{name}_{self._target_name(i)}", value, sync_dist=True)

    def _target_name(self, i: int) -> str:
        names = self.target_names
        return names[i] if names is not None and i < len(names) else str(i)

    def setup(self, stage: str) -> None:
        """Refuse a datamodule over another alphabet, before the first batch."""
        check_same_alphabet(self, getattr(self.trainer, "datamodule", None))

    def _rate_groups(self) -> list[Any]:
        """Return what is trained; where rates differ, a group a rate, the largest first."""
        trainable = {n: p for n, p in self.named_parameters() if p.requires_grad}
        if not self.lr_factors:
            return list(trainable.values())
        factors = {n: float(self.lr_factors.get(n, 1.0)) for n in trainable}
        return [
            {
                "params": [trainable[n] for n in trainable if factors[n] == factor],
                "lr": self.hparams["optimizer_lr"] * factor,
            }
            for factor in sorted(set(factors.values()), reverse=True)
        ]

    def configure_optimizers(self) -> Any:
        """Return the optimiser and, where there is one, its schedule, as Lightning wants them."""
        hparams = self.hparams
        optimizer = make_optimizer(
            self._optimizer,
            self._rate_groups(),
            hparams["optimizer_lr"],
            **(hparams["optimizer_kwargs"] or {}),
        )
        if self._scheduler is None:
            return optimizer
        monitor = hparams["scheduler_monitor"].removesuffix("_epoch")
        if monitor.startswith("val_") and self._trainer and not self._trainer.limit_val_batches:
            monitor = "train_loss"  # there are no validation rows
        options = dict(hparams["scheduler_kwargs"] or {})
        if has_argument(self._scheduler, "mode"):
            options.setdefault("mode", better_when(monitor, self.metric_objects))
        scheduler, interval = make_scheduler(
            self._scheduler,
            optimizer,
            lambda: int(self.trainer.estimated_stepping_batches),
            **options,
        )
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": scheduler, "interval": interval, "monitor": monitor},
            "monitor": monitor,  # where EUGENe had it
        }

    @contextlib.contextmanager
    def _elsewhere(self, device: str | torch.device | None) -> Iterator[torch.device]:
        """Predict on a device; the mode and the device of the module are put back afterwards."""
        training, home = self.training, self.device
        where = as_device(device, home)
        try:
            self.eval().to(where)
            yield where
        finally:
            self.train(training).to(home)

    def _one_hot(self, part: torch.Tensor) -> torch.Tensor:
        """Return letters, uint8 (n, L), as one-hot of the type of the network; one-hot as it is."""
        if part.ndim == 2 and part.dtype == torch.uint8:
            check_bytes(part, self.alphabet)
            part = ohe_bytes(part, self.alphabet)
        return part.to(self.dtype)

    def _values(self, x: Any) -> np.ndarray:
        """Return the sequences of a dataset or of its variable, after a look at their alphabet."""
        if hasattr(x, "data_vars"):
            if "seq" not in x.variables:
                raise EugeneError(
                    "the dataset has no variable 'seq': predict one of its variables, ds[name]"
                )
            x = x["seq"]
        check_same_alphabet(self, x, f"the sequences {x.name!r}")
        if "_ohe" in x.dims:
            rows, *along = [d for d in x.dims if d != "_ohe"]
            x = x.transpose(rows, "_ohe", *along)
        values: np.ndarray = x.to_numpy()
        return values

    def _repr_html_(self) -> str:
        card = getattr(getattr(self, "run", None), "_repr_html_", None)
        if callable(card):
            return str(card())
        total = sum(p.numel() for p in self.arch.parameters())
        rows = [("network", type(self.arch).__name__), ("parameters", f"{total:,}")]
        return cards.card(type(self).__name__, rows, note="trained here; not from a run folder")

    def summary(self) -> str:
        """Return a table of the layers and their number of parameters."""
        rows = [
            (name, type(layer).__name__, sum(p.numel() for p in layer.parameters()))
            for name, layer in self.arch.named_children()
        ]
        total = sum(p.numel() for p in self.arch.parameters())
        width = max((len(name) for name, _, _ in rows), default=4)
        lines = [f"{name:<{width}}  {kind:<20} {count:>12,}" for name, kind, count in rows]
        return "\n".join([*lines, f"{'total':<{width}}  {'':<20} {total:>12,}"])


def steps_of(n: int, size: int, *, progress: bool) -> Iterator[slice]:
    """Yield rows a batch at a time, with a bar where it is asked for.

    Examples
    --------
    >>> list(steps_of(3, 2, progress=False))
    [slice(0, 2, None), slice(2, 4, None)]
    """
    for start in bar(range(0, n, size), desc="predict", shown=progress):
        yield slice(start, start + size)


def _letters_of(config: Mapping[str, object], letters: int) -> dict[str, int]:
    """Return how many letters there are, for an architecture that can be told."""
    name = config.get("name")
    takes = MODELS.signature(name) if isinstance(name, str) and name in MODELS else None
    told = takes is None or takes.accepts_any or "input_channels" in takes
    return {"input_channels": letters} if told else {}


def _plain(value: object, name: str) -> object:
    """Return a copy made of numbers, strings, lists and dicts only."""
    if isinstance(value, (np.generic, np.ndarray)):
        return _plain(value.tolist(), name)
    if isinstance(value, str):
        return str(value)  # a Task is a str of another class
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, Mapping):
        return {str(k): _plain(v, f"{name}.{k}") for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v, f"{name}[{i}]") for i, v in enumerate(value)]
    if name.startswith("arch"):
        return repr(copy.copy(value))
    raise EugeneError(
        f"{name} is a {type(value).__name__}: give numbers, strings, lists or dicts, or the "
        "checkpoint could not be loaded safely"
    )
