"""Extract glyph masks: one picture from Python, or whole data sets, sharded and resumable."""

import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from glyphsr.config.extraction import (
    ExtractConfig,
    SamLayout,
    SamType,
)
from glyphsr.config.reader import settings_from
from glyphsr.data.glyph_lmdb import SUFFIX
from glyphsr.data.sources import SAMPLE_ROOT, find_lmdb
from glyphsr.errors import ConfigError
from glyphsr.extraction.dataset_run import DatasetExtraction, Report
from glyphsr.extraction.localizers import describe_localizer, open_localizer
from glyphsr.extraction.report import ExtractionReport
from glyphsr.extraction.segmenters import describe_segmenter, open_segmenter
from glyphsr.glyphs.extraction import extract_words, rejected
from glyphsr.glyphs.word import Rejection, prepare_word
from glyphsr.images.memory import MemoryImage, to_picture
from glyphsr.images.reader import read_picture
from glyphsr.system.devices import Precision
from glyphsr.system.shards import parse_shard
from glyphsr.types import Extraction


def extract_glyphs(
    image: str | Path | MemoryImage,
    text: str,
    *,
    config: ExtractConfig | str | Path | None = None,
    segmenter: Literal["auto", "sam", "ink"] | None = None,
    sam_checkpoint: str | Path | None = None,
    sam_type: SamType | None = None,
    multimask: bool | None = None,
    localizer: Literal["auto", "attention", "cuts", "checked"] | None = None,
    recognizer: str | None = None,
    glyph_recognizer: str | None = None,
    profile: Literal["standard", "paper", "robust"] | None = None,
    steps: Sequence[float] | None = None,
    threshold: float | None = None,
    anchors: Literal["paper", "ink"] | None = None,
    rule: Literal["paper", "guarded"] | None = None,
    refine: Literal["none", "intersect"] | None = None,
    max_line_fraction: float | None = None,
    when_none_passes: Literal["best", "empty"] | None = None,
    frame: Literal["natural", "paper"] | None = None,
    device: str | None = None,
    precision: Precision | None = None,
    batch_size: int | Literal["auto"] | None = None,
    offline: bool | None = None,
) -> Extraction:
    """Glyph masks of one word picture; without a SAM checkpoint they are made of its ink.

    Args:
        image: Path, PIL image, or array ``(H, W)`` or ``(H, W, 1..4)``: uint8, uint16, bool, or float in [0, 1]; one
            line of text. Transparency is laid over white.
        text: What it shows.
        config: Settings that no argument gives: an object, or a YAML file as ``glyphsr extract --config`` takes it.
        segmenter: ``sam``: Segment Anything. ``ink``: without weights. ``auto``: SAM where a checkpoint is given or
            stored.
        sam_checkpoint: Published SAM file, or a name such as sam-vit-h.
        sam_type: Which SAM the file must hold; read off the file by default.
        multimask: Three masks per prompt, all candidates, as SAM's authors advise for single points; else one.
        localizer: ``attention``: where a recognizer looks. ``cuts``: from the ink and the text. ``checked``: the
            former verified by the latter. ``auto``: attention where the recognizer's weights are available, else
            cuts.
        recognizer: Whose position attention (key point 1): a name or file of Telescope, ASTER, MORAN, PARSeq, SIGA,
            CRNN or CTC transformer weights.
        glyph_recognizer: Whose glyph attention (key point 2): ``siga`` or a file of its weights; ``kmeans`` for
            line masks under the columns that ``recognizer`` attends to. Null: SIGA where its weights are stored,
            else k-means.
        profile: ``paper``: whatever the paper sets (32 x 128, two attentions, SAM), without our filters.
            ``robust``: anchors on ink first, guarded selection, masks cut to ink so that counters stay open.
        steps: Shifts of each key point up, down, left and right.
        threshold: Least confidence of a mask.
        anchors: ``paper``: every anchor is a prompt. ``ink``: only those on ink. Default by profile.
        rule: ``guarded`` drops masks of unlikely size or reach before choosing. Default by profile.
        refine: ``intersect`` keeps of each mask what is ink. Default by profile.
        max_line_fraction: Masks that cover more of the picture are no character's; 1 keeps all. Default 0.5, with
            profile paper 1.
        when_none_passes: No mask above the threshold: choose among all, or leave the character empty. The meta says
            so either way.
        frame: Pictures are worked on at height 32 in their own aspect, or squeezed to 32 x 128 as the paper's
            loader does. Default by profile.
        device: auto, cpu, cuda, cuda:N or mps.
        precision: Of SAM; ``auto`` is fp32 here, since anything less changes masks a little.
        batch_size: Prompts that SAM decodes at once; halved when memory runs out.
        offline: Never fetch weights.

    Returns:
        Line mask ``(H, W)``, character masks ``(L, H, W)`` in reading order, and how each came about; ``rejected`` says
        why there are none.

    Raises:
        ConfigError: If a setting is unknown or does not fit.
        PictureError: If a file cannot be read.
        WeightsError: If weights that are asked for are not available.
        ValueError: If an array has another shape, dtype or range.
    """
    settings = settings_from(ExtractConfig, config, locals())
    if settings.sam_layout != "padded":
        raise ConfigError("sam_layout: one picture is always padded; the others are tested on a data set by `extract`")

    pixels = _pixels(image)
    try:
        word = prepare_word(pixels, text, squeeze=settings.squeezes)
    except Rejection as reason:
        return rejected((pixels.shape[0], pixels.shape[1]), str(reason))

    located = describe_localizer(settings)
    if settings.localizer_name != "auto":  # whose choice cannot surprise
        for notice in located.notices:
            warnings.warn(notice, stacklevel=2)

    locating = open_localizer(located, settings)
    segmenting = open_segmenter(describe_segmenter(settings), settings)
    return extract_words([word], locating, segmenting, settings)[0]


