"""Explanations under EUGENe's names: they add variables to a dataset.

Each takes the dataset and, as EUGENe's did, changes it in place unless ``copy`` is set; the
dataset is returned in either case.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

import numpy as np

import seqpro as sp
from eugene._calls import anything, eugene_call, only, only_turns
from eugene.errors import EugeneError, did_you_mean
from eugene.interpret._attribute import Explainer, method_of, output_names
from eugene.interpret._evolved import evolved_alone, without_evolved
from eugene.interpret._features import feature_letters, row_of
from eugene.interpret._sequences import one_hot, require_variable
from eugene.interpret._store import CHUNK_ROWS, explain_in_memory, explain_in_store
from eugene.modules._input import as_batch_size, check_length
from eugene.modules._letters import check_same_alphabet
from seqpro.keywords import keywords

if TYPE_CHECKING:
    import torch
    import xarray as xr
    from numpy.typing import NDArray

    from seqexplainer.methods import Compute
    from seqpro.motifs import Motif


def _sequences_of(sdata: xr.Dataset, seq_var: str | None) -> str:
    """Return the variable of the sequences: as said, else letters, else EUGENe's one-hot."""
    if seq_var is not None:
        return seq_var
    return "ohe_seq" if "seq" not in sdata.variables and "ohe_seq" in sdata.variables else "seq"


def _network(model: torch.nn.Module, sdata: xr.Dataset, seq_var: str) -> torch.nn.Module:
    """Return the network inside a Lightning module, or the network itself.

    A module says which letters it reads; sequences over others are refused.
    """
    check_same_alphabet(model, require_variable(sdata, seq_var), f"the sequences {seq_var!r}")
    arch = getattr(model, "arch", None)
    network: torch.nn.Module = model if arch is None else arch
    if "_length" in sdata[seq_var].sizes:
        check_length(network, sdata[seq_var].sizes["_length"], f"the sequences {seq_var!r}")
    return network


class Running(TypedDict, total=False):
    """Keywords of how the sequences of a dataset go through a network.

    Attributes
    ----------
    target : int, tuple, str, callable or None
        Which output; None for the only one, and of several the first, with a warning.
    batch_size : int, optional
        Sequences at a time on the device.
    device : str, optional
        Where to compute; by default where the network is.
    progress : bool
        Draw a bar.
    """

    target: object
    batch_size: int | None
    device: str | None
    progress: bool


RUNNING: Running = {"target": None, "batch_size": 128, "device": None, "progress": False}
"""What `Running` is by default."""
_WITHOUT_TARGET = {name: value for name, value in RUNNING.items() if name != "target"}


def _filled(running: Running) -> Any:
    found: Any = {**RUNNING, **running}
    return {**found, "batch_size": as_batch_size(found["batch_size"], 128)}


def _explaining(model: torch.nn.Module, running: Running) -> Any:
    """Return what `Running` says, with one pick of the only output, which warns once."""
    import seqexplainer as se

    found = _filled(running)
    if found["target"] is None:
        found["target"] = se.OnlyOutput(output_names(model))
    return found


def _loaded(running: Running) -> Any:
    """Return what `Running` says, for functions that explain no output."""
    found = _filled(running)
    del found["target"]
    return found


# EUGENe's loaders: sequences are read here as they are stored, axes by their names
_LOADING = {"num_workers": anything, "prefetch_factor": anything, "transforms": only_turns}


