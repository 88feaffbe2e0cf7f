"""Attributions of the sequences of ``--input``, for the verbs that work on them."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from eugene._step import steps
from eugene.cli._call import Call
from eugene.cli._run import device_of, read_file
from eugene.errors import UsageError

if TYPE_CHECKING:
    import xarray as xr

    from eugene.config import RunConfig
    from eugene.runs import RunFolder


@dataclass(frozen=True)
class Explained:
    """Sequences of a file, and what attributes them.

    Attributes
    ----------
    ds : xarray.Dataset
        The sequences.
    names : list of str
        One a row.
    methods : tuple of str
        Attribution methods.
    write : callable
        Writes a store of the attributions under the path that it is given, and returns it opened.
    """

    ds: xr.Dataset
    names: list[str]
    methods: tuple[str, ...]
    write: Callable[[str], xr.Dataset]

    @contextlib.contextmanager
    def attributed(self) -> Iterator[xr.Dataset]:
        """Attribute into a store that is gone in the end."""
        with tempfile.TemporaryDirectory(prefix="eugene-attribute-") as folder:
            yield self.write(f"{folder}/attributions.zarr")


def explained(
    call: Call,
    folder: RunFolder,
    config: RunConfig,
    *,
    step: str = "attribute",
    methods: Sequence[str] = (),
    hypothetical: bool = False,
) -> Explained:
    """Read the sequences of ``--input``, with what is to be computed of them.

    Parameters
    ----------
    call : Call
        Names the file, and perhaps methods and target.
    folder : RunFolder
        The network.
    config : RunConfig
        Its configuration.
    step : str, optional
        Whose settings of references and target are taken.
    methods : sequence of str, optional
        Attribution methods; those of ``attribute`` by default.
    hypothetical : bool, optional
        Whether the hypothetical form is made as well.

    Returns
    -------
    Explained
        Nothing is computed yet.
    """
    import xarray as xr

    from eugene.interpret._attribute import Explainer, output_names
    from eugene.interpret._store import write_attributions
    from eugene.interpret._targets import chosen_targets, explain_targets, tasks_of
    from eugene.runs import load

    options = steps()[step].settings(config)
    module = load(folder.path, allow_class_path=call.has("allow_class_path"))
    tasks = tasks_of(module)
    names_of = output_names(module) if tasks is None else ()
    explainer = Explainer(
        module.explained,
        tuple(methods or options["methods"]),
        references=options["references"],
        n_references=options["n_references"],
        seed=config.seed,
        batch_size=options["batch_size"],
        hypothetical=hypothetical or options.get("hypothetical", False),
        device=device_of(call),
        names=names_of,
    )
    targets = chosen_targets(_target(call.get("target"), options["target"]), tasks, names_of)
    ds, names = read_file(call, folder)

    def write(path: str) -> xr.Dataset:
        return write_attributions(
            explain_targets(explainer, targets),
            ds,
            path,
            beside=xr.Dataset({"name": ("_sequence", names)}),
            overwrite=call.has("overwrite"),
            progress=call.progress,
        )

    return Explained(ds, names, tuple(map(str, explainer.methods)), write)


def require_place(call: Call) -> Path:
    """Return ``--out``, whose folder has to be there."""
    out = Path(str(call.get("out")))
    if not out.absolute().parent.is_dir():
        raise UsageError(f"--out {out}: the folder {out.absolute().parent} does not exist")
    return out


def _target(text: str | None, default: object) -> object:
    """Return an output's number or name from the command line."""
    if text is None:
        return default
    words = text.split(",")
    if not all(word.strip().lstrip("-").isdecimal() for word in words):
        return text
    places = tuple(int(word) for word in words)
    return places[0] if len(places) == 1 else places
