"""Enformer: sizes, lengths, heads, memory, and weights of other programs (F2, F3, F6)."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import enformer_oracle as oracle
import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

import eugene as eu
from eugene.errors import EugeneError
from eugene.models import load_enformer_weights, save_weights, zoo
from eugene.models._enformer_names import NAMINGS, Place
from eugene.models._enformer_trunk import EnformerTrunk, tower_widths
from eugene.models._weights import read_tensors
from eugene.nn import AttentionHead, InputShapeError, ModelError

TINY = {"channels": 24, "n_transformers": 2, "n_heads": 4, "key_size": 8}


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


def one_hot(n: int, length: int, seed: int = 0) -> torch.Tensor:
    letters = np.random.default_rng(seed).integers(4, size=(n, length))
    return torch.from_numpy(np.eye(4, dtype=np.float32)[letters].swapaxes(1, 2).copy())


def trained(model: nn.Module, seed: int = 0) -> nn.Module:
    """Return a network as if it were trained: nothing in it is zero or one."""
    generator = torch.Generator().manual_seed(seed)
    for tensor in model.state_dict().values():
        if tensor.is_floating_point():
            noise = 0.1 * torch.randn(tensor.shape, generator=generator)
            tensor.copy_((tensor + noise).abs() if tensor.ndim == 1 else tensor + noise)
    return model.eval()


def tiny(length: int = 512, **changes: object) -> zoo.Enformer:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return zoo.Enformer(length, **{"output_dim": 3, **TINY, **changes})


@pytest.fixture(scope="module")
def variables() -> dict[str, np.ndarray]:
    golden = Path(__file__).resolve().parents[2] / "golden" / "tiny_enformer_vars.json"
    return oracle.draw(json.loads(golden.read_text())["variables"])


def test_sizes_are_those_published() -> None:
    with torch.device("meta"):
        model = zoo.Enformer()
        heads = [
            AttentionHead(model.trunk.out_channels, 200, **more)
            for more in ({}, {"value_dim": 128}, {"num_heads": 4})
        ]
    assert count(model) == 251_221_292
    assert count(model.trunk) == 229_845_504
    assert {name: head.out_features for name, head in model.heads.items()} == {
        "human": 5_313,
        "mouse": 1_643,
    }
    assert [count(head) for head in heads] == [602_625, 812_033, 2_410_497]
    assert tower_widths(1536, 128) == [768, 896, 1024, 1152, 1280, 1536]
    assert tower_widths(384, 128) == [256, 256, 256, 256, 384, 384]


@pytest.mark.parametrize("pooling", ["attention", "max", "avg"])
def test_any_number_of_bins(pooling: str) -> None:
    model = tiny(pooling=pooling).eval()
    for bins in (1, 2, 3, 7):
        X = one_hot(2, 128 * bins)
        assert model.embed(X).shape == (2, bins, 48)
        assert model(X).shape == (2, 3, bins)
    for length in (64, 200, 129):
        with pytest.raises(InputShapeError, match=f"input_len={length} must be a multiple of 128"):
            model(one_hot(1, length))


def test_heads_are_apart_from_the_embedding() -> None:
    model = tiny(output_dim=None, heads={"human": 3, "mouse": 2}).eval()
    X = one_hot(2, 512)
    embedded = model.embed(X)
    heads = model.by_head(embedded)
    assert {name: tuple(out.shape) for name, out in heads.items()} == {
        "human": (2, 3, 4),
        "mouse": (2, 2, 4),
    }
    assert torch.equal(model(X), torch.cat([heads["human"], heads["mouse"]], dim=1))
    assert torch.equal(model(X), model.from_embedding(embedded))
    expected = embedded @ model.heads["mouse"].weight.T + model.heads["mouse"].bias
    torch.testing.assert_close(heads["mouse"], expected.transpose(1, 2))


def test_cropping_leaves_the_middle() -> None:
    whole = trained(tiny(1024))
    cropped = tiny(1024, crop=2).eval()
    cropped.load_state_dict(whole.state_dict())
    X = one_hot(1, 1024)
    torch.testing.assert_close(cropped.embed(X), whole.embed(X)[:, 2:-2])
    with pytest.raises(ModelError, match="crop=2 leaves none: it must be at least 640"):
        tiny(512, crop=2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"output_dim": 3, "heads": {"a": 2}}, "heads have 2 tracks, output_dim is 3"),
        ({"heads": {}}, "heads: none is named"),
        ({"heads": {"a": 0}}, r"heads\['a'\] is 0: expected the number of its tracks"),
        ({"output_dim": 1, "channels": 25}, "channels=25 must be an even number"),
        ({"output_dim": 1, "channels": 30, "n_heads": 4}, "must be a multiple of n_heads=4"),
        ({"output_dim": 1, "channels": 300}, "channels=300 must be an even number and a multiple"),
        ({"output_dim": 1, "pooling": "sum"}, "pooling='sum' must be"),
        ({"output_dim": 1, "trunk_kwargs": {"dropuot": 0.1}}, "did you mean 'dropout'"),
        ({"output_dim": 1, "trunk_kwargs": {"channels": 48}}, "the network sets it to 24"),
    ],
)
def test_what_does_not_fit_is_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        zoo.Enformer(512, **{**TINY, **arguments})


def test_recomputing_changes_neither_gradients_nor_statistics() -> None:
    X, results = one_hot(3, 512), []
    for again in (False, True):
        model = trained(tiny(trunk_kwargs={"recompute": again}), seed=1).train()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(5)  # dropout
            model(X).square().mean().backward()
        results.append([*(p.grad for p in model.parameters()), *model.buffers()])
    for one, two in zip(*results, strict=True):
        torch.testing.assert_close(one, two)


def test_recomputing_keeps_less() -> None:
    kept = []
    for again in (False, True):
        model = tiny(1024, trunk_kwargs={"recompute": again}).train()
        sizes: list[int] = []

        def note(tensor: torch.Tensor, sizes: list[int] = sizes) -> torch.Tensor:
            sizes.append(tensor.numel())
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            model(one_hot(1, 1024))
        kept.append(sum(sizes))
    assert kept[1] < kept[0] / 3


def test_half_precision() -> None:
    model = trained(tiny())
    X = one_hot(2, 512)
    exact = model.embed(X)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = model(X), model.embed(X)
    torch.testing.assert_close(mixed[1].float(), exact, rtol=0.1, atol=0.05)
    half = model.to(torch.bfloat16)
    torch.testing.assert_close(half.embed(X.bfloat16()).float(), exact, rtol=0.2, atol=0.1)
    model.train()(X.bfloat16()).float().mean().backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters())


# F2: the original, written out in NumPy, with variables named and shaped as its own


@pytest.fixture(scope="module")
def archive(variables: dict[str, np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "tiny.npz"
    under = {f"W/{name}": values for name, values in variables.items()}
    np.savez(path, trunk_out=np.zeros(3), note=np.array(["text"]), **under)
    return path


def small_original(**changes: object) -> zoo.Enformer:
    return zoo.Enformer(2048, **{"output_dim": 1, "channels": 384, "n_transformers": 2, **changes})


def test_end_to_end_as_the_original(variables: dict[str, np.ndarray], archive: Path) -> None:
    model = load_enformer_weights(small_original(), archive)
    assert not model.training
    X = one_hot(1, 1024, seed=3)
    expected = oracle.Trunk(variables, heads=8, key=64, blocks=2)(X[0].numpy().T)
    found = model.embed(X)[0].detach().numpy()
    assert 0.1 < float(np.abs(expected).mean()) < 10
    assert float(np.abs(found - expected).max()) <= 1e-4


def test_every_tensor_is_accounted_for(
    archive: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = small_original()
    with caplog.at_level(logging.INFO, logger="eugene.models"):
        assert load_enformer_weights(model, archive) is model
    trunk = [n for n in model.trunk.state_dict() if not n.endswith("num_batches_tracked")]
    assert set(model.taken.taken) == {f"trunk.{name}" for name in trunk}
    assert model.taken.head == ("heads.tracks.weight", "heads.tracks.bias")
    assert "holds no heads.tracks.weight" in caplog.text
    written = tmp_path / "ours.safetensors"
    save_weights(model, written)
    again = load_enformer_weights(small_original(), written)
    for name, value in again.state_dict().items():
        assert torch.equal(value, model.state_dict()[name])
    with pytest.raises(EugeneError, match=r"not in the file \(2\): heads.tracks.weight"):
        load_enformer_weights(small_original(), archive, heads=True)


def test_names_of_the_saved_model_and_of_the_checkpoint() -> None:
    model = tiny(heads={"human": 3}, output_dim=None)
    ours = {n for n in model.state_dict() if not n.endswith("num_batches_tracked")}
    names, objects = list(hub_names()), list(object_names())
    for naming, listed in (("the original's variables", names),
                           ("the original's checkpoint", objects)):  # fmt: skip
        pattern, places = NAMINGS[naming]
        assert any(map(pattern.fullmatch, listed))
        found = places(listed)
        assert None not in found.values(), [n for n, p in found.items() if p is None]
        assert {place.name for place in found.values() if place.name} == ours
        assert found[listed[0]] == Place("trunk.stem.first.weight", turned=True)


def hub_names() -> Iterator[str]:
    norm = ("offset:0", "scale:0", *(f"moving_{a}/{p}:0" for a in ("mean", "variance")
                                     for p in ("counter", "hidden", "average")))  # fmt: skip
    t = "enformer/trunk"
    yield from (f"{t}/stem/stem/conv1_d/{p}:0" for p in "wb")
    tower = f"{t}/conv_tower/conv_tower/"
    stages = [f"{t}/stem/stem/", *(tower + f"conv_tower_block_{i}/" * 2 for i in range(6))]
    for i, stage in enumerate(stages):
        yield f"{stage}softmax_pooling/linear/w:0"
        for block in ("pointwise_conv_block/", "conv_block/")[: 2 if i else 1]:
            yield from (f"{stage}{block * 2}batch_norm/{p}" for p in norm)
            yield from (f"{stage}{block * 2}conv1_d/{p}:0" for p in "wb")
    for i in range(2):
        block = f"{t}/transformer/transformer/" + f"transformer_block_{i}/" * 2
        for part in ("mha/mha", "mlp/mlp"):
            yield from (f"{block}{part}/layer_norm/{p}:0" for p in ("offset", "scale"))
        own = f"{block}mha/mha/attention_{i}/"
        yield from (f"{own}r_{p}_bias:0" for p in "rw")
        yield from (f"{own}{p}_layer/w:0" for p in ("q", "k", "v", "r_k", "embedding"))
        yield f"{own}embedding_layer/b:0"
        yield from (f"{block}mlp/mlp/project_{d}/{p}:0" for d in ("in", "out") for p in "wb")
    final = f"{t}/final_pointwise/final_pointwise/conv_block/conv_block/"
    yield from (f"{final}batch_norm/{p}" for p in norm)
    yield from (f"{final}conv1_d/{p}:0" for p in "wb")
    yield from (f"enformer/heads/head_human/head_human/linear/{p}:0" for p in "wb")


def object_names() -> Iterator[str]:
    norm = ("offset", "scale", *(f"moving_{a}/{p}" for a in ("mean", "variance")
                                 for p in ("_counter", "_hidden", "average")))  # fmt: skip
    end, trunk = "/.ATTRIBUTES/VARIABLE_VALUE", "module/_trunk/_layers"

    def conv_block(at: str) -> Iterator[str]:
        yield from (f"{at}/_layers/0/{p}{end}" for p in norm)
        yield from (f"{at}/_layers/2/{p}{end}" for p in "wb")

    yield from (f"{trunk}/0/_layers/0/{p}{end}" for p in "wb")
    for stage in (f"{trunk}/0", *(f"{trunk}/1/_layers/{i}" for i in range(6))):
        yield from conv_block(f"{stage}/_layers/1/_module")
        yield f"{stage}/_layers/2/_logit_linear/w{end}"
        if stage != f"{trunk}/0":
            yield from conv_block(f"{stage}/_layers/0")
    for i in range(2):
        for part in range(2):
            at = f"{trunk}/2/_layers/{i}/_layers/{part}/_module/_layers"
            yield from (f"{at}/0/{p}{end}" for p in ("offset", "scale"))
            if part:
                yield from (f"{at}/{d}/{p}{end}" for d in (1, 4) for p in "wb")
            else:
                yield from (f"{at}/1/_r_{p}_bias{end}" for p in "rw")
                layers = ("q", "k", "v", "r_k", "embedding")
                yield from (f"{at}/1/_{p}_layer/w{end}" for p in layers)
                yield f"{at}/1/_embedding_layer/b{end}"
    yield from conv_block(f"{trunk}/4/_layers/0")
    yield from (f"module/_heads/human/_layers/0/{p}{end}" for p in "wb")


# enformer-pytorch 0.8.12: names, shapes and what it gives, in tests/golden


@pytest.fixture(scope="module")
def peer() -> tuple[dict[str, torch.Tensor], dict[str, object]]:
    golden = Path(__file__).resolve().parents[2] / "golden" / "enformer_pytorch_tiny.json"
    kept = json.loads(golden.read_text())
    rng, state = np.random.default_rng(0), {}
    for name, shape in kept["tensors"]:
        values = rng.normal(size=tuple(shape))
        if name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(7)
            continue
        if name.endswith("running_var"):
            values = np.exp(0.3 * values)
        elif len(shape) > 1 and "bias" not in name:
            values /= np.sqrt(np.prod(shape[1:]))
        else:
            values = 0.3 * values + name.endswith("weight")
        state[name] = torch.tensor(values, dtype=torch.float32)
    return state, kept


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_enformer_pytorch(peer: tuple[dict, dict], tmp_path: Path, suffix: str) -> None:
    state, kept = peer
    path = tmp_path / f"peer{suffix}"
    # its own files hold most parts a second time
    doubled = {f"_trunk.1.{k}": v.clone() for k, v in state.items() if k.startswith("stem")}
    if suffix == ".pt":
        torch.save({**state, **doubled}, path)
    else:
        save_file({**state, **doubled}, path)
    model = tiny(output_dim=None, heads={"human": 3, "mouse": 2})
    load_enformer_weights(model, path, heads=True)
    X = torch.from_numpy(
        np.eye(4, dtype=np.float32)[np.random.default_rng(1).integers(4, size=(1, 1024))]
    ).swapaxes(1, 2)
    embedded = model.embed(X).detach()
    assert float((embedded[0] - torch.tensor(kept["embedding"])).abs().max()) < 2e-5
    human = nn.functional.softplus(model.by_head(embedded)["human"])[0].T.detach()
    assert float((human - torch.tensor(kept["human"])).abs().max()) < 2e-5


def of_earlier_versions(name: str, value: torch.Tensor) -> tuple[str, torch.Tensor]:
    """Return a tensor as enformer-pytorch 0.5 named and turned it."""
    for part in ("stem", "transformer"):
        name = re.sub(rf"^{part}\.(\d+)", lambda m, p=part: f"{p}.{int(m[1]) + 1}", name)
    if name.endswith("to_attn_logits.weight"):
        return name.removesuffix(".weight"), value[..., 0, 0].T.contiguous()
    return name, value


def test_earlier_versions_of_enformer_pytorch(peer: tuple[dict, dict], tmp_path: Path) -> None:
    state, _ = peer
    models = []
    for change in (lambda *it: it, of_earlier_versions):
        torch.save(dict(change(*it) for it in state.items()), tmp_path / "peer.bin")
        model = tiny(output_dim=None, heads={"human": 3, "mouse": 2})
        models.append(load_enformer_weights(model, tmp_path / "peer.bin", heads=True))
    for one, two in zip(*(m.state_dict().values() for m in models), strict=True):
        assert torch.equal(one, two)


def as_grelu(model: zoo.Enformer) -> dict[str, torch.Tensor]:
    """Return the weights of a network as gReLU's modules hold them."""
    state: dict[str, torch.Tensor] = {}

    def take(here: str, there: str, *axes: int) -> None:
        for part, value in model.get_submodule(here).state_dict().items():
            if "." not in part:
                state[f"model.{there}.{part}"] = value[(...,) + (None,) * len(axes)].clone()

    def block(here: str, there: str) -> None:
        take(f"{here}.0", f"{there}.norm.layer")
        take(f"{here}.2", f"{there}.conv")

    e = "embedding.conv_tower.blocks"
    for i, stage in enumerate(("stem", *(f"tower.{i}" for i in range(6)))):
        block(f"trunk.{stage}.pointwise.wrapped", f"{e}.{i}.1")
        take(f"trunk.{stage}.pool.logits", f"{e}.{i}.1.pool.layer.to_attn_logits", 0, 0)
        if i:
            block(f"trunk.{stage}.first", f"{e}.{i}.0")
    take("trunk.stem.first", f"{e}.0.0")
    for i in range(2):
        here, there = f"trunk.transformer.{i}", f"embedding.transformer_tower.blocks.{i}"
        take(f"{here}.norm", f"{there}.norm.layer")
        for ours, theirs in (("query", "q"), ("key", "k"), ("value", "v"), ("distance", "rel_k"),
                             ("output", "out")):  # fmt: skip
            take(f"{here}.attention.{ours}", f"{there}.mha.to_{theirs}")
        attention = model.trunk.transformer[i].attention
        state[f"model.{there}.mha.rel_content_bias"] = attention.content_bias[None].detach()
        state[f"model.{there}.mha.rel_pos_bias"] = attention.distance_bias[None].detach()
        for n, theirs in ((0, "dense1.norm.layer"), (1, "dense1.linear"), (4, "dense2.linear")):
            take(f"{here}.dense.wrapped.{n}", f"{there}.ffn.{theirs}")
    block("trunk.final.0", "embedding.pointwise_conv")
    head = model.heads["tracks"]
    state["model.head.channel_transform.conv.layer.weight"] = head.weight.detach()[..., None]
    state["model.head.channel_transform.conv.layer.bias"] = head.bias.detach()
    return state


