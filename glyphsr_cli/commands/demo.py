"""``glyphsr demo``: upscaling in the browser."""

import os
from typing import TYPE_CHECKING

from glyphsr_cli import console
from glyphsr_cli.config_options import settings_command
from glyphsr_cli.options import QuietOpt

if TYPE_CHECKING:
    from glyphsr.config.serve import DemoConfig


@settings_command("glyphsr.config.serve:DemoConfig")
def demo(settings: "DemoConfig", quiet: QuietOpt = False) -> None:
    """Upscale pictures in the browser: drop one, move the slider between before and after, download the result.

    Nothing leaves this machine. Ctrl-C ends it. There is no login: keep it on 127.0.0.1, or behind a proxy that has
    one.
    """
    console.limit_kernel_cache()
    console.require("demo", "gradio")
    # Nothing is sent to anyone, unless the user has asked for it.
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    from glyphsr.serving.demo_page import run_demo

    try:
        run_demo(settings, quiet=quiet)
    except KeyboardInterrupt:
        return
