"""Published weights: the registry, the room they come through, and what they measure."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from torch import nn

import eugene as eu
from eugene.config import load_run_config
from eugene.errors import ConfigError, EugeneError, EugeneWarning
from eugene.models import build, list_models, list_weights, model_card, pretrained, start_from
from eugene.models._convert import BY_NAME, CONVERTERS, fill
from eugene.models._layers import FileLayer, pour, read_keras_layers
from seqdata.errors import ChecksumError, OfflineError, UnverifiedError

FILES = {
    "deepstarr": "deepstarr_model/deepstarr.model.h5",
    "deepstarr_torch": "models_golden/deepstarr_pytorch_weights.pth",
    "kopp21_cnn": "models_golden/eugene_kopp21_cnn.ckpt",
    "gabpa": "models_golden/gabpa_final_23.keras_weights.h5",
    "optimus_evolution": "models_golden/optimus_evolution_model.hdf5",
    "optimus_evolution_retrained": "models_golden/optimus_retrained_evolution_model.hdf5",
}


def one_hot(sequences: list[str]) -> torch.Tensor:
    letters = np.array([list(s) for s in sequences])
    return torch.from_numpy((letters[:, None] == np.array(list("ACGT"))[:, None]).astype("f4"))


def local(name: str, shared_data: Path) -> nn.Module:
    if FILES[name].endswith(("h5", "hdf5")):
        pytest.importorskip("h5py")
    return pretrained(name, path=shared_data / FILES[name])


@pytest.mark.parametrize("name", list_weights())
def test_cards_are_whole(name: str) -> None:
    card = model_card(name)
    assert card.model in list_models()
    assert card.format in {*CONVERTERS, *BY_NAME}
    assert all([card.citation, card.licence, card.source, card.input])
    # what was never at hand could not be measured
    assert card.measured.data if card.measured else not card.verified
    assert re.fullmatch(r"10\.\d{4,9}/\S+", card.doi)
    assert list(card.files) == ["weights"]
    file = card.files["weights"]
    assert all(url.startswith("https://") for url in file["urls"])
    assert card.verified == bool(file.get("sha256"))
    with torch.device("meta"):
        network = build(card.model, **card.arguments)
    # of heads with thousands of tracks the heads are told
    told = len(network.config.get("heads") or ()) or network.output_dim
    assert told == len(card.outputs)
    assert card.name in list_weights(card.model)


def _pearson(one: torch.Tensor, other: pd.Series) -> float:
    return float(np.corrcoef(one.numpy(), other)[0, 1])


def measure(name: str, network: nn.Module, folder: Path) -> float:
    """Return what the card of these weights says was measured."""
    if name == "deepstarr":
        golden = pd.read_csv(folder / "deepstarr_model/golden_predictions_keras.tsv", sep="\t")
        found = network(one_hot(list(golden["sequence"]))).numpy()
        return float(np.abs(found - golden[["dev_log2", "hk_log2"]].to_numpy()).max())
    if name == "deepstarr_torch":
        golden = np.load(folder / "models_golden/deepstarr_pytorch_layer_outputs.npz")
        h, worst = torch.from_numpy(golden["input"]).float(), 0.0
        out = network(h)
        for i in range(4):
            for j, part in enumerate(("conv", "bn", "relu", "pool")):
                h = network.conv1d_tower.layers[4 * i + j](h)
                worst = max(worst, float(np.abs(h.numpy() - golden[f"{part}{i + 1}"]).max()))
        heads = np.concatenate([golden["out_dev"], golden["out_hk"]], axis=1)
        return max(worst, float(np.abs(out.numpy() - heads).max()))
    rng = np.random.default_rng(0)
    if name == "kopp21_cnn":
        background = rng.choice(list("ACGT"), (200, 500))
        bound = background.copy()
        bound[:, 240:249] = list("ATGACTCAT")
        scores = [network(one_hot(["".join(s) for s in x])) for x in (bound, background)]
        return float((scores[0] > scores[1]).float().mean())
    if name == "gabpa":
        path = folder / "deepbind_encode/GABPA_GM12878_GABP_HudsonAlpha_B.seq.gz"
        table = pd.read_csv(path, sep="\t")
        flanked = [
            "".join(rng.choice(list("ACGT"), 49)) + s + "".join(rng.choice(list("ACGT"), 50))
            for s in table["seq"]
        ]
        from sklearn.metrics import roc_auc_score

        return float(roc_auc_score(table["Bound"], network(one_hot(flanked))[:, 0]))
    table = pd.read_csv(folder / "utr_mpra/optimus5prime_snv_5utr.tsv.gz", sep="\t")
    found = network(one_hot([f"{utr}ATGG" for utr in table["utr"]]))[:, 0]
    # the columns are predictions of the authors' main models, larger siblings of these two
    sibling = "old_pred" if name == "optimus_evolution" else "retrained_pred"
    assert _pearson(found, table[sibling]) > 0.95
    return _pearson(found, table["hrl"])


@pytest.mark.parametrize("name", [n for n in list_weights() if model_card(n).measured])
def test_what_the_card_says_was_measured_is_measured_again(name: str, shared_data: Path) -> None:
    network = local(name, shared_data)
    assert network.card is model_card(name)
    assert not network.training
    with torch.no_grad():
        found = measure(name, network, shared_data)
    said = model_card(name).measured.value
    if said < 1e-3:
        assert found < 4 * said < 1e-4
    else:
        assert found == pytest.approx(said, abs=5e-3)


def test_optimus_is_what_its_tensors_say(shared_data: Path) -> None:
    """The same numbers from NumPy alone, on the layers as the file has them."""
    network = local("optimus_evolution", shared_data)
    layers = [
        (layer.parts["weight"].numpy(), layer.parts["bias"].numpy())
        for layer in read_keras_layers(shared_data / FILES["optimus_evolution"])
    ]
    X = one_hot(["ACGTTGCATC" * 5 + "ATGG", "GGATCCTTAA" * 5 + "ATGG"])
    h = X.numpy().transpose(0, 2, 1)
    for w, b in layers[:2]:
        positions = h.shape[1] - w.shape[2] + 1
        windows = [h[:, i : i + w.shape[2]].transpose(0, 2, 1) for i in range(positions)]
        h = np.stack([np.tensordot(x, w, ([1, 2], [1, 2])) + b for x in windows], axis=1)
        h = np.maximum(h, 0)
    h = h.reshape(2, -1)
    for i, (w, b) in enumerate(layers[2:]):
        h = h @ w.T + b
        h = np.maximum(h, 0) if i == 0 else h
    with torch.no_grad():
        np.testing.assert_allclose(network(X).numpy(), h, atol=1e-5)


def packed(tmp_path: Path, name: str = "small") -> tuple[Path, nn.Module]:
    network = build("deepbind", input_len=41, output_dim=1, seed=1)
    path = tmp_path / f"{name}.npz"
    np.savez(path, **{k: v.numpy() for k, v in network.state_dict().items()})
    return path, network


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A registry of one set of weights that a folder of this machine serves."""
    from eugene.models import _pretrained
    from seqdata.datasets._cache import sha256_of

    path, _ = packed(tmp_path)
    card = yaml.safe_load(_pretrained.REGISTRY_FILE.read_text())["deepstarr"]
    file = {"urls": [path.as_uri()], "sha256": sha256_of(path), "verified": True}
    card |= {
        "model": "deepbind",
        "arguments": {"input_len": 41, "output_dim": 1},
        "format": "npz",
        "outputs": ["x"],
        "files": {"weights": file},
    }
    doubtful = {**card, "files": {"weights": {"urls": ["https://x.invalid/a.npz"]}}}
    wrong = {**card, "files": {"weights": {**file, "sha256": "0" * 64}}}
    written = tmp_path / "weights.yaml"
    written.write_text(yaml.safe_dump({"small": card, "doubtful": doubtful, "wrong": wrong}))
    monkeypatch.setattr(_pretrained, "REGISTRY_FILE", written)
    monkeypatch.setenv("EUGENE_CACHE_DIR", str(tmp_path / "cache"))
    _pretrained._cards.cache_clear()
    yield path
    _pretrained._cards.cache_clear()


