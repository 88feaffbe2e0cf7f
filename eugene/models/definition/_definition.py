"""The definition of a model: a network, how it is trained, and what it predicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from eugene.config import dump_yaml
from eugene.models.definition._sections import remarks_on, sections_of
from eugene.models.definition._tree import Architecture, LabelPattern, Settings, plain
from eugene.models.definition._xml import to_xml

if TYPE_CHECKING:
    from eugene.config._reader import Plain
    from eugene.models.definition._sections import Sections


@dataclass(frozen=True)
class ModelDefinition:
    """A model definition of seqgra: a network, how it is trained, and what it predicts.

    Attributes
    ----------
    id : str
        Letters, digits, ``_`` and ``-``.
    labels : tuple of str or LabelPattern
        What it predicts, in the order of the outputs.
    architecture : Architecture
    library : {"PyTorch", "TensorFlow", "BayesOptimalClassifier"}
        What seqgra trains it with.
    loss, optimizer, training : tuple of (str, Value)
        Hyper-parameters by seqgra's names.
    task : {"multi-class", "multi-label", "regression"}
        Regression is ours alone.
    space : {"DNA", "RNA", "protein"}
    encoding : {"1D", "2D"}
        Whether sequences are (positions, letters), or images one position high.
    seed : int
        Of the starting weights and the training.
    name, description, implementation : str
        For people.
    source : str
        File that it was read from.
    places : mapping of str to str
        File and line of each value, for messages.

    References
    ----------
    Krismer et al. 2022, https://doi.org/10.1093/bioinformatics/btac101

    Examples
    --------
    >>> from eugene.models.definition import Architecture, External
    >>> shipped = External("pytorch-module", "PyTorch/o2-dna1000-basset.py", "TorchModel")
    >>> definition = ModelDefinition("basset", ("c1", "c2"), Architecture(external=shipped))
    >>> definition.sections()["model"]["name"], definition.sections()["module"]["task"]
    ('basset', 'multiclass_classification')
    """

    id: str
    labels: tuple[str, ...] | LabelPattern
    architecture: Architecture
    library: str = "PyTorch"
    loss: Settings = ()
    optimizer: Settings = ()
    training: Settings = ()
    task: Literal["multi-class", "multi-label", "regression"] = "multi-class"
    space: str = "DNA"
    encoding: Literal["1D", "2D"] = "1D"
    seed: int = 0
    name: str = ""
    description: str = ""
    implementation: str = ""
    source: str = field(default="", compare=False, repr=False)
    places: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    @property
    def label_names(self) -> tuple[str, ...]:
        """The labels one by one."""
        return self.labels.names if isinstance(self.labels, LabelPattern) else self.labels

    def sections(self, *, data_definition: str | Path | None = None) -> Sections:
        """Return the sections of a run that trains this model.

        Parameters
        ----------
        data_definition : str or Path, optional
            For the Bayes-optimal classifier, the definition of the data instead of the one that
            is named.

        Returns
        -------
        dict
            ``model``, ``module``, ``trainer``, ``data`` (batch size and targets) and ``seed``, as
            they stand in a YAML file; `remarks` tells what differs from seqgra.

        Raises
        ------
        ConfigError
            With everything that cannot be had here, its line, and what can.
        """
        return sections_of(self, data_definition)

    def remarks(self) -> list[str]:
        """Return what is otherwise here than in seqgra, or not read, in sentences."""
        return remarks_on(self)

    def to_yaml(self) -> str:
        """Return it as YAML, from which it is read without loss."""
        return dump_yaml(_tree(self))

    def to_xml(self) -> str:
        """Return it as seqgra's XML, from which it is read without loss; not of regression."""
        return to_xml(self)


def _tree(definition: ModelDefinition) -> Plain:
    """Return the plain tree of a definition; what is empty is left out."""
    labels = definition.labels
    tree: Plain = {
        key: getattr(definition, key)
        for key in ("id", "name", "description", "task", "space", "library", "implementation",
                    "encoding", "seed")
    }  # fmt: skip
    if isinstance(labels, LabelPattern):
        tree["labels"] = {
            key: getattr(labels, key) for key in ("prefix", "postfix", "first", "last")
        }
    else:
        tree["labels"] = list(labels)
    found = definition.architecture
    network: Plain = {}
    if found.operations:
        network["operations"] = [
            {"name": one.name, **_settings(one.arguments)} for one in found.operations
        ]
    if found.external is not None:
        external = {key: getattr(found.external, key) for key in ("format", "path", "classname")}
        network["external"] = {key: value for key, value in external.items() if value}
    if found.hyperparameters:
        network["hyperparameters"] = _settings(found.hyperparameters)
    tree["architecture"] = network
    for key in ("loss", "optimizer", "training"):
        if getattr(definition, key):
            tree[key] = _settings(getattr(definition, key))
    return {key: value for key, value in tree.items() if value != ""}


def _settings(settings: Settings) -> Plain:
    return {key: plain(value) for key, value in settings}
