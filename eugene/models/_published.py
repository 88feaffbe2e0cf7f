"""What is published of each architecture: the configuration, and how many parameters it has.

The one table that ``eugene zoo`` prints and that the tests hold the architectures against. The
first row of a model is the configuration of its paper.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Published(NamedTuple):
    """A published configuration.

    Attributes
    ----------
    model : str
        Name in the registry.
    arguments : mapping
        Arguments that differ from the defaults of the architecture.
    parameters : int or None
        Trainable parameters as published; None where no count to compare with is known.
    source : str
        Where the configuration and the count come from.
    """

    model: str
    arguments: Mapping[str, Any]
    parameters: int | None
    source: str


_EUGENE = "EUGENe 0.1.2, built and counted"

PUBLISHED: tuple[Published, ...] = (
    Published("cnn", {"input_len": 200, "output_dim": 1}, None, "a general network"),
    Published("hybrid", {"input_len": 200, "output_dim": 1}, None, "a general network"),
    Published("deepbind", {"input_len": 41, "output_dim": 1}, 2_129, _EUGENE),
    Published(
        "deepbind",
        {"input_len": 101, "output_dim": 1, "mode": "dna"},
        1_617,
        "16 detectors of width 16, 32 hidden, counted by hand",
    ),
    Published(
        "deepstarr",
        {"input_len": 249, "output_dim": 2},
        622_722,
        "Keras counts 624,738 with the 2,016 statistics of batch normalisation",
    ),
    Published("jores21_cnn", {"input_len": 170, "output_dim": 1}, 1_825_921, _EUGENE),
    Published("kopp21_cnn", {"input_len": 500, "output_dim": 1}, 743, _EUGENE),
)
"""Rows in the order of the registry."""
