"""Layers whose outputs differ from the unedited ones in windows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch

from seqexplainer._incremental._edits import old_columns
from seqexplainer._incremental._nodes import Edited, Node, Run, Sheet, Span


class Slide:
    """How a window of taps slides over positions."""

    def __init__(self, size: int, stride: int, padding: int, dilation: int) -> None:
        self.size, self.stride, self.padding, self.dilation = size, stride, padding, dilation

    def reach(self, span: Span) -> Span:
        """Return which outputs read a span of inputs."""
        first, width = span
        low = first + self.padding - self.dilation * (self.size - 1)
        high = (first + width - 1 + self.padding) // self.stride + 1
        return -(-low // self.stride), high

    def inputs(self, low: int, width: int) -> Span:
        """Return which inputs outputs read."""
        reach = (width - 1) * self.stride + (self.size - 1) * self.dilation + 1
        return low * self.stride - self.padding, max(reach, 0)

    def taps(self, source: Span, target: Span) -> Iterator[tuple[int, slice, slice]]:
        """Yield taps with the outputs that they reach and the inputs that they read there."""
        for tap in range(self.size):
            ahead = tap * self.dilation - self.padding
            low = max(-(-(source[0] - ahead) // self.stride), target[0])
            high = min((sum(source) - 1 - ahead) // self.stride + 1, sum(target))
            if high > low:
                begin = low * self.stride + ahead - source[0]
                end = begin + (high - low - 1) * self.stride + 1
                yield (
                    tap,
                    slice(low - target[0], high - target[0]),
                    slice(begin, end, self.stride),
                )


class Convolution(Node):
    """A convolution, with what scales its output folded in.

    Parameters
    ----------
    whole : Tensor, shape (n_seqs, n_out, length)
        Output without edits.
    source : Node
        Input.
    weight : Tensor, shape (n_out, n_in, size)
        Weights.
    slide : Slide
        Stride, padding and dilation.
    prepared : dict
        Where it keeps the weights in another order.
    """

    def __init__(
        self,
        whole: torch.Tensor,
        source: Node,
        weight: torch.Tensor,
        slide: Slide,
        prepared: dict[str, torch.Tensor],
    ) -> None:
        super().__init__(whole, source.scale * slide.stride, [source])
        self.weight, self.slide, self.prepared = weight, slide, prepared

    @property
    def taps(self) -> torch.Tensor:
        """Weights by tap, shape (size, n_in, n_out)."""
        if "taps" not in self.prepared:
            self.prepared["taps"] = self.weight.permute(2, 1, 0).contiguous()
        return self.prepared["taps"]

    @property
    def table(self) -> torch.Tensor:
        """What a new letter in place of an old one adds to each output that reads it."""
        if "table" not in self.prepared:
            taps = self.taps.flip(0)
            pairs = taps[:, None, :, :] - old_columns(taps)[:, :, None, :]
            self.prepared["table"] = pairs.flatten(1, 2)
        return self.prepared["table"]

    def reach(self, run: Run) -> Span:
        """Return the first position that edits reach, and how many."""
        return self.slide.reach(run.span(self.inputs[0]))

    def scaled(
        self, whole: torch.Tensor, scale: torch.Tensor, prepared: dict[str, torch.Tensor]
    ) -> Convolution:
        """Return the convolution whose output channels are scaled."""
        weight = self.weight * scale[:, None, None]
        return type(self)(whole, self.inputs[0], weight, self.slide, prepared)

    def add_to(self, run: Run, out: torch.Tensor, low: int) -> torch.Tensor:
        """Add the difference to what begins at a position."""
        source = self.inputs[0]
        span = run.span(source)
        slide = self.slide
        pairs = run.block.pairs if isinstance(source, Edited) else None
        if pairs is not None and slide.stride == slide.dilation == 1:
            first = span[0] + slide.padding - slide.size + 1
            begin = max(first, low)
            end = max(begin, min(first + slide.size, low + len(out)))
            table = self.table[begin - first : end - first]
            found = table.index_select(1, pairs.reshape(-1))
            out[begin - low : end - low] += found.view(end - begin, *out.shape[1:])
            run.left[source] -= 1
            return out
        delta, _ = run.take(source)
        n_in, n_out = self.weight.shape[1], self.weight.shape[0]
        for tap, to, at in slide.taps(span, (low, len(out))):
            out[to].view(-1, n_out).addmm_(delta[at].reshape(-1, n_in), self.taps[tap])
        return out

    def value(self, run: Run, low: int, width: int) -> torch.Tensor:
        """Return values with edits at some positions."""
        return self.add_to(run, run.copy(self.sheet, low, width), low)

    def delta(self, run: Run) -> torch.Tensor:
        """Return what edits change at the positions that they reach."""
        low, width = run.span(self)
        out = self.whole.new_zeros((width, *run.block.shape, self.channels))
        return run.blank(self, self.add_to(run, out, low), low)


class Depthwise(Convolution):
    """A convolution of each channel by itself, weights of shape (n_channels, 1, size)."""

    def add_to(self, run: Run, out: torch.Tensor, low: int) -> torch.Tensor:
        """Add what edits change, channel by channel."""
        span = run.span(self.inputs[0])
        delta, _ = run.take(self.inputs[0])
        for tap, to, at in self.slide.taps(span, (low, len(out))):
            out[to].addcmul_(delta[at], self.taps[tap, 0])
        return out


class Pointwise(Node):
    """A function of each number by itself.

    Parameters
    ----------
    whole : Tensor, shape (n_seqs, n_channels, length)
        Output without edits.
    source : Node
        Input.
    function : callable
        From an array whose last axis is channels to one of the same form; it may overwrite it.
    """

    def __init__(
        self,
        whole: torch.Tensor,
        source: Node,
        function: Callable[[torch.Tensor], torch.Tensor],
    ) -> None:
        super().__init__(whole, source.scale, [source])
        self.function = function

    def value(self, run: Run, low: int, width: int) -> torch.Tensor:
        """Return values with edits at some positions."""
        return self.function(run.value(self.inputs[0], low, width))


class Relu(Pointwise):
    """The positive part: max(z, 0) - max(w, 0) is the larger of z - max(w, 0) and -max(w, 0)."""

    def __init__(self, whole: torch.Tensor, source: Node) -> None:
        super().__init__(whole, source, lambda value: value.clamp_min_(0))
        self._sheets: tuple[Sheet, Sheet] | None = None

    @property
    def sheets(self) -> tuple[Sheet, Sheet]:
        """The input less the output, and the output's negative."""
        if self._sheets is None:
            rest = self.inputs[0].whole - self.whole
            self._sheets = Sheet(rest, self.scale), Sheet(-self.whole, self.scale)
        return self._sheets

    def delta(self, run: Run) -> torch.Tensor:
        """Return what edits change at the positions that they reach."""
        source = self.inputs[0]
        if not isinstance(source, Convolution) or run.left[source] != 1 or source in run.kept:
            return super().delta(run)
        run.left[source] = 0
        low, width = run.span(self)
        rest, negative = self.sheets
        out = source.add_to(run, run.copy(rest, low, width), low)
        torch.maximum(out, negative.view(run.block, low, width), out=out)
        return run.blank(self, out, low)


