"""Line mode on arrays: many lines of any size through the network in few batches."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast, get_args, overload

import numpy as np

from glyphsr.errors import ConfigError
from glyphsr.guard.guard import Guard, GuardMode
from glyphsr.images.resize import FloatImage, resize
from glyphsr.images.tiling import TilePlan, add_residual, plan_tiles
from glyphsr.system.devices import Precision, resolve_device, resolve_precision
from glyphsr.text.lexicon import open_lexicon
from glyphsr.upscaling.engine import Engine
from glyphsr.upscaling.guarded import guard_lines
from glyphsr.upscaling.image_calls import Boxes, ImageInput, PictureOptions, upscale_pictures
from glyphsr.upscaling.line import Line, UpscaledLine
from glyphsr.upscaling.line_search import Mode
from glyphsr.upscaling.network_runner import NetworkResult, NetworkRunner, moved
from glyphsr.upscaling.result import UpscaleResult
from glyphsr.upscaling.target_size import TargetSize
from glyphsr.weights.exported import ExportedModel, load_exported
from glyphsr.weights.facts import PriorWeights
from glyphsr.weights.hub import resolve
from glyphsr.weights.registry import DEFAULT
from glyphsr.weights.runtimes import GraphRuntime, Runtime, choose_runtime

if TYPE_CHECKING:  # torch loads with a model that it runs
    from glyphsr.weights.loading import LoadedModel

AUTO_BATCH_PIXELS = 48 * 16 * 64
"""LR pixels per batch with ``batch_size="auto"``: 48 lines of 16 x 64. Larger batches gained nothing on two cores."""

REFERENCE_PIXELS = 16 * 64


LINE_PIXELS = 8_000_000
"""Of a line, before or after, beyond which it is enlarged by bicubic alone: no line of text is so large, and its change
would take ten copies of it in memory."""

Draw = Literal["sure", "all"]
"""Whether only words that the prior is sure of are drawn as it reads them, or all."""


class Upscaler:
    """Loads a model once and upscales any number of pictures.

    Args:
        weights: A name or a checkpoint file.
        prior_weights: Text prior of a published network, or several to choose from.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        precision: ``auto``, ``fp32``, ``bf16`` or ``fp16``; a batch that comes out non-finite is redone in fp32.
        runtime: What runs the model: ``torch``, ``onnx`` (onnxruntime) or ``openvino``, of which the last two take an
            exported model and leave torch alone; ``auto`` takes onnxruntime on CPUs where the weights were exported.
        batch_size: Lines of 16 x 64 pixels per batch (other sizes in proportion), or ``auto``; halved when memory
            runs out.
        strength: Fraction of the network's change over bicubic that is applied, 0..1; default from the model's card.
        lexicon: Word list by which readings are corrected: ``english``, ``none``, or a text file with one word a line.
        draw: ``sure`` sharpens words that the prior is unsure of as they are seen, ``all`` draws every reading.
        guard: Whether a reader compares each line before and after; see :class:`~glyphsr.guard.guard.Guard`. ``auto``
            takes back what became another text in lines of pages and in lines with digits, ``revert`` in all lines,
            ``warn`` tells, ``off`` does nothing.
        guard_reader: A reader by name, or ``NAME=FILE``; default rapidocr where it is installed, else its recognizer in
            the package.
        offline: Never fetch weights.

    Raises:
        WeightsError: If the weights cannot be loaded.
        ConfigError: If an argument is out of range.
    """

    def __init__(
        self,
        weights: str | Path = DEFAULT,
        *,
        prior_weights: PriorWeights = None,
        device: str = "auto",
        precision: Precision = "auto",
        runtime: Runtime = "auto",
        batch_size: int | str = "auto",
        strength: float | None = None,
        lexicon: str = "english",
        draw: Draw = "sure",
        guard: GuardMode = "auto",
        guard_reader: str | None = None,
        offline: bool = False,
    ) -> None:
        choices = {
            "precision": (precision, Precision),
            "runtime": (runtime, Runtime),
            "draw": (draw, Draw),
            "guard": (guard, GuardMode),
        }
        for name, (value, known) in choices.items():
            if value not in get_args(known):
                raise ConfigError(f"{name}: expected one of {', '.join(get_args(known))}, got {value!r}")

        if strength is not None and not 0 <= strength <= 1:
            raise ConfigError(f"--strength: expected 0..1, got {strength:g}")

        if batch_size != "auto" and (isinstance(batch_size, str) or batch_size < 1):
            raise ConfigError(f"--batch-size: expected 'auto' or a number of at least 1, got {batch_size!r}")

        self.runtime = choose_runtime(runtime, weights, device=device, precision=precision)
        if self.runtime != "torch" and prior_weights:
            raise ConfigError(f"{weights}: was exported with its text prior; leave --prior-weights away")

        self._device, self._precision = device, precision
        if self.runtime == "torch":
            resolve_device(device)

        # Nothing heavy is loaded here; the model is when the first line comes.
        self.batch_pixels = AUTO_BATCH_PIXELS if isinstance(batch_size, str) else batch_size * REFERENCE_PIXELS
        self._weights, self._prior_weights, self._strength = weights, prior_weights, strength
        self._offline = offline
        self._guard, self._guard_reader = guard, guard_reader

        self.lexicon = open_lexicon(lexicon)
        self._draw = draw

    @cached_property
    def loaded(self) -> "LoadedModel | ExportedModel":
        """The model and what is known of it; loaded when first asked for."""
        if self.runtime != "torch":
            resolve(self._weights, offline=self._offline)  # compares its hash
            return load_exported(self._weights)
        from glyphsr.weights.loading import load_model

        loaded = load_model(self._weights, self._prior_weights, offline=self._offline)
        loaded.model.to(resolve_device(self._device))
        return loaded

    @cached_property
    def engine(self) -> Engine:
        """What runs it."""
        loaded = self.loaded
        if isinstance(loaded, ExportedModel):
            from glyphsr.upscaling.graph_engine import GraphEngine

            return GraphEngine(loaded, cast("GraphRuntime", self.runtime))
        from glyphsr.upscaling.torch_engine import TorchEngine

        device = resolve_device(self._device)
        return TorchEngine(loaded.model, device=device, dtype=resolve_precision(self._precision, device))

    @cached_property
    def runner(self) -> NetworkRunner:
        """Runs it in batches."""
        return NetworkRunner(
            self.engine,
            batch_pixels=self.batch_pixels,
            name=str(self.weights_path),
            confidence_gate=None if self._draw == "all" else self.loaded.config.confidence_gate,
            lexicon=self.lexicon,
        )

    def load(self) -> None:
        """Load the weights now rather than with the first picture."""
        _ = self.engine, self.guard

    @cached_property
    def guard(self) -> Guard | None:
        """The second reader; loaded when first asked for."""
        if self._guard == "off":
            return None
        return Guard(self._guard, reader=self._guard_reader, device=self._device, offline=self._offline)

    @property
    def weights_path(self) -> Path:
        """The file in use."""
        return self.loaded.path

    @property
    def strength(self) -> float:
        """Fraction of the network's change that is applied."""
        return self.loaded.default_strength if self._strength is None else self._strength

    def upscale_lines(self, lines: Sequence[Line]) -> list[UpscaledLine]:
        """Upscale lines; which lines travel together does not affect the result.

        Args:
            lines: Pictures and asked sizes.

        Returns:
            One result per line, in order.
        """
        upscaled = self._upscale(lines)
        if self.guard is None:
            return upscaled
        return guard_lines(self.guard, lines, upscaled)

    def _upscale(self, lines: Sequence[Line]) -> list[UpscaledLine]:
        """The same without the guard."""
        config = self.loaded.config.network
        plans = [None if _is_vast(line) else plan_tiles(line.rgb.shape[0], line.rgb.shape[1], config) for line in lines]
        # Only lines in which text can be seen pass through the network, at the height that it knows.
        shown = [(line, plan) for line, plan in zip(lines, plans, strict=True) if plan is not None]
        seen = [resize(line.rgb, (plan.height, plan.width)) for line, plan in shown]
        made = self.runner.run(seen, [plan for _, plan in shown], [line.text for line, _ in shown])

        results = iter(zip(seen, made, strict=True))

        upscaled = []
        for line, plan in zip(lines, plans, strict=True):
            if plan is None:
                # Too small or too large for the network: bicubic alone.
                enlarged = resize(line.rgb, line.size)
                is_given = enlarged is line.rgb  # which is in [0, 1] already, and not to be changed
                upscaled.append(UpscaledLine(enlarged if is_given else np.clip(enlarged, 0, 1, out=enlarged), None))
                continue
            plain = resize(line.rgb, line.size).clip(0, 1)
            picture, result = next(results)
            rgb = self._composed(line, picture, result)
            # Places of words in the picture's own columns.
            words = moved(result.words, line.rgb.shape[1] / plan.width)
            change = float(np.abs(rgb - plain).mean())
            upscaled.append(UpscaledLine(rgb, plan, words, change, is_sure=result.is_sure))
        return upscaled

    def _composed(self, line: Line, seen: FloatImage, result: NetworkResult) -> FloatImage:
        """The network's result at the asked size, as much of its change as the strength lets through."""
        return add_residual(line.rgb, seen, result.sr, size=line.size, strength=self.strength)

    def super_resolve(self, pictures: Sequence[FloatImage]) -> list[FloatImage]:
        """The model's results on pictures ``(h, w, 3)`` in [0, 1] of a size that its network takes, not clipped.

        Args:
            pictures: Of one tile each.

        Returns:
            ``(2h, 2w, 3)`` each.
        """
        plans = [TilePlan(picture.shape[0], picture.shape[1], (0,), picture.shape[1]) for picture in pictures]
        return [result.sr for result in self.runner.run(pictures, plans, [None] * len(pictures))]

    @overload
    def __call__(
        self,
        image: ImageInput,
        *,
        scale: float | None = None,
        width: int | None = None,
        height: int | None = None,
        text: str | None = None,
        mode: Mode = "auto",
        boxes: Boxes | None = None,
        min_text_height: float = 6.0,
        max_text_height: float = 96.0,
    ) -> UpscaleResult: ...

    @overload
    def __call__(
        self,
        image: list[ImageInput] | tuple[ImageInput, ...],
        *,
        scale: float | None = None,
        width: int | None = None,
        height: int | None = None,
        text: Sequence[str | None] | None = None,
        mode: Mode = "auto",
        boxes: None = None,
        min_text_height: float = 6.0,
        max_text_height: float = 96.0,
    ) -> list[UpscaleResult]: ...

    def __call__(
        self,
        image: ImageInput | list[ImageInput] | tuple[ImageInput, ...],
        *,
        scale: float | None = None,
        width: int | None = None,
        height: int | None = None,
        text: str | Sequence[str | None] | None = None,
        mode: Mode = "auto",
        boxes: Boxes | None = None,
        min_text_height: float = 6.0,
        max_text_height: float = 96.0,
    ) -> UpscaleResult | list[UpscaleResult]:
        """Upscale one picture, or a list of them, whose lines then share batches.

        Args:
            image: Path, PIL image, or array ``(H, W)`` or ``(H, W, 1..4)``: uint8, uint16, bool, or float in [0, 1]; or
                a list of these.
            scale: Factor on both sides, up to 16; 2 if no size is given.
            width: Pixels instead; alone it keeps the aspect.
            height: Likewise.
            text: What the picture says: given to the text prior and checked in the result; for a list one each.
            mode: ``line`` takes the picture as one line of text, ``page`` finds the lines in it, ``auto`` decides by
                the picture.
            boxes: Lines of a page, where they are known: a JSON file, or a list of ``(x0, y0, x1, y1)``, of four
                corners, or of objects with ``box`` and ``text``.
            min_text_height: Lines of a page that are smaller, in pixels, are left to plain enlargement.
            max_text_height: Lines that are larger likewise.

        Returns:
            The picture, and what was done and read; a list of them for a list.

        Raises:
            PictureError: If a file cannot be read, or the result would be too large.
            ValueError: If an array has another shape, dtype or range, or a box is none.
            ConfigError: If the size is out of range, or no detector is installed for mode ``page``.
            DataError: If the file of boxes cannot be read.
        """
        several = isinstance(image, list | tuple)
        images = list(image) if isinstance(image, list | tuple) else [image]
        if several and (isinstance(text, str) or boxes is not None):
            raise ConfigError("text, boxes: are of one picture, and a list is given; give text as a list")

        texts = [text] if text is None or isinstance(text, str) else list(text)
        texts = texts * len(images) if text is None else texts
        if len(texts) != len(images):
            raise ConfigError(f"text: expected one for each of {len(images)} pictures, got {len(texts)}")

        options = PictureOptions(
            target=TargetSize(scale, width, height),
            mode=mode,
            boxes=boxes,
            min_text_height=min_text_height,
            max_text_height=max_text_height,
        )
        results = upscale_pictures(self, images, texts, options)
        return results if several else results[0]

    def upscale(
        self,
        image: ImageInput,
        *,
        scale: float | None = None,
        width: int | None = None,
        height: int | None = None,
        text: str | None = None,
        mode: Mode = "auto",
        boxes: Boxes | None = None,
        min_text_height: float = 6.0,
        max_text_height: float = 96.0,
    ) -> UpscaleResult:
        """Upscale one picture: the same as calling the upscaler, which explains the arguments."""
        return self(
            image,
            scale=scale,
            width=width,
            height=height,
            text=text,
            mode=mode,
            boxes=boxes,
            min_text_height=min_text_height,
            max_text_height=max_text_height,
        )


def _is_vast(line: Line) -> bool:
    return bool(max(line.rgb.shape[0] * line.rgb.shape[1], line.size[0] * line.size[1]) > LINE_PIXELS)
