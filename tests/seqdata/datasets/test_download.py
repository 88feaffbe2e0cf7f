"""Files arrive whole and right, or not at all."""

from __future__ import annotations

import multiprocessing
import os
import random
import sys
import threading
import time

import pytest

from seqdata.datasets import _cache, _transfer, download
from seqdata.errors import ChecksumError, DownloadError, OfflineError

BODY = os.urandom(700_000)


def sha256(body):
    import hashlib

    return hashlib.sha256(body).hexdigest()


def left(folder):
    return sorted(p.name for p in folder.iterdir() if not p.name.endswith(".lock"))


def test_a_file_comes_once(server, tmp_path):
    url = server.serve("a.bin", BODY)
    path = download(url, tmp_path / "a.bin", sha256=sha256(BODY), size=len(BODY))
    assert path.read_bytes() == BODY
    assert download(url, path, sha256=sha256(BODY)) == path
    assert len(server.requests) == 1
    assert left(tmp_path) == [".a.bin.sha256.json", "a.bin"]


@pytest.mark.parametrize("checked", [True, False])
def test_a_connection_that_drops_is_taken_up_where_it_stopped(server, tmp_path, checked, waits):
    url = server.serve("a.bin", BODY, drops=[300_000, 0, 100_000, 200_000])
    sums = {"sha256": sha256(BODY)} if checked else {}
    assert download(url, tmp_path / "a.bin", **sums).read_bytes() == BODY
    asked = server.ranges
    assert asked[0] is None
    assert asked[1:] == ["bytes=300000-", "bytes=300000-", "bytes=400000-", "bytes=600000-"]
    assert waits == [0.5, 1.0, 0.5, 0.5]


def test_a_server_that_ignores_ranges_is_asked_for_all_of_it(server, tmp_path):
    url = server.serve("a.bin", BODY, drops=[300_000], ranges=False)
    assert download(url, tmp_path / "a.bin", sha256=sha256(BODY)).read_bytes() == BODY
    assert server.ranges == [None, "bytes=300000-"]


def test_a_file_that_changes_halfway_is_not_patched_together(server, tmp_path):
    other = os.urandom(500_000)
    url = server.serve("a.bin", BODY, drops=[300_000], changes_to=other)
    assert download(url, tmp_path / "a.bin").read_bytes() == other


def test_without_a_checksum_or_a_version_nothing_is_continued(server, tmp_path):
    url = server.serve("a.bin", BODY, drops=[300_000], etag=None)
    assert download(url, tmp_path / "a.bin").read_bytes() == BODY
    assert server.ranges == [None, None]


@pytest.mark.parametrize("ranges", [True, False])
def test_a_server_that_announces_too_much(server, tmp_path, ranges):
    url = server.serve("a.bin", BODY, length=len(BODY) + 1000, ranges=ranges)
    assert download(url, tmp_path / "a.bin", sha256=sha256(BODY)).read_bytes() == BODY


def test_a_server_that_announces_too_little(server, tmp_path):
    url = server.serve("a.bin", BODY, length=1000)
    path = download(url, tmp_path / "a.bin", sha256=sha256(BODY), size=len(BODY))
    assert path.read_bytes() == BODY
    with pytest.raises(ChecksumError, match=r"1,000 bytes\), expected"):
        download(url, tmp_path / "b.bin", sha256=sha256(BODY))
    assert "b.bin" not in left(tmp_path)
    assert "b.bin.part" not in left(tmp_path)


def test_a_server_that_sends_too_much(server, tmp_path):
    url = server.serve("a.bin", BODY)
    with pytest.raises(DownloadError, match="sends more than the 1,000 bytes"):
        download(url, tmp_path / "a.bin", size=1000)
    assert left(tmp_path) == []


def test_wrong_bytes_are_not_kept(server, tmp_path):
    url = server.serve("a.bin", b"other")
    with pytest.raises(ChecksumError, match="nothing was kept") as caught:
        download(url, tmp_path / "a.bin", sha256=sha256(BODY))
    assert sha256(b"other") in str(caught.value)
    assert sha256(BODY) in str(caught.value)
    assert left(tmp_path) == []


def test_a_wrong_beginning_is_thrown_away(server, tmp_path):
    (tmp_path / "a.bin.part").write_bytes(b"something else")
    url = server.serve("a.bin", BODY)
    assert download(url, tmp_path / "a.bin", sha256=sha256(BODY)).read_bytes() == BODY
    assert server.ranges == ["bytes=14-", None]


def test_a_part_longer_than_the_file(server, tmp_path):
    (tmp_path / "a.bin.part").write_bytes(BODY + b"more")
    url = server.serve("a.bin", BODY)
    assert download(url, tmp_path / "a.bin", sha256=sha256(BODY)).read_bytes() == BODY


def test_a_part_that_is_already_whole(server, tmp_path):
    (tmp_path / "a.bin.part").write_bytes(BODY)
    url = server.serve("a.bin", BODY)
    assert download(url, tmp_path / "a.bin", sha256=sha256(BODY)).read_bytes() == BODY
    assert server.ranges == [f"bytes={len(BODY)}-"]


