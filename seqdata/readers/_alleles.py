"""Alleles as they are written: what two of them share, and whether a genome holds one."""

from __future__ import annotations

from seqpro.alphabets import IUPAC


def shared_prefix(ref: bytes, alt: bytes) -> int:
    """Return how many letters both alleles begin with; none if they are the same.

    Parameters
    ----------
    ref, alt : bytes
        Letters of the alleles.

    Returns
    -------
    int

    Examples
    --------
    >>> shared_prefix(b"AC", b"ACTT"), shared_prefix(b"A", b"C"), shared_prefix(b"AC", b"AC")
    (2, 0, 0)
    """
    if ref == alt:
        return 0
    pairs = enumerate(zip(ref, alt, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(ref), len(alt)))


def holds(found: str, ref: str) -> bool:
    """Say whether a genome holds a reference allele.

    An ambiguity code (IUPAC) on either side stands for each of its letters, so R and A agree; but
    N in the genome is an unknown base, which holds no letter.

    Parameters
    ----------
    found, ref : str
        Letters of the genome and of the allele, upper case.

    Returns
    -------
    bool

    Examples
    --------
    >>> holds("AC", "AC"), holds("AC", "AN"), holds("AN", "AC"), holds("AR", "RG")
    (True, True, False, True)
    """
    if found == ref or len(found) != len(ref):
        return found == ref
    return all(
        a == b or (a != "N" and bool(set(IUPAC.get(a, "")) & set(IUPAC.get(b, ""))))
        for a, b in zip(found, ref, strict=True)
    )


def resolved(found: str, ref: str) -> str:
    """Return the letters of a genome, those of a reference allele that it holds where it has codes.

    Examples
    --------
    >>> resolved("ARN", "AGN"), resolved("AC", "RY")
    ('AGN', 'AC')
    """
    pairs = zip(found, ref, strict=True)
    return "".join(a if a in "ACGT" or b not in "ACGT" else b for a, b in pairs)


def is_symbolic(allele: str) -> bool:
    """Say whether an alternate allele has no letters of its own.

    That is none (``.``), one that an upstream deletion covers (``*``), a symbol (``<DEL>``,
    ``<NON_REF>``), or a breakend (``G]17:198982]``, ``.A``).

    Examples
    --------
    >>> [is_symbolic(text) for text in (".", "*", "<*>", "]c:9]A", "A.", "A", "")]
    [True, True, True, True, True, False, False]
    """
    text = allele.strip()
    return (
        text == "*"
        or (text.startswith("<") and text.endswith(">"))
        or bool(set("[]") & set(text))
        or text.startswith(".")
        or text.endswith(".")
    )
