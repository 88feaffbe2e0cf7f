"""The LightningModule that trains a network on sequences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any

import torch
from torch import nn

from eugene._calls import eugene_call
from eugene._judge import name_of, output_problem
from eugene._tasks import get_task
from eugene.augment import Augmenter, Regularizer
from eugene.config.marks import ArgumentsOf, Least, Names
from eugene.config.registries import LOSSES
from eugene.errors import EugeneError
from eugene.modules._input import as_batch_size, as_tensor
from eugene.modules._objects import by_name, metric_list, rows_given
from eugene.modules._views import Views, mean_score
from eugene.modules.base import BaseModule, steps_of
from eugene.modules.losses import make_loss, masked_mean
from eugene.modules.metrics import metrics_by_name
from eugene.nn import InputShapeError


class SequenceModule(BaseModule):
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
        ``adam``, ``adamw``, ``sgd``, ``rmsprop`` or another name of the registry, a class such as
        ``torch.optim.RAdam``, or a function of (params, lr=...).
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
    regularizers : list of str, dict or eugene.augment.Regularizer
        What keeps training from fitting too closely: ``["mixup", {"name": "noise", "std": 0.1}]``.
    augment : eugene.augment.Augmenter or dict, optional
        Changes training batches; or its arguments.
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

    @eugene_call("eugene.models.SequenceModule")
    def __init__(
        self,
        arch: nn.Module | Mapping[str, Any] | None = None,
        task: Annotated[str, Names("tasks")] = "regression",
        loss_fxn: Annotated[str | Callable[..., torch.Tensor] | None, Names("losses")] = None,
        optimizer: Annotated[
            str | Callable[..., torch.optim.Optimizer], Names("optimizers")
        ] = "adam",
        optimizer_lr: Annotated[float, Least(0)] = 1e-3,
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
        regularizers: Sequence[Regularizer | Mapping[str, Any] | str] = (),
        augment: Augmenter | Mapping[str, Any] | None = None,
        arch_name: str | None = None,
        model_name: str | None = None,
        metric_kwargs: Mapping[str, object] | None = None,
        save_hyperparams: bool = True,
    ) -> None:
        super().__init__()
        _check_unneeded(metric_kwargs, save_hyperparams=save_hyperparams)
        self.task = get_task(task)
        config = self._take_network(arch, alphabet, seed)
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
        self._watch(makers)
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
            alphabet=self.alphabet,
            seed=seed,
            regularizers=self._take_regularizers(regularizers),
            augment=self._take_augmenter(augment),
            arch_name=arch_name,
            model_name=model_name,
        )
        self._take_optimizer(optimizer, optimizer_lr, optimizer_kwargs, scheduler, scheduler_kwargs)

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
        return super().forward(x)

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
        self._count(stage, "loss", loss, total)
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
        >>> import numpy as np
        >>> module.predict(np.full((2, 50), b"A", dtype="S1")).shape
        torch.Size([2, 1])
        """
        if hasattr(x, "dims"):
            x = self._values(x)
        x = as_tensor(x)
        batch_size = as_batch_size(batch_size, 256)
        views = Views.of(self.alphabet, reverse_complement=reverse_complement, shifts=shifts)
        outputs = []
        with self._elsewhere(device) as where:
            for rows in steps_of(len(x), batch_size, progress=progress):
                one_hot = self._one_hot(x[rows].to(where))
                seen = (output.float() for output in self._views(one_hot, views))
                outputs.append(_mean([o if raw else self.task.predict(o) for o in seen]).cpu())
        if not outputs:
            return torch.empty(0, getattr(self.arch, "output_dim", 1))
        return torch.cat(outputs)


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
