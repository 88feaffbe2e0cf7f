"""The LightningModule that trains a network on sequences."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import nn
from torchmetrics import MeanMetric
from tqdm import tqdm

import seqpro as sp
from eugene._calls import eugene_call
from eugene._judge import name_of, output_problem
from eugene._tasks import get_task
from eugene.config.marks import ArgumentsOf, Names
from eugene.config.registries import LOSSES
from eugene.errors import EugeneError
from eugene.models._build import build
from eugene.models._convert import as_in_eugene, is_of_eugene
from eugene.models._pretrained import start_from
from eugene.modules._attributes import EugeneAttributes
from eugene.modules._input import as_batch_size, as_device, as_tensor
from eugene.modules._letters import check_bytes, check_same_alphabet
from eugene.modules._objects import by_name, metric_list, rows_given
from eugene.modules._views import Views, mean_score
from eugene.modules.losses import make_loss, masked_mean
from eugene.modules.metrics import EpochMetric, better_when, metrics_by_name
from eugene.modules.optimizers import has_argument, make_optimizer, make_scheduler
from eugene.nn import InputShapeError, ohe_bytes

_MOST_TASKS_LOGGED = 32


class SequenceModule(EugeneAttributes, pl.LightningModule):
    """A network with a task: loss, metrics and optimiser for one value (or more) a sequence.

    ``module(X)`` takes one-hot sequence, float (N, A, L) with the A letters of the alphabet (4 for
    DNA and RNA), and returns what ``arch(X)`` returns.
    Batches are dicts with ``seq`` (uint8 ASCII, (B, L)) or ``ohe_seq`` (float, (B, A, L)) and,
    for training, ``target`` (float, (B, T); NaN where missing) and perhaps ``weight``.

    Parameters
    ----------
    arch : torch.nn.Module or dict
        The network, or ``{"name": "cnn", "input_len": ..., ...}`` for one of our own.
    task : str
        ``regression``, ``binary_classification``, ``multilabel_classification``,
        ``multiclass_classification`` or ``poisson``; it settles the loss, the metrics and how raw
        outputs become predictions.
    loss_fxn : str or callable, optional
        Another loss, by name, or your own: a function of (prediction, target) or a loss of
        ``torch.nn``.
    optimizer : str or callable
        ``adam``, ``adamw``, ``sgd`` or ``rmsprop``, a class such as ``torch.optim.NAdam``, or a
        function of (params, lr=...).
    optimizer_lr : float
        Learning rate.
    optimizer_kwargs : dict, optional
        Other arguments of the optimiser.
    scheduler : str or callable, optional
        ``reduce_lr_on_plateau``, ``cosine``, ``one_cycle`` or ``exponential``, or a class such
        as ``torch.optim.lr_scheduler.StepLR``.
    scheduler_monitor : str
        What ``reduce_lr_on_plateau`` watches.
    scheduler_kwargs : dict, optional
        Arguments of the schedule.
    metric : str, torchmetrics.Metric, callable, or list or dict of them, optional
        Metrics watched on validation and test rows instead of the task's own; those of your own
        are logged under their name, such as ``val_mean_absolute_error``, or their key.
    loss_kwargs : dict, optional
        Arguments of the loss, such as ``{"pos_weight": 3.0}``.
    target_names : list of str, optional
        Names of the targets, for the log.
    alphabet : str
        ``"DNA"``, ``"RNA"``, ``"AA"``, or the letters in the order of the channels. Data over
        another alphabet are refused.
    seed : int, optional
        Seed of the starting weights when ``arch`` is a dict; by default ``settings.seed``.
    arch_name, model_name : str, optional
        Kept in the checkpoint.
    metric_kwargs, save_hyperparams
        EUGENe's. Metrics take their shape from the data, and checkpoints always hold the
        arguments: numbers of outputs or classes are not needed, anything else is refused.

    Attributes
    ----------
    arch : torch.nn.Module
        The network; what explainers explain.

    Raises
    ------
    EugeneError
        If a task, loss, metric, optimiser or schedule is unknown, or one of their arguments.

    Notes
    -----
    A checkpoint holds plain values only. Of a loss, metric, optimiser or schedule that was given
    as an object it holds the name; give the object again to go on training with it.

    Examples
    --------
    >>> module = SequenceModule({"name": "cnn", "input_len": 50, "output_dim": 1},
    ...                         task="binary_classification")
    >>> module(torch.rand(2, 4, 50)).shape
    torch.Size([2, 1])
    """

    def __init__(
        self,
        arch: nn.Module | Mapping[str, Any] | None = None,
        task: Annotated[str, Names("tasks")] = "regression",
        loss_fxn: Annotated[str | Callable[..., torch.Tensor] | None, Names("losses")] = None,
        optimizer: Annotated[
            str | Callable[..., torch.optim.Optimizer], Names("optimizers")
        ] = "adam",
        optimizer_lr: float = 1e-3,
        optimizer_kwargs: Annotated[Mapping[str, object] | None, ArgumentsOf("optimizer")] = None,
        scheduler: Annotated[str | Callable[..., object] | None, Names("schedulers")] = None,
        scheduler_monitor: str = "val_loss",
        scheduler_kwargs: Annotated[Mapping[str, object] | None, ArgumentsOf("scheduler")] = None,
        metric: Annotated[
            str | Callable[..., object] | Sequence[object] | Mapping[str, object] | None,
            Names("metrics"),
        ] = None,
        *,
        loss_kwargs: Annotated[Mapping[str, object] | None, ArgumentsOf("loss_fxn")] = None,
        target_names: Sequence[str] | None = None,
        alphabet: str = "ACGT",
        seed: int | None = None,
        arch_name: str | None = None,
        model_name: str | None = None,
        metric_kwargs: Mapping[str, object] | None = None,
        save_hyperparams: bool = True,
    ) -> None:
        super().__init__()
        _check_unneeded(metric_kwargs, save_hyperparams=save_hyperparams)
        self.task = get_task(task)
        config: Mapping[str, Any] | None
        if isinstance(arch, nn.Module):
            config = getattr(arch, "config", None)
            network = arch
        elif isinstance(arch, Mapping):
            # weights to start from are not kept: a checkpoint brings its own
            config = {key: value for key, value in arch.items() if key != "weights"}
            letters = len(sp.alphabet_of(alphabet))
            network = build(**{"seed": seed, "input_channels": letters, **config})
            if arch.get("weights") is not None:
                start_from(network, arch["weights"])
        else:
            raise EugeneError(
                "SequenceModule needs the network as arch=; a checkpoint of a network that is not "
                "one of ours does not hold its description, so give arch= when loading it"
            )
        self.arch: nn.Module = network
        chosen_loss = loss_fxn or self.task.loss
        self.loss_name = name_of(chosen_loss)
        if LOSSES.ships(self.loss_name) and not self.task.takes_loss(self.loss_name):
            raise EugeneError(
                f"{self.loss_name} is no loss of {self.task.name}; leave loss_fxn out for "
                f"{self.task.loss}"
            )
        self._loss = make_loss(chosen_loss, classes=self.task.classes, **dict(loss_kwargs or {}))
        makers = metrics_by_name(
            list(self.task.metrics) if metric is None else metric,
            whole=self.task.classification,
            classes=self.task.classes,
        )
        self.metric_names = tuple(makers)
        self._optimizer, self._scheduler = optimizer, scheduler
        self.alphabet = alphabet = sp.alphabet_of(alphabet).alphabet.upper()
        channels = getattr(network, "input_channels", None)
        if isinstance(channels, int) and channels != len(alphabet):
            raise EugeneError(
                f"the network reads {channels} letters, the alphabet {alphabet!r} has "
                f"{len(alphabet)}: build it with input_channels={len(alphabet)}, or give the "
                "module the alphabet of the data, alphabet='DNA', 'RNA' or 'AA'"
            )
        self.target_names = list(target_names) if target_names is not None else None
        self._keep_plain(
            arch=config,
            task=task,
            loss_fxn=by_name(loss_fxn),
            optimizer=by_name(optimizer),
            optimizer_lr=optimizer_lr,
            optimizer_kwargs=optimizer_kwargs,
            scheduler=by_name(scheduler),
            scheduler_monitor=scheduler_monitor,
            scheduler_kwargs=scheduler_kwargs,
            metric=metric_list(metric, self.metric_names),
            loss_kwargs=loss_kwargs,
            target_names=target_names,
            alphabet=alphabet,
            seed=seed,
            arch_name=arch_name,
            model_name=model_name,
        )
        probe = make_optimizer(
            optimizer, [nn.Parameter(torch.zeros(1))], optimizer_lr, **dict(optimizer_kwargs or {})
        )
        if scheduler is not None:
            make_scheduler(scheduler, probe, lambda: 10, **dict(scheduler_kwargs or {}))
        self._means = nn.ModuleDict({f"{stage}_loss": MeanMetric() for stage in _STAGES})
        self._metrics = nn.ModuleDict(
            {
                stage: nn.ModuleDict({name: make() for name, make in makers.items()})
                for stage in ("val_stage", "test_stage")
            }
        )

    def _keep_plain(self, **values: object) -> None:
        """Keep plain copies only, so that checkpoints load under ``weights_only``."""
        self.save_hyperparameters({key: _plain(value, key) for key, value in values.items()})

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
        torch.Tensor of float, shape (batch, outputs)
            Logits for classification, log rates for Poisson.

        Raises
        ------
        InputShapeError
            If the shape is not what the network reads.
        """
        self._check_input(x)
        return self.arch(x)

    def _check_input(self, x: torch.Tensor) -> None:
        letters = len(self.alphabet)
        if x.ndim == 3 and x.shape[1] == letters:
            wanted = getattr(self.arch, "input_len", None)
            if wanted is None or getattr(self.arch, "length_free", False) or x.shape[2] == wanted:
                return
            raise InputShapeError(
                f"the sequences are {x.shape[2]} bp long, the network reads {wanted} bp: cut or "
                f"pad the sequences to {wanted}, or build the network with input_len={x.shape[2]}"
            )
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

    def _step(self, batch: Mapping[str, torch.Tensor], stage: str) -> torch.Tensor:
        output = rows_given(self, self.encode(batch))
        if "target" not in batch:
            raise EugeneError(f"a {stage} batch needs 'target', got {', '.join(map(repr, batch))}")
        target = batch["target"].to(output.dtype)
        target = target[:, None] if target.ndim == 1 else target
        self._check_output(output, target)
        if "mask" in batch:  # positions that do not count
            target = torch.where(batch["mask"].to(target.dtype) > 0, target, torch.nan)
        loss, total = masked_mean(self._loss, output, target, batch.get("weight"))
        mean: Any = self._means[f"{stage}_loss"]
        mean.update(loss.detach().float(), total)
        if stage != "train":
            raw = output.detach().float()
            prediction, scores = self.task.predict(raw), self.task.scores(raw)
            for name, metric in self._stage_metrics(stage).items():
                metric.update(
                    *self.task.metric_inputs(prediction, target.float(), metric.reads, name, scores)
                )
        return loss

    def _check_output(self, output: torch.Tensor, target: torch.Tensor) -> None:
        """Raise where outputs do not stand beside targets value for value."""
        problem = output_problem(tuple(output.shape), tuple(target.shape), self.task)
        if problem is not None:
            raise InputShapeError(problem)

    def _stage_metrics(self, stage: str) -> dict[str, EpochMetric]:
        metrics: Any = self._metrics[f"{stage}_stage"]
        return dict(metrics.items())

    @property
    def metric_objects(self) -> dict[str, EpochMetric]:
        """The metrics of the validation rows by name."""
        return self._stage_metrics("val")

    def training_step(self, batch: Mapping[str, torch.Tensor], batch_idx: int) -> torch.Tensor:
        """Return the loss of one batch, float ()."""
        return self._step(batch, "train")

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
            ``prediction``, float (B, outputs), and ``target`` and ``index`` where the batch has
            them.
        """
        result = self.predict_scores(batch)
        result.pop("score", None)
        return result

    def predict_scores(
        self,
        batch: Mapping[str, torch.Tensor],
        *,
        reverse_complement: bool = False,
        shifts: int | Sequence[int] = 0,
    ) -> dict[str, torch.Tensor]:
        """Return what `predict_step` does, and for classification ``score``, (B, outputs).

        Scores are logits, or log odds of a class: they rank as the probabilities do, and do not
        round to the same number where probabilities do. Predictions are averaged over strands and
        shifts as by `predict`.
        """
        views = Views.of(self.alphabet, reverse_complement=reverse_complement, shifts=shifts)
        outputs = [output.float() for output in self._views(self.encode(batch), views)]
        result = {"prediction": _mean([self.task.predict(output) for output in outputs])}
        if self.task.classification:
            result["score"] = mean_score([self.task.scores(output) for output in outputs])
        result.update({key: batch[key] for key in ("target", "index") if key in batch})
        return result

    def _views(self, one_hot: torch.Tensor, views: Views) -> Iterator[torch.Tensor]:
        """Yield what the network gives for each view of sequences."""
        return views.outputs(lambda x: rows_given(self, x), one_hot)

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
        mean: Any = self._means[f"{stage}_loss"]
        self.log(f"{stage}_loss", mean.compute(), sync_dist=True)
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

    def configure_optimizers(self) -> Any:
        """Return the optimiser and, where there is one, its schedule, as Lightning wants them."""
        hparams = self.hparams
        trainable = [p for p in self.parameters() if p.requires_grad]
        optimizer = make_optimizer(
            self._optimizer,
            trainable,
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
        }

    @eugene_call(same={"verbose": "progress"})
    @torch.no_grad()
    def predict(
        self,
        x: object,
        batch_size: int | None = None,
        *,
        device: str | torch.device | None = None,
        raw: bool = False,
        reverse_complement: bool = False,
        shifts: int | Sequence[int] = 0,
        progress: bool = False,
    ) -> torch.Tensor:
        """Predict sequences held in memory.

        The mode and the device of the module are put back afterwards.

        Parameters
        ----------
        x : list of str, array, DataArray or Dataset
            Strings of one length; letters: S1 or uint8, shape (N, L); or one-hot: any number,
            shape (N, A, L). A
            variable of a dataset, or a dataset with ``seq``, has to be over the alphabet that the
            module reads.
        batch_size : int, optional
            Sequences at a time; 256 by default.
        device : str or torch.device, optional
            Where to compute; by default where the module is.
        raw : bool
            Return raw outputs rather than values, probabilities or rates.
        reverse_complement : bool
            Average over both strands; values along positions are turned back.
        shifts : int or sequence of int
            Average over sequences moved by so many positions, ``n`` for all from -n to n; where
            they are moved in there is no letter, as for N.
        progress : bool
            Draw a bar.

        Returns
        -------
        torch.Tensor of float, shape (N, outputs)
            Predictions, on the CPU.

        Raises
        ------
        InputShapeError
            If the shape is not what the network reads.
        EugeneError
            If the sequences are over another alphabet.

        Examples
        --------
        >>> module = SequenceModule({"name": "cnn", "input_len": 50, "output_dim": 1})
        >>> module.predict(np.full((2, 50), b"A", dtype="S1")).shape
        torch.Size([2, 1])
        """
        if hasattr(x, "dims"):
            x = self._values(x)
        x = as_tensor(x)
        batch_size = as_batch_size(batch_size, 256)
        views = Views.of(self.alphabet, reverse_complement=reverse_complement, shifts=shifts)
        training, home = self.training, self.device
        where = as_device(device, home)
        outputs = []
        try:
            self.eval().to(where)
            steps = range(0, len(x), batch_size)
            for start in tqdm(steps, desc="predict", disable=not progress, leave=False):
                part = x[start : start + batch_size].to(where)
                if part.ndim == 2 and part.dtype == torch.uint8:
                    check_bytes(part, self.alphabet)
                    part = ohe_bytes(part, self.alphabet)
                seen = (output.float() for output in self._views(part.to(self.dtype), views))
                outputs.append(_mean([o if raw else self.task.predict(o) for o in seen]).cpu())
        finally:
            self.train(training).to(home)
        if not outputs:
            return torch.empty(0, getattr(self.arch, "output_dim", 1))
        return torch.cat(outputs)

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


def _mean(views: list[torch.Tensor]) -> torch.Tensor:
    return views[0] if len(views) == 1 else torch.stack(views).mean(0)


_STAGES = ("train", "val", "test")
_UNNEEDED = {"num_outputs", "num_classes", "num_labels", "num_targets", "task"}


def _check_unneeded(metric_kwargs: Mapping[str, object] | None, *, save_hyperparams: bool) -> None:
    refused = sorted(set(metric_kwargs or {}) - _UNNEEDED)
    if refused:
        raise EugeneError(
            f"metric_kwargs: {', '.join(refused)} would not be heard: metrics here take no "
            "arguments. Leave it out, or name another metric="
        )
    if not save_hyperparams:
        raise EugeneError("save_hyperparams=False: without them no checkpoint could be loaded")


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
