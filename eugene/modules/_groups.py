"""Tracks joined to the tasks that they belong to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from eugene._tracks import TrackLayout
from eugene.nn import InputShapeError


@dataclass(frozen=True, eq=False)
class Groups:
    """Which tracks of a network make a task, for sums and shares over all of them at once.

    Attributes
    ----------
    names : tuple of str
        Name of each task.
    per_track : bool
        Whether counts are those of tracks, not of tasks.
    blocks : list of torch.Tensor of int64, shape (tasks, k)
        Tracks of the tasks that have ``k`` of them, one block for each ``k``.
    order : torch.Tensor of int64, shape (tasks,)
        Place of each task among those of the blocks.
    plain : bool
        Whether there is one block, with the tracks in their order.
    """

    names: tuple[str, ...]
    per_track: bool
    blocks: list[torch.Tensor]
    order: torch.Tensor
    plain: bool

    @classmethod
    def of(cls, layout: TrackLayout | None, tracks: int, counts: int) -> Groups:
        """Return the groups of a network that gives so many tracks and counts.

        Parameters
        ----------
        layout : TrackLayout or None
            Tasks; None where nothing says them: all tracks are one task for one count, and each
            is one where there are as many counts.
        tracks, counts : int
            Outputs of the network.

        Returns
        -------
        Groups
            For its outputs.

        Raises
        ------
        InputShapeError
            If they do not fit each other.

        Examples
        --------
        >>> Groups.of(None, 2, 1).blocks
        [tensor([[0, 1]])]
        """
        if layout is None:
            if counts not in (1, tracks):
                raise InputShapeError(
                    f"the network gives {tracks} tracks and {counts} counts, and nothing says "
                    "which tracks belong to which: give tasks={name: [track, ...], ...}"
                )
            every = range(tracks)
            tasks = {"0": tuple(every)} if counts == 1 else {str(i): (i,) for i in every}
        else:
            tasks = layout.tasks
            if len(layout.names) != tracks:
                raise InputShapeError(
                    f"the network gives {tracks} tracks, there are {len(layout.names)} "
                    f"({', '.join(layout.names)}): build it with n_outputs={len(layout.names)}"
                )
        if counts not in (len(tasks), tracks):
            raise InputShapeError(
                f"the network gives {counts} counts for {len(tasks)} tasks "
                f"({', '.join(tasks)}): build it with output_dim={len(tasks)}, one count a task, "
                f"or {tracks}, one a track"
            )
        sizes = sorted({len(t) for t in tasks.values()})
        blocks = [torch.tensor([t for t in tasks.values() if len(t) == k]) for k in sizes]
        placed = [i for k in sizes for i, t in enumerate(tasks.values()) if len(t) == k]
        plain = len(sizes) == 1 and blocks[0].flatten().tolist() == list(range(tracks))
        order = torch.tensor([placed.index(i) for i in range(len(tasks))])
        return cls(tuple(tasks), counts != len(tasks), blocks, order, plain)

    def __len__(self) -> int:
        return len(self.names)

    def by_task(self, function: Callable[..., torch.Tensor], *values: torch.Tensor) -> torch.Tensor:
        """Apply a function to the tracks of each task.

        Parameters
        ----------
        function : callable
            From tensors (n, tasks, k, ...) to one (n, tasks, ...).
        *values : torch.Tensor, shape (n, tracks, ...)
            Of each track.

        Returns
        -------
        torch.Tensor, shape (n, tasks, ...)
            What it gave, tasks in their order.
        """
        if self.plain:
            shape = self.blocks[0].shape
            return function(*(v.reshape(len(v), *shape, *v.shape[2:]) for v in values))
        parts = [function(*(v[:, block.to(v.device)] for v in values)) for block in self.blocks]
        if len(parts) == 1:
            return parts[0]
        return torch.cat(parts, 1)[:, self.order.to(values[0].device)]

    def spread(
        self, function: Callable[[torch.Tensor], torch.Tensor], values: torch.Tensor
    ) -> torch.Tensor:
        """Apply a function to the tracks and positions of each task joined, and part them again.

        Parameters
        ----------
        function : callable
            From (n, tasks, values) to the same shape.
        values : torch.Tensor, shape (n, tracks, positions)
            Of each track.

        Returns
        -------
        torch.Tensor, shape (n, tracks, positions)
            What it gave, for each track.
        """
        out = torch.empty_like(values)
        for block in self.blocks:
            joined = values[:, block.to(values.device)]
            given = function(joined.flatten(2))
            out[:, block.to(values.device)] = given.reshape(joined.shape)
        return out
