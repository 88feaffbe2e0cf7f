"""The classifier that knows the grammar: nothing of it is trained."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from eugene.errors import ConfigError, did_you_mean
from eugene.models._base import Architecture
from eugene.nn import InputShapeError, ModelError

if TYPE_CHECKING:
    from eugene.simulate import Grammar
    from eugene.simulate.grammar import Condition, Element, Rule, Spacing

_LEAST = 1e-4
"""What stands for a probability of 0."""
_SURE = 1e-7
"""How close to 0 and 1 probabilities may be."""
Masks = dict[str, torch.Tensor]


class BayesOptimal(Architecture):
    """The classifier that knows the grammar: it looks for the elements of each label.

    Every element is scored at every position by its log-odds, log2 of 4 times a probability (20
    times for protein), of k-mers by those of all of them together. A score is scaled to (0, 1]
    between the smallest and the largest that the element can have, negative ones by their fourth
    root first. A label has the sum over its rules: of elements where they may stand, of elements
    at a distance the best of all placements of all of them that keep position, order and distance.
    Of mutually exclusive rules it is the best one. For classes the sums of a row are brought to
    0 or more and divided by their sum; a class without rules has what the best of the others lacks.
    For labels each sum is divided by its number of elements. Outputs are the logits of these, as
    of every network here.

    Nothing is trained. The gradient goes through the best positions.

    Parameters
    ----------
    definition : str, Path, Grammar or mapping
        The grammar: its file, itself, or the plain tree of its YAML form.
    labels : list of str, optional
        Conditions of the grammar in the order of the outputs; by default all of them.
    compat : {"seqgra"}, optional
        Score as seqgra does: a distance is counted from start to start and stays one below the
        largest, of several distances the best one alone counts, a rule with distances forgets
        what was before it, and fixed positions are wide and never below 0. It needs matrices.
    input_len : int, optional
        Length of the sequences; by default the largest of the grammar.
    output_dim : int, optional
        Number of outputs, as many as there are labels.
    input_channels : int, optional
        Letters of the alphabet, in the order of that of the grammar.

    Raises
    ------
    ModelError
        If there is no such label, or the grammar has nothing to tell them by.

    References
    ----------
    Krismer et al. 2022, https://doi.org/10.1093/bioinformatics/btac101

    Examples
    --------
    >>> from eugene.simulate.grammar import Condition, Element, Example, Grammar, Letters, Rule
    >>> even = Letters((("A", 1.0), ("C", 1.0), ("G", 1.0), ("T", 1.0)))
    >>> labels = Condition("one", (Rule(("gata",)),)), Condition("two", (Rule(("atat",)),))
    >>> words = Element("gata", (("GATA", 1.0),)), Element("atat", (("ATAT", 1.0),))
    >>> rows = {"test": (Example(9, ("one",)), Example(9, ("two",)))}
    >>> classifier = BayesOptimal(Grammar("g", (even,), rows, labels, words, 8, 8))
    >>> X = torch.eye(4)[[1, 2, 0, 3, 0, 1, 1, 1]].T[None]
    >>> classifier.scores(X)[0, 0], classifier(X).softmax(1).argmax(1)
    (tensor(1., dtype=torch.float64), tensor([0]))
    """

    name: ClassVar[str] = "bayes_optimal"
    length_free: ClassVar[bool] = True

    def __init__(
        self,
        definition: str | Path | Mapping[str, object] | Grammar,
        *,
        labels: Sequence[str] | None = None,
        compat: Literal["seqgra"] | None = None,
        input_len: int | None = None,
        output_dim: int | None = None,
        input_channels: int | None = None,
    ) -> None:
        grammar, tree = _grammar_of(definition)
        known, letters = [c.id for c in grammar.conditions], len(grammar.alphabet)
        chosen = known if labels is None else list(labels)
        super().__init__(
            grammar.max_length if input_len is None else input_len,
            len(chosen) or 1 if output_dim is None else output_dim,
            input_channels=letters if input_channels is None else input_channels,
            definition=tree,
            labels=chosen,
            compat=compat,
        )
        _check_labels(grammar, chosen, self.output_dim)
        if compat not in (None, "seqgra"):
            raise ModelError(f"compat={compat!r} must be 'seqgra' or None")
        if self.input_channels != letters:
            raise ModelError(
                f"the sequences have {input_channels} letters, {grammar.space} has {letters}: "
                f"{grammar.alphabet}"
            )
        self.grammar, self.labels, self.compat = grammar, chosen, compat
        if self.input_len < grammar.min_length:
            raise ModelError(self._too_short(self.input_len))
        rules = [rule for name in chosen for rule in _condition(grammar, name).rules]
        used = dict.fromkeys(name for rule in rules for name in rule.elements)
        self.elements = nn.ModuleDict()
        # ids may be names that a module has already
        self._place = {name: f"element_{i}" for i, name in enumerate(used)}
        for name, place in self._place.items():
            self.elements[place] = _Element(grammar.by_id[name], grammar, compat)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits, float (batch, labels), from ``x``, float (batch, letters, length)."""
        found = self.probabilities(x)
        if self.grammar.task == "multi-class":
            return found.clamp(min=_SURE).log().to(x.dtype)
        return torch.logit(found, eps=_SURE).to(x.dtype)

    def probabilities(self, x: torch.Tensor) -> torch.Tensor:
        """Return what is taken for the probability of each label.

        Parameters
        ----------
        x : torch.Tensor of float, shape (batch, letters, length)
            One-hot sequences.

        Returns
        -------
        torch.Tensor of float64, shape (batch, labels)
            For classes they add up to 1; classes whose sums are all 0 are alike.
        """
        scores = self.scores(x)
        counts = scores.new_tensor([self._count(name) for name in self.labels])
        shares = (scores / counts.clamp(min=1)).clamp(0, 1)
        if self.grammar.task != "multi-class":
            return shares
        if not self.compat and (counts == 0).any():
            scores = torch.where(counts == 0, 1 - shares.amax(1, keepdim=True), scores)
        scores = scores - scores.amin(1, keepdim=True).clamp(max=0)
        total = scores.sum(1, keepdim=True)
        even = torch.full_like(scores, 1 / scores.shape[1])
        return torch.where(total > 0, scores / torch.where(total > 0, total, 1.0), even)

    def scores(self, x: torch.Tensor) -> torch.Tensor:
        """Return the sum of the scores of each label's rules.

        Parameters
        ----------
        x : torch.Tensor of float, shape (batch, letters, length)
            One-hot sequences; columns of 0 at the end of rows are beyond the end, where the
            grammar has sequences of several lengths.

        Returns
        -------
        torch.Tensor of float64, shape (batch, labels)

        Raises
        ------
        InputShapeError
            If the sequences are shorter than those of the grammar.
        """
        if x.shape[-1] < self.grammar.min_length:
            raise InputShapeError(self._too_short(x.shape[-1]))
        x = x.double()
        raw = {name: self.elements[place](x) for name, place in self._place.items()}
        if self.compat:
            return torch.stack([self._as_seqgra(raw, name, x) for name in self.labels], 1)
        lengths = self._lengths(x)
        normal = {}
        for name, values in raw.items():
            scaled = self._element(name).scaled(values)
            if self.grammar.min_length != self.grammar.max_length:
                last = lengths - self.grammar.by_id[name].width
                at = torch.arange(values.shape[1], device=x.device)
                scaled = scaled.masked_fill(at > last, -math.inf)
            normal[name] = scaled
        return torch.stack([self._label(normal, lengths, name) for name in self.labels], 1)

    def _element(self, name: str) -> _Element:
        found = self.elements[self._place[name]]
        assert isinstance(found, _Element)
        return found

    def _too_short(self, length: int) -> str:
        least = self.grammar.min_length
        return f"the sequences are {length} letters long, those of the grammar are at least {least}"

    def _count(self, label: str) -> int:
        condition = _condition(self.grammar, label)
        counts = [len(rule.elements) for rule in condition.rules] or [0]
        return sum(counts) if condition.mode == "sequential" else max(counts)

    def _lengths(self, x: torch.Tensor) -> torch.Tensor:
        """Return the length of each row, int64 (batch, 1)."""
        whole = x.new_full((len(x), 1), x.shape[-1], dtype=torch.int64)
        if self.grammar.min_length == self.grammar.max_length:
            return whole
        numbers = torch.arange(1, x.shape[-1] + 1, device=x.device)
        found = ((x != 0).any(1) * numbers).amax(1, keepdim=True)
        # a row of zeros, such as a reference, is no short sequence
        return torch.where(found < self.grammar.min_length, whole, found)

    def _label(self, normal: Masks, lengths: torch.Tensor, label: str) -> torch.Tensor:
        condition = _condition(self.grammar, label)
        found = [self._rule(normal, lengths, rule) for rule in condition.rules]
        if not found:
            return lengths[:, 0].new_zeros(len(lengths), dtype=torch.float64)
        stacked = torch.stack(found)
        return stacked.sum(0) if condition.mode == "sequential" else stacked.amax(0)

    def _rule(self, normal: Masks, lengths: torch.Tensor, rule: Rule) -> torch.Tensor:
        """Return the best score of a rule, float64 (batch,)."""
        from eugene.simulate.grammar._checks import chains

        linked = chains(rule)
        apart = {name for chain in linked for s in chain for name in (s.first, s.second)}
        total = lengths[:, 0].new_zeros(len(lengths), dtype=torch.float64)
        for name in rule.elements:
            if name not in apart:
                width = self.grammar.by_id[name].width
                start = _start(rule.position, lengths, width)
                total = total + _at(normal[name], start).amax(1)
        widths = {name: self.grammar.by_id[name].width for name in apart}
        for chain in linked:
            placed = [
                _best(chain, values, widths)
                for values in _placements(chain, rule, normal, lengths, widths)
            ]
            total = total + torch.stack(placed).amax(0)
        return total

    def _as_seqgra(self, raw: Masks, label: str, x: torch.Tensor) -> torch.Tensor:
        """Return the score of a label as seqgra has it."""
        total = x.new_zeros(len(x))
        for rule in _condition(self.grammar, label).rules:
            for name in rule.elements:
                element, values = self._element(name), raw[name]
                if rule.position != "random":
                    low, high = _seqgra_window(rule.position, values.shape[1], element.width)
                    inside = torch.zeros_like(values[0])
                    inside[low:high] = 1.0
                    values = values * inside
                total = total + element.scaled(values.amax(1))
            if not rule.spacing:
                continue
            total = torch.zeros_like(total)
            for spacing in rule.spacing:
                pairs = [(spacing.first, spacing.second)]
                if spacing.order == "random":
                    pairs.append((spacing.second, spacing.first))
                for first, second in pairs:
                    if spacing.max_distance <= spacing.min_distance:
                        continue
                    one, two = (self._element(e).scaled(raw[e]) for e in (first, second))
                    near = _window_max(
                        two, spacing.min_distance, spacing.max_distance - 1, one.shape[1]
                    )
                    total = torch.maximum(total, (one + near).amax(1))
        return total


