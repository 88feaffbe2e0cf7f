"""Datasets by name, from a server on this machine to a dataset with its split."""

from __future__ import annotations

import dataclasses
import gzip
import io
import json
import tarfile

import numpy as np
import pandas as pd
import pytest

import seqdata as sd
from seqdata.datasets import _cache, _registry
from seqdata.errors import (
    ArchiveError,
    ChecksumError,
    ContigError,
    DatasetError,
    DownloadError,
    LengthError,
    MissingFileError,
    OfflineError,
    StoreError,
    TableError,
    UnverifiedError,
)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Use a cache of this test's own."""
    monkeypatch.setenv("EUGENE_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache" / "datasets"


def tsv(table):
    return table.to_csv(sep="\t", index=False).encode()


DROP = 40_000  # bytes after which the server gives up once


@pytest.fixture
def jores(server, data_files):
    """Serve rows of the leaf table under the names of the published files."""
    table = pd.read_csv(data_files / "jores21" / "jores21_test_leaf_public75.tsv.gz", sep="\t")
    train, test = table[table["split_here"] == "train"], table[table["split_here"] == "val"]
    server.serve("CNN_train_leaf.tsv", tsv(train), drops=[DROP])
    server.serve("CNN_test_leaf.tsv", tsv(test))
    return train, test


def test_jores21_end_to_end(server, jores, cache):
    train, test = jores
    ds = sd.datasets.get("jores21", mirrors=server.url, unverified=True)
    assert ds["seq"].shape == (len(train) + len(test), 170)
    names = [str(name) for name in sd.schema.decode(ds["split"])]
    assert names == ["train"] * len(train) + ["test"] * len(test)
    letters = ds["seq"].to_numpy().view("S170")[:, 0].astype(str)
    np.testing.assert_array_equal(letters, [*train["sequence"], *test["sequence"]])
    np.testing.assert_allclose(ds["enrichment"], [*train["enrichment"], *test["enrichment"]])
    assert ds.attrs["dataset_doi"] == "10.1038/s41477-021-00932-y"
    assert server.ranges == [None, f"bytes={DROP}-", None]
    assert sorted(p.name for p in (cache / "jores21").glob("*.zarr")) == [
        ds.encoding["source"].rsplit("/", 1)[-1]
    ]


def test_the_second_time_nothing_is_fetched_or_built(server, jores, cache, monkeypatch):
    first = sd.datasets.get("jores21", mirrors=server.url, unverified=True)
    asked = len(server.requests)
    monkeypatch.setattr("seqdata.datasets._api._build", None)
    monkeypatch.setenv("EUGENE_OFFLINE", "1")
    again = sd.datasets.get("jores21")
    assert again.encoding["source"] == first.encoding["source"]
    assert len(server.requests) == asked


def test_unverified_is_asked_for_and_pinned(server, jores, cache):
    with pytest.raises(UnverifiedError, match=r"CNN_train_leaf\.tsv, CNN_test_leaf\.tsv is not"):
        sd.datasets.get("jores21", mirrors=server.url)
    assert server.requests == []
    with pytest.raises(OfflineError, match="is not in the cache"):
        sd.datasets.get("jores21", offline=True)
    files = sd.datasets.fetch("jores21", mirrors=server.url, unverified=True)
    pins = json.loads((cache / "pins.json").read_text())
    assert pins["jores21/CNN_test_leaf.tsv"] == _cache.sha256_of(files["test_leaf"])
    # the source changes: what comes is no longer what came first
    server.serve("CNN_test_leaf.tsv", server.pages["/CNN_test_leaf.tsv"].body + b"\n")
    files["test_leaf"].unlink()
    mirrors = f"{server.url}/{{file}}"
    table = sd.datasets.info("jores21")["files"]["test_leaf"]
    assert table["verified"] is False
    with pytest.raises(DownloadError, match="sha256") as caught:
        sd.datasets.fetch("jores21", mirrors=mirrors, unverified=True)
    assert isinstance(caught.value, ChecksumError)
    assert pins["jores21/CNN_test_leaf.tsv"] in str(caught.value)


def test_what_cannot_be_read_is_not_pinned(server, jores, cache):
    server.serve("CNN_test_leaf.tsv", b"<html>Sign in</html>")
    with pytest.raises(sd.SeqdataError) as caught:
        sd.datasets.get("jores21", mirrors=server.url, unverified=True)
    assert "was thrown away" in caught.value.__notes__[0]
    assert json.loads((cache / "pins.json").read_text()) == {}
    assert not [*(cache / "jores21" / "files").glob("*.tsv")]
    assert not [*(cache / "jores21").glob("*.zarr")]
    drafts = (cache / "jores21").glob(".jores21-*")
    assert [path for path in drafts if path.suffix != ".lock"] == []


def test_out_and_overwrite(tmp_path, cache):
    goal = tmp_path / "r.zarr"
    ds = sd.datasets.get("random1000", out=goal)
    assert ds.encoding["source"] == str(goal)
    assert ds.sizes == {"_sequence": 1000, "_length": 100}
    assert np.bincount(ds["split"].to_numpy()).tolist() == [800, 100, 100]
    with pytest.raises(StoreError, match="exists"):
        sd.datasets.get("random1000", out=goal)
    again = sd.datasets.get("random1000", out=goal, overwrite=True, seed=1)
    assert again.attrs["dataset_options"]["seed"] == 1
    same = sd.datasets.get("random1000")
    np.testing.assert_array_equal(same["activity_4"], sd.datasets.get("random1000")["activity_4"])
    assert not np.array_equal(same["seq"], again["seq"])


def test_a_damaged_store_in_the_cache_is_built_again(cache):
    ds = sd.datasets.get("random1000", n=10)
    mark = cache / "random1000" / ds.encoding["source"].rsplit("/", 1)[-1] / "zarr.json"
    mark.write_text("{}")
    assert sd.datasets.get("random1000", n=10)["seq"].shape == (10, 100)


def test_your_own_files(tmp_path, cache):
    table = tmp_path / "t.tsv"
    table.write_text("sequence\tenrichment\nACGT\t1.5\n")
    files = {"train_leaf": table, "test_leaf": table}
    ds = sd.datasets.get("jores21", files=files, offline=True)
    assert ds["split"].to_numpy().tolist() == [0, 2]
    table.write_text("sequence\tenrichment\nACGT\t2.5\n")
    ds = sd.datasets.get("jores21", files=files, offline=True)
    assert ds["enrichment"].to_numpy().tolist() == [2.5, 2.5]
    with pytest.raises(DatasetError, match=r"has no file 'train'\. Did you mean 'train_leaf'"):
        sd.datasets.get("jores21", files={"train": table})
    with pytest.raises(MissingFileError):
        sd.datasets.get("jores21", files={"train_leaf": tmp_path / "x", "test_leaf": table})


def test_files_without_an_address_are_asked_for(cache, monkeypatch):
    described = _registry.find("kopp21")
    files = tuple(dataclasses.replace(file, urls=()) for file in described.files)
    hidden = dataclasses.replace(described, files=files)
    monkeypatch.setattr(_registry, "find", lambda name, **_: hidden)
    with pytest.raises(DatasetError, match=r"no public address of peaks, blacklist, genome"):
        sd.datasets.get("kopp21", unverified=True)


def test_deepstarr_joins_sequences_and_activities(server, cache, data_files):
    fasta = (data_files / "deepstarr_model" / "Sequences_example.fa").read_bytes()
    n = fasta.count(b">")
    for i, split in enumerate(("Train", "Val", "Test")):
        activity = pd.DataFrame({
            "Dev_log2_enrichment": np.arange(n) + 0.5 + i, "Hk_log2_enrichment": np.arange(n) - 3,
        })  # fmt: skip
        server.serve(f"Sequences_{split}.fa", fasta)
        server.serve(f"Sequences_activity_{split}.txt", tsv(activity))
    ds = sd.datasets.get("DeepSTARR", mirrors=server.url, unverified=True)
    assert ds["seq"].shape == (3 * n, 249)
    assert ds["split"].to_numpy().tolist() == [0] * n + [1] * n + [2] * n
    assert ds["Dev_log2_enrichment"].to_numpy()[n] == 1.5
    val = sd.datasets.get("deAlmeida22", dataset="val")
    assert val["split"].to_numpy().tolist() == [1] * n
    server.serve("Sequences_activity_Test.txt", tsv(pd.DataFrame({"Dev_log2_enrichment": [1.0]})))
    own = {"activity_test": cache / "short.txt"}
    own["activity_test"].write_text("Dev_log2_enrichment\n1.0\n")
    with pytest.raises(LengthError, match="do not belong together"):
        sd.datasets.get("deAlmeida22", dataset="test", files=own)


def test_parts_that_do_not_fit_are_refused(cache, tmp_path):
    one, two = tmp_path / "one.tsv", tmp_path / "two.tsv"
    one.write_text("sequence\tenrichment\nACGT\t1\n")
    two.write_text("sequence\tenrichment\tgene\nACGT\t1\tx\n")
    with pytest.raises(TableError, match=r"two.tsv has not the columns of .*one.tsv: \['gene'\]"):
        sd.datasets.get("jores21", files={"train_leaf": one, "test_leaf": two})


@pytest.mark.parametrize(
    ("values", "expected"),
    [(["1", "2.5", "3"], [1.0, 2.5, 3.0]), (["1", "x", "2.5"], ["1", "x", "2.5"])],
)
def test_parts_agree_on_the_type_of_a_column(cache, tmp_path, values, expected):
    files = {}
    for split, value in zip(("train", "val", "test"), values, strict=True):
        files[f"fasta_{split}"] = tmp_path / f"{split}.fa"
        files[f"fasta_{split}"].write_text(">a\nACGT\n")
        files[f"activity_{split}"] = tmp_path / f"{split}.txt"
        files[f"activity_{split}"].write_text(f"y\n{value}\n")
    ds = sd.datasets.get("deAlmeida22", files=files)
    assert ds["y"].to_numpy().tolist() == expected


def test_missing_packages_are_told_before_the_download(server, cache, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DatasetError, match="needs the package h5py: pip install"):
        sd.datasets.get("DeepSEA", mirrors=server.url, unverified=True)
    assert server.requests == []


def test_a_cache_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DownloadError, match="Set EUGENE_CACHE_DIR"):
        sd.datasets.get("random1000", cache_dir=tmp_path / "file")


