"""A run of profiles from training to report: figures, references, explanations, BigWig files."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pyBigWig
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import t

import eugene as eu
import seqdata as sd
from eugene.cli import main
from eugene.evaluate import MeanProfile, Smooth, half_profile, score_profiles

SIZES = {"c1": 6000, "c2": 2400, "c3": 2400}
WIDTH, TARGET = 80, 40
TOP = 3


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fragments whose ends lie where the genome says AT, their cut sites, and peaks."""
    path = tmp_path_factory.mktemp("profiles")
    rng = np.random.default_rng(0)
    lines, cuts = [], {}
    with (path / "g.fa").open("w") as out:
        for contig, size in SIZES.items():
            letters = rng.choice(list("ACGT"), size)
            out.write(f">{contig}\n{''.join(letters)}\n")
            weight = 0.2 + 3.0 * (letters == "A") * (np.arange(size) // 300 % 2)
            starts = rng.choice(size - 60, 2 * size, p=weight[:-60] / weight[:-60].sum())
            ends = np.minimum(starts + rng.integers(20, 60, len(starts)), size)
            lines += [f"{contig}\t{s}\t{e}\n" for s, e in zip(starts, ends, strict=True)]
            cuts[contig] = np.bincount(np.concatenate([starts, ends - 1]), minlength=size)
    (path / "fragments.bed").write_text("".join(lines))
    with pyBigWig.open(str(path / "cuts.bw"), "w") as signal:
        signal.addHeader(list(SIZES.items()))
        for contig, values in cuts.items():
            signal.addEntries(contig, 0, values=values.astype(float), span=1, step=1)
    rows = [
        f"{contig}\t{start}\t{start + 20}\tr{start}\t0\t{'+-.'[start % 3]}\n"
        for contig, size in SIZES.items()
        for start in range(60, size - 80, 50)
    ]
    (path / "p.bed").write_text("".join(rows))
    return path


def tree(files: Path) -> dict[str, Any]:
    return {
        "name": "atac",
        "seed": 3,
        "data": {
            "name": "regions",
            "fasta": str(files / "g.fa"),
            "bed": str(files / "p.bed"),
            "bigwigs": {"atac": str(files / "cuts.bw")},
            "width": WIDTH,
            "task": "profile",
            "max_jitter": 4,
            "target_length": TARGET,
            "split": {"name": "chromosome", "val": ["c2"], "test": ["c3"]},
        },
        "model": {"name": "bpnet", "n_filters": 4, "n_layers": 2},
        "module": {"name": "profile", "optimizer_lr": 0.01},
        "trainer": {"max_epochs": 2, "accelerator": "cpu"},
        "baselines": [{"name": "kmer_ridge", "k": 2}],
        "evaluate": {
            "n_bootstrap": 40,
            "smooth": 3,
            "fragments": str(files / "fragments.bed"),
            "subsets": {"peaks": "is_peak"},
        },
        "interpret": {
            "attribute": {"methods": ["deep_lift_shap"], "top": TOP, "n_references": 2},
            "seqlets": {"threshold": 0.05, "max_q_value": 1.0},
        },
    }


@pytest.fixture(scope="module")
def run(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return the folder of a finished run; tests only read it."""
    from eugene.runs import run

    return run(tree(files), run_dir=tmp_path_factory.mktemp("runs") / "atac")


def observed(ds: Any, files: Path, rows: np.ndarray) -> np.ndarray:
    """Return the cut sites under the middle of windows, read by pyBigWig."""
    found = []
    with pyBigWig.open(str(files / "cuts.bw")) as signal:
        for row in rows:
            middle = (int(ds["start"][row]) + int(ds["end"][row])) // 2
            values = signal.values(str(ds["chrom"].values[row]), middle - 20, middle + 20)
            found.append(values[::-1] if ds["strand"].values[row] == "-" else values)
    return np.array(found)[:, None]


def test_figures_and_references_of_one_run(run: Any, files: Path) -> None:
    evaluation = json.loads((run.path / "evaluation.json").read_text())
    ds = sd.open_zarr(run.predictions)
    rows = np.flatnonzero(ds["chrom"].values.astype(str) == "c3")
    train = np.flatnonzero(ds["chrom"].values.astype(str) == "c1")
    y = observed(ds, files, rows)
    model = score_profiles(
        y, ds["profile"].values[rows], ds["counts"].values[rows], smooth=Smooth(3)
    )
    mean = MeanProfile()
    mean.add(observed(ds, files, train))
    plain = score_profiles(y, mean.profile)
    metrics = evaluation["metrics"]
    assert metrics["jsd"]["value"] == pytest.approx(np.median(model.scores["jsd"]))
    assert metrics["mnll"]["value"] == pytest.approx(np.mean(model.scores["mnll"]))
    smoothed = np.median(model.scores["profile_pearson"])
    assert metrics["profile_pearson"]["value"] == pytest.approx(smoothed)
    logs = np.log1p(y.sum(axis=2))[:, 0]
    expected = np.corrcoef(logs, ds["counts"].values[rows, 0])[0, 1]
    assert metrics["count_pearson"]["value"] == pytest.approx(expected, abs=1e-5)
    found = evaluation["baselines"]["mean_profile"]["jsd"]
    assert found["value"] == pytest.approx(np.median(plain.scores["jsd"]))
    assert found["low"] < found["value"] < found["high"]
    assert evaluation["n"] == len(rows) and evaluation["n_empty"] == {"atac": 0}
    assert set(evaluation["baselines"]["kmer_ridge"]) == {"count_pearson", "count_spearman"}
    # the fragments are those of the signal, so they are what is dealt
    dealt = evaluation["pseudo_replicates"]
    assert (dealt["method"], dealt["counted"], dealt["shift"]) == ("fragments", "cutsite", [0, 0])
    reader = sd.Fragments("h", files / "fragments.bed", "a", halves=3)
    from seqdata.readers import Windows

    centre = (ds["start"].values[rows] + ds["end"].values[rows]) // 2
    where = Windows(
        ("c3",), np.zeros(len(rows), np.int32), centre - 20, centre + 20,
        np.zeros(len(rows), np.int8),
    )  # fmt: skip
    halves = reader.read(where, TARGET).astype(float)
    turned = ds["strand"].values[rows] == "-"
    halves[turned] = halves[turned, :, ::-1]
    guess = half_profile(halves[:, 1:], Smooth(dealt["smooth_bp"]), mean.profile)
    other = score_profiles(halves[:, :1], guess)
    of_half = score_profiles(halves[:, :1], ds["profile"].values[rows])
    floor = score_profiles(halves[:, :1], mean.profile)
    medians = [float(np.median(x.scores["jsd"])) for x in (of_half, floor, other)]
    assert evaluation["halves"]["other_half"]["jsd"]["value"] == pytest.approx(medians[2])
    fraction = (medians[0] - medians[1]) / (medians[2] - medians[1])
    assert evaluation["reach"]["jsd"]["value"] == pytest.approx(fraction)
    assert "count_pearson" in evaluation["reach"]
    # every window is one of a peak
    assert evaluation["subsets"]["peaks"]["metrics"]["jsd"] == metrics["jsd"]
    page = (run.path / "report.html").read_text()
    for words in ("Jensen-Shannon distance", "other half of the reads (1)", "mean profile"):
        assert words in page
    for picture in ("profiles", "counts", "distances"):
        assert (run.figures / f"{picture}.png").is_file()


def shown_table(page: str, words: str) -> list[list[str]]:
    """Return the rows of the table of a page with such words in its caption."""
    files = re.findall(r'download="[^"]+tsv" href="([^"]+)" aria-label="([^"]+)"', page)
    (uri,) = [uri for uri, label in files if words in label]
    return [line.split("\t") for line in unquote(uri.split(",", 1)[1]).splitlines()[1:]]


def test_the_page_shows_the_worst_rows_and_counts_by_quantile(run: Any, files: Path) -> None:
    ds = sd.open_zarr(run.predictions)
    rows = np.flatnonzero(ds["chrom"].values.astype(str) == "c3")
    y, guess = observed(ds, files, rows)[:, 0], ds["profile"].values[rows, 0].astype(float)
    with np.errstate(invalid="ignore"):
        off = np.array([jensenshannon(a, b) for a, b in zip(y, guess, strict=True)])
    totals = y.sum(axis=1)
    least = np.median(totals)
    order = [i for i in np.argsort(-off, kind="stable") if totals[i] >= least]
    kept = sd.open_zarr(run.path / "evaluation.zarr")
    assert kept["worst_index"].values.tolist() == rows[order[:4]].tolist()
    np.testing.assert_array_equal(kept["worst_observed"].values[:, 0], y[order[:4]])
    np.testing.assert_allclose(kept["worst_predicted"].values[:, 0], guess[order[:4]], rtol=1e-5)
    names = []
    for i in rows:
        strand = str(ds["strand"].values[i])
        place = f"c3:{ds['start'].values[i]}-{ds['end'].values[i]}"
        names.append(place if strand == "." else f"{place}({strand})")
    page = (run.path / "report.html").read_text()
    found = shown_table(page, "Rows whose profile is most wrong")
    assert [line[0].split(" ")[0] for line in found] == [names[i] for i in order[:10]]
    assert [float(line[1]) for line in found] == pytest.approx(off[order[:10]], abs=5e-4)
    logs, said = np.log1p(totals), ds["counts"].values[rows, 0].astype(float)
    far = np.argsort(-np.abs(logs - said), kind="stable")[:10]
    found = shown_table(page, "Rows whose counts are most wrong")
    assert [line[0].split(" ")[0] for line in found] == [names[i] for i in far]
    assert [float(line[3]) for line in found] == pytest.approx((said - logs)[far], abs=6e-4)
    bins = min(10, len(rows) // 5)
    place = np.empty(len(rows), int)
    place[np.argsort(said, kind="stable")] = np.arange(len(rows)) * bins // len(rows)
    found = shown_table(page, "Predicted and observed, bin by bin")
    assert len(found) == bins
    for i, line in enumerate(found):
        part = logs[place == i]
        low, high = t.interval(
            0.95, len(part) - 1, part.mean(), part.std(ddof=1) / len(part) ** 0.5
        )
        assert (int(line[0]), float(line[1])) == (
            len(part), pytest.approx(said[place == i].mean(), abs=5e-4)
        )  # fmt: skip
        numbers = [float(x) for x in re.findall(r"-?[0-9.]+", line[2])]
        assert numbers == pytest.approx([part.mean(), low, high], abs=6e-4)
    assert (run.figures / "profiles_worst.png").is_file()


def test_counts_and_profile_are_explained(run: Any) -> None:
    import seqexplainer as se

    ds = sd.open_zarr(run.attributions)
    assert ds.sizes["_sequence"] == TOP
    module = eu.load(run.path)
    X = eu.interpret.one_hot(ds, "seq").astype(np.float32)
    for output in ("counts", "profile"):
        kept = ds[f"deep_lift_shap_{output}"]
        assert kept.attrs["label"] == kept.attrs["target"] == output
        again = se.attribute(module.arch, X, target=output, n_references=2, seed=3)
        np.testing.assert_allclose(kept.values, again.numpy(), rtol=1e-4, atol=1e-6)
    counts = sd.open_zarr(run.predictions)["counts"].values[:, 0]
    assert ds["prediction"].values[0, 0] == counts[ds["index"].values[0]]
    page = (run.path / "report.html").read_text()
    title = se.methods.METHODS["deep_lift_shap"].title
    assert f"{title} of counts" in page and f"{title} of profile" in page


def test_each_output_has_seqlets_of_its_own(run: Any) -> None:
    table = run.table("interpretation/annotated_seqlets.csv")
    ds = sd.open_zarr(run.attributions)
    outputs = table["output"].tolist()
    for output in ("counts", "profile"):
        assert len(eu.interpret.hits_table(ds, f"seqlets_{output}")) == outputs.count(output) > 0
    assert "Seqlets" in (run.path / "report.html").read_text()


def test_regions_become_tracks(
    run: Any, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is written is what the module predicts, at both strands and over windows that touch."""
    monkeypatch.chdir(tmp_path)
    Path("x.bed").write_text("c3\t300\t340\ta\t0\t+\nc3\t330\t370\tb\t0\t-\nc3\t0\t10\tc\t0\t+\n")
    words = ["predict", str(run.path), "--bed", "x.bed", "--fasta", str(files / "g.fa")]
    assert main([*words, "--out", "p.bw", "--overlap", "nearest", "--quiet"]) == 0
    genome = "".join((files / "g.fa").read_text().split(">c3\n")[1].split())
    pairs = str.maketrans("ACGT", "TGCA")
    letters = [genome[280:360], genome[310:390].translate(pairs)[::-1]]
    found = eu.load(run.path).predict(letters)
    total = np.expm1(found.counts.numpy().astype(float))
    values = found.profile.numpy()[:, 0] * total
    with pyBigWig.open("p.bw") as track:
        assert track.chroms() == SIZES
        np.testing.assert_allclose(track.values("c3", 300, 335), values[0][:35], rtol=1e-5)
        np.testing.assert_allclose(track.values("c3", 335, 370), values[1][::-1][5:], rtol=1e-5)
        assert track.intervals("c3", 0, 300) is None
    assert main([*words, "--out", "p.tsv", "--quiet"]) == 0
    lines = [line.split("\t") for line in Path("p.tsv").read_text().splitlines()]
    assert lines[0] == ["name", "atac_log_counts"] and len(lines) == 3
    np.testing.assert_allclose(
        [float(line[1]) for line in lines[1:]], found.counts[:, 0], rtol=1e-5
    )
    words[0] = "attribute"
    methods = ["--methods", "input_x_gradient"]
    assert main([*words, *methods, "--out", "c.bw", "--quiet"]) == 0
    import seqexplainer as se
    import seqpro as sp

    one_hot = sp.ohe(np.array(letters), sp.DNA).swapaxes(1, 2).astype(np.float32)
    scores = se.attribute(eu.load(run.path).arch, one_hot, "input_x_gradient", target="counts")
    sums = scores.numpy().sum(axis=1)
    with pyBigWig.open("c.input_x_gradient_counts.bw") as track:
        np.testing.assert_allclose(track.values("c3", 280, 310), sums[0][:30], rtol=1e-4)
        np.testing.assert_allclose(track.values("c3", 360, 390), sums[1][::-1][50:], rtol=1e-4)
    assert Path("c.input_x_gradient_profile.bw").is_file()


def test_rows_of_the_run_become_tracks(run: Any, tmp_path: Path) -> None:
    out = tmp_path / "all.bw"
    assert main(["predict", str(run.path), "--out", str(out), "--what", "profile", "--quiet"]) == 0
    ds = sd.open_zarr(run.predictions)
    row = int(np.flatnonzero(ds["chrom"].values.astype(str) == "c2")[0])
    first = (int(ds["start"][row]) + int(ds["end"][row])) // 2 - 20
    values = ds["profile"].values[row, 0]
    values = values[::-1] if ds["strand"].values[row] == "-" else values
    with pyBigWig.open(str(out)) as track:
        np.testing.assert_allclose(track.values("c2", first, first + TARGET), values, rtol=1e-6)


@pytest.mark.parametrize(
    ("bed", "more", "message"),
    [
        ("chrX\t10\t50\n", [], "chrX"),
        ("c3\t9000\t9040\n", [], "no window of 80 bp is left"),
        ("c3\t300\t340\n", ["--overlap", "sum"], "--overlap sum"),
        ("c3\t300\t340\n", ["--what", "count"], "did you mean 'counts'"),
        ("c3\t300\t340\n", ["--part", "mian"], "has no part 'mian'"),
        ("c3\t300\t340\n", ["--fasta", "none.fa"], "none.fa"),
    ],
)
def test_wrong_regions_leave_no_file(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    bed: str, more: list[str], message: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    Path("x.bed").write_text(bed)
    code = main(["predict", str(run.path), "--bed", "x.bed", *more, "--out", "p.bw", "--quiet"])
    assert code in (1, 2) and message in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["x.bed"]


def test_seqlets_say_where_in_the_genome_they_are(run: Any, files: Path) -> None:
    """Letters of the genome at their places are those of the sequences that were explained."""
    import pyfaidx

    table = pd.read_csv(run.path / "interpretation/annotated_seqlets.csv")
    letters = np.asarray(sd.open_zarr(run.attributions)["seq"].values)
    turned = table["genome_strand"] != table["strand"]
    assert turned.any() and (~turned & (table["strand"] != ".")).any()
    (fasta,) = files.glob("*.fa")
    genome = pyfaidx.Fasta(str(fasta), sequence_always_upper=True)
    complement = str.maketrans("ACGT", "TGCA")
    ds = sd.open_zarr(run.attributions)
    for row in table.itertuples():
        there = str(genome[row.contig][row.genome_start : row.genome_end])
        strand = str(ds["strand"].values[row.sequence])
        there = there[::-1].translate(complement) if strand == "-" else there
        assert there == letters[row.sequence, row.start : row.end].tobytes().decode().upper()
        if row.strand != ".":
            same = row.strand == ("-" if strand == "-" else "+")
            assert row.genome_strand == ("+" if same else "-")
