"""`seagull`, and the same as `python -m seagull_iqa`."""

from __future__ import annotations

import io
import os
import sys

from seagull_iqa.cli.app import run


def main() -> None:
    """Do what the arguments say, and end with its exit code: 0 done, 1 the work failed, 2 wrong use."""
    # Torch's threads spin while they wait unless told otherwise before it is loaded: with one other busy program on
    # two cores, a look took three times as long.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    for stream in (sys.stdout, sys.stderr):
        # A stream that cannot hold a letter (Windows, redirected) shows a question mark instead of failing.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
