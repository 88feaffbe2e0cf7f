"""From the words of a command line to a verb, its options and its overrides."""

from __future__ import annotations

import math
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from eugene._verb import COMMON, CONFIG, HELP_ALL, PLUGIN, PRINT_CONFIG, Option, Verb
from eugene.errors import UsageError, did_you_mean, nearest

if TYPE_CHECKING:
    from eugene.config import Document

Default = TypeVar("Default", int, float, None)


@dataclass(frozen=True)
class Call:
    """A parsed command line.

    Attributes
    ----------
    verb : Verb
        What is to be done.
    words : tuple of str
        What stands after the verb without dashes.
    options : dict of str to str
        Options that were given, by Python name; switches have the value ``""``.
    overrides : tuple of (str, str)
        Dotted key and text, in the order given.
    """

    verb: Verb
    words: tuple[str, ...] = ()
    options: dict[str, str] = field(default_factory=dict)
    overrides: tuple[tuple[str, str], ...] = ()

    def has(self, name: str) -> bool:
        """Tell whether a switch or option was given."""
        return name in self.options

    def get(self, name: str) -> str | None:
        """Return an option's value, its default, or ``None``."""
        if name in self.options:
            return self.options[name]
        return next((o.default for o in self.verb.options if o.name == name), None)

    def whole(self, name: str, default: Default, least: int = 0) -> int | Default:
        """Return an option that is a whole number, ``default`` where it is not given.

        Raises
        ------
        UsageError
            If it is none, or below ``least``.
        """
        text = self.get(name)
        if text is None:
            return default
        if not text.isdigit() or int(text) < least:
            expected = f"expected a whole number, {least} or more"
            raise UsageError(f"{self._flag(name)} is {text!r}, {expected}")
        return int(text)

    def number(self, name: str, default: Default, least: float = -math.inf) -> float | Default:
        """Return an option that is a number, ``default`` where it is not given.

        Raises
        ------
        UsageError
            If it is none, or below ``least``.
        """
        text = self.get(name)
        if text is None:
            return default
        try:
            found = float(text)
        except ValueError:
            found = math.nan
        if not found >= least:
            expected = "expected a number" + (f" from {least:g}" if least > -math.inf else "")
            raise UsageError(f"{self._flag(name)} is {text!r}, {expected}")
        return found

    def action(self, known: Sequence[str]) -> tuple[str, list[str]]:
        """Return the first word, which says what is to be done, and those behind it.

        Raises
        ------
        UsageError
            If it is none of those known.
        """
        action, *rest = self.words
        if action not in known:
            hint = did_you_mean(action, known)
            usage = f"expected 'eugene {self.verb.name} {self.verb.words}'"
            raise UsageError(f"{usage}, got {action!r}{hint}")
        return action, rest

    def _flag(self, name: str) -> str:
        return next((o.flag for o in self.verb.options if o.name == name), f"--{name}")

    @property
    def wants_help(self) -> bool:
        """Whether help is asked for, short or whole."""
        return self.has("help") or self.has("help_all")

    @property
    def config_file(self) -> str | None:
        """The configuration: ``--config``, or the first word where it names a file."""
        word = self.words[0] if self.words and self.verb.configured else ""
        named = word.endswith((".yaml", ".yml")) and self.verb.name != "data"
        if named and self.has("config"):
            raise UsageError(f"{word} and --config {self.get('config')}: give one configuration")
        return word if named else self.get("config")

    @property
    def run_dir(self) -> str | None:
        """The run that is named by a word or ``--run_dir``."""
        word = self.words[0] if self.words else None
        chosen = dict(self.overrides).get("run_dir")
        return word if word is not None and word != self.config_file else chosen

    @property
    def plugins(self) -> tuple[str, ...]:
        """Modules and files that are to be imported first."""
        return tuple(word for word in (self.get("plugin") or "").split(",") if word)

    @property
    def progress(self) -> bool:
        """Whether bars are drawn: only on a terminal."""
        return sys.stderr.isatty() and not self.has("quiet")


