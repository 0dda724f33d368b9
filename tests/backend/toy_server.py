"""A real server process around the toys: `python toy_server.py [seconds to load] [serve options as JSON]`.

The option "blind" is ours: its engines cannot look at images, so they answer only from looks that were kept.
"""

from __future__ import annotations

import json
import os
import sys

from toy_engine import EngineShop
from toy_model import ToyModel, ToyShop

from seagull_iqa.domain.progress import ProgressCallback
from seagull_iqa.errors import CheckpointError, SeagullError
from seagull_iqa.service.serve import ServeOptions, serve
from seagull_iqa.service.source import Choice
from seagull_iqa.settings import looks_home


class SlowShop(ToyShop):
    """Its maps take long; a negative number of seconds means that nothing can be loaded."""

    def load(self, choice: Choice, progress: ProgressCallback) -> ToyModel:
        if self.seconds < 0:
            raise CheckpointError("The weights do not fit.", "Take others.")
        model = super().load(choice, progress)
        model.steps = 2000
        model.coarse_s = 2.0  # long enough to be fetched on a busy machine
        return model


def main() -> int:
    options = json.loads(sys.argv[2])
    options["allow_hosts"] = tuple(options.get("allow_hosts", ()))
    engines = EngineShop(blind=options.pop("blind", False)).source(folder=looks_home(os.environ))
    try:
        serve(ServeOptions(**options), SlowShop(float(sys.argv[1])).source(), engines)
    except SeagullError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
