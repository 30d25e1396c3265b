"""``glyphsr serve``: upscaling as an HTTP service."""

from typing import TYPE_CHECKING

from glyphsr_cli import console
from glyphsr_cli.config_options import settings_command
from glyphsr_cli.options import QuietOpt

if TYPE_CHECKING:
    from glyphsr.config.serve import ServeConfig

PATIENCE = 60
"""Seconds that a stopping service gives requests in work."""


@settings_command("glyphsr.config.serve:ServeConfig")
def serve(settings: "ServeConfig", quiet: QuietOpt = False) -> None:
    """Upscale pictures over HTTP: POST /upscale, with GET /healthz and /metrics.

    Pictures of different requests are enlarged together. A service that is asked to stop, by Ctrl-C or SIGTERM, answers
    what it has accepted first. There is no login: put it behind a proxy that has one.
    """
    console.limit_kernel_cache()
    console.require("serve", "fastapi", "uvicorn", "multipart", "prometheus_client")
    import uvicorn

    from glyphsr.serving.service import create_app

    server = uvicorn.Config(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        log_level="warning" if quiet else "info",
        timeout_graceful_shutdown=PATIENCE,
        server_header=False,
    )
    try:
        uvicorn.Server(server).run()
    except KeyboardInterrupt:  # uvicorn raises the signal again once it has ended in good order
        return
