from __future__ import annotations

import errno
import re
from pathlib import Path

import pytest

from seqdata import errors


def test_classes() -> None:
    for name in dir(errors):
        kind = getattr(errors, name)
        if isinstance(kind, type) and issubclass(kind, Exception):
            assert issubclass(kind, errors.SeqdataError)
            assert issubclass(kind, ValueError)
    assert issubclass(errors.MissingFileError, FileNotFoundError)
    assert issubclass(errors.DiskFullError, OSError)
    assert issubclass(errors.IncompleteStoreError, errors.StoreError)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EFBIG, errno.EDQUOT])
def test_full_disk_in_a_chain(code: int) -> None:
    outer = RuntimeError("codec failed")
    outer.__cause__ = OSError(code, "full")
    assert errors.is_disk_full(outer)
    assert not errors.is_disk_full(OSError(errno.EACCES, "denied"))


@pytest.mark.parametrize(
    "name, choices, expected",
    [
        ("activty", ["activity", "name"], "Did you mean 'activity'"),
        ("SEQUENCE", ["sequence"], "Did you mean 'sequence'"),
        ("x", ["abc", "def"], "There are: 'abc', 'def'"),
        ("x", [], ""),
    ],
)
def test_did_you_mean(name: str, choices: list[str], expected: str) -> None:
    assert expected in errors.did_you_mean(name, choices)


def test_long_lists_are_cut() -> None:
    assert "(100 in all)" in errors.did_you_mean("?", [f"column{i}" for i in range(100)])


@pytest.mark.parametrize(
    "contig, known, expected",
    [
        ("chr1", ["1"], "calls it '1'"),
        ("1", ["chr1"], "calls it 'chr1'"),
        ("chrM", ["MT"], "calls it 'MT'"),
        ("chrIX", ["chrI", "chrIV"], "Did you mean"),
    ],
)
def test_contig_hint(contig: str, known: list[str], expected: str) -> None:
    assert expected in errors.contig_hint(contig, known)


def test_require_file(tmp_path: Path) -> None:
    (tmp_path / "genome.fa").write_text("")
    assert errors.require_file(tmp_path / "genome.fa", "FASTA") == tmp_path / "genome.fa"
    with pytest.raises(errors.MissingFileError, match=r"FASTA file .*Did you mean .*genome\.fa"):
        errors.require_file(tmp_path / "genom.fa", "FASTA")
    with pytest.raises(errors.MissingFileError, match="Check the path"):
        errors.require_file(tmp_path / "other", "BED")
    with pytest.raises(errors.MissingFileError, match="is a folder"):
        errors.require_file(tmp_path, "BED")


@pytest.mark.parametrize(
    ("contig", "names", "hint"),
    [
        ("chr1", ["chrI", "chrII", "chrX"], "calls it 'chrI'"),
        ("10", ["chrI", "chrX"], "calls it 'chrX'"),
        ("chrIV", ["chr1", "chr4"], "calls it 'chr4'"),
        ("chrX", ["chr1", "chr10"], "did you mean|Did you mean"),
        ("chr10", ["chr1", "chrX"], "Did you mean 'chr1'"),
    ],
)
def test_contigs_counted_in_roman_numerals(contig, names, hint):
    assert re.search(hint, errors.contig_hint(contig, names))
