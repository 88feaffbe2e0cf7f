"""Predictions of profiles and counts, averaged over strands and shifts."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch

from eugene._judge import say
from eugene.errors import EugeneError
from eugene.modules._groups import Groups
from eugene.modules._input import as_batch_size, as_tensor
from eugene.modules._views import TrackMean, Views, shifted, turn_tracks
from eugene.modules.base import BaseModule, steps_of
from eugene.nn import InputShapeError


class ProfilePrediction(NamedTuple):
    """What a trained profile network predicts.

    Attributes
    ----------
    profile : torch.Tensor of float, shape (n, tracks, positions)
        Probabilities of the positions: they add up to 1 over the strands and positions of a task
        together, or over the positions of each track (``loss_strands="separate"``).
    counts : torch.Tensor of float, shape (n, tasks)
        ``ln(1 + N)`` of the counts over the positions of the profile.
    """

    profile: torch.Tensor
    counts: torch.Tensor


class ProfilePredicting(BaseModule):
    """The part of a module of profiles that predicts.

    Attributes
    ----------
    joint : bool
        Whether shares of a task are over all of its tracks.
    """

    joint: bool
    _said: bool

    @property
    @abstractmethod
    def n_control_tracks(self) -> int | None:
        """Control tracks that the network was built for; None where it does not say."""

    @abstractmethod
    def _read(
        self, x: torch.Tensor, control: torch.Tensor | None, part: str | None = None
    ) -> tuple[torch.Tensor, torch.Tensor, Groups]:
        """Return logits and counts in single precision, and which tracks make a task."""

    def _shares(self, groups: Groups, logits: torch.Tensor) -> torch.Tensor:
        """Return the probabilities of positions, float (n, tracks, positions)."""
        if self.joint:
            return groups.spread(lambda x: x.softmax(-1), logits)
        return logits.softmax(-1)

    def predict_scores(
        self,
        batch: Mapping[str, torch.Tensor],
        *,
        reverse_complement: bool = False,
        shifts: int | Sequence[int] = 0,
    ) -> dict[str, torch.Tensor]:
        """Return predictions for one batch, averaged over strands and shifts as by `predict`.

        Returns
        -------
        dict
            ``profile`` (B, S, L_out) and ``counts`` of `ProfilePrediction`, and ``index`` where
            the batch has it.
        """
        views = Views.of(self.alphabet, reverse_complement=reverse_complement, shifts=shifts)
        found = self._averaged(self.encode(batch), self._control_of(batch), views)
        result = dict(zip(found._fields, found, strict=True))
        if "index" in batch:
            result["index"] = batch["index"]
        return result

    def _control_of(self, batch: Mapping[str, torch.Tensor]) -> torch.Tensor | None:
        """Return the control tracks of a batch; say where the network has to do without."""
        control = batch.get("control")
        if control is None and self.n_control_tracks and not self._said:
            self._said = True
            say(
                f"the network was trained beside {self.n_control_tracks} control tracks and "
                "predicts without any: they count as 0 everywhere"
            )
        return control

    def _averaged(
        self,
        one_hot: torch.Tensor,
        control: torch.Tensor | None,
        views: Views,
        part: str | None = None,
    ) -> ProfilePrediction:
        """Return the mean of probabilities and of ln(1 + N) over views."""
        mean, counts = TrackMean(), []
        for moved, shift, turned in views.each(one_hot):
            beside = None if control is None else shifted(control, shift)
            if beside is not None and turned:
                beside = turn_tracks(beside, self._pairs("control_pairs", beside.shape[1]))
            logits, count, groups = self._read(moved, beside, part)
            shares = self._shares(groups, logits)
            if turned:
                pairs = self._pairs("pairs", shares.shape[1])
                shares = turn_tracks(shares, pairs)
                if groups.per_track:
                    count = count[:, torch.as_tensor(pairs, device=count.device)]
            mean.add(shares, shift)
            counts.append(count)
        if views.shifts == (0,) and not views.both_strands:
            return ProfilePrediction(shares, counts[0])
        profile = mean.mean()
        if self.joint:
            profile = groups.spread(lambda p: p / p.sum(-1, keepdim=True), profile)
        else:
            profile = profile / profile.sum(-1, keepdim=True)
        return ProfilePrediction(profile, torch.stack(counts).mean(0))

    def _pairs(self, key: str, tracks: int) -> list[int]:
        """Return which tracks change places on the other strand."""
        told: list[int] | None = self.hparams[key]
        if told is None and tracks == 1:
            return [0]
        if told is None or len(told) != tracks:
            what = "nothing says" if told is None else f"{key}={told} does not say"
            raise EugeneError(
                f"{what} which of {tracks} tracks are the two strands of one signal, so there is "
                f"no other strand to average over: give the module {key}, such as "
                f"{list(range(tracks))[::-1]}, or {list(range(tracks))} for tracks without strand"
            )
        return told

    @torch.no_grad()
    def predict(
        self,
        x: object,
        control: object = None,
        batch_size: int | None = None,
        *,
        part: str | None = None,
        device: str | torch.device | None = None,
        reverse_complement: bool = False,
        shifts: int | Sequence[int] = 0,
        progress: bool = False,
    ) -> ProfilePrediction:
        """Predict profiles and counts of sequences held in memory.

        The mode and the device of the module are put back afterwards.

        Parameters
        ----------
        x : list of str, array, DataArray or Dataset
            As :meth:`eugene.models.SequenceModule.predict` takes them.
        control : array_like of float, shape (N, C, L), optional
            Control tracks along the sequences, for a network that takes them.
        batch_size : int, optional
            Sequences at a time; 64 by default.
        part : str, optional
            Predict by this part of the network alone: ``"main"`` of a ChromBPNet leaves out the
            bias. By default that of the module.
        device : str or torch.device, optional
            Where to compute; by default where the module is.
        reverse_complement : bool
            Average over both strands: tracks of the other one are turned back, and paired ones
            swapped.
        shifts : int or sequence of int
            Average over sequences moved by so many positions, ``n`` for all from -n to n; profiles
            are put back to their place, and positions that a shift moves out are left to the
            others.
        progress : bool
            Draw a bar.

        Returns
        -------
        ProfilePrediction
            ``profile``, probabilities (N, S, L_out), and ``counts``, ln(1 + N), on the CPU; the
            means of both over strands and shifts.

        Raises
        ------
        InputShapeError
            If the shape is not what the network reads.
        EugeneError
            If nothing says which tracks are paired, or sequences are over another alphabet.
        """
        if hasattr(x, "dims"):
            x = self._values(x)
        x = as_tensor(x)
        batch_size = as_batch_size(batch_size, 64)
        views = Views.of(self.alphabet, reverse_complement=reverse_complement, shifts=shifts)
        beside = None if control is None else torch.as_tensor(control)
        if beside is not None and (beside.ndim != 3 or len(beside) != len(x)):
            raise InputShapeError(
                f"control has the shape {tuple(beside.shape)}: expected ({len(x)}, tracks, "
                "positions)"
            )
        if not len(x):
            raise InputShapeError("there is no sequence to predict")
        found = []
        with self._elsewhere(device) as where:
            for rows in steps_of(len(x), batch_size, progress=progress):
                batch = {} if beside is None else {"control": beside[rows].to(where)}
                one_hot = self._one_hot(x[rows].to(where))
                found.append(self._averaged(one_hot, self._control_of(batch), views, part))
        return ProfilePrediction(
            *(torch.cat([values.cpu() for values in each]) for each in zip(*found, strict=True))
        )
