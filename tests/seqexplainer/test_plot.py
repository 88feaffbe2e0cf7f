"""Pictures: what is drawn is what was given."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import seqexplainer as se
import seqexplainer.plot as plot
from seqexplainer.errors import SeqexplainerError
from seqexplainer.perturb._single import Positional
from seqexplainer.plot._logo import glyph, information, stack
from seqexplainer.plot.style import COLORS, p_text
from seqpro.motifs import Motif, MotifSet

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def _close():
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


@pytest.fixture
def attributions() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(4, 30))


def letter_boxes(ax) -> list[tuple[str, np.ndarray]]:
    """Colour and bounding boxes (x0, y0, x1, y1) of every letter drawn."""
    from matplotlib.colors import to_hex

    collection = ax.collections[0]
    boxes = []
    for path, face in zip(collection.get_paths(), collection.get_facecolors(), strict=True):
        letter = {v.lower(): k for k, v in COLORS["classic"].items() if k != "U"}[to_hex(face)]
        n = len(glyph(letter)[0])
        used = glyph(letter)[1] != path.CLOSEPOLY
        parts = path.vertices.reshape(-1, n, 2)[:, used]
        boxes += [(letter, np.concatenate([p.min(axis=0), p.max(axis=0)])) for p in parts]
    return boxes


# ---------------------------------------------------------------- logos


def test_every_letter_has_its_height_and_column(attributions):
    ax = plot.logo(attributions, start=100, width=0.9)
    assert len(ax.collections) == 1
    boxes = letter_boxes(ax)
    assert len(boxes) == 4 * 30
    drawn = np.zeros((4, 30))
    for letter, (x0, y0, x1, y1) in boxes:
        column = round((x0 + x1) / 2) - 100
        assert x1 - x0 == pytest.approx(0.9)
        sign = 1 if y0 >= -1e-12 else -1
        drawn["ACGT".index(letter), column] = sign * (y1 - y0)
    np.testing.assert_allclose(drawn, attributions, atol=1e-9)
    low, high = ax.get_ylim()
    assert high >= np.clip(attributions, 0, None).sum(axis=0).max()
    assert low <= np.clip(attributions, None, 0).sum(axis=0).min()
    assert ax.get_xlim() == (99.5, 129.5)


def test_stacks_touch_and_grow_outwards(attributions):
    base = stack(attributions)
    for column in range(30):
        heights = attributions[:, column]
        for sign in (1, -1):
            here = np.flatnonzero(sign * heights > 0)
            here = here[np.argsort(np.abs(heights[here]))]
            edge = 0.0
            for row in here:
                size = abs(heights[row])
                inner = base[row, column] if sign > 0 else base[row, column] + size
                assert inner == pytest.approx(edge)
                edge += sign * size


def test_negative_letters_hang_upside_down():
    up, down = np.zeros((4, 1)), np.zeros((4, 1))
    up[3], down[3] = 1, -1
    tops = []
    for matrix in (up, down):
        path = plot.logo(matrix).collections[0].get_paths()[0]
        x, y = path.vertices[path.codes != path.CLOSEPOLY].T
        wide = y[(x - x.min()) < 1e-9]  # the bar of the T
        tops.append(wide.mean())
    assert tops[0] > 0.8
    assert tops[1] < -0.8


def test_bits():
    counts = np.array([[8.0, 4, 2], [0, 4, 2], [0, 0, 2], [0, 0, 2]])
    heights = information(counts)
    np.testing.assert_allclose(heights.sum(axis=0), [2, 1, 0], atol=1e-12)
    ax = plot.logo(counts, kind="bits")
    assert ax.get_ylim() == (0, 2)
    assert ax.get_ylabel() == "bits"
    motif = Motif("m", counts, kind="pfm")
    of_motif = plot.logo(motif)
    paths = zip(ax.collections[0].get_paths(), of_motif.collections[0].get_paths(), strict=True)
    for a, b in paths:
        np.testing.assert_allclose(a.vertices, b.vertices)


def test_other_alphabets_and_tensors():
    ax = plot.logo(torch.eye(20), alphabet="ACDEFGHIKLMNPQRSTVWY")
    assert len(ax.collections[0].get_paths()) == 20
    assert plot.logo(torch.zeros(1, 4, 5)).get_ylim() == (-1, 1)
    own = plot.logo(np.eye(4), colors={"A": "black"})
    assert own.collections[0].get_facecolors()[0][:3].tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("matrix", "arguments", "message"),
    [
        (np.zeros((5, 3)), {}, "5 rows, but the alphabet 'ACGT'"),
        (np.zeros(4), {}, r"expected \(letters, length\)"),
        (np.full((4, 2), np.nan), {}, "NaN or infinite"),
        (-np.ones((4, 2)), {"kind": "bits"}, "negative entries"),
        (np.ones((4, 2)), {"kind": "counts"}, "choose 'auto'"),
        (np.ones((4, 2)), {"colors": "pastel"}, "choose one of classic"),
    ],
)
def test_logo_errors(matrix, arguments, message):
    with pytest.raises(SeqexplainerError, match=message):
        plot.logo(matrix, **arguments)


def test_given_axes_are_used(attributions):
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(5)
    assert plot.logo(attributions, ax=axes[0]) is axes[0]
    assert plot.attribution_track(attributions, ax=axes[1]) is axes[1]
    assert plot.ism_heatmap(attributions, ax=axes[2]) is axes[2]
    assert plot.positional_curve([0, 1], [1, 2], ax=axes[3]) is axes[3]
    assert plot.evolution_traces([[0, 1]], ax=axes[4]) is axes[4]
    assert len(plt.get_fignums()) == 1
    figure.canvas.draw()


# ---------------------------------------------------------------- colours

# Machado et al. 2009, doi:10.1109/TVCG.2009.113, severity 1, on linear RGB.
BLINDNESS = {
    "none": [1, 0, 0, 0, 1, 0, 0, 0, 1],
    "protanopia": [
        *(0.152286, 1.052583, -0.204868),
        *(0.114503, 0.786281, 0.099216),
        *(-0.003882, -0.048116, 1.051998),
    ],
    "deuteranopia": [
        *(0.367322, 0.860646, -0.227968),
        *(0.280085, 0.672501, 0.047413),
        *(-0.011820, 0.042940, 0.968881),
    ],
    "tritanopia": [
        *(1.255528, -0.076749, -0.178779),
        *(-0.078411, 0.930809, 0.147602),
        *(0.004733, 0.691367, 0.303900),
    ],
}


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIELAB of linear RGB (D65)."""
    xyz = rgb @ np.array(
        [[0.4124, 0.2126, 0.0193], [0.3576, 0.7152, 0.1192], [0.1805, 0.0722, 0.9505]]
    )
    f = np.cbrt(np.clip(xyz / [0.9505, 1.0, 1.089], 0.008856, None))
    return np.stack(
        [116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], -1
    )


