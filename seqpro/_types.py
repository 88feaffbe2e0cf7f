"""What the functions of seqpro take: aliases that every module may import."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

Scalar = TypeVar("Scalar", bound=np.generic)
Letters: TypeAlias = str | bytes | Sequence[object] | NDArray[np.generic]
"""Strings, bytes, (nested) lists of them, or arrays of dtype S, U or object."""
Sequences: TypeAlias = Letters | NDArray[np.uint8]
"""Letters, or a one-hot array of uint8."""
