"""Archives are unpacked whole, inside their folder, or not at all."""

from __future__ import annotations

import contextlib
import gzip
import io
import random
import stat
import tarfile
import zipfile

import pytest

from seqdata.datasets import extract
from seqdata.datasets._archive import unpack_gzip
from seqdata.errors import ArchiveError, DiskFullError, MissingFileError

OUTSIDE = ["../x", "a/../../x", "/tmp/x", "..", "a/..\\..\\x", "C:\\x", "C:x", "\\x", "//srv/x"]


def tar_of(path, members, mode="w:gz"):
    with tarfile.open(path, mode) as out:
        out.addfile(tarfile.TarInfo("good.txt"), io.BytesIO())
        for member, body in members:
            member.size = len(body)
            out.addfile(member, io.BytesIO(body))
    return path


def zip_of(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("good.txt", "")
        for name, body in members:
            out.writestr(name, body)
    return path


def everything(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*"))


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_tar(tmp_path, mode):
    folder = tarfile.TarInfo("d/e")
    folder.type = tarfile.DIRTYPE
    members = [(folder, b""), (tarfile.TarInfo("./d/e/x.txt"), b"ACGT")]
    archive = tar_of(tmp_path / "a.tar", members, mode)
    made = extract(archive, tmp_path / "new" / "out")
    assert (made / "d" / "e" / "x.txt").read_bytes() == b"ACGT"
    assert everything(tmp_path / "new") == [
        "out", "out/d", "out/d/e", "out/d/e/x.txt", "out/good.txt",
    ]  # fmt: skip


def test_zip(tmp_path):
    archive = zip_of(tmp_path / "a.zip", [("d/", b""), ("d/x.txt", b"ACGT" * 9999)])
    made = extract(archive, tmp_path / "out")
    assert (made / "d" / "x.txt").read_bytes() == b"ACGT" * 9999


@pytest.mark.parametrize("name", OUTSIDE)
@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_members_that_lead_out_are_refused(tmp_path, kind, name):
    if kind == "tar":
        archive = tar_of(tmp_path / "a", [(tarfile.TarInfo(name), b"evil")])
    else:
        archive = zip_of(tmp_path / "a", [(name, b"evil")])
    with pytest.raises(ArchiveError, match="leads out of its folder; nothing was unpacked"):
        extract(archive, tmp_path / "in" / "out")
    assert everything(tmp_path) == ["a", "in"]


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE]
)
def test_links_and_devices_in_tar_are_refused(tmp_path, kind):
    member = tarfile.TarInfo("link")
    member.type, member.linkname = kind, "/etc"
    archive = tar_of(tmp_path / "a", [(member, b""), (tarfile.TarInfo("link/x"), b"evil")])
    with pytest.raises(ArchiveError, match="nothing was unpacked"):
        extract(archive, tmp_path / "out")
    assert everything(tmp_path) == ["a"]


@pytest.mark.parametrize("mode", [stat.S_IFLNK | 0o777, stat.S_IFIFO | 0o600])
def test_links_and_pipes_in_zip_are_refused(tmp_path, mode):
    link = zipfile.ZipInfo("link")
    link.create_system, link.external_attr = 3, mode << 16
    archive = zip_of(tmp_path / "a", [(link, b"/etc")])
    with pytest.raises(ArchiveError, match="nothing was unpacked"):
        extract(archive, tmp_path / "out")


def test_a_file_where_a_folder_should_be_is_refused(tmp_path):
    archive = tar_of(tmp_path / "a", [(tarfile.TarInfo("x"), b"1"), (tarfile.TarInfo("x"), b"2")])
    with pytest.raises(ArchiveError, match="twice"):
        extract(archive, tmp_path / "out")
    archive = tar_of(tmp_path / "b", [(tarfile.TarInfo("x"), b"1"), (tarfile.TarInfo("x/y"), b"2")])
    with pytest.raises(ArchiveError, match="twice"):
        extract(archive, tmp_path / "out")
    assert everything(tmp_path) == ["a", "b"]


@pytest.mark.parametrize("cut", [0, 1, 20, 100, -30])
@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_damaged_archives_leave_nothing(tmp_path, kind, cut):
    if kind == "tar":
        archive = tar_of(tmp_path / "a", [(tarfile.TarInfo("x"), bytes(range(256)) * 50)])
    else:
        archive = zip_of(tmp_path / "a", [("x", bytes(range(256)) * 50)])
    archive.write_bytes(archive.read_bytes()[:cut])
    with pytest.raises(ArchiveError, match="damaged"):
        extract(archive, tmp_path / "out")
    assert everything(tmp_path) == ["a"]


@pytest.mark.parametrize("mode", ["zip", "w", "w:gz", "w:bz2", "w:xz"])
@pytest.mark.parametrize("seed", range(40))
def test_bytes_changed_at_random_do_no_harm(tmp_path, mode, seed):
    rng = random.Random(f"{mode}-{seed}")
    body = bytes(range(256)) * 50
    if mode == "zip":
        archive = zip_of(tmp_path / "a", [("d/x", body), ("y", b"ACGT")])
    else:
        members = [(tarfile.TarInfo("d/x"), body), (tarfile.TarInfo("y"), b"ACGT")]
        archive = tar_of(tmp_path / "a", members, mode)
    data = bytearray(archive.read_bytes())
    for _ in range(rng.choice([1, 3, 30])):
        data[rng.randrange(len(data))] = rng.randrange(256)
    archive.write_bytes(data[: rng.choice([len(data), rng.randrange(len(data))])])
    with contextlib.suppress(ArchiveError, DiskFullError):
        extract(archive, tmp_path / "in" / "out")
    assert {path.name for path in tmp_path.iterdir()} <= {"a", "in"}
    assert {path.name for path in (tmp_path / "in").iterdir()} <= {"out"}


def test_a_flipped_bit_in_a_zip(tmp_path):
    archive = zip_of(tmp_path / "a", [("x", bytes(range(256)) * 50)])
    data = bytearray(archive.read_bytes())
    data[len(data) // 3] ^= 0xFF
    archive.write_bytes(data)
    with pytest.raises(ArchiveError, match="damaged"):
        extract(archive, tmp_path / "out")
    assert everything(tmp_path) == ["a"]


def test_an_archive_larger_than_the_disk(tmp_path, monkeypatch):
    archive = zip_of(tmp_path / "a", [("x", b"0" * 1000)])
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("U", (), {"free": 10}))
    with pytest.raises(DiskFullError, match="unpacks to 1,000 bytes"):
        extract(archive, tmp_path / "out")


def test_what_is_there_is_not_overwritten(tmp_path):
    archive = zip_of(tmp_path / "a", [])
    (tmp_path / "out").mkdir()
    with pytest.raises(ArchiveError, match="exists"):
        extract(archive, tmp_path / "out")
    with pytest.raises(MissingFileError):
        extract(tmp_path / "b", tmp_path / "out")


def test_gzip(tmp_path):
    (tmp_path / "x.gz").write_bytes(gzip.compress(b"ACGT" * 1000))
    assert unpack_gzip(tmp_path / "x.gz", tmp_path / "x").read_bytes() == b"ACGT" * 1000
    (tmp_path / "y.gz").write_bytes((tmp_path / "x.gz").read_bytes()[:-9])
    with pytest.raises(ArchiveError, match="cut off"):
        unpack_gzip(tmp_path / "y.gz", tmp_path / "y")
    assert everything(tmp_path) == ["x", "x.gz", "y.gz"]
