"""Names and arguments of EUGENe's that notebooks still missed, against plain torch and numpy."""

from __future__ import annotations

import copy
import importlib
from pathlib import Path

import h5py
import matplotlib
import numpy as np
import pytest
import pytorch_lightning as pl
import torch
import torchmetrics
import xarray as xr

import eugene as eu
import seqexplainer as se
import seqpro as sp
from eugene import family
from eugene.errors import EugeneError, EugeneWarning
from eugene.models import SequenceModule, zoo
from seqexplainer import family as old
from seqexplainer.errors import InputError

matplotlib.use("Agg")


@pytest.fixture
def sdata() -> xr.Dataset:
    letters = sp.random_seqs((24, 40), sp.DNA, seed=0)
    ds = xr.Dataset({
        "seq": (("_sequence", "_length"), letters),
        "y": ("_sequence", sp.gc_content(letters, length_axis=-1).astype("f4")),
        "train_val": ("_sequence", np.arange(24) % 4 > 0),
        "id": ("_sequence", [f"s{i}" for i in range(24)]),
    })  # fmt: skip
    eu.preprocess.ohe_seqs_sdata(ds)
    return ds


def module() -> SequenceModule:
    torch.manual_seed(0)
    return SequenceModule(zoo.TutorialCNN(40, 1), metric="r2score")


def fitted(sdata: xr.Dataset, **more: object) -> object:
    return eu.train.fit_sequence_module(
        module(), sdata, "ohe_seq", "y", train_var="train_val", epochs=1, gpus=0, **more
    )


def test_registries_are_what_they_were_and_are_not_written_to() -> None:
    losses = importlib.import_module("eugene.models.base._losses").LOSS_REGISTRY
    assert losses["mse"] is torch.nn.functional.mse_loss and "bce" in losses
    for name in [n for n in dir(family) if n.endswith("_REGISTRY") and "DEFAULT" not in n]:
        if name != "LOGGER_REGISTRY":
            assert all(callable(value) for value in getattr(family, name).values()), name
    with pytest.raises(EugeneError, match=r"eugene.register\('losses', 'mine'\).*eugene\.md"):
        losses["mine"] = torch.nn.functional.mse_loss
    with pytest.raises(EugeneError, match="pass the thing itself"):
        family.ACTIVATION_REGISTRY["mine"] = torch.nn.ReLU


@pytest.mark.parametrize(("kind", "penalty"), [(family.L2, lambda p: p), (family.L1, torch.sign)])
def test_penalties_are_added_to_gradients(kind: type, penalty: object) -> None:
    torch.manual_seed(1)
    plain = torch.nn.Linear(3, 2)
    held = kind(copy.deepcopy(plain), 0.1, name="weight")
    copied = copy.deepcopy(held)
    x = torch.randn(5, 3)
    for net in (plain, held, copied):
        net(x).square().mean().backward()
    expected = plain.weight.grad + 0.1 * penalty(plain.weight.detach())  # type: ignore[operator]
    for net in (held, copied):
        torch.testing.assert_close(net.module.weight.grad, expected)
        torch.testing.assert_close(net.module.bias.grad, plain.bias.grad)
    held.remove()
    held.zero_grad()
    held(x).square().mean().backward()
    torch.testing.assert_close(held.module.weight.grad, plain.weight.grad)
    with pytest.raises(EugeneError, match="no parameter has 'wheight'"):
        kind(plain, 0.1, "wheight")
    with pytest.raises(EugeneError, match="above 0"):
        kind(plain, 0.0)


def test_log_cosh_is_that_of_torch() -> None:
    y_hat, y = torch.randn(50), torch.randn(50)
    expected = torch.log(torch.cosh(y - y_hat)).mean()
    torch.testing.assert_close(family.logcosh_loss(y_hat, y), expected)


def test_the_trainer_is_returned_where_it_is_asked_for(sdata: xr.Dataset, tmp_path: Path) -> None:
    place = {"log_dir": tmp_path, "name": "m"}
    with pytest.warns(EugeneWarning, match="model_checkpoint_k=3: the best and the last"):
        trainer = fitted(sdata, return_trainer=True, model_checkpoint_k=3, version="v", **place)
    assert isinstance(trainer, pl.Trainer)
    best = trainer.checkpoint_callback.best_model_path
    assert Path(best).parent == tmp_path / "m" / "v" / "checkpoints" and Path(best).exists()
    assert trainer.checkpoint_callback.best_model_score == trainer.callback_metrics["val_loss"]


