"""RNA and protein go through every verb, and what comes out has the letters that went in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr
from zoo_table import ZOO

import eugene as eu
import seqdata as sd
import seqpro as sp
from eugene.cli import main

ALPHABETS = {"DNA": sp.DNA, "RNA": sp.RNA, "AA": sp.AA}
N, LENGTH = 60, 30


def dataset(alphabet: str, n: int = N) -> xr.Dataset:
    """Return sequences whose value is the share of the alphabet's last two letters but the stop."""
    kind = ALPHABETS[alphabet]
    letters = sp.random_seqs((n, LENGTH), kind, seed=7)
    last = [c.encode() for c in kind.alphabet.replace("*", "")[-2:]]
    y = np.isin(letters, last).mean(axis=1)
    attrs = {"kind": "sequence", "alphabet": kind.alphabet}
    return xr.Dataset({"seq": (("_sequence", "_length"), letters, attrs), "y": ("_sequence", y)})


@pytest.fixture(scope="module", params=["RNA", "AA"])
def trained(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path]:
    """Return an alphabet and a run that every verb went over."""
    name = str(request.param)
    folder = tmp_path_factory.mktemp(name)
    ds = dataset(name)
    words = [row.tobytes().decode() for row in ds["seq"].to_numpy()]
    lines = [f"{w}\t{y}" for w, y in zip(words, ds["y"].to_numpy(), strict=True)]
    (folder / "x.tsv").write_text("\n".join(["sequence\ty", *lines]) + "\n")
    (folder / "r.yaml").write_text(f"""
name: r
run_dir: {folder / "run"}
data: {{name: table, path: {folder / "x.tsv"}, seq_col: sequence, target_cols: [y],
        alphabet: {name}, split: random, batch_size: 16}}
model: {{name: cnn, conv_kwargs: {{conv_channels: [4], conv_kernels: [5], pool_kernels: [4]}}}}
trainer: {{max_epochs: 1, accelerator: cpu}}
evaluate: {{n_bootstrap: 2}}
baselines: [{{name: kmer_ridge, k: 2}}]
interpret:
  attribute: {{top: 3, n_references: 2}}
  filters: {{max_sequences: 30}}
  evolve: {{rounds: 2, n: 2}}
""")
    run = str(folder / "run")
    for words in (["fit", "--config", str(folder / "r.yaml")], *([v, run] for v in VERBS)):
        assert main([*words, "--quiet"]) == 0, words
    return name, folder / "run"


VERBS = ("test", "predict", "attribute", "motifs", "evolve", "report")


