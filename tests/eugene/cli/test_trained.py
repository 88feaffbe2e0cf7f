"""Folders that `eugene.train.fit` filled work in the shell as far as a network without data can."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr

import eugene as eu
from eugene.cli import main

LETTERS = np.random.default_rng(0).choice(np.frombuffer(b"ACGT", "S1"), (40, 40))


class Plain:
    """Loaders that say nothing of their data."""

    def train_dataloader(self) -> list[dict[str, torch.Tensor]]:
        rows = torch.from_numpy(LETTERS.view("u1").copy())
        return [{"seq": rows, "target": torch.arange(40.0)[:, None]}]

    val_dataloader = train_dataloader


@pytest.fixture(scope="module", params=["dataset", "loaders"])
def folder(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("python") / "net"
    module = eu.models.SequenceModule({"name": "deepbind", "input_len": 40, "output_dim": 1})
    options: dict[str, Any] = {"run_dir": path, "progress": False, "tensorboard": False}
    if request.param == "dataset":
        ds = xr.Dataset({"seq": (("_sequence", "_length"), LETTERS, {"alphabet": "ACGT"})})
        ds["y"] = ("_sequence", np.arange(40.0))
        eu.preprocess.train_test_random_split(ds)
        eu.train.fit_sequence_module(module, ds, "seq", "y", epochs=1, **options)
    else:
        eu.train.fit(module, Plain(), max_epochs=1, **options)
    fasta = path.parent / "x.fa"
    fasta.write_text(
        "".join(f">s{i}\n{b''.join(row).decode()}\n" for i, row in enumerate(LETTERS[:3]))
    )
    (path.parent / "g.fa").write_text(">c\n" + "ACGTGCA" * 30 + "\n")
    (path.parent / "v.tsv").write_text("chrom\tpos\tref\talt\nc\t71\tA\tC\n")
    return path, module


WORKING = (
    "predict {f} --input {t}/x.fa --out {t}/p.tsv",
    "attribute {f} --input {t}/x.fa --out {t}/a.zarr --methods saliency --overwrite",
    "variants {f} --fasta {t}/g.fa --vcf {t}/v.tsv --out {t}/e.tsv --overwrite",
    "report {f}",
    "report {f} --out {t}/page.html",
    "compare {f} {f} --out {t}/c.csv",
)


@pytest.mark.parametrize("line", WORKING, ids=lambda line: line.split()[0])
def test_what_a_network_alone_can_do(line: str, folder: Any, capsys: Any) -> None:
    path, module = folder
    files = {p.name for p in path.iterdir()}
    assert main(line.format(f=path, t=path.parent).split()) == 0, capsys.readouterr().err
    assert {p.name for p in path.iterdir()} - files <= {"report.html", "figures"}
    if line.startswith("predict"):
        table = np.loadtxt(path.parent / "p.tsv", skiprows=1, usecols=1)
        expected = np.asarray(module.predict(LETTERS[:3]))[:, 0]
        np.testing.assert_allclose(table, expected, rtol=1e-4)
    if line.startswith("compare"):
        header, row, _ = (path.parent / "c.csv").read_text().splitlines()
        best = float(row.split(",")[header.split(",").index("val_loss")])
        assert best == pytest.approx(float(np.genfromtxt(path / "metrics.csv", delimiter=",",
                                                         names=True)["val_loss"]))  # fmt: skip


@pytest.mark.parametrize("verb", ["test", "motifs", "evolve", "predict", "attribute"])
def test_what_needs_the_data_is_told(verb: str, folder: Any, capsys: Any) -> None:
    assert main([verb, str(folder[0])]) == 2
    assert "keeps the network and not its data" in capsys.readouterr().err
    assert not (folder[0] / "state.json").exists()


def test_keys_that_would_not_be_heard(folder: Any, capsys: Any) -> None:
    words = ["predict", str(folder[0]), "--input", "x.fa", "--data.path", "x"]
    assert main(words) == 2
    assert "has no configuration: leave --data.path out" in capsys.readouterr().err
