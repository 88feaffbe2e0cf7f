"""How training sequences were augmented, on the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, TypedDict, cast

from eugene.report._blocks import Section, number, picture

if TYPE_CHECKING:
    from eugene._folder import RunFolder

FILE = "augmentation.json"
"""Where a run notes what it augmented its sequences with."""
_PADDED = {
    "pad_end": "sequences without an insertion get random letters at their end",
    "pad_both": "sequences without an insertion get random letters at both ends",
}
_SCOPES = {
    "sequence": "",
    "batch-choice": " The sequences of a batch share which augmentations they get.",
    "batch": " The sequences of a batch share all but the random letters.",
}


class Settings(TypedDict):
    """Arguments of an augmenter, and by how many bp (``added``) sequences grow."""

    added: int
    augmentations: list[dict[str, object]]
    max_augs: int
    hard: bool
    scope: Literal["sequence", "batch-choice", "batch"]
    length: Literal["pad_end", "pad_both", "keep"]
    seed: int
    compat: str | None
    homologs: str | None
    homolog_rate: float
    active: bool
    alphabet: str


class Counted(TypedDict, total=False):
    """Sequences shown, and those that each augmentation changed, in each epoch that is counted."""

    counted: list[int]
    shown: list[int]
    drawn: list[list[int]]
    why: str


class Augmented(Counted):
    """What a stage of a training was augmented with; ``stage`` is empty where there are none."""

    stage: str
    epochs: int
    settings: Settings


class FirstSequence(TypedDict):
    """The first training sequence, or the beginning of a long one."""

    row: int
    length: int
    letters: str


def show_augmentation(section: Section, run: RunFolder) -> None:
    """Say which augmentations were drawn how often, and show what they do to a sequence.

    Parameters
    ----------
    section : Section
        Of the report.
    run : RunFolder
        Its ``augmentation.json`` is read; a run without one was not augmented.
    """
    found = run.read(FILE)
    stages = cast("list[Augmented]", found.get("stages") or [])
    if not stages:
        return
    sequence = cast(FirstSequence, found["sequence"])
    several = len(stages) > 1 or any(entry["stage"] for entry in stages)
    for entry in stages:
        if several:
            section.heading(f"Stage {entry['stage']}: {_counted(entry['epochs'], 'epoch')}")
        _stage(section, entry, sequence)
    shown = next((e["settings"] for e in stages if e["settings"]["active"]), None)
    if shown is not None:
        _drawn(section, run, shown, sequence)


def _stage(section: Section, entry: Augmented, sequence: FirstSequence) -> None:
    settings = entry["settings"]
    grown = _grown(settings, sequence["length"])
    if not settings["active"]:
        section.text(f"Trained on original sequences: nothing is augmented. {grown}")
        return
    most = min(settings["max_augs"], len(settings["augmentations"]))
    how_many = str(most) if settings["hard"] or most == 1 else f"1 to {most}"
    whose = f" as {settings['compat']} does" if settings.get("compat") else ""
    section.text(
        f"Every training sequence was changed anew in each epoch{whose}: it got {how_many} of "
        f"{_counted(len(settings['augmentations']), 'augmentation')}, applied in the order of the "
        "list. What a sequence gets is a function of the seed, the epoch and its row."
        f"{_SCOPES[settings['scope']]} {grown}"
    )
    if settings.get("homologs"):
        section.text(
            f"Before that, a row with homologues in {settings['homologs']} was shown as one of "
            f"them with a chance of {number(settings['homolog_rate'], 2)}."
        )
    if "why" in entry:
        section.text(f"How often each was drawn cannot be told afterwards: {entry['why']}.")
        section.table(("augmentation", "settings"), map(_named, settings["augmentations"]))
        return
    drawn, shown, epochs = entry["drawn"], entry["shown"], entry["epochs"]
    total = sum(shown)
    rows = []
    for place, one in enumerate(settings["augmentations"]):
        each = [counts[place] for counts in drawn]
        low, high = min(each), max(each)
        every = number(low) if low == high else f"{number(low)} to {number(high)}"
        share = f"{100 * sum(each) / total:.1f} %" if total else "–"
        rows.append((*_named(one), number(sum(each)), share, every))
    head = ("augmentation", "settings", "sequences", "share", "in an epoch")
    section.table(head, rows, numbers=(2, 3, 4))
    which = (
        _counted(epochs, "epoch")
        if len(drawn) == epochs
        else f"{len(drawn)} of {number(epochs)} epochs, spread evenly (the others are alike)"
    )
    section.text(
        f"Counted over {which}, in which {number(total)} sequences were shown. Nothing was counted "
        "in training: the draws were made again from the seed, the epochs and the rows. A reverse "
        "complement counts where the sequence was turned round; a stretch or shift of 0 bp counts "
        "as drawn."
    )


def _counted(count: int, what: str) -> str:
    """Write how many of something there are."""
    return f"{number(count)} {what}{'' if count == 1 else 's'}"


def _named(one: Mapping[str, object]) -> tuple[str, str]:
    """Return the name of an augmentation and its settings."""
    given = ", ".join(f"{k.replace('_', ' ')} {v}" for k, v in one.items() if k != "name")
    return str(one["name"]).replace("_", " "), given or "–"


def _grown(settings: Settings, length: int) -> str:
    """Say by how much sequences grow."""
    added = settings["added"]
    if not added:
        return f"Sequences keep their {number(length)} bp."
    whose = "Validation and test sequences"
    said = f"The network reads {number(length + added)} bp: "
    if settings["active"]:
        said += (
            f"insertions make sequences of {number(length)} bp {added} bp longer, and "
            f"{_PADDED[settings['length']]}. "
        )
    else:
        whose = f"all sequences, of {number(length)} bp,"
    return f"{said}{whose} are padded with {added} letters, always the same."


def _drawn(section: Section, run: RunFolder, settings: Settings, sequence: FirstSequence) -> None:
    """Draw the first training sequence under each augmentation alone."""
    from eugene.augment import Augmenter
    from eugene.errors import EugeneError
    from eugene.plot import augmentation_strips

    try:
        augmenter = Augmenter(
            settings["augmentations"],
            length=settings["length"],
            seed=settings["seed"],
            alphabet=settings["alphabet"],
        )
        figure = augmentation_strips(augmenter, sequence["letters"], row=sequence["row"])
    except EugeneError as error:  # of a plugin that is not loaded here
        section.text(f"No picture: {error}.")
        return
    cut = "" if len(sequence["letters"]) == sequence["length"] else ", its beginning"
    section.figures([
        picture(
            figure, "augmentations", folder=run.figures,
            alt="The first training sequence as it is and under each augmentation alone",
            caption=f"The first training sequence (row {number(sequence['row'])}{cut}) as it is, "
            "and under each augmentation alone: letters, and below what happened to them.",
        )
    ])  # fmt: skip
