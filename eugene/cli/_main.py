"""Entry of the command line: dispatch, messages and exit codes."""

from __future__ import annotations

import contextlib
import errno
import importlib
import itertools
import os
import signal
import sys
import traceback
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from eugene import _guard
from eugene._version import __version__
from eugene.cli._call import Call, help_text, parse_call
from eugene.cli._verbs import PLUGIN, VERBS, Verb, verbs
from eugene.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from eugene.config import Document

OK, FAILED, USER_ERROR, INTERRUPTED, TERMINATED = 0, 1, 2, 130, 143
_USER_ERRORS = {"EugeneError", "SeqproError", "SeqdataError", "SeqexplainerError"}
_RESUMED = "'eugene {} --resume' goes on where it was saved"
_NOTHING_LEFT = "nothing unfinished was left that opens"
_AFTER_STOP = {
    **{verb: _RESUMED.format(verb) for verb in ("fit", "run", "quickstart")},
    "tune": "'eugene tune --resume' goes on with it: finished trials are kept",
    "select": "'eugene select run' goes on with it: finished runs are kept",
    "datasets": "the same command goes on with what was fetched",
}
_DISK = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "a file would be larger than this account may write",
    errno.EROFS: "the file system is read-only",
}


def say(text: str = "") -> None:
    """Write a line of results to stdout."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def complain(text: str) -> None:
    """Write a line to stderr."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def usage() -> str:
    """Return the help of ``eugene`` itself."""
    width = max(map(len, VERBS)) + 2
    lines = [
        f"eugene {__version__}: from sequence files to a trained model to an explanation",
        "",
        "usage: eugene VERB [options]",
        "",
        *(f"  {verb.name:<{width}}{verb.summary}" for verb in VERBS.values()),
        "",
        "example:  eugene quickstart",
        "'eugene VERB --help' shows the options and an example of each verb.",
    ]
    return "\n".join(lines)


def is_user_error(error: BaseException) -> bool:
    """Tell whether an error is something the user can mend.

    Examples
    --------
    >>> is_user_error(UsageError("no")), is_user_error(RuntimeError("no"))
    (True, False)
    """
    names = {base.__name__ for base in type(error).__mro__}
    return bool(names & _USER_ERRORS) or isinstance(error, OSError)


def describe(error: BaseException) -> str:
    """Return the message for the terminal."""
    if isinstance(error, OSError) and error.errno in _DISK:
        what = f" ({error.filename})" if error.filename else ""
        return f"{_DISK[error.errno]}{what}; nothing unfinished was left that opens"
    if is_user_error(error):
        return str(error) or type(error).__name__
    return f"{type(error).__name__}: {error}"


def _dispatch(arguments: list[str]) -> int:
    if not arguments or arguments[0] in {"--help", "-h", "help"}:
        say(usage())
        return OK
    if arguments[0] in {"--version", "-V"}:
        say(f"eugene {__version__}")
        return OK
    name, *rest = arguments
    verb = VERBS.get(name) or _own_verb(name, rest)
    call = parse_call(verb, rest)
    _load_plugins(call.plugins)
    if call.wants_help:
        say(help_text(call, _help_document(call)))
        return OK
    module, _, attribute = verb.target.partition(":")
    result = getattr(importlib.import_module(module), attribute)(call)
    return OK if result is None else int(result)


def _load_plugins(plugins: Sequence[str]) -> None:
    if plugins:
        from eugene.config import load_plugin

        for plugin in plugins:
            load_plugin(plugin)


def _own_verb(name: str, words: list[str]) -> Verb:
    """Return the verb of a step that a plugin has, one that was typed or one that is installed."""
    from eugene.config.registries import STEPS

    words = [part for word in words for part in word.split("=", 1)]
    _load_plugins([after for word, after in itertools.pairwise(words) if word == PLUGIN.flag])
    list(STEPS)  # loads what is installed
    known = verbs()
    if name not in known:
        message = f"there is no verb {name!r}{did_you_mean(name, known)}; see 'eugene --help'"
        raise UsageError(message)
    return known[name]


def _help_document(call: Call) -> Document | None:
    source = call.config_file
    if source is None and call.verb.words == "RECIPE" and call.words:
        source = call.words[0]
    if not call.verb.configured or (source is None and not call.overrides):
        return None
    from eugene.config import Document, apply_overrides, find_recipe, parse_file

    if source is not None:
        document = parse_file(find_recipe(source))
    else:
        document = Document({section: {} for section in call.verb.sections or ("data", "model")})
    apply_overrides(document, call.overrides)
    return document


def _wait_politely() -> None:
    """Let idle OpenMP threads sleep instead of spinning, unless the user said otherwise.

    Where another process holds a core, threads that spin at every barrier make training ten
    times slower. OpenMP reads this once, when torch loads it, so it is set before; only the
    process of the command line itself does this, never an import.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")


@contextlib.contextmanager
def _terminable(ended: list[int]) -> Iterator[None]:
    """Let SIGTERM, as schedulers send it, end the work as Ctrl-C does: with a record and a word."""

    def stop(number: int, frame: object) -> None:
        ended.append(number)
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGTERM, stop)
    except ValueError:
        # signals belong to the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL if before is None else before)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        Words after ``eugene``; those of the process by default.

    Returns
    -------
    int
        0 if all went well, 1 for a failure inside, 2 for something that the user can mend, 130
        after Ctrl-C and 143 after SIGTERM.

    Examples
    --------
    >>> main(["--version"])  # doctest: +ELLIPSIS
    eugene ...
    0
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if arguments is None:
        _wait_politely()
    ended: list[int] = []
    try:
        with _terminable(ended):
            _guard.check()
            return _dispatch(words)
    except KeyboardInterrupt:
        complain(f"stopped; {_AFTER_STOP.get(words[0], _NOTHING_LEFT)}")
        return TERMINATED if ended else INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return OK
    except Exception as error:
        if "--debug" in words:
            traceback.print_exc()
        if is_user_error(error):
            complain(f"error: {describe(error)}")
            return USER_ERROR
        hint = "" if "--debug" in words else " (--debug shows where)"
        complain(f"failed: {describe(error)}{hint}")
        return FAILED
