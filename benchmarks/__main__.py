"""Run every benchmark case in turn: ``python -m benchmarks [NAME ...]``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
# needs the Python of an environment that holds PyPI's seqpro, which cannot stand beside ours
NEEDS_A_PEER = {"seqpro_core"}


def main() -> int:
    cases = {p.stem: p for p in sorted(HERE.glob("*.py")) if not p.stem.startswith("_")}
    wanted = sys.argv[1:] or [name for name in cases if name not in NEEDS_A_PEER]
    unknown = [name for name in wanted if name not in cases]
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are {', '.join(cases)}", file=sys.stderr)
        return 2
    failed = []
    for name in wanted:
        print(f"\n== {name} ==", flush=True)
        if subprocess.run([sys.executable, str(cases[name])], check=False).returncode:
            failed.append(name)
    left_out = sorted(NEEDS_A_PEER - set(wanted))
    if left_out and not sys.argv[1:]:
        print(f"\nleft out: {', '.join(left_out)} (needs --peer PYTHON; see its --help)")
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