def test_weights_are_fetched_once_checked_and_then_there_offline(registry: Path) -> None:
    expected = build("deepbind", input_len=41, output_dim=1, seed=1).eval()
    X = torch.rand(2, 4, 41)
    for _ in range(2):
        torch.testing.assert_close(pretrained("small")(X), expected(X))
        registry.unlink(missing_ok=True)  # what came once is kept
    assert pretrained("small", offline=True).card.name == "small"
    with pytest.raises(UnverifiedError, match=r"'weights/doubtful': the checksum of a\.npz"):
        pretrained("doubtful")
    with pytest.raises(OfflineError, match="the network is off"):
        pretrained("doubtful", offline=True)


def test_weights_with_another_checksum_are_not_used(registry: Path) -> None:
    with pytest.raises(ChecksumError, match="is not what was asked for"):
        pretrained("wrong")


def test_a_network_starts_from_weights_or_says_what_differs(registry: Path) -> None:
    network = build("deepbind", input_len=41, output_dim=1, seed=2)
    assert start_from(network, "small") is network
    assert network.training
    first = build("deepbind", input_len=41, output_dim=1, seed=1)
    for one, two in zip(network.parameters(), first.parameters(), strict=True):
        assert torch.equal(one, two)
    more = build("deepbind", input_len=41, output_dim=3, seed=2)
    with pytest.warns(EugeneWarning, match=r"predict 1 outputs, the network 3: dense_block"):
        start_from(more, "small")
    assert torch.equal(more.conv1d_tower.layers[0].weight, first.conv1d_tower.layers[0].weight)
    with pytest.raises(EugeneError, match="are of deepbind, the network is cnn"):
        start_from(build("cnn", input_len=41, output_dim=1), "small")
    with pytest.raises(EugeneError, match=r"with input_len=41 \(here 60\)"):
        start_from(build("deepbind", input_len=60, output_dim=1), "small")
    with pytest.raises(EugeneError, match="did you mean 'small'"):
        start_from(network, "smal")


