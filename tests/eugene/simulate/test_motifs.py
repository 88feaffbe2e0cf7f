from __future__ import annotations

import gzip
import re

import numpy as np
import pytest

from eugene.errors import EugeneError
from eugene.simulate import embedded_motifs, find_motif


def _published(text: str) -> dict[str, tuple[str, int, np.ndarray]]:
    """Read a MEME file the plain way: accession -> name, sites, probabilities (4, width)."""
    found = {}
    for block in text.split("MOTIF ")[1:]:
        lines = block.splitlines()
        accession, name = lines[0].split()
        width = int(re.search(r"w= (\d+)", block)[1])
        sites = int(re.search(r"nsites= (\d+)", block)[1])
        rows = [[float(x) for x in line.split()] for line in lines[2 : 2 + width]]
        found[accession] = (name, sites, np.array(rows).T)
    return found


def test_about_thirty_families():
    motifs = list(embedded_motifs())
    assert 28 <= len(motifs) <= 36
    assert len({m.family for m in motifs}) == len(motifs)
    assert len({m.accession for m in motifs}) == len(motifs)
    assert all(re.fullmatch(r"MA\d{4}\.\d+", m.accession) for m in motifs)
    assert all("gkab1113" in m.source for m in motifs)


def test_counts_are_whole_and_complete():
    for motif in embedded_motifs():
        assert (motif.matrix >= 0).all()
        assert (motif.matrix == np.rint(motif.matrix)).all()
        assert (motif.matrix.sum(0) == motif.n_sites).all()


def test_same_as_published(shared_data):
    path = shared_data / "motifs" / "JASPAR2022_CORE_vertebrates_nonredundant.meme.gz"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    published = _published(gzip.decompress(path.read_bytes()).decode())
    for motif in embedded_motifs():
        name, sites, probabilities = published[motif.accession]
        assert (motif.name, motif.n_sites) == (name, sites)
        assert motif.matrix.shape == probabilities.shape
        # within one site, and within the six digits of the file
        np.testing.assert_allclose(
            motif.matrix / sites, probabilities, rtol=0, atol=1.0 / sites + 1e-6
        )


@pytest.mark.parametrize("motif", ["MA0466.3", "CEBPB", "cebpb"])
def test_find(motif):
    assert find_motif(motif).accession == "MA0466.3"


def test_find_unknown():
    with pytest.raises(EugeneError, match=r"CEBPA.*did you mean 'CEBPB'"):
        find_motif("CEBPA")