def test_the_network_sees_every_letter(trained: tuple[str, Path]) -> None:
    name, run = trained
    kind = ALPHABETS[name]
    module = eu.load(run)
    assert module.alphabet == module.run.alphabet == kind.alphabet
    assert module.arch.input_channels == len(kind)
    one = torch.frombuffer(bytearray(kind.alphabet.encode()), dtype=torch.uint8)[None]
    np.testing.assert_array_equal(module.encode({"seq": one})[0], np.eye(len(kind)))
    data = sd.open_zarr(run / "data.zarr")
    assert data["seq"].attrs["alphabet"] == kind.alphabet
    X = (data["seq"].to_numpy()[:, None] == kind.array[None, :, None]).astype(np.float32)
    assert (X.sum(axis=1) == 1).all()
    expected = module.arch(torch.from_numpy(X)).detach().numpy()
    np.testing.assert_allclose(module.predict(data["seq"]), expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(module.predict(data), expected, rtol=1e-4, atol=1e-6)


def test_attributions_have_the_letters_of_the_data(trained: tuple[str, Path]) -> None:
    name, run = trained
    kind = ALPHABETS[name]
    data, found = sd.open_zarr(run / "data.zarr"), sd.open_zarr(run / "attributions.zarr")
    assert found["seq"].attrs["alphabet"] == kind.alphabet
    rows = found["index"].to_numpy()
    np.testing.assert_array_equal(found["seq"].to_numpy(), data["seq"].to_numpy()[rows])
    here = found["seq"].to_numpy()[:, None] == kind.array[None, :, None]
    values = found["deep_lift_shap"].to_numpy()
    assert values.shape == (3, len(kind), LENGTH)
    assert (values[~here] == 0).all() and (values[here] != 0).any()
    effects = found["saturation_mutagenesis_effects"].to_numpy()
    X = torch.from_numpy(here[:1].astype(np.float32))
    changed = X.clone()
    changed[0, :, 3] = 0
    changed[0, 1, 3] = 1
    network = eu.load(run).arch
    difference = (network(changed) - network(X)).item()
    np.testing.assert_allclose(effects[0, 1, 3], difference, rtol=1e-3, atol=1e-6)


def test_evolution_writes_the_letters_of_the_data(trained: tuple[str, Path]) -> None:
    name, run = trained
    kind = ALPHABETS[name]
    data = sd.open_zarr(run / "data.zarr")["seq"].to_numpy()
    table = pd.read_csv(run / "interpretation" / "evolution.csv", keep_default_na=False)
    edits = table[table["position"] >= 0]
    assert len(edits)
    for edit in edits[edits["round"] == 1].itertuples():
        assert data[edit.sequence, edit.position].decode() == edit.ref
    assert set(edits["alt"]) <= set(kind.alphabet)


def test_filters_are_motifs_over_the_alphabet(trained: tuple[str, Path]) -> None:
    name, run = trained
    motifs = sp.motifs.read(run / "interpretation" / "filters.meme")
    assert {m.alphabet.alphabet.rstrip("*") for m in motifs} == {
        ALPHABETS[name].alphabet.rstrip("*")
    }
    table = pd.read_csv(run / "interpretation" / "filters.csv", keep_default_na=False)
    consensus = set("".join(table["consensus"]))
    assert consensus <= set(ALPHABETS[name].alphabet + "NX")
    if name == "RNA":
        assert "T" not in consensus


@pytest.mark.parametrize("alphabet", ["DNA", "RNA", "AA"])
@pytest.mark.parametrize("method", ["greedy", "beam", "annealing", "genetic", "gradient"])
def test_designs_over_every_alphabet(alphabet: str, method: str) -> None:
    import seqexplainer as se

    kind = ALPHABETS[alphabet]
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(len(kind) * 8, 1))
    X = eu.interpret.one_hot(dataset(alphabet, 2).isel(_length=slice(8)))
    assert X.alphabet == kind.alphabet
    options: dict[str, Any] = {"seed": 1, "rounds": 60 if method == "annealing" else 12}
    found = se.design(network, X, method=method, constraints={"max_edits": 2}, **options)
    table = found.edits()
    weights = network[1].weight.detach().numpy().reshape(len(kind), 8)
    start = np.asarray(X)
    gain = weights[None] - (weights[None] * start).sum(axis=1, keepdims=True)
    # a linear network: the best two edits are the two largest gains of different positions
    best = np.sort(gain.max(axis=1), axis=1)[:, -2:].sum(axis=1)
    reached = found.scores[:, -1] - found.scores[:, 0]
    least = 1.0 if method in ("greedy", "beam", "gradient") else 0.3
    assert (reached >= least * best - 1e-5).all() and (reached <= best + 1e-5).all()
    letters = kind.array[start.argmax(axis=1)].astype(str)
    for edit in table.itertuples():
        assert letters[edit.sequence, edit.position] == edit.ref
        assert edit.alt in kind.alphabet
        column = found.sequences[edit.sequence, :, edit.position]
        assert kind.alphabet[int(column.argmax())] == edit.alt


