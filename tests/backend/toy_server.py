"""A real server process around the toy model: `python toy_server.py [seconds to load] [serve options as JSON]`."""

from __future__ import annotations

import json
import sys
import time

from toy_model import ToyModel

from seagull_iqa.errors import CheckpointError, SeagullError
from seagull_iqa.service.serve import ServeOptions, serve
from seagull_iqa.service.source import one_model


def main() -> int:
    seconds = float(sys.argv[1])
    options = json.loads(sys.argv[2])
    options["allow_hosts"] = tuple(options.get("allow_hosts", ()))

    def load() -> ToyModel:
        if seconds < 0:
            raise CheckpointError("The weights do not fit.", "Take others.")
        time.sleep(seconds)
        return ToyModel(steps=2000)

    try:
        serve(ServeOptions(**options), one_model(load))
    except SeagullError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
