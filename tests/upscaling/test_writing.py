"""What is written of a result, and what its report says was lost on the way."""

import io

import numpy as np
import pytest
from PIL import Image

from glyphsr.config.upscale import UpscaleConfig
from glyphsr.images.reader import Picture
from glyphsr.images.tiling import plan_tiles
from glyphsr.models.glyphsr.settings import GlyphSRConfig
from glyphsr.reading.word_readings import WordReading
from glyphsr.upscaling.file_tasks import FileTask
from glyphsr.upscaling.line import UpscaledLine
from glyphsr.upscaling.output_naming import compare_path
from glyphsr.upscaling.prefetch import LoadedPicture
from glyphsr.upscaling.report import report_fields, why_unchanged
from glyphsr.upscaling.writing import encode_upscaled, write_upscaled

SIZE = (32, 128)
WORDS = (WordReading("room", 0, 64, 0.9, "rooom"),)
PIXELS = np.full((16, 64, 3), 0.5, np.float32)


def item(target=None, **picture):
    return LoadedPicture(FileTask(None, target), Picture(PIXELS, **picture), SIZE)


def result(*, change=0.2, seen=True, words=WORDS):
    plan = plan_tiles(16, 64, GlyphSRConfig()) if seen else None
    return UpscaledLine(np.full((*SIZE, 3), 0.25, np.float32), plan, words, change=change)


def test_a_result_and_its_comparison_are_files_and_the_report_names_the_result(tmp_path):
    target = tmp_path / "below" / "out.png"
    config = UpscaleConfig(compare=True)
    report = write_upscaled(item(target), result(), config, strength=0.5, seconds=1.0, inputs=frozenset())
    with Image.open(target) as image:
        assert image.size == (128, 32)
        assert np.asarray(image)[0, 0].tolist() == [64, 64, 64]
    assert compare_path(target).is_file()
    assert (report.output, report.status, report.strength) == (str(target), "done", 0.5)
    assert (report.width, report.height, report.output_width, report.output_height) == (64, 16, 128, 32)


@pytest.mark.parametrize(
    ("format_name", "picture", "note"),
    [
        ("JPEG", {"bits": 16}, "16 bits"),
        ("JPEG", {"alpha": np.full((16, 64), 0.5, np.float32)}, "transparency"),
        ("PNG", {"num_frames": 3}, "first of 3 frames"),
        ("PNG", {"bits": 16}, None),
    ],
)
def test_what_a_file_cannot_keep_is_noted(format_name, picture, note):
    content, report = encode_upscaled(item(**picture), result(), format_name, quality=90, strength=1.0, seconds=0.0)
    with Image.open(io.BytesIO(content)) as image:
        assert image.format == format_name
    assert report.output is None
    assert (report.note is None) if note is None else (note in report.note)


@pytest.mark.parametrize(
    ("line", "method", "strength", "is_plain"),
    [
        (result(), "network", 0.5, False),
        (result(change=0.0), "bicubic", 0.5, True),
        (result(change=0.0, seen=False), "bicubic", 0.0, True),
        (result(change=0.0, words=()), "bicubic", 0.5, True),
    ],
)
def test_the_report_says_by_which_method_and_why(line, method, strength, is_plain):
    fields = report_fields(line, 0.5)
    assert (fields["method"], fields["strength"]) == (method, strength)
    assert (why_unchanged(line) is not None) == is_plain


def test_the_report_has_the_text_and_what_the_lexicon_replaced():
    fields = report_fields(result(), 1.0)
    assert (fields["prior_text"], fields["prior_confidence"], fields["lexicon_replaced"]) == ("room", 0.9, "rooom")
