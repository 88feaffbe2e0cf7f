"""Pictures: what is drawn, not only that something is."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from sklearn.metrics import average_precision_score, roc_auc_score

from eugene import plot
from eugene.errors import EugeneError

mpl.use("Agg")


@pytest.fixture
def ds() -> xr.Dataset:
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, 200).astype(float)
    activity = rng.normal(size=200)
    activity[3] = np.nan
    return xr.Dataset(
        {
            "label": ("_sequence", label),
            "label_predictions": ("_sequence", label + rng.normal(size=200)),
            "activity": ("_sequence", activity),
            "activity_predictions": ("_sequence", activity * 0.5 + rng.normal(size=200)),
            "name": ("_sequence", np.array([f"s{i}" for i in range(200)])),
            "attrs": (("_sequence", "_ohe", "_length"), rng.normal(size=(200, 4, 30))),
            "pfms": (("filter", "_ohe", "width"), rng.integers(1, 50, (3, 4, 9)).astype(float)),
            "effects": (("_background", "_position"), rng.normal(size=(20, 15))),
        }
    )


def test_countplot_counts(ds: xr.Dataset) -> None:
    heights = [bar.get_height() for bar in plot.countplot(ds, "label").patches]
    assert heights == np.bincount(ds["label"].values.astype(int)).tolist()


def test_histplot_leaves_missing_values_out(ds: xr.Dataset) -> None:
    bars = plot.histplot(ds, "activity").patches
    assert sum(bar.get_height() for bar in bars) == 199


def test_histplot_by_group_covers_all(ds: xr.Dataset) -> None:
    ax = plot.histplot(ds, "activity", groupby="label")
    assert sum(bar.get_height() for bar in ax.patches) == 199
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["0.0", "1.0"]


@pytest.mark.parametrize("draw", [plot.boxplot, plot.violinplot])
def test_spread_has_a_tick_a_group(draw: object, ds: xr.Dataset) -> None:
    ax = draw(ds, "activity", groupby="label")  # type: ignore[operator]
    assert [t.get_text() for t in ax.get_xticklabels()] == ["0.0", "1.0"]
    ax = draw(ds, ["activity", "label"])  # type: ignore[operator]
    assert [t.get_text() for t in ax.get_xticklabels()] == ["activity", "label"]


def test_scatter_shows_every_row(ds: xr.Dataset) -> None:
    ax = plot.scatterplot(ds, "label", "activity", hue="label")
    assert sum(len(c.get_offsets()) for c in ax.collections) == 200
    assert len(plot.scatterplot(ds, "label", "activity").collections[0].get_offsets()) == 200


def test_missing_variable_names_its_neighbour(ds: xr.Dataset) -> None:
    with pytest.raises(EugeneError, match="did you mean 'activity'"):
        plot.histplot(ds, "activty")
    with pytest.raises(EugeneError, match="1-D variable"):
        plot.histplot(ds, "attrs")


@pytest.mark.parametrize(
    ("draw", "score"), [(plot.auroc, roc_auc_score), (plot.auprc, average_precision_score)]
)
def test_curves_carry_their_areas(draw: object, score: object, ds: xr.Dataset) -> None:
    ax = draw(ds, "label")  # type: ignore[operator]
    expected = score(ds["label"], ds["label_predictions"])  # type: ignore[operator]
    assert ax.get_legend().get_texts()[0].get_text() == f"label: {expected:.3f}"


def test_curves_refuse_what_is_not_binary(ds: xr.Dataset) -> None:
    with pytest.raises(EugeneError, match="must hold both 0 and 1"):
        plot.auroc(ds, "activity")
    with pytest.raises(EugeneError, match="2 target variables but 1 prediction"):
        plot.auroc(ds, ["label", "label"], ["a"])


@pytest.mark.parametrize(
    ("draw", "score"), [(plot.auroc, roc_auc_score), (plot.auprc, average_precision_score)]
)
def test_predictions_of_one_target_are_rivals(draw: object, score: object, ds: xr.Dataset) -> None:
    shuffled = np.random.default_rng(0).permutation(ds["label_predictions"].values)
    both = ds.assign(network=ds["label_predictions"], words=("_sequence", shuffled))
    ax = draw(both, "label", ["network", "words"])  # type: ignore[operator]
    areas = {name: score(both["label"], both[name]) for name in ("network", "words")}  # type: ignore[operator]
    shown = [text.get_text() for text in ax.get_legend().get_texts()]
    assert shown == [f"{name}: {area:.3f}" for name, area in areas.items()]


def test_curves_need_predictions(ds: xr.Dataset) -> None:
    empty = ds.assign(label_predictions=("_sequence", np.full(200, np.nan)))
    with pytest.raises(EugeneError, match="predict before plotting"):
        plot.auroc(empty, "label")


def test_scatter_names_r_and_r2(ds: xr.Dataset) -> None:
    keep = np.isfinite(ds["activity"].values)
    y, p = ds["activity"].values[keep], ds["activity_predictions"].values[keep]
    r2 = 1 - ((y - p) ** 2).sum() / ((y - y.mean()) ** 2).sum()
    text = plot.performance_scatter(ds, "activity").get_legend().get_texts()[0].get_text()
    assert text == f"activity: r = {np.corrcoef(y, p)[0, 1]:.2f}, R² = {r2:.2f}"


def test_histogram_of_scores_splits_the_classes(ds: xr.Dataset) -> None:
    ax = plot.score_histogram(ds, "label")
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["negatives", "positives"]
    assert sum(bar.get_height() for bar in ax.patches) == 200


def test_confusion_counts(ds: xr.Dataset) -> None:
    ax = plot.confusion_mtx(ds, "label", threshold=0.5)
    shown = [int(t.get_text().split("\n")[0].replace(",", "")) for t in ax.texts]
    y, called = ds["label"].values.astype(int), ds["label_predictions"].values >= 0.5
    expected = [int(((y == r) & (called == c)).sum()) for r in (0, 1) for c in (0, 1)]
    assert shown == expected


def test_summary_of_replicates() -> None:
    ax = plot.performance_summary({"a": [0.1, 0.3], "b": [0.2]}, baselines={"ridge": 0.15})
    assert [t.get_text() for t in ax.get_xticklabels()] == ["a", "b"]
    assert ax.texts[0].get_text() == "ridge 0.150"
    with pytest.raises(EugeneError, match="no arm"):
        plot.performance_summary({})


def history(folder: Path) -> Path:
    table = pd.DataFrame(
        {
            "epoch": [0, 1, 2],
            "train_loss": [1.0, 0.6, 0.4],
            "val_loss": [1.1, 0.7, 0.8],
            "val_auroc": [0.6, 0.8, 0.8],
            "lr": [1e-3] * 3,
            "seconds": [1.0] * 3,
        }
    )
    table.to_csv(folder / "metrics.csv", index=False)
    return folder


def test_learning_curves_mark_the_best_epoch(tmp_path: Path) -> None:
    ax = plot.loss_curve(history(tmp_path))
    labels = [t.get_text() for t in ax.get_legend().get_texts()]
    assert labels == ["training", "validation", "lowest loss: epoch 2"]
    told = plot.metric_curve(tmp_path, "loss", best=2).get_legend().get_texts()[-1]
    assert told.get_text() == "best: epoch 3"
    assert len(plot.training_summary(tmp_path).axes) == 2
    assert plot.metric_curve(tmp_path / "metrics.csv", "auroc").get_ylabel() == "auroc"


def test_of_several_stages_the_best_epoch_is_one_of_the_last(tmp_path: Path) -> None:
    table = plot.read_history(history(tmp_path))
    staged = table.assign(stage=["first", "first", "second"], val_loss=[0.1, 0.2, 0.9])
    labels = [t.get_text() for t in plot.loss_curve(staged).get_legend().get_texts()]
    assert labels[-1] == "lowest loss: epoch 3"


def test_learning_curves_say_what_is_there(tmp_path: Path) -> None:
    with pytest.raises(EugeneError, match="no learning history"):
        plot.loss_curve(tmp_path)
    with pytest.raises(EugeneError, match="no metric 'r2' in the history; it has auroc, loss"):
        plot.metric_curve(history(tmp_path), "r2")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(EugeneError, match="a column 'epoch' was expected"):
        plot.read_history(tmp_path / "other.csv")


def test_tracks_and_filters(ds: xr.Dataset) -> None:
    ax = plot.seq_track(ds, "s3", "attrs", id_var="name", start=5, end=25, highlights=[(8, 12)])
    assert ax.get_title() == "s3"
    assert len(plot.multiseq_track(ds, [0, 1], ["attrs"]).axes) == 2
    assert plot.filter_viz(ds, 1, "pfms").get_ylim() == (0.0, 2.0)
    titled = plot.multifilter_viz(ds, [0, 2], "pfms", num_cols=2, titles=["x", "y"])
    assert [a.get_title() for a in titled.axes] == ["x", "y"]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda d: plot.seq_track(d, 500, "attrs"), "a row from 0 to 199"),
        (lambda d: plot.seq_track(d, "zz", "attrs", id_var="name"), "no sequence 'zz'"),
        (lambda d: plot.seq_track(d, 0, "atrs"), "not a variable with 3 axes"),
        (lambda d: plot.filter_viz(d, 9, "pfms"), "filter 9 is not among the 3"),
        (lambda d: plot.positional_gia_plot(d, "label"), "must be a variable"),
        (lambda d: plot.distance_cooperativity_gia_plot(d, "label"), "must be a variable"),
    ],
)
def test_wrong_requests_are_explained(call: object, words: str, ds: xr.Dataset) -> None:
    with pytest.raises(EugeneError, match=words):
        call(ds)  # type: ignore[operator]


def test_gia_lines_are_the_means(ds: xr.Dataset) -> None:
    line = plot.positional_gia_plot(ds, "effects").lines[0]
    np.testing.assert_allclose(line.get_ydata(), ds["effects"].values.mean(axis=0))
    line = plot.distance_cooperativity_gia_plot(ds, "effects").lines[0]
    np.testing.assert_allclose(line.get_ydata(), np.median(ds["effects"].values, axis=0))


def test_given_axes_are_used(ds: xr.Dataset) -> None:
    import matplotlib.pyplot as plt

    _, ax = plt.subplots()
    assert plot.histplot(ds, "activity", ax=ax) is ax


def test_every_baseline_of_a_summary_is_drawn() -> None:
    baselines = {f"b{i}": i / 10 for i in range(5)}
    ax = plot.performance_summary({"net": [0.5, 0.6]}, metric="r2", baselines=baselines)
    drawn = [line.get_ydata()[0] for line in ax.lines]
    assert drawn == list(baselines.values())
    assert [text.get_text().split()[0] for text in ax.texts] == list(baselines)