@pytest.mark.parametrize("alphabet", ["RNA", "AA"])
def test_sdata_functions_keep_the_letters(alphabet: str, tmp_path: Path) -> None:
    kind, ds = ALPHABETS[alphabet], dataset(alphabet, 4)
    torch.manual_seed(0)
    arch = {"name": "deepbind", "input_len": LENGTH, "output_dim": 1}
    module = eu.models.SequenceModule(arch, alphabet=alphabet, seed=0)
    out = eu.interpret.evolve_seqs_sdata(module, ds, rounds=1, copy=True)
    assert out["evolved_seqs"].attrs["alphabet"] == kind.alphabet
    differs = out["evolved_seqs"].to_numpy() != ds["seq"].to_numpy()
    assert (differs.sum(axis=1) <= 1).all()
    score = module.predict(out["evolved_seqs"])[:, 0]
    np.testing.assert_allclose(out["evolved_1_score"], score, rtol=1e-4)
    out = eu.interpret.attribute_sdata(module, ds, method="DeepLift", copy=True)
    assert out["DeepLift_attrs"].shape == (4, len(kind), LENGTH)
    asked = {"method": "deep_lift_shap", "path": tmp_path / "a.zarr", "copy": True}
    stored = eu.interpret.attribute_sdata(module, ds, **asked)
    assert stored["deep_lift_shap_attrs"].shape == (4, len(kind), LENGTH)
    kept = sd.open_zarr(tmp_path / "a.zarr")["seq"]
    assert kept.attrs["alphabet"] == kind.alphabet
    np.testing.assert_array_equal(kept, ds["seq"])
    X = eu.interpret.one_hot(ds)
    a = eu.interpret.attribute_dataset(module, X, methods=("input_x_gradient",))
    np.testing.assert_array_equal(a["seq"], ds["seq"])
    plain = eu.interpret.attribute_dataset(
        module.arch, np.asarray(X), methods=("saliency",), alphabet=alphabet
    )
    np.testing.assert_array_equal(plain["seq"], ds["seq"])
    out = eu.interpret.generate_pfms_sdata(module, ds, num_seqlets=5, copy=True)
    name = next(str(v) for v in out.data_vars if str(v).endswith("_pfms"))
    assert out[name].attrs["alphabet"] == kind.alphabet
    path = eu.interpret.filters_to_meme_sdata(out, name.removesuffix("_pfms"), output_dir=tmp_path)
    assert sp.motifs.read(path)[0].alphabet.alphabet.rstrip("*") == kind.alphabet.rstrip("*")


@pytest.mark.parametrize("held", ["DNA", "RNA", "AA"])
@pytest.mark.parametrize("read", ["DNA", "RNA", "AA"])
def test_module_and_data_agree_or_are_refused(held: str, read: str, tmp_path: Path) -> None:
    ds = dataset(held)
    arch = {"name": "deepbind", "input_len": LENGTH, "output_dim": 1}
    module = eu.models.SequenceModule(arch, alphabet=read, seed=0)
    data = eu.data.SequenceDataModule(ds, target_vars="y", split="random", batch_size=32)
    steps = {
        "fit": lambda: eu.train.fit(
            module, data, max_epochs=1, accelerator="cpu", progress=False, tensorboard=False
        ),
        "predict a variable": lambda: module.predict(ds["seq"]),
        "predict a dataset": lambda: module.predict(ds),
        "predict letters": lambda: module.predict(ds["seq"].to_numpy()),
        "predictions of a datamodule": lambda: eu.evaluate.predictions(module, data),
        "predictions of a dataset": lambda: eu.evaluate.predictions(module, ds),
        "attribute": lambda: eu.interpret.attribute_sdata(module, ds, copy=True),
        "evolve": lambda: eu.interpret.evolve_seqs_sdata(module, ds, rounds=1, copy=True),
        "pfms": lambda: eu.interpret.generate_pfms_sdata(module, ds, copy=True),
        "encode": lambda: module.encode({"seq": torch.from_numpy(ds["seq"].to_numpy().view("u1"))}),
    }
    for name, step in steps.items():
        # letters alone cannot show that bases are no residues
        if held == read or (read == "AA" and name in ("predict letters", "encode")):
            step()
            continue
        with pytest.raises(eu.errors.EugeneError) as caught:
            step()
        assert "alphabet=" in str(caught.value), name


@pytest.mark.parametrize("name", eu.models.list_models())
@pytest.mark.parametrize("alphabet", ["RNA", "AA"])
def test_every_network_reads_the_alphabet_or_says_why_not(name: str, alphabet: str) -> None:
    from eugene.config import load_run_config
    from eugene.runs._network import build_module

    data = {"name": "table", "path": "x", "seq_col": "s", "target_cols": ["y"], "split": "random"}
    small = {k: v for k, v in ZOO[name].tiny.items() if k != "input_len"}
    model = {"name": name, **small}
    config = load_run_config({"name": "r", "data": data, "model": model})
    letters = ALPHABETS[alphabet].alphabet
    length = 384  # a multiple of 128, which is the length of a bin for some
    outputs = 2 if name == "bayes_optimal" else 1  # one for each label
    sizes = {"input_len": length, "output_dim": outputs, "alphabet": letters}
    if ZOO[name].both and alphabet == "AA":
        with pytest.raises(eu.errors.ConfigError, match="reads the reverse complement too"):
            build_module(config, **sizes)
        return
    if name == "bayes_optimal" and alphabet == "AA":  # its definition is one of DNA
        with pytest.raises(eu.errors.ConfigError, match="have 21 letters, DNA has 4"):
            build_module(config, **sizes)
        return
    module = build_module(config, **sizes)
    assert module.alphabet == letters
    assert module.arch.input_channels == len(letters)
    weights = next((p for p in module.arch.parameters() if p.ndim == 3), None)
    assert weights is None or weights.shape[1] == len(letters)
    module.arch.eval()(torch.zeros(2, len(letters), length))
    again = eu.models.build(**module.arch.config)
    assert again.input_channels == len(letters)


