"""Loaded pictures enlarged, each as the line or the page that it is; lines travel together, whoever sent them."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2

from glyphsr.config.upscale import UpscaleConfig, UpscalerConfig
from glyphsr.errors import DataError, PictureError
from glyphsr.images.text_boxes import TextBox, read_boxes
from glyphsr.upscaling.line import Line, UpscaledLine
from glyphsr.upscaling.line_search import find_lines
from glyphsr.upscaling.pages import PageUpscaler, UpscaledPage
from glyphsr.upscaling.prefetch import LoadedPicture
from glyphsr.upscaling.upscaler import Upscaler


@dataclass(frozen=True, eq=False)
class Outcome:
    """What became of one picture."""

    item: LoadedPicture
    result: UpscaledLine | UpscaledPage | DataError | PictureError
    """The error where it could not be enlarged."""
    seconds: float = 0.0
    """Its part of the time that its batch took."""


class PictureUpscaler:
    """Enlarges pictures as a configuration says; the model is loaded with the first, or by :meth:`load`.

    Args:
        config: Settings of the model.

    Raises:
        ConfigError: If a setting is out of range.
    """

    def __init__(self, config: UpscalerConfig) -> None:
        self.upscaler = Upscaler(
            config.weights,
            prior_weights=config.prior_weights,
            device=config.device,
            precision=config.precision,
            runtime=config.runtime,
            batch_size=config.batch_size,
            strength=config.strength,
            lexicon=config.lexicon,
            draw=config.draw,
            guard=config.guard,
            guard_reader=config.guard_reader,
            offline=config.offline,
        )

        self.keeps_lines = isinstance(config, UpscaleConfig) and config.save_regions is not None
        self.pages = PageUpscaler(
            self.upscaler, min_text_height=config.min_text_height, max_text_height=config.max_text_height
        )

    def load(self) -> None:
        """Load the weights now: a wrong checkpoint is one error, not one per picture.

        Raises:
            WeightsError: If they cannot be loaded.
        """
        self.upscaler.load()

    def with_settings(self, config: UpscalerConfig) -> "PictureUpscaler":
        """One with other settings and the same weights, which are not loaded again."""
        other = PictureUpscaler(config)
        other.upscaler.loaded, other.upscaler.engine = self.upscaler.loaded, self.upscaler.engine
        return other

    def upscale(self, items: Sequence[LoadedPicture]) -> Iterator[Outcome]:
        """Enlarge pictures; who travels together does not affect the result.

        Args:
            items: As many as memory holds.

        Yields:
            Pages and pictures that failed, one by one, then the lines, which pass through the network together.
        """
        # Pages one by one as they come; pictures that are lines wait for the end of the chunk.
        lines: list[LoadedPicture] = []
        for item in items:
            started = time.monotonic()
            try:
                boxes = self._find_lines(item)
                if boxes is None:
                    lines.append(item)
                    continue
                page = self.pages.upscale(item.seen, item.size, boxes, keeps_lines=self.keeps_lines)
            except (DataError, PictureError) as error:
                yield Outcome(item, error)
            except (cv2.error, ValueError, MemoryError) as error:
                # OpenCV's messages have several lines, of which the last says what is wrong.
                reason = str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__
                yield Outcome(item, PictureError(f"{item.task.name}: its lines cannot be enlarged: {reason}"))
            else:
                yield Outcome(item, page, time.monotonic() - started)

        started = time.monotonic()
        results = self.upscaler.upscale_lines([Line(i.seen, i.size, i.text) for i in lines])
        seconds = (time.monotonic() - started) / max(1, len(lines))
        for item, result in zip(lines, results, strict=True):
            yield Outcome(item, result, seconds)

    def _find_lines(self, item: LoadedPicture) -> list[TextBox] | None:
        boxes = item.boxes
        given = None if boxes is None else lambda: read_boxes(boxes)
        return find_lines(item.seen, self.pages, mode=item.mode, text=item.text, given=given)
