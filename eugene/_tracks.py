"""Which tracks there are, which two are the strands of one signal, and which make one task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eugene.errors import DataError, did_you_mean

Tasks = Mapping[str, Sequence[str | int]]


@dataclass(frozen=True)
class TrackLayout:
    """The tracks of a variable in the order of its samples.

    Attributes
    ----------
    names : tuple of str
        Name of each track.
    strands : tuple of str
        Strand of each, ``+``, ``-`` or ``.``.
    pairs : tuple of int
        For each track the one that takes its place on the other strand; itself where it has none.
    tasks : dict of str to tuple of int
        What is predicted as one thing: a pair of strands, or a track alone.
    """

    names: tuple[str, ...]
    strands: tuple[str, ...]
    pairs: tuple[int, ...]
    tasks: dict[str, tuple[int, ...]]

    @classmethod
    def made(
        cls,
        names: Sequence[str],
        strands: Sequence[str] | None = None,
        pairs: Sequence[int] | None = None,
        tasks: Tasks | None = None,
    ) -> TrackLayout:
        """Return the layout of named tracks; without tasks, pairs and lone tracks are the tasks.

        Parameters
        ----------
        names : sequence of str
            Name of each track.
        strands : sequence of str or None
            Strand of each; default that of no strand, ``.``.
        pairs : sequence of int or None
            Partner of each on the other strand, itself where it has none; default none has one.
        tasks : mapping of str to sequence of str or int, or None
            Tracks of each task, by name or number.

        Returns
        -------
        TrackLayout
            Checked.

        Raises
        ------
        DataError
            If pairs do not name each other, or tasks leave out a track, name one twice, or part
            a pair.

        Examples
        --------
        >>> TrackLayout.made(["ctcf+", "ctcf-", "atac"], pairs=[1, 0, 2]).tasks
        {'ctcf': (0, 1), 'atac': (2,)}
        """
        n = len(names)
        listed = tuple(map(str, names))
        mates = tuple(range(n)) if pairs is None else tuple(map(int, pairs))
        sides = ("." for _ in listed) if strands is None else map(str, strands)
        fits = len(mates) == n and all(0 <= m < n and mates[m] == i for i, m in enumerate(mates))
        if not fits:
            raise DataError(
                f"pairs is {list(mates)} for the {n} tracks {list(listed)}: expected for each the "
                "number of the one on the other strand, which names it in turn, or its own number."
            )
        if tasks is None:
            groups = _by_pairs(listed, mates)
        else:
            groups = _named(listed, tasks)
            _check_tasks(listed, mates, groups)
        return cls(listed, tuple(sides), mates, groups)

    @classmethod
    def of(cls, variable: Any, tasks: Tasks | None = None) -> TrackLayout:
        """Return the layout of a variable ``(_sequence, sample, position)`` of a dataset.

        Parameters
        ----------
        variable : xarray.DataArray
            With coordinates ``{name}_strand`` and ``{name}_pair`` along its samples, where the
            tracks have strands.
        tasks : mapping or None
            As `made` takes them.

        Returns
        -------
        TrackLayout
            Names of the samples, or their numbers where they have none.

        Raises
        ------
        DataError
            As `made` does.
        """
        dim = str(variable.dims[1])
        n = int(variable.shape[1])
        along = variable.coords
        names = [str(v) for v in along[dim].values] if dim in along else list(map(str, range(n)))

        def told(end: str) -> list[str] | None:
            for key, values in along.items():
                if str(key).endswith(end) and values.dims == (dim,):
                    return [str(v) for v in values.values]
            return None

        mates = told("_pair")
        for mate in mates or ():
            if mate and mate not in names:
                raise DataError(
                    f"{variable.name!r}: a track is paired with {mate!r}, which is none of "
                    f"{names}{did_you_mean(mate, names)}"
                )
        places = None
        if mates is not None:
            places = [names.index(mate) if mate else i for i, mate in enumerate(mates)]
        return cls.made(names, told("_strand"), places, tasks)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, from which `from_dict` makes it again."""
        return {
            "names": list(self.names),
            "strands": list(self.strands),
            "pairs": list(self.pairs),
            "tasks": {name: list(tracks) for name, tracks in self.tasks.items()},
        }

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> TrackLayout:
        """Return what `to_dict` described."""
        return cls.made(given["names"], given["strands"], given["pairs"], given["tasks"])

    @property
    def task_of(self) -> np.ndarray:
        """Number of the task of each track, int64 (tracks,)."""
        found = np.zeros(len(self.names), np.int64)
        for i, tracks in enumerate(self.tasks.values()):
            found[list(tracks)] = i
        return found


