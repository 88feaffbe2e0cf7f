"""Curated datasets from the shell."""

from __future__ import annotations

import subprocess
import sys

import pytest

import seqdata as sd
from eugene.cli import main


def run(capsys, *words):
    code = main(["datasets", *map(str, words)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_list(capsys):
    code, out, _ = run(capsys, "list")
    assert code == 0
    known = sd.datasets.list()
    lines = out.splitlines()
    assert max(map(len, lines)) <= 80
    rows = [
        line.split() for line in lines if line.split() and line.split()[0] in set(known["name"])
    ]
    assert [row[0] for row in rows] == known["name"].tolist()
    assert [row[2] == "known" for row in rows] == known["verified"].tolist()
    assert "fetched only with" in out
    code, out, _ = run(capsys, "list", "motifs")
    assert "hg38" not in out
    code, _, err = run(capsys, "list", "motif")
    assert code == 2
    assert "Did you mean 'motifs'" in err


def test_info(capsys):
    code, out, _ = run(capsys, "info", "hocomoco12")
    assert code == 0
    assert "doi:      10.1093/nar/gkad1077" in out
    assert "1.6 MB\n      sha256 dd380406" in out
    assert "nverified" not in out.lower()
    code, _, err = run(capsys, "info", "hocomoco13")
    assert code == 2
    assert "Did you mean 'hocomoco12'" in err


@pytest.mark.parametrize("name", sd.datasets.list()["name"])
def test_info_fits_a_terminal_and_marks_what_is_unverified(capsys, name):
    code, out, _ = run(capsys, "info", name)
    assert code == 0
    lines = out.splitlines()
    assert all(len(line) <= 80 for line in lines if len(line.split()) > 1)
    found = sd.datasets.info(name)
    assert lines[0] == (name if found["verified"] else f"{name} (unverified)")
    doubtful = sum(not file["verified"] for file in found["files"].values())
    assert sum(", UNVERIFIED" in line for line in lines) <= doubtful
    assert ("fetched only with --unverified" in out) == (doubtful > 0)


def test_get(capsys, tmp_path):
    goal = tmp_path / "r.zarr"
    code, out, _ = run(capsys, "get", "random1000", "n=20", "--out", goal)
    assert code == 0
    assert "random1000: sequence 20, length 100" in out
    assert sd.open_zarr(goal)["seq"].shape == (20, 100)
    code, _, err = run(capsys, "get", "random1000", "--out", goal)
    assert code == 2
    assert "exists" in err
    assert run(capsys, "get", "random1000", "n=5", "--out", goal, "--overwrite")[0] == 0


def test_get_from_a_mirror(capsys, shared_data, monkeypatch):
    folder = (shared_data / "jores21").as_uri()
    words = ("get", "jores21_tf_clusters", "--mirror", folder, "--offline")
    code, out, _ = run(capsys, *words)
    assert code == 0
    assert "motif 72" in out
    assert "https://doi.org/10.1038/s41477-021-00932-y" in out
    code, _, err = run(capsys, "get", "jores21", "--offline")
    assert code == 2
    assert "the network is off" in err
    code, _, err = run(capsys, "get", "jores21")
    assert code == 2
    assert "--unverified" in err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["lst"], "did you mean 'list'"),
        (["get"], "expected 'eugene datasets"),
        (["get", "random1000", "20"], "NAME=VALUE, got '20'"),
        (["get", "random1000", "out=x"], "'out' is no option of a dataset"),
        (["get", "random1000", "m=5"], "Did you mean 'n'|no option 'm'"),
        (["info", "a", "b"], "expected 'eugene datasets"),
        (["list", "--unverifed"], "did you mean '--unverified'"),
    ],
)
def test_usage(capsys, words, message):
    import re

    code, _, err = run(capsys, *words)
    assert code == 2
    assert re.search(message, err)


def test_no_torch():
    code = (
        "import sys; from eugene.cli import main; main(['datasets', 'list']); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL).returncode == 0