def as_crested(model: zoo.Enformer) -> dict[str, torch.Tensor]:
    """Return the weights of a network as CREsted's layers hold them, by their paths."""
    state: dict[str, torch.Tensor] = {}
    norms = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean",
             "running_var": "moving_variance"}  # fmt: skip

    def take(here: str, there: str, pointwise: bool = False, kernel: str = "kernel") -> None:
        layer = model.get_submodule(here)
        norm = isinstance(layer, nn.BatchNorm1d | nn.LayerNorm)
        for part, value in layer.state_dict().items():
            if part == "num_batches_tracked":
                continue
            name = norms[part] if norm else {"weight": kernel}.get(part, part)
            turned = value.permute(*range(value.ndim)[::-1])
            turned = turned[None] if pointwise and part == "weight" else turned
            state[f"{there}/{name}"] = turned.clone()

    def block(here: str, there: str) -> None:
        take(f"{here}.0", f"{there}_batchnorm")
        take(f"{here}.2", f"{there}_conv")

    take("trunk.stem.first", "stem_conv")
    for i, stage in enumerate(("stem", *(f"tower.{i}" for i in range(6)))):
        name = f"tower_pointwise_{i}" if i else "stem_pointwise"
        block(f"trunk.{stage}.pointwise.wrapped", name)
        take(f"trunk.{stage}.pool.logits", f"{name}_pool", kernel="att_pool_weight")
        if i:
            block(f"trunk.{stage}.first", f"tower_conv_{i}")
    for i in range(2):
        here, mha = f"trunk.transformer.{i}", f"transformer_mha_{i + 1}"
        take(f"{here}.norm", f"{mha}_layernorm")
        for ours, theirs in (("query", "q"), ("key", "k"), ("value", "v"), ("distance", "r_k"),
                             ("output", "embedding")):  # fmt: skip
            take(f"{here}.attention.{ours}", f"{mha}_mhsa/{theirs}_layer")
        attention = model.trunk.transformer[i].attention
        state[f"{mha}_mhsa/r_w_bias"] = attention.content_bias[None].detach()
        state[f"{mha}_mhsa/r_r_bias"] = attention.distance_bias[None].detach()
        ff = f"transformer_ff_{i + 1}"
        take(f"{here}.dense.wrapped.0", f"{ff}_layernorm")
        take(f"{here}.dense.wrapped.1", f"{ff}_pointwise_1", pointwise=True)
        take(f"{here}.dense.wrapped.4", f"{ff}_pointwise_2", pointwise=True)
    block("trunk.final.0", "final_pointwise")
    take("heads.tracks", "head", pointwise=True)
    return state