def names_and_pairs(network: object) -> tuple[list[str] | None, list[int] | None]:
    """Return names of the tracks that a network gives, and their partners, as far as it says.

    Parameters
    ----------
    network : object
        A module with a ``layout``, or with ``hparams`` that have ``target_names`` and ``pairs``,
        or with ``target_names``.

    Returns
    -------
    names : list of str or None
    pairs : list of int or None
    """
    layout = getattr(network, "layout", None)
    if isinstance(layout, TrackLayout):
        return list(layout.names), list(layout.pairs)
    # a module that was loaded has the variables of its data as target_names
    told = dict(getattr(network, "hparams", None) or {})
    names, pairs = told.get("target_names"), told.get("pairs")
    if names is None and not told:
        names = getattr(network, "target_names", None)
    return (
        None if names is None else [str(name) for name in names],
        None if pairs is None else [int(mate) for mate in pairs],
    )


def _by_pairs(names: tuple[str, ...], mates: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """Return a task for each pair, called by what both names begin with, and each lone track."""
    groups: dict[str, tuple[int, ...]] = {}
    for i, mate in enumerate(mates):
        if mate < i:
            continue
        tracks = (i,) if mate == i else (i, mate)
        name = names[i] if mate == i else _stem(names[i], names[mate])
        groups[name if name not in groups else "/".join(names[t] for t in tracks)] = tracks
    return groups


def _stem(one: str, two: str) -> str:
    """Return what two names have in common at their beginning, less what joins it to the rest.

    Examples
    --------
    >>> _stem("ctcf_plus", "ctcf_minus")
    'ctcf'
    """
    same = 0
    while same < min(len(one), len(two)) and one[same] == two[same]:
        same += 1
    return one[:same].rstrip("_.-+ ") or f"{one}/{two}"


def _named(names: tuple[str, ...], tasks: Tasks) -> dict[str, tuple[int, ...]]:
    groups = {}
    for task, members in tasks.items():
        found = []
        for member in [members] if isinstance(members, str | int) else members:
            if isinstance(member, str):
                if member not in names:
                    raise DataError(
                        f"tasks: {task!r} has the track {member!r}, which is none of "
                        f"{list(names)}{did_you_mean(member, names)}"
                    )
                found.append(names.index(member))
            elif not 0 <= int(member) < len(names):
                raise DataError(
                    f"tasks: {task!r} has track {member}, there are {len(names)}, from 0."
                )
            else:
                found.append(int(member))
        groups[str(task)] = tuple(found)
    return groups


def _check_tasks(
    names: tuple[str, ...], mates: tuple[int, ...], groups: Mapping[str, tuple[int, ...]]
) -> None:
    """Raise where tasks do not hold every track once, both strands of a pair together."""
    listed = [t for tracks in groups.values() for t in tracks]
    lost = [names[t] for t in range(len(names)) if t not in listed]
    twice = sorted({names[t] for t in listed if listed.count(t) > 1})
    if lost or twice or not all(groups.values()):
        what = f"leave out {lost}" if lost else f"name {twice} more than once"
        raise DataError(
            f"tasks {what if lost or twice else 'hold one without a track'}: each of the tracks "
            f"{list(names)} belongs to one task. Leave tracks out where the data are made."
        )
    for task, tracks in groups.items():
        for track in tracks:
            if mates[track] not in tracks:
                raise DataError(
                    f"tasks: {task!r} has {names[track]!r} without {names[mates[track]]!r}, its "
                    "other strand: both change places on the reverse complement, so they belong "
                    "to one task."
                )
