"""Move bytes from one address into a partial file, from where the last try stopped."""

from __future__ import annotations

import http.client
import logging
import re
import socket
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeAlias

from seqdata.datasets._cache import read_json, write_json
from seqdata.errors import DiskFullError, DownloadError, is_disk_full

logger = logging.getLogger(__name__)

Tick: TypeAlias = Callable[[int, int | None], None]
"""Told how many bytes are there, and of how many where that is known."""

CHUNK = 1 << 16
# timeouts after which a connection must have brought so many bytes a second
_PATIENCE, _SLOWEST = 10, 1024
SCHEMES = ("https", "http", "file")
_RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


class AddressError(DownloadError):
    """An address does not give the file, and asking again would not help."""


class BrokenTransferError(DownloadError):
    """A transfer stopped early; asking again may help.

    Parameters
    ----------
    message : str
        What happened.
    wait : float, optional
        Seconds that the server asks to wait.
    """

    def __init__(self, message: str, wait: float = 0.0) -> None:
        super().__init__(message)
        self.wait = wait


@dataclass
class Partial:
    """The part of a file that has arrived.

    Parameters
    ----------
    path : Path
        Where the file will be; the part lies beside it.
    """

    path: Path

    @property
    def part(self) -> Path:
        """The file with the bytes so far."""
        return self.path.with_name(f"{self.path.name}.part")

    @property
    def _note(self) -> Path:
        return self.path.with_name(f".{self.path.name}.part.json")

    @property
    def done(self) -> int:
        """Bytes that have arrived."""
        return self.part.stat().st_size if self.part.exists() else 0

    def validator(self, url: str) -> str | None:
        """Return what the server said the part is a part of, if it came from this address."""
        note = read_json(self._note)
        return note.get("validator") if note.get("url") == url else None

    def began_at(self, url: str) -> bool:
        """Tell whether the part came from this address."""
        return read_json(self._note).get("url") == url

    def note(self, url: str, validator: str | None) -> None:
        """Remember where the part comes from."""
        write_json(self._note, {"url": url, "validator": validator})

    def drop(self) -> None:
        """Forget the part."""
        self.part.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def finish(self) -> None:
        """Put the part into its place, in one step."""
        self.part.replace(self.path)
        self._note.unlink(missing_ok=True)


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follow redirects, but not from an encrypted address to an open one."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any,
                         newurl: str) -> Any:  # fmt: skip
        old, new = (urllib.parse.urlsplit(url).scheme for url in (req.full_url, newurl))
        if new not in ("http", "https") or (old, new) == ("https", "http"):
            text = f"{req.full_url} sends on to {newurl}, which is less safe; not followed."
            raise AddressError(text)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(_SafeRedirects())


def check_url(url: str) -> str:
    """Return the scheme of an address that can be fetched.

    Parameters
    ----------
    url : str

    Returns
    -------
    {"https", "http", "file"}

    Raises
    ------
    AddressError
        For any other scheme, or what is no address.

    Examples
    --------
    >>> check_url("file:///data/x.fa")
    'file'
    """
    try:
        scheme = urllib.parse.urlsplit(url).scheme.lower()
    except ValueError as error:
        raise AddressError(f"{url!r} is no proper address: {error}") from error
    if scheme not in SCHEMES:
        msg = f"{url!r} cannot be fetched: expected an address with {', '.join(SCHEMES)}."
        raise AddressError(msg)
    return scheme


def local_file(url: str) -> Path:
    """Return the path of a ``file:`` address."""
    parts = urllib.parse.urlsplit(url)
    if parts.netloc not in ("", "localhost"):
        msg = f"{url!r} names the machine {parts.netloc!r}; a file address has three slashes."
        raise AddressError(msg)
    return Path(urllib.request.url2pathname(parts.path))


def transfer(
    url: str,
    partial: Partial,
    *,
    size: int | None,
    resumable: bool,
    timeout: float,
    tick: Callable[[int, int | None], None],
) -> None:
    """Bring a partial file up to its whole length, from one address.

    Parameters
    ----------
    url : str
        Address; ``https``, ``http`` or ``file``.
    partial : Partial
        What has arrived; it grows.
    size : int or None
        Bytes of the whole file, where that is known.
    resumable : bool
        Whether a part may be continued although the server names no version for it (the
        checksum will tell).
    timeout : float
        Seconds without a byte after which the connection counts as dead.
    tick : callable
        Called with the bytes that have arrived and the bytes expected (or None).

    Raises
    ------
    AddressError
        If the address does not give this file.
    BrokenTransferError
        If the transfer stopped early; the part stays.
    DiskFullError
        If there is no room.
    """
    try:
        if check_url(url) == "file":
            _copy(local_file(url), partial, size, tick)
        else:
            _http(url, partial, size=size, resumable=resumable, timeout=timeout, tick=tick)
    except urllib.error.HTTPError as error:
        with error:
            if error.code not in _RETRIED:
                msg = f"{url}: the server answers {error.code} {error.reason}."
                raise AddressError(msg) from error
            msg = f"{url}: the server answers {error.code} {error.reason} for now."
            raise BrokenTransferError(msg, _seconds(error.headers.get("Retry-After"))) from error
    except DownloadError:
        raise
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError,
            socket.gaierror) as error:  # fmt: skip
        raise BrokenTransferError(f"{url}: {_reason(error)}") from error
    except ValueError as error:
        raise AddressError(f"{url!r} is no proper address: {error}") from error
    except OSError as error:
        if is_disk_full(error):
            msg = f"No room in {partial.path.parent} for {partial.path.name}; the part stays."
            raise DiskFullError(msg) from error
        raise


