"""Motifs of transcription factors, as counts in the package."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np

from eugene.errors import EugeneError, did_you_mean

if TYPE_CHECKING:
    from seqpro.motifs import Motif, MotifSet

CITATION = "doi:10.1093/nar/gkab1113"
"""The article of JASPAR 2022, where the counts come from."""


def _stored(release: int) -> dict[str, Any]:
    """Return what the package keeps of a release of JASPAR."""
    name = f"_jaspar{release}.json"
    text = resources.files("eugene.simulate").joinpath(name).read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def _motifs(release: int, citation: str) -> MotifSet:
    """Return the motifs that the package keeps of a release of JASPAR."""
    from seqpro.motifs import Motif, MotifSet

    return MotifSet(
        [
            Motif(
                name=record["name"],
                matrix=np.array([record["counts"][base] for base in "ACGT"], np.float64),
                kind="pfm",
                accession=record["accession"],
                n_sites=record.get("n_sites"),
                family=record.get("family"),
                source=f"JASPAR {release} CORE vertebrates, {citation}",
                url=f"https://jaspar{release}.genereg.net/matrix/{record['accession']}",
            )
            for record in _stored(release)["motifs"]
        ]
    )


@cache
def embedded_motifs() -> MotifSet:
    """Return the motifs that come with the package: one for each of about thirty families.

    They are count matrices of the JASPAR 2022 CORE collection of vertebrates (licence
    CC BY 4.0), each with its accession and version, name, structural family and number of
    sites; every column of a matrix adds up to that number.

    Returns
    -------
    seqpro.motifs.MotifSet
        Motifs with ``matrix`` of counts, float64, shape (4, width), rows A, C, G, T.

    Examples
    --------
    >>> motifs = embedded_motifs()
    >>> motifs["MA0466.3"].name, motifs["MA0062.3"].name
    ('CEBPB', 'GABPA')
    >>> motifs["MA0466.3"].matrix.sum(0)[0]
    np.float64(16035.0)

    References
    ----------
    Castro-Mondragon et al. 2022, https://doi.org/10.1093/nar/gkab1113
    """
    return _motifs(2022, CITATION)


@cache
def code_motifs() -> MotifSet:
    """Return the motifs of the synthetic regulatory code: five that matter, fifty that do not.

    SP1, Gabpa, CEBPB, MAX and YY1 come first, in this order; behind them stand the fifty that
    the published generator drew as its background, in its order. They are count matrices of the
    JASPAR 2016 CORE collection of vertebrates (licence CC BY 4.0).

    Returns
    -------
    seqpro.motifs.MotifSet
        Motifs with ``matrix`` of counts, float64, shape (4, width), rows A, C, G, T.

    Examples
    --------
    >>> code_motifs().names[:5], len(code_motifs())
    (['SP1', 'Gabpa', 'CEBPB', 'MAX', 'YY1'], 55)

    References
    ----------
    Mathelier et al. 2016, https://doi.org/10.1093/nar/gkv1176
    """
    return _motifs(2016, "doi:10.1093/nar/gkv1176")


def code_release_size() -> int:
    """Return how many motifs the collection has from which `code_motifs` were drawn.

    Examples
    --------
    >>> code_release_size()
    519
    """
    return int(_stored(2016)["motifs_in_release"])


def find_motif(motif: str) -> Motif:
    """Return an embedded motif by accession or name.

    Parameters
    ----------
    motif : str
        Accession with version (``MA0466.3``) or name (``CEBPB``, upper or lower case).

    Returns
    -------
    seqpro.motifs.Motif
        Its count matrix.

    Raises
    ------
    EugeneError
        If there is none.

    Examples
    --------
    >>> find_motif("gabpa").accession
    'MA0062.3'
    """
    motifs = embedded_motifs()
    known: dict[str, Motif] = {}
    for entry in motifs:
        known[str(entry.accession)] = known[entry.name] = entry
    by_lower = {key.lower(): entry for key, entry in known.items()}
    if str(motif).lower() not in by_lower:
        msg = f"no motif {motif!r} in the embedded set of {len(motifs)}{did_you_mean(motif, known)}"
        raise EugeneError(msg)
    return by_lower[str(motif).lower()]