def test_data_that_contradict_what_they_say_are_refused() -> None:
    ds = dataset("RNA")
    ds["seq"].attrs["alphabet"] = "ACGT"
    with pytest.raises(eu.errors.EugeneError, match="letters are 'U'"):
        eu.data.SequenceDataModule(ds, target_vars="y", split="random")
    del ds["seq"].attrs["alphabet"]
    assert eu.data.SequenceDataModule(ds, target_vars="y", split="random").alphabet == "ACGU"


def test_resuming_with_another_alphabet_is_refused(tmp_path: Path) -> None:
    options: dict[str, Any] = {"max_epochs": 1, "accelerator": "cpu", "progress": False}
    options |= {"tensorboard": False, "run_dir": tmp_path / "run"}
    arch = {"name": "deepbind", "input_len": LENGTH, "output_dim": 1}

    def fit(alphabet: str, **more: Any) -> None:
        data = eu.data.SequenceDataModule(dataset(alphabet), target_vars="y", split="random")
        module = eu.models.SequenceModule(arch, alphabet=alphabet, seed=0)
        eu.train.fit(module, data, **options, **more)

    fit("RNA")
    with pytest.raises(eu.errors.EugeneError, match=r"alphabet='ACGU' .now 'ACGT'."):
        fit("DNA", resume=True)
    module = eu.load(tmp_path / "run")
    assert module.alphabet == "ACGU" and module.predict(dataset("RNA")).shape == (N, 1)


@pytest.mark.parametrize("alphabet", ["DNA", "RNA", "AA"])
def test_baselines_count_every_letter(alphabet: str) -> None:
    from eugene.evaluate import baselines

    kind, letters = ALPHABETS[alphabet], dataset(alphabet)["seq"].to_numpy()
    counts = baselines.kmer_features(letters, 1)
    expected = (letters[:, :, None] == kind.array).sum(axis=1)
    np.testing.assert_array_equal(counts, expected)
    y = expected[:, -2].astype(float)
    model = baselines.KmerRidge(k=1).fit(letters[:40], y[:40], letters[40:50], y[40:50])
    assert np.corrcoef(model.predict(letters[50:]), y[50:])[0, 1] > 0.95
    if alphabet == "AA":
        with pytest.warns(eu.errors.EugeneWarning, match="up to 3 instead of 6 of the 21 letters"):
            baselines.KmerRidge().fit(letters, y)
        with pytest.raises(eu.errors.EugeneError, match="one strand"):
            baselines.KmerRidge(k=2, both_strands=True).fit(letters, y)


@pytest.mark.parametrize("alphabet", ["DNA", "RNA", "AA"])
def test_ohe_seqs_sdata_takes_the_letters_of_the_data(alphabet: str) -> None:
    kind, ds = ALPHABETS[alphabet], dataset(alphabet)
    for said in (None, alphabet):
        made = eu.preprocess.ohe_seqs_sdata(ds, said, copy=True)
        assert made["ohe_seq"].attrs["alphabet"] == kind.alphabet
        np.testing.assert_array_equal(
            made["ohe_seq"], ds["seq"].to_numpy()[:, :, None] == kind.array
        )
    other = "DNA" if alphabet != "DNA" else "RNA"
    with pytest.raises(eu.errors.EugeneError, match=f"alphabet='{alphabet}'"):
        eu.preprocess.ohe_seqs_sdata(ds, other, copy=True)


