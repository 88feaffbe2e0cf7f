"""Compiled functions of seqpro that other packages call inside their own compiled code.

Loading it also lets numba do without a cache where none can be written, for all packages.
"""

from __future__ import annotations

from seqpro._kernels import letter_planes as letter_planes
