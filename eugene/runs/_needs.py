"""What the steps of a run need, asked before anything is built or trained."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from eugene import _optional
from eugene._step import Faults, Step, steps
from eugene.config import RunConfig
from eugene.errors import ConfigError, EugeneError, Problem

if TYPE_CHECKING:
    import torch

    from eugene.runs._run import Run


def _placed(config: RunConfig, section: str, faults: Faults) -> Iterator[Problem]:
    """Yield faults with their lines; a path that is not whole is one of the section."""
    for key, message in faults:
        path = key if key.startswith("$") else f"$.{section}.{key}".rstrip(".")
        yield config.document.problem(path, message)


def _motifs(key: str, source: str) -> Faults:
    """Yield what is wrong with a motif file."""
    from eugene.interpret import read_motifs

    try:
        read_motifs(source)
    except (EugeneError, OSError, ValueError) as error:
        yield key, str(error)


def _start(weights: str | None) -> Faults:
    """Yield that weights to start from are not there."""
    if weights is not None:
        from eugene.models import check_weights_named

        try:
            check_weights_named(weights)
        except EugeneError as error:
            yield "weights", str(error)


def _before(step: Step, config: RunConfig) -> Faults:
    """Yield what a step lacks that shows without data."""
    settings = step.settings(config)
    # the set that comes with the package is there, and reading it loads NumPy and numba
    if settings.get("motif_db", "embedded") != "embedded":
        yield from _motifs("motif_db", settings["motif_db"])
    if step.look is not None:
        yield from step.look(config, settings)
    for module in _optional.EXTRAS.get(step.extra, ()):
        if not _optional.present(module):
            message = (
                f"needs the package {module!r}, which is not installed; leave the section out, "
                f"or install it with: pip install 'eugene-genomics[{step.extra}]'"
            )
            yield "", message


def _loggers(config: RunConfig) -> Iterator[Problem]:
    """Yield packages that loggers need and that are not installed."""
    for index, section in enumerate(config.section("trainer").get("loggers") or ()):
        name = str(section.get("name"))
        for module in _optional.EXTRAS.get(name, ()):
            if not _optional.present(module):
                message = (
                    f"needs the package {module!r}, which is not installed; leave it out, or "
                    f"install it with: pip install 'eugene-genomics[{name}]'"
                )
                yield config.document.problem(f"$.trainer.loggers[{index}]", message)


def _absent(config: RunConfig) -> Iterator[Problem]:
    """Yield files of shipped recipes that are not here, with a word on how to get each."""
    from eugene.runs._public import how_to_get
    from eugene.runs._sources import missing_files

    for key, path in missing_files(config):
        if how := how_to_get(path):
            yield config.document.problem(f"$.{key}", f"{path} is not here. To get it: {how}")


def _augmenting(config: RunConfig) -> list[Problem]:
    """Return what is wrong with augmentations, each of which can be made without data."""
    if not config.section("augment"):
        return []
    from eugene.runs._network import build_augmenter

    try:
        build_augmenter(config, str(config.section("data").get("alphabet") or "DNA"))
    except ConfigError as error:
        return list(error.problems)
    return []


def require_files(config: RunConfig) -> None:
    """Raise where a motif file or weights are missing, or a package, or a step of another.

    Parameters
    ----------
    config : RunConfig
        The run; no data are needed.

    Raises
    ------
    ConfigError
        With every one of them, its line, and how to mend it.
    """
    found: list[Problem] = [*_loggers(config), *_absent(config)]
    for step in steps().values():
        if step.is_asked(config):
            found += _placed(config, step.section, _before(step, config))
    sources = config.section("model.init").get("motif_files") or ()
    for i, source in enumerate(sources):
        found += _placed(config, "model.init", _motifs(f"motif_files[{i}]", source))
    found += _placed(config, "model", _start(config.section("model").get("weights")))
    found += _augmenting(config)
    if found:
        raise ConfigError(found)


def require_fitting(run: Run, arch: torch.nn.Module, later: Iterable[str]) -> None:
    """Raise where the data or the network lack what a later step needs.

    Parameters
    ----------
    run : Run
        With its data; nothing is trained yet.
    arch : torch.nn.Module
        The network, trained or not.
    later : iterable of str
        Steps that will follow, as `wanted_steps` lists them.

    Raises
    ------
    ConfigError
        With every one of them.
    """
    found: list[Problem] = []
    listed = list(later)
    for name, step in steps().items():
        # an output that is not there is told of every section, whether its step follows or not
        if name in listed or run.config.section(step.section):
            found += _placed(run.config, step.section, _output(step, run))
        if name in listed:
            found += _placed(run.config, step.section, _within(step, run, arch, listed))
    if found:
        raise ConfigError(list(dict.fromkeys(found)))


def _output(step: Step, run: Run) -> Faults:
    """Yield that a step asks for an output that the network lacks."""
    target = step.settings(run.config).get("target")
    if isinstance(target, int) and not -run.output_dim <= target < run.output_dim:
        last = run.output_dim - 1
        rest = f" to {last}" if last else ""
        yield "target", f"the network has no output {target}: expected 0{rest}"


def _within(step: Step, run: Run, arch: torch.nn.Module, listed: list[str]) -> Faults:
    """Yield what data and network lack that a step needs."""
    settings = step.settings(run.config)
    for other, what in step.needs.items():
        if other not in listed:
            yield "", f"needs {what}: add '{other}:' beside it"
    split = settings.get("split", step.split)
    if split is not None and not len(run.rows(split)):
        message = f"the split leaves no {split} rows, which the step {step.name!r} needs"
        yield "", f"{message}; change data.split"
    if step.fits is not None:
        yield from step.fits(run, arch, settings)