@pytest.mark.parametrize(
    ("scheme", "blindness"), [("classic", "none"), *(("colorblind", b) for b in BLINDNESS)]
)
def test_letters_stay_apart_in_colour_blindness(scheme, blindness):
    from matplotlib.colors import to_rgb

    srgb = np.array([to_rgb(COLORS[scheme][letter]) for letter in "ACGT"])
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    seen = lab(np.clip(linear @ np.reshape(BLINDNESS[blindness], (3, 3)).T, 0, 1))
    distance = np.linalg.norm(seen[:, None] - seen[None], axis=-1)
    assert distance[np.triu_indices(4, 1)].min() >= 40


def test_colours_mean_what_everybody_expects():
    from colorsys import rgb_to_hsv

    from matplotlib.colors import to_rgb

    for scheme in COLORS.values():
        hue = {k: rgb_to_hsv(*to_rgb(v))[0] * 360 for k, v in scheme.items()}
        assert 100 < hue["A"] < 170
        assert 195 < hue["C"] < 230
        assert 30 < hue["G"] < 50
        assert hue["T"] < 20 or hue["T"] > 340


# ---------------------------------------------------------------- tracks


def test_annotation_spans():
    codes = np.array([1, 1, 0, 2, 2, 1, 0, 3])
    assert plot.annotation_spans(codes, ["a", "b"]) == [
        (0, 2, "a"),
        (3, 5, "b"),
        (5, 6, "a"),
        (7, 8),
    ]
    assert plot.annotation_spans(codes > 0, {1: "x"}) == [(0, 2, "x"), (3, 6, "x"), (7, 8, "x")]
    assert plot.annotation_spans(np.zeros(4)) == []
    # as annotations of simulated data say it
    coded = {"background": 0, "a": 1, "b": 2}
    assert plot.annotation_spans(codes, coded) == plot.annotation_spans(codes, ["a", "b"])


