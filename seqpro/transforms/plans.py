"""What evolution-inspired augmentations do to each row: draws, and maps made of them.

The rules serve letters in NumPy (`seqpro.transforms.Evolve`) and batches on a device
(``eugene.augment``) alike: where a function says so, arrays are NumPy's or torch's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seqpro import _kernels, random
from seqpro._types import Sequences
from seqpro.alphabets import BaseAlphabet, NucleotideAlphabet
from seqpro.errors import SeqproError
from seqpro.transforms.evolution import (
    LENGTHS,
    SCOPES,
    Augmentation,
    Deletion,
    Insertion,
    Inversion,
    Length,
    Mutation,
    ReverseComplement,
    Scope,
    Translocation,
    Whole,
    WindowedTranslocation,
    between,
    grown,
)

SLOTS = 3
"""Draws for each augmentation: whether, how much, where."""

_MASK = (1 << 64) - 1


@dataclass(frozen=True)
class Drawn:
    """What was drawn for rows; one entry a row, one column an augmentation.

    Attributes
    ----------
    selected : list of bool arrays, each of shape (n_rows,)
        Whether the row is changed.
    amount, start : list of arrays of whole numbers, each of shape (n_rows,)
        How much and where.
    before : list of arrays of whole numbers, each of shape (n_rows,)
        How long (bp) the row is by then.
    missing : array of whole numbers, shape (n_rows,)
        Letters (bp) that are put at the ends of a row, so that all grow alike.
    """

    selected: list[Whole]
    amount: list[Whole]
    start: list[Whole]
    before: list[Whole]
    missing: Whole

    def part(self, begin: int, end: int, *, last: bool) -> Drawn:
        """Return what was drawn for some augmentations in a row, the last of all or not."""
        chosen = slice(begin, end)
        return Drawn(
            self.selected[chosen],
            self.amount[chosen],
            self.start[chosen],
            self.before[chosen],
            self.missing if last else self.missing * 0,
        )


def draw(
    augmentations: Sequence[Augmentation],
    uniforms: Whole,
    lengths: Whole,
    *,
    max_augs: int,
    hard: bool,
    length: Length,
) -> Drawn:
    """Turn uniform draws into what happens to each row.

    Parameters
    ----------
    augmentations : sequence of Augmentation
        In the order in which they are applied.
    uniforms : array of float64, shape (n_rows, 1 + 3 * n_augmentations)
        In [0, 1): the number of augmentations, then for each whether, how much and where. NumPy
        or torch.
    lengths : array of float64, shape (n_rows,)
        How long the rows are (bp), of the same library.
    max_augs : int
        Augmentations a row: so many if ``hard``, otherwise 1 to so many.
    hard : bool
    length : {"pad_end", "pad_both", "keep"}
        Whether insertions make rows longer.

    Returns
    -------
    Drawn

    Examples
    --------
    >>> import numpy as np
    >>> from seqpro.transforms.evolution import Deletion, Mutation
    >>> uniforms = np.array([[0.0, 0.1, 0.5, 0.5, 0.9, 0.5, 0.5]])
    >>> drawn = draw([Deletion(), Mutation()], uniforms, np.array([50.0]), max_augs=1, hard=True,
    ...              length="pad_end")
    >>> [bool(s[0]) for s in drawn.selected], float(drawn.amount[0][0]), float(drawn.start[0][0])
    ([True, False], 10.0, 15.0)
    """
    n = len(augmentations)
    most = min(max_augs, n)
    keys = [uniforms[:, 1 + SLOTS * i] for i in range(n)]
    number = uniforms[:, 0] * 0 + most if hard else between(1, most, uniforms[:, 0])
    found = Drawn([], [], [], [], lengths * 0)
    current = lengths
    for i, augmentation in enumerate(augmentations):
        before = sum((keys[j] < keys[i]) * 1 for j in range(n) if j != i)
        chosen = before < number
        much, place = uniforms[:, 2 + SLOTS * i], uniforms[:, 3 + SLOTS * i]
        amount = augmentation.amount(much, place, current)
        if isinstance(augmentation, ReverseComplement):
            chosen = chosen & (amount > 0)
        found.selected.append(chosen)
        found.amount.append(amount)
        found.start.append(augmentation.start(place, current))
        found.before.append(current)
        if length != "keep":
            current = current + chosen * augmentation.added
    return replace(found, missing=lengths + grown(augmentations, length) - current)


def uniforms(
    seed: int, rows: NDArray[np.uint64], n_augmentations: int, scope: Scope
) -> NDArray[np.float64]:
    """Draw the uniform numbers that `draw` takes.

    Parameters
    ----------
    seed : int
        That of the epoch, as `seqpro.random.epoch_seed` gives it.
    rows : ndarray of uint64, shape (n_rows,)
        Identity of each row.
    n_augmentations : int
    scope : {"sequence", "batch-choice", "batch"}
        What rows of a batch share: nothing, the choice of augmentations, or all but the letters.
        The first row of a batch stands for the batch.

    Returns
    -------
    ndarray of float64, shape (n_rows, 1 + 3 * n_augmentations)

    Examples
    --------
    >>> import numpy as np
    >>> rows = np.arange(4, dtype=np.uint64)
    >>> both = uniforms(0, rows, 2, "batch-choice")
    >>> both.shape, len(set(both[:, 0])), len(set(both[:, 2]))
    ((4, 7), 1, 4)
    """
    columns = np.arange(1 + SLOTS * n_augmentations, dtype=np.uint64)
    found = random.uniform(seed, rows[:, None], columns[None, :])
    return share(found, found[:1], scope)


def share(uniforms: Whole, first: Whole, scope: Scope) -> Whole:
    """Give rows what they share with the first row of their batch; see `uniforms`.

    Parameters
    ----------
    uniforms : array of float64, shape (n_rows, 1 + 3 * n_augmentations)
        Of NumPy or torch.
    first : array of float64, shape (1, 1 + 3 * n_augmentations)
        Of the first row.
    scope : {"sequence", "batch-choice", "batch"}

    Returns
    -------
    array of float64, shape (n_rows, 1 + 3 * n_augmentations)

    Examples
    --------
    >>> import numpy as np
    >>> share(np.array([[0.1] * 4, [0.2] * 4]), np.full((1, 4), 0.1), "batch-choice")[1].tolist()
    [0.1, 0.1, 0.2, 0.2]
    """
    if scope == "sequence" or len(uniforms) == 0:
        return uniforms
    if scope == "batch":
        return uniforms * 0 + first
    result = uniforms * 1
    result[:, :1] = first[:, :1]
    result[:, 1::SLOTS] = first[:, 1::SLOTS]
    return result


class Changes(NamedTuple):
    """What was drawn for rows, as the compiled code takes it.

    Attributes
    ----------
    table : ndarray of int64, shape (n_rows, n_augmentations, 4)
        Whether, how much, where, and how long the row is by then (bp).
    states : ndarray of uint64, shape (n_rows,)
        Streams of the rows: ``seqpro.random.counter_seed(seed, rows)``.
    missing : ndarray of int64, shape (n_rows,)
        Letters (bp) that are put at the ends of a row, so that all grow alike.
    """

    table: NDArray[np.int64]
    states: NDArray[np.uint64]
    missing: NDArray[np.int64]


def _numbers(a: Augmentation) -> tuple[float, ...] | None:
    """Return the numbers by which compiled code draws; None for a class derived from those here."""
    if a.kind < 0:
        return 0, 0, 0, 0
    if type(a) is Deletion or type(a) is Inversion:
        return a.min_length, a.max_length - a.min_length + 1, a.max_length - 1, 0
    if type(a) is Insertion:
        return a.min_length, a.max_length - a.min_length + 1, 0, 0
    if type(a) is Translocation:
        return a.min_shift, a.max_shift - a.min_shift + 1, 0, 1
    if type(a) is WindowedTranslocation:
        return -a.max_shift, 2 * a.max_shift, 0, 0
    if type(a) is Mutation:
        return 0, a.fraction / 0.75, 0, 0
    if type(a) is ReverseComplement:
        return 0, a.probability, 0, 0
    return None


@dataclass(frozen=True)
class Settings:
    """How many augmentations rows get, and what rows share.

    Attributes
    ----------
    max_augs : int
        Augmentations a row: so many if ``hard``, otherwise 1 to so many.
    hard : bool
    scope : {"sequence", "batch-choice", "batch"}
    length : {"pad_end", "pad_both", "keep"}
    alphabet : BaseAlphabet
    """

    max_augs: int
    hard: bool
    scope: Scope
    length: Length
    alphabet: BaseAlphabet


class Rules:
    """A list of augmentations as compiled code: draws, and rows written as they say.

    Parameters
    ----------
    augmentations : sequence of Augmentation
        In the order in which they are applied.
    settings : Settings
    noise : mapping of int to (float, float), optional
        Place in the list of augmentations that add normal noise to one-hot rows -> its mean and
        standard deviation.

    Attributes
    ----------
    added : int
        Positions (bp) by which rows grow.
    at_once : bool
        Whether `evolve` can do all: draws are those of augmentations of seqpro, and values are
        changed by noise alone, after all moves.

    Notes
    -----
    What is done from ``begin`` up to ``end`` in the list is done to rows that are already changed
    by those in front. Augmentations that change values, not places, are passed over.

    Examples
    --------
    >>> import numpy as np
    >>> import seqpro as sp
    >>> from seqpro.transforms.evolution import Translocation
    >>> settings = Settings(1, hard=True, scope="sequence", length="keep", alphabet=sp.DNA)
    >>> rules = Rules([Translocation(1, 1)], settings)
    >>> changes = rules.draw(0, np.arange(2, dtype=np.uint64), np.array([3, 3]))
    >>> changes.table[:, 0, 1].tolist()
    [1, -1]
    >>> rules.spell(changes, sp.cast_seqs(["ACG", "ACG"])).view("S3").ravel().tolist()
    [b'GAC', b'CGA']
    """

    def __init__(
        self,
        augmentations: Sequence[Augmentation],
        settings: Settings,
        *,
        noise: Mapping[int, tuple[float, float]] | None = None,
    ) -> None:
        listed = list(augmentations)
        self._augmentations, self._settings = listed, settings
        alphabet = settings.alphabet
        self.added = grown(listed, settings.length)
        numbers = [_numbers(a) for a in listed]
        self._known = None not in numbers
        self._numbers = np.zeros((len(listed), 7))
        self._numbers[:, :4] = [found or (0, 0, 0, 0) for found in numbers]
        for i, (mean, std) in (noise or {}).items():
            self._numbers[i, 4:] = 1, mean, std
        self._kinds = np.array([(a.kind, a.added) for a in listed], np.int64).reshape(-1, 2)
        last_move = max((i for i, a in enumerate(listed) if a.kind >= 0), default=-1)
        self._last_move = last_move
        values = {i for i, a in enumerate(listed) if a.kind < 0}
        self.at_once = self._known and values == {i for i in noise or {} if i > last_move}
        self._mode, scope = LENGTHS.index(settings.length), SCOPES.index(settings.scope)
        self._chosen = min(settings.max_augs, len(listed)), int(settings.hard), scope, self._mode
        if isinstance(alphabet, NucleotideAlphabet):
            self._partner = np.ascontiguousarray(alphabet.complement_table)
        else:
            self._partner = np.arange(256, dtype=np.uint8)
        self._letters = np.ascontiguousarray(alphabet.array).view(np.uint8)

    def draw(self, seed: int, rows: NDArray[np.uint64], lengths: NDArray[np.int64]) -> Changes:
        """Draw what happens to each row: what `draw` makes of `uniforms`.

        Parameters
        ----------
        seed : int
            That of the epoch, as `seqpro.random.epoch_seed` gives it.
        rows : ndarray of uint64, shape (n_rows,)
            Identity of each row.
        lengths : ndarray of int64, shape (n_rows,), or (1,) for all
            How long the rows are (bp).

        Returns
        -------
        Changes

        Raises
        ------
        SeqproError
            If there are not as many lengths as rows, or a rule of one's own draws what cannot be.
        """
        n, k = len(rows), len(self._augmentations)
        if len(lengths) not in (1, n):
            raise SeqproError(f"there are {n} rows, and lengths of {len(lengths)}")
        found = Changes(
            np.empty((n, k, 4), np.int64), np.empty(n, np.uint64), np.empty(n, np.int64)
        )
        if self._known:
            _kernels.draw_rows(
                np.uint64(seed & _MASK), rows, lengths, self._kinds, self._numbers, self._chosen,
                *found,
            )  # fmt: skip
            return found
        drawn = draw(
            self._augmentations,
            uniforms(seed, rows, k, self._settings.scope),
            np.broadcast_to(lengths * 1.0, n),
            max_augs=self._settings.max_augs,
            hard=self._settings.hard,
            length=self._settings.length,
        )
        for column, values in enumerate((drawn.selected, drawn.amount, drawn.start, drawn.before)):
            found.table[:, :, column] = np.stack(values, axis=1)
        self._check_drawn(found.table)
        found.states[:] = random.counter_seed(seed, rows)
        found.missing[:] = drawn.missing
        return found

    def evolve(
        self,
        seed: int,
        rows: NDArray[np.uint64],
        lengths: NDArray[np.int64],
        planes: NDArray[np.floating],
    ) -> NDArray[np.floating]:
        """Draw, and return changed one-hot rows with noise, where `at_once` says so.

        Parameters
        ----------
        seed, rows, lengths
            As in `draw`.
        planes
            As in `move`.

        Returns
        -------
        ndarray of the same dtype, shape (n_rows, letters, length + added)

        Raises
        ------
        SeqproError
            If rows do not fit.
        """
        width = self._width(len(rows), lengths, planes)
        out = np.empty((*planes.shape[:2], width), planes.dtype)
        _kernels.evolve_planes(
            np.uint64(seed & _MASK), rows, lengths, self._kinds, self._numbers, self._chosen,
            np.ascontiguousarray(planes), out,
        )  # fmt: skip
        return out

    def spell(
        self, changes: Changes, seqs: Sequences, begin: int = 0, end: int | None = None
    ) -> NDArray[np.bytes_] | NDArray[np.uint8]:
        """Write changed letters.

        Parameters
        ----------
        changes : Changes
        seqs : ndarray of S1 or uint8 ASCII, shape (n_rows, length)
        begin, end : int
            Which augmentations; all by default.

        Returns
        -------
        ndarray of the same dtype, shape (n_rows, length + added)
            NUL behind the end of a row.

        Raises
        ------
        SeqproError
            If rows do not fit.
        """
        array = np.ascontiguousarray(seqs)
        width = self._width(len(changes.states), changes.table[:, 0, 3], array, begin)
        out = np.empty((len(array), width), np.uint8)
        _kernels.spell_rows(
            *self._what(changes, begin, end), self._partner, self._letters,
            array.view(np.uint8), out,
        )  # fmt: skip
        return out.view(array.dtype)

    def move(
        self,
        changes: Changes,
        planes: NDArray[np.floating],
        begin: int = 0,
        end: int | None = None,
    ) -> NDArray[np.floating]:
        """Return changed one-hot rows.

        Parameters
        ----------
        changes : Changes
        planes : ndarray of float32 or float64, shape (n_rows, letters, length)
            Also soft ones.
        begin, end : int
            Which augmentations; all by default.

        Returns
        -------
        ndarray of the same dtype, shape (n_rows, letters, length + added)

        Raises
        ------
        SeqproError
            If rows do not fit.
        """
        width = self._width(len(changes.states), changes.table[:, 0, 3], planes, begin)
        out = np.empty((*planes.shape[:2], width), planes.dtype)
        what = self._what(changes, begin, end)
        _kernels.move_planes(*what, np.ascontiguousarray(planes), out)
        return out

    def maps(
        self, changes: Changes, length: int, begin: int = 0, end: int | None = None
    ) -> NDArray[np.int32]:
        """Return where each position of changed rows comes from.

        Parameters
        ----------
        changes : Changes
        length : int
            Positions of the rows before all changes.
        begin, end : int
            Which augmentations; all by default.

        Returns
        -------
        ndarray of int32, shape (n_rows, length + added)
            ``(source + 1) << 8 | complemented << 7 | (letter + 1)``; 0 behind the end of a row.
            No source is a letter that was put in; a letter beside a source stands in its place.
        """
        out = np.empty((len(changes.states), length + self.added), np.int32)
        self._width(len(out), changes.table[:, 0, 3], out, 1)
        what = self._what(changes, begin, end)
        _kernels.map_rows(*what, len(self._letters), out)
        return out

    def add_noise(self, changes: Changes, place: int, out: NDArray[np.floating]) -> None:
        """Add normal noise to the rows that drew it, where there are letters by then.

        Parameters
        ----------
        changes : Changes
        place : int
            Of the noise in the list.
        out : ndarray of float32 or float64, shape (n_rows, letters, positions)
        """
        mean, std = np.float32(self._numbers[place, 5]), np.float32(self._numbers[place, 6])
        padded = self._settings.length == "pad_both" and place > self._last_move
        _kernels.add_noise(*changes, place, padded, mean, std, out)

    def _width(
        self, n: int, lengths: NDArray[np.int64], array: NDArray[np.generic], begin: int = 0
    ) -> int:
        """Return how wide changed rows are: those in front of begin made room for all already."""
        before = array.shape[-1] - (self.added if begin else 0)
        longest = int(lengths.max()) if lengths.size else 0
        if len(array) != n or longest > before or lengths.size not in (1, n):
            raise SeqproError(
                f"changes were drawn for {n} rows of at most {longest} bp, the sequences are "
                f"{len(array)} of {before} bp"
            )
        return before + self.added

    def _check_drawn(self, table: NDArray[np.int64]) -> None:
        """Raise where a rule that is not of this package draws what cannot be done."""
        for i, a in enumerate(self._augmentations):
            chosen, amount, start, before = table[:, i].T
            most = a.added if a.kind == _kernels.INSERTION else before
            room = before if a.kind == _kernels.INSERTION else before - amount
            wrong = (amount < 0) | (amount > most) | (start < 0) | (start > room)
            wrong &= (chosen > 0) & (a.kind >= 0) & (a.kind != _kernels.TRANSLOCATION)
            if wrong.any():
                row = int(wrong.argmax())
                raise SeqproError(
                    f"{a} drew {amount[row]} bp from position {start[row]} on in a sequence of "
                    f"{before[row]} bp: its amount and start must lie within, an insertion within "
                    f"its longest, {a.added} bp"
                )

    def _what(
        self, changes: Changes, begin: int, end: int | None
    ) -> tuple[
        NDArray[np.int64], NDArray[np.uint64], NDArray[np.int64], NDArray[np.int64], int, int, int
    ]:
        """Return what all kernels that write rows begin with."""
        end = len(self._kinds) if end is None else end
        table, states, missing = changes
        return table, states, missing, self._kinds, begin, end, self._mode
