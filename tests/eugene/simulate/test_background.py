from __future__ import annotations

import gzip

import numpy as np

from eugene.simulate import human_background
from seqpro.background import MarkovModel


def test_both_strands_alike():
    letters = human_background().sample(300, 500, seed=1)
    shares = [(letters == base).mean() for base in (b"A", b"C", b"G", b"T")]
    np.testing.assert_allclose(shares, shares[::-1], atol=0.01)
    pairs = np.char.add(letters[:, :-1], letters[:, 1:])
    expected = shares[1] * shares[2]
    assert (pairs == b"CG").mean() < 0.5 * expected


def test_fitted_as_said(shared_data):
    chr22 = (shared_data / "hg38_chr22_300kb" / "chr22_32000000_32300000.fa").read_bytes()
    chr1 = gzip.decompress((shared_data / "hg38_chr1_1m" / "hg38_1m.fa.gz").read_bytes())
    texts = [x.decode().split("\n", 1)[1].replace("\n", "").upper() for x in (chr22, chr1)]
    turn = str.maketrans("ACGT", "TGCA")
    both = "N".join(texts + [text.translate(turn)[::-1] for text in texts])
    fitted = MarkovModel.fit([both], order=3, pseudocount=1.0)
    np.testing.assert_allclose(human_background().probs, fitted.probs, rtol=0, atol=1.001e-3)
