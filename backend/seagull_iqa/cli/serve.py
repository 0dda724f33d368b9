"""`seagull serve`: a server that scores regions for napari, on this machine or another."""

from __future__ import annotations

from typing import Annotated

import typer

from seagull_iqa.cli.models import DEFAULT_MODEL, DeviceOption, ModelOption, PrecisionOption, backend_missing
from seagull_iqa.domain.precision import Precision


def serve(  # noqa: PLR0913 - one parameter an option, as typer wants it
    *,
    host: Annotated[str, typer.Option(help="Address to listen at; other than loopback only with SEAGULL_TOKEN.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 0,
    model: ModelOption = DEFAULT_MODEL,
    device: DeviceOption = "auto",
    precision: PrecisionOption = Precision.AUTO,
    allow_host: Annotated[
        list[str] | None, typer.Option(help="A further name under which this server is reached. Repeatable.")
    ] = None,
    look_cache_gb: Annotated[
        float | None,
        typer.Option(min=0.0, max=4096.0, help="Memory for images looked at; by default what the model wishes."),
    ] = None,
    look_disk_gb: Annotated[
        float,
        typer.Option(min=0.0, max=4096.0, help="Disk for images that were pointed at; 0 keeps none (docs/cli.md)."),
    ] = 2.0,
    exit_with_stdin: Annotated[
        bool, typer.Option("--exit-with-stdin", help="End when the standard input ends.")
    ] = False,
) -> None:
    """Serve a model over HTTP; the first line printed is JSON with the address and the token."""
    try:
        from seagull_iqa.service import serve as service
    except ModuleNotFoundError as error:
        raise backend_missing(error) from error
    service.serve(
        service.ServeOptions(
            host=host,
            port=port,
            model=model,
            device=device,
            precision=precision,
            look_cache_bytes=None if look_cache_gb is None else int(look_cache_gb * 10**9),
            look_disk_bytes=int(look_disk_gb * 10**9),
            exit_with_stdin=exit_with_stdin,
            allow_hosts=tuple(allow_host or ()),
        )
    )
