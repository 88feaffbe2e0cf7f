"""Pictures of experiments with two motifs: what is drawn is what was given."""

from __future__ import annotations

import numpy as np
import pytest

import seqexplainer.plot as plot
from seqexplainer.errors import SeqexplainerError
from seqexplainer.perturb._pairs import Cooperativity, Epistasis, Spacing

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def _close():
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


def cooperativity(distances: list[int], statistic: str = "log2 fold", seed: int = 0):
    rng = np.random.default_rng(seed)
    mean = rng.normal(size=len(distances))
    none = np.zeros(0)
    return Cooperativity(
        np.array(distances), none, none, none, none, none, none, statistic,
        mean, mean - 0.1, mean + 0.2, mean, mean,
    )  # fmt: skip


def curves(ax) -> list[tuple[list[float], list[float]]]:
    lines = [line for line in ax.lines if str(line.get_gid()).startswith("cooperativity")]
    return [(list(line.get_xdata()), list(line.get_ydata())) for line in lines]


def test_a_cooperativity_curve_stops_where_motifs_overlap():
    result = cooperativity([12, -9, -10, 11, 30])
    ax = plot.cooperativity_curve(result, label="GATA", title="t")
    (left, left_y), (right, right_y) = curves(ax)
    assert left == [-10, -9] and left_y == result.mean[[2, 1]].tolist()
    assert right == [11, 12, 30] and right_y == result.mean[[3, 0, 4]].tolist()
    bands = [c.get_paths()[0].vertices for c in ax.collections]
    np.testing.assert_allclose([b[:, 1].min() for b in bands], [
        result.low[[2, 1]].min(), result.low[[3, 0, 4]].min()
    ])  # fmt: skip
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["GATA"]
    assert ax.get_title(loc="left") == "t"


def test_cooperativity_curves_share_axes():
    first, second = cooperativity([5, 6]), cooperativity([-5, 5], seed=1)
    ax = plot.cooperativity_curve(first, label="a")
    assert plot.cooperativity_curve(second, ax=ax, label="b") is ax
    colors = [line.get_color() for line in ax.lines if line.get_gid()]
    assert colors[0] != colors[1] == colors[2]
    assert len([line for line in ax.lines if not line.get_gid()]) == 1
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["a", "b"]
    with pytest.raises(SeqexplainerError, match="another statistic than 'excess'"):
        plot.cooperativity_curve(cooperativity([5, 6], "excess"), ax=ax)


@pytest.mark.parametrize(
    ("statistic", "text"),
    [("log2 fold", "log2 observed / expected"), ("excess", "observed - expected")],
)
def test_the_statistic_is_named(statistic, text):
    assert plot.cooperativity_curve(cooperativity([5, 6], statistic)).get_ylabel() == text
    assert plot.cooperativity_curve(cooperativity([5, 6]), ylabel="y").get_ylabel() == "y"


def spacing(n_distances: int = 6) -> Spacing:
    rng = np.random.default_rng(0)
    names = ["A+ B+", "A- B-", "B+ A+"]
    mean = rng.normal(size=(3, n_distances))
    q = rng.uniform(size=mean.shape)
    none = np.zeros(0)
    return Spacing(np.arange(n_distances), names, none, none, mean, mean, mean, q, q)


def image_of(ax) -> np.ma.MaskedArray:
    (image,) = ax.images
    return image.get_array()


def chance_of(ax) -> set[tuple[int, int]]:
    (dots,) = [c for c in ax.collections if c.get_gid() == "chance"]
    return {(int(y), int(x)) for x, y in dots.get_offsets()}


@pytest.mark.parametrize("alpha", [0.05, 0.5])
def test_spacing_map(alpha):
    result = spacing()
    ax = plot.spacing_map(result, motifs=("GATA1", "AP-1"), alpha=alpha, title="t")
    np.testing.assert_array_equal(image_of(ax), result.mean)
    assert ax.images[0].get_clim() == (-np.abs(result.mean).max(), np.abs(result.mean).max())
    assert chance_of(ax) == {(int(i), int(j)) for i, j in np.argwhere(result.q_value > alpha)}
    assert [t.get_text() for t in ax.get_yticklabels()] == [
        "GATA1→ AP-1→", "←GATA1 ←AP-1", "AP-1→ GATA1→",
    ]  # fmt: skip
    assert [t.get_text() for t in ax.get_xticklabels()] == ["0", "1", "2", "3", "4", "5"]
    assert len(ax.figure.axes) == 2