def _reason(error: BaseException) -> str:
    reason = getattr(error, "reason", None) or error
    return f"{type(error).__name__}: {reason}"


def _seconds(text: str | None) -> float:
    return float(text) if text and text.strip().isdigit() else 0.0


def _copy(source: Path, partial: Partial, size: int | None, tick: Tick) -> None:
    if not source.is_file():
        raise AddressError(f"There is no file {source}.")
    total = source.stat().st_size
    if size not in (None, total):
        raise AddressError(f"{source} has {total:,} bytes, expected {size:,}: it is another file.")
    partial.drop()
    with source.open("rb") as content, partial.part.open("wb") as out:
        while chunk := content.read(CHUNK):
            out.write(chunk)
            tick(out.tell(), total)


def _http(
    url: str, partial: Partial, *, size: int | None, resumable: bool, timeout: float, tick: Tick
) -> None:
    headers = {"User-Agent": "eugene-genomics", "Accept-Encoding": "identity"}
    done, validator = partial.done, partial.validator(url)
    if done and not resumable and not (validator and partial.began_at(url)):
        partial.drop()
        done = 0
    if done:
        headers["Range"] = f"bytes={done}-"
        if validator:
            headers["If-Range"] = validator
    request = urllib.request.Request(url, headers=headers)
    try:
        answer = _opener().open(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        if error.code != 416 or not done:
            raise
        with error:
            whole = re.fullmatch(r"bytes \*/(\d+)", error.headers.get("Content-Range") or "")
            if whole is not None and int(whole[1]) == done:
                return
        partial.drop()
        msg = f"{url}: the part that was there does not fit what the server has; from the start."
        raise BrokenTransferError(msg) from error
    with answer:
        start, total = _where(url, answer, done, size)
        partial.note(url, _strong_validator(answer.headers))
        mode = "ab" if start else "wb"
        with partial.part.open(mode) as out:
            _receive(url, answer, out, start, total, size, tick, timeout)
    expected = total if size is None else size
    if expected is not None and partial.done < expected:
        msg = f"{url}: the connection ended after {partial.done:,} of {expected:,} bytes."
        raise BrokenTransferError(msg)


def _strong_validator(headers: http.client.HTTPMessage) -> str | None:
    """Return what names this version of a file; a weak tag does not."""
    tag = headers.get("ETag")
    if tag and not tag.startswith("W/"):
        return str(tag)
    changed = headers.get("Last-Modified")
    return None if changed is None else str(changed)


def _where(
    url: str, answer: http.client.HTTPResponse, done: int, size: int | None
) -> tuple[int, int | None]:
    """Return where the body begins in the file, and the length of the whole file if told."""
    if answer.status == 206:
        span = _RANGE.fullmatch((answer.headers.get("Content-Range") or "").strip())
        if span is None or int(span[1]) != done:
            msg = f"{url}: asked for bytes from {done:,}, got {answer.headers['Content-Range']!r}."
            raise AddressError(msg)
        return done, None if span[3] == "*" else int(span[3])
    if done:
        logger.info("%s cannot continue a download; it begins anew", url)
    length = answer.headers.get("Content-Length")
    total = int(length) if length and length.isdigit() else None
    if size is not None and total is not None and total != size:
        logger.info("%s announces %d bytes, expected %d", url, total, size)
    return 0, total


def _receive(
    url: str,
    answer: http.client.HTTPResponse,
    out: IO[bytes],
    start: int,
    total: int | None,
    size: int | None,
    tick: Tick,
    timeout: float,
) -> None:
    done, begin = start, time.monotonic()
    while True:
        seconds = time.monotonic() - begin
        if seconds > _PATIENCE * timeout and done - start < _SLOWEST * seconds:
            msg = f"{url}: only {done - start:,} bytes came in {seconds:.0f} seconds."
            raise BrokenTransferError(msg)
        try:
            chunk = answer.read1(CHUNK)
        except http.client.IncompleteRead as error:
            out.write(error.partial)
            raise
        if not chunk:
            return
        out.write(chunk)
        done += len(chunk)
        if size is not None and done > size:
            msg = f"{url} sends more than the {size:,} bytes that the file has: it is another file."
            raise AddressError(msg)
        tick(done, size if size is not None else total)


def progress_wanted(progress: bool | None) -> bool:
    """Return whether to draw a bar: as told, else only on a terminal."""
    return sys.stderr.isatty() if progress is None else progress
