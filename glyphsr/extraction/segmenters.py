"""Which segmenter a configuration stands for on this machine."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from glyphsr.config.extraction import ExtractConfig
from glyphsr.errors import WeightsError
from glyphsr.extraction.localizers import ComponentInfo
from glyphsr.glyphs.ink_segmenter import InkSegmenter
from glyphsr.glyphs.protocols import Candidates, KeyPoints, Prompts, Segmenter
from glyphsr.glyphs.word import Word
from glyphsr.weights.registry import local_weights, sha256_of

if TYPE_CHECKING:
    from glyphsr.config.extraction import SamLayout
    from glyphsr.sam.predictor import SamPredictor

SAM_NAMES = {"vit_h": "sam-vit-h", "vit_l": "sam-vit-l", "vit_b": "sam-vit-b"}
"""Names in the registry; the paper's own size stands first."""

INK_NOTICE = (
    "masks are made of ink (no weights), since no checkpoint of {} is here; "
    "`glyphsr models pull {}` fetches one, --sam-checkpoint names one"
)


class SamSegmenter:
    """Segment Anything behind the :class:`Segmenter` protocol.

    Args:
        predictor: Ready to run.
    """

    def __init__(self, predictor: "SamPredictor") -> None:
        self.predictor = predictor

    def segment(
        self, words: Sequence[Word], key_points: Sequence[KeyPoints], prompts: Sequence[Prompts]
    ) -> list[Candidates]:
        """As :meth:`Segmenter.segment`; every prompt has one mask or three."""
        del key_points  # each prompt speaks for itself
        answers = self.predictor.segment([word.image for word in words], [own.points for own in prompts])
        return [Candidates(answer.masks, answer.confidence, answer.prompts) for answer in answers]


def describe_segmenter(config: ExtractConfig) -> ComponentInfo:
    """Resolve ``auto`` and find the checkpoint, without loading it.

    Raises:
        WeightsError: If SAM is asked for and its checkpoint is not available.
    """
    # The best checkpoint that is here, unless one is named.
    wanted = config.sam_checkpoint
    names = [SAM_NAMES[config.sam_type]] if config.sam_type else list(SAM_NAMES.values())
    if wanted is None:
        wanted = next((name for name in names if local_weights(name) is not None), None)

    # Without one ``auto`` means ink, and says so.
    if config.segmenter == "ink" or (config.segmenter == "auto" and wanted is None):
        what = (f"SAM {config.sam_type}", names[0]) if config.sam_type else ("SAM", "sam-vit-b")
        notices = [INK_NOTICE.format(*what)] if config.segmenter == "auto" else []
        if config.sam_checkpoint is not None:
            notices.append("--sam-checkpoint has no effect with --segmenter ink")
        return ComponentInfo({"name": "ink"}, tuple(notices))

    # The file, and what of it decides the masks.
    from glyphsr.weights.hub import resolve

    if wanted is None and not config.sam_type:
        raise WeightsError(
            "--segmenter sam: no SAM checkpoint here; `glyphsr models pull sam-vit-h` (or -l, -b) fetches one, "
            "--sam-checkpoint FILE names one"
        )
    path = resolve(wanted or names[0], offline=config.offline)
    facts = {
        "name": "sam",
        "weights": path.name,
        "sha256": sha256_of(path),
        "path": str(path),
        "layout": config.sam_layout,
        "precision": "fp32" if config.precision == "auto" else config.precision,
        "multimask": config.multimask,
    }
    return ComponentInfo(facts, (f"masks are made by SAM, {path}",) if config.segmenter == "auto" else ())


def open_sam(
    info: ComponentInfo, config: ExtractConfig, *, layout: "SamLayout | None" = None, device: str | None = None
) -> "SamPredictor":
    """Load the checkpoint that :func:`describe_segmenter` found.

    Args:
        info: Names the file.
        config: Type and batch.
        layout: Instead of the one in ``info``.
        device: Instead of the configured one.

    Raises:
        WeightsError: If it is damaged or no SAM, or not of the type asked for.
    """
    from glyphsr.sam.loading import sam_from_state
    from glyphsr.sam.predictor import SamPredictor
    from glyphsr.system.devices import resolve_device, resolve_precision
    from glyphsr.weights.published import read_state

    path = Path(info.facts["path"])
    network, shape = sam_from_state(read_state(path), str(path), type_=config.sam_type)

    place = resolve_device(device or config.device)
    return SamPredictor(
        network,
        shape,
        layout=layout or info.facts["layout"],
        device=place,
        dtype=resolve_precision(info.facts["precision"], place),
        prompt_batch=None if config.batch_size == "auto" else config.batch_size,
        multimask=config.multimask,
    )


def open_segmenter(info: ComponentInfo, config: ExtractConfig, *, device: str | None = None) -> Segmenter:
    """Load what :func:`describe_segmenter` found.

    Raises:
        WeightsError: As :func:`open_sam`.
    """
    return InkSegmenter() if info.facts["name"] == "ink" else SamSegmenter(open_sam(info, config, device=device))