def test_attribution_track_marks_spans(attributions):
    spans = [
        (105, 110, "GATA"),
        (120, 125, "TATA"),
        (112, 114),
        (300, 310, "far"),
        (90, 102, "GATA"),
    ]
    ax = plot.attribution_track(attributions, spans=spans, start=100, chrom="chr2", title="x")
    assert sorted(t.get_text() for t in ax.texts) == ["GATA", "GATA", "TATA"]
    patches = {(round(p.get_x(), 1), round(p.get_width(), 1)): p for p in ax.patches}
    assert set(patches) == {(104.5, 5), (119.5, 5), (111.5, 2), (99.5, 2)}
    assert patches[104.5, 5].get_facecolor() == patches[99.5, 2].get_facecolor()
    assert patches[104.5, 5].get_facecolor() != patches[119.5, 5].get_facecolor()
    assert ax.get_xlabel() == "chr2 (bp)"
    ax.figure.canvas.draw()
    labels = [t.get_text() for t in ax.get_xticklabels()]
    assert "110" in labels


def test_crowded_names_are_written_in_rows(attributions):
    spans = [(5, 8, "a long name"), (8, 11, "another name"), (20, 22, "far")]
    ax = plot.attribution_track(attributions, spans=spans)
    heights = [t.xyann[1] for t in ax.texts]
    assert heights == [2, 13, 2]


class _Lettered(np.ndarray):
    """One-hot sequences that say their letters."""

    alphabet = "ACGU"


def test_ism_heatmap(attributions):
    X = np.eye(4)[attributions.argmax(axis=0)].T
    ax = plot.ism_heatmap(attributions, sequence=X, start=10)
    image = ax.images[0]
    np.testing.assert_array_equal(image.get_array(), attributions)
    assert image.get_clim() == (-np.abs(attributions).max(), np.abs(attributions).max())
    dots = ax.collections[0].get_offsets()
    np.testing.assert_array_equal(dots[:, 1], X.argmax(axis=0)[np.asarray(dots[:, 0], int) - 10])
    assert len(ax.figure.axes) == 2
    assert len(plot.ism_heatmap(attributions, colorbar=False).figure.axes) == 1
    rna = plot.ism_heatmap(attributions, sequence=X.view(_Lettered))
    assert [t.get_text() for t in rna.get_yticklabels()] == list("ACGU")
    with pytest.raises(SeqexplainerError, match="but effects"):
        plot.ism_heatmap(attributions, sequence=X[:, 1:])
    with pytest.raises(SeqexplainerError, match="3 rows"):
        plot.ism_heatmap(attributions[:3])


# ---------------------------------------------------------------- curves


def test_positional_curve_takes_results():
    x = np.arange(5)
    mean = np.linspace(0, 1, 5)
    result = Positional(x, x, x, mean, mean - 1, mean + 1, mean, mean)
    ax = plot.positional_curve(result, label="GATA")
    ax = plot.positional_curve(x, mean * 2, ax=ax, label="TATA", title="t")
    curves = [line for line in ax.lines if line.get_gid() == "curve"]
    np.testing.assert_array_equal(curves[0].get_ydata(), mean)
    assert curves[0].get_color() != curves[1].get_color()
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["GATA", "TATA"]
    assert len(ax.collections) == 1
    with pytest.raises(SeqexplainerError, match="give positions and mean"):
        plot.positional_curve(x)
    with pytest.raises(SeqexplainerError, match="expected"):
        plot.positional_curve(x, mean[:3])


def test_evolution_traces():
    scores = np.random.default_rng(0).normal(size=(12, 6)).cumsum(axis=1)
    ax = plot.evolution_traces(scores)
    assert len(ax.collections[0].get_segments()) == 12
    np.testing.assert_allclose(ax.lines[-1].get_ydata(), scores.mean(axis=0))
    low, high = ax.get_ylim()
    assert low < scores.min()
    assert high > scores.max()
    assert ax.get_legend().get_texts()[0].get_text() == "mean of 12 sequences"
    assert plot.evolution_traces(scores[:1]).get_legend() is None
    with pytest.raises(SeqexplainerError, match="sequences, rounds"):
        plot.evolution_traces(scores[0])


# ---------------------------------------------------------------- gallery


@pytest.fixture(scope="module")
def database() -> MotifSet:
    rng = np.random.default_rng(1)
    return MotifSet(
        [
            Motif(f"TF{i}", rng.dirichlet([0.2] * 4, 9).T, kind="ppm", accession=f"M{i}")
            for i in range(30)
        ]
    )


