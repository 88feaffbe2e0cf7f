"""Numbers and first words of a command line are taken by one reader, whatever the verb."""

from __future__ import annotations

import pytest

from eugene.cli._call import parse_call
from eugene.cli._verbs import VERBS
from eugene.errors import UsageError


def test_numbers_are_read_or_told() -> None:
    call = parse_call(VERBS["select"], ["run", "a.yaml", "--at-once", "3", "--gpus", "0.5"])
    assert (call.whole("at_once", 1, 1), call.number("gpus", 0.0, 0)) == (3, 0.5)
    for words, name, message in (
        (["--at-once", "0"], "at_once", "--at-once is '0', expected a whole number, 1 or more"),
        (["--at-once", "-1"], "at_once", "--at-once is '-1', expected a whole number"),
        (["--gpus", "few"], "gpus", "--gpus is 'few', expected a number from 0"),
        (["--gpus", "nan"], "gpus", "--gpus is 'nan', expected a number from 0"),
    ):
        wrong = parse_call(VERBS["select"], ["run", "a.yaml", *words])
        with pytest.raises(UsageError, match=message):
            wrong.whole(name, 1, 1) if name == "at_once" else wrong.number(name, 0.0, 0)


@pytest.mark.parametrize("verb", ["constructs", "tracks", "data"])
def test_the_first_word_is_one_that_is_known(verb: str) -> None:
    call = parse_call(VERBS[verb], ["biuld"])
    with pytest.raises(UsageError, match=f"expected 'eugene {verb} build.*got 'biuld'.*'build'"):
        call.action(("build", "other"))
    assert parse_call(VERBS[verb], ["build"]).action(("build",)) == ("build", [])


@pytest.mark.parametrize("verb", ["run", "quickstart"])
def test_seeds_of_what_trains_several_networks(verb):
    call = parse_call(VERBS[verb], ["--seeds", "[0,1]"])
    assert call.overrides == (("replicates.seeds", "[0,1]"),)


@pytest.mark.parametrize("verb", ["fit", "tune"])
def test_what_trains_one_network_has_no_seeds_and_names_the_key(verb):
    with pytest.raises(UsageError, match=r"no option --seeds.*--replicates\.seeds"):
        parse_call(VERBS[verb], ["--seeds", "[0,1]"])