def test_a_range_that_is_another_one(server, tmp_path):
    url = server.serve("a.bin", BODY, drops=[1000], shift=5)
    with pytest.raises(DownloadError, match=r"asked for bytes from 1,000, got 'bytes 1005-"):
        download(url, tmp_path / "a.bin", sha256=sha256(BODY))


def test_the_next_mirror_helps(server, tmp_path):
    good = server.serve("good.bin", BODY)
    wrong = server.serve("wrong.bin", BODY[::-1])
    urls = [f"{server.url}/none.bin", wrong, (tmp_path / "none").as_uri(), good]
    assert download(urls, tmp_path / "a.bin", sha256=sha256(BODY)).read_bytes() == BODY


def test_a_mirror_continues_what_another_began(server, tmp_path):
    first = server.serve("first.bin", BODY, drops=[300_000, 0, 0, 0, 0, 0])
    second = server.serve("second.bin", BODY)
    download([first, second], tmp_path / "a.bin", sha256=sha256(BODY))
    assert server.requests[-1] == ("/second.bin", "bytes=300000-")


def test_every_address_is_told_with_its_problem(server, tmp_path):
    urls = [f"{server.url}/none.bin", "http://localhost:9/x", (tmp_path / "none").as_uri()]
    with pytest.raises(DownloadError) as caught:
        download(urls, tmp_path / "a.bin", retries=2)
    text = str(caught.value)
    assert "answers 404" in text
    assert "refused" in text
    assert "after 2 tries" in text
    assert "There is no file" in text


def test_busy_servers_are_asked_again_when_they_say(server, tmp_path, waits):
    url = server.serve("a.bin", BODY, statuses=[503, 429], retry_after="7")
    assert download(url, tmp_path / "a.bin").read_bytes() == BODY
    assert waits == [7.0, 7.0]
    assert len(server.requests) == 3


def test_waits_grow_and_end(server, tmp_path, waits):
    url = server.serve("a.bin", BODY, statuses=[500] * 99)
    with pytest.raises(DownloadError, match="after 5 tries that brought nothing new"):
        download(url, tmp_path / "a.bin")
    assert waits == [0.5, 1.0, 2.0, 4.0]


def test_a_silent_server_does_not_hold_for_ever(tmp_path):
    import socket

    with socket.create_server(("localhost", 0)) as listener:
        url = f"http://localhost:{listener.getsockname()[1]}/x"
        start = time.monotonic()
        with pytest.raises(DownloadError, match="timed out"):
            download(url, tmp_path / "a.bin", retries=2, timeout=0.2)
        assert time.monotonic() - start < 5


def test_redirects(server, tmp_path):
    server.serve("a.bin", BODY)
    url = server.serve("moved", location=f"{server.url}/a.bin")
    assert download(url, tmp_path / "a.bin").read_bytes() == BODY
    url = server.serve("trap", location="file:///etc/passwd")
    with pytest.raises(DownloadError, match=r"less safe|302"):
        download(url, tmp_path / "b.bin")
    guard = _transfer._SafeRedirects()
    request = _transfer.urllib.request.Request("https://a.org/x")
    with pytest.raises(_transfer.AddressError, match="less safe"):
        guard.redirect_request(request, None, 302, "", {}, "http://a.org/x")


@pytest.mark.parametrize("url", ["ftp://a.org/x", "x.tsv", "javascript:1", "s3://a/b"])
def test_other_schemes_are_refused(url, tmp_path):
    with pytest.raises(DownloadError, match="expected an address with https, http, file"):
        download(url, tmp_path / "a.bin")


@pytest.mark.parametrize("url", ["http://localhost:port/x", "http://[::1/x", "http:///x"])
def test_malformed_addresses_are_named(url, tmp_path):
    with pytest.raises(DownloadError, match="x"):
        download(url, tmp_path / "a.bin", retries=1)
    assert left(tmp_path) == []


def test_a_file_address(tmp_path):
    (tmp_path / "s p%20ace.bin").write_bytes(BODY)
    source = (tmp_path / "s p%20ace.bin").as_uri()
    folder = tmp_path / "cache"
    assert download(source, folder / "a.bin", offline=True).read_bytes() == BODY
    with pytest.raises(DownloadError, match="has 700,000 bytes, expected 5"):
        download(source, folder / "b.bin", size=5)
    with pytest.raises(DownloadError, match="three slashes"):
        download("file://data/x", folder / "c.bin")


def test_offline(server, tmp_path, monkeypatch):
    url = server.serve("a.bin", BODY)
    with pytest.raises(OfflineError, match=r"a\.bin is not in the cache"):
        download(url, tmp_path / "a.bin", offline=True)
    monkeypatch.setenv("EUGENE_OFFLINE", "1")
    with pytest.raises(OfflineError):
        download(url, tmp_path / "a.bin")
    assert server.requests == []
    download(url, tmp_path / "a.bin", offline=False)
    assert download(url, tmp_path / "a.bin").read_bytes() == BODY
    assert len(server.requests) == 1


