"""Variants of files scored by networks, in one go or in several."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import eugene as eu
import seqdata as sd
import seqexplainer as se
import seqpro as sp
from eugene.errors import EugeneError, MissingFileError, RunExistsError
from seqdata.errors import VariantError

LENGTH = 40


class Small(torch.nn.Module):
    """A network that counts its rows, and fails after some."""

    def __init__(self, outputs: int = 1) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.weight = torch.nn.Parameter(torch.randn(outputs, 4 * LENGTH, generator=generator))
        self.rows = 0
        self.most = 10**9

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        self.rows += len(X)
        if self.rows > self.most:
            raise KeyboardInterrupt
        return torch.tanh(X.flatten(1) @ self.weight.T / 8) + 1.5


@pytest.fixture(scope="module")
def genome() -> str:
    rng = np.random.default_rng(0)
    return "".join(rng.choice(list("ACGT"), 3000))


@pytest.fixture(scope="module")
def fasta(tmp_path_factory: pytest.TempPathFactory, genome: str) -> Path:
    path = tmp_path_factory.mktemp("genome") / "g.fa"
    path.write_text(f">NA\n{genome}\n")
    return path


@pytest.fixture(scope="module")
def variants(genome: str) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    rows = []
    while len(rows) < 60:
        pos, size, extra = (int(v) for v in rng.integers([1, 0, 0], [2980, 9, 9]))
        alt = genome[pos - 1] + "".join(rng.choice(list("ACGT"), extra))
        ref = genome[pos - 1 : pos + size]
        if ref != alt:
            rows.append(("NA", pos, f"v{len(rows)}", ref, alt))
    snv = {"A": "C,G,T", "C": "A,G,T", "G": "A,C,T", "T": "A,C,G"}
    rows += [("NA", p, "nan", genome[p - 1], snv[genome[p - 1]]) for p in (5, 700, 2999)]
    return pd.DataFrame(rows, columns=["chrom", "pos", "id", "ref", "alt"])


def score(model: torch.nn.Module, text: str) -> float:
    X = sp.ohe(np.array([list(text)], dtype="S1"), sp.DNA).swapaxes(1, 2)
    both = np.concatenate([X, X[:, ::-1, ::-1]])
    return float(se.predict(model, both.copy()).double().mean())


def test_indels_equal_string_editing(fasta, genome, variants):
    model = Small()
    out = eu.interpret.variant_effects(model, fasta, variants, LENGTH, chunk_size=16)
    assert len(out) == 69
    assert out.attrs == {"n_variants": 69, "n_mismatches": 0, "n_dropped": 0}
    pad = "N" * 100
    for row in out.itertuples():
        at = row.pos - 1 + 100
        whole = pad + genome + pad
        changed = whole[:at] + row.alt + whole[at + len(row.ref) :]
        shared = 0
        while (row.ref + "-")[shared] == (row.alt + "+")[shared]:
            shared += 1
        left = at + shared - LENGTH // 2
        right = left + len(row.alt) - len(row.ref)
        assert (row.start, row.end) == (left - 100, left - 100 + LENGTH)
        found = [score(model, changed[i : i + LENGTH]) for i in (left, right)]
        assert row.reference == pytest.approx(score(model, whole[left : left + LENGTH]), abs=1e-6)
        assert row.alternate == pytest.approx(np.mean(found), abs=1e-6)
        assert row.difference == row.alternate - row.reference
        assert row.log_fold == pytest.approx(np.log2(row.alternate / row.reference))


@pytest.mark.parametrize("align", ["left", "right"])
def test_equals_windows_scored_by_hand(fasta, variants, align):
    model = Small(outputs=2)
    out = eu.interpret.variant_effects(
        model, fasta, variants, LENGTH, align=align, shifts=[-4, 2], names=["dev", "hk"]
    )
    windows = sd.variant_windows(fasta, variants, LENGTH + 8, align=align)
    expected = se.variant_effects(
        model, windows.reference, windows.alternate, shifts=[-4, 2], names=["dev", "hk"]
    )
    pd.testing.assert_frame_equal(out[expected.columns], expected)
    assert (out["end"] - out["start"] == LENGTH).all()
    same = sd.variant_windows(fasta, variants, LENGTH, align=align).table
    pd.testing.assert_frame_equal(out[same.columns], same, check_dtype=False)


@pytest.mark.parametrize("name", ["e.csv", "e.tsv", "e.zarr"])
def test_a_killed_run_continues(tmp_path, fasta, variants, name):
    options = {"length": LENGTH, "chunk_size": 10}
    model = Small()
    whole = eu.interpret.variant_effects(model, fasta, variants, out=tmp_path / name, **options)
    rows = model.rows
    assert {path.name for path in tmp_path.iterdir()} <= {name, f"{name}.json"}
    plain = eu.interpret.variant_effects(Small(), fasta, variants, **options)
    pd.testing.assert_frame_equal(whole, plain)

    other = tmp_path / f"other-{name}"
    model = Small()
    model.most = rows // 2
    with pytest.raises(KeyboardInterrupt):
        eu.interpret.variant_effects(model, fasta, variants, out=other, **options)
    assert not other.exists()
    done = len(list((tmp_path / f"other-{name}.parts").glob("*.part")))
    assert 0 < done < 7
    model.rows, model.most = 0, 10**9
    again = eu.interpret.variant_effects(model, fasta, variants, out=other, **options)
    assert model.rows < 0.8 * rows
    pd.testing.assert_frame_equal(again, whole)
    assert again.attrs == whole.attrs
    if other.is_file():
        assert other.read_bytes() == (tmp_path / name).read_bytes()

    model.rows = 0
    read = eu.interpret.variant_effects(model, fasta, variants, out=other, **options)
    assert model.rows == 0
    pd.testing.assert_frame_equal(read[list(whole.columns)], whole, check_dtype=False)


def test_another_job_is_refused_and_can_be_replaced(tmp_path, fasta, variants):
    out = tmp_path / "e.csv"
    few = variants[:5]
    first = eu.interpret.variant_effects(Small(), fasta, few, LENGTH, out=out)
    assert json.loads((tmp_path / "e.csv.json").read_text())["n_variants"] == 5
    model = Small()
    model.weight.data += 0.01
    for options, message in (
        ({"model": model}, "differs in model_sha256;"),
        ({"align": "left", "shifts": [1]}, "differs in shifts, align;"),
        ({"variants": variants[1:6]}, "differs in variants_sha256;"),
    ):
        given = {"model": Small(), "fasta": fasta, "variants": few, "length": LENGTH, **options}
        with pytest.raises(RunExistsError, match=message):
            eu.interpret.variant_effects(**given, out=out)
    pd.testing.assert_frame_equal(pd.read_csv(out)[["difference"]], first[["difference"]])
    again = eu.interpret.variant_effects(model, fasta, few, LENGTH, out=out, resume=False)
    assert not np.allclose(again["difference"], first["difference"])
    (tmp_path / "mine.zarr").mkdir()
    (tmp_path / "mine.zarr" / "notes.txt").write_text("kept")
    with pytest.raises(ValueError, match="no Zarr v3 store"):
        eu.interpret.variant_effects(
            model, fasta, few, LENGTH, out=tmp_path / "mine.zarr", resume=False
        )
    assert (tmp_path / "mine.zarr" / "notes.txt").read_text() == "kept"


def test_genome_that_differs(tmp_path, fasta, variants):
    swapped = variants[-3:].assign(alt=lambda t: t["alt"].str[0])
    swapped = swapped.rename(columns={"ref": "alt", "alt": "ref"})
    mixed = pd.concat([variants[:4], swapped])
    model = Small()
    with pytest.raises(VariantError, match=r"so for 3 of 7 variants, 3 of which have"):
        eu.interpret.variant_effects(model, fasta, mixed, LENGTH)
    assert model.rows == 0
    out = eu.interpret.variant_effects(model, fasta, mixed, LENGTH, on_mismatch="drop")
    assert out.attrs == {"n_variants": 7, "n_mismatches": 3, "n_dropped": 3}
    assert out["id"].tolist() == ["v0", "v1", "v2", "v3"]
    with pytest.warns(UserWarning, match="3 of 7 variants"):
        out = eu.interpret.variant_effects(model, fasta, mixed, LENGTH, on_mismatch="warn")
    assert out["matches"].tolist() == [True] * 4 + [False] * 3
    right = eu.interpret.variant_effects(model, fasta, variants[-3:], LENGTH, chunk_size=3)
    np.testing.assert_allclose(out["difference"][4:], -right["difference"][::3], atol=1e-6)
    for out in (None, tmp_path / "e.csv", tmp_path / "e.zarr"):
        none = eu.interpret.variant_effects(
            model, fasta, swapped, LENGTH, on_mismatch="drop", out=out
        )
        assert len(none) == 0
        assert none.attrs["n_dropped"] == 3


def test_bad_arguments(tmp_path, fasta, variants):
    for options, message in (
        ({"align": "centre"}, "align must be 'mean'"),
        ({"on_mismatch": "ignore"}, "on_mismatch must be 'error'"),
        ({"chunk_size": 0}, "chunk_size must be at least 1"),
        ({"length": None}, "give length="),
        ({"length": 0}, "length must be a whole number"),
        ({"out": tmp_path / "e.xlsx"}, r"ends in \.csv, \.tsv or \.zarr"),
    ):
        with pytest.raises(EugeneError, match=message):
            eu.interpret.variant_effects(Small(), fasta, variants, **{"length": LENGTH, **options})
    with pytest.raises(MissingFileError, match=r"folder .* does not exist"):
        eu.interpret.variant_effects(
            Small(), fasta, variants, LENGTH, out=tmp_path / "no" / "e.csv"
        )


def test_real_variants(data_files, tmp_path):
    folder = data_files / "hg38_chr1_1m"
    fasta = folder / "hg38_1m.fa.gz"
    model = Small()
    out = eu.interpret.variant_effects(model, fasta, folder / "eqtl.vcf", LENGTH)
    assert len(out) == 8
    assert out["matches"].all()
    assert (out["difference"] != 0).all()
    with pytest.raises(VariantError, match="8 of 8 variants, 8 of which"):
        eu.interpret.variant_effects(model, fasta, folder / "eqtl_flip.vcf", LENGTH)
    flipped = eu.interpret.variant_effects(
        model, fasta, folder / "eqtl_flip.vcf", LENGTH, on_mismatch="skip"
    )
    assert flipped.attrs["n_mismatches"] == 8
    with pytest.warns(UserWarning, match="8 of 8"):
        flipped = eu.interpret.variant_effects(
            model, fasta, folder / "eqtl_flip.vcf", LENGTH, on_mismatch="warn"
        )
    np.testing.assert_allclose(flipped["difference"], -out["difference"], atol=1e-6)


LOCI = ("GP1BB", "HBB", "HNF4A", "IRF6", "LDLR", "MYCrs6983267", "ZFAND3")


@pytest.mark.parametrize("locus", LOCI)
def test_saturation_of_a_locus_equals_mutagenesis(data_files, tmp_path, locus):
    folder = data_files / "cagi5_satmut"
    header, *lines = (folder / f"{locus}.fa").read_text().split("\n")
    start = int(header.split(":")[1].split("-")[0]) - 1
    text = "".join(lines)
    known = pd.read_csv(folder / f"{locus}.tsv.gz", sep="\t")
    known = known[known["Ref"].isin(list("ACGT")) & known["Alt"].isin(list("ACGT"))]
    assert len(known) > 500
    fasta = tmp_path / f"{locus}.fa"
    fasta.write_text(f">{locus}\n{text}\n")
    table = known.assign(Chrom=locus, Pos=known["Pos"] - start)
    model = Small()
    out = eu.interpret.variant_effects(model, fasta, table, LENGTH, strands="forward")
    assert len(out) == len(known)
    assert out["matches"].all()
    np.testing.assert_array_equal(out["pos"], known["window_index0"] + 1)
    windows = sd.variant_windows(fasta, table, LENGTH)
    both = se.variant_effects(model, windows.reference, windows.alternate, strands="forward")
    pd.testing.assert_frame_equal(out[both.columns], both)

    # each place once, all its letters together
    places, row = np.unique(out["pos"], return_index=True)
    X = sp.ohe(windows.reference[row], sp.DNA).swapaxes(1, 2).copy()
    half = LENGTH // 2
    effects = se.saturation_mutagenesis(model, X, target=0, start=half, end=half + 1)
    letter = np.array(["ACGT".index(alt) for alt in out["alt"]])
    expected = effects.numpy()[np.searchsorted(places, out["pos"]), letter, 0]
    np.testing.assert_allclose(out["difference"], expected, atol=1e-6)


def test_mean_of_both_alignments(fasta, variants):
    model = Small(outputs=2)
    windows = sd.variant_windows(fasta, variants, LENGTH, align="mean")
    found = se.variant_effects(model, windows.reference, windows.alternate)
    out = eu.interpret.variant_effects(model, fasta, variants, LENGTH, align="mean")
    pd.testing.assert_frame_equal(out[found.columns], found)


@pytest.mark.parametrize("resume", [True, False])
@pytest.mark.parametrize("same", [True, False])
def test_two_at_once_never_mix_their_pieces(fasta, variants, tmp_path, resume, same):
    """The second waits for the first, then takes what is there, starts over, or refuses."""
    began, found = threading.Event(), {}

    class Slow(Small):
        def forward(self, X):
            began.set()
            time.sleep(0.02)
            return super().forward(X)

    models = {"first": Slow(), "second": Slow()}
    if not same:
        torch.nn.init.constant_(models["second"].weight, 0.25)
    options = {"length": LENGTH, "chunk_size": 16, "out": tmp_path / "effects.tsv"}
    alone = {
        name: eu.interpret.variant_effects(model, fasta, variants, LENGTH, chunk_size=16)
        for name, model in models.items()
    }

    def work(name, resume):
        try:
            found[name] = eu.interpret.variant_effects(
                models[name], fasta, variants, resume=resume, **options
            )
        except RunExistsError as error:
            found[name] = error

    began.clear()
    threads = [threading.Thread(target=work, args=("first", True))]
    threads[0].start()
    began.wait()
    threads.append(threading.Thread(target=work, args=("second", resume)))
    threads[1].start()
    for thread in threads:
        thread.join()
    pd.testing.assert_frame_equal(found["first"], alone["first"])
    kept = "first"
    if resume and not same:
        assert "belongs to another job" in str(found["second"])
    else:
        kept = "second"
        pd.testing.assert_frame_equal(found["second"], alone["second"])
    in_file = pd.read_csv(options["out"], sep="\t", keep_default_na=False)
    np.testing.assert_allclose(in_file["alternate"], alone[kept]["alternate"])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["effects.tsv", "effects.tsv.json"]
