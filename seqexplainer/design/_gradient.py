"""Gradient-guided search: a distribution of edits that learns from the model's gradient."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from seqexplainer._inputs import frozen, model_device, model_dtype
from seqexplainer.calls import explained
from seqexplainer.design._edits import from_codes
from seqexplainer.design._task import Found, Task
from seqpro.random import uniform

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from seqexplainer.design._constraints import Constraints
    from seqexplainer.design._edits import Codes

_PRIOR = 1e-4
_REPAIRS = 8
_EXCHANGES = 100
_TRIED = 192


def follow_gradient(task: Task) -> Found:
    """Search from one start after the other.

    Each start has logits of the letters at every position. A round draws sequences from them
    (Gumbel-softmax), makes them meet the limits, scores them, and moves the logits along the
    gradient that the model gives for the drawn letters (straight through). The best sequence
    drawn is kept. At the end, beginning with it and once more with the start, edits are made and
    exchanged while the gradient points to changes that help, and every edit that the score does
    not need is taken back. The sequences of one start always go through the model together and
    without others, so that nothing depends on who else is designed.
    """
    found = Found(task, *task.scorer.judge(task.original))
    with ExitStack() as stack:
        models = [
            stack.enter_context(frozen(m, model_device(m, task.scorer.running.get("device"))))
            for m in task.scorer.models
        ]
        for row, identity in enumerate(task.identities()):
            _Walk(task, models, row, int(identity)).run(found)
    return found


class _Walk:
    """The search from one start."""

    def __init__(self, task: Task, models: Sequence[nn.Module], row: int, identity: int) -> None:
        self.task = task
        self.models = models
        self.row = row
        self.identity = identity
        self.original = task.original[row]
        self.device = model_device(models[0], task.scorer.running.get("device"))
        self.dtype = model_dtype(models[0])
        places = np.flatnonzero(self.original >= 0)
        for begin, end in task.limits.protected:
            places = places[(places < begin) | (places >= end)]
        self.places = places[:0] if task.limits.max_edits == 0 else places
        start = self._one_hot(self.original[None])[0, :, self.places]
        self.logits = torch.log(start.T + _PRIOR)

    def run(self, found: Found) -> None:
        """Learn, keep the best and prune it."""
        task, limits = self.task, self.task.limits
        merit, _ = self._measure(self.original[None])
        found.merit[self.row] = self._worth(merit, self.original[None])[0]
        if not len(self.places):
            return
        shift = torch.zeros_like(self.logits, requires_grad=True)
        optimiser = torch.optim.Adam([shift], lr=task.learning_rate)
        cost = task.edit_cost
        unit = self._unit()
        here = torch.as_tensor(self.original[self.places], device=self.device)[:, None]
        for r in task.steps():
            logits = self.logits + shift
            noisy = (logits + self._noise(r)) / task.temperature
            soft = torch.softmax(noisy, dim=-1)
            codes = self._draw(noisy.detach())
            hard = self._one_hot(codes)
            X = hard.clone()
            X[:, :, self.places] += (soft - soft.detach()).swapaxes(1, 2)
            merit, score = self._judge(X)
            changed = 1 - torch.softmax(logits, dim=-1).gather(1, here)
            edits = changed.sum()
            loss = (cost * edits - merit.mean()) / unit
            if limits.max_edits is not None:
                loss = loss + torch.relu(edits - limits.max_edits)
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            optimiser.step()
            self._keep(found, r + 1, codes, merit, score)
        for start in (found.tapes[self.row], self.original):
            codes = self._polish(start[None])
            self._keep(found, task.rounds, codes, *self._measure(codes))

    def _measure(self, codes: Codes) -> tuple[torch.Tensor, torch.Tensor]:
        """Return merit and score of windows, always as many at a time as are drawn in a round."""
        with torch.no_grad():
            parts = [
                self._judge(self._one_hot(codes[i : i + self.task.samples]))
                for i in range(0, len(codes), self.task.samples)
            ]
        merit, score = (torch.cat(part) for part in zip(*parts, strict=True))
        return merit, score

    def _judge(self, X: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return merit and score of one-hot sequences, with their gradient."""
        scorer, start = self.task.scorer, np.full(len(X), self.row)
        columns = []
        for model in self.models:
            args = [a.to(self.device) for a in scorer.inputs(model, start)]
            columns.append(explained(model, scorer.select, X, args))
        values = torch.stack(columns, dim=1)
        return scorer.merit(values), scorer.score(values)

    def _one_hot(self, codes: Codes) -> torch.Tensor:
        """Return one-hot sequences where and as the model wants them."""
        return from_codes(codes, self.task.n_letters).to(self.device, self.dtype)

    def _promise(self, codes: Codes) -> NDArray[np.float64]:
        """Return what the gradient at a window (L,) promises for every letter, (places, 4)."""
        X = self._one_hot(codes[None]).requires_grad_()
        slope = torch.autograd.grad(self._judge(X)[0].sum(), X)[0][0].T[self.places]
        promise: NDArray[np.float64] = slope.double().cpu().numpy()
        gain: NDArray[np.float64] = promise - np.take_along_axis(
            promise, codes[self.places][:, None], axis=1
        )
        return gain

    def _unit(self) -> float:
        """Return the gain that the gradient at the start promises for the best single edit."""
        best = float(np.abs(self._promise(self.original)).max())
        return best if np.isfinite(best) and best > 0 else 1.0

    def _polish(self, codes: Codes) -> Codes:
        """Exchange edits of a window (1, L) while it helps, then take needless ones back."""
        worth = self._worth(self._measure(codes)[0], codes)
        for _ in range(_EXCHANGES):
            children = self._exchanges(codes[0])
            codes, before = self._best(codes, worth, children), worth
            worth = self._worth(self._measure(codes)[0], codes)
            if not worth > before + 1e-6 * np.abs(before):
                break
        while True:
            edited = np.flatnonzero(codes[0] != self.original)
            children = np.repeat(codes, len(edited), axis=0)
            children[np.arange(len(edited)), edited] = self.original[edited]
            pruned = self._best(codes, worth, self._within_limits(children))
            if (pruned == codes).all():
                return codes
            codes = pruned
            worth = self._worth(self._measure(codes)[0], codes)

    def _best(self, codes: Codes, worth: NDArray[np.float64], children: Codes) -> Codes:
        """Return the best child (1, L) if it is no worse than the window, otherwise the window."""
        if not len(children):
            return codes
        reached = self._worth(self._measure(children)[0], children)
        best = int(reached.argmax())
        return children[best : best + 1] if reached[best] >= worth[0] else codes

    def _exchanges(self, codes: Codes) -> Codes:
        """Return the changes of a window (L,) that the gradient promises most of, (n, L).

        A change is a letter put in, an edit taken back, or both at once.
        """
        promise = self._promise(codes)
        edited = np.flatnonzero(codes[self.places] != self.original[self.places])
        back = promise[edited, self.original[self.places[edited]]]
        np.put_along_axis(promise, codes[self.places][:, None], -np.inf, axis=1)
        both = promise.ravel() + np.concatenate([[0.0], back])[:, None]
        order = np.argsort(-both, axis=None, kind="stable")[: 2 * _TRIED]
        n = self.task.n_letters
        removed, added = np.divmod(order[np.isfinite(both.ravel()[order])], promise.size)
        children = np.repeat(codes[None], len(removed) + len(edited), axis=0)
        swaps = np.flatnonzero(removed > 0)
        place = self.places[edited[removed[swaps] - 1]]
        children[swaps, place] = self.original[place]
        children[np.arange(len(added)), self.places[added // n]] = added % n
        place = self.places[edited]
        children[len(removed) + np.arange(len(edited)), place] = self.original[place]
        return self._within_limits(children)[: _TRIED + len(edited)]

    def _within_limits(self, codes: Codes) -> Codes:
        """Return those windows that meet the limits."""
        starts = np.repeat(self.original[None], len(codes), axis=0)
        return np.asarray(codes[self.task.limits.satisfied(codes, starts)])

    def _noise(self, round_: int) -> torch.Tensor:
        """Return Gumbel noise (samples, places, 4) that depends on seed, start and round only."""
        sample = np.arange(self.task.samples)[:, None, None]
        letter = self.places[:, None] * self.task.n_letters + np.arange(self.task.n_letters)
        drawn = uniform(self.task.seed, self.identity, round_, sample, letter)
        gumbel = -np.log(-np.log(np.clip(drawn, 1e-12, 1 - 1e-12)))
        return torch.as_tensor(gumbel).to(self.device, self.dtype)

    def _draw(self, noisy: torch.Tensor) -> Codes:
        """Return the windows (samples, L) that noisy logits choose, within the limits."""
        chances = noisy.double().cpu().numpy()
        letters = chances.argmax(axis=2)
        codes = np.repeat(self.original[None], len(letters), axis=0)
        codes[:, self.places] = letters
        here = self.original[self.places][None, :, None]
        lead = chances.max(axis=2) - np.take_along_axis(chances, here, axis=2)[..., 0]
        margin = np.zeros(codes.shape)
        margin[:, self.places] = lead
        return make_feasible(codes, margin, self.original, self.task.limits)

    def _worth(self, merit: torch.Tensor, codes: Codes) -> NDArray[np.float64]:
        """Return merit less the cost of edits."""
        edits = (codes != self.original).sum(axis=1)
        return np.asarray(merit.detach().double().cpu().numpy() - self.task.edit_cost * edits)

    def _keep(
        self, found: Found, round_: int, codes: Codes, merit: torch.Tensor, score: torch.Tensor
    ) -> None:
        """Remember the best of the windows if it is better than what there is."""
        worth = self._worth(merit, codes)
        best = int(worth.argmax())
        shown = score[best : best + 1].detach().double().cpu().numpy()
        row = np.array([self.row])
        found.update(round_, codes[best : best + 1], worth[best : best + 1], shown, row)


def make_feasible(
    codes: Codes, margin: NDArray[np.float64], original: Codes, limits: Constraints
) -> Codes:
    """Take back edits of windows until they meet the limits.

    The surest edits stay: of each window the longest series of edits, by falling margin, that
    meets the limits; the edit that ends it is left out and the series goes on, a few times.

    Parameters
    ----------
    codes : ndarray of int64, shape (n, L)
        Windows that may break limits.
    margin : ndarray of float64, shape (n, L)
        How sure each edit is.
    original : ndarray of int64, shape (L,)
        The start of all.
    limits : Constraints
        What to meet.

    Returns
    -------
    ndarray of int64, shape (n, L)
        Windows that meet the limits.

    Examples
    --------
    >>> from seqexplainer.design import Constraints
    >>> windows, start = np.array([[1, 2, 3]]), np.array([0, 0, 0])
    >>> make_feasible(windows, np.array([[1.0, 3.0, 2.0]]), start, Constraints(max_edits=2))
    array([[0, 2, 3]])
    """
    wanted = codes != original
    most = codes.shape[1] if limits.max_edits is None else limits.max_edits
    order = np.argsort(-np.where(wanted, margin, -np.inf), axis=1, kind="stable")
    place = np.empty_like(order)
    np.put_along_axis(place, order, np.arange(codes.shape[1])[None], axis=1)
    wanted &= place < most
    starts = np.repeat(original[None], len(codes), axis=0)

    def meets(kept: NDArray[np.bool_]) -> NDArray[np.bool_]:
        return limits.satisfied(np.where(kept, codes, starts), starts)

    for _ in range(_REPAIRS):
        bad = ~meets(wanted)
        if not bad.any():
            break
        low, high = np.zeros(len(codes), dtype=np.int64), np.full(len(codes), codes.shape[1])
        while (high - low > 1).any():
            middle = (low + high) // 2
            good = meets(wanted & (place < middle[:, None]))
            low, high = np.where(good, middle, low), np.where(good, high, middle)
        wanted &= ~(bad[:, None] & (place == (high - 1)[:, None]))
    else:
        wanted &= meets(wanted)[:, None] | (place < low[:, None])
        wanted &= meets(wanted)[:, None]
    result: Codes = np.where(wanted, codes, starts)
    return result