class MaxPool(Node):
    """The largest of some positions."""

    def __init__(self, whole: torch.Tensor, source: Node, slide: Slide, *, inside: bool) -> None:
        super().__init__(whole, source.scale * slide.stride, [source])
        self.slide, self.inside = slide, inside

    def reach(self, run: Run) -> Span:
        """Return the first position that edits reach, and how many."""
        return self.slide.reach(run.span(self.inputs[0]))

    def value(self, run: Run, low: int, width: int) -> torch.Tensor:
        """Return values with edits at some positions."""
        source, slide = self.inputs[0], self.slide
        first, reach = slide.inputs(low, width)
        values = run.value(source, first, reach)
        if not self.inside:
            run.blank(source, values, first, -torch.inf)
        rest = (width - 1) * slide.stride + 1
        taps = [values[t * slide.dilation :][:rest] for t in range(slide.size)]
        taps = [tap[:: slide.stride] for tap in taps]
        if slide.size == 1:
            return taps[0].clone()
        out = torch.maximum(taps[0], taps[1])
        for tap in taps[2:]:
            torch.maximum(out, tap, out=out)
        return out


class MeanPool(Node):
    """The mean of some positions."""

    def __init__(self, whole: torch.Tensor, source: Node, slide: Slide) -> None:
        super().__init__(whole, source.scale * slide.stride, [source])
        self.slide = slide

    def reach(self, run: Run) -> Span:
        """Return the first position that edits reach, and how many."""
        return self.slide.reach(run.span(self.inputs[0]))

    def delta(self, run: Run) -> torch.Tensor:
        """Return what edits change at the positions that they reach."""
        low, width = run.span(self)
        span = run.span(self.inputs[0])
        delta, _ = run.take(self.inputs[0])
        out = self.whole.new_zeros((width, *run.block.shape, self.channels))
        for _, to, at in self.slide.taps(span, (low, width)):
            out[to] += delta[at]
        return run.blank(self, out.div_(self.slide.size), low)


class Scaled(Node):
    """A node of which every channel is scaled, and what does not vary is added to it."""

    def __init__(self, whole: torch.Tensor, source: Node, scale: torch.Tensor | None) -> None:
        super().__init__(whole, source.scale, [source])
        self.factor = scale

    def delta(self, run: Run) -> torch.Tensor:
        """Return what edits change at the positions that they reach."""
        delta, own = run.take(self.inputs[0])
        if self.factor is None:
            return delta if own else delta.clone()
        return delta.mul_(self.factor) if own else delta * self.factor


