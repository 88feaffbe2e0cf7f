"""Definitions of models: seqgra's, in XML, YAML and Python, turned into sections of a run."""

from __future__ import annotations

from eugene.models.definition._definition import ModelDefinition as ModelDefinition
from eugene.models.definition._files import from_definition as from_definition
from eugene.models.definition._tree import Architecture as Architecture
from eugene.models.definition._tree import External as External
from eugene.models.definition._tree import LabelPattern as LabelPattern
from eugene.models.definition._tree import Operation as Operation
