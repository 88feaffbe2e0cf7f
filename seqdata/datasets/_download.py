"""Fetch one file: cache, mirrors, retries, checksum, one process at a time.

pooch does not serve here: it keeps nothing of a transfer that broke, knows one address a file,
checks no size, and unpacks tar archives without a look at their members on Python 3.11. With a
downloader and processors of our own it would be left to compare the checksum.
"""

from __future__ import annotations

import itertools
import logging
import os
import re
import time
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from seqdata.datasets import _cache
from seqdata.datasets._transfer import (
    AddressError,
    BrokenTransferError,
    Partial,
    Tick,
    check_url,
    progress_wanted,
    transfer,
)
from seqdata.errors import ChecksumError, DownloadError, OfflineError
from seqpro.progress import counted

logger = logging.getLogger(__name__)

RETRIES = 5
# tries at one address, in multiples of those that bring nothing new
_TRIES = 20
TIMEOUT = 30.0
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 30.0
_OPEN = re.compile(r"http://(?!(localhost|127\.0\.0\.1|\[::1\])([:/]|$))", re.IGNORECASE)
_YES = {"1", "true", "yes", "on"}


def is_offline(offline: bool | None) -> bool:
    """Tell whether the network may not be used.

    Parameters
    ----------
    offline : bool or None
        As told; None asks the environment (``EUGENE_OFFLINE=1``).

    Returns
    -------
    bool

    Examples
    --------
    >>> is_offline(True)
    True
    """
    if offline is not None:
        return offline
    return os.environ.get("EUGENE_OFFLINE", "").strip().lower() in _YES


def mirrored(
    urls: Iterable[str], mirrors: str | Iterable[str] | None, dataset: str, file: str
) -> list[str]:
    """Return the addresses of a file, those of mirrors first.

    Parameters
    ----------
    urls : iterable of str
        Addresses of the registry.
    mirrors : str, iterable of str or None
        Base addresses. ``{dataset}`` and ``{file}`` in one are filled in; without ``{file}`` the
        file name is put behind it. None asks the environment (``EUGENE_MIRRORS``, separated by
        blanks).
    dataset, file : str
        Names to fill in.

    Returns
    -------
    list of str

    Examples
    --------
    >>> mirrored(["https://a.org/x.tsv"], "http://localhost:8000/{dataset}", "jores21", "x.tsv")
    ['http://localhost:8000/jores21/x.tsv', 'https://a.org/x.tsv']
    """
    if mirrors is None:
        mirrors = os.environ.get("EUGENE_MIRRORS", "").split()
    bases = [mirrors] if isinstance(mirrors, str) else [*mirrors]
    made = []
    for base in bases:
        check_url(base)
        text = base if "{file}" in base else f"{base.rstrip('/')}/{{file}}"
        for word, value in (("{dataset}", dataset), ("{file}", file)):
            text = text.replace(word, urllib.parse.quote(value))
        made.append(text)
    return [*dict.fromkeys([*made, *urls])]


def download(
    urls: str | Iterable[str],
    path: str | Path,
    *,
    sha256: str | None = None,
    size: int | None = None,
    offline: bool | None = None,
    retries: int = RETRIES,
    timeout: float = TIMEOUT,
    progress: bool | None = None,
) -> Path:
    """Fetch a file unless it is there, and check it before anybody can use it.

    Bytes go to ``<path>.part``; a transfer that breaks is continued from there (HTTP range
    requests), also by a later call. The file gets its name only when its checksum is right. Two
    processes that want the same file wait for each other.

    Parameters
    ----------
    urls : str or iterable of str
        Addresses in the order to try them: ``https``, ``http`` or ``file``.
    path : str or Path
        Where to.
    sha256 : str, optional
        Checksum that the file must have.
    size : int, optional
        Its bytes.
    offline : bool, optional
        Use only what is there; ``file`` addresses are allowed. By default as
        ``EUGENE_OFFLINE`` says.
    retries : int, default 5
        Tries at one address that bring nothing new before the next is tried.
    timeout : float, default 30.0
        Seconds without a byte after which a connection counts as dead.
    progress : bool, optional
        Draw a bar; by default on a terminal.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    OfflineError
        If the file is not there and the network may not be used.
    ChecksumError
        If what arrives is never the file that was asked for; nothing is kept.
    DownloadError
        If no address gives it.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     source = Path(folder) / "source.txt"
    ...     _ = source.write_text("ACGT")
    ...     download(source.as_uri(), Path(folder) / "copy.txt", size=4).read_text()
    'ACGT'
    """
    goal = Path(path)
    addresses = [urls] if isinstance(urls, str) else [*urls]
    with _cache.locked(goal):
        if goal.exists():
            if sha256 in (None, _cache.known_sha256(goal)):
                return goal
            logger.warning("%s is not the file it should be any more; fetching it again", goal)
        if is_offline(offline):
            addresses = [url for url in addresses if check_url(url) == "file"]
            if not addresses:
                raise OfflineError(
                    f"{goal.name} is not in the cache ({goal.parent}) and the network is off. "
                    "Fetch it once without offline mode (EUGENE_OFFLINE)."
                )
        if not addresses:
            msg = f"No public address of {goal.name} is known. Pass your own copy in files=."
            raise DownloadError(msg)
        _cache.discard(goal)
        if sha256 is None and any(map(_OPEN.match, addresses)):
            logger.warning(
                "%s comes over plain http and its checksum is not known: nothing shows whether it "
                "was changed on the way",
                goal.name,
            )
        with _bar(goal.name, progress) as tick:
            _fetch(addresses, Partial(goal), sha256, size, retries, timeout, tick)
    return goal


