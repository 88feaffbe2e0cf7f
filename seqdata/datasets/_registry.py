"""What curated datasets there are: the registry file, checked and looked up."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seqdata.errors import DatasetError, did_you_mean

REGISTRY_FILE = Path(__file__).with_name("registry.yaml")
KINDS = ("sequences", "motifs", "genome")
DOI = re.compile(r"10\.\d{4,9}/[^\s\"<>]+")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_ENTRY_FIELDS = {
    "kind", "task", "description", "citation", "doi", "licence", "source", "builder", "options",
    "files", "sizes", "requires",
}  # fmt: skip
_FILE_FIELDS = {"urls", "name", "sha256", "size", "verified", "when"}


@dataclass(frozen=True)
class Option:
    """A choice that a dataset offers.

    Attributes
    ----------
    default : Any
        Value where none is given.
    choices : tuple
        Values that are allowed; empty if any value is.
    """

    default: object = None
    choices: tuple[object, ...] = ()


@dataclass(frozen=True)
class SourceFile:
    """One file of a dataset.

    Attributes
    ----------
    key : str
        What the builder calls it.
    name : str
        File name in the cache.
    urls : tuple of str
        Addresses, in the order they are tried; empty where no public address is known.
    sha256 : str or None
        Checksum of the bytes as they are served.
    size : int or None
        Number of bytes.
    verified : bool
        Whether the checksum comes from a cited source or from the bytes themselves.
    when : dict of str to tuple
        The file belongs to a choice of options only.
    """

    key: str
    name: str
    urls: tuple[str, ...] = ()
    sha256: str | None = None
    size: int | None = None
    verified: bool = False
    when: Mapping[str, tuple[object, ...]] = field(default_factory=dict)

    def wanted(self, options: Mapping[str, object]) -> bool:
        """Tell whether a choice of options needs this file."""
        return all(options.get(name) in values for name, values in self.when.items())


@dataclass(frozen=True)
class Entry:
    """A dataset as the registry describes it.

    Attributes
    ----------
    name : str
        Name to ask for.
    kind : {"sequences", "motifs", "genome"}
        What it is.
    task : str
        What it is used for.
    description, citation, doi, licence : str
        What it holds, who made it, where that is published, and what may be done with it.
    source : str
        Where addresses, sizes and checksums were taken from.
    builder : str
        ``"module:function"`` that turns the files into a dataset.
    options : dict of str to Option
        Choices.
    files : tuple of SourceFile
        What is downloaded.
    sizes : dict of str to int
        Contigs of a genome and their lengths in bp.
    requires : tuple of str
        Packages beyond those that are always there.
    """

    name: str
    kind: str
    task: str
    description: str
    citation: str
    doi: str
    licence: str
    source: str
    builder: str
    options: Mapping[str, Option] = field(default_factory=dict)
    files: tuple[SourceFile, ...] = ()
    sizes: Mapping[str, int] = field(default_factory=dict)
    requires: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """What messages call it."""
        return repr(self.name) if self.kind == "files" else f"Dataset {self.name!r}"

    @property
    def verified(self) -> bool:
        """Whether every file has a checksum that somebody vouches for."""
        return all(file.verified for file in self.files)

    @property
    def size(self) -> int | None:
        """Bytes of all files, or None if that of any is unknown."""
        sizes = [file.size for file in self.files]
        return None if None in sizes else sum(size or 0 for size in sizes)

    def resolve(self) -> Callable[..., Any]:
        """Import the builder.

        Returns
        -------
        callable
        """
        module, _, attribute = self.builder.partition(":")
        made: Callable[..., object] = getattr(importlib.import_module(module), attribute)
        return made

    def check_packages(self) -> None:
        """Raise if a package that the builder needs is not installed.

        Raises
        ------
        DatasetError
            With what to install; better before a long download than after it.
        """
        missing = [name for name in self.requires if importlib.util.find_spec(name) is None]
        if missing:
            raise DatasetError(
                f"Dataset {self.name!r} needs the package {missing[0]}: "
                "pip install 'eugene-genomics[h5]'"
            )

    def _plain(self, name: str, value: Any) -> object:
        """Return a whole number where one is expected; the shell has only text."""
        default = self.options[name].default
        if not isinstance(default, int) or isinstance(value, int):
            return value
        try:
            return int(value)
        except (TypeError, ValueError):
            msg = f"Dataset {self.name!r}: option {name} is {value!r}, expected a whole number."
            raise DatasetError(msg) from None

    def choose(self, given: Mapping[str, object]) -> dict[str, object]:
        """Fill in and check options.

        Parameters
        ----------
        given : mapping of str to Any
            Options that were given.

        Returns
        -------
        dict of str to Any
            Every option of the dataset.

        Raises
        ------
        DatasetError
            If an option is unknown or its value is none of the choices.
        """
        chosen = {name: option.default for name, option in self.options.items()}
        for name, value in given.items():
            if name not in self.options:
                hint = did_you_mean(name, self.options) or " It takes no options."
                raise DatasetError(f"Dataset {self.name!r} has no option {name!r}.{hint}")
            choices = self.options[name].choices
            by_text = {str(choice).lower(): choice for choice in choices}
            if choices and str(value).lower() not in by_text:
                raise DatasetError(
                    f"Dataset {self.name!r}: option {name} is {value!r}, expected one of "
                    f"{', '.join(map(repr, choices))}.{did_you_mean(str(value), by_text)}"
                )
            chosen[name] = by_text[str(value).lower()] if choices else self._plain(name, value)
        return chosen


def _wrong(where: str, problem: str) -> DatasetError:
    return DatasetError(f"{REGISTRY_FILE}, {where}: {problem}")


def _unknown(name: str, known: set[str]) -> str:
    return f"unknown field {name!r}.{did_you_mean(name, known)}"


def _file(where: str, key: str, fields: Mapping[str, Any]) -> SourceFile:
    unknown = sorted(set(fields) - _FILE_FIELDS)
    if unknown:
        raise _wrong(where, _unknown(unknown[0], _FILE_FIELDS))
    urls = tuple(fields.get("urls") or ())
    sha256, size = fields.get("sha256"), fields.get("size")
    verified = bool(fields.get("verified", False))
    if sha256 is not None and not _SHA256.fullmatch(str(sha256)):
        raise _wrong(where, f"sha256 is {sha256!r}, expected 64 hexadecimal digits")
    if verified and (sha256 is None or not urls):
        raise _wrong(where, "verified needs an address and a sha256")
    name = str(fields.get("name") or (urls[0].split("?")[0].rsplit("/", 1)[-1] if urls else key))
    if name in ("", ".", "..") or "/" in name or "\\" in name:
        raise _wrong(where, f"{name!r} is no file name")
    when = {
        str(option): tuple(values) if isinstance(values, list) else (values,)
        for option, values in (fields.get("when") or {}).items()
    }
    return SourceFile(key, name, urls, sha256, size, verified, when)


def _files(name: str, fields: Mapping[str, Mapping[str, object]]) -> tuple[SourceFile, ...]:
    return tuple(_file(f"{name}, file {key}", str(key), given) for key, given in fields.items())


def files_entry(name: str, files: Mapping[str, Mapping[str, object]], source: str) -> Entry:
    """Return files alone as an entry, for other registries.

    Parameters
    ----------
    name : str
        What they belong to.
    files : mapping of str to mapping
        Their fields.
    source : str
        Where the fields come from.

    Returns
    -------
    Entry

    Raises
    ------
    DatasetError
        If a field is unknown or malformed.
    """
    return Entry(name, "files", "", "", "", "", "", source, "", files=_files(name, files))


def parse_entry(name: str, fields: Mapping[str, Any]) -> Entry:
    """Check one entry of the registry.

    Parameters
    ----------
    name : str
        Its name.
    fields : mapping
        Its fields as YAML gives them.

    Returns
    -------
    Entry

    Raises
    ------
    DatasetError
        If a field is missing, unknown or malformed.

    Examples
    --------
    >>> parse_entry("x", {"kind": "sequences"})  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    seqdata.errors.DatasetError: ...registry.yaml, x: field 'task' is missing
    """
    unknown = sorted(set(fields) - _ENTRY_FIELDS)
    if unknown:
        raise _wrong(name, _unknown(unknown[0], _ENTRY_FIELDS))
    text = {}
    for key in ("kind", "task", "description", "citation", "doi", "licence", "source", "builder"):
        value = " ".join(str(fields.get(key) or "").split())
        if not value:
            raise _wrong(name, f"field {key!r} is missing")
        text[key] = value
    if text["kind"] not in KINDS:
        raise _wrong(name, f"kind is {text['kind']!r}.{did_you_mean(text['kind'], KINDS)}")
    if not DOI.fullmatch(text["doi"]):
        raise _wrong(name, f"{text['doi']!r} is no DOI")
    options = {
        str(option): Option(given.get("default"), tuple(given.get("choices") or ()))
        for option, given in (fields.get("options") or {}).items()
    }
    files = _files(name, fields.get("files") or {})
    return Entry(
        name,
        **text,
        options=options,
        files=files,
        sizes=dict(fields.get("sizes") or {}),
        requires=tuple(fields.get("requires") or ()),
    )


@functools.cache
def entries() -> Mapping[str, Entry]:
    """Read the registry that ships with the package.

    Returns
    -------
    mapping of str to Entry
        In the order of the file.

    Examples
    --------
    >>> "jores21" in entries()
    True
    """
    import yaml

    tree = yaml.safe_load(REGISTRY_FILE.read_text(encoding="utf8"))
    return {str(name): parse_entry(str(name), fields) for name, fields in tree.items()}


def names(kind: str | None = None) -> Iterator[str]:
    """Yield the names of datasets.

    Parameters
    ----------
    kind : {"sequences", "motifs", "genome"}, optional
        Only these.

    Yields
    ------
    str
    """
    return (name for name, entry in entries().items() if kind in (None, entry.kind))


def find(name: str, *, kind: str | None = None) -> Entry:
    """Look up a dataset.

    Parameters
    ----------
    name : str
        Its name; upper and lower case count the same, ``-`` and ``_`` too.
    kind : {"sequences", "motifs", "genome"}, optional
        What it has to be.

    Returns
    -------
    Entry

    Raises
    ------
    DatasetError
        If there is none, with the nearest name.

    Examples
    --------
    >>> find("DeepSTARR").name, find("k562-atac-seq").name
    ('deAlmeida22', 'K562_ATAC_seq')
    """
    folded = {_fold(known): known for known in entries()}
    folded |= {_fold(alias): known for alias, known in ALIASES.items()}
    found = entries().get(folded.get(_fold(name), ""))
    if found is None or kind not in (None, found.kind):
        what = {"motifs": "motif set", "genome": "genome"}.get(kind or "", "dataset")
        raise DatasetError(f"No {what} is called {name!r}.{did_you_mean(name, [*names(kind)])}")
    return found


def _fold(name: str) -> str:
    return str(name).lower().replace("-", "_")


ALIASES = {
    "DeepSTARR": "deAlmeida22",
    "JunD": "kopp21",
    "RNAcompete": "ray13",
    # the newest release of each taxon
    "jaspar_vertebrates": "jaspar2024_vertebrates",
    "jaspar_fungi": "jaspar2024_fungi",
    "jaspar_plants": "jaspar2024_plants",
    "jaspar_insects": "jaspar2024_insects",
}
"""Other names that people use."""