class Sum(Node):
    """The sum of several nodes, each with a factor."""

    def __init__(
        self, whole: torch.Tensor, sources: Sequence[Node], factors: Sequence[float]
    ) -> None:
        super().__init__(whole, sources[0].scale, sources)
        self.factors = tuple(factors)

    def reach(self, run: Run) -> Span:
        """Return the first position that edits reach, and how many."""
        return _union(run, self.inputs)

    def delta(self, run: Run) -> torch.Tensor:
        """Return what edits change at the positions that they reach."""
        low, width = run.span(self)
        terms = zip(self.inputs, self.factors, strict=True)
        parts = [(run.span(node), *run.take(node), factor) for node, factor in terms]
        parts.sort(key=lambda part: -part[0][1])
        span, first, own, factor = parts[0]
        if span == (low, width) and own and factor == 1:
            out, rest = first, parts[1:]
        else:
            out, rest = self.whole.new_zeros((width, *run.block.shape, self.channels)), parts
        for span, delta, _, factor in rest:
            begin = span[0] - low
            out[begin : begin + span[1]].add_(delta, alpha=factor)
        return out


class Joint(Node):
    """A function of several nodes at the same positions, such as a product."""

    def __init__(
        self,
        whole: torch.Tensor,
        sources: Sequence[Node],
        function: Callable[..., torch.Tensor],
    ) -> None:
        super().__init__(whole, sources[0].scale, sources)
        self.function = function

    def reach(self, run: Run) -> Span:
        """Return the first position that edits reach, and how many."""
        return _union(run, self.inputs)

    def value(self, run: Run, low: int, width: int) -> torch.Tensor:
        """Return values with edits at some positions."""
        return self.function(*(run.value(node, low, width) for node in self.inputs))


class Stack(Node):
    """Channels of several nodes, one after the other."""

    def __init__(self, whole: torch.Tensor, sources: Sequence[Node]) -> None:
        super().__init__(whole, sources[0].scale, sources)

    def reach(self, run: Run) -> Span:
        """Return the first position that edits reach, and how many."""
        return _union(run, self.inputs)

    def delta(self, run: Run) -> torch.Tensor:
        """Return what edits change at the positions that they reach."""
        low, width = run.span(self)
        out = self.whole.new_zeros((width, *run.block.shape, self.channels))
        done = 0
        for node in self.inputs:
            begin, count = run.span(node)
            delta, _ = run.take(node)
            out[begin - low : begin - low + count, ..., done : done + node.channels] = delta
            done += node.channels
        return out


class Channels(Node):
    """Some successive channels of a node."""

    def __init__(self, whole: torch.Tensor, source: Node, first: int) -> None:
        super().__init__(whole, source.scale, [source])
        self.first = first

    def delta(self, run: Run) -> torch.Tensor:
        """Return what edits change at the positions that they reach."""
        delta, _ = run.take(self.inputs[0])
        return delta[..., self.first : self.first + self.channels].contiguous()


class Shifted(Node):
    """A node cut or extended at its ends."""

    def __init__(self, whole: torch.Tensor, source: Node, cut: int) -> None:
        super().__init__(whole, source.scale, [source])
        self.cut = cut

    def reach(self, run: Run) -> Span:
        """Return the first position that edits reach, and how many."""
        low, width = run.span(self.inputs[0])
        return low - self.cut, low - self.cut + width

    def delta(self, run: Run) -> torch.Tensor:
        """Return what edits change at the positions that they reach."""
        low, width = run.span(self)
        begin = low + self.cut - run.span(self.inputs[0])[0]
        delta, own = run.take(self.inputs[0])
        part = delta[begin : begin + width]
        return run.blank(self, part if own else part.clone(), low)


def _union(run: Run, nodes: Sequence[Node]) -> Span:
    spans = [run.span(node) for node in nodes]
    return min(low for low, _ in spans), max(low + width for low, width in spans)


def scaled(
    whole: torch.Tensor, node: Node, scale: torch.Tensor, prepared: dict[str, torch.Tensor]
) -> Node:
    """Return a node of which each channel is scaled; a convolution takes the factors itself."""
    if isinstance(node, Convolution):
        return node.scaled(whole, scale, prepared)
    return Scaled(whole, node, scale)


def ungrouped(weight: torch.Tensor, groups: int) -> torch.Tensor:
    """Return the weights of a grouped convolution between all channels, with zeros."""
    if groups == 1:
        return weight
    n_out, n_in, size = weight.shape
    full = weight.new_zeros(n_out, n_in * groups, size)
    for group, rows in enumerate(torch.arange(n_out).chunk(groups)):
        full[rows, group * n_in : (group + 1) * n_in] = weight[rows]
    return full
