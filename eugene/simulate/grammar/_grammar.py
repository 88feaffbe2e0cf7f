"""Grammars: what rows there are, what is planted in them, and data sets drawn from them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from eugene.errors import ConfigError, EugeneError, Problem
from eugene.simulate.grammar._checks import check
from eugene.simulate.grammar._generate import generate, write_text
from eugene.simulate.grammar._tree import (
    ALPHABETS,
    SETS,
    Condition,
    Element,
    Example,
    Letters,
    Response,
    Shuffle,
    Task,
)
from eugene.simulate.grammar._xml import to_xml
from eugene.simulate.grammar._yaml import to_yaml

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True)
class Grammar:
    """A data definition of seqgra: what rows there are, and what is planted in them.

    Attributes
    ----------
    id : str
        Letters, digits, ``_`` and ``-``.
    background : tuple of Letters
        Of a condition in a set, of a set, of a condition, and of all, in this order of rank.
    sets : dict of str to tuple of Example
        Rows of ``training``, ``validation`` and ``test``.
    conditions : tuple of Condition
    elements : tuple of Element
    min_length, max_length : int
        Of the sequences, both included.
    task : {"multi-class", "multi-label", "regression"}
        Regression is not of seqgra.
    space : {"DNA", "RNA", "protein"}
    seed : int
    name, description : str
        For people.
    shuffles : tuple of Shuffle
    response : Response, optional
        In regression.

    References
    ----------
    Krismer et al. 2022, https://doi.org/10.1093/bioinformatics/btac101
    """

    id: str
    background: tuple[Letters, ...]
    sets: dict[str, tuple[Example, ...]]
    conditions: tuple[Condition, ...]
    elements: tuple[Element, ...]
    min_length: int
    max_length: int
    task: Task = "multi-class"
    space: Literal["DNA", "RNA", "protein"] = "DNA"
    seed: int = 0
    name: str = ""
    description: str = ""
    shuffles: tuple[Shuffle, ...] = ()
    response: Response | None = None
    source: str = field(default="", compare=False, repr=False)

    @cached_property
    def by_id(self) -> dict[str, Element]:
        """Elements by id."""
        return {element.id: element for element in self.elements}

    @cached_property
    def condition_by_id(self) -> dict[str, Condition]:
        """Conditions by id."""
        return {condition.id: condition for condition in self.conditions}

    def check(self) -> None:
        """Raise where it makes no sense.

        Raises
        ------
        ConfigError
            With every mistake.
        """
        found = [Problem(path, message, self.source) for path, message in check(self)]
        if found:
            raise ConfigError(found)

    def generate(
        self,
        path: str | Path | None = None,
        *,
        seed: int | None = None,
        compat: Literal["seqgra"] | None = None,
        overwrite: bool = False,
    ) -> xr.Dataset:
        """Draw its data set.

        A row depends on the seed, its set and its number there alone.

        Parameters
        ----------
        path : str or Path, optional
            Write the data set there as a Zarr store, too, and open it from there.
        seed : int, optional
            By default that of the grammar.
        compat : {"seqgra"}, optional
            Draw number by number as seqgra does, which is slow.
        overwrite : bool
            Whether a store at ``path`` may be replaced.

        Returns
        -------
        xarray.Dataset
            ``seq`` S1 (_sequence, _length); ``split`` int8 (_sequence); ``seq_length`` int64
            (_sequence) where lengths differ; an int8 variable for each condition, 1 where a row
            has it; ``label`` int64, its number, -1 for none, where each row has one at most;
            ``value`` float64 instead of both, in regression; ``annotation`` uint8 (_sequence,
            _length), 1 where something was planted; ``element`` and ``rule`` uint8, or uint16
            beyond 255 of them, (_sequence, _length), what it is, numbered from 1; ``shuffled``
            bool where there are shuffled copies.

        Raises
        ------
        ConfigError
            If the grammar makes no sense.
        EugeneError
            If seqgra cannot draw it.
        """
        self.check()
        return generate(self, path, seed=seed, compat=compat, overwrite=overwrite)

    def resized(self, n: int, *, shares: tuple[float, float, float] = (0.7, 0.1, 0.2)) -> Grammar:
        """Return it with another number of rows, as seqgra makes data sets of several sizes.

        Within a set, rows of different conditions keep their proportions, each rounded down.

        Parameters
        ----------
        n : int
            Rows of all sets together.
        shares : tuple of float
            Shares of training, validation and test rows.

        Returns
        -------
        Grammar

        Raises
        ------
        EugeneError
            If rows of some conditions would be none.

        Examples
        --------
        >>> from eugene.simulate.grammar import from_definition
        >>> from_definition("g.xml").resized(10_000).sets["test"][0].samples  # doctest: +SKIP
        1000
        """
        sets: dict[str, tuple[Example, ...]] = {}
        for name, share in zip(SETS, shares, strict=True):
            examples = self.sets.get(name, ())
            total = sum(example.samples for example in examples)
            # as fractions, so that 0.7 of 10,000 is 7,000 and nothing is lost by rounding
            part = Fraction(str(share)) * n
            sets[name] = tuple(
                replace(e, samples=int(part * e.samples / total)) if total else e for e in examples
            )
            gone = [
                a for a, b in zip(examples, sets[name], strict=True) if a.samples > b.samples == 0
            ]
            if gone:
                which = "|".join(gone[0].conditions) or "no condition"
                raise EugeneError(
                    f"{n} rows leave none of {which} in the set {name!r} of {self.id}: expected "
                    f"{self._fewest(shares)} rows or more"
                )
        return replace(self, sets=sets)

    def _fewest(self, shares: tuple[float, float, float]) -> int:
        """Return the fewest rows of which every example has one."""
        needed = [
            math.ceil(sum(e.samples for e in self.sets[name]) / (Fraction(str(share)) * e.samples))
            for name, share in zip(SETS, shares, strict=True)
            for e in self.sets.get(name, ())
            if e.samples and share
        ]
        return max(needed, default=1)

    def write_text(
        self,
        folder: str | Path,
        *,
        seed: int | None = None,
        compat: Literal["seqgra"] | None = None,
    ) -> list[Path]:
        """Write the six files of seqgra's input folder, sequences and annotations of each set.

        Parameters
        ----------
        folder : str or Path
        seed, compat
            As `generate` has them.

        Returns
        -------
        list of Path
        """
        self.check()
        return write_text(self, folder, seed=seed, compat=compat)

    def to_yaml(self) -> str:
        """Return it as YAML."""
        return to_yaml(self)

    def to_xml(self) -> str:
        """Return it as seqgra's XML; not of regression."""
        return to_xml(self)

    @property
    def alphabet(self) -> str:
        """Letters that sequences may have."""
        return ALPHABETS[self.space]
