"""``upscale_files``: what the command ``upscale`` does, from Python."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from glyphsr.config.reader import settings_from
from glyphsr.config.upscale import UpscaleConfig
from glyphsr.guard.guard import GuardMode
from glyphsr.system.devices import Precision
from glyphsr.upscaling.files import run_files
from glyphsr.upscaling.line_search import Mode
from glyphsr.upscaling.report import PictureReport, UpscaleRun
from glyphsr.upscaling.upscaler import Draw
from glyphsr.weights.runtimes import Runtime


def upscale_files(
    inputs: str | Path | Sequence[str | Path],
    out: str | Path | None = None,
    *,
    config: UpscaleConfig | str | Path | None = None,
    report: str | Path | None = None,
    shard: str | None = None,
    progress: Callable[[PictureReport], None] | None = None,
    started: Callable[[int], None] | None = None,
    weights: str | Path | None = None,
    prior_weights: str | Path | None = None,
    scale: float | None = None,
    width: int | None = None,
    height: int | None = None,
    strength: float | None = None,
    lexicon: str | None = None,
    draw: Draw | None = None,
    guard: GuardMode | None = None,
    guard_reader: str | None = None,
    text: str | None = None,
    mode: Mode | None = None,
    boxes: str | Path | None = None,
    min_text_height: float | None = None,
    max_text_height: float | None = None,
    save_regions: str | Path | None = None,
    pages: str | None = None,
    recursive: bool | None = None,
    suffix: str | None = None,
    ext: str | None = None,
    quality: int | None = None,
    compare: bool | None = None,
    overwrite: bool | None = None,
    device: str | None = None,
    precision: Precision | None = None,
    runtime: Runtime | None = None,
    batch_size: int | Literal["auto"] | None = None,
    workers: int | None = None,
    engine: Literal["local", "ray"] | None = None,
    address: str | None = None,
    offline: bool | None = None,
) -> UpscaleRun:
    """Upscale files, folders, globs or stdin; what the command does, with its options as arguments.

    Args:
        inputs: Files, folders, globs, https addresses, ``clipboard:``, ``-`` for stdin, or what fsspec reads: URLs such
            as ``s3://bucket/folder``, and tar files of pictures, of which each becomes one.
        out: File, folder, or ``-`` for stdout; default beside each input. For URLs and tar files a folder or URL.
        config: Settings that no argument gives: an object, or a YAML file as ``--config`` takes it.
        report: Write a ``.json``, ``.jsonl``, ``.csv`` or ``.hocr`` report here, too. Its rows grow as pictures are
            finished, as JSON lines: in the report itself, or in ``<report>.jsonl`` beside it; a later run with the same
            report continues there. Of shard I of N it gets ``-I-of-N`` after its name.
        shard: ``I/N``: work on that shard of the inputs; default is the rank of ``torchrun`` or ``accelerate launch``.
        progress: Called with every picture's report as it is finished.
        started: Called once with the number of pictures to do.
        weights: Name of bundled weights, or a checkpoint file.
        prior_weights: With a published GlyphSR checkpoint: the published CRNN or PARSeq that gives its text prior.
        scale: Factor on both sides; 2 where no size is given.
        width: Width of the result in pixels; alone it keeps the aspect.
        height: Height of the result in pixels; alone it keeps the aspect.
        strength: Fraction of the network's change over bicubic that is applied; default from the model's card.
        lexicon: Word list by which readings are corrected before they are drawn: ``english``, ``none``, or a text
            file with one word a line. Numbers, codes and words with digits or marks in them are never corrected.
        draw: ``sure`` sharpens words that the text prior can hardly read as they are seen; ``all`` draws every reading.
        guard: A second reader reads lines before and after. What it read surely before has to be read after; else
            the line is left as bicubic has it. ``auto``: in lines of pages and lines with digits. ``revert``: in
            all lines. ``warn``: tell only. ``off``: do not read.
        guard_reader: Reader by name, or ``NAME=FILE``; default rapidocr where it is installed, else
            ``ppocr-v6-small``.
        text: What the picture says: given to the text prior and checked in the result.
        mode: ``line`` takes each picture as one line of text. ``page`` finds the lines in it and enlarges them
            where they are. ``auto`` takes pictures of more than 64 rows that hold more than one line as pages,
            where lines can be found.
        boxes: JSON file of the lines in a picture, or a folder with ``<name>.json`` for each; else they are looked
            for.
        min_text_height: Lines of a page that are smaller, in pixels, are left to plain enlargement.
        max_text_height: Lines of a page that are larger likewise: they are readable as they are.
        save_regions: Folder that receives each line of a page by itself, straight, as ``<name>-NN.png``.
        pages: Pages of PDF and TIFF files, such as ``1,3-5,8-``; all by default.
        recursive: Look into the folders below, too.
        suffix: Put after each name; default ``_x2`` (the factor) beside the input, nothing in a folder of its own.
        ext: File type of results whose name is not given: png, jpg, webp, tiff or bmp.
        quality: Of JPEG and WebP results.
        compare: Write ``<name>_compare.png`` too: bicubic above, result below.
        overwrite: Replace results that exist.
        device: auto, cpu, cuda, cuda:N or mps.
        precision: auto, fp32, bf16 or fp16.
        runtime: ``torch``, or of an exported model ``onnx`` (onnxruntime) or ``openvino``; ``auto`` takes onnxruntime
            on CPUs where the weights were exported.
        batch_size: Lines of 16 x 64 pixels per batch; halved when memory runs out.
        workers: Threads that read and write pictures.
        engine: ``local``: this process. ``ray``: the workers of a Ray cluster.
        address: Of the Ray cluster; ``auto`` for the one that this machine belongs to.
        offline: Never fetch weights.

    Returns:
        Reports in the order of the inputs; pictures that failed do not raise.

    Raises:
        ConfigError: If options, inputs and output do not go together, or a single output exists already.
        DataError: If a folder or glob holds no pictures.
        WeightsError: If the weights cannot be loaded.
    """
    settings = settings_from(UpscaleConfig, config, locals())
    return run_files(
        settings,
        inputs,
        out,
        report=None if report is None else Path(report),
        shard=shard,
        progress=progress,
        started=started,
    )