def test_what_is_watched_under_eugene_s_names(sdata: xr.Dataset) -> None:
    assert fitted(sdata, early_stopping_metric="val_r2score_epoch").monitor == "val_r2"
    free = fitted(sdata, early_stopping_metric=None, model_checkpoint_monitor="val_loss_epoch")
    assert free.monitor == "val_loss" and not free.stopped_early
    with pytest.raises(EugeneError, match="model_checkpoint_monitor='val_r2score_epoch'"):
        fitted(sdata, model_checkpoint_monitor="val_r2score_epoch")


def test_evolved_sequences_are_returned_or_left_out(sdata: xr.Dataset) -> None:
    ds = sdata.isel(_sequence=slice(0, 3)).copy()
    model = module().eval()
    alone = eu.interpret.evolve_seqs_sdata(model, ds, 2, return_seqs=True)
    assert alone.shape == (3, 4, 40)
    with torch.no_grad():
        np.testing.assert_allclose(
            model.arch(alone)[:, 0], ds["evolved_2_score"].values, rtol=1e-4, atol=1e-5
        )
    less = eu.interpret.evolve_seqs_sdata(model, ds, 2, add_seqs=False, copy=True)
    assert "evolved_seqs" not in less and "evolved_2_score" in less and "evolved_seqs" in ds


@pytest.mark.parametrize(
    "line",
    [
        "eugene.preprocess._seqdata:ohe_seqs_sdata",
        "eugene.dataload._augment:RandomRC",
        "eugene.models._SequenceModule:SequenceModule",
        "eugene.models.zoo._basic_models:CNN",
        "eugene.interpret._attribute:attribute_sdata",
        "eugene._settings:settings",
        "seqdata._io.readers:Table",
        "seqdata.xarray.seqdata:from_flat_files",
        "seqpro.transforms.augmentation:Random",
        "seqpro.alphabets._alphabets:NucleotideAlphabet",
        "motifdata._io:read_meme",
        "seqdatasets._datasets:random1000",
    ],
)
def test_public_names_are_found_in_their_private_homes(line: str) -> None:
    home, name = line.split(":")
    found = getattr(importlib.import_module(home), name)
    above = home
    while not hasattr(above := importlib.import_module(home.rpartition(".")[0]), name):
        home = above.__name__
    assert found is getattr(above, name)


def test_features_of_layers() -> None:
    net = torch.nn.Sequential(torch.nn.Conv1d(4, 3, 5), torch.nn.ReLU(), torch.nn.Conv1d(3, 2, 3))
    x = torch.randn(2, 4, 20)
    extractor = old.FeatureExtractor(net, "0")
    features, handles, output = extractor(x)
    torch.testing.assert_close(features["0"], net[0](x))
    torch.testing.assert_close(output, net(x))
    for hook in handles.values():
        hook.remove()
    assert not net[0]._forward_hooks
    with pytest.raises(InputError, match=r"padding of 0 at 16.*'same' is a padding of 2"):
        old.get_activators_max_seqlets(np.zeros((2, 3, 20)), x, kernel_size=5)


def test_jitter_takes_one_window_of_a_batch() -> None:
    x = torch.arange(48.0).reshape(2, 2, 12)
    cut = family.RandomJitter(2, 2, seed=0)
    starts = {int(cut(x)[0, 0, 0]) for _ in range(60)}
    assert starts == {0, 1, 2, 3, 4}
    assert torch.equal(family.RandomJitter(0, -1)(x), x)
    with pytest.raises(EugeneError, match="12 positions are too few"):
        family.RandomJitter(6, 2)(x)


def test_a_feature_is_implanted_in_eugene_s_order(sdata: xr.Dataset) -> None:
    model = module().eval()
    found = family.feature_implant_seq_sdata(model, sdata, "s2", "GATTACA", feature_name="g")
    X = sp.ohe(sdata["seq"].values[2], sp.DNA).T.astype("f4")
    scores = []
    for at in range(34):
        one = X.copy()
        one[:, at : at + 7] = sp.ohe("GATTACA", sp.DNA).T
        with torch.no_grad():
            scores.append(model.arch(torch.as_tensor(one)[None]).item())
    np.testing.assert_allclose(found, scores, rtol=1e-4, atol=1e-5)
    assert np.array_equal(sdata["s2_g_slide"].values, found)


