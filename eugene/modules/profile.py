"""The LightningModule that trains a network on base-resolution profiles and their counts."""

from __future__ import annotations

import inspect
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

import torch
from torch import nn

from eugene._calls import eugene_call, only
from eugene._tracks import TrackLayout
from eugene.augment import Augmenter, Regularizer
from eugene.config.marks import ArgumentsOf, Least, Names
from eugene.errors import DataError, EugeneError
from eugene.modules._groups import Groups
from eugene.modules._objects import by_name
from eugene.modules._profile_loss import auto_weights, checked_weight, compared, shape_problem
from eugene.modules._profile_predict import ProfilePredicting
from eugene.modules._profile_predict import ProfilePrediction as ProfilePrediction
from eugene.modules.metrics import EpochMetric, Pearson, Spearman
from eugene.modules.profile_metrics import (
    CorrelationMean,
    DistanceMean,
    jensen_shannon,
    profile_pearson,
)
from eugene.modules.row_losses import mnll
from eugene.nn import InputShapeError

logger = logging.getLogger(__name__)

_METRICS: dict[str, Callable[[], EpochMetric]] = {
    "count_pearson": Pearson,
    "count_spearman": Spearman,
    "profile_jsd": DistanceMean,
    "profile_pearson": CorrelationMean,
}


