"""Curated datasets: what there is, what one is, and the dataset itself."""

from __future__ import annotations

import textwrap
from typing import Any

from eugene._table import aligned
from eugene.cli._call import Call
from eugene.cli._main import say
from eugene.errors import UsageError, did_you_mean

_WIDTH = 80
_UNITS = ("B", "kB", "MB", "GB", "TB")


def _bytes(size: int | None) -> str:
    """Return a number of bytes as people read it."""
    if size is None:
        return "size unknown"
    value, unit = float(size), 0
    while value >= 1000 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.0f} {_UNITS[unit]}" if unit == 0 else f"{value:.1f} {_UNITS[unit]}"


def _wrapped(text: str, *, first: str = "", indent: str = "") -> str:
    """Return a text in lines of 80 columns; addresses and checksums stay whole."""
    return textwrap.fill(
        text, _WIDTH, initial_indent=first, subsequent_indent=indent,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def _list(kind: str | None) -> int:
    import seqdata as sd

    table = sd.datasets.list(kind)
    rows = [
        [row.name, row.kind, "known" if row.verified else "unverified", row.task]
        for row in table.itertuples(index=False)
    ]
    room = [max(len(row[i]) for row in rows) for i in range(3)]
    # the task takes what the other columns leave
    rest = _WIDTH - sum(room) - 2 * len(room)
    say(
        aligned(
            ["name", "kind", "checksums", "task"],
            [[*row[:3], textwrap.shorten(row[3], rest, placeholder="...")] for row in rows],
        )
    )
    if not table["verified"].all():
        say()
        say(
            _wrapped(
                "unverified: the checksum of a file is not known beforehand. Such a dataset is "
                "fetched only with --unverified, and its checksums are pinned then."
            )
        )
    return 0


def _info(name: str) -> int:
    import seqdata as sd

    found: dict[str, Any] = sd.datasets.info(name)
    say(found["name"] if found["verified"] else f"{found['name']} (unverified)")
    say(_wrapped(found["description"], first="  ", indent="  "))
    say()
    for key in ("kind", "task", "citation", "doi", "licence", "source"):
        say(_wrapped(found[key], first=f"{key + ':':<10}", indent=" " * 10))
    if found["options"]:
        say("options:")
    for key, option in found["options"].items():
        choices = f", one of {', '.join(map(str, option['choices']))}" if option["choices"] else ""
        say(_wrapped(f"{key} = {option['default']}{choices}", first="  ", indent="      "))
    if found["files"]:
        say("files:")
    for key, file in found["files"].items():
        needs = "".join(f", for {k} {' or '.join(map(str, v))}" for k, v in file["when"].items())
        state = "" if file["verified"] else ", UNVERIFIED"
        size = _bytes(file["size"])
        say(_wrapped(f"{key}: {file['name']}, {size}{state}{needs}", first="  ", indent="      "))
        if file["sha256"]:
            say(f"      sha256 {file['sha256']}")
        for url in file["urls"] or ("no public address known",):
            say(f"      {url}")
    if not found["verified"]:
        say(_wrapped("UNVERIFIED: fetched only with --unverified; the checksum is pinned then."))
    return 0


def _options(words: list[str]) -> dict[str, str]:
    """Return ``NAME=VALUE`` words as options of a dataset."""
    made = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name.isidentifier():
            message = f"expected an option of the dataset as NAME=VALUE, got {word!r}"
            raise UsageError(message)
        made[name] = value
    reserved = sorted(set(made) & {"out", "files", "mirrors", "unverified", "offline",
                                   "overwrite", "cache_dir", "progress"})  # fmt: skip
    if reserved:
        message = f"{reserved[0]!r} is no option of a dataset; see 'eugene datasets --help'"
        raise UsageError(message)
    return made


def _get(call: Call, name: str, words: list[str]) -> int:
    import seqdata as sd

    options: dict[str, Any] = _options(words)
    ds = sd.datasets.get(
        name,
        out=call.get("out"),
        overwrite=call.has("overwrite"),
        mirrors=call.get("mirror"),
        unverified=call.has("unverified"),
        offline=True if call.has("offline") else None,
        progress=call.progress,
        **options,
    )
    sizes = ", ".join(f"{str(dim).lstrip('_')} {size:,}" for dim, size in ds.sizes.items())
    say(f"{ds.attrs['dataset']}: {sizes}")
    say(f"cite: {sd.datasets.info(name)['citation']}, https://doi.org/{ds.attrs['dataset_doi']}")
    for key in ("fasta", "blacklist"):
        if ds.attrs.get(key):
            say(f"{key}: {ds.attrs[key]}")
    if source := ds.encoding.get("source"):
        say(f"store: {source}")
    return 0


def datasets(call: Call) -> int:
    """List, describe or fetch curated datasets.

    Parameters
    ----------
    call : Call
        ``list [KIND]``, ``info NAME`` or ``get NAME [OPTION=VALUE ...]``.

    Returns
    -------
    int
        Exit code.

    Raises
    ------
    UsageError
        For another word, or one without a name.
    """
    action, *names = call.words
    if action == "list" and len(names) <= 1:
        return _list(names[0] if names else None)
    if action == "info" and len(names) == 1:
        return _info(names[0])
    if action == "get" and names:
        return _get(call, names[0], names[1:])
    hint = did_you_mean(action, ["list", "info", "get"])
    if action in ("list", "info", "get"):
        hint = "" if names else "; 'eugene datasets list' shows the names"
    message = f"expected 'eugene datasets {call.verb.words}', got {' '.join(call.words)!r}{hint}"
    raise UsageError(message)
