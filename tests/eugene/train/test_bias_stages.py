"""The bias of an enzyme, told apart from accessibility by training in stages."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
import xarray as xr

from eugene.data import SequenceDataModule
from eugene.errors import EugeneError
from eugene.interpret import bias_footprints
from eugene.models import ProfileModule
from eugene.train import Stage, stages
from eugene.train._scale import scale_counts

BIAS, OPEN = "GCACAG", "TGACTCATCA"
LENGTH, MARGIN = 120, 30
QUIET: dict[str, Any] = {"accelerator": "cpu", "progress": False, "tensorboard": False}
ARCH = {
    "name": "chrombpnet", "input_len": LENGTH, "n_filters": 8, "n_layers": 2, "bias_filters": 8,
    "bias_layers": 1, "trimming": MARGIN, "freeze_bias": False, "seed": 0,
}  # fmt: skip


def simulated(n: int = 256, seed: int = 0) -> xr.Dataset:
    """Cut sites: a word is cut twelve times as often, and every other row is open around another.

    The rate there is up to fifteen times as high.
    """
    rng = np.random.default_rng(seed)
    letters = np.frombuffer(b"ACGT", "S1")[rng.integers(0, 4, (n, LENGTH))]
    peak = np.arange(n) % 2 == 0
    rate = np.full((n, LENGTH), 0.3)
    for row, opened in zip(range(n), peak, strict=True):
        for at in rng.choice(LENGTH - 20, 4, replace=False):
            letters[row, at : at + 6] = np.array(list(BIAS), "S1")
        if opened:
            at = LENGTH // 2 + int(rng.integers(-15, 16))
            letters[row, at : at + 10] = np.array(list(OPEN), "S1")
            rate[row] *= 1 + 14 * np.exp(-(((np.arange(LENGTH) - at - 5) / 18) ** 2))
        text = letters[row].tobytes().decode()
        for at in (i for i in range(LENGTH - 5) if text[i : i + 6] == BIAS):
            rate[row, at + 3] *= 12
    cuts = rng.poisson(rate).astype(np.float32)
    total = cuts[:, MARGIN:-MARGIN].sum(axis=1)
    dims = ("_sequence", "cov_sample", "_length")
    return xr.Dataset(
        {
            "seq": (("_sequence", "_length"), letters),
            "cov": (dims, cuts[:, None]),
            "is_peak": ("_sequence", peak),
            "bias_rows": ("_sequence", ~peak & (total < np.quantile(total[peak], 0.05))),
            "split": ("_sequence", (np.arange(n) % 8 == 7).astype(np.int8)),
        }
    )


def data(ds: xr.Dataset, **options: Any) -> SequenceDataModule:
    return SequenceDataModule(
        ds, target_vars="cov", batch_size=32, target_length=LENGTH - 2 * MARGIN, **options
    )


def log_totals(ds: xr.Dataset, rows: np.ndarray) -> np.ndarray:
    return np.log1p(ds["cov"].values[rows, 0, MARGIN:-MARGIN].sum(axis=1, dtype=float))


def test_without_the_bias_its_footprint_is_gone() -> None:
    ds = simulated()
    module = ProfileModule(ARCH, count_weight=3.0, optimizer_lr=0.01)
    plan = [
        Stage(
            "bias", train=["bias"], module={"part": "bias"},
            datamodule=lambda: data(ds, rows="bias_rows"),
        ),
        Stage("main", freeze=["bias"], before=partial(scale_counts, outside="is_peak")),
    ]  # fmt: skip
    found = stages(module, data(ds), plan, max_epochs=8, patience=None, seed=1, **QUIET)
    first, second = (stage.record for stage in found.stages)
    assert all(name.startswith("bias.") for name in first["trained"])
    assert all(name.startswith("main.") for name in second["trained"])
    noted = second["hook"]["bias"]
    quiet = ~ds["is_peak"].values & (ds["split"].values == 0)
    assert noted["rows"] == quiet.sum() and abs(noted["shift"][0]) < 1

    # the bias stayed as it was scaled: it fits the quiet rows on average
    trained = found.module
    assert isinstance(trained, ProfileModule)
    letters = ds["seq"].values[quiet]
    expected = trained.predict(letters, part="bias").counts.numpy()[:, 0]
    assert np.mean(expected - log_totals(ds, quiet)) == pytest.approx(0, abs=1e-3)

    arch = trained.arch
    networks = {"with": arch, "without": arch.main, "bias": arch.bias}  # type: ignore[dict-item]
    _, heights = bias_footprints(
        networks, {"bias": BIAS}, length=LENGTH, n_backgrounds=40, reach=25
    )
    table = heights.pivot(index="motif", columns="network", values="height")
    assert table.loc["bias", "with"] > 0.03
    assert table.loc["bias", "without"] < 0.4 * table.loc["bias", "with"]
    assert table.loc["bias", "bias"] == pytest.approx(table.loc["bias", "with"], rel=0.25)


def test_counts_are_shifted_to_the_mean_of_chosen_rows() -> None:
    ds = simulated(64)
    module = ProfileModule(ARCH, count_weight=1.0)
    quiet = ~ds["is_peak"].values & (ds["split"].values == 0)
    before = module.predict(ds["seq"].values[quiet], part="bias").counts.numpy()[:, 0]
    main = {k: v.clone() for k, v in module.arch.main.state_dict().items()}  # type: ignore[union-attr]
    # jitter and strands of the training loader have no part in it
    source = data(ds, max_jitter=4, length=LENGTH - 8, reverse_complement=True)
    with pytest.raises(EugeneError, match="no variable 'is_peek'; did you mean 'is_peak'"):
        scale_counts(module, source, outside="is_peek")
    with pytest.raises(EugeneError, match="no training row is left"):
        scale_counts(module, source, rows="is_peak", outside="is_peak")
    with pytest.raises(EugeneError, match=r"bias\.head is a ProfileHead, which has no method"):
        scale_counts(module, source, part="bias.head")
    noted = scale_counts(module, data(ds), outside="is_peak")
    after = module.predict(ds["seq"].values[quiet], part="bias").counts.numpy()[:, 0]
    shift = np.mean(log_totals(ds, quiet) - before)
    np.testing.assert_allclose(after - before, shift, rtol=1e-4)
    assert noted == {
        "bias": {
            "rows": int(quiet.sum()),
            "shift": [pytest.approx(shift, rel=1e-4)],
            "before": pytest.approx(np.mean(np.abs(log_totals(ds, quiet) - before)), rel=1e-4),
        }
    }
    for key, value in module.arch.main.state_dict().items():  # type: ignore[union-attr]
        assert torch.equal(value, main[key])