def _pixels(image: str | Path | MemoryImage) -> NDArray[np.uint8]:
    """``(H, W, 3)`` uint8 RGB."""
    picture = read_picture(Path(image)) if isinstance(image, str | Path) else to_picture(image)
    rgb = picture.rgb if picture.alpha is None else 1 + picture.alpha[..., None] * (picture.rgb - 1)
    return np.asarray((rgb.clip(0, 1) * 255).round(), np.uint8)


@dataclass(frozen=True)
class ExtractRun:
    """All sets of one command."""

    reports: tuple[ExtractionReport, ...]
    problems: tuple[str, ...]
    """Pictures and labels that could not be read."""

    @property
    def exit_code(self) -> int:
        """1 if no word could be looked at, 3 if some could not; words rejected for a reason are a result."""
        failed = sum(report.failed for report in self.reports)
        if not failed:
            return 0
        return 1 if failed == sum(report.words for report in self.reports) else 3


def extract(
    lmdb: str | Path | Sequence[str | Path],
    out: str | Path | None = None,
    *,
    shard: str | None = None,
    overwrite: bool = False,
    preview: int = 0,
    progress: Report | None = None,
    notify: Callable[[str], None] | None = None,
    config: ExtractConfig | str | Path | None = None,
    segmenter: Literal["auto", "sam", "ink"] | None = None,
    sam_checkpoint: str | Path | None = None,
    sam_type: SamType | None = None,
    sam_layout: SamLayout | None = None,
    localizer: Literal["auto", "attention", "cuts", "checked"] | None = None,
    recognizer: str | None = None,
    glyph_recognizer: str | None = None,
    profile: Literal["standard", "paper", "robust"] | None = None,
    steps: Sequence[float] | None = None,
    threshold: float | None = None,
    data_root: str | Path | None = None,
    limit: int | None = None,
    device: str | None = None,
    precision: Precision | None = None,
    batch_size: int | Literal["auto"] | None = None,
    workers: int | Literal["auto"] | None = None,
    engine: Literal["local", "ray"] | None = None,
    address: str | None = None,
    seed: int | None = None,
    offline: bool | None = None,
) -> ExtractRun:
    """Make the glyph LMDB of a data set, or of each of several.

    Finished chunks are kept beside the result, so that the same command continues after any interruption. With shards,
    whichever finishes the last chunk joins all of them.

    Args:
        lmdb: Path or name of an LMDB, or a folder of pictures; several are done one after the other.
        out: The glyph LMDB; default is ``<name>-glyphs`` beside its source.
        shard: ``I/N``: work on that shard; default is the rank of ``torchrun`` or ``accelerate launch``.
        overwrite: Replace results of other parameters.
        preview: Words on a contact sheet beside the result.
        progress: Called at the start and after each chunk.
        notify: Called with messages for the user before the work begins.
        config: Settings that no argument gives: an object, or a YAML file as ``--config`` takes it.
        segmenter: ``sam``: Segment Anything. ``ink``: without weights. ``auto``: SAM where a checkpoint is given or
            stored.
        sam_checkpoint: Published SAM file, or a name such as sam-vit-h.
        sam_type: Which SAM the file must hold; read off the file by default.
        sam_layout: ``padded`` encodes as SAM does. ``mosaic`` (four lines a canvas) and ``crop`` are faster and
            must pass a test.
        localizer: ``attention``: where a recognizer looks. ``cuts``: from the ink and the text. ``checked``: the
            former verified by the latter. ``auto``: attention where the recognizer's weights are available, else
            cuts.
        recognizer: Whose position attention (key point 1): a name or file of Telescope, ASTER, MORAN, PARSeq, SIGA,
            CRNN or CTC transformer weights.
        glyph_recognizer: Whose glyph attention (key point 2): ``siga`` or a file of its weights; ``kmeans`` for
            line masks under the columns that ``recognizer`` attends to. Null: SIGA where its weights are stored,
            else k-means.
        profile: ``paper``: whatever the paper sets (32 x 128, two attentions, SAM), without our filters.
            ``robust``: anchors on ink first, guarded selection, masks cut to ink so that counters stay open.
        steps: Shifts of each key point up, down, left and right.
        threshold: Least confidence of a mask.
        data_root: Folder of TextZoom; else $GLYPHSR_DATA, ./data/TextZoom, ./TextZoom, or the sample set if there
            is none.
        limit: Only the first so many samples.
        device: auto, cpu, cuda, cuda:N or mps.
        precision: Of SAM; ``auto`` is fp32 here, since anything less changes masks a little.
        batch_size: Prompts that SAM decodes at once; halved when memory runs out.
        workers: Processes; as many as the machine has cores, with a GPU one.
        engine: ``local``: this machine. ``ray``: the workers of a Ray cluster.
        address: Of the Ray cluster; ``auto`` for the one that this machine belongs to.
        seed: Nothing is drawn at random; part of every command.
        offline: Never fetch weights.

    Returns:
        What was done to each set.

    Raises:
        DataError: If the source is missing.
        ConfigError: If the result exists with other parameters; the difference is named.
        WeightsError: If weights are missing or damaged.
        GlyphSRError: If nothing can be written, or a worker process dies; finished chunks stay.
    """
    settings = settings_from(ExtractConfig, config, locals())
    if preview < 0:
        raise ConfigError(f"--preview: expected 0 or more words, got {preview}")

    part = parse_shard(shard)
    # A set that is named twice, or by two names, is worked on once.
    given = [lmdb] if isinstance(lmdb, str | Path) else lmdb
    sources = list(dict.fromkeys(path for name in given for path in _sources(str(name), settings)))
    outs = [Path(out) if out is not None else _default_out(path) for path in sources]
    # Each set has a result of its own.
    twice = next((path for path, count in Counter(outs).items() if count > 1), None)
    if twice is not None and out is None:
        raise ConfigError(f"--lmdb: masks of several sets would go to {twice}; do one at a time, each with -o")
    if twice is not None:
        names = " and ".join(path.name for path in sources)
        raise ConfigError(f"-o {out}: is of one set, and {names} are several; name one of them")

    # Weights are resolved once, so that all sets are extracted by the same.
    locating, segmenting = describe_localizer(settings), describe_segmenter(settings)
    reports, problems = [], []
    for path, target in zip(sources, outs, strict=True):
        one = DatasetExtraction(
            path,
            target,
            shard=part,
            config=settings,
            localizer=locating,
            segmenter=segmenting,
            notify=notify,
        )

        report, bad = one.run(overwrite=overwrite, preview=preview, progress=progress)
        reports.append(report)
        problems += [f"{path}: {problem}" for problem in bad]

    return ExtractRun(tuple(reports), tuple(problems))


def _sources(lmdb: str, config: ExtractConfig) -> list[Path]:
    path = Path(lmdb)
    # A folder of pictures; an empty one is looked up as a name.
    if path.is_dir() and not (path / "data.mdb").is_file() and any(path.iterdir()):
        return [path]
    return find_lmdb(lmdb, config.data_root)


def _default_out(source: Path) -> Path:
    """Beside the source; never inside the package, whose sample set is nobody's own."""
    if source.resolve().is_relative_to(SAMPLE_ROOT.resolve()):
        return Path(f"{source.name}{SUFFIX}")
    named = source if source.name not in ("", "..") else source.resolve()
    return named.with_name(f"{named.name}{SUFFIX}")
