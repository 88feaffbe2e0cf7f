"""Whether windows and files name the same contigs, and what to do where they do not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from seqdata._told import tell
from seqdata.errors import ContigError, LengthError, SchemaError, contig_alias, contig_hint

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from seqdata.readers._base import Windows

# what files of signal do about regions on contigs that they leave out
Missing = Literal["warn", "zero", "error"]
# bp that a window may lie off its contig, whatever the contig's length
_OFF_CONTIG = 1_000_000


def locate(
    windows: Windows,
    contigs: dict[str, int],
    where: str,
    *,
    regions: str = "regions",
    missing: Missing | None = None,
) -> NDArray[np.int64]:
    """Return the contig length for each window, or explain which contig is not there.

    Parameters
    ----------
    windows : Windows
    contigs : dict of str to int
        Contigs of the file with their lengths in bp.
    where : str
        The file, for the message.
    regions : str, default "regions"
        Where the windows come from, for the message.
    missing : {"warn", "zero", "error"}, optional
        What a file of signal does about contigs that it leaves out: with "zero" they have length
        0, with "warn" those that the genome is known to have.

    Returns
    -------
    ndarray of int64, shape (n,)

    Raises
    ------
    ContigError
        If a window lies on a contig that the file does not have.
    """
    lengths = np.full(len(windows.names), -1, dtype=np.int64)
    # genomes have thousands of contigs, a batch of windows few
    for i in windows.used():
        name = windows.names[i]
        zero = missing == "zero" or (missing == "warn" and name in windows.known)
        lengths[i] = contigs.get(name, 0 if zero else -1)
    out = lengths[windows.contig]
    if (out < 0).any():
        row = int(np.argmax(out < 0))
        name = windows.names[int(windows.contig[row])]
        count = int((out < 0).sum())
        source = "regions" if regions == "regions" else f"regions of {regions}"
        hint = contig_hint(name, contigs) if missing is None else _signal_hint(name, contigs)
        raise ContigError(
            f"{where} has no contig {name!r}, which {count} of {len(out)} {source} name "
            f"(first: {name}:{windows.start[row]}-{windows.end[row]}).{hint}"
        )
    if len(out):
        _check_reach(windows, out, where)
    return out


def check_missing(
    windows: Windows, contigs: dict[str, int], where: str, *, regions: str = "regions"
) -> None:
    """Warn of regions on contigs that a file of signal leaves out, or refuse them.

    Programs that write signal leave out contigs without any. A contig that the genome has is
    taken for one of these, unless the file has it under another name, or no region at all lies on
    a contig of the file.

    Parameters
    ----------
    windows : Windows
    contigs : dict of str to int
        Contigs of the file with their lengths in bp.
    where : str
        The file, for the message.
    regions : str, default "regions"
        Where the windows come from, for the message.

    Raises
    ------
    ContigError
        If a contig is not taken for one without signal.
    """
    used = [windows.names[i] for i in windows.used()]
    lacking = [name for name in used if name not in contigs]
    if not lacking:
        return
    renamed = any(contig_alias(name, contigs) is not None for name in lacking)
    if renamed or len(lacking) == len(used) or not windows.known.issuperset(lacking):
        locate(windows, contigs, where, regions=regions, missing="error")
    count = int(np.isin(windows.contig, [windows.names.index(name) for name in lacking]).sum())
    shown = ", ".join(lacking[:5]) + (f", ... ({len(lacking)} in all)" if lacking[5:] else "")
    source = "regions" if regions == "regions" else f"regions of {regions}"
    tell(
        f"{where} leaves out contigs that the genome has, {shown}: {count} of {len(windows)} "
        f"{source} lie there, and their signal is taken for 0. Pass missing='zero' if it is, or "
        "missing='error' to refuse them."
    )


def check_missing_choice(missing: str) -> None:
    """Refuse a choice for contigs that are left out that is none.

    Parameters
    ----------
    missing : str

    Raises
    ------
    SchemaError
    """
    if missing not in get_args(Missing):
        raise SchemaError(f"missing must be 'warn', 'zero' or 'error', got {missing!r}.")


def _check_reach(windows: Windows, size: NDArray[np.int64], where: str) -> None:
    """Refuse a window that ends, or begins, much farther off its contig than the contig is long."""
    # at the ends of contigs windows are padded; a bound of billions stands for "to the end"
    allowed = np.maximum(size, _OFF_CONTIG)
    off = (size > 0) & ((windows.end - size > allowed) | (-windows.start > allowed))
    if off.any():
        row = int(np.argmax(off))
        begin, end = int(windows.start[row]), int(windows.end[row])
        name = windows.names[int(windows.contig[row])]
        raise LengthError(
            f"Region {row}, {name}:{begin}-{end}, leads far off its contig, which has "
            f"{int(size[row]):,} bp in {where}. If the bound stands for 'to the end', write the "
            "length of the contig; if not, check for which genome the regions were made."
        )


def _signal_hint(name: str, contigs: dict[str, int]) -> str:
    if contig_alias(name, contigs) is not None:
        return contig_hint(name, contigs)
    shown = ", ".join(map(repr, list(contigs)[:5])) + (", ..." if len(contigs) > 5 else "")
    return (
        f" It has {shown}. Files of signal may leave out contigs without any: pass missing='zero' "
        "to take them for 0."
    )
