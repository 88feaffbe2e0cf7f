"""A small grammar, two small networks, and a grid of them."""

from __future__ import annotations

from pathlib import Path

from eugene.select import Grid, grid

GRAMMAR = """
id: toy-10k-s1
task: multi-class
space: DNA
seed: 1
background:
  length: 40
  letters: [{letters: {A: 1, C: 1, G: 1, T: 1}}]
sets:
  training: [{samples: 30, conditions: [one]}, {samples: 30, conditions: [two]}]
  validation: [{samples: 10, conditions: [one]}, {samples: 10, conditions: [two]}]
  test: [{samples: 20, conditions: [one]}, {samples: 20, conditions: [two]}]
conditions:
  one: {label: gata, rules: [{elements: [gata]}]}
  two: {label: ebox, rules: [{elements: [ebox]}]}
elements:
  gata: {kmers: {TTGATAAG: 1.0}}
  ebox: {kmers: {CCACGTGG: 1.0}}
"""
CONV = {
    "model": {
        "name": "cnn",
        "pool": "max",
        "conv_kwargs": {"conv_channels": [8], "conv_kernels": [8], "batchnorm": False},
        "dense_kwargs": {"hidden_dims": [4]},
    }
}
FLAT = {"model": {"name": "fcn", "dense_kwargs": {"hidden_dims": [4]}}}
SECTIONS = {
    "data": {"batch_size": 20},
    "module": {"optimizer_lr": 0.01},
    "trainer": {"max_epochs": 2, "loggers": ["csv"], "accelerator": "cpu"},
    "evaluate": {"n_bootstrap": 0, "calibrate": False},
    "interpret": {
        "grammar": {
            "methods": ["saliency"],
            "n_per_label": 5,
            "predict_threshold": None,
            "n_bootstrap": 0,
        }
    },
}


def small_grid(definition: Path, folder: Path, **options: object) -> Grid:
    """Return a grid of one size and two seeds, or as options say."""
    given: dict[str, object] = {
        "sizes": [100],
        "data_seeds": [1, 2],
        "model_seeds": [1, 2],
        "sections": SECTIONS,
        **options,
    }
    return grid(definition, {"conv": CONV, "flat": FLAT}, folder=folder, **given)  # type: ignore[arg-type]