def test_ray13_has_its_probe_sets(server, cache):
    table = pd.DataFrame({
        "RNA_Seq": ["ACGUU", "GGGAC", "UUUUAC"], "Probe_Set": ["SetA", "SetB", "SetA"],
        "RNCMPT00001": [1.5, np.nan, -2.0],
    })  # fmt: skip
    server.serve("norm_data.txt.gz", gzip.compress(tsv(table)))
    ds = sd.datasets.get("ray13", mirrors=server.url, unverified=True)
    assert ds["split"].to_numpy().tolist() == [0, 2, 0]
    assert ds["seq"].attrs["alphabet"].startswith("ACGU")
    assert ds["seq_length"].to_numpy().tolist() == [5, 5, 6]
    assert np.isnan(ds["RNCMPT00001"].to_numpy()[1])


def test_ray13_without_probe_sets_says_so(server, cache, caplog):
    table = pd.DataFrame({"RNA_Seq": ["ACGU"], "name": ["x"]})
    server.serve("raw_data.txt.gz", gzip.compress(tsv(table)))
    ds = sd.datasets.get("ray13", dataset="raw", mirrors=server.url, unverified=True)
    assert ds["split"].to_numpy().tolist() == [-1]
    assert "no column of probe sets" in caplog.text


def test_deboer20_with_and_without_a_header(server, cache, data_files):
    path = data_files / "yeast_promoter" / "HighQuality_pTpA_Glu_public80.tsv.gz"
    table = pd.read_csv(path, sep="\t")
    body = table.to_csv(sep="\t", index=False, header=False).encode()
    key = sd.datasets.info("deBoer20")["files"]["pTpA"]["name"]
    server.serve(key, gzip.compress(body))
    ds = sd.datasets.get("deBoer20", mirrors=server.url, unverified=True)
    np.testing.assert_allclose(ds["expression"], table["measured"])
    lengths = table["sequence"].str.len()
    np.testing.assert_array_equal(ds["seq_length"], lengths)
    assert set(ds["split"].to_numpy().tolist()) == {-1}
    key = sd.datasets.info("deBoer20")["files"]["native80"]["name"]
    server.serve(key, gzip.compress(b"seq\tnative\tvalue\nACGT\tTRUE\t1.5\nACG\tFALSE\tNA\n"))
    ds = sd.datasets.get("deBoer20", dataset="native80", mirrors=server.url, unverified=True)
    assert ds["value"].to_numpy()[0] == 1.5
    server.serve(key, gzip.compress(b"ACGT\n"))
    own = cache / "one.txt"
    own.write_bytes(b"ACGT\n")
    with pytest.raises(sd.SeqdataError, match="separated by a tab"):
        sd.datasets.get("deBoer20", dataset="native80", files={"native80": own})


