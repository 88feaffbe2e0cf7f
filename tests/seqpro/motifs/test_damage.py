"""Damaged motif files: an error that names the line, or the same motif; never a wrong one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import seqpro as sp
from seqpro.errors import MotifFormatError


def damaged(tmp_path, text):
    path = tmp_path / "damaged.txt"
    path.write_text(text, encoding="utf8")
    return path


TRANSFAC = "AC  M1\nXX\nP0  A C G T\n01  4 0 0 0  A\n02  0 4 0 0  C\n03  0 0 4 0  G\nXX\n//\n"


@pytest.mark.parametrize(
    "old, new, line, match",
    [
        ("02  0 4 0 0  C\n", "", 5, "row 03 where row 02 should stand"),
        ("01  4 0 0 0  A\n", "", 4, "row 02 where row 01 should stand"),
        ("02", "01", 5, "row 01 where row 02 should stand"),
        ("XX\n//\n", "XX\nAC  M2\nP0  A C G T\n01 1 2 3 4\n//\n", 9, "a second matrix"),
        ("02  0", "nan  0", 5, "expected a matrix row"),
        ("02  0", "\x0002  0", 5, "expected a matrix row"),
    ],
)
def test_damaged_transfac(tmp_path, old, new, line, match):
    assert sp.motifs.read(damaged(tmp_path, TRANSFAC))[0].consensus() == "ACG"
    with pytest.raises(MotifFormatError, match=rf"damaged\.txt, line {line}: .*{match}"):
        sp.motifs.read(damaged(tmp_path, TRANSFAC.replace(old, new)))


MEME = "MEME version 4\nMOTIF M1 one\nletter-probability matrix: alength= 4 w= 3\n"
ROWS = "0.97 0.01 0.01 0.01\n0.01 0.97 0.01 0.01\n0.33 0.33 0.33 0.00\n"


@pytest.mark.parametrize(
    "rows, line, match",
    [
        (ROWS + "0.25 0.25 0.25 0.25\n", 7, "more rows than w= 3"),
        (ROWS.replace("0.97 0.01 0.01 0.01\n", "", 1), 3, "but has 2 rows"),
        (ROWS.replace("0.33", "0.3e", 1), 6, "expected a number"),
        (ROWS.replace("0.33", "0.03", 1), 3, "position 3 sums to 0.69"),
    ],
)
def test_damaged_meme(tmp_path, rows, line, match):
    assert sp.motifs.read(damaged(tmp_path, MEME + ROWS))[0].width == 3
    with pytest.raises(MotifFormatError, match=rf"damaged\.txt, line {line}: .*{match}"):
        sp.motifs.read(damaged(tmp_path, MEME + rows))


@given(data=st.data())
@settings(max_examples=150)
def test_mutated_files_read_alike_or_fail_with_their_line(tmp_path, data):
    """Blank lines, line ends and spaces change nothing; other damage is named or harmless."""
    text = data.draw(st.sampled_from([TRANSFAC, MEME + ROWS]))
    whole = sp.motifs.read(damaged(tmp_path, text))
    lines = text.splitlines()
    at = data.draw(st.integers(0, len(lines) - 1))
    form = data.draw(st.sampled_from(["crlf", "blank", "trail", "drop", "double", "cut"]))
    if form in ("crlf", "blank", "trail"):
        lines[at] = {"crlf": lines[at] + "\r", "blank": lines[at] + "\n", "trail": lines[at] + " "}[
            form
        ]
    elif form == "drop":
        del lines[at]
    elif form == "double":
        lines.insert(at, lines[at])
    else:
        lines[at] = lines[at][: data.draw(st.integers(0, len(lines[at])))]
    path = damaged(tmp_path, "\n".join(lines) + "\n")
    complaint = ""
    try:
        got = sp.motifs.read(path)
    except MotifFormatError as error:
        complaint = str(error)
    if complaint:
        assert form in ("drop", "double", "cut")
        assert f"{path}, line " in complaint
        return
    assert len(got) == 1
    assert 0 <= whole[0].width - got[0].width <= (form in ("drop", "cut"))
    if form not in ("drop", "cut"):
        np.testing.assert_array_equal(got[0].matrix, whole[0].matrix)
