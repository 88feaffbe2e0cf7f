"""Edits of sequences, and blocks of edits whose windows lie alike."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import torch

_IN_A_PHASE = 48  # edits from which a block is worth its calls


class Block:
    """Edits whose windows have one shape in every layer: a stack of variants, rows and places.

    Places are in the order of their positions and a multiple of the model's step apart, so every
    pooling meets them in the same phase.

    Parameters
    ----------
    index : Tensor of int64, shape (n_variants, n_rows, n_places)
        Where the edits stand in the batch.
    rows : int or Tensor of int64, shape (n_places,)
        The first of `n_rows` successive sequences, or the sequence of each place (one row).
    starts : list of int, length n_places
        First edited position of each place, ascending.
    change : Tensor, shape (width, n_variants, n_rows, n_places, n_letters), optional
        Edited minus unedited sequence.
    pairs : Tensor of int64, shape (n_variants, n_rows, n_places), optional
        Instead of it, where one letter takes another's place: old * n_letters + new, where
        old is a row of `old_columns`.
    """

    def __init__(
        self,
        index: torch.Tensor,
        rows: int | torch.Tensor,
        starts: list[int],
        *,
        change: torch.Tensor | None = None,
        pairs: torch.Tensor | None = None,
    ) -> None:
        self.index = index
        self.rows = rows
        self.starts = starts
        self.change = change
        self.pairs = pairs
        self.width = 1 if change is None else change.shape[0]
        self.shape = tuple(index.shape)

    @cached_property
    def offsets(self) -> torch.Tensor:
        """Positions from the first place to each."""
        return torch.tensor(self.starts, device=self.index.device) - self.starts[0]

    @property
    def spread(self) -> int:
        """Positions from the first place to the last."""
        return self.starts[-1] - self.starts[0]

    @property
    def stride(self) -> int:
        """Positions from one place to the next, if the rows are successive."""
        return self.starts[1] - self.starts[0] if len(self.starts) > 1 else 0

    def columns(self, n_letters: int, dtype: torch.dtype) -> torch.Tensor:
        """Return the edited minus the unedited sequence."""
        if self.change is not None:
            return self.change
        assert self.pairs is not None
        old = torch.div(self.pairs, n_letters, rounding_mode="floor")
        encode = old_columns(torch.eye(n_letters, dtype=dtype, device=old.device))
        return (encode[self.pairs % n_letters] - encode[old]).unsqueeze(0)


def old_columns(letters: torch.Tensor) -> torch.Tensor:
    """Return what may stand where a letter is put in: each letter, none (0), all alike (1/A).

    `letters` (..., n_letters, n) holds what each letter stands for; two rows are added to it.
    """
    return torch.cat(
        [letters, torch.zeros_like(letters[..., :1, :]), letters.mean(dim=-2, keepdim=True)], dim=-2
    )


class Substitutions:
    """Every other letter at every position of a span, for some sequences.

    The order is by sequence, position and letter. Where a sequence has an unknown letter (zeros,
    or 1 / n_letters each) in the span, each of its letters is put in at every position.

    Parameters
    ----------
    X : Tensor, shape (n_seqs, n_letters, length)
        One-hot sequences.
    first, last : int
        Positions to edit.
    """

    def __init__(self, X: torch.Tensor, first: int, last: int) -> None:
        self.X, self.first, self.last = X, first, last
        span = X[:, :, first:last]
        known, old = span.max(dim=1)
        n_letters = X.shape[1]
        everywhere = bool((known == 1).all())
        self.old = torch.where(known == 1, old, n_letters + (known > 0))
        steps = torch.arange(n_letters, device=X.device)
        self.letter = steps.expand(*old.shape, -1)
        if everywhere:
            self.letter = (old[:, :, None] + steps[1:]) % n_letters

    def __len__(self) -> int:
        return self.letter.numel()

    @property
    def rows(self) -> torch.Tensor:
        """The sequence of each edit."""
        n_seqs, n_places, n_variants = self.letter.shape
        steps = torch.arange(n_seqs, device=self.letter.device)
        return steps.repeat_interleave(n_places * n_variants)

    def full(self, at: torch.Tensor) -> torch.Tensor:
        """Return some of the edited sequences, shape (n, n_letters, length)."""
        n_places, n_variants = self.letter.shape[1:]
        place = torch.div(at, n_variants, rounding_mode="floor")
        row = torch.div(place, n_places, rounding_mode="floor")
        position = place % n_places + self.first
        edited = self.X[row]
        edit = torch.arange(len(at), device=at.device)
        edited[edit, :, position] = 0
        edited[edit, self.letter.reshape(-1)[at], position] = 1
        return edited

    def parts(self, size: int) -> Iterator[tuple[torch.Tensor, Substitutions]]:
        """Yield spans of about `size` edits at most, and where they stand."""
        n_seqs, n_places, n_variants = self.letter.shape
        index = torch.arange(len(self), device=self.X.device).view(self.letter.shape)
        step = max(1, size // (n_seqs * n_variants))
        if step >= n_places:
            yield index.reshape(-1), self
            return
        for begin in range(0, n_places, step):
            span = slice(begin, begin + step)
            part = object.__new__(Substitutions)
            part.X, part.first = self.X, self.first + begin
            part.old, part.letter = self.old[:, span], self.letter[:, span]
            part.last = part.first + part.old.shape[1]
            yield index[:, span].reshape(-1), part

    def blocks(self, step: int, n_places: int) -> Iterator[Block]:
        """Yield blocks of about `n_places` places whose positions are a step apart."""
        n_letters = self.X.shape[1]
        index = torch.arange(len(self), device=self.X.device).view(self.letter.shape)
        pairs = self.old[:, :, None] * n_letters + self.letter
        count = self.last - self.first
        for phase in range(min(step, count)):
            places = range(phase, count, step)
            wide = min(len(places), n_places)
            tall = max(1, n_places // wide)
            for begin in range(0, len(places), wide):
                own = places[begin : begin + wide]
                span = slice(own[0], own[-1] + 1, step)
                for row in range(0, len(index), tall):
                    yield Block(
                        index[row : row + tall, span].permute(2, 0, 1),
                        row,
                        [self.first + p for p in own],
                        pairs=pairs[row : row + tall, span].permute(2, 0, 1),
                    )

    def probe(self) -> Block:
        """Return a block that stands for any, to see how wide windows become."""
        one = torch.zeros(1, 1, 1, dtype=torch.long)
        return Block(one, 0, [self.X.shape[2] // 2], pairs=one)


class Replacements:
    """Sequences of which some columns are replaced.

    Parameters
    ----------
    X : Tensor, shape (n_seqs, n_letters, length)
        Sequences without the edits.
    rows, starts : Tensor of int64, shape (n_edits,)
        The sequence and the first position that is replaced.
    columns : Tensor, shape (n_edits, n_letters, width)
        What stands there after the edit.
    """

    def __init__(
        self, X: torch.Tensor, rows: torch.Tensor, starts: torch.Tensor, columns: torch.Tensor
    ) -> None:
        self.X, self.rows, self.starts, self.columns = X, rows, starts, columns

    def __len__(self) -> int:
        return len(self.rows)

    def _positions(self, at: torch.Tensor) -> torch.Tensor:
        return self.starts[at, None] + torch.arange(self.columns.shape[2], device=at.device)

    def full(self, at: torch.Tensor) -> torch.Tensor:
        """Return some of the edited sequences, shape (n, n_letters, length)."""
        edited = self.X[self.rows[at]]
        edit = torch.arange(len(at), device=at.device)[:, None]
        edited[edit, :, self._positions(at)] = self.columns[at].transpose(1, 2)
        return edited

    def parts(self, size: int) -> Iterator[tuple[torch.Tensor, Replacements]]:
        """Yield groups of `size` edits at most, and where they stand."""
        order = torch.argsort(self.starts, stable=True)
        for at in torch.split(order, max(2, size)):
            yield at, Replacements(self.X, self.rows[at], self.starts[at], self.columns[at])

    def blocks(self, step: int, n_places: int) -> Iterator[Block]:
        """Yield blocks of at most `n_places` edits, multiples of a step apart."""
        coarse = self._aligned(step)
        whole = coarse.X.transpose(1, 2)
        order = torch.argsort(coarse.starts, stable=True)
        phase = coarse.starts[order] % step
        for own in sorted(set(phase.tolist())):
            for at in torch.split(order[phase == own], n_places):
                rows = coarse.rows[at]
                old = whole[rows[:, None], coarse._positions(at)]
                change = (coarse.columns[at].transpose(1, 2) - old).transpose(0, 1)
                yield Block(
                    at[None, None],
                    rows,
                    coarse.starts[at].tolist(),
                    change=change[:, None, None].contiguous(),
                )

    def _aligned(self, step: int) -> Replacements:
        """Return the edits with more columns, so that few of them have few phases."""
        grain = next(g for g in range(1, step + 1) if not step % g and self._crowded(g, step))
        width = self.columns.shape[2] + grain - 1
        if grain == 1 or width > self.X.shape[2]:
            return self
        starts = torch.div(self.starts, grain, rounding_mode="floor") * grain
        starts.clamp_(max=self.X.shape[2] - width)
        wide = Replacements(self.X, self.rows, starts, self.columns)
        every = torch.arange(len(self), device=starts.device)
        at = starts[:, None] + torch.arange(width, device=starts.device)
        columns = self.X.transpose(1, 2)[self.rows[:, None], at]
        place = self._positions(every) - starts[:, None]
        columns[every[:, None], place] = self.columns.transpose(1, 2)
        wide.columns = columns.transpose(1, 2)
        return wide

    def _crowded(self, grain: int, step: int) -> bool:
        return len(self) * grain >= _IN_A_PHASE * step or grain == step

    def probe(self) -> Block:
        """Return a block that stands for any, to see how wide windows become."""
        one = torch.zeros(1, 1, 1, dtype=torch.long)
        start = (self.X.shape[2] - self.columns.shape[2]) // 2
        change = torch.empty(self.columns.shape[2], 1, 1, 1, self.X.shape[1])
        return Block(one, one.view(1), [start], change=change)
