"""Predicted profiles and counts of every row of a run, written batch by batch."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from eugene.runs._run import Run

_SHARD_ROWS = 256
_OF_ROWS = ("chrom", "start", "end", "strand", "split")


def write_profiles(run: Run) -> NDArray[np.float32]:
    """Write ``predictions.zarr`` of a run whose targets are profiles; a batch is held at a time.

    ``profile`` float32 ``(_sequence, {track}_sample, _position)``, probabilities that add up to 1
    over the strands of a task together (or over each track, ``loss_strands: separate``);
    ``counts`` float32 ``(_sequence, _task)``, ln(1 + N) of each task; ``index`` int64; coordinates
    of the rows and of the samples. Attributes name the ``tasks`` and ``task_of_sample``, the
    number of the task that each sample belongs to.

    Parameters
    ----------
    run : Run
        A trained run.

    Returns
    -------
    ndarray of float32, shape (n, tasks)
        The counts.
    """
    import numpy as np

    from eugene.evaluate._predictions import each_batch
    from seqdata.schema import with_codes
    from seqdata.store import StoreWriter

    data = run.datamodule
    module: Any = run.module
    layout, target = module.layout, run.data.target_vars[0]
    variable = run.data.ds[target]
    samples = str(variable.dims[1])
    rows = with_codes(run.data.ds[[v for v in _OF_ROWS if v in run.data.ds.variables]])
    counts: list[NDArray[np.float32]] = []
    loader: Any = data.loader("all", variables=("seq", "ohe_seq", "control"))
    batches = each_batch(
        module, loader, device=run.device, progress=run.progress, scores=True, **run.averaged
    )
    with StoreWriter(run.folder.predictions, overwrite=True) as out, closing(batches) as found:
        for i, part in enumerate(found):
            profile = part["profile"].cpu().numpy()
            if not i:
                out.create(
                    "profile",
                    shape=(0, *profile.shape[1:]),
                    dtype="f4",
                    dims=("_sequence", samples, "_position"),
                    attrs={"units": "probability"},
                    rows=_SHARD_ROWS,
                )
            out.append("profile", profile)
            counts.append(part["counts"].cpu().numpy())
        together = np.concatenate(counts)
        axis = "_task" if together.shape[1] == len(layout.tasks) else samples
        out.write_array(
            "counts", together, ("_sequence", axis), attrs={"units": "ln(1 + N)"}, rows=4096
        )
        out.write_array("index", np.arange(len(together)), ("_sequence",))
        for name in map(str, rows.variables):
            out.write_array(
                name,
                rows[name].to_numpy(),
                ("_sequence",),
                attrs=rows[name].attrs,
                coordinate=True,
            )
        for key, values in variable.coords.items():
            if values.dims == (samples,):
                out.write_array(
                    str(key),
                    values.to_numpy(),
                    (samples,),
                    attrs=values.attrs,
                    coordinate=True,
                )
        out.commit(
            {
                "task": "profile",
                "targets": list(run.data.target_vars),
                "tasks": list(layout.tasks),
                "task_of_sample": layout.task_of.tolist(),
                "averaged": run.averaged,
                "part": module.part,
                "model_sha256": run.weights_sha256,
            }
        )
    return together


def counts_written(run: Run) -> NDArray[np.float32] | None:
    """Return the counts of ``predictions.zarr``, None where it is not of this network.

    Parameters
    ----------
    run : Run
        A trained run.

    Returns
    -------
    ndarray of float32, shape (n, tasks), or None
        ln(1 + N) of every row.
    """
    import numpy as np

    import seqdata as sd

    if not run.folder.predictions.is_dir():
        return None
    with sd.open_zarr(run.folder.predictions) as ds:
        wanted = {"model_sha256": run.weights_sha256, "averaged": run.averaged, "task": "profile"}
        same = all(ds.attrs.get(key) == value for key, value in wanted.items())
        if not same or ds.sizes["_sequence"] != run.data.ds.sizes["_sequence"]:
            return None
        return np.asarray(ds["counts"].to_numpy(), np.float32)
