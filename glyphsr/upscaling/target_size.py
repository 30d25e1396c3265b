"""The size that an enlargement is asked to have."""

from dataclasses import dataclass

from glyphsr.errors import ConfigError

MAX_SCALE = 16.0


@dataclass(frozen=True)
class TargetSize:
    """The size asked for: a factor, or one or both sides in pixels.

    Raises:
        ConfigError: If a value is out of range or a factor comes together with a side.
    """

    scale: float | None = None
    width: int | None = None
    height: int | None = None

    def __post_init__(self) -> None:
        if self.scale is not None and (self.width or self.height):
            raise ConfigError("--scale: give either a factor or --width/--height, not both")
        if self.scale is not None and not 0 < self.scale <= MAX_SCALE:
            raise ConfigError(f"--scale: expected a factor above 0 and up to {MAX_SCALE:g}, got {self.scale:g}")
        for name, value in (("width", self.width), ("height", self.height)):
            if value is not None and value < 1:
                raise ConfigError(f"--{name}: expected at least 1 pixel, got {value}")

    def of(self, height: int, width: int) -> tuple[int, int]:
        """``(height, width)`` of the result for a picture of the given size; one side given keeps the aspect."""
        if self.width and self.height:
            return self.height, self.width
        if self.width:
            return max(1, round(height * self.width / width)), self.width
        if self.height:
            return self.height, max(1, round(width * self.height / height))

        scale = self.scale or 2.0
        return max(1, round(height * scale)), max(1, round(width * scale))
