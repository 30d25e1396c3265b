"""Which localizer a configuration stands for on this machine."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glyphsr.config.extraction import ExtractConfig
from glyphsr.config.recognizers import CTC_KINDS, reads_strokes
from glyphsr.errors import ConfigError
from glyphsr.glyphs.protocols import Localizer
from glyphsr.glyphs.segmentation_localizer import CutsLocalizer
from glyphsr.weights.registry import fallback_for, local_weights, sha256_of

if TYPE_CHECKING:
    import torch  # without weights nothing needs it, and workers start in a fraction of the time

CUTS_NOTICE = (
    "characters are located by their ink and the label (cuts), since no {} weights are here; "
    "`glyphsr models list` says where its authors publish them"
)
STAND_IN_NOTICE = (
    "no {} weights are here, so {}, our own, shows where characters are; "
    "`glyphsr models list` says where its authors publish them"
)
ALIGNMENT_NOTICE = (
    "a recognizer with CTC fires anywhere within a character, the first often at the picture's border; "
    "--localizer checked lets cuts put that right (docs/decisions/0010)"
)

SIGA, KMEANS = "siga", "kmeans"
KMEANS_NOTICE = (
    "no SIGA weights are here, so glyph attention is a k-means mask under the columns that {} attends to; "
    "`glyphsr models list` says where its authors publish them"
)


@dataclass(frozen=True)
class ComponentInfo:
    """What a manifest says of a localizer or a segmenter."""

    facts: dict[str, Any]
    notices: tuple[str, ...] = field(default=())


def describe_localizer(config: ExtractConfig) -> ComponentInfo:
    """Resolve ``auto`` and find the weights, without loading anything.

    Raises:
        WeightsError: If attention is asked for and there is no such recognizer, or its weights cannot be fetched.
    """
    name = config.localizer_name
    notices: tuple[str, ...] = ()
    # `auto`: attention needs the recognizer's weights, cuts need none.
    if name == "auto":
        name = "cuts" if local_weights(config.recognizer) is None else "attention"
        notices = (CUTS_NOTICE.format(config.recognizer),) if name == "cuts" else ()
    if name == "cuts":
        return ComponentInfo({"name": name}, notices)
    from glyphsr.weights.hub import resolve

    # Key point 1: the recognizer that was asked for, or the package's own.
    recognizer = fallback_for(config.recognizer)
    if recognizer != config.recognizer:
        notices += (STAND_IN_NOTICE.format(config.recognizer, recognizer),)
    path = resolve(recognizer, offline=config.offline)
    if name == "attention" and _reads_by_ctc(path, config.recognizer):
        notices += (ALIGNMENT_NOTICE,)
    # Key point 2: SIGA's glyph attention, or what stands in for it.
    facts = {"name": name, "weights": path.name, "sha256": sha256_of(path), "path": str(path)}
    glyphs, notice = _describe_glyphs(config, path)
    return ComponentInfo(facts | glyphs, notices + notice)


def _describe_glyphs(config: ExtractConfig, recognizer: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Whose glyph attention it is, for a manifest, and what a person must know of it."""
    from glyphsr.weights.hub import resolve

    wanted = config.glyph_recognizer
    if wanted is None and local_weights(SIGA) is not None:
        wanted = SIGA
    if wanted is None or wanted == KMEANS:
        return {"glyphs": {"name": KMEANS}}, (KMEANS_NOTICE.format(recognizer.stem),) if wanted is None else ()

    path = resolve(wanted, offline=config.offline)
    facts = {"name": SIGA, "weights": path.name, "sha256": sha256_of(path)}
    return {"glyphs": facts, "glyphs_path": str(path)}, ()


def _reads_by_ctc(path: Path, name: str) -> bool:
    """Whether the weights are a CTC recognizer's, as far as their name or header tells."""
    if path.suffix != ".safetensors":
        return name == "crnn"
    from glyphsr.weights.checkpoints import read_checkpoint

    config = read_checkpoint(path, tensors=False).config
    return (config.get("prior") or config).get("kind") in CTC_KINDS


def open_localizer(info: ComponentInfo, config: ExtractConfig, device: "torch.device | None" = None) -> Localizer:
    """Load what :func:`describe_localizer` found.

    Raises:
        WeightsError: If the weights are damaged.
        ConfigError: If the recognizer cannot show where it looks.
    """
    if info.facts["name"] == "cuts":
        return CutsLocalizer()
    import torch

    from glyphsr.extraction.recognizer_attention import RecognizerAttention
    from glyphsr.extraction.siga_attention import SIGAAttention
    from glyphsr.glyphs.attention import AttentionLocalizer, CheckedLocalizer
    from glyphsr.weights.loading import load_recognizer

    network = load_recognizer(Path(info.facts["path"]))
    if reads_strokes(network.config):
        raise ConfigError(f"recognizer: {info.facts['path']} reads strokes; expected a recognizer of characters")

    # Key point 1 from this attention, key point 2 from SIGA's, or from clusters under the same columns.
    source = RecognizerAttention(network, config.key_points.heads, device or torch.device("cpu"))
    glyphs = None
    if info.facts["glyphs"]["name"] == SIGA:
        siga = load_recognizer(Path(info.facts["glyphs_path"]))
        glyphs = SIGAAttention(siga, device or torch.device("cpu"))

    attention = AttentionLocalizer(source, config.key_points, glyphs, separate=config.separates)
    return CheckedLocalizer(attention) if info.facts["name"] == "checked" else attention
