"""Errors and warnings raised by seqexplainer."""

from __future__ import annotations

from seqpro.errors import ToolkitError
from seqpro.errors import did_you_mean as did_you_mean


class SeqexplainerError(ToolkitError, ValueError):
    """Base class of the errors a caller can act on."""


class InputError(SeqexplainerError):
    """Sequences, references or extra arguments do not have the expected form."""


class TargetError(SeqexplainerError):
    """The target does not select one number per sequence from the model's output."""


class GraphError(SeqexplainerError):
    """The model does something that cannot be followed example by example."""


class CompletenessError(SeqexplainerError):
    """Attributions do not add up to the difference of outputs they explain."""


class SeqexplainerWarning(UserWarning):
    """Base class of the warnings of this package."""


class ReferenceWarning(SeqexplainerWarning):
    """References say nothing of a sequence, because they equal it."""


class TargetWarning(SeqexplainerWarning):
    """A network has several outputs, and nobody said which one is meant."""


class AlphabetWarning(SeqexplainerWarning):
    """Letters of one alphabet are read as those of another."""


class CompletenessWarning(SeqexplainerWarning):
    """Attributions do not add up to the difference of outputs they explain."""
