"""Where the examples of a batch are inside a tensor, and how to compare them pairwise.

A batch holds `n` sequences followed by `n * k` references. Inside a model the batch axis may be
moved, or merged with others (attention heads, flattened positions). `Rows` says where it went.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch

ATTRIBUTE = "_seqexplainer_rows"


class Rows(NamedTuple):
    """Place of the batch: axis `dim` has size `outer * batch * inner`."""

    dim: int
    outer: int = 1
    inner: int = 1


FIRST = Rows(0)


def rows_of(tensor: torch.Tensor) -> Rows | None:
    """Return where the batch is in a tensor, or None if it holds no examples."""
    return getattr(tensor, ATTRIBUTE, None)


def set_rows(tensor: torch.Tensor, rows: Rows | None) -> None:
    """Remember where the batch is in a tensor that depends on it; None: it is not to be found."""
    setattr(tensor, ATTRIBUTE, rows)


def depends(tensor: torch.Tensor) -> bool:
    """Tell whether a tensor depends on the batch."""
    return tensor.requires_grad or hasattr(tensor, ATTRIBUTE)


class Pairs(NamedTuple):
    """The batch: `n` sequences, then `k` references of each.

    Examples
    --------
    >>> pairs = Pairs(2, 3)
    >>> x, r = pairs.split(torch.arange(8.0).reshape(8, 1), FIRST)
    >>> tuple(x.shape), tuple(r.shape)
    ((2, 1, 1), (2, 3, 1))
    """

    n: int
    k: int

    @property
    def total(self) -> int:
        """Rows of the whole batch."""
        return self.n * (self.k + 1)

    def front(self, tensor: torch.Tensor, rows: Rows) -> torch.Tensor:
        """Return a view with the batch axis first and by itself."""
        if rows == FIRST:
            return tensor
        sizes = (rows.outer, self.total, rows.inner)
        shape = (*tensor.shape[: rows.dim], *sizes, *tensor.shape[rows.dim + 1 :])
        return tensor.reshape(shape).movedim(rows.dim + 1, 0)

    def back(self, tensor: torch.Tensor, rows: Rows, shape: Sequence[int]) -> torch.Tensor:
        """Undo `front`."""
        if rows == FIRST:
            return tensor
        return tensor.movedim(0, rows.dim + 1).reshape(tuple(shape))

    def split(self, tensor: torch.Tensor, rows: Rows) -> tuple[torch.Tensor, torch.Tensor]:
        """Return sequences `(n, 1, ...)` and references `(n, k, ...)`."""
        front = self.front(tensor, rows)
        return front[: self.n].unsqueeze(1), front[self.n :].reshape(
            self.n, self.k, *front.shape[1:]
        )

    def join(self, values: torch.Tensor, rows: Rows, shape: Sequence[int]) -> torch.Tensor:
        """Return a whole batch with `values (n, k, ...)` for the references and 0 elsewhere."""
        out = values.new_empty((self.total, *values.shape[2:]))
        out[: self.n] = 0
        out[self.n :] = values.flatten(0, 1)
        return self.back(out, rows, shape)

    def infer(
        self,
        out: torch.Tensor,
        inputs: Sequence[torch.Tensor],
        probe: Callable[[], object] | None,
        again: Callable[[], object],
    ) -> Rows | None:
        """Find the batch in the result of an operation.

        Sizes decide where they can: one axis alone has as many places as the batch has rows.
        Elsewhere an operation that only moves data is repeated on row numbers (`probe`); any
        other on blank tensors of one row more (`again`), and the axis that grows holds the batch.
        Where it cannot be repeated, the batch is kept where its input had it.
        """
        total = self.total
        candidates = [d for d, size in enumerate(out.shape) if size >= total and size % total == 0]
        if not candidates:
            return None
        if len(candidates) == 1 and out.shape[candidates[0]] == total:
            return Rows(candidates[0])
        if probe is not None:
            found = self._infer_from_probe(out, candidates, probe())
            if found is not None:
                return found
        known = [(t, rows) for t in inputs if (rows := rows_of(t)) is not None]
        grown = again()
        if isinstance(grown, torch.Size) and len(grown) == out.ndim:
            changed = [d for d in range(out.ndim) if grown[d] != out.shape[d]]
            if len(changed) == 1 and changed[0] in candidates:
                dim, share = changed[0], out.shape[changed[0]] // total
                if grown[dim] == share * (total + 1):
                    kinds = {(r.outer, r.inner) for _, r in known if r.outer * r.inner == share}
                    if share == 1 or len(kinds) == 1:
                        return Rows(dim) if share == 1 else Rows(dim, *kinds.pop())
            return None
        for tensor, rows in known:
            for dim in (rows.dim, out.ndim - tensor.ndim + rows.dim):
                if dim in candidates and out.shape[dim] == tensor.shape[rows.dim]:
                    return Rows(dim, rows.outer, rows.inner)
        return None

    def blank(self, tensor: torch.Tensor) -> torch.Tensor:
        """Return a tensor without values, with one row more if it holds examples."""
        rows, shape = rows_of(tensor), list(tensor.shape)
        if rows is not None:
            shape[rows.dim] += rows.outer * rows.inner
        return torch.empty(shape, dtype=tensor.dtype, device="meta")

    def row_numbers(self, tensor: torch.Tensor, rows: Rows | None, shift: int = 0) -> torch.Tensor:
        """Return row numbers plus `shift` in the shape of a tensor; -1 if it has no examples."""
        if rows is None:
            return tensor.new_full((), -1.0, dtype=torch.float64).expand(tensor.shape)
        numbers = torch.arange(self.total, dtype=torch.float64, device=tensor.device) + shift
        numbers = numbers.repeat_interleave(rows.inner).repeat(rows.outer)
        sizes = [1] * tensor.ndim
        sizes[rows.dim] = -1
        return numbers.view(sizes).expand(tensor.shape).contiguous()

    def _infer_from_probe(
        self, out: torch.Tensor, candidates: list[int], numbers: object
    ) -> Rows | None:
        if not isinstance(numbers, torch.Tensor) or numbers.shape != out.shape:
            return None
        for dim in candidates:
            size = out.shape[dim] // self.total
            for outer in (o for o in range(1, size + 1) if size % o == 0):
                rows = Rows(dim, outer, size // outer)
                by_row = self.front(numbers, rows).flatten(1)
                low = by_row.where(by_row >= 0, torch.inf).amin(dim=1)
                high = by_row.amax(dim=1)
                if torch.equal(low, high) and bool((high.diff() > 0).all()):
                    return rows
        return None
