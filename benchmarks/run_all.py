"""Run every benchmark, one after the other, and print the table that stands in the README.

    python benchmarks/run_all.py

Each one is a program of its own; the command beside a figure is what was run.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from timing import machine

SCRIPTS = ("regions.py", "map.py", "import_time.py", "gui_gap.py")


def run(script: Path) -> list[dict[str, object]]:
    """The goals of one benchmark; empty where it failed, which it has then said itself."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "goals.json"
        done = subprocess.run([sys.executable, str(script), "--json", str(out)], check=False)
        if done.returncode or not out.is_file():
            return []
        found: list[dict[str, object]] = json.loads(out.read_text(encoding="utf-8"))
        return found


def row(goal: dict[str, object], script: str) -> str:
    """One line of the table."""
    sign = ">=" if goal["at_least"] else "<="
    measured = f"{goal['value']:.3g} {goal['unit']}{'' if goal['met'] else ' (**not met**)'}"
    return f"| {goal['what']} | {sign} {goal['bound']:.3g} {goal['unit']} | {measured} | `python benchmarks/{script}` |"


def main() -> None:
    """Run them and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", choices=SCRIPTS, default=SCRIPTS)
    given = parser.parse_args()
    here, lines = Path(__file__).parent, []
    for script in given.only:
        goals = run(here / script) if (here / script).is_file() else []
        nothing = f"| {script} | | did not run | `python benchmarks/{script}` |"
        lines += [row(goal, script) for goal in goals] or [nothing]
    print(f"\n| figure | goal | measured | command |\n|---|---|---|---|\n{chr(10).join(lines)}\n\n{machine()}")


if __name__ == "__main__":
    main()