def test_a_module_starts_from_weights_and_does_not_keep_their_name(registry: Path) -> None:
    arch = {"name": "deepbind", "input_len": 41, "output_dim": 1}
    module = eu.models.SequenceModule({**arch, "weights": "small"})
    first = build("deepbind", input_len=41, output_dim=1, seed=1)
    assert torch.equal(next(module.arch.parameters()), next(first.parameters()))
    assert dict(module.hparams["arch"]) == arch


def test_a_run_starts_from_weights(registry: Path, tmp_path: Path) -> None:
    from eugene.runs._needs import require_files
    from eugene.runs._network import build_arch

    data = {"name": "table", "path": "x", "seq_col": "s", "target_cols": ["y"], "split": "random"}
    first = build("deepbind", input_len=41, output_dim=1, seed=1)
    own, _ = packed(tmp_path, "own")
    for weights in ("small", str(own)):
        tree = {"name": "r", "data": data, "model": {"name": "deepbind", "weights": weights}}
        arch = build_arch(load_run_config(tree), input_len=41, output_dim=1)
        for one, two in zip(arch.parameters(), first.parameters(), strict=True):
            assert torch.equal(one, two)
    for weights, message in (("smal", "did you mean 'small'"), ("no.npz", "no weights at no.npz")):
        tree = {"name": "r", "data": data, "model": {"name": "deepbind", "weights": weights}}
        with pytest.raises(ConfigError, match=rf"\$\.model\.weights: .*{message}"):
            require_files(load_run_config(tree))
    other = {"name": "r", "data": data, "model": {"name": "cnn", "weights": "small"}}
    with pytest.raises(ConfigError, match=r"\$\.model\.weights: weights 'small' are of deepbind"):
        build_arch(load_run_config(other), input_len=41, output_dim=1)


def test_tensors_that_differ_are_named(tmp_path: Path) -> None:
    network = build("deepbind", input_len=41, output_dim=1, seed=1)
    before = {k: v.clone() for k, v in network.state_dict().items()}
    layers = [
        FileLayer(name, {k: v.clone() for k, v in module.state_dict().items()})
        for name, module in network.named_modules()
        if next(module.parameters(recurse=False), None) is not None
    ]
    cases = [
        (layers[:-1], "it has no layer for dense_block.layers.3"),
        ([*layers, FileLayer("more", {"weight": torch.zeros(2, 2)})], "more find no place"),
        (
            [FileLayer("conv", {"weight": torch.zeros(16, 4, 5)}), *layers[1:]],
            r"conv weight is \(16, 4, 5\), conv1d_tower.layers.0.weight is \(16, 4, 16\)",
        ),
    ]
    for given, message in cases:
        with pytest.raises(EugeneError, match=message):
            pour(network, given, Path("x.npz"), positions_first=False)
    assert all(torch.equal(before[k], v) for k, v in network.state_dict().items())


def test_files_that_hold_more_than_tensors_are_refused(tmp_path: Path) -> None:
    network = build("deepbind", input_len=41, output_dim=1)
    np.savez(tmp_path / "objects.npz", x=np.array([print], dtype=object))
    torch.save({"x": print}, tmp_path / "objects.pth")
    (tmp_path / "text.pth").write_text("no weights")
    (tmp_path / "weights.bin").write_bytes(b"x")
    for name, message in (
        ("objects.npz", "no archive of plain arrays"),
        ("objects.pth", "cannot be read safely"),
        ("text.pth", "cannot be read safely"),
        ("weights.bin", "does not tell how it was written"),
    ):
        with pytest.raises(EugeneError, match=message):
            fill(network, tmp_path / name)
