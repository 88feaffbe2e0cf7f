"""Alleles as they are written: what two of them share, and whether a genome holds one."""

from __future__ import annotations


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
    """Say whether a genome holds a reference allele; N in the allele stands for any letter.

    Parameters
    ----------
    found, ref : str
        Letters of the genome and of the allele, upper case.

    Returns
    -------
    bool

    Examples
    --------
    >>> holds("AC", "AC"), holds("AC", "AN"), holds("AN", "AC")
    (True, True, False)
    """
    if found == ref or "N" not in ref or len(found) != len(ref):
        return found == ref
    return all(b in ("N", a) for a, b in zip(found, ref, strict=True))