@pytest.mark.parametrize("written", [as_grelu, as_crested])
def test_ports(written: Callable[..., dict[str, torch.Tensor]], tmp_path: Path) -> None:
    model = trained(tiny())
    path = tmp_path / "port.safetensors"
    save_file({k: v.contiguous() for k, v in written(model).items()}, path)
    found = load_enformer_weights(tiny(), path, heads=True)
    for name, value in model.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            assert torch.equal(found.state_dict()[name], value), name


def test_what_does_not_fit_is_told_with_both_sides(
    archive: Path, variables: dict[str, np.ndarray], tmp_path: Path
) -> None:
    model = tiny(2048)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    told = r"of another shape \(\d+\): .*stem/conv1_d/b:0#0 is \(192,\), trunk.stem.first.bias is"
    with pytest.raises(EugeneError, match=told):
        load_enformer_weights(model, archive)
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])
    with pytest.raises(EugeneError, match=r"not in the file \(16\): trunk.transformer.2.norm"):
        load_enformer_weights(small_original(n_transformers=3), archive)
    with pytest.raises(EugeneError, match=r"not in the network \(16\): .*transformer_block_1"):
        load_enformer_weights(small_original(n_transformers=1), archive)
    odd = tmp_path / "odd.npz"
    np.savez(odd, **{**variables, "enformer/trunk/gate/w:0#181": np.ones(3)})
    with pytest.raises(EugeneError, match=r"not in the network \(1\): enformer/trunk/gate/w:0#181"):
        load_enformer_weights(small_original(), odd)
    np.savez(odd, a=np.ones(3))
    with pytest.raises(EugeneError, match=r"does not name the stem of Enformer .* begin with a"):
        load_enformer_weights(small_original(), odd)
    with pytest.raises(EugeneError, match="its name does not tell"):
        path = tmp_path / "weights.txt"
        path.write_text("")
        load_enformer_weights(model, path)
    with pytest.raises(EugeneError, match="is not on Enformer's trunk"):
        load_enformer_weights(nn.Linear(1, 1), archive)


