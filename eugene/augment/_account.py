"""What augmentations did, told afterwards: draws are a function of seed, epoch and row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from eugene.augment._augmenter import Augmenter
from eugene.augment._move import FLIP, LETTER, move_letters
from eugene.augment._rows import Rows
from eugene.augment._values import ValueAugmentation
from eugene.errors import EugeneError
from seqpro import alphabet_of, random
from seqpro.transforms import plans
from seqpro.transforms.evolution import Augmentation

FATES = ("kept", "moved", "put in", "mutated", "other strand")
"""What may happen to a position; the codes of `Alone.fate` are places in this list."""
_TRIED = 16
Letters: TypeAlias = str | bytes | NDArray[np.generic] | torch.Tensor


def drawn_counts(
    augmenter: Augmenter, batches: Sequence[NDArray[np.int64]], epoch: int
) -> list[int]:
    """Return how many rows each augmentation of the list changed in an epoch.

    Nothing is counted while a network is trained, and no device is waited for: the same draws
    are made again from the seed, the epoch and the rows.

    Parameters
    ----------
    augmenter : Augmenter
        Of any scope; not one that repeats the draws of an original program.
    batches : sequence of ndarray of int64
        Rows of each batch of the epoch, in their order.
    epoch : int
        Number of the pass over the data.

    Returns
    -------
    list of int
        In the order of the list. Of a reverse complement those that were turned round.

    Raises
    ------
    EugeneError
        If draws depend on everything that was drawn before, as with ``compat="evoaug"``.

    Examples
    --------
    >>> from eugene.augment import Deletion, Mutation
    >>> augment = Augmenter([Deletion(0, 5), Mutation()], max_augs=1)
    >>> sum(drawn_counts(augment, [np.arange(30), np.arange(30, 50)], 0))
    50
    """
    if augmenter.compat in ("evoaug", "evoaug2"):
        raise EugeneError(
            f"draws of compat={augmenter.compat!r} depend on all before them: they cannot be "
            "counted afterwards"
        )
    rows = np.concatenate([np.zeros(0, np.int64), *batches]).astype(np.uint64)
    listed, n = augmenter.augmentations, len(augmenter.augmentations)
    seed = random.epoch_seed(augmenter.seed, epoch)
    # where and, but for a reverse complement, how much decide nothing here
    needed = [0, *(1 + plans.SLOTS * i for i in range(n))]
    needed += [2 + plans.SLOTS * i for i, a in enumerate(listed) if a.needs_complement]
    columns = np.array(sorted(needed), dtype=np.uint64)
    uniforms = np.zeros((len(rows), 1 + plans.SLOTS * n))
    uniforms[:, columns.astype(np.int64)] = random.uniform(seed, rows[:, None], columns[None, :])
    if augmenter.scope != "sequence":
        ends = np.cumsum([len(batch) for batch in batches])[:-1]
        parts = np.split(uniforms, ends)
        uniforms = np.concatenate([plans.share(p, p[:1], augmenter.scope) for p in parts])
    drawn = plans.draw(
        augmenter.augmentations,
        uniforms,
        np.ones(len(rows)),
        max_augs=augmenter.max_augs,
        hard=augmenter.hard,
        length=augmenter.length,
    )
    return [int(np.sum(chosen)) for chosen in drawn.selected]


@dataclass(frozen=True)
class Alone:
    """A sequence under one augmentation.

    Attributes
    ----------
    name : str
        The augmentation, in words.
    detail : str
        What was drawn.
    letters : ndarray of uint8, shape (new_length,)
        ASCII.
    fate : ndarray of int64, shape (new_length,)
        What happened to each position: places in `FATES`.
    values : ndarray of float32, shape (letters, new_length), or None
        One-hot values, where the augmentation changes those.
    """

    name: str
    detail: str
    letters: NDArray[np.uint8]
    fate: NDArray[np.int64]
    values: NDArray[np.float32] | None = None


def each_alone(augmenter: Augmenter, sequence: Letters, *, row: int = 0) -> list[Alone]:
    """Return what each augmentation of a list alone makes of a sequence.

    Parameters
    ----------
    augmenter : Augmenter
        Its list, its seed, and whether sequences grow.
    sequence : str, bytes or array
        Letters, or one-hot of shape (letters, length).
    row : int
        Draws are those of this row and the ones after it: of a few, one of the larger is shown.

    Returns
    -------
    list of Alone

    Raises
    ------
    EugeneError
        If the sequence is too short.

    Examples
    --------
    >>> from eugene.augment import Deletion
    >>> found = each_alone(Augmenter([Deletion(2, 4)]), "ACGTACGTAC")[0]
    >>> len(found.letters), found.name
    (10, 'deletion')
    """
    alphabet = alphabet_of(augmenter.alphabet)
    letters = _ascii(sequence, alphabet.alphabet)
    x = torch.from_numpy(letters).expand(_TRIED, -1).contiguous()
    augmenter._check_lengths(len(letters), None)
    result = []
    for place, one in enumerate(augmenter.augmentations):
        alone = Augmenter(
            [one], max_augs=1, length=augmenter.length, seed=augmenter.seed,
            alphabet=augmenter.alphabet,
        )  # fmt: skip
        first = row + place * _TRIED  # so that lists of like things show other draws
        rows = Rows(torch.arange(first, first + _TRIED), random.epoch_seed(alone.seed, 0))
        drawn = plans.draw(
            [one], rows.uniforms(1, "sequence").numpy(), np.full(_TRIED, float(len(letters))),
            max_augs=1, hard=True, length=augmenter.length,
        )  # fmt: skip
        amount, start = (np.asarray(v[0], dtype=np.int64) for v in (drawn.amount, drawn.start))
        size = np.abs(amount)
        chosen = int(np.argmax(size >= 0.6 * size.max()))
        changed, plan_of = alone._compiled(x, rows, None)
        plan = plan_of()
        said = _drawn_in_words(one, int(amount[chosen]), int(start[chosen]))
        made = plan[chosen].numpy().astype(np.int64)
        spelt = _spelt(made, letters, alphabet.alphabet)
        values = changed[chosen].numpy() if changed.ndim == 3 else None
        name = _in_words(type(one).__name__)
        result.append(Alone(name, said, spelt, _fates(made, spelt, letters), values))
    return result


def _ascii(sequence: Letters, alphabet: str) -> NDArray[np.uint8]:
    """Return a sequence as ASCII."""
    if isinstance(sequence, str | bytes):
        text = sequence.encode("ascii") if isinstance(sequence, str) else sequence
        return np.frombuffer(text, np.uint8).copy()
    array = np.asarray(sequence)
    if array.ndim == 2:
        known = np.frombuffer(alphabet.encode(), np.uint8)
        return np.asarray(known[array.argmax(axis=0)])
    if array.ndim != 1 or array.dtype not in (np.dtype("S1"), np.dtype(np.uint8)):
        raise EugeneError(
            f"sequence is {array.dtype} of shape {array.shape}: expected letters, S1 or ASCII of "
            "shape (length,), or one-hot of shape (letters, length)"
        )
    return np.ascontiguousarray(array).view(np.uint8).copy()


def _spelt(plan: NDArray[np.int64], letters: NDArray[np.uint8], alphabet: str) -> NDArray[np.uint8]:
    row, places = torch.from_numpy(letters)[None], torch.from_numpy(plan)[None]
    found: NDArray[np.uint8] = move_letters(row, places, alphabet_of(alphabet))[0].numpy()
    return found


def _fates(
    plan: NDArray[np.int64], spelt: NDArray[np.uint8], letters: NDArray[np.uint8]
) -> NDArray[np.int64]:
    """Return what happened to each position of a map."""
    source = (plan >> 8) - 1
    old = letters[np.maximum(source, 0)]
    mutated = (source >= 0) & (plan & LETTER > 0) & (spelt != old)
    return np.select(
        [source < 0, mutated, plan & FLIP > 0, source != np.arange(len(plan))],
        [FATES.index(f) for f in ("put in", "mutated", "other strand", "moved")],
        FATES.index("kept"),
    )


def _in_words(name: str) -> str:
    """Write the name of a class as words.

    Examples
    --------
    >>> _in_words("ReverseComplement")
    'reverse complement'
    """
    return "".join(f" {c.lower()}" if c.isupper() else c for c in name).strip()


def _drawn_in_words(one: Augmentation, amount: int, start: int) -> str:
    """Say what was drawn for an augmentation."""
    kind = type(one).__name__
    if isinstance(one, ValueAugmentation):
        return ", ".join(f"{f.name} {getattr(one, f.name)}" for f in fields(one))
    if kind == "Mutation":
        return f"{amount} positions drawn"
    if kind == "ReverseComplement":
        return "turned round" if amount else "not turned round"
    if "Translocation" in kind:
        return f"by {amount:+d} bp"
    where = "before" if kind == "Insertion" else "from"
    return f"{amount} bp {where} position {start:,}"
