"""`seagull`, and the same as `python -m seagull_iqa`."""

from __future__ import annotations

import sys

from seagull_iqa.cli.app import run


def main() -> None:
    """Do what the arguments say, and end with its exit code: 0 done, 1 the work failed, 2 wrong use."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
