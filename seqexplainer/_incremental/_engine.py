"""Outputs of edited sequences, from windows where that is right and faster."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from itertools import pairwise

import torch

from seqexplainer._incremental._edits import Replacements, Substitutions
from seqexplainer._incremental._exits import TooManyEdits
from seqexplainer._incremental._window import Window
from seqexplainer._inputs import check_whole
from seqexplainer.calls import checked, explained

Function = Callable[..., torch.Tensor]
ENGINES = ("auto", "window", "plain")

_log = logging.getLogger(__name__)
_SAMPLE = 4  # edits on which windows are compared with whole sequences
_AGAIN = 2  # the same in later calls of one engine
_TOGETHER = 8192  # edits of a pass on windows
_TOLERANCE = 1e-5  # of the outputs and the effects of the sample
_NARROW = 16  # positions up to which replaced spans share a pass
_FEW = 2  # edits of a sequence that cost less than the values that windows need
_SMALL = 1e-2  # seconds below which there is nothing to gain


class Engine:
    """Computes a model's outputs on edited sequences.

    Every call of `outputs` computes a sample of the edits from whole sequences, too. Where windows
    differ there, or fail, all is computed that way from then on and the reason is logged and kept.

    Parameters
    ----------
    model : Module
        Model held in evaluation mode.
    pick : callable
        From its output to what is wanted, one row per sequence.
    engine : {"auto", "window", "plain"}
        ``"auto"`` uses windows where they are expected to be faster.
    batch_size : int
        Whole sequences per forward pass.
    purpose : str
        What the outputs are for, to be named in messages.

    Attributes
    ----------
    reason : str
        Why whole sequences are used; empty while windows are.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        pick: Function,
        *,
        engine: str = "auto",
        batch_size: int = 128,
        purpose: str = "saturation mutagenesis",
    ) -> None:
        check_whole(batch_size=batch_size)
        self.model, self.pick = model, pick
        self.batch_size, self.purpose = batch_size, purpose
        self.engine = engine
        self.reason = "engine='plain'" if engine == "plain" else ""
        self.together = _TOGETHER
        self.verified = False
        self.seconds = float("inf")
        self.prepared: dict[int, dict[str, torch.Tensor]] = {}

    def outputs(
        self,
        X: torch.Tensor,
        edits: Substitutions | Replacements,
        args: Sequence[torch.Tensor] = (),
        wild_type: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return outputs without edits and with each.

        Parameters
        ----------
        X : Tensor, shape (n_seqs, n_letters, length)
            Sequences, on the device and of the type of the model.
        edits : Substitutions or Replacements
            Edits of them.
        args : sequence of Tensor
            Extra inputs, one row per sequence.
        wild_type : Tensor, optional
            Outputs without edits, where they are known.

        Returns
        -------
        tuple of Tensor, shapes (n_seqs, ...) and (n_edits, ...)
            Outputs of the sequences and of the edits.
        """
        if wild_type is None:
            wild_type = self.predict(X, args)
        few = len(edits) <= _FEW * len(X) or self.seconds * len(edits) < _SMALL
        if self.reason or len(edits) < 2 or (few and self.engine == "auto"):
            return wild_type, self._plain(edits, args)
        count = min(len(edits), _AGAIN if self.verified else _SAMPLE)
        sample = torch.linspace(0, len(edits) - 1, count, device=X.device).long()
        begin = time.perf_counter()
        expected = self._whole(edits, sample, args)
        allowed = (time.perf_counter() - begin) / len(sample)
        try:
            outputs = self._windowed(X, edits, args, allowed)
        except Exception as error:  # what the model does with stand-ins for whole tensors
            self._give_up(f"{type(error).__name__}: {error}")
            return wild_type, self._plain(edits, args)
        gap = float((outputs[sample] - expected).abs().max())
        effect = expected - wild_type[edits.rows[sample]]
        size = float(expected.abs().max()) + float(effect.abs().max())
        if not gap <= _TOLERANCE * size:
            self._give_up(f"windows differ from it by {gap:.2g} (outputs up to {size:.2g})")
            return wild_type, self._plain(edits, args)
        self.verified = True
        return wild_type, outputs

    def _give_up(self, reason: str) -> None:
        self.reason = reason
        _log.info("%s takes the plain way: %s", self.purpose, reason)

    def predict(self, X: torch.Tensor, args: Sequence[torch.Tensor] = ()) -> torch.Tensor:
        """Return outputs of whole sequences, and note how long one takes."""
        begin = time.perf_counter()
        outputs = explained(self.model, self.pick, X, args)
        self.seconds = min(self.seconds, (time.perf_counter() - begin) / len(X))
        return outputs

    def edited(
        self,
        X: torch.Tensor,
        rows: torch.Tensor,
        sequences: torch.Tensor,
        args: Sequence[torch.Tensor] = (),
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return outputs of sequences, and of others that differ from them in places.

        Parameters
        ----------
        X : Tensor, shape (n_seqs, n_letters, length)
            Sequences, on the device and of the type of the model.
        rows : Tensor of int64, shape (n_edits,)
            Which of them each edited sequence was.
        sequences : Tensor, shape (n_edits, n_letters, length)
            The edited sequences.
        args : sequence of Tensor
            Extra inputs, one row per sequence of X.

        Returns
        -------
        tuple of Tensor, shapes (n_seqs, ...) and (n_edits, ...)
            Outputs of the sequences and of the edited ones.
        """
        length = X.shape[2]
        differs = (sequences != X[rows]).any(dim=1)
        starts = differs.int().argmax(dim=1)
        widths = (differs * torch.arange(1, length + 1, device=X.device)).amax(dim=1) - starts
        widths.clamp_(min=1)
        bounds = [min(_NARROW, length // 3), length // 3, length]
        outputs = wild_type = None
        for low, high in pairwise([0, *bounds]):
            own = ((widths > low) & (widths <= high)).nonzero()[:, 0]
            if not len(own):
                continue
            width = int(widths[own].max())
            first = starts[own].clamp(max=length - width)
            columns = (first[:, None] + torch.arange(width, device=X.device))[:, None]
            changed = sequences[own].gather(2, columns.expand(-1, X.shape[1], -1))
            edits = Replacements(X, rows[own], first, changed)
            if wild_type is None and high == length:
                wild_type = self.predict(X, args)
            if high < length:
                wild_type, found = self.outputs(X, edits, args, wild_type)
            else:
                found = self._plain(edits, args)
            if outputs is None:
                outputs = found.new_empty((len(rows), *found.shape[1:]))
            outputs[own] = found
        if wild_type is None:
            wild_type = self.predict(X, args)
        if outputs is None:
            outputs = wild_type[rows]
        return wild_type, outputs

    def _whole(
        self,
        edits: Substitutions | Replacements,
        at: torch.Tensor,
        args: Sequence[torch.Tensor],
    ) -> torch.Tensor:
        """Return the outputs of some edits from whole sequences."""
        rows = edits.rows[at]
        return explained(self.model, self.pick, edits.full(at), [a[rows] for a in args])

    def _plain(
        self, edits: Substitutions | Replacements, args: Sequence[torch.Tensor]
    ) -> torch.Tensor:
        """Return the outputs of all edits from whole sequences."""
        every = torch.arange(len(edits), device=edits.rows.device)
        return torch.cat(
            [self._whole(edits, at, args) for at in torch.split(every, self.batch_size)]
        )

    def _windowed(
        self,
        X: torch.Tensor,
        edits: Substitutions | Replacements,
        args: Sequence[torch.Tensor],
        allowed: float,
    ) -> torch.Tensor:
        """Return the outputs of edits from windows.

        With ``"auto"`` the first pass is timed; if it took longer than whole sequences would
        have, the rest and what follows are computed that way.
        """
        cache: dict[int, object] = {}
        while True:
            try:
                outputs = None
                for at, part in edits.parts(self.together):
                    if self.reason:
                        found = self._plain(part, args)
                    else:
                        begin = time.perf_counter()
                        found = self._pass(X, part, args, cache)
                        self._judge((time.perf_counter() - begin) / len(part), allowed)
                    if outputs is None:
                        outputs = found.new_empty((len(edits), *found.shape[1:]))
                    outputs[at] = found
                assert outputs is not None
                return outputs
            except TooManyEdits as limit:
                if limit.n_edits >= self.together:
                    raise
                self.together = limit.n_edits

    def _judge(self, spent: float, allowed: float) -> None:
        """Give windows up if edits take longer than whole sequences."""
        if self.engine == "auto" and spent > allowed:
            self._give_up(f"windows took {spent / max(allowed, 1e-12):.1f} times as long")

    def _pass(
        self,
        X: torch.Tensor,
        edits: Substitutions | Replacements,
        args: Sequence[torch.Tensor],
        cache: dict[int, object],
    ) -> torch.Tensor:
        most = max(self.batch_size, self.together)
        window = Window(edits, cache, most, self.prepared)
        batch = window.begin(X)
        with window:
            output = self.model(batch, *(a[edits.rows] for a in args))
        return checked(self.pick(window.fill(output)), len(edits))