def test_farley15(server, cache):
    server.serve("farley2015_seqs.csv", b"Enhancer,RPM\nACGT,1.5\nACGG,2.5\n")
    ds = sd.datasets.get("farley15", mirrors=server.url, unverified=True)
    assert ds["RPM"].to_numpy().tolist() == [1.5, 2.5]


def test_a_genome_on_real_bases(server, cache, shared_data):
    body = gzip.decompress((shared_data / "sacCer3" / "sacCer3.fa.gz").read_bytes())
    with pytest.raises(ContigError, match="another assembly") as caught:
        server.serve("sacCer3.fa.gz", gzip.compress(body, 1))
        sd.datasets.genome("sacCer3", mirrors=server.url, unverified=True)
    assert "'chrM' should have 85,779 bp and has none" in str(caught.value)
    whole = body.rstrip() + b"\n>chrM\n" + b"ACGTA" * 17155 + b"ACGT\n"
    server.serve("sacCer3.fa.gz", gzip.compress(whole, 1))
    genome = sd.datasets.genome("sacCer3", mirrors=server.url, unverified=True)
    assert genome.sizes["chrI"] == 230218
    assert genome.blacklist is None
    fetched = sd.regions.fetch_sequences(
        genome.fasta, pd.DataFrame({"chrom": ["chrM"], "chromStart": [1], "chromEnd": [5]})
    )
    assert fetched.tobytes() == b"CGTA"
    before = genome.fasta.stat().st_mtime_ns
    assert sd.datasets.genome("sacCer3", offline=True).fasta.stat().st_mtime_ns == before