def test_gallery_aligns_filters_with_their_matches(database):
    from seqexplainer.motifs import annotate_pfms

    flank = np.full((4, 3), 0.25)
    pfms = np.stack(
        [
            np.concatenate([flank, database[4].ppm()], axis=1),
            np.zeros((4, 12)),
            np.concatenate([database[7].reverse_complement().ppm(), flank], axis=1),
        ]
    )
    table = annotate_pfms(pfms, database, top=2, names=["f0", "f1", "f2"])
    axes = plot.filter_gallery(pfms, table, database, names=["f0", "f1", "f2"])
    assert axes.shape == (2, 2)
    by_name = {row[0].get_title(loc="left").split("\n")[0]: row for row in axes}
    assert set(by_name) == {"f0", "f2"}
    assert "p = " in by_name["f0"][0].get_title(loc="left")
    assert by_name["f0"][1].get_xlabel() == "TF4  M4"
    assert by_name["f2"][1].get_xlabel() == "TF7  M7  (reverse complement)"
    for query, target in by_name.values():
        assert query.get_xlim() == target.get_xlim()
        boxes = [[b for _, b in letter_boxes(ax) if b[3] - b[1] > 0.8] for ax in (query, target)]
        tall = [sorted((b[0] + b[2]) / 2 for b in part) for part in boxes]
        np.testing.assert_allclose(tall[0], tall[1])
    axes[0, 0].figure.canvas.draw()


def test_gallery_without_matches(database):
    axes = plot.filter_gallery(database, n=5, n_columns=2)
    assert axes.shape == (5, 1)
    assert axes[0, 0].get_title(loc="left") == "TF0"
    with pytest.raises(SeqexplainerError, match="dead filters"):
        plot.filter_gallery(np.zeros((2, 4, 6)))
    with pytest.raises(SeqexplainerError, match=r"expected \(filters, letters, width\)"):
        plot.filter_gallery(np.zeros((4, 6)))


def test_gallery_needs_the_database(database):
    from seqexplainer.motifs import annotate_pfms

    table = annotate_pfms(database, database, top=1)
    with pytest.raises(SeqexplainerError, match="motif_db is needed"):
        plot.filter_gallery(database, table)
    with pytest.raises(SeqexplainerError, match="lacks motifs that annotations name: M"):
        plot.filter_gallery(database, table, MotifSet([database[0]]))


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.5, "p = 0.5"),
        (0.0123, "p = 0.012"),
        (3.21e-8, "p = 3.2 × 10⁻⁸"),
        (9.99e-5, "p = 1.0 × 10⁻⁴"),
        (0.0, "p < 10⁻³⁰⁰"),
    ],
)
def test_p_text(p, text):
    assert p_text(p) == text


def test_matplotlib_is_loaded_only_when_something_is_drawn():
    code = "import sys, seqexplainer.plot; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("method", ["greedy", "annealing"])
def test_edit_map_marks_every_edit(method):
    model = nn.Sequential(nn.Flatten(), nn.Linear(4 * 20, 1))
    X = se.backgrounds(kind="random", n=2, length=20)
    found = se.design(model, X, method=method, rounds=6, insertions=True, deletions=True)
    ax = plot.edit_map(found, sequence=1, start=100)
    trace = found.trace()
    marks = [line for line in ax.lines if line.get_marker() not in ("None", None, "")]
    assert len(marks) == (trace["sequence"] == 1).sum()
    assert sum(len(c.get_paths()) for c in ax.collections) == 40 - int(
        (found.sequences[1].sum(0) == 0).sum()
    )
    assert ax.get_ylim()[0] > ax.get_ylim()[1]
    with pytest.raises(SeqexplainerError, match="sequence 2 does not exist"):
        plot.edit_map(found, sequence=2)


def test_a_track_takes_a_table_of_seqlets():
    table = pd.DataFrame(
        {"sequence": 3, "start": [2, 2, 8], "end": [5, 5, 9], "rank": [1, 2, 1]}
        | {"target": ["GATA", "TAL1", None]}
    )
    ax = se.plot.attribution_track(np.ones((4, 12)), spans=table, start=100)
    named = se.plot.attribution_track(
        np.ones((4, 12)), spans=[(102, 105, "GATA"), (108, 109)], start=100
    )
    assert [t.get_text() for t in ax.texts] == [t.get_text() for t in named.texts] == ["GATA"]
    assert len(ax.patches) == len(named.patches)
    with pytest.raises(se.SeqexplainerError, match="seqlets of 2 sequences"):
        se.plot.attribution_track(
            np.ones((4, 12)), spans=pd.concat([table, table.assign(sequence=4)])
        )
    with pytest.raises(se.SeqexplainerError, match="no column 'end'"):
        se.plot.attribution_track(np.ones((4, 12)), spans=table[["start"]])
