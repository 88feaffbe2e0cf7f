"""The YAML files that ``eugene init`` writes: each line with its reason."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Mapping, Sequence

from eugene.cli._init_looks import Columns, Peaks

# bases of a genome from where on windows of the published length are affordable
_LARGE = 100_000_000
# peaks below which a network of one layer is written; measured on 625 and 1,078
_FEW_PEAKS = 5000
_WIDTHS = (200, 500, 1000)
_COLUMN, _WIDEST = 40, 100
_WORD = re.compile(r"[A-Za-z_][\w./+-]*")
_TAKEN = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})


def _plain(value: object) -> str:
    """Return a value as YAML in one line; what is no plain word is quoted as in JSON."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_plain(k)}: {_plain(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_plain, value)) + "]"
    if isinstance(value, str) and _WORD.fullmatch(value) and value.lower() not in _TAKEN:
        return value
    return json.dumps(value, ensure_ascii=False)


def _lines(block: Sequence[tuple[str, object, str]], indent: int = 2) -> list[str]:
    """Return keys with their values, and the reason behind each, or above where it is long."""
    lines = []
    for key, value, reason in block:
        pad = " " * indent
        text, why = f"{pad}{key}: {_plain(value)}", " ".join(reason.split())
        behind = f"{text:<{_COLUMN}}  # {why}" if why else text
        long = bool(why) and len(behind) > _WIDEST
        lines += [f"{pad}# {why}", text] if long else [behind]
    return lines


def _head(text: Sequence[str]) -> list[str]:
    return [line for part in text for line in textwrap.wrap(
        part, 96, initial_indent="# ", subsequent_indent="# ", break_long_words=False,
        break_on_hyphens=False,
    ) or ["#"]]  # fmt: skip


_CNN = """\
model:
  name: cnn                               # 'eugene zoo list' shows the others
  conv_kwargs:
{shape}
    conv_padding: same
    dropout_rates: 0.1
    batchnorm: true
    batchnorm_first: true
  dense_kwargs:
    hidden_dims: [64]
    dropout_rates: 0.3
{pool}module:
  name: sequence
  task: {task}
  optimizer: adamw
{schedule}
baselines:                                # what the network has to beat, on the same rows
{baselines}
{evaluate}interpret:               # what the report explains; leave out what you do not need
  attribute:
    methods: [deep_lift_shap]
    top: 50                               # test sequences with the highest predictions
  seqlets:
    motif_db: {motifs}{other}
  filters:
    motif_db: {motifs}
"""
_EMBEDDED = """
    # 'embedded' holds a few motifs of vertebrates; jaspar_fungi, jaspar_plants, jaspar_insects,
    # jaspar_vertebrates and others are fetched once: 'eugene datasets list motifs'"""


_FLAT = """\
    conv_channels: [64, 64, 64]
    conv_kernels: [15, 7, 5]              # the first ones become the motifs of the report
    pool_kernels: [4, 4, 2]"""
_POOLED = """\
    conv_channels: [64, 64]
    conv_kernels: [15, 7]                 # the first ones become the motifs of the report
    pool_kernels: [4, null]"""
_ONE_LAYER = """\
    conv_channels: [64]                   # one layer of 15 bp at full resolution: with so few peaks
    conv_kernels: [15]                    # it did better than two (docs: when k-mers are better)
    pool_kernels: [null]"""
_PLATEAU = """\
  optimizer_lr: 0.001
  optimizer_kwargs: {weight_decay: 0.001}
  scheduler: reduce_lr_on_plateau
  scheduler_kwargs: {factor: 0.3, patience: 3}
trainer:
  max_epochs: 40                          # at most: training ends when validation is no better
  patience: 8                             # for so many epochs"""
_ONE_CYCLE = """\
  optimizer_lr: 0.004
  optimizer_kwargs: {weight_decay: 0.001}
  scheduler: one_cycle                    # the learning rate rises, then falls to nothing
trainer:
  max_epochs: 25                          # that many; the weights of the best one are kept
  patience: null"""