def test_a_blacklist_is_verified(server, cache, shared_data):
    name = "hg38-blacklist.v2.bed.gz"
    server.serve(name, (shared_data / "annotations" / name).read_bytes())
    found = sd.datasets.genome("hg38", sequence=False, mirrors=server.url)
    assert found.fasta is None
    assert len(sd.read_bedlike(found.blacklist)) == 636
    ds = sd.datasets.get("hg38", sequence=False)
    assert int(ds["length"].sel(_contig=0)) == 248956422
    with pytest.raises(UnverifiedError):
        sd.datasets.genome("hg38")


def test_motif_sets(server, cache, shared_data):
    body = (shared_data / "jores21" / "TF-clusters.meme").read_bytes()
    server.serve("TF-clusters.meme", body)
    found = sd.datasets.motifs("jores21_tf_clusters", mirrors=f"{server.url}/{{file}}")
    assert len(found) == 72
    ds = sd.datasets.get("jores21_tf_clusters", offline=True)
    assert ds["ppm"].shape[:2] == (72, 4)
    width = int(ds["width"][3])
    np.testing.assert_allclose(ds["ppm"][3, :, :width], found[3].ppm())
    assert (ds["ppm"][3, :, width:] == 0).all()
    stored = sd.datasets.get("jores21_tf_clusters", out=cache / "m.zarr", offline=True)
    np.testing.assert_allclose(stored["ppm"], ds["ppm"])


def test_mirrors_from_the_environment(server, cache, shared_data, monkeypatch):
    body = (shared_data / "jores21" / "TF-clusters.meme").read_bytes()
    server.serve("jores21_tf_clusters/TF-clusters.meme", body)
    monkeypatch.setenv("EUGENE_MIRRORS", f"{server.url}/none {server.url}/{{dataset}}")
    assert len(sd.datasets.motifs("jores21_tf_clusters")) == 72
    folder = shared_data / "jores21"
    monkeypatch.setenv("EUGENE_MIRRORS", folder.as_uri())
    assert len(sd.datasets.motifs("jores21_tf_clusters", cache_dir=cache / "b", offline=True)) == 72


def packed(folder):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        archive.add(folder, folder.name)
    return out.getvalue()