def verb_options(verb: Verb) -> tuple[Option, ...]:
    """Return every option that a verb takes, apart from overrides."""
    if not verb.configured:
        return (*verb.options, *COMMON)
    return (CONFIG, PRINT_CONFIG, *verb.options, PLUGIN, COMMON[0], HELP_ALL, *COMMON[1:])


def _value(flag: str, inline: str | None, rest: list[str]) -> str:
    if inline is not None:
        return inline
    if not rest or (rest[0].startswith("--") and len(rest[0]) > 2):
        raise UsageError(f"{flag} needs a value")
    return rest.pop(0)


def parse_call(verb: Verb, arguments: Sequence[str]) -> Call:
    """Sort the words after a verb into options, overrides and plain words.

    Parameters
    ----------
    verb : Verb
        What is to be done.
    arguments : sequence of str
        What was typed after it.

    Returns
    -------
    Call
        Overrides are not judged here: only the configuration knows them.

    Raises
    ------
    UsageError
        If an option is unknown or lacks its value, or the number of words is wrong.

    Examples
    --------
    >>> from eugene.cli._verbs import VERBS
    >>> call = parse_call(VERBS["fit"], ["--config", "a.yaml", "--trainer.max_epochs=5"])
    >>> call.options, call.overrides
    ({'config': 'a.yaml'}, (('trainer.max_epochs', '5'),))
    """
    known = {name: o for o in verb_options(verb) for name in (o.flag, *o.aliases)}
    known.setdefault(HELP_ALL.flag, HELP_ALL)
    known |= {
        option.flag.replace("-", "_").replace("__", "--", 1): option for option in [*known.values()]
    }
    rest = ["--help" if item == "-h" else item for item in arguments]
    words: list[str] = []
    options: dict[str, str] = {}
    overrides: list[tuple[str, str]] = []
    while rest:
        item = rest.pop(0)
        if item == "--":
            words += rest
            break
        if not item.startswith("--"):
            words.append(item)
            continue
        flag, equals, text = item.partition("=")
        inline = text if equals else None
        option = known.get(flag)
        if option is not None:
            if option.key:
                overrides.append((option.key, _value(flag, inline, rest)))
            elif option.metavar:
                before = [options[option.name]] if option.many and option.name in options else []
                options[option.name] = ",".join([*before, _value(flag, inline, rest)])
            elif inline is None:
                options[option.name] = ""
            else:
                raise UsageError(f"{flag} is a switch and takes no value, got {inline!r}")
            continue
        dotted = flag[2:]
        sections = _sections(verb)
        if dotted.partition(".")[0] not in sections:
            choices = [o.flag for o in verb_options(verb)]
            choices += [f"--{section}" for section in sections]
            own = nearest(flag, choices, cutoff=0.85)
            hint = _key_hint(verb, dotted)
            hint = hint if not own or f".{dotted}'" in hint else ""  # a key of just that name
            hint = hint or did_you_mean(flag.partition(".")[0], choices)
            raise UsageError(
                f"'eugene {verb.name}' has no option {flag}{hint}; see 'eugene {verb.name} --help'"
            )
        overrides.append((dotted, _value(flag, inline, rest)))
    call = Call(verb, tuple(words), options, tuple(overrides))
    if not call.wants_help:
        _count_words(call)
    return call


def _sections(verb: Verb) -> tuple[str, ...]:
    """Return the keys at the top of a configuration, if the verb takes one."""
    if not verb.configured:
        return ()
    from eugene.config.schema import SECTIONS

    return SECTIONS