@eugene_call("eugene.interpret.attribute_sdata", same={"path": "out"}, unheard=_LOADING)
@keywords(RUNNING)
def attribute_sdata(
    model: torch.nn.Module,
    sdata: xr.Dataset,
    seq_var: str | None = None,
    method: str | Compute = "InputXGradient",
    *,
    reference_type: object = None,
    n_references: int = 20,
    hypothetical: bool = False,
    seed: int | None = None,
    prefix: str = "",
    suffix: str = "",
    out: str | Path | None = None,
    chunk_size: int = CHUNK_ROWS,
    overwrite: bool = False,
    copy: bool = False,
    **running: Unpack[Running],
) -> xr.Dataset:
    """Attribute every sequence of a dataset, in memory or into a Zarr store.

    Sequences are read and explained ``chunk_size`` rows at a time. With ``out`` each chunk is
    written as soon as it is done: memory stays bounded, and a process that was killed goes on
    where it stopped when the same call is made again, to the same bytes.

    Parameters
    ----------
    model : torch.nn.Module
        A network on (N, 4, L), or a module with one in ``arch``.
    sdata : xarray.Dataset
        With letters or one-hot sequences.
    seq_var : str, optional
        Variable of the sequences; ``seq``, or ``ohe_seq`` where that alone is there.
    method : str or callable, optional
        Attribution method: a name, ours or EUGENe's, or a function, as in
        `seqexplainer.attribute`. EUGENe's default; `seqexplainer.attribute` has another.
    reference_type : str, callable or array (n, n_references, 4, length), optional
        What sequences are compared with, such as ``dinuc_shuffle``.
    n_references : int, optional
        References per sequence.
    hypothetical : bool, optional
        Keep the hypothetical form as well, which TF-MoDISco reads.
    seed : int, optional
        Seed of the references; by default that of the session.
    prefix, suffix : str, optional
        Put around the names of the new variables.
    out : path, optional
        Zarr store to write. The store that ``sdata`` was opened from gets the variables added,
        once they are complete; any other becomes a store of its own, with the letters and the
        coordinates of the rows. The new variables are then read from there, lazily.
    chunk_size : int, optional
        Rows at a time, and rows of a shard.
    overwrite : bool, optional
        Replace a store of other attributions at ``out``.
    copy : bool, optional
        Leave the dataset as it is and return a changed copy.
    target, batch_size, device, progress
        Which output, and how sequences go through the network.

    Returns
    -------
    xarray.Dataset
        With ``{prefix}{method}_attrs{suffix}`` float32 ``(_sequence, _ohe, _length)``; for
        DeepLIFT and integrated gradients ``{prefix}{method}_delta{suffix}`` float32
        ``(_sequence)``, in units of the output; and, if asked for,
        ``{prefix}{method}_hypothetical{suffix}``. Attributes say how they were made.

    Raises
    ------
    EugeneError
        If there is no such variable, or the method has no hypothetical form.
    RunExistsError
        If ``out`` holds other attributions.

    Examples
    --------
    >>> import torch
    >>> from eugene.simulate import simulated
    >>> _ = torch.manual_seed(0)
    >>> net = torch.nn.Sequential(torch.nn.Conv1d(4, 2, 9), torch.nn.ReLU(),
    ...                           torch.nn.Flatten(), torch.nn.Linear(2 * 142, 1))
    >>> ds = attribute_sdata(net, simulated(3, 150, seed=0), method="DeepLift")
    >>> ds["DeepLift_attrs"].shape, ds["DeepLift_attrs"].attrs["references"]
    ((3, 4, 150), 'zero')
    """
    seq_var = _sequences_of(sdata, seq_var)
    given = _filled(running)
    progress = given.pop("progress")
    own = method if isinstance(method, str) else method_of(method).name
    explainer = Explainer(
        _network(model, sdata, seq_var),
        (method,),
        references=reference_type,
        n_references=n_references,
        seed=seed,
        hypothetical=hypothetical,
        effects=False,
        names=output_names(model),
        name=lambda _, role: f"{prefix}{own}_{'attrs' if role == 'attributions' else role}{suffix}",
        **given,
    )
    options: dict[str, Any] = {"seq_var": seq_var, "chunk_size": chunk_size, "progress": progress}
    if out is None:
        found = explain_in_memory(explainer, sdata, **options)
    else:
        found = explain_in_store(explainer, sdata, out, overwrite=overwrite, **options)
    result = sdata.copy() if copy else sdata
    for name in explainer.layout():
        result[name] = found[name]
    return result


