"""Letters changed by evolution-inspired augmentations, with the tracks beside them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from seqpro import random
from seqpro.alphabets import BaseAlphabet, named
from seqpro.errors import SeqproError
from seqpro.transforms._augment import Array, DataType, SequenceTransform
from seqpro.transforms.evolution import (
    Augmentation,
    Length,
    Scope,
    check,
    check_settings,
)
from seqpro.transforms.plans import Changes, Rules, Settings


class Evolve(SequenceTransform):
    """Change letters by evolution-inspired augmentations, as EvoAug does.

    Parameters
    ----------
    augmentations : sequence of Augmentation
        In the order in which they are applied.
    *types : {"dna", "track"}
        What each array is; the first letters of shape (n_rows, length) and the rest tracks of
        shape (n_rows, ..., length) by default.
    max_augs : int
        Augmentations a row: so many if ``hard``, otherwise 1 to so many.
    hard : bool
    scope : {"sequence", "batch-choice", "batch"}
        What rows of a batch share: nothing, the choice of augmentations, or all but the letters.
    length : {"pad_end", "pad_both", "keep"}
        What insertions do: rows become longer, padded at the end or on both sides where there was
        no insertion; or they are cut to their length.
    alphabet : BaseAlphabet or str
    swap : dict of int to int, optional
        Partner of each strand along the second axis of tracks: they change places where positions
        are reverse complemented.
    seed : int, optional

    Raises
    ------
    SeqproError
        If a row is too short, letters have no complement, or arrays do not fit.

    Notes
    -----
    Positions of tracks move with their letters; where letters were put in, the result, float, is
    NaN.

    Examples
    --------
    >>> import seqpro as sp
    >>> from seqpro.transforms.evolution import Deletion, Insertion
    >>> evolve = Evolve([Deletion(0, 3), Insertion(0, 4)], seed=0)
    >>> evolve(sp.cast_seqs(["ACGTACGT", "TTTTTTTT"]), epoch=0).shape
    (2, 12)
    """

    def __init__(
        self,
        augmentations: Sequence[Augmentation],
        *types: DataType,
        max_augs: int = 3,
        hard: bool = True,
        scope: Scope = "sequence",
        length: Length = "pad_end",
        alphabet: BaseAlphabet | str = "DNA",
        swap: dict[int, int] | None = None,
        seed: int | None = None,
    ) -> None:
        super().__init__(types, seed)
        check_settings(augmentations, max_augs, scope, length)
        self.augmentations = list(augmentations)
        self.max_augs, self.hard = max_augs, hard
        self.scope: Scope = scope
        self.length: Length = length
        self.alphabet = named(alphabet)
        self.swap = swap or {}
        check(self.augmentations, 1 << 40, self.alphabet)
        settings = Settings(max_augs, hard, scope, length, self.alphabet)
        self._rules = Rules(self.augmentations, settings)

    def apply(
        self, arrays: tuple[Array, ...], seed: int, row_ids: ArrayLike | None
    ) -> tuple[Array, ...]:
        """Change every sequence, and every track as the first of them."""
        types: tuple[str, ...] = self.types or ("dna",)
        if "dna" in types[: len(arrays)]:
            array = arrays[types.index("dna")]
            self._changes, self._shape = self._drawn(array, seed, row_ids), array.shape
            if len(arrays) > 1:
                self._plan = self._rules.maps(self._changes, array.shape[1])
        return super().apply(arrays, seed, row_ids)

    def _drawn(self, array: Array, seed: int, row_ids: ArrayLike | None) -> Changes:
        if array.ndim != 2 or array.dtype not in (np.dtype("S1"), np.dtype(np.uint8)):
            raise SeqproError(
                f"Evolve reads letters of shape (n_rows, length), S1 or uint8 ASCII, got "
                f"{array.dtype} of shape {array.shape}"
            )
        rows = random.row_counters(row_ids, array.shape[:1])
        seqs = np.ascontiguousarray(array).view(np.uint8)
        # letters end where padding with NUL begins
        lengths = array.shape[1] - (seqs[:, ::-1] != 0).argmax(axis=1, keepdims=False)
        lengths = np.where((seqs != 0).any(axis=1), lengths, 0).astype(np.int64)
        if len(rows):
            place = int(lengths.argmin())
            check(self.augmentations, int(lengths[place]), self.alphabet, where=f"row {place}")
        return self._rules.draw(seed, rows, lengths)

    def _sequence(self, array: Array, seed: int, row_ids: ArrayLike | None) -> Array:
        if array.shape != self._shape:
            raise SeqproError(
                f"Evolve changes all sequences as the first, of shape {self._shape}, got one of "
                f"shape {array.shape}"
            )
        return self._rules.spell(self._changes, array)

    def _track(self, track: Array, model: Array | None) -> Array:
        source = (self._plan >> 8) - 1
        shape = (len(source), *(1,) * (track.ndim - 2), source.shape[1])
        index = np.broadcast_to(
            np.maximum(source, 0).reshape(shape), (*track.shape[:-1], shape[-1])
        )
        moved = np.take_along_axis(track.astype(np.result_type(track, np.float32)), index, -1)
        if self.swap and track.ndim > 2:
            order = [self.swap.get(i, i) for i in range(track.shape[1])]
            turned = (self._plan & 128 > 0).reshape(shape)
            moved = np.where(turned, np.take(moved, order, 1), moved)
        return np.where(source.reshape(shape) >= 0, moved, np.nan).astype(moved.dtype)
