"""What the command line can do: names, options, examples. Nothing is imported here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Option:
    """One option of a verb that is not part of the configuration.

    Attributes
    ----------
    flag : str
        Such as ``"--config"``.
    help : str
        One line.
    metavar : str
        What follows it; ``""`` for a switch.
    default : str or None
        Value where it is not given.
    aliases : tuple of str
        Other spellings, such as older ones.
    key : str
        Key of the configuration that it sets, if it is no more than another name of one.
    """

    flag: str
    help: str
    metavar: str = ""
    default: str | None = None
    aliases: tuple[str, ...] = ()
    key: str = ""

    @property
    def name(self) -> str:
        """The option as a Python name."""
        return self.flag.lstrip("-").replace("-", "_")


@dataclass(frozen=True)
class Verb:
    """One word after ``eugene``.

    Attributes
    ----------
    name : str
        The word.
    summary : str
        One line.
    example : str
        A command that works.
    target : str
        ``"module:function"`` that does it; it is called with the parsed `Call`.
    words : str
        What stands after the verb without dashes, for the usage line.
    options : tuple of Option
        Options besides the common ones.
    configured : bool
        Whether it takes ``--config``, ``--print_config`` and overrides.
    minimum : int
        Fewest words.
    maximum : int or None
        Most words.
    sections : tuple of str
        Sections of the configuration that its help shows; empty for all.
    """

    name: str
    summary: str
    example: str
    target: str
    words: str = ""
    options: tuple[Option, ...] = ()
    configured: bool = False
    minimum: int = 0
    maximum: int | None = 0
    sections: tuple[str, ...] = ()


CONFIG = Option("--config", "YAML file of the run", "FILE.yaml")
PRINT_CONFIG = Option("--print_config", "print the resolved configuration and stop")
OVERWRITE = Option("--overwrite", "replace what an earlier run left in the folder")
RESUME = Option("--resume", "continue an unfinished run from its last checkpoint")
TRUST = Option("--allow-class-path", "let the file import what it names (trusted files only)")
DEVICE = Option("--device", "where to compute: cpu, cuda, cuda:1, mps", "DEVICE", "cpu")
TRAIN_DEVICE = Option("--device", "where to compute; the fastest there is by default", "DEVICE")
RUN_OUT = Option("--out", "folder of the run; runs/NAME by default", "DIR", key="run_dir")
HELP_ALL = Option("--help-all", "show every key of the configuration as well, and stop")
COMMON = (
    Option("--help", "show this help and stop"),
    Option("--debug", "show the traceback of an error"),
    Option("--quiet", "say nothing but errors and results"),
)

_STEPS = "eugene.cli._run"
_RUNNING = (RUN_OUT, TRAIN_DEVICE, OVERWRITE, RESUME, TRUST)
_LATER = (DEVICE, OVERWRITE, TRUST)
_RUN = "[RUN_DIR | FILE.yaml]"


def _out(what: str, metavar: str, *, old: bool = False) -> Option:
    """Return ``--out`` of a verb; some had another name for it."""
    return Option("--out", what, metavar, aliases=("--output",) if old else ())


VERBS: dict[str, Verb] = {
    verb.name: verb
    for verb in (
        Verb(
            "quickstart",
            "simulate, train, explain and report, with known ground truth",
            "eugene quickstart --name first",
            f"{_STEPS}:quickstart",
            words="[FILE.yaml]",
            options=_RUNNING,
            configured=True,
            maximum=1,
        ),
        Verb(
            "run",
            "everything that a recipe asks for: fit, test, interpretation, report",
            "eugene run jores21_leaf --data.path leaf.tsv",
            f"{_STEPS}:run",
            words="RECIPE",
            options=_RUNNING,
            configured=True,
            maximum=1,
        ),
        Verb(
            "fit",
            "train a network",
            "eugene fit run.yaml --trainer.max_epochs 5",
            f"{_STEPS}:fit",
            words="[FILE.yaml]",
            options=_RUNNING,
            configured=True,
            maximum=1,
        ),
        Verb(
            "test",
            "measure a trained network on its test rows, beside the baselines",
            "eugene test runs/first",
            f"{_STEPS}:test",
            words=_RUN,
            options=(
                _out("CSV, TSV or JSON file to write the figures to as well", "FILE"),
                *_LATER,
            ),
            configured=True,
            maximum=1,
        ),
        Verb(
            "predict",
            "predict new sequences, or every row of a run's data",
            "eugene predict runs/first --input promoters.fa --out promoters.tsv",
            f"{_STEPS}:predict",
            words=_RUN,
            options=(
                Option("--input", "FASTA, CSV or TSV file, or Zarr store, of sequences", "FILE"),
                Option(
                    "--seq_col",
                    "column or variable with the sequences; by default the run's own",
                    "NAME",
                ),
                _out("CSV or TSV file to write; a table on stdout if absent", "FILE", old=True),
                *_LATER,
            ),
            configured=True,
            maximum=1,
        ),
        Verb(
            "attribute",
            "attribute a run's test sequences, or the sequences of any file",
            "eugene attribute runs/first --input enhancers.fa --out enhancers.zarr",
            "eugene.cli._attribute:attribute",
            words=_RUN,
            options=(
                Option("--input", "FASTA, CSV or TSV file, or Zarr store, of sequences", "FILE"),
                Option("--seq_col", "column or variable with the sequences", "NAME"),
                Option("--methods", "attribution methods", "NAMES"),
                Option("--target", "output: its number, or counts or profile", "WHICH"),
                Option("--hypothetical", "keep the hypothetical form too (for TF-MoDISco)"),
                _out("Zarr store to write", "PATH", old=True),
                *_LATER,
            ),
            configured=True,
            maximum=1,
        ),
        Verb(
            "motifs",
            "turn the filters of a convolution into motifs and annotate them",
            "eugene motifs runs/first --motif_db jaspar.meme",
            f"{_STEPS}:motifs",
            words=_RUN,
            options=(
                Option("--layer", "name of the convolution; the first if absent", "NAME"),
                Option("--motif_db", "embedded, or a MEME, JASPAR, HOMER or TRANSFAC file", "FILE"),
                _out("MEME file to write the motifs to as well", "FILE"),
                *_LATER,
            ),
            configured=True,
            maximum=1,
        ),
        Verb(
            "variants",
            "score the variants of a VCF file: alternate allele against reference",
            "eugene variants --run_dir runs/first --fasta hg38.fa --vcf eqtl.vcf --out effects.tsv",
            "eugene.cli._variants:variants",
            words=_RUN,
            options=(
                Option("--fasta", "FASTA file of the genome", "FILE"),
                Option("--vcf", "VCF file, or CSV or TSV with chrom, pos, ref, alt", "FILE"),
                _out("CSV, TSV or Zarr to write; on stdout if absent", "FILE", old=True),
                Option("--scores", "difference, log_fold", "NAMES", "difference,log_fold"),
                Option("--strands", "both or forward", "WHICH", "both"),
                Option("--shifts", "average over windows moved by so many bp", "-5,0,5"),
                Option("--align", "ends that indels leave: mean, left or right", "WHICH", "mean"),
                Option("--on_mismatch", "REF not in the genome: error, warn, skip", "DO", "error"),
                Option("--on_symbolic", "ALT such as <DEL>, * or '.': skip, error", "DO", "skip"),
                Option("--batch_size", "windows at a time", "N", "128"),
                *_LATER,
            ),
            configured=True,
            maximum=1,
        ),
        Verb(
            "evolve",
            "evolve sequences towards a higher prediction",
            "eugene evolve runs/first --interpret.evolve.rounds 5",
            f"{_STEPS}:evolve",
            words=_RUN,
            options=(_out("CSV file to write the evolution to as well", "FILE"), *_LATER),
            configured=True,
            maximum=1,
        ),
        Verb(
            "report",
            "write report.html of a run",
            "eugene report runs/first",
            f"{_STEPS}:report",
            words=_RUN,
            configured=True,
            options=(_out("HTML file to write instead", "FILE"), TRUST),
            maximum=1,
        ),
        Verb(
            "compare",
            "put several runs side by side",
            "eugene compare runs/first runs/second --out table.csv",
            "eugene.cli._compare:compare",
            words="RUN_DIR [RUN_DIR ...]",
            options=(_out("CSV or TSV file to write as well", "FILE", old=True),),
            minimum=1,
            maximum=None,
        ),
        Verb(
            "data",
            "build a Zarr store from files, or describe a store, a run file or a run folder",
            "eugene data build --data.name table --data.path x.tsv --data.seq_col seq --out x.zarr",
            "eugene.cli._data:data",
            words="build [FILE.yaml] | info [PATH]",
            options=(
                _out("Zarr store to build", "PATH", old=True),
                Option("--overwrite", "replace what is at --out"),
                TRUST,
            ),
            configured=True,
            sections=("data",),
            minimum=1,
            maximum=2,
        ),
        Verb(
            "datasets",
            "list curated datasets, describe one, or fetch and build it",
            "eugene datasets get random1000 --out random1000.zarr",
            "eugene.cli._datasets:datasets",
            words="list [KIND] | info NAME | get NAME [OPTION=VALUE ...]",
            options=(
                _out("Zarr store to write; one in the cache if absent", "PATH", old=True),
                Option("--unverified", "allow downloads whose checksum is not known beforehand"),
                Option("--offline", "use only what is in the cache"),
                Option("--mirror", "base address to try first", "URL"),
                Option("--overwrite", "replace what is at --out"),
            ),
            minimum=1,
            maximum=None,
        ),
        Verb(
            "zoo",
            "list the networks, show one, or build and run each of them",
            "eugene zoo show deepstarr",
            "eugene.cli._zoo:zoo",
            words="list | show NAME | check [NAME ...]",
            minimum=1,
            maximum=None,
        ),
        Verb(
            "doctor",
            "look for what is wrong with the installation",
            "eugene doctor",
            "eugene.cli._doctor:doctor",
        ),
    )
}
"""Every verb by its name, in the order of the help."""