@eugene_call(
    "eugene.interpret.generate_pfms_sdata",
    unheard={**_LOADING, "padding": anything, "activations": only(None), "seqs": only(None)},
)
@keywords(_WITHOUT_TARGET)
def generate_pfms_sdata(
    model: torch.nn.Module,
    sdata: xr.Dataset,
    seq_var: str | None = None,
    layer_name: str | None = None,
    kernel_size: int | None = None,
    *,
    num_filters: int | None = None,
    num_seqlets: int = 100,
    activation_threshold: float | None = None,
    prefix: str = "",
    suffix: str = "",
    copy: bool = False,
    **running: Unpack[Running],
) -> xr.Dataset:
    """Turn the filters of a convolution into position frequency matrices.

    Parameters
    ----------
    model : torch.nn.Module
        A network on (N, 4, L), or a module with one in ``arch``.
    sdata : xarray.Dataset
        Sequences whose windows are collected.
    seq_var : str, optional
        Variable of the sequences; ``seq``, or ``ohe_seq`` where that alone is there.
    layer_name : str, optional
        Name of the convolution; the first by default. A leading ``arch.`` is left out.
    kernel_size : int, optional
        Width of the windows, which the layer itself says; another number is refused.
    num_filters : int, optional
        Only so many filters, from the first.
    num_seqlets : int, optional
        Windows a filter.
    activation_threshold : float, optional
        Take all windows above this fraction of the filter's largest activation instead.
    prefix, suffix : str, optional
        Put around the name of the new variable.
    copy : bool, optional
        Leave the dataset as it is and return a changed copy.
    batch_size, device, progress
        How sequences go through the network.

    Returns
    -------
    xarray.Dataset
        With ``{prefix}{layer}_pfms{suffix}`` float64 ``(_{layer}_filters, _ohe, _{layer}_width)``
        of counts; ``prefix`` and ``suffix`` are in the names of the dimensions too.

    Raises
    ------
    EugeneError
        If the layer has another width or fewer filters than were said.
    """
    import seqexplainer as se

    seq_var = _sequences_of(sdata, seq_var)
    threshold = activation_threshold is not None
    if layer_name is not None and hasattr(model, "arch"):
        layer_name = layer_name.removeprefix("arch.")
    found = se.generate_pfms(
        _network(model, sdata, seq_var),
        one_hot(sdata, seq_var),
        layer_name,
        method="threshold" if threshold else "top_n",
        n=num_seqlets,
        threshold=0.75 if activation_threshold is None else activation_threshold,
        **_loaded(running),
    )
    layer = layer_name or found.layer
    pfms, n_sites = np.asarray(found.pfms), found.n_sites.tolist()
    if kernel_size not in (None, pfms.shape[2]):
        raise EugeneError(
            f"kernel_size={kernel_size}, but a filter of {layer!r} sees {pfms.shape[2]} bp of the "
            "input: leave it out"
        )
    if num_filters is not None:
        if not 1 <= num_filters <= len(pfms):
            raise EugeneError(f"num_filters={num_filters}: {layer!r} has {len(pfms)} filters")
        pfms, n_sites = pfms[:num_filters], n_sites[:num_filters]
    result = sdata.copy() if copy else sdata
    named = f"{prefix}{layer}{suffix}"
    dims = (f"_{named}_filters", "_ohe", f"_{named}_width")
    attrs = {"layer": layer, "n_sites": n_sites, "alphabet": found.alphabet}
    result[f"{prefix}{layer}_pfms{suffix}"] = (dims, pfms, attrs)
    return result


