"""Run every benchmark, one after the other, and print the table that stands in the README.

    python benchmarks/run_all.py            # on a screen, or after: xvfb-run -s "-screen 0 1600x1000x24"

Each one is a program of its own; the command beside a figure is what was run.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from timing import Goal, machine

SCRIPTS = ("regions.py", "map.py", "data_engine.py", "import_time.py", "gui_gap.py")

LAST_LINE = {
    "import_time.py": ("importing the plugin adds to napari's start", "adds_s", 0.3, "s"),
    "gui_gap.py": ("longest gap of napari's window, 500 regions being scored: grows by", "grows_ms", 30.0, "ms"),
}
"""Benchmarks whose last line is JSON: what the figure is, its key, its bound and unit."""


def run(script: Path) -> list[dict[str, object]]:
    """The goals of one benchmark; empty where it failed, which it has then said itself."""
    return run_and_read_last_line(script) if script.name in LAST_LINE else run_with_file(script)


def run_with_file(script: Path) -> list[dict[str, object]]:
    """Of a benchmark that writes its goals into a file."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "goals.json"
        done = subprocess.run([sys.executable, str(script), "--json", str(out)], check=False)
        if done.returncode or not out.is_file():
            return []
        found: list[dict[str, object]] = json.loads(out.read_text(encoding="utf-8"))
        return found


def run_and_read_last_line(script: Path) -> list[dict[str, object]]:
    """Of a benchmark that ends with a line of JSON."""
    done = subprocess.run([sys.executable, str(script)], check=False, stdout=subprocess.PIPE, text=True)
    print(done.stdout)
    what, key, bound, unit = LAST_LINE[script.name]
    try:
        value = float(json.loads(done.stdout.strip().splitlines()[-1])[key])
    except (IndexError, KeyError, TypeError, ValueError):
        return []
    return [Goal(what, value, bound, unit).to_json()]


def row(goal: dict[str, object], script: str) -> str:
    """One line of the table."""
    sign = ">=" if goal["at_least"] else "<="
    bound = "" if goal["bound"] is None else f"{sign} {goal['bound']:.3g} {goal['unit']}"
    measured = f"{goal['value']:.3g} {goal['unit']}{'' if goal['met'] else ' (**not met**)'}"
    return f"| {goal['what']} | {bound} | {measured} | `python benchmarks/{script}` |"


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
