"""Which outputs of a network are explained, and several of them side by side."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from eugene.errors import EugeneError, did_you_mean, nearest
from eugene.interpret._attribute import Explainer, Layout, variable_name

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

_PROFILES = ("counts", "profile")
logger = logging.getLogger("eugene.interpret")
Target: TypeAlias = "int | str | tuple[object, ...]"


def profile_targets(tasks: Mapping[str, Sequence[int]]) -> dict[str, str]:
    """Return what there is to explain of a profile network.

    Parameters
    ----------
    tasks : mapping of str to sequence of int
        Name of each task, and which tracks of the profile it is of.

    Returns
    -------
    dict of str to str
        Label -> target as `seqexplainer.attribute` takes it: ``counts`` and ``profile``, of
        several tasks ``counts_NAME`` and ``profile_NAME``.

    Examples
    --------
    >>> profile_targets({"atac": [0]})
    {'counts': 'counts', 'profile': 'profile'}
    >>> profile_targets({"Oct4": [0, 1], "Sox2": [2, 3]})["profile_Sox2"]
    'profile:2,3'
    """
    if len(tasks) == 1:
        return {"counts": "counts", "profile": "profile"}
    found = {f"counts_{name}": f"counts:{i}" for i, name in enumerate(tasks)}
    return found | {
        f"profile_{name}": f"profile:{','.join(map(str, tracks))}" for name, tracks in tasks.items()
    }


def tasks_of(module: object) -> dict[str, tuple[int, ...]] | None:
    """Return the tasks of a module of profiles, each with its tracks; None for any other module.

    Parameters
    ----------
    module : eugene.modules.ProfileModule or any other
        The module.

    Returns
    -------
    dict of str to tuple of int, or None
        One task without tracks where nothing says what there is.
    """
    from eugene.modules import ProfileModule

    if not isinstance(module, ProfileModule):
        return None
    return {"": ()} if module.layout is None else dict(module.layout.tasks)


def output_number(given: object, names: Sequence[str]) -> object:
    """Return the number of an output that is given by its name; all else as it is.

    Parameters
    ----------
    given : object
        A number or a name, or a list of them.
    names : sequence of str
        What the outputs are called; empty where nothing says so.

    Raises
    ------
    EugeneError
        If there is no such output.

    Examples
    --------
    >>> output_number(["hk", 0], ["dev", "hk"]), output_number("counts", [])
    ([1, 0], 'counts')
    """
    if isinstance(given, list):
        return [output_number(one, names) for one in given]
    if isinstance(given, str) and names:
        if given in names:
            return list(names).index(given)
        close = nearest(given, names)
        hint = f"; did you mean {close!r}?" if close else ""
        message = f"the network has no output {given!r}{hint}"
    elif isinstance(given, str) and given.partition(":")[0].partition("_")[0] not in _PROFILES:
        raise EugeneError(f"target {given!r}: expected a number such as 0, 'counts' or 'profile'")
    elif isinstance(given, int) and names and not -len(names) <= given < len(names):
        message = f"the network has no output {given}"
    else:
        return given
    listed = ", ".join(f"{i} ({name})" for i, name in enumerate(names))
    raise EugeneError(f"{message}; expected a number such as 0, or a name: {listed}")


def chosen_targets(
    given: object,
    tasks: Mapping[str, Sequence[int]] | None,
    names: Sequence[str] = (),
) -> dict[str, Target]:
    """Return the outputs that are to be explained, by the label that their variables get.

    Parameters
    ----------
    given : int, str, tuple, list of them, or None
        Numbers of outputs, or for a profile network its labels, ``counts`` or ``profile`` for
        those of all tasks. None for the first output, and for everything that
        `profile_targets` lists.
    tasks : mapping of str to sequence of int, or None
        Tasks of a profile network; None for any other.
    names : sequence of str, optional
        What the outputs of any other network are called. If there are several and none is
        chosen, it is logged which one is explained.

    Returns
    -------
    dict
        Label -> target. The label is empty where a network has one kind of output and one target
        is chosen.

    Raises
    ------
    EugeneError
        If a profile network has no such output, or another network is asked for one.

    Examples
    --------
    >>> chosen_targets(None, None), chosen_targets([0, 2], None)
    ({'': 0}, {'0': 0, '2': 2})
    >>> chosen_targets("counts", {"Oct4": [0, 1], "Sox2": [2, 3]})
    {'counts_Oct4': 'counts:0', 'counts_Sox2': 'counts:1'}
    """
    listed: list[Any] = list(given) if isinstance(given, list) else [given]
    if tasks is None:
        listed = [output_number(target, names) for target in listed]
        if listed == [None] and len(names) > 1:
            import seqexplainer as se

            logger.warning("%s", se.OnlyOutput(names).message(len(names)))
        if len(listed) == 1:
            return {"": 0 if listed[0] is None else listed[0]}
        return {str(target): target for target in listed}
    known = profile_targets(tasks)
    found: dict[str, Target] = {}
    for target in listed:
        if target is None:
            found |= known
        elif target in known:
            found[str(target)] = known[str(target)]
        elif target in ("counts", "profile"):
            found |= {k: v for k, v in known.items() if k.startswith(f"{target}_")}
        elif isinstance(target, str) and target.partition(":")[0] in ("counts", "profile"):
            found[target.replace(":", "_").replace(",", "_")] = target
        else:
            hint = did_you_mean(target, known) if isinstance(target, str) else ""
            raise EugeneError(
                f"the network gives profiles and counts, and has no output {target!r}{hint}; "
                f"expected {', '.join(known)}"
            )
    return found


@dataclass(frozen=True)
class Explainers:
    """Explains several outputs of a network; what works with an `Explainer` works with it.

    Attributes
    ----------
    parts : dict of str to Explainer
        One a label. Their variables are called ``{method}_{label}``.
    """

    parts: dict[str, Explainer]

    @property
    def model(self) -> torch.nn.Module:
        """The network."""
        return self._first.model

    @property
    def methods(self) -> tuple[Any, ...]:
        """Attribution methods, by our names."""
        return self._first.methods

    @property
    def name(self) -> Callable[[str, str], str]:
        """Name of a variable of the first label."""
        return self._first.name

    @property
    def _first(self) -> Explainer:
        return next(iter(self.parts.values()))

    def options(self) -> dict[str, object]:
        """Return all that decides the numbers, apart from network and sequences."""
        targets = {label: part.told_target for label, part in self.parts.items()}
        return {**self._first.options(), "target": targets}

    def layout(self) -> dict[str, Layout]:
        """Return the variables that `explain` gives, by name."""
        return {
            name: Layout(layout.dims, {**layout.attrs, "label": label})
            for label, part in self.parts.items()
            for name, layout in part.layout().items()
        }

    def explain(
        self,
        X: NDArray[np.generic],
        *,
        rows: slice | NDArray[np.int64] | None = None,
        verbose: bool = False,
    ) -> dict[str, NDArray[np.float32]]:
        """Attribute some sequences, as `Explainer.explain` does."""
        found: dict[str, NDArray[np.float32]] = {}
        for part in self.parts.values():
            found |= part.explain(X, rows=rows, verbose=verbose)
        return found


def explain_targets(explainer: Explainer, targets: Mapping[str, Target]) -> Explainer | Explainers:
    """Return an explainer of some outputs.

    Parameters
    ----------
    explainer : Explainer
        Network, methods, references.
    targets : mapping of str to target
        What `chosen_targets` returned.

    Returns
    -------
    Explainer or Explainers
        The latter where an output has a label.
    """
    if list(targets) == [""]:
        return replace(explainer, target=targets[""])
    return Explainers(
        {
            label: replace(explainer, target=target, name=_named(label))
            for label, target in targets.items()
        }
    )


def _named(label: str) -> Callable[[str, str], str]:
    return lambda method, role: variable_name(f"{method}_{label}", role)