def test_a_trunk_goes_under_another_head(tmp_path: Path) -> None:
    model = trained(tiny())
    path = tmp_path / "trunk.safetensors"
    save_weights(model, path)
    head = zoo.EnformerFinetune(512, key_size=4, value_size=4, trunk_kwargs=TINY)
    load_enformer_weights(head, path, heads=False)
    X = one_hot(2, 512)
    torch.testing.assert_close(head.embed(X), model.embed(X))
    assert set(head.taken.left) == {"heads.tracks.weight", "heads.tracks.bias"}
    # the way of a run: weights and weights_part of the model's section
    other = eu.models.start_from(
        zoo.EnformerFinetune(512, key_size=4, value_size=4, trunk_kwargs=TINY), path,
        part=["trunk"],
    ).eval()  # fmt: skip
    torch.testing.assert_close(other.embed(X), model.embed(X))
    assert json.loads(read_tensors(path)[0]["arch"])["name"] == "enformer"


# heads for values of whole sequences


def test_the_head_reads_one_length() -> None:
    model = zoo.EnformerFinetune(512, 2, key_size=4, value_size=4, trunk_kwargs=TINY).eval()
    X = one_hot(3, 512)
    assert model(X).shape == (3, 2)
    assert (model(X) > 0).all()
    assert torch.equal(model.from_embedding(model.embed(X)), model(X))
    told = "head was made for 4 positions, the features have 5"
    with pytest.raises(InputShapeError, match=told):
        model(one_hot(1, 640))
    module = eu.models.SequenceModule(arch=model, task="regression")
    with pytest.raises(InputShapeError, match="640 bp long, the network reads 512 bp"):
        module(one_hot(1, 640))


def test_attention_dropout_works_but_for_the_original() -> None:
    still = {"dropout": 0.0, "attention_dropout": 0.0, "position_dropout": 0.0}
    trunk = {**TINY, **still}
    X, seen = one_hot(2, 512), {}
    for compat in (None, "finetune-enformer"):
        model = zoo.EnformerFinetune(
            512, key_size=4, value_size=4, dropout=0.5, compat=compat, trunk_kwargs=trunk
        )
        model.trunk.eval()
        model.head.train()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            seen[compat] = [model(X) for _ in range(2)]
    assert not torch.equal(*seen[None])
    assert torch.equal(*seen["finetune-enformer"])
    with pytest.raises(ModelError, match="compat='tf' must be"):
        zoo.EnformerFinetune(512, compat="tf", trunk_kwargs=TINY)


def test_the_trunk_alone() -> None:
    trunk = EnformerTrunk(**TINY).eval()
    assert trunk.bins(1024) == 8
    assert trunk.out_channels == 48
    assert trunk(one_hot(1, 1024)).shape == (1, 8, 48)
