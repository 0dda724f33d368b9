"""A real `seagull serve` process for the length of a benchmark, and a client of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from seagull_iqa.client import Client

TOKEN_VARIABLE = "SEAGULL_TOKEN"
PATIENCE_S = 300.0


@contextmanager
def running_server(model: str, device: str) -> Iterator[Client]:
    """Start a server, wait until its model is loaded, hand out a client, and end both."""
    with spawned_server(model, device) as (client, _):
        yield client


@contextmanager
def spawned_server(
    model: str, device: str, environ: Mapping[str, str] | None = None
) -> Iterator[tuple[Client, subprocess.Popen[str]]]:
    """As `running_server`, with the process; `environ` is added to its environment."""
    command = [sys.executable, "-m", "seagull_iqa", "serve", "--model", model, "--device", device, "--exit-with-stdin"]
    environment = {name: value for name, value in os.environ.items() if name != TOKEN_VARIABLE} | dict(environ or {})
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("the server has no pipes")
        hello = json.loads(process.stdout.readline())
        client = Client(hello["url"], hello["token"], timeout_s=PATIENCE_S)
        try:
            _wait_until_ready(client)
            yield client, process
        finally:
            client.close()
            process.stdin.close()


def _wait_until_ready(client: Client) -> None:
    until = time.monotonic() + PATIENCE_S
    while client.health().state != "ready":
        if time.monotonic() > until:
            raise TimeoutError("the server did not load its model in time")
        time.sleep(0.1)
