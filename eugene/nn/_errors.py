"""Errors raised while a network is described or fed."""

from __future__ import annotations

from eugene.errors import EugeneError


class ModelError(EugeneError, ValueError):
    """A network was described with arguments that do not fit together."""


class UnknownArgumentError(ModelError, TypeError):
    """A network was given an argument that it does not have."""


class TooShortError(ModelError):
    """A layer does not fit on the positions that the layers before it leave."""


class InputShapeError(EugeneError, ValueError):
    """A network was fed an array whose shape it cannot take."""
