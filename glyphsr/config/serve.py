"""Settings of ``glyphsr serve`` and ``glyphsr demo``."""

from typing import Annotated

from pydantic import Field

from glyphsr.config.base import Config, Flag
from glyphsr.config.upscale import UpscalerConfig

SERVER, LIMITS = "Server", "Limits"

Port = Annotated[int, Field(ge=0, le=65535)]
Count = Annotated[int, Field(ge=1)]


class AddressConfig(Config):
    """Where a server listens."""

    host: Annotated[str, Flag(SERVER)] = "127.0.0.1"
    """Address to listen on; 0.0.0.0 for all."""
    port: Annotated[Port, Flag(SERVER)] = 8000
    """Port to listen on; 0 for any free one."""


class ServeConfig(UpscalerConfig, AddressConfig):
    """What the service does with the pictures that it is sent, and how much of them it takes."""

    queue: Annotated[Count, Flag(LIMITS)] = 64
    """Requests that may be in work or wait; one more is answered with 429."""
    batch_pictures: Annotated[Count, Flag(LIMITS)] = 16
    """Pictures of waiting requests that are enlarged together."""
    max_bytes: Annotated[Count, Flag(LIMITS)] = 20 << 20
    """Size of a request; a larger one is answered with 413."""
    max_pixels: Annotated[Count, Flag(LIMITS)] = 16_000_000
    """Pixels of a picture, before or after; a larger one is answered with 413."""
    timeout: Annotated[Annotated[float, Field(gt=0)], Flag(LIMITS)] = 60.0
    """Seconds until a request that has no result yet is answered with 504."""


class DemoConfig(UpscalerConfig, AddressConfig):
    """What the demo page starts with."""

    port: Annotated[Port, Flag(SERVER)] = 7860
    """Port to listen on; 0 for any free one."""
    max_pixels: Annotated[Count, Flag(LIMITS)] = 16_000_000
    """Pixels of a picture, before or after."""
    examples: Annotated[str | None, Flag(is_path=True)] = None
    """Folder of pictures to choose from; default those that come with the sample set."""
