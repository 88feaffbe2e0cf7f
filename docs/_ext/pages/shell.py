"""The verbs of the command line, from their declarations."""

from __future__ import annotations

from collections.abc import Iterator

from eugene._verb import Option, Verb
from eugene.cli._call import verb_options
from eugene.cli._main import FAILED, INTERRUPTED, OK, TERMINATED, USER_ERROR
from eugene.cli._verbs import VERBS
from pages._markdown import code, page, plain, table

PAGE = "reference/made/shell.md"


def _row(option: Option) -> list[str]:
    words = [plain(option.help)]
    if option.key:
        words.append(f"The same as `--{option.key}`.")
    if option.many:
        words.append("May be given several times.")
    if option.aliases:
        words.append(f"Also {', '.join(map(code, option.aliases))}.")
    flag = f"{option.flag} {option.metavar}".strip()
    return [code(flag), code(option.default or ""), " ".join(words)]


def verb_part(verb: Verb) -> str:
    """Return the part of the page on one verb."""
    configured = " [--section.key VALUE ...]" if verb.configured else ""
    words = f" {verb.words}" if verb.words else ""
    return "\n".join(
        [
            f"## `eugene {verb.name}`\n",
            f"{plain(verb.summary[0].upper() + verb.summary[1:])}.\n",
            f"```text\neugene {verb.name}{words} [options]{configured}\n```\n",
            f"Example: `{verb.example}`\n",
            table(["option", "default", ""], map(_row, verb_options(verb))),
        ]
    )


def _codes() -> Iterator[list[str]]:
    meanings = {
        OK: "all went well",
        FAILED: "something failed inside: please report it",
        USER_ERROR: "something that you can mend; the message says how",
        INTERRUPTED: "stopped by Ctrl-C",
        TERMINATED: "stopped by SIGTERM, as schedulers send it",
    }
    yield from ([str(number), text] for number, text in meanings.items())


def pages() -> dict[str, str]:
    """Return the page of all verbs."""
    intro = (
        "`eugene --help` lists the verbs, `eugene VERB --help` shows the options of one, and "
        "`eugene VERB --help-all` every key of the configuration besides. A verb that takes a "
        "configuration takes each of its keys as an option: `--trainer.max_epochs 5`."
    )
    overview = table(
        ["verb", ""],
        ([f"[`{v.name}`](#eugene-{v.name})", plain(v.summary)] for v in VERBS.values()),
    )
    codes = table(["exit code", "meaning"], _codes())
    parts = map(verb_part, VERBS.values())
    return {PAGE: page("Shell", intro, overview, codes, *parts)}
