"""Exit codes and messages, as a user at a terminal meets them."""

from __future__ import annotations

import errno
import os
import subprocess
import sys

import pytest

from eugene.cli import main
from eugene.cli._main import describe, is_user_error
from eugene.cli._verbs import VERBS
from eugene.errors import ConfigError


def run(capsys, *words):
    code = main([str(word) for word in words])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_usage_lists_every_verb(capsys):
    for words in ([], ["--help"], ["help"]):
        code, out, _ = run(capsys, *words)
        assert code == 0
        assert all(f"  {verb}" in out for verb in VERBS)
    assert run(capsys, "--version")[1].startswith("eugene ")


def test_unknown_verb(capsys):
    code, out, err = run(capsys, "quikstart")
    assert (code, out) == (2, "")
    assert (
        err
        == "error: there is no verb 'quikstart'; did you mean 'quickstart'?; see 'eugene --help'\n"
    )


LIGHT = [
    ["--help"],
    ["doctor"],
    ["zoo", "--help"],
    ["fit", "--help"],
    ["run", "quickstart", "--print_config"],
]


@pytest.mark.parametrize("words", LIGHT, ids=" ".join)
def test_light_verbs_load_no_torch(words):
    script = (
        f"import sys\nfrom eugene.cli import main\ncode = main({words!r})\n"
        "heavy = 'torch xarray numba pytorch_lightning matplotlib zarr pandas'.split()\n"
        "sys.exit(code or ','.join(sorted(set(heavy) & set(sys.modules))) or None)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_python_dash_m(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "eugene", "fit"], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 2
    assert done.stderr.startswith(
        "error: 'eugene fit' needs --config FILE.yaml, or --data.name NAME"
    )
    assert "Traceback" not in done.stderr


def test_three_mistakes_in_a_file(capsys, tmp_path, tiny_file):
    text = tiny_file.read_text()
    bad = text.replace("max_epochs: 1", "max_epoch: 1").replace("name: cnn", "name: cnnn")
    file = tmp_path / "bad.yaml"
    file.write_text(bad.replace("n: 240", "n: lots"))
    code, out, err = run(capsys, "fit", "--config", file, "--run_dir", tmp_path / "run")
    assert (code, out) == (2, "")
    assert err.splitlines() == [
        "error: 3 problems in the configuration:",
        f"  {file}:5: $.data.n: data source 'simulated': expected int, got 'lots'",
        f"  {file}:10: $.model.name: no model is called 'cnnn'; did you mean 'cnn'?",
        f"  {file}:14: $.trainer.max_epoch: $.trainer has no 'max_epoch'"
        "; did you mean 'max_epochs'?",
    ]
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("override", "match"),
    [
        (["--data.target_vars", "[lable]"], "command line: $.data.target_vars[0]"),
        (["--model.input_len", "200"], "command line: $.model.input_len: the model is told"),
    ],
)
def test_what_the_data_reveal(capsys, tmp_path, tiny_file, override, match):
    words = ["fit", "--config", tiny_file, "--run_dir", tmp_path / "run", "--quiet", *override]
    code, _, err = run(capsys, *words)
    assert code == 2
    assert match in err
    assert list(tmp_path.iterdir()) == []


def test_debug_shows_the_traceback(capsys):
    assert "Traceback" not in run(capsys, "fit", "--config", "nothing.yaml")[2]
    code, _, err = run(capsys, "fit", "--config", "nothing.yaml", "--debug")
    assert code == 2
    assert "Traceback" in err


def test_failures_inside_are_1_and_those_of_the_user_2(capsys, monkeypatch):
    def broken(call):
        raise RuntimeError("bug")

    monkeypatch.setattr("eugene.cli._doctor.doctor", broken)
    assert run(capsys, "doctor")[::2] == (1, "failed: RuntimeError: bug (--debug shows where)\n")
    monkeypatch.setattr(
        "eugene.cli._doctor.doctor", lambda call: (_ for _ in ()).throw(KeyboardInterrupt)
    )
    assert run(capsys, "doctor")[0] == 130
    from seqdata.errors import SeqdataError
    from seqpro.errors import SeqproError

    for kind in (ConfigError([]), SeqdataError("x"), SeqproError("x"), PermissionError("x")):
        assert is_user_error(kind)
    assert not is_user_error(ValueError("x"))
    full = OSError(errno.ENOSPC, "No space left on device", "data.zarr")
    assert describe(full).startswith("the disk is full (data.zarr)")


def test_a_full_disk_is_told_in_words_and_leaves_nothing(capsys, monkeypatch, tmp_path, tiny_file):
    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("seqdata.to_zarr", full)
    code, _, err = run(capsys, "fit", "--config", tiny_file, "--run_dir", tmp_path / "r", "--quiet")
    assert code == 2
    assert "the disk is full" in err
    assert list(tmp_path.iterdir()) == []


def test_print_config_is_a_file_that_gives_itself(capsys, tmp_path, tiny_file):
    words = ["--config", tiny_file, "--trainer.max_epochs", "7", "--print_config"]
    code, out, _ = run(capsys, "fit", *words)
    assert code == 0
    assert "max_epochs: 7" in out
    file = tmp_path / "printed.yaml"
    file.write_text(out)
    assert run(capsys, "fit", "--config", file, "--print_config")[1] == out


def test_help_shows_a_percent_sign_as_one(capsys):
    assert main(["run", "--help-all"]) == 0
    out = capsys.readouterr().out
    assert "95 % intervals" in " ".join(out.split())


def test_idle_threads_sleep_unless_told_otherwise(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["eugene", "--version"])
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    assert main(["--version"]) == 0
    assert "OMP_WAIT_POLICY" not in os.environ
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    assert main() == 0
    assert os.environ["OMP_WAIT_POLICY"] == "active"
    monkeypatch.delenv("OMP_WAIT_POLICY")
    assert main() == 0
    assert os.environ["OMP_WAIT_POLICY"] == "passive"


def test_help_of_a_recipe_lists_what_its_things_take(capsys):
    assert main(["run", "jores21_leaf", "--help"]) == 0
    shown = capsys.readouterr().out
    assert "--data.seq_col" in shown
    assert "--model.conv_kwargs" in shown


@pytest.mark.parametrize(
    ("flag", "meant"),
    [
        ("--arms", "'--replicates.arms'"),
        ("--max_epochs", "'--trainer.max_epochs'"),
        ("--overwrit", "'--overwrite'"),
    ],
)
def test_a_key_without_its_section_is_told_whose_it_is(flag, meant, capsys):
    assert main(["run", "jores21_leaf", flag, "1"]) == 2
    assert f"has no option {flag}; did you mean {meant}?" in capsys.readouterr().err
