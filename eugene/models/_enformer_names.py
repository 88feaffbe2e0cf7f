"""What the tensors of Enformer are called by the programs that have it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple


class Place(NamedTuple):
    """Where a tensor of a file goes.

    Attributes
    ----------
    name : str
        Its name in a network of ours; empty where it is no weight, such as a counter.
    turned : bool
        Whether its axes stand the other way round, inputs before outputs.
    """

    name: str
    turned: bool = False


Places = dict[str, Place | None]
"""The place of each tensor of a file, None for one that Enformer does not have."""

# layers of ours, and under them what each program calls them: a star is the number of a block,
# an exclamation mark any number, <head> the name of a head; a line may name several
_TRANSFORMER = """\
trunk.transformer.*.norm
trunk.transformer.*.attention
trunk.transformer.*.attention.query
trunk.transformer.*.attention.key
trunk.transformer.*.attention.value
trunk.transformer.*.attention.distance
trunk.transformer.*.attention.output
trunk.transformer.*.dense.wrapped.0
trunk.transformer.*.dense.wrapped.1
trunk.transformer.*.dense.wrapped.4
"""
_OURS = f"""
trunk.stem.first
trunk.stem.pointwise.wrapped.0
trunk.stem.pointwise.wrapped.2
trunk.stem.pool.logits
trunk.tower.*.first.0
trunk.tower.*.first.2
trunk.tower.*.pointwise.wrapped.0
trunk.tower.*.pointwise.wrapped.2
trunk.tower.*.pool.logits
{_TRANSFORMER}trunk.final.0.0
trunk.final.0.2
heads.<head>
"""
_VARIABLES = """
stem/conv1_d
stem/pointwise_conv_block/norm
stem/pointwise_conv_block/conv1_d
stem/softmax_pooling/linear
conv_tower/conv_tower_block_*/conv_block/norm
conv_tower/conv_tower_block_*/conv_block/conv1_d
conv_tower/conv_tower_block_*/pointwise_conv_block/norm
conv_tower/conv_tower_block_*/pointwise_conv_block/conv1_d
conv_tower/conv_tower_block_*/softmax_pooling/linear
transformer/transformer_block_*/mha/layer_norm
transformer/transformer_block_*/mha/attention_!
transformer/transformer_block_*/mha/attention_!/q_layer
transformer/transformer_block_*/mha/attention_!/k_layer
transformer/transformer_block_*/mha/attention_!/v_layer
transformer/transformer_block_*/mha/attention_!/r_k_layer
transformer/transformer_block_*/mha/attention_!/embedding_layer
transformer/transformer_block_*/mlp/layer_norm
transformer/transformer_block_*/mlp/project_in
transformer/transformer_block_*/mlp/project_out
final_pointwise/conv_block/norm
final_pointwise/conv_block/conv1_d
heads/head_<head>/linear heads/<head>/linear
"""
_OBJECTS = """
_trunk/_layers/0/_layers/0
_trunk/_layers/0/_layers/1/_module/_layers/0
_trunk/_layers/0/_layers/1/_module/_layers/2
_trunk/_layers/0/_layers/2/_logit_linear
_trunk/_layers/1/_layers/*/_layers/0/_layers/0
_trunk/_layers/1/_layers/*/_layers/0/_layers/2
_trunk/_layers/1/_layers/*/_layers/1/_module/_layers/0
_trunk/_layers/1/_layers/*/_layers/1/_module/_layers/2
_trunk/_layers/1/_layers/*/_layers/2/_logit_linear
_trunk/_layers/2/_layers/*/_layers/0/_module/_layers/0
_trunk/_layers/2/_layers/*/_layers/0/_module/_layers/1
_trunk/_layers/2/_layers/*/_layers/0/_module/_layers/1/_q_layer
_trunk/_layers/2/_layers/*/_layers/0/_module/_layers/1/_k_layer
_trunk/_layers/2/_layers/*/_layers/0/_module/_layers/1/_v_layer
_trunk/_layers/2/_layers/*/_layers/0/_module/_layers/1/_r_k_layer
_trunk/_layers/2/_layers/*/_layers/0/_module/_layers/1/_embedding_layer
_trunk/_layers/2/_layers/*/_layers/1/_module/_layers/0
_trunk/_layers/2/_layers/*/_layers/1/_module/_layers/1
_trunk/_layers/2/_layers/*/_layers/1/_module/_layers/4
_trunk/_layers/4/_layers/0/_layers/0
_trunk/_layers/4/_layers/0/_layers/2
_heads/<head>/_layers/0
"""
_ENFORMER_PYTORCH = """
stem.0
stem.1.fn.0
stem.1.fn.2
stem.2.to_attn_logits stem.2
conv_tower.*.0.0
conv_tower.*.0.2
conv_tower.*.1.fn.0
conv_tower.*.1.fn.2
conv_tower.*.2.to_attn_logits conv_tower.*.2
transformer.*.0.fn.0
transformer.*.0.fn.1
transformer.*.0.fn.1.to_q
transformer.*.0.fn.1.to_k
transformer.*.0.fn.1.to_v
transformer.*.0.fn.1.to_rel_k
transformer.*.0.fn.1.to_out
transformer.*.1.fn.0
transformer.*.1.fn.1
transformer.*.1.fn.4
final_pointwise.1.0
final_pointwise.1.2
_heads.<head>.0
"""
_GRELU = """
conv_tower.stem.0
conv_tower.stem.1.norm.layer
conv_tower.stem.1.conv
conv_tower.stem.1.pool.layer.to_attn_logits conv_tower.stem.1.pool.layer
conv_tower.blocks.*.0.norm.layer
conv_tower.blocks.*.0.conv
conv_tower.blocks.*.1.norm.layer
conv_tower.blocks.*.1.conv
conv_tower.blocks.*.1.pool.layer.to_attn_logits conv_tower.blocks.*.1.pool.layer
transformer_tower.blocks.*.norm.layer
transformer_tower.blocks.*.mha
transformer_tower.blocks.*.mha.to_q
transformer_tower.blocks.*.mha.to_k
transformer_tower.blocks.*.mha.to_v
transformer_tower.blocks.*.mha.to_rel_k
transformer_tower.blocks.*.mha.to_out
transformer_tower.blocks.*.ffn.dense1.norm.layer
transformer_tower.blocks.*.ffn.dense1.linear
transformer_tower.blocks.*.ffn.dense2.linear
pointwise_conv.norm.layer
pointwise_conv.conv
head.channel_transform.conv.layer
"""
_CRESTED = """
stem_conv
stem_pointwise_batchnorm stem_pointwise_bnorm
stem_pointwise_conv
stem_pointwise_pool
tower_conv_*_batchnorm tower_conv_*_bnorm
tower_conv_*_conv
tower_pointwise_*_batchnorm tower_pointwise_*_bnorm
tower_pointwise_*_conv
tower_pointwise_*_pool
transformer_mha_*_layernorm
transformer_mha_*_mhsa
transformer_mha_*_mhsa/q_layer
transformer_mha_*_mhsa/k_layer
transformer_mha_*_mhsa/v_layer
transformer_mha_*_mhsa/r_k_layer
transformer_mha_*_mhsa/embedding_layer
transformer_ff_*_layernorm
transformer_ff_*_pointwise_1
transformer_ff_*_pointwise_2
final_pointwise_batchnorm final_pointwise_bnorm
final_pointwise_conv
<head>
"""
# Borzoi has other layers around the same attention
_BORZOI = f"""
trunk.stem
trunk.tower.0.0
trunk.tower.0.2
trunk.tower.1.0
trunk.tower.1.2
trunk.tower.2.0
trunk.tower.2.2
trunk.tower.3.0
trunk.tower.3.2
trunk.tower.4.0
trunk.tower.4.2
trunk.tower.5.0
trunk.tower.5.2
{_TRANSFORMER}trunk.up.0.up.0.0
trunk.up.0.up.0.2
trunk.up.0.across.0
trunk.up.0.across.2
trunk.up.0.separable.0
trunk.up.0.separable.1
trunk.up.1.up.0.0
trunk.up.1.up.0.2
trunk.up.1.across.0
trunk.up.1.across.2
trunk.up.1.separable.0
trunk.up.1.separable.1
trunk.final.0.0
trunk.final.0.2
heads.<head>
"""
_BORZOI_PYTORCH = """
conv_dna.conv_layer
res_tower.0.norm
res_tower.0.conv_layer
res_tower.2.norm
res_tower.2.conv_layer
res_tower.4.norm
res_tower.4.conv_layer
res_tower.6.norm
res_tower.6.conv_layer
res_tower.8.norm
res_tower.8.conv_layer
unet1.1.norm
unet1.1.conv_layer
transformer.*.0.fn.0
transformer.*.0.fn.1
transformer.*.0.fn.1.to_q
transformer.*.0.fn.1.to_k
transformer.*.0.fn.1.to_v
transformer.*.0.fn.1.to_rel_k
transformer.*.0.fn.1.to_out
transformer.*.1.fn.0
transformer.*.1.fn.1
transformer.*.1.fn.4
upsampling_unet1.0.norm
upsampling_unet1.0.conv_layer
horizontal_conv1.norm
horizontal_conv1.conv_layer
separable1.conv_layer.0
separable1.conv_layer.1
upsampling_unet0.0.norm
upsampling_unet0.0.conv_layer
horizontal_conv0.norm
horizontal_conv0.conv_layer
separable0.conv_layer.0
separable0.conv_layer.1
final_joined_convs.0.norm
final_joined_convs.0.conv_layer
<head>_head
"""
# the tensors of a layer: what they are here, and whether their axes are turned
_LEAVES: Mapping[str, tuple[str, bool]] = {
    **{name: (name, False) for name in ("weight", "bias", "running_mean", "running_var")},
    "num_batches_tracked": ("", False),
    "w": ("weight", True),
    "kernel": ("weight", True),
    "att_pool_weight": ("weight", True),
    "to_attn_logits": ("weight", True),
    "b": ("bias", False),
    "scale": ("weight", False),
    "gamma": ("weight", False),
    "offset": ("bias", False),
    "beta": ("bias", False),
    "moving_mean": ("running_mean", False),
    "moving_variance": ("running_var", False),
    **dict.fromkeys(("r_w_bias", "_r_w_bias", "rel_content_bias"), ("content_bias", False)),
    **dict.fromkeys(("r_r_bias", "_r_r_bias", "rel_pos_bias"), ("distance_bias", False)),
}
_COUNTERS = re.compile(r"/_?(counter|hidden)$")


def _layers(table: str, ours: str) -> list[tuple[re.Pattern[str], str]]:
    """Return what matches the layers of a program, and the layer of ours that each is."""
    rows = zip(table.split("\n"), ours.split("\n"), strict=True)
    return [(_pattern(path), layer) for paths, layer in rows for path in paths.split()]


def _pattern(path: str) -> re.Pattern[str]:
    text = re.escape(path).replace(r"\*", r"(?P<number>\d+)").replace("!", r"\d+")
    return re.compile(text.replace("<head>", r"(?P<head>\w+)"))


def _places(
    table: str, called: Mapping[str, str], between: str, *, first: int = 0, ours: str = _OURS
) -> Places:
    """Return the places of tensors, by what a program calls them.

    Parameters
    ----------
    table : str
        Its layers.
    called : mapping of str to str
        Names in the file, and what the table calls them; empty where they are no weights.
    between : str
        What stands between a layer and its tensors.
    first : int
        The number of its first block.
    ours : str
        Our layers, row by row those of the table.
    """
    layers = _layers(table, ours)
    found: Places = {}
    for name, plain in called.items():
        layer, _, leaf = plain.rpartition(between)
        part, turned = _LEAVES.get(leaf, (None, False))
        matches = ((pattern.fullmatch(layer), target) for pattern, target in layers)
        hit, target = next(((m, t) for m, t in matches if m), (None, ""))
        found[name] = None
        if plain == "" or (part == "" and hit):
            found[name] = Place("")
        elif hit and part is not None:
            told = hit.groupdict()
            target = target.replace("*", str(int(told.get("number") or first) - first))
            target = target.replace("<head>", told.get("head") or "tracks")
            found[name] = Place(f"{target}.{part}", turned)
    return found


def variables(names: Iterable[str]) -> Places:
    """Return the places of the variables of the original, some of which share a name.

    Parameters
    ----------
    names : iterable of str
        ``enformer/trunk/stem/conv1_d/b:0#0``: the number behind ``#`` says the order in which
        they were made; without it they are taken in the order given. The moving averages of a
        normalisation that only the order tells apart are the mean, then the variance; the linear
        layers of a block the wider, then the narrower.
    """
    told = {name: re.search(r"#(\d+)$", name) for name in names}
    order = {name: int(m[1]) if m else i for i, (name, m) in enumerate(told.items())}
    seen: dict[str, int] = {}
    called: dict[str, str] = {}
    for name in sorted(order, key=order.__getitem__):
        pieces = re.sub(r"(:\d+)?(#\d+)?$", "", name).split("/")
        # each scope stands twice in the names of a saved model
        pieces = [p for i, p in enumerate(pieces) if i == 0 or p != pieces[i - 1]]
        plain = re.sub("^(enformer/)?(trunk/)?", "", "/".join(pieces))
        nth = seen[plain] = seen.get(plain, -1) + 1
        if _COUNTERS.search(plain):
            called[name] = ""
            continue
        average = "variance" if nth else "mean"
        plain = plain.replace("exponential_moving_average/", f"norm/moving_{average}/")
        plain = re.sub(r"/(cross_replica_batch_norm|batch_norm)/", "/norm/", plain)
        plain = re.sub(r"(?:/norm)?/(moving_\w+)/average$", r"/norm/\1", plain)
        linear = "project_out" if nth else "project_in"
        plain = plain.replace("/mlp/linear/", f"/mlp/{linear}/")
        called[name] = plain.replace("/mlp/linear_1/", "/mlp/project_out/")
    return _places(_VARIABLES, called, "/")


def checkpoint(names: Iterable[str]) -> Places:
    """Return the places of what a checkpoint of the original calls by the objects that hold it.

    Parameters
    ----------
    names : iterable of str
        ``module/_trunk/_layers/0/_layers/0/w``, perhaps with ``/.ATTRIBUTES/VARIABLE_VALUE``.
    """
    called = {}
    for name in names:
        plain = name.removeprefix("module/").removesuffix("/.ATTRIBUTES/VARIABLE_VALUE")
        called[name] = "" if _COUNTERS.search(plain) else plain.removesuffix("/average")
    return _places(_OBJECTS, called, "/")


def enformer_pytorch(names: Iterable[str]) -> Places:
    """Return the places of a state dict of enformer-pytorch, of any of its versions.

    Parameters
    ----------
    names : iterable of str
        ``stem.0.weight``; the parts that stand a second time under ``_trunk.`` are left aside.
    """
    names = list(names)
    # earlier versions turned the axes in a part of its own, first in stem and transformer
    late = "stem.0.weight" not in names
    called = {
        name: ""
        if name.startswith("_trunk.")
        else re.sub(r"^stem\.(\d+)", lambda m: f"stem.{int(m[1]) - late}", name)
        for name in names
    }
    blocks = [int(n.split(".")[1]) for n in names if n.startswith("transformer.")]
    # in the towers blocks are counted from 0, in the transformer perhaps from 1
    shift = min(blocks, default=0)
    called = {
        name: re.sub(r"^transformer\.(\d+)", lambda m: f"transformer.{int(m[1]) - shift}", plain)
        for name, plain in called.items()
    }
    return _places(_ENFORMER_PYTORCH, called, ".")


def grelu(names: Iterable[str]) -> Places:
    """Return the places of a state dict of gReLU: of a model, or of its trunk.

    Parameters
    ----------
    names : iterable of str
        ``model.embedding.conv_tower.blocks.0.0.weight``.
    """
    called = {}
    for name in names:
        plain = re.sub(r"^(model\.)?(embedding\.)?", "", name)
        plain = plain.replace("conv_tower.blocks.0.", "conv_tower.stem.")
        called[name] = re.sub(
            r"^conv_tower\.blocks\.(\d+)", lambda m: f"conv_tower.blocks.{int(m[1]) - 1}", plain
        )
    return _places(_GRELU, called, ".")


def crested(names: Iterable[str]) -> Places:
    """Return the places of the variables of CREsted's network, by their paths in Keras.

    Parameters
    ----------
    names : iterable of str
        ``stem_conv/kernel``; points for strokes do as well.
    """
    called = {name: re.sub(r":\d+$", "", name).replace(".", "/") for name in names}
    return _places(_CRESTED, called, "/", first=1)


def borzoi_pytorch(names: Iterable[str]) -> Places:
    """Return the places of a state dict of borzoi-pytorch.

    Parameters
    ----------
    names : iterable of str
        ``conv_dna.conv_layer.weight``.
    """
    return _places(_BORZOI_PYTORCH, {name: name for name in names}, ".", ours=_BORZOI)


def own(names: Iterable[str]) -> Places:
    """Return the places of tensors that have our names already."""
    ours = ("trunk.", "heads.", "head.")
    return {name: Place(name) if name.startswith(ours) else None for name in names}


Naming = Callable[[Iterable[str]], Places]
NAMINGS: Mapping[str, tuple[re.Pattern[str], Naming]] = {
    "eugene": (re.compile(r"trunk\.stem\.(first\.)?weight"), own),
    "the original's variables": (
        re.compile(r"(enformer/)?trunk/(stem/)+(conv1_d/)+w(:0)?(#\d+)?"),
        variables,
    ),
    "the original's checkpoint": (
        re.compile(r"(module/)?_trunk/_layers/0/_layers/0/w(/\.ATTRIBUTES/VARIABLE_VALUE)?"),
        checkpoint,
    ),
    "enformer-pytorch": (re.compile(r"stem\.[23]\.to_attn_logits(\.weight)?"), enformer_pytorch),
    "gReLU": (re.compile(r".*conv_tower\.blocks\.0\.0\.weight"), grelu),
    "borzoi-pytorch": (re.compile(r"conv_dna\.conv_layer\.weight"), borzoi_pytorch),
    "CREsted": (re.compile(r"stem_conv[./]kernel(:0)?"), crested),
}
"""How files name the tensors of Enformer: what tells each, and where its tensors go."""