def test_stores_of_seqdata(server, cache, tmp_path, monkeypatch):
    import hashlib
    from dataclasses import replace

    from seqdata.datasets import _registry

    ds = sd.datasets.get("random1000", n=12)
    sd.to_zarr(ds, tmp_path / "K562_ATAC-seq.zarr")
    body = packed(tmp_path / "K562_ATAC-seq.zarr")
    server.serve("K562_ATAC-seq.zarr.tar.gz", body)
    server.serve("signal.bw", b"x")
    with pytest.raises(ChecksumError):
        sd.datasets.get("K562_ATAC_seq", mirrors=f"{server.url}/{{file}}", offline=False)
    entry = _registry.find("K562_ATAC_seq")
    files = tuple(replace(f, sha256=hashlib.sha256(body).hexdigest()) for f in entry.files)
    known = {**_registry.entries(), entry.name: replace(entry, files=files)}
    monkeypatch.setattr(_registry, "entries", lambda: known)
    again = sd.datasets.get("K562_ATAC_seq", mirrors=server.url)
    np.testing.assert_array_equal(again["seq"], ds["seq"])
    path = sd.datasets.K562_ATAC_seq()
    assert path.name == "K562_ATAC-seq.zarr"
    np.testing.assert_array_equal(sd.open_zarr(path)["seq"], ds["seq"])
    files = tuple(replace(f, sha256=hashlib.sha256(b"x").hexdigest()) for f in entry.files)
    known[entry.name] = replace(entry, files=files)
    assert sd.datasets.K562_ATAC_seq("bigwig", mirrors=server.url).read_bytes() == b"x"
    with pytest.raises(DatasetError, match="need a genome"):
        sd.datasets.get("K562_ATAC_seq", type="bigwig")


def test_an_archive_with_a_member_outside_is_refused(server, cache, monkeypatch):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("../../evil.mat"), io.BytesIO())
    server.serve("deepsea_train_bundle.v0.9.tar.gz", out.getvalue())
    with pytest.raises(ArchiveError, match="leads out of its folder"):
        sd.datasets.get("DeepSEA", mirrors=server.url, unverified=True)
    assert not [*cache.parent.rglob("evil.mat")]
    assert json.loads((cache / "pins.json").read_text()) == {}


def letters_of(onehot, order):
    return ["".join(order[k] for k in row.argmax(0)) for row in onehot]


def onehot(n, length, seed):
    return np.eye(4, dtype=np.uint8)[np.random.default_rng(seed).integers(4, size=(n, length))]


def test_deepsea(server, cache, tmp_path):
    h5py = pytest.importorskip("h5py", reason="the extra 'h5' is not installed")
    from scipy.io import savemat

    rows = {
        part: onehot(5, 20, i).swapaxes(1, 2) for i, part in enumerate(("train", "valid", "test"))
    }
    labels = np.random.default_rng(3).integers(0, 2, (5, 7)).astype(np.uint8)
    folder = tmp_path / "deepsea_train"
    folder.mkdir()
    with h5py.File(folder / "train.mat", "w") as out:
        out["trainxdata"] = rows["train"].transpose(2, 1, 0)
        out["traindata"] = labels.T
    for part in ("valid", "test"):
        savemat(folder / f"{part}.mat", {f"{part}xdata": rows[part], f"{part}data": labels})
    server.serve("deepsea_train_bundle.v0.9.tar.gz", packed(folder))
    ds = sd.datasets.get("deepsea", mirrors=server.url, unverified=True)
    assert ds["split"].to_numpy().tolist() == [0] * 5 + [1] * 5 + [2] * 5
    found = ds["seq"].to_numpy().view("S20")[:, 0].astype(str).tolist()
    assert found == [s for part in rows.values() for s in letters_of(part, "AGCT")]
    np.testing.assert_array_equal(ds["label"], np.tile(labels, (3, 1)))


def test_synthetic_code(server, cache, tmp_path):
    h5py = pytest.importorskip("h5py", reason="the extra 'h5' is not installed")
    with h5py.File(tmp_path / "x.h5", "w") as out:
        for i, part in enumerate(("train", "valid", "test")):
            out[f"X_{part}"] = onehot(4, 20, i).swapaxes(1, 2)
            out[f"Y_{part}"] = np.array([[1], [0], [1], [0]])
            out[f"model_{part}"] = np.full((4, 4, 20), 0.25)
    server.serve("synthetic_code_dataset.h5", (tmp_path / "x.h5").read_bytes())
    ds = sd.datasets.get("synthetic_code", mirrors=server.url, unverified=True)
    assert ds["truth"].shape == (12, 4, 20)
    assert ds["split"].to_numpy().tolist() == [0] * 4 + [1] * 4 + [2] * 4
    first = letters_of(onehot(4, 20, 0).swapaxes(1, 2), "ACGT")
    assert ds["seq"].to_numpy()[:4].view("S20")[:, 0].astype(str).tolist() == first


