"""What the functions of seqpro take: aliases that every module may import."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Letters: TypeAlias = str | bytes | Sequence[Any] | NDArray[Any]
"""Strings, bytes, (nested) lists of them, or arrays of dtype S, U or object."""
Sequences: TypeAlias = Letters | NDArray[np.uint8]
"""Letters, or a one-hot array of uint8."""
