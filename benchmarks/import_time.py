"""What importing the plugin adds to napari's start, and that it brings no torch.

    python benchmarks/import_time.py        # fresh interpreters, the least of 7

A napari with its window and an image is made first, as it is when somebody opens the panel, so that only what is ours
is counted: the functions that the manifest names, and the whole panel with everything it needs. Times are those of
the processor, since other programs share it; even they grow where those are busy. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys

PROGRAM = """
import json, sys, time
import napari, napari.components
import numpy as np
viewer = napari.Viewer(show=False)
napari.components.ViewerModel().add_image(np.zeros((8, 8)))  # a model: layers on the window's canvas need a screen
began = time.process_time()
import napari_seagull.contributions
contributions = time.process_time() - began
import napari_seagull.controller.dock
panel = time.process_time() - began
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
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM], check=True, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        )  # fmt: skip
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