def _fetch(
    urls: list[str],
    partial: Partial,
    sha256: str | None,
    size: int | None,
    retries: int,
    timeout: float,
    tick: Tick,
) -> None:
    """Try one address after the other until the file is whole and right."""
    problems: list[str] = []
    wrong = 0
    for url in urls:
        # a part with a wrong beginning is thrown away once; then the address is at fault
        for _ in range(2):
            resumed = partial.done > 0
            problem = _persist(url, partial, sha256, size, retries, timeout, tick)
            if problem is not None:
                problems.append(problem)
                break
            found = _cache.sha256_of(partial.part)
            done = partial.done
            if sha256 in (None, found) and size in (None, done):
                partial.finish()
                _cache.stamp(partial.path, found)
                return
            partial.drop()
            if not resumed:
                wrong += 1
                problems.append(
                    f"{url}: sha256 {found} ({done:,} bytes), expected {sha256 or 'any'} "
                    f"({'any' if size is None else f'{size:,}'} bytes)."
                )
                break
    told = "\n  ".join(problems)
    if wrong:
        raise ChecksumError(
            f"{partial.path.name} is not what was asked for; nothing was kept:\n  {told}\n"
            "Either the file changed at its source or something on the way changed it."
        )
    raise DownloadError(f"{partial.path.name} could not be fetched:\n  {told}")


def _persist(
    url: str,
    partial: Partial,
    sha256: str | None,
    size: int | None,
    retries: int,
    timeout: float,
    tick: Tick,
) -> str | None:
    """Fetch from one address until it is done or stops helping; say what the matter is."""
    best, failed = partial.done, 0
    for tries in itertools.count(1):
        try:
            transfer(
                url, partial, size=size, resumable=sha256 is not None, timeout=timeout, tick=tick
            )
        except AddressError as error:
            partial.drop()
            return str(error)
        except BrokenTransferError as error:
            if partial.done > best:
                best, failed = partial.done, 0
            failed += 1
            if failed == 2 and _is_whole(partial, sha256):
                # the server announces more bytes than the file has
                return None
            if failed >= retries or tries >= _TRIES * retries:
                return f"{error} (after {failed} tries that brought nothing new)"
            logger.info("%s Trying again.", error)
            _wait(max(error.wait, _FIRST_WAIT * 2 ** (failed - 1)))
        else:
            return None
    return None


def _is_whole(partial: Partial, sha256: str | None) -> bool:
    return sha256 is not None and partial.done > 0 and _cache.sha256_of(partial.part) == sha256


def _wait(seconds: float) -> None:
    time.sleep(min(seconds, _LONGEST_WAIT))


@contextmanager
def _bar(name: str, progress: bool | None) -> Iterator[Tick]:
    """Yield what is called with the bytes that have arrived and the bytes expected."""
    if not progress_wanted(progress):
        yield lambda done, total: None
        return
    with counted(desc=name, unit="B", scale=1024, shown=True, at_once=True) as bar:

        def tick(done: int, total: int | None) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield tick


def as_mapping(files: Mapping[str, str | Path] | None) -> dict[str, Path]:
    """Return local copies that were given, as absolute paths."""
    return {key: Path(path).expanduser().absolute() for key, path in (files or {}).items()}
