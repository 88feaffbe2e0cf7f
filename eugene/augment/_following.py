"""Targets, controls and masks that follow the positions of their sequences."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch

from eugene.augment._move import FLIP, move_tracks
from eugene.errors import EugeneError


@dataclass(frozen=True)
class Following:
    """What augmentations do to the positions of a batch.

    Attributes
    ----------
    moves : bool
        Whether positions change places otherwise than by turning a sequence round.
    turns : bool
        Whether positions may be shown as those of the other strand.
    added : int
        Positions (bp) by which sequences grow.
    """

    moves: bool
    turns: bool
    added: int

    def move(
        self,
        batch: dict[str, torch.Tensor],
        width: int,
        plan_of: Callable[[], torch.Tensor],
        pairs: Mapping[str, Sequence[int] | None],
        bin_size: int,
    ) -> None:
        """Move targets, controls and masks that have positions, in place.

        The map of positions is made only where there are any.
        """
        known: torch.Tensor | None = None
        names = ("target", "control", "mask")
        if not any(name in batch and batch[name].ndim == 3 for name in names):
            return
        plan = plan_of()
        for name in names:
            tracks = batch.get(name)
            if tracks is None or tracks.ndim != 3:
                continue
            order = self._pairs_of(name, tracks, pairs["control" if name == "control" else ""])
            if bin_size > 1 or tracks.shape[2] > width:
                batch[name] = self._turn(name, tracks, plan, order, bin_size)
                continue
            if self.added:
                raise EugeneError(
                    f"augment: sequences grow by {self.added} bp, and {name!r} has positions, "
                    "which would no longer be those of the sequence: say length='keep'"
                )
            offset = (width - tracks.shape[2]) // 2
            moved, there = move_tracks(tracks, plan, offset, tracks.shape[2], order)
            batch[name] = moved
            known = there if name == "target" else known
        if known is not None and self.moves:
            mask = batch.get("mask")
            there = known.expand_as(batch["target"]).to(batch["target"].dtype)
            batch["mask"] = there if mask is None or mask.ndim != 3 else there * mask

    def _pairs_of(
        self, name: str, tracks: torch.Tensor, pairs: Sequence[int] | None
    ) -> torch.Tensor | None:
        if not self.turns or (pairs is None and tracks.shape[1] == 1):
            return None
        if pairs is None or sorted(pairs) != list(range(tracks.shape[1])):
            raise EugeneError(
                f"augment: {name!r} has {tracks.shape[1]} tracks, and strands change places where "
                f"letters are reverse complemented, but their pairs are {pairs}: say for each "
                "track which is on the other strand (itself where there is none), or leave "
                "reverse complement and inversion out"
            )
        return torch.tensor(list(pairs), device=tracks.device)

    def _turn(
        self,
        name: str,
        tracks: torch.Tensor,
        plan: torch.Tensor,
        order: torch.Tensor | None,
        bin_size: int,
    ) -> torch.Tensor:
        """Turn binned tracks round with their sequences."""
        if self.moves or self.added:
            raise EugeneError(
                f"augment: {name!r} is binned by {bin_size} bp and cannot be moved by single "
                "positions: use reverse complement, mutation and noise alone"
            )
        other = tracks.flip(2)
        other = other if order is None else other[:, order]
        return torch.where((plan[:, :1] & FLIP > 0)[:, None], other, tracks)
