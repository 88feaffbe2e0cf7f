"""Every picture: arguments that all take, EUGENe's names, and errors that name what there is."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from eugene import plot, settings
from eugene.augment import Augmenter, Deletion
from eugene.errors import EugeneError
from eugene.evaluate import ConstructPredictions

N = 12
HISTORY = pd.DataFrame({"epoch": [0, 1], "train_loss": [1, 0.5], "val_loss": [1, 0.7]})
TRIALS = pd.DataFrame(
    {"lr": [0.1, 0.01, 0.001], "activation": ["relu", "gelu", "relu"], "val_loss": [2.0, 1.0, 3.0]}
)
SCORED = pd.DataFrame({"assay": ["DNASE", "CAGE"], "pearson": [0.5, 0.25]})
SIGNAL = (("_sequence", "sample", "_length_cov"), np.ones((2, 1, 8)))
SHARES = pd.DataFrame({"label": "c1", "position": [1, 2], "grammar_probability": [0, 1.0], "n": 5})
WINDOWS = xr.Dataset({"observed": SIGNAL, "prediction": SIGNAL})
MOTIFS = xr.DataArray(np.eye(2), {"first": ["a", "b"], "second": ["a", "b"]}, ("first", "second"))
FOLDER = tempfile.TemporaryDirectory()
BEDGRAPH = Path(FOLDER.name) / "signal.bedgraph"
BEDGRAPH.write_text("c\t0\t5\t1.0\nc\t5\t9\t2.0\n")
CONSTRUCT = xr.Dataset({"sites": ("_sequence", np.array(["s:2-4"], object))})
PREDICTED = ConstructPredictions(
    pd.DataFrame(), pd.DataFrame({"name": ["p"], "predicted": [1.0], "activity": [np.nan]}),
    pd.DataFrame(), np.ones((1, 9)), np.ones((1, 9)), np.array([[1, 8]]),
)  # fmt: skip
CALLS: dict[str, tuple[Any, ...]] = {
    "countplot": ("group",),
    "histplot": ("y",),
    "boxplot": ("y",),
    "violinplot": ("y",),
    "scatterplot": ("y", "y_predictions"),
    "auroc": ("label",),
    "auprc": ("label",),
    "performance_scatter": ("y",),
    "score_histogram": ("label",),
    "confusion_mtx": ("label",),
    "performance_summary": ({"default": [0.5, 0.6]},),
    "seq_track": (0, "attrs"),
    "multiseq_track": ([0, 1], "attrs"),
    "filter_viz": (0, "pfms"),
    "multifilter_viz": ([0, 1, 2], "pfms"),
    "positional_gia_plot": ("effects",),
    "distance_cooperativity_gia_plot": ("effects",),
    "metric_curve": (HISTORY,),
    "loss_curve": (HISTORY,),
    "training_summary": (HISTORY,),
    "parallel_coordinates": (TRIALS, ["lr", "activation"], "val_loss"),
    "importance_bars": ({"lr": 0.75, "activation": 0.25},),
    "compared_groups": ({"cnn": [0.5, 0.6, 0.7], "rnn": [0.4, 0.5, 0.6]},),
    "track_scores": (SCORED,),
    "track_windows": (WINDOWS, [0], 1),
    "grammar_map": (np.eye(3), np.eye(3)),
    "grammar_positions": (SHARES,),
    "runs_scatter": ({"relu": {"relu/0": (0.98, 0.25)}, "exp": {"exp/0": (0.979, 0.81)}},),
    "learning_by_amount": (
        pd.DataFrame({"model_id": ["a", "a"], "amount": [10, 20], "mean": [0.5, 0.6]}),
    ),
    "augmentation_strips": (Augmenter([Deletion(2, 5)]), "ACGT" * 6),
    "motif_matrix": (MOTIFS,),
    "genome_tracks": ({"dnase": BEDGRAPH}, "c:0-9"),
    "construct_track": (PREDICTED, CONSTRUCT),
}
WITHOUT_DATASET = {"performance_summary", "metric_curve", "loss_curve", "training_summary"}
WITHOUT_DATASET |= {"parallel_coordinates", "importance_bars", "compared_groups"}
WITHOUT_DATASET |= {"motif_matrix", "genome_tracks", "construct_track"}
WITHOUT_DATASET |= {"grammar_map", "grammar_positions", "learning_by_amount"}
WITHOUT_DATASET |= {"track_scores", "track_windows", "runs_scatter", "augmentation_strips"}
MANY = {
    "augmentation_strips",
    "construct_track",
    "genome_tracks",
    "grammar_positions",
    "multiseq_track",
    "multifilter_viz",
    "training_summary",
    "track_scores",
    "track_windows",
}


@pytest.fixture(scope="module")
def data() -> xr.Dataset:
    rng = np.random.default_rng(0)
    label = np.arange(N) % 2
    return xr.Dataset(
        {
            "y": ("_sequence", rng.normal(size=N)),
            "y_predictions": ("_sequence", rng.normal(size=N)),
            "label": ("_sequence", label.astype(float)),
            "label_predictions": ("_sequence", rng.random(N)),
            "group": ("_sequence", np.array(["a", "b", None] * (N // 3), dtype=object)),
            "id": ("_sequence", np.array([f"s{i}" for i in range(N)], dtype=object)),
            "attrs": (("_sequence", "_ohe", "_length"), rng.normal(size=(N, 4, 9))),
            "pfms": (("_filters", "_ohe", "_width"), rng.integers(1, 9, (3, 4, 5)).astype(float)),
            "effects": (("_background", "_position"), rng.normal(size=(3, 6))),
        }
    )


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    plt.close("all")


def call(name: str, data: xr.Dataset, *args: Any, **kwargs: Any) -> Any:
    function: Callable[..., Any] = getattr(plot, name)
    given = args or CALLS[name]
    return function(*(() if name in WITHOUT_DATASET else (data,)), *given, **kwargs)


def test_every_picture_is_here() -> None:
    public = {n for n in vars(plot) if not n.startswith("_") and callable(getattr(plot, n))}
    assert public - {"read_history"} == set(CALLS)


@pytest.mark.parametrize("name", CALLS)
def test_what_every_picture_takes(name: str, data: xr.Dataset, tmp_path: Path) -> None:
    file = tmp_path / "new" / "picture.png"
    result = call(
        name, data, figsize=(3.0, 2.0), save=file, title="A title", xlab="across", ylab="up",
        return_axes=True, rc_context={"axes.linewidth": 3.0},
    )  # fmt: skip
    figure = result if name in MANY else result.figure
    np.testing.assert_allclose(figure.get_size_inches(), (3.0, 2.0))
    ax = figure.axes[0]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("across", "up")
    assert (figure.get_suptitle() if name in MANY else ax.get_title()) == "A title"
    assert ax.spines["left"].get_linewidth() == 3.0
    assert file.stat().st_size > 500
    assert mpl.rcParams["axes.linewidth"] != 3.0


@pytest.mark.parametrize("wrong", ["figsiz", "zzz", "prediction_group", "Label_s"])
@pytest.mark.parametrize("name", CALLS)
def test_a_wrong_argument_is_named_with_those_there_are(
    name: str, wrong: str, data: xr.Dataset
) -> None:
    with pytest.raises(
        EugeneError, match=rf"{name} has no argument '{wrong}' \(its arguments: "
    ) as e:
        call(name, data, **{wrong: 1})
    assert ("did you mean 'figsize'?" in str(e.value)) == (wrong == "figsiz")
    assert not plt.get_fignums()


@pytest.mark.parametrize(
    ("kwargs", "words"),
    [
        ({"figsize": 4}, "figsize must be"),
        ({"figsize": (4, -1)}, "figsize must be"),
        ({"save": "x.nope"}, "matplotlib writes no .nope"),
        ({"rc_context": {"axes.linewith": 1}}, "did you mean 'axes.linewidth'"),
        ({"xlim": "wide"}, "matplotlib refuses an argument"),
    ],
)
@pytest.mark.parametrize("name", CALLS)
def test_wrong_values_are_told(
    name: str, kwargs: dict[str, Any], words: str, data: xr.Dataset
) -> None:
    with pytest.raises(EugeneError, match=words):
        call(name, data, **kwargs)
    assert not plt.get_fignums()


@pytest.mark.parametrize("name", sorted(set(CALLS) - WITHOUT_DATASET))
def test_wrong_data_are_told(name: str, data: xr.Dataset) -> None:
    with pytest.raises(EugeneError, match=r"sdata must be an xarray\.Dataset, got DataFrame"):
        getattr(plot, name)(pd.DataFrame({"y": [1.0]}), *CALLS[name])
    with pytest.raises(EugeneError, match=f"{name}: missing a required argument"):
        getattr(plot, name)(data)
    wrong: tuple[Any, ...]
    for wrong in (("nothing",), (None,), ([],), (3,), (["y", "nothing"],), ("id",)):
        if name in ("countplot", "scatterplot") and wrong == ("id",):
            continue  # text can be counted, and stand on an axis
        with pytest.raises(EugeneError):
            given = (*CALLS[name][:-1], *wrong)
            call(name, data, *given)


@pytest.mark.parametrize("labels", [
    np.array(["a", None] * 6, dtype=object),
    np.array(["a", np.nan, 1, 2.5] * 3, dtype=object),
    np.array([1.0, np.nan] * 6),
    np.array([True, None] * 6, dtype=object),
    pd.array([1, None] * 6, dtype="Int64").to_numpy(dtype=object),
    pd.Categorical(["a", None] * 6),
])  # fmt: skip
def test_missing_labels_are_a_group_of_their_own(labels: Any, data: xr.Dataset) -> None:
    data = data.assign(mixed=("_sequence", np.asarray(labels)))
    for groupby in (None, "label"):
        ax = call("countplot", data, "mixed", groupby=groupby)
        assert sum(bar.get_height() for bar in ax.patches) == N
        assert ax.get_xticklabels()[-1].get_text() == "missing"
    for name, passed in (("violinplot", "groupby"), ("boxplot", "groupby"), ("histplot", "groupby"),
                         ("scatterplot", "hue")):  # fmt: skip
        call(name, data, **{passed: "mixed"})
    shown = call("performance_scatter", data, groupby="mixed").get_legend().get_texts()
    assert shown[-1].get_text().startswith("missing: r = ")


def test_bytes_are_read_as_text(data: xr.Dataset) -> None:
    data = data.assign(raw=("_sequence", np.array([b"a", b"bc"] * 6)))
    assert [t.get_text() for t in call("countplot", data, "raw").get_xticklabels()] == ["a", "bc"]


@pytest.mark.parametrize("name", ["countplot", "histplot", "boxplot", "violinplot"])
def test_pictures_lie_down(name: str, data: xr.Dataset) -> None:
    upright, lying = (call(name, data, orient=o) for o in "vh")
    assert (upright.get_xlabel(), upright.get_ylabel()) == (lying.get_ylabel(), lying.get_xlabel())
    with pytest.raises(EugeneError, match="must be 'v' or 'h'"):
        call(name, data, orient="x")


def test_text_where_numbers_are_needed(data: xr.Dataset) -> None:
    with pytest.raises(EugeneError, match="'id' holds 's0'; numbers are needed"):
        call("histplot", data, "id")
    with pytest.raises(EugeneError, match="no finite value"):
        call("boxplot", data.assign(y=data["y"] * np.nan))


def test_groups_side_by_side_add_up(data: xr.Dataset) -> None:
    ax = call("countplot", data, "label", groupby="group")
    heights = [[b.get_height() for b in c] for c in ax.containers]
    assert heights == [[2, 2], [2, 2], [2, 2]]  # a, b, missing; 0 and 1 of each


def test_several_variables_get_axes_side_by_side(data: xr.Dataset) -> None:
    both = call("countplot", data, ["label", "group"], title="t", xtick_rot=90, figsize=(6, 3))
    alone = [call("countplot", data, name) for name in ("label", "group")]
    for ax, expected in zip(both, alone, strict=True):
        assert [b.get_height() for b in ax.patches] == [b.get_height() for b in expected.patches]
        assert {t.get_rotation() for t in ax.get_xticklabels()} == {90.0}
    assert both[0].figure is both[1].figure
    assert len(call("boxplot", data, ["y", "y_predictions"], groupby="group")) == 2
    assert call("boxplot", data, ["y", "y_predictions"]).get_ylabel() == "value"


def test_arguments_of_seaborn_are_named(data: xr.Dataset) -> None:
    with pytest.raises(EugeneError, match=r"violinplot: palette= was seaborn's.*leave it out"):
        call("violinplot", data, palette="Set2")
    with pytest.raises(EugeneError, match="histplot: kde= was seaborn's"):
        call("histplot", data, kde=True)


def test_a_summary_of_a_dataset_is_a_table(data: xr.Dataset) -> None:
    how = {"prediction_vars": ["y_predictions", "y"], "metrics": ["r2", "mse"]}
    table = plot.performance_summary(data, "y", prediction_groups=["a", "b"], size=3, **how)
    y, p = data["y"].values, data["y_predictions"].values
    keep = np.isfinite(y) & np.isfinite(p)
    assert table.loc["y_predictions", "mse"] == pytest.approx(((y - p)[keep] ** 2).mean())
    assert table.loc["y", "r2"] == 1
    assert table["prediction_groups"].tolist() == ["a", "b"]
    axes = plot.performance_summary(data, "y", orient="h", return_axes=True, **how)
    assert [ax.get_xlabel() for ax in axes] == ["r2", "mse"]


def test_rows_and_labels_that_are_chosen(data: xr.Dataset) -> None:
    chosen = call("scatterplot", data, seq_idx=[0, 2, 5])
    assert len(chosen.collections[0].get_offsets()) == 3
    mask = np.arange(N) < 7
    assert len(call("performance_scatter", data, seq_idx=mask).collections[0].get_offsets()) == 7
    with pytest.raises(EugeneError, match="not rows of 12"):
        call("scatterplot", data, seq_idx=[99])
    text = call("auroc", data, labels=["chosen"]).get_legend().get_texts()[0].get_text()
    assert text.startswith("chosen: ")
    with pytest.raises(EugeneError, match="2 labels for 1 targets"):
        call("auprc", data, labels=["a", "b"])


def test_eugene_s_names(data: xr.Dataset) -> None:
    assert (
        plot.filter_viz(data, filter_num=1, pfms_var="pfms", vocab="DNA").get_title() == "filter 1"
    )
    assert (
        len(plot.multifilter_viz(data, filter_nums=[0, 1], pfms_var="pfms", num_rows=2).axes) == 2
    )
    assert plot.seq_track(data, "s3", "attrs", highlights=[(1, 3)], highlight_colors=["red"])
    with pytest.raises(EugeneError, match="are one argument"):
        plot.filter_viz(data, filter_num=1, filter_id=1, pfms_var="pfms")
    with pytest.raises(EugeneError, match="kind can only be 'binary'"):
        call("confusion_mtx", data, kind="multiclass")
    with pytest.raises(EugeneError, match="draws a mapping of arms"):
        plot.performance_summary(data)
    with pytest.raises(EugeneError, match="figsize is of a new figure"):
        call("auroc", data, figsize=(4, 4), ax=plt.subplots()[1])


def test_settings_are_heard(data: xr.Dataset) -> None:
    with settings(rc_context={"axes.linewidth": 2.5}):
        assert call("histplot", data).spines["left"].get_linewidth() == 2.5