class ProfileModule(ProfilePredicting):
    """A network of profiles and counts: where reads lie along a sequence, and how many they are.

    The network returns ``(profile, counts)``, a named tuple: logits (B, S, L_out), a track of S
    for each sample, and logarithms of counts ``ln(1 + N)``, (B, T) of each task or (B, S) of each
    track. A task is a signal with its strands: a pair of tracks, or one alone.

    Batches are dicts with ``seq`` (uint8 ASCII, (B, L)) or ``ohe_seq`` (float, (B, A, L)) and, for
    training, ``target`` (counts, float (B, S, L_out); NaN where missing) and perhaps ``control``
    (float (B, C, L)), ``mask`` (B, L_out) or (B, S, L_out), 1 where a position counts, and
    ``weight`` (B,) or (B, T).

    The loss of a row is the mean over tasks of ``MNLL + count_weight * MSE``: the multinomial
    negative log-likelihood of its counts, terms without the prediction included, and the squared
    error of ``ln(1 + N)``. Positions that are missing have no part in either: shares are those
    among the positions that are there, and predicted counts are less what the profile puts
    elsewhere.

    Parameters
    ----------
    arch : torch.nn.Module or dict
        The network, or ``{"name": "bpnet", "input_len": 2114, ...}`` for one of our own.
    tracks : list of str, optional
        Names of the tracks. Like ``pairs`` and ``tasks`` they are taken from the data, where the
        module is trained on a `eugene.data.SequenceDataModule` and they were not given.
    pairs : list of int, optional
        For each track the number of the one that takes its place on the other strand; its own
        where it has none.
    tasks : dict, optional
        Name of each task and its tracks, by number or name. By default pairs are tasks, and so
        are tracks without one; where nothing says which tracks are paired, all are one task for a
        network with one count, and each is one for a network with as many counts as tracks.
    control_pairs : list of int, optional
        Like ``pairs``, of the control tracks.
    count_weight : float, "auto" or "learned"
        Weight of the loss of the counts. ``"auto"``, as for ChromBPNet: a tenth of the median
        number of counts of the training rows, for each task; the number takes the word's place in
        the hyper-parameters. ``"learned"``: both losses are weighted by what is learned about
        their uncertainty.
    loss_strands : {"joint", "separate"}
        Whether the shares of a task add up to 1 over all of its tracks, so that the balance of
        the strands is learned, or over each, whose losses are added up.
    task_weights : list of float, optional
        Weight of each task in the loss; only their ratios count.
    part : str, optional
        Train, and predict by, this part of the network alone, such as ``"bias"`` of ChromBPNet.
    optimizer : str or callable
        As of :class:`eugene.models.SequenceModule`, like the next five.
    optimizer_lr : float
        Learning rate.
    optimizer_kwargs : dict, optional
        Other arguments of the optimiser.
    scheduler : str or callable, optional
        Schedule of the learning rate.
    scheduler_monitor : str
        What ``reduce_lr_on_plateau`` watches.
    scheduler_kwargs : dict, optional
        Arguments of the schedule.
    alphabet : str
        ``"DNA"``, ``"RNA"``, or the letters in the order of the channels.
    seed : int, optional
        Seed of the starting weights when ``arch`` is a dict; by default ``settings.seed``.
    regularizers : list of str, dict or eugene.augment.Regularizer
        What keeps training from fitting too closely: ``["mixup", {"name": "noise", "std": 0.1}]``.
    augment : eugene.augment.Augmenter or dict, optional
        Changes training batches; or its arguments.
    arch_name, model_name : str, optional
        Kept in the checkpoint.

    Raises
    ------
    EugeneError
        If an argument is unknown, or the network has no such part.

    Notes
    -----
    Logged are ``loss``, ``profile_loss`` and ``count_loss`` of training and validation rows, and
    of the latter the correlation of predicted and observed ``ln(1 + N)`` over rows
    (``val_count_pearson``, ``val_count_spearman``) and, means over rows, the Jensen-Shannon
    distance and Pearson's correlation over positions of the profile (``val_profile_jsd``,
    ``val_profile_pearson``), each also by task.

    References
    ----------
    Avsec et al. 2021, https://doi.org/10.1038/s41588-021-00782-6; Pampari et al. 2024,
    https://doi.org/10.1101/2024.12.25.630221; for learned weights Kendall and Gal 2018,
    https://doi.org/10.1109/CVPR.2018.00781

    Examples
    --------
    >>> arch = {"name": "bpnet", "input_len": 100, "n_filters": 4, "n_layers": 2, "n_outputs": 2}
    >>> module = ProfileModule(arch, pairs=[1, 0], count_weight=10)
    >>> found = module.predict(["ACGT" * 25], reverse_complement=True)
    >>> found.profile.shape, found.counts.shape
    (torch.Size([1, 2, 92]), torch.Size([1, 1]))
    """

    means: ClassVar[tuple[str, ...]] = ("loss", "profile_loss", "count_loss")
    _count_weights: torch.Tensor

    @eugene_call(
        "eugene.models.ProfileModule",
        shown=False,  # Lightning reads the signature for what to keep
        unheard={
            "task": only("profile"),
            "profile_loss_fxn": only("MNLLLoss"),
            "count_loss_fxn": only("log1pMSELoss"),
            "save_hyperparams": only(True),
        },
    )
    def __init__(
        self,
        arch: nn.Module | Mapping[str, Any] | None = None,
        *,
        tracks: Sequence[str] | None = None,
        pairs: Sequence[int] | None = None,
        tasks: Mapping[str, Sequence[str | int]] | None = None,
        control_pairs: Sequence[int] | None = None,
        count_weight: float | Sequence[float] | Literal["auto", "learned"] = "auto",
        loss_strands: Literal["joint", "separate"] = "joint",
        task_weights: Sequence[float] | None = None,
        part: str | None = None,
        optimizer: Annotated[
            str | Callable[..., torch.optim.Optimizer], Names("optimizers")
        ] = "adam",
        optimizer_lr: Annotated[float, Least(0)] = 1e-3,
        optimizer_kwargs: Annotated[Mapping[str, object] | None, ArgumentsOf("optimizer")] = None,
        scheduler: Annotated[str | Callable[..., object] | None, Names("schedulers")] = None,
        scheduler_monitor: str = "val_loss",
        scheduler_kwargs: Annotated[Mapping[str, object] | None, ArgumentsOf("scheduler")] = None,
        alphabet: str = "ACGT",
        seed: int | None = None,
        regularizers: Sequence[Regularizer | Mapping[str, Any] | str] = (),
        augment: Augmenter | Mapping[str, Any] | None = None,
        arch_name: str | None = None,
        model_name: str | None = None,
    ) -> None:
        super().__init__()
        config = self._take_network(arch, alphabet, seed)
        if loss_strands not in ("joint", "separate"):
            raise EugeneError(f"loss_strands is {loss_strands!r}: expected 'joint' or 'separate'")
        self.joint = loss_strands == "joint"
        self.part = part
        self.network()  # or an error
        self.learned = count_weight == "learned"
        self._given_weight = checked_weight(count_weight)
        self.task_weights = None if task_weights is None else [float(w) for w in task_weights]
        if self.task_weights is not None and (
            not all(math.isfinite(w) and w >= 0 for w in self.task_weights)
            or not any(self.task_weights)
        ):
            raise EugeneError(
                f"task_weights is {self.task_weights}: expected numbers from 0 up, not all 0"
            )
        self.log_variances = nn.Parameter(torch.zeros(2)) if self.learned else None
        numbers = self._given_weight if isinstance(self._given_weight, list) else [0.0]
        self._weight_known = isinstance(self._given_weight, list)
        self._said = False
        self.register_buffer("_count_weights", torch.tensor(numbers), persistent=False)
        self._groups: Groups | None = None
        self.target_names = None
        self._watch(_METRICS)
        self._keep_plain(
            arch=config,
            tracks=tracks,
            pairs=pairs,
            tasks=tasks,
            control_pairs=control_pairs,
            count_weight=count_weight,
            loss_strands=loss_strands,
            task_weights=task_weights,
            part=part,
            optimizer=by_name(optimizer),
            optimizer_lr=optimizer_lr,
            optimizer_kwargs=optimizer_kwargs,
            scheduler=by_name(scheduler),
            scheduler_monitor=scheduler_monitor,
            scheduler_kwargs=scheduler_kwargs,
            alphabet=self.alphabet,
            seed=seed,
            regularizers=self._take_regularizers(regularizers),
            augment=self._take_augmenter(augment, grows=False),
            arch_name=arch_name,
            model_name=model_name,
        )
        self._take_optimizer(optimizer, optimizer_lr, optimizer_kwargs, scheduler, scheduler_kwargs)
        self._layout: TrackLayout | None = None
        if tracks is not None or pairs is not None:
            names = tracks or [str(i) for i in range(len(pairs or ()))]
            self._layout = TrackLayout.made(names, None, pairs, tasks)

    def network(self, part: str | None = None) -> nn.Module:
        """Return the network that is trained and predicts, or a part of it.

        Parameters
        ----------
        part : str, optional
            Name of a part; by default that of the module, or all of the network.

        Returns
        -------
        torch.nn.Module
            What is called.

        Raises
        ------
        EugeneError
            If there is no such part.
        """
        name = part or self.part
        if name is None:
            return self.arch
        try:
            return self.arch.get_submodule(name)
        except AttributeError:
            there = ", ".join(repr(n) for n, _ in self.arch.named_children()) or "none"
            raise EugeneError(
                f"{type(self.arch).__name__} has no part {name!r}; its parts are {there}"
            ) from None

    @property
    def layout(self) -> TrackLayout | None:
        """Names, pairs and tasks of the tracks; None where nothing has said them yet."""
        return self._layout

    def take_layout(self, layout: TrackLayout, control_pairs: Sequence[int] | None = None) -> None:
        """Take names and pairs of the tracks from the data, where the module was not told them.

        Parameters
        ----------
        layout : TrackLayout
            Of the targets.
        control_pairs : sequence of int, optional
            Pairs of the control tracks.

        Raises
        ------
        DataError
            If the module was told otherwise.
        """
        hparams = self.hparams
        for key, here in (("tracks", layout.names), ("pairs", layout.pairs)):
            told = hparams[key]
            if told is not None and list(told) != list(here):
                raise DataError(
                    f"the module was made for {key}={list(told)}, the data have {list(here)}: "
                    f"leave {key} out, or choose the data that it was made for."
                )
        tasks = hparams["tasks"]
        made = layout
        if tasks is not None:
            made = TrackLayout.made(layout.names, layout.strands, layout.pairs, tasks)
        self._layout, self._groups = made, None
        hparams["tracks"], hparams["pairs"] = list(made.names), list(made.pairs)
        hparams["tasks"] = {name: list(tracks) for name, tracks in made.tasks.items()}
        if control_pairs is not None:
            told = hparams["control_pairs"]
            if told is not None and list(told) != list(control_pairs):
                raise DataError(
                    f"the module was made for control_pairs={list(told)}, the data have "
                    f"{list(control_pairs)}: leave control_pairs out."
                )
            hparams["control_pairs"] = list(control_pairs)

    def take_data(self, source: Any) -> None:
        """Take layout and weight of the counts from a data module, before anything is trained.

        Parameters
        ----------
        source : eugene.data.SequenceDataModule
            Serves tracks as targets. Another object says nothing, and nothing is taken.

        Raises
        ------
        DataError
            If the module was told otherwise, or the training rows have no counts.
        """
        layout = getattr(source, "layout", None)
        if layout is None:
            return
        self.take_layout(layout, getattr(source, "control_pairs", None))
        if self._given_weight != "auto":
            return
        assert self._layout is not None
        found = auto_weights(self._layout, source.track_totals("train"))
        self._count_weights = torch.tensor(found, device=self.device)
        self._weight_known = True
        plain = found[0] if len(found) == 1 else found
        if self.hparams["count_weight"] != plain:
            logger.info("count_weight: auto is %s", plain)
        self.hparams["count_weight"] = plain

    def take_facts(self, described: Mapping[str, Any]) -> None:
        """Take the layout from what a run wrote down of its data, to predict as it did.

        Parameters
        ----------
        described : mapping
            With ``layout`` and ``control_pairs``, as ``SequenceDataModule.facts()`` has them.
        """
        if described.get("layout"):
            layout = TrackLayout.from_dict(described["layout"])
            self.take_layout(layout, described.get("control_pairs"))

    def setup(self, stage: str) -> None:
        """Take what the data say of the tracks, and refuse another alphabet."""
        super().setup(stage)
        source = getattr(self.trainer, "datamodule", None)
        if stage == "fit":
            self.take_data(getattr(source, "source", source))

    def _target_name(self, i: int) -> str:
        names = [] if self._layout is None else list(self._layout.tasks)
        return names[i] if i < len(names) else str(i)

    def forward(
        self, x: torch.Tensor, control: torch.Tensor | None = None, *, part: str | None = None
    ) -> Any:
        """Return what the network gives, raw.

        Parameters
        ----------
        x : torch.Tensor of float, shape (batch, letters, length)
            One-hot sequences.
        control : torch.Tensor of float, shape (batch, controls, length), optional
            Control tracks.
        part : str, optional
            The part of the network that is asked.

        Returns
        -------
        named tuple
            ``profile``, logits (batch, tracks, positions), and ``counts``, ln(1 + N).

        Raises
        ------
        InputShapeError
            If the shape is not what the network reads, or it gives something else.
        """
        self._check_input(x)
        network = self.network(part)
        if control is None:
            output = network(x)
        elif "control" in inspect.signature(network.forward).parameters:
            output = network(x, control.to(x.dtype))
        else:
            raise InputShapeError(
                f"{type(network).__name__} takes no control tracks: leave control out, or take a "
                "network whose forward(x, control) does, such as bpnet"
            )
        profile, counts = (getattr(output, key, None) for key in ("profile", "counts"))
        if profile is None or counts is None:
            raise InputShapeError(
                f"the network gives a {type(output).__name__}, expected a named tuple (profile, "
                "counts); of bpnet, chrombpnet and cherimoya with profile=True"
            )
        if profile.ndim != 3 or counts.ndim != 2 or not len(profile) == len(counts) == len(x):
            raise InputShapeError(
                f"the network gives a profile of shape {tuple(profile.shape)} and counts of shape "
                f"{tuple(counts.shape)} for {len(x)} sequences: expected (sequences, tracks, "
                "positions) and (sequences, tasks)"
            )
        return output

    @property
    def n_control_tracks(self) -> int | None:
        """Control tracks that the network was built for; None where it does not say."""
        config = getattr(self.network(), "config", None) or {}
        found = config.get("n_control_tracks")
        return found if isinstance(found, int) else None

    def _read(
        self, x: torch.Tensor, control: torch.Tensor | None, part: str | None = None
    ) -> tuple[torch.Tensor, torch.Tensor, Groups]:
        """Return logits and counts in single precision, and which tracks make a task."""
        output = self(x, control, part=part)
        profile, counts = output.profile.float(), output.counts.float()
        if self._groups is None:
            self._groups = Groups.of(self._layout, profile.shape[1], counts.shape[1])
            if self.task_weights is not None and len(self.task_weights) != len(self._groups):
                raise EugeneError(
                    f"there are {len(self.task_weights)} task_weights for {len(self._groups)} "
                    f"tasks ({', '.join(self._groups.names)}): give one a task"
                )
            if len(self._count_weights) not in (1, len(self._groups)):
                raise EugeneError(
                    f"count_weight has {len(self._count_weights)} numbers for "
                    f"{len(self._groups)} tasks ({', '.join(self._groups.names)}): give one, or "
                    "one a task"
                )
        return profile, counts, self._groups

    def _step(self, batch: Mapping[str, torch.Tensor], stage: str) -> torch.Tensor:
        control = batch.get("control")
        if control is None and self.n_control_tracks:
            raise EugeneError(
                f"the network was built for {self.n_control_tracks} control tracks, and the batch "
                "has no 'control': name them (data.control_var), or build it with "
                "n_control_tracks=0"
            )
        logits, counts, groups = self._read(self.encode(batch), control)
        if "target" not in batch:
            raise EugeneError(f"a {stage} batch needs 'target', got {', '.join(map(repr, batch))}")
        target = batch["target"].float()
        if target.shape != logits.shape:
            raise InputShapeError(shape_problem(tuple(logits.shape), tuple(target.shape)))
        if "mask" in batch:  # positions that do not count
            mask = batch["mask"]
            mask = mask[:, None] if mask.ndim == 2 else mask
            target = torch.where(mask > 0, target, torch.nan)
        likelihood = groups.by_task(self._likelihood, logits, target)
        expected, total, counted = compared(groups, logits, counts, target, joint=self.joint)
        error = (expected - total).square().where(counted, 0.0)
        if groups.per_track:
            error = groups.by_task(lambda e: e.mean(2), error)
        there = groups.by_task(lambda y: torch.isfinite(y).flatten(2).any(2), target)
        weight = self._weights(batch.get("weight"), there)
        n = weight.sum()
        share = weight / n.clamp_min(1e-12)
        profile_loss, count_loss = (likelihood * share).sum(), (error * share).sum()
        if self.log_variances is None:
            weighted = self._given_counts_weight() * error
            loss = profile_loss + (weighted * share).sum()
        else:
            of_profile, of_counts = self.log_variances.unbind()
            # a likelihood has no factor of one half, a squared error has one
            loss = profile_loss * (-of_profile).exp() + of_profile / 2
            loss = loss + count_loss * (-of_counts).exp() / 2 + of_counts / 2
        for name, value in zip(self.means, (loss, profile_loss, count_loss), strict=True):
            self._count(stage, name, value, n)
        if stage != "train":
            seen = total.where(counted, torch.nan)
            self._measure(stage, groups, (logits.detach(), target), (expected.detach(), seen))
        return loss

    def _given_counts_weight(self) -> torch.Tensor:
        """Return the weight of the loss of counts, float (1,) or (tasks,)."""
        if not self._weight_known:
            raise EugeneError(
                "count_weight='auto' is taken from the training rows of a SequenceDataModule, and "
                "there is none here: give a number, such as a tenth of the median number of "
                "counts of a row"
            )
        return self._count_weights

    def _likelihood(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Return the loss of profiles (n, tasks, k, positions), one a task, float (n, tasks)."""
        if self.joint:
            return mnll(logits.flatten(2), target.flatten(2))[..., 0]
        return mnll(logits, target)[..., 0].sum(2)

    def _weights(self, given: torch.Tensor | None, there: torch.Tensor) -> torch.Tensor:
        """Return the weight of each row and task, float (n, tasks)."""
        weight = there.float()
        if self.task_weights is not None:
            weight = weight * weight.new_tensor(self.task_weights)
        if given is None:
            return weight
        wide = given[:, None] if given.ndim == 1 else given
        if len(wide) != len(weight) or wide.shape[1] not in (1, weight.shape[1]):
            raise DataError(
                f"weights of shape {tuple(given.shape)} do not fit {weight.shape[1]} tasks of "
                f"{len(weight)} rows: expected one a row, or one a task"
            )
        return weight * wide.to(weight.dtype)

    def _measure(
        self,
        stage: str,
        groups: Groups,
        profiles: tuple[torch.Tensor, torch.Tensor],
        counts: tuple[torch.Tensor, torch.Tensor],
    ) -> None:
        """Give expected and observed profiles and counts to the metrics."""

        def of_rows(
            measure: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
        ) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
            if self.joint:
                return lambda x, y: measure(x.flatten(2), y.flatten(2))
            return lambda x, y: measure(x, y).nanmean(2)

        metrics: dict[str, Any] = self._stage_metrics(stage)
        for name, measure in (("jsd", jensen_shannon), ("pearson", profile_pearson)):
            metrics[f"profile_{name}"].update(groups.by_task(of_rows(measure), *profiles))
            # counts of tracks beside tasks: those of a task have no one number
        for name in ("count_pearson", "count_spearman"):
            metrics[name].update(*counts)
