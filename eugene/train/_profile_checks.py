"""What is judged before a module of profiles is trained: tracks, controls, counts."""

from __future__ import annotations

from typing import Any

import torch

from eugene._tracks import TrackLayout
from eugene.errors import DataError, EugeneError
from eugene.modules._profile_loss import shape_problem
from eugene.modules.profile import ProfileModule
from eugene.nn import InputShapeError
from seqdata.schema import SPLITS


def check_profiles(module: ProfileModule, source: Any, *, monitor: str, closed: bool) -> list[str]:
    """Raise where a module cannot be trained on tracks; return what should be said.

    The module takes names and pairs of the tracks, and the weight of the counts, from the data.

    Parameters
    ----------
    module : ProfileModule
        What is to be trained.
    source : object
        Its data; those of a `SequenceDataModule` are judged.
    monitor : str
        Value that says which epoch is best.
    closed : bool
        Whether only the module logs values.

    Returns
    -------
    list of str
        Remarks, such as that counts are no whole numbers.

    Raises
    ------
    DataError
        If targets are no tracks, of another shape than the profiles, or no counts.
    EugeneError
        If ``monitor`` would never be logged.
    """
    if closed:
        _check_monitor(module, monitor, source)
    if not callable(getattr(source, "track_totals", None)):
        return []
    if source.layout is None:
        raise DataError(
            f"the targets ({', '.join(source.target_vars)}) are values, one a sequence, and a "
            "module of profiles learns tracks: name the signal as target (cov), which the data "
            "source 'regions' stores with task: profile; or take the module 'sequence'."
        )
    if len(source.target_vars) != 1:
        raise DataError("a module of profiles learns one variable of tracks, with its samples.")
    if not any(p.requires_grad for p in module.network().parameters()):
        what = "the network" if module.part is None else f"the part {module.part!r}"
        raise DataError(
            f"no weight of {what} is to be trained: all are frozen. Build it without (of "
            "chrombpnet freeze_bias=False), or name it under train of the stage."
        )
    _check_shapes(module, source, source.layout)
    splits = ["train", "val"] if source.codes is not None else []
    said = []
    for split in splits:
        if (source.codes == SPLITS[split]).any():
            said += source.totals(split).remarks(split)
    module.take_data(source)
    return said


def _check_monitor(module: ProfileModule, monitor: str, source: Any) -> None:
    """Raise where nothing logs what is to be watched."""
    layout = getattr(source, "layout", None) or module.layout
    tasks = list(module.hparams["tasks"] or ([] if layout is None else layout.tasks))
    short = [f"{stage}_{name}" for stage in ("train", "val") for name in module.means]
    short += [f"val_{name}" for name in module.metric_names]
    names = [*tasks, *([] if layout is None else layout.names)]
    known = {*short, "lr", *(f"val_{m}_{t}" for m in module.metric_names for t in names)}
    if not names:
        return
    watched = {"monitor": monitor}
    if module.hparams["scheduler"] == "reduce_lr_on_plateau":
        watched["scheduler_monitor"] = str(module.hparams["scheduler_monitor"])
    for key, value in watched.items():
        if value.removesuffix("_epoch") not in known:
            raise EugeneError(
                f"training cannot be set up: {key}={value!r} is not logged; there are "
                f"{', '.join([*short, 'lr'])}"
            )


def _check_shapes(module: ProfileModule, source: Any, layout: TrackLayout) -> None:
    """Raise where profiles do not stand beside tracks, or controls are missing."""
    given = source.control_var
    wanted = module.n_control_tracks
    there = None if given is None else int(source.ds[given].shape[1])
    if wanted is not None and wanted != (there or 0):
        raise DataError(
            f"the network was built for {wanted} control tracks, the data have {there or 'none'}: "
            + (
                f"build it with n_control_tracks={there}."
                if there
                else "name them (control_var), or build it with n_control_tracks=0."
            )
        )
    length = source.input_len
    if source.target_length is not None and source.target_length > length:
        raise DataError(
            f"target_length is {source.target_length}, and windows are {length} bp long: targets "
            "are cut out of the middle of the window."
        )
    control = None if there is None else torch.zeros(2, there, length)
    mode = module.training
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            empty = torch.zeros(2, len(module.alphabet), length)
            where, kind = module.device, module.dtype
            output = module.eval()(
                empty.to(where).type(kind),
                None if control is None else control.to(where),
            )
    except InputShapeError as error:
        raise DataError(str(error)) from error
    finally:
        module.train(mode)
    profile = tuple(output.profile.shape)
    target = (2, len(layout.names), source.target_length or length)
    if profile != target:
        raise DataError(shape_problem(profile, target))
    tasks = module.hparams["tasks"] or layout.tasks
    if output.counts.shape[1] not in (len(tasks), len(layout.names)):
        raise DataError(
            f"the network gives {output.counts.shape[1]} counts for {len(tasks)} tasks "
            f"({', '.join(tasks)}): build it with output_dim={len(tasks)}. Tracks are paired by "
            "the strands and pairs of the data source; tasks of the module join them otherwise."
        )
