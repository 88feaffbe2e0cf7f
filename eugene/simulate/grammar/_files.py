"""Grammars from files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from eugene.config._definition import read_definition
from eugene.config.marks import Least
from eugene.simulate.grammar._grammar import Grammar
from eugene.simulate.grammar._read import grammar_of
from eugene.simulate.grammar._xml import document_of

if TYPE_CHECKING:
    import xarray as xr


def from_definition(path: str | Path) -> Grammar:
    """Read a data definition of seqgra, XML or YAML, also compressed by gzip.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    Grammar

    Raises
    ------
    MissingFileError
        If there is no such file.
    ConfigError
        With every mistake, its line, and how to mend it.

    References
    ----------
    Krismer et al. 2022, https://doi.org/10.1093/bioinformatics/btac101
    """
    return grammar_of(read_definition(path, document_of, "data definition"))


def grammar_rows(
    definition: str | Path,
    *,
    data_seed: int | None = None,
    n: Annotated[int | None, Least(1)] = None,
    compat: Literal["seqgra"] | None = None,
    out: str | Path | None = None,
    overwrite: bool = False,
) -> xr.Dataset:
    """Draw the data set of a definition: the data source ``grammar`` of a run.

    Parameters
    ----------
    definition : str or Path
        File of `from_definition`.
    data_seed : int, optional
        Seed of the rows; by default that of the definition.
    n : int, optional
        Rows of all sets together, by `Grammar.resized`; by default as many as it says.
    compat : {"seqgra"}, optional
        Draw number by number as seqgra does, which is slow.
    out : str or Path, optional
        Write the data set there as a Zarr store, too, and open it from there.
    overwrite : bool
        Whether a store at ``out`` may be replaced.

    Returns
    -------
    xarray.Dataset
        As `Grammar.generate` returns it.
    """
    grammar = from_definition(definition)
    if n is not None:
        grammar = grammar.resized(n)
    return grammar.generate(out, seed=data_seed, compat=compat, overwrite=overwrite)
