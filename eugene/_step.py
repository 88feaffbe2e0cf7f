"""What a step of a run is: all that the program knows of it, said in the step's own file."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from eugene._verb import Verb
from eugene.errors import EugeneError

if TYPE_CHECKING:
    import torch

    from eugene._folder import RunFolder
    from eugene.config import RunConfig
    from eugene.report._blocks import Section
    from eugene.runs._run import Run

When = Literal["train", "later", "last"]
Settings = dict[str, Any]
Faults = Iterator[tuple[str, str]]
"""What is wrong: the key of the step's section, empty for the section itself, and the message."""
Maker = Callable[[Callable[..., object]], "Step"]


class Part(NamedTuple):
    """A section of the report.

    Attributes
    ----------
    id : str
        Name of its place on the page.
    title : str
        Its heading.
    fill : callable
        Adds to the section what the files of a run hold; a section left empty is not shown.
    asks : str
        Line at the top of a YAML file that asks for it, such as ``tune: {num_samples: 20}``,
        where the section of its step does not.
    """

    id: str
    title: str
    fill: Callable[[Section, RunFolder], None]
    asks: str = ""


@dataclass(frozen=True)
class Step:
    """One step of a run; made by `step`.

    Attributes
    ----------
    function : callable
        Does it, given the run; its keyword parameters are the keys of the step's section.
    name : str
        Its name, which is that of its file.
    when : str
        ``train`` for what comes before there is a network, ``later``, or ``last``.
    section : str
        Section of the YAML file that is given to the function; by default ``interpret.NAME`` if
        the function has keyword parameters. A step with such a section is done if the file has it.
    done_with : tuple of str
        Sections whose change makes the step be done again; by default ``section``.
    needs : mapping of str to str
        Steps that have to be done before it, and what they give, in words.
    extra : str
        Extra of the distribution that it needs.
    split : str
        Rows that it needs, where its section has no key ``split``.
    look : callable, optional
        Faults that show before anything is built, from the configuration and the settings.
    fits : callable, optional
        Faults that data and network show, before anything is trained.
    along : tuple of str
        Steps that it is done with, without being asked for.
    again : bool
        Whether it is done again whenever it comes by.
    recorded : bool
        Whether beginning and end are recorded for it; if not, the function does so.
    writes : mapping of str to str
        Files in the run folder, and what they hold, in words.
    measures : str
        One of the files that it writes, whose ``metrics`` are figures of the network: `compare`
        and summaries of replicates have them as columns, and every replicate does the step.
    report : tuple of Part
        Its sections of the report.
    verb : Verb, optional
        Its word of the command line.
    """

    function: Callable[..., object]
    name: str
    when: When = "later"
    section: str = ""
    done_with: tuple[str, ...] = ()
    needs: Mapping[str, str] = field(default_factory=dict)
    extra: str = ""
    split: str | None = None
    look: Callable[[RunConfig, Settings], Faults] | None = None
    fits: Callable[[Run, torch.nn.Module, Settings], Faults] | None = None
    along: tuple[str, ...] = ()
    again: bool = False
    recorded: bool = True
    writes: Mapping[str, str] = field(default_factory=dict)
    measures: str = ""
    report: tuple[Part, ...] = ()
    verb: Verb | None = None

    @property
    def __wrapped__(self) -> Callable[..., object]:
        """The function, whose signature is that of the step's section."""
        return self.function

    def settings(self, config: RunConfig) -> Settings:
        """Return the step's section of a configuration, with the defaults of its function."""
        parameters = inspect.signature(self.function).parameters.values()
        defaults = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
        return {**defaults, **config.section(self.section)} if self.section else {}

    def is_asked(self, config: RunConfig) -> bool:
        """Tell whether a configuration asks for the step once there is a network."""
        outer, _, key = self.section.rpartition(".")
        if self.when == "train" or self.along:
            return False
        return not outer or config.section(outer).get(key) is not None

    def __call__(self, run: Run, **given: object) -> None:
        """Do the step, and record that it was done.

        Parameters
        ----------
        run : Run
            The run.
        **given : object
            Arguments that the configuration does not have.
        """
        settings = run.config.section(self.section) if self.section else {}
        recorded = run.folder.step(self.name) if self.recorded else contextlib.nullcontext()
        with recorded:
            self.function(run, **{**settings, **given})


def step(*, section: str = "", done_with: tuple[str, ...] = (), **said: Any) -> Maker:
    """Make a step of a run out of a function.

    Parameters
    ----------
    section, done_with, **said
        The attributes of `Step`.

    Returns
    -------
    callable
        Takes the function and gives the `Step`.

    Examples
    --------
    >>> @step(writes={"interpretation/count.json": "number of test rows"})
    ... def count(run, *, split: str = "test"):
    ...     run.folder.write_json("interpretation/count.json", {"n": len(run.rows(split))})
    >>> count.name, count.section
    ('count', 'interpret.count')
    """

    def made(function: Callable[..., object]) -> Step:
        name = function.__name__
        keys = inspect.getfullargspec(function).kwonlyargs
        own = section or (f"interpret.{name}" if keys and not done_with else "")
        return Step(function, name, section=own, done_with=done_with or (own,) * bool(own), **said)

    return made


def steps() -> dict[str, Step]:
    """Return every step by its name, in the order in which they are done.

    Raises
    ------
    EugeneError
        If a step is registered under another name than its function has.

    Examples
    --------
    >>> list(steps())[:3], list(steps())[-1]
    (['data', 'fit', 'test'], 'report')
    """
    from eugene.config.registries import STEPS

    found: list[Step] = []
    for name in STEPS.entered:
        given = STEPS.get(name)
        found.append(given if isinstance(given, Step) else step()(given))
        if found[-1].name != name:
            raise EugeneError(
                f"the step {name!r} is a function called {found[-1].name!r}: expected one name, "
                "which is that of its section too"
            )
    order = ("train", "later", "last")
    return {one.name: one for one in sorted(found, key=lambda one: order.index(one.when))}
