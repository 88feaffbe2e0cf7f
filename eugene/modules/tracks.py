"""The LightningModule of binned tracks."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

import torch
from torch import nn

from eugene._tracks import TrackLayout
from eugene.augment import Augmenter, Regularizer
from eugene.config.marks import ArgumentsOf, Least, Names
from eugene.errors import DataError, EugeneError, did_you_mean
from eugene.modules._heads import Head, cropped, make_heads, split_heads
from eugene.modules._input import as_batch_size, as_tensor
from eugene.modules._objects import by_name, metric_list
from eugene.modules._views import Views, shifted
from eugene.modules.base import BaseModule, steps_of
from eugene.modules.metrics import metrics_by_name
from eugene.nn import InputShapeError, recomputing

logger = logging.getLogger(__name__)


class TrackModule(BaseModule):
    """A network that predicts signal in bins, for one species or several.

    Batches are dicts with ``seq`` (uint8 ASCII, (B, L)) or ``ohe_seq`` (float, (B, A, L)) and,
    for training, ``target`` (float, (B, T, bins); NaN where missing), perhaps ``mask`` (like
    target, or (B, bins); 1 = use), ``weight`` ((B,) or (B, T)) and, with several heads, ``head``
    (int (B,): the number of the head that a row belongs to). The network may give more bins than
    there are targets: the middle ones count.

    Parameters
    ----------
    arch : torch.nn.Module or dict
        The network, or ``{"name": "basenji", "input_len": ..., ...}`` for one of our own. It
        returns float (B, tracks, bins), the tracks of several heads one behind the other, or a
        dict of heads.
    loss_fxn : str or callable
        ``poisson``, ``poisson_multinomial`` (a multinomial over the bins of each track and
        ``total_weight`` times a Poisson loss of their sum: 1 makes it equal to ``poisson``,
        Borzoi has 0.2), ``mse`` or another loss by name, or your own function of (prediction,
        target), which is given rates. The mean is over all targets that are there.
    link : {"softplus", "exp", "identity"}
        How raw outputs become predictions.
    heads : mapping of str to mapping, optional
        Several heads: for each ``tracks``, their number, and perhaps ``weight`` of its part of
        the loss, ``track_weights``, ``pairs``, ``names``, ``loss_fxn`` and ``loss_kwargs``. Rows
        of one head have no part in the loss of another. Each row counts alike.
    loss_kwargs : dict, optional
        Arguments of the loss, such as ``{"total_weight": 0.2}``.
    track_weights : list of float, optional
        What the loss of each track is multiplied by.
    pairs : list of int, optional
        For each track the one that holds the same on the other strand, itself if there is none;
        needed where predictions are averaged over strands.
    target_bins : int, optional
        Bins that are predicted, cut out of the middle; by default all that the network gives.
    bin_size : int, optional
        Bases (bp) of a bin; needed where predictions are averaged over shifts.
    recompute : bool
        Keep less of the forward pass, and compute it again in the backward pass: less memory,
        about a third more time, the same results.
    optimizer, optimizer_lr, optimizer_kwargs, scheduler, scheduler_monitor, scheduler_kwargs
        As `SequenceModule` takes them.
    metric : str or list of str, optional
        Metrics of each track over all bins of all rows; ``pearson`` by default. Their means over
        the tracks are logged, ``val_pearson``; with several heads ``val_pearson_human``.
    target_names : list of str, optional
        Names of the tracks, for the log.
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
        If a loss, metric, link or head is not known, or they do not fit each other.

    References
    ----------
    Kelley 2020, https://doi.org/10.1371/journal.pcbi.1008050; Linder et al. 2025,
    https://doi.org/10.1038/s41588-024-02053-6

    Examples
    --------
    >>> module = TrackModule({"name": "basenji", "input_len": 512, "output_dim": 3,
    ...     "stem_filters": 4, "tower_filters": 4, "tower_mult": 1, "tower_repeat": 3,
    ...     "dilated_filters": 2, "dilated_repeat": 1, "final_filters": 4, "cropping": 4})
    >>> module.predict(["ACGT" * 128]).shape
    torch.Size([1, 3, 24])
    """

    def __init__(
        self,
        arch: nn.Module | Mapping[str, Any] | None = None,
        loss_fxn: Annotated[str | Callable[..., torch.Tensor], Names("losses")] = "poisson",
        link: str = "softplus",
        heads: Mapping[str, Mapping[str, Any]] | None = None,
        optimizer: Annotated[
            str | Callable[..., torch.optim.Optimizer], Names("optimizers")
        ] = "adam",
        optimizer_lr: Annotated[float, Least(0)] = 1e-3,
        optimizer_kwargs: Annotated[Mapping[str, object] | None, ArgumentsOf("optimizer")] = None,
        scheduler: Annotated[str | Callable[..., object] | None, Names("schedulers")] = None,
        scheduler_monitor: str = "val_loss",
        scheduler_kwargs: Annotated[Mapping[str, object] | None, ArgumentsOf("scheduler")] = None,
        metric: Annotated[str | Sequence[str] | None, Names("metrics")] = None,
        *,
        loss_kwargs: Annotated[Mapping[str, object] | None, ArgumentsOf("loss_fxn")] = None,
        track_weights: Sequence[float] | None = None,
        pairs: Sequence[int] | None = None,
        target_bins: Annotated[int | None, Least(1)] = None,
        bin_size: Annotated[int | None, Least(1)] = None,
        recompute: bool = False,
        target_names: Sequence[str] | None = None,
        alphabet: str = "ACGT",
        seed: int | None = None,
        regularizers: Sequence[Regularizer | Mapping[str, Any] | str] = (),
        augment: Augmenter | Mapping[str, Any] | None = None,
        arch_name: str | None = None,
        model_name: str | None = None,
    ) -> None:
        super().__init__()
        # plain lists, which Lightning can compare
        pairs = None if pairs is None else [int(i) for i in pairs]
        track_weights = None if track_weights is None else [float(w) for w in track_weights]
        target_names = None if target_names is None else [str(name) for name in target_names]
        config = self._take_network(arch, alphabet, seed)
        self.heads: dict[str, Head] = make_heads(
            heads, link=link, loss_fxn=loss_fxn, loss_kwargs=loss_kwargs,
            track_weights=track_weights, pairs=pairs, names=target_names,
        )  # fmt: skip
        self.loss_name = next(iter(self.heads.values())).loss_name
        makers = metrics_by_name("pearson" if metric is None else metric)
        several = len(self.heads) > 1
        keys = [(head, name) for head in self.heads for name in makers]
        # the head of each metric, by the name that it is logged under
        self._measured = {f"{name}_{head}" if several else name: head for head, name in keys}
        self._watch(
            {key: makers[name] for key, (_, name) in zip(self._measured, keys, strict=True)}
        )
        for name, measure in self.metric_objects.items():
            if measure.reads != "value":
                raise EugeneError(f"metric {name!r} is one of labels, and tracks have values")
        self.target_names = target_names
        self.target_bins, self.bin_size, self.recompute = target_bins, bin_size, recompute
        self._keep_plain(
            arch=config,
            loss_fxn=by_name(loss_fxn),
            link=link,
            heads=heads,
            optimizer=by_name(optimizer),
            optimizer_lr=optimizer_lr,
            optimizer_kwargs=optimizer_kwargs,
            scheduler=by_name(scheduler),
            scheduler_monitor=scheduler_monitor,
            scheduler_kwargs=scheduler_kwargs,
            metric=metric_list(metric, tuple(makers)),
            loss_kwargs=loss_kwargs,
            track_weights=track_weights,
            pairs=pairs,
            target_bins=target_bins,
            bin_size=bin_size,
            recompute=recompute,
            target_names=target_names,
            alphabet=self.alphabet,
            seed=seed,
            regularizers=self._take_regularizers(regularizers),
            augment=self._take_augmenter(augment, grows=False),
            arch_name=arch_name,
            model_name=model_name,
        )
        self._take_optimizer(optimizer, optimizer_lr, optimizer_kwargs, scheduler, scheduler_kwargs)

    def take_layout(self, layout: TrackLayout, control_pairs: Sequence[int] | None = None) -> None:
        """Take names and pairs of the tracks from the data, where the module was not told them.

        Parameters
        ----------
        layout : TrackLayout
            Of the targets.
        control_pairs : sequence of int, optional
            Tracks of this module have no controls.

        Raises
        ------
        DataError
            If the module was told other pairs.
        """
        if self.hparams["heads"] is not None:
            return  # each head is told its own
        told = self.hparams["pairs"]
        if told is not None and list(told) != list(layout.pairs):
            raise DataError(
                f"the module was told pairs={list(told)}, the data have {list(layout.pairs)}: "
                "leave pairs out"
            )
        if control_pairs:
            raise DataError("tracks are predicted from the sequence alone: leave control_var out")
        self._tell(pairs=list(layout.pairs))
        if self.target_names is None:
            self.target_names = list(layout.names)
            self._tell(target_names=self.target_names)

    def take_bins(self, bin_size: int | None, target_bins: int | None) -> None:
        """Take the bins from the data, where the module was not told them.

        Parameters
        ----------
        bin_size : int or None
            Bases (bp) of a bin.
        target_bins : int or None
            Bins of a target.

        Raises
        ------
        DataError
            If the module was told otherwise.
        """
        for key, here in (("bin_size", bin_size), ("target_bins", target_bins)):
            told = getattr(self, key)
            if told is not None and here is not None and told != here:
                raise DataError(
                    f"the module was told {key}={told}, the data have {here}: leave {key} out"
                )
            if here is not None:
                setattr(self, key, here)
                self.hparams[key] = here

    def take_weights(self, weights: Sequence[float]) -> None:
        """Take the weights of the tracks from the data, where the module was not told them."""
        if self.hparams["heads"] is None and self.hparams["track_weights"] is None:
            self._tell(track_weights=[float(w) for w in weights])
            logger.info("the loss of each track is weighted as the data say")

    def _tell(self, **facts: object) -> None:
        """Make the head anew with what the data say of it."""
        self.hparams.update(facts)
        names = {"target_names": "names"}
        head = self.heads[""]
        given = {names.get(key, key): value for key, value in facts.items()}
        plain = {k: tuple(v) for k, v in given.items() if isinstance(v, list)}
        self.heads[""] = replace(head, **plain)  # type: ignore[arg-type]

    def take_data(self, source: object) -> None:
        """Take what a data module says of its tracks, before anything is trained.

        Parameters
        ----------
        source : eugene.data.SequenceDataModule
            Serves tracks as targets. Another object says nothing, and nothing is taken.

        Raises
        ------
        DataError
            If the module was told otherwise.
        """
        layout = getattr(source, "layout", None)
        if layout is not None:
            self.take_layout(layout, getattr(source, "control_pairs", None))
        self._take_bins(getattr(source, "bins", None))

    def take_facts(self, described: Mapping[str, Any]) -> None:
        """Take what a run noted of its data, as `take_data` takes it of the data themselves.

        Parameters
        ----------
        described : mapping
            ``layout`` and ``bins``, where they are known.
        """
        if described.get("layout"):
            self.take_layout(TrackLayout.from_dict(described["layout"]))
        self._take_bins(described.get("bins"))

    def _take_bins(self, facts: Mapping[str, Any] | None) -> None:
        """Take bins and weights, where they are known."""
        if not facts:
            return
        self.take_bins(facts["bin_size"], facts["target_bins"])
        weights = facts.get("weights")
        if weights is not None and set(weights) != {1.0}:
            self.take_weights(weights)

    def setup(self, stage: str) -> None:
        """Take what the data say of the tracks, and refuse another alphabet."""
        super().setup(stage)
        source = getattr(self.trainer, "datamodule", None)
        if stage == "fit":
            self.take_data(getattr(source, "source", source))

    @property
    def n_tracks(self) -> int | None:
        """Tracks of all heads together, None where only the network knows."""
        counts = [head.tracks for head in self.heads.values()]
        known = [count for count in counts if count is not None]
        return sum(known) if len(known) == len(counts) else None

    def forward(self, x: torch.Tensor) -> Any:
        """Return what the network gives, raw.

        Parameters
        ----------
        x : torch.Tensor of float, shape (batch, letters, length)
            One-hot sequences.

        Returns
        -------
        torch.Tensor of float, shape (batch, tracks, bins), or a dict of heads
            Raw outputs, before the link.
        """
        return super().forward(x)

    def _outputs(self, one_hot: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return raw outputs in single precision for each head, float (B, tracks, bins)."""
        again = self.recompute and self.training
        with recomputing(self.arch) if again else contextlib.nullcontext():
            found = split_heads(self(one_hot), self.heads)
        return {name: output.float() for name, output in found.items()}

    def _rows_of_heads(self, batch: Mapping[str, torch.Tensor], n: int) -> torch.Tensor | None:
        """Return the number of the head of each row, None where there is but one."""
        if len(self.heads) == 1:
            return None
        if "head" not in batch:
            raise EugeneError(
                f"there are heads {', '.join(self.heads)}, and the batch does not say which its "
                f"rows belong to: it has {', '.join(map(repr, batch))}. Give 'head', int (B,), "
                "numbers in the order of heads (data.head_var)"
            )
        rows = batch["head"]
        if rows.shape != (n,) or rows.is_floating_point():
            raise EugeneError(
                f"head is {rows.dtype} of shape {tuple(rows.shape)}: expected int ({n},), the "
                "number of the head of each row"
            )
        if (
            rows.device.type == "cpu"
            and n
            and not 0 <= int(rows.min()) <= int(rows.max()) < len(self.heads)
        ):
            raise EugeneError(
                f"head reaches from {int(rows.min())} to {int(rows.max())}: expected numbers from "
                f"0 to {len(self.heads) - 1}, for {', '.join(self.heads)}"
            )
        return rows

    def _step(self, batch: Mapping[str, torch.Tensor], stage: str) -> torch.Tensor:
        if "target" not in batch:
            raise EugeneError(f"a {stage} batch needs 'target', got {', '.join(map(repr, batch))}")
        outputs = self._outputs(self.encode(batch))
        target = self._target(batch)
        rows = self._rows_of_heads(batch, len(target))
        weight = batch.get("weight")
        parts = []
        for number, (name, head) in enumerate(self.heads.items()):
            output = cropped(outputs[name], target.shape[-1])
            own = self._own(target, output, name)
            share: torch.Tensor | float = 1.0
            if rows is not None:
                here = rows == number
                own = torch.where(here[:, None, None], own, torch.nan)
                share = here.float().mean()
            given = weight
            if weight is not None and weight.ndim == 2:
                given = weight[:, : output.shape[1]]
            mean, total = head.mean_loss(output, own, given)
            parts.append((head.weight * share * mean, total))
            if stage != "train":
                self._measure(stage, name, head.predict(output.detach()), own)
        loss = torch.stack([part for part, _ in parts]).sum()
        self._count(stage, "loss", loss, torch.stack([total for _, total in parts]).sum())
        return loss

    def _target(self, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """Return the targets, float (B, tracks, bins), NaN where they do not count."""
        target = batch["target"].float()
        if target.ndim != 3:
            raise InputShapeError(
                f"targets have the shape {tuple(target.shape)}, expected (batch, tracks, bins): "
                "build the data with bin_size, or train with the module 'sequence'"
            )
        if "mask" not in batch:
            return target
        mask = batch["mask"]
        mask = mask[:, None] if mask.ndim == 2 else mask
        if mask.shape[-1] != target.shape[-1]:
            raise InputShapeError(
                f"the mask has {mask.shape[-1]} places, the targets {target.shape[-1]} bins: name "
                "the mask of the bins, such as cov_mask"
            )
        return torch.where(mask > 0, target, torch.nan)

    def _own(self, target: torch.Tensor, output: torch.Tensor, name: str) -> torch.Tensor:
        """Return the targets of a head, which come first where a batch has more."""
        tracks = output.shape[1]
        if target.shape[1] < tracks or (len(self.heads) == 1 and target.shape[1] != tracks):
            raise InputShapeError(
                f"the network gives {tracks} tracks{' of ' * bool(name)}{name}, the targets have "
                f"{target.shape[1]}: build it with as many (output_dim, or tracks of the head)"
            )
        return target[:, :tracks]

    def _measure(
        self, stage: str, name: str, prediction: torch.Tensor, target: torch.Tensor
    ) -> None:
        """Feed the metrics of a head with bins as rows, float (B, tracks, bins) each."""
        tracks = prediction.shape[1]
        sides = [side.transpose(1, 2).reshape(-1, tracks) for side in (prediction, target)]
        for key, metric in self._stage_metrics(stage).items():
            if self._measured[key] == name:
                metric.update(*sides)

    def _averaged(self, one_hot: torch.Tensor, views: Views) -> dict[str, torch.Tensor]:
        """Return predictions of each head, averaged over views, float (B, tracks, bins)."""
        self._check_views(views)
        sums: dict[str, torch.Tensor] = {}
        count = 0
        for shift in views.shifts:
            moved = shifted(one_hot, shift)
            for turned in (False, True)[: 1 + views.both_strands]:
                seen = self._outputs(moved.flip(1, 2) if turned else moved)
                count += 1
                for name, head in self.heads.items():
                    output = self._shown(seen[name])
                    found = head.predict(head.turned(output) if turned else output)
                    sums[name] = found if name not in sums else sums[name] + found
        return {name: total / count for name, total in sums.items()}

    def _check_views(self, views: Views) -> None:
        most = max(map(abs, views.shifts))
        if most and (self.bin_size is None or 2 * most >= self.bin_size):
            known = "unknown: give bin_size" if self.bin_size is None else f"{self.bin_size} bp"
            raise EugeneError(
                f"shifts of up to {most} bp: bins stay where they are, so a shift has to be "
                f"smaller than half a bin ({known})"
            )

    def _shown(self, output: torch.Tensor) -> torch.Tensor:
        return output if self.target_bins is None else cropped(output, self.target_bins)

    def predict_scores(
        self,
        batch: Mapping[str, torch.Tensor],
        *,
        reverse_complement: bool = False,
        shifts: int | Sequence[int] = 0,
    ) -> dict[str, torch.Tensor]:
        """Return predictions for one batch, averaged over strands and shifts.

        Returns
        -------
        dict
            ``prediction``, float (B, tracks, bins): rates, or values; with several heads those of
            the head of each row, NaN behind the last of its tracks. ``target``, ``head`` and
            ``index`` where the batch has them.
        """
        views = Views.of(self.alphabet, reverse_complement=reverse_complement, shifts=shifts)
        one_hot = self.encode(batch)
        found = self._averaged(one_hot, views)
        rows = self._rows_of_heads(batch, len(one_hot))
        if rows is None:
            prediction = next(iter(found.values()))
        else:
            prediction = self._by_row(found, rows)
        if "target" in batch and self.target_bins is None:
            prediction = cropped(prediction, batch["target"].shape[-1])
        result = {"prediction": prediction}
        result.update({key: batch[key] for key in ("target", "head", "index") if key in batch})
        return result

    def _by_row(self, found: Mapping[str, torch.Tensor], rows: torch.Tensor) -> torch.Tensor:
        """Return for each row what its own head gives, float (B, most tracks, bins)."""
        first = next(iter(found.values()))
        most = max(part.shape[1] for part in found.values())
        out = first.new_full((len(first), most, first.shape[2]), torch.nan)
        for number, part in enumerate(found.values()):
            here = (rows == number)[:, None, None]
            out[:, : part.shape[1]] = torch.where(here, part, out[:, : part.shape[1]])
        return out

    @torch.no_grad()
    def predict(
        self,
        x: object,
        batch_size: int | None = None,
        *,
        head: str | None = None,
        device: str | torch.device | None = None,
        reverse_complement: bool = False,
        shifts: int | Sequence[int] = 0,
        progress: bool = False,
    ) -> torch.Tensor:
        """Predict the tracks of sequences held in memory.

        The mode and the device of the module are put back afterwards.

        Parameters
        ----------
        x : list of str, array, DataArray or Dataset
            As `SequenceModule.predict` takes it.
        batch_size : int, optional
            Sequences at a time; 8 by default.
        head : str, optional
            Which head is asked, where there are several.
        device : str or torch.device, optional
            Where to compute; by default where the module is.
        reverse_complement : bool
            Average over both strands: bins are turned back, and paired tracks change places.
        shifts : int or sequence of int
            Average over sequences moved by so many positions (bp), less than half a bin.
        progress : bool
            Draw a bar.

        Returns
        -------
        torch.Tensor of float, shape (N, tracks, bins)
            Rates, or values, on the CPU.

        Raises
        ------
        InputShapeError
            If the shape is not what the network reads.
        EugeneError
            If the head is not known, the alphabet is another one, or shifts are too large.
        """
        name = self._head_of(head)
        if hasattr(x, "dims"):
            x = self._values(x)
        x = as_tensor(x)
        views = Views.of(self.alphabet, reverse_complement=reverse_complement, shifts=shifts)
        parts = []
        with self._elsewhere(device) as where:
            for rows in steps_of(max(len(x), 1), as_batch_size(batch_size, 8), progress=progress):
                one_hot = self._one_hot(x[rows].to(where))
                parts.append(self._averaged(one_hot, views)[name].cpu())
        return torch.cat(parts)

    def _head_of(self, head: str | None) -> str:
        if head is None and len(self.heads) == 1:
            return next(iter(self.heads))
        if head is None:
            raise EugeneError(f"which head: give head=, one of {', '.join(self.heads)}")
        if head not in self.heads:
            raise EugeneError(f"head: {head!r}{did_you_mean(head, self.heads)}")
        return head
