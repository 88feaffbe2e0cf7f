"""Operations on the differences that edits make, window by window.

A node is one result of the model while it runs: `whole` holds it without edits, and for a block of
edits it gives how far it differs from that in the window that the edits reach. Windows are arrays
of shape (width, n_variants, n_rows, n_places, n_channels), position first, so that every tap of a
convolution is one product of two matrices that lie in memory as they are. A convolution is linear:
it takes differences of its input to differences of its output without the rest of the sequence,
which is less work than computing the outputs in the window anew. Only what bends needs values.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import lcm

import torch

from seqexplainer._incremental._edits import Block

Span = tuple[int, int]


class Sheet:
    """Values without edits, position by position, with room on both sides.

    Parameters
    ----------
    whole : Tensor, shape (n_seqs, n_channels, length)
        The values.
    scale : int
        Positions of the model's input per position.
    """

    def __init__(self, whole: torch.Tensor, scale: int) -> None:
        self.whole, self.scale = whole, scale
        self.length = whole.shape[2]
        self.left = self.right = 0
        self.rows = whole.transpose(1, 2).contiguous()

    def view(self, block: Block, low: int, width: int) -> torch.Tensor:
        """Return the values in windows of which the first begins at `low`."""
        n_seqs, _, channels = self.rows.shape
        if not isinstance(block.rows, int):
            offsets = low + torch.div(block.offsets, self.scale, rounding_mode="floor")
            at = (offsets + torch.arange(width, device=offsets.device)[:, None]).clamp_(
                0, self.length - 1
            )
            at = (at + block.rows * (self.length + self.left + self.right) + self.left).view(-1)
            found = self.rows.view(-1, channels).index_select(0, at)
            return found.view(width, 1, 1, len(block.starts), channels)
        left, right = -low, low + width + block.spread // self.scale - self.length
        if left > self.left or right > self.right:
            self.left, self.right = max(left, self.left), max(right, self.right)
            inner = self.rows.new_zeros(n_seqs, self.length + self.left + self.right, channels)
            inner[:, self.left : self.left + self.length] = self.whole.transpose(1, 2)
            self.rows = inner
        size = (width, 1, block.shape[1], block.shape[2], channels)
        step, row = self.rows.stride(1), self.rows.stride(0)
        strides = (step, 0, row, block.stride // self.scale * step, 1)
        offset = block.rows * row + (low + self.left) * step
        return self.rows.as_strided(size, strides, offset)


class Run:
    """One block on its way through the nodes that a result is made of.

    Parameters
    ----------
    block : Block
        The edits.
    uses : dict
        How often each node is read.
    """

    def __init__(self, block: Block, uses: dict[Node, int]) -> None:
        self.block = block
        self.left = dict(uses)
        self.spans: dict[Node, Span] = {}
        self.kept: dict[Node, torch.Tensor] = {}

    def span(self, node: Node) -> Span:
        """Return the first position of the first window and the width of all."""
        found = self.spans.get(node)
        if found is None:
            low, high = node.reach(self)
            spread = self.block.spread // node.scale
            low, high = max(low, -spread), min(high, node.length)
            found = self.spans[node] = (low, max(high - low, 0))
        return found

    def take(self, node: Node) -> tuple[torch.Tensor, bool]:
        """Return a node's difference, and whether nobody else reads it."""
        found = self.kept.get(node)
        if found is None:
            found = node.delta(self)
        self.left[node] -= 1
        if self.left[node] > 0:
            self.kept[node] = found
            return found, False
        self.kept.pop(node, None)
        return found, True

    def value(self, node: Node, low: int, width: int) -> torch.Tensor:
        """Return a node's values with the edit in wider windows, free to be written to."""
        if self.left[node] == 1 and node not in self.kept:
            self.left[node] = 0
            return node.value(self, low, width)
        return self.with_delta(node, low, width)

    def with_delta(self, node: Node, low: int, width: int) -> torch.Tensor:
        """Return a node's values without the edit plus its difference."""
        delta, _ = self.take(node)
        out = self.copy(node.sheet, low, width)
        own = self.span(node)
        begin, end = max(low, own[0]), min(low + width, own[0] + own[1])
        if end > begin:
            out[begin - low : end - low] += delta[begin - own[0] : end - own[0]]
        return out

    def copy(self, sheet: Sheet, low: int, width: int) -> torch.Tensor:
        """Return values without edits, once for each variant."""
        view = sheet.view(self.block, low, width)
        out = view.new_empty((width, *self.block.shape, view.shape[-1]))
        return out.copy_(view)

    def blank(self, node: Node, tensor: torch.Tensor, low: int, fill: float = 0.0) -> torch.Tensor:
        """Overwrite what stands before the beginning or after the end of the sequences."""
        width = len(tensor)
        before = min(max(0, -low), width)
        high = low + width + self.block.spread // node.scale
        after = min(max(0, high - node.length), width - before)
        for begin, end in ((0, before), (width - after, width)):
            if end > begin:
                offsets = torch.div(self.block.offsets, node.scale, rounding_mode="floor")
                steps = torch.arange(low + begin, low + end, device=offsets.device)
                at = steps[:, None] + offsets
                outside = (at < 0) | (at >= node.length)
                tensor[begin:end].masked_fill_(outside[:, None, None, :, None], fill)
        return tensor


