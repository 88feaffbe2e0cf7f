"""Motif sets by name or file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import seqpro as sp
from eugene.errors import EugeneError, MissingFileError, did_you_mean

if TYPE_CHECKING:
    from seqpro.motifs import Motif, MotifSet

EMBEDDED = "embedded"


def read_motifs(source: str | Path) -> MotifSet:
    """Return the motifs of a file, or those that come with the package.

    Parameters
    ----------
    source : str or Path
        ``"embedded"`` or a file in MEME, JASPAR, HOMER or TRANSFAC format.

    Returns
    -------
    seqpro.motifs.MotifSet
        In the order of the file.

    Raises
    ------
    MissingFileError
        If there is no such file.

    Examples
    --------
    >>> read_motifs("embedded")["MA0466.3"].name
    'CEBPB'
    """
    if str(source) == EMBEDDED:
        from eugene.simulate import embedded_motifs

        return embedded_motifs()
    path = Path(source)
    if not path.is_file():
        beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        hint = did_you_mean(path.name, beside, listed=0)
        raise MissingFileError(f"the motif file {path} does not exist{hint}; or write 'embedded'")
    return sp.motifs.read(path)


def find(name: str, motifs: MotifSet, alphabet: str = "ACGT") -> Motif | str:
    """Return a motif by accession or name, or the text itself if it is a plain sequence.

    Parameters
    ----------
    name : str
        Accession, name, or letters.
    motifs : seqpro.motifs.MotifSet
        Where to look.
    alphabet : str, optional
        Letters of the sequences.

    Returns
    -------
    seqpro.motifs.Motif or str
        What can be put into sequences.

    Raises
    ------
    EugeneError
        If it is neither.

    Examples
    --------
    >>> find("gattaca", read_motifs("embedded"))
    'GATTACA'
    """
    wanted = name.lower()
    for motif in motifs:
        if wanted in {motif.name.lower(), str(motif.accession).lower()}:
            return motif
    known_letters = sp.alphabet_of(alphabet)
    letters = known_letters.alphabet + known_letters.ambiguous
    if name and set(name.upper()) <= set(letters):
        return name.upper()
    known = [m.name for m in motifs] + [str(m.accession) for m in motifs]
    raise EugeneError(
        f"{name!r} is no motif of the set of {len(motifs)}, nor a sequence"
        f"{did_you_mean(name, known)}"
    )
