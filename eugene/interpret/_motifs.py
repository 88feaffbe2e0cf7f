"""Motif sets by name or file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import seqpro as sp
from eugene.errors import EugeneError, MissingFileError, did_you_mean

if TYPE_CHECKING:
    from seqpro.motifs import Motif, MotifSet

EMBEDDED = "embedded"


class MotifSetError(EugeneError):
    """A curated set of motifs cannot be had without more ado."""


def read_motifs(source: str | Path) -> MotifSet:
    """Return the motifs of a file, of a curated set, or those that come with the package.

    Parameters
    ----------
    source : str or Path
        ``"embedded"``; a file in MEME, JASPAR, HOMER or TRANSFAC format; or the name of a curated
        set of motifs, as ``eugene datasets list motifs`` shows them, such as
        ``"jaspar_fungi"``: it is fetched the first time.

    Returns
    -------
    seqpro.motifs.MotifSet
        In the order of the file.

    Raises
    ------
    MissingFileError
        If there is no such file, and no curated set of that name.
    MotifSetError
        If the set is not in the cache and cannot be fetched without more ado.

    Examples
    --------
    >>> read_motifs("embedded")["MA0466.3"].name
    'CEBPB'
    """
    if str(source) == EMBEDDED:
        from eugene.simulate import embedded_motifs

        return embedded_motifs()
    path = Path(source)
    if not path.is_file() and path.name == str(source):
        curated = _curated(str(source))
        if curated is not None:
            return curated
    if not path.is_file():
        beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        hint = did_you_mean(path.name, beside, listed=0)
        hint = hint or did_you_mean(str(source), _names(), listed=0)
        raise MissingFileError(
            f"the motif file {path} does not exist{hint}; or write 'embedded', or the name of a "
            "set that 'eugene datasets list motifs' shows"
        )
    return sp.motifs.read(path)


def _names() -> list[str]:
    import seqdata as sd

    return [str(name) for name in sd.datasets.list("motifs")["name"]]


def _curated(name: str) -> MotifSet | None:
    """Return a curated set of motifs from the cache, fetched if it is not there; None if none."""
    import seqdata as sd

    try:
        entry = sd.datasets.info(name)
    except sd.SeqdataError:
        return None
    if entry["kind"] != "motifs":
        return None
    try:
        return sd.datasets.motifs(name)
    except sd.errors.UnverifiedError as error:
        raise MotifSetError(
            f"{error} From the shell: eugene datasets get {entry['name']} --unverified"
        ) from error


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
