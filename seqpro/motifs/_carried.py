"""What each motif format can carry, said once; writers tell what they leave out."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from seqpro.alphabets import NucleotideAlphabet
from seqpro.errors import SeqproError
from seqpro.motifs._motif import Motif

CARRIED: dict[str, frozenset[str]] = {
    "meme": frozenset({"accession", "n_sites", "background", "strands", "url", "protein"}),
    "jaspar": frozenset({"accession", "n_sites", "counts"}),
    "homer": frozenset({"accession", "n_sites"}),
    "transfac": frozenset({"accession", "n_sites", "counts", "family"}),
}
"""Beside name and matrix: ``counts`` as such (else probabilities and the number of sites, so
that a sum of its own for each position is lost), ``protein`` motifs, and the fields of a `Motif`.
MEME has one background and one choice of strands a file. The path a motif was read from,
`Motif.source`, is in none. Blanks in an accession become underscores, and those in a name one."""


class MotifLossWarning(UserWarning):
    """A motif file cannot hold all that is known of its motifs."""


def tell_losses(
    form: str, motifs: Sequence[Motif], *, background_given: bool = False, stacklevel: int = 3
) -> None:
    """Warn of what a format leaves out, and refuse an alphabet that it does not know.

    Parameters
    ----------
    form : str
        A key of `CARRIED`.
    motifs : sequence of Motif
    background_given : bool
        Whether the caller gives one for the file.
    stacklevel : int
        As in `warnings.warn`.

    Raises
    ------
    SeqproError
        If motifs are over another alphabet than the format knows.
    """
    carried = CARRIED[form]
    for motif in motifs:
        if "protein" not in carried and not isinstance(motif.alphabet, NucleotideAlphabet):
            raise SeqproError(
                f"{form} files hold motifs of nucleotides, {motif.name!r} is over "
                f"{motif.alphabet.alphabet!r}: write MEME"
            )
    # both strands and a uniform background are assumed anyway; family and URL are remarks
    nothing = {None, "+-"}
    lost = [
        name
        for name in ("accession", "n_sites", "strands")
        if name not in carried and any(getattr(motif, name) not in nothing for motif in motifs)
    ]
    if not background_given and _backgrounds_lost(motifs, one="background" in carried):
        lost.append("background")
    if len(titles := [m.name for m in motifs if " ".join(m.name.split()) != m.name]):
        lost.append(f"blanks in the name {titles[0]!r}")
    if lost:
        warnings.warn(
            f"a {form} file does not hold {', '.join(lost)}: what is read back lacks that",
            MotifLossWarning,
            stacklevel=stacklevel,
        )


def _backgrounds_lost(motifs: Sequence[Motif], *, one: bool) -> bool:
    """Tell whether backgrounds get lost: all of them, or all but that of the first motif."""
    given = [
        np.full(len(m.alphabet), 1 / len(m.alphabet)) if m.background is None else m.background
        for m in motifs
    ]
    kept = given[0] if one and given else None
    return any(
        not np.allclose(b, 1 / len(b) if kept is None else kept, rtol=0, atol=1e-5) for b in given
    )
