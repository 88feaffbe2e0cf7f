"""Between the search space of a file and the numbers that Ray draws."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from eugene.config import RunConfig, mutable
from eugene.config._search import search_entries
from eugene.config.domains import Domain, Listed, Range

Drawn = Mapping[str, int | float]
"""Dotted place -> number, as Ray has it: of listed values and of steps the index."""


class Space:
    """The places of a configuration in which values are looked for.

    What is listed, and what goes in steps, travels through Ray as its index.

    Parameters
    ----------
    config : RunConfig
        With a search space.

    Examples
    --------
    >>> from eugene.config import load_run_config
    >>> tree = {"data": {"name": "zarr", "path": "x"}, "model": {"name": "cnn"}}
    >>> tree["module"] = {"optimizer": {"search": "choice", "values": ["adam", "sgd"]}}
    >>> space = Space(load_run_config(tree, searched=True))
    >>> space.values({"module.optimizer": 1})
    {'module.optimizer': 'sgd'}
    """

    def __init__(self, config: RunConfig) -> None:
        tree = {key: value for key, value in config.document.tree.items() if key != "tune"}
        self._tree = tree
        self.domains: dict[str, Domain] = {e.dotted: e.domain for e in search_entries(tree)}

    def values(self, drawn: Drawn) -> dict[str, object]:
        """Return what stands in each place for the numbers that were drawn."""
        return {dotted: _value(domain, drawn[dotted]) for dotted, domain in self.domains.items()}

    def clipped(self, drawn: Drawn) -> dict[str, int | float]:
        """Return numbers that were changed by a factor, back inside the space."""
        found: dict[str, int | float] = dict(drawn)
        for dotted, domain in self.domains.items():
            if isinstance(domain, Range) and not domain.step:
                number = min(max(drawn[dotted], domain.low), domain.high)
                found[dotted] = round(number) if domain.whole else float(number)
        return found

    def in_ray(self, tune: ModuleType, *, grid: bool = False) -> dict[str, object]:
        """Return the space as Ray has it.

        Parameters
        ----------
        tune : module
            ``ray.tune``, which is not imported here.
        grid : bool, optional
            Whether every combination of all points is gone through, rather than drawn.
        """
        return {dotted: _in_ray(domain, tune, grid) for dotted, domain in self.domains.items()}

    def mutations(self, tune: ModuleType) -> dict[str, Any]:
        """Return what population based training may change, and to what."""
        found: dict[str, Any] = {}
        for dotted, domain in self.domains.items():
            if mutable(dotted, self._tree):
                count = _count(domain)
                found[dotted] = _in_ray(domain, tune, False) if count is None else [*range(count)]
        return found

    def number(self, dotted: str, value: object) -> int | float:
        """Return the number that a value is drawn as."""
        domain = self.domains[dotted]
        if isinstance(domain, Listed):
            return domain.values.index(value)
        assert isinstance(domain, Range)
        assert isinstance(value, int | float)
        return round((value - domain.low) / domain.step) if domain.step else value

    def distribution(self, dotted: str, optuna: ModuleType) -> Any:
        """Return a place as Optuna has it.

        Parameters
        ----------
        dotted : str
            The place.
        optuna : module
            ``optuna.distributions``, which is not imported here.
        """
        domain = self.domains[dotted]
        if isinstance(domain, Listed):
            return optuna.CategoricalDistribution([*range(len(domain.values))])
        assert isinstance(domain, Range)
        count = _count(domain)
        if count is not None:
            return optuna.IntDistribution(0, count - 1)
        if domain.whole:
            return optuna.IntDistribution(int(domain.low), int(domain.high), log=domain.log)
        return optuna.FloatDistribution(domain.low, domain.high, log=domain.log)

    def size(self) -> int:
        """Return how many combinations the entries ``grid`` have."""
        count = 1
        for domain in self.domains.values():
            if isinstance(domain, Listed) and domain.every:
                count *= len(domain.values)
        return count

    def points(self) -> int:
        """Return how many combinations there are in all; the space has a grid."""
        count = 1
        for domain in self.domains.values():
            count *= len(domain.points() or ())
        return count


def _count(domain: Domain) -> int | None:
    """Return how many values there are where Ray draws their number; else None.

    Ray counts steps from 0 rather than from the lower end, and gives ends half their chance.
    """
    if isinstance(domain, Listed):
        return len(domain.values)
    if isinstance(domain, Range) and domain.step:
        return round((domain.high - domain.low) / domain.step) + 1
    return None


def _value(domain: Domain, number: int | float) -> object:
    if isinstance(domain, Listed):
        return domain.values[int(number)]
    if isinstance(domain, Range) and domain.step:
        return domain.at(int(number))
    return int(number) if isinstance(domain, Range) and domain.whole else float(number)


def _in_ray(domain: Domain, tune: ModuleType, grid: bool) -> object:
    count = _count(domain)
    if grid or (isinstance(domain, Listed) and domain.every):
        if count is None:  # whole numbers on a logarithmic scale
            return tune.grid_search(domain.points())
        return tune.grid_search([*range(count)])
    if isinstance(domain, Listed):
        return tune.choice([*range(len(domain.values))])
    if count is not None:
        return tune.randint(0, count)
    assert isinstance(domain, Range)
    if domain.whole:
        return tune.lograndint(int(domain.low), int(domain.high) + 1)
    return (tune.loguniform if domain.log else tune.uniform)(domain.low, domain.high)


def shown(value: object) -> str | int | float | bool | None:
    """Return a value as a cell of a table.

    Examples
    --------
    >>> shown(0.5), shown([32, 64]), shown("adam")
    (0.5, '[32, 64]', 'adam')
    """
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return json.dumps(value)
