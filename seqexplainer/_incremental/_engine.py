"""Outputs of edited sequences, from windows where that is right and faster."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch

from seqexplainer._incremental._edits import Replacements, Substitutions
from seqexplainer._incremental._exits import TooManyEdits
from seqexplainer._incremental._window import Window

Function = Callable[..., torch.Tensor]
ENGINES = ("auto", "window", "plain")

_log = logging.getLogger(__name__)
_SAMPLE = 4  # edits of each call on which windows are compared with whole sequences
_TOGETHER = 8192  # edits of a pass on windows
_TOLERANCE = 1e-5  # of the outputs and the effects of the sample
_SMALL = 2e-3  # seconds below which there is nothing to gain


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
        self.model, self.pick = model, pick
        self.batch_size, self.purpose = batch_size, purpose
        self.engine = engine
        self.reason = "engine='plain'" if engine == "plain" else ""
        self.together = _TOGETHER

    def outputs(
        self,
        X: torch.Tensor,
        edits: Substitutions | Replacements,
        args: Sequence[torch.Tensor] = (),
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

        Returns
        -------
        tuple of Tensor, shapes (n_seqs, ...) and (n_edits, ...)
            Outputs of the sequences and of the edits.
        """
        n_seqs, n_edits = len(X), len(edits)
        if self.reason or n_edits < 2:
            return self.pick(self.model(X, *args)), self._plain(edits, args)
        sample = torch.linspace(0, n_edits - 1, min(n_edits, _SAMPLE), device=X.device).long()
        rows = torch.cat([torch.arange(n_seqs, device=X.device), edits.rows[sample]])
        begin = time.perf_counter()
        found = self.pick(self.model(torch.cat([X, edits.full(sample)]), *(a[rows] for a in args)))
        wild_type, expected = found[:n_seqs], found[n_seqs:]
        allowed = (time.perf_counter() - begin) / len(rows)
        if self.engine == "auto" and allowed * n_edits < _SMALL:
            return wild_type, self._plain(edits, args)
        try:
            outputs = self._windowed(X, edits, args, allowed)
        except (NotImplementedError, RuntimeError, TypeError, ValueError, IndexError) as error:
            self._give_up(f"{type(error).__name__}: {error}")
            return wild_type, self._plain(edits, args)
        gap = float((outputs[sample] - expected).abs().max())
        effect = expected - wild_type[edits.rows[sample]]
        size = float(expected.abs().max()) + float(effect.abs().max())
        if not gap <= _TOLERANCE * size:
            self._give_up(f"windows differ from it by {gap:.2g} (outputs up to {size:.2g})")
            return wild_type, self._plain(edits, args)
        return wild_type, outputs

    def _give_up(self, reason: str) -> None:
        self.reason = reason
        _log.info("%s takes the plain way: %s", self.purpose, reason)

    def _plain(
        self, edits: Substitutions | Replacements, args: Sequence[torch.Tensor]
    ) -> torch.Tensor:
        """Return the outputs of edits from whole sequences."""
        rows = edits.rows
        every = torch.arange(len(edits), device=rows.device)
        return torch.cat(
            [
                self.pick(self.model(edits.full(at), *(a[rows[at]] for a in args)))
                for at in torch.split(every, self.batch_size)
            ]
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
        cache: dict[int, Any] = {}
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
        cache: dict[int, Any],
    ) -> torch.Tensor:
        window = Window(edits, cache, max(self.batch_size, self.together))
        batch = window.begin(X)
        with window:
            output = self.model(batch, *(a[edits.rows] for a in args))
        return self.pick(window.fill(output))
