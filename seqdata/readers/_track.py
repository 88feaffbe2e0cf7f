"""What a region reader makes: a variable of sequences or of signal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from seqdata._codes import STRANDS, code_attrs, encode
from seqdata.errors import LengthError

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

# dimensions, values and attributes, as xarray takes a variable
Variable = tuple[tuple[str, ...], "NDArray[np.generic]", dict[str, object]]


@dataclass(frozen=True)
class Track:
    """A variable that a region reader makes.

    Parameters
    ----------
    name : str
        Variable name.
    dtype : dtype
        Type of its values.
    kind : {"track", "sequence"}, default "track"
        How rows on the "-" strand are turned round.
    alphabet : str, default ""
        Letters of a sequence.
    sample_dim : str, optional
        Name of the sample dimension, by default ``{name}_sample``.
    samples : sequence of str
        Name of each sample; at least one of a track, none of the plain sequence of a genome.
    strands, pairs : sequence of str, optional
        For each sample its strand (``+ - .``) and the sample paired with it or "". By default all
        are unstranded.
    units : str, default ""
        Unit of the values.
    haplotype_dim : str, default ""
        Name of the dimension of haplotypes, behind that of samples.
    ploidy : int, default 0
        Size of that dimension; 0 where there is none.
    bin_size : int, default 1
        Bases (bp) of a place along the length; binned tracks have a dimension of their own.
    crop : int, default 0
        Bases (bp) between either end of a stored window and the first bin.
    flank : int, default 0
        Bins at either end that are there for jitter alone.
    facts : mapping, optional
        Further attributes of the variable.
    metadata : mapping of str to sequence, optional
        More of each sample, as coordinates ``{name}_{key}``.

    Examples
    --------
    >>> Track("cov", np.float32, samples=["a", "b"]).coordinates()["cov_sample"][1].tolist()
    ['a', 'b']
    """

    name: str
    dtype: DTypeLike
    kind: Literal["track", "sequence"] = "track"
    alphabet: str = ""
    sample_dim: str = ""
    samples: Sequence[str] = ()
    strands: Sequence[str] = ()
    pairs: Sequence[str] = ()
    units: str = ""
    haplotype_dim: str = ""
    ploidy: int = 0
    bin_size: int = 1
    crop: int = 0
    flank: int = 0
    facts: Mapping[str, object] = field(default_factory=dict)
    metadata: Mapping[str, Sequence[object]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        defaults: dict[str, object] = {
            "sample_dim": f"{self.name}_sample",
            "strands": (".",) * len(self.samples),
            "pairs": ("",) * len(self.samples),
        }
        for key, value in defaults.items():
            if not getattr(self, key):
                object.__setattr__(self, key, value)

    @property
    def middle(self) -> dict[str, int]:
        """Names and sizes of the dimensions between rows and positions."""
        out = {self.sample_dim: len(self.samples)} if self.samples else {}
        return {**out, self.haplotype_dim: self.ploidy} if self.ploidy else out

    @property
    def is_binned(self) -> bool:
        """Whether a place along the length is a bin, not a base."""
        return self.bin_size > 1 or self.crop > 0

    def along(self, length_dim: str) -> str:
        """Return the name of the dimension along the length, of bins where there are bins."""
        return f"_length_{self.name}" if self.is_binned else length_dim

    def width_of(self, width: int) -> int:
        """Return how many places a window of so many bp has along the length.

        Raises
        ------
        LengthError
            If bins do not fill it.

        Examples
        --------
        >>> Track("cov", np.float32, samples=["a"], bin_size=32, crop=64).width_of(256)
        4
        """
        inner = width - 2 * self.crop
        if inner < self.bin_size or inner % self.bin_size:
            less = inner - inner % self.bin_size if inner > 0 else 0
            around = [w + 2 * self.crop for w in (less, less + self.bin_size) if w]
            msg = (
                f"{self.name!r}: windows of {width} bp leave {max(inner, 0)} bp between the crops "
                f"of {self.crop} bp, which bins of {self.bin_size} bp do not fill. A smaller bin "
                f"is never made: use windows of {' or '.join(map(str, around))} bp, or another "
                "bin_size or crop."
            )
            raise LengthError(msg)
        return inner // self.bin_size

    @property
    def mates(self) -> NDArray[np.int64]:
        """Place of the paired sample of each sample, int64, shape (n_samples,)."""
        names = list(self.samples)
        return np.array(
            [names.index(m) if m else i for i, m in enumerate(self.pairs)], dtype=np.int64
        )

    @property
    def attrs(self) -> dict[str, Any]:
        """Attributes of the variable."""
        if self.kind == "sequence":
            return {"kind": "sequence", "alphabet": self.alphabet}
        attrs: dict[str, Any] = {"kind": self.kind, "sample_dim": self.sample_dim, **self.facts}
        attrs |= self.binning
        return {**attrs, "units": self.units} if self.units else attrs

    @property
    def binning(self) -> dict[str, int]:
        """Where the bins lie, as attributes; nothing where there are none."""
        if not self.is_binned:
            return {}
        return {"bin_size": self.bin_size, "crop": self.crop, "flank": self.flank}

    def coordinates(self) -> dict[str, Variable]:
        """Return the coordinates of the samples: names, and of tracks strands and pairs."""
        if not self.samples:
            return {}
        dims = (self.sample_dim,)
        out: dict[str, Variable] = {
            self.sample_dim: (dims, np.array(self.samples, dtype=object), {})
        }
        if self.kind != "sequence":
            strands = encode(self.strands, STRANDS)
            out[f"{self.name}_strand"] = (dims, strands, code_attrs(STRANDS))
            out[f"{self.name}_pair"] = (dims, np.array(self.pairs, dtype=object), {})
        for key, given in self.metadata.items():
            values = np.array(given)
            values = values if values.dtype.kind in "biuf" else values.astype(object)
            out[f"{self.name}_{key}"] = (dims, values, {})
        return out
