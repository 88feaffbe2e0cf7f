"""Errors and warnings raised by seqexplainer."""

from __future__ import annotations


class SeqexplainerError(ValueError):
    """Base class of the errors a caller can act on."""


class InputError(SeqexplainerError):
    """Sequences, references or extra arguments do not have the expected form."""


class TargetError(SeqexplainerError):
    """The target does not select one number per sequence from the model's output."""


class GraphError(SeqexplainerError):
    """The model does something that cannot be followed example by example."""


class CompletenessError(SeqexplainerError):
    """Attributions do not add up to the difference of outputs they explain."""


class CompletenessWarning(UserWarning):
    """Attributions do not add up to the difference of outputs they explain."""
