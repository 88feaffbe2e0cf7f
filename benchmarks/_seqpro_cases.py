"""Cases of the seqpro benchmarks; run by `_harness.py` in the environment of each contender.

``import seqpro`` finds ours or the one from PyPI, whichever the process can see; both have the
same functions, so most cases serve both.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np


def _letters(folder: Path):
    return np.load(folder / "letters.npy").view("S1")


def _bytes(array) -> bytes:
    return np.ascontiguousarray(array).tobytes()


def _copy_of(array):
    return lambda: array.copy(), lambda _: None


# ------------------------------------------------------------------ one-hot


def ohe(folder):
    import seqpro as sp

    x = _letters(folder)
    return lambda: sp.ohe(x, sp.DNA), _bytes


def ohe_copy(folder):
    import seqpro as sp

    return _copy_of(np.array(sp.ohe(_letters(folder), sp.DNA)))


def ohe_numpy_lut(folder):
    x = _letters(folder).view(np.uint8)
    lut = np.zeros((256, 4), np.uint8)
    lut[np.frombuffer(b"ACGT", np.uint8), np.arange(4)] = 1
    return lambda: lut[x], _bytes


def ohe_list(folder):
    import seqpro as sp

    texts = [row.tobytes().decode() for row in _letters(folder)]
    return lambda: sp.ohe(texts, sp.DNA), _bytes


def ohe_list_seqpro_cast(folder):
    import seqpro as sp

    texts = [row.tobytes().decode() for row in _letters(folder)]
    return lambda: sp.ohe(sp.cast_seqs(texts), sp.DNA), _bytes


def ohe_list_tangermeme(folder):
    import torch
    from tangermeme.utils import one_hot_encode

    torch.set_num_threads(1)
    texts = [row.tobytes().decode() for row in _letters(folder)]
    return (
        lambda: [one_hot_encode(t) for t in texts],
        lambda out: _bytes(torch.stack(out).to(torch.uint8).numpy().swapaxes(1, 2)),
    )


def decode(folder):
    import seqpro as sp

    hot = np.array(sp.ohe(_letters(folder), sp.DNA))
    return lambda: sp.decode_ohe(hot, ohe_axis=-1, alphabet=sp.DNA), _bytes


def decode_copy(folder):
    return _copy_of(_letters(folder))


# ------------------------------------------------------------------ reverse complement, jitter


def rc_bytes(folder):
    import seqpro as sp

    x = _letters(folder)
    return lambda: sp.reverse_complement(x, sp.DNA, length_axis=-1), _bytes


def rc_bytes_translate(folder):
    x = _letters(folder)
    table = bytes.maketrans(b"ACGT", b"TGCA")
    n, length = x.shape

    def run():
        whole = np.frombuffer(x.tobytes().translate(table), "S1").reshape(n, length)
        return np.ascontiguousarray(whole[:, ::-1])

    return run, _bytes


def rc_one_hot(folder):
    import seqpro as sp

    hot = np.array(sp.ohe(_letters(folder), sp.DNA))

    def run():
        return sp.reverse_complement(hot, sp.DNA, length_axis=-2, ohe_axis=-1)

    return run, _bytes


def rc_one_hot_with_copy(folder):
    import seqpro as sp

    hot = np.array(sp.ohe(_letters(folder), sp.DNA))

    def run():
        return sp.reverse_complement(hot, sp.DNA, length_axis=-2, ohe_axis=-1).copy()

    return run, _bytes


def jitter(folder):
    import seqpro as sp

    x = _letters(folder)

    def run():
        return sp.jitter(x, max_jitter=20, length_axis=-1, jitter_axes=0, seed=0)[0]

    return run, lambda _: None


def jitter_copy(folder):
    return _copy_of(np.array(_letters(folder)[:, 40:]))


# ------------------------------------------------------------------ k-mers, shuffles


def kmers(folder):
    import seqpro as sp

    x = _letters(folder)
    return lambda: sp.kmer_counts(x, 6), lambda out: _bytes(out.astype(np.uint32))


def kmers_tangermeme(folder):
    import torch
    from tangermeme.kmers import kmers as count

    torch.set_num_threads(1)
    lut = np.zeros((256, 4), np.int8)
    lut[np.frombuffer(b"ACGT", np.uint8), np.arange(4)] = 1
    hot = torch.from_numpy(lut[_letters(folder).view(np.uint8)]).permute(0, 2, 1).contiguous()

    def digest(out):
        """Turn the order of columns: tangermeme's first letter counts least, ours most."""
        turned = out.numpy().reshape(len(out), *(4,) * 6).transpose(0, 6, 5, 4, 3, 2, 1)
        return _bytes(turned.reshape(len(out), -1).astype(np.uint32))

    return lambda: count(hot, 6), digest


def _pairs(out) -> bytes:
    """Reduce shuffles to their letter-pair counts, which must equal those of the input."""
    x = np.asarray(out).view(np.uint8).reshape(out.shape)
    code = np.zeros(256, np.int64)
    code[np.frombuffer(b"ACGT", np.uint8)] = np.arange(4)
    c = code[x]
    pair = 4 * c[:, :-1] + c[:, 1:]
    rows = np.arange(len(x))[:, None]
    return np.bincount((16 * rows + pair).ravel(), minlength=16 * len(x)).tobytes()


def shuffle(folder):
    import seqpro as sp

    x = _letters(folder)
    return lambda: sp.k_shuffle(x, 2, sp.DNA, length_axis=-1, seed=0), _pairs


def shuffle_tangermeme(folder):
    import torch
    from tangermeme.ersatz import dinucleotide_shuffle

    torch.set_num_threads(1)
    lut = np.zeros((256, 4), np.int8)
    lut[np.frombuffer(b"ACGT", np.uint8), np.arange(4)] = 1
    hot = torch.from_numpy(lut[_letters(folder).view(np.uint8)]).permute(0, 2, 1).contiguous()

    def digest(out):
        codes = out[:, 0].argmax(1).numpy()
        return _pairs(np.frombuffer(b"ACGT", np.uint8)[codes].view("S1"))

    return lambda: dinucleotide_shuffle(hot, n=1, random_state=0), digest
