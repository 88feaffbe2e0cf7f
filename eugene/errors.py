"""Every exception that eugene raises on purpose."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from seqpro.errors import GoneError as _GoneError
from seqpro.errors import ToolkitError
from seqpro.errors import did_you_mean as did_you_mean
from seqpro.errors import nearest as nearest


class EugeneError(ToolkitError):
    """A mistake that the user can mend: the message says what, where and how."""


class EugeneWarning(UserWarning):
    """Something was guessed, changed or left out, and the message says what."""


class MissingFileError(EugeneError, FileNotFoundError):
    """A file that was named is not there."""


class DataError(EugeneError, ValueError):
    """Data, targets, weights or outputs do not fit what is asked of them."""


class NotARunError(EugeneError):
    """A folder or checkpoint was not written by eugene."""


class RunExistsError(EugeneError):
    """A run folder or a store is there and would be overwritten."""


class ResumeError(EugeneError):
    """A training or step cannot be taken up with what is asked for now; nothing was touched."""


class DoesNotApplyError(EugeneError):
    """A step of a run has nothing to do for this network; the rest of the run goes on."""


class UsageError(EugeneError):
    """The command line cannot be understood."""


class NameClashError(EugeneError, ImportError):
    """Another distribution is installed over one of our import packages."""


class MissingExtraError(EugeneError, ImportError):
    """An optional package is needed and not installed."""


class GoneError(EugeneError, _GoneError):
    """EUGENe had a name that is called otherwise here, or is not here."""


@dataclass(frozen=True)
class Problem:
    """One mistake in a configuration.

    Attributes
    ----------
    path : str
        Where in the tree, such as ``$.model.conv_kwargs.kernels[1]``.
    message : str
        What is wrong, what was expected and, where it can be guessed, what was meant.
    where : str
        ``file:line`` or ``command line``.
    """

    path: str
    message: str
    where: str = ""

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.path}: {self.message}"


class ConfigError(EugeneError):
    """One or more mistakes in a configuration, all of them at once.

    Parameters
    ----------
    problems : iterable of Problem
        The mistakes in the order of the file.

    Examples
    --------
    >>> error = ConfigError([Problem("$.seed", "expected int, got 'x'", "run.yaml:3")])
    >>> print(error)
    1 problem in the configuration:
      run.yaml:3: $.seed: expected int, got 'x'
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        head = f"{count} problem{'s' if count != 1 else ''} in the configuration:"
        super().__init__("\n".join([head, *(f"  {p}" for p in self.problems)]))


class MissingSourceError(ConfigError, MissingFileError):
    """Files that the data of a configuration are read from are not there, all of them at once."""


def no_attribute(module: str, name: str, known: Iterable[object]) -> AttributeError:
    """Return the error for a name that a module does not have.

    Parameters
    ----------
    module, name : str
        Where, and what was asked for.
    known : iterable of object
        What there is.

    Examples
    --------
    >>> print(no_attribute("eugene.evaluate", "curvs", ["curves"]))
    module 'eugene.evaluate' has no attribute 'curvs'; did you mean 'curves'?
    """
    hint = "" if name.startswith("_") else did_you_mean(name, known)
    hint = hint if "did you mean" in hint else ""
    return AttributeError(f"module {module!r} has no attribute {name!r}{hint}")
