from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
WORKER = HERE / "fuzz_worker.py"
MUTATIONS = ("bit", "bits", "byte", "cut", "zero", "swap", "drop", "double", "length", "tail")
KINDS = (
    "csv", "tsv", "csv.gz", "fasta", "fasta.gz", "fasta bgzip", "genome", "genome fai",
    "genome bgzip", "genome gzi", "bed", "bed.gz", "bed bgzip", "narrowPeak", "bigwig", "bam",
    "bai", "cram", "crai", "fragments", "fragments.gz", "fragments bgzip", "store",
)  # fmt: skip
GOOD = {"sound", "as written", "told"}


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fuzz")
    real = HERE.parents[2] / "shared" / "data"
    subprocess.run([sys.executable, str(WORKER), str(folder), str(real)], check=True, timeout=300)
    return folder


def campaign(folder: Path, jobs: list[tuple[str, str, int]]) -> list[dict[str, Any]]:
    """Run jobs in a process; where it dies, note the job and go on behind it in a new one."""
    results: list[dict[str, Any]] = []
    while len(results) < len(jobs):
        todo = jobs[len(results) :]
        run = subprocess.run(
            [sys.executable, str(WORKER), str(folder)],
            input="".join(json.dumps(job) + "\n" for job in todo),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=3000,
        )
        results += [json.loads(line) for line in run.stdout.splitlines()]
        if run.returncode == 0:
            continue
        kind, mutation, seed = jobs[len(results)]
        said = f"exit {run.returncode}: {run.stderr.strip()[-300:]}"
        results.append(
            {"kind": kind, "mutation": mutation, "seed": seed, "out": "crash", "said": said}
        )
    return results


def test_damaged_bytes(sources: Path) -> None:
    jobs = [(kind, MUTATIONS[i % 10], i) for kind in KINDS for i in range(10)]
    results = campaign(sources, jobs)
    assert len(results) == len(jobs)
    assert [result for result in results if result["out"] not in GOOD] == []
    # the damage reached the files: each kind was told of at least once, or repaired
    told = {result["kind"] for result in results if result["out"] == "told"}
    assert set(KINDS) - told <= {"bai", "crai"}


@pytest.mark.slow
def test_damaged_bytes_at_length(sources: Path, repo_root: Path) -> None:
    """Fill the table of ``docs/explain/bad_input.md`` (it must hold what is measured here)."""
    jobs = [(kind, MUTATIONS[i % 10], 1000 + i) for kind in KINDS for i in range(300)]
    results = campaign(sources, jobs)
    assert [result for result in results if result["out"] not in GOOD] == []
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for result in results:
        counts[result["kind"]][result["out"]] += 1
    rows = [
        f"| {kind} | {sum(found.values())} | {found['told']} | {found['as written']} "
        f"| {found['sound']} |"
        for kind, found in counts.items()
    ]
    print("\n".join(rows))
    page = (repo_root / "docs" / "explain" / "bad_input.md").read_text()
    named = {line.split("|")[1].strip() for line in page.splitlines() if line.startswith("| ")}
    assert set(KINDS) <= named
