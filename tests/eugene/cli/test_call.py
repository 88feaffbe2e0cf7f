"""Words into options, overrides and help."""

from __future__ import annotations

import pytest

from eugene.cli._call import help_text, parse_call
from eugene.cli._verbs import VERBS
from eugene.config import parse_text
from eugene.errors import UsageError


def test_options_overrides_and_words():
    words = [
        "runs/x",
        "--overwrite",
        "--interpret.attribute.top=5",
        "--seed",
        "-3",
        "--config",
        "a",
    ]
    call = parse_call(VERBS["attribute"], words)
    assert call.words == ("runs/x",)
    assert call.overrides == (("interpret.attribute.top", "5"), ("seed", "-3"))
    assert call.has("overwrite")
    assert call.get("config") == "a"
    assert not call.has("debug")


def test_dashes_and_underscores_are_the_same_for_switches():
    for flag in ("--allow-class-path", "--allow_class_path"):
        assert parse_call(VERBS["fit"], [flag]).has("allow_class_path")
    assert parse_call(VERBS["predict"], []).get("seq_col") is None


@pytest.mark.parametrize(
    ("verb", "words", "match"),
    [
        ("fit", ["--trainr.max_epochs", "3"], "no option --trainr.max_epochs"),
        ("fit", ["--confg", "x"], r"did you mean '--config'"),
        ("fit", ["--max_epochs", "3"], r"did you mean '--trainer\.max_epochs'\?"),
        ("fit", ["--batch-size", "3"], r"did you mean '--data\.batch_size'\?"),
        ("attribute", ["--method", "x"], r"did you mean '--methods'\?"),
        ("fit", ["--lr", "0.1"], r"did you mean '--module\.optimizer_lr'\?"),
        ("evolve", ["--rouds", "3"], r"did you mean '--interpret\.evolve\.rounds'\?"),
        ("evolve", ["--maximise", "0"], r"did you mean '--interpret\.evolve\.maximize'\?"),
        ("fit", ["--config"], "--config needs a value"),
        ("fit", ["--trainer.max_epochs", "--overwrite"], r"--trainer\.max_epochs needs a value"),
        ("fit", ["--overwrite=yes"], "is a switch and takes no value"),
        ("fit", ["run.yaml", "b"], "usage: eugene fit .* not understood: 'run.yaml b'"),
        ("run", ["a", "b"], "usage: eugene run RECIPE"),
        ("compare", [], "usage: eugene compare RUN_DIR"),
        ("doctor", ["--seed", "3"], "no option --seed"),
    ],
)
def test_what_is_not_understood(verb, words, match):
    with pytest.raises(UsageError, match=match):
        parse_call(VERBS[verb], words)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example(verb):
    text = help_text(parse_call(VERBS[verb], ["--help"]))
    assert f"usage: eugene {verb}" in text
    assert f"example:  eugene {verb}" in text
    assert ("--trainer.max_epochs" in text) is VERBS[verb].configured
    assert ("--print_config" in text) is VERBS[verb].configured


def test_help_lists_the_arguments_of_what_a_file_names():
    document = parse_text("data: {name: table}\nmodel: {name: deepstarr}\n")
    text = help_text(parse_call(VERBS["fit"], []), document)
    assert "--data.seq_col" in text
    assert "--model.conv_kwargs" in text
    assert "published: 249" in text


def test_examples_parse():
    for verb in VERBS.values():
        _, name, *words = verb.example.split()
        assert name == verb.name
        parse_call(verb, words)