def _key_hint(verb: Verb, dotted: str) -> str:
    """Return the configuration keys that end in what was typed without its section, as a hint."""
    if not verb.configured or "." in dotted:
        return ""
    from eugene.config import Document as Empty
    from eugene.config._keys import keys_of

    typed = dotted.replace("-", "_")
    names = [key.dotted for key in keys_of(Empty(_every_section())) if key.section]
    last = {name: name.rpartition(".")[2] for name in names}
    found = [name for name in names if last[name] == typed]
    if not found:
        found = [name for name in names if last[name].endswith(f"_{typed}")]
    if not found:
        close = nearest(typed, sorted(set(last.values())), cutoff=0.75)
        found = [name for name in names if last[name] == close]
    own = [name for name in found if f".{verb.name}." in name]
    outer = [name for name in found if not name.startswith("interpret.")]
    best = (own or outer or found)[:3]
    return "; did you mean " + " or ".join(f"'--{name}'" for name in best) + "?" if best else ""


def _every_section() -> dict[str, object]:
    """Return a configuration that leaves no section out and fills none."""
    from eugene.config.schema import interpret_steps

    interpret: dict[str, object] = {name: {} for name in interpret_steps()}
    return {"data": {}, "model": {}, "interpret": interpret, "replicates": {}}


def _count_words(call: Call) -> None:
    verb, count = call.verb, len(call.words)
    if count < verb.minimum or (verb.maximum is not None and count > verb.maximum):
        words = f" {verb.words}" if verb.words else ""
        surplus = f"; not understood: {' '.join(call.words)!r}" if call.words else ""
        message = f"usage: eugene {verb.name}{words} [options]{surplus}. Example: {verb.example}"
        raise UsageError(message)


def help_text(call: Call, document: Document | None = None) -> str:
    """Return the help of a verb.

    Parameters
    ----------
    call : Call
        The verb is what matters.
    document : Document, optional
        A configuration: the arguments of the things that it names are listed too.

    Returns
    -------
    str
        Usage, example, options, and the keys of the configuration with types and defaults.
    """
    verb = call.verb
    words = f" {verb.words}" if verb.words else ""
    overrides = " [--section.key VALUE ...]" if verb.configured else ""
    lines = [
        f"usage: eugene {verb.name}{words} [options]{overrides}",
        "",
        f"{verb.summary[0].upper()}{verb.summary[1:]}.",
        "",
        f"example:  {verb.example}",
        "",
        "options:",
    ]
    shown = [(f"{o.flag} {o.metavar}".strip(), o) for o in verb_options(verb)]
    width = max(len(text) for text, _ in shown) + 2
    for text, option in shown:
        tail = f" (default: {option.default})" if option.default else ""
        tail += f" (also {', '.join(option.aliases)})" if option.aliases else ""
        lines.append(f"  {text:<{width}}{option.help}{tail}")
    if verb.configured and (document is not None or call.has("help_all")):
        lines += ["", *_config_help(document, verb.sections)]
    elif verb.configured:
        lines += [
            "",
            "Every key of the configuration is an option too (--trainer.max_epochs 5):",
            f"'eugene {verb.name} --help-all' lists them, with a configuration also those of what",
            "it names.",
        ]
    return "\n".join(lines)


def _config_help(document: Document | None, sections: tuple[str, ...]) -> list[str]:
    from eugene.config import Document as Empty
    from eugene.config._keys import keys_of

    lines = ["configuration keys, each also an option (--trainer.max_epochs 5):"]
    if document is None:
        document = Empty(_every_section())
        lines.append(
            "(--config FILE.yaml or --data.name NAME lists the arguments of what they name)"
        )
    section = None
    for key in keys_of(document):
        if sections and key.section.partition(".")[0] not in sections:
            continue
        if key.section != section:
            section = key.section
            lines += ["", f"{section or 'run'}:"]
        default = f" (default: {key.default})" if key.default else ""
        lines.append(f"  --{key.dotted}  {key.expected}")
        lines += textwrap.wrap(
            f"{key.text}{default}", 96, initial_indent=" " * 8, subsequent_indent=" " * 8
        )
    return lines