class _Element(nn.Module):
    """Scores of one element at every position: a mixture of matrices of log-odds."""

    matrices: torch.Tensor
    shares: torch.Tensor

    def __init__(self, element: Element, grammar: Grammar, compat: str | None) -> None:
        super().__init__()
        alphabet = grammar.alphabet
        if compat and element.kmers:
            raise ModelError(
                f"compat='seqgra': {element.id!r} is made of k-mers, and seqgra scores matrices "
                "alone: leave compat out, or write the element as a matrix"
            )
        tables = [([{letter: 1.0} for letter in kmer], p) for kmer, p in element.kmers if p > 0]
        if element.matrix:
            tables = [([dict(column) for column in element.matrix], 1.0)]
        # in NumPy, as numbers are needed even where torch has none (on the device "meta")
        rows = np.array([[[p.get(a, 0.0) for p in table] for a in alphabet] for table, _ in tables])
        share = rows / rows.sum(1, keepdims=True)
        odds = np.log2(np.where(share <= 1e-8, _LEAST, share) * len(alphabet))
        weights = np.array([p for _, p in tables])
        parts = np.log2(weights / weights.sum())
        self.width = element.width
        self.register_buffer("matrices", torch.from_numpy(odds))
        self.register_buffer("shares", torch.from_numpy(parts))
        # the best word of each matrix, scored by all of them
        words = odds.argmax(1)
        scored = np.take_along_axis(odds[None], words[:, None, None], 2)[:, :, 0].sum(-1)
        self.highest = float(np.logaddexp2.reduce(scored + parts, axis=1).max())
        self.lowest = float(np.logaddexp2.reduce(odds.min(1).sum(1) + parts))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the log-odds of the element at each start, float64 (batch, positions)."""
        # all columns of the matrices at all positions, then one column after another is moved to
        # its place: convolutions in double precision are slow
        kinds, letters, width = self.matrices.shape
        columns = self.matrices.double().permute(2, 0, 1).reshape(-1, letters)
        seen = (columns @ x.transpose(0, 1).flatten(1)).view(width, kinds, len(x), x.shape[-1])
        positions = x.shape[-1] - width + 1
        found = seen[0, ..., :positions]
        for place in range(1, width):
            found = found + seen[place, ..., place : place + positions]
        found = found.transpose(0, 1)
        if found.shape[1] == 1:
            return found[:, 0]
        mixed = (found + self.shares.double()[:, None]) * math.log(2)
        return torch.logsumexp(mixed, 1) / math.log(2)

    def scaled(self, values: torch.Tensor) -> torch.Tensor:
        """Return scores between 0 and 1, negative ones by their fourth root first."""
        low, high = self.lowest, self.highest
        if math.isclose(low, high):
            return torch.full_like(values, 0.5)
        if low < 0:
            low = -(abs(low) ** 0.25)
        rooted = -values.neg().clamp(min=1e-30).sqrt().sqrt()
        return (torch.where(values < 0, rooted, values) - low) / (high - low)


def _grammar_of(
    definition: str | Path | Mapping[str, object] | Grammar,
) -> tuple[Grammar, Mapping[str, object]]:
    """Return a grammar, and its plain tree."""
    from eugene.config import Document
    from eugene.simulate import Grammar, from_definition
    from eugene.simulate.grammar._read import grammar_of
    from eugene.simulate.grammar._yaml import tree_of

    try:
        if isinstance(definition, Grammar):
            definition.check()
            return definition, tree_of(definition)
        if isinstance(definition, Mapping):
            document = Document(source="definition")
            document.tree.update(definition)
            return grammar_of(document), definition
    except ConfigError as error:
        raise ModelError(f"the definition makes no sense: {error}") from error
    found = from_definition(definition)
    return found, tree_of(found)


def _condition(grammar: Grammar, name: str) -> Condition:
    return next(c for c in grammar.conditions if c.id == name)


def _check_labels(grammar: Grammar, chosen: Sequence[str], outputs: int) -> None:
    """Raise where labels are no conditions of the grammar, or not as many as outputs."""
    known = [c.id for c in grammar.conditions]
    for label in chosen:
        if label not in known:
            hint = did_you_mean(label, known, listed=20)
            raise ModelError(f"the grammar has no condition {label!r}{hint}")
    if grammar.task == "regression":
        raise ModelError("the grammar is of regression, and this tells labels apart")
    if not chosen:
        raise ModelError("the grammar has no condition")
    if outputs != len(chosen):
        raise ModelError(
            f"there are {outputs} outputs and {len(chosen)} labels ({', '.join(chosen)}): give "
            "labels=, one an output"
        )


def _start(position: str | int, lengths: torch.Tensor, width: int) -> torch.Tensor | None:
    """Return where a block of some width begins, int64 (batch, 1); None for anywhere."""
    if position == "random":
        return None
    if position == "start":
        return torch.zeros_like(lengths)
    if position == "end":
        return lengths - width
    if position == "center":
        return (lengths - width) // 2
    return torch.full_like(lengths, int(position) - 1)


def _at(values: torch.Tensor, low: torch.Tensor | None, high: torch.Tensor | None = None
        ) -> torch.Tensor:  # fmt: skip
    """Return values, minus infinity but from ``low`` to ``high``, or at ``low``."""
    if low is None:
        return values
    places = torch.arange(values.shape[1], device=values.device)
    outside = (places < low) | (places > (low if high is None else high))
    return values.masked_fill(outside, -math.inf)


def _window_max(values: torch.Tensor, low: int, high: int, size: int) -> torch.Tensor:
    """Return the largest value from p + low to p + high for each p below ``size``."""
    before, behind = max(0, -low), max(0, size + high - values.shape[1])
    padded = F.pad(values, (before, behind), value=-math.inf)
    padded = padded[:, low + before : low + before + size + high - low]
    return F.max_pool1d(padded[:, None], high - low + 1, stride=1)[:, 0]


def _best(chain: Sequence[Spacing], values: Masks, widths: Mapping[str, int]) -> torch.Tensor:
    """Return the largest sum over all placements that keep the distances, float64 (batch,)."""

    def reached(name: str, used: Spacing | None) -> torch.Tensor:
        """Return the best of an element and all that hangs on it, for each of its starts."""
        total = values[name]
        for one in chain:
            if one is used or name not in (one.first, one.second):
                continue
            other = one.second if name == one.first else one.first
            below, size = reached(other, one), total.shape[1]
            low, high = one.min_distance, one.max_distance
            behind = (widths[name] + low, widths[name] + high)
            before = (-widths[other] - high, -widths[other] - low)
            ways = [behind if name == one.first else before]
            if one.order == "random":
                ways = [behind, before]
            near = [_window_max(below, *way, size) for way in ways]
            total = total + torch.stack(near).amax(0)
        return total

    return reached(chain[0].first, None).amax(1)


def _placements(
    chain: Sequence[Spacing],
    rule: Rule,
    normal: Masks,
    lengths: torch.Tensor,
    widths: Mapping[str, int],
) -> Iterator[Masks]:
    """Yield the scores of the elements of a chain, where it may lie, one way after another."""
    names = list(dict.fromkeys(name for s in chain for name in (s.first, s.second)))
    own = {name: normal[name] for name in names}
    if rule.position == "random":
        yield own
    elif rule.position == "center":
        pairs = [widths[s.first] + widths[s.second] for s in chain]
        least = min(p + s.min_distance for p, s in zip(pairs, chain, strict=True))
        most = sum(widths[name] for name in names) + sum(s.max_distance for s in chain)
        for span in range(least, min(most, int(lengths.max())) + 1):
            start = (lengths - span) // 2
            for first in names:
                for last in names:
                    if first == last:
                        continue
                    ends = {name: start + span - widths[name] for name in names}
                    placed = {name: _at(own[name], start, ends[name]) for name in names}
                    placed[first] = _at(own[first], start)
                    placed[last] = _at(own[last], ends[last])
                    yield placed
    else:
        for edge in names:
            begin = _start(rule.position, lengths, widths[edge])
            placed = {edge: _at(own[edge], begin)}
            for name in names:
                if name != edge and rule.position != "end":
                    placed[name] = _at(own[name], begin, lengths)
                elif name != edge:
                    placed[name] = own[name]
            yield placed


def _seqgra_window(position: str | int, positions: int, width: int) -> tuple[int, int]:
    """Return from where to where seqgra looks for an element at a fixed position."""
    if position == "start":
        return 0, width + 1
    if position == "end":
        return max(positions - width - 1, 0), positions
    if position == "center":
        low = max(int(positions / 2 - width / 2 - 1), 0)
        return low, min(low + width + 2, positions)
    place = int(position)
    return int(max(place - width / 2 - 1, 0)), min(place + width + 2, positions)