@pytest.mark.parametrize("alphabet", ["DNA", "RNA", "AA"])
def test_homologous_sequences_stay_together_over_every_alphabet(alphabet: str) -> None:
    ds = dataset(alphabet, 30)
    twice = xr.concat([ds, ds], "_sequence")
    codes = sd.splits.homology(twice, k=5)
    np.testing.assert_array_equal(codes[:30], codes[30:])
    assert len(set(codes.tolist())) > 1


def test_old_stores_say_what_their_letters_show(tmp_path: Path) -> None:
    for name, kind in ALPHABETS.items():
        store = tmp_path / f"{name}.zarr"
        _write_old(store, dataset(name, 8)["seq"].to_numpy())
        if name == "DNA":
            found = sd.convert.read_legacy(store)
        else:
            with pytest.warns(UserWarning, match=f"by its letters it is '{kind.alphabet[:4]}"):
                found = sd.convert.read_legacy(store)
        assert found["seq"].attrs["alphabet"] == kind.alphabet
    mixed = np.array([list("ACGTACGU")], "S1")
    _write_old(tmp_path / "mixed.zarr", mixed)
    with pytest.raises(sd.SeqdataError, match=r"both T \(1\) and U \(1\)"):
        sd.convert.read_legacy(tmp_path / "mixed.zarr")


def _write_old(store: Path, letters: np.ndarray) -> None:
    """Write a Zarr v2 store by hand: one array of letters that says nothing of them."""
    import json

    (store / "seq").mkdir(parents=True)
    (store / ".zgroup").write_text('{"zarr_format": 2}')
    (store / ".zattrs").write_text("{}")
    described = {"chunks": letters.shape, "shape": letters.shape, "dtype": "|S1", "order": "C"}
    described |= {"compressor": None, "fill_value": None, "filters": None, "zarr_format": 2}
    (store / "seq" / ".zarray").write_text(json.dumps(described))
    (store / "seq" / ".zattrs").write_text('{"_ARRAY_DIMENSIONS": ["_sequence", "_length"]}')
    (store / "seq" / "0.0").write_bytes(letters.tobytes())


def test_variants_meet_networks_of_rna_and_not_of_proteins(tmp_path: Path) -> None:
    genome = sp.random_seqs((200,), sp.DNA, seed=3).tobytes().decode()
    (tmp_path / "g.fa").write_text(f">c\n{genome}\n")
    ref = genome[99]
    table = pd.DataFrame({"chrom": ["c"], "pos": [100], "ref": [ref], "alt": ["GT"[ref != "T"]]})
    arch = {"name": "deepbind", "input_len": 30, "output_dim": 1}
    found = {}
    for name in ("DNA", "RNA"):
        module = eu.models.SequenceModule(arch, alphabet=name, seed=0)
        call = (module, tmp_path / "g.fa", table, 30)
        if name == "RNA":
            with pytest.warns(eu.errors.EugeneWarning, match="each T .* as U"):
                found[name] = eu.interpret.variant_effects(*call)["difference"][0]
        else:
            found[name] = eu.interpret.variant_effects(*call)["difference"][0]
    assert found["RNA"] == found["DNA"] != 0
    module = eu.models.SequenceModule(arch, alphabet="AA", seed=0)
    with pytest.raises(eu.errors.EugeneError, match="variants are of nucleotides"):
        eu.interpret.variant_effects(module, tmp_path / "g.fa", table, 30)


@pytest.mark.parametrize("negatives", [None, False, {"method": "shuffled"}])
def test_regions_of_rna_keep_their_u(negatives: Any, tmp_path: Path) -> None:
    letters = sp.random_seqs((900,), sp.RNA, seed=5).tobytes().decode()
    (tmp_path / "g.fa").write_text(f">c\n{letters}\n")
    (tmp_path / "p.bed").write_text("c\t100\t140\nc\t200\t240\n")
    files = (tmp_path / "g.fa", tmp_path / "p.bed")
    ds = eu.data.sources.regions(*files, width=30, alphabet="RNA", negatives=negatives, seed=1)
    assert ds["seq"].attrs["alphabet"] == "ACGU"
    assert ds["seq"].to_numpy()[0].tobytes().decode() == letters[105:135]
    assert set(ds["seq"].to_numpy().ravel().tolist()) == {b"A", b"C", b"G", b"U"}
    for policy in ("error", "warn", "n"):
        with pytest.raises(sd.SeqdataError, match="RNA"):
            eu.data.sources.regions(*files, width=30, negatives=negatives, on_unknown=policy)
