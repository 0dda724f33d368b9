"""A process is killed in the middle of its work, ten times: what it said was done is on the disk, the files whole."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "scripts" / "kill_sessions.py"


def test_ten_killed_sessions_have_lost_nothing_that_was_acknowledged():
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--kills", "10", "--seed", "1000"], capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("10 kills, "), done.stdout
    assert int(done.stdout.split()[2]) > 0  # something was acknowledged at all
