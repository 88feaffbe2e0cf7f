"""Why reads of a BAM or CRAM file cannot be read: damage, or the reference of a CRAM."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import pysam

from seqdata.errors import TrackError

if TYPE_CHECKING:
    import pysam.utils

# contigs compared where it is not known on which one reading failed
_LOOKED_AT = 3


def unreadable(
    path: Path,
    handle: pysam.AlignmentFile,
    reference: Path | None,
    error: Exception,
    where: tuple[str, int, int] | None = None,
) -> TrackError:
    """Return the error for reads that could not be read.

    A CRAM holds in what its reads differ from a reference: where that is not found, or another
    one, reading ends as it does in a damaged file.

    Parameters
    ----------
    path : Path
        BAM or CRAM file.
    handle : pysam.AlignmentFile
        It, open.
    reference : Path or None
        FASTA file that was given.
    error : Exception
        What htslib said.
    where : (str, int, int), optional
        Contig and bounds (bp, 0-based half-open) of what was read.

    Returns
    -------
    TrackError
    """
    text = " ".join(str(error).split()).rstrip(".")
    place = " at {}:{}-{}".format(*where) if where else ""
    if handle.is_cram and reference is None:
        return TrackError(
            f"{path} cannot be read{place} ({text}): a CRAM needs the FASTA file that it was made "
            "with, which was not found. Pass reference=, the path of that file."
        )
    if handle.is_cram and reference is not None:
        names = [where[0]] if where else list(handle.references)[:_LOOKED_AT]
        for name in names:
            why = _difference(handle, reference, name)
            if why:
                return TrackError(
                    f"{path} cannot be read{place} ({text}): it was made with another reference "
                    f"than reference={reference}, {why}. Pass the FASTA file that it was made with."
                )
    return TrackError(
        f"{path} cannot be read{place} ({text}): it is damaged or was cut short. Fetch it again."
    )


def _difference(handle: pysam.AlignmentFile, reference: Path, name: str) -> str:
    """Return in what a contig of the reference is not that of the header, "" if in nothing."""
    fields = {str(line["SN"]): line for line in handle.header.to_dict().get("SQ", [])}
    try:
        with pysam.FastaFile(str(reference)) as fasta:
            if name not in fasta.references:
                return f"which has no contig {name!r}"
            letters = fasta.fetch(name).upper()
    except (OSError, ValueError) as error:
        return f"which cannot be read ({error})"
    length, wanted = int(fields[name]["LN"]), str(fields[name].get("M5", ""))
    if len(letters) != length:
        return f"in which {name!r} has {len(letters)} bp and not {length}"
    # the file format asks for this sum, of which nothing safe depends
    found = hashlib.md5(letters.encode(), usedforsecurity=False).hexdigest()
    return f"whose {name!r} has other letters" if wanted and found != wanted.lower() else ""
