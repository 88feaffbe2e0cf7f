"""Slow, obvious readings of the same bytes, made without seqdata."""

from __future__ import annotations

import csv
import gzip
import io
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyBigWig
from fuzz_sources import KINDS, WINDOWS

_MISSING = {"", ".", "NA", "N/A", "n/a", "nan", "NaN", "null", "NULL", "None", "<NA>", "#N/A"}


def agrees(kind: str, folder: Path, got: Any) -> bool:
    """Say whether values read from a damaged file are what its bytes say."""
    data = (folder / KINDS[kind].file).read_bytes() if KINDS[kind].reads != "store" else b""
    if kind in ("csv", "tsv"):
        return same(got, _table(data, "," if kind == "csv" else "\t"))
    if kind == "fasta":
        return same(got, [[name, letters] for name, letters in _records(data)])
    if KINDS[kind].reads == "genome":
        # an index may be damaged while its file is sound, so the packed file is read too
        plain = gzip.decompress(data) if kind != "genome" and data[:2] == b"\x1f\x8b" else data
        rows = [row.tobytes().decode("latin-1") for row in got]
        # a line end that became a letter: by its records the file is shifted, by its index not
        return same(rows, _windows(dict(_records(plain)))) or same(
            rows, _windows(_indexed(plain, (folder / f"{KINDS[kind].file}.fai").read_text()))
        )
    if kind in ("bed", "narrowPeak"):
        return same(got, _bed(data))
    if kind == "fragments":
        return same(got, _cut_sites(data))
    if kind == "bigwig":
        return same(got, _signal(folder / KINDS[kind].file))
    # what carries a checksum is either sound or told
    return False


def same(got: Any, wanted: Any) -> bool:
    """Compare arrays exactly, rows of a table value by value."""
    if isinstance(got, np.ndarray):
        return got.shape == wanted.shape and np.array_equal(
            got, wanted, equal_nan=got.dtype.kind == "f"
        )
    if len(got) != len(wanted):
        return False
    for one, two in zip(got, wanted, strict=True):
        if isinstance(one, str):
            if one != two:
                return False
        elif len(one) != len(two) or not all(map(_same_value, one, two)):
            return False
    return True


def _same_value(got: Any, wanted: Any) -> bool:
    if isinstance(got, list) or isinstance(wanted, list):
        return got == wanted or repr(got) == repr(wanted)
    if str(got) == str(wanted) or got == wanted:
        return True
    if isinstance(got, float) and math.isnan(got):
        return str(wanted).strip() in _MISSING
    if got in ("", -1) and str(wanted) in _MISSING:
        return True
    try:
        return float(got) == float(wanted)
    except ValueError:
        return False


def _table(data: bytes, separator: str) -> list[list[str]]:
    text = io.StringIO(data.decode("utf-8-sig"), newline="")
    rows = [row for row in csv.reader(text, delimiter=separator) if any(map(str.strip, row))]
    place = rows[0].index("sequence")
    return [
        [row[place].strip(), *(value for i, value in enumerate(row) if i != place)]
        for row in rows[1:]
    ]


def _records(data: bytes) -> list[tuple[str, str]]:
    records: list[list[str]] = []
    for line in data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"):
        text = line.decode("latin-1")
        if text.startswith(">"):
            records.append([text[1:].split(None, 1)[0], ""])
        elif text.strip():
            records[-1][1] += "".join(text.split(" ")).replace("\t", "")
    return [(name, letters) for name, letters in records]


def _indexed(data: bytes, index: str) -> dict[str, str]:
    """Return the records of a FASTA file as its index says where each base stands."""
    records = {}
    for line in index.splitlines():
        name, length, offset, bases, width = line.split("\t")
        places = [
            int(offset) + i // int(bases) * int(width) + i % int(bases) for i in range(int(length))
        ]
        records[name] = "".join(chr(data[place]) for place in places)
    return records


def _windows(genome: dict[str, str]) -> list[str]:
    out = []
    for name, start, end in WINDOWS["genome"]:
        letters = genome[name]
        row = [letters[i] if 0 <= i < len(letters) else "N" for i in range(start, end)]
        out.append("".join(row))
    return out


def _bed(data: bytes) -> list[list[str]]:
    text = data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    rows = [line for line in text.split("\n") if line.strip() and line[0] != "#"]
    return [row.split("\t") for row in rows if row.split(None, 1)[0] not in ("track", "browser")]


def _cut_sites(data: bytes) -> np.ndarray:
    asked = WINDOWS["short"]
    out = np.zeros((len(asked), max(end - start for _, start, end in asked)), dtype=np.uint16)
    for line in data.split(b"\n"):
        if not line.strip() or line.startswith((b"#", b"track ", b"browser ")):
            continue
        name, begin, end = line.split(b"\t")[:3]
        for site in (int(begin), int(end) - 1):
            for row, (contig, start, stop) in enumerate(asked):
                if contig == name.decode() and start <= site < stop:
                    out[row, site - start] += 1
    return out


def _signal(path: Path) -> np.ndarray:
    asked = WINDOWS["signal"]
    out = np.zeros((len(asked), max(end - start for _, start, end in asked)), dtype=np.float32)
    with pyBigWig.open(str(path)) as source:
        for row, (contig, start, end) in enumerate(asked):
            stop = min(end, source.chroms(contig))
            values = source.values(contig, start, stop, numpy=True)
            out[row, : stop - start] = np.where(np.isnan(values), 0, values)
    return out