@pytest.mark.parametrize("n", [21, 150, 2000])
def test_many_distances_have_few_ticks(n):
    ax = plot.spacing_map(spacing(n), colorbar=False, limit=3.0)
    assert 8 <= len(ax.get_xticks()) <= 21
    assert ax.images[0].get_clim() == (-3, 3)
    assert len(ax.figure.axes) == 1


def test_epistasis_map_leaves_what_is_not_known_grey():
    rng = np.random.default_rng(0)
    mean = rng.normal(size=(4, 4))
    mean[np.diag_indices(4)] = np.nan
    q = np.where(np.isfinite(mean), rng.uniform(size=(4, 4)), np.nan)
    none = np.zeros(0)
    result = Epistasis(none, none, none, mean, mean, mean, q, q)
    ax = plot.epistasis_map(result, labels=["GATA1", "AP-1", "C", "D"], alpha=0.3)
    assert image_of(ax).mask.tolist() == np.eye(4, dtype=bool).tolist()
    np.testing.assert_array_equal(image_of(ax).filled(np.nan), mean)
    assert chance_of(ax) == {(int(i), int(j)) for i, j in np.argwhere(q > 0.3)}
    assert [t.get_text() for t in ax.get_yticklabels()] == ["GATA1", "AP-1", "C", "D"]
    assert {t.get_rotation() for t in ax.get_xticklabels()} == {90.0}
    with pytest.raises(SeqexplainerError, match="labels has 1 names for 4 edits"):
        plot.epistasis_map(result, labels=["a"])


def test_other_results_are_refused():
    for draw, name, wrong in (
        (plot.cooperativity_curve, "cooperativity", spacing()),
        (plot.spacing_map, "space", cooperativity([5])),
        (plot.epistasis_map, "epistasis", cooperativity([5])),
    ):
        with pytest.raises(SeqexplainerError, match=rf"expected a result of seqexplainer\.{name},"):
            draw(wrong)


def test_results_of_several_numbers_are_refused():
    result = cooperativity([5, 6])
    wide = np.ones((2, 3))
    with pytest.raises(SeqexplainerError, match=r"mean of shape \(2, 3\), of several numbers"):
        plot.cooperativity_curve(result._replace(mean=wide))
    cube = np.ones((3, 6, 2))
    with pytest.raises(SeqexplainerError, match=r"mean of shape \(3, 6, 2\)"):
        plot.spacing_map(spacing()._replace(mean=cube))


def test_nothing_to_draw_is_told():
    result = cooperativity([5, 6])
    with pytest.raises(SeqexplainerError, match="nothing to draw: every mean is NaN"):
        plot.cooperativity_curve(result._replace(mean=np.full(2, np.nan)))


def test_the_table_of_cooperativity_takes_what_is_known():
    fold = np.array([[1.0, np.nan, np.nan], [2.0, 4.0, np.nan]])
    table = cooperativity([5, 6, 7])._replace(fold=fold).to_frame()
    np.testing.assert_array_equal(table["fold"], [1.5, 4.0, np.nan])


@pytest.mark.parametrize("limit", [0, -1.0, float("nan")])
def test_the_limit_of_colours_is_positive(limit):
    with pytest.raises(SeqexplainerError, match=r"limit is .*; expected a positive number"):
        plot.spacing_map(spacing(), limit=limit)


@pytest.mark.parametrize("motifs", [("a",), ("a", "b", "c"), "ab"])
def test_there_are_two_motifs(motifs):
    with pytest.raises(SeqexplainerError, match="expected the names of the two motifs"):
        plot.spacing_map(spacing(), motifs=motifs)


def test_long_names_make_room():
    short = plot.spacing_map(spacing(40))
    long = plot.spacing_map(spacing(40), motifs=("MA0001.1 " * 5, "another long name"))
    assert long.figure.get_figwidth() > short.figure.get_figwidth() + 3


def test_axes_in_axes_out():
    import matplotlib.pyplot as plt

    axes = plt.figure().subplots(2)
    assert plot.cooperativity_curve(cooperativity([5, 6]), ax=axes[0]) is axes[0]
    assert plot.spacing_map(spacing(), ax=axes[1]) is axes[1]
