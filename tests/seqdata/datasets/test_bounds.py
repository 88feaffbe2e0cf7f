"""Archives and servers without end are given up."""

from __future__ import annotations

import gzip
import http.server
import tarfile
import threading
import time
import zipfile
from pathlib import Path

import pytest

from seqdata.datasets import _archive, _transfer
from seqdata.datasets._archive import extract, unpack_gzip
from seqdata.datasets._download import download
from seqdata.errors import ArchiveError, DownloadError


@pytest.fixture(autouse=True)
def little_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_archive, "_BYTES", 1 << 20)
    monkeypatch.setattr(_archive, "_MEMBERS", 50)


@pytest.mark.parametrize("kind", ["zip", "tar.gz", "tar.xz", "gz", "many"])
def test_bombs(tmp_path: Path, kind: str) -> None:
    zeros, packed = tmp_path / "zeros", tmp_path / f"x.{kind}"
    zeros.write_bytes(bytes(8 << 20))
    if kind == "zip":
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as out:
            out.write(zeros, "zeros")
    elif kind == "gz":
        packed.write_bytes(gzip.compress(zeros.read_bytes()))
    elif kind == "many":
        with zipfile.ZipFile(packed, "w") as out:
            for i in range(60):
                out.writestr(f"{i}", "")
    else:
        with tarfile.open(packed, f"w:{kind[4:]}") as out:
            out.add(zeros, "zeros")
    with pytest.raises(ArchiveError, match="unpacks to more than"):
        unpack_gzip(packed, tmp_path / "out") if kind == "gz" else extract(packed, tmp_path / "out")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == sorted(["zeros", packed.name])


def test_a_server_that_drips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_transfer, "_PATIENCE", 1)

    class Drips(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            try:
                while True:
                    self.wfile.write(b"A")
                    self.wfile.flush()
                    time.sleep(0.02)
            except OSError:
                return

        def log_message(self, *words: object) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Drips)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_address[1]}/x"
        with pytest.raises(DownloadError, match="bytes came in"):
            download(url, tmp_path / "x", timeout=0.2, retries=1)
    finally:
        server.shutdown()
        server.server_close()
    assert not (tmp_path / "x").exists()
