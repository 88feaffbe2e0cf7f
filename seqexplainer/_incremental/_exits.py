"""Where windows end: results that no longer have positions, or need all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import torch

from seqexplainer._incremental._edits import Replacements, Substitutions
from seqexplainer._incremental._nodes import Node, Run

_NUMBERS = 1 << 21  # in the widest layer of a block: a few MB, more gives no more speed
_NUMBERS_GPU = 1 << 26
_LARGEST = 1 << 26  # numbers that windows of a flattened layer may take together


class TooManyEdits(Exception):
    """The batch must be smaller: whole tensors are needed, or windows are very wide."""

    def __init__(self, n_edits: int) -> None:
        super().__init__(n_edits)
        self.n_edits = n_edits


def differences(
    edits: Substitutions | Replacements, node: Node
) -> Iterator[tuple[Run, int, torch.Tensor]]:
    """Yield for each block its run, the first position of its windows, and the difference."""
    probe = edits.probe()
    numbers = _NUMBERS_GPU if node.whole.is_cuda else _NUMBERS
    step = node.step()
    first = next(iter(edits.blocks(step, 1)))
    places = max(1, numbers // max(1, node.widest(probe) * first.shape[0]))
    for block in edits.blocks(step, places):
        run = Run(block, node.uses())
        low, _ = run.span(node)
        yield run, low, run.take(node)[0]


class FlatLinear:
    """A linear layer on merged channels and positions: only columns of the window are read.

    Parameters
    ----------
    node : Node
        Input.
    whole : Tensor, shape (n_seqs, n_out)
        Output without edits.
    weight : Tensor, shape (n_out, n_channels * length)
        Weights.
    prepared : dict
        Where it keeps them by position.
    """

    def __init__(
        self,
        node: Node,
        whole: torch.Tensor,
        weight: torch.Tensor,
        prepared: dict[str, torch.Tensor],
    ) -> None:
        self.node, self.whole = node, whole
        if "matrix" not in prepared:
            by_position = weight.view(len(weight), node.channels, node.length)
            prepared["matrix"] = by_position.permute(2, 1, 0).contiguous()
        self.matrix = prepared["matrix"]

    def __call__(self, edits: Substitutions | Replacements) -> torch.Tensor:
        """Return the output of every edit, shape (n_edits, n_out)."""
        node, n_out = self.node, self.whole.shape[1]
        out = self.whole[edits.rows]
        found = []
        for run, low, delta in differences(edits, node):
            starts = low + torch.div(run.block.offsets, node.scale, rounding_mode="floor")
            found.append((run.block.index, starts, delta))
        # Windows that begin within `group` positions share a product.
        width = min(max(len(delta) for *_, delta in found), node.length)
        group = max(1, width // 4)
        reach = min(width + group - 1, node.length)
        total = len(edits) * reach * node.channels
        if total > _LARGEST:
            raise TooManyEdits(max(2, len(edits) * _LARGEST // total))
        lows = torch.zeros(len(edits), dtype=torch.long, device=out.device)
        windows = out.new_zeros(len(edits), reach, node.channels)
        for index, starts, delta in found:
            at = index.reshape(-1)
            base = starts.clamp(min=0) // group * group
            base = base.clamp_(max=node.length - reach).expand(index.shape).reshape(-1)
            first = starts.expand(index.shape).reshape(-1) - base
            steps = first[:, None] + torch.arange(len(delta), device=first.device)
            outside = bool(((starts < 0) | (starts > node.length - len(delta))).any())
            part = delta.flatten(1, 3).transpose(0, 1)
            lows[at] = base
            place = (at[:, None], steps.clamp_(0, reach - 1) if outside else steps)
            windows.index_put_(place, part, accumulate=outside)
        order = torch.argsort(lows, stable=True)
        counts = Counter(lows.tolist())
        bases = sorted(counts)
        groups = torch.split(order, [counts[base] for base in bases])
        for base, own in zip(bases, groups, strict=True):
            part = self.matrix[base : base + reach].view(-1, n_out)
            out.index_add_(0, own, windows[own].view(len(own), -1) @ part)
        return out


class Total:
    """The sum or the mean over positions."""

    def __init__(self, node: Node, whole: torch.Tensor, *, mean: bool) -> None:
        self.node, self.whole = node, whole
        self.divisor = node.length if mean else 1

    def __call__(self, edits: Substitutions | Replacements) -> torch.Tensor:
        """Return the output of every edit, shape (n_edits, n_channels)."""
        out = self.whole[edits.rows]
        for run, _, delta in differences(edits, self.node):
            change = delta.sum(dim=0).div_(self.divisor).flatten(0, 2)
            out.index_add_(0, run.block.index.reshape(-1), change)
        return out


class Largest:
    """The maximum over positions."""

    def __init__(self, node: Node, whole: torch.Tensor) -> None:
        self.node, self.whole = node, whole
        rows = node.whole.transpose(1, 2)
        edge = torch.full_like(rows[:, :1], -torch.inf)
        self.before = torch.cat([edge, rows], dim=1).cummax(dim=1).values
        self.after = torch.cat([rows, edge], dim=1).flip(1).cummax(dim=1).values.flip(1)

    def __call__(self, edits: Substitutions | Replacements) -> torch.Tensor:
        """Return the output of every edit, shape (n_edits, n_channels)."""
        node = self.node
        out = self.whole[edits.rows]
        for run, low, delta in differences(edits, node):
            block = run.block
            values = delta + node.sheet.view(block, low, len(delta))
            run.blank(node, values, low, -torch.inf)
            offsets = low + torch.div(block.offsets, node.scale, rounding_mode="floor")
            first = offsets.clamp(0, node.length)
            last = (offsets + len(delta)).clamp(0, node.length)
            rows = edits.rows[block.index]
            outside = torch.maximum(self.before[rows, first], self.after[rows, last])
            if len(values):
                outside = torch.maximum(outside, values.amax(dim=0))
            out[block.index.reshape(-1)] = outside.flatten(0, 2)
        return out


def in_full(edits: Substitutions | Replacements, node: Node) -> torch.Tensor:
    """Return a node of every edit with all its positions, shape (n_edits, n_channels, length)."""
    full = node.whole.transpose(1, 2)[edits.rows]
    for run, low, delta in differences(edits, node):
        block = run.block
        offsets = torch.div(block.offsets, node.scale, rounding_mode="floor")
        steps = torch.arange(low, low + len(delta), device=full.device)
        at = (steps[:, None] + offsets).clamp_(0, node.length - 1)
        index = (block.index.expand(len(delta), *block.shape), at[:, None, None])
        full.index_put_(index, delta, accumulate=True)
    return full.transpose(1, 2)
