"""The networks: a table of all, one layer by layer, each held against what is published."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from eugene._table import aligned
from eugene.cli._call import Call
from eugene.cli._main import say
from eugene.config import registries
from eugene.config._annotations import describe_text
from eugene.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from eugene.models.outline import Published


def _shape(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


ZOO_HEADER = ("name", "predicts", "input", "size", "paper")


def zoo_rows() -> list[list[str]]:
    """Return, for each network, what it predicts, its input, size and paper as published."""
    from eugene.models import outline

    rows = []
    for name in registries.MODELS:
        if not outline.rows_of(name):  # registered by a plug-in
            rows.append([name, registries.MODELS.summary(name), "-", "-", "-"])
            continue
        network = outline.published(outline.rows_of(name)[0])
        length, count = network.input_len, outline.trainable(network)
        paper = outline.paper_of(type(network)) or "-"
        predicts = outline.PREDICTS[name]
        rows.append([name, predicts, f"{length:,} bp", f"{count:,} parameters", paper])
    return rows


def _list() -> int:
    say(aligned(ZOO_HEADER, zoo_rows()).partition("\n")[2])
    return 0


def _layers(row: Published) -> None:
    """Say what a published configuration is made of."""
    from eugene.models import outline

    network = outline.published(row)
    say(f"paper: {outline.paper_of(type(network)) or 'none'}")
    say(f"layers, at {network.input_len:,} bp ({row.source}):")
    rows = [
        [
            layer.name,
            layer.kind,
            _shape(layer.output),
            f"{layer.parameters:,}" if layer.parameters else "",
            "all" if layer.field is None else f"{layer.field:,} bp",
        ]
        for layer in outline.outline(network)
    ]
    header = ["layer", "kind", "output", "parameters", "receptive field"]
    say(textwrap.indent(aligned(header, rows), "  "))
    shapes = " and ".join(_shape(shape) for shape in outline.output_shapes(network))
    say(f"  {outline.trainable(network):,} parameters, {shapes} out")


def _show(name: str) -> int:
    from eugene.models import list_weights, model_card, outline

    signature = registries.MODELS.signature(name)
    name = registries.MODELS.resolve(name)
    rows = outline.rows_of(name)
    say(f"{name}: {signature.summary}")
    say(f"defined in {signature.target}")
    say("arguments:")
    for parameter in signature.parameters:
        default = "" if parameter.required else f" = {parameter.default}"
        say(f"  {parameter.name}: {describe_text(parameter.annotation)}{default}")
        if parameter.description:
            say(f"      {parameter.description}")
    if rows:
        _layers(rows[0])
    for weights in list_weights(name):
        card = model_card(weights)
        measured = card.measured
        say(f"weights {weights}: {', '.join(card.outputs)}; {card.licence}")
        if measured is None:
            say("      not measured here: the file was not at hand")
        else:
            say(f"      {measured.metric} {measured.value:g} ({measured.data})")
    say("in a run file:")
    say(f"  model: {{name: {name}}}")
    return 0


def _check(names: tuple[str, ...]) -> int:
    from eugene.models import outline

    bad = 0
    for given in names or registries.MODELS.names:
        name = registries.MODELS.resolve(given)
        if not outline.rows_of(name):
            say(f"-       {name}: nothing is published of it")
        for row in outline.rows_of(name):
            changes = ", ".join(f"{key}={value}" for key, value in row.arguments.items())
            what = f"{name}({changes})"
            try:
                network = outline.published(row)
                count, shapes = outline.trainable(network), outline.output_shapes(network)
            except Exception as error:
                bad += 1
                say(f"FAILED  {what}: {type(error).__name__}: {error}")
                continue
            differs = row.parameters not in (None, count)
            bad += differs
            theirs = "not compared" if row.parameters is None else f"published {row.parameters:,}"
            out = " and ".join(_shape(shape) for shape in shapes)
            say(
                f"{'DIFFERS' if differs else 'ok     '} {what}: {count:,} parameters, {theirs} "
                f"({row.source}); {network.input_channels} x {network.input_len} -> {out}"
            )
    return 1 if bad else 0


def zoo(call: Call) -> int:
    """List, show or check the networks.

    Parameters
    ----------
    call : Call
        ``list``, ``show NAME`` or ``check [NAME ...]``.

    Returns
    -------
    int
        Exit code; 1 if a network is not what is published.

    Raises
    ------
    UsageError
        For another word, or ``show`` without a name.
    """
    action, *names = call.words
    if action == "list" and not names:
        return _list()
    if action == "show" and len(names) == 1:
        return _show(names[0])
    if action == "check":
        return _check(tuple(names))
    hint = did_you_mean(action, ["list", "show", "check"])
    raise UsageError(f"expected 'eugene zoo {call.verb.words}', got {' '.join(call.words)!r}{hint}")
