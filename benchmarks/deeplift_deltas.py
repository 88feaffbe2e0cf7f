"""Do DeepLIFT attributions add up? Ours, tangermeme's and captum's on nets of many forms.

Run with ``python benchmarks/deeplift_deltas.py [--save]``. Every net is random, 96 bp, 16 channels
(those of the tests). Printed is the largest completeness delta of a pair of sequence and
reference, as a share of the mean difference of outputs: 0 is exact, 1 is as wrong as saying
nothing. "told" marks a peer that warned; "raises" one that could not be run.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from importlib.metadata import version
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "seqexplainer"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from _harness import save
from attribution_nets import LENGTH, NETS, RECURRENT, build, one_hot

from seqexplainer._inputs import frozen
from seqexplainer.attribute._deeplift import multipliers

_UNIT = "largest delta of a pair / mean absolute difference of outputs"
X = one_hot(3, LENGTH, seed=1)
REFERENCES = one_hot(3, 5, LENGTH, seed=2)
PAIRED_X = X.repeat_interleave(5, dim=0)
PAIRED_REFERENCES = REFERENCES.flatten(0, 1)


def _share(model: torch.nn.Module, explained: torch.Tensor) -> float:
    with torch.no_grad():
        change = model(PAIRED_X)[:, 0] - model(PAIRED_REFERENCES)[:, 0]
    return float((change - explained).abs().max() / change.abs().mean())


def ours(name: str) -> float:
    model = build(name)
    with frozen(model) as held:
        found = multipliers(held, X, REFERENCES, lambda out: out[:, 0])
    explained = ((X[:, None] - REFERENCES) * found.values).sum(dim=(2, 3)).flatten()
    return _share(model, explained)


def tangermeme(name: str) -> float:
    from tangermeme.deep_lift_shap import deep_lift_shap

    model = build(name)
    found = deep_lift_shap(
        model, X, references=REFERENCES, raw_outputs=True, device="cpu", batch_size=64
    )
    return _share(model, ((X[:, None] - REFERENCES) * found).sum(dim=(2, 3)).flatten())


def captum(name: str) -> float:
    from captum.attr import DeepLift

    model = build(name)
    found = DeepLift(model).attribute(
        PAIRED_X.clone().requires_grad_(), PAIRED_REFERENCES.clone(), target=0
    )
    return _share(model, found.detach().sum(dim=(1, 2)))


def measured(function, name: str) -> tuple[float | None, str]:
    """Return a delta, or none, with what the program said about it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            delta = function(name)
        except Exception as error:
            return None, f"raises {type(error).__name__}"
    told = any(
        "delta" in str(w.message).lower() or "converg" in str(w.message).lower() for w in caught
    )
    return delta, "told" if told else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--save", action="store_true", help="write benchmarks/results")
    options = parser.parse_args()
    torch.set_num_threads(1)
    peers = {"ours": ours, "tangermeme": tangermeme, "captum": captum}
    print(
        f"tangermeme {version('tangermeme')}, captum {version('captum')}, torch {torch.__version__}"
    )
    print(f"{'net':32s}" + "".join(f"{peer:>24s}" for peer in peers))
    rows = []
    for name in (*NETS, *RECURRENT):
        row: dict[str, object] = {"net": name}
        cells = []
        for peer, function in peers.items():
            delta, said = measured(function, name)
            row[peer], row[f"{peer}_said"] = delta, said
            cells.append(f"{'' if delta is None else f'{delta:.1e}'} {said}".strip())
        rows.append(row)
        print(f"{name:32s}" + "".join(f"{cell:>24s}" for cell in cells), flush=True)
    for peer in peers:
        right = sum(row[peer] is not None and float(str(row[peer])) <= 1e-4 for row in rows)
        print(f"{peer}: {right} of {len(rows)} within 1e-4")
    if options.save:
        print("written to", save("deeplift_deltas", rows, unit=_UNIT))


if __name__ == "__main__":
    main()
