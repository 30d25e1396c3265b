"""What the network perceives as glyphs, against the masks that extraction makes of HR."""

from collections.abc import Iterable, Iterator
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from glyphsr.config.extraction import ExtractConfig
from glyphsr.config.visualize import VisualizeConfig
from glyphsr.data.glyph_lmdb import GlyphLmdb, check_belongs, find_glyphs
from glyphsr.errors import ConfigError
from glyphsr.extraction.localizers import describe_localizer, open_localizer
from glyphsr.extraction.segmenters import describe_segmenter, open_segmenter
from glyphsr.glyphs.extraction import extract_words
from glyphsr.glyphs.protocols import Localizer, Segmenter
from glyphsr.glyphs.word import Rejection, prepare_word
from glyphsr.images.resize import resize
from glyphsr.images.tiling import cut_tiles, plan_tiles
from glyphsr.models.protocols import GlyphNetwork
from glyphsr.system.devices import resolve_device
from glyphsr.text.diff import marked
from glyphsr.text.slots import SlotCodec
from glyphsr.types import Extraction
from glyphsr.visualization.views.words import ShownWord
from glyphsr.viz.colours import laid_over
from glyphsr.viz.glyph_sheet import overlay
from glyphsr.viz.panels import Panel, Row
from glyphsr.weights.loading import load_model

SEEN = 0.5
"""Value of a character map from which a pixel is shown as the character's."""


class GlyphViewer:
    """A network with glyph perception, and extraction for words without stored masks.

    Args:
        config: Which.

    Raises:
        ConfigError: If the network perceives no glyphs.
        WeightsError: If weights are not available.
    """

    def __init__(self, config: VisualizeConfig) -> None:
        self.config = config
        if len(config.weights) != 1:
            raise ConfigError("--weights: expected one network for --what glyphs")

        self.device = resolve_device(config.device)
        model = load_model(config.weights[0], config.prior_weights or None, offline=config.offline).model
        self.model = model.to(self.device)

        gpm, network = self.model.config.network.glyph_perception, self.model.network
        if gpm is None or not isinstance(network, GlyphNetwork):
            raise ConfigError(f"--weights {config.weights[0]}: perceives no glyphs; expected a GlyphSR with a GPM")

        self.network = network

        self.slots = SlotCodec(gpm.num_slots, gpm.class_order, gpm.end_slot)
        self.has_maps, self.has_classes = gpm.char, gpm.cls
        self.notices: list[str] = []

    @property
    def settings(self) -> ExtractConfig:
        """Of the extraction."""
        return self.config.extract.model_copy(update={"offline": self.config.offline})

    @cached_property
    def localizer(self) -> Localizer:
        """Loaded when the first word needs it."""
        info = describe_localizer(self.settings)
        self.notices += info.notices
        return open_localizer(info, self.settings)

    @cached_property
    def segmenter(self) -> Segmenter:
        """Likewise."""
        info = describe_segmenter(self.settings)
        self.notices += info.notices
        return open_segmenter(info, self.settings)

    def rows(self, words: Iterable[ShownWord]) -> Iterator[Row]:
        """One row per word."""
        for word in words:
            yield self._row(word)

    @torch.inference_mode()
    def _row(self, word: ShownWord) -> Row:
        panels = [Panel("LR", word.lr)]
        plan = plan_tiles(word.lr.shape[0], word.lr.shape[1], self.model.config.network)
        if plan is not None:
            # The first window of the line, as `upscale` would cut it.
            seen = resize(word.lr.astype(np.float32) / np.float32(255), (plan.height, plan.width))
            window = cut_tiles(seen, plan)[0]
            lr = torch.from_numpy(window).permute(2, 0, 1)[None].to(self.device)
            prior = self.model.guide_of(self.model.text_prior(lr)) if self.model.prior is not None else None
            out = self.network.perceive(self.model.network_input(lr), prior, with_glyphs=True)
            # Without the padding after a short line.
            height, width = plan.height, min(plan.width, plan.window)
            picture = (window[:height, :width].clip(0, 1) * 255).round().astype(np.uint8)
            panels += self._perceived(out.glyphs, picture, word.label)

        if word.hr is not None:
            panels += self._extracted(word)

        title = f"{word.title} · {word.label}" if word.label is not None else word.title
        return Row(title, tuple(panels), word.subset)

    def _perceived(self, glyphs: object, picture: NDArray[np.uint8], label: str | None) -> list[Panel]:
        height, width = picture.shape[:2]

        # Only what the network was taught: heads that learned nothing show noise.
        line, chars, classes = (getattr(glyphs, name) for name in ("line", "chars", "classes"))

        panels = []

        if isinstance(line, Tensor):
            seen = line[0, 0, :height, :width].float().cpu().numpy()
            panels.append(Panel("line, perceived", laid_over(picture, seen)))

        if isinstance(chars, Tensor) and self.has_maps:
            seen = chars[0, :, :height, :width].float().cpu().numpy()
            panels.append(Panel("characters, perceived", _coloured(picture, seen)))

        if isinstance(classes, Tensor) and self.has_classes and panels:
            read = self.slots.decode(classes[0].argmax(dim=1).tolist())
            last = panels[-1]
            panels[-1] = Panel(last.caption, last.image, (("classes", tuple(marked(read, label))),))

        return panels

    def _extracted(self, word: ShownWord) -> list[Panel]:
        assert word.hr is not None
        found = self._masks(word)
        panels = [Panel("HR", word.hr)]

        if found is None or found.rejected:
            return panels
        quality = f"quality {found.quality:.2f}"
        panels.append(Panel("line, extracted", laid_over(word.hr, found.line.astype(np.float32))))
        panels.append(Panel(f"characters, {quality}", overlay(word.hr, found.chars)))
        return panels

    def _masks(self, word: ShownWord) -> Extraction | None:
        """Stored ones where there are, else extracted now; ``None`` without a text."""
        if word.source is not None and self.config.glyphs is not None:
            glyphs = GlyphLmdb(find_glyphs(word.source, self.config.glyphs))
            check_belongs(glyphs, word.source)
            return glyphs[word.place]
        if word.label is None or word.hr is None:
            return None

        settings = self.settings
        try:
            prepared = prepare_word(word.hr, word.label, squeeze=settings.squeezes)
        except Rejection:
            return None
        return extract_words([prepared], self.localizer, self.segmenter, settings)[0]


def _coloured(picture: NDArray[np.uint8], chars: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Each pixel in the colour of its strongest map, where that is strong enough."""
    strongest = chars.argmax(axis=0)
    return overlay(picture, np.stack([(strongest == i) & (chars[i] > SEEN) for i in range(len(chars))]))
