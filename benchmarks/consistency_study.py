"""Is the more consistent of equally accurate networks the one whose explanations are right?

Run with ``python benchmarks/consistency_study.py runs/acme [--save]`` after ``eugene run
configs/select/acme.yaml``: every network of the grid gives saliency maps of the positives among
test and validation rows; their consistency needs no ground truth and stands beside the agreement
with it. With ``--motif ACCESSION --motifs FILE`` the truth is where a motif is found in sequences
of real data, as for ``configs/select/rest.yaml``. Intervals are bootstraps over networks.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from scipy.stats import pearsonr, spearmanr

sys.path.insert(0, str(Path(__file__).resolve().parent))

from _harness import save

import eugene as eu
import seqdata as sd
import seqexplainer as se
import seqpro as sp

WITHIN = 0.005
RESAMPLES = 200
POINTS = 1500
CODES = {"val": 1, "test": 2}


class Rows:
    """Positives of a split, and what is known of them."""

    def __init__(self, ds, split: str, motif: sp.motifs.Motif | None, p_value: float) -> None:
        chosen = np.flatnonzero(ds["split"].values == CODES[split])
        label = ds["label"].values[chosen]
        self.label = label
        self.all = sp.ohe(ds["seq"].values[chosen], sp.DNA).swapaxes(1, 2)
        positive = np.flatnonzero(label == 1)
        self.X = self.all[positive]
        self.truth = ds["pwm"].values[chosen[positive]] if "pwm" in ds else None
        if "annotation" in ds:
            self.annotation = ds["annotation"].values[chosen[positive]]
            self.names = ["", *ds["annotation"].attrs["motif_names"]]
        self.sites = None if motif is None else sites(self.X, motif, p_value)


def sites(X: np.ndarray, motif: sp.motifs.Motif, p_value: float) -> np.ndarray:
    """Return where a motif is, bool (n, length): on either strand, below a p-value."""
    found = se.scan(X, motif, p_threshold=p_value)
    inside = np.zeros((len(X), X.shape[2]), bool)
    for row, start, end in zip(found["sequence"], found["start"], found["end"], strict=True):
        inside[row, start:end] = True
    return inside


def maps(arch: torch.nn.Module, X: np.ndarray) -> np.ndarray:
    """Return saliency maps float32 (n, 4, length) of all letters, their mean taken away."""
    return np.asarray(se.attribute(arch, X, "saliency", hypothetical=True, batch_size=256))


def consistency(attr: np.ndarray, X: np.ndarray, prefix: str = "") -> dict[str, float]:
    """Return what needs no ground truth."""
    return {
        f"{prefix}kam": se.metrics.k_attr_mean_kld(attr, X, keep=0.99, points=False).kld,
        f"{prefix}kam_10": se.metrics.k_attr_mean_kld(attr, X, points=False).kld,
        f"{prefix}kmer": se.metrics.kmer_kld(attr, X).kld,
    }


def measured(folder: Path, val: Rows, test: Rows) -> dict[str, object]:
    """Return accuracy, consistency and agreement with the truth of a network."""
    module = eu.load(folder)
    config = module.arch.config
    row: dict[str, object] = {
        "net": f"{folder.parent.name}/{folder.name}",
        "way": folder.parent.name.rsplit("_", 1)[-1] if folder.parent.name.count("_") > 1 else "",
        "activation": config["activation"],
        "norm": "bn" if config["batchnorm"] else "none",
    }
    for split, rows in (("val", val), ("test", test)):
        score = np.ravel(module.predict(rows.all.astype(np.float32)))
        row[f"{split}_auroc"] = se.metrics.groundtruth.roc_area(score, rows.label.astype(bool))
    row |= consistency(maps(module.arch, val.X), val.X, "val_")
    attr = maps(module.arch, test.X)
    row |= consistency(attr, test.X)
    row["kam_acme"] = se.metrics.k_attr_mean_kld(attr, keep=0.99, compat="acme", points=False).kld
    if test.truth is not None:
        found = se.metrics.attribution_snr(attr, test.X, test.truth)
        row |= {"snr": found.mean, "auroc": found.mean_auroc, "auprc": found.mean_auprc}
    else:
        row |= in_sites(attr, test)
    return row


def in_sites(attr: np.ndarray, rows: Rows) -> dict[str, float]:
    """Return how well the letters of motif sites stand out, over sequences that have one."""
    assert rows.sites is not None
    carrying = rows.sites.any(1)
    shown = np.abs((attr * rows.X).sum(1))[carrying]
    inside = rows.sites[carrying]
    return {
        "auprc": float(np.nanmean(se.metrics.position_auprc(shown, inside))),
        "share": float(((shown * inside).sum(1) / shown.sum(1)).mean()),
        "chance": float(inside.mean()),
        "n_carrying": int(carrying.sum()),
    }


def interval(
    table: pd.DataFrame, figure: Callable[[pd.DataFrame], float], seed: int = 0
) -> list[float]:
    """Return a figure with its 95 % bootstrap interval over networks."""
    rng = np.random.default_rng(seed)
    draws = [figure(table.iloc[rng.integers(0, len(table), len(table))]) for _ in range(RESAMPLES)]
    low, high = np.nanpercentile(draws, [2.5, 97.5])
    return [round(float(v), 3) for v in (figure(table), low, high)]


def correlation(x: str, y: str, of=spearmanr) -> Callable[[pd.DataFrame], float]:
    """Return a function that correlates two columns of a table."""
    return lambda table: float(of(table[x], table[y]).statistic)


def chosen(table: pd.DataFrame, by: str) -> tuple[pd.Series, pd.DataFrame]:
    """Return the network that is best ``by`` among those about as accurate, and all of these."""
    names = ("auroc", "k_attr_mean_kld", "kmer_kld")
    columns = ("val_auroc", "val_kam", "val_kmer")
    figures = {
        str(i): dict(zip(names, row, strict=True))
        for i, row in enumerate(table[[*columns]].itertuples(index=False))
    }
    found = eu.evaluate.choose(figures, by, metric="auroc", within=WITHIN)
    return table.iloc[int(found.chosen)], table.iloc[[int(name) for name in found.equal]]


def pairs(table: pd.DataFrame, by: str, truth: str = "auprc") -> tuple[float, float]:
    """Return how often, and by how much, the more consistent of two accurate alike is right."""
    a, b = np.triu_indices(len(table), 1)
    accuracy, measure, right = (table[c].to_numpy() for c in ("val_auroc", by, truth))
    alike = (np.abs(accuracy[a] - accuracy[b]) <= WITHIN) & (measure[a] != measure[b])
    sign = np.sign(measure[a] - measure[b])[alike]
    gain = sign * (right[a] - right[b])[alike]
    return (float((gain > 0).mean()), float(gain.mean())) if len(gain) else (np.nan, np.nan)


def study(table: pd.DataFrame) -> dict[str, object]:
    """Return every figure that is told of a grid, or of a part of it."""
    relu, exp = (table[table["activation"] == a] for a in ("relu", "exponential"))
    keys = [k for k in ("kam", "kam_10", "kam_acme", "kmer", "snr", "auroc", "auprc", "test_auroc")
            if k in table]  # fmt: skip
    told: dict[str, object] = {"exponential - relu": {}, "spearman": {}, "pearson": {},
                               "spearman within": {}}  # fmt: skip
    for key in keys:
        told["exponential - relu"][key] = interval(
            table,
            lambda t, key=key: (
                t[key][t["activation"] == "exponential"].mean()
                - t[key][t["activation"] == "relu"].mean()
            ),
        )
    pairs_of = [(x, y) for y in ("snr", "auprc") if y in table
                for x in ("kam", "kam_acme", "kmer", "test_auroc")]  # fmt: skip
    for x, y in pairs_of:
        told["spearman"][f"{x}, {y}"] = interval(table, correlation(x, y))
        told["pearson"][f"{x}, {y}"] = interval(table, correlation(x, y, pearsonr))
        if x in ("kam", "test_auroc"):
            told["spearman within"][f"{x}, {y}"] = {
                name: interval(part, correlation(x, y))
                for name, part in (("exponential", exp), ("relu", relu))
            }
    rules = {
        "most consistent": "k_attr_mean_kld",
        "most accurate": "auroc",
        "most uneven k-mers": "kmer_kld",
    }
    alike = chosen(table, "auroc")[1]
    told["choice"] = {"alike": len(alike), "any": round(float(alike["auprc"].mean()), 3)}
    for rule, by in rules.items():
        net = chosen(table, by)[0]
        told["choice"][rule] = {
            "net": net["net"],
            **{key: round(float(net[key]), 3) for key in ("val_auroc", *keys)},
        }

    def gain(draw: pd.DataFrame, over: str) -> float:
        net, others = chosen(draw, "k_attr_mean_kld")
        other = chosen(draw, "auroc")[0]["auprc"] if over == "accurate" else others["auprc"].mean()
        return float(net["auprc"] - other)

    told["gain in auprc"] = {
        f"consistent - {over}": interval(table, lambda draw, over=over: gain(draw, over))
        for over in ("accurate", "any")
    }
    for name, part in (("all", table), ("exponential", exp), ("relu", relu)):
        for by in ("val_kam", "val_kmer"):
            told[f"pairs alike, {name}, {by}"] = {
                "right": interval(part, lambda t, by=by: pairs(t, by)[0]),
                "gain": interval(part, lambda t, by=by: pairs(t, by)[1]),
            }
    return told


def strongest(
    found: se.metrics.KAttrMeanKLD, annotation: np.ndarray, names: list[str]
) -> tuple[tuple[np.ndarray, np.ndarray], list[str]]:
    """Return the angles of the longest columns, and the motif that each lies in."""
    points = found.points
    longest = np.argsort(-points.r)[:POINTS]
    number = annotation[
        points.sequence[longest], (points.position[longest] + 1) % annotation.shape[1]
    ]
    return (points.phi[longest], points.theta[longest]), [names[i] for i in number]


def draw(table: pd.DataFrame, attr: dict[str, np.ndarray], rows: Rows, folder: Path) -> None:
    """Draw accuracy against consistency, and the directions of two networks' maps."""
    folder.mkdir(parents=True, exist_ok=True)
    figure, axes = plt.subplots(1, 2, figsize=(9.5, 3.8), layout="constrained")
    net = chosen(table, "k_attr_mean_kld")[0]
    for ax, (x, name) in zip(
        axes, (("test_auroc", "AUROC"), ("auprc", "AUPRC of maps")), strict=True
    ):
        groups = {
            str(group): {row.net: (getattr(row, x), row.kam) for row in part.itertuples()}
            for group, part in table.groupby("activation")
        }
        eu.plot.runs_scatter(groups, x=name, y="k-attr-mean KLD (nats)", chosen=net["net"], ax=ax)
    figure.savefig(folder / "consistency_scatter.png", dpi=110)
    figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for ax, (name, values) in zip(axes, attr.items(), strict=True):
        found = se.metrics.k_attr_mean_kld(values, keep=0.99)
        points, labels = strongest(found, rows.annotation, rows.names)
        se.plot.angular_density(found.hist, points=points, labels=labels, ax=ax)
        ax.set_title(f"{name}: {found.kld:.2f} nats")
    figure.savefig(folder / "consistency_angles.png", dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path, help="folders of runs with arms and seeds")
    parser.add_argument("--motif", help="accession or name, where the truth is a motif")
    parser.add_argument("--motifs", type=Path, help="file of motifs that holds it")
    parser.add_argument("--p_value", type=float, default=1e-5, help="below which it is found")
    parser.add_argument("--least", type=float, help="also of networks with such an AUROC alone")
    parser.add_argument("--pictures", type=Path, help="folder to draw into")
    parser.add_argument("--save", action="store_true", help="write benchmarks/results")
    options = parser.parse_args()
    torch.set_num_threads(1)
    logging.disable(logging.WARNING)
    motif = sp.motifs.read(options.motifs)[options.motif] if options.motif else None
    ds = sd.open_zarr(options.runs[0] / "data.zarr").load()
    val, test = (Rows(ds, split, motif, options.p_value) for split in ("val", "test"))
    done = "*/seed_*/evaluation.json"
    folders = sorted(path.parent for run in options.runs for path in run.glob(done))
    rows = []
    for folder in folders:
        rows.append(measured(folder, val, test))
        print(rows[-1], flush=True)
    table = pd.DataFrame(rows)
    numbers = [c for c in table if table[c].dtype.kind == "f"]
    arms = table.groupby(["way", "norm", "activation"])[numbers].mean().round(3)
    print(arms.to_string())
    told = {"all": study(table)}
    if options.least is not None:
        trained = table[table["val_auroc"] >= options.least]
        told[f"AUROC of {options.least} or more"] = {"n": len(trained), **study(trained)}
    for group, figures in told.items():
        for key, value in figures.items():
            print(group, key, value)
    if options.pictures:
        best = (
            part.sort_values("val_auroc").iloc[-1]["net"] for _, part in table.groupby("activation")
        )
        by_name = {f"{path.parent.name}/{path.name}": path for path in folders}
        attr = {net: maps(eu.load(by_name[net]).arch, test.X) for net in best}
        draw(table, attr, test, options.pictures)
    if options.save:
        table[numbers] = table[numbers].round(4)
        results = [{"nets": table.to_dict("records"), **told, "n": [len(val.X), len(test.X)]}]
        print(save(f"consistency_{options.runs[0].name}", results, unit="as in the study"))


if __name__ == "__main__":
    main()
