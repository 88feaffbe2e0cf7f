"""Looking for what is wrong with an installation, without importing torch."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from eugene import _guard
from eugene._optional import EXTRAS, present
from eugene.cli._call import Call
from eugene.cli._main import say

_LOW_DISK_GB = 2.0


@dataclass(frozen=True)
class Finding:
    """One line of the doctor.

    Attributes
    ----------
    level : str
        ``ok``, ``note`` (can be lived with) or ``PROBLEM``.
    topic : str
        What was looked at.
    text : str
        What was found, and how to mend it.
    """

    level: str
    topic: str
    text: str


def _versions() -> Iterator[Finding]:
    from eugene.runs import package_versions

    yield Finding("ok", "python", f"{platform.python_version()} at {sys.executable}")
    yield Finding("ok", "system", f"{platform.platform()}, {os.cpu_count()} CPUs")
    found = package_versions()
    missing = [name for name, version in found.items() if version is None]
    listed = ", ".join(f"{name} {version}" for name, version in found.items() if version)
    yield Finding("ok", "packages", listed)
    if missing:
        line = f"pip install {' '.join(missing)}"
        yield Finding("PROBLEM", "packages", f"not installed: {', '.join(missing)}; {line}")


def _clashes() -> Iterator[Finding]:
    foreign = _guard.clashes()
    if foreign:
        names = ", ".join(f"{name} {version}" for name, version in foreign.items())
        text = f"{names} lie(s) over our packages; mend: {_guard.mend(foreign)}"
        yield Finding("PROBLEM", "name clash", text)
        return
    owners = importlib.metadata.packages_distributions()
    strangers = {
        f"{package} (from {owner})"
        for package in sorted(set(_guard.FOREIGN.values()))
        for owner in owners.get(package, ())
        if owner != _guard.OURS
    }
    if strangers:
        text = f"other distributions provide {', '.join(sorted(strangers))}"
        yield Finding("PROBLEM", "name clash", f"{text}; uninstall them and reinstall ours")
    else:
        yield Finding("ok", "name clash", "no other project's seqpro, seqdata or eugene-tools")
    for package in sorted(set(_guard.FOREIGN.values())):
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            text = (
                f"{package} has no __init__.py; mend: pip install --force-reinstall {_guard.OURS}"
            )
            yield Finding("PROBLEM", "packages", text)


def _version_of(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _torch() -> Iterator[Finding]:
    torch, vision = _version_of("torch"), _version_of("torchvision")
    if torch is None:
        yield Finding("PROBLEM", "torch", "not installed; pip install torch")
        return
    if vision is not None and ("+cpu" in torch) != ("+cpu" in vision):
        text = (
            f"torch {torch} with torchvision {vision} breaks torchmetrics and Lightning "
            "('operator torchvision::nms does not exist'); pip uninstall -y torchvision"
        )
        yield Finding("PROBLEM", "torchvision", text)
    script = (
        "import torch\n"
        "gpu = torch.cuda.get_device_name(0) if torch.cuda.is_available() else 'no GPU'\n"
        "print(torch.__version__, torch.get_num_threads(), gpu, sep='|')"
    )
    try:
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True
        )
        version, threads, gpu = done.stdout.strip().split("|")
        yield Finding("ok", "torch", f"{version}, {threads} threads, {gpu}")
    except subprocess.CalledProcessError as error:
        last = error.stderr.strip().splitlines()[-1:] or ["no message"]
        yield Finding("PROBLEM", "torch", f"cannot be imported: {last[0]}")
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        yield Finding("PROBLEM", "torch", f"could not be asked: {error}")
    lightning = _version_of("pytorch-lightning")
    if lightning in {"2.6.2", "2.6.3"}:
        text = f"pytorch-lightning {lightning} was a malicious upload; install another version now"
        yield Finding("PROBLEM", "lightning", text)


def _writable(folder: Path) -> bool:
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return os.access(folder, os.W_OK)


def _caches() -> Iterator[Finding]:
    import platformdirs

    own = os.environ.get("EUGENE_CACHE_DIR")
    cache = Path(own) if own else Path(platformdirs.user_cache_dir("eugene"))
    level = "ok" if _writable(cache) else "PROBLEM"
    text = f"{cache}{'' if level == 'ok' else ' cannot be written; set EUGENE_CACHE_DIR'}"
    yield Finding(level, "cache", text)
    numba = os.environ.get("NUMBA_CACHE_DIR")
    spec = importlib.util.find_spec("seqpro")
    where = Path(numba) if numba else Path((spec and spec.origin) or ".").parent
    warm = any(where.rglob("*.nbi"))
    if warm:
        yield Finding("ok", "numba cache", f"warm ({where})")
    elif _writable(where):
        text = f"cold: the first run compiles for about half a minute ({where})"
        yield Finding("note", "numba cache", text)
    else:
        text = f"{where} cannot be written, so every start compiles; set NUMBA_CACHE_DIR"
        yield Finding("note", "numba cache", text)


def _configs() -> Iterator[Finding]:
    from eugene.config import config_root, list_configs
    from eugene.errors import EugeneError

    try:
        root = config_root()
        recipes = ", ".join(list_configs("recipes")) or "none"
        yield Finding("ok", "recipes", f"{recipes} in {root}")
    except EugeneError as error:
        yield Finding("PROBLEM", "recipes", str(error))


def _disk() -> Iterator[Finding]:
    for name, path in (
        ("here", Path.cwd()),
        ("temporary files", Path(os.environ.get("TMPDIR", "/tmp"))),
    ):
        if not path.exists():
            continue
        free = shutil.disk_usage(path).free / 1e9
        level = "ok" if free >= _LOW_DISK_GB else "PROBLEM"
        yield Finding(level, "disk", f"{free:.1f} GB free {name} ({path})")


def _extras() -> Iterator[Finding]:
    have = [extra for extra, modules in EXTRAS.items() if all(map(present, modules))]
    lack = [extra for extra in EXTRAS if extra not in have]
    text = f"present: {', '.join(have) or 'none'}"
    if lack:
        text += f"; absent: {', '.join(lack)} (pip install 'eugene-genomics[{lack[0]}]')"
    yield Finding("ok" if not lack else "note", "extras", text)


def findings() -> list[Finding]:
    """Look at everything that can be wrong.

    Returns
    -------
    list of Finding
        torch is asked in a process of its own, so a broken one cannot break the doctor.
    """
    looks = (_versions, _clashes, _torch, _caches, _configs, _disk, _extras)
    return [finding for look in looks for finding in look()]


def doctor(call: Call) -> int:
    """Print the findings.

    Parameters
    ----------
    call : Call
        Carries no options of its own.

    Returns
    -------
    int
        0, or 2 if something has to be mended.
    """
    found = findings()
    for finding in found:
        say(f"{finding.level:<8}{finding.topic:<13}{finding.text}")
    bad = sum(finding.level == "PROBLEM" for finding in found)
    say("all is well" if not bad else f"{bad} thing(s) to mend")
    return 2 if bad else 0
