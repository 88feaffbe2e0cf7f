"""The verbs of the command line: those of the steps, and those that are no step."""

from __future__ import annotations

from eugene._step import steps
from eugene._verb import COMMON as COMMON
from eugene._verb import CONFIG as CONFIG
from eugene._verb import (
    DEVICE,
    FOLDS,
    GENOME,
    INPUT,
    LATER,
    LEAVE_OUT,
    OVERLAP,
    OVERWRITE,
    REPLACE,
    RESUME,
    RUN_OUT,
    RUNNING,
    SEEDS,
    TRUST,
    out,
)
from eugene._verb import HELP_ALL as HELP_ALL
from eugene._verb import PLUGIN as PLUGIN
from eugene._verb import PRINT_CONFIG as PRINT_CONFIG
from eugene._verb import TRAIN_DEVICE as TRAIN_DEVICE
from eugene._verb import Option as Option
from eugene._verb import Verb as Verb
from eugene.cli._init_kinds import KINDS, example
from eugene.cli._init_kinds import OPTIONS as INIT

_BEFORE = (
    Verb(
        "quickstart",
        "simulate, train, explain and report, with known ground truth",
        "eugene quickstart --name first",
        "eugene.cli._run:quickstart",
        words="[FILE.yaml]",
        options=(SEEDS, *RUNNING),
    ),
    Verb(
        "init",
        "write a commented YAML file for your own files, to look at and run",
        example("chip"),
        "eugene.cli._init:init",
        words=" | ".join(KINDS),
        options=(
            *INIT,
            out("the file to write; KIND.yaml if absent", "FILE.yaml"),
            REPLACE,
        ),
        configured=False,
        minimum=1,
    ),
    Verb(
        "run",
        "everything that a recipe asks for: fit, test, interpretation, report",
        "eugene run jores21_leaf --data.path leaf.tsv",
        "eugene.cli._run:run",
        words="RECIPE",
        options=(SEEDS, FOLDS, LEAVE_OUT, *RUNNING),
    ),
    Verb(
        "tune",
        "search for the values that make the best network (needs the extra 'tune')",
        "eugene tune search.yaml --tune.num_samples 20 --tune.scheduler asha",
        "eugene.cli._tune:tune",
        words="[FILE.yaml | TUNE_DIR --resume]",
        options=(
            RUN_OUT,
            Option(
                "--address",
                "Ray cluster to search on; Ray is started here by default",
                "HOST:PORT",
                key="tune.address",
            ),
            TRAIN_DEVICE,
            OVERWRITE,
            RESUME,
            TRUST,
        ),
    ),
)
_AFTER = (
    Verb(
        "predict",
        "predict new sequences, or every row of a run's data",
        "eugene predict runs/first --input promoters.fa --out promoters.tsv",
        "eugene.cli._predict:predict",
        options=(
            INPUT,
            Option(
                "--seq_col",
                "column or variable with the sequences; by default the run's own",
                "NAME",
            ),
            GENOME,
            out("CSV, TSV, Parquet, Zarr, or .bw of profiles; on stdout if absent", old=True),
            Option("--what", "in a .bw file: counts, or profile (shares)", "WHICH", "counts"),
            OVERLAP,
            Option("--part", "part of the network that predicts, such as main", "NAME"),
            *LATER,
        ),
    ),
    Verb(
        "compare",
        "put several runs side by side, and test seeds of one against those of another",
        "eugene compare runs/first runs/second --out table.csv",
        "eugene.cli._compare:compare",
        words="RUN_DIR [RUN_DIR ...]",
        options=(
            out("CSV or TSV file to write as well", old=True),
            Option("--report", "page of the runs side by side: .html", "FILE"),
            Option("--metric", "figure that groups of seeds are tested by", "NAME"),
            Option(
                "--by", "figure to choose a run by, of those with about the best metric", "NAME"
            ),
            Option("--within", "how far from the best metric these may be; 0.005 by default", "X"),
            Option("--scatter", "picture of all runs, metric against --by", "FILE"),
            Option("--tests", "CSV or TSV file for the tests of each two groups", "FILE"),
            Option("--plot", "picture of the groups: .png, .svg or .pdf", "FILE"),
            Option("--alpha", "corrected p-values below it are significant", "P", "0.05"),
            REPLACE,
        ),
        configured=False,
        minimum=1,
        maximum=None,
    ),
    Verb(
        "select",
        "train several networks on several amounts of data with several seeds, and compare them",
        "eugene select run selection.yaml --at-once 2",
        "eugene.cli._select:select",
        words="grid|run|compare FILE.yaml|DIR",
        options=(
            out("folder of the selection; runs/NAME_select by default", "DIR"),
            Option("--sizes", "rows of all sets together, of data definitions", "N,N,..."),
            Option("--rates", "shares of the training rows, of other data", "X,X,..."),
            Option("--data-seeds", "seeds of the rows", "N,N,...", aliases=("--d-seeds",)),
            Option("--model-seeds", "seeds of the networks", "N,N,...", aliases=("--m-seeds",)),
            Option("--seed-grid", "let every data seed meet every model seed"),
            Option("--at-once", "run: so many processes on this machine", "N", "1"),
            Option("--address", "run: a Ray cluster; local starts Ray here", "HOST:PORT"),
            Option("--cpus", "run: processors of a run on Ray, threads in a process", "N", "1"),
            Option("--gpus", "run: of a GPU for each run on Ray", "X", "0"),
            Option("--set", "compare: rows of train, val or test", "NAME", "test"),
            Option("--page", "compare: the page; comparison.html in the folder", "FILE"),
            OVERWRITE,
            TRUST,
            PLUGIN,
        ),
        configured=False,
        minimum=2,
        maximum=2,
    ),
    Verb(
        "evaluate",
        "evaluate a trained run by metrics, predictions, curves, and importance against a grammar",
        "eugene evaluate --run_dir runs/first --evaluators metrics,roc,saliency,sis",
        "eugene.cli._select:evaluate",
        words="[RUN_DIR]",
        options=(
            Option("--run_dir", "folder of the run", "DIR"),
            Option(
                "--evaluators",
                "those, sis, methods of attribution",
                "NAMES",
                "metrics,predict,roc,pr",
                many=True,
            ),
            out("folder of the files; by default one in that of the run", "DIR"),
            Option("--eval-sets", "rows of train, val, test", "NAMES", "test"),
            Option("--eval-n", "examples whose importance is looked at", "N", "500"),
            Option("--eval-n-per-label", "so many of each label instead", "N"),
            Option("--eval-fi-predict-threshold", "only examples predicted surer", "P", "0.5"),
            Option("--eval-sis-predict-threshold", "probability that SIS keep", "P", "0.5"),
            Option("--eval-grad-importance-threshold", "important from here on", "X", "0.01"),
            Option("--eval-suppress-plots", "draw no curves"),
            Option("--target", "explain the class of a row (y) or y-hat", "WHICH", "y"),
            DEVICE,
            OVERWRITE,
        ),
        configured=False,
    ),
    Verb(
        "datasets",
        "list curated datasets, describe one, or fetch and build it",
        "eugene datasets get random1000 --out random1000.zarr",
        "eugene.cli._datasets:datasets",
        words="list [KIND] | info NAME | get NAME [OPTION=VALUE ...]",
        options=(
            out("Zarr store to write; one in the cache if absent", "PATH", old=True),
            Option("--unverified", "allow downloads whose checksum is not known beforehand"),
            Option("--offline", "use only what is in the cache"),
            Option("--mirror", "base address to try first", "URL"),
            Option("--overwrite", "replace what is at --out"),
        ),
        configured=False,
        minimum=1,
        maximum=None,
    ),
    Verb(
        "simulate",
        "draw the data set of a grammar (seqgra's XML, or YAML), or turn one form into the other",
        "eugene simulate grammar.yaml --out data.zarr",
        "eugene.cli._simulate:simulate",
        words="DEFINITION",
        options=(
            out("a .zarr store; a folder with --text; .xml or .yaml with --convert"),
            Option("--seed", "seed of the rows; by default that of the definition", "N"),
            Option("--compat", "draw number by number as this program does: seqgra", "NAME"),
            Option("--text", "write the six text files of seqgra instead of a store"),
            Option("--convert", "write the definition, also of a model, in the form of --out"),
            OVERWRITE,
        ),
        configured=False,
        minimum=1,
        maximum=1,
    ),
    Verb(
        "constructs",
        "put payloads into a locus of a genome, write them for another program, predict them",
        "eugene constructs build --table t.tsv --fasta p.fa --reference g.fa "
        "--context 3:34-40 --out c.zarr",
        "eugene.cli._constructs:constructs",
        words="build | export STORE.zarr | predict RUN_DIR",
        options=(
            Option("--table", "names, activities, groups: CSV, TSV or Parquet", "FILE"),
            Option("--fasta", "FASTA file of the payloads", "FILE"),
            Option("--reference", "FASTA file of the genome", "FILE"),
            Option("--context", "locus that payloads take the place of, from 0", "CHR:START-END"),
            Option("--annotation", "BED file of sites on the payloads", "FILE"),
            Option("--length", "bp that a network sees; 25600 by default", "N"),
            Option("--padding", "bp by which windows are longer; 1280 by default", "N"),
            Option("--drop-missing", "leave out what is in the table or the FASTA file alone"),
            Option("--unmeasured", "the table has no activities"),
            out("build: .zarr, or .tsv of finetune-enformer; export: .tsv, .npy; predict: .tsv"),
            Option("--input", "predict: store of constructs", "STORE"),
            Option("--tracks", "predict: run of tracks, seen under the sites", "RUN_DIR"),
            Option("--track", "predict: its track, by name or number; the first if absent", "NAME"),
            Option("--format", "predict: table, or original (finetune-enformer)", "WHICH", "table"),
            Option("--strides", "export .npy, predict: windows of each construct", "N"),
            Option("--seed", "export .npy, predict: seed of the windows", "N"),
            DEVICE,
            OVERWRITE,
            TRUST,
        ),
        configured=False,
        minimum=1,
        maximum=2,
    ),
    Verb(
        "tracks",
        "windows with binned signal, a head on a trunk for them, and predictions of regions",
        "eugene tracks build --table tracks.tsv --fasta hg38.fa --bed mappable.bed --n 4000 "
        "--out tracks.zarr",
        "eugene.cli._tracks:tracks",
        words="build | fit STORE.zarr | predict RUN_DIR",
        options=(
            Option("--table", "tracks.tsv: identifier, file, clip, scale, sum_stat", "FILE"),
            Option("--fasta", "FASTA file of the genome", "FILE"),
            Option("--bed", "mappable regions; regions to predict", "FILE"),
            Option("--length", "build: bp of a window; 25600 by default", "N"),
            Option("--bin-size", "build: bp of a bin; 128 by default", "N"),
            Option("--n", "build: windows to draw; all by default", "N"),
            Option("--cutoff", "build: least standard deviation of a track in a window", "X"),
            Option("--zero", "build: bases without a value are 0, not missing"),
            Option("--val", "build: contigs that validate, with commas", "CONTIGS"),
            Option("--test", "build: contigs that test, with commas", "CONTIGS"),
            Option("--seed", "build: seed of the draw", "N"),
            Option("--shifts", "predict: average over so many more windows, 1 bp apart", "N"),
            Option("--forward", "predict: leave the other strand out"),
            out("build: .zarr or .h5; fit: folder of the run; predict: .zarr, .bw, .bedgraph"),
            TRAIN_DEVICE,
            OVERWRITE,
            TRUST,
        ),
        minimum=1,
        maximum=2,
    ),
    Verb(
        "zoo",
        "list the networks, show one, or hold each against what is published",
        "eugene zoo show deepstarr",
        "eugene.cli._zoo:zoo",
        words="list | show NAME | check [NAME ...]",
        options=(PLUGIN,),
        configured=False,
        minimum=1,
        maximum=None,
    ),
    Verb(
        "doctor",
        "look for what is wrong with the installation",
        "eugene doctor",
        "eugene.cli._doctor:doctor",
        words="",
        configured=False,
        maximum=0,
    ),
)


def verbs() -> dict[str, Verb]:
    """Return every verb by its name, in the order of the help.

    Examples
    --------
    >>> list(verbs())[:4]
    ['quickstart', 'init', 'run', 'tune']
    """
    own = [step.verb for step in steps().values() if step.verb is not None]
    return {verb.name: verb for verb in (*_BEFORE, *own, *_AFTER)}


VERBS: dict[str, Verb] = verbs()
"""The verbs that the distribution itself has."""
