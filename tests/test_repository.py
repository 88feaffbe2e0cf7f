"""Files of the repository that no program reads while it works: they fit together."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

REPO = Path(__file__).resolve().parents[1]


def loaded(name: str):
    """Return a program of ``.ci`` as a module."""
    spec = importlib.util.spec_from_file_location(name, REPO / ".ci" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_hooks_are_local_and_call_what_the_environment_has():
    hooks = yaml.safe_load((REPO / ".pre-commit-config.yaml").read_text(encoding="utf8"))
    assert [repo["repo"] for repo in hooks["repos"]] == ["local"]
    names = []
    for hook in hooks["repos"][0]["hooks"]:
        assert hook["language"] == "system", hook["id"]
        assert hook["entry"].startswith(".venv/bin/"), hook["id"]
        names.append(hook["id"])
        for path in re.findall(r"tests/\S+\.py", hook["entry"]):
            assert (REPO / path).exists(), path
    assert {"ruff", "ruff-format", "architecture"} <= set(names)


def test_every_direct_dependency_is_pinned():
    project = tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf8"))["project"]
    pinned = {
        re.split("[=;]", line)[0].strip().lower().replace("_", "-")
        for line in (REPO / "constraints.txt").read_text(encoding="utf8").splitlines()
    }
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["docs"], *extras["dev"]]
    names = {re.split(r"[\[<>=!~;\s]", one)[0].lower().replace("_", "-") for one in wanted}
    assert len(names) > 40
    assert names - pinned == set()


def test_citation_changelog_and_version_are_compared(tmp_path):
    check = loaded("check_release")
    (tmp_path / "eugene").mkdir()
    (tmp_path / "eugene" / "_version.py").write_text('__version__ = "1.2.0"\n')
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## 1.2.0\n\n- All.\n")
    (tmp_path / "CITATION.cff").write_text((REPO / "CITATION.cff").read_text(encoding="utf8"))
    assert check.problems(tmp_path) == []
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## Unreleased\n\n## 1.1.0\n")
    (tmp_path / "CITATION.cff").write_text("cff-version: 1.2.0\nversion: 1.1.0\n")
    (tmp_path / "changes").mkdir()
    (tmp_path / "changes" / "Loud").write_text("New: a thing.\n\n" + "- " + 200 * "x" + "\n")
    told = "; ".join(check.problems(tmp_path))
    assert "no part on 1.2.0" in told
    assert "CITATION.cff lacks title" in told
    assert "says version 1.1.0, the package 1.2.0" in told
    for said in ("Loud: expected a name", "Loud:1: expected a point", "Loud:2:", "has 202 letters"):
        assert said in told


def test_every_change_is_a_fragment_and_fragments_become_a_part_of_the_changelog(tmp_path):
    changelog = loaded("changelog")
    assert changelog.problems() == []
    assert "Unreleased" not in changelog.heads()
    (tmp_path / "eugene").mkdir()
    version = tmp_path / "eugene" / "_version.py"
    version.write_text('__version__ = "1.1.0"\n')
    log = tmp_path / "CHANGELOG.md"
    log.write_text("# Changelog\n\nWords.\n\n## 1.1.0\n\n- Old.\n")
    changes = tmp_path / "changes"
    changes.mkdir()
    with pytest.raises(ValueError, match="holds no change"):
        changelog.assemble(tmp_path)
    (changes / "b_verb.md").write_text("- A verb,\n  and more.")
    (changes / "a_reader.md").write_text("- A reader.\n- Its index.\n")
    with pytest.raises(ValueError, match="set the next in eugene"):
        changelog.assemble(tmp_path)
    version.write_text('__version__ = "1.2.0"\n')
    assert changelog.assemble(tmp_path, "2026-12-01") == "1.2.0"
    assert log.read_text() == (
        "# Changelog\n\nWords.\n\n## 1.2.0 (2026-12-01)\n\n- A reader.\n- Its index.\n- A verb,\n"
        "  and more.\n\n## 1.1.0\n\n- Old.\n"
    )
    assert not changelog.fragments(tmp_path)


def test_templates_of_issues_can_be_read_and_ask_for_the_doctor():
    folder = REPO / ".github" / "ISSUE_TEMPLATE"
    read = {p.stem: yaml.safe_load(p.read_text(encoding="utf8")) for p in folder.glob("*.yml")}
    assert {"wrong", "wish", "config"} <= set(read)
    for name in ("wrong", "wish"):
        assert read[name]["name"] and read[name]["description"]
        identities = [part["id"] for part in read[name]["body"]]
        assert len(identities) == len(set(identities))
    assert "doctor" in [part["id"] for part in read["wrong"]["body"]]


@pytest.mark.parametrize("program", ["run", "release", "install"])
def test_programs_of_the_shell_are_understood_by_it(program):
    path = REPO / ".ci" / program
    assert path.stat().st_mode & 0o111
    found = subprocess.run(["bash", "-n", str(path)], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr


def test_set_up_hands_the_places_of_pip_on_to_uv(tmp_path):
    """A stand-in for uv, and one for the environment's Python, say what they were called with."""
    root, home = tmp_path / "clone", tmp_path / "bin"
    (root / ".ci").mkdir(parents=True)
    (root / ".venv" / "bin").mkdir(parents=True)
    (root / ".ci" / "install").write_text((REPO / ".ci" / "install").read_text(encoding="utf8"))
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    python = root / ".venv" / "bin" / "python"
    python.write_text(
        "#!/bin/bash\n"
        'if [ "$3" = config ]; then\n'
        f"  echo \"global.find-links='{wheels}'\"\n"
        "  echo \"global.extra-index-url='file:///nowhere/at/all https://one.example/simple'\"\n"
        'else echo "pip $*"; fi\n'
    )
    home.mkdir()
    uv = home / "uv"
    uv.write_text('#!/bin/bash\necho "uv $*"\nexit ${UV_ENDS:-0}\n')
    for path in (python, uv):
        path.chmod(0o755)

    def call(**extra: str) -> str:
        environment = {"PATH": f"{home}:/usr/bin:/bin", **extra}
        command = ["bash", str(root / ".ci" / "install"), "-c", "constraints.txt", "-e", "."]
        found = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
        return found.stdout

    said = call()
    assert f"--find-links {wheels}" in said
    assert "--extra-index-url https://one.example/simple" in said
    assert "nowhere" not in said
    assert said.rstrip().endswith("-c constraints.txt -e .")
    assert "pip install" in said and "-m pip" not in said
    # what uv cannot do, pip does
    said = call(UV_ENDS="2")
    assert "pip -m pip install" in said.splitlines()[-1]
    uv.unlink()
    assert call().startswith("pip -m pip install")


def test_python_of_the_tests_is_one_that_the_package_takes():
    project = tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf8"))["project"]
    least = tuple(map(int, re.findall(r"\d+", project["requires-python"])))
    assert sys.version_info[:2] >= least
