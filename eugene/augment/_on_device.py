"""Augmentation where the batch is, in torch: nothing waits for the device."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from eugene.augment._move import move_letters, move_one_hot
from eugene.augment._plan import composed, maps
from eugene.augment._replay import Given, Replay
from eugene.augment._rows import Rows
from eugene.augment._stages import Changed, Stage, Way, changed_values, stages
from eugene.nn import ohe_bytes
from seqpro.transforms import plans
from seqpro.transforms.evolution import Augmentation, grown


class OnDevice(Way):
    """Augmentation on the device of a batch.

    Parameters
    ----------
    augmentations : sequence of Augmentation
    settings : seqpro.transforms.plans.Settings
    replay : Replay, optional
        What draws as an original program.
    """

    def __init__(
        self,
        augmentations: Sequence[Augmentation],
        settings: plans.Settings,
        replay: Replay | None,
    ) -> None:
        self._augmentations, self._stages = list(augmentations), stages(augmentations)
        self._settings, self._alphabet = settings, settings.alphabet
        self._length = settings.length
        self._replay = replay
        self._turned = any(a.needs_complement for a in augmentations)

    def __call__(self, x: torch.Tensor, rows: Rows, lengths: torch.Tensor | None) -> Changed:
        """Return the changed sequences and where their positions come from; see `Way`."""
        n, width = x.shape[0], x.shape[-1] + grown(self._augmentations, self._length)
        if lengths is None:
            lengths = torch.full((n,), x.shape[-1], dtype=torch.int64, device=x.device)
        drawn, given = self._drawn(rows, lengths.long())
        if x.ndim == 2 and any(stage.values for stage in self._stages):
            x = ohe_bytes(x, self._alphabet.alphabet)
        whole: torch.Tensor | None = None
        for stage in self._stages:
            plan = self._plan(stage, drawn, lengths, rows, width, given)
            if x.ndim == 3:
                x = move_one_hot(x, plan, turned=self._turned)
            else:
                x = move_letters(x, plan, self._alphabet)
            whole = plan if whole is None else composed(whole, plan)
            padded = stage.last and self._length == "pad_both"
            front = _whole(drawn.missing, x) // 2 if padded else None
            for i in stage.values:
                changed = changed_values(
                    self._augmentations[i], i, x, rows.states, front, _whole(drawn.before[i], x),
                    None if given is None else given[i],
                )  # fmt: skip
                x = torch.where(torch.as_tensor(drawn.selected[i])[:, None, None], changed, x)
        assert whole is not None
        made = whole
        return x, lambda: made

    def _drawn(self, rows: Rows, lengths: torch.Tensor) -> tuple[plans.Drawn, Given | None]:
        if self._replay is not None:
            return self._replay(lengths, len(self._alphabet))
        drawn = plans.draw(
            self._augmentations,
            rows.uniforms(len(self._augmentations), self._settings.scope),
            lengths.double(),
            max_augs=self._settings.max_augs,
            hard=self._settings.hard,
            length=self._length,
        )
        return drawn, None

    def _plan(
        self,
        stage: Stage,
        drawn: plans.Drawn,
        lengths: torch.Tensor,
        rows: Rows,
        width: int,
        given: Given | None,
    ) -> torch.Tensor:
        """Return the map of the moves of a stage."""
        start, stop = stage.start, stage.stop
        known = start < len(self._augmentations)
        return maps(
            self._augmentations[start:stop],
            drawn.part(start, stop, last=stage.last),
            _whole(drawn.before[start], lengths) if known else lengths,
            rows.states,
            width,
            alphabet=self._alphabet,
            length=self._length,
            first=start,
            given=None if given is None else given[start:stop] + given[-1:],
        )


def _whole(values: object, like: torch.Tensor) -> torch.Tensor:
    """Return whole numbers as int64 on the device of sequences."""
    return torch.as_tensor(values).to(like.device).long()
