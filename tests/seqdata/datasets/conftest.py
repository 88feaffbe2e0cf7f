"""A server on this machine that can misbehave in every way that servers do."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from seqdata.datasets import _download


@dataclass
class Page:
    """What the server does with one path."""

    body: bytes = b""
    drops: list[int] = field(default_factory=list)
    ranges: bool = True
    length: int | None = None
    statuses: list[int] = field(default_factory=list)
    etag: str | None = '"v1"'
    retry_after: str | None = None
    location: str | None = None
    shift: int = 0
    changes_to: bytes | None = None
    stalls: list[int] = field(default_factory=list)


@dataclass
class Server:
    """Pages, requests that came, and the address."""

    url: str
    pages: dict[str, Page] = field(default_factory=dict)
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    def serve(self, path: str, body: bytes = b"", **kwargs) -> str:
        self.pages[f"/{path}"] = Page(body, **kwargs)
        return f"{self.url}/{path}"

    @property
    def ranges(self) -> list[str | None]:
        return [asked for _, asked in self.requests]


def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


class Handler(BaseHTTPRequestHandler):
    server_name = "local"

    def log_message(self, *args) -> None:
        pass

    def do_GET(self) -> None:
        state: Server = self.server.state
        asked = self.headers.get("Range")
        state.requests.append((self.path, asked))
        page = state.pages.get(self.path.split("?")[0])
        if page is None:
            self.send_error(404)
            return
        if page.location is not None:
            self.send_response(302)
            self.send_header("Location", page.location)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if page.statuses:
            self.send_response(page.statuses.pop(0))
            if page.retry_after:
                self.send_header("Retry-After", page.retry_after)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body, start = page.body, 0
        match = re.fullmatch(r"bytes=(\d+)-", asked or "")
        guard = self.headers.get("If-Range")
        if match and page.ranges and guard in (None, page.etag):
            start = int(match[1])
            if start >= len(body):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(body)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206)
            first = start + page.shift
            self.send_header("Content-Range", f"bytes {first}-{len(body) - 1}/{len(body)}")
        else:
            self.send_response(200)
        sent = body[start:]
        announced = len(sent) if page.length is None or start else page.length
        self.send_header("Content-Length", str(announced))
        if page.etag:
            self.send_header("ETag", page.etag)
        self.end_headers()
        if page.stalls:
            self.wfile.write(sent[: page.stalls.pop(0)])
            self.wfile.flush()
            state.released.wait(30)
            self.close_connection = True
            return
        stop = page.drops.pop(0) if page.drops else len(sent)
        self.wfile.write(sent[:stop])
        self.close_connection = True
        if page.changes_to is not None:
            page.body, page.etag, page.changes_to = page.changes_to, '"v2"', None


@pytest.fixture
def server() -> Iterator[Server]:
    """Serve pages on a free port."""
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.state = Server(f"http://localhost:{httpd.server_address[1]}")
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield httpd.state
    httpd.state.released.set()
    httpd.shutdown()
    thread.join()
    httpd.server_close()


@pytest.fixture(autouse=True)
def waits(monkeypatch) -> list[float]:
    """Do not wait between tries; note how long it would have been."""
    waited: list[float] = []
    monkeypatch.setattr(_download, "_wait", waited.append)
    for name in ("EUGENE_OFFLINE", "EUGENE_MIRRORS", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return waited
