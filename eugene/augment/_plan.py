"""Maps from new positions to old ones, made on the device of a batch.

The rules and the numbers are those of the compiled code of `seqpro.transforms.plans.Rules`, which
makes the same maps on the CPU.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from eugene.augment._move import FLIP, LETTER
from eugene.augment._streams import below, combine, nth
from seqpro import kernels
from seqpro.alphabets import BaseAlphabet, NucleotideAlphabet
from seqpro.transforms.evolution import Augmentation, Length, Mutation
from seqpro.transforms.plans import Drawn


def letters_at(stream: torch.Tensor, positions: torch.Tensor, n_letters: int) -> torch.Tensor:
    """Draw the number of a letter, plus one, for each position of each row."""
    return below(nth(stream[:, None], positions[None]), n_letters) + 1


def maps(
    augmentations: Sequence[Augmentation],
    drawn: Drawn,
    lengths: torch.Tensor,
    states: torch.Tensor,
    width: int,
    *,
    alphabet: BaseAlphabet,
    length: Length,
    first: int = 0,
    given: Sequence[torch.Tensor] | None = None,
) -> torch.Tensor:
    """Return where each position of the changed rows comes from.

    Parameters
    ----------
    augmentations : sequence of Augmentation
    drawn : Drawn
        Of torch.
    lengths : torch.Tensor of int64, shape (n_rows,)
        How long the rows are (bp).
    states : torch.Tensor of int64, shape (n_rows,)
        Streams of the rows.
    width : int
        Positions of the result.
    alphabet : BaseAlphabet
    length : {"pad_end", "pad_both", "keep"}
    first : int
        Place of the first augmentation in the list that was drawn for.
    given : sequence of torch.Tensor of int64, optional
        Letters that were drawn already, as numbers plus one: those of each augmentation, shape
        (n_rows, longest), of a mutation by position with 0 where nothing changes, and those of the
        ends.

    Returns
    -------
    torch.Tensor of int64, shape (n_rows, width)
        As `seqpro.transforms.plans.Rules.maps` gives them.
    """
    p = torch.arange(width, device=states.device)
    current = lengths[:, None]
    plan = torch.where(p < current, (p + 1) << 8, 0)
    for k, augmentation in enumerate(augmentations):
        selected = torch.as_tensor(drawn.selected[k])[:, None]
        size = torch.as_tensor(drawn.amount[k]).long()[:, None]
        place = torch.as_tensor(drawn.start[k]).long()[:, None]
        stream = combine(states, kernels.LETTERS + first + k)
        kind, after = augmentation.kind, current
        new: torch.Tensor | None = None
        if kind == kernels.MUTATION and given is not None:
            moved = _mutated(plan, given[k], given[k] > 0, alphabet)
        elif kind == kernels.MUTATION:
            sites = combine(states, kernels.SITES + first + k)
            chosen = _sites(sites, size, current, width, _most_sites(augmentation, width))
            moved = _mutated(plan, letters_at(stream, p, len(alphabet)), chosen, alphabet)
        elif kind == kernels.INVERSION:
            inside = (p >= place) & (p < place + size)
            moved = _take(plan, torch.where(inside, 2 * place + size - 1 - p, p)) ^ (inside * FLIP)
        elif kind == kernels.REVERSE:
            moved = _take(plan, current - 1 - p) ^ FLIP
        elif kind == kernels.TRANSLOCATION:
            moved = _take(plan, (p - size) % current.clamp(min=1))
        elif kind == kernels.DELETION:
            front = size // 2
            q = p - front
            new = (q < 0) | (p >= current - (size - front))
            # where the letters lie among those that were drawn: at both ends of them
            held = torch.where(q < 0, p, p - current + augmentation.needed)
            moved = _take(plan, torch.where(q < place, q, q + size))
        else:
            longest = augmentation.added
            front = -(size // 2) if length == "keep" else (longest - size) // 2
            after = current if length == "keep" else current + longest
            q = p - front
            new = (q < 0) | ((q >= place) & (q < place + size)) | (q >= current + size)
            inner = q - place + (0 if length == "keep" else front)
            held = torch.where(q < 0, p, torch.where(q < place + size, inner, p - current))
            moved = _take(plan, torch.where(q < place, q, q - size))
        if new is not None:
            letters = (
                letters_at(stream, p, len(alphabet)) if given is None else _take(given[k], held)
            )
            moved = torch.where(new, letters, moved)
        plan = torch.where(selected & (p < after), moved, torch.where(p < current, plan, 0))
        current = torch.where(selected, after, current)
    if length == "keep":
        return plan
    missing = torch.as_tensor(drawn.missing).long()[:, None]
    if given is None:
        pad = letters_at(combine(states, kernels.PADDING), p, len(alphabet))
    else:
        pad = _take(given[-1], p - current)
    return _padded(plan, current, missing, pad, length)


def _padded(
    plan: torch.Tensor,
    current: torch.Tensor,
    missing: torch.Tensor,
    pad: torch.Tensor,
    length: Length,
) -> torch.Tensor:
    """Put letters to the ends of rows, so that all have grown alike."""
    p = torch.arange(plan.shape[1], device=plan.device)
    front = missing // 2 if length == "pad_both" else torch.zeros_like(missing)
    q = p - front
    moved = _take(plan, q) if length == "pad_both" else plan
    plan = torch.where((q >= 0) & (q < current), moved, pad)
    return torch.where(p < current + missing, plan, 0)


def _take(rows: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    places = places.expand(len(rows), -1) if places.ndim > 1 else places[None].expand(len(rows), -1)
    return rows.gather(1, places.clamp(0, rows.shape[1] - 1))


def _most_sites(augmentation: Augmentation, width: int) -> int:
    """Return how many positions of a row are drawn at most: those that change, or all others."""
    most = width // 2
    if type(augmentation) is Mutation:
        most = min(most, round(augmentation.fraction / 0.75 * width))
    return most


def _sites(
    stream: torch.Tensor, count: torch.Tensor, length: torch.Tensor, width: int, most: int
) -> torch.Tensor:
    """Tell which positions are mutated, as compiled code that draws until it has enough."""
    count = torch.minimum(count, length)
    wanted = torch.minimum(count, length - count)
    # at least half of all draws are new: so many are enough but for a chance below 1e-15, and
    # nothing waits for the device
    tries = 2 * most + 128
    turn = torch.arange(tries, device=stream.device)[None]
    places = below(nth(stream[:, None], turn), length)
    earliest = torch.full((len(stream), width), tries, device=stream.device)
    earliest = earliest.scatter_reduce(1, places, turn.expand(len(stream), -1), "amin")
    new = earliest.gather(1, places) == turn
    rank = new.cumsum(1).gather(1, earliest.clamp(max=tries - 1))
    drawn = (earliest < tries) & (rank <= wanted)
    return (drawn ^ (wanted < count)) & (torch.arange(width, device=stream.device) < length)


def _mutated(
    plan: torch.Tensor, letters: torch.Tensor, chosen: torch.Tensor, alphabet: BaseAlphabet
) -> torch.Tensor:
    if isinstance(alphabet, NucleotideAlphabet):
        # a complemented place shows the partner of what it holds
        letters = torch.where(plan & FLIP > 0, len(alphabet) + 1 - letters, letters)
    return torch.where(chosen, (plan & ~LETTER) | letters, plan)


def composed(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Return the map that two maps one after the other make."""
    source = (second.long() >> 8) - 1
    taken = first.gather(1, source.clamp(min=0)).to(second.dtype)
    moved = ((taken & ~LETTER) ^ (second & FLIP)) | (second & LETTER)
    return torch.where(source >= 0, moved, second)
