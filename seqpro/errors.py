"""Errors of seqpro, and what the errors of all four packages share.

`ToolkitError` is the base of every error that one of the packages raises on purpose, and
`did_you_mean` the one judge of what a wrong name may have meant.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class ToolkitError(Exception):
    """Base of every error that seqpro, seqdata, seqexplainer or eugene raises on purpose.

    Examples
    --------
    >>> import seqpro as sp
    >>> issubclass(sp.errors.SeqproError, sp.errors.ToolkitError)
    True
    """


class SeqproError(ToolkitError, ValueError):
    """Base of every error that seqpro raises on purpose.

    Examples
    --------
    >>> import seqpro as sp
    >>> issubclass(sp.errors.SeqproError, ValueError)
    True
    """


class GoneError(ToolkitError, AttributeError):
    """EUGENe had a name that is called otherwise here, or is not here."""


class GoneImportError(ToolkitError, ImportError):
    """What `GoneError` says, where the name is imported."""


class AlphabetError(SeqproError):
    """An alphabet that contradicts itself, or data that do not fit the alphabet."""


class AxisError(SeqproError):
    """An axis that the array does not have, or that was needed and not named."""


class MotifFormatError(SeqproError):
    """A motif file that cannot be read; the message names file and line."""


class MissingMotifFileError(SeqproError, FileNotFoundError):
    """A motif file that does not exist."""


def nearest(name: object, choices: Iterable[object], *, cutoff: float = 0.6) -> str | None:
    """Return the choice that a wrong name is most like, case aside where nothing else fits.

    Parameters
    ----------
    name : object
        What was given.
    choices : iterable of object
        What exists.
    cutoff : float
        How alike they must be, from 0 to 1.

    Returns
    -------
    str or None

    Examples
    --------
    >>> nearest("adma", ["adam", "sgd"]), nearest("SGD", ["adam", "sgd"]), nearest("x", ["sgd"])
    ('adam', 'sgd', None)
    >>> nearest("ccn", ["cnn", "fcn"])
    'cnn'
    """
    known = {str(choice): str(choice) for choice in choices}
    for word, names in (
        (str(name), known),
        (str(name).lower(), {choice.lower(): choice for choice in known}),
    ):
        close = difflib.get_close_matches(word, list(names), n=5, cutoff=cutoff)
        if close:
            # of equals the one that begins alike
            like = {one: difflib.SequenceMatcher(None, one, word).ratio() for one in close}
            return names[max(close, key=lambda one: (like[one], one[:1] == word[:1]))]
    return None


def did_you_mean(
    name: object, choices: Iterable[object], *, listed: int = 12, sentence: bool = False
) -> str:
    """Return the end of an error message about a name that is not among the choices.

    Parameters
    ----------
    name : object
        What was given.
    choices : iterable of object
        What exists.
    listed : int
        At most so many choices are listed when none is close; 0 for none.
    sentence : bool
        Whether the hint is a sentence of its own or goes on with the one before.

    Returns
    -------
    str
        The nearest choice, or the list of them, or ``""`` where there are none.

    Examples
    --------
    >>> did_you_mean("adma", ["adam", "sgd"])
    "; did you mean 'adam'?"
    >>> did_you_mean("zzz", ["sgd", "adam"])
    '; one of adam, sgd'
    >>> did_you_mean("sequnce", ["id", "sequence"], sentence=True)
    " Did you mean 'sequence'?"
    >>> did_you_mean("zzz", ["sgd", "adam"], sentence=True)
    " There are: 'sgd', 'adam'."
    """
    known = [str(choice) for choice in choices]
    if not sentence and str(name) in known:
        return ""  # the name is not what was wrong
    close = nearest(name, known)
    if close is not None:
        return f" Did you mean {close!r}?" if sentence else f"; did you mean {close!r}?"
    if not known or not listed:
        return ""
    more = f", ... ({len(known)} in all)" if len(known) > listed else ""
    if sentence:
        return f" There are: {', '.join(map(repr, known[:listed]))}{more}."
    return f"; one of {', '.join(sorted(known)[:listed])}{more}"
