"""What importing the plugin adds to napari's start, and that it brings no torch.

    python benchmarks/import_time.py        # fresh interpreters, the least of 7

napari itself is imported first, so that only what is ours is counted: the functions that the manifest names, and the
whole panel with everything it needs. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys

PROGRAM = """
import json, sys, time
import napari, napari.viewer, napari.qt, qtpy.QtWidgets
began = time.perf_counter()
import napari_seagull.contributions
contributions = time.perf_counter() - began
import napari_seagull.controller.dock
panel = time.perf_counter() - began
heavy = sorted({"torch", "fastapi", "uvicorn", "transformers"} & set(sys.modules))
print(json.dumps({"contributions": contributions, "panel": panel, "heavy": heavy}))
"""


def main() -> None:
    """Start interpreters and print the least of what they took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7)
    given = parser.parse_args()
    runs = []
    for _ in range(given.runs):
        done = subprocess.run([sys.executable, "-c", PROGRAM], check=True, stdout=subprocess.PIPE, text=True)
        runs.append(json.loads(done.stdout.splitlines()[-1]))
    contributions, panel = (min(run[name] for run in runs) for name in ("contributions", "panel"))
    heavy = sorted({name for run in runs for name in run["heavy"]})
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(f"contributions {1000 * contributions:.0f} ms, with the whole panel {1000 * panel:.0f} ms")
    print(f"brings of torch, fastapi, uvicorn, transformers: {', '.join(heavy) or 'none'}; load {load:.1f}")
    print(json.dumps({"adds_s": panel, "contributions_s": contributions, "heavy": heavy}))
    if heavy:
        sys.exit(1)


if __name__ == "__main__":
    main()
