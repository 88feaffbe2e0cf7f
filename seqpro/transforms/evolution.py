"""Evolution-inspired augmentations: which there are, and how much each changes where.

What is declared here serves letters in NumPy (`seqpro.transforms.Evolve`) and batches on a device
(``eugene.augment``) alike; the rules are those of EvoAug (Lee et al. 2023,
https://doi.org/10.1186/s13059-023-02941-w). A draw depends on (seed, epoch, row) only.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias

from seqpro import _kernels
from seqpro.alphabets import BaseAlphabet, NucleotideAlphabet
from seqpro.errors import SeqproError

Length: TypeAlias = Literal["pad_end", "pad_both", "keep"]
Scope: TypeAlias = Literal["sequence", "batch-choice", "batch"]
Whole: TypeAlias = Any
"""Whole numbers as float64, of NumPy or of torch: the rules only use what both can."""

LENGTHS: tuple[Length, ...] = ("pad_end", "pad_both", "keep")
SCOPES: tuple[Scope, ...] = ("sequence", "batch-choice", "batch")


@dataclass(frozen=True)
class Augmentation(ABC):
    """One evolution-inspired change of sequences.

    Attributes
    ----------
    kind : int
        Its number in the compiled code; -1 for one that changes values, not places.
    needs_complement : bool
        Whether letters must have partners.
    """

    kind: ClassVar[int] = -1
    needs_complement: ClassVar[bool] = False

    @property
    def added(self) -> int:
        """Positions (bp) by which a padded sequence grows."""
        return 0

    @property
    def needed(self) -> int:
        """Positions (bp) that a sequence must have."""
        return 1

    @abstractmethod
    def amount(self, uniform: Whole, where: Whole, length: Whole) -> Whole:
        """Return how much is changed, from uniform draws; whole numbers, shape (n_rows,)."""

    def start(self, uniform: Whole, length: Whole) -> Whole:
        """Return where the change begins, from a uniform draw; whole numbers, shape (n_rows,)."""
        return uniform * 0


def between(low: int, high: int, uniform: Whole) -> Whole:
    """Return whole numbers from low to high, both included, from uniform draws in [0, 1).

    Examples
    --------
    >>> between(0, 20, 0.5)
    10.0
    """
    return low + (uniform * (high - low + 1)) // 1


def _check_range(what: str, low: int, high: int) -> None:
    if not 0 <= low <= high:
        raise SeqproError(f"{what} must be 0 <= smallest <= largest, got {low} and {high} bp")


def _check_fraction(what: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise SeqproError(f"{what}={value} must be a number from 0 to 1")


@dataclass(frozen=True)
class Stretch(Augmentation):
    """Base of changes of a stretch that lies within the sequence.

    Parameters
    ----------
    min_length, max_length : int
        Shortest and longest stretch (bp); its length is uniform between them, its start uniform
        over the places where the longest would fit.
    """

    min_length: int = 0
    max_length: int = 20

    def __post_init__(self) -> None:
        what = f"the lengths of {type(self).__name__}"
        _check_range(what, self.min_length, self.max_length)

    @property
    def needed(self) -> int:
        """Positions (bp) that a sequence must have."""
        return max(1, self.max_length)

    def amount(self, uniform: Whole, where: Whole, length: Whole) -> Whole:
        """Return the lengths of the stretches."""
        return between(self.min_length, self.max_length, uniform)

    def start(self, uniform: Whole, length: Whole) -> Whole:
        """Return where the stretches begin."""
        return (uniform * (length - self.max_length + 1)) // 1


@dataclass(frozen=True)
class Deletion(Stretch):
    """Take out a stretch; random letters fill up both ends, half of them in front.

    Parameters
    ----------
    min_length, max_length : int
        Shortest and longest stretch (bp); its length is uniform between them, its start uniform
        over the places where the longest would fit.

    Examples
    --------
    >>> Deletion(0, 30).needed
    30
    """

    kind: ClassVar[int] = _kernels.DELETION


@dataclass(frozen=True)
class Insertion(Stretch):
    """Put in a stretch of random letters.

    Parameters
    ----------
    min_length, max_length : int
        Shortest and longest stretch (bp); its place is uniform over the sequence.

    Notes
    -----
    Padded (``length="pad_end"`` or ``"pad_both"``), a sequence grows by ``max_length``: half of
    what the stretch leaves of it goes in front, rounded down, the rest behind. With
    ``length="keep"`` half of the stretch is cut off in front, the rest behind.

    Examples
    --------
    >>> Insertion(0, 20).added
    20
    """

    kind: ClassVar[int] = _kernels.INSERTION

    @property
    def added(self) -> int:
        """Positions (bp) by which a padded sequence grows."""
        return self.max_length

    @property
    def needed(self) -> int:
        """Positions (bp) that a sequence must have."""
        return 1

    def start(self, uniform: Whole, length: Whole) -> Whole:
        """Return before which position the stretches go."""
        return (uniform * length) // 1


@dataclass(frozen=True)
class Translocation(Augmentation):
    """Roll a sequence: what leaves at one end comes in at the other.

    Parameters
    ----------
    min_shift, max_shift : int
        Smallest and largest shift (bp), to either side with equal chance.

    Examples
    --------
    >>> Translocation(max_shift=30)
    Translocation(min_shift=0, max_shift=30)
    """

    min_shift: int = 0
    max_shift: int = 20
    kind: ClassVar[int] = _kernels.TRANSLOCATION

    def __post_init__(self) -> None:
        _check_range("the shifts of a translocation", self.min_shift, self.max_shift)

    def amount(self, uniform: Whole, where: Whole, length: Whole) -> Whole:
        """Return the shifts, negative to the left."""
        shift = between(self.min_shift, self.max_shift, uniform)
        return shift * (1 - 2 * (where < 0.5))


@dataclass(frozen=True)
class WindowedTranslocation(Translocation):
    """Roll a sequence by U{-max_shift..max_shift - 1}, as EvoAug-TF does whatever its minimum."""

    def amount(self, uniform: Whole, where: Whole, length: Whole) -> Whole:
        """Return the shifts, negative to the left."""
        return (uniform * 2 * self.max_shift) // 1 - self.max_shift


@dataclass(frozen=True)
class Inversion(Stretch):
    """Reverse complement a stretch where it lies.

    Parameters
    ----------
    min_length, max_length : int
        Shortest and longest stretch (bp).

    Examples
    --------
    >>> Inversion().max_length
    20
    """

    kind: ClassVar[int] = _kernels.INVERSION
    needs_complement: ClassVar[bool] = True


@dataclass(frozen=True)
class Mutation(Augmentation):
    """Set distinct random positions to random letters.

    Parameters
    ----------
    fraction : float
        Share of positions that change, on average: as one draw in four of four letters changes
        nothing, ``round(fraction / 0.75 * length)`` positions are drawn.

    Examples
    --------
    >>> Mutation(0.05)
    Mutation(fraction=0.05)
    """

    fraction: float = 0.05
    kind: ClassVar[int] = _kernels.MUTATION

    def __post_init__(self) -> None:
        if not 0 <= self.fraction <= 0.75:
            raise SeqproError(
                f"the fraction of a mutation, {self.fraction}, must be a number from 0 to 0.75: "
                "with random letters everywhere three quarters of all positions change"
            )

    def amount(self, uniform: Whole, where: Whole, length: Whole) -> Whole:
        """Return the numbers of positions."""
        return (self.fraction / 0.75 * length).round()


@dataclass(frozen=True)
class ReverseComplement(Augmentation):
    """Reverse complement whole sequences with some chance.

    Parameters
    ----------
    probability : float
        The chance.

    Examples
    --------
    >>> ReverseComplement(0.5).needs_complement
    True
    """

    probability: float = 0.5
    kind: ClassVar[int] = _kernels.REVERSE
    needs_complement: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _check_fraction("the probability of a reverse complement", self.probability)

    def amount(self, uniform: Whole, where: Whole, length: Whole) -> Whole:
        """Return 1 where a sequence is turned round, else 0."""
        return (uniform < self.probability) * (uniform * 0 + 1)


def check(
    augmentations: Sequence[Augmentation],
    shortest: int,
    alphabet: BaseAlphabet,
    *,
    where: str = "the shortest sequence",
) -> None:
    """Raise where sequences cannot be changed so.

    Parameters
    ----------
    augmentations : sequence of Augmentation
    shortest : int
        Length of the shortest sequence (bp).
    alphabet : BaseAlphabet
        Of the sequences.
    where : str
        What the shortest sequence is called.

    Raises
    ------
    SeqproError
        If a sequence is shorter than the longest deletion or inversion, or letters have no
        partners.

    Examples
    --------
    >>> import seqpro as sp
    >>> check([Deletion(0, 30)], 249, sp.DNA)
    """
    for augmentation in augmentations:
        if shortest < augmentation.needed:
            raise SeqproError(
                f"{augmentation} needs sequences of at least {augmentation.needed} bp, {where} has "
                f"{shortest}: make it shorter, or leave such sequences out"
            )
        if augmentation.needs_complement and not isinstance(alphabet, NucleotideAlphabet):
            raise SeqproError(
                f"{augmentation}: letters {alphabet.alphabet!r} have no complement; leave it out"
            )


def grown(augmentations: Sequence[Augmentation], length: Length) -> int:
    """Return by how many positions (bp) sequences become longer.

    Examples
    --------
    >>> grown([Insertion(0, 20), Insertion(5, 10)], "pad_end"), grown([Insertion()], "keep")
    (30, 0)
    """
    return 0 if length == "keep" else sum(a.added for a in augmentations)


def check_settings(augmentations: Sequence[object], max_augs: int, scope: str, length: str) -> None:
    """Raise where settings of augmentations cannot be.

    Raises
    ------
    SeqproError
        If there is nothing to choose from, or a word is unknown.

    Examples
    --------
    >>> check_settings([Mutation()], 1, "sequence", "keep")
    """
    if not augmentations:
        raise SeqproError("the list of augmentations is empty: name at least one")
    if max_augs < 1:
        raise SeqproError(f"max_augs={max_augs} must be at least 1: that many change a sequence")
    if scope not in SCOPES:
        raise SeqproError(f"scope={scope!r} must be one of {', '.join(map(repr, SCOPES))}")
    if length not in LENGTHS:
        raise SeqproError(f"length={length!r} must be one of {', '.join(map(repr, LENGTHS))}")
