"""The networks: a list from the registry, the arguments of one, a trial of each."""

from __future__ import annotations

from eugene.cli._call import Call
from eugene.cli._main import say
from eugene.config import registries
from eugene.config._annotations import describe_text
from eugene.errors import UsageError, did_you_mean


def _list() -> int:
    width = max(map(len, registries.MODELS)) + 2
    for name in registries.MODELS:
        say(f"{name:<{width}}{registries.MODELS.summary(name)}")
    return 0


def _show(name: str) -> int:
    signature = registries.MODELS.signature(name)
    say(f"{registries.MODELS.resolve(name)}: {signature.summary}")
    say(f"defined in {signature.target}")
    say("arguments:")
    for parameter in signature.parameters:
        default = "" if parameter.required else f" = {parameter.default}"
        say(f"  {parameter.name}: {describe_text(parameter.annotation)}{default}")
        if parameter.description:
            say(f"      {parameter.description}")
    say("in a run file:")
    say(f"  model: {{name: {registries.MODELS.resolve(name)}}}")
    return 0


def _check(names: tuple[str, ...]) -> int:
    import torch

    bad = 0
    for name in names or registries.MODELS.names:
        registries.MODELS.resolve(name)
        length = 1000
        try:
            torch.manual_seed(0)
            arch = registries.MODELS.build(name, input_len=length, output_dim=1)
            length = int(getattr(arch, "input_len", length))
            X = torch.nn.functional.one_hot(torch.randint(4, (2, length)), 4).float().mT
            output = arch(X)
            output.sum().backward()
        except Exception as error:
            bad += 1
            say(f"FAILED  {name}: {type(error).__name__}: {error}")
            continue
        count = sum(parameter.numel() for parameter in arch.parameters())
        say(f"ok      {name}: {count:,} parameters, {tuple(X.shape)} -> {tuple(output.shape)}")
    return 1 if bad else 0


def zoo(call: Call) -> int:
    """List, show or try the networks.

    Parameters
    ----------
    call : Call
        ``list``, ``show NAME`` or ``check [NAME ...]``.

    Returns
    -------
    int
        Exit code; 1 if a network fails its trial.

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
