"""Curated datasets: what there is, what one is, and the dataset itself."""

from __future__ import annotations

from typing import Any

from eugene.cli._call import Call
from eugene.cli._main import say
from eugene.errors import UsageError, did_you_mean

_UNITS = ("B", "kB", "MB", "GB", "TB")


def _bytes(size: int | None) -> str:
    """Return a number of bytes as people read it."""
    if size is None:
        return "size unknown"
    value, unit = float(size), 0
    while value >= 1000 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.0f} {_UNITS[unit]}" if unit == 0 else f"{value:.1f} {_UNITS[unit]}"


def _list(kind: str | None) -> int:
    import seqdata as sd

    table = sd.datasets.list(kind)
    width = int(table["name"].str.len().max()) + 2
    for row in table.itertuples(index=False):
        mark = "" if row.verified else "  (unverified)"
        say(f"{row.name:<{width}}{row.kind:<11}{row.task}{mark}")
    return 0


def _info(name: str) -> int:
    import seqdata as sd

    found = sd.datasets.info(name)
    say(f"{found['name']}: {found['description']}")
    for key in ("kind", "task", "citation", "doi", "licence", "source"):
        say(f"{key}: {found[key]}")
    if found["options"]:
        say("options:")
    for key, option in found["options"].items():
        choices = f", one of {', '.join(map(str, option['choices']))}" if option["choices"] else ""
        say(f"  {key} = {option['default']}{choices}")
    if found["files"]:
        say("files:")
    for key, file in found["files"].items():
        state = f"sha256 {file['sha256']}" if file["verified"] else "unverified"
        needs = "".join(f", {k} {' or '.join(map(str, v))}" for k, v in file["when"].items())
        say(f"  {key}: {file['name']}, {_bytes(file['size'])}, {state}{needs}")
        for url in file["urls"] or ("no public address known",):
            say(f"      {url}")
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
    message = f"expected 'eugene datasets {call.verb.words}', got {' '.join(call.words)!r}{hint}"
    raise UsageError(message)
