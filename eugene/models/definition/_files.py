"""Definitions of models from files."""

from __future__ import annotations

from pathlib import Path

from eugene.config._definition import read_definition
from eugene.models.definition._definition import ModelDefinition
from eugene.models.definition._read import definition_of
from eugene.models.definition._xml import document_of


def from_definition(path: str | Path) -> ModelDefinition:
    """Read a model definition of seqgra, XML or YAML, also compressed by gzip.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    ModelDefinition
        Its ``sections()`` are those of a run.

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
    return definition_of(read_definition(path, document_of, "model definition"))
