"""TF-MoDISco as SeqExplainer called it, and the HDF5 files of modisco-lite."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from seqexplainer.errors import InputError, SeqexplainerError
from seqexplainer.modisco import Pattern
from seqexplainer.modisco import modisco as _modisco

Values = NDArray[np.floating]
_SIGNS = {"pos": "pos_patterns", "neg": "neg_patterns"}
_ARRAYS = ("sequence", "contrib_scores", "hypothetical_contribs")
_FLANK = 4
_FEWEST = 20


class OldSeqlet(NamedTuple):
    """A stretch of a sequence as modisco-lite has it; arrays are (width, 4)."""

    example_idx: int
    start: int
    end: int
    is_revcomp: bool
    sequence: Values
    contrib_scores: Values
    hypothetical_contribs: Values


class OldPattern(NamedTuple):
    """A motif as modisco-lite has it; arrays are (width, 4)."""

    sequence: Values
    contrib_scores: Values
    hypothetical_contribs: Values
    seqlets: list[OldSeqlet]


def modisco(
    one_hot: Values,
    hypothetical_contribs: Values,
    output_dir: str | Path = "./",
    output_name: str = "modisco.h5",
    max_seqlets_per_metacluster: int = 1000,
    min_metacluster_size: int = 50,
    sliding_window_size: int = 15,
    flank_size: int = 5,
    target_seqlet_fdr: float = 0.1,
    **kwargs: Any,
) -> tuple[list[OldPattern], list[OldPattern]]:
    """Find motifs by `seqexplainer.modisco`, and write them as modisco-lite does.

    Its files hold parts of patterns (subpatterns) as well, which are not written.

    Parameters
    ----------
    one_hot, hypothetical_contribs : ndarray, shape (n, 4, length) or (n, length, 4)
        Sequences, and their hypothetical attributions.
    output_dir, output_name
        Folder, made if it is not there, and name of the HDF5 file.
    max_seqlets_per_metacluster, min_metacluster_size, sliding_window_size, flank_size
        As of ``modiscolite.tfmodisco.TFMoDISco``.
    target_seqlet_fdr : float
        False discovery rate of seqlets.
    **kwargs
        Further arguments of it.

    Returns
    -------
    pos_patterns, neg_patterns : list of OldPattern
        Motifs that raise the output, and those that lower it.

    Raises
    ------
    MissingModiscoError, InputError, SeqexplainerError
        As of `seqexplainer.modisco`.
    """
    h5py = _h5py()
    letters, scores = (_letters_first(a) for a in (one_hot, hypothetical_contribs))
    found = _modisco(
        letters,
        scores,
        window=None,
        max_seqlets=max_seqlets_per_metacluster,
        min_seqlets=kwargs.pop("final_min_cluster_size", _FEWEST),
        target_fdr=target_seqlet_fdr,
        min_metacluster_size=min_metacluster_size,
        sliding_window_size=sliding_window_size,
        flank_size=flank_size,
        **kwargs,
    )
    groups: dict[str, list[OldPattern]] = {"pos": [], "neg": []}
    for pattern in found:
        groups[pattern.name.split("_")[0]].append(_as_old(pattern, letters, scores))
    folder = Path(output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    with h5py.File(folder / output_name, "w") as file:
        file.attrs["window_size"] = found.window[1] - found.window[0]
        for sign, patterns in groups.items():
            if patterns:
                _write(file.create_group(_SIGNS[sign]), patterns)
    return groups["pos"], groups["neg"]


def _letters_first(values: Values) -> Values:
    array = np.asarray(values)
    if array.ndim != 3 or 4 not in array.shape[1:]:
        raise InputError(f"(n, 4, length) or (n, length, 4) was expected, got {array.shape}")
    return array if array.shape[1] == 4 else array.swapaxes(1, 2)


def _as_old(pattern: Pattern, letters: Values, scores: Values) -> OldPattern:
    seqlets = []
    places = zip(pattern.sequence, pattern.start, pattern.reverse, strict=True)
    for row, start, turned in places:
        end = int(start) + pattern.width
        step = -1 if turned else 1
        one, hypothetical = (a[row, :, start:end].T[::step, ::step] for a in (letters, scores))
        parts = one, one * hypothetical, hypothetical
        seqlets.append(OldSeqlet(int(row), int(start), end, bool(turned), *parts))
    return OldPattern(
        pattern.ppm.T, pattern.contributions.T, pattern.hypothetical.T, seqlets
    )  # fmt: skip


def _write(group: Any, patterns: Sequence[OldPattern]) -> None:
    for i, pattern in enumerate(patterns):
        inner = group.create_group(f"pattern_{i}")
        for name in _ARRAYS:
            inner.create_dataset(name, data=getattr(pattern, name))
        held = inner.create_group("seqlets")
        held.create_dataset("n_seqlets", data=np.array([len(pattern.seqlets)]))
        for name in OldSeqlet._fields:
            held.create_dataset(name, data=np.array([getattr(s, name) for s in pattern.seqlets]))


def modisco_load_h5(
    modisco_h5_file: str | Path, trim_threshold: float = 0.3
) -> dict[str, dict[str, dict[str, Values]]]:
    """Read the motifs of an HDF5 file of modisco-lite.

    Parameters
    ----------
    modisco_h5_file : path
        The file.
    trim_threshold : float
        Share of the largest column's contributions that a column must have not to be cut off.

    Returns
    -------
    dict
        ``["pos_patterns"]["pattern_0"]``: arrays (width, 4) ``ppm``, ``cwm_fwd``, ``cwm_rev``,
        ``trimmed_cwm_fwd``, ``trimmed_cwm_rev``, and ``seqlet_set`` (n, width, 4).

    Raises
    ------
    InputError
        If the file holds no motifs of modisco-lite.
    """
    found: dict[str, dict[str, dict[str, Values]]] = {}
    try:
        with _h5py().File(modisco_h5_file, "r") as file:
            for sign in _SIGNS.values():
                if sign not in file:
                    continue
                names = sorted(file[sign], key=lambda name: int(name.split("_")[-1]))
                found[sign] = {
                    name: _described(
                        file[sign][name]["sequence"][:],
                        file[sign][name]["contrib_scores"][:],
                        file[sign][name]["seqlets"]["sequence"][:],
                        trim_threshold,
                    )
                    for name in names
                }
    except (OSError, KeyError, ValueError) as error:
        raise InputError(
            f"{modisco_h5_file} is no HDF5 file as modisco-lite writes them: {error}"
        ) from error
    return found


def modisco_extract(
    pos_patterns: Sequence[OldPattern] | None,
    neg_patterns: Sequence[OldPattern] | None,
    trim_threshold: float = 0.3,
) -> dict[str, dict[str, dict[str, Values]]]:
    """Return what `modisco_load_h5` does, of motifs in memory.

    Parameters
    ----------
    pos_patterns, neg_patterns : sequence of OldPattern
        As `modisco` returns them.
    trim_threshold : float
        As of `modisco_load_h5`.

    Returns
    -------
    dict

    Examples
    --------
    >>> eye = np.eye(4)
    >>> one = OldPattern(eye, eye, eye, [OldSeqlet(0, 3, 7, False, eye, eye, eye)])
    >>> modisco_extract([one], None)["pos_patterns"]["pattern_0"]["seqlet_set"].shape
    (1, 4, 4)
    """
    return {
        sign: {
            f"pattern_{i}": _described(
                pattern.sequence,
                pattern.contrib_scores,
                np.array([seqlet.sequence for seqlet in pattern.seqlets]),
                trim_threshold,
            )
            for i, pattern in enumerate(patterns or ())
        }
        for sign, patterns in zip(_SIGNS.values(), (pos_patterns, neg_patterns), strict=True)
    }


def _described(ppm: Values, cwm: Values, seqlets: Values, threshold: float) -> dict[str, Values]:
    turned = cwm[::-1, ::-1]
    return {
        "ppm": ppm,
        "seqlet_set": seqlets,
        "cwm_fwd": cwm,
        "cwm_rev": turned,
        "trimmed_cwm_fwd": _trimmed(cwm, threshold),
        "trimmed_cwm_rev": _trimmed(turned, threshold),
    }


def _trimmed(cwm: Values, threshold: float) -> Values:
    weight = np.abs(cwm).sum(axis=1)
    inside = np.flatnonzero(weight >= weight.max() * threshold)
    return cwm[max(int(inside[0]) - _FLANK, 0) : int(inside[-1]) + _FLANK + 1]


def modisco_logos(
    modisco_h5_file: str | Path, output_dir: str | Path = "./", trim_threshold: float = 0.3
) -> list[str]:
    """Draw the contributions of the motifs of a file, forward and turned round.

    Parameters
    ----------
    modisco_h5_file : path
        An HDF5 file of modisco-lite.
    output_dir : path
        Folder of ``{pos_patterns}.{pattern_0}.cwm.fwd.png`` and ``.rev.png``.
    trim_threshold : float
        As of `modisco_load_h5`.

    Returns
    -------
    list of str
        Names of the motifs.
    """
    from matplotlib.figure import Figure

    from seqexplainer.plot import logo

    folder = Path(output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    names = []
    found: Mapping[str, Mapping[str, Mapping[str, Values]]]
    found = modisco_load_h5(modisco_h5_file, trim_threshold)
    for sign, patterns in found.items():
        for name, pattern in patterns.items():
            names.append(f"{sign}.{name}")
            for way in ("fwd", "rev"):
                matrix = pattern[f"trimmed_cwm_{way}"].T
                figure = Figure(figsize=(max(2.0, 0.3 * matrix.shape[1]), 1.5))
                logo(matrix, ax=figure.subplots(), kind="values")
                figure.savefig(folder / f"{names[-1]}.cwm.{way}.png", bbox_inches="tight")
    return names


def _h5py() -> ModuleType:
    try:
        return importlib.import_module("h5py")
    except ModuleNotFoundError as error:
        raise SeqexplainerError(
            "files of modisco-lite are HDF5, and h5py is not installed: "
            "pip install 'eugene-genomics[h5]'"
        ) from error