def test_a_recurrent_net_reads_positions_first_where_it_is_plain() -> None:
    net = zoo.RNN(30, 1, {"hidden_dim": 3}).eval()
    x = torch.rand(2, 4, 30)
    assert torch.equal(net(x), net(x.transpose(1, 2)))


def test_a_scaler_has_scikit_learn_s_names(sdata: xr.Dataset) -> None:
    scaler = eu.preprocess.scale_targets_sdata(sdata, ["y"], return_scaler=True, suffix=True)
    y = sdata["y"].values
    np.testing.assert_allclose(scaler.mean_, y.mean(), rtol=1e-6)
    np.testing.assert_allclose(scaler.var_, y.var(), rtol=1e-5)
    np.testing.assert_allclose(scaler.scale_, y.std(), rtol=1e-5)
    np.testing.assert_allclose(
        scaler.inverse_transform(sdata["y_scaled"].values[:, None])[:, 0], y, rtol=1e-5
    )


def test_pictures_take_what_notebooks_give(sdata: xr.Dataset) -> None:
    points = eu.plot.scatterplot(sdata, "y", "y", c="black", return_axes=True)
    assert points.collections[0].get_facecolor()[0][:3].tolist() == [0, 0, 0]
    sdata["attrs"] = (("_sequence", "_ohe", "_length"), np.ones((24, 4, 40)))
    axes = eu.plot.seq_track(sdata, "s3", "attrs", highlights=(10, 20), return_ax=True)
    box = axes.patches[-1].get_extents().transformed(axes.transData.inverted())
    assert (round(box.x0, 3), round(box.x1, 3)) == (9.5, 19.5)
    with pytest.raises(EugeneError, match="highlights: pairs"):
        eu.plot.seq_track(sdata, "s3", "attrs", highlights=[10, 20, 30])
    with pytest.raises(EugeneError, match="prediction_groups: a list with one group for each of 1"):
        eu.plot.performance_summary(sdata, "y", ["y"], prediction_groups={"a": ["y"]})


def test_metrics_are_still_counted_by_torchmetrics() -> None:
    metrics = importlib.import_module("eugene.models.base._metrics").METRIC_REGISTRY
    y, p = torch.randn(20), torch.randn(20)
    assert metrics["r2score"]()(p, y) == torchmetrics.R2Score()(p, y)


def test_files_of_modisco(tmp_path: Path, modisco_stand_in: object) -> None:
    modisco = importlib.import_module("seqexplainer.attributions._modisco")
    rng = np.random.default_rng(0)
    X = np.eye(4)[rng.integers(0, 4, (6, 40))].swapaxes(1, 2)
    scores = rng.normal(size=X.shape)
    pos, neg = modisco.modisco(
        X.swapaxes(1, 2), scores, tmp_path / "o", "m.h5", final_min_cluster_size=2
    )
    assert len(pos) == 1 and neg == []
    first, second = pos[0].seqlets
    assert np.array_equal(first.sequence, X[0, :, 3:10].T)
    np.testing.assert_allclose(second.contrib_scores, (X * scores)[5, :, 20:27].T[::-1, ::-1])
    read = modisco.modisco_load_h5(tmp_path / "o" / "m.h5")
    held = modisco.modisco_extract(pos, neg)["pos_patterns"]["pattern_0"]
    assert list(read) == ["pos_patterns"]
    for name, values in read["pos_patterns"]["pattern_0"].items():
        np.testing.assert_allclose(values, held[name], atol=1e-6)
    with h5py.File(tmp_path / "o" / "m.h5") as file:
        seqlets = file["pos_patterns/pattern_0/seqlets"]
        assert seqlets["n_seqlets"][0] == 2 and seqlets["start"][:].tolist() == [3, 20]
        assert seqlets["is_revcomp"][:].tolist() == [False, True]
    assert modisco.modisco_logos(tmp_path / "o" / "m.h5", tmp_path / "p") == [
        "pos_patterns.pattern_0"
    ]
    assert (tmp_path / "p" / "pos_patterns.pattern_0.cwm.rev.png").stat().st_size > 500
    with pytest.raises(InputError, match="no HDF5 file as modisco-lite"):
        modisco.modisco_load_h5(tmp_path / "p" / "pos_patterns.pattern_0.cwm.rev.png")