def test_kopp21_on_your_files(cache, tmp_path):
    rng = np.random.default_rng(0)
    with (tmp_path / "g.fa").open("w") as out:
        for contig in ("chr1", "chr2", "chr3"):
            out.write(f">{contig}\n{''.join(rng.choice(list('ACGT'), 3000))}\n")
    (tmp_path / "peaks.bed").write_text(
        "chr1\t250\t450\nchr1\t300\t420\nchr2\t999\t1200\nchr3\t2500\t2510\n"
    )
    (tmp_path / "black.bed").write_text("chr3\t2700\t2800\n")
    names = {"genome": "g.fa", "peaks": "peaks.bed", "blacklist": "black.bed"}
    files = {key: tmp_path / name for key, name in names.items()}
    ds = sd.datasets.get("kopp21", files=files, extend=400)
    # chr1 from 200 to 850 and chr2 from 600 to 1600; chr3 from 2200 to 2600 and not 2800
    assert ds["start"].to_numpy().tolist() == [
        50, 250, 450, 450, 650, 850, 1050, 1250, 2050, 2250
    ]  # fmt: skip
    assert ds["seq"].shape == (10, 500)
    assert ds["label"].to_numpy().tolist() == [1, 1, 0, 0, 1, 1, 0, 0, 0, 1]
    assert ds["split"].to_numpy().tolist() == [0] * 3 + [1] * 5 + [2] * 2
    middle = sd.regions.fetch_sequences(
        tmp_path / "g.fa", pd.DataFrame({"chrom": ["chr1"], "chromStart": [200], "chromEnd": [400]})
    )
    np.testing.assert_array_equal(ds["seq"][0, 150:350], middle[0])


def test_basset(server, cache, tmp_path):
    rng = np.random.default_rng(1)
    bases = "".join(rng.choice(list("ACGT"), 20_000))
    server.serve("hg19.fa.gz", gzip.compress(f">chr1\n{bases}\n".encode()))
    starts, strands = np.arange(100) * 150, np.where(np.arange(100) % 3, "+", "-")
    labels = rng.integers(0, 2, (100, 3))
    table = pd.DataFrame(labels, columns=["8988T", "A549", "HeLa"])
    table.index = [f"chr1:{a}-{a + 600}({s})" for a, s in zip(starts, strands, strict=True)]
    body = gzip.compress(table.to_csv(sep="\t").encode())
    server.serve("encode_roadmap_act.txt.gz", body)
    ds = sd.datasets.get("Basset", mirrors=server.url, unverified=True)
    assert ds["seq"].shape == (100, 600)
    np.testing.assert_array_equal(ds["label"], labels)
    assert ds["target"].values.tolist() == list(table.columns)
    assert ds["seq"][1].to_numpy().tobytes().decode() == bases[150:750]
    turned = bases[:600][::-1].translate(str.maketrans("ACGT", "TGCA"))
    assert ds["seq"][0].to_numpy().tobytes().decode() == turned
    assert np.bincount(ds["split"].to_numpy()).tolist() == [93, 3, 4]


@pytest.mark.parametrize("row", ["chr1:5-605\t1\t0", "chr1:5-605(+)\t2\t0"])
def test_basset_with_rows_that_make_no_sense(cache, tmp_path, row):
    (tmp_path / "a.txt").write_text(f"\tx\ty\nchr1:0-600(+)\t1\t1\n{row}\n")
    (tmp_path / "g.fa").write_text(f">chr1\n{'ACGT' * 300}\n")
    files = {"activity": tmp_path / "a.txt", "genome": tmp_path / "g.fa"}
    with pytest.raises(TableError, match=r"a\.txt, row 2, 'chr1:5-605.*expected a place"):
        sd.datasets.get("Basset", files=files)


def test_a_plain_import_loads_none_of_it():
    import subprocess
    import sys

    code = "import sys, seqdata; print('seqdata.datasets' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