def test_a_file_that_was_changed_in_the_cache_comes_again(server, tmp_path, caplog):
    url = server.serve("a.bin", BODY)
    path = download(url, tmp_path / "a.bin", sha256=sha256(BODY))
    path.write_bytes(b"x")
    assert download(url, path, sha256=sha256(BODY)).read_bytes() == BODY
    assert "not the file it should be" in caplog.text


def test_no_address(tmp_path):
    with pytest.raises(DownloadError, match="No public address"):
        download([], tmp_path / "a.bin")


def fetch_in_a_process(url, path, expected, queue):
    queue.put(download(url, path, sha256=expected).stat().st_size)


@pytest.mark.skipif(sys.platform == "win32", reason="starts processes by spawning")
def test_two_processes_fetch_once(server, tmp_path):
    url = server.serve("a.bin", BODY)
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    arguments = (url, tmp_path / "a.bin", sha256(BODY), queue)
    crew = [context.Process(target=fetch_in_a_process, args=arguments) for _ in range(2)]
    for process in crew:
        process.start()
    assert [queue.get(timeout=60), queue.get(timeout=60)] == [len(BODY)] * 2
    for process in crew:
        process.join()
    assert len(server.requests) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="starts processes by spawning")
def test_a_download_that_was_killed_goes_on_where_it_was(server, tmp_path):
    url = server.serve("a.bin", BODY, stalls=[400_000])
    context = multiprocessing.get_context("spawn")
    arguments = (url, tmp_path / "a.bin", sha256(BODY), context.Queue())
    process = context.Process(target=fetch_in_a_process, args=arguments)
    process.start()
    part = tmp_path / "a.bin.part"
    limit = time.monotonic() + 60
    while not (part.exists() and part.stat().st_size >= 300_000):
        assert time.monotonic() < limit
        time.sleep(0.02)
    process.kill()
    process.join()
    assert not (tmp_path / "a.bin").exists()
    done = part.stat().st_size
    path = download(url, tmp_path / "a.bin", sha256=sha256(BODY))
    assert path.read_bytes() == BODY
    assert server.ranges == [None, f"bytes={done}-"]


def test_a_lock_is_waited_for_and_not_for_ever(tmp_path):
    path = tmp_path / "x"
    order = []

    def hold():
        with _cache.locked(path):
            order.append("first")
            time.sleep(0.3)

    thread = threading.Thread(target=hold)
    thread.start()
    while not order:
        time.sleep(0.01)
    with (
        pytest.raises(DownloadError, match="Another process has held"),
        _cache.locked(path, seconds=0.1),
    ):
        pass
    with _cache.locked(path):
        order.append("second")
    thread.join()
    assert order == ["first", "second"]


def test_the_bar_draws_on_request_only(server, tmp_path, capsys):
    url = server.serve("a.bin", BODY)
    download(url, tmp_path / "a.bin")
    assert capsys.readouterr().err == ""
    download(url, tmp_path / "b.bin", progress=True)
    assert "b.bin" in capsys.readouterr().err


def test_a_full_disk_is_told_and_the_part_stays(server, tmp_path, monkeypatch):
    from seqdata.errors import DiskFullError

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_transfer, "_receive", full)
    url = server.serve("a.bin", BODY)
    with pytest.raises(DiskFullError, match="No room"):
        download(url, tmp_path / "a.bin")


def test_damaged_notes_are_no_notes(tmp_path):
    (tmp_path / "pins.json").write_text("{")
    pins = _cache.Pins(tmp_path)
    assert pins.get("a") is None
    pins.add("a", "1")
    pins.add("a", "2")
    assert pins.get("a") == "1"
    pins.drop("a")
    assert pins.get("a") is None
    (tmp_path / "list.json").write_text("[]")
    assert _cache.read_json(tmp_path / "list.json") == {}


@pytest.mark.parametrize("seed", range(60))
def test_whatever_the_server_does_the_file_is_right_or_not_there(server, tmp_path, seed):
    rng = random.Random(seed)
    body = rng.randbytes(rng.choice([1, 1000, 100_000, 200_000]))
    urls = []
    for i in range(rng.choice([1, 2, 3])):
        faults = {
            "drops": [rng.randrange(len(body)) for _ in range(rng.choice([0, 1, 3, 8]))],
            "ranges": rng.random() < 0.7,
            "length": rng.choice([None, None, len(body) + 7, len(body) // 2]),
            "statuses": [rng.choice([404, 429, 500, 503]) for _ in range(rng.choice([0, 0, 2]))],
            "etag": rng.choice([None, '"v1"', 'W/"v1"']),
            "shift": rng.choice([0, 0, 0, 3]),
        }
        sent = rng.choice([body, body, body, body[::-1], body[:-1], body + b"x"])
        urls.append(server.serve(f"{i}.bin", sent, **faults))
    known = {"sha256": sha256(body), "size": rng.choice([None, len(body)])}
    path = tmp_path / "a.bin"
    for _ in range(2):
        try:
            assert download(urls, path, **known).read_bytes() == body
        except DownloadError:
            assert not path.exists()