class Node:
    """A result of the model that differs from the unedited one in windows only.

    Parameters
    ----------
    whole : Tensor, shape (n_seqs, n_channels, length)
        Values without edits.
    scale : int
        Positions of the model's input per position.
    inputs : sequence of Node
        What it is computed from.
    """

    def __init__(self, whole: torch.Tensor, scale: int, inputs: Sequence[Node] = ()) -> None:
        self.whole, self.scale, self.inputs = whole, scale, tuple(inputs)
        self.length = whole.shape[2]
        self._sheet: Sheet | None = None
        self._uses: dict[Node, int] | None = None

    @property
    def channels(self) -> int:
        """Number of channels."""
        return self.whole.shape[1]

    @property
    def sheet(self) -> Sheet:
        """The values without edits, by position."""
        if self._sheet is None:
            self._sheet = Sheet(self.whole, self.scale)
        return self._sheet

    def uses(self) -> dict[Node, int]:
        """Return how often each node is read for this one; it is the last."""
        if self._uses is None:
            counts: dict[Node, int] = {}

            def visit(node: Node) -> None:
                seen = node in counts
                counts[node] = counts.get(node, 0) + 1
                if not seen:
                    for source in node.inputs:
                        visit(source)

            visit(self)
            self._uses = counts
        return self._uses

    def step(self) -> int:
        """Return how far apart positions are that every layer meets in the same phase."""
        return lcm(*(node.scale for node in self.uses()))

    def widest(self, probe: Block) -> int:
        """Return the most numbers that one edit has in a layer."""
        run = Run(probe, self.uses())
        return max(run.span(node)[1] * node.channels for node in self.uses())

    def reach(self, run: Run) -> Span:
        """Return the first position that the first place reaches and the one after the last."""
        low, width = run.span(self.inputs[0])
        return low, low + width

    def delta(self, run: Run) -> torch.Tensor:
        """Return the difference in the windows, 0 outside the sequence."""
        low, width = run.span(self)
        found = self.value(run, low, width)
        found -= self.sheet.view(run.block, low, width)
        return run.blank(self, found, low)

    def value(self, run: Run, low: int, width: int) -> torch.Tensor:
        """Return the values with the edit in wider windows; anything outside the sequence."""
        run.left[self] = 1
        return run.with_delta(self, low, width)


class Edited(Node):
    """The edited sequences themselves."""

    def reach(self, run: Run) -> Span:
        """Return the first position that edits reach, and how many."""
        return run.block.starts[0], run.block.starts[0] + run.block.width

    def delta(self, run: Run) -> torch.Tensor:
        """Return what edits change at the positions that they reach."""
        return run.block.columns(self.channels, self.whole.dtype)