@eugene_call(
    "eugene.interpret.filters_to_meme_sdata",
    same={"filters_var": "layer_name"},
    unheard={"axis_order": anything},
)
def filters_to_meme_sdata(
    sdata: xr.Dataset,
    layer_name: str,
    *,
    filter_inds: Sequence[int] | None = None,
    alphabet: str | None = None,
    bg: Mapping[str, float] | None = None,
    output_dir: str | Path = ".",
    filename: str = "filters.meme",
    prefix: str = "",
    suffix: str = "",
) -> Path:
    """Write filters that `generate_pfms_sdata` found as MEME text.

    Parameters
    ----------
    sdata : xarray.Dataset
        With ``{prefix}{layer_name}_pfms{suffix}``.
    layer_name : str
        Name of the layer, or of the variable itself, EUGENe's ``filters_var``.
    filter_inds : sequence of int, optional
        Numbers of the filters; all by default.
    alphabet : str, optional
        Letters of the matrices; ACGT by default.
    bg : mapping, optional
        Share of each letter in the background; equal by default.
    output_dir : path, optional
        Folder to write into; it is made.
    filename : str, optional
        Name of the file.
    prefix, suffix : str, optional
        As given to `generate_pfms_sdata`.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    EugeneError
        If the dataset has no such variable.
    """
    import seqpro as sp
    from seqpro.motifs import Motif, MotifSet, write_meme

    name = layer_name if layer_name in sdata.data_vars else f"{prefix}{layer_name}_pfms{suffix}"
    if name not in sdata.data_vars or sdata[name].ndim != 3:
        known = [str(v) for v in sdata.data_vars if str(v).endswith(f"_pfms{suffix}")]
        hint = did_you_mean(name, known)
        raise EugeneError(f"the dataset has no {name!r}{hint}; make it with generate_pfms_sdata")
    matrices = sdata[name].to_numpy()
    chosen = range(len(matrices)) if filter_inds is None else filter_inds
    wrong = [i for i in chosen if not 0 <= i < len(matrices)]
    if wrong:
        raise EugeneError(f"filter_inds: {name!r} has no filter {wrong[0]}, only {len(matrices)}")
    said = sdata[name].attrs.get("alphabet")
    letters = sp.alphabet_of(alphabet or said or "DNA")
    if said is not None and letters != sp.alphabet_of(said):
        raise EugeneError(f"alphabet: {name!r} is over {said!r}, not over {letters.alphabet!r}")
    motifs = [
        Motif(f"filter_{i}", matrices[i], kind="pfm", alphabet=letters)
        for i in chosen
        if matrices[i].sum() > 0
    ]
    folder = Path(output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    background = None
    if bg is not None:
        if set(bg) != set(letters.alphabet):
            raise EugeneError(f"bg: a share for each of {letters.alphabet} is needed, got {bg}")
        background = [float(bg[letter]) for letter in letters.alphabet]
    write_meme(MotifSet(motifs), folder / filename, background=background)
    return folder / filename


@eugene_call(
    "eugene.interpret.evolve_seqs_sdata",
    unheard={"axis_order": anything},
    returned={"return_seqs": evolved_alone, "add_seqs": without_evolved},
)
@keywords(RUNNING)
def evolve_seqs_sdata(
    model: torch.nn.Module,
    sdata: xr.Dataset,
    rounds: int = 10,
    *,
    seq_var: str | None = None,
    maximize: bool = True,
    copy: bool = False,
    **running: Unpack[Running],
) -> xr.Dataset:
    """Evolve every sequence of a dataset by one substitution a round.

    Parameters
    ----------
    model : torch.nn.Module
        A network on (N, 4, L), or a module with one in ``arch``.
    sdata : xarray.Dataset
        Sequences to start from.
    rounds : int
        Substitutions a sequence.
    seq_var : str, optional
        Variable of the sequences; ``seq``, or ``ohe_seq`` where that alone is there.
    maximize : bool, optional
        Raise or lower the output.
    copy : bool, optional
        Leave the dataset as it is and return a changed copy.
    target, batch_size, device, progress
        As in `attribute_sdata`.

    Returns
    -------
    xarray.Dataset
        With ``original_score`` and ``evolved_{i}_score`` float32 ``(_sequence)`` for each round
        and ``evolved_seqs`` S1 ``(_sequence, _length)``.
    """
    import seqexplainer as se

    seq_var = _sequences_of(sdata, seq_var)
    found = se.evolve(
        _network(model, sdata, seq_var),
        one_hot(sdata, seq_var),
        rounds=rounds,
        maximize=maximize,
        **_explaining(model, running),
    )
    scores = np.asarray(found.scores, dtype=np.float32)
    result = sdata.copy() if copy else sdata
    result["original_score"] = ("_sequence", scores[:, 0])
    for name in [v for v in result.data_vars if re.fullmatch(r"evolved_\d+_score", str(v))]:
        del result[name]  # of an earlier call, perhaps of more rounds
    for i in range(1, scores.shape[1]):
        result[f"evolved_{i}_score"] = ("_sequence", scores[:, i])
    evolved = np.asarray(found.sequences).swapaxes(1, 2).astype(np.uint8)
    letters = sp.decode_ohe(evolved, ohe_axis=-1, alphabet=sp.alphabet_of(found.alphabet))
    attrs = {"kind": "sequence", "alphabet": found.alphabet}
    result["evolved_seqs"] = (("_sequence", "_length"), letters, attrs)
    return result


@eugene_call(
    unheard={"feature_name": anything, "encoding": anything, "store": only(False)},
)
@keywords(RUNNING)
def feature_implant_seq_sdata(
    model: torch.nn.Module,
    sdata: xr.Dataset,
    feature: str | Motif | np.ndarray,
    *,
    row: int = 0,
    seq_id: str | int | None = None,
    id_var: str = "id",
    seq_var: str | None = None,
    stride: int = 1,
    **running: Unpack[Running],
) -> np.ndarray:
    """Put a feature into one sequence at every position and predict each.

    Parameters
    ----------
    model : torch.nn.Module
        A network on (N, 4, L), or a module with one in ``arch``.
    sdata : xarray.Dataset
        With the sequence.
    feature : str or Motif
        Letters, a motif whose consensus is put in, or a one-hot array.
    row : int, optional
        Number of the sequence.
    seq_id, id_var : str, optional
        The sequence by its identifier, and the variable that holds those.
    seq_var : str, optional
        Variable of the sequences; ``seq``, or ``ohe_seq`` where that alone is there.
    stride : int, optional
        Step in bp.
    target, batch_size, device, progress
        As in `attribute_sdata`.

    Returns
    -------
    ndarray of float64, shape (positions,)
        Output with the feature at each position.
    """
    seq_var = _sequences_of(sdata, seq_var)
    if seq_id is not None:
        row = row_of(sdata, seq_id, id_var)
    outputs = _slid(model, sdata, feature, seq_var, running, rows=[row], stride=stride)[1]
    return outputs.ravel()


def _slid(
    model: torch.nn.Module,
    sdata: xr.Dataset,
    feature: str | Motif | np.ndarray,
    seq_var: str,
    running: Running,
    rows: Sequence[int] | None = None,
    **options: Any,
) -> tuple[np.ndarray, np.ndarray]:
    """Return positions (P,), and outputs (n, P) with a feature put in at each of them."""
    import seqexplainer as se

    found = se.positional_importance(
        _network(model, sdata, seq_var),
        one_hot(sdata, seq_var, rows=rows),
        feature_letters(feature, sdata, seq_var),
        **options,
        **_explaining(model, running),
    )
    return found.positions, found.before[:, None] + found.effect


@eugene_call(
    "eugene.interpret.positional_gia_sdata",
    unheard={"feature_name": anything, "encoding": anything, "id_var": anything},
)
@keywords(RUNNING)
def positional_gia_sdata(
    model: torch.nn.Module,
    sdata: xr.Dataset,
    feature: str | Motif | np.ndarray,
    *,
    seq_var: str | None = None,
    store_var: str | None = None,
    positions: Sequence[int] | None = None,
    stride: int = 1,
    copy: bool = False,
    **running: Unpack[Running],
) -> xr.Dataset | NDArray[np.float32]:
    """Slide a feature over every sequence of a dataset.

    Parameters
    ----------
    model : torch.nn.Module
        A network on (N, 4, L), or a module with one in ``arch``.
    sdata : xarray.Dataset
        Backgrounds.
    feature : str or Motif
        Letters, a motif whose consensus is put in, or a one-hot array.
    seq_var : str, optional
        Variable of the sequences; ``seq``, or ``ohe_seq`` where that alone is there.
    store_var : str, optional
        Name of the new variable; without one the values are returned alone.
    positions : sequence of int, optional
        0-based starts in bp; all by default.
    stride : int, optional
        Step in bp where ``positions`` is not given.
    copy : bool, optional
        Leave the dataset as it is and return a changed copy.
    target, batch_size, device, progress
        As in `attribute_sdata`.

    Returns
    -------
    xarray.Dataset, or ndarray of float32, shape (n, positions)
        The output with the feature at each position: ``{store_var}`` float32 ``(_sequence,
        _{store_var}_position)``, and the positions as a coordinate; or the values alone.

    Raises
    ------
    EugeneError
        If the dataset has another variable of that name.
    """
    seq_var = _sequences_of(sdata, seq_var)
    name = store_var or ""
    dim = f"_{name}_position"
    if name and name in sdata.variables and dim not in sdata[name].dims:
        raise EugeneError(
            f"the dataset has a variable {name!r}, which would be lost: name the new one "
            "store_var=..."
        )
    places, outputs = _slid(
        model, sdata, feature, seq_var, running, positions=positions, stride=stride
    )
    if not name:
        return outputs.astype(np.float32)
    result = sdata.copy() if copy else sdata
    result[name] = (("_sequence", dim), outputs.astype(np.float32))
    result[dim] = (dim, places)
    return result