def test_columns_around_what_matters_are_kept() -> None:
    cwm = np.zeros((20, 4))
    cwm[9:11] = 1
    cwm[12] = -0.5
    pattern = old._modisco.OldPattern(cwm, cwm, cwm, [])
    kept = old.modisco_extract([pattern], [])["pos_patterns"]["pattern_0"]
    assert np.array_equal(kept["trimmed_cwm_fwd"], cwm[5:17])
    assert np.array_equal(kept["trimmed_cwm_rev"], cwm[::-1, ::-1][3:15])


@pytest.mark.parametrize(
    ("kind", "target"), [("delta", 1), ("delta", None), ("l1", None), ("l2", None)]
)
def test_naive_mutagenesis_is_that_of_a_loop(kind: str, target: int | None) -> None:
    torch.manual_seed(2)
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(24, 5), torch.nn.Tanh(),
                              torch.nn.Linear(5, 2)).eval()  # fmt: skip
    X = np.eye(4, dtype=np.float32)[np.random.default_rng(0).integers(0, 4, (2, 6))].swapaxes(1, 2)
    expected = np.zeros(X.shape)
    chosen = [target] if target is not None else [0, 1]
    with torch.no_grad():
        for n, a, at in np.ndindex(*X.shape):
            changed = X[n].copy()
            changed[:, at] = np.eye(4)[a]
            d = (net(torch.as_tensor(changed)[None]) - net(torch.as_tensor(X[n])[None]))[0, chosen]
            expected[n, a, at] = {"delta": d.sum(), "l1": d.abs().sum(), "l2": d.norm()}[kind]
    found = importlib.import_module("seqexplainer._ism")._naive_ism(net, X, target, 7, kind)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    with pytest.raises(InputError, match="diff_type must be one of delta, l1, l2"):
        old.naive_ism(net, X, diff_type="l3")


def test_what_is_no_mapping_is_named() -> None:
    conv = {"input_channels": 4, "conv_channels": [4], "conv_kernels": [5]}
    with pytest.raises(EugeneError, match="dsCNN: dense_kwargs: a mapping was expected, got 'x'"):
        zoo.dsCNN(50, 1, conv, "max", "x")
    with pytest.raises(EugeneError, match=r"has no argument 'epoch' .*listed in docs/switching"):
        eu.train.fit(module(), [], epoch=1)


def test_a_schedule_says_what_it_watches() -> None:
    held = SequenceModule(zoo.TutorialCNN(40, 1), scheduler="reduce_lr_on_plateau")
    assert held.configure_optimizers()["monitor"] == "val_loss"


def test_layers_of_eugene_s_private_module() -> None:
    layers = importlib.import_module("eugene.models.base._layers")
    x = torch.randn(2, 4, 12)
    for name in ("relu", "sigmoid", "exponential", "softplus", "gelu"):
        held = layers.ACTIVATION_REGISTRY[name](inplace=False)
        plain = {"exponential": torch.exp}.get(name) or getattr(torch.nn.functional, name)
        torch.testing.assert_close(held(x), plain(x))
    assert torch.equal(layers.RevComp(dim=[2])(x), x.flip(2))
    with pytest.raises(EugeneError, match=r"BiConv1D: dropout_rate=0.2: put a torch.nn.Dropout"):
        layers.BiConv1D(4, 8, 5, dropout_rate=0.2)
    assert layers.BiConv1D(4, 8, 5, 1, "same")(x).shape[-1] == 12
    with pytest.raises(EugeneError, match="InceptionConv1D: conv1_out_channels=3: all paths"):
        layers.InceptionConv1D(4, 8, 3)
    placed = zoo.Inception(40, 2, [4, 8, 8], 3, 5).state_dict()
    named = zoo.Inception(40, 2, channels=[4, 8, 8], kernel_size2=3, kernel_size3=5).state_dict()
    assert {k: v.shape for k, v in placed.items()} == {k: v.shape for k, v in named.items()}
    assert len(placed) < len(zoo.Inception(40, 2).state_dict())


def test_attributions_take_every_place() -> None:
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(24, 2)).eval()
    X = np.eye(4, dtype=np.float32)[np.random.default_rng(0).integers(0, 4, (3, 6))].swapaxes(1, 2)
    placed = se.attribute(net, X, "DeepLift", "zero", 1, 2, "cpu", False)
    named = se.attribute(net, X, method="DeepLift", references="zero", target=1)
    torch.testing.assert_close(placed, named)
    torch.testing.assert_close(placed, torch.as_tensor(X) * net[1].weight[1].detach().view(4, 6))
    with pytest.raises(InputError, match="multiple values for references"):
        se.attribute(net, X, "DeepLift", "zero", references="zero")
