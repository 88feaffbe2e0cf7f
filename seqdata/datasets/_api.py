"""List, describe, fetch and build curated datasets."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import xarray as xr

from seqdata.datasets import _cache, _registry
from seqdata.datasets._download import as_mapping, download, is_offline, mirrored
from seqdata.datasets._registry import Entry, SourceFile
from seqdata.errors import (
    ArchiveError,
    BedError,
    ContigError,
    DatasetError,
    FastaError,
    LengthError,
    OfflineError,
    SchemaError,
    SeqdataError,
    StoreError,
    TableError,
    UnverifiedError,
    did_you_mean,
    require_file,
)
from seqdata.store import check_complete, open_zarr, to_zarr

if TYPE_CHECKING:
    from seqpro.motifs import MotifSet

logger = logging.getLogger(__name__)

_UNREADABLE = (
    ArchiveError, BedError, ContigError, FastaError, LengthError, SchemaError, TableError,
)  # fmt: skip
_VERSION = 1
"""Raised when builders change what they make, so that old stores in caches are not used."""


@dataclass(frozen=True)
class _Access:
    """How files may be come by."""

    folder: Path
    mirrors: str | Iterable[str] | None = None
    unverified: bool = False
    offline: bool | None = None
    progress: bool | None = None
    own: Mapping[str, Path] = field(default_factory=dict)


def list_datasets(kind: str | None = None) -> pd.DataFrame:
    """Return what datasets there are.

    Parameters
    ----------
    kind : {"sequences", "motifs", "genome"}, optional
        Only these.

    Returns
    -------
    DataFrame
        One row a dataset: ``name``, ``kind``, ``task``, ``verified`` (every checksum known
        beforehand), ``size`` (bytes of all its files, missing if unknown), ``doi``, ``licence``
        and ``description``.

    Raises
    ------
    DatasetError
        If there is no such kind.

    Examples
    --------
    >>> import seqdata as sd
    >>> "jores21" in set(sd.datasets.list()["name"])
    True
    """
    if kind not in (None, *_registry.KINDS):
        msg = f"No kind of dataset is called {kind!r}.{did_you_mean(kind, _registry.KINDS)}"
        raise DatasetError(msg)
    columns = ["name", "kind", "task", "verified", "size", "doi", "licence", "description"]
    rows = [
        {column: getattr(_registry.find(name), column) for column in columns}
        for name in _registry.names(kind)
    ]
    return pd.DataFrame(rows, columns=columns).astype({"size": "Int64"})


def info(name: str) -> dict[str, object]:
    """Describe a dataset.

    Parameters
    ----------
    name : str
        Its name; case, ``-`` and ``_`` do not matter.

    Returns
    -------
    dict
        The fields of the registry: ``name, kind, task, description, citation, doi, licence,
        source, builder, verified, size, options, files``. An option tells its ``default`` and
        ``choices``; a file its ``urls, sha256, size, verified`` and the options ``when`` it is
        needed.

    Raises
    ------
    DatasetError
        If there is none of that name; the message names the nearest.

    Examples
    --------
    >>> import seqdata as sd
    >>> sd.datasets.info("jores21")["doi"]
    '10.1038/s41477-021-00932-y'
    """
    entry = _registry.find(name)
    plain = ("name", "kind", "task", "description", "citation", "doi", "licence", "source")
    tree: dict[str, object] = {key: getattr(entry, key) for key in (*plain, "builder", "verified")}
    tree["size"] = entry.size
    tree["options"] = {
        key: {"default": option.default, "choices": [*option.choices]}
        for key, option in entry.options.items()
    }
    tree["files"] = {
        file.key: {
            "name": file.name,
            "urls": [*file.urls],
            "sha256": file.sha256,
            "size": file.size,
            "verified": file.verified,
            "when": {key: [*values] for key, values in file.when.items()},
        }
        for file in entry.files
    }
    return tree


def fetch(
    name: str,
    *,
    files: Mapping[str, str | Path] | None = None,
    mirrors: str | Iterable[str] | None = None,
    unverified: bool = False,
    offline: bool | None = None,
    cache_dir: str | Path | None = None,
    progress: bool | None = None,
    **options: object,
) -> dict[str, Path]:
    """Fetch the files of a dataset into the cache.

    Parameters
    ----------
    name : str
        Name of the dataset.
    files : mapping of str to path, optional
        Copies of your own, by the keys that `info` shows; they are used as they are.
    mirrors : str or iterable of str, optional
        Base addresses (``https``, ``http``, ``file``) to try first; ``{dataset}`` and ``{file}``
        are filled in. By default as ``EUGENE_MIRRORS`` says.
    unverified : bool, default False
        Allow downloads whose checksum the registry does not know. The checksum is pinned in the
        cache when the file first comes, and holds from then on.
    offline : bool, optional
        Use only what is in the cache (and ``file`` addresses); by default as ``EUGENE_OFFLINE``.
    cache_dir : str or Path, optional
        By default ``EUGENE_CACHE_DIR``, else the user's cache folder.
    progress : bool, optional
        Draw bars; by default on a terminal.
    **options
        Options of the dataset.

    Returns
    -------
    dict of str to Path
        The files that these options need.

    Raises
    ------
    UnverifiedError
        If a checksum is unknown and ``unverified`` is False.
    OfflineError, ChecksumError, DownloadError
        If a file cannot be had, or is not what it should be.

    Examples
    --------
    >>> import seqdata as sd
    >>> sd.datasets.fetch("random1000")
    {}
    """
    entry = _registry.find(name)
    access = _Access(
        _cache.datasets_dir(cache_dir), mirrors, unverified, offline, progress, as_mapping(files)
    )
    return _fetch(entry, entry.choose(options), access)[0]


def fetch_files(
    name: str,
    files: Mapping[str, Mapping[str, object]],
    *,
    source: str,
    local: Mapping[str, str | Path] | None = None,
    mirrors: str | Iterable[str] | None = None,
    unverified: bool = False,
    offline: bool | None = None,
    cache_dir: str | Path | None = None,
    progress: bool | None = None,
) -> dict[str, Path]:
    """Fetch files that another registry describes, by the rules of those of data sets.

    Parameters
    ----------
    name : str
        What they belong to; they are kept under this name, and mirrors are asked for it.
    files : mapping of str to mapping
        As in the registry of data sets: ``urls``, ``name``, ``sha256``, ``size``, ``verified``.
    source : str
        Where addresses and checksums come from, for errors.
    local : mapping of str to path, optional
        Copies of your own, by key; they are used as they are.
    mirrors, unverified, offline, cache_dir, progress
        As `fetch` describes them.

    Returns
    -------
    dict of str to Path
        The files.

    Raises
    ------
    DatasetError
        If a description is malformed.
    UnverifiedError, OfflineError, ChecksumError, DownloadError
        As `fetch` raises them.

    Examples
    --------
    >>> import tempfile, seqdata as sd
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     own = Path(folder, "weights.h5")
    ...     _ = own.write_bytes(b"")
    ...     sd.datasets.fetch_files("net", {"h5": {}}, source="-", local={"h5": own})["h5"].name
    'weights.h5'
    """
    entry = _registry.files_entry(name, files, source)
    access = _Access(
        _cache.datasets_dir(cache_dir), mirrors, unverified, offline, progress, as_mapping(local)
    )
    return _fetch(entry, {}, access)[0]


def _fetch(
    entry: Entry, options: Mapping[str, object], access: _Access
) -> tuple[dict[str, Path], list[SourceFile]]:
    """Return the files, and those of them whose checksum was pinned just now."""
    keys = [file.key for file in entry.files]
    for key in access.own:
        if key not in keys:
            msg = f"{entry.label} has no file {key!r}.{did_you_mean(key, keys)}"
            raise DatasetError(msg)
    wanted = [file for file in entry.files if file.wanted(options)]
    pins, fresh, paths = _cache.Pins(access.folder), [], {}
    missing = [file for file in wanted if file.key not in access.own]
    _judge(entry, [file for file in missing if not _place(entry, file, access).exists()], access)
    for file in wanted:
        if file.key in access.own:
            paths[file.key] = require_file(access.own[file.key], f"{entry.name} {file.key}")
            continue
        pin = None if file.verified else pins.get(f"{entry.name}/{file.name}")
        goal = paths[file.key] = download(
            mirrored(file.urls, access.mirrors, entry.name, file.name),
            _place(entry, file, access),
            sha256=file.sha256 or pin,
            size=file.size,
            offline=access.offline,
            progress=access.progress,
        )
        if file.sha256 is None and pin is None:
            pins.add(f"{entry.name}/{file.name}", _cache.known_sha256(goal))
            fresh.append(file)
    return paths, fresh


def _place(entry: Entry, file: SourceFile, access: _Access) -> Path:
    return access.folder / entry.name / "files" / file.name


def _judge(entry: Entry, absent: list[SourceFile], access: _Access) -> None:
    """Refuse what may not be downloaded, before anything is."""
    mirrors = mirrored((), access.mirrors, entry.name, "x")
    homeless = [file.key for file in absent if not file.urls and not mirrors]
    if homeless:
        own = ", ".join(f"{key!r}: 'your/file'" for key in homeless)
        raise DatasetError(
            f"{entry.label}: no public address of {', '.join(homeless)} is recorded "
            f"({entry.source}). Pass your own: files={{{own}}}."
        )
    doubtful = [file.name for file in absent if not file.verified]
    if not doubtful or access.unverified:
        return
    if is_offline(access.offline):
        raise OfflineError(
            f"{entry.label} is not in the cache ({access.folder / entry.name}) and the "
            f"network is off: {', '.join(doubtful)} would have to be fetched."
        )
    raise UnverifiedError(
        f"{entry.label}: the checksum of {', '.join(doubtful)} is not known, so nobody "
        "can tell whether what arrives is what was published. If you trust the address, pass "
        "unverified=True (--unverified); the checksum is pinned then."
    )


def get(
    name: str,
    *,
    out: str | Path | None = None,
    overwrite: bool = False,
    files: Mapping[str, str | Path] | None = None,
    mirrors: str | Iterable[str] | None = None,
    unverified: bool = False,
    offline: bool | None = None,
    cache_dir: str | Path | None = None,
    progress: bool | None = None,
    **options: object,
) -> xr.Dataset:
    """Return a dataset, fetching and building it the first time.

    Parameters
    ----------
    name : str
        Name of the dataset; case, ``-`` and ``_`` do not matter.
    out : str or Path, optional
        Zarr store to write; by default one in the cache.
    overwrite : bool, default False
        Whether a store at ``out`` may be replaced.
    files, mirrors, unverified, offline, cache_dir, progress
        As `fetch` describes them.
    **options
        Options of the dataset, as `info` shows them.

    Returns
    -------
    Dataset
        Opened lazily. Sequences come as ``seq`` S1 ``(_sequence, _length)`` with the published
        split as the coordinate ``split`` (unassigned where none is published); genomes as
        ``length`` (_contig) in bp; motif sets as ``ppm`` (_motif, _ohe, _length). Attributes name
        the dataset, its DOI and licence, its options and the checksums of its files.

    Raises
    ------
    DatasetError
        If there is no such dataset or option, or the files are not those of the dataset.
    UnverifiedError, OfflineError, ChecksumError, DownloadError
        As `fetch` raises them.
    SeqdataError
        If a file cannot be read.

    Examples
    --------
    >>> import tempfile, seqdata as sd
    >>> folder = tempfile.TemporaryDirectory()
    >>> ds = sd.datasets.get("random1000", n=20, cache_dir=folder.name)
    >>> ds["seq"].shape, ds.attrs["dataset"]
    ((20, 100), 'random1000')
    >>> folder.cleanup()
    """
    entry = _registry.find(name)
    chosen = entry.choose(options)
    entry.check_packages()
    access = _Access(
        _cache.datasets_dir(cache_dir), mirrors, unverified, offline, progress, as_mapping(files)
    )
    if out is not None and Path(out).expanduser().exists() and not overwrite:
        raise StoreError(f"{out} exists. Pass overwrite=True to replace it, or another path.")
    paths, fresh = _fetch(entry, chosen, access)
    sums = {key: _sum(path, own=key in access.own) for key, path in sorted(paths.items())}
    attrs = {
        "dataset": entry.name,
        "dataset_doi": entry.doi,
        "dataset_licence": entry.licence,
        "dataset_options": chosen,
        "dataset_sha256": sums,
    }
    goal = Path(out).expanduser() if out is not None else _store(entry, chosen, sums, access)
    with _forgotten_if_wrong(entry, fresh, access):
        if entry.kind != "sequences":
            extra = {"sizes": entry.sizes} if entry.kind == "genome" else {}
            made: xr.Dataset = entry.resolve()(paths, access.folder, **chosen, **extra)
            ds = made.assign_attrs({**made.attrs, **attrs})
            if out is None:
                return ds
            to_zarr(ds, goal, overwrite=overwrite)
            return open_zarr(goal)
        with _cache.locked(goal) if out is None else _unlocked():
            if out is None and _is_complete(goal):
                return open_zarr(goal)
            _build(entry, paths, chosen, attrs, goal, overwrite=overwrite or out is None)
    return open_zarr(goal)


def _sum(path: Path, *, own: bool) -> str:
    return _cache.sha256_of(path) if own else _cache.known_sha256(path)


def _store(entry: Entry, options: Mapping[str, object], sums: object, access: _Access) -> Path:
    """Return the place of a store in the cache; what it was made from is in its name."""
    words = [str(value) for value in options.values() if isinstance(value, str)]
    key = json.dumps([_VERSION, entry.builder, dict(options), sums], sort_keys=True)
    digest = hashlib.sha256(key.encode()).hexdigest()[:12]
    return access.folder / entry.name / f"{'-'.join([entry.name, *words, digest])}.zarr"


def _is_complete(store: Path) -> bool:
    if not store.exists():
        return False
    try:
        check_complete(store)
    except SeqdataError:
        return False
    return True


def _build(
    entry: Entry,
    paths: dict[str, Path],
    options: Mapping[str, object],
    attrs: Mapping[str, object],
    goal: Path,
    *,
    overwrite: bool,
) -> None:
    goal.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{entry.name}-", dir=goal.parent))
    try:
        ds = entry.resolve()(paths, work, **options)
        to_zarr(ds.assign_attrs({**ds.attrs, **attrs}), goal, overwrite=overwrite)
    finally:
        shutil.rmtree(work, ignore_errors=True)


@contextmanager
def _unlocked() -> Iterator[None]:
    yield


@contextmanager
def _forgotten_if_wrong(entry: Entry, fresh: list[SourceFile], access: _Access) -> Iterator[None]:
    """Pin nothing that turns out to be unreadable: the first use has to work."""
    try:
        yield
    except _UNREADABLE as error:
        if fresh:
            pins = _cache.Pins(access.folder)
            for file in fresh:
                pins.drop(f"{entry.name}/{file.name}")
                _cache.discard(_place(entry, file, access))
            names = ", ".join(file.name for file in fresh)
            error.add_note(f"{names} just came from an unverified address and was thrown away.")
        raise


def motifs(name: str, **kwargs: Any) -> MotifSet:
    """Return a curated motif set.

    Parameters
    ----------
    name : str
        Such as ``"jaspar2022_vertebrates"`` or ``"hocomoco12"``.
    **kwargs
        As `fetch` takes them.

    Returns
    -------
    seqpro.motifs.MotifSet

    Raises
    ------
    DatasetError
        If there is no such motif set; else as `fetch`.

    Examples
    --------
    >>> import seqdata as sd
    >>> found = sd.datasets.motifs("hocomoco12")  # doctest: +SKIP
    """
    from seqdata.datasets._build_regions import read_motifs

    entry = _registry.find(name, kind="motifs")
    return read_motifs(fetch(entry.name, **kwargs)["motifs"])


@dataclass(frozen=True)
class Genome:
    """A genome by name.

    Attributes
    ----------
    name : str
        Assembly.
    sizes : dict of str to int
        Contigs and their lengths in bp.
    fasta : Path or None
        Sequence, ready for `seqdata.GenomeFASTA`; None if it was not asked for.
    blacklist : Path or None
        BED file of regions to leave out; None where there is none.
    """

    name: str
    sizes: dict[str, int]
    fasta: Path | None
    blacklist: Path | None


def genome(name: str, *, sequence: bool = True, blacklist: bool = True, **kwargs: Any) -> Genome:
    """Return a genome: sequence, sizes and blacklist.

    Parameters
    ----------
    name : str
        Assembly, such as ``"hg38"`` or ``"sacCer3"``.
    sequence : bool, default True
        Fetch the sequence too; sizes need no download.
    blacklist : bool, default True
        Fetch the blacklist too, where there is one.
    **kwargs
        As `fetch` takes them.

    Returns
    -------
    Genome

    Raises
    ------
    DatasetError
        If there is no such genome; else as `fetch`.
    ContigError
        If the sequence is another assembly.

    Examples
    --------
    >>> import seqdata as sd
    >>> sd.datasets.genome("sacCer3", sequence=False).sizes["chrI"]
    230218
    """
    entry = _registry.find(name, kind="genome")
    if "blacklist" in entry.options:
        kwargs["blacklist"] = blacklist
    ds = get(entry.name, sequence=sequence, **kwargs)
    sizes = dict(
        zip(ds["contig"].to_numpy().tolist(), ds["length"].to_numpy().tolist(), strict=True)
    )
    paths = {key: Path(ds.attrs[key]) if ds.attrs[key] else None for key in ("fasta", "blacklist")}
    return Genome(entry.name, sizes, paths["fasta"], paths["blacklist"])
