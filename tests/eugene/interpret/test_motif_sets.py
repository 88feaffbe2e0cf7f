"""Motif sets by name: fetched when they are first needed, refused where nobody vouches for them."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import numpy as np
import pytest

import seqdata as sd
from eugene.cli import main
from eugene.interpret import read_motifs
from eugene.interpret._motifs import MotifSetError

MEME = """MEME version 4

ALPHABET= ACGT

strands: + -

MOTIF MA0265.3 ABF1
letter-probability matrix: alength= 4 w= 3 nsites= 10 E= 0
 1.0 0.0 0.0 0.0
 0.0 1.0 0.0 0.0
 0.0 0.0 0.5 0.5
"""


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that stands in for the network, with an empty cache beside it."""
    folder = tmp_path / "net"
    folder.mkdir()
    monkeypatch.setenv("EUGENE_MIRRORS", folder.as_uri())
    monkeypatch.setenv("EUGENE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("EUGENE_OFFLINE", raising=False)
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.mark.parametrize("taxon", ["fungi", "plants", "insects", "vertebrates"])
def test_a_set_is_pinned_once_and_read_by_name(mirror: Path, taxon: str) -> None:
    file = f"JASPAR2024_CORE_{taxon}_non-redundant_pfms_meme.txt"
    (mirror / file).write_text(MEME)
    name = f"jaspar2024_{taxon}"
    # nobody knows the checksum: it is not fetched by the way
    with pytest.raises(MotifSetError, match=f"eugene datasets get {name} --unverified"):
        read_motifs(f"jaspar_{taxon}")
    assert main(["datasets", "get", name, "--unverified"]) == 0
    found = read_motifs(f"jaspar_{taxon}")
    assert found["MA0265.3"].name == "ABF1"
    np.testing.assert_allclose(found["MA0265.3"].ppm()[:, 2], [0, 0, 0.5, 0.5])
    (mirror / file).unlink()
    assert len(read_motifs(name)) == 1  # from the cache


def test_a_file_goes_before_a_set_and_names_are_suggested(mirror: Path) -> None:
    Path("jaspar_fungi").write_text(MEME.replace("ABF1", "own"))
    assert read_motifs("jaspar_fungi")["MA0265.3"].name == "own"
    with pytest.raises(FileNotFoundError, match="did you mean 'jaspar2024_plants'"):
        read_motifs("jaspar2023_plants")
    with pytest.raises(FileNotFoundError, match="does not exist"):
        read_motifs("hg38")  # a genome is no set of motifs


def test_a_run_asks_for_its_set_before_anything_is_built(
    mirror: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(
        ["run", "quickstart", "--interpret.filters.motif_db", "jaspar_insects", "--out", "r"]
    )
    err = capsys.readouterr().err
    assert code == 2
    assert "$.interpret.filters.motif_db" in err
    assert "eugene datasets get jaspar2024_insects --unverified" in err
    assert not Path("r").exists()


def test_the_plants_of_2022_have_a_checksum(shared_data: Path) -> None:
    shared = shared_data / "motifs" / "gimme_JASPAR2022_plants.pfm.gz"
    (file,) = sd.datasets.info("jaspar2022_plants")["files"].values()  # type: ignore[attr-defined]
    content = gzip.decompress(shared.read_bytes())
    assert hashlib.sha256(content).hexdigest() == file["sha256"]
    assert len(content) == file["size"]