_MAX_AVG = """\
  # the best match of each motif wherever it stands, and how much of it there is on average
  pool: max_avg
"""
_MAX = """\
  pool: max                               # a motif counts wherever it stands
"""
_STRANDS = """\
evaluate:
  reverse_complement: true                # the mean over both strands
"""


def _cnn(task: str, motifs: str, *, both_strands: bool, few: bool = False) -> list[str]:
    name = "kmer_logistic" if task == "binary_classification" else "kmer_ridge"
    lines = [f"  - {{name: {name}, k: 6}}"]
    if both_strands:
        lines.append(f"  - {{name: {name}, k: 6, both_strands: true}}")
    # windows around peaks have no direction, promoters have; positions count in the latter
    shape, pool = (_POOLED, _MAX) if both_strands else (_FLAT, "")
    if few:
        shape, pool = _ONE_LAYER, _MAX_AVG
    text = _CNN.format(
        task=task,
        baselines="\n".join(lines),
        motifs=_plain(motifs),
        other=_EMBEDDED if motifs == "embedded" else "",
        shape=shape,
        pool=pool,
        schedule=_ONE_CYCLE if few else _PLATEAU,
        evaluate=_STRANDS if both_strands else "",
    )
    return text.splitlines()


def chip_width(peaks: Peaks) -> int:
    """Return the least of the usual widths (bp) that half of the peaks fit into."""
    return next((width for width in _WIDTHS if peaks.median <= width), _WIDTHS[-1])


def _centre(peaks: Peaks) -> str:
    if peaks.summits == peaks.n:
        return "around the summit of each peak"
    if peaks.summits:
        return f"around the summit; {peaks.n - peaks.summits} peaks have none: their middle"
    return "around the middle: the file names no summits"


def _split_by_contig(peaks: Peaks) -> list[str]:
    val, test = peaks.held_out
    if not test:
        few = f"peaks lie on {len(peaks.counts)} contigs, too few to hold some out"
        return _lines([("split", {"name": "homology"}, f"{few}: what is alike stays together")])
    share = [sum(peaks.counts[name] for name in part) / peaks.n for part in (val, test)]
    inner = [
        ("name", "chromosome", "train: all that are not named here"),
        ("val", val, f"{share[0]:.0%} of the peaks; decides when training ends"),
        ("test", test, f"{share[1]:.0%} of the peaks; looked at once, in the end"),
    ]
    return ["  split:", *_lines(inner, 4)]


def chip(
    files: Mapping[str, str], peaks: Peaks, *, name: str, width: int, motifs: str, command: str
) -> str:
    """Return the file of a run on peaks: bound or not.

    Parameters
    ----------
    files : mapping of str to str
        ``peaks``, ``genome`` and perhaps ``blacklist``, as the file is to name them.
    peaks : Peaks
        What they hold.
    name : str
        Name of the run.
    width : int
        Length of a window in bp.
    motifs : str
        Motifs that are looked for.
    command : str
        How to run it.

    Returns
    -------
    str
        YAML.
    """
    data: list[tuple[str, object, str]] = [
        ("name", "regions", "windows of a genome"),
        ("fasta", files["genome"], ""),
        ("bed", files["peaks"], f"{peaks.n:,} peaks, half of them {peaks.median:,} bp or less"),
    ]
    if "blacklist" in files:
        data.append(("blacklist", files["blacklist"], "windows that touch it are left out"))
    data += [
        ("width", width, f"bp, {_centre(peaks)}"),
        ("task", "binary", "1 for a peak, 0 for a window elsewhere"),
        (
            "negatives",
            {"method": "gc_matched", "ratio": 1},
            "as many windows elsewhere, of the same GC content; a ratio of 3 for more",
        ),
        ("seed", 0, "of the negatives: the same for every seed of the run"),
        ("seq_var", "seq", ""),
        ("target_vars", ["label"], ""),
    ]
    rest: list[tuple[str, object, str]] = [
        ("batch_size", 64, ""),
        ("reverse_complement", True, "half of the training windows as their other strand"),
        ("max_jitter", width // 16, "bp that training windows are moved by"),
    ]
    return _file(
        [f"Bound or not, from {width} bp of sequence: {peaks.n:,} peaks, and windows elsewhere."],
        command,
        name,
        [*_lines(data), *_split_by_contig(peaks), *_lines(rest)],
        _cnn("binary_classification", motifs, both_strands=True, few=peaks.n < _FEW_PEAKS),
    )


def _split_of_table(columns: Columns) -> list[str]:
    if not columns.split:
        if columns.shared:
            why = f"{columns.shared:,} rows of a random split have their like in another part"
            return _lines([("split", {"name": "homology"}, f"{why}: these stay together")])
        return _lines([("split", {"name": "random", "fractions": [0.8, 0.1, 0.1]},
                        "no two sequences are alike; {name: homology} for relatives")])  # fmt: skip
    found = set(columns.parts.values())
    parts, carve = dict(columns.parts), None
    if "test" not in found:
        # without a test set, what is called validation is looked at once, in the end
        parts = {value: "test" if part == "val" else part for value, part in parts.items()}
        carve = {"from": "train", "to": "val", "fraction": 0.1}
    elif "val" not in found:
        carve = {"from": "train", "to": "val", "fraction": 0.1}
    inner: list[tuple[str, object, str]] = [
        ("name", "column", ""),
        ("column", columns.split, columns.dealt.partition("; ")[2] or "the file says it"),
        ("mapping", parts, ""),
    ]
    if carve:
        inner.append(("carve", carve, "to see when to stop"))
    return ["  split:", *_lines(inner, 4)]


def promoters(
    files: Mapping[str, str], columns: Columns, *, name: str, motifs: str, command: str
) -> str:
    """Return the file of a run on sequences with measurements.

    Parameters
    ----------
    files : mapping of str to str
        ``table`` and perhaps ``fasta``, as the file is to name them.
    columns : Columns
        What they hold.
    name : str
        Name of the run.
    motifs : str
        Motifs that are looked for.
    command : str
        How to run it.

    Returns
    -------
    str
        YAML.
    """
    low, high = columns.lengths
    size = columns.size
    other = f"; other numbers: {', '.join(columns.others)}" if columns.others else ""
    if "fasta" in files:
        data: list[tuple[str, object, str]] = [
            ("name", "fasta", f"{columns.n:,} sequences of {size}"),
            ("path", files["fasta"], ""),
            ("target_table", files["table"], "its first column names the records"),
        ]
    else:
        data = [
            ("name", "table", f"{columns.n:,} sequences of {size}"),
            ("path", files["table"], ""),
            ("seq_col", columns.seq, ""),
        ]
    if columns.alphabet != "DNA":
        data.append(("alphabet", columns.alphabet, ""))
    if low != high:
        data.append(("fixed_length", False, "shorter ones are filled up at the right"))
    data += [
        ("target_cols", columns.targets, f"what is predicted{other}"),
        ("seq_var", "seq", ""),
        ("target_vars", columns.targets, ""),
    ]
    if columns.positives:
        data.append(
            (
                "negatives",
                {"method": "shuffled"},
                "every label is 1: a copy of each with its dinucleotides shuffled is 0",
            )
        )
    rest: list[tuple[str, object, str]] = []
    if columns.task == "regression":
        rest.append(("targets", [{"name": "zscore"}], "mean 0 and deviation 1 of training rows"))
    rest.append(("batch_size", 128, ""))
    what = ", ".join(columns.targets)
    return _file(
        [f"{what} from sequence: {columns.n:,} sequences of {size}."],
        command,
        name,
        [*_lines(data), *_split_of_table(columns), *_lines(rest)],
        _cnn(columns.task, motifs, both_strands=False),
    )


_PROFILE = """\
module:
  name: profile                           # where reads lie, and how many they are
  count_weight: auto                      # of the counts beside the profile, by the median count
  optimizer: adamw
  optimizer_lr: 0.002
  optimizer_kwargs: {weight_decay: 0.01}
  scheduler: one_cycle
stages:
  - name: main
    # the level of the counts need not be learned step by step
    before: [{name: scale_counts, part: null}]
trainer:
  max_epochs: 20
  patience: null                          # the learning rate falls to the end
baselines:                                # of the counts; profiles stand beside the mean profile
  - {name: kmer_ridge, k: 6, both_strands: true}
evaluate:
  subsets: {within_peaks: is_peak}
  reverse_complement: true                # the mean over both strands
interpret:                                # what the report explains; leave out what you do not need
  attribute:
    methods: [deep_lift_shap]
    top: 50
"""


def profile(
    files: Mapping[str, str],
    signal: Mapping[str, str],
    peaks: Peaks,
    *,
    name: str,
    strands: Sequence[str],
    width: int | None,
    command: str,
) -> str:
    """Return the file of a run on profiles of reads.

    Parameters
    ----------
    files : mapping of str to str
        ``peaks``, ``genome`` and perhaps ``blacklist`` and ``control``.
    signal : mapping of str to str
        BigWig files by the name of their sample.
    peaks : Peaks
        What the peaks hold.
    name : str
        Name of the run.
    strands : sequence of str
        Strand of each signal file; empty where they have none.
    width : int or None
        Length (bp) of what is predicted; by the size of the genome if None.
    command : str
        How to run it.

    Returns
    -------
    str
        YAML.
    """
    large = peaks.genome_size >= _LARGE
    layers, filters = (8, 64) if large else (5, 32)
    target = width or (1000 if large else 512)
    # what a network of these layers sees to either side of a position
    trim = 557 if large else 128
    data: list[tuple[str, object, str]] = [
        ("name", "regions", "windows of a genome with their signal"),
        ("fasta", files["genome"], f"{peaks.genome_size / 1e6:,.0f} million bases"),
        ("bed", files["peaks"], f"{peaks.n:,} peaks; windows {_centre(peaks)}"),
        ("bigwigs", dict(signal), "reads of each position, not normalised"),
    ]
    if strands:
        data.append(("strands", list(strands), "by the names of the files"))
    if "control" in files:
        data.append(("controls", [files["control"]], "what the network is given beside sequence"))
    if "blacklist" in files:
        data.append(("blacklist", files["blacklist"], "windows that touch it are left out"))
    data += [
        ("width", target + 2 * trim, "bp that the network reads"),
        ("target_length", target, "bp in their middle that it predicts"),
        ("max_jitter", target // 8, "bp that training windows are moved by"),
        ("negatives", {"ratio": 1}, "as many windows elsewhere, of the same GC content"),
        ("count_quantiles", [0, 0.999], "windows with the most reads are not trained on:"),
        ("rows", "usual_counts", "they are often repeats"),
        ("task", "profile", ""),
        ("seed", 0, "of the negatives: the same for every seed of the run"),
        ("seq_var", "seq", ""),
        ("target_vars", ["cov"], ""),
    ]
    rest: list[tuple[str, object, str]] = [
        (
            "sampler",
            {"name": "ratio", "label": "is_peak", "ratio": 0.1},
            "an epoch: all peaks, and a window elsewhere for ten of them",
        ),
        ("batch_size", 64, ""),
        ("reverse_complement", True, "half of the training windows as their other strand"),
    ]
    model: list[tuple[str, object, str]] = [
        ("name", "bpnet", ""),
        ("n_filters", filters, ""),
        ("n_layers", layers, "each sees twice as far as the one before"),
        ("trimming", trim, "bp at either end that are read and not predicted"),
    ]
    return _file(
        ["Where reads lie, base by base, and how many they are, from sequence: BPNet on "
         f"{peaks.n:,} peaks."],
        command,
        name,
        [*_lines(data), *_split_by_contig(peaks), *_lines(rest)],
        ["model:", *_lines(model), *_PROFILE.splitlines()],
    )  # fmt: skip


def _file(
    about: Sequence[str], command: str, name: str, data: Sequence[str], rest: Sequence[str]
) -> str:
    head = [
        *_head([*about, ""]),
        f"#   {command}",
        f"#   {command} --trainer.max_epochs 2 --overwrite",
        *_head(["", "Written by 'eugene init', from what the files hold: every line is yours to "
                "change. 'eugene run --help-all' lists every key."]),
    ]  # fmt: skip
    body = [f"name: {_plain(name)}", "seed: 0", "data:", *data, *rest]
    return "\n".join([*head, *body, ""])
